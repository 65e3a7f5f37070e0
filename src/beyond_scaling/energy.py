"""The nearest-neighbour function g, the energies E and MCHN, their derivatives, updates and retrieval.

Paper: "Beyond Scaling Laws: Understanding Transformer Performance with Associative Memory", section 4;
equation numbers are its own.

    g(x)    = min_i |x - ρ_i|²                                                                  (eq 3)
    E(x)    = -log Σ_i exp(-|x - ρ_i|²)                                                         (eq 4)
    MCHN(x) = -(1/β) log Σ_i exp(β ρ_i·x) + |x|²/2 + (log d)/β + max_i |ρ_i|²/2                 (section 4)

``x`` is (..., n), ``patterns`` is (d, n), logarithms are natural. NumPy arrays and torch tensors give
results of their own kind, dtype and device; lists and integers become float64 (see ``_arrays``). Gradients
flow through every function under torch autograd.

How it stays exact. Squared distances come from direct differences, never from |x|² - 2 x·ρ + |ρ|². Weights
depend only on *gaps*, how much worse each pattern is than the best one; far from all patterns a gap is
taken as (ρ_m - ρ_i)·((x - ρ_m) + (x - ρ_i)), so that points at 10⁸ keep their weights. MCHN is written
through |x - ρ_i|² + (ξ² - |ρ_i|²), ξ = max|ρ|, with the second term a product of a difference and a sum.
Work goes in blocks: each temporary stays near 8 MB on a CPU, whatever the batch.

Every function raises ValueError for shapes that do not match, no patterns, entries that are not finite real
numbers, integers that float64 cannot hold exactly, magnitudes whose squares overflow, and a β that is not
positive and finite in the dtype of the patterns.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, NamedTuple

from ._arrays import (
    Array,
    as_entries,
    as_factor,
    as_points,
    as_positive,
    block_elements,
    blocks,
    map_rows,
    plain,
)

# Beyond this squared distance the difference of two squared distances is taken without cancellation.
_FAR = 64.0
# Below this largest gap, d nearly equal weights are summed as deviations from their mean.
_NEAR = 0.5


# Found in ``stationary``, which imports this module; offered here too.
_STATIONARY = (
    "StationaryPoint",
    "convexity_threshold",
    "is_stored",
    "separation_threshold",
    "stationary_points",
    "two_well_minimum",
)


def __getattr__(name: str) -> Any:
    if name in _STATIONARY:
        return getattr(importlib.import_module(".stationary", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# --- distances and energies -------------------------------------------------------------------------------


def squared_distances(x: Any, patterns: Any) -> Array:
    """Squared Euclidean distances |x - ρ_i|² to every pattern, shape (..., d); the paper's d(x, ρ_i)."""
    xp, points, stored = as_points(x, patterns)
    (distances,) = map_rows(xp, lambda rows: (_distances(xp, rows, stored),), points, sum(stored.shape))
    return distances


def nearest_distance(x: Any, patterns: Any) -> Array:
    """g(x) = min_i |x - ρ_i|², shape (...); eq 3.

    *Squared*: g is the square of the Euclidean distance to the nearest pattern.
    """
    xp, points, stored = as_points(x, patterns)
    (nearest,) = map_rows(xp, lambda rows: (xp.min(_distances(xp, rows, stored), axis=1),), points, sum(stored.shape))
    return nearest


def energy(x: Any, patterns: Any) -> Array:
    """E(x) = -log Σ_i exp(-|x - ρ_i|²), shape (...); eq 4."""

    def rows_energy(xp: Any, rows: Array, stored: Array) -> Array:
        tilt = tilt_energy(xp, rows, stored)
        return tilt.base - excess(xp, tilt)

    return _map(rows_energy, x, patterns)


