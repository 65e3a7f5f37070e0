"""Histories and the rules that end a run."""

from __future__ import annotations

import numpy as np
import pytest

from beyond_scaling.training.config import Run
from beyond_scaling.training.history import History, ended, recent_loss


def told(losses: list[float | None], steps: int = 100) -> History:
    """A history of as many steps, with the validation losses that are not None."""
    history = History(steps, ("validation",))
    for loss in losses:
        history.add(10, 2.0, 0.1, 1.0)
        if loss is not None:
            history.evaluated({"validation": loss})
    return history


def test_rows_and_state_go_round() -> None:
    history = told([None, 3.0, None, 2.0])
    rows = history.rows()
    assert rows["step"].tolist() == [1, 2, 3, 4]
    assert rows["tokens"].tolist() == [10, 20, 30, 40]
    assert np.isnan(rows["validation_loss"]).tolist() == [True, False, True, False]
    other = History(100, ("validation",))
    other.restore(history.state(), 4)
    for name, values in rows.items():
        np.testing.assert_array_equal(other.rows()[name], values)


@pytest.mark.parametrize(
    ("losses", "run", "words"),
    [
        ([None] * 3, Run(3), "3 steps"),
        ([None] * 2, Run(3), None),
        ([2.0, 1.0, 1.5], Run(9, patience=2), None),
        ([2.0, 1.0, 1.5, 1.0], Run(9, patience=2), "2 evaluations without a lower validation loss"),
        ([2.0, 1.0, 1.5, None], Run(9, patience=1), None),  # told only where it was looked at
        ([2.0, 1.0], Run(9, target=1.0), "validation loss at most 1"),
        ([2.0, 1.1], Run(9, target=1.0), None),
        ([2.0], Run(9, minutes=1.0), "1 minutes of training"),
        ([2.0], Run(9, minutes=1.5), None),
    ],
)
def test_why_a_run_ends(losses: list[float | None], run: Run, words: str | None) -> None:
    assert ended(told(losses), run, training_s=60.0) == words


def test_recent_loss_weighs_targets_not_steps() -> None:
    steps = np.arange(1, 101)
    assert recent_loss({"tokens": 10 * steps, "train_loss": steps.astype(np.float32)}) == 98.0
    uneven = {"tokens": np.array([10, 40]), "train_loss": np.array([1.0, 2.0], dtype=np.float32)}
    assert recent_loss(uneven, 1.0) == 1.75
    assert recent_loss(uneven, 0.01) == 2.0
