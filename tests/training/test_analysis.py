"""The whole analysis: of a full made-up sweep, of any part of one, of real records' form, and of none."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest

from beyond_scaling.training import plan
from beyond_scaling.training.analysis import analyse, families, grid
from beyond_scaling.training.gap import Cell, Cells
from beyond_scaling.training.least_loss import least_losses
from beyond_scaling.training.printed import table_3

from .made_cells import SIZES, cell, d_star, law


def sweep() -> list[Cell]:
    """Widths, depths, shuffled text and five seeds again, with p = 2 by width and p = 1 by depth."""
    found = law(2.0, noise=0.08)
    rng = np.random.default_rng(9)
    for layers in (1, 4, 8):
        N = SIZES[32] * layers // 2
        for D in (d_star(SIZES[32], 2.0) * layers / 2 * np.geomspace(0.4, 2.5, 5)).astype(int).tolist():
            for seed in range(2):
                gap = 0.2 * (d_star(SIZES[32], 2.0) * layers / 2 / D) ** 0.8 * math.exp(0.05 * rng.standard_normal())
                found.append(cell(N, D, seed, gap, model__width=32, model__layers=layers))
    for width in (16, 32, 72):
        for D in (2_500, 5_000, 10_000, 20_000, 40_000):
            for seed in range(2):
                gap = 0.2 * (40 * SIZES[width] ** 0.5 / D) ** 0.5 * math.exp(0.05 * rng.standard_normal())
                found.append(cell(SIZES[width], D, seed, gap, model__width=width, data__shuffled=True))
    found += [cell(SIZES[48], 228_000, seed, 0.3, model__width=48, data__seed=0) for seed in range(5)]
    return found


def test_a_whole_sweep() -> None:
    cells = sweep()
    before = time.process_time()
    found = analyse(Cells(tuple(cells), ("gone",)), law_draws=20)
    assert time.process_time() - before < 10  # about two seconds, where nothing else runs
    assert found.missing == ("gone",)
    assert len(found.families.width) == 150
    assert len(found.families.depth) == 30 + 30
    assert (len(found.families.shuffled), len(found.families.again)) == (30, 5)
    assert found.families.layers == 2
    assert 2.0 in found.width.exponent.interval
    assert found.width.exponent is found.width.exponents["mse"]
    assert found.width.with_embeddings.p < found.width.exponent.p
    assert 2.0 in found.width.collapse["gap"].profile
    assert found.depth.exponent.p == pytest.approx(1.0, abs=0.15)
    assert [row.layers for row in found.depth.rows] == [1, 2, 4, 8]
    assert [row.width for row in found.width.rows] == [16, 24, 32, 48, 72]
    assert found.shuffled.exponent.sizes == 3
    assert found.law.law.beta == pytest.approx(0.5, abs=0.05)  # made without noise
    assert found.law.law.alpha == pytest.approx(0.3, abs=0.05)
    assert found.why_no_law == ""
    assert found.undetermined == ()
    assert set(found.width.swept) == {"mse", "gap", "at_minimum"}


@pytest.mark.parametrize(
    "part", [slice(0, 0), slice(0, 1), slice(0, 31), slice(170, 180), slice(7, 300, 9), slice(-5, None)]
)
def test_any_part_of_a_sweep(part: slice) -> None:
    cells = sweep()[part]
    found = analyse(cells, draws=20, law_draws=2)
    assert len(found.families.again) + len(found.families.shuffled) <= len(cells)
    assert (found.law is None) == bool(found.why_no_law)
    for name in ("width", "depth", "shuffled"):
        exponent = getattr(found, name).exponent
        assert (exponent.sizes < 3) == math.isnan(exponent.p)
        assert len(exponent.missing) + exponent.sizes == len(exponent.stars)


def test_runs_cut_short_are_named_and_count_nowhere() -> None:
    cells = law(2.0, seeds=1)
    whole = analyse(cells, draws=10, law_draws=0)
    cut = [cell(SIZES[16], 999, seed, 5.0, complete=False, least=0.1) for seed in range(2)]
    found = analyse([*cells, *cut], draws=10, law_draws=0)
    assert found.width.left_out == ("made-5104-999-0", "made-5104-999-1")
    assert found.width.exponent.p == whole.width.exponent.p
    assert found.least == whole.least
    assert found.law.law == whole.law.law
    assert found.undetermined == ("E", "A", "alpha", "B", "beta", "exponent", "compute_exponent")  # no draws, no sizes


def test_every_preset_of_the_design_falls_into_families() -> None:
    """Sorted by configuration, planned runs come apart as their names say."""
    for preset in ("cpu-light", "gpu-light", "paper"):
        runs = plan.load(preset)
        found = families(runs)
        for kind in ("width", "shuffled", "again"):
            named = [run.name for run in runs if run.name.startswith(f"{preset}-{kind}-")]
            assert [run.name for run in getattr(found, kind)] == named
            assert named
        deep = [run for run in found.depth if run.config.model.layers != found.layers]
        assert [run.name for run in deep] == [run.name for run in runs if run.name.startswith(f"{preset}-depth-")]
        assert len({run.config.model.width for run in found.depth}) == 1
        assert {run.config.model.layers for run in found.depth} > {run.config.model.layers for run in deep}


def test_a_law_that_the_runs_leave_open() -> None:
    """Losses that hardly depend on N say little of alpha, and nothing of what goes with it."""
    rng = np.random.default_rng(0)
    losses = {run.name: 3 + 5 / run.N**0.3 + 200 / run.D**0.5 for run in law(2.0, seeds=1)}
    cells = [
        dataclasses.replace(run, least=losses[run.name] + 0.05 * rng.standard_normal()) for run in law(2.0, seeds=1)
    ]
    found = analyse(cells, draws=10, law_draws=20)
    assert {"A", "alpha", "exponent"} <= set(found.undetermined)
    assert "beta" not in found.undetermined
    assert analyse([], draws=1).undetermined == ()


def test_a_control_with_the_same_sizes_is_another_family() -> None:
    """Shuffled runs of a width have its N too; they are not among its row."""
    cells = sweep()
    rows = grid(families(cells).width, draws=5).rows
    assert min(row.D.min() for row in rows) > 20_000
    assert all(row.values.shape == (3, 10) for row in rows)


def test_the_larger_model_at_one_d() -> None:
    losses = {(10, 0): 4.0, (10, 1): 4.2, (20, 0): 3.9, (20, 1): 4.0, (30, 0): 4.3, (30, 1): 4.4, (30, 2): 9.0}
    cells = [cell(n, 100, seed, least=loss) for (n, seed), loss in losses.items()]
    cells += [cell(10, 200), cell(10, 300), cell(20, 300, 5), cell(10, 400), cell(20, 400, complete=False)]
    first, other = least_losses(cells)
    assert (first.D, first.N, first.seeds, first.best) == (100, (10, 20, 30), (2, 2, 3), 20)
    assert first.least == pytest.approx((4.1, 3.95, 17.7 / 3))
    assert [(step.small, step.large) for step in first.steps] == [(10, 20), (20, 30)]
    assert first.steps[0].difference.mean == pytest.approx(-0.15)
    assert first.steps[1].difference.mean == pytest.approx(0.4)  # the third seed has no partner
    assert first.steps[1].difference.low == pytest.approx(0.4)
    assert first.ends.difference.mean == pytest.approx(0.25)
    assert first.past_best == first.steps[1]
    assert (other.D, other.steps, other.ends, other.past_best) == (300, (), None, None)


def test_table_3_as_printed(golden: dict) -> None:
    told = golden["table3"]
    found = table_3()
    assert found.marked == pytest.approx(told["exponent_interval_grid_quantisation"], rel=1e-9)
    assert found.fit.slope == pytest.approx(told["slope_logN_on_logD"], rel=1e-9)
    assert found.fit.interval == pytest.approx(told["slope_95ci"], rel=1e-9)
    assert [row.marked.D for row in found.rows] == told["D_star"]
    # the digits alone: 0.04 may be under 0.04 or not
    assert [(row.low, row.high) for row in found.rows] == [
        (190.38e6, 237.98e6),
        (214.18e6, 261.78e6),
        (237.98e6, 333.17e6),
    ]
    assert found.printed.low < found.marked.low
    assert found.printed.high == math.inf
    assert [row.strict.side for row in found.rows] == ["above", "inside", "below"]
    with pytest.raises(ValueError, match="threshold is 0, expected a positive"):
        table_3(sigma2=0)
    with pytest.raises(ValueError, match=r"D is 2\.6178e"):
        table_3(grid=[1.0, 190.38e6, 214.18e6])


def test_nothing_at_all() -> None:
    found = analyse([])
    assert found.width.rows == ()
    assert found.least == ()
    assert (found.law, found.why_no_law) == (None, "no runs")
    assert found.families.layers is None
    with pytest.raises(ValueError, match="threshold is -1"):
        analyse([], -1)
