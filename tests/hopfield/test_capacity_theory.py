"""Curves of theory: against published constants, against limits, and against sums done another way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.special import erfinv

from beyond_scaling.hopfield.capacity import theory


def test_the_replica_curve_has_the_published_end() -> None:
    load, overlap = theory.hebb_critical()
    assert load == pytest.approx(0.138, abs=5e-4)
    assert overlap == pytest.approx(0.967, abs=5e-4)
    loads = np.linspace(0, load, 50)
    m = theory.hebb_overlap(loads)
    assert (np.diff(m) <= 0).all()
    assert m[-1] == pytest.approx(overlap, abs=1e-3)
    for alpha, value in zip(loads[20:-1].tolist(), m[20:-1].tolist(), strict=True):
        y = float(erfinv(value))
        assert value == pytest.approx(y * (math.sqrt(2 * alpha) + 2 / math.sqrt(math.pi) * math.exp(-(y**2))), rel=1e-4)
    assert theory.hebb_overlap([0.0, 0.15]).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="load is -1"):
        theory.hebb_overlap(-1)


def test_counts_without_error_meet_their_leading_order_slowly() -> None:
    for every in (False, True):
        ratios = [
            theory.hebb_fixed(n, all_patterns=every) / float(theory.hebb_without_error(n, all_patterns=every))
            for n in (10**2, 10**4, 10**8)
        ]
        assert ratios[0] > ratios[1] > ratios[2] > 1, "logarithms: at n = 100 the leading order is far off"
        assert ratios[2] < 1.25


@pytest.mark.parametrize("degree", [2, 3, 4])
@pytest.mark.parametrize("rectified", [False, True])
def test_crosstalk_is_the_variance_over_all_patterns(degree: int, rectified: bool) -> None:
    n = 8
    separation = theory.power(degree, rectified=rectified)
    state = np.ones(n)
    others = np.array(list(itertools.product((-1, 1), repeat=n)), dtype=float)
    rest = others[:, 1:] @ state[1:]
    drives = separation(rest + others[:, 0]) - separation(rest - others[:, 0])
    signal = float((separation(np.array([n])) - separation(np.array([n - 2])))[0])
    assert drives.mean() == pytest.approx(0, abs=1e-9)
    assert theory.crosstalk(separation, n) == pytest.approx(drives.var() / signal**2)
    assert theory.crosstalk(theory.power(degree, rectified=True), n) == pytest.approx(
        theory.crosstalk(theory.power(degree), n) / 2
    ), "rectified powers store twice as many"


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_one_step_tends_to_krotov_and_hopfields_law(degree: int) -> None:
    def scaled(n: int) -> float:
        return theory.crosstalk(theory.power(degree), n) * n ** (degree - 1) / theory.double_factorial(degree)

    assert abs(scaled(1000) - 1) < abs(scaled(100) - 1) < 0.1
    assert scaled(1000) == pytest.approx(1, abs=0.01)
    n, d = 1000, 0.1 * 1000 ** (degree - 1)
    argument = math.sqrt(n ** (degree - 1) / (theory.double_factorial(degree) * d))
    expected = 0.5 * math.erfc(argument / math.sqrt(2))
    assert float(theory.one_step_error(theory.power(degree), n, d)) == pytest.approx(expected, rel=0.1)
    capacity = theory.one_step_capacity(theory.power(degree), 50, 0.01)
    assert float(theory.one_step_error(theory.power(degree), 50, capacity)) == pytest.approx(0.01)


def test_heavy_tails_make_more_errors_than_a_gaussian() -> None:
    n, d, draws = 16, 42, 40_000
    separation, rng = theory.power(4), np.random.default_rng(2)
    sums = 2.0 * rng.binomial(n - 1, 0.5, (draws, d - 1)) - (n - 1)
    noise = (rng.choice((-1.0, 1.0), sums.shape) * (separation(sums + 1) - separation(sums - 1))).sum(axis=1)
    share = float((noise > float(separation(np.array(n)) - separation(np.array(n - 2)))).mean())
    gaussian = 0.5 * math.erfc(1 / math.sqrt(2 * theory.crosstalk(separation, n) * (d - 1)))
    told = float(theory.one_step_error(separation, n, d))
    assert told == pytest.approx(share, abs=4 * math.sqrt(share / draws) + 5e-4)
    assert share > 1.3 * gaussian


def test_the_transition_of_a_dense_memory_is_a_tangent() -> None:
    for degree in (3, 4, 5):
        load, m = theory.dense_critical(degree)
        assert math.erf(m ** (degree - 1) / math.sqrt(2 * load)) == pytest.approx(m)
        grid = np.linspace(0.5, 0.999, 500)
        beyond = np.array([math.erf(x ** (degree - 1) / math.sqrt(2.02 * load)) for x in grid])
        assert (beyond < grid).all(), "no fixed point above the critical load"
        assert theory.dense_critical(degree, 0.2)[0] < load
    with pytest.raises(ValueError, match="degree is 2"):
        theory.dense_critical(2)


def test_the_rates_of_the_exponential_memory() -> None:
    assert theory.exponential_rate(all_patterns=True) == pytest.approx(math.log(2) / 2)
    assert theory.exponential_rate() == pytest.approx(math.log(2 / (1 + math.exp(-4))))
    assert math.exp(theory.exponential_rate()) == pytest.approx(1.964, abs=1e-3)
    assert theory.exponential_rate(0.1, all_patterns=True) == pytest.approx(theory.exponential_rate(0.1) / 2)
    edge = (1 - math.tanh(2)) / 2
    assert theory.exponential_rate(edge - 1e-9) == pytest.approx(theory.exponential_rate(edge + 1e-9), abs=1e-7)
    # the second moment, and what it says of the bound: noise alone, without the neighbours at distance 1
    n = 400
    second = theory.crosstalk(lambda s: np.exp(s - n), n)
    assert -math.log(second) / n == pytest.approx(theory.exponential_rate(), abs=0.02)
    rates = [math.log(theory.exponential_fixed(n)) / n for n in (8, 16, 100, 1000)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(theory.exponential_rate(), abs=0.005)


def test_nearest_competitors_by_drawing() -> None:
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, (20_000, 12)).sum(axis=1)
    share = float((signs <= 2).mean())
    assert theory.competitor_capacity(12, 2) == pytest.approx(1 + math.log(2) / share, rel=0.1)
    drawn = rng.standard_normal((20_000, 6))
    cosine = drawn[:, 0] / np.linalg.norm(drawn, axis=1)
    share = float((cosine >= 0.6).mean())
    assert theory.sphere_competitor_capacity(6, 0.6) == pytest.approx(1 + math.log(2) / share, rel=0.1)


def test_the_birthday_of_two_neighbours() -> None:
    rng, n = np.random.default_rng(1), 12
    d = round(float(theory.birthday_capacity(n)))
    hits = 0
    for _ in range(300):
        drawn = rng.integers(0, 2, (d, n))
        apart = (drawn[:, None, :] != drawn[None, :, :]).sum(axis=2)
        hits += bool((apart == 1).any())
    assert hits / 300 == pytest.approx(0.5, abs=0.1)


def test_modern_rates_are_the_largest_exponent() -> None:
    for sharpness, overlap in ((1.0, 1.0), (1.0, 0.8), (2.0, 0.5), (0.5, 0.9)):
        rate = theory.modern_rate(sharpness, overlap)
        u = np.linspace(0, 1 - 1e-9, 200_001)
        entropy = rate + np.log1p(-(u**2)) / 2
        largest = float((entropy + sharpness * u)[entropy >= 0].max())
        assert largest == pytest.approx(sharpness * overlap, abs=1e-4), "others weigh as much as the pattern"
    typical = theory.modern_overlap(1.0)
    assert typical / (1 - typical**2) == pytest.approx(1.0)


def test_finite_sizes_tend_to_the_rates() -> None:
    for overlap in (1.0, 0.8):
        steps = [
            math.log(theory.modern_capacity(n + 20, 1.0, overlap) / theory.modern_capacity(n, 1.0, overlap)) / 20
            for n in (20, 200)
        ]
        assert steps[1] == pytest.approx(theory.modern_rate(1.0, overlap), abs=5e-3)
    for beta in (0.5, 1.0):
        low, high = (theory.gaussian_capacity(n, beta, distance=True) for n in (200, 220))
        assert math.log(high / low) / 20 == pytest.approx(theory.gaussian_rate(beta, distance=True), abs=1e-2)
    assert theory.gaussian_rate(1.0, distance=False) == theory.gaussian_rate(9.0, distance=False) == 0.5
    assert theory.gaussian_rate(9.0, distance=True) > 1.5, "no such ceiling for the distance energy"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.hebb_without_error(1, all_patterns=True), "n is 1"),
        (lambda: theory.power(1), "degree is 1"),
        (lambda: theory.crosstalk(theory.power(2), 4, 5), "flipped is 5, expected an integer from 0 to 3"),
        (lambda: theory.one_step_capacity(theory.power(2), 4, 0.5), "error is 0.5"),
        (lambda: theory.exponential_rate(0.5), "flipped is 0.5"),
        (lambda: theory.sign_rate(2.0), "overlap is 2.0"),
        (lambda: theory.modern_rate(0.0), "sharpness is 0.0"),
        (lambda: theory.gaussian_rate(-1.0, distance=True), "beta is -1.0"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
