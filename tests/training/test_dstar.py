"""The exponent of N ~ D*^p: laws that are known come back, intervals cover them, what is missing is named."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from beyond_scaling.exponents import Interval
from beyond_scaling.training.dstar import d_star, exponent, slopes_of
from beyond_scaling.training.resample import interval, resampled
from beyond_scaling.training.rows import rows, usable, value

from . import made_cells
from .made_cells import SIZES, cell, law


def test_a_table_by_hand() -> None:
    table = rows([cell(10, 200, 1, 0.1), cell(10, 100, 1, 0.3), cell(10, 100, 0, 0.5), cell(5, 50, 0, 0.3)])
    assert [row.N for row in table] == [5, 10]
    small, large = table
    np.testing.assert_array_equal(large.D, [100, 200])
    assert large.seeds == (0, 1)
    np.testing.assert_allclose(large.values, [[0.25, np.nan], [0.09, 0.01]])
    np.testing.assert_allclose(large.mean, [0.17, 0.01])
    np.testing.assert_allclose(large.of_seed(0)[0], [100])
    assert (small.total, small.width, small.layers) == (30_005, 16, 2)
    with pytest.raises(ValueError, match="seed is 7, expected one of 0, 1"):
        large.of_seed(7)


def test_measures_are_squares() -> None:
    odd = cell(10, 100, mse=0.05, gap=-0.1, at_minimum=0.3)
    assert [value(odd, name) for name in ("mse", "gap", "at_minimum")] == pytest.approx([0.05, -0.01, 0.09])
    assert rows([odd], "gap")[0].mean == pytest.approx([-0.01])
    with pytest.raises(ValueError, match="measure is 'loss', expected one of mse, gap, at_minimum"):
        rows([odd], "loss")  # type: ignore[arg-type]


def test_runs_cut_short_are_left_out_and_named() -> None:
    short = cell(10, 200, complete=False, window=30)
    empty = cell(10, 300, complete=False, window=0, mse=math.nan, gap=math.nan)
    assert not usable(short)
    (row,) = rows([cell(10, 100), short, empty])
    np.testing.assert_array_equal(row.D, [100])
    assert row.left_out == ("made-10-200-0", "made-10-300-0")
    assert rows([short]) == ()


def test_the_same_run_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two runs have N = 10, D = 100 and seed 0"):
        rows([cell(10, 100), cell(10, 100)])


@pytest.mark.parametrize("p", [1.0, 2.0, 4.0])
def test_a_law_without_noise_is_found(p: float) -> None:
    found = exponent(rows(law(p)), 0.04, draws=10)
    assert found.p == pytest.approx(p, rel=2e-3)
    assert found.inverse == pytest.approx(p, rel=2e-3)
    assert found.sizes == 5
    assert found.missing == ()
    assert p in Interval(found.cells.low - 2e-3, found.cells.high + 2e-3)
    assert found.grid_p in Interval(found.cells.low - 1e-9, found.cells.high + 1e-9)
    assert [step.exponent for step in found.local] == pytest.approx([p] * 4, rel=2e-2)
    assert all(d == pytest.approx(p, rel=2e-3) for d in found.by_seed.values())


def test_a_law_with_noise_lies_in_every_interval_that_luck_has_a_part_in() -> None:
    found = exponent(rows(law(2.0, noise=0.1)), 0.04)
    for ends in (found.interval, found.seeds, found.student, found.grid_interval):
        assert 2.0 in ends
        assert found.p in ends
    assert 4.0 not in found.interval
    assert 1.0 not in found.interval
    assert found.kept == 1.0
    assert found.allows(2.0) == {"interval": True, "seeds": True, "student": True}
    assert found.allows(9.0) == {"interval": False, "seeds": False, "student": False}
    ends = [end for name in ("interval", "seeds", "student") for end in getattr(found, name)]
    assert found.widest == (min(ends), max(ends))
    assert all(found_step.interval is not None for found_step in found.local)
    again = exponent(rows(law(2.0, noise=0.1)), 0.04)
    assert again.interval == found.interval  # the draws have a seed


def test_the_interval_covers_as_often_as_it_says() -> None:
    table, rng = rows(law(2.0)), np.random.default_rng(0)
    hits = []
    for draw in range(60):
        noisy = [
            dataclasses.replace(row, values=row.values * np.exp(0.24 * rng.standard_normal(row.values.shape)))
            for row in table
        ]
        hits.append(2.0 in exponent(noisy, 0.04, draws=200, seed=draw).interval)
    assert np.mean(hits) > 0.85  # of 0.95: 51 of 60 or fewer has a chance of four in a thousand


def test_luck_that_sizes_share_leaves_the_exponent_alone() -> None:
    cells = [
        cell(run.N, run.D, run.seed, run.gap * (1, 1.3, 0.8)[run.seed], model__width=run.config.model.width)
        for run in law(2.0)
    ]
    found = exponent(rows(cells), 0.04, draws=300)
    assert found.p == pytest.approx(2.0, rel=1e-2)
    assert found.seeds.high - found.seeds.low < 0.02
    assert (
        found.interval.high - found.interval.low > 0.3
    )  # drawn for every size anew: wider than need be, never narrower


def test_sizes_off_their_grid_are_named_and_left_out() -> None:
    cells = [run for run in law(2.0) if not (SIZES[16] == run.N and made_cells.d_star(run.N, 2) * 0.9 < run.D)]
    cells = [run for run in cells if not (SIZES[72] == run.N and made_cells.d_star(run.N, 2) * 1.1 > run.D)]
    found = exponent(rows(cells), 0.04, draws=50)
    assert found.sizes == 3
    assert len(found.missing) == 2
    assert found.missing[0].startswith("N = 5,104: D* > ")
    assert found.missing[1].startswith("N = 98,888: D* < ")
    assert found.p == pytest.approx(2.0, rel=1e-2)
    sides = [star.interpolated.side for star in found.stars]
    assert sides == ["above", "inside", "inside", "inside", "below"]
    two = exponent(rows([run for run in law(2.0) if run.N < 15_000]), 0.04, draws=50)
    assert math.isnan(two.p)
    assert (two.sizes, two.interval, two.student, two.seeds, two.cells, two.no_line) == (
        2,
        None,
        None,
        None,
        None,
        False,
    )
    assert len(two.local) == 1


def test_one_seed_has_no_interval_of_seeds() -> None:
    found = exponent(rows(law(2.0, noise=0.05, seeds=1)), 0.04, draws=20)
    assert (found.interval, found.seeds) == (None, None)
    assert 2.0 in found.student
    assert found.widest == found.student
    assert list(found.allows(2.0)) == ["student"]
    assert list(found.by_seed) == [0]
    assert found.by_seed[0] == pytest.approx(found.p)


def test_where_d_star_hardly_depends_on_n_the_inverse_says_so() -> None:
    """The control that must not look like a small exponent: no dependence is p without bounds, not p = 0."""
    table = rows(law(1e9, noise=0.1))
    found = exponent(table, 0.04, draws=400)
    assert found.inverse_interval.high == math.inf
    assert found.inverse_student.high == math.inf
    assert found.inverse_interval.low > 8
    assert found.p < found.inverse_interval.low  # r² near 0
    line = exponent(rows(law(2.0, noise=0.05)), 0.04, draws=400)
    assert line.inverse_interval == pytest.approx(tuple(line.interval), rel=0.02)
    assert line.inverse_student == pytest.approx(tuple(line.student), rel=0.06)


def test_no_rows_at_all() -> None:
    found = exponent((), 0.04)
    assert math.isnan(found.p)
    assert (found.stars, found.missing, found.kept, found.widest, found.allows(2.0)) == ((), (), 0.0, None, {})


def test_embeddings_change_the_exponent_as_they_change_n() -> None:
    table = rows(law(2.0))
    found = exponent(table, 0.04, size="total", draws=10)
    x = np.log([star.interpolated.D for star in found.stars])
    y = np.log([row.total for row in table])
    assert found.p == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)
    assert found.p < 1.2  # 30,000 of embeddings flatten it


def test_units_of_n_and_d_do_not_matter() -> None:
    cells = law(2.0, noise=0.1)
    scaled = [cell(10 * run.N, 100 * run.D, run.seed, run.gap) for run in cells]
    one, other = exponent(rows(cells), 0.04, draws=50), exponent(rows(scaled), 0.04, draws=50)
    assert other.p == pytest.approx(one.p)
    assert other.interval == pytest.approx(one.interval)
    assert other.cells == pytest.approx(one.cells) if one.cells else other.no_line


def test_cells_no_line_passes() -> None:
    cells = [
        cell(n, d, gap=0.3 if d < star else 0.1)
        for n, star in ((10, 400), (20, 200), (40, 800))
        for d in (100, 200, 400, 800)
    ]
    found = exponent(rows(cells), 0.04, draws=5)
    assert found.no_line
    assert found.cells is None
    assert math.isfinite(found.grid_p)


def test_by_hand_on_the_grid() -> None:
    cells = [cell(n, d, gap=0.3 if d < n else 0.1) for n in (200, 400, 800) for d in (100, 200, 400, 800)]
    found = exponent(rows(cells), 0.04, draws=5)
    assert [star.grid.D for star in found.stars] == [200, 400, 800]
    assert found.grid_p == pytest.approx(1.0)
    # 1/p lies between (log 400 - log 200)/log 4 and (log 800 - log 100)/log 4
    assert found.cells == pytest.approx((2 / 3, 2.0))
    star = d_star(rows(cells)[0], 0.04)
    assert star.by_seed == {0: (star.grid, star.interpolated)}


def test_bad_input_is_named() -> None:
    table = rows(law(2.0, seeds=1))
    for sigma2 in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r"threshold is .*, expected a positive number"):
            exponent(table, sigma2)
    with pytest.raises(ValueError, match="size is 'M', expected N or total"):
        exponent(table, 0.04, size="M")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rows measure gap, mse, expected one measure"):
        exponent((table[0], *rows([cell(1, 9)], "gap")), 0.04)
    with pytest.raises(ValueError, match="two rows have N = 5,104"):
        exponent((table[0], table[0]), 0.04)
    with pytest.raises(ValueError, match="draws is 0, expected at least 1"):
        exponent(table, 0.04, draws=0)


def test_slopes_leave_gaps_out() -> None:
    y = np.array([1.0, 2.0, 3.0, 5.0])
    x = np.array([[0.0, 1.0, 2.0, np.nan], [0.0, np.nan, np.nan, 4.0], [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, np.nan, 4.0]])
    found = slopes_of(y, x)
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])
    assert not np.isfinite(found[2])
    assert found[3] == pytest.approx(np.polyfit([0, 1, 4], [1, 2, 5], 1)[0])


def test_resampled_means_have_the_variance_of_a_mean() -> None:
    values = (0.9, 1.0, 1.2)
    (row,) = rows([cell(10, 100, seed, mse=number) for seed, number in enumerate(values)])
    (draws,) = resampled([row], 20_000)
    assert draws.mean() == pytest.approx(np.mean(values), rel=5e-3)
    assert draws.var() == pytest.approx(np.var(values, ddof=1) / 3, rel=0.05)
    # a D with one seed has nothing to draw, whoever else is drawn
    (row,) = rows([cell(10, 100, 0, mse=1.0), cell(10, 100, 1, mse=2.0), cell(10, 200, 1, mse=0.5)])
    (draws,) = resampled([row], 50)
    np.testing.assert_array_equal(draws[:, 1], 0.5)
    assert len(np.unique(draws[:, 0])) > 1


def test_few_seeds_widen_the_percentiles() -> None:
    draws = np.random.default_rng(0).standard_normal(100_000)
    from scipy.stats import t

    for freedom in (2, 10, 1000):
        ends = interval(draws, freedom)
        assert ends.high == pytest.approx(t.ppf(0.975, freedom), rel=0.03 if freedom > 2 else 0.1)
    assert interval(draws, 0) is None
    assert interval(np.array([np.nan, np.nan, 1.0]), 10) is None
    assert interval(np.empty(0), 3) is None
