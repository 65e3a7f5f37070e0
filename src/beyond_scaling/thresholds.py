"""Where memories appear and vanish: two wells, d equidistant patterns, and the β up to which MCHN is convex.

For E (eq 4) and the MCHN energy (section 4) of the paper "Beyond Scaling Laws: Understanding Transformer
Performance with Associative Memory". Distances are Euclidean, logarithms natural.
"""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np

from ._arrays import as_patterns, as_positive, plain

_EPS = float(np.finfo(float).eps)


def two_well_minimum(a: float, beta: float | None = None) -> float:
    """The minimum m ≥ 0 of the energy of two patterns at ±a, for E (``beta`` None) or MCHN.

    It solves m = a tanh(2 a m) for E and m = a tanh(β a m) for MCHN. It is 0, a single well, up to the
    pitchfork at 2 a² = 1 (distance 2 a = √2), or β a² = 1, within the rounding of a and β.

    Raises:
        ValueError: a or beta not a positive finite number.
    """
    a = _positive("a", a)
    factor = 2.0 if beta is None else _positive("beta", beta)
    # With z = k m/a: tanh z = z/k. k - 1 is rounded once, from the exact product, so that m keeps its
    # digits near the pitchfork.
    exact = Fraction(factor) * Fraction(a) ** 2 - 1
    if exact > 40:
        return a  # tanh(k) = 1 in float64
    above = float(exact)
    if above <= 2 * _EPS:  # no more than rounding a and β may have added
        return 0.0
    k = 1 + above
    from scipy.optimize import brentq

    def surplus(z: float) -> float:
        return _tanh_defect(z) - above * math.tanh(z)

    low, high = math.sqrt(3 * above) * (1 - 1e-9), k * (1 + 1e-9)
    z = low if surplus(low) >= 0 else brentq(surplus, low, high, xtol=1e-300, rtol=4 * _EPS)
    return a * (z / k)


def separation_threshold(d: int) -> float:
    """δ_c(d): d patterns at equal mutual distances δ each keep a minimum of E exactly when δ > δ_c.

    Any dimension n ≥ d - 1. A fixed point at a share s of the way from the centroid to a pattern satisfies
    δ² = y (1 + (d - 1) e^{-y}) / (1 - e^{-y}) with y = s δ²; δ_c² is the least value over y > 0. It grows
    like log d + log log d. For d = 2 it is 2.

    Raises:
        ValueError: d not an integer of at least 2.
    """
    if isinstance(d, bool) or not isinstance(d, Integral | float) or not 2 <= d < math.inf or d != int(d):
        raise ValueError(f"d is {d!r}, expected an integer of at least 2")
    if d == 2:
        return math.sqrt(2)
    from scipy.optimize import brentq

    log_d = math.log(int(d))  # exact integers may exceed float64
    share = math.exp(-log_d)

    def slope(y: float) -> float:
        # d/dy of the expression above, up to a positive factor.
        return math.exp(y - log_d) + (1 - 2 * share) - (1 - share) * math.exp(-y) - y

    y = brentq(slope, 1.0, log_d + math.log(1 + log_d) + 3, xtol=1e-300, rtol=4 * _EPS)
    others = math.exp(log_d - y) - math.exp(-y)
    return math.sqrt(y * (1 + others) / -math.expm1(-y))


