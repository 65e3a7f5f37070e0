"""The exponent as σ² moves: p(σ²) over two decades, and whether it depends on σ² at all.

The paper chose σ² = 0.04 "empirically". A law N ~ D^p that holds for the model, and not for one choice of a threshold,
has the same p wherever the threshold lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..exponents import Interval
from . import resample
from .dstar import DRAWS, LEAST_SIZES, Size, check_rows, log_d_star, slopes_of
from .rows import Measure, Row

SIGMA2 = 0.04
"""The paper's threshold, nats²."""


def thresholds(low: float = 1e-2, high: float = 1.0, count: int = 41) -> np.ndarray:
    """(count,) thresholds evenly spaced in log σ², nats²; the paper's own, 0.04, lies between two of them."""
    return np.geomspace(low, high, count)


@dataclass(frozen=True, eq=False)
class Swept:
    """The exponent at every threshold.

    Attributes:
        sigma2: (T,) nats². measure, size: as `dstar.Exponent`.
        D: (m, T) interpolated D* of every size, NaN where it is censored. N: (m,) blocks or total.
        sizes: (T,) how many sizes have one. p: (T,) NaN under three sizes.
        low, high: (T,) from resampled seeds, NaN where there is no interval.
        student_low, student_high: (T,) of the regression over sizes.
        at: (T,) bool, where the most sizes have one; over these alone p is comparable, and `trend` is taken.
        trend: slope of p on log10 σ². trend_interval: from the same draws of the seeds.
    """

    sigma2: np.ndarray
    measure: Measure
    size: Size
    N: np.ndarray
    D: np.ndarray
    sizes: np.ndarray
    p: np.ndarray
    low: np.ndarray
    high: np.ndarray
    student_low: np.ndarray
    student_high: np.ndarray
    at: np.ndarray
    trend: float
    trend_interval: Interval | None
    level: float


def swept(
    rows: Sequence[Row],
    sigma2: Any = None,
    *,
    size: Size = "N",
    draws: int = DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> Swept:
    """The exponent over rows of different sizes at thresholds (T,), by default 41 from 0.01 to 1.

    Raises:
        ValueError: naming the argument and what is expected of it.
    """
    levels = thresholds() if sigma2 is None else np.asarray(sigma2, dtype=np.float64)
    if levels.ndim != 1 or not len(levels) or not (np.isfinite(levels) & (levels > 0)).all():
        raise ValueError(f"sigma2 has shape {levels.shape}, expected (T,) positive numbers, T >= 1")
    check_rows(rows)
    if size not in ("N", "total"):
        raise ValueError(f"size is {size!r}, expected N or total")
    counts = np.array([getattr(row, size) for row in rows], dtype=np.float64)
    if not rows:
        return _nothing(levels, size, level)
    log_n = np.log(counts)
    log_d = log_d_star(rows, [row.mean[None, :] for row in rows], levels)[0]  # (m, T)
    p = slopes_of(log_n, log_d.T)
    drawn = log_d_star(rows, resample.resampled(rows, draws, seed), levels)  # (B, m, T)
    slopes = slopes_of(log_n, np.moveaxis(drawn, 1, 2))  # (B, T)
    there = ~np.isnan(log_d)
    count = there.sum(axis=0)
    freedom = resample.shared(resample.freedom(rows, log_d))  # (T,)
    ends = [
        resample.interval(slopes[:, place], int(freedom[place]), level) if count[place] >= LEAST_SIZES else None
        for place in range(len(levels))
    ]
    reach = _student(log_n, log_d.T, p, level)
    at = (count == count.max()) & ~np.isnan(p)
    return Swept(
        sigma2=levels,
        measure=rows[0].measure,
        size=size,
        N=counts,
        D=np.exp(log_d),
        sizes=count,
        p=p,
        low=np.array([end.low if end else math.nan for end in ends]),
        high=np.array([end.high if end else math.nan for end in ends]),
        student_low=p - reach,
        student_high=p + reach,
        at=at,
        trend=float(_trend(levels, p[None, :], at)[0]),
        trend_interval=resample.interval(_trend(levels, slopes, at), int(freedom[at].min()) if at.any() else 0, level),
        level=level,
    )


# --- inside -----------------------------------------------------------------------------------------------


def _student(log_n: np.ndarray, log_d: np.ndarray, p: np.ndarray, level: float) -> np.ndarray:
    """(T,) half of Student's interval of the slopes p of log N (m,) on log D* (T, m)."""
    from scipy.stats import t

    there = ~np.isnan(log_d)
    count = np.maximum(there.sum(axis=1), 1)
    x = np.where(there, log_d - (np.nansum(log_d, axis=1) / count)[:, None], 0.0)
    y = np.where(there, log_n - ((there * log_n).sum(axis=1) / count)[:, None], 0.0)
    rest = ((y - p[:, None] * x) ** 2).sum(axis=1)
    free = np.maximum(count - 2, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return t.ppf((1 + level) / 2, free) * np.sqrt(rest / free / (x**2).sum(axis=1))


def _trend(sigma2: np.ndarray, p: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(B,) slopes of p (B, T) on log10 σ² over the thresholds chosen; NaN for a row that lacks one of them."""
    if at.sum() < 3:
        return np.full(len(p), np.nan)
    x = np.log10(sigma2[at])
    x = x - x.mean()
    return p[:, at] @ x / (x @ x)


def _nothing(levels: np.ndarray, size: Size, level: float) -> Swept:
    nan = np.full(len(levels), np.nan)
    none = np.zeros(len(levels), dtype=np.int64)
    return Swept(
        levels,
        "mse",
        size,
        np.empty(0),
        np.empty((0, len(levels))),
        none,
        nan,
        nan,
        nan,
        nan,
        nan,
        none > 0,
        math.nan,
        None,
        level,
    )
