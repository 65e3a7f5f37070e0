"""The exact search by tensor operations: for GPUs, and for CPUs without compiled loops.

Matrix products of 16-bit codes (float32 sums) give half the squared code distances of all pairs, each pair
once; of every tile only the least in each row and BLOCK columns is kept, in a table. The table says which blocks
may hold a row's nearest neighbour: the best block of each row gives a distance, and with that few others remain.
Distances to a block's vectors come from differences in the vectors' own precision; the nearest one's, from
differences in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ._points import Points
from ._product import product
from .subsets import Piece

BLOCK = 32  # columns that share an entry of the table
TILE = 8192  # rows and columns of a product
TABLE_SHARE = 0.1  # of the device's free memory, for each of two tables
TABLE_BYTES = 1 << 28  # on a CPU
WORK_BYTES = 1 << 29  # of differences at a time on a GPU; a CPU takes a sixteenth
UNDERFLOW = 1e-15  # float32 distances under it may have lost digits
SINGLE = (2.0**-50, 2.0**40)  # scales of vectors whose float32 differences neither overflow nor mostly underflow
FAR = 3e4  # half a squared distance that no code reaches: marks padding
WIDE = 1 << 14  # numbers in a code of which half the squared length stays under FAR


@dataclass
class Group:
    """Some positions on the device, every level padded to whole blocks.

    `rows` (q, n): the vectors; `position` (q,): where a row's result goes, -1 for padding; `level_ends`: rows
    of the group up to the end of each level; `count`: rows that are no padding.
    """

    rows: torch.Tensor
    position: torch.Tensor
    level_ends: list[int]
    count: int
    codes: torch.Tensor  # (q, columns) float16
    errors: torch.Tensor  # (q,) float32, rounded up
    lengths: torch.Tensor  # (q,) float32, rounded up
    unit: float


class DeviceSearch:
    """Searches pairs of groups on one device."""

    def __init__(self, centre: np.ndarray, scale: float, device: torch.device) -> None:
        self.device, self.width = device, len(centre)
        self.exact = torch.float32 if SINGLE[0] <= scale <= SINGLE[1] else torch.float64
        self.scale = scale * 2.0 ** -max(0, math.ceil(math.log2(self.width / WIDE) / 2))
        self.centre = torch.from_numpy(centre).to(device)

    @property
    def tile_rows(self) -> int:
        """Rows of a piece, at most."""
        return min(TILE, self.group_rows)

    @property
    def group_rows(self) -> int:
        """Rows of a group: its table, and its vectors twice over, have to fit."""
        if self.device.type != "cuda":
            return math.isqrt(TABLE_BYTES * BLOCK // 4)
        free = torch.cuda.mem_get_info(self.device)[0]
        by_table = math.isqrt(int(free * TABLE_SHARE) * BLOCK // 4)
        return max(TILE, min(by_table, int(free * TABLE_SHARE) // (8 * self.width)))

    def fetch(self, points: Points, rows: np.ndarray) -> torch.Tensor:
        """The vectors of `rows` on the device."""
        return points.tensor(rows).to(self.device)

    def received(self, vectors: torch.Tensor) -> torch.Tensor:
        """As `fetch`, of vectors (q, n) from elsewhere."""
        return vectors.to(self.device)

    def sendable(self, vectors: torch.Tensor) -> torch.Tensor:
        """What `fetch` gave as one contiguous tensor (q, n)."""
        return vectors.contiguous()

    def nothing(self, levels: int, count: int) -> torch.Tensor:
        """No distances yet: (levels, p)."""
        return torch.full((levels, count), math.inf, dtype=torch.float64, device=self.device)

    def group(self, cut: list[Piece], vectors: torch.Tensor) -> Group:
        """The group of the pieces `cut` of positions, whose vectors (q, n) are given in that order."""
        parts, positions, ends, at = [], [], [], 0
        for level in range(max(level for _, _, level in cut) + 1):
            mine = [(first, last) for first, last, own in cut if own == level]
            size = sum(last - first for first, last in mine)
            padding = -size % BLOCK
            parts += [vectors[at : at + size], vectors.new_zeros(padding, self.width)]
            positions += [torch.arange(first, last) for first, last in mine] + [torch.full((padding,), -1)]
            at += size
            ends.append(sum(len(part) for part in parts))
        position = torch.cat(positions).to(self.device)
        rows = torch.cat(parts)
        rows = rows.to(torch.promote_types(rows.dtype, self.exact))
        return Group(rows, position, ends, at, *self._encode(rows, position < 0))

    def _encode(
        self, rows: torch.Tensor, padding: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
        """Codes of rows (q, n): float16 numbers, the squared length in three columns, ones in three."""
        count, width = rows.shape
        columns = -(-(width + 6) // 64) * 64
        codes = torch.zeros((count, columns), dtype=torch.float16, device=self.device)
        errors, halves = (torch.empty(count, dtype=torch.float64, device=self.device) for _ in range(2))
        step = max(1, self._work_bytes() // (32 * width))
        for a in range(0, count, step):
            values = (rows[a : a + step].double() - self.centre) * self.scale  # (b, n)
            values.masked_fill_(padding[a : a + step, None], 0)
            rounded = values.to(torch.float16)
            codes[a : a + step, :width] = rounded
            errors[a : a + step] = torch.linalg.vector_norm(values - rounded.double(), dim=1)
            halves[a : a + step] = rounded.double().square().sum(dim=1) / 2
        lengths = (2 * halves).sqrt()
        rest = halves.masked_fill(padding, FAR)
        for part in range(3):
            piece = rest.to(torch.float16)
            codes[:, width + part] = piece
            rest = rest - piece.double()
        codes[:, width + 3 : width + 6] = 1
        # of a product: float32 sums, of which matrix units may drop the last bit
        unit = (columns + 8) * 2.0**-23
        return codes, _upwards(errors), _upwards(lengths), unit

    def tiles(self, left: Group, right: Group, best: torch.Tensor, advance: Callable[[int], object]) -> None:
        """Bring `best` (levels, p) up to date with all pairs of a row of `left` and one of `right`, or inside one.

        `advance` is told how many more pairs are done.
        """
        same = left is right
        of_left = self._table(len(left.rows), len(right.rows))
        of_right = of_left if same else self._table(len(right.rows), len(left.rows))
        for start in range(0, len(right.rows), TILE):
            facing = self._facing(right, start)  # (columns, c)
            for begin in range(start if same else 0, len(left.rows), TILE):
                tile = self._product(left.codes[begin : begin + TILE], facing)  # (r, c)
                if same and begin == start:
                    tile.diagonal().fill_(math.inf)
                r, c = tile.shape
                rows, columns = slice(begin, begin + r), slice(start, start + c)
                of_left[rows, start // BLOCK : (start + c) // BLOCK] = tile.view(r, c // BLOCK, BLOCK).amin(dim=2)
                if not (same and begin == start):
                    least = tile.view(r // BLOCK, BLOCK, c).amin(dim=1)  # (r / BLOCK, c)
                    of_right[columns, begin // BLOCK : (begin + r) // BLOCK] = least.T
        self._settle(left, right, of_left, best, same)
        if not same:
            self._settle(right, left, of_right, best, same)
        advance(left.count * (left.count - 1) // 2 if same else left.count * right.count)

    def _table(self, rows: int, others: int) -> torch.Tensor:
        return torch.empty((rows, others // BLOCK), dtype=torch.float32, device=self.device)

    def _facing(self, group: Group, start: int) -> torch.Tensor:
        """(columns, c): the codes of `group` from row `start`, as the other factor of the product."""
        codes = group.codes[start : start + TILE]
        width = self.width
        other = -codes
        other[:, width : width + 3] = 1
        other[:, width + 3 : width + 6] = codes[:, width : width + 3]
        return other.T

    def _product(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if self.device.type == "cuda":
            return torch.mm(left, right, out_dtype=torch.float32)
        return product(left.float(), right.float())

    def _settle(self, group: Group, other: Group, table: torch.Tensor, best: torch.Tensor, same: bool) -> None:
        """Exact distances where the table (rows of `group`, blocks of `other`) leaves room for an improvement."""
        errors = other.errors.view(-1, BLOCK).amax(dim=1)  # (blocks,)
        lengths = other.lengths.view(-1, BLOCK).amax(dim=1)
        for level in range(len(best)):
            rows = group.level_ends[min(level, len(group.level_ends) - 1)]
            blocks = other.level_ends[min(level, len(other.level_ends) - 1)] // BLOCK
            if not rows or not blocks:
                continue
            part, position = table[:rows, :blocks], group.position[:rows]
            found = best[: level + 1, position.clamp(min=0)].amin(dim=0)  # (rows,)
            found[position < 0] = 0  # padding looks for nothing
            values, where = part.min(dim=1)
            bound = self._bound(group, slice(0, rows), found, errors[where], lengths[where])
            near = (values <= bound).nonzero()[:, 0]
            self._improve(group, other, near, where[near], found, same)
            part[near, where[near]] = math.inf
            # one bound for all blocks reads the table once; the few entries under it are held against their own
            bound = self._bound(group, slice(0, rows), found, errors[:blocks].amax(), lengths[:blocks].amax())
            entry = 4 if self.device.type == "cuda" else 32  # bytes; more only where most entries stay open
            step = max(1, self._work_bytes() // (entry * blocks))
            for first in range(0, rows, step):
                some = slice(first, min(first + step, rows))
                row, block = (part[some] <= bound[some, None]).nonzero(as_tuple=True)
                row = row + first
                open_ = part[row, block] <= self._bound(group, row, found[row], errors[block], lengths[block])
                row, block = row[open_], block[open_]
                self._improve(group, other, row, block, found, same)
                part[row, block] = math.inf
            real = position >= 0
            best[level, position[real]] = found[real]

    def _bound(
        self, group: Group, rows: slice | torch.Tensor, found: torch.Tensor, errors: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """What half a squared code distance is at most if the true distance is under `found`; -inf where that is 0.

        All (q,): `rows` are theirs in `group`, `errors` and `lengths` of the other side.
        """
        reach = (found * self.scale).float() * (1 + 1e-6) + group.errors[rows] + errors
        half = 0.5 * reach.square() + group.unit * (group.lengths[rows] + lengths).square() + 2.0**-22
        return torch.where(found > 0, half * (1 + 1e-6), -math.inf)

    def _improve(
        self,
        group: Group,
        other: Group,
        rows: torch.Tensor,
        blocks: torch.Tensor,
        found: torch.Tensor,
        same: bool,
        careful: bool = False,
    ) -> None:
        """Bring `found`[rows] up to date with the distances of each row to all vectors of its block.

        `careful`: all of them so that nothing underflows; without it, only where that may have happened.
        """
        width, lost = self.width, torch.zeros(len(rows), dtype=torch.bool, device=self.device)
        step = max(1, self._work_bytes() // (BLOCK * width * (32 if careful else group.rows.element_size())))
        for a in range(0, len(rows), step):
            row, block = rows[a : a + step], blocks[a : a + step]
            column = block[:, None] * BLOCK + torch.arange(BLOCK, device=self.device)  # (b, BLOCK)
            own, others = group.rows[row], other.rows.view(-1, BLOCK, width)[block]
            if careful:
                lengths = _length(others.double() - own[:, None].double())
            else:
                lengths = torch.linalg.vector_norm(others - own[:, None], dim=2)  # (b, BLOCK)
            nobody = other.position[column] < 0
            if same:
                nobody |= column == row[:, None]
            least, nearest = lengths.masked_fill_(nobody, math.inf).min(dim=1)
            lost[a : a + step] = least < UNDERFLOW
            near = other.rows[column.gather(1, nearest[:, None])[:, 0]]
            exact = _length(near.double() - own.double())
            exact.masked_fill_(least.isinf(), math.inf)  # alone in its block
            found.scatter_reduce_(0, row, exact, reduce="amin")
        if not careful and bool(lost.any()):
            self._improve(group, other, rows[lost], blocks[lost], found, same, careful=True)

    def _work_bytes(self) -> int:
        return WORK_BYTES if self.device.type == "cuda" else WORK_BYTES // 16


def _length(gaps: torch.Tensor) -> torch.Tensor:
    """Euclidean lengths of float64 vectors along the last dimension, without overflow or underflow on the way."""
    largest = gaps.abs().amax(dim=-1)
    divisor = torch.where(largest > 0, largest, 1.0)
    return torch.linalg.vector_norm(gaps / divisor[..., None], dim=-1) * largest


def _upwards(values: torch.Tensor) -> torch.Tensor:
    """float64 to float32, never smaller."""
    return (values * (1 + 1e-6)).float() + 1e-30


def engine(points: Points, device: torch.device) -> DeviceSearch:
    """The search for `points` on a device."""
    return DeviceSearch(points.centre, points.scale, device)
