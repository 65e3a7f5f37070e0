"""Figures of capacity: marks, bands, lines and words are the records'."""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
import pytest

from beyond_scaling.figures import capacity, capacity_growth, capacity_table
from beyond_scaling.figures.capacity_parts import grown, number
from beyond_scaling.hopfield.capacity import theory
from beyond_scaling.results import Record

from ..hopfield.capacity_records import made
from .width_records import record as of_another_kind


@cache
def records() -> dict[str, Record]:
    return {name: made(name) for name in ("classical", "dense", "exponential", "modern", "predictive")}


@cache
def whole_table() -> capacity_table.Table:
    return capacity_table.table(records())


def test_curves_are_the_means_of_the_columns() -> None:
    stored = records()["dense"]
    name = "degree 3, one step"
    drawn = capacity.figure(stored, [name])
    columns = stored.columns
    for n in (16, 64):
        trace = next(each for each in drawn.data if each.name == f"n = {n}")
        here = (columns["series"] == name) & (columns["n"] == n)
        d = np.unique(columns["d"][here])
        assert list(trace.customdata) == d.tolist()
        means = [columns["error"][here & (columns["d"] == each)].mean() for each in d]
        assert list(trace.y) == pytest.approx(means, rel=1e-3)
        scale = theory.one_step_capacity(theory.power(3), n, 0.01)
        assert list(trace.x) == pytest.approx(d / scale, rel=1e-3)
        band = next(each for each in drawn.data if each.name == f"n = {n}, interval")
        low, high = np.array(band.y[: len(d)]), np.array(band.y[len(d) :])[::-1]
        assert (low <= np.array(trace.y) + 1e-6).all()
        assert (high >= np.array(trace.y) - 1e-6).all()
    curve = next(each for each in drawn.data if each.name.startswith("theory"))
    assert curve.name == "theory, n = 128"
    scale = theory.one_step_capacity(theory.power(3), 128, 0.01)
    expected = theory.one_step_error(theory.power(3), 128, np.array(curve.x) * scale)
    assert list(curve.y) == pytest.approx(expected, rel=0.02)
    level = next(each for each in drawn.data if each.name == "level")
    assert list(level.y) == [0.01, 0.01]


def test_all_series_have_a_panel_and_words() -> None:
    stored = records()["exponential"]
    drawn = capacity.figure(stored)
    assert len({trace.xaxis for trace in drawn.data}) == 4
    alt = drawn.layout.meta["alt"]
    for name in stored.parameters["series"]:
        assert name in alt
    told = stored.summary["series"]["all patterns are fixed"]["n"]["12"]
    assert f"0.5 at {number(told['critical'])}" in alt.replace("0.500", "0.5")
    assert "95% bands" in drawn.layout.meta["caption"]
    assert "Never reached: pseudo-inverse, from the pattern." not in drawn.layout.meta["caption"]
    with pytest.raises(ValueError, match="has no series 'degree 9'"):
        capacity.figure(stored, ["degree 9"])
    with pytest.raises(ValueError, match="no series, expected one"):
        capacity.figure(stored, [])
    with pytest.raises(ValueError, match="is of kind 'training'"):
        capacity.figure(of_another_kind())


def test_growth_has_the_critical_d_and_the_slopes() -> None:
    drawn = capacity_growth.figure(records())
    for line in (*capacity_growth.POWERS, *capacity_growth.RATES):
        told = records()[line.family].summary["series"][line.series]
        marks = next(each for each in drawn.data if each.name == line.label)
        assert list(marks.x) == [int(n) for n in told["n"]]
        assert list(marks.y) == pytest.approx([each["critical"] for each in told["n"].values()], rel=1e-3)
        high = [each.get("high", each["critical"]) for each in told["n"].values()]
        assert list(np.array(marks.y) + marks.error_y.array) == pytest.approx(high, rel=2e-3)
        own = {each.name: each for each in drawn.data if each.legendgroup == line.label}
        log_x = math.log if line in capacity_growth.POWERS else float
        for name, trace in own.items():
            if name == line.label:
                continue
            slope = math.log(trace.y[1] / trace.y[0]) / (log_x(trace.x[1]) - log_x(trace.x[0]))
            if name == "fitted" and told.get("fit") and line.family != "classical":
                assert slope == pytest.approx(told["fit"]["value"], abs=0.01)
            if name.startswith("Table 1: n^"):
                assert slope == pytest.approx(float(name[-1]), abs=0.01)
            if name == "Table 1: 2^(n/2)":
                assert slope == pytest.approx(math.log(2) / 2, abs=0.01)
        assert line.label in drawn.layout.meta["alt"]
    assert "n^3.0" in drawn.layout.meta["alt"] or "n^2.9" in drawn.layout.meta["alt"]
    with pytest.raises(ValueError, match="no record of family 'classical'"):
        capacity_growth.figure({})


def test_ramsauers_theorem_promises_nothing_at_this_temperature() -> None:
    assert capacity_growth.ramsauer_words(16).endswith("which is no promise")
    assert not capacity_growth.ramsauer_words(1000, beta=20.0).endswith("no promise")


def test_the_table_says_what_is_printed_and_what_was_measured() -> None:
    table = whole_table()
    by = {(row.title, row.series): row for row in table.rows}
    dense = by["Dense memories", "degree 3, one step"]
    assert dense.printed == "Θ(n^3)"
    assert re.fullmatch(r"n\^2\.00; here n\^2\.0\d", dense.theory)
    value, low, high = (float(each) for each in re.findall(r"\d\.\d+", dense.measured))
    assert low <= value <= high < 3
    assert value == pytest.approx(2, abs=0.1)
    exponential = by["The exponential memory", "all patterns are fixed"]
    assert exponential.theory.startswith("2^(0.500 n); here 2^(0.4")
    assert [row.series for row in table.rows if row.first][1] == "degree 2, one step"
    page = table._repr_html_()
    assert "Θ(n<sup>3</sup>)" in page
    assert "2<sup>0.500 n</sup><br><small>here 2<sup>0.4" in page
    assert page.count("<tr>") == 1 + len(table.rows) + 5
    assert "degree 3, one step" in repr(table)
    with pytest.raises(ValueError, match="no record, expected one"):
        capacity_table.table({})
    with pytest.raises(ValueError, match="no family 'hopfield'"):
        capacity_table.table({"hopfield": records()["dense"]})


def test_fits_in_words() -> None:
    assert grown("exponent", {"value": 1.964, "low": 1.9, "high": 2.04}) == "n^1.96 [1.90 to 2.04]"
    assert grown("rate", {"value": math.log(2)}) == "2^(1.00 n)"
    assert grown("load", {"value": 0.1379}) == "0.138 n"
    values = (0.05, 12.34, 123.4, 98765.4, -1.5)
    assert [number(value) for value in values] == ["0.0500", "12.3", "123", "98,765", "−1.50"]


def test_networks_that_table_1_does_not_have_need_no_column_for_it() -> None:
    whole, rest = whole_table(), capacity_table.table({"predictive": records()["predictive"]})
    for table, there in ((whole, True), (rest, False)):
        assert ("Table 1" in repr(table).splitlines()[0]) is there
        assert ('<th scope="col">Table 1</th>' in table._repr_html_()) is there
    assert rest._repr_html_().count("<td>") == 2 * len(rest.rows)
