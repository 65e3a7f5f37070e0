"""One curve for all sizes: log gap as a smooth function of x = cos θ log D - sin θ log N, p = cot θ.

The curve is a natural cubic spline with four knots (a line beyond the outer two, so that a size left out can be
predicted a little beyond what was seen). Beside it a covariate may enter linearly, and the luck that runs of one seed
share at every size (they are held out on one text) as an offset of that seed. Least squares, normal noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

KNOTS = 4


@dataclass(frozen=True, eq=False)
class Points:
    """What is to fall on one curve: N, D, seed and log gap, (n,) each; ``extra`` (n, c) are covariates that enter
    linearly."""

    N: np.ndarray
    D: np.ndarray
    seed: np.ndarray
    log_gap: np.ndarray
    extra: np.ndarray

    @property
    def least(self) -> int:
        """How many points there must be, to fit a curve and see scatter about it."""
        return KNOTS + self.extra.shape[1] + max(len(np.unique(self.seed)) - 1, 0) + 3


def angle_of(p: float) -> float:
    """θ of an exponent p >= 0: cot θ = p.

    Raises:
        ValueError: p is negative or NaN.
    """
    if not p >= 0:
        raise ValueError(f"p is {p}, expected at least 0, or infinity")
    return math.atan2(1.0, p) if math.isfinite(p) else 0.0


def exponent_of(angle: float) -> float:
    """p = cot θ of an angle between 0 (infinite) and a right one (0)."""
    return math.inf if angle <= 0 else max(0.0, 1 / math.tan(angle)) if angle < math.pi / 2 else 0.0


class SharedCurve:
    """A curve fitted to points at an angle.

    Args:
        chosen: (n,) bool, the points fitted. offsets: whether each of their seeds has one.

    Attributes:
        x: (n,) of all points. freedom: points fitted less numbers fitted. squares: of the residuals, their sum.
    """

    def __init__(self, points: Points, angle: float, chosen: np.ndarray, offsets: bool = True) -> None:
        self.angle = angle
        self.x = math.cos(angle) * np.log(points.D) - math.sin(angle) * np.log(points.N)
        ranks = np.sort(self.x[chosen])
        places = np.unique(np.interp(np.linspace(0, len(ranks) - 1, KNOTS), np.arange(len(ranks)), ranks))  # quantiles
        self._middle, self._scale = places.mean(), max(float(np.ptp(places)), 1e-12)
        self._knots = (places - self._middle) / self._scale
        linear = [points.extra]
        if offsets and len(seeds := np.unique(points.seed[chosen])) > 1:
            linear.append((points.seed[:, None] == seeds[:-1]).astype(np.float64))
        joined = np.hstack(linear)
        self._linear = joined - joined[chosen].mean(axis=0)  # so that the spline alone is the curve of the mean
        self._columns = self._all(chosen)
        values = points.log_gap[chosen]
        self.weights, _, rank, _ = np.linalg.lstsq(self._columns, values, rcond=1e-10)
        rest = values - self._columns @ self.weights
        self.squares, self.freedom = float(rest @ rest), len(values) - int(rank)

    @property
    def log_likelihood(self) -> float:
        """At the best variance of the noise, nats."""
        count = len(self._columns)
        return -0.5 * count * (math.log(2 * math.pi * max(self.squares, 1e-300) / count) + 1)

    @property
    def noise(self) -> float:
        """Standard deviation of log gap about the curve."""
        return math.sqrt(self.squares / max(self.freedom, 1))

    def at(self, x: np.ndarray) -> np.ndarray:
        """log gap (k,) at places (k,), for the mean of the seeds and covariates."""
        return self._spline(x) @ self.weights[: len(self._knots)]

    def predicted(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of Student's t, with `freedom` degrees of it, of log gap at points (n,) bool."""
        columns = self._all(chosen)
        # a covariate may be the spline's own line (log D at p infinite): the pseudo-inverse shares its weight
        shape = np.linalg.pinv(self._columns.T @ self._columns, rcond=1e-12, hermitian=True)
        spread = np.sqrt(self.squares / self.freedom * (1 + np.einsum("ij,jk,ik->i", columns, shape, columns)))
        return columns @ self.weights, np.maximum(spread, 1e-12)

    def _all(self, chosen: np.ndarray) -> np.ndarray:
        return np.hstack([self._spline(self.x[chosen]), self._linear[chosen]])

    def _spline(self, x: np.ndarray) -> np.ndarray:
        """(k, knots) natural cubic spline (Hastie, Tibshirani and Friedman, eq 5.4)."""
        x = (x - self._middle) / self._scale
        columns = [np.ones_like(x), x]
        if len(self._knots) > 2:
            last = self._cubic(x, -2)
            columns += [self._cubic(x, k) - last for k in range(len(self._knots) - 2)]
        return np.stack(columns[: len(self._knots)], axis=1)

    def _cubic(self, x: np.ndarray, k: int) -> np.ndarray:
        end, knot = self._knots[-1], self._knots[k]
        return (np.maximum(x - knot, 0) ** 3 - np.maximum(x - end, 0) ** 3) / (end - knot)
