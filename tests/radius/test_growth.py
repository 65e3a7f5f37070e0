"""Growth with sample size: the exponent where theory knows it, honest intervals, extrapolation, what is left out."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma

from beyond_scaling.radius.growth import _Line, fit_growth
from beyond_scaling.radius.neighbours import subset_rows

FRACTIONS = (0.4, 0.6, 0.8, 1.0)


def on_a_torus(points: np.ndarray, seed: int = 0) -> dict[float, np.ndarray]:
    """{fraction: nearest distances} of points (m, k) in the unit cube whose opposite faces are one."""
    squares = np.zeros((len(points), len(points)))
    for column in points.T:
        apart = np.abs(column[:, None] - column)
        squares += np.minimum(apart, 1 - apart) ** 2
    np.fill_diagonal(squares, np.inf)
    subsets = {fraction: subset_rows(len(points), fraction, seed=seed) for fraction in FRACTIONS}
    return {fraction: np.sqrt(squares[np.ix_(rows, rows)].min(axis=1)) for fraction, rows in subsets.items()}


def expected_distance(k: int, m: float) -> float:
    """Mean nearest distance of m vectors, evenly on the torus of k dimensions, as m grows."""
    volume = math.pi ** (k / 2) / gamma(1 + k / 2)
    return gamma(1 + 1 / k) / (m * volume) ** (1 / k)


def exact_law(k: float, constant: float, count: int) -> dict[float, np.ndarray]:
    """Distances that follow the law without any noise."""
    return {f: np.full(math.ceil(f * count), constant * (f * count) ** (-1 / k)) for f in FRACTIONS}


# --- the fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 5])
def test_interval_holds_the_true_exponent_as_often_as_it_says(k):
    generator = np.random.default_rng(k)
    inside, reached, estimates = [], [], []
    for _ in range(100):
        distances = on_a_torus(generator.random((200, k)))
        truth = expected_distance(k, 2000)
        found = fit_growth(distances, 200, hypothesis=truth, at=(2000,))
        estimates.append(found["exponent"])
        inside.append(found["low"] <= 1 / k <= found["high"])
        at = found["at"]["2000"]
        reached.append(at["low"] <= truth <= at["high"])
    assert np.mean(inside) >= 0.9
    assert np.mean(reached) >= 0.88
    assert np.mean(estimates) == pytest.approx(1 / k, rel=0.05)


def test_intervals_are_no_wider_than_the_estimates_scatter():
    generator = np.random.default_rng(7)
    found = [fit_growth(on_a_torus(generator.random((150, 3))), 150, hypothesis=1.0) for _ in range(100)]
    scatter = np.std([one["exponent"] for one in found])
    errors = [(one["high"] - one["low"]) / (2 * 1.96) for one in found]
    assert 0.9 < np.mean(errors) / scatter < 1.4


@given(st.floats(1.5, 60), st.floats(1e-3, 1e3), st.floats(0.2, 0.9))
def test_a_law_without_noise_is_found_exactly(k, constant, share):
    distances = exact_law(k, constant, 1000)
    hypothesis = share * constant * 1000 ** (-1 / k)
    found = fit_growth(distances, 1000, hypothesis=hypothesis, at=(10**6, 10**9))
    assert found["exponent"] == pytest.approx(1 / k, rel=1e-9)
    assert found["dimension"]["estimate"] == pytest.approx(k, rel=1e-9)
    assert found["curvature"]["estimate"] == pytest.approx(0, abs=1e-9)
    for count in (10**6, 10**9):
        assert found["at"][str(count)]["mean"] == pytest.approx(constant * count ** (-1 / k), rel=1e-8)
    assert found["reaches_hypothesis"]["vectors"] == pytest.approx((hypothesis / constant) ** -k, rel=1e-6)


@given(st.integers(-30, 30))
def test_the_unit_of_length_does_not_matter(power):
    distances = on_a_torus(np.random.default_rng(11).random((60, 3)))
    one = fit_growth(distances, 60, hypothesis=0.05, at=(1000,))
    unit = 2.0**power
    other = fit_growth({f: unit * d for f, d in distances.items()}, 60, hypothesis=unit * 0.05, at=(1000,))
    for end in ("mean", "low", "high"):
        assert other["at"]["1000"][end] == pytest.approx(unit * one["at"]["1000"][end], rel=1e-9)
    for key in ("exponent", "low", "high", "dimension", "curvature", "reaches_hypothesis"):
        assert other[key] == pytest.approx(one[key], rel=1e-6)


def test_a_curve_shows_as_curvature():
    sizes = np.array([400, 600, 800, 1000])
    t = np.log(sizes / 1000)
    means = np.exp(-0.3 * t + 0.5 * 0.2 * t**2)
    found = fit_growth({s / 1000: np.full(s, m) for s, m in zip(sizes, means, strict=True)}, 1000, hypothesis=1e-9)
    assert found["curvature"]["estimate"] == pytest.approx(0.2, rel=1e-6)
    assert "curvature" not in fit_growth({0.5: np.full(5, 2.0), 1.0: np.full(10, 1.0)}, 10, hypothesis=1.0)


def test_columns_with_gaps_lists_and_tensors_give_the_same():
    distances = on_a_torus(np.random.default_rng(12).random((90, 4)), seed=5)
    found = fit_growth(distances, 90, hypothesis=0.1, seed=5)
    columns = {}
    for fraction, values in distances.items():
        columns[fraction] = np.full(90, np.nan)
        columns[fraction][subset_rows(90, fraction, seed=5)] = values
    assert fit_growth(columns, 90, hypothesis=0.1) == found
    assert fit_growth({f: torch.from_numpy(v) for f, v in distances.items()}, 90, hypothesis=0.1, seed=5) == found
    order = np.random.default_rng(5).permutation(90)
    assert fit_growth(distances, 90, hypothesis=0.1, order=order) == found


def test_inflation_takes_the_place_of_pairs():
    distances = on_a_torus(np.random.default_rng(13).random((100, 4)))
    one, two = (fit_growth(distances, 100, hypothesis=0.1, inflation=factor) for factor in (1.0, 2.0))
    assert two["high"] - two["exponent"] == pytest.approx(2 * (one["high"] - one["exponent"]))
    paired = fit_growth(distances, 100, hypothesis=0.1)
    assert paired["exponent"] == one["exponent"]
    assert paired["high"] != one["high"]


# --- where it leads ----------------------------------------------------------------------------------------


def test_the_ends_of_reaches_hypothesis_are_where_the_band_meets_it():
    distances = on_a_torus(np.random.default_rng(14).random((300, 2)))
    found = fit_growth(distances, 300, hypothesis=0.01)
    meeting = found["reaches_hypothesis"]
    assert meeting["low"] < meeting["vectors"] < meeting["high"]
    line = fit_growth(distances, 300, hypothesis=0.01, at=[round(meeting[end]) for end in ("low", "high")])["at"]
    assert line[str(round(meeting["low"]))]["low"] == pytest.approx(0.01, rel=2e-3)
    assert line[str(round(meeting["high"]))]["high"] == pytest.approx(0.01, rel=2e-3)


def test_an_exponent_that_may_be_zero_leaves_the_far_end_open():
    line = _Line(level=0.0, exponent=0.01, level_variance=1e-6, covariance=0.0, exponent_variance=1e-4, origin=7.0)
    meeting = line.meets(-0.02)
    assert set(meeting) == {"vectors", "low"}
    assert math.exp(7.0) < meeting["low"] < meeting["vectors"] == pytest.approx(math.exp(9.0))
    sure = _Line(level=0.0, exponent=1e-3, level_variance=0.0, covariance=0.0, exponent_variance=1e-12, origin=7.0)
    assert sure.meets(-10.0) == {}  # e^10007 vectors
    assert sure.at(math.log(1e9))["mean"] == pytest.approx(math.exp(-1e-3 * (math.log(1e9) - 7)))


def test_what_is_never_reached_is_left_out():
    flat = {0.5: np.full(5, 1.0), 1.0: np.full(10, 1.0)}
    found = fit_growth(flat, 10, hypothesis=0.5, at=(100,))
    assert "reaches_hypothesis" not in found
    assert found["dimension"] == {}
    json.dumps(found, allow_nan=False)
    falling = exact_law(2.0, 1.0, 100)
    assert "reaches_hypothesis" not in fit_growth(falling, 100, hypothesis=10.0)  # only below two vectors
    assert fit_growth(falling, 100, hypothesis=0.2)["reaches_hypothesis"]["vectors"] == pytest.approx(25)


def test_no_power_law_without_two_sizes_or_distances():
    assert fit_growth({1.0: np.ones(10)}, 10, hypothesis=1.0) == {}
    assert fit_growth({0.5: np.zeros(5), 1.0: np.zeros(10)}, 10, hypothesis=1.0) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"distances": {}}, "distances is empty"),
        ({"distances": {1.5: np.ones(10)}}, "a fraction 1.5"),
        ({"distances": {1.0: np.ones(9)}}, "shape (9,)"),
        ({"distances": {1.0: np.full(10, np.nan)}}, "hold 0 numbers; expected 10"),
        ({"distances": {1.0: np.full(10, -1.0)}}, "at least 0"),
        ({"distances": {0.5: np.ones(5), 1.0: np.full(10, 2.0)}}, "distances grow"),
        ({"vectors": 1}, "vectors is 1"),
        ({"hypothesis": 0.0}, "hypothesis is 0.0"),
        ({"hypothesis": math.nan}, "hypothesis is nan"),
        ({"at": (1,)}, "at holds 1"),
        ({"at": (1e6,)}, "at holds 1000000.0"),
        ({"seed": -1}, "seed is -1"),
        ({"inflation": 0.0}, "inflation is 0.0"),
    ],
)
def test_bad_input_is_named(changes, words):
    arguments = {"distances": {0.5: np.full(5, 2.0), 1.0: np.ones(10)}, "vectors": 10, "hypothesis": 1.0} | changes
    with pytest.raises(ValueError, match=re.escape(words)):
        fit_growth(**arguments)


def test_another_seed_is_noticed():
    distances = on_a_torus(np.random.default_rng(15).random((80, 3)), seed=1)
    with pytest.raises(ValueError, match="this seed"):
        fit_growth(distances, 80, hypothesis=1.0, seed=2)
