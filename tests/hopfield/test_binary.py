"""Sweeps: what they compute is what visiting every entry would, for every binary network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.hopfield import ClassicalHopfield, DenseMemory, ExponentialMemory
from beyond_scaling.hopfield.binary import BinaryMemory

# name -> (network, F): E falls with Σ F(ρ·x). For the sign of a drive, the unit of F does not matter.
FAMILIES: dict[str, tuple[Callable[..., BinaryMemory], Callable[[int], Any]]] = {
    "classical": (ClassicalHopfield, lambda z: z**2),
    "degree 1": (lambda p, **k: DenseMemory(p, 1, **k), lambda z: z),
    "degree 2": (lambda p, **k: DenseMemory(p, 2, **k), lambda z: z**2),
    "degree 3": (lambda p, **k: DenseMemory(p, 3, **k), lambda z: z**3),
    "degree 6": (lambda p, **k: DenseMemory(p, 6, **k), lambda z: z**6),
    "rectified 3": (lambda p, **k: DenseMemory(p, 3, rectified=True, **k), lambda z: max(z, 0) ** 3),
    "rectified 2.5": (lambda p, **k: DenseMemory(p, 2.5, rectified=True, **k), lambda z: mpmath.mpf(max(z, 0)) ** 2.5),
    "exponential": (ExponentialMemory, lambda z: mpmath.exp(z)),
}
CONVEX = sorted(set(FAMILIES) - {"degree 3"})

families = st.sampled_from(sorted(FAMILIES))
seeds = st.integers(0, 2**32 - 1)


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def problem(seed: int, unknown: bool) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Patterns (d, n) and queries (b, n), small enough for ties to be common."""
    rng = np.random.default_rng(seed)
    d, n, b = rng.integers(1, 7), rng.integers(1, 21), rng.integers(1, 5)
    return signs(rng, d, n), rng.choice([-1.0, 0.0, 1.0] if unknown else [-1.0, 1.0], (b, n)), rng


def drive(separation: Callable[[int], Any], patterns: np.ndarray, x: np.ndarray, i: int) -> int:
    """The sign of Σ_μ F(s + ρ_i) - F(s - ρ_i), s the overlap without entry i: in whole numbers, or in 60 digits."""
    rest = patterns @ x - patterns[:, i] * x[i]
    with mpmath.workdps(60):
        terms = [
            (separation(int(s + rho)), separation(int(s - rho))) for s, rho in zip(rest, patterns[:, i], strict=True)
        ]
        total = sum(up - down for up, down in terms)
        if abs(total) <= 1e-40 * sum(abs(up) + abs(down) for up, down in terms):
            return 0
        return 1 if total > 0 else -1


def visit(separation: Callable[[int], Any], patterns: np.ndarray, x: np.ndarray, order: Any, known: Any) -> np.ndarray:
    x = x.copy()
    for i in order:
        if not known[i]:
            x[i] = drive(separation, patterns, x, i) or x[i]
    return x


@given(family=families, seed=seeds, unknown=st.booleans(), order=st.none() | st.integers(0, 9), hold=st.booleans())
def test_a_sweep_is_a_visit_of_every_entry(family: str, seed: int, unknown: bool, order: Any, hold: bool) -> None:
    make, separation = FAMILIES[family]
    patterns, x, rng = problem(seed, unknown)
    known = rng.random(x.shape) < 0.3 if hold else np.zeros(x.shape, bool)
    n = patterns.shape[1]
    visits = range(n) if order is None else np.random.default_rng(order).permutation(n)
    found = make(patterns, order=order).update(x, known=known if hold else None)
    for row, start, mask in zip(found, x, known, strict=True):
        assert row.tolist() == visit(separation, patterns, start, visits, mask).tolist()


