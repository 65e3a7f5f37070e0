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
        (drop_tokenizer, "no tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer cannot be loaded"),
        (bring_code, "cannot be loaded"),
    ],
)
def test_folders_that_will_not_do(tmp_path: Path, gpt2: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "broken"
    shutil.copytree(gpt2, folder)
    spoil(folder)
    with pytest.raises(ValueError, match=f"broken: .*{words}"):
        load_model(folder)


def test_files_that_will_not_do(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickled.bin")
    (tmp_path / "weights.safetensors").write_bytes(b"\0" * 40)
    for name, words in [
        ("pickled.bin", "pickled weights are refused"),
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
