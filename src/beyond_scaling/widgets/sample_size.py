"""How far the nearest of m vectors is: a measured distance carried to other sample sizes by an intrinsic dimension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from .base import BookWidget
from .ranges import Real


class SampleSize(BookWidget):
    """The mean distance to the nearest of m vectors over m, for a cloud that locally fills k dimensions.

    Of m vectors spread evenly over a volume the nearest lies Γ(1 + 1/k) (m V_k / volume)^(-1/k) away on average, V_k
    being the volume of the unit ball, and the distances follow Weibull's law of shape k. The volume is the one for
    which ``vectors`` vectors have the mean ``distance``. Beside the curve stand the histograms at 40, 60, 80 and 100%
    of the m chosen, as in the top row of Figure 2.

    Args:
        distance: the mean nearest-neighbour distance that was measured; the paper's 20 by default.
        vectors: among how many vectors, 10 to 10^12; the paper's 100,000 by default.
        n: the dimension in the hypothesis 2 sqrt(n / (2πe)).
        measured: means that were measured at other sample sizes, {vectors: mean}, drawn as dots.

    Attributes:
        k: the intrinsic dimension, 1 to 200.
        m: how many vectors are looked at, 10 to 10^12.
        predict: whether the curve beyond ``vectors`` is kept back until the reader has guessed where it reaches the
            hypothesis, or moves k or m.
        guess: the reader's guess, a number of vectors.
        summary: read-only, written by the browser: ``hypothesis``; at m vectors ``mean`` and ``median``; ``fall``, the
            mean at m over the mean at 40% of m; and, as powers of ten, ``log10_reached``, the number of vectors at
            which the mean equals the hypothesis, and ``log10_factor``, how many times ``vectors`` that is.
            Empty until the widget is shown.

    Raises:
        ValueError: if an argument is outside its range, or ``measured`` holds anything but positive finite numbers.
    """

    source = "sample_size.js"
    shown = ("distance", "vectors", "n", "k", "m")

    k = Real(20.0, 1.0, 200.0).tag(sync=True)
    m = Real(1e5, 10.0, 1e12).tag(sync=True)
    guess = Real(1e5, 10.0, 1e12).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    distance = traitlets.Float(20.0, read_only=True).tag(sync=True)
    vectors = traitlets.Float(1e5, read_only=True).tag(sync=True)
    n = traitlets.Int(1024, read_only=True).tag(sync=True)
    measured: traitlets.List[list[float]] = traitlets.List(read_only=True).tag(sync=True)

    def __init__(
        self,
        distance: float = 20.0,
        vectors: float = 100_000,
        n: int = 1024,
        measured: Mapping[int, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if not (np.isfinite(distance) and distance > 0):
            raise ValueError(f"distance: expected a positive finite number, got {distance!r}")
        if not 10 <= vectors <= 1e12:
            raise ValueError(f"vectors: expected a number from 10 to 10^12, got {vectors!r}")
        if isinstance(n, bool) or n != int(n) or n < 1:
            raise ValueError(f"n: expected a dimension of at least 1, got {n!r}")
        points = [[float(count), float(mean)] for count, mean in (measured or {}).items()]
        if not all(np.isfinite(value) and value > 0 for point in points for value in point):
            raise ValueError(f"measured: expected positive finite numbers, {{vectors: mean}}, got {measured!r}")
        start = {"m": float(vectors), "guess": float(vectors)} | kwargs
        super().__init__(**start)
        for name, value in (("distance", float(distance)), ("vectors", float(vectors)), ("n", int(n))):
            self.set_trait(name, value)
        self.set_trait("measured", sorted(points))