@given(family=families, seed=seeds, unknown=st.booleans())
def test_a_synchronous_step_looks_at_one_state(family: str, seed: int, unknown: bool) -> None:
    make, separation = FAMILIES[family]
    patterns, x, _ = problem(seed, unknown)
    found = make(patterns, mode="synchronous").update(x)
    for row, start in zip(found, x, strict=True):
        expected = [drive(separation, patterns, start, i) or start[i] for i in range(patterns.shape[1])]
        assert row.tolist() == expected


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_sweep_over_many_blocks(family: str) -> None:
    make, separation = FAMILIES[family]
    rng = np.random.default_rng(7)
    patterns, x = signs(rng, 9, 150), rng.choice([-1.0, 0.0, 1.0], (2, 150))
    found = make(patterns).update(x)
    for row, start in zip(found, x, strict=True):
        assert row.tolist() == visit(separation, patterns, start, range(150), np.zeros(150, bool)).tolist()


@given(family=families, seed=seeds, order=st.none() | st.integers(0, 9), hold=st.booleans())
def test_a_sweep_never_raises_the_energy(family: str, seed: int, order: Any, hold: bool) -> None:
    patterns, x, rng = problem(seed, family in CONVEX)
    memory = FAMILIES[family][0](patterns, order=order)
    assert memory.descends
    known = rng.random(x.shape) < 0.3 if hold else None
    energies = memory.retrieve(x, known=known, path=True).energies
    assert (np.diff(energies, axis=0) <= 1e-12 * np.abs(energies).max()).all()


@given(family=families, seed=seeds)
def test_a_state_that_is_not_fixed_has_a_lower_neighbour(family: str, seed: int) -> None:
    patterns, x, _ = problem(seed, False)
    memory = FAMILIES[family][0](patterns)
    found = memory.retrieve(x)
    assert found.settled.all()
    flips = found.state[:, None, :] * (1 - 2 * np.eye(memory.n))  # (b, n, n), one entry turned
    here = memory.energy(found.state)
    assert (memory.energy(flips) >= here[:, None] - 1e-12 * np.abs(here).max()).all()


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"degree 1"}))
def test_a_synchronous_step_may_raise_the_energy(family: str) -> None:
    rng = np.random.default_rng(3)
    states = np.array(list(itertools.product([-1.0, 1.0], repeat=7)))
    rises = []
    for _ in range(20):
        memory = FAMILIES[family][0](signs(rng, 4, 7), mode="synchronous")
        assert not memory.descends
        rises.append((memory.energy(memory.update(states)) - memory.energy(states)).max())
    assert max(rises) > 0.1


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_torch_agrees_with_numpy(family: str, dtype: str, mode: str) -> None:
    make, rng = FAMILIES[family][0], np.random.default_rng(11)
    patterns, x = signs(rng, 5, 40).astype(dtype), rng.choice([-1, 0, 1], (4, 40)).astype(dtype)
    known = rng.random(x.shape) < 0.2
    ours, theirs = make(patterns, mode=mode, order=2), make(torch.tensor(patterns), mode=mode, order=2)
    for hold in (None, known):
        moved = theirs.update(torch.tensor(x), known=None if hold is None else torch.tensor(hold))
        assert moved.dtype == getattr(torch, dtype)
        assert (moved.numpy() == ours.update(x, known=hold)).all()
    assert (theirs.retrieve(torch.tensor(x)).state.numpy() == ours.retrieve(x).state).all()
    accuracy = 1e-5 if dtype == "float32" else 1e-12
    for name in ("energy", "gradient"):
        np.testing.assert_allclose(getattr(theirs, name)(torch.tensor(x)), getattr(ours, name)(x), rtol=accuracy,
                                   atol=accuracy)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_float32_settles_where_float64_does(family: str) -> None:
    make, rng = FAMILIES[family][0], np.random.default_rng(12)
    patterns = signs(rng, 12, 90)
    x = patterns * rng.choice([1.0, 0.0, -1.0], patterns.shape, p=[0.8, 0.1, 0.1])
    double, single = make(patterns).retrieve(x), make(patterns.astype(np.float32)).retrieve(x)
    assert single.state.dtype == np.float32
    assert (double.state == single.state).all()


