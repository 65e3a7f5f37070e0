"""The vectors to search, wherever they lie: surveyed once, then handed out in pieces."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

SURVEY_BYTES = 1 << 24
KEPT = 400  # bits
SAFE = 2.0**KEPT  # between its inverse and it, squares neither overflow nor underflow in float64

Survey = tuple[np.ndarray, np.ndarray, np.ndarray, int]  # columnwise least, greatest and sum, each (n,); rows


class Points:
    """Rows of a (m, n) array or tensor as float32 or float64 in memory, with their centre and scale.

    `centre` (n,) and `scale` (a power of two) bring the centred entries to at most about 1; `unit` is what
    distances of the rows handed out have to be multiplied by (1, but for numbers near the ends of float64).

    Raises:
        ValueError: a row holds NaN or infinity.
    """

    def __init__(self, data: Any, together: Callable[[Callable[[], Survey]], Survey] | None = None) -> None:
        """`together`: makes of this survey one of more vectors than these (those of all processes)."""
        self.data = data
        self.count, self.width = (int(size) for size in data.shape)
        self.unit = 1.0
        low, high, total, count = together(self._survey) if together else self._survey()
        largest = float(max(np.abs(low).max(), np.abs(high).max()))
        if largest and not 1 / SAFE < largest < SAFE:
            # a power of two keeps squares away from overflow and underflow, and changes no digit but of rows
            # 2^1400 times smaller than the largest
            exponent = math.frexp(largest)[1]
            self.unit = math.ldexp(1.0, exponent - (KEPT if exponent > 0 else 0))
            low, high, total, count = together(self._survey) if together else self._survey()
        self.centre = np.clip(total / count, low, high)
        spread = float(max((high - self.centre).max(), (self.centre - low).max()))
        self.scale = 2.0 ** -max(math.frexp(spread)[1], -1000) if spread else 1.0

    def _survey(self) -> Survey:
        import torch

        low, high, total = np.full(self.width, np.inf), np.full(self.width, -np.inf), np.zeros(self.width)
        there = isinstance(self.data, torch.Tensor) and self.data.device.type != "cpu"
        rows = max(1, (SURVEY_BYTES << 8 if there else SURVEY_BYTES) // (8 * self.width))
        for start in range(0, self.count, rows):
            block = self.tensor(slice(start, start + rows))
            # the least and the greatest of a column with NaN are NaN
            least, greatest = block.amin(dim=0).double(), block.amax(dim=0).double()
            if not bool(least.isfinite().all() and greatest.isfinite().all()):
                row = start + int((~block.isfinite()).any(dim=1).nonzero()[0])
                raise ValueError(f"vectors: row {row} holds NaN or infinity; expected finite numbers")
            low, high = np.minimum(low, least.cpu().numpy()), np.maximum(high, greatest.cpu().numpy())
            total += block.sum(dim=0, dtype=torch.float64).cpu().numpy()
        return low, high, total, self.count

    def tensor(self, where: Any) -> torch.Tensor:
        """Rows `where` (numbers or a slice) as float32 if that holds them exactly and float64 otherwise.

        On the device where the data lies.
        """
        import torch

        if isinstance(self.data, torch.Tensor):
            index = where if isinstance(where, slice) else torch.from_numpy(where).to(self.data.device)
            block = self.data[index]
        else:
            block = torch.from_numpy(_native(self.data[where]))
        exact = torch.float32 if block.dtype in (torch.float32, torch.float16, torch.bfloat16) else torch.float64
        block = block.to(exact)
        return block / self.unit if self.unit != 1.0 else block

    @property
    def direct(self) -> np.ndarray | None:
        """The whole array as it lies in memory, if nothing has to be copied to use it."""
        data: Any = self.data
        if not isinstance(data, np.ndarray):
            if data.device.type != "cpu" or str(data.dtype) not in ("torch.float32", "torch.float64"):
                return None
            data = data.numpy()
        usable = data.dtype in (np.float32, np.float64) and data.dtype.isnative and data.flags.c_contiguous
        return data if usable and not isinstance(data, np.memmap) and self.unit == 1.0 else None

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An array and the places in it where `rows` lie."""
        if self.direct is not None:
            return self.direct, rows
        return self.tensor(rows).cpu().contiguous().numpy(), np.arange(len(rows))


def _native(block: np.ndarray) -> np.ndarray:
    """What torch can take: native byte order, a type that it has, not read-only."""
    known = block.dtype.kind == "f" and block.dtype.itemsize <= 8
    block = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("=") if known else np.float64)
    return block if block.flags.writeable else block.copy()
