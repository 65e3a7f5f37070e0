"""The exact search on a CPU: codes rule out nearly all pairs, float64 differences settle the rest.

Each pair is looked at once. Half the squared distances of the codes of two groups of rows, a tile, come from
one matrix product; pairs whose lower bound is under the best distance that either side has so far are
computed exactly from the vectors themselves. What is returned is always such an exact distance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch

from . import _kernels
from ._codes import BFLOAT16, FLOAT32, Codes, Kind, fastest_kind, rates
from ._points import Points
from ._product import product
from ._sketch import Sketch, choose
from ._threads import split
from .subsets import Piece

TILE_BYTES = 1 << 23  # of a tile: it is read from the cache
GROUP_BYTES = 1 << 27  # of codes and copied rows in one of the two groups at hand
SMALL = 1 << 16  # pairs: in a smaller tile a share says little
CROWDED = 0.05  # share of a tile's pairs computed exactly above which bfloat16 codes are too coarse


class TooCoarse(Exception):
    """The codes rule out too few pairs."""


class Group:
    """Some positions at hand: where their rows lie, and the pieces that make the sides of tiles."""

    def __init__(self, cut: list[Piece], raw: np.ndarray, places: np.ndarray) -> None:
        self.raw, self.places = raw, places
        starts = list(itertools.accumulate((last - first for first, last, _ in cut), initial=0))
        #: first and last in the group, level, and the position of the first
        self.pieces = [(a, b, cut[i][2], cut[i][0]) for i, (a, b) in enumerate(itertools.pairwise(starts))]
        self._codes: Codes | None = None

    def codes(self, sketch: Sketch, kind: Kind) -> Codes:
        if self._codes is None or self._codes.kind is not kind:
            self._codes = Codes(self.raw, self.places, sketch, kind)
        return self._codes


class CpuSearch:
    """Searches pairs of groups; keeps the buffers and the kind of codes."""

    def __init__(self, sketch: Sketch, kind: Kind, copied: int) -> None:
        """`copied`: bytes of a row that has to be copied, 0 if the vectors are used where they lie."""
        self.sketch, self.kind, self.copied = sketch, kind, copied
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
        code = self.kind.columns(self.sketch.width) * self.kind.dtype.itemsize
        return max(self.tile_rows, GROUP_BYTES // (code + self.copied + 16))

    def fetch(self, points: Points, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of `rows`: an array, and their places in it."""
        return points.take(rows)

    def received(self, vectors: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """As `fetch`, of vectors (q, n) from elsewhere."""
        return vectors.cpu().numpy(), np.arange(len(vectors))

    def sendable(self, vectors: tuple[np.ndarray, np.ndarray]) -> torch.Tensor:
        """What `fetch` gave as one contiguous tensor (q, n)."""
        raw, places = vectors
        return torch.from_numpy(np.ascontiguousarray(raw[places]))

    def group(self, cut: list[Piece], vectors: tuple[np.ndarray, np.ndarray]) -> Group:
        """The group of the pieces `cut` of positions, whose vectors are given in that order."""
        return Group(cut, *vectors)

    def nothing(self, levels: int, count: int) -> np.ndarray:
        """No distances yet: (levels, p)."""
        return np.full((levels, count), np.inf)

    def tiles(self, left: Group, right: Group, best: np.ndarray, advance: Callable[[int], object]) -> None:
        """Bring `best` (levels, p) up to date with all pairs of a row of `left` and one of `right`, or inside one.

        `advance` is told how many more pairs are done.
        """
        try:
            self._tiles(left, right, best, advance)
        except TooCoarse:
            self.kind, self.sketch = FLOAT32, Sketch(self.sketch.centre, self.sketch.scale)
            self._product = torch.empty(0, dtype=FLOAT32.dtype)
            self._tiles(left, right, best, advance)

    def _tiles(self, left: Group, right: Group, best: np.ndarray, advance: Callable[[int], object]) -> None:
        same, codes = left is right, right.codes(self.sketch, self.kind)
        if same:  # near pairs first: they make all later tiles cheap
            for at, (first, last, *_) in enumerate(left.pieces):
                self.computed = 0
                self._tile(left, at, left, at, codes.facing(first, last), best)
                if self.kind is BFLOAT16 and self.computed > CROWDED * (last - first) ** 2 > CROWDED * SMALL:
                    raise TooCoarse
        for across, (first, last, *_) in enumerate(right.pieces):
            facing = codes.facing(first, last)
            for at in reversed(range(across)) if same else range(len(left.pieces)):
                self._tile(left, at, right, across, facing, best)
            size = last - first
            advance(size * first + size * (size - 1) // 2 if same else size * len(left.places))

    def _tile(self, left: Group, at: int, right: Group, across: int, facing: torch.Tensor, best: np.ndarray) -> None:
        (a, b, level, _), (c, d, other, _) = left.pieces[at], right.pieces[across]
        codes = left.codes(self.sketch, self.kind)
        diagonal = left is right and at == across
        level = max(level, other)
        if self._product.numel() < (b - a) * (d - c):
            self._product = torch.empty((b - a) * (d - c), dtype=self.kind.dtype)
        halves = self._product[: (b - a) * (d - c)].view(b - a, d - c)
        product(codes.tensor[a:b], facing, out=halves)
        tile = halves.view(torch.int16 if self.kind.shift else torch.int32).numpy()
        rows = _Side(left, at, codes, best)
        columns = _Side(right, across, right.codes(self.sketch, self.kind), best)
        if diagonal and b - a > 1:
            split(lambda _, i, j: _kernels.seed(tile, i, j, left.raw, rows.places, rows.best, level), b - a)
        scale, unit, shift = self.sketch.scale, codes.unit, self.kind.shift
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

    def __init__(self, group: Group, piece: int, codes: Codes, best: np.ndarray) -> None:
        first, last, _, position = group.pieces[piece]
        self.places = group.places[first:last]
        self.errors, self.lengths = codes.errors[first:last], codes.lengths[first:last]
        self.best = best[:, position : position + last - first]

    def thresholds(self, other: _Side, level: int, scale: float, unit: float, kind: Kind) -> np.ndarray:
        out = np.empty(len(self.places), dtype=kind.bits)
        _kernels.thresholds(
            self.best[level], self.errors, self.lengths, other.errors.max(), other.lengths.max(), scale, unit,
            kind.shift, out,
        )  # fmt: skip
        return out


def engine(points: Points, rows: np.ndarray) -> CpuSearch:
    """The search that should be fastest for `rows` of `points` on this CPU."""
    kind = fastest_kind()
    copied = 0 if points.direct is not None else 8 * points.width
    return CpuSearch(choose(points, rows, rates()[kind], torch.get_num_threads()), kind, copied)
