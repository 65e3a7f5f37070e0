"""All zeros of v - Σ_i w_i(v) q_i in one or two dimensions, by branch and prune.

With logits l_i(v) = q_i·v + b_i and w = softmax(l), every zero lies in the convex hull of the q_i. Starting
from its bounding box, each box is enclosed and then discarded (it holds no zero), accepted (Krawczyk's test:
it holds exactly one), or narrowed and split. No start points, nothing left to chance:

- Over a box the logits are linear, so the weights have simple bounds, and with them the mean μ(v) = Σ w_i q_i
  and the covariance Cov_w, its derivative; the mean-value form gives μ a second bound, of second order.
- A zero is a fixed point of μ, so a box can be cut down to its own image. Between two dominating patterns the
  image is a segment, and the direction across it decides at once.
- Boxes undecided down to the size at which rounding hides the field, or too many to go on with, surround
  degenerate zeros. They are searched with Newton's method; what it finds is accepted by the same test, and
  accounts for its cluster of boxes if the indices of all zeros add up. Other clusters are handed back as such.

Intervals are not rounded outwards; a margin proportional to the rounding of the terms takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

# More open boxes than this surround a curve of near-zeros: stop splitting and search what is left.
_LIVE = 8_000
_SMALLEST = 2.0**-16  # below this size (in the natural unit, over the spread) cubic terms vanish in rounding
_INFLATE = 1.05  # boxes overlap a little, so that a zero on a common edge is inside both
_CHUNK = 1 << 21  # elements of a temporary
_SEEDS = 1_000  # Newton starts in undecided boxes
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Field:
    """Weights softmax(q·v + b): ``points`` q (d, n) and ``bias`` b (d,)."""

    points: np.ndarray
    bias: np.ndarray
    spread: float = field(init=False)

    def __post_init__(self) -> None:
        extent = self.points.max(axis=0) - self.points.min(axis=0)
        object.__setattr__(self, "spread", float(np.linalg.norm(extent)))

    def weights(self, v: np.ndarray) -> np.ndarray:
        """w (m, d) at v (m, n)."""
        logits = v @ self.points.T + self.bias
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        return share / share.sum(axis=1, keepdims=True)

    def moments(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """w (m, d), mean (m, n) and covariance (m, n, n) at v (m, n)."""
        share = self.weights(v)
        # Around the heaviest pattern, so that a far outlier of no weight costs no digits.
        heavy = self.points[share.argmax(axis=1)]
        apart = self.points[None] - heavy[:, None]
        shift = np.einsum("md,mdn->mn", share, apart)
        centred = apart - shift[:, None]
        return share, heavy + shift, np.einsum("md,mdk,mdl->mkl", share, centred, centred)

    def logit_error(self) -> float:
        """A bound on the rounding error of a logit: of its two terms and their sum."""
        reach = np.abs(self.points).max()
        return 2 * _EPS * float(np.abs(self.bias).max() + reach * reach * self.points.shape[1])

    def sum_error(self) -> float:
        """A bound on the rounding error of a coordinate of v - μ(v), the logits taken as exact."""
        return 8 * _EPS * float(np.abs(self.points).max())


@dataclass(frozen=True)
class Zeros:
    """Simple zeros (k, n), and one point (c, n) for each cluster in which none could be told apart."""

    simple: np.ndarray
    degenerate: np.ndarray


@dataclass
class _Found:
    """Accepted zeros with the boxes in which each is the only one."""

    n: int
    zeros: list[np.ndarray] = field(default_factory=list)
    centres: list[np.ndarray] = field(default_factory=list)
    halves: list[np.ndarray] = field(default_factory=list)

    def add(self, zeros: np.ndarray, centres: np.ndarray, halves: np.ndarray) -> None:
        for zero, centre, half in zip(zeros, centres, halves, strict=True):
            if not self.knows(zero) and not any((np.abs(old - centre) <= half).all() for old in self.zeros):
                self.zeros.append(zero)
                self.centres.append(centre)
                self.halves.append(half)

    def knows(self, zero: np.ndarray) -> bool:
        return any((np.abs(zero - c) <= h).all() for c, h in zip(self.centres, self.halves, strict=True))

    def covers(self, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Whether each box (m, n) lies inside a box whose only zero is known."""
        covered = np.zeros(len(centre), dtype=bool)
        for c, h in zip(self.centres, self.halves, strict=True):
            covered |= (np.abs(centre - c) + half <= h).all(axis=1)
        return covered

    def points(self) -> np.ndarray:
        return np.array(self.zeros).reshape(-1, self.n)


