"""Codes of vectors: a few rounded numbers a vector, whose distances bound the true ones from below.

A code is the vector, or its leading components and the length of what they leave out (Euclidean distances of
such sketches never exceed the true ones), rounded to bfloat16 or float32. The length of what rounding changed
is measured, not estimated. Extra columns put the squared lengths into the same matrix product, so that
the product of a row's code and a column's is half their squared distance.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from . import _kernels
from ._sketch import Sketch
from ._threads import split

ROWS = 256  # encoded together
ALIGN = 32  # columns of a code are a multiple of it, as matrix units like


@dataclass(frozen=True)
class Kind:
    """A number format of codes: `shift` bits of a float32 are dropped, squared lengths take `parts` columns."""

    dtype: torch.dtype
    shift: int
    parts: int

    @property
    def bits(self) -> Any:
        """The signed integer that a product's bits are compared as."""
        return np.int16 if self.shift else np.int32

    def columns(self, width: int) -> int:
        """Columns of a code of `width` numbers, with those for the squared lengths."""
        return -(-(width + 2 * self.parts) // ALIGN) * ALIGN


BFLOAT16 = Kind(torch.bfloat16, 16, 3)  # three bfloat16 hold the 24 bits of a float32
FLOAT32 = Kind(torch.float32, 0, 2)


class Codes:
    """Codes (b, columns) of some rows; `errors` and `lengths` (b,) in scaled units."""

    def __init__(self, raw: np.ndarray, places: np.ndarray, sketch: Sketch, kind: Kind) -> None:
        count, width = len(places), sketch.width
        self.kind, self.width = kind, width
        bits = np.zeros((count, kind.columns(width)), dtype=np.uint16 if kind.shift else np.uint32)
        self.errors, squares = np.zeros(count), np.empty(count)

        def encode(_part: int, first: int, last: int) -> None:
            centred, square = np.empty((ROWS, len(sketch.centre))), np.empty(ROWS)
            for a in range(first, last, ROWS):
                b = min(a + ROWS, last)
                values = centred[: b - a]
                _kernels.centre_rows(raw, places[a:b], sketch.centre, sketch.scale, values, square[: b - a])
                if sketch.axes is not None:
                    values, slack = _leading(values, square[: b - a], sketch.axes)
                    self.errors[a:b] = slack
                _kernels.encode(values, kind.shift, bits[a:b], self.errors[a:b], squares[a:b])

        split(encode, count)
        self.lengths = np.sqrt(squares)
        self.tensor = torch.from_numpy(bits).view(kind.dtype)
        rest = torch.from_numpy(squares / 2)
        for part in range(kind.parts):
            rounded = rest.to(kind.dtype)
            self.tensor[:, width + part] = rounded
            rest = rest - rounded.double()
        self.tensor[:, width + kind.parts : width + 2 * kind.parts] = 1
        # of a product, in the usual bound of a sum of `columns` float32 products; bfloat16 rounds once more,
        # monotonely, which thresholds allow for
        self.unit = (bits.shape[1] + 8) * 2.0**-24

    def facing(self, first: int, last: int) -> torch.Tensor:
        """(columns, last - first): the other factor of the product, for rows first...last as columns."""
        width, parts = self.width, self.kind.parts
        codes = self.tensor[first:last]
        other = -codes
        other[:, width : width + parts] = 1
        other[:, width + parts : width + 2 * parts] = codes[:, width : width + parts]
        return other.T.contiguous()


def _leading(values: np.ndarray, squares: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components along `axes` and the length of the rest, (b, k + 1); how far rounding may have moved it, (b,)."""
    kept = values @ axes  # (b, k)
    rest = squares - np.einsum("ij,ij->i", kept, kept)
    doubt = (values.shape[1] + 16) * 2.0**-51 * squares  # of the subtraction
    length = np.sqrt(rest.clip(min=0))
    slack = np.sqrt((rest + doubt).clip(min=0)) - np.sqrt((rest - doubt).clip(min=0))
    return np.column_stack([kept, length]), slack


@functools.cache
def rates() -> dict[Kind, float]:
    """Operations a second of matrix products of codes on this CPU; bfloat16 only if it is done properly."""
    left, right = (torch.randn(512, 512, generator=torch.Generator().manual_seed(i)) for i in range(2))
    found = {}
    for kind in (FLOAT32, BFLOAT16):
        a, b = left.to(kind.dtype), right.to(kind.dtype)
        product, spent = torch.mm(a, b), []
        for _ in range(3):
            start = time.perf_counter()
            torch.mm(a, b)
            spent.append(time.perf_counter() - start)
        exact = a.double() @ b.double()
        if bool(((product.double() - exact).abs() <= exact.abs() * 2.0**-8 + 1e-3).all()):
            found[kind] = 2 * 512**3 / min(spent)
    return found


def fastest_kind() -> Kind:
    """bfloat16 codes where this CPU multiplies them clearly faster than float32."""
    return BFLOAT16 if rates().get(BFLOAT16, 0.0) > 1.3 * rates()[FLOAT32] else FLOAT32
