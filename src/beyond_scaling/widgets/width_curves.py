"""A training run's curves, small enough for a page: means of blocks of steps, in thousandths of a nat."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..results import Record
from ..training.gap import Cell
from ..training.history import VALIDATION, column

BLOCKS = 52  # of the training loss, at most
LEAST_BLOCKS = 8  # before the minimum and after it, where there are as many steps
EVALUATIONS = 48  # of the validation loss, at most
SQUARES = 32  # blocks of the window, at most
LOSS_UNIT, BAND_UNIT, SQUARE_UNIT = 1000, 200, 10_000  # whole numbers of 1/1000 nat, 1/200 nat and 1/10,000 nat²
BAND = 0.1  # of a block's steps lie below it, and as many above


def packed(record: Record, cell: Cell) -> dict[str, Any]:
    """The curves of a record whose cell is `cell`, in whole numbers of the units above.

    Returns:
        "blocks": how many blocks lie before the step of least validation loss and how many after it, each of as many
        steps as its neighbours; "train": their mean training loss, the first one and then the differences; "below" and
        "above": how far under and over it eight steps in ten lie; "at" and "validation": steps and losses
        of evaluations, the first ones and then the differences; "squares": means over blocks of the window of (least
        validation loss - training loss)².
    """
    train = record.columns["train_loss"].astype(np.float64)
    before, after = _counts(cell.step, cell.steps)
    parts = [*_blocks(train[: cell.step], before), *_blocks(train[cell.step :], after)]
    ordered = [np.sort(part) for part in parts]
    below = [part.mean() - part[int(BAND * len(part))] for part in ordered]
    above = [part[-1 - int(BAND * len(part))] - part.mean() for part in ordered]
    at, losses = _evaluations(record.columns[column(VALIDATION)], cell.step)
    window = (cell.least - train[cell.step : cell.step + cell.window]) ** 2
    squares = [part.mean() for part in _blocks(window, min(SQUARES, cell.window))]
    return {
        "blocks": [before, after],
        "train": _differences(_whole([part.mean() for part in parts], LOSS_UNIT)),
        "below": _whole(below, BAND_UNIT).tolist(),
        "above": _whole(above, BAND_UNIT).tolist(),
        "at": _differences(at),
        "validation": _differences(_whole(losses, LOSS_UNIT)),
        "squares": _whole(squares, SQUARE_UNIT).tolist(),
    }


def _counts(step: int, steps: int) -> tuple[int, int]:
    """Blocks of the steps up to `step`, and of those after it: of one length, if both parts have enough."""
    share = round(BLOCKS * step / steps)
    before = min(step, max(LEAST_BLOCKS, share))
    return before, min(steps - step, max(LEAST_BLOCKS, BLOCKS - before))


def _blocks(values: np.ndarray, count: int) -> list[np.ndarray]:
    """The values in `count` pieces; piece i ends at place (i + 1) len // count, as the browser reckons too."""
    ends = [i * len(values) // count for i in range(count + 1)] if count else [0]
    return [values[start:end] for start, end in itertools.pairwise(ends)]


def _evaluations(losses: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """(steps, losses) of EVALUATIONS evaluations at most, evenly spread, the one at step `least` among them."""
    rows = np.flatnonzero(~np.isnan(losses))
    some = np.unique(np.round(np.linspace(0, len(rows) - 1, min(len(rows), EVALUATIONS))).astype(int))
    here = int(np.searchsorted(rows, least - 1))
    some[np.abs(some - here).argmin()] = here  # the nearest gives way
    return rows[some] + 1, losses[rows[some]].astype(np.float64)


def _whole(values: Any, unit: int) -> np.ndarray:
    return np.round(np.asarray(values, dtype=np.float64) * unit).astype(np.int64)


def _differences(values: np.ndarray) -> list[int]:
    return np.diff(values, prepend=0).tolist()
