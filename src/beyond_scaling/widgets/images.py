"""Traits that hold small images: pixels of ink (+1) and paper (-1), 16 hexadecimal digits in the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .points import PointsError

SIDE = 8
PIXELS = SIDE * SIDE
MOST = 100


def code(image: Any) -> str:
    """An image of 64 entries -1 and 1 as 16 hexadecimal digits: a bit a pixel, ink 1, row by row from the top."""
    bits = "".join("1" if entry > 0 else "0" for entry in np.asarray(image).ravel())
    return f"{int(bits, 2):0{PIXELS // 4}x}"


def decode(text: str) -> list[int]:
    """The 64 entries -1 and 1 of ``code``."""
    return [2 * int(bit) - 1 for bit in f"{int(text, 16):0{PIXELS}b}"]


class Images(traitlets.TraitType):
    """1 to 100 images of 8 x 8 pixels -1 and 1: anything NumPy turns into an array (d, 64) or (d, 8, 8); kept as lists.

    Raises:
        ValueError: (a TraitError as well) for another shape or other entries.
    """

    info_text = f"1 to {MOST} images of {SIDE} x {SIDE} pixels -1 and 1, an array (d, {PIXELS})"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tag(
            sync=True,
            to_json=lambda images, _: [code(image) for image in images],
            from_json=lambda codes, _: [decode(text) for text in codes],
        )

    def validate(self, obj: Any, value: Any) -> list[list[int]]:
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}") from error
        if array.ndim == 3 and array.shape[1:] == (SIDE, SIDE):
            array = array.reshape(-1, PIXELS)
        if array.ndim != 2 or array.shape[1] != PIXELS or not 1 <= len(array) <= MOST:
            raise PointsError(f"{self.name} has shape {array.shape}; expected {self.info_text}")
        wrong = np.argwhere(np.abs(array) != 1)  # nan is wrong as well
        if len(wrong):
            i, k = (int(v) for v in wrong[0])
            raise PointsError(f"{self.name}[{i}, {k}] is {array[i, k]:g}; expected {self.info_text}")
        return array.astype(int).tolist()


class Pixels(traitlets.TraitType):
    """A set of pixels: their numbers 0 to 63, or a mask of 64 or 8 x 8 booleans; kept as a list of numbers, sorted.

    Raises:
        ValueError: (a TraitError as well) for numbers out of range or a mask of another shape.
    """

    info_text = f"pixel numbers 0 to {PIXELS - 1}, or a mask of {SIDE} x {SIDE} booleans"

    def validate(self, obj: Any, value: Any) -> list[int]:
        try:
            array = np.asarray(value if np.ndim(value) else None)
        except (TypeError, ValueError) as error:
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}") from error
        if array.dtype == bool and array.size:
            if array.shape not in ((PIXELS,), (SIDE, SIDE)):
                raise PointsError(f"{self.name} is a mask of shape {array.shape}; expected {self.info_text}")
            return np.flatnonzero(array).tolist()
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}")
        if array.size and not (array.min() >= 0 and array.max() < PIXELS):
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}")
        return np.unique(array).astype(int).tolist()


class Strokes(traitlets.TraitType):
    """What a brush left on each of 64 pixels: 1 ink, -1 paper, 0 nothing; a sequence of 64 or 8 x 8; kept as a list.

    Raises:
        ValueError: (a TraitError as well) for another shape or other entries.
    """

    info_text = f"{PIXELS} entries 1 (ink), -1 (paper) or 0 (untouched)"

    def validate(self, obj: Any, value: Any) -> list[int]:
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}") from error
        if array.shape not in ((PIXELS,), (SIDE, SIDE)) or not np.isin(array, (-1, 0, 1)).all():
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}")
        return array.ravel().astype(int).tolist()
