"""Propositions 1-3 and Lemmas 2-4: the reference numbers, and the bands under hypothesis."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beyond_scaling import bounds, energy

FORMS = ("printed", "corrected")


def near(actual: Any, expected: float, scale: float = 1.0) -> None:
    assert float(actual) == pytest.approx(expected, rel=1e-12, abs=1e-12 * scale)


# --- reference numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["D1", "D2"])
def test_propositions_at_the_reference_points(golden: dict, name: str) -> None:
    data = golden["energies"][name]
    patterns, spread, log_d = np.array(data["patterns"]), data["R"], data["log_d"]
    for point in data["points"]:
        x = np.array(point["x"])
        for form in FORMS:
            band = bounds.proposition_1(x, patterns, form)
            near(band.value, point["E"], point["g"])
            near(band.lower, point["g"] - log_d)
            near(band.upper, point["g"])
            assert float(band.upper_slack) == pytest.approx(point["prop1_upper_slack"], rel=1e-12)
            assert float(band.lower_slack) == pytest.approx(point["prop1_lower_slack"], rel=1e-12)
            assert band.holds()

        printed, corrected = (bounds.proposition_2(x, patterns, form) for form in FORMS)
        near(printed.value, point["prop2_signed_gap"])
        near(printed.slack, point["prop2_slack"])
        near(printed.lower, -spread)
        near(printed.upper, point["prop2_bound"])
        near(corrected.lower, 0.0)
        near(corrected.upper, spread)
        assert printed.holds()
        assert corrected.holds()

        printed, corrected = (bounds.proposition_3(x, patterns, form) for form in FORMS)
        near(printed.value, point["prop3_value"])
        near(printed.lower, point["prop3_printed_lower"])
        near(printed.upper, point["prop3_printed_upper"])
        near(corrected.lower, point["prop3_correct_lower"])
        near(corrected.upper, point["prop3_correct_upper"])
        assert corrected.holds()
        # At x = 0 the value is exactly -R: there the answer is a matter of rounding.
        if abs(point["prop3_value"] + spread) > 1e-9:
            assert bool(printed.holds()) == point["prop3_printed_holds"]


def test_proposition_3_fails_as_printed(golden: dict, figure_1: dict) -> None:
    band = bounds.proposition_3([0.2, -0.3], figure_1["D2"])
    assert not band.holds()
    point = next(p for p in golden["energies"]["D2"]["points"] if p["x"] == [0.2, -0.3])
    near(band.slack, point["prop3_value"] - point["prop3_printed_lower"])
    assert round(float(band.slack), 3) == -0.386
    case = golden["prop3_counterexample"]
    band = bounds.proposition_3(case["x"], case["patterns"])
    near(band.value, case["value"])
    near(band.lower, case["printed_lower"])
    assert bool(band.holds()) == case["printed_holds"]
    assert bounds.proposition_3(case["x"], case["patterns"], "corrected").holds()


def test_proposition_2_along_the_ray_to_its_supremum(golden: dict, figure_1: dict) -> None:
    direction, rows = golden["prop2_sup"]["D2"]["along_ray_x_eq_s_times"]
    for row in rows:
        near(bounds.proposition_2(row["s"] * np.array(direction), figure_1["D2"]).value, row["gap"])
    best = golden["prop2_sup"]["D1"]
    near(bounds.proposition_2([best["argmax"]], figure_1["D1"]).value, best["sup_gap"])


def test_touching_balls_lose_log_2(golden: dict) -> None:
    for r in (0.1, 1.0, 50.0):
        band = bounds.proposition_1([r], [[0.0], [2 * r]])
        near(band.upper_slack, golden["prop1_in_balls_D2"]["touching_balls_n1"]["value"])


def test_lemmas_at_the_reference_vectors(golden: dict) -> None:
    for case in golden["lemma2_3"]:
        band = bounds.lemma_2(case["x"])
        near(band.value, case["LSE"])
        near(band.lower, case["max"])
        near(band.upper, case["max"] + case["log_n"])
        assert float(band.lower_slack) == pytest.approx(case["gap"], rel=1e-12)
        assert bool(band.lower_slack > 0) == case["strict_lower_holds"]
        assert bool(band.upper_slack == 0) == case["upper_equality"]
        assert band.holds(0.0)
        band = bounds.lemma_3(case["x"])
        near(band.value, case["neg"])
        near(band.upper, case["min"])
        near(band.lower, case["min"] - case["log_n"])
        assert band.holds(0.0)
    case = golden["lemma4"]
    band = bounds.lemma_4(case["x"], case["y"])
    near(abs(band.value), case["lhs"])
    near(band.upper, case["rhs"])
    near(band.lower, -case["rhs"])
    equal = bounds.lemma_4(case["equality_case"]["x"], case["equality_case"]["y"])
    near(equal.slack, 0.0)
    assert equal.holds()


# --- the bands hold, whatever the patterns ----------------------------------------------------------------

number = st.floats(-30, 30, allow_subnormal=False)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Points and patterns with, now and then, duplicates, one pattern only, or a large offset."""
    d, n = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    patterns = draw(arrays(float, (d, n), elements=number))
    if draw(st.booleans()):
        patterns = np.concatenate([patterns, patterns[: draw(st.integers(1, d))]])
    x = draw(st.one_of(arrays(float, n, elements=number), st.just(patterns[0]), st.just(patterns.mean(axis=0))))
    offset = draw(st.sampled_from([0.0, 0.0, 1e3, 1e6]))
    return x + offset, patterns + offset


