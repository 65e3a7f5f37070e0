"""Batches: a function of seed and step, every line once an epoch, targets that follow their inputs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.training.batches import (
    IGNORED,
    EpochLines,
    RandomChunks,
    evaluation_chunks,
    evaluation_lines,
)

lines = st.lists(st.lists(st.integers(1, 90), min_size=2, max_size=13).map(np.array), min_size=1, max_size=12)


def unpadded(inputs: np.ndarray, targets: np.ndarray) -> list[list[int]]:
    """The sequences that rows of inputs and targets were made from."""
    found = []
    for row, wanted in zip(inputs, targets, strict=True):
        count = int((wanted != IGNORED).sum())
        assert (wanted[:count] != IGNORED).all()  # padding only at the end
        assert (row[1:count] == wanted[: count - 1]).all()
        found.append([*row[:count].tolist(), int(wanted[count - 1])])
    return found


@settings(deadline=None)
@given(lines, st.integers(1, 9), st.integers(0, 3))
def test_every_line_once_an_epoch(sequences: list[np.ndarray], size: int, seed: int) -> None:
    batches = EpochLines(sequences, size, seed)
    epochs = 3
    steps = -(-epochs * len(sequences) // size)
    seen = [line for step in range(steps) for line in unpadded(*batches.batch(step))]
    for epoch in range(epochs):
        some = seen[epoch * len(sequences) : (epoch + 1) * len(sequences)]
        assert sorted(some) == sorted(sequence.tolist() for sequence in sequences)


@settings(deadline=None)
@given(lines, st.integers(1, 5), st.integers(0, 40))
def test_a_step_does_not_depend_on_the_steps_before(sequences: list[np.ndarray], size: int, step: int) -> None:
    one, other = EpochLines(sequences, size, 7), EpochLines(sequences, size, 7)
    for before in range(step):
        one.batch(before)
    for a, b in zip(one.batch(step), other.batch(step), strict=True):
        assert (a == b).all()


@settings(deadline=None)
@given(lines, st.integers(1, 5), st.integers(2, 4), st.integers(0, 20))
def test_windows_sort_and_lose_nothing(sequences: list[np.ndarray], size: int, window: int, step: int) -> None:
    sorted_ones, plain = EpochLines(sequences, size, 5, window=window), EpochLines(sequences, size, 5)
    sorted_ones.batch(step)  # a step does not depend on those before
    drawn = [unpadded(*sorted_ones.batch(place)) for place in range(window)]
    wanted = [line for place in range(window) for line in unpadded(*plain.batch(place))]
    assert sorted(line for batch in drawn for line in batch) == sorted(wanted)
    ends = sorted((min(map(len, batch)), max(map(len, batch))) for batch in drawn)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(ends))
    assert sorted_ones.divisor == pytest.approx(size * np.mean([len(line) - 1 for line in sequences]))


def test_epochs_and_seeds_differ() -> None:
    sequences = [np.array([number, 1]) for number in range(50)]
    first, again = (EpochLines(sequences, 50, seed).batch(0)[0][:, 0].tolist() for seed in (0, 1))
    second = EpochLines(sequences, 50, 0).batch(1)[0][:, 0].tolist()
    assert sorted(first) == sorted(again) == sorted(second) == list(range(50))
    assert first != again
    assert first != second


@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 1000))
def test_chunks_are_runs_of_the_text(length: int, size: int, step: int) -> None:
    tokens = np.arange(1000, 1000 + length + 30, dtype=np.uint16)
    inputs, targets = RandomChunks(tokens, length, size, 3).batch(step)
    assert inputs.shape == targets.shape == (size, length)
    assert inputs.dtype == np.int64
    assert (targets == inputs + 1).all()
    assert (np.diff(inputs, axis=1) == 1).all()


def test_chunks_reach_both_ends_evenly() -> None:
    tokens = np.arange(13, dtype=np.uint16)
    starts = np.concatenate([RandomChunks(tokens, 3, 100, 0).batch(step)[0][:, 0] for step in range(100)])
    counts = np.bincount(starts, minlength=10)
    assert len(counts) == 10  # the last chunk's last target is the last token
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # chi-square, 9 degrees, p = 0.001


def test_evaluation_lines_hold_every_target() -> None:
    sequences = [np.array([1, 2, 3]), np.array([4, 5]), np.array([6, 7, 8, 9, 10, 11])]
    chosen = evaluation_lines(sequences)
    assert chosen.count == 2 + 1 + 5
    assert sorted(unpadded(chosen.inputs, chosen.targets)) == [[1, 2, 3], [4, 5], [6, 7, 8, 9, 10, 11]]


def test_evaluation_chunks_are_spread_and_do_not_overlap() -> None:
    tokens = np.arange(101, dtype=np.uint16)
    chosen = evaluation_chunks(tokens, 10, 4)
    assert chosen.inputs[:, 0].tolist() == [0, 30, 60, 90]
    assert int(chosen.targets[-1, -1]) == 100
    assert len(evaluation_chunks(tokens, 10, 1000).inputs) == 10


def test_targets_that_do_not_count() -> None:
    sequences = [np.array([1, 2, 3, 4]), np.array([5, 6])]
    chosen = evaluation_lines(sequences, skipped=[2, 0])
    assert chosen.targets.tolist() == [[6, IGNORED, IGNORED, IGNORED], [IGNORED, IGNORED, 4, IGNORED]]
    inputs, targets = EpochLines(sequences, 2, 0, skipped=[2, 0]).batch(0)
    order = [row[0] for row in inputs.tolist()].index(1)
    assert targets[order].tolist() == [IGNORED, IGNORED, 4, IGNORED]
    with pytest.raises(ValueError, match="a target that counts"):
        evaluation_lines(sequences, skipped=[3, 0])


def test_too_little_is_said() -> None:
    with pytest.raises(ValueError, match="5 tokens are too few for a chunk of 5"):
        RandomChunks(np.arange(5), 5, 1, 0)
    with pytest.raises(ValueError, match="held-out tokens are too few"):
        evaluation_chunks(np.arange(5), 5, 1)
    with pytest.raises(ValueError, match="a target that counts in each"):
        EpochLines([np.array([1])], 1, 0)
    with pytest.raises(ValueError, match="at least one sequence"):
        EpochLines([], 1, 0)
