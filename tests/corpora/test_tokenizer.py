"""Tokenizers: trained here alike every time, loaded from every form, and what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from beyond_scaling.corpora.tokenizer import END_OF_TEXT, load_tokenizer, train_tokenizer

PROSE = ["the cat sat on the mat, the bat sat on the hat\n" * 20, "naïve café — the end. " * 5]


@pytest.fixture(scope="module")
def trained() -> Any:
    return train_tokenizer(PROSE, 280)


def test_a_trained_tokenizer_has_its_size_and_gives_every_text_back(trained: Any) -> None:
    assert len(trained) == 280
    assert (trained.eos_token, trained.eos_token_id) == (END_OF_TEXT, 0)
    for text in [*PROSE, "", "Ω ≠ 語 \U0001f600\0\r\n", " two  spaces "]:
        assert trained.decode(trained.encode(text)) == text
    assert len(trained.encode(" the")) == 1, "a merge that was learnt"


def test_the_same_texts_train_the_same_tokenizer(trained: Any) -> None:
    again = train_tokenizer(iter(PROSE), 280)
    assert again.backend_tokenizer.to_str() == trained.backend_tokenizer.to_str()


def test_a_size_that_cannot_be(trained: Any) -> None:
    with pytest.raises(ValueError, match="vocabulary 256: expected at least 257"):
        train_tokenizer(PROSE, 256)
    with pytest.raises(ValueError, match=r"vocabulary 5000: the text has pieces for \d+ only"):
        train_tokenizer(PROSE, 5000)
    assert len(train_tokenizer([], 257)) == 257


def test_every_form_loads(trained: Any, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    trained.save_pretrained(folder)
    parts = json.loads(trained.backend_tokenizer.to_str())
    old = tmp_path / "old"
    old.mkdir()
    (old / "vocab.json").write_text(json.dumps(parts["model"]["vocab"]), encoding="utf-8")
    merges = "\n".join(" ".join(pair) for pair in parts["model"]["merges"])
    (old / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    for found in (
        load_tokenizer(folder),
        load_tokenizer(folder / "tokenizer.json"),
        load_tokenizer(old),
        AutoTokenizer.from_pretrained(folder, local_files_only=True),
    ):
        assert len(found) == 280
        assert found.eos_token_id == 0
        assert [found.encode(text) for text in PROSE] == [trained.encode(text) for text in PROSE]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"version": "1.0", "mod')
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "vocab.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "tokenizer.json").write_text("[]")
    for name, words in [
        ("cut.json", r"cut\.json: no tokenizer that can be read"),
        ("old", r"old/vocab\.json and merges\.txt: no tokenizer"),
        ("empty", r"empty: no tokenizer in it: expected tokenizer\.json, or vocab\.json"),
        ("bad", r"bad/tokenizer\.json: no tokenizer that can be read"),
        ("missing.json", r"missing\.json: no such tokenizer"),
        ("no/such/folder", r"no/such/folder: no such tokenizer"),
    ]:
        with pytest.raises(ValueError, match=words):
            load_tokenizer(tmp_path / name)


def test_a_hub_id_that_cannot_be_had_or_is_not_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(name: str, **options: object) -> Any:
        assert options == {"trust_remote_code": False}
        if name == "someone/away":
            raise OSError("We couldn't connect\nand more")
        return object()

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", asked)
    with pytest.raises(ValueError, match=r"someone/away: no tokenizer that can be read: We couldn't connect$"):
        load_tokenizer("someone/away")
    with pytest.raises(ValueError, match="someone/slow: not a fast tokenizer"):
        load_tokenizer("someone/slow")