@given(cases())
def test_the_true_bands_hold(case: tuple) -> None:
    x, patterns = case
    for band in (
        bounds.proposition_1(x, patterns),
        bounds.proposition_2(x, patterns, "printed"),
        bounds.proposition_2(x, patterns, "corrected"),
        bounds.proposition_3(x, patterns, "corrected"),
    ):
        assert band.holds()
        assert np.isfinite(band.slack)
        scale = 1 + abs(float(band.lower)) + abs(float(band.upper))
        near(band.value - band.lower, float(band.lower_slack), scale)
        near(band.upper - band.value, float(band.upper_slack), scale)


@given(cases())
def test_the_values_are_what_they_say(case: tuple) -> None:
    x, patterns = case
    d = len(patterns)
    value, attention = energy.energy(x, patterns), energy.mchn_energy(x, patterns, 2)
    nearest = energy.nearest_distance(x, patterns)
    scale = 1 + abs(float(attention)) + float((patterns**2).sum(axis=1).max())
    near(bounds.proposition_1(x, patterns).value, float(value), scale)
    near(bounds.proposition_2(x, patterns).value, float(2 * attention - np.log(d) - value), scale)
    near(bounds.proposition_3(x, patterns).value, float(nearest - 2 * attention), scale)
    squares = (patterns**2).sum(axis=1)
    near(bounds.proposition_2(x, patterns).upper, float(np.ptp(squares)), scale)


@given(cases(), st.randoms(use_true_random=False))
def test_order_and_duplicates(case: tuple, random: Any) -> None:
    x, patterns = case
    order = list(range(len(patterns)))
    random.shuffle(order)
    doubled = np.concatenate([patterns, patterns])
    scale = 1 + float((patterns**2).sum(axis=1).max()) + float((x**2).sum())
    for call in (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3):
        near(call(x, patterns[order]).value, float(call(x, patterns).value), scale)
    near(bounds.proposition_2(x, doubled).value, float(bounds.proposition_2(x, patterns).value), scale)
    # Twice the patterns: log d grows, and the room it leaves below E with it is used up above.
    one, two = bounds.proposition_1(x, patterns), bounds.proposition_1(x, doubled)
    near(two.lower_slack, float(one.lower_slack), scale)
    near(two.upper_slack, float(one.upper_slack) + np.log(2), scale)


@given(cases(), st.integers(-500, 500))
def test_proposition_1_moves_with_the_patterns(case: tuple, move: int) -> None:
    x, patterns = (np.round(part * 256) / 256 for part in case)
    here, there = bounds.proposition_1(x, patterns), bounds.proposition_1(x + move, patterns + move)
    near(there.value, float(here.value), 1 + float(here.upper))
    near(there.slack, float(here.slack), 1 + float(here.upper))


