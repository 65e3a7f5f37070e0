"""The vectors to search, wherever they lie: surveyed once, then handed out in pieces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _kernels

SURVEY_BYTES = 1 << 24
SAFE = 2.0**400  # between its inverse and it, squares neither overflow nor underflow in float64


class Points:
    """Rows of a (m, n) array or tensor as float32 or float64 in memory, with their centre and scale.

    `centre` (n,) and `scale` (a power of two) bring the centred entries to at most about 1; `unit` is what
    distances of the rows handed out have to be multiplied by (1, but for numbers near the ends of float64).

    Raises:
        ValueError: a row holds NaN or infinity.
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self.count, self.width = (int(size) for size in data.shape)
        low, high = np.full(self.width, np.inf), np.full(self.width, -np.inf)
        total = np.zeros(self.width)
        rows = max(1, SURVEY_BYTES // (8 * self.width))
        self.unit = 1.0
        for start in range(0, self.count, rows):
            bad = _kernels.survey(self._read(slice(start, start + rows)), low, high, total)
            if bad >= 0:
                raise ValueError(f"vectors: row {start + bad} holds NaN or infinity; expected finite numbers")
        self._place(low, high, total)

    def _place(self, low: np.ndarray, high: np.ndarray, total: np.ndarray) -> None:
        largest = float(max(np.abs(low).max(), np.abs(high).max()))
        if largest and not 1 / SAFE < largest < SAFE:
            # a power of two changes no digit, and keeps squares away from overflow and underflow
            self.unit = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))
            low, high, total = low / self.unit, high / self.unit, total / self.unit
        self.centre = np.clip(total / self.count, low, high)
        spread = float(max((high - self.centre).max(), (self.centre - low).max()))
        self.scale = 2.0 ** -max(math.frexp(spread)[1], -1000) if spread else 1.0

    def _read(self, where: Any) -> np.ndarray:
        """Rows in C order, float32 if that holds them exactly and float64 otherwise."""
        if isinstance(self.data, np.ndarray):
            block = self.data[where]
            exact = np.float32 if block.dtype.kind == "f" and block.dtype.itemsize <= 4 else np.float64
            block = np.ascontiguousarray(block, dtype=exact)
        else:
            import torch

            index = where if isinstance(where, slice) else torch.from_numpy(where).to(self.data.device)
            tensor = self.data[index]
            single = tensor.dtype in (torch.float32, torch.float16, torch.bfloat16)
            block = tensor.to("cpu", torch.float32 if single else torch.float64).contiguous().numpy()
        return block / self.unit if self.unit != 1.0 else block

    @property
    def direct(self) -> np.ndarray | None:
        """The whole array as it lies in memory, if nothing has to be copied to use it."""
        data: Any = self.data
        if not isinstance(data, np.ndarray):
            data = data.numpy() if data.device.type == "cpu" and str(data.dtype) in _NATIVE else None
        usable = data is not None and not isinstance(data, np.memmap) and self.unit == 1.0
        native = usable and data.dtype in (np.float32, np.float64) and data.dtype.isnative
        return np.asarray(data) if native and data.flags.c_contiguous else None

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An array and the places in it where `rows` lie."""
        if self.direct is not None:
            return self.direct, rows
        return self._read(rows), np.arange(len(rows))


_NATIVE = ("torch.float32", "torch.float64")
