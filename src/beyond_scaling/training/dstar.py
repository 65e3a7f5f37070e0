"""D* of every size at one σ², and the exponent p of N ~ D*^p with everything that makes it unsure.

The exponent is the slope of log N on log D*, as the paper's Table 3 has it, over the sizes whose D* lies inside their
grid; the others are named. With it:

- an interval from resampled seeds (`resample`), for luck of the runs;
- Student's interval of the exponents of the single seeds, for luck that sizes share;
- Student's interval of the regression over sizes, for a line that is none;
- the exponents that the grid allows, where D* is the first D that passed, for the steps of the grid;
- the exponents between neighbouring sizes, for a p that is not constant.

Paper: Section 6.3 and Table 3; Proposition 5 says p = 2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..exponents import ExponentFit, Interval, feasible_exponents, fit_exponent
from . import resample
from .crossing import Crossing, check_threshold, in_words, interpolated, many_interpolated, on_grid
from .rows import Measure, Row

Size = Literal["N", "total"]
LEAST_SIZES = 3  # an exponent of two sizes is a line through two points
DRAWS = 1000


@dataclass(frozen=True)
class DStar:
    """D* of one size at one σ².

    Attributes:
        N: parameters of the blocks. total: with the embeddings. width, layers: of the model.
        grid, interpolated: of the mean over seeds, by either rule.
        by_seed: (grid, interpolated) of every seed.
    """

    N: int
    total: int
    width: int | None
    layers: int
    grid: Crossing
    interpolated: Crossing
    by_seed: dict[int, tuple[Crossing, Crossing]]


@dataclass(frozen=True)
class Local:
    """The exponent between two neighbouring sizes, and its interval from resampled seeds."""

    low_N: int
    high_N: int
    exponent: float
    interval: Interval | None


@dataclass(frozen=True)
class Exponent:
    """The p of N ~ D*^p at one σ². What cannot be said is NaN or None.

    Attributes:
        sigma2: nats². measure: what was compared with it. size: "N" (blocks) or "total" (with embeddings).
        stars: of every size, in order. missing: in words, the sizes that are censored.
        sizes: how many are not.
        p: slope of log N on log D*, interpolated. interval: from resampled seeds. seeds: Student's, of `by_seed`.
            student: Student's, of the regression.
        inverse: 1 / slope of log D* on log N, larger than p by 1/r². The two agree where the sizes lie on a line. Where
            D* hardly depends on N, p falls to 0 with r², and `inverse` rises to infinity as it should: read that one.
            inverse_interval, inverse_student: as of p; up to infinity where D* may not depend on N at all.
        by_seed: exponent of every seed that has D* of at least three sizes.
        local: between neighbouring sizes.
        grid_p: the same slope with D* on the grid, over `grid_sizes` sizes. grid_interval: from the same seeds.
        cells: the exponents that the cells of the grid allow, were there no luck in the runs; None if there are none,
            which `no_line` tells from a lack of sizes.
        level: of the intervals. kept: share of the draws in which three sizes had a D*.
    """

    sigma2: float
    measure: Measure
    size: Size
    stars: tuple[DStar, ...]
    missing: tuple[str, ...]
    sizes: int
    p: float
    inverse: float
    interval: Interval | None
    seeds: Interval | None
    student: Interval | None
    inverse_interval: Interval | None
    inverse_student: Interval | None
    by_seed: dict[int, float]
    local: tuple[Local, ...]
    grid_p: float
    grid_sizes: int
    grid_interval: Interval | None
    cells: Interval | None
    no_line: bool
    level: float
    kept: float

    @property
    def widest(self) -> Interval | None:
        """From the least to the greatest end of `interval`, `seeds` and `student`, as far as they are there: whatever
        is the matter, luck of the runs, luck that sizes share, or a line that is none. None if none of them is."""
        there = [ends for ends in (self.interval, self.seeds, self.student) if ends is not None]
        if not there:
            return None
        return Interval(min(ends.low for ends in there), max(ends.high for ends in there))

    def allows(self, p: float) -> dict[str, bool]:
        """Whether an exponent lies in each interval that is there: "interval", "seeds", "student"."""
        named = {"interval": self.interval, "seeds": self.seeds, "student": self.student}
        return {name: p in ends for name, ends in named.items() if ends is not None}


def d_star(row: Row, sigma2: float) -> DStar:
    """D* of a row at σ², by both rules, of the mean and of every seed.

    Raises:
        ValueError: σ² is not a positive number.
    """
    by_seed = {}
    for seed in row.seeds:
        data, values = row.of_seed(seed)
        by_seed[seed] = on_grid(data, values, sigma2), interpolated(data, values, sigma2)
    return DStar(
        N=row.N,
        total=row.total,
        width=row.width,
        layers=row.layers,
        grid=on_grid(row.D, row.mean, sigma2),
        interpolated=interpolated(row.D, row.mean, sigma2),
        by_seed=by_seed,
    )


def exponent(
    rows: Sequence[Row],
    sigma2: float,
    *,
    size: Size = "N",
    draws: int = DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> Exponent:
    """The exponent over rows of different sizes at σ², and how sure it is; with too few sizes it says so, in NaN.

    Args:
        draws: of the resampled seeds. seed: of the draws.

    Raises:
        ValueError: naming the argument and what is expected of it.
    """
    check_threshold(sigma2)
    check_rows(rows)
    if size not in ("N", "total"):
        raise ValueError(f"size is {size!r}, expected N or total")
    stars = tuple(d_star(row, sigma2) for row in rows)
    counts = np.array([getattr(row, size) for row in rows], dtype=np.float64)
    found = np.array([star.interpolated.D for star in stars])
    there = np.flatnonzero(~np.isnan(found))
    fit = _fit(counts[there], found[there], level)
    log_n = np.log(counts)
    means = resample.resampled(rows, draws, seed)
    drawn = log_d_star(rows, means, [sigma2])[:, :, 0]
    slopes = slopes_of(log_n, drawn)
    free = resample.freedom(rows, np.log(found)[:, None])
    shared = int(resample.shared(free)[0])
    enough = len(there) >= LEAST_SIZES
    by_seed = _by_seed(rows, stars, log_n, there)
    cells, no_line, grid_p, on_cells = _grid(counts, stars, level)
    return Exponent(
        sigma2=float(sigma2),
        measure=rows[0].measure if rows else "mse",
        size=size,
        stars=stars,
        missing=tuple(f"N = {star.N:,}: D* {in_words(star.interpolated)}" for star in _censored(stars)),
        sizes=len(there),
        p=fit.slope if fit else math.nan,
        inverse=_inverse(log_n, np.log(found)) if fit else math.nan,
        interval=resample.interval(slopes, shared, level) if enough else None,
        seeds=resample.spread_interval(list(by_seed.values()), level) if enough else None,
        student=fit.interval if fit else None,
        inverse_interval=_turned(resample.interval(inverse_slopes_of(log_n, drawn), shared, level)) if enough else None,
        inverse_student=_turned(fit_exponent(found[there], counts[there], level=level).interval) if fit else None,
        by_seed=by_seed,
        local=tuple(_local(rows, log_n, np.log(found), drawn, free, level)),
        grid_p=grid_p,
        grid_sizes=len(on_cells),
        grid_interval=_grid_interval(rows, means, log_n, on_cells, sigma2, level),
        cells=cells,
        no_line=no_line,
        level=level,
        kept=float(np.mean(~np.isnan(slopes))) if rows else 0.0,
    )


def log_d_star(rows: Sequence[Row], means: Sequence[np.ndarray], thresholds: Any) -> np.ndarray:
    """log D* (B, m, T) of m rows, each with means (B, K), at thresholds (T,); NaN where it is censored."""
    if not rows:
        return np.empty((0, 0, len(thresholds)))
    return np.stack(
        [many_interpolated(row.D, values, thresholds) for row, values in zip(rows, means, strict=True)], axis=1
    )


def slopes_of(log_n: np.ndarray, log_d: np.ndarray) -> np.ndarray:
    """Slopes (...) of log N (m,) on log D* (..., m), over what is not NaN; NaN under three sizes."""
    enough, x, y = _centred(log_n, log_d)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough, (x * y).sum(axis=-1) / (x**2).sum(axis=-1), np.nan)


def inverse_slopes_of(log_n: np.ndarray, log_d: np.ndarray) -> np.ndarray:
    """Slopes (...) of log D* (..., m) on log N (m,), as `slopes_of`."""
    enough, x, y = _centred(log_n, log_d)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough, (x * y).sum(axis=-1) / (y**2).sum(axis=-1), np.nan)


def check_rows(rows: Sequence[Row]) -> None:
    """Raise ValueError for rows of more than one measure, or of one size twice."""
    if len({row.measure for row in rows}) > 1:
        raise ValueError(f"rows measure {', '.join(sorted({row.measure for row in rows}))}, expected one measure")
    sizes = [row.N for row in rows]
    if len(set(sizes)) < len(sizes):
        twice = next(size for size in sizes if sizes.count(size) > 1)
        raise ValueError(f"two rows have N = {twice:,}, expected one row for every size")


# --- inside -----------------------------------------------------------------------------------------------


def _centred(log_n: np.ndarray, log_d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether there are sizes enough (...), and log D* and log N (..., m) less their means; 0 where D* is NaN."""
    there = ~np.isnan(log_d)
    count = there.sum(axis=-1)
    safe = np.maximum(count, 1)
    x, y = np.where(there, log_d, 0.0), np.where(there, log_n, 0.0)
    x = np.where(there, x - (x.sum(axis=-1) / safe)[..., None], 0.0)
    y = np.where(there, y - (y.sum(axis=-1) / safe)[..., None], 0.0)
    return count >= LEAST_SIZES, x, y


