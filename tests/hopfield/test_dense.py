"""The dense memory: degree 2 is Hebb's, errors of one step are those of Gaussian noise, nothing overflows."""

from __future__ import annotations

from math import erfc, prod, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from beyond_scaling.hopfield import ClassicalHopfield, DenseMemory

seeds = st.integers(0, 2**32 - 1)


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def test_by_hand() -> None:
    memory = DenseMemory([[1, 1, 1], [1, -1, 1]], degree=3)
    assert memory.energy([1, 1, 1]) == pytest.approx(-3 * (1 + 1 / 27))
    assert memory.energy([-1, -1, -1]) == pytest.approx(3 * (1 + 1 / 27))
    assert memory.gradient([1, 1, 1]).tolist() == pytest.approx([-3 - 1 / 3, -3 + 1 / 3, -3 - 1 / 3])
    rectified = DenseMemory([[1, 1, 1], [1, -1, 1]], degree=3, rectified=True)
    assert rectified.energy([-1, -1, -1]) == 0
    assert rectified.gradient([-1, -1, -1]).tolist() == [0, 0, 0]
    assert rectified.energy([-1, 1, -1]) == pytest.approx(-0.0)
    assert rectified.energy([1, -1, 1]) == pytest.approx(-3 * (1 + 1 / 27))


@given(seed=seeds, unknown=st.booleans(), mode=st.sampled_from(["asynchronous", "synchronous"]))
def test_degree_2_is_hebbs_network(seed: int, unknown: bool, mode: Any) -> None:
    """E = 2 E_Hebb - d, the diagonal being a constant, and so the same updates."""
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, 9)), int(rng.integers(1, 40))
    patterns, x = signs(rng, d, n), rng.choice([-1.0, 0.0, 1.0] if unknown else [-1.0, 1.0], (4, n))
    dense, hebb = DenseMemory(patterns, 2, mode=mode), ClassicalHopfield(patterns, mode=mode)
    assert (dense.update(x) == hebb.update(x)).all()
    full = signs(rng, 4, n)
    np.testing.assert_allclose(dense.energy(full), 2 * hebb.energy(full) - d, rtol=0, atol=1e-11)


def test_rectified_and_not_agree_where_overlaps_are_positive() -> None:
    rng = np.random.default_rng(0)
    x = signs(rng, 30)
    patterns = x * rng.choice([1.0, -1.0], (4, 30), p=[0.8, 0.2])
    assert (patterns @ x > 2).all()
    plain, rectified = DenseMemory(patterns, 5), DenseMemory(patterns, 5.0, rectified=True)
    assert plain.energy(x) == rectified.energy(x)
    assert (plain.gradient(x) == rectified.gradient(x)).all()


def test_an_odd_degree_tells_a_pattern_from_its_negative() -> None:
    patterns = signs(np.random.default_rng(1), 3, 50)
    for degree, kept in ((2, True), (3, False), (4, True)):
        settled = DenseMemory(patterns, degree).retrieve(-patterns).state
        assert (settled == -patterns).all() == kept


def test_filling_in_an_entry_may_raise_the_energy_of_an_odd_degree() -> None:
    """Five patterns with overlap -4; three want 1 in the last place, two -1. Every choice is above leaving it open."""
    patterns = np.ones((5, 5))
    patterns[3:, 4] = -1
    x = np.array([-1.0, -1.0, -1.0, -1.0, 0.0])
    known = np.arange(5) < 4
    odd, rectified, even = DenseMemory(patterns, 3), DenseMemory(patterns, 3, rectified=True), DenseMemory(patterns, 4)
    assert odd.update(x, known)[4] == 1
    up, open_, down = (odd.energy(np.where(known, x, value)) for value in (1.0, 0.0, -1.0))
    assert open_ < up < down
    for convex in (rectified, even):
        assert convex.energy(convex.update(x, known)) <= convex.energy(x)


# --- errors of one step ---------------------------------------------------------------------------------------------


