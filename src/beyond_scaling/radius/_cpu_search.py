"""The exact search on a CPU: codes rule out nearly all pairs, float64 differences settle the rest.

Each pair is looked at once. Half the squared distances of the codes of two groups of rows, a tile, come from
one matrix product; pairs whose lower bound is under the best distance that either side has so far are
computed exactly from the vectors themselves. What is returned is always such an exact distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..progress import bar
from . import _kernels
from ._codes import BFLOAT16, FLOAT32, Codes, Kind, fastest_kind, rates
from ._points import Points
from ._sketch import Sketch, choose
from ._threads import split
from .subsets import Levels

TILE_BYTES = 1 << 23  # of a tile: it is read from the cache
GROUP_BYTES = 1 << 27  # of codes and copied rows in one of the two groups at hand
CROWDED = 0.05  # share of a tile's pairs computed exactly above which bfloat16 codes are too coarse


class TooCoarse(Exception):
    """The codes rule out too few pairs."""


@dataclass
class Group:
    """Some positions at hand: where their rows lie, their codes, and the pieces that make the sides of tiles."""

    first: int
    raw: np.ndarray
    places: np.ndarray
    codes: Codes
    pieces: list[tuple[int, int, int]]  # first, last (in the group), level


def pieces(levels: Levels, tile: int) -> list[tuple[int, int, int]]:
    """All positions cut into pieces (first, last, level) of at most a tile's rows, none across two levels."""
    out = []
    for level, (start, stop) in enumerate(zip(levels.starts, levels.starts[1:], strict=False)):
        parts = -(-(stop - start) // tile)
        edges = [start + (stop - start) * part // parts for part in range(parts + 1)]
        out += [(a, b, level) for a, b in zip(edges, edges[1:], strict=False)]
    return out


def grouped(cut: list[tuple[int, int, int]], rows: int) -> list[list[tuple[int, int, int]]]:
    """Consecutive pieces together, about `rows` rows a group."""
    out: list[list[tuple[int, int, int]]] = [[]]
    for piece in cut:
        if out[-1] and piece[1] - out[-1][0][0] > rows:
            out.append([])
        out[-1].append(piece)
    return out


class Search:
    """Searches pairs of groups; keeps the buffers and the kind of codes."""

    def __init__(self, points: Points, sketch: Sketch, kind: Kind) -> None:
        self.points, self.sketch, self.kind = points, sketch, kind
        self._product = torch.empty(0, dtype=kind.dtype)
        self._found: list[tuple[np.ndarray, np.ndarray]] = []
        self.computed = 0

    @property
    def tile_rows(self) -> int:
        """Rows and columns of a tile, at most."""
        return math.isqrt(TILE_BYTES // self.kind.dtype.itemsize)

    @property
    def group_rows(self) -> int:
        """Rows of a group, about."""
        size = self.kind.columns(self.sketch.width) * (2 if self.kind.shift else 4) + 16
        if self.points.direct is None:
            size += 4 * self.points.width
        return max(self.tile_rows, GROUP_BYTES // size)

    def group(self, cut: list[tuple[int, int, int]], rows: np.ndarray) -> Group:
        first = cut[0][0]
        raw, places = self.points.take(rows[first : cut[-1][1]])
        codes = Codes(raw, places, self.sketch, self.kind)
        return Group(first, raw, places, codes, [(a - first, b - first, level) for a, b, level in cut])

    def tiles(self, left: Group, right: Group, best: np.ndarray, advance: Any = None) -> None:
        """Every pair of one row of `left` and one of `right`; the same group twice: every pair in it."""
        same = left is right
        if same:  # near pairs first: they make all later tiles cheap
            for at in range(len(left.pieces)):
                first, last, _ = left.pieces[at]
                self.computed = 0
                self._tile(left, at, left, at, left.codes.facing(first, last), best)
                if self.kind is BFLOAT16 and self.sketch.axes is None and self.computed > CROWDED * (last - first) ** 2:
                    raise TooCoarse
        for across, (first, last, _) in enumerate(right.pieces):
            facing = right.codes.facing(first, last)
            for at in reversed(range(across)) if same else range(len(left.pieces)):
                self._tile(left, at, right, across, facing, best)
            if advance is not None:
                advance()

    def _tile(self, left: Group, at: int, right: Group, across: int, facing: torch.Tensor, best: np.ndarray) -> None:
        (a, b, level), (c, d, other) = left.pieces[at], right.pieces[across]
        diagonal = left is right and at == across
        level = max(level, other)
        if self._product.numel() < (b - a) * (d - c):
            self._product = torch.empty((b - a) * (d - c), dtype=self.kind.dtype)
        product = self._product[: (b - a) * (d - c)].view(b - a, d - c)
        torch.mm(left.codes.tensor[a:b], facing, out=product)
        tile = product.view(torch.int16 if self.kind.shift else torch.int32).numpy()
        rows, columns = _Side(left, a, b, best), _Side(right, c, d, best)
        if diagonal and b - a > 1:
            split(lambda _, i, j: _kernels.seed(tile, i, j, left.raw, rows.places, rows.best, level), b - a)
        scale, unit, shift = self.sketch.scale, left.codes.unit, self.kind.shift
        row_thresholds, column_thresholds = (
            side.thresholds(facing_side, level, scale, unit, self.kind)
            for side, facing_side in ((rows, columns), (columns, rows))
        )
        # columns are shared: threads read a copy, and what they find is entered afterwards
        column_best = columns.best.copy()
        counts = np.zeros((torch.get_num_threads(), 2), dtype=np.int64)
        found = self._room(len(counts), b - a, d - c)

        def scan(part: int, i: int, j: int) -> None:
            _kernels.scan(
                tile, diagonal, i, j, left.raw, rows.places, right.raw, columns.places, level,
                rows.best, rows.errors, rows.lengths, row_thresholds, column_best, column_thresholds,
                columns.errors.max(), columns.lengths.max(), scale, unit, shift, *found[part], counts[part],
            )  # fmt: skip

        split(scan, b - a)
        for (column, distance), (count, _) in zip(found, counts.tolist(), strict=True):
            _kernels.settle(columns.best, level, column, distance, count)
        self.computed += int(counts[:, 1].sum())

    def _room(self, parts: int, rows: int, columns: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per thread, room for all pairs of its rows: untouched memory costs nothing."""
        size = -(-rows // parts) * columns
        if len(self._found) != parts or len(self._found[0][0]) < size:
            self._found = [(np.empty(size, np.int32), np.empty(size)) for _ in range(parts)]
        return self._found


class _Side:
    """One side of a tile: views of the group's arrays and of the best distances."""

    def __init__(self, group: Group, first: int, last: int, best: np.ndarray) -> None:
        self.places = group.places[first:last]
        self.errors, self.lengths = group.codes.errors[first:last], group.codes.lengths[first:last]
        self.best = best[:, group.first + first : group.first + last]

    def thresholds(self, other: _Side, level: int, scale: float, unit: float, kind: Kind) -> np.ndarray:
        out = np.empty(len(self.places), dtype=kind.bits)
        _kernels.thresholds(
            self.best[level], self.errors, self.lengths, other.errors.max(), other.lengths.max(), scale, unit,
            kind.shift, out,
        )  # fmt: skip
        return out


def search(points: Points, levels: Levels, progress: bool = False) -> np.ndarray:
    """Smallest distances (levels, p) by position: level l counts the pairs of which both sides are in subset l."""
    kind = fastest_kind()
    sketch = choose(points, levels.rows, rates()[kind], torch.get_num_threads())
    best = np.full((levels.count, len(levels.rows)), np.inf)
    try:
        _all_pairs(Search(points, sketch, kind), levels, best, progress)
    except TooCoarse:
        _all_pairs(Search(points, Sketch(points.centre, points.scale), FLOAT32), levels, best, progress)
    return best * points.unit


def _all_pairs(work: Search, levels: Levels, best: np.ndarray, progress: bool) -> None:
    groups = grouped(pieces(levels, work.tile_rows), work.group_rows)
    total = sum(sum(len(right) for right in groups[at:]) for at in range(len(groups)))
    with bar(total=total, show=progress, desc="distances", unit=" blocks") as shown:
        for at, cut in enumerate(groups):
            left = work.group(cut, levels.rows)
            work.tiles(left, left, best, shown.update)
            for other in groups[at + 1 :]:
                work.tiles(left, work.group(other, levels.rows), best, shown.update)