@given(arrays(float, 3, elements=number))
def test_one_pattern_leaves_no_room(x: np.ndarray) -> None:
    pattern = np.array([[1.0, -2.0, 0.5]])
    band = bounds.proposition_1(x, pattern)
    assert band.lower == band.value == band.upper
    assert band.slack == 0
    for form in FORMS:
        two, three = bounds.proposition_2(x, pattern, form), bounds.proposition_3(x, pattern, form)
        assert two.value == two.lower == two.upper == 0
        assert three.value == three.lower == three.upper == 0


@given(st.integers(2, 40), st.floats(0.01, 5), st.floats(-3, 3))
def test_equidistant_points_sit_on_the_lower_bound(d: int, radius: float, height: float) -> None:
    # d patterns on a sphere around the axis on which x lies: all at one distance, all of one norm.
    patterns = np.concatenate([radius * np.eye(d), np.zeros((d, 1))], axis=1)
    x = np.concatenate([np.full(d, 0.3), [height]])
    band = bounds.proposition_1(x, patterns)
    near(band.lower_slack, 0.0)
    near(band.upper_slack, np.log(d))
    near(energy.effective_neighbours(x, patterns), d)
    delta = bounds.proposition_2(x, patterns, "corrected")
    near(delta.value, 0.0)
    near(delta.upper, 0.0)
    assert delta.holds()
    near(bounds.proposition_3(x, patterns, "corrected").value, 0.0)


@given(arrays(float, st.integers(1, 8), elements=st.floats(-1e8, 1e8, allow_subnormal=False)))
def test_lemmas_2_and_3(y: np.ndarray) -> None:
    for band in (bounds.lemma_2(y), bounds.lemma_3(y)):
        assert band.holds()
        assert band.lower_slack >= 0
        assert band.upper_slack >= 0
    near(bounds.lemma_3(y).value, -float(bounds.lemma_2(-y).value), np.abs(y).max())
    shifted = bounds.lemma_2(y + 0.5)
    near(shifted.value, float(bounds.lemma_2(y).value) + 0.5, 1 + np.abs(y).max())


@given(arrays(float, (2, 5), elements=st.floats(-1e3, 1e3, allow_subnormal=False)), st.floats(-10, 10))
def test_lemma_4(pair: np.ndarray, shift: float) -> None:
    y, z = pair
    band = bounds.lemma_4(y, z)
    assert band.holds()
    difference = energy.log_sum_exp(y) - energy.log_sum_exp(z)
    near(band.value, float(difference), 1 + np.abs(pair).max())
    near(bounds.lemma_4(z, y).value, -float(band.value), 1 + np.abs(pair).max())
    moved = bounds.lemma_4(y + shift, y)
    near(moved.value, shift, 1 + np.abs(pair).max())
    near(abs(moved.value), float(moved.upper), 1 + np.abs(pair).max())


# --- digits where subtraction loses them ------------------------------------------------------------------


def test_slack_keeps_its_digits() -> None:
    patterns = np.array([[0.0], [10.0]])
    band = bounds.proposition_1([0.0], patterns)
    assert float(band.upper_slack) == pytest.approx(float(mpmath.exp(-100)), rel=1e-12)
    # At the pattern of largest norm Δ is what the others' weights leave: exp(-100) (1 - exp(-100)).
    band = bounds.proposition_2([10.0], patterns, "corrected")
    assert float(band.value) == pytest.approx(float(mpmath.exp(-100)), rel=1e-12)
    assert float(band.lower_slack) == float(band.value)
    band = bounds.proposition_2([0.0], patterns, "corrected")
    assert float(band.upper_slack) == pytest.approx(math.log(2), rel=1e-12)
    near_equal = np.array([[1.0, 0.0], [0.0, 1.0 + 1e-14]])
    with mpmath.workdps(50):
        r = mpmath.mpf(1.0 + 1e-14) ** 2 - 1
        share = 1 / (1 + mpmath.exp(r))  # of the pattern of larger norm, at the origin
        want = float(-mpmath.log(share + (1 - share) * mpmath.exp(-r)))
    band = bounds.proposition_2([0.0, 0.0], near_equal, "corrected")
    assert float(band.value) == pytest.approx(want, rel=1e-12)
    close = bounds.lemma_4([1e3, 2e3 + 1e-9], [1e3, 2e3])
    assert float(close.value) == pytest.approx(2e3 + 1e-9 - 2e3, rel=1e-12)


