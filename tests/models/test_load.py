"""Loading models: what is taken, what is refused, and that every refusal says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from beyond_scaling.models.llama2c import Shape
from beyond_scaling.models.load import load_model

from . import tiny

SHAPE = Shape(dim=8, hidden=8, layers=1, heads=2, kv_heads=1, vocab=280, context=16, tied=True)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("models") / "tiny-gpt2")


def test_a_folder_loads_with_its_own_tokenizer_and_hashes(gpt2: Path) -> None:
    import torch

    loaded = load_model(gpt2, dtype="bfloat16")
    assert loaded.name == "tiny-gpt2"
    assert loaded.revision is None
    assert loaded.model.dtype == torch.bfloat16
    assert not loaded.model.training
    names = [item["name"] for item in loaded.inputs]
    assert names[:2] == ["config.json", "model.safetensors"]
    assert "tokenizer.json" in names
    assert all(len(item["sha256"]) == 64 and item["bytes"] > 0 for item in loaded.inputs)
    assert loaded.tokenizer.encode("the cat", add_special_tokens=False)


def test_a_link_to_a_folder_goes_by_its_own_name(tmp_path: Path, gpt2: Path) -> None:
    (tmp_path / "my-model").symlink_to(gpt2)
    assert load_model(tmp_path / "my-model").name == "my-model"


def test_a_llama2c_file_loads_with_a_tokenizer_of_either_kind(tmp_path: Path, gpt2: Path) -> None:
    binary = tiny.write_llama2c(tmp_path / "small.bin", SHAPE, tiny.llama2c_arrays(SHAPE))
    words = tiny.write_llama2c_tokenizer(tmp_path / "words.bin", [b" ", b"a", b" a"])
    loaded = load_model(binary, words)
    assert [item["name"] for item in loaded.inputs] == ["small.bin", "words.bin"]
    assert loaded.tokenizer.encode("a") == [1, 261]
    with pytest.raises(ValueError, match="300 tokens, the model small only 280"):
        load_model(binary, gpt2)
    with pytest.raises(ValueError, match=r"small\.bin: .*brings no tokenizer"):
        load_model(binary)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "opt", "neox"])
def test_a_whole_model_lacks_nothing(tmp_path: Path, kind: str) -> None:
    folder = tiny.save_model(tmp_path / kind, kind)
    load_model(folder)
    if kind == "gpt2":  # published without its output matrix, which is the embedding, and without a prefix
        tiny.model(kind).base_model.save_pretrained(folder)
        load_model(folder)


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))


def leave_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def drop_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def change_config(**changes: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return spoil


def bring_code(folder: Path) -> None:
    config = {
        "model_type": "mine",
        "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text("raise SystemExit('this must never run')\n")


def bring_tokenizer_code(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    mine = {"tokenizer_class": "MyTokenizer", "auto_map": {"AutoTokenizer": ["mine.MyTokenizer", None]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | mine))
    (folder / "mine.py").write_text("raise SystemExit('this must never run')\n")


def leave_only(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors").rename(folder / file)


def leave_adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text("{}")


def leave_pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_config, "cannot be loaded"),
        (leave_pickle, "pickled weights .*refused"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"no model\.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), r"no config\.json"),
        (cut_weights, "damaged weights"),
        (change_config(vocab_size="many"), "cannot be loaded"),
        (change_config(n_embd=0), "cannot be loaded"),
        (change_config(n_layer=3), "its weights lack transformer.h.2"),
        (change_config(n_positions=7), r"its transformer\.wpe\.weight has shape .*, its config\.json asks for \(7, "),
        (drop_tokenizer, "no tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer cannot be loaded"),
        (bring_code, r"needs the Python code that comes with it \(model type 'mine'\), which is never run"),
        (bring_tokenizer_code, r"its tokenizer needs the Python code .* \(MyTokenizer\), which is never run"),
        (change_config(quantization_config={"quant_method": "gptq"}), "its weights are quantised"),
        (change_config(transformers_weights="other.safetensors"), r"names other weights \('other\.safetensors'\)"),
        (lambda folder: (folder / "config.json").write_text("[]"), r"config\.json cannot be loaded: .* no object"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json cannot be loaded"),
        (leave_adapter, "an adapter, not a model"),
        (leave_only("model.gguf"), r"only model\.gguf: GGUF holds"),
        (leave_only("model.onnx"), r"only model\.onnx: an ONNX graph"),
        (leave_only("tf_model.h5"), r"only tf_model\.h5: transformers no longer reads TensorFlow"),
        (leave_only("flax_model.msgpack"), r"only flax_model\.msgpack: transformers no longer"),
        (lambda folder: (folder / "__0_0.distcp").touch(), r"distributed checkpoint .*pickled weights are refused"),
        (leave_pointer, r"model\.safetensors is Git LFS's pointer"),
    ],
)
def test_folders_that_will_not_do(tmp_path: Path, gpt2: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "broken"
    shutil.copytree(gpt2, folder)
    spoil(folder)
    with pytest.raises(ValueError, match=f"broken: .*{words}"):
        load_model(folder)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "sharded"
    tiny.model("llama").save_pretrained(folder, max_shard_size="10KB")
    tiny.save_tokenizer(folder)
    return folder


def test_shards_are_read_and_hashed_every_one(shards: Path) -> None:
    import torch

    files = sorted(path.name for path in shards.glob("model-*.safetensors"))
    assert len(files) > 2
    loaded = load_model(shards)
    names = [item["name"] for item in loaded.inputs]
    assert names[: len(files) + 2] == ["config.json", "model.safetensors.index.json", *files]
    for name, weight in tiny.model("llama").state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], weight)


def edit_index(change: Callable[[dict[str, str]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(index["weight_map"])
        path.write_text(json.dumps(index))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "model-00002-of-00004.safetensors").unlink(), r"1 of 4 shards missing, .*-00002-of-00004"),
        (lambda f: (f / "model.safetensors.index.json").unlink(), r"without their model\.safetensors\.index\.json"),
        (lambda f: (f / "model.safetensors.index.json").write_text("{}"), "damaged weights: .* is no index"),
        (edit_index(dict.clear), "names no shard"),
        (edit_index(lambda m: m.update(x="../up.safetensors")), r"names the shard '\.\./up\.safetensors'; expected"),
        (edit_index(lambda m: m.update(x="weights.bin")), r"names the shard 'weights\.bin'; expected"),
    ],
)
def test_shards_that_will_not_do(tmp_path: Path, shards: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "broken"
    shutil.copytree(shards, folder)
    assert len(list(folder.glob("model-*"))) == 4
    spoil(folder)
    with pytest.raises(ValueError, match=f"broken: .*{words}"):
        load_model(folder)


def test_weights_are_cast_and_angles_are_not(tmp_path: Path, gpt2: Path) -> None:
    import torch

    folder = tiny.save_model(tmp_path / "llama", "llama")
    binary = tiny.write_llama2c(tmp_path / "small.bin", SHAPE, tiny.llama2c_arrays(SHAPE))
    words = tiny.write_llama2c_tokenizer(tmp_path / "words.bin", [b"a"])
    for loaded in (load_model(folder, dtype="float16"), load_model(binary, words, dtype="float16")):
        assert {weight.dtype for weight in loaded.model.parameters()} == {torch.float16}
        assert loaded.model.model.rotary_emb.inv_freq.dtype == torch.float32
        assert loaded.attention == "sdpa"


def test_attention_falls_back_where_an_architecture_has_no_sdpa(tmp_path: Path, gpt2: Path) -> None:
    from transformers import CodeGenConfig, CodeGenForCausalLM

    assert load_model(gpt2).attention == "sdpa"
    config = CodeGenConfig(vocab_size=300, n_positions=32, n_embd=16, n_layer=1, n_head=4, rotary_dim=4)
    CodeGenForCausalLM(config).save_pretrained(tmp_path)
    tiny.save_tokenizer(tmp_path)
    assert load_model(tmp_path).attention == "eager"


def test_a_kernel_named_in_the_settings_is_not_fetched(tmp_path: Path, gpt2: Path) -> None:
    folder = tmp_path / "kernel"
    shutil.copytree(gpt2, folder)
    change_config(attn_implementation="someone/kernel", _attn_implementation="someone/kernel")(folder)
    assert load_model(folder).attention == "sdpa"


def test_a_model_class_of_our_own_loads_by_its_model_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beyond_scaling.models import own

    from . import own_model

    assert not own.introduce("gpt2")
    own_model.Model(own_model.Config()).save_pretrained(tmp_path)
    tiny.save_tokenizer(tmp_path)
    change_config(auto_map={"AutoModelForCausalLM": "mine.Model"})(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('this must never run')\n")
    with pytest.raises(ValueError, match=r"'tiny-of-ours'.* never run"):
        load_model(tmp_path)
    monkeypatch.setitem(own.OWN, "tiny-of-ours", (own_model.__name__, "Config", "Model"))
    assert type(load_model(tmp_path).model) is own_model.Model


def test_a_llama2c_file_is_not_taken_for_a_pickle_by_its_width(tmp_path: Path) -> None:
    from beyond_scaling.models.weights import looks_pickled

    for dim in (128, 384, 640, 896):
        path = tmp_path / f"{dim}.bin"
        path.write_bytes(dim.to_bytes(4, "little") + bytes(24))
        assert not looks_pickled(path)
    with pytest.raises(ValueError, match=r"128\.bin: header"):
        load_model(tmp_path / "128.bin")


def test_files_that_will_not_do(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickled.bin")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    (tmp_path / "weights.safetensors").write_bytes(b"\0" * 40)
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\0" * 40)
    for name, words in [
        ("pickled.bin", "pickled weights are refused"),
        ("old.bin", "pickled weights are refused"),
        ("model.gguf", r"model\.gguf: GGUF holds"),
        ("weights.safetensors", "name the folder"),
        ("missing.bin", "no such file or folder"),
        ("no/such/folder", "no such file or folder"),
    ]:
        with pytest.raises(ValueError, match=words):
            load_model(tmp_path / name, tmp_path / "words.bin")


def test_a_hub_id_without_a_hub_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ValueError, match=r"someone/some-model: .*hub cannot be reached"):
        load_model("someone/some-model")


def test_a_hub_id_takes_safetensors_only_and_keeps_the_commit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gpt2: Path
) -> None:
    import huggingface_hub

    snapshot = tmp_path / ("5" * 40)
    shutil.copytree(gpt2, snapshot)
    asked = {}

    def download(name: str, **options: object) -> str:
        asked.update(options, name=name)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    loaded = load_model("someone/tiny")
    assert (loaded.name, loaded.revision, asked["name"]) == ("someone/tiny", "5" * 40, "someone/tiny")
    assert not any(pattern.endswith((".bin", ".py", ".pt")) or pattern == "*" for pattern in asked["allow_patterns"])


def test_options_are_checked(gpt2: Path) -> None:
    with pytest.raises(ValueError, match="dtype 'int8': expected one of float32"):
        load_model(gpt2, dtype="int8")
    for device in ("nowhere", "meta"):
        with pytest.raises(ValueError, match=f"device '{device}' is not available"):
            load_model(gpt2, device=device)
