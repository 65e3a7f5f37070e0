"""The widgets of width against data from Python: what they pack of the records, and what they refuse."""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling import results
from beyond_scaling.training import gap, rows
from beyond_scaling.training.sigma import swept
from beyond_scaling.widgets import WidthRuns, WidthThreshold
from beyond_scaling.widgets.width_curves import EVALUATIONS, SQUARES, packed
from beyond_scaling.widgets.width_families import tables
from beyond_scaling.widgets.width_threshold import ENDLESS

from . import width_sweep
from .figures import width_records

PAGE_BYTES = 300_000  # compressed, for all that is embedded in the chapter's page
RUNS = 215  # of the light sweep, at most


def blocks(values: np.ndarray, count: int) -> list[np.ndarray]:
    """Pieces of the values that end where the browser lets them end."""
    return [values[i * len(values) // count : (i + 1) * len(values) // count] for i in range(count)]


# --- curves


@given(
    step=st.integers(1, 90).map(lambda count: 10 * count), noise=st.floats(0, 0.3), depth=st.floats(-0.2, 1.5)
)
def test_curves_are_the_records_to_a_thousandth(step: int, noise: float, depth: float) -> None:
    record = width_records.record(4.0, step, depth, noise)
    cell = gap.cell(record)
    told = json.loads(json.dumps(packed(record, cell), allow_nan=False))
    train = record.columns["train_loss"].astype(float)
    before, after = told["blocks"]
    parts = blocks(train[:step], before) + blocks(train[step:], after)
    means = np.cumsum(told["train"]) / 1000
    assert means == pytest.approx([part.mean() for part in parts], abs=5.1e-4)
    for part, mean, below, above in zip(parts, means, told["below"], told["above"], strict=True):
        inside = (part >= mean - below / 200 - 0.0031) & (part <= mean + above / 200 + 0.0031)
        assert inside.mean() >= 0.8
        assert below >= 0
        assert above >= 0
    squares = blocks((cell.least - train[step : step + cell.window]) ** 2, len(told["squares"]))
    lengths = [len(part) for part in squares]
    assert np.average(np.array(told["squares"]) / 10_000, weights=lengths) == pytest.approx(cell.mse, abs=5.1e-5)
    at, losses = np.cumsum(told["at"]), np.cumsum(told["validation"]) / 1000
    evaluated = np.flatnonzero(~np.isnan(record.columns["validation_loss"])) + 1
    assert set(at) <= set(evaluated)
    assert len(at) == min(EVALUATIONS, len(evaluated))
    assert step in at
    assert at[np.flatnonzero(losses == losses.min())].min() <= step <= at[np.flatnonzero(losses == losses.min())].max()
    assert losses == pytest.approx(record.columns["validation_loss"][at - 1], abs=5.1e-4)
    assert all(first < second for first, second in pairwise(at))
    assert len(told["squares"]) == min(SQUARES, cell.window)


def test_a_run_without_a_window_has_no_number() -> None:
    first, *others = width_sweep.records()
    step = gap.cell(first).step
    short = dataclasses.replace(first, columns={name: values[:step] for name, values in first.columns.items()})
    widget = WidthRuns(width_sweep.planned(), records=[short, *others])
    told = widget.runs[0]
    assert (told["blocks"][1], told["squares"], told["window"], told["complete"]) == (0, [], 0, False)
    assert told["there"]
    assert told["mse"] is None
    assert json.dumps(widget.runs, allow_nan=False)


def test_a_sweep_of_long_noisy_runs_fits_the_page() -> None:
    rng = np.random.default_rng(0)
    runs = []
    for seed in range(6):
        record = width_records.record(4.0, 5600, 0.2, seed=seed)
        noise = rng.normal(0, 0.06, size=len(record.columns["train_loss"]))
        record.columns["train_loss"][:] += noise
        record.columns["validation_loss"][:] += 0.1 * np.abs(noise)
        runs.append(packed(record, gap.cell(record)))
    assert RUNS * len(gzip.compress(json.dumps(runs).encode())) / len(runs) < 0.4 * PAGE_BYTES


# --- tables


def test_families_make_tables() -> None:
    found = {table.name: table for table in tables(width_sweep.planned())}
    assert list(found) == ["width", "depth", "shuffled", "again"]
    assert [table.rows for table in found.values()] == [
        ((16, 2), (32, 2), (64, 2)), ((32, 2), (32, 4)), ((16, 2), (32, 2)), ((32, 2),)
    ]  # fmt: skip
    assert [len(table.places) for table in found.values()] == [63, 21 + 6, 6, 4]
    assert [place for _, place, _ in found["again"].places] == [0, 1, 2, 3], "repeats differ in their seed alone"
    runs = width_sweep.planned()
    for table in found.values():
        for row, place, index in table.places:
            assert table.rows[row] == (runs[index].config.model.width, runs[index].config.model.layers)
            assert table.name == "again" or place == runs[index].config.data.tokens


def test_other_runs_have_no_table() -> None:
    from beyond_scaling.training import plan

    with pytest.raises(ValueError, match="a run of vanilla on question-formation: expected an OpenELM by its width"):
        WidthRuns(plan.load("grammar-light"))


# --- WidthRuns


def test_numbers_are_the_cells() -> None:
    widget = width_sweep.width_runs("-width-64-4")
    told = {run["name"]: run for run in widget.runs}
    for record in width_sweep.records("-width-64-4"):
        cell, run = gap.cell(record), told[record.name]
        for name in ("N", "total", "D", "seed", "least", "step", "steps", "mse", "gap", "noise", "at_minimum"):
            assert run[name] == getattr(cell, name), name
    assert [run["name"] for run in widget.runs if not run["there"]] == widget.missing
    assert len(widget.missing) == 3, "D* of the largest width"
    assert all("-width-64-4" in name for name in widget.missing)
    assert json.dumps(widget.get_state(), default=str, allow_nan=False)


def test_a_record_of_another_configuration_is_missing() -> None:
    other = width_records.record(name="toy-again-3", width=32, tokens=2000, seed=3, data__seed=0, run__batch=5)
    widget = WidthRuns(width_sweep.planned(), records=[*width_sweep.records("again-3"), other])
    assert widget.missing == ["toy-again-3"]


def test_records_of_a_folder(tmp_path: Any) -> None:
    assert WidthRuns(width_sweep.planned(), records=width_sweep.records()[:3]).chosen.startswith("toy-width-16")
    with pytest.raises(ValueError, match=r"none of the 79 runs has a record; the first would be 'toy-width-16-512-0'"):
        WidthRuns(width_sweep.planned(), tmp_path)
    record = dataclasses.replace(
        width_sweep.records()[5],
        inputs=({"name": "toy.bin", "sha256": "0" * 64, "bytes": 1},),
        commit={"hash": None, "dirty": None},
        versions={"python": "3"},
    )
    results.save(record, tmp_path)
    widget = WidthRuns(width_sweep.planned(), tmp_path)
    assert len(widget.missing) == len(width_sweep.planned()) - 1
    assert widget.chosen == record.name


def test_the_first_run_shown_is_near_the_threshold_or_far_from_it() -> None:
    first = width_sweep.width_runs()
    assert repr(first) == "WidthRuns(family='width', chosen='toy-width-32-2000-0', mean=False, sigma2=0.04)"
    assert width_sweep.width_runs(predict=True).chosen == "toy-width-32-1024-0"
    assert width_sweep.width_runs("toy-width").family == "depth", "the first family that has records"
    assert width_sweep.width_runs(chosen="toy-again-1").family == "again"
    assert width_sweep.width_runs("toy-again", family="again").chosen == "toy-again-0", "though none has"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chosen": "toy"}, "chosen is 'toy', expected the name of a run, such as 'toy-width-16-512-0'"),
        ({"family": "height"}, "family is 'height', expected one of 'width', 'depth', 'shuffled', 'again'"),
        ({"sigma2": 0}, "sigma2 is 0; expected a number from 0.01 to 1"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        width_sweep.width_runs(**arguments)


def test_no_runs_are_none() -> None:
    with pytest.raises(ValueError, match="runs: none; expected the planned runs of a sweep"):
        WidthRuns([])


# --- WidthThreshold


def test_values_and_bands_are_the_analysis() -> None:
    cells = width_sweep.cells("-width-16-512")
    widget = WidthThreshold(cells, draws=width_sweep.DRAWS)
    main = [cell for cell in cells.cells if "-width-" in cell.name]
    for measure in rows.MEASURES:
        table = rows.rows(main, measure)
        assert [row["N"] for row in widget.rows] == [row.N for row in table]
        for told, row in zip(widget.rows, table, strict=True):
            assert (told["D"], told["seeds"], told["total"]) == (row.D.tolist(), list(row.seeds), row.total)
            values = [[math.nan if value is None else value for value in seed] for seed in told["values"][measure]]
            assert np.array_equal(values, row.values, equal_nan=True)
        for size in ("N", "total"):
            sweep = swept(table, size=size, draws=width_sweep.DRAWS)
            for name in ("low", "high"):
                band = [math.nan if value is None else value for value in widget.bands[measure][size][name]]
                assert np.array_equal(band, np.clip(getattr(sweep, name), -ENDLESS, ENDLESS), equal_nan=True)
    assert widget.bands["sigma2"] == swept(table).sigma2.tolist()
    assert json.dumps(widget.get_state(), default=str, allow_nan=False)
    assert repr(widget) == "WidthThreshold(sigma2=0.04, rule='interpolated', measure='mse', size='N')"


def test_a_sweep_gives_its_main_grid_and_cells_themselves() -> None:
    cells = width_sweep.cells()
    assert len(width_sweep.width_threshold().rows) == 3
    depth = [cell for cell in cells.cells if "-depth-" in cell.name or "-width-32-" in cell.name]
    assert [row["layers"] for row in WidthThreshold(depth, draws=5).rows] == [2, 4]


def test_a_window_cut_short_is_left_out_and_named() -> None:
    record = width_sweep.records()[0]
    short = dataclasses.replace(record, columns={name: values[:-1] for name, values in record.columns.items()})
    cells = (gap.cell(short), *width_sweep.cells().cells[1:4])
    widget = WidthThreshold(cells, draws=5)
    assert widget.left_out == [record.name]
    with pytest.raises(ValueError, match="cells: 1 runs, none with its whole window; expected one at least"):
        WidthThreshold(cells[:1])


@pytest.mark.parametrize("cells", [(), gap.Cells((), ("a",))])
def test_no_cells_are_none(cells: Any) -> None:
    with pytest.raises(ValueError, match="cells: 0 runs, none with its whole window; expected one at least"):
        WidthThreshold(cells)
