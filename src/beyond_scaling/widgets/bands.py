"""Propositions 1, 2 and 3 at a point the reader drags, with the paper's printed bands and the corrected ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .base import BookWidget

FIGURE_1_PLANE = [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]


class ShapeError(traitlets.TraitError, ValueError):
    """A trait's value has the wrong shape or holds something that is no finite number."""


class Bands(BookWidget):
    """The value that a proposition bounds, drawn against the printed and the corrected band.

    Proposition 1 bounds E by g; Propositions 2 and 3 compare E and g with twice the modern continuous Hopfield
    energy at beta = 2. The browser computes; Python sees the outcome in ``summary``.

    Attributes:
        patterns: the stored patterns rho_i, either numbers (d patterns on a line) or pairs (d patterns in the
            plane); (d,), (d, 1) and (d, 2) arrays are accepted. Default: the 2-D set of the paper's Figure 1.
        point: the point x, one or two coordinates as the patterns have; a plain number will do on a line. When new
            patterns have another dimension than the point, it moves to the first of them.
        proposition: 1, 2 or 3.
        summary: read-only, written by the browser: ``value``, ``printed`` and ``corrected`` (each ``[lower, upper]``),
            ``holds`` (``{"printed": bool, "corrected": bool}``), ``outside`` (by how much the value misses each band),
            ``effective_neighbours`` and ``slack`` (upper end of the corrected band minus the value). Empty until the
            widget is shown.

    Raises:
        ValueError: (a TraitError as well) for patterns or a point of another shape or with entries that are not finite.
    """

    source = "bands.js"
    shown = ("patterns", "point", "proposition")

    patterns = traitlets.List(default_value=FIGURE_1_PLANE).tag(sync=True)
    point = traitlets.List(traitlets.Float(), default_value=[0.6, 0.4]).tag(sync=True)
    proposition = traitlets.Enum([1, 2, 3], default_value=1).tag(sync=True)
    summary = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        # Lists are what the browser reads; arrays and plain numbers are welcome here.
        if "patterns" in kwargs:
            kwargs["patterns"] = _plain(kwargs["patterns"])
            if "point" not in kwargs:
                kwargs["point"] = _as_point(kwargs["patterns"][0]) if kwargs["patterns"] else []
        if "point" in kwargs:
            kwargs["point"] = _as_point(kwargs["point"])
        super().__init__(**kwargs)

    @traitlets.validate("patterns")
    def _valid_patterns(self, proposal: dict[str, Any]) -> list[Any]:
        array = _finite("patterns", proposal["value"])
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.size == 0 or array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 2):
            raise ShapeError(f"patterns has shape {array.shape}; expected (d,), (d, 1) or (d, 2) with d >= 1")
        return array.tolist()

    @traitlets.validate("point")
    def _valid_point(self, proposal: dict[str, Any]) -> list[float]:
        array = _finite("point", proposal["value"])
        expected = np.ndim(self.patterns) if np.ndim(self.patterns[0]) == 0 else len(self.patterns[0])
        if array.shape != (expected,):
            raise ShapeError(f"point has shape {array.shape}; expected ({expected},), as the patterns have")
        return array.tolist()

    @traitlets.observe("patterns")
    def _point_follows(self, change: dict[str, Any]) -> None:
        first = _as_point(change["new"][0])
        if len(first) != len(self.point):
            self.point = first

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "patterns":
            value = _plain(value)
        elif name == "point":
            value = _as_point(value)
        super().__setattr__(name, value)


def _plain(value: Any) -> Any:
    """An array or a tuple as the lists that traits hold; anything else as it is."""
    return np.asarray(value).tolist() if isinstance(value, np.ndarray | tuple) else value


def _as_point(value: Any) -> Any:
    """A point as a list of coordinates."""
    value = _plain(value)
    return [value] if isinstance(value, int | float) else value


def _finite(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} is {value!r}; expected numbers, all points with as many coordinates") from error
    if not np.isfinite(array).all():
        raise ShapeError(f"{name} is {value!r}; expected finite numbers")
    return array
