"""Nested random subsets: fraction f holds the first ceil(f m) entries of one permutation of the rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np


def subset_size(count: int, fraction: float) -> int:
    """ceil(fraction * count), safe against the rounding of the product."""
    exact = float(fraction) * count
    return math.ceil(exact - max(5e-10, exact * 2.0**-51))


def subset_order(count: int, seed: int = 0) -> np.ndarray:
    """The seeded permutation (count,) whose first ceil(f * count) entries are the subset of fraction f."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected an integer of at least 0")
    return np.random.default_rng(int(seed)).permutation(count)


def subset_rows(
    count: int, fraction: float, *, seed: int = 0, order: Sequence[int] | np.ndarray | None = None
) -> np.ndarray:
    """Ascending row numbers of the subset of fraction f, in whose order its distances come."""
    chosen = subset_order(count, seed) if order is None else np.asarray(order)
    return np.sort(chosen[: subset_size(count, fraction)])


def check_fractions(fractions: Sequence[float], count: int) -> list[float]:
    """The fractions as a list; ValueError unless each lies in (0, 1] and keeps at least 2 of `count` rows."""
    wanted = list(fractions) if isinstance(fractions, Iterable) else []
    if not wanted:
        raise ValueError(f"fractions is {fractions!r}; expected a sequence of numbers in (0, 1]")
    for fraction in wanted:
        number = isinstance(fraction, (int, float, np.floating)) and not isinstance(fraction, bool)
        if not number or not 0 < fraction <= 1:
            raise ValueError(f"fractions holds {fraction!r}; expected numbers in (0, 1]")
        size = subset_size(count, fraction)
        if size < 2:
            raise ValueError(
                f"fraction {fraction} of {count} vectors is {size}; a nearest other vector needs at least 2"
            )
    return wanted


def check_order(order: Sequence[int] | np.ndarray | None, count: int, seed: int) -> np.ndarray:
    """The permutation (count,) to take subsets from; ValueError if `order` is not one."""
    if order is None:
        return subset_order(count, seed)
    permutation = np.asarray(order)
    if (
        permutation.shape != (count,)
        or permutation.dtype.kind not in "iu"
        or not np.array_equal(np.sort(permutation), np.arange(count))
    ):
        raise ValueError(
            f"order has shape {permutation.shape}, dtype {permutation.dtype}; expected a permutation of 0...{count - 1}"
        )
    return permutation.astype(np.int64)


class Levels:
    """The rows that the subsets need, level by level: what each subset adds to the one before, ascending.

    `rows` (p,) are row numbers by position, `starts` where each level begins (and p at the end), `of` (q,)
    which level answers each of the fractions asked for.
    """

    def __init__(self, permutation: np.ndarray, fractions: Sequence[float]) -> None:
        count = len(permutation)
        sizes = sorted({subset_size(count, fraction) for fraction in fractions})
        self.starts = [0, *sizes]
        parts = [np.sort(permutation[a:b]) for a, b in itertools.pairwise(self.starts)]
        self.rows = np.concatenate(parts)
        self.count = len(sizes)
        self.of = [sizes.index(subset_size(count, fraction)) for fraction in fractions]

    def in_row_order(self, level: int) -> np.ndarray:
        """Positions (size,) of the subset of `level`, by ascending row number."""
        return np.argsort(self.rows[: self.starts[level + 1]], kind="stable")


Piece = tuple[int, int, int]  # positions first...last and their level


def pieces(levels: Levels, tile: int) -> list[Piece]:
    """All positions cut into pieces of at most `tile` rows, none across two levels."""
    spans = [(start, stop, level) for level, (start, stop) in enumerate(itertools.pairwise(levels.starts))]
    return list(itertools.chain.from_iterable(cut(span, tile) for span in spans))


def cut(span: Piece, tile: int) -> list[Piece]:
    """A span of positions of one level in equal pieces of at most `tile` rows."""
    start, stop, level = span
    parts = -(-(stop - start) // tile)
    edges = [start + (stop - start) * part // parts for part in range(parts + 1)]
    return [(a, b, level) for a, b in itertools.pairwise(edges)]


def grouped(parts: list[Piece], rows: int) -> list[list[Piece]]:
    """Consecutive pieces together, about `rows` rows a group."""
    out: list[list[Piece]] = []
    size = rows + 1
    for piece in parts:
        if size > 0 and size + piece[1] - piece[0] > rows:
            out.append([])
            size = 0
        out[-1].append(piece)
        size += piece[1] - piece[0]
    return out
