"""The exponential memory: its logarithm, ties between neighbours, and how many random patterns are fixed."""

from __future__ import annotations

from math import exp, log
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.stats import binom

from beyond_scaling.hopfield import ExponentialMemory


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def test_by_hand() -> None:
    memory = ExponentialMemory([[1, 1], [1, -1]])
    assert memory.energy([1, 1]) == pytest.approx(-log(exp(2) + 1))
    assert memory.energy([0, 0]) == pytest.approx(-log(2))
    share = exp(2) / (exp(2) + 1)
    assert memory.gradient([1, 1]).tolist() == pytest.approx([-1, 1 - 2 * share])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_fifty_digits_and_no_overflow(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    patterns = signs(rng, 12, 1500).astype(dtype)
    x = patterns[:3] * rng.choice([1, -1], (3, 1500), p=[0.9, 0.1])
    memory = ExponentialMemory(patterns)
    with mpmath.workdps(50):
        exact = [-mpmath.log(sum(mpmath.exp(int(s)) for s in row)) for row in (x @ patterns.T)]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(memory.energy(x), np.array(exact, float), rtol=4 * np.finfo(dtype).eps)
        assert (memory.update(x) == patterns[:3]).all()
        erased = np.where(np.arange(1500) < 750, 0, patterns)
        assert (memory.update(erased) == patterns).all()


@pytest.mark.parametrize("n", [2, 5, 20, 300])
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_neighbours_tie_where_they_differ(n: int, mode: Any) -> None:
    """In the entry that differs, F(s) - F(s - 2) of one is F(s + 2) - F(s) of the other: both patterns are kept."""
    for i in (0, n // 2, n - 1):
        pattern = signs(np.random.default_rng(n), n)
        other = pattern * np.where(np.arange(n) == i, -1, 1)
        memory = ExponentialMemory([pattern, other], mode=mode)
        for state in (pattern, other):
            assert (memory.update(state) == state).all()
        assert memory.energy(pattern) == memory.energy(other)
        # An unknown entry there stays unknown; a third pattern that shares it decides, on the side it is on.
        erased = np.where(np.arange(n) == i, 0, pattern)
        assert (memory.update(erased) == erased).all()
        third = np.where(np.arange(n) < 1, -pattern, pattern)
        if i > 0:
            assert (ExponentialMemory([pattern, other, third], mode=mode).update(other) == pattern).all()


def test_at_distance_two_both_are_fixed() -> None:
    pattern = signs(np.random.default_rng(1), 12)
    other = pattern * np.where(np.arange(12) < 2, -1, 1)
    memory = ExponentialMemory([pattern, other])
    assert (memory.update([pattern, other]) == [pattern, other]).all()


@pytest.mark.parametrize(("n", "load"), [(20, 0.25), (24, 0.25), (28, 0.25)])
def test_exponentially_many_patterns_are_fixed(n: int, load: float) -> None:
    """d = exp(αn) + 1 with α < log(2)/2: all of them (Demircigil et al. 2017, Theorem 3)."""
    assert load < log(2) / 2
    patterns = signs(np.random.default_rng(n), int(exp(load * n)) + 1, n)
    assert (ExponentialMemory(patterns, mode="synchronous").update(patterns) == patterns).all()


def test_above_that_load_neighbours_appear() -> None:
    """Why log(2)/2: d² n / 2^n patterns have a neighbour at distance 1, and any other pattern then decides their tie.

    In half of the cases it decides against the pattern.
    """
    n, load = 20, 0.4
    assert load > log(2) / 2
    d = int(exp(load * n)) + 1
    patterns = signs(np.random.default_rng(2), d, n)
    lost = int((ExponentialMemory(patterns, mode="synchronous").update(patterns) != patterns).any(axis=1).sum())
    low, high = binom(d, d * n / 2**n / 2).interval(0.999)
    assert low <= lost <= high
    assert lost > 50


@pytest.mark.parametrize(("n", "wrong", "load"), [(40, 0.1, 0.15), (50, 0.1, 0.13), (60, 0.2, 0.08)])
def test_wrong_entries_are_repaired_in_one_step(n: int, wrong: float, load: float) -> None:
    """α < I(1 - 2ρ)/2, ρ the share of wrong entries, I(a) = ½(1 + a) log(1 + a) + ½(1 - a) log(1 - a)."""
    a = 1 - 2 * wrong
    assert load < ((1 + a) * log(1 + a) + (1 - a) * log(1 - a)) / 4
    rng = np.random.default_rng(n)
    patterns = signs(rng, int(exp(load * n)) + 1, n)
    noisy = patterns.copy()
    for row in noisy:
        row[rng.choice(n, round(wrong * n), replace=False)] *= -1
    assert (ExponentialMemory(patterns, mode="synchronous").update(noisy) == patterns).all()
