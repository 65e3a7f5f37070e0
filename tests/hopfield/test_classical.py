"""The network of 1982: its weights, its fixed points and cycles, and how many patterns it holds."""

from __future__ import annotations

import itertools
from math import erf, exp, log, pi, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from beyond_scaling.hopfield import ClassicalHopfield
from beyond_scaling.hopfield.digits import digits

seeds = st.integers(0, 2**32 - 1)
rules = st.sampled_from(["hebb", "pseudo-inverse"])


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def all_states(n: int) -> np.ndarray:
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


# --- weights ----------------------------------------------------------------------------------------------------


def test_hebb_by_hand() -> None:
    memory = ClassicalHopfield([[1, 1, -1], [1, -1, 1]], bias=[0, 0, 1])
    assert memory.weights.tolist() == [[0, 0, 0], [0, 0, -2 / 3], [0, -2 / 3, 0]]
    assert memory.bias.tolist() == [0, 0, 1]
    assert memory.energy([1, 1, 1]) == pytest.approx(2 / 3 - 1)
    assert memory.gradient([1, 1, 1]).tolist() == pytest.approx([0, 2 / 3, 2 / 3 - 1])
    assert memory.update([1, 1, 0]).tolist() == [1, 1, 1]  # -2/3 + 1 > 0


@given(seed=seeds, rule=rules, order=st.none() | st.integers(0, 9))
def test_energy_and_gradient_are_those_of_the_weights(seed: int, rule: Any, order: Any) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 20))
    patterns, bias, x = signs(rng, int(rng.integers(1, n)), n), rng.normal(size=n), rng.normal(size=(4, n))
    full = patterns.T @ patterns / n if rule == "hebb" else np.linalg.pinv(patterns) @ patterns
    memory = ClassicalHopfield(patterns, rule, bias=bias, order=order)
    np.testing.assert_allclose(memory.weights, full - np.diag(np.diag(full)), rtol=0, atol=1e-13)
    np.testing.assert_allclose(memory.bias, bias, rtol=1e-15)
    w = memory.weights
    np.testing.assert_allclose(memory.energy(x), -np.einsum("bi,ij,bj->b", x, w, x) / 2 - x @ bias, rtol=0, atol=1e-12)
    np.testing.assert_allclose(memory.gradient(x), -(x @ w) - bias, rtol=0, atol=1e-13)


@given(seed=seeds, rule=rules)
def test_with_a_bias_too(seed: int, rule: Any) -> None:
    """A bias of eighths has ties with Hebb's weights for n = 8; the sweep is a visit of every entry, and goes down."""
    rng = np.random.default_rng(seed)
    patterns, bias, x = signs(rng, 3, 8), rng.integers(-4, 5, 8) / 8, rng.choice([-1.0, 0.0, 1.0], (5, 8))
    memory = ClassicalHopfield(patterns, rule, bias=bias)
    for row, start in zip(memory.update(x), x, strict=True):
        visited = start.copy()
        for i in range(8):
            field = memory.weights[i] @ visited + bias[i]
            visited[i] = visited[i] if abs(field) < 1e-12 else np.sign(field)
        assert row.tolist() == visited.tolist()
    energies = memory.retrieve(x, path=True).energies
    assert (np.diff(energies, axis=0) <= 1e-12).all()


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
def test_gradient_is_that_of_autograd_with_bias(rule: Any) -> None:
    rng = np.random.default_rng(0)
    patterns = torch.tensor(signs(rng, 4, 15))
    memory = ClassicalHopfield(patterns, rule, bias=torch.linspace(-1, 1, 15, dtype=torch.float64))
    x = torch.tensor(rng.normal(size=(3, 15)), requires_grad=True)
    (slope,) = torch.autograd.grad(memory.energy(x).sum(), x)
    np.testing.assert_allclose(memory.gradient(x).detach(), slope, rtol=0, atol=1e-13)


