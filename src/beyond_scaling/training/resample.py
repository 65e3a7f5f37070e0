"""Resampling a handful of seeds: what the mean over them might have been.

A seed draws the weights, the training text and the held-out text of a run, and less text is the beginning of more: the
runs of one seed share their luck over D. So the seeds of a row are drawn with replacement as whole rows, for every size
anew. Luck that all sizes share moves every D* alike and leaves the exponent alone; drawing for every size anew takes it
for luck of the sizes' own and can only widen the interval. Drawing whole seeds for all sizes at once would be right
too, but three seeds allow ten draws.

Percentiles of a plain bootstrap of k = 3 are far too narrow. The deviations from the mean are therefore widened by
√(k/(k - 1)), which makes their variance that of a mean with unknown σ, and the percentiles are taken at the tails of
Student's t with as many degrees of freedom as there are seeds less rows, where the rows cross (the "expanded
percentile" of Hesterberg 2015). A row with one seed there tells nothing of its luck, and no interval is given.
In simulations of five sizes, ten D and three seeds, intervals at 95 % held the true exponent 92 to 99 times in 100 (two
seeds: 89 times).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..exponents import Interval, generator
from .rows import Row


def resampled(rows: Sequence[Row], draws: int, seed: int = 0) -> list[np.ndarray]:
    """Means over resampled seeds, (draws, K) for every row.

    Where a D has runs of one seed only, there is nothing to draw, and its value stays.

    Raises:
        ValueError: draws under 1, or a seed that is none.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}, expected at least 1")
    rng = generator(seed)
    return [_row(row, draws, rng) for row in rows]


def freedom(rows: Sequence[Row], log_d_star: np.ndarray) -> np.ndarray:
    """Degrees of freedom (m, T) that the seeds leave where m rows cross, at log D* (m, T): seeds - 1, the fewer of the
    two D between which it lies. A row that does not cross has none to give, and -1 stands for it."""
    found = np.full(log_d_star.shape, -1)
    for row, places, free in zip(rows, log_d_star, found, strict=True):
        repeats = (~np.isnan(row.values)).sum(axis=0)
        there = ~np.isnan(places)
        after = np.clip(np.searchsorted(np.log(row.D), places[there]), 1, max(len(row.D) - 1, 1))
        free[there] = np.minimum(repeats[after - 1], repeats[after]) - 1 if len(row.D) > 1 else 0
    return found


def shared(free: np.ndarray) -> np.ndarray:
    """Degrees of freedom (T,) of all rows that cross, from `freedom` (m, T); 0 where one of them has none: its luck is
    not known."""
    return np.where((free == 0).any(axis=0), 0, np.maximum(free, 0).sum(axis=0))


def interval(draws: np.ndarray, freedom: int, level: float = 0.95) -> Interval | None:
    """The expanded percentiles of draws (b,), those that are NaN left aside.

    None without a degree of freedom, or where fewer than half of the draws are there.
    """
    from scipy.stats import norm, t

    there = draws[~np.isnan(draws)]
    if freedom < 1 or 2 * len(there) < len(draws) or not len(there):
        return None
    tail = float(norm.cdf(-t.ppf((1 + level) / 2, freedom)))
    low, high = np.quantile(there, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _row(row: Row, draws: int, rng: np.random.Generator) -> np.ndarray:
    seeds = len(row.seeds)
    chosen = rng.integers(0, seeds, (draws, seeds))
    times = (chosen[:, :, None] == np.arange(seeds)).sum(axis=1).astype(np.float64)  # (draws, S) how often
    there = (~np.isnan(row.values)).astype(np.float64)  # (S, K)
    counts = times @ there
    mean = row.mean
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.where(counts > 0, times @ np.nan_to_num(row.values) / counts, mean)
        repeats = there.sum(axis=0)
        widen = np.where(repeats > 1, np.sqrt(repeats / np.maximum(repeats - 1, 1)), 0.0)
        ratio = drawn / mean
        # in proportion where that keeps a square a square
        return np.where((mean > 0) & (ratio > 0), mean * ratio**widen, mean + widen * (drawn - mean))


def spread_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Student's interval of the mean of one number per seed; None for fewer than two."""
    from .seeds import spread

    if len(values) < 2:
        return None
    _, low, high, _ = spread(values, level)
    assert low is not None
    assert high is not None
    return Interval(low, high) if math.isfinite(low) else None