def find_zeros(problem: Field) -> Zeros:
    """Every zero of v - μ(v)."""
    n = problem.points.shape[1]
    low, high = problem.points.min(axis=0), problem.points.max(axis=0)
    centre = ((low + high) / 2)[None]
    half = ((high - low) / 2 + 1e-3)[None]  # no box is flat, also when the patterns lie on a line
    smallest = max(_SMALLEST / max(1.0, problem.spread), 16 * _EPS * problem.spread)
    found = _Found(n)
    left: list[tuple[np.ndarray, np.ndarray]] = []
    while len(centre) and len(centre) <= _LIVE:
        centre, half = _sieve(problem, centre, half, found)
        tiny = half.max(axis=1) < smallest
        if tiny.any():
            left.append((centre[tiny], half[tiny]))
            centre, half = centre[~tiny], half[~tiny]
        centre, half = _split(centre, half)
    left.append((centre, half))
    centre, half = (np.concatenate(parts) for parts in zip(*left, strict=True))
    keep = ~found.covers(centre, half)
    return _settle(problem, centre[keep], half[keep], found)


def jacobian(problem: Field, v: np.ndarray) -> np.ndarray:
    """I - Cov_w, shape (m, n, n), the derivative of v - μ(v)."""
    return np.eye(problem.points.shape[1]) - problem.moments(v)[2]


def index_sum(problem: Field, zeros: np.ndarray) -> int:
    """Σ sign det(I - Cov_w) over simple zeros: 1 when none is missing (Poincaré-Hopf).

    Far away the field v - μ(v) points outwards, which fixes the sum of its indices.
    """
    return int(np.sign(np.linalg.det(jacobian(problem, zeros))).sum()) if len(zeros) else 0


# --- one box ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Enclosure:
    mean: np.ndarray  # (m, n) μ at the centre
    low: np.ndarray  # (m, n) μ over the box
    high: np.ndarray
    across: np.ndarray  # (m,) true where the direction across the two leading patterns rules a zero out
    covariance: np.ndarray  # (m, n, n) at the centre
    deviation: np.ndarray  # (m, n, n) the largest |Cov - covariance| over the box
    pulls: np.ndarray  # (m, d, n) w_i (q_i - mean) at the centre: how far an error of logit i moves the mean
    logit_error: float
    sum_error: float


