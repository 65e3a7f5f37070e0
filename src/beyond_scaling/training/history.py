"""What a run has seen so far, one row a step, and the rules that end it early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .config import Run

KIND = "training"  # of the records
COLUMNS = {"tokens": np.int64, "train_loss": np.float32, "learning_rate": np.float32, "gradient_norm": np.float32}
VALIDATION = "validation"
_PREFIX = "history."


def column(name: str) -> str:
    """The column of an evaluation set's losses."""
    return f"{name}_loss"


class History:
    """Columns of `steps` rows at most, filled from the first on.

    `tokens` counts targets up to and with the step. `train_loss` is the step's own, nats a target, before the update. A
    column `<set>_loss` has the loss of an evaluation set after the step, NaN where it was not looked at.
    """

    def __init__(self, steps: int, sets: Sequence[str]) -> None:
        self.columns = {name: np.zeros(steps, dtype=kind) for name, kind in COLUMNS.items()}
        self.columns |= {column(name): np.full(steps, np.nan, dtype=np.float32) for name in sets}
        self.sets = tuple(sets)
        self.length = 0

    def add(self, targets: int, loss: float, rate: float, norm: float) -> None:
        """A step: its number of targets, its loss (nats a target), its learning rate, the gradient's norm."""
        row = self.length
        before = int(self.columns["tokens"][row - 1]) if row else 0
        for name, value in zip(COLUMNS, (before + targets, loss, rate, norm), strict=True):
            self.columns[name][row] = value
        self.length += 1

    def evaluated(self, losses: Mapping[str, float]) -> None:
        """Losses of the evaluation sets after the last step added."""
        for name, loss in losses.items():
            self.columns[column(name)][self.length - 1] = loss

    def state(self) -> dict[str, np.ndarray]:
        """What `restore` takes: copies of the rows so far."""
        return {_PREFIX + name: values[: self.length].copy() for name, values in self.columns.items()}

    def restore(self, arrays: Mapping[str, np.ndarray], length: int) -> None:
        """Put the first `length` rows back, as `state` gave them."""
        for name, values in self.columns.items():
            values[:length] = arrays[_PREFIX + name]
        self.length = length

    def rows(self) -> dict[str, np.ndarray]:
        """The columns, `step` first, as long as the run is."""
        steps = np.arange(1, self.length + 1, dtype=np.int32)
        return {"step": steps, **{name: values[: self.length] for name, values in self.columns.items()}}

    def looked_at(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(steps, losses) of an evaluation set, where it was looked at."""
        values = self.columns[column(name)][: self.length]
        at = np.flatnonzero(~np.isnan(values))
        return at + 1, values[at]


def ended(history: History, run: Run, training_s: float) -> str | None:
    """Why the run ends after the last step of its history, in words; None if it goes on."""
    if history.length >= run.steps:
        return f"{run.steps} steps"
    if run.minutes is not None and training_s >= 60 * run.minutes:
        return f"{run.minutes:g} minutes of training"
    steps, losses = history.looked_at(VALIDATION)
    if len(steps) == 0 or steps[-1] != history.length:
        return None
    if run.target is not None and losses[-1] <= run.target:
        return f"validation loss at most {run.target:g}"
    if run.patience is not None and len(losses) - 1 - int(losses.argmin()) >= run.patience:
        return f"{run.patience} evaluations without a lower validation loss"
    return None


def words(history: History, tokens_per_second: float | None = None) -> str:
    """How a run that goes on is doing, in a few words: the loss of its last 20 steps, its sets' last, its speed."""
    rows = {name: history.columns[name][: history.length] for name in ("tokens", "train_loss")}
    said = [f"loss {recent_loss(rows, min(1.0, 20 / history.length)):.4f}"]
    for name in history.sets:
        _, losses = history.looked_at(name)
        said += [f"{name} {losses[-1]:.4f}"] if len(losses) else []
    said += [f"{tokens_per_second:,.0f} tokens/s"] if tokens_per_second is not None else []
    return ", ".join(said)


def recent_loss(columns: Mapping[str, np.ndarray], share: float = 0.05) -> float:
    """Mean training loss, nats a target, over the targets of the last `share` of the steps, of one at least."""
    count = max(1, math.ceil(share * len(columns["tokens"])))
    targets = np.diff(columns["tokens"], prepend=0)[-count:]
    return float(np.average(columns["train_loss"][-count:].astype(np.float64), weights=targets))
