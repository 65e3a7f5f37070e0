"""Stationary points of E and MCHN in one and two dimensions, and which patterns are stored in any.

In the natural unit 1/√s (s = 2 for E, β for MCHN) both energies ask for the fixed points of the mean
μ(v) = Σ_i softmax(q·v + b)_i q_i with q = √s ρ; b_i = -|q_i|²/2 for E and 0 for MCHN. Their Hessians are
2 (I - Cov_w(q)) for E and I - Cov_w(q) for MCHN. ``_boxes`` finds all of them. The functions of
``thresholds`` are offered here as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from . import _boxes
from ._arrays import Array, as_patterns, as_positive, plain
from .energy import _mean, energy, mchn_energy, tilt_energy, tilt_mchn
from .thresholds import convexity_threshold, separation_threshold, two_well_minimum

__all__ = [
    "StationaryPoint",
    "convexity_threshold",
    "is_stored",
    "separation_threshold",
    "stationary_points",
    "two_well_minimum",
]

Kind = Literal["minimum", "saddle", "maximum", "degenerate"]

_TOLERANCE = 1e-12  # of a step, against the patterns' spread
_MAX_STEPS = 10_000
_WIDEST = 1e7  # in natural units; beyond, the ridge between two wells is narrower than float64's spacing
_DIRECTIONS = 16  # axes up to this dimension, else as many random ones


@dataclass(frozen=True)
class StationaryPoint:
    """A point ``x`` (n,) of zero gradient, its energy ``value``, Hessian ``eigenvalues`` (n,) ascending."""

    x: Array
    value: float
    eigenvalues: Array
    kind: Kind


def stationary_points(patterns: Any, beta: Any = None) -> tuple[StationaryPoint, ...]:
    """All stationary points of E (``beta`` None) or of MCHN, sorted by coordinates; patterns (d, n), n = 1 or 2.

    Found by branch and prune over the patterns' hull (``_boxes``), so that none is missed; meant for d up to
    about 20. "degenerate" marks a bifurcation, where the Hessian is singular as far as float64 can tell. It
    stands for a cluster of points and may be off by 1e-4 (in units of 1/√2 for E, 1/√β for MCHN), or for a
    whole curve, as with two dozen patterns on a circle. Where patterns are more than about 10⁴ such units
    apart, rounding blurs the ridges between them, and their saddles may be reported so too. When none is
    degenerate, minima and maxima minus saddles (in 1-D, minima minus maxima) are checked to count 1.

    Computed in float64; ``x`` and ``eigenvalues`` are float64 arrays of the caller's kind and device.

    Raises:
        ValueError: patterns not (d, 1) or (d, 2), or otherwise unfit (see ``energy``), or more than 10⁷ units
            apart; beta not positive.
        RuntimeError: the count is not 1 (Poincaré-Hopf), so a point is missing.
    """
    xp, stored = as_patterns(patterns)
    if stored.shape[1] not in (1, 2):
        raise ValueError(f"patterns has shape {tuple(stored.shape)}, expected (d, 1) or (d, 2)")
    beta = None if beta is None else float(plain(as_positive("beta", beta)))
    given = np.asarray(plain(stored).tolist(), dtype=float)
    distinct, copies = np.unique(given, axis=0, return_counts=True)

    centre = distinct.mean(axis=0)
    local = distinct - centre
    scale = math.sqrt(2.0 if beta is None else beta)
    extent = scale * float(np.ptp(local, axis=0).max())
    if extent > _WIDEST:
        raise ValueError(
            f"patterns reach over {extent:.3g} times the width of a well, expected at most {_WIDEST:.0e}: "
            f"float64 cannot place the ridges between them"
        )
    # Principal axes make the first box as small as the hull allows, and flat when the patterns lie on a
    # line.
    axes = np.linalg.svd(local, full_matrices=True)[2]  # (n, n)
    q = scale * (local @ axes.T)
    bias = np.log(copies) + (-(q * q).sum(axis=1) / 2 if beta is None else beta * (local @ centre))
    problem = _boxes.Field(q, bias - bias.max())
    zeros = _boxes.find_zeros(problem)

    slopes = _boxes.jacobian(problem, np.concatenate([zeros.simple, zeros.degenerate]))
    eigenvalues = np.linalg.eigvalsh(slopes) * (2.0 if beta is None else 1.0)
    kinds = [_kind(values) for values in eigenvalues[: len(zeros.simple)]]
    if not len(zeros.degenerate) and _boxes.index_sum(problem, zeros.simple) != 1:
        raise RuntimeError(
            f"the stationary points {kinds} found for {len(given)} patterns do not add up to Morse index 1, "
            f"so one is missing"
        )
    kinds += ["degenerate"] * len(zeros.degenerate)
    u = np.concatenate([zeros.simple, zeros.degenerate]) @ axes / scale
    x = u + centre
    values = energy(u, given - centre) if beta is None else mchn_energy(x, given, beta)
    # Coordinates that agree to rounding count as equal when sorting: symmetric sets keep their order.
    key = np.round(u / max(np.abs(local).max(), 1e-300), 9)
    device = stored.device
    return tuple(
        StationaryPoint(
            xp.asarray(x[i], device=device),
            float(values[i]),
            xp.asarray(eigenvalues[i], device=device),
            kinds[i],
        )
        for i in np.lexsort(key.T[::-1])
    )


def is_stored(patterns: Any, beta: Any = None, *, share: float = 0.25) -> Array:
    """Which patterns are stored (Definition 1) by the update of E (``beta`` None) or of MCHN, booleans
    (d,).

    Definition 1 asks for disjoint balls B_i around the patterns, in each of which every point converges to
    one fixed point inside. Here B_i is centred on ρ_i and its radius is ``share`` of the distance to the
    nearest other pattern; below a half the balls are disjoint. Checked, for any n: ρ_i converges to a point
    f_i of B_i, and so do the points of the sphere of B_i along ± each axis and along ±(f_i - ρ_i) (for n >
    16, along ± 16 seeded random directions instead of the axes). That samples the ball; it does not prove
    the rest of it.

    The default leaves as much room between two balls as they fill. With nearly a half, the pattern -2 of
    {-2, 0, 1} is not stored by E: its ball then reaches across the maximum at -1.043. Convergence means a
    step of at most 1e-12 of the patterns' spread within 10,000 steps. Coinciding patterns are never stored,
    a single pattern always is.

    Raises:
        ValueError: patterns unfit (see ``energy``); beta not positive; share not between 0 and 0.5.
    """
    xp, stored = as_patterns(patterns)
    beta = None if beta is None else float(plain(as_positive("beta", beta)))
    if not isinstance(share, Real) or not 0 < share < 0.5:
        raise ValueError(f"share is {share!r}, expected a number between 0 and 0.5, so that balls are disjoint")
    given = np.asarray(plain(stored).tolist(), dtype=float)
    d, n = given.shape
    if d == 1:
        return xp.asarray([True], device=stored.device)
    centre = given.mean(axis=0)
    local = given - centre
    radius = share * _nearest_other(local)  # (d,)
    ends, settled = _follow(local, local, centre, beta)
    away = np.linalg.norm(ends - local, axis=1)
    good = settled & (away < radius)

    rng = np.random.default_rng(0)
    axes = np.eye(n) if n <= _DIRECTIONS else rng.standard_normal((_DIRECTIONS, n))
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    for i in np.flatnonzero(good):
        rays = axes if away[i] == 0 else np.concatenate([axes, (ends[i] - local[i])[None] / away[i]])
        reached, still = _follow(local[i] + radius[i] * np.concatenate([rays, -rays]), local, centre, beta)
        together = np.linalg.norm(reached - ends[i], axis=1) <= 1e-6 * radius[i]
        good[i] = bool(still.all() and together.all())
    return xp.asarray(good, device=stored.device)


def _kind(eigenvalues: np.ndarray) -> Kind:
    if (eigenvalues > 0).all():
        return "minimum"
    return "maximum" if (eigenvalues < 0).all() else "saddle"


def _nearest_other(local: np.ndarray) -> np.ndarray:
    """The distance from each pattern (d, n) to its nearest other one, shape (d,)."""
    gaps = np.empty(len(local))
    for i, pattern in enumerate(local):
        apart = np.linalg.norm(local - pattern, axis=1)
        apart[i] = np.inf
        gaps[i] = apart.min()
    return gaps


def _follow(starts: np.ndarray, local: np.ndarray, centre: np.ndarray, beta: Any) -> tuple[np.ndarray, np.ndarray]:
    """Iterate the update from each start (m, n) around the centroid: where it ends, and whether it settled
    there."""
    from array_api_compat import numpy as xp

    floor = _TOLERANCE * np.linalg.norm(local, axis=1).max()
    points, moving = starts.copy(), np.arange(len(starts))
    for _ in range(_MAX_STEPS):
        rows = points[moving]
        tilt = tilt_energy(xp, rows, local) if beta is None else tilt_mchn(xp, rows, local, beta, centre)
        points[moving] = _mean(xp, local, tilt)
        moving = moving[np.linalg.norm(points[moving] - rows, axis=1) > floor]
        if not len(moving):
            break
    settled = np.ones(len(starts), dtype=bool)
    settled[moving] = False
    return points, settled
