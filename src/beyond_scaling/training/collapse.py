"""Which single variable the gap depends on: N/D, N/D², N/D⁴, or N/D^p with a p of the data's own choosing.

If N ~ D^p holds whatever the threshold, curves of the gap over D, one for every N, fall on one curve over
log D - (log N)/p (`shared_curve`), D alone (p infinite) and N alone (p = 0) among them. Two verdicts:

The profile likelihood of θ, p = cot θ, takes all points as independent once the seeds have their offsets. The held-out
likelihood leaves out one size (or one seed) at a time, fits the curve, the variance and, where it is free, p to the
others, and asks how probable the points left out are under Student's t that the fit predicts. A seed left out has no
offset that could be known; then no seed has one, and the noise holds their luck. NumPy and SciPy only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..exponents import Interval
from .resample import spread_interval
from .shared_curve import Points, SharedCurve, angle_of, exponent_of

Groups = Literal["size", "seed"]
FIXED = (math.inf, 4.0, 2.0, 1.0, 0.0)
"""The p that are compared with the free one: D alone, N/D⁴, N/D², N/D, N alone."""
_ANGLES = np.linspace(0.0, math.pi / 2, 181)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """How probable points were that a fit had not seen.

    Attributes:
        by: what was left out, one at a time. groups: the values of it, (g,).
        scores: (n,) log density of every point, nats. mean: of them.
        lead: total of the scores less that of the free p, and its standard error over the groups: (difference, error);
            None where the free p could not be held out.
    """

    by: Groups
    groups: np.ndarray
    scores: np.ndarray
    mean: float
    lead: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Candidate:
    """One p. ``name``, such as N/D². ``log_likelihood`` of all points. ``noise``: standard deviation of log gap about
    the curve. ``held_out`` by size and by seed; None where there is nothing to leave out. ``falls``: whether the curve
    falls with D over all the points."""

    name: str
    p: float
    free: bool
    log_likelihood: float
    noise: float
    falls: bool
    by_size: HeldOut | None
    by_seed: HeldOut | None


@dataclass(frozen=True, eq=False)
class Collapse:
    """The comparison.

    Attributes:
        points: that were used. left_out: how many had no positive gap.
        candidates: the free p first, then `FIXED`.
        p: of the greatest likelihood. profile: where the likelihood is within that of `level`, all points independent.
        seeds: Student's interval of the p of the single seeds, taken as angles. by_seed: these p.
        angles, log_likelihood: (181,) the profile. level: of the intervals.
    """

    points: Points
    left_out: int
    candidates: tuple[Candidate, ...]
    p: float
    profile: Interval
    seeds: Interval | None
    by_seed: dict[int, float]
    angles: np.ndarray
    log_likelihood: np.ndarray
    level: float

    def best(self, by: Groups = "size") -> Candidate:
        """The fixed p that predicts best what is held out; by likelihood where nothing can be."""
        fixed = [candidate for candidate in self.candidates if not candidate.free]
        scores = [candidate.by_size if by == "size" else candidate.by_seed for candidate in fixed]
        if any(score is None for score in scores):
            return max(fixed, key=lambda candidate: candidate.log_likelihood)
        return fixed[int(np.argmax([score.mean for score in scores if score is not None]))]

    def curve(self, p: float, count: int = 101) -> tuple[np.ndarray, np.ndarray]:
        """The fitted curve of the gap for some p: log D - (log N)/p, and log gap, (count,) each; covariates at their
        means. For p = 0 the first is -log N."""
        fit = SharedCurve(self.points, angle_of(p), np.full(len(self.points.N), True))
        x = np.linspace(fit.x.min(), fit.x.max(), count)
        return x / (math.cos(fit.angle) if p else 1.0), fit.at(x)


def variable(p: float) -> str:
    """What a p makes the gap depend on, in symbols: N/D²."""
    if math.isinf(p):
        return "D alone"
    if p == 0:
        return "N alone"
    return {1.0: "N/D", 2.0: "N/D²", 4.0: "N/D⁴"}.get(p, f"N/D^{p:.3g}")


def collapse(
    N: Any,
    D: Any,
    gap: Any,
    seed: Any,
    *,
    extra: Any = None,
    fixed: Sequence[float] = FIXED,
    level: float = 0.95,
) -> Collapse | None:
    """Compare exponents by how well they collapse curves of a gap; None with too few points to fit a curve.

    Args:
        N, D: (n,) positive. gap: (n,), nats; those that are not positive have no logarithm and are left out.
        seed: (n,) integers. extra: (n, c) covariates, or None.
        fixed: the exponents to compare with the free one.

    Raises:
        ValueError: shapes that differ, or an N or D that is not positive.
    """
    points, left_out = _points(N, D, gap, seed, extra)
    everyone = np.full(len(points.N), True)
    if len(np.unique(points.N)) < 2 or len(np.unique(points.D)) < 2 or len(points.N) < points.least:
        return None
    profile = np.array([_likelihood(points, angle, everyone) for angle in _ANGLES])
    best = _best_angle(points, everyone)
    candidates = [_candidate(points, exponent_of(best), True)] + [_candidate(points, p, False) for p in fixed]
    angles = {}
    for one in np.unique(points.seed):
        here = points.seed == one
        if here.sum() >= points.least and len(np.unique(points.N[here])) > 1:
            angles[int(one)] = _best_angle(points, here)
    ends = spread_interval(list(angles.values()), level)
    return Collapse(
        points=points,
        left_out=left_out,
        candidates=_with_leads(points, candidates),
        p=exponent_of(best),
        profile=_profile_interval(profile, _likelihood(points, best, everyone), best, level),
        seeds=Interval(exponent_of(ends.high), exponent_of(ends.low)) if ends else None,
        by_seed={one: exponent_of(angle) for one, angle in angles.items()},
        angles=_ANGLES,
        log_likelihood=profile,
        level=level,
    )


# --- inside -----------------------------------------------------------------------------------------------


def _likelihood(points: Points, angle: float, chosen: np.ndarray, offsets: bool = True) -> float:
    return SharedCurve(points, angle, chosen, offsets).log_likelihood


def _best_angle(points: Points, chosen: np.ndarray, offsets: bool = True) -> float:
    """The angle of greatest likelihood: the best of a coarse grid, then between its neighbours."""
    from scipy.optimize import minimize_scalar

    grid = _ANGLES[::6]
    values = [_likelihood(points, angle, chosen, offsets) for angle in grid]
    best = int(np.argmax(values))
    ends = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)]))
    found = minimize_scalar(
        lambda angle: -_likelihood(points, angle, chosen, offsets),
        bounds=ends,
        method="bounded",
        options={"xatol": 1e-5},
    )
    return float(found.x) if -found.fun > values[best] else float(grid[best])


def _candidate(points: Points, p: float, free: bool) -> Candidate:
    everyone = np.full(len(points.N), True)
    fit = SharedCurve(points, angle_of(p), everyone)
    steps = np.diff(fit.at(np.linspace(fit.x.min(), fit.x.max(), 101)))
    return Candidate(
        name=f"N/D^p, p = {p:.3g}" if free else variable(p),
        p=p,
        free=free,
        log_likelihood=fit.log_likelihood,
        noise=fit.noise,
        falls=bool((steps <= 1e-12).all()),
        by_size=_held_out(points, None if free else angle_of(p), "size"),
        by_seed=_held_out(points, None if free else angle_of(p), "seed"),
    )


def _held_out(points: Points, angle: float | None, by: Groups) -> HeldOut | None:
    """Scores of points whose group is left out; None for fewer than two groups, or too few points beside one."""
    from scipy.stats import t

    labels = points.N if by == "size" else points.seed
    groups = np.unique(labels)
    if len(groups) < 2 or any((labels != group).sum() < points.least for group in groups):
        return None
    if angle is None and any(len(np.unique(points.N[labels != group])) < 2 for group in groups):
        return None
    scores = np.empty(len(labels))
    for group in groups:
        out = labels == group
        offsets = by == "size"
        found = _best_angle(points, ~out, offsets) if angle is None else angle
        fit = SharedCurve(points, found, ~out, offsets)
        scores[out] = t.logpdf(points.log_gap[out], fit.freedom, *fit.predicted(out))
    return HeldOut(by, groups, scores, float(scores.mean()), None)


def _with_leads(points: Points, candidates: list[Candidate]) -> tuple[Candidate, ...]:
    free = candidates[0]
    found = []
    for candidate in candidates:
        pairs = ((candidate.by_size, free.by_size), (candidate.by_seed, free.by_seed))
        size, seed = (
            dataclasses.replace(own, lead=difference(points, own, other))
            if own is not None and other is not None
            else own
            for own, other in pairs
        )
        found.append(dataclasses.replace(candidate, by_size=size, by_seed=seed))
    return tuple(found)


def difference(points: Points, one: HeldOut, other: HeldOut) -> tuple[float, float]:
    """Total score of `one` less that of `other`, and the standard error of that total over the groups left out.

    Raises:
        ValueError: scores of different groups.
    """
    if one.by != other.by or len(one.scores) != len(other.scores):
        raise ValueError(f"scores by {one.by} and by {other.by}, expected the same points and groups")
    labels = points.N if one.by == "size" else points.seed
    apart = one.scores - other.scores
    sums = np.array([apart[labels == group].sum() for group in one.groups])
    error = math.sqrt(len(sums)) * float(np.std(sums, ddof=1)) if len(sums) > 1 else math.nan
    return float(sums.sum()), error


def _profile_interval(profile: np.ndarray, most: float, best: float, level: float) -> Interval:
    """The exponents about the best whose likelihood is within χ²/2 of it, between grid angles by a line."""
    from scipy.stats import chi2

    drop = float(chi2.ppf(level, 1)) / 2
    ends = []
    after = int(np.searchsorted(_ANGLES, best, side="right"))
    before = int(np.searchsorted(_ANGLES, best, side="left"))
    for way, end in ((slice(after, None), math.pi / 2), (slice(0, before), 0.0)):
        angle, above = best, 0.0
        order = 1 if end else -1  # away from the best
        for place, value in zip(_ANGLES[way][::order], profile[way][::order], strict=True):
            below = most - value
            if below > drop:
                end = angle + (drop - above) / (below - above) * (place - angle)
                break
            angle, above = float(place), float(below)
        ends.append(end)
    return Interval(exponent_of(ends[0]), exponent_of(ends[1]))


def _points(N: Any, D: Any, gap: Any, seed: Any, extra: Any) -> tuple[Points, int]:
    arrays = {name: np.asarray(values) for name, values in (("N", N), ("D", D), ("gap", gap), ("seed", seed))}
    n = len(arrays["N"]) if arrays["N"].ndim == 1 else -1
    for name, values in arrays.items():
        if values.shape != (n,):
            raise ValueError(f"{name} has shape {values.shape}, expected (n,), the same for N, D, gap and seed")
    for name in ("N", "D"):
        if n and not (np.isfinite(arrays[name]) & (arrays[name] > 0)).all():
            raise ValueError(f"{name} holds {arrays[name].min()}, expected positive numbers")
    more = np.empty((n, 0)) if extra is None else np.asarray(extra, dtype=np.float64)
    if more.ndim != 2 or len(more) != n:
        raise ValueError(f"extra has shape {more.shape}, expected ({n}, c)")
    kept = np.isfinite(arrays["gap"]) & (arrays["gap"] > 0)
    return (
        Points(
            arrays["N"][kept].astype(np.float64),
            arrays["D"][kept].astype(np.float64),
            arrays["seed"][kept],
            np.log(arrays["gap"][kept].astype(np.float64)),
            more[kept],
        ),
        int((~kept).sum()),
    )