def mchn_energy(x: Any, patterns: Any, beta: Any) -> Array:
    """MCHN(x), the energy of the modern continuous Hopfield network, shape (...); section 4, Figure 1c.

    ``beta`` is the inverse temperature β > 0.
    """
    def rows_energy(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        tilt = tilt_mchn(xp, rows, stored, beta)
        return tilt.base + deficit(xp, tilt) / beta

    return _map_at(beta, rows_energy, x, patterns)


def negative_lse(x: Any, patterns: Any, beta: Any) -> Array:
    """-LogSumExp(β, Mᵀx) = -(1/β) log Σ_i exp(β ρ_i·x), shape (...); Figure 1a. Concave in x."""
    def rows_lse(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        tilt = tilt_mchn(xp, rows, stored, beta)
        best = xp.take(stored, tilt.index, axis=0)  # (b, n)
        return 0 - xp.vecdot(best, rows) - excess(xp, tilt) / beta

    return _map_at(beta, rows_lse, x, patterns)


def mchn_regulariser(x: Any, patterns: Any, beta: Any) -> Array:
    """|x|²/2 + (log d)/β + max_i |ρ_i|²/2, shape (...); Figure 1b. MCHN is this plus ``negative_lse``."""
    def rows_regulariser(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        largest = xp.max(xp.vecdot(stored, stored))
        return xp.vecdot(rows, rows) / 2 + (math.log(stored.shape[0]) / beta + largest / 2)

    return _map_at(beta, rows_regulariser, x, patterns)


def log_sum_exp(y: Any, axis: int = -1) -> Array:
    """LogSumExp(y) = log Σ_i exp(y_i) along ``axis``, which is removed; Appendix C, Lemmas 1-4."""
    xp, moved = as_entries(y, axis)
    tilt = tilt_values(xp, moved)
    return tilt.base + excess(xp, tilt)


# --- weights ----------------------------------------------------------------------------------------------


def posterior(x: Any, patterns: Any) -> Array:
    """p(x) = softmax_i(-|x - ρ_i|²), shape (..., d): how much each pattern takes part in E at x."""
    return _map(lambda xp, rows, stored: weights(xp, tilt_energy(xp, rows, stored)), x, patterns)


def mchn_posterior(x: Any, patterns: Any, beta: Any) -> Array:
    """w(x) = softmax_i(β ρ_i·x), shape (..., d): attention weights, with the patterns as keys."""
    return _map_at(beta, lambda xp, rows, stored, beta: weights(xp, tilt_mchn(xp, rows, stored, beta)), x, patterns)


def effective_neighbours(x: Any, patterns: Any) -> Array:
    """exp(g - E) = Σ_i exp(g - |x - ρ_i|²), shape (...), from 1 to d.

    It counts the patterns that are about as near as the nearest one.
    """
    return _map(lambda xp, rows, stored: 1 + _rest(xp, tilt_energy(xp, rows, stored)), x, patterns)


# --- derivatives and update rules -------------------------------------------------------------------------


def energy_gradient(x: Any, patterns: Any) -> Array:
    """∇E(x) = 2 (x - Σ_i p_i ρ_i), shape (..., n)."""
    return 2 * _map(lambda xp, rows, stored: _pull(xp, rows, stored, tilt_energy(xp, rows, stored)), x, patterns)


def mchn_gradient(x: Any, patterns: Any, beta: Any) -> Array:
    """∇MCHN(x) = x - Σ_i w_i ρ_i, shape (..., n)."""

    def rows_gradient(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        return _pull(xp, rows, stored, tilt_mchn(xp, rows, stored, beta))

    return _map_at(beta, rows_gradient, x, patterns)


def energy_hessian(x: Any, patterns: Any) -> Array:
    """∇²E(x) = 2 I - 4 Cov_p, shape (..., n, n), symmetric to the last bit.

    Cov_p is the covariance of the patterns under the weights p(x).
    """

    def rows_hessian(xp: Any, rows: Array, stored: Array) -> Array:
        covariance = _covariance(xp, stored, tilt_energy(xp, rows, stored))
        return 2 * _identity(xp, covariance) - 4 * covariance

    return _map(rows_hessian, x, patterns, square=True)


def mchn_hessian(x: Any, patterns: Any, beta: Any) -> Array:
    """∇²MCHN(x) = I - β Cov_w, shape (..., n, n), symmetric to the last bit.

    Cov_w is the covariance of the patterns under the weights w(x).
    """
    def rows_hessian(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        covariance = _covariance(xp, stored, tilt_mchn(xp, rows, stored, beta))
        return _identity(xp, covariance) - beta * covariance

    return _map_at(beta, rows_hessian, x, patterns, square=True)


def update(x: Any, patterns: Any) -> Array:
    """x⁺ = Σ_i p_i(x) ρ_i, shape (..., n): one retrieval step of E.

    It is a step of the concave-convex procedure, of mean shift, and a gradient step of length ½.
    """
    return _map(lambda xp, rows, stored: _mean(xp, stored, tilt_energy(xp, rows, stored)), x, patterns)


def mchn_update(x: Any, patterns: Any, beta: Any) -> Array:
    """x⁺ = Σ_i w_i(x) ρ_i = M softmax(β Mᵀx), shape (..., n): one retrieval step of MCHN.

    It is attention with the patterns as keys and values.
    """

    def rows_update(xp: Any, rows: Array, stored: Array, beta: Any) -> Array:
        return _mean(xp, stored, tilt_mchn(xp, rows, stored, beta))

    return _map_at(beta, rows_update, x, patterns)


# --- retrieval --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trajectory:
    """The way of one query.

    Attributes:
        points: (steps + 1, n), the start first.
        energies: (steps + 1,), E or MCHN at the points.
        stopped: "converged": the last step was no longer than the tolerance; "max_steps": it still was.
        steps: how many updates were made.
    """

    points: Array
    energies: Array
    stopped: Literal["converged", "max_steps"]
    steps: int


def retrieve(
    x: Any, patterns: Any, beta: Any = None, *, tolerance: float = 1e-12, max_steps: int = 10_000
) -> Trajectory:
    """Iterate the update rule from one start ``x`` (n,): E's if ``beta`` is None, else MCHN's at ``beta``.

    It stops with "converged" when a step is no longer than ``tolerance`` (Euclidean, in the units of the
    patterns) or than the arithmetic resolves (8 ε times the distance from the patterns' centroid to the
    farthest one), and with "max_steps" otherwise. A start exactly on a saddle or a maximum stays there. The
    energy never rises along the way, rounding apart.

    Raises:
        ValueError: as every function here; also when x is not a single point, or a limit is not positive.
    """
    xp, start, stored = as_points(x, patterns)
    if start.ndim != 1:
        raise ValueError(f"x has shape {tuple(start.shape)}, expected ({stored.shape[1]},): a single start")
    beta = None if beta is None else as_factor("beta", beta, stored)
    tolerance = as_positive("tolerance", tolerance)
    if isinstance(max_steps, bool) or not isinstance(max_steps, Integral) or max_steps < 1:
        raise ValueError(f"max_steps is {max_steps!r}, expected an integer of at least 1")

    # Around the centroid a step is resolved to the patterns' spread, not to their distance from the origin.
    centre = xp.mean(stored, axis=0)
    local = stored - centre  # (d, n)
    radius = math.sqrt(float(xp.max(xp.vecdot(plain(local), plain(local)))))
    floor = max(tolerance, 8 * float(xp.finfo(stored.dtype).eps) * radius)

    def step(point: Array) -> Array:
        row = point[None, :]
        if beta is None:
            return _mean(xp, local, tilt_energy(xp, row, local))[0, :]
        return _mean(xp, local, tilt_mchn(xp, row, local, beta, centre))[0, :]

    way = [start - centre]
    stopped: Literal["converged", "max_steps"] = "max_steps"
    for _ in range(int(max_steps)):
        way.append(step(way[-1]))
        if float(xp.linalg.vector_norm(plain(way[-1] - way[-2]))) <= floor:
            stopped = "converged"
            break
    moved = xp.stack(way, axis=0)  # (steps + 1, n)
    points = xp.concat([start[None, :], moved[1:, :] + centre], axis=0)
    energies = energy(moved, local) if beta is None else mchn_energy(points, stored, beta)
    return Trajectory(points, energies, stopped, len(way) - 1)


# --- shared with bounds: gaps, and what follows from them -------------------------------------------------


class Tilt(NamedTuple):
    """Patterns ranked row by row: weights are proportional to exp(-gaps), the best pattern has gap 0."""

    base: Array  # (b,) the energy if only the best pattern counted
    gaps: Array  # (b, d) ≥ 0
    index: Array  # (b,) the best pattern


def tilt_energy(xp: Any, rows: Array, stored: Array) -> Tilt:
    """E's gaps |x - ρ_i|² - g(x) and its base g(x), for rows (b, n)."""
    distances = _distances(xp, rows, stored)  # (b, d)
    index = xp.argmin(plain(distances), axis=1)
    base = _at(xp, distances, index)
    gaps = distances - base[:, None]
    far = plain(base)[:, None] > _FAR
    if bool(xp.any(far)):
        best = xp.take(stored, index, axis=0)  # (b, n)
        offset = rows - best

        def exact(part: Array) -> Array:  # (k, n) -> (b, k)
            apart = best[:, None, :] - part[None, :, :]
            return xp.vecdot(apart, offset[:, None, :] + (rows[:, None, :] - part[None, :, :]))

        gaps = xp.where(far, _over_patterns(xp, exact, rows, stored), gaps)
    return _best_first(xp, base, gaps, 1.0)


def tilt_mchn(xp: Any, rows: Array, stored: Array, beta: Any, origin: Array | None = None) -> Tilt:
    """MCHN's gaps β (max_j ρ_j·x - ρ_i·x) and its base, for rows (b, n).

    ``origin``: rows and patterns are given relative to this point (n,); the base is then that of the moved
    patterns.
    """
    place = rows if origin is None else rows + origin
    index = xp.argmax(plain(xp.matmul(place, stored.T)), axis=1)  # near enough: made exact below
    best = xp.take(stored, index, axis=0)  # (b, n)

    def behind(part: Array) -> Array:  # (k, n) -> (b, k)
        apart = best[:, None, :] - part[None, :, :]  # (b, k, n)
        ahead = xp.vecdot(apart, rows[:, None, :])
        # The origin's share is the same at every step: its rounding must not jitter with the rows.
        return ahead if origin is None else ahead + xp.vecdot(apart, origin[None, None, :])

    gaps = beta * _over_patterns(xp, behind, rows, stored)
    offset = rows - best
    base = (xp.vecdot(offset, offset) + xp.take(norm_deficits(xp, stored), index, axis=0)) / 2
    return _best_first(xp, base, gaps, beta)


def tilt_values(xp: Any, values: Array) -> Tilt:
    """The gaps max y - y_i of plain numbers (..., k), with base max y."""
    index = xp.argmax(plain(values), axis=-1)
    base = _at(xp, values, index)
    return Tilt(base, base[..., None] - values, index)


def norm_deficits(xp: Any, stored: Array) -> Array:
    """ξ² - |ρ_i|² ≥ 0 with ξ² = max_i |ρ_i|², shape (d,): a difference times a sum, safe from offsets."""
    largest = stored[int(xp.argmax(plain(xp.vecdot(stored, stored)))), :]
    deficits = xp.vecdot(largest - stored, largest + stored)
    return deficits - xp.min(deficits)


def excess(xp: Any, tilt: Tilt) -> Array:
    """log Σ_i exp(-gaps_i) in [0, log d], to full relative accuracy however small; g - E for E's gaps."""
    return xp.log1p(_rest(xp, tilt))


def deficit(xp: Any, tilt: Tilt) -> Array:
    """log d - log Σ_i exp(-gaps_i) in [0, log d], accurate also where all patterns weigh nearly the same."""
    apart = math.log(tilt.gaps.shape[-1]) - excess(xp, tilt)
    alike = 0 - xp.log1p(xp.mean(xp.expm1(-tilt.gaps), axis=-1))
    # Subtracting logarithms loses nothing once the gaps differ; a sum of d terms near -1 would.
    return xp.where(xp.max(plain(tilt.gaps), axis=-1) < _NEAR, alike, apart)


def weights(xp: Any, tilt: Tilt) -> Array:
    """softmax(-gaps), shape (..., d)."""
    return xp.exp(-tilt.gaps) / (1 + _rest(xp, tilt))[..., None]


def _rest(xp: Any, tilt: Tilt) -> Array:
    """Σ exp(-gaps_i) over all patterns but the best: summed without the 1 that would swallow it."""
    kept = xp.arange(tilt.gaps.shape[-1], device=_device(tilt.gaps)) != tilt.index[..., None]
    terms = xp.exp(-tilt.gaps)
    return xp.sum(xp.where(kept, terms, xp.zeros_like(terms)), axis=-1)


def _best_first(xp: Any, base: Array, gaps: Array, beta: Any) -> Tilt:
    """Move base and gaps to the pattern with the least gap: near ties, rounding may have chosen another."""
    index = xp.argmin(plain(gaps), axis=1)
    least = _at(xp, gaps, index)
    return Tilt(base + least / beta, gaps - least[:, None], index)


# --- rows and blocks --------------------------------------------------------------------------------------


def _map(function: Callable[[Any, Array, Array], Array], x: Any, patterns: Any, *, square: bool = False) -> Array:
    xp, points, stored = as_points(x, patterns)
    return _in_blocks(xp, lambda rows: function(xp, rows, stored), points, stored, square)


def _map_at(
    beta: Any, function: Callable[[Any, Array, Array, Any], Array], x: Any, patterns: Any, *, square: bool = False
) -> Array:
    xp, points, stored = as_points(x, patterns)
    factor = as_factor("beta", beta, stored)
    return _in_blocks(xp, lambda rows: function(xp, rows, stored, factor), points, stored, square)


def _in_blocks(xp: Any, function: Callable[[Array], Array], points: Array, stored: Array, square: bool) -> Array:
    d, n = stored.shape
    (result,) = map_rows(xp, lambda rows: (function(rows),), points, max(d + n, n * n if square else 0))
    return result


def _over_patterns(xp: Any, function: Callable[[Array], Array], rows: Array, stored: Array) -> Array:
    """Join ``function`` (patterns (k, n) to (b, k)) over blocks of patterns that bound (b, k, n)."""
    width = rows.shape[0] * rows.shape[1]
    parts = [function(stored[part, :]) for part in blocks(stored.shape[0], width, block_elements(rows))]
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=1)


def _distances(xp: Any, rows: Array, stored: Array) -> Array:
    def squares(part: Array) -> Array:  # (k, n) -> (b, k)
        offset = rows[:, None, :] - part[None, :, :]  # (b, k, n)
        return xp.vecdot(offset, offset)

    return _over_patterns(xp, squares, rows, stored)


def _shift(xp: Any, stored: Array, tilt: Tilt) -> tuple[Array, Array, Array]:
    """(ρ_m, Σ_i w_i (ρ_i - ρ_m), w) with m the best pattern: (b, n), (b, n), (b, d)."""
    share = weights(xp, tilt)
    best = xp.take(stored, tilt.index, axis=0)
    total = xp.zeros_like(best)
    for part in blocks(stored.shape[0], best.shape[0] * best.shape[1], block_elements(best)):
        apart = stored[None, part, :] - best[:, None, :]  # (b, k, n)
        total = total + xp.matmul(share[:, None, part], apart)[:, 0, :]
    return best, total, share


def _mean(xp: Any, stored: Array, tilt: Tilt) -> Array:
    best, shift, _ = _shift(xp, stored, tilt)
    return best + shift


def _pull(xp: Any, rows: Array, stored: Array, tilt: Tilt) -> Array:
    """x - Σ_i w_i ρ_i, from differences."""
    best, shift, _ = _shift(xp, stored, tilt)
    return (rows - best) - shift


def _covariance(xp: Any, stored: Array, tilt: Tilt) -> Array:
    """Σ_i w_i (ρ_i - μ)(ρ_i - μ)ᵀ, shape (b, n, n), from centred differences."""
    best, shift, share = _shift(xp, stored, tilt)
    total = xp.zeros((*best.shape, best.shape[1]), dtype=best.dtype, device=_device(best))
    for part in blocks(stored.shape[0], best.shape[0] * best.shape[1], block_elements(best)):
        centred = (stored[None, part, :] - best[:, None, :]) - shift[:, None, :]  # (b, k, n)
        weighted = xp.matrix_transpose(centred * share[:, part, None])  # (b, n, k)
        total = total + xp.matmul(weighted, centred)
    return (total + xp.matrix_transpose(total)) / 2


def _identity(xp: Any, like: Array) -> Array:
    return xp.eye(like.shape[-1], dtype=like.dtype, device=_device(like))


def _at(xp: Any, values: Array, index: Array) -> Array:
    """values[..., index] row by row: (..., k), (...) -> (...)."""
    return xp.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _device(array: Array) -> Any:
    return array.device