def convexity_threshold(patterns: Any) -> float:
    """The largest β at which MCHN is convex everywhere, for patterns (d, n) with n = 1 or 2.

    ∇²MCHN = I - β Cov_w and w runs over all tilts softmax(θ·ρ), so the threshold is 1/sup_θ λ_max(Cov_w), taken
    over the limits at infinity as well, where only the patterns of one edge of the hull keep weight. It is at
    least 4/diameter² (Popoviciu), with equality if the diameter is an edge with nothing on it, and infinite if
    all patterns coincide.

    In 1-D, and on every edge, the tilted variance is maximised by branch and bound: relative error below
    1e-12. In 2-D the inside is searched on a multi-scale grid of about 20,000 tilts and the best two dozen
    are polished; provided that the grid catches the right basin (no failure is known), the relative
    error is below 1e-9.

    Raises:
        ValueError: patterns not (d, 1) or (d, 2), or otherwise unfit (see ``energy``).
    """
    _, stored = as_patterns(patterns)
    if stored.shape[1] not in (1, 2):
        raise ValueError(f"patterns has shape {tuple(stored.shape)}, expected (d, 1) or (d, 2)")
    given = np.asarray(plain(stored).tolist(), dtype=float)
    distinct, copies = np.unique(given, axis=0, return_counts=True)
    if len(distinct) == 1:
        return math.inf
    local = distinct - distinct.mean(axis=0)
    size = 2.0 ** math.frexp(float(np.abs(local).max()))[1]  # a power of two: squares of 1e-200 would be zero
    local = local / size
    reach = max(float(np.linalg.norm(local - point, axis=1).max()) for point in local)
    unit, diameter = local / reach, size * reach
    axes = np.linalg.svd(unit, full_matrices=False)
    if unit.shape[1] == 1 or axes[1][1] <= 1e-13 * axes[1][0]:
        return _inverse_variance(_largest_variance(unit @ axes[2][0], copies), diameter)
    best = max(_largest_variance(unit[edge] @ along, copies[edge]) for edge, along in _hull_edges(unit))
    return _inverse_variance(max(best, _largest_inside(unit, np.log(copies))), diameter)


def _inverse_variance(variance: float, diameter: float) -> float:
    """1/(variance diameter²), infinite where that exceeds float64, as for patterns 1e-200 apart."""
    with np.errstate(over="ignore", divide="ignore"):
        return float(np.float64(1) / (variance * np.float64(diameter) ** 2))


# --- one dimension ----------------------------------------------------------------------------------------