@given(family=families, seed=seeds)
def test_the_gradient_is_that_of_autograd(family: str, seed: int) -> None:
    patterns, _, rng = problem(seed, False)
    x = torch.tensor(rng.normal(size=(3, patterns.shape[1])), requires_grad=True)
    memory = FAMILIES[family][0](torch.tensor(patterns))
    (slope,) = torch.autograd.grad(memory.energy(x).sum(), x)
    closed = memory.gradient(x).detach()
    np.testing.assert_allclose(closed, slope, rtol=0, atol=1e-12 * max(1.0, float(slope.abs().max())))


@given(family=families, seed=seeds, unknown=st.booleans())
def test_an_entry_that_no_pattern_prefers_is_kept(family: str, seed: int, unknown: bool) -> None:
    """Every pattern comes with its neighbour in entry i: a tie between sums of many terms, in any state."""
    patterns, x, rng = problem(seed, unknown)
    i = int(rng.integers(patterns.shape[1]))
    neighbours = patterns * np.where(np.arange(patterns.shape[1]) == i, -1, 1)
    both = rng.permutation(np.concat([patterns, neighbours]))
    for mode in ("asynchronous", "synchronous"):
        assert (FAMILIES[family][0](both, mode=mode).update(x)[:, i] == x[:, i]).all()


def test_the_order_belongs_to_the_memory() -> None:
    rng = np.random.default_rng(5)
    patterns, x = signs(rng, 12, 40), signs(rng, 30, 40)
    one, same, other = (ClassicalHopfield(patterns, order=seed) for seed in (1, 1, 2))
    assert (one.update(x) == one.update(x)).all()
    assert (one.update(x) == same.update(x)).all()
    assert (one.update(x) != other.update(x)).any()
    np.testing.assert_array_equal(one.energy(x), ClassicalHopfield(patterns).energy(x))


@pytest.mark.parametrize("make", [ClassicalHopfield, DenseMemory, ExponentialMemory])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3)])
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_shapes(make: Callable[..., BinaryMemory], shape: tuple[int, ...], mode: str) -> None:
    memory, x = make([[1, 1, -1], [1, -1, -1]], mode=mode), np.ones((*shape, 3))
    assert memory.energy(x).shape == shape
    assert memory.gradient(x).shape == memory.update(x).shape == memory.retrieve(x).state.shape == (*shape, 3)


@pytest.mark.parametrize("make", [ClassicalHopfield, DenseMemory, ExponentialMemory])
def test_refusals(make: Callable[..., BinaryMemory]) -> None:
    with pytest.raises(ValueError, match="patterns has entries other than -1 and 1"):
        make([[1.0, 0.0]])
    with pytest.raises(ValueError, match="mode is 'parallel', expected 'asynchronous' or 'synchronous'"):
        make([[1, -1]], mode="parallel")
    for order in (-1, 1.5, True, "random"):
        with pytest.raises(ValueError, match=r"order is .*, expected a whole number from 0 on, or None"):
            make([[1, -1]], order=order)
    for act in (make([[1, -1]]).update, make([[1, -1]], mode="synchronous").retrieve):
        for entry in (0.5, 2.0, -1.0000001):
            with pytest.raises(ValueError, match=r"x has entries other than -1, 0 \(unknown\) and 1"):
                act([1.0, entry])


def test_fractions_confirm_the_identity_of_the_drive() -> None:
    """The matrix form of all drives (module `separable`), in whole numbers: for any F, here z⁵."""
    rng = np.random.default_rng(0)
    patterns, x = rng.choice([-1, 1], (4, 9)), rng.choice([-1, 1], 9)
    s = [int(value) for value in patterns @ x]
    for i in range(9):
        slow = sum((t - rho * x[i] + rho) ** 5 - (t - rho * x[i] - rho) ** 5
                   for t, rho in zip(s, map(int, patterns[:, i]), strict=True))
        slope = sum(int(rho) * Fraction((t + 2) ** 5 - (t - 2) ** 5, 2)
                    for t, rho in zip(s, patterns[:, i], strict=True))
        bend = sum(t**5 - Fraction((t + 2) ** 5 + (t - 2) ** 5, 2) for t in s)
        assert slow == slope + int(x[i]) * bend
