"""A trait that holds points: plain lists for the browser, whatever NumPy can read from Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets


class PointsError(traitlets.TraitError, ValueError):
    """A trait's value has the wrong shape or holds something that is no finite number."""


class Points(traitlets.TraitType):
    """A set of numbers or of pairs, or a single pair, given as anything NumPy turns into an array.

    Args:
        shape: what is expected, None standing for any length of at least one: ``(None, 2)``, ``(None,)``,
            ``(2,)``.

    Raises:
        ValueError: (a TraitError as well) naming the trait, the value or its shape, and the expected shape.
    """

    def __init__(self, default_value: Any, shape: tuple[int | None, ...], **kwargs: Any) -> None:
        self.shape = shape
        self.first = default_value
        self.info_text = f"finite numbers of shape {self._expected()}"
        super().__init__(**kwargs)

    def default(self, obj: Any = None) -> Any:
        # A fresh list for every widget.
        return None if self.first is None else np.asarray(self.first, dtype=np.float64).tolist()

    def validate(self, obj: Any, value: Any) -> Any:
        if value is None and self.allow_none:
            return None
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}") from error
        fits = array.ndim == len(self.shape) and all(
            size == want if want is not None else size >= 1
            for size, want in zip(array.shape, self.shape, strict=False)
        )
        if not fits:
            raise PointsError(f"{self.name} has shape {array.shape}; expected {self.info_text}")
        if not np.isfinite(array).all():
            raise PointsError(f"{self.name} is {value!r}; expected {self.info_text}")
        return array.tolist()

    def _expected(self) -> str:
        names = ["d" if size is None else str(size) for size in self.shape]
        return f"({', '.join(names)}{',' if len(names) == 1 else ''})" + (
            " with d >= 1" if None in self.shape else ""
        )


class Range(Points):
    """Limits (lower, upper, ...) of one or two axes: each lower end below its upper end."""

    def validate(self, obj: Any, value: Any) -> Any:
        limits = super().validate(obj, value)
        if any(upper <= lower for lower, upper in zip(limits[::2], limits[1::2], strict=True)):
            raise PointsError(f"{self.name} is {value!r}; expected each lower limit below its upper limit")
        return limits
