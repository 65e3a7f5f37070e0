"""Handwritten digits of 8 x 8 pixels: small images to store, with no network.

Two hundred images of the test set of "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998, UCI Machine
Learning Repository, CC BY 4.0). The note beside the data (handwritten/README.md) says which, and what was changed.
"""

from __future__ import annotations

from functools import cache
from numbers import Integral
from pathlib import Path

import numpy as np

SIDE = 8  # pixels
LEVELS = "0123456789abcdefg"  # grey 0 to 16, a character each
INK = 6  # from this grey on a pixel is +1
FILE = Path(__file__).parent / "handwritten" / "digits.txt"


def digits(count: int = 100, binary: bool = True) -> np.ndarray:
    """The first ``count`` images, shape (count, 64), float64, rows of pixels from the top.

    In a fixed order of classes 0, 1, ..., 9, 0, 1, ...: any first ones are spread over the ten. No two are equal, not
    even as +-1.

    Args:
        count: from 1 to 200.
        binary: +1 where the grey is at least 6, else -1; False: the grey itself, 0 (paper) to 16 (ink).

    Raises:
        ValueError: a count out of range.
    """
    grey = _stored()[0][: _counted(count)]
    return np.where(grey >= INK, 1.0, -1.0) if binary else grey.astype(np.float64)


def digit_labels(count: int = 100) -> np.ndarray:
    """Which digit each of ``digits(count)`` is, shape (count,), int64, 0 to 9.

    Raises:
        ValueError: a count out of range.
    """
    return _stored()[1][: _counted(count)].copy()


@cache
def _stored() -> tuple[np.ndarray, np.ndarray]:
    """Grey values (D, 64) and labels (D,)."""
    lines = [line.split(" ") for line in FILE.read_text(encoding="ascii").splitlines()]
    grey = np.array([[LEVELS.index(level) for level in pixels] for _, pixels in lines], dtype=np.int64)
    return grey, np.array([int(label) for label, _ in lines], dtype=np.int64)


def _counted(count: int) -> int:
    most = len(_stored()[1])
    if isinstance(count, bool) or not isinstance(count, Integral) or not 1 <= count <= most:
        raise ValueError(f"count is {count!r}, expected a whole number of digits from 1 to {most}")
    return int(count)
