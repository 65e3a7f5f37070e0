"""Random chunks: exact length, inside one document, uniform, reproducible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.corpora import random_chunks


class Letters:
    """One token a character: a chunk can be compared with its document."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return ([0] if add_special_tokens else []) + [ord(character) for character in text]


def corpus(lengths: list[int]) -> list[str]:
    """Documents of the given lengths in which no two characters are alike."""
    first, texts = 1000, []
    for length in lengths:
        texts.append("".join(chr(first + i) for i in range(length)))
        first += length
    return texts


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=12), st.integers(1, 5), st.integers(0, 3), st.data())
def test_chunks_are_distinct_whole_and_sorted(lengths: list[int], length: int, seed: int, data: st.DataObject) -> None:
    texts = corpus(lengths)
    places = sum(max(0, n - length + 1) for n in lengths)
    count = data.draw(st.integers(1, max(1, places)))
    if places < count:
        with pytest.raises(ValueError, match=f"too little text: {len(texts)} documents .* {places} places"):
            random_chunks(texts, Letters(), count, length, seed)
        return
    chunks = random_chunks(texts, Letters(), count, length, seed)
    assert chunks.tokens.shape == (count, length)
    assert (chunks.documents, chunks.corpus_tokens, chunks.places) == (len(texts), sum(lengths), places)
    positions = list(zip(chunks.document.tolist(), chunks.offset.tolist(), strict=True))
    assert positions == sorted(set(positions))
    for (document, offset), tokens in zip(positions, chunks.tokens, strict=True):
        assert "".join(map(chr, tokens)) == texts[document][offset : offset + length]
    if count == places:
        everywhere = [(d, i) for d, n in enumerate(lengths) for i in range(n - length + 1)]
        assert positions == everywhere


def test_every_place_is_equally_likely() -> None:
    lengths, length, rounds, count = [30, 3, 2, 12], 3, 4000, 4
    texts = corpus(lengths)
    places = [(d, i) for d, n in enumerate(lengths) for i in range(max(0, n - length + 1))]
    hits = dict.fromkeys(places, 0)
    for seed in range(rounds):
        chunks = random_chunks(texts, Letters(), count, length, seed)
        for position in zip(chunks.document.tolist(), chunks.offset.tolist(), strict=True):
            hits[position] += 1
    p = count / len(places)
    z = (np.array(list(hits.values())) - rounds * p) / np.sqrt(rounds * p * (1 - p))
    assert np.abs(z).max() < 4, hits


def test_a_larger_sample_holds_the_smaller_one_and_seeds_differ() -> None:
    texts = corpus([50, 70])

    def positions(count: int, seed: int) -> set[tuple[int, int]]:
        chunks = random_chunks(texts, Letters(), count, 5, seed)
        return set(zip(chunks.document.tolist(), chunks.offset.tolist(), strict=True))

    assert positions(10, 0) == positions(10, 0)
    assert positions(10, 0) < positions(20, 0)
    assert positions(10, 0) != positions(10, 1)


def test_special_tokens_stay_out() -> None:
    assert 0 not in random_chunks(corpus([9]), Letters(), 5, 5).tokens


@pytest.mark.parametrize(("count", "length"), [(0, 3), (3, 0)])
def test_counts_are_checked(count: int, length: int) -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        random_chunks(["abc"], Letters(), count, length)


def test_transformers_does_not_warn_of_long_documents(tmp_path, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    from ..models import tiny

    words = tiny.save_tokenizer(tmp_path)  # of a model with a context of 32 tokens
    random_chunks([tiny.prose(200)], words, 3, 8)
    assert not caplog.records
