"""Which sequences a step trains on: a function of the seed and the step alone.

So a run that goes on from a checkpoint needs no state of its data, and several processes agree on a batch without
talking. Inputs are (B, T), targets (B, T) are what follows each input; -100 marks padding, which no loss counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

IGNORED = -100
_MULTIPLE = 4  # of the padded length: few distinct shapes, little waste


class Batches(Protocol):
    """What a run trains on.

    `divisor` is what a step's summed objective is divided by: None for the number of its targets, or one number for all
    steps where the batches differ in length by design, so that every target weighs the same.
    """

    divisor: float | None

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (B, T) and targets (B, T), int64, of step 0, 1, ..."""
        ...


@dataclass(frozen=True)
class EvaluationSet:
    """Sequences that are only looked at: inputs and targets (k, T), any integers; -100 in targets is padding."""

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def count(self) -> int:
        """Targets that a loss counts."""
        return int((self.targets != IGNORED).sum())


class RandomChunks:
    """Chunks of `length` inputs at uniformly random places of a run of tokens, with repetition.

    Args:
        tokens: (D,) integers, as a memory map if need be. batch: chunks a step.

    Raises:
        ValueError: too few tokens for one chunk and the token after it.
    """

    def __init__(self, tokens: np.ndarray, length: int, batch: int, seed: int) -> None:
        if len(tokens) < length + 1:
            raise ValueError(f"{len(tokens):,} tokens are too few for a chunk of {length:,} and the one after it")
        self.tokens, self.length, self.size, self.seed = tokens, length, batch, seed
        self.divisor: float | None = None

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets (batch, length) of a step; each step draws from a generator of its own."""
        generator = np.random.default_rng([self.seed, step])
        starts = generator.integers(0, len(self.tokens) - self.length, size=self.size)
        rows = np.stack([self.tokens[start : start + self.length + 1] for start in starts]).astype(np.int64)
        return rows[:, :-1], rows[:, 1:]


class EpochLines:
    """Sequences in a new random order every epoch; a step takes the next `batch` of them, across epochs if need be.

    Args:
        sequences: of any lengths from 2; each is trained on from its first token to its last.
        skipped: of each, how many of its first targets do not count; by default none.
        window: so many batches are drawn together, sorted by length, and taken in random order: less padding. Then the
            objective is divided by a batch's mean number of targets, or short lines would weigh more than long ones.

    Raises:
        ValueError: no sequence, or one without a target that counts.
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        batch: int,
        seed: int,
        skipped: Sequence[int] | None = None,
        window: int = 1,
    ) -> None:
        self.tokens, self.lengths, self.skipped = packed(sequences, skipped)
        self.size, self.seed, self.window = batch, seed, window
        self.divisor: float | None = None
        if window > 1:
            self.divisor = batch * float((self.lengths - 1 - self.skipped).mean())
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        self._drawn, self._batches = -1, np.empty((0, 0), dtype=np.int64)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets (batch, T) of a step, T the longest of them up to a multiple of 4."""
        number, place = divmod(step, self.window)
        if number != self._drawn:
            self._batches, self._drawn = self._window(number), number
        rows = self._batches[place]
        return padded(self.tokens[rows], self.lengths[rows], self.skipped[rows])

    def _window(self, number: int) -> np.ndarray:
        """Rows of the sequences, (window, batch)."""
        count, size = len(self.lengths), self.window * self.size
        rows = np.array([self._row(*divmod(place, count)) for place in range(number * size, (number + 1) * size)])
        if self.window == 1:
            return rows[None]
        sorted_rows = rows[np.argsort(self.lengths[rows], kind="stable")].reshape(self.window, self.size)
        return np.random.default_rng([self.seed, number, self.window]).permutation(sorted_rows)

    def _row(self, epoch: int, place: int) -> int:
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.lengths))
            self._epoch = epoch
        return int(self._order[place])


def packed(
    sequences: Sequence[np.ndarray], skipped: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences side by side, (m, longest) int32 filled up with 0, their lengths (m,) and targets skipped (m,).

    Raises:
        ValueError: no sequence, or one without a target that counts.
    """
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    without = np.zeros_like(lengths) if skipped is None else np.asarray(skipped, dtype=np.int64)
    if len(lengths) == 0 or (lengths - without).min() < 2:
        raise ValueError("expected at least one sequence, and a target that counts in each")
    table = np.zeros((len(lengths), lengths.max()), dtype=np.int32)
    table[np.arange(table.shape[1]) < lengths[:, None]] = np.concatenate(sequences)
    return table, lengths, without


def padded(tokens: np.ndarray, lengths: np.ndarray, skipped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of sequences (B, longest), lengths (B,), skipped (B,); columns that none has are left out."""
    width = -(-(int(lengths.max()) - 1) // _MULTIPLE) * _MULTIPLE
    rows = np.zeros((len(tokens), width + 1), dtype=np.int64)
    kept = min(width + 1, tokens.shape[1])
    rows[:, :kept] = tokens[:, :kept]
    places = np.arange(1, width + 1)  # of the targets, in their sequences
    counts = (places > skipped[:, None]) & (places < lengths[:, None])
    targets = np.where(counts, rows[:, 1:], IGNORED)
    return rows[:, :-1], targets


def evaluation_lines(sequences: Sequence[np.ndarray], skipped: Sequence[int] | None = None) -> EvaluationSet:
    """Sequences to evaluate, shortest first, so that those evaluated together have little padding."""
    tokens, lengths, without = packed(sequences, skipped)
    order = np.argsort(lengths, kind="stable")
    return EvaluationSet(*padded(tokens[order], lengths[order], without[order]))


def evaluation_chunks(tokens: np.ndarray, length: int, count: int) -> EvaluationSet:
    """`count` chunks of `length` inputs, evenly spaced over a run of tokens (fewer if they would overlap).

    Raises:
        ValueError: too few tokens for one.
    """
    if len(tokens) < length + 1:
        raise ValueError(f"{len(tokens):,} held-out tokens are too few for a chunk of {length:,} and the one after it")
    count = min(count, max(1, (len(tokens) - 1) // length))
    starts = np.linspace(0, len(tokens) - length - 1, count).astype(np.int64)
    rows = np.stack([tokens[start : start + length + 1] for start in starts])
    return EvaluationSet(rows[:, :-1].astype(np.int32), rows[:, 1:].astype(np.int32))
