"""Where an error curve crosses a level, how that moves with n, and how sure both are.

A cell is one (n, d, seed). Cells of one n and d differ by luck alone, so seeds are drawn with replacement in each of
them, and everything is found anew from every draw: percentiles over draws are the intervals. Deviations from the mean
are widened by sqrt(k/(k - 1)) for k seeds, as a bootstrap of few is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...exponents import Interval

DRAWS = 400
_POWERS = np.linspace(0.25, 1, 31)


@dataclass(frozen=True)
class Curve:
    """An error at one n: ``d`` (k,) rising, ``mean`` (k,) over seeds, ``draws`` (b, k) of that mean."""

    n: int
    d: np.ndarray
    mean: np.ndarray
    draws: np.ndarray

    def band(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(low, high), (k,) each: the interval of the mean at each d, within 0 and 1 as errors are."""
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.clip(low, 0, 1), np.clip(high, 0, 1)


@dataclass(frozen=True)
class Critical:
    """The d at which a curve crosses a level: ``value`` and ``draws`` (b,), NaN where the grid ends before."""

    n: int
    value: float
    draws: np.ndarray

    def interval(self, level: float) -> Interval | None:
        """Percentiles; None unless nearly all draws cross."""
        return percentiles(self.draws, level)


@dataclass(frozen=True)
class Fit:
    """A slope, or a limit, of what several n say: ``value`` and ``draws`` (b,)."""

    value: float
    draws: np.ndarray

    def interval(self, level: float) -> Interval | None:
        """Percentiles; None unless nearly all draws have a value."""
        return percentiles(self.draws, level)


def curve(n: int, d: np.ndarray, seed: np.ndarray, error: np.ndarray, draws: int = DRAWS) -> Curve:
    """The curve of cells (m,) of one n. The draws depend on the cells alone."""
    order = np.lexsort((seed, d))
    d, seed, error = d[order], seed[order], error[order]
    places, starts, counts = np.unique(d, return_index=True, return_counts=True)
    rng = np.random.default_rng([n, len(d), draws])
    mean, drawn = np.empty(len(places)), np.empty((draws, len(places)))
    for k, (start, count) in enumerate(zip(starts.tolist(), counts.tolist(), strict=True)):
        values = error[start : start + count]
        mean[k] = values.mean()
        widen = math.sqrt(count / (count - 1)) if count > 1 else 0.0
        drawn[:, k] = mean[k] + widen * (values[rng.integers(0, count, (draws, count))].mean(axis=1) - mean[k])
    return Curve(n, places.astype(float), mean, drawn)


def critical(found: Curve, level: float) -> Critical:
    """Where the curve, made to rise (isotonic regression), passes ``level``; interpolated over log d."""
    values = _cross(np.log(found.d), np.vstack([found.mean, found.draws]), level)
    return Critical(found.n, float(values[0]), values[1:])


def slope(found: Sequence[Critical], *, logarithmic: bool) -> Fit:
    """The slope of log d* on log n (an exponent) or on n (a rate), by least squares over the n that cross."""
    there = [each for each in found if math.isfinite(each.value)]
    if len(there) < 2:
        return Fit(math.nan, np.full(len(found[0].draws) if found else 0, math.nan))
    sizes = np.array([each.n for each in there], dtype=float)
    x = np.log(sizes) if logarithmic else sizes
    x = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    y = np.log(np.array([[each.value, *each.draws] for each in there]))  # (sizes, 1 + b)
    values = x @ y
    return Fit(float(values[0]), values[1:])


def local_slopes(found: Sequence[Critical], *, logarithmic: bool) -> list[tuple[int, int, Fit]]:
    """(n, next n, slope between them) for neighbours that both cross."""
    there = [each for each in found if math.isfinite(each.value)]
    return [
        (low.n, high.n, slope([low, high], logarithmic=logarithmic))
        for low, high in pairwise(there)
    ]


def load_limit(found: Sequence[Critical]) -> Fit:
    """The limit of d*/n for large n, by least squares of a + b n^-p, with p free between 1/4 and 1.

    How fast a load tends to its limit is not known, and the limit depends on it: p is fitted in every draw anew.
    """
    there = [each for each in found if math.isfinite(each.value)]
    if len(there) < 4:
        return Fit(math.nan, np.full(len(found[0].draws) if found else 0, math.nan))
    sizes = np.array([float(each.n) for each in there])
    y = np.array([[each.value, *each.draws] for each in there]) / sizes[:, None]  # (sizes, 1 + b)
    least, values = np.full(y.shape[1], np.inf), np.full(y.shape[1], math.nan)
    for power in _POWERS:
        x = sizes**-power
        centred = x - x.mean()
        tilt = centred @ y / (centred @ centred)  # (1 + b,)
        limit = y.mean(axis=0) - x.mean() * tilt
        left = ((y - limit - x[:, None] * tilt) ** 2).sum(axis=0)
        better = left < least
        least, values = np.where(better, left, least), np.where(better, limit, values)
    return Fit(float(values[0]), values[1:])


def percentiles(draws: np.ndarray, level: float) -> Interval | None:
    """The interval that holds ``level`` of the draws; None where more than a few have no value."""
    there = draws[np.isfinite(draws)]
    if not len(draws) or len(there) < 0.9 * len(draws):
        return None
    low, high = np.quantile(there, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _cross(log_d: np.ndarray, errors: np.ndarray, level: float) -> np.ndarray:
    """(k,), (b, k) -> (b,): NaN where the curve, made to rise, begins at the level or ends below it."""
    rising = rise(errors)
    with np.errstate(all="ignore"):  # rows that do not cross are set aside below
        after = np.maximum(np.argmax(rising >= level, axis=1), 1)[:, None]  # (b, 1)
        high, low = (np.take_along_axis(rising, after - step, axis=1)[:, 0] for step in (0, 1))
        share = (level - low) / (high - low)
        after = after[:, 0]
        found = np.exp(log_d[after - 1] + share * (log_d[after] - log_d[after - 1]))
    return np.where((rising[:, 0] < level) & (rising[:, -1] >= level), found, math.nan)


def rise(values: np.ndarray) -> np.ndarray:
    """Isotonic regression of rows (b, k): max over i <= k of min over j >= k of the mean from i to j."""
    count = values.shape[1]
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    first, last = np.arange(count)[:, None], np.arange(count)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (total[:, None, 1:] - total[:, :-1, None]) / (last - first + 1)  # (b, i, j)
    means = np.where(last >= first, means, np.inf)
    least = np.minimum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]  # (b, i, k)
    return np.where(first <= last, least, -np.inf).max(axis=1)
