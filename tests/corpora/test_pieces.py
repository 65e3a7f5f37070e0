"""Tokens by the piece are the tokenizer's own, for every character and every way to write."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from beyond_scaling.corpora import pieces as module
from beyond_scaling.corpora.pieces import Encoder, pieces
from beyond_scaling.corpora.slices import slices
from beyond_scaling.corpora.tokenizer import END_OF_TEXT, train_tokenizer

PROSE = "It's the first of the last words, isn't it?  We'll see\n\nthat THE 12 men don't say: “naïve café” in 1999. "


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer([PROSE * 20], 300)


def gpt2_pieces(text: str) -> list[str]:
    """As `tokenizers` cuts it."""
    found = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    return [text[first:last] for _, (first, last) in found]


def test_every_character_is_of_the_kind_that_gpt2s_pattern_takes_it_for() -> None:
    signs = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    common = [sign for sign in signs if not module._RARE.search(sign)]
    assert len(common) > 50_000
    text = "".join(f"a{sign}1{sign}!{sign} {sign} ~" for sign in common)
    assert pieces(text) == gpt2_pieces(text)


PARTS = [
    "the",
    "It",
    "'s",
    "'ll",
    "'",
    " ",
    "  ",
    "\n",
    "\t",
    "\xa0",
    "12",
    "½",
    "Ⅳ",
    "é",
    "\x1c",
    "_",
    "...",
    "\U0001d7d8",
]
TEXTS = st.lists(st.sampled_from([*PARTS, END_OF_TEXT]) | st.text(max_size=3), max_size=20).map("".join)


@given(TEXTS)
def test_a_texts_tokens_are_the_tokenizers(tokenizer: Any, text: str) -> None:
    found = Encoder(tokenizer).text(text)
    assert found.dtype == np.uint16
    assert found.tolist() == tokenizer.encode(text, add_special_tokens=False)
    assert "".join(pieces(text)) == text


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "it", "the", "naïve", "first", "ß"]), max_size=3).map(" ".join), max_size=8
    ),
    st.sampled_from([" ", "\n"]),
)
def test_the_tokens_of_words_are_those_of_the_words_joined(tokenizer: Any, groups: list[str], joined_by: str) -> None:
    text = joined_by.join(" ".join(groups).split())
    expected = tokenizer.encode(text, add_special_tokens=False)
    assert Encoder(tokenizer).words(groups, joined_by).tolist() == expected
    assert Encoder(another_kind(tokenizer)).words(groups, joined_by).tolist() == expected


def another_kind(tokenizer: Any, **changes: Any) -> Any:
    """The same tokenizer in a form that the lookup does not know, or with parts of its description changed."""
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    parts["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [parts["pre_tokenizer"]]}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps({**parts, **changes})))


def test_a_tokenizer_of_another_kind_is_asked(tokenizer: Any) -> None:
    assert Encoder(tokenizer).by_piece
    lower = another_kind(tokenizer, normalizer={"type": "Lowercase"}, pre_tokenizer=None)
    spaced = copy.deepcopy(tokenizer)
    spaced.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    for other in (lower, spaced, another_kind(tokenizer)):
        encoder = Encoder(other)
        assert not encoder.by_piece
        assert encoder.text(PROSE).tolist() == other.encode(PROSE, add_special_tokens=False)


def test_memory_is_bounded_and_another_process_begins_with_none(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(tokenizer)
    expected = encoder.text(PROSE).tolist()
    monkeypatch.setattr(module, "PIECES", 12)
    monkeypatch.setattr(module, "_known", {})
    for first in range(0, len(PROSE), 7):
        encoder.text(PROSE[first : first + 7])
        assert all(len(known) <= 12 for known in module._known.values())
    assert encoder.text(PROSE).tolist() == expected, "more pieces at once than are kept"
    packed = pickle.dumps(encoder)
    assert pickle.loads(packed).text(PROSE).tolist() == expected


def test_a_long_text_is_cut_in_slices(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PROSE * 30
    parts = list(slices(text, 100))
    assert len(parts) > 20
    monkeypatch.setattr(module, "slices", lambda text: parts)
    assert Encoder(tokenizer).text(text).tolist() == tokenizer.encode(text, add_special_tokens=False)
