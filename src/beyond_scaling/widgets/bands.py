"""Propositions 1, 2 and 3 at a point the reader drags, with the paper's printed and the corrected bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .base import BookWidget
from .points import PointsError

FIGURE_1_PLANE = [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]


class _Patterns(traitlets.TraitType):
    """Patterns on a line, (d,) or (d, 1), held as numbers; or in the plane, (d, 2), held as pairs."""

    def validate(self, obj: Any, value: Any) -> list[Any]:
        array = _finite("patterns", value)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.size == 0 or not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 2)):
            raise PointsError(
                f"patterns has shape {array.shape}; expected (d,), (d, 1) or (d, 2) with d >= 1"
            )
        return array.tolist()


class _Point(traitlets.TraitType):
    """A point on the line, given as a number or (1,), or in the plane, (2,)."""

    def validate(self, obj: Any, value: Any) -> list[float]:
        array = np.atleast_1d(_finite("point", value))
        if array.shape not in ((1,), (2,)):
            raise PointsError(f"point has shape {array.shape}; expected (1,) or (2,), as the patterns have")
        return array.tolist()


class Bands(BookWidget):
    """The value that a proposition bounds, drawn against the printed and the corrected band.

    Proposition 1 bounds E by g; Propositions 2 and 3 compare E and g with twice the modern continuous
    Hopfield energy at beta = 2. The browser computes; Python sees the outcome in ``summary``.

    Attributes:
        patterns: the stored patterns rho_i, numbers for a line, (d,) or (d, 1), or pairs for the plane,
            (d, 2). Default: the 2-D set of the paper's Figure 1.
        point: the point x, one or two coordinates as the patterns have; a plain number will do on a line.
            When new patterns have another dimension than the point, it moves to the first of them.
        proposition: 1, 2 or 3.
        summary: read-only, written by the browser: ``value``; ``printed`` and ``corrected``, each
            ``[lower, upper]``; ``holds`` and ``outside``, dictionaries that say for ``"printed"`` and
            ``"corrected"`` whether the value lies in the band and by how much it misses it;
            ``effective_neighbours``, exp(g - E); and ``slack``, the upper end of the corrected band minus the
            value. Empty until the widget is shown.

    Raises:
        ValueError: (a TraitError as well) for patterns or a point of another shape, or with entries that are
            not finite.
    """

    source = "bands.js"
    shown = ("patterns", "point", "proposition")

    patterns = _Patterns().tag(sync=True)
    point = _Point().tag(sync=True)
    proposition = traitlets.Enum([1, 2, 3], default_value=1).tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        if "patterns" in kwargs and "point" not in kwargs:
            # The default point lies among the default patterns: elsewhere start at the first pattern.
            patterns = _Patterns().validate(None, kwargs["patterns"])
            kwargs["point"] = patterns[0]
        super().__init__(**kwargs)

    @traitlets.default("patterns")
    def _default_patterns(self) -> list[list[float]]:
        return [list(pattern) for pattern in FIGURE_1_PLANE]

    @traitlets.default("point")
    def _default_point(self) -> list[float]:
        return [0.6, 0.4]

    @traitlets.validate("point")
    def _point_fits(self, proposal: dict[str, Any]) -> list[float]:
        point = proposal["value"]
        n = np.size(self.patterns[0])
        if len(point) != n:
            raise PointsError(f"point has shape ({len(point)},); expected ({n},), as the patterns have")
        return point

    @traitlets.observe("patterns")
    def _point_follows(self, change: dict[str, Any]) -> None:
        if np.size(change["new"][0]) != len(self.point):
            self.point = change["new"][0]


def _finite(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PointsError(
            f"{name} is {value!r}; expected numbers, and as many coordinates for every point"
        ) from error
    if not np.isfinite(array).all():
        raise PointsError(f"{name} is {value!r}; expected finite numbers")
    return array