# --- the pseudo-inverse -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("d", [1, 10, 40, 63])
def test_the_pseudo_inverse_keeps_every_pattern(d: int, mode: Any) -> None:
    """Up to d = n - 1, where Hebb's rule has long lost them. (The pattern has the field (1 - W_ii) ρ_i.)"""
    patterns = signs(np.random.default_rng(d), d, 64)
    assert (ClassicalHopfield(patterns, "pseudo-inverse", mode).update(patterns) == patterns).all()
    if d >= 40:
        assert (ClassicalHopfield(patterns, "hebb", mode).update(patterns) != patterns).any()


def test_the_pseudo_inverse_of_patterns_that_depend_on_each_other() -> None:
    patterns = signs(np.random.default_rng(1), 6, 20)
    repeated = np.concat([patterns, -patterns, patterns[:3]])
    once, again = (ClassicalHopfield(rows, "pseudo-inverse") for rows in (patterns, repeated))
    np.testing.assert_allclose(again.weights, once.weights, rtol=0, atol=1e-14)
    assert (again.update(repeated) == repeated).all()


def test_an_entry_that_the_patterns_leave_free_is_a_tie() -> None:
    """Two patterns that differ in entry 4 only: W_44 = 1, so the field there is 0 and both are kept."""
    patterns = signs(np.random.default_rng(2), 5, 30)
    patterns[1] = patterns[0] * np.where(np.arange(30) == 4, -1, 1)
    memory = ClassicalHopfield(patterns, "pseudo-inverse")
    np.testing.assert_allclose(memory.weights[4], 0, atol=1e-14)
    assert (memory.update(patterns) == patterns).all()


def test_patterns_that_span_everything_are_refused() -> None:
    for patterns in (np.array([[1.0]]), 1 - 2 * np.eye(8), signs(np.random.default_rng(3), 40, 8)):
        n = patterns.shape[1]
        with pytest.raises(ValueError, match=rf"patterns span all {n} dimensions, .*; expected fewer than {n} indep"):
            ClassicalHopfield(patterns, "pseudo-inverse")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "oja"}, "rule is 'oja', expected 'hebb' or 'pseudo-inverse'"),
        ({"bias": [1.0]}, r"bias has shape \(1,\), expected \(2,\)"),
        ({"bias": [[1.0, 2.0]]}, r"bias has shape \(1, 2\), expected \(2,\)"),
        ({"bias": [0.0, np.nan]}, r"bias\[1\] is nan, expected finite"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassicalHopfield([[1, -1]], **arguments)


# --- all entries at once ------------------------------------------------------------------------------------------


def test_a_cycle_of_two() -> None:
    """Two entries that agree in the pattern and disagree in the state, each told to be as the other is."""
    memory = ClassicalHopfield([[1, 1]], mode="synchronous")
    found = memory.retrieve([1, -1], max_steps=5, path=True)
    assert found.states.tolist() == [[1, -1], [-1, 1]] * 3
    assert not found.settled
    assert found.steps == 5
    assert ClassicalHopfield([[1, 1]]).retrieve([1, -1]).settled  # one after another, they agree


@given(seed=seeds, rule=rules, unknown=st.booleans(), hold=st.booleans(), biased=st.booleans())
def test_the_energy_of_pairs_never_rises(seed: int, rule: Any, unknown: bool, hold: bool, biased: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 24))
    patterns, bias = signs(rng, int(rng.integers(1, n)), n), rng.normal(size=n) if biased else None
    memory = ClassicalHopfield(patterns, rule, "synchronous", bias=bias)
    x = rng.choice([-1.0, 0.0, 1.0] if unknown else [-1.0, 1.0], (6, n))
    known = rng.random(x.shape) < 0.3 if hold else None
    states = memory.retrieve(x, known=known, max_steps=60, path=True).states
    if len(states) > 2:
        energies = memory.pair_energy(states[:-1], states[1:])
        assert (np.diff(energies, axis=0) <= 1e-12 * n * n).all()