def _censored(stars: Sequence[DStar]) -> list[DStar]:
    return [star for star in stars if not star.interpolated.measured]


def _fit(sizes: np.ndarray, data: np.ndarray, level: float) -> ExponentFit | None:
    if len(sizes) < LEAST_SIZES or np.ptp(np.log(data)) == 0:
        return None
    return fit_exponent(sizes, data, level=level)


def _inverse(log_n: np.ndarray, log_d: np.ndarray) -> float:
    slope = float(inverse_slopes_of(log_n, log_d))
    return 1 / slope if slope else math.inf


def _by_seed(rows: Sequence[Row], stars: Sequence[DStar], log_n: np.ndarray, there: np.ndarray) -> dict[int, float]:
    """The exponent of every seed over the sizes that the mean has a D* of, as far as the seed has one too."""
    found = {}
    for seed in sorted({seed for row in rows for seed in row.seeds}):
        place = np.full(len(rows), np.nan)
        for index in there:
            if seed in stars[index].by_seed:
                place[index] = np.log(stars[index].by_seed[seed][1].D)
        slope = float(slopes_of(log_n, place))
        if math.isfinite(slope):
            found[seed] = slope
    return found


def _local(
    rows: Sequence[Row], log_n: np.ndarray, log_d: np.ndarray, drawn: np.ndarray, free: np.ndarray, level: float
) -> list[Local]:
    found = []
    for low, high in itertools.pairwise(np.flatnonzero(~np.isnan(log_d)).tolist()):
        rise = log_n[high] - log_n[low]
        # the interval of 1/p, which passes through 0 where p passes through infinity, turned over
        ends = resample.interval(
            (drawn[:, high] - drawn[:, low]) / rise, int(resample.shared(free[[low, high]])[0]), level
        )
        step = (log_d[high] - log_d[low]) / rise
        found.append(Local(rows[low].N, rows[high].N, 1 / step if step else math.inf, _turned(ends)))
    return found


