"""The zoo's figure and its table: what they draw and print is what the networks do."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from beyond_scaling import hopfield
from beyond_scaling.figures import zoo
from beyond_scaling.figures.zoo import Profile
from beyond_scaling.figures.zoo_networks import KINDS, Kind
from beyond_scaling.figures.zoo_table import MAX_STEPS, TOLERANCE, ZooTable
from beyond_scaling.hopfield import Memory, ModernHopfield
from beyond_scaling.hopfield.digits import digits


@pytest.fixture(scope="module")
def found() -> list[Profile]:
    return zoo.profiles()


@pytest.fixture(scope="module")
def table() -> ZooTable:
    return zoo.zoo_table()


def families() -> set[type[Memory]]:
    return {
        kind
        for name in hopfield.__all__
        if isinstance(kind := getattr(hopfield, name), type) and issubclass(kind, Memory) and kind is not Memory
    }


def test_every_family_is_in_the_zoo() -> None:
    patterns = digits(4)
    assert {type(kind.make(patterns)) for kind in KINDS} == families()
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    names = {kind.name for kind in KINDS}
    assert all(not kind.twin or kind.twin in names for kind in KINDS)


def test_twins_have_one_energy() -> None:
    patterns, x = digits(6), digits(12)[6:]
    made = {kind.name: kind.make(patterns) for kind in KINDS}
    for kind in KINDS:
        if kind.twin:
            np.testing.assert_allclose(made[kind.name].energy(x), made[kind.twin].energy(x), rtol=1e-12)


# --- the figure


def test_profiles_pass_through_both_digits(found: list[Profile]) -> None:
    patterns = digits(10)
    for one in found:
        ends = [int(np.flatnonzero(np.isclose(one.way, end))[0]) for end in (0, 1)]
        memory = one.kind.make(patterns)
        np.testing.assert_allclose(one.energy[ends], memory.energy(patterns[[3, 8]]), rtol=1e-9)
        assert one.binary == (memory.domain == "binary")
        # The graded network has no states beyond its corners.
        rim = (0, 1) if one.kind.bounded else pytest.approx((-0.25, 1.25), abs=0.05)
        assert (one.way.min(), one.way.max()) == rim


def test_binary_networks_go_from_corner_to_corner() -> None:
    a, b = digits(10)[[3, 8]]
    way, states = zoo._corners(a, b, np.random.default_rng(1))
    assert np.all(np.abs(states) == 1)
    assert np.all(np.sum(states[1:] != states[:-1], axis=1) == 1)
    differ = int(np.sum(a != b))
    at, there = np.flatnonzero(way == 0)[0], np.flatnonzero(way == 1)[0]
    np.testing.assert_array_equal(states[[at, there]], [a, b])
    assert there - at == differ
    # Beyond either end the states move away from it, and from the other one.
    assert np.all(np.sum(states[:at] != a, axis=1) == np.arange(at, 0, -1))
    assert np.all(np.sum(states[there + 1 :] != b, axis=1) == np.arange(1, len(way) - there))


def test_valleys_on_a_way_that_is_known() -> None:
    way = np.linspace(-0.25, 1.25, 141)
    kind = Kind("one", ModernHopfield)

    def valleys(energy: np.ndarray, way: np.ndarray = way, binary: bool = False) -> tuple[bool, bool]:
        return Profile(kind, binary, way, energy, (True, True)).valleys

    assert valleys(-np.cos(2 * np.pi * way)) == (True, True)
    assert valleys((way - 0.5) ** 2) == (False, False)
    assert valleys((way - 0.05) ** 2) == (True, False)
    assert valleys(way) == (False, False)
    inside = (way >= 0) & (way <= 1)
    assert valleys(way[inside], way[inside]) == (True, False), "no states are below the corner"
    steps = np.linspace(-0.5, 1.5, 9)
    assert valleys(np.array([3, 2, 1, 2, 3, 2, 1, 1, 2.0]), steps, binary=True) == (True, False), "a flat is no valley"


def test_what_is_known_of_the_digits(found: list[Profile]) -> None:
    by_name = {one.kind.name: one for one in found}
    # Two wells of the modern network and of E, one bowl of predictive coding.
    for name in ("Modern", "Distance", "Exponential", "Pseudo-inverse"):
        assert by_name[name].valleys == by_name[name].kept == (True, True), name
    assert by_name["Predictive coding"].valleys == by_name["Predictive coding"].kept == (False, False)
    # Ten digits are alike: Hebb's rule keeps none.
    assert by_name["Hebb"].kept == (False, False)
    # On patterns of one length E_β is twice MCHN at 2β, up to a constant: at the digits, and on the way.
    modern, distance = by_name["Modern"], by_name["Distance"]
    np.testing.assert_allclose(np.diff(distance.energy), 2 * np.diff(modern.energy), rtol=1e-8, atol=1e-10)


def test_the_figure_draws_the_profiles(found: list[Profile]) -> None:
    figure = zoo.energies_on_a_line()
    lines = [trace for trace in figure.data if "lines" in trace.mode]
    assert len(lines) == len(found) == sum(not kind.twin for kind in KINDS)
    for trace, one in zip(lines, found, strict=True):
        np.testing.assert_allclose(trace.customdata, one.energy, atol=1e-4)
        assert (min(trace.y), max(trace.y)) == (0, 1)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in marks) == 2 * len(found)
    kept = sum(len(trace.x) for trace in marks if trace.marker.symbol == "circle")
    assert kept == sum(map(sum, (one.kept for one in found)))
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(shown) == ["leaves", "real states", "states of ±1", "stays"], "each once"
    alt = figure.layout.meta["alt"]
    told = re.search(r"at both digits: ([^;]+);", alt)
    assert told is not None
    assert told.group(1).split(", ") == [one.kind.name for one in found if all(one.valleys)]
    assert all(one.kind.name in alt for one in found)
    assert "from the 3 to the 8" in alt


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"between": (3, 3)}, "between is"), ({"between": (0, 10)}, "between is"), ({"steps": 5}, "steps is 5")],
)
def test_what_the_figure_refuses(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zoo.profiles(**arguments)


# --- the table


def test_rows_are_what_the_networks_do(table: ZooTable) -> None:
    patterns = digits(10)
    meant = patterns[np.arange(64) % 10]
    noisy = np.where(np.random.default_rng(0).random(meant.shape).argsort(axis=1) < 6, -meant, meant)
    assert np.all(np.sum(noisy != meant, axis=1) == 6)
    assert [row.kind for row in table.rows] == list(KINDS)
    for row in table.rows[::4]:
        memory = row.kind.make(patterns)
        assert (row.title, row.source, row.domain) == (memory.title, memory.source, memory.domain)
        path = memory.retrieve(noisy, max_steps=MAX_STEPS, tolerance=TOLERANCE, path=True)
        assert path.states is not None
        assert row.retrieved == np.mean([np.array_equal(np.sign(x), y) for x, y in zip(path.state, meant, strict=True)])
        assert row.steps == np.mean(path.steps)
        rises = np.diff(memory.energy(path.states), axis=0)
        assert row.rise == pytest.approx(max(rises.max(), 0), abs=1e-9 * np.abs(memory.energy(path.states)).max())


def test_energies_fall_where_they_should(table: ZooTable) -> None:
    by_name = {row.kind.name: row for row in table.rows}
    assert all(row.rise == 0 for row in table.rows if row.descends)
    assert {name for name, row in by_name.items() if not row.descends} == {"Hebb at once", "Manhattan"}
    assert by_name["Manhattan"].rise > 0.01, "the mean is not the median: here it shows"
    assert (by_name["Hebb"].retrieved, by_name["Modern"].retrieved, by_name["Dense r = 8"].retrieved) == (0, 1, 1)
    predictive = by_name["Predictive coding"]
    assert (predictive.retrieved, predictive.completed) == (0, 1), "it completes, and does not attract"


def test_the_table_is_a_table_to_all(table: ZooTable) -> None:
    page = BeautifulSoup(table._repr_html_(), "html.parser")
    assert [head.text for head in page.select("thead th")] == [
        "network", "states", "E falls", "largest rise", "retrieved", "completed", "steps",
    ]  # fmt: skip
    lines = page.select("tbody tr")
    assert len(lines) == len(table.rows)
    for line, row in zip(lines, table.rows, strict=True):
        assert line.th["scope"] == "row"
        assert row.title in line.th.text
        assert line.small.text == row.particulars
        cells = [cell.text for cell in line.find_all("td")]
        assert cells[:2] == [row.domain, "yes" if row.descends else "no"]
        assert cells[3:5] == [f"{100 * row.retrieved:.0f}%", f"{100 * row.completed:.0f}%"]
        assert float(cells[5].rstrip("+")) == pytest.approx(row.steps, abs=0.051)
        assert (cells[2] == "0") == (row.rise == 0)
    assert page.figcaption.text == table.caption()
    assert page.select_one("[role=group][tabindex='0']")["aria-label"]
    text = repr(table)
    assert text.splitlines()[0].startswith("network")
    assert all(row.title in text for row in table.rows)
    assert text.endswith(table.caption())


def test_numbers_out_of_range() -> None:
    for arguments, words in (({"queries": 0}, "queries"), ({"flipped": 65}, "flipped is 65"), ({"stored": 0}, "count")):
        with pytest.raises(ValueError, match=words):
            zoo.zoo_table(**arguments)