@given(seed=seeds)
def test_no_cycle_is_longer_than_two(seed: int) -> None:
    rng = np.random.default_rng(seed)
    memory = ClassicalHopfield(signs(rng, 3, 7), mode="synchronous")
    state = all_states(7)
    for _ in range(20):
        state = memory.update(state)
    assert (memory.update(memory.update(state)) == state).all()


def test_the_energy_of_a_fixed_pair_is_twice_the_energy() -> None:
    rng = np.random.default_rng(4)
    memory, x = ClassicalHopfield(signs(rng, 3, 9), bias=rng.normal(size=9)), signs(rng, 2, 5, 9)
    np.testing.assert_allclose(memory.pair_energy(x, x), 2 * memory.energy(x), rtol=1e-13)
    y = signs(rng, 2, 5, 9)
    np.testing.assert_allclose(memory.pair_energy(x, y), memory.pair_energy(y, x), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"after has shape \(5, 9\), expected that of x, \(2, 5, 9\)"):
        memory.pair_energy(x, y[0])


# --- how many patterns --------------------------------------------------------------------------------------------


def overlap_in_theory(load: float) -> float:
    """m = erf(y) with y (√(2α) + 2/√π exp(-y²)) = erf(y), the largest y: Amit, Gutfreund & Sompolinsky 1985, T = 0.

    0 where there is no such y > 0.
    """

    def excess(y: float) -> float:
        return erf(y) - y * (sqrt(2 * load) + 2 / sqrt(pi) * exp(-y * y))

    for y in np.linspace(5, 0.5, 2000):
        if excess(y) >= 0:
            return erf(brentq(excess, y, y + 0.01))
    return 0.0


def test_the_load_at_which_memory_is_lost() -> None:
    assert overlap_in_theory(0.1379) == pytest.approx(0.968, abs=1e-3)
    assert overlap_in_theory(0.1380) == 0.0


def test_retrieval_below_and_above_that_load() -> None:
    rng, n = np.random.default_rng(0), 1500
    for load in (0.1, 0.12):
        patterns = signs(rng, int(load * n), n)
        found = ClassicalHopfield(patterns).retrieve(patterns[:100], max_steps=200)
        assert found.settled.all()
        overlap = (found.state * patterns[:100]).mean(axis=1)
        assert overlap.mean() == pytest.approx(overlap_in_theory(load), abs=4 * overlap.std() / 10)
        assert overlap.std() / 10 < 1e-3
    patterns = signs(rng, int(0.18 * n), n)
    found = ClassicalHopfield(patterns).retrieve(patterns[:30], max_steps=200)
    assert (found.state * patterns[:30]).mean() < 0.65


def test_all_patterns_are_fixed_up_to_n_over_4_log_n() -> None:
    """McEliece et al. 1987; at twice as many, a few of them are not."""
    n, rng = 1024, np.random.default_rng(1)
    wrong = []
    for share in (4, 2):
        patterns = signs(rng, int(n / (share * log(n))), n)
        moved = ClassicalHopfield(patterns, mode="synchronous").update(patterns)
        wrong.append(int((moved != patterns).any(axis=1).sum()))
    assert wrong[0] == 0
    assert 0 < wrong[1] < 20


def test_coordinates_apart_have_no_coupling_from_rounding() -> None:
    """A hundred digits span all but their constant pixels: what is erased elsewhere has no field at all."""
    patterns = digits(100)
    memory = ClassicalHopfield(patterns, "pseudo-inverse")
    varying = (patterns != patterns[0]).any(axis=0)
    assert 0 < varying.sum() < 64
    assert not memory.weights[varying].any()
    erased = np.where(np.arange(64) % 3 == 0, 0.0, patterns[7])
    np.testing.assert_array_equal(memory.update(erased)[varying], erased[varying])
