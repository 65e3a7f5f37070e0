"""Where a row falls below a threshold: the paper's rule, interpolation, and rows that do not cross inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.training.crossing import Crossing, falling, in_words, interpolated, many_interpolated, on_grid

D = [100, 200, 400, 800]


def test_the_grid_rule_is_the_papers() -> None:
    found = on_grid(D, [0.5, 0.05, 0.03, 0.01], 0.04)
    assert found == Crossing(400.0, 200.0, 400.0, "inside")
    assert on_grid(D, [0.5, 0.03, 0.05, 0.01], 0.04).D == 200  # the least that passes, whatever comes after
    assert on_grid(D, [0.5, 0.04, 0.03, 0.01], 0.04).D == 400  # at the threshold is not under it


def test_interpolation_is_linear_in_logarithms() -> None:
    found = interpolated(D, [0.64, 0.16, 0.01, 0.001], 0.04)
    assert pytest.approx(math.sqrt(200 * 400)) == found.D
    assert (found.low, found.high, found.side) == (200.0, 400.0, "inside")
    assert pytest.approx(400) == interpolated(D, [0.64, 0.16, 0.04, 0.001], 0.04).D


def test_noise_cannot_cross_twice() -> None:
    found = interpolated(D, [0.5, 0.03, 0.05, 0.01], 0.04)
    pooled = math.sqrt(0.03 * 0.05)  # the two are one level, just under the threshold
    share = math.log(0.5 / 0.04) / math.log(0.5 / pooled)
    assert pooled < 0.04
    assert pytest.approx(100 * 2**share) == found.D


@pytest.mark.parametrize("rule", [on_grid, interpolated])
def test_a_row_that_does_not_cross_is_censored(rule) -> None:
    below, above = rule(D, [0.03, 0.02, 0.01, 0.001], 0.04), rule(D, [0.5, 0.4, 0.3, 0.2], 0.04)
    assert math.isnan(below.D)
    assert math.isnan(above.D)
    assert (below.low, below.high, below.side, below.measured) == (0.0, 100.0, "below", False)
    assert (above.low, above.high, above.side, above.measured) == (800.0, math.inf, "above", False)
    assert [in_words(below), in_words(above)] == ["< 100", "> 800"]
    assert rule([100], [0.5], 0.04).side == "above"
    assert rule([100], [0.01], 0.04).side == "below"


def test_a_gap_that_turns_round_is_interpolated_in_its_root() -> None:
    found = interpolated([100, 200], [0.09, -0.01], 0.04)  # gaps 0.3 and -0.1, threshold 0.2
    assert pytest.approx(100 * 2**0.25) == found.D


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_the_falling_fit_is_the_nearest(values: list[float]) -> None:
    row = np.array(values)
    fit = falling(row[None, :])[0]
    assert (np.diff(fit) <= 1e-12).all()
    pooled: list[list[float]] = []  # pool adjacent violators, one after another
    for number in values:
        pooled.append([number])
        while len(pooled) > 1 and np.mean(pooled[-2]) < np.mean(pooled[-1]):
            pooled[-2:] = [pooled[-2] + pooled[-1]]
    assert fit == pytest.approx([float(np.mean(block)) for block in pooled for _ in block], abs=1e-9)


@given(st.lists(st.floats(1e-3, 10), min_size=2, max_size=9), st.floats(1e-2, 5), st.floats(1e-3, 1e3))
def test_units_do_not_matter(values: list[float], threshold: float, unit: float) -> None:
    grid = np.geomspace(10, 1000, len(values))
    one, other = interpolated(grid, values, threshold), interpolated(grid * unit, values, threshold)
    assert one.side == other.side
    if one.measured:
        assert pytest.approx(one.D * unit) == other.D
        assert one.low <= one.D * (1 + 1e-9)
        assert one.high * (1 + 1e-9) >= one.D
        scaled = interpolated(grid, np.array(values) * 7, threshold * 7)
        assert scaled.side == "below" or pytest.approx(one.D, rel=1e-6) == scaled.D


def test_many_are_one_by_one() -> None:
    rng = np.random.default_rng(0)
    values = np.exp(-np.arange(6) * 0.5 + 0.4 * rng.standard_normal((20, 6)))
    values[3, 5] = -0.2
    grid, thresholds = np.geomspace(100, 900, 6), [0.05, 0.3, 0.9]
    together = many_interpolated(grid, values, thresholds)
    assert together.shape == (20, 3)
    apart = [[math.log(interpolated(grid, row, level).D) for level in thresholds] for row in values]
    np.testing.assert_allclose(together, apart)
    assert 0 < np.isnan(together).sum() < together.size


@pytest.mark.parametrize(
    ("data", "values", "threshold", "words"),
    [
        ([1, 2], [1.0], 0.1, "D has shape (2,), values (1,), expected (K,) each"),
        ([], [], 0.1, "expected (K,) each, K >= 1"),
        ([2, 1], [1.0, 0.1], 0.1, "D is 2, 1, expected positive numbers, each larger"),
        ([0, 1], [1.0, 0.1], 0.1, "expected positive numbers"),
        ([1, 2], [1.0, math.nan], 0.1, "values are 1, nan, expected finite"),
        ([1, 2], [1.0, 0.1], 0.0, "threshold is 0.0, expected a positive"),
        ([1, 2], [1.0, 0.1], math.inf, "threshold is inf, expected a positive"),
    ],
)
def test_what_is_wrong_is_named(data, values, threshold, words) -> None:
    for rule in (on_grid, interpolated):
        with pytest.raises(ValueError, match=r".") as error:
            rule(data, values, threshold)
        assert words in str(error.value)
