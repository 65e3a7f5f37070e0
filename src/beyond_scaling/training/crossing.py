"""Where a row of a table falls below a threshold: the paper's D* = min{D: MSE(D) < σ²}, for one size of model.

Two rules. On the grid, as the paper has it: the least D tried at which the value is under the threshold; the true place
then lies anywhere between the D before it and that one. Interpolated: a line between the two values of log against
log D, after a fit that only falls (isotonic regression), so that noise cannot make a row cross twice. A row that is
already under the threshold at its first D, or nowhere, is censored: its D* is known to one side only, and no number is
made up for it. NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Side = Literal["inside", "below", "above"]


@dataclass(frozen=True)
class Crossing:
    """Where a row crosses.

    Attributes:
        D: of the crossing, tokens; NaN where it is censored.
        low, high: it lies in (low, high]: neighbours on the grid; 0 or infinity where the grid ends.
        side: "inside" the grid; "below" it (the first D passes already) or "above" it (no D passes).
    """

    D: float
    low: float
    high: float
    side: Side

    @property
    def measured(self) -> bool:
        """Whether it lies inside the grid."""
        return self.side == "inside"


def on_grid(D: Any, values: Any, threshold: float) -> Crossing:
    """The least D (K,), rising, whose value (K,) is under the threshold: the paper's rule, word for word.

    Raises:
        ValueError: naming the argument and what is expected of it.
    """
    data, row = _row(D, values, threshold)
    under = np.flatnonzero(row < threshold)
    first = int(under[0]) if len(under) else len(row)
    return _crossing(data, first, float(data[first]) if 0 < first < len(row) else math.nan)


def interpolated(D: Any, values: Any, threshold: float) -> Crossing:
    """Where a row (K,) that falls as D (K,) rises comes down to the threshold, between two D.

    Raises:
        ValueError: as `on_grid`.
    """
    data, row = _row(D, values, threshold)
    height, level = heights(row[None, :], [threshold])
    first = int((height[0] >= level[0, 0]).sum())
    return _crossing(data, first, float(np.exp(_places(np.log(data), height, level)[0, 0])))


def many_interpolated(D: Any, values: np.ndarray, thresholds: Any) -> np.ndarray:
    """log D* (B, T) of rows (B, K) over D (K,) at thresholds (T,), as `interpolated`; NaN where it is censored."""
    return _places(np.log(np.asarray(D, dtype=np.float64)), *heights(values, thresholds))


def heights(values: np.ndarray, thresholds: Any) -> tuple[np.ndarray, np.ndarray]:
    """What is interpolated: rows (B, K) and thresholds (B, T) as logarithms, the rows falling.

    A row that reaches 0 or less (a gap that turned round) has no logarithm; its signed square roots stand in for it.
    """
    levels = np.broadcast_to(np.asarray(thresholds, dtype=np.float64), (len(values), len(thresholds)))
    positive = (values > 0).all(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.where(positive, np.log(values), np.sign(values) * np.sqrt(np.abs(values)))
    return falling(rows), np.where(positive, np.log(levels), np.sqrt(levels))


def falling(values: np.ndarray) -> np.ndarray:
    """The isotonic regression of rows (B, K): the nearest rows in least squares that never rise."""
    count = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    start, end = np.arange(count)[:, None], np.arange(count)[None, :]
    means = (sums[:, None, 1:] - sums[:, :-1, None]) / np.maximum(end - start + 1, 1)  # (B, start, end) of [start, end]
    # min over starts up to k of the max over ends from k on (Robertson, Wright and Dykstra 1988)
    inside = np.where(start <= end, means, -np.inf)
    most = np.maximum.accumulate(inside[:, :, ::-1], axis=2)[:, :, ::-1]  # (B, start, k): the most from k on
    most = np.where(start <= end, most, np.inf)
    return most.min(axis=1)


def in_words(crossing: Crossing) -> str:
    """For a table: 123,000, or < 10,000, or > 118,000."""
    if crossing.side == "below":
        return f"< {crossing.high:,.0f}"
    return f"> {crossing.low:,.0f}" if crossing.side == "above" else f"{crossing.D:,.0f}"


# --- inside -----------------------------------------------------------------------------------------------


def _places(log_data: np.ndarray, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """log D (B, T) at which falling rows (B, K) come down to levels (B, T); NaN outside."""
    count = rows.shape[1]
    first = (rows[:, :, None] >= levels[:, None, :]).sum(axis=1)  # (B, T) how many are not under the level
    inside = (first > 0) & (first < count)
    after = np.clip(first, 1, count - 1) if count > 1 else np.zeros_like(first)
    before = np.maximum(after - 1, 0)
    high, low = np.take_along_axis(rows, before, axis=1), np.take_along_axis(rows, after, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(inside, (high - levels) / (high - low), np.nan)
    return log_data[before] + share * (log_data[after] - log_data[before])


def _crossing(data: np.ndarray, first: int, place: float) -> Crossing:
    if first == 0:
        return Crossing(math.nan, 0.0, float(data[0]), "below")
    if first == len(data):
        return Crossing(math.nan, float(data[-1]), math.inf, "above")
    return Crossing(place, float(data[first - 1]), float(data[first]), "inside")


def _row(D: Any, values: Any, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    data, row = np.asarray(D, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or data.shape != row.shape or not len(data):
        raise ValueError(f"D has shape {data.shape}, values {row.shape}, expected (K,) each, K >= 1")
    if not (np.isfinite(data).all() and (data > 0).all() and (np.diff(data) > 0).all()):
        raise ValueError(f"D is {_some(data)}, expected positive numbers, each larger than the one before")
    if not np.isfinite(row).all():
        raise ValueError(f"values are {_some(row)}, expected finite numbers; leave the others out")
    check_threshold(threshold)
    return data, row


def check_threshold(threshold: float) -> None:
    """Raise ValueError unless σ² is a positive finite number."""
    if not (math.isfinite(threshold) and threshold > 0):
        raise ValueError(f"threshold is {threshold}, expected a positive number (sigma squared, in nats squared)")


def _some(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
