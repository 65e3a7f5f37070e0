"""Capacity: data, cells, critical d, fits, work that goes on, records that are checked."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.hopfield.capacity import FAMILIES, Kept, check, crossing, data, family, measure, measure_all, theory
from beyond_scaling.hopfield.capacity import record as record_of
from beyond_scaling.hopfield.capacity.cell import NEAR, Cell, network
from beyond_scaling.hopfield.capacity.data import Start

from .capacity_records import made, measured


def cell(**values: object) -> Cell:
    """A small cell, changed by values."""
    base = Cell(
        "dense", "test", network("dense", degree=3, mode="synchronous"), "signs", Start(), 24, 30, 0, 64, 1
    )  # fmt: skip
    return replace(base, **values)  # type: ignore[arg-type]


# --- data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", data.KINDS)
def test_patterns_have_mean_squared_length_n_and_queries_start_as_told(kind: str) -> None:
    rng = data.generator(kind, 32, 400, 0)
    stored = data.patterns(kind, 32, 400, rng)
    assert (stored**2).sum(axis=1).mean() == pytest.approx(32, rel=0.05)
    start = Start(flipped=0.1, overlap=0.8)
    targets, cues, known = data.queries(kind, stored, start, 16, rng)
    own = stored[targets]
    assert known is None
    assert len(set(targets.tolist())) == 16
    if kind == "signs":
        assert ((cues != own).sum(axis=1) == 3).all(), "10% of 32"
    else:
        lengths = np.linalg.norm(own, axis=1)
        assert np.vecdot(cues, own) / lengths**2 == pytest.approx(np.full(16, 0.8))
        assert np.linalg.norm(cues, axis=1) == pytest.approx(lengths)
    targets, cues, known = data.queries(kind, stored, Start(hidden=0.5), 500, rng)
    assert targets.tolist() == list(range(400)), "more than there are: all of them"
    assert known is not None
    assert (known.sum(axis=1) == 16).all()
    assert (cues[~known] == 0).all()
    assert (cues[known] == stored[known]).all()


def test_data_belong_to_kind_n_d_and_seed_alone() -> None:
    one = data.patterns("sphere", 8, 5, data.generator("sphere", 8, 5, 3))
    assert (one == data.patterns("sphere", 8, 5, data.generator("sphere", 8, 5, 3))).all()
    for other in (("gaussian", 8, 5, 3), ("sphere", 8, 6, 3), ("sphere", 8, 5, 4)):
        assert not np.allclose(one[0], data.patterns("sphere", other[1], other[2], data.generator(*other))[0])
    with pytest.raises(ValueError, match="kind is 'cubes'"):
        data.patterns("cubes", 4, 4, data.generator("cubes", 4, 4, 0))


# --- cells ------------------------------------------------------------------------------------------------------


def test_one_step_errors_are_those_of_theory() -> None:
    cells = [cell(d=d, seed=seed, queries=d) for d in (50, 90) for seed in range(40)]
    for d in (50, 90):
        errors = [measure(each).error for each in cells if each.d == d]
        expected = float(theory.one_step_error(theory.power(3), 24, d))
        standard_error = float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
        assert float(np.mean(errors)) == pytest.approx(expected, abs=4 * standard_error + 0.1 * expected)


def test_a_cell_says_the_same_again_and_on_torch() -> None:
    for each in (
        cell(start=Start(flipped=0.1), max_steps=20),
        cell(network=network("modern", beta=1.0), data="sphere", n=8, d=60, start=Start(overlap=0.8), max_steps=15),
        cell(network=network("predictive"), data="gaussian", n=16, d=12, start=Start(hidden=0.5), max_steps=30),
    ):
        first, again, torch = measure(each), measure(each), measure(each, "cpu")
        assert first == again, "seconds do not count"
        assert torch.digest == first.digest
        assert torch.error == pytest.approx(first.error, abs=1e-6)
        assert torch.failed == first.failed


def test_what_a_cell_counts() -> None:
    crowded = measure(cell(network=network("classical", rule="hebb"), d=24, max_steps=30))
    assert 0 < crowded.error < 0.5
    assert crowded.any_failed == 1.0
    assert crowded.failed > crowded.error, "a pattern fails by one bit"
    assert crowded.steps > 0
    one = measure(cell(network=network("modern", beta=1.0), data="sphere", d=1, start=Start(overlap=0.1)))
    assert (one.error, one.failed, one.any_failed) == (pytest.approx(0, abs=1e-12), 0.0, 0.0)
    many = measure(cell(network=network("modern", beta=0.01), data="sphere", d=200, start=Start(), max_steps=50))
    assert NEAR < many.error <= 1
    assert many.failed == 1.0
    assert many.rise is None
    assert many.apart is None
    twin = measure(
        cell(network=network("distance", beta=0.5), data="sphere", twin=network("modern", beta=1.0), path=True)
    )
    assert twin.apart is not None
    assert twin.apart < 1e-10
    assert twin.rise == 0.0
    down = measure(cell(network=network("classical"), d=12, start=Start(0.4), max_steps=30, path=True))
    assert down.rise == 0.0
    at_once = network("classical", mode="synchronous")
    up = measure(cell(network=at_once, d=12, start=Start(0.5), max_steps=30, path=True))
    assert up.rise is not None
    assert up.rise > 0, "all bits at once may climb"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_measured_and_its_energy_does_not_rise(name: str) -> None:
    chosen = family(name, "small")
    assert len({series.name for series in chosen.series}) == len(chosen.series)
    for series in chosen.series[:: max(1, len(chosen.series) // 4)]:
        first = next(iter(series.cells(name)))
        if name == "clustering":
            first = replace(first, network=network("clustering", **{**dict(first.network.options), "epochs": 2}))
        found = measure(replace(first, queries=4, max_steps=min(first.max_steps, 5)))
        assert 0 <= found.error <= 1
        assert found.any_failed >= found.failed
        if series.path:
            assert found.rise is not None
            assert found.rise <= 1e-12


def test_designs_are_what_they_say() -> None:
    for name in FAMILIES:
        whole = family(name)
        for series in whole.series:
            assert all(list(grid) == sorted(set(grid)) and grid[0] >= 1 for grid in series.grids.values())
            assert len(series.grids) >= {"none": 1, "load": 4}.get(series.law, 3)
        cells = whole.small().cells()
        assert len(set(cells)) == len(cells)
    with pytest.raises(ValueError, match="family 'hopfield': expected one of classical"):
        family("hopfield")
    with pytest.raises(ValueError, match="preset 'tiny'"):
        family("dense", "tiny")
    with pytest.raises(ValueError, match="has no series 'degree 9'"):
        family("dense").find("degree 9")


# --- critical d and fits ----------------------------------------------------------------------------------------


def curves(power: float, noise: float = 0.0, seeds: int = 8) -> list[crossing.Curve]:
    """Logistic errors in log d about 2 n^power."""
    rng = np.random.default_rng(5)
    found = []
    for n in (16, 32, 64):
        d = np.repeat(np.geomspace(0.3, 3, 12) * 2 * n**power, seeds)
        seed = np.tile(np.arange(seeds), 12)
        error = 1 / (1 + np.exp(-4 * np.log(d / (2 * n**power)))) + noise * rng.standard_normal(len(d))
        found.append(crossing.curve(n, d, seed, np.clip(error, 0, 1)))
    return found


def test_a_known_exponent_is_found_and_its_interval_holds_it() -> None:
    exact = [crossing.critical(each, 0.5) for each in curves(2.0)]
    assert [each.value for each in exact] == pytest.approx([2 * n**2 for n in (16, 32, 64)], rel=0.01)
    assert crossing.slope(exact, logarithmic=True).value == pytest.approx(2, abs=0.01)
    noisy = [crossing.critical(each, 0.5) for each in curves(2.0, 0.15)]
    fit = crossing.slope(noisy, logarithmic=True)
    interval = fit.interval(0.95)
    assert interval is not None
    assert 2.0 in interval
    assert 3.0 not in interval
    wider = fit.interval(0.99)
    assert wider is not None
    assert wider.low <= interval.low < interval.high <= wider.high
    local = crossing.local_slopes(exact, logarithmic=True)
    assert [(low, high) for low, high, _ in local] == [(16, 32), (32, 64)]
    assert local[0][2].value == pytest.approx(2, abs=0.02)
    rates = [crossing.Critical(n, math.exp(0.3 * n), np.full(9, math.exp(0.3 * n))) for n in (5, 9, 12)]
    assert crossing.slope(rates, logarithmic=False).value == pytest.approx(0.3)


def test_intervals_of_few_seeds_hold_the_truth_often_enough() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(100):
        d = np.repeat(np.geomspace(0.3, 3, 10), 8)
        error = np.clip(1 / (1 + np.exp(-4 * np.log(d))) + 0.15 * rng.standard_normal(80), 0, 1)
        found = crossing.critical(crossing.curve(8, d, np.tile(np.arange(8), 10), error, draws=100), 0.5)
        interval = found.interval(0.95)
        held += interval is not None and 1.0 in interval
    assert held >= 85


def test_curves_are_made_to_rise_as_isotonic_regression_does() -> None:
    from scipy.optimize import isotonic_regression

    drawn = np.random.default_rng(0).standard_normal((20, 9)) + np.linspace(0, 2, 9)
    expected = [isotonic_regression(row).x for row in drawn]
    np.testing.assert_allclose(crossing.rise(drawn), expected, atol=1e-12)


def test_a_curve_that_does_not_cross_has_no_critical_d() -> None:
    low = crossing.critical(curves(1.0)[0], 0.999)
    assert math.isnan(low.value)
    assert low.interval(0.95) is None
    assert math.isnan(crossing.slope([low], logarithmic=True).value)
    assert math.isnan(crossing.load_limit([low]).value)


def test_the_limit_of_a_load() -> None:
    for power in (0.5, 0.8):
        sizes = [100, 200, 400, 1600]
        found = [crossing.Critical(n, n * (0.138 + 0.4 * n**-power), np.full(3, 1.0)) for n in sizes]
        assert crossing.load_limit(found).value == pytest.approx(0.138)
    assert math.isnan(crossing.load_limit(found[:3]).value), "three numbers for three unknowns say nothing"


# --- work -------------------------------------------------------------------------------------------------------


def test_what_was_measured_is_kept_and_never_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [cell(seed=seed) for seed in range(4)]
    whole = dict(measure_all(cells, Kept(tmp_path, None), processes=1))
    again = Kept(tmp_path, None)
    monkeypatch.setattr("beyond_scaling.hopfield.capacity.work.measure", lambda *_: pytest.fail("measured again"))
    assert list(measure_all(cells, again, processes=1)) == []
    assert {each: again.find(each) for each in cells} == whole
    assert again.find(cell(seed=9)) is None
    assert Kept(tmp_path, "cpu").find(cells[0]) is None, "another device"
    lines = (tmp_path / "cells.jsonl").read_text()
    (tmp_path / "cells.jsonl").write_text(lines[: len(lines) - 40])
    cut = Kept(tmp_path, None)
    assert [cut.find(each) is None for each in cells] == [False, False, False, True], "the last line was cut off"
    cut.keep(cells[3], whole[cells[3]])
    assert Kept(tmp_path, None).find(cells[3]) == whole[cells[3]]
    assert all(json.loads(line) for line in lines.split("\n") if line)
    cut.clear()
    assert Kept(tmp_path, None).find(cells[0]) is None


def test_processes_and_order_change_nothing(tmp_path: Path) -> None:
    cells = [cell(seed=seed, d=d) for seed in range(2) for d in (20, 40)]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    alone = dict(measure_all(cells, Kept(tmp_path / "one", None), processes=1))
    two = dict(measure_all(cells[::-1], Kept(tmp_path / "two", None), processes=2))
    assert two == alone


# --- records ----------------------------------------------------------------------------------------------------


def test_a_record_says_what_its_columns_say(tmp_path: Path) -> None:
    stored = made("dense")
    results.save(stored, tmp_path)
    read = results.verify("capacity-dense", tmp_path)
    check(read)
    fit = read.summary["series"]["degree 3, one step"]["fit"]
    assert fit["value"] == pytest.approx(2, abs=0.1), "as the cells were made"
    assert fit["low"] <= fit["value"] <= fit["high"]
    assert read.summary["theory"]["degree 3, one step"]["expected"] == 2.0
    assert read.summary["theory"]["degree 3, one step"]["n"]["24"] == pytest.approx(
        theory.one_step_capacity(theory.power(3), 24, 0.01)
    )
    assert not read.inputs
    changed = dict(read.columns)
    changed["error"] = np.minimum(1.0, changed["error"] * 1.3)
    with pytest.raises(ValueError, match="its columns give"):
        check(replace(read, columns=changed))
    with pytest.raises(ValueError, match="is of kind 'training'"):
        check(replace(read, kind="training"))
    with pytest.raises(ValueError, match="is incomplete"):
        check(replace(read, columns={key: value for key, value in read.columns.items() if key != "d"}))


def test_a_record_needs_every_cell() -> None:
    chosen = family("dense", "small")
    there = measured(chosen)
    there.pop(next(iter(there)))
    with pytest.raises(ValueError, match="1 of"):
        record_of(chosen, there, preset="small", device=None, command="toy", duration_s=1.0)