@pytest.mark.parametrize("size", [1.0, 1e4, 1e8])
def test_far_points_and_wide_patterns(size: float) -> None:
    patterns = np.array([[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]])
    for x, stored in ((size * np.array([1.0, -2.0]), patterns), (np.array([0.1, 0.2]), size * patterns)):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            for call in (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3):
                band = call(x, stored, "corrected")
                assert band.holds()
                assert np.isfinite([band.value, band.lower, band.upper, band.slack]).all()
    # Δ cannot underflow to infinity, however large R.
    wide = bounds.proposition_2(size * np.array([0.58, -1.0]), size * patterns)
    assert 0 <= wide.value <= wide.upper


# --- the band itself, torch, refusals ---------------------------------------------------------------------


def test_torch_bands_carry_gradients(figure_1: dict) -> None:
    x = torch.tensor([[0.3, 0.1], [2.0, -1.0]], dtype=torch.float64, requires_grad=True)
    patterns = torch.tensor(figure_1["D2"])
    for call in (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3):
        band = call(x, patterns)
        same = call(x.detach().numpy(), figure_1["D2"])
        for ours, theirs in ((band.value, same.value), (band.slack, same.slack)):
            np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-12)
        assert band.holds().shape == (2,)
        assert torch.autograd.gradcheck(lambda q, call=call: call(q, patterns).value, (x,))
        assert torch.autograd.gradcheck(lambda q, call=call: call(q, patterns, "corrected").lower_slack, (x,))


def test_a_band_is_elementwise() -> None:
    band = bounds.Band(np.array([0.0, 0.0, 0.0]), np.array([0.5, -0.1, 1.0]), np.array([1.0, 1.0, 1.0]))
    assert band.holds().tolist() == [True, False, True]
    assert band.holds(0.2).tolist() == [True, True, True]
    np.testing.assert_allclose(band.slack, [0.5, -0.1, 0.0])
    with pytest.raises(AttributeError):
        band.value = 0  # type: ignore[misc]
    for wrong in (-1.0, float("nan"), float("inf"), "0.1"):
        with pytest.raises(ValueError, match="tolerance is"):
            band.holds(wrong)


@pytest.mark.parametrize("patterns", [[[0.0, 0.0]], [[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]]])
def test_no_zero_is_negative(patterns: list[list[float]]) -> None:
    calls = (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3)
    bands = [call(x, patterns, form) for call in calls for form in FORMS for x in ([0.0, 0.0], patterns[0])]
    bands += [bounds.lemma_2([0.0]), bounds.lemma_3([0.0, 1.0]), bounds.lemma_4([1.0, 2.0], [1.0, 2.0])]
    for band in bands:
        for number in (band.lower, band.value, band.upper, band.lower_slack, band.upper_slack):
            assert number != 0 or not np.signbit(number), band
    assert not np.signbit(energy.negative_lse([0.0, 0.0], [[0.0, 0.0]], 2))


def test_bad_input(figure_1: dict) -> None:
    for call in (bounds.proposition_1, bounds.proposition_2, bounds.proposition_3):
        with pytest.raises(ValueError, match="form is 'true', expected 'printed' or 'corrected'"):
            call([0.0, 0.0], figure_1["D2"], "true")
    with pytest.raises(ValueError, match=r"y has shape \(2,\) and z \(3,\), expected shapes that broadcast"):
        bounds.lemma_4([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"z\[1\] is nan"):
        bounds.lemma_4([1.0, 2.0], [1.0, np.nan])
    for lemma in (bounds.lemma_2, bounds.lemma_3):
        with pytest.raises(ValueError, match=r"y has shape \(0,\), expected at least one entry"):
            lemma([])
