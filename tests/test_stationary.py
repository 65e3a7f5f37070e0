"""Stationary points, storage and thresholds: reference numbers, every kind of pattern set, and refusals."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import iv

from beyond_scaling import energy as en
from beyond_scaling import stationary, thresholds
from beyond_scaling.energy import stationary_points


def kinds(points: tuple) -> Counter:
    return Counter(point.kind for point in points)


def circle(d: int, radius: float) -> np.ndarray:
    angles = np.pi / 2 + 2 * np.pi * np.arange(d) / d
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def triangle(side: float) -> np.ndarray:
    return circle(3, side / math.sqrt(3))


def derivatives(patterns: Any, beta: float | None) -> tuple:
    if beta is None:
        return (lambda x: en.energy_gradient(x, patterns)), (lambda x: en.energy_hessian(x, patterns))
    return (lambda x: en.mchn_gradient(x, patterns, beta)), (lambda x: en.mchn_hessian(x, patterns, beta))


# --- stationary points ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["D1:E", "D1:MCHN1", "D1:MCHN2", "D1:MCHN4", "D2:E", "D2:MCHN1", "D2:MCHN2", "D2:MCHN4"],
)
def test_reference_points(golden: dict, key: str) -> None:
    name, form = key.split(":")
    case = golden["stationary_points"][key]
    beta = None if form == "E" else float(form[4:])
    points = stationary_points(golden["energies"][name]["patterns"], beta)
    assert [point.kind for point in points] == [want["type"] for want in case["points"]]
    for point, want in zip(points, case["points"], strict=True):
        np.testing.assert_allclose(point.x, want["x"], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(point.eigenvalues, want["hess_eig"], rtol=1e-12, atol=1e-12)
        assert point.value == pytest.approx(want["value"], rel=1e-12, abs=1e-12)
    assert kinds(points)["minimum"] == case["n_minima"]


def test_the_ghost_in_the_triangle(golden: dict) -> None:
    ghost = golden["convexity"]["triangle_ghost"]
    points = stationary_points(circle(3, ghost["example_R"]))
    assert kinds(points) == {"minimum": 4, "saddle": 3}
    want = sorted(ghost["stationary"], key=lambda item: [round(v, 9) + 0.0 for v in item["x"]])
    for point, item in zip(points, want, strict=True):
        assert point.kind == item["type"]
        np.testing.assert_allclose(point.x, item["x"], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(point.eigenvalues, item["hess_eig"], rtol=1e-12, atol=1e-12)
        assert point.value == pytest.approx(item["E"], rel=1e-12)
    lower, upper = ghost["side_lower"], ghost["side_upper"]
    assert kinds(stationary_points(triangle(lower - 1e-3))) == {"minimum": 1}
    assert kinds(stationary_points(triangle(lower + 1e-3))) == {"minimum": 4, "saddle": 3}
    assert kinds(stationary_points(triangle(upper - 1e-3))) == {"minimum": 4, "saddle": 3}
    assert kinds(stationary_points(triangle(upper + 1e-3))) == {"minimum": 3, "saddle": 3, "maximum": 1}


def multistart(patterns: np.ndarray, beta: float | None, rng: np.random.Generator) -> np.ndarray:
    """Zeros of the gradient that Newton's method finds from 150 points of the hull: an independent second
    opinion."""
    gradient, hessian = derivatives(patterns, beta)
    x = rng.dirichlet(np.full(len(patterns), 0.5), size=150) @ patterns
    for _ in range(50):
        step = np.linalg.solve(hessian(x), gradient(x)[..., None])[..., 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        x = x - step * np.minimum(1, 0.2 / np.maximum(length, 1e-300))
    return x[np.linalg.norm(gradient(x), axis=1) < 1e-10]


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_missed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, 13)), int(rng.integers(1, 3))
    patterns = rng.standard_normal((d, n)) * rng.choice([0.7, 1.0, 2.0, 3.0])
    if seed % 4 == 0:
        patterns = np.round(patterns * 1.1)  # duplicates and symmetric sets
    beta = None if seed % 2 else float(rng.choice([0.5, 1.0, 2.0, 8.0]))
    points = stationary_points(patterns, beta)
    gradient, hessian = derivatives(patterns, beta)
    for point in points:
        tolerance = 1e-12 if point.kind != "degenerate" else 1e-9
        np.testing.assert_allclose(gradient(point.x), 0, atol=tolerance * (1 + np.abs(patterns).max()))
        np.testing.assert_allclose(np.linalg.eigvalsh(hessian(point.x)), point.eigenvalues, atol=1e-9)
    found = np.array([point.x for point in points])
    for zero in multistart(patterns, beta, rng):
        assert np.abs(found - zero).max(axis=1).min() < 1e-4


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=6))
@settings(max_examples=40)
def test_lattice_sets(cells: list) -> None:
    patterns = np.array(cells) * 0.75
    points = stationary_points(patterns)
    count = kinds(points)
    assert count["minimum"] + count["degenerate"] >= 1
    if not count["degenerate"]:
        assert count["minimum"] + count["maximum"] - count["saddle"] == 1
    mirrored = stationary_points(-patterns)
    assert kinds(mirrored) == count


@pytest.mark.parametrize("beta", [None, 2.0])
def test_lines_in_the_plane_are_one_dimensional(beta: float | None) -> None:
    places = np.array([-2.0, 0.0, 1.0])
    along = np.array([0.6, 0.8])
    flat = stationary_points(places[:, None], beta)
    lifted = stationary_points(places[:, None] * along, beta)
    name = {"minimum": "minimum", "maximum": "saddle"}
    for point, image in zip(flat, lifted, strict=True):
        np.testing.assert_allclose(image.x, point.x[0] * along, atol=1e-12)
        assert image.kind == name[point.kind]
        values = sorted([float(point.eigenvalues[0]), 2.0 if beta is None else 1.0])
        np.testing.assert_allclose(image.eigenvalues, values, atol=1e-12)


def test_small_sets() -> None:
    for patterns in ([[1.5]], [[1.5]] * 3, [[1.0, -2.0]], [[1.0, -2.0]] * 4):
        for beta in (None, 2.0):
            (point,) = stationary_points(patterns, beta)
            assert point.kind == "minimum"
            assert point.x.tolist() == patterns[0]
            assert point.eigenvalues.tolist() == [2.0 if beta is None else 1.0] * len(patterns[0])
            assert point.value == pytest.approx(-math.log(len(patterns)) if beta is None else 0.0, abs=1e-15)
    doubled = stationary_points([[0.0], [0.0], [3.0]])
    assert kinds(doubled) == {"minimum": 2, "maximum": 1}
    assert doubled[1].x[0] > 1.5  # two copies pull the ridge away


def test_translation_scale_and_spread(figure_1: dict) -> None:
    here = stationary_points(figure_1["D2"])
    there = stationary_points(figure_1["D2"] + 2.0**20)
    for point, moved in zip(here, there, strict=True):
        assert moved.kind == point.kind
        np.testing.assert_allclose(moved.x - 2.0**20, point.x, atol=1e-9)
        np.testing.assert_allclose(moved.eigenvalues, point.eigenvalues, rtol=1e-8)
        assert moved.value == pytest.approx(point.value, abs=1e-9)
    # MCHN at β / s² on patterns s times as large is the same picture, s times as large.
    for scale in (1e-6, 1e6):
        scaled = stationary_points(scale * figure_1["D2"], 2 / scale**2)
        for point, image in zip(stationary_points(figure_1["D2"], 2.0), scaled, strict=True):
            assert image.kind == point.kind
            np.testing.assert_allclose(image.x / scale, point.x, atol=1e-12)
    for size in (1e2, 1e3, 1e4):
        count = kinds(stationary_points(size * figure_1["D2"]))
        assert count["minimum"] == 3
        assert count["minimum"] + count["maximum"] - count["saddle"] == 1
        assert not count["degenerate"]
    (point,) = stationary_points(1e-8 * figure_1["D2"])
    assert point.kind == "minimum"


def test_bifurcations_are_reported_as_degenerate() -> None:
    critical = math.sqrt(0.5)
    (point,) = stationary_points([[-critical], [critical]])
    assert point.kind == "degenerate"
    assert abs(point.x[0]) < 1e-6
    (point,) = stationary_points([[-critical, 0.0], [critical, 0.0]])
    assert point.kind == "degenerate"
    assert kinds(stationary_points([[-critical * 1.0001], [critical * 1.0001]])) == {
        "minimum": 2,
        "maximum": 1,
    }
    # Where the ghost dies: three saddles meet it at the centre.
    points = stationary_points(triangle(math.sqrt(3)))
    assert kinds(points) == {"minimum": 3, "degenerate": 1}
    # Where the memories are born: three folds around the ghost.
    points = stationary_points(triangle(thresholds.separation_threshold(3)))
    assert kinds(points) == {"minimum": 1, "degenerate": 3}
    # Both eigenvalues vanish together.
    (point,) = stationary_points([[critical, critical], [-critical, critical], [critical, -critical], [-critical] * 2])
    assert point.kind == "degenerate"
    assert np.abs(point.x).max() < 1e-3


def test_circles() -> None:
    for d in (4, 6, 8, 12):
        assert kinds(stationary_points(circle(d, 2.0))) == {"minimum": d, "saddle": d, "maximum": 1}
    # So many patterns that the valley between them is flat to the last digit: one point stands for the
    # ring.
    points = stationary_points(circle(24, 1.2))
    assert kinds(points) == {"maximum": 1, "degenerate": 1}
    radius = next(np.linalg.norm(point.x) for point in points if point.kind == "degenerate")
    # The mean over a full circle: m = R I₁(2 R m) / I₀(2 R m).
    assert radius == pytest.approx(1.2 * iv(1, 2.4 * radius) / iv(0, 2.4 * radius), rel=1e-6)


def test_twenty_patterns_all_kept() -> None:
    grid = np.array([[i, j] for i in range(4) for j in range(5)]) * 2.0
    assert kinds(stationary_points(grid)) == {"minimum": 20, "saddle": 31, "maximum": 12}


def test_points_are_sorted_and_of_the_callers_kind(figure_1: dict) -> None:
    points = stationary_points(torch.tensor(figure_1["D2"], requires_grad=True))
    for point in points:
        assert isinstance(point.x, torch.Tensor)
        assert point.x.dtype == point.eigenvalues.dtype == torch.float64
        assert isinstance(point.value, float)
        assert point.eigenvalues[0] <= point.eigenvalues[1]
    for left, right in pairwise(points):
        assert left.x.tolist() < right.x.tolist()
    assert stationary_points(figure_1["D2"].astype(np.float32))[0].x.dtype == np.float64


def test_a_missing_point_is_noticed(monkeypatch: pytest.MonkeyPatch, figure_1: dict) -> None:
    complete = stationary._boxes.find_zeros

    def forgetful(problem: Any) -> Any:
        zeros = complete(problem)
        return stationary._boxes.Zeros(zeros.simple[1:], zeros.degenerate)

    monkeypatch.setattr(stationary._boxes, "find_zeros", forgetful)
    with pytest.raises(RuntimeError, match="do not add up to Morse index 1"):
        stationary_points(figure_1["D2"])


@pytest.mark.parametrize(
    ("patterns", "beta", "words"),
    [
        (np.zeros((2, 3)), None, r"patterns has shape \(2, 3\), expected \(d, 1\) or \(d, 2\)"),
        (np.zeros((0, 2)), None, "no patterns"),
        ([[0.0, np.nan]], None, r"patterns\[0, 1\] is nan"),
        ([[0.0]], 0.0, "beta is 0.0"),
        ([[0.0]], "1", "beta is '1'"),
        ([[0.0], [1e9]], None, "patterns reach over .*expected at most 1e\\+07"),
    ],
)
def test_stationary_points_refuses(patterns: Any, beta: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stationary_points(patterns, beta)


# --- storage ----------------------------------------------------------------------------------------------


def test_which_patterns_are_stored(figure_1: dict) -> None:
    d1, d2 = figure_1["D1"], figure_1["D2"]
    assert en.is_stored(d1).tolist() == [True, False, False]
    assert en.is_stored(d2).tolist() == [True, True, True]
    assert en.is_stored(d1, 1.0).tolist() == [True, False, False]
    assert en.is_stored(d1, 4.0).tolist() == [True, False, True]
    assert en.is_stored(d2, 2.0).tolist() == [True, False, True]
    assert en.is_stored(d2 + 2.0**20).tolist() == [True, True, True]
    # With the largest disjoint balls, that of -2 reaches across the maximum at -1.043.
    assert en.is_stored(d1, share=0.49).tolist() == [False, False, False]


def test_storage_in_many_dimensions_and_odd_sets() -> None:
    rng = np.random.default_rng(0)
    assert en.is_stored(rng.standard_normal((20, 40))).all()
    assert not en.is_stored(0.05 * rng.standard_normal((20, 40))).any()
    assert en.is_stored([[3.0, 4.0]]).tolist() == [True]
    assert en.is_stored([[0.0], [0.0], [5.0]]).tolist() == [False, False, True]
    stored = en.is_stored(torch.tensor([[-2.0], [2.0]]))
    assert isinstance(stored, torch.Tensor)
    assert stored.tolist() == [True, True]
    # The middle pattern sits exactly on a maximum: a fixed point, but nothing around it stays.
    assert en.is_stored([[-1.0], [0.0], [1.0]], 4.0).tolist() == [True, False, True]


@pytest.mark.parametrize("share", [0.0, 0.5, -1.0, float("nan"), "a quarter"])
def test_is_stored_refuses(share: Any) -> None:
    with pytest.raises(ValueError, match=r"share is .*expected a number between 0 and 0.5"):
        en.is_stored([[0.0], [1.0]], share=share)
    with pytest.raises(ValueError, match=r"beta is -1\.0"):
        en.is_stored([[0.0], [1.0]], -1.0)


# --- thresholds -------------------------------------------------------------------------------------------


def test_separation_threshold(golden: dict) -> None:
    for row in golden["convexity"]["simplex_threshold"]:
        assert thresholds.separation_threshold(row["d"]) == pytest.approx(row["delta_c"], rel=1e-12)
    assert thresholds.separation_threshold(1e9) == thresholds.separation_threshold(10**9)
    # δ_c² = log d + log log d + 1 + o(1), also beyond float64.
    for d in (10**30, 10**300, 10**1000):
        log_d = math.log(d)
        assert thresholds.separation_threshold(d) ** 2 == pytest.approx(log_d + math.log(log_d) + 1, abs=0.2)
    values = [thresholds.separation_threshold(d) for d in range(2, 60)]
    assert all(a < b for a, b in pairwise(values))


@pytest.mark.parametrize("d", [2, 3, 5, 20])
def test_the_threshold_is_where_storage_begins(d: int) -> None:
    critical = thresholds.separation_threshold(d)
    for side, kept in ((0.98 * critical, False), (1.05 * critical, True)):
        patterns = side / math.sqrt(2) * np.eye(d)
        end = en.retrieve(patterns[0], patterns).points[-1]
        alone = np.linalg.norm(end - patterns[0]) < np.linalg.norm(end - patterns[1]) - 1e-3
        assert alone == kept


@pytest.mark.parametrize("d", [1, 0, -3, 2.5, True, "3", float("inf"), float("nan"), None])
def test_separation_threshold_refuses(d: Any) -> None:
    with pytest.raises(ValueError, match=r"d is .*expected an integer of at least 2"):
        thresholds.separation_threshold(d)


def test_two_wells(golden: dict) -> None:
    for row in golden["convexity"]["two_patterns_E"]["table"]:
        m = thresholds.two_well_minimum(row["a"])
        assert m == pytest.approx(row["m"], rel=1e-12, abs=1e-15)
        # MCHN at β = 2 has the same rule.
        assert thresholds.two_well_minimum(row["a"], 2.0) == m
    assert thresholds.two_well_minimum(0.5, 4.0) == 0.0
    assert thresholds.two_well_minimum(1e6) == 1e6
    assert thresholds.two_well_minimum(1e200) == 1e200
    assert thresholds.two_well_minimum(1e-200) == 0.0
    for a, beta in ((0.9, None), (0.7072, None), (3.0, 0.2), (0.3, 50.0)):
        m = thresholds.two_well_minimum(a, beta)
        assert m > 0
        assert m == pytest.approx(a * math.tanh((2 if beta is None else beta) * a * m), rel=1e-12)
        points = stationary_points([[-a], [a]], beta)
        assert points[-1].x[0] == pytest.approx(m, rel=1e-9)
    # Just above the pitchfork m ≈ a √(3 (k - 1)) with k = 2 a².
    a = math.sqrt(0.5) * (1 + 1e-10)
    assert thresholds.two_well_minimum(a) == pytest.approx(a * math.sqrt(3 * 2e-10), rel=1e-5)


@pytest.mark.parametrize(
    ("a", "beta", "name"), [(0, None, "a"), (-1.0, None, "a"), (math.nan, None, "a"), (1.0, 0, "beta")]
)
def test_two_wells_refuse(a: float, beta: Any, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is .*expected a positive finite number"):
        thresholds.two_well_minimum(a, beta)


@pytest.mark.filterwarnings("error")
def test_patterns_whose_squares_vanish() -> None:
    for patterns in ([[0.0], [1e-200]], [[0.0, 0.0], [1e-200, 0.0], [0.0, 1e-200]]):
        assert thresholds.convexity_threshold(patterns) == math.inf
        (point,) = stationary.stationary_points(patterns)
        assert point.kind == "minimum"
    assert thresholds.convexity_threshold([[0.0], [1e-150]]) == pytest.approx(4e300, rel=1e-12)


def test_convexity_threshold(golden: dict, figure_1: dict) -> None:
    convexity = golden["convexity"]
    want = convexity["MCHN_D1"]["convex_iff_beta_le"]
    assert thresholds.convexity_threshold(figure_1["D1"]) == pytest.approx(want, rel=1e-12)
    want = convexity["MCHN_D2"]["convex_iff_beta_le"]
    assert thresholds.convexity_threshold(figure_1["D2"]) == pytest.approx(want, rel=1e-12)
    # Two patterns: Popoviciu's bound is sharp.
    assert thresholds.convexity_threshold([[0.0, 0.0], [3.0, 4.0]]) == pytest.approx(4 / 25, rel=1e-12)
    assert thresholds.convexity_threshold([[1.0, 2.0]] * 3) == math.inf
    # A pattern in the middle of the longest edge lowers the largest variance; beside it, it does not.
    on = thresholds.convexity_threshold([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    line = thresholds.convexity_threshold([[-1.0], [0.0], [1.0]])
    off = thresholds.convexity_threshold([[-1.0, 0.0], [0.0, 0.1], [1.0, 0.0], [0.0, 1.0]])
    assert on <= line
    assert off == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_mchn_is_convex_exactly_up_to_the_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 1 + seed % 2
    patterns = rng.standard_normal((int(rng.integers(2, 10)), n))
    if seed % 3 == 0:
        patterns = np.round(2 * patterns) / 2
    beta = thresholds.convexity_threshold(patterns)
    tilts = np.concatenate([rng.standard_normal((4000, n)) * size for size in np.geomspace(0.01, 1e4, 25)])
    least = np.linalg.eigvalsh(en.mchn_hessian(tilts, patterns, beta))[:, 0].min()
    assert least > -1e-9  # convex at the threshold
    assert least < 0.03  # and only just: some tilt comes close
    moved = thresholds.convexity_threshold(7 * patterns[::-1] + 3)
    assert moved == pytest.approx(beta / 49, rel=1e-9)
    doubled = np.concatenate([patterns, patterns])
    assert thresholds.convexity_threshold(doubled) == pytest.approx(beta, rel=1e-9)


@pytest.mark.parametrize("flat", [1e-3, 1e-8, 1e-12, 0.0])
def test_nearly_flat_sets(flat: float) -> None:
    places = np.array([-1.0, -0.4, 0.1, 0.7, 1.0, 1.0])
    bent = np.stack([places, flat * np.array([0.0, 1.0, 0.8, 0.5, 0.0, 0.0])], axis=1)
    turned = bent @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + 5
    line, plane = thresholds.convexity_threshold(places[:, None]), thresholds.convexity_threshold(turned)
    # However little they are bent, a tilt removes the patterns between for good; on the line it cannot.
    assert plane == pytest.approx(1.0 if flat else line, rel=1e-12)
    assert line > 1.1


def test_convexity_threshold_refuses() -> None:
    with pytest.raises(ValueError, match=r"patterns has shape \(2, 3\), expected \(d, 1\) or \(d, 2\)"):
        thresholds.convexity_threshold(np.zeros((2, 3)))


def test_thresholds_are_found_under_every_name() -> None:
    for name in ("separation_threshold", "two_well_minimum", "convexity_threshold"):
        assert getattr(stationary, name) is getattr(thresholds, name) is getattr(en, name)
    assert en.stationary_points is stationary.stationary_points
    assert en.is_stored is stationary.is_stored