def _enclose(problem: Field, centre: np.ndarray, half: np.ndarray) -> _Enclosure:
    q = problem.points
    d, n = q.shape
    share, mean, covariance = problem.moments(centre)
    pulls = share[..., None] * (q[None] - mean[:, None])
    error = problem.logit_error() * np.abs(pulls).sum(axis=1) + problem.sum_error()  # (m, n)

    # 1/w_i is convex, so the least w_i sits at a corner; the greatest is bounded pair by pair.
    logits = centre @ q.T + problem.bias  # (m, d)
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * n)).reshape(n, -1).T  # (2^n, n)
    at_corners = logits[:, None] + (corners[None] * half[:, None]) @ q.T  # (m, 2^n, d)
    at_corners = np.exp(at_corners - at_corners.max(axis=2, keepdims=True))
    least = (at_corners / at_corners.sum(axis=2, keepdims=True)).min(axis=1)
    apart = np.abs(q[:, None] - q[None])  # (d, d, n)
    rise = logits[:, None, :] - logits[:, :, None] - np.einsum("ijn,mn->mij", apart, half)
    with np.errstate(over="ignore"):
        greatest = 1 / np.exp(rise).sum(axis=2)
    greatest = np.minimum(greatest, 1 - least.sum(axis=1, keepdims=True) + least)
    greatest = np.maximum(greatest, least)

    def span(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of Σ_i w_i values_i over the box; values (m, d, k) relative to the heaviest pattern's."""
        up, down = np.maximum(values, 0), np.minimum(values, 0)
        return (
            np.einsum("md,mdk->mk", least, up) + np.einsum("md,mdk->mk", greatest, down),
            np.einsum("md,mdk->mk", greatest, up) + np.einsum("md,mdk->mk", least, down),
        )

    rows = np.arange(len(centre))
    first = share.argmax(axis=1)
    heavy = q[first]  # (m, n)
    low, high = span(q[None] - heavy[:, None])
    low, high = heavy + low, heavy + high

    # Cov = Σ w (q - μ_c)(q - μ_c)ᵀ - (μ - μ_c)(μ - μ_c)ᵀ, with μ_c the mean at the centre.
    offset = q[None] - mean[:, None]  # (m, d, n)
    products = (offset[..., :, None] * offset[..., None, :]).reshape(len(centre), d, n * n)
    at_heavy = products[rows, first]
    below, above = span(products - at_heavy[:, None])
    below = (at_heavy + below).reshape(-1, n, n)
    above = (at_heavy + above).reshape(-1, n, n)
    drift = np.maximum(np.abs(low - mean), np.abs(high - mean))  # (m, n)
    slip = drift[:, :, None] * drift[:, None, :]
    deviation = np.maximum(above + slip - covariance, covariance - (below - slip))

    steep = np.abs(covariance) + deviation
    reach = np.einsum("mkl,ml->mk", steep, half) + error
    low, high = (
        np.maximum(low - error, mean - reach),
        np.minimum(high + error, mean + reach),
    )

    across = np.zeros(len(centre), dtype=bool)
    if n == 2 and d > 1:
        rivals = greatest.copy()
        rivals[rows, first] = -1
        edge = q[rivals.argmax(axis=1)] - heavy
        normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / np.hypot(*edge.T)[:, None]
        down, up = span((q[None] - heavy[:, None]) @ normal[:, :, None])
        place = ((centre - heavy) * normal).sum(axis=1)
        blur = problem.logit_error() * np.abs(np.einsum("mdn,mn->md", pulls, normal)).sum(axis=1)
        room = (np.abs(normal) * half).sum(axis=1) + blur + 2 * problem.sum_error()
        across = (place - room > up[:, 0]) | (place + room < down[:, 0])
    return _Enclosure(mean, low, high, across, covariance, deviation, pulls, problem.logit_error(), problem.sum_error())


def _sieve(problem: Field, centre: np.ndarray, half: np.ndarray, found: _Found) -> tuple[np.ndarray, np.ndarray]:
    """Discard, accept or narrow each box (m, n); accepted zeros go to ``found``, the rest is returned."""
    kept = []
    for part in _chunks(problem, len(centre)):
        c, h = centre[part], half[part]
        wide = _INFLATE * h
        box = _enclose(problem, c, wide)
        gone = box.across | (box.low > c + wide).any(axis=1) | (box.high < c - wide).any(axis=1)
        shift, reach, usable = _krawczyk(box, c, wide)
        gone |= usable & (np.abs(shift) - reach > wide).any(axis=1)
        sure = usable & ~gone & (np.abs(shift) + reach < wide).all(axis=1)
        if sure.any():
            zeros = _newton(problem, (c + shift)[sure], steps=12)
            inside = (np.abs(zeros - c[sure]) <= wide[sure]).all(axis=1)
            found.add(zeros[inside], c[sure][inside], wide[sure][inside])
            sure[np.flatnonzero(sure)[~inside]] = False
        open_ = ~(gone | sure)
        low = np.maximum(c - h, box.low)
        high = np.minimum(c + h, box.high)
        low = np.where(usable[:, None], np.maximum(low, c + shift - reach), low)
        high = np.where(usable[:, None], np.minimum(high, c + shift + reach), high)
        # Narrowing may leave a sliver where only the overlap of inflated boxes met: no zero of this box.
        open_ &= (low <= high).all(axis=1)
        kept.append(((low + high)[open_] / 2, (high - low)[open_] / 2))
    centre, half = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    fresh = ~found.covers(centre, half)
    return centre[fresh], half[fresh]


def _krawczyk(box: _Enclosure, centre: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Krawczyk's image c + shift ± reach of each box, and where its preconditioner exists."""
    slope = np.eye(centre.shape[1]) - box.covariance
    inverse, usable = _inverse(slope)
    shift = np.einsum("mkl,ml->mk", inverse, box.mean - centre)
    # I - Y J = Y (Cov - Cov_c): the deviation alone spreads the image.
    blur = np.einsum("mkl,ml->mk", box.deviation, half) + box.sum_error
    reach = np.einsum("mkl,ml->mk", np.abs(inverse), blur)
    # An error of a logit moves the mean along its pattern only: preconditioned before taking sizes.
    reach += box.logit_error * np.abs(np.einsum("mkl,mdl->mdk", inverse, box.pulls)).sum(axis=1)
    return shift, reach, usable


def _inverse(slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverses of symmetric matrices (m, n, n), n = 1 or 2, and which to trust: singular ones are stand-ins."""
    size = np.maximum(np.abs(slope).max(axis=(1, 2)), 1e-14)
    if slope.shape[1] == 1:
        determinant, adjugate = slope[:, 0, 0] / size, np.ones_like(slope)
    else:
        a, b, c = slope[:, 0, 0] / size, slope[:, 0, 1] / size, slope[:, 1, 1] / size
        determinant = a * c - b * b
        adjugate = np.stack([c, -b, -b, a], axis=1).reshape(-1, 2, 2)
    usable = np.abs(determinant) * size**2 > 1e-12 * np.maximum(1, size)
    floor = np.where(determinant < 0, -1e-15, 1e-15)
    determinant = np.where(np.abs(determinant) < 1e-15, floor, determinant)
    return adjugate / (determinant * size)[:, None, None], usable


def _split(centre: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halve every box along its longest side."""
    rows, side = np.arange(len(centre)), half.argmax(axis=1)
    half = half.copy()
    half[rows, side] /= 2
    step = np.zeros_like(half)
    step[rows, side] = half[rows, side]
    return np.concatenate([centre - step, centre + step]), np.concatenate([half, half])


def _chunks(problem: Field, size: int) -> Iterator[slice]:
    step = max(1, _CHUNK // problem.points.shape[0] ** 2)
    for start in range(0, max(size, 1), step):
        yield slice(start, start + step)


def _newton(problem: Field, v: np.ndarray, steps: int) -> np.ndarray:
    """Newton's method from each v (m, n), with steps of at most a quarter of the natural unit."""
    v, moving = v.copy(), np.arange(len(v))
    for _ in range(steps):
        here = v[moving]
        _, mean, covariance = problem.moments(here)
        inverse, _ = _inverse(np.eye(v.shape[1]) - covariance)
        move = np.einsum("mkl,ml->mk", inverse, mean - here)
        length = np.linalg.norm(move, axis=1)
        v[moving] = here + move * np.minimum(1, 0.25 / np.maximum(length, 1e-300))[:, None]
        moving = moving[length > 2 * _EPS * (1 + np.abs(here).max(axis=1))]
        if not len(moving):
            break
    return v


# --- what is left -----------------------------------------------------------------------------------------


def _settle(problem: Field, centre: np.ndarray, half: np.ndarray, found: _Found) -> Zeros:
    """Find the simple zeros inside undecided boxes, and one point for every cluster that they do not
    explain."""
    none = np.empty((0, problem.points.shape[1]))
    if not len(centre):
        return Zeros(found.points(), none)
    seeds = centre[np.unique(np.linspace(0, len(centre) - 1, min(len(centre), _SEEDS)).astype(int))]
    _accept(problem, _newton(problem, seeds, steps=60), found)
    complete = index_sum(problem, found.points()) == 1
    near = 2 * half.max() + 1e-3 / max(1.0, problem.spread)
    degenerate: list[np.ndarray] = []
    for cluster in _clusters(centre, half):
        explained = complete and _distance(found.points(), centre[cluster]).min(initial=np.inf) <= near
        best = None if explained else _flattest(problem, centre[cluster], near)
        if best is not None and _distance(best[None], np.array([*degenerate, *found.zeros])).min() > 1e-2 * near:
            degenerate.append(best)
    return Zeros(found.points(), np.array(degenerate).reshape(-1, none.shape[1]))


def _accept(problem: Field, candidates: np.ndarray, found: _Found) -> None:
    """Keep the candidates around which some box passes Krawczyk's test."""
    candidates = candidates[np.abs(candidates).max(axis=1) <= 2 * problem.spread + 1]
    _, mean, _ = problem.moments(candidates)
    candidates = candidates[np.linalg.norm(candidates - mean, axis=1) <= 1e-9 * (1 + problem.spread)]
    _, once = np.unique(np.round(candidates, 7), axis=0, return_index=True)
    candidates = candidates[once]
    for size in np.geomspace(1e-2, 1e-10, 17) / max(1.0, problem.spread):
        for part in _chunks(problem, len(candidates)):
            c = candidates[part]
            half = np.full(c.shape, size)
            shift, reach, usable = _krawczyk(_enclose(problem, c, half), c, half)
            sure = usable & (np.abs(shift) + reach < half).all(axis=1)
            found.add(c[sure], c[sure], half[sure])


def _flattest(problem: Field, centres: np.ndarray, near: float) -> np.ndarray | None:
    """Where the field vanishes in a cluster of boxes, its middle if that will do; None if it vanishes
    nowhere there to rounding."""
    start = centres[np.unique(np.linspace(0, len(centres) - 1, min(len(centres), 200)).astype(int))]
    start = np.concatenate([start.mean(axis=0, keepdims=True), start])
    ends = np.concatenate([start, _newton(problem, start, steps=40)])
    share, mean, covariance = problem.moments(ends)
    # Along the principal directions: errors of logits are large only where the patterns in play differ.
    frames = np.linalg.eigh(covariance)[1]
    pulls = share[..., None] * ((problem.points[None] - mean[:, None]) @ frames)  # (m, d, n)
    error = problem.sum_error() + problem.logit_error() * np.abs(pulls).sum(axis=1)
    flat = (np.abs(np.einsum("mn,mnk->mk", ends - mean, frames)) <= 1e-12 + 8 * error).all(axis=1)
    flat &= _distance(ends, centres) <= near
    return ends[int(np.argmax(flat))] if flat.any() else None


def _distance(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From each point (m, n) to the nearest of the others (k, n), in the largest coordinate; infinite if
    there are none."""
    if not len(others):
        return np.full(len(points), np.inf)
    return np.array([np.abs(others - point).max(axis=1).min() for point in points])


def _clusters(centre: np.ndarray, half: np.ndarray) -> list[np.ndarray]:
    """Indices of boxes, grouped where they touch: cells of four box sizes, joined to their neighbours."""
    cell = 4 * float(half.max()) + 1e-300
    members: dict[tuple[int, ...], list[int]] = {}
    for number, key in enumerate(map(tuple, np.floor(centre / cell).astype(np.int64).tolist())):
        members.setdefault(key, []).append(number)
    around = np.array(np.meshgrid(*[[-1, 0, 1]] * centre.shape[1])).reshape(centre.shape[1], -1).T.tolist()
    groups = []
    while members:
        key, numbers = members.popitem()
        open_, group = [key], list(numbers)
        while open_:
            here = open_.pop()
            for move in around:
                there = tuple(a + b for a, b in zip(here, move, strict=True))
                if there in members:
                    group += members.pop(there)
                    open_.append(there)
        groups.append(np.array(sorted(group)))
    return sorted(groups, key=lambda group: tuple(centre[group].mean(axis=0)))