def noise(n: int, degree: int) -> float:
    """The variance that one other random pattern adds to the drive of an entry: E[(F(s + 1) - F(s - 1))²], F = z^r,
    s the sum of n - 1 random signs."""
    ups = np.arange(n)
    s = 2.0 * ups - (n - 1)
    return float((binom.pmf(ups, n - 1, 0.5) * ((s + 1) ** degree - (s - 1) ** degree) ** 2).sum())


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_the_noise_of_one_pattern(degree: int) -> None:
    """It goes to 4 r² (2r - 3)!! n^(r-1), which is Krotov & Hopfield's."""
    limit = 4 * degree**2 * prod(range(2 * degree - 3, 0, -2))
    ratios = [noise(n, degree) / (limit * n ** (degree - 1)) for n in (250, 1000)]
    assert abs(ratios[1] - 1) < 0.02
    assert abs(ratios[1] - 1) <= abs(ratios[0] - 1) / 3


@pytest.mark.parametrize(("n", "d", "degree"), [(100, 1000, 3), (60, 600, 3), (60, 2000, 4)])
def test_errors_of_one_step(n: int, d: int, degree: int) -> None:
    """The share of entries that leave a stored pattern at once, against ½ erfc(signal / noise / √2)."""
    rng, runs = np.random.default_rng(0), 8
    wrong = np.empty(runs)
    for run in range(runs):  # errors at one entry come together, so that only runs are independent
        patterns = signs(rng, d, n)
        wrong[run] = (DenseMemory(patterns, degree, mode="synchronous").update(patterns) != patterns).mean()
    deviation = wrong.std(ddof=1) / sqrt(runs)
    signal = float(n) ** degree - float(n - 2) ** degree
    expected = erfc(signal / sqrt(2 * (d - 1) * noise(n, degree))) / 2
    assert deviation < 0.04 * expected
    assert wrong.mean() == pytest.approx(expected, abs=3 * deviation)
    krotov_hopfield = erfc(sqrt(n ** (degree - 1) / (2 * d * prod(range(2 * degree - 3, 0, -2))))) / 2
    assert krotov_hopfield == pytest.approx(expected, rel=0.1)  # signal and noise to leading order in n


def test_a_higher_degree_holds_more() -> None:
    patterns = signs(np.random.default_rng(2), 200, 64)
    wrong = [(DenseMemory(patterns, r).retrieve(patterns).state != patterns).any(axis=1).mean() for r in (2, 3, 5)]
    assert wrong[0] == 1
    assert wrong[2] == 0
    assert wrong[0] > wrong[1] > wrong[2]


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("degree", "rectified"), [(33, False), (400, False), (400, True), (1001, True), (77.7, True)])
def test_a_large_degree_does_not_overflow(dtype: Any, degree: float, rectified: bool) -> None:
    patterns = signs(np.random.default_rng(3), 20, 200).astype(dtype)
    memory = DenseMemory(patterns, degree, rectified)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(memory.energy(patterns)).all()
        assert np.isfinite(memory.gradient(patterns)).all()
        noisy = patterns * np.where(np.arange(200) % 5 == 0, -1, 1).astype(dtype)
        assert (memory.update(noisy) == patterns).all()
        half = patterns * np.where(np.arange(200) % 2 == 0, 0, 1).astype(dtype)
        assert (memory.update(half) == patterns).all()


def test_the_gradient_at_a_fractional_degree() -> None:
    rng = np.random.default_rng(4)
    memory = DenseMemory(torch.tensor(signs(rng, 5, 12)), 1.5, rectified=True)
    x = torch.tensor(rng.normal(size=(3, 12)), requires_grad=True)
    (slope,) = torch.autograd.grad(memory.energy(x).sum(), x)
    np.testing.assert_allclose(memory.gradient(x).detach(), slope, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("degree", "rectified", "message"),
    [
        (0, False, "degree is 0, expected a whole number from 1 on"),
        (2.5, False, "degree is 2.5, expected a whole number from 1 on"),
        (True, False, "degree is True, expected a whole number from 1 on"),
        ("3", False, "degree is '3', expected a whole number from 1 on"),
        (0.5, True, "degree is 0.5, expected a number from 1 on"),
        (float("inf"), True, "degree is inf, expected a number from 1 on"),
        (float("nan"), True, "degree is nan, expected a number from 1 on"),
    ],
)
def test_refusals(degree: Any, rectified: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DenseMemory([[1, -1]], degree, rectified)