def _largest_variance(places: np.ndarray, copies: np.ndarray) -> float:
    """sup_θ of the variance of ``places`` (d,) under weights ∝ copies exp(θ places), to 1e-12 relative."""
    low, span = places.min(), np.ptp(places)
    y, log_copies = (places - low) / span, np.log(copies)

    def cumulants(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean, variance and third cumulant (m,) at tilts theta (m,)."""
        logits = theta[:, None] * y + log_copies
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        mean = share @ y
        centred = y[None] - mean[:, None]
        return mean, (share * centred**2).sum(axis=1), (share * centred**3).sum(axis=1)

    def tail(edge: float) -> float:
        """A bound on the variance beyond ``edge``: there the extreme place has the most weight, the others
        at most what they have here."""
        order = y if edge > 0 else 1 - y
        ahead = np.maximum(order[None, :] - order[:, None], 0) * abs(edge) + (log_copies[None] - log_copies[:, None])
        ahead = np.where(order[None, :] > order[:, None], ahead, -np.inf)
        with np.errstate(over="ignore"):
            most = 1 / (1 + np.exp(ahead).sum(axis=1))
        return float((most * (1 - order) ** 2).sum())

    best = float(cumulants(np.zeros(1))[1][0])
    reach = 1.0
    while max(tail(reach), tail(-reach)) > best:
        best = max(best, float(cumulants(np.array([-reach, reach]))[1].max()))
        reach *= 2
    centre, half = np.array([0.0]), np.array([reach])
    while len(centre):
        mean, variance, third = cumulants(centre)
        best = max(best, float(variance.max()))
        # |κ₃| ≤ κ₂ and |κ₄| ≤ κ₂ for places in [0, 1]: growth by e^half, or a parabola, bounds the variance.
        growth = np.exp(np.minimum(half, 700))
        bound = np.minimum(variance * growth, variance + np.abs(third) * half + half**2 / 2 * variance * growth)
        bound = np.minimum(bound, _weight_bound(y, log_copies, centre, half, mean))
        open_ = bound > best * (1 + 1e-13)
        half = half[open_] / 2
        centre = np.concatenate([centre[open_] - half, centre[open_] + half])
        half = np.concatenate([half, half])
    return best * float(span) ** 2


def _weight_bound(
    y: np.ndarray, log_copies: np.ndarray, centre: np.ndarray, half: np.ndarray, mean: np.ndarray
) -> np.ndarray:
    """Σ_i max w_i (y_i - mean)² over each interval: a bound that knows which places have no weight left."""
    logits = centre[:, None] * y + log_copies
    rise = logits[:, None, :] - logits[:, :, None] - np.abs(y[:, None] - y[None]) * half[:, None, None]
    with np.errstate(over="ignore"):
        most = 1 / np.exp(rise).sum(axis=2)
    return (most * (y[None] - mean[:, None]) ** 2).sum(axis=1)


# --- two dimensions ---------------------------------------------------------------------------------------


def _hull_edges(points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each edge of the hull of points (d, 2): the indices of the points on it, and its unit direction (2,).

    Counter-clockwise; the points span a plane, have diameter 1, and lie on an edge if within 1e-14 of it.
    """
    order = np.lexsort(points.T[::-1])

    def chain(indices: np.ndarray) -> list[int]:
        kept: list[int] = []
        for index in indices:
            while len(kept) > 1:
                last = points[kept[-1]] - points[kept[-2]]
                step = points[index] - points[kept[-2]]
                if last[0] * step[1] - last[1] * step[0] > 1e-14 * np.linalg.norm(step):
                    break
                kept.pop()
            kept.append(int(index))
        return kept

    corners = chain(order)[:-1] + chain(order[::-1])[:-1]
    edges = []
    for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
        along = points[there] - points[here]
        along = along / np.linalg.norm(along)
        offset = points - points[here]
        on = np.flatnonzero(np.abs(offset[:, 0] * along[1] - offset[:, 1] * along[0]) <= 1e-14)
        edges.append((on, along))
    return edges


def _largest_inside(points: np.ndarray, log_copies: np.ndarray) -> float:
    """sup_θ λ_max(Cov_w) over finite tilts θ ∈ R² of points (d, 2) of diameter 1."""
    from scipy.optimize import minimize

    def moments(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = theta @ points.T + log_copies
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        return share, points[None] - (share @ points)[:, None]

    def values(theta: np.ndarray) -> np.ndarray:
        share, centred = moments(theta)
        return np.linalg.eigvalsh(np.einsum("md,mdk,mdl->mkl", share, centred, centred))[:, 1]

    def loss(place: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the variance along (cos φ, sin φ) at tilt θ, and its gradient: smooth at crossings too."""
        share, centred = moments(place[None, :2])
        along = np.array([math.cos(place[2]), math.sin(place[2])])
        turned = np.array([-along[1], along[0]])
        along_part, turned_part = centred[0] @ along, centred[0] @ turned
        tilt = (share[0] * along_part**2) @ centred[0]
        turn = 2 * float(share[0] @ (along_part * turned_part))
        return -float(share[0] @ along_part**2), -np.array([tilt[0], tilt[1], turn])

    theta = _tilts(points)
    heights = np.concatenate([values(part) for part in np.array_split(theta, max(1, len(theta) // 4096))])
    best = float(heights.max())
    for start in theta[np.argsort(-heights)[:24]]:
        share, centred = moments(start[None])
        vector = np.linalg.eigh(np.einsum("md,mdk,mdl->mkl", share, centred, centred)[0])[1][:, 1]
        begin = np.array([*start, math.atan2(vector[1], vector[0])])
        end = minimize(loss, begin, jac=True, method="BFGS", options={"gtol": 1e-11})
        best = max(best, -float(end.fun))
    return best


def _tilts(points: np.ndarray) -> np.ndarray:
    """Tilts (m, 2) on all scales: around the circle, and along the outward normals of the hull's edges."""
    radii = np.concatenate([[0.0], np.geomspace(0.05, 1e4, 60)])
    angles = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    grids = [(radii[:, None, None] * around[None]).reshape(-1, 2)]
    sides = np.concatenate([-np.geomspace(0.1, 300, 16)[::-1], [0.0], np.geomspace(0.1, 300, 16)])
    outwards = np.geomspace(0.1, 1e9, 31)
    for _, along in _hull_edges(points):
        normal = np.array([along[1], -along[0]])
        grids.append((outwards[:, None, None] * normal + sides[None, :, None] * along).reshape(-1, 2))
    return np.concatenate(grids)


def _positive(name: str, value: Any) -> float:
    return float(plain(as_positive(name, value)))


def _tanh_defect(z: float) -> float:
    """z - tanh z = (z cosh z - sinh z) / cosh z; for small z by a series of positive terms."""
    if z > 1:
        return z - math.tanh(z)
    total, term = 0.0, z
    for k in range(1, 14):
        term *= z * z / ((2 * k) * (2 * k + 1))  # z^(2k+1) / (2k+1)!
        total += 2 * k * term
    return total / math.cosh(z)
