"""The model in the box: whole, small, what its record says, and able to write."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from beyond_scaling import provenance, results
from beyond_scaling.corpora.default import default_text
from beyond_scaling.models import sizes
from beyond_scaling.models.default import NAME, RECORD, default_model
from beyond_scaling.models.load import LoadedModel, load_model
from beyond_scaling.models.own import introduce

from ..conftest import ROOT

FOLDER = default_model()
PARAMETERS = 440_288


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """More would only wait for each other: the model is small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("default_model", ROOT / "tools" / "default_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record() -> results.Record:
    return results.verify(RECORD, ROOT / "book" / "results")


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_model(FOLDER)


def test_the_folder_holds_a_small_model_and_nothing_else(tool: Any) -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted((*tool.FILES, tool.CARD))
    assert (FOLDER / "model.safetensors").stat().st_size <= 2_000_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 2_000_000
    with safe_open(FOLDER / "model.safetensors", "np") as weights:
        arrays = [weights.get_tensor(key) for key in weights.keys()]  # noqa: SIM118 - no mapping
    assert {array.dtype for array in arrays} == {np.dtype("float32")}
    assert sum(array.size for array in arrays) == PARAMETERS
    assert all(np.isfinite(array).all() for array in arrays)


def test_it_is_the_model_of_its_record(tool: Any, record: results.Record, loaded: LoadedModel) -> None:
    counted = {key: int(value) for key, value in sizes.parameters(loaded.model.config).items()}
    assert counted == record.summary["model"]
    assert counted["total"] == PARAMETERS == sum(weight.numel() for weight in loaded.model.parameters())
    tokenizer = next(item for item in record.inputs if item["name"].endswith("/tokenizer.json"))
    assert provenance.file_input(FOLDER / "tokenizer.json")["sha256"] == tokenizer["sha256"]
    assert len(loaded.tokenizer) == record.parameters["vocabulary"] == loaded.model.config.vocab_size
    assert loaded.model.config.max_position_embeddings == record.parameters["context"]
    # the last evaluation is of these weights; it is no worse than any before it, so no better ones were thrown away
    assert record.summary["sets"]["validation"]["last"] < record.summary["sets"]["validation"]["least"] + 0.01


def test_the_card_says_what_was_measured(tool: Any, record: results.Record) -> None:
    told = (FOLDER / tool.CARD).read_text(encoding="utf-8")
    loss = float(re.search(r"^\| \*Flatland\*.*\| (\d\.\d{3}) \|$", told, re.M)[1])
    bits = float(re.search(r"that is (\d\.\d\d) bits a byte", told)[1])
    assert (loss, bits) == pytest.approx(tool.excerpt_loss(FOLDER), abs=6e-3)  # another machine rounds otherwise
    assert told == tool.card(FOLDER, record, loss, bits)
    # a book that it has not seen is about as easy as the held-out tokens, and far easier than for one who guesses
    assert loss == pytest.approx(record.summary["sets"]["validation"]["last"], abs=0.35)
    assert loss < 0.6 * math.log(record.parameters["vocabulary"])


def test_the_tool_makes_the_same_folder_again(
    tool: Any, record: results.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "excerpt_loss", lambda _: (1.0, 1.0))
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "left-over").touch()
    tool.put(FOLDER, record, tmp_path / NAME)
    for name in tool.FILES:
        assert (tmp_path / NAME / name).read_bytes() == (FOLDER / name).read_bytes()
    assert (tmp_path / NAME / tool.CARD).read_text(encoding="utf-8") == tool.card(FOLDER, record, 1.0, 1.0)
    assert not (tmp_path / NAME / "left-over").exists()
    large = tmp_path / "large"
    large.mkdir()
    (large / "model.safetensors").write_bytes(bytes(tool.LARGEST + 1))
    with pytest.raises(ValueError, match=r"model.safetensors has 2,000,001 bytes; expected at most 2,000,000"):
        tool.put(large, record, tmp_path / "not-there")
    assert not (tmp_path / "not-there").exists()


def test_it_writes_words_and_the_same_ones_again(loaded: LoadedModel) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    introduce("beyond_openelm")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(FOLDER), AutoTokenizer.from_pretrained(FOLDER)
    prompt = tokenizer("It was a dark night, and", return_tensors="pt")["input_ids"]
    torch.testing.assert_close(model(prompt).logits, loaded.model(prompt).logits)

    def write(seed: int, count: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return model.generate(prompt, do_sample=True, top_k=20, max_new_tokens=count)[0]

    long, again, other = write(0, 120), write(0, 20), write(1, 20)
    assert torch.equal(long[: len(again)], again)
    assert not torch.equal(again, other)
    text = tokenizer.decode(long)
    assert text.startswith("It was a dark night, and")
    # most of the words that it writes are words of a book that it has never seen
    known = set(re.findall(r"[a-z]+", default_text().read_text(encoding="utf-8").lower()))
    written = re.findall(r"[a-z]+", text.lower())[6:-1]
    assert len(written) > 25
    assert sum(word in known for word in written) > 0.7 * len(written)
    greedy = [model.generate(prompt, do_sample=False, max_new_tokens=20) for _ in range(2)]
    assert torch.equal(*greedy)


def test_the_order_of_words_matters_to_it(loaded: LoadedModel) -> None:
    text = default_text().read_text(encoding="utf-8")
    tokens = torch.tensor(loaded.tokenizer.encode(text, add_special_tokens=False)[: 32 * 257]).view(32, 257)
    order = torch.randperm(257, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        straight, shuffled = (
            float(loaded.model.token_losses(rows[:, :-1], rows[:, 1:])[1]) / (32 * 256)
            for rows in (tokens, tokens[:, order])
        )
    assert straight < shuffled - 1


def test_asking_where_it_is_loads_nothing_heavy() -> None:
    code = (
        "import sys; from beyond_scaling.models.default import default_model; assert default_model().is_dir();"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_configuration_is_the_presets(record: results.Record) -> None:
    """Nothing was set by hand: the command of docs/default-model.md is the whole of it."""
    from beyond_scaling.training import config as configuration
    from beyond_scaling.training.record import flat

    wanted = json.loads(json.dumps(flat(configuration.load("default-model"))))
    assert {key: record.parameters[key] for key in wanted} == wanted
    assert "--set" not in record.command


def test_chapter_8_shows_this_model_on_this_text() -> None:
    shown = results.verify("radius-default", ROOT / "book" / "results")
    there = {item["name"]: item["sha256"] for item in shown.inputs}
    mine = (FOLDER / "model.safetensors", FOLDER / "config.json", FOLDER / "tokenizer.json", default_text())
    assert {path.name: there[path.name] for path in mine} == {
        path.name: provenance.file_input(path)["sha256"] for path in mine
    }
