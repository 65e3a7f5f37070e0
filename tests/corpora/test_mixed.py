"""A corpus in pieces: what is trained on is nested, what is held out is fixed and apart, and a seed draws the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.corpora.mixed import mixed, training_pieces

TOKENS = np.arange(1_050, dtype=np.uint16)  # 105 pieces of 10, each token known by its place


def test_less_is_the_beginning_of_more() -> None:
    whole = mixed(TOKENS, 10, seed=4)
    for count in (1, 9, 10, 11, 250, 1_000):
        part = mixed(TOKENS, 10, seed=4, count=count)
        np.testing.assert_array_equal(part.training, whole.training[:count])
        np.testing.assert_array_equal(part.held_out, whole.held_out)
    assert len(whole.training) == 1_000
    assert len(whole.held_out) == 50  # 5 % of 105 pieces, whole ones


@given(st.integers(20, 120), st.integers(1, 9), st.integers(0, 8), st.integers(0, 2**32))
def test_every_piece_lies_on_one_side(pieces: int, length: int, rest: int, seed: int) -> None:
    tokens = np.arange(pieces * length + min(rest, length - 1))
    training, held_out = mixed(tokens, length, seed)
    both = np.concatenate([training, held_out])
    np.testing.assert_array_equal(np.sort(both), np.arange(pieces * length))
    starts = both.reshape(pieces, length)[:, 0]
    np.testing.assert_array_equal(both.reshape(pieces, length), starts[:, None] + np.arange(length))
    assert (starts % length == 0).all()
    assert len(held_out) == int(pieces * 0.05) * length


def test_a_part_of_what_is_held_out() -> None:
    whole = mixed(TOKENS, 10, seed=4)
    for wanted, there in ((1, 10), (10, 10), (11, 20), (50, 50), (999, 50)):
        held_out = mixed(TOKENS, 10, seed=4, held_out=wanted).held_out
        np.testing.assert_array_equal(held_out, whole.held_out[:there])


def test_a_seed_draws_the_order() -> None:
    one, again, other = mixed(TOKENS, 10, 0), mixed(TOKENS, 10, 0), mixed(TOKENS, 10, 1)
    np.testing.assert_array_equal(one.training, again.training)
    np.testing.assert_array_equal(one.held_out, again.held_out)
    assert not np.array_equal(one.training[:100], other.training[:100])
    assert not np.array_equal(one.held_out, other.held_out)
    assert one.training.dtype == TOKENS.dtype


def test_either_part_is_a_fair_sample() -> None:
    """A text whose tokens rise from its first to its last: both parts have its mean, whatever the D."""
    tokens = np.arange(200_000)
    small, large = (mixed(tokens, 20, seed=1, count=count).training for count in (20_000, 100_000))
    for part in (small, large, mixed(tokens, 20, seed=1).held_out):
        # the mean of m pieces drawn from a uniform is as far off as its standard error, or so
        error = 200_000 / np.sqrt(12) / np.sqrt(len(part) / 20)
        assert abs(part.mean() - tokens.mean()) < 4 * error


def test_how_many_pieces() -> None:
    assert training_pieces(1_059, 10) == 100
    assert training_pieces(1_059, 10, 1) == 1
    assert training_pieces(1_059, 10, 21) == 3
    assert training_pieces(1_059, 10, 1_000) == 100


@pytest.mark.parametrize(
    ("tokens", "length", "count", "words"),
    [
        (1_000, 0, None, "pieces of 0 tokens, expected at least 1"),
        (199, 10, None, "199 tokens are 19 pieces of 10, expected at least 20"),
        (1_050, 10, 1_001, "1,001 training tokens: in pieces of 10 there are 1...1,000"),
        (1_050, 10, 0, "0 training tokens: in pieces of 10 there are 1...1,000"),
    ],
)
def test_too_little_is_named(tokens: int, length: int, count: int | None, words: str) -> None:
    for attempt in (
        lambda: training_pieces(tokens, length, count),
        lambda: mixed(np.arange(tokens), length, 0, count),
    ):
        with pytest.raises(ValueError, match=r".") as error:
            attempt()
        assert words in str(error.value)
