"""Shuffled chunks: the same tokens, every order equally likely, each row on its own."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.corpora import shuffled


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 5))
def test_every_row_keeps_its_tokens(rows: int, length: int, seed: int) -> None:
    tokens = np.random.default_rng(seed).integers(0, 5, (rows, length)).astype(np.int32)
    kept = tokens.copy()
    mixed = shuffled(tokens, seed)
    assert (mixed.dtype, mixed.shape) == (tokens.dtype, tokens.shape)
    np.testing.assert_array_equal(np.sort(mixed, axis=1), np.sort(tokens, axis=1))
    np.testing.assert_array_equal(shuffled(tokens, seed), mixed)
    np.testing.assert_array_equal(tokens, kept)


def test_every_order_is_equally_likely_and_rows_are_independent() -> None:
    rounds = 12_000
    mixed = shuffled(np.tile(np.arange(3, dtype=np.int32), (rounds, 1)), 0)
    seen = Counter(map(tuple, mixed.tolist()))
    assert len(seen) == 6
    chi_square = sum((count - rounds / 6) ** 2 / (rounds / 6) for count in seen.values())
    assert chi_square < 20.5, "99.9% quantile of 5 degrees of freedom"
    pairs = Counter(zip(map(tuple, mixed[::2].tolist()), map(tuple, mixed[1::2].tolist()), strict=True))
    assert sum((count - rounds / 72) ** 2 / (rounds / 72) for count in pairs.values()) < 66.6, "35 degrees"
    assert (shuffled(mixed, 1) != shuffled(mixed, 2)).any()


@pytest.mark.parametrize(("tokens", "seed"), [(np.arange(3), 0), (np.zeros((2, 2)), 0), (np.eye(2, dtype=int), -1)])
def test_bad_input_is_named(tokens: np.ndarray, seed: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        shuffled(tokens, seed)