def _turned(ends: Interval | None) -> Interval | None:
    """1/x of an interval; what lies beyond infinity is cut off there."""
    if ends is None:
        return None
    if ends.low > 0:
        return Interval(1 / ends.high, 1 / ends.low)
    return Interval(1 / ends.high, math.inf) if ends.high > 0 else Interval(-math.inf, math.inf)


def _grid(sizes: np.ndarray, stars: Sequence[DStar], level: float) -> tuple[Interval | None, bool, float, list[int]]:
    there = [place for place, star in enumerate(stars) if star.grid.measured]
    if len(there) < LEAST_SIZES:
        return None, False, math.nan, there
    cells = [stars[place].grid for place in there]
    allowed = feasible_exponents(sizes[there], [cell.low for cell in cells], [cell.high for cell in cells])
    fit = _fit(sizes[there], np.array([cell.D for cell in cells]), level)
    return allowed, allowed is None, fit.slope if fit else math.nan, there


def _grid_interval(
    rows: Sequence[Row],
    means: Sequence[np.ndarray],
    log_n: np.ndarray,
    there: list[int],
    sigma2: float,
    level: float,
) -> Interval | None:
    if len(there) < LEAST_SIZES:
        return None
    at = np.full(len(rows), np.nan)
    at[there] = [np.log(on_grid(rows[place].D, rows[place].mean, sigma2).D) for place in there]
    places = []
    for row, values in zip(rows, means, strict=True):
        under = values < sigma2  # (B, K)
        first = under.argmax(axis=1)
        places.append(np.where(under.any(axis=1) & (first > 0), np.log(row.D)[first], np.nan))
    free = resample.freedom(rows, at[:, None])
    return resample.interval(slopes_of(log_n, np.stack(places, axis=1)), int(resample.shared(free)[0]), level)
