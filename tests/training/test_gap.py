"""A run as a cell of Table 3: losses made by hand, windows cut short, records that are none."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.results import Record
from beyond_scaling.training import config as configuration
from beyond_scaling.training.gap import WINDOW, cell, cells, same_run, wanted_window
from beyond_scaling.training.plan import Planned

SECTIONS: dict[str, Any] = {
    "model": {"kind": "openelm", "layers": 2, "head_dim": 8, "width": 16},
    "data": {"kind": "tokens", "path": "tokens", "context": 4, "tokens": 50, "pieces": 8},
    "run": {"steps": 12, "batch": 2, "evaluate_every": 2, "patience": 2, "seed": 3},
}
TRAIN = (5.0, 4.5, 4.0, 3.5, 3.0, 2.9, 2.8, 2.6, 9.9, 9.9)
LEAST = {2: 4.4, 4: 3.9, 6: 4.1, 8: 4.3}


def record(
    train: tuple[float, ...] = TRAIN[:8], validation: dict[int, float] = LEAST, name: str = "made", **changes: Any
) -> Record:
    """A record of losses of steps, and of held-out losses after some of them; its own part of the training set is at
    0.5 under these."""
    steps = len(train)
    held_out = np.full(steps, np.nan, dtype=np.float32)
    for step, loss in validation.items():
        held_out[step - 1] = loss
    sections = configuration.assigned(SECTIONS, changes)
    flat = {f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()}
    return Record(
        name=name,
        title="Made up",
        kind="training",
        command="beyond-scaling train",
        seed=3,
        parameters=flat,
        inputs=({"name": "tokens", "sha256": "0" * 64, "bytes": 1},),
        columns={
            "step": np.arange(1, steps + 1),
            "tokens": 8 * np.arange(1, steps + 1),
            "train_loss": np.array(train, dtype=np.float32),
            "validation_loss": held_out,
            "training_loss": held_out - np.float32(0.5),
        },
        summary={"model": {"blocks": 100, "total": 140}},
        duration_s=1.0,
    )


def test_by_hand() -> None:
    found = cell(record())
    after = np.array([3.0, 2.9, 2.8, 2.6])  # steps 5...8, after the minimum at step 4
    assert (found.N, found.total, found.D, found.seed) == (100, 140, 50, 3)
    assert found.least == pytest.approx(3.9)
    assert (found.step, found.steps, found.window, found.complete) == (4, 8, 4, True)
    assert found.epochs == pytest.approx(32 / 50)
    assert found.mse == pytest.approx(np.mean((after - 3.9) ** 2), rel=1e-6)
    assert found.gap == pytest.approx(3.9 - after.mean(), rel=1e-6)
    assert found.noise == pytest.approx(after.var(), rel=1e-4)
    assert found.mse == pytest.approx(found.gap**2 + found.noise, rel=1e-6)
    assert found.at_minimum == pytest.approx(0.5, abs=1e-6)
    assert found.config.run.patience == 2


def test_the_window_ends_where_it_was_wanted_to() -> None:
    """Steps beyond patience do not count, nor do those before the minimum."""
    longer = cell(record(TRAIN))
    assert longer.window == 4
    assert longer.complete
    assert longer.mse == pytest.approx(cell(record()).mse)


def test_a_window_cut_short() -> None:
    short = cell(record(TRAIN[:6], {2: 4.4, 4: 3.9, 6: 4.1}))
    assert (short.window, short.complete) == (2, False)
    assert short.gap == pytest.approx(3.9 - 2.95, rel=1e-6)
    none = cell(record(TRAIN[:4], {2: 4.4, 4: 3.9}))
    assert (none.window, none.complete) == (0, False)
    assert all(math.isnan(number) for number in (none.mse, none.gap, none.noise))
    assert none.at_minimum == pytest.approx(0.5, abs=1e-6)


def test_of_equal_minima_the_first() -> None:
    assert cell(record(validation={2: 3.9, 6: 3.9})).step == 2


def test_without_patience_the_window_is_the_papers() -> None:
    changed = record(**{"run.patience": None})
    parameters = {key: value for key, value in changed.parameters.items() if value is not None}
    found = cell(dataclasses.replace(changed, parameters=parameters))
    assert wanted_window(found.config) == WINDOW == 1000
    assert (found.window, found.complete) == (4, False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "radius"}, "record 'made' is of kind 'radius'; expected 'training'"),
        ({"parameters": "whole"}, "is no training on the first D tokens of a file"),
        ({"parameters": "lines"}, "is no training on the first D tokens of a file"),
    ],
)
def test_other_records_are_refused(change: dict[str, str], words: str) -> None:
    made = record()
    if change.get("parameters") == "whole":
        kept = {key: value for key, value in made.parameters.items() if key != "data.tokens"}
        made = dataclasses.replace(made, parameters=kept)
    elif change.get("parameters") == "lines":
        kept = {key: value for key, value in made.parameters.items() if not key.startswith("data.")}
        made = dataclasses.replace(made, parameters=kept | {"data.kind": "question-formation", "data.lines": 9})
    else:
        made = dataclasses.replace(made, **change)
    with pytest.raises(ValueError, match=r".") as error:
        cell(made)
    assert words in str(error.value)


def test_a_run_that_was_never_held_out() -> None:
    with pytest.raises(ValueError, match="record 'made' has no validation loss of any step"):
        cell(record(validation={}))


def test_cells_of_a_plan(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        results.save(record(name=f"run-{seed}", **{"run.seed": seed}), tmp_path)
    planned = [
        Planned(f"run-{seed}", "A run", configuration.from_sections(configuration.assigned(SECTIONS, change)))
        for seed, change in (
            (2, {"run.seed": 2, "data.path": "elsewhere"}),
            (0, {"run.seed": 0}),
            (1, {"run.seed": 1, "model.width": 24}),
            (7, {"run.seed": 7}),
        )
    ]
    found = cells(planned, tmp_path)
    assert [one.name for one in found.cells] == ["run-2", "run-0"]  # in the plan's order, wherever the data lie
    assert found.missing == ("run-1", "run-7")  # another configuration, and none
    assert same_run(planned[0].config, found.cells[0].config)
    assert not same_run(planned[0].config, planned[1].config)
