"""The network of 1984: energy and minimum in each entry, the limit of 1982, and when only 0 is stable."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.hopfield import ClassicalHopfield, GradedHopfield

seeds = st.integers(0, 2**32 - 1)
rules = st.sampled_from(["hebb", "pseudo-inverse"])
gains = st.sampled_from([0.05, 0.9, 1.5, 4.0, 40.0, 1e4])


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def problem(seed: int, rule: Any, beta: float, **more: Any) -> tuple[GradedHopfield, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 30))
    memory = GradedHopfield(signs(rng, int(rng.integers(1, n)), n), rule, beta, rng.normal(size=n) / 4, **more)
    return memory, rng.uniform(-1, 1, (4, n)), rng


def test_the_energy_in_fifty_digits() -> None:
    rng = np.random.default_rng(0)
    memory, v = GradedHopfield(signs(rng, 2, 4), beta=3, bias=[0.1, 0, -0.2, 0]), rng.uniform(-1, 1, 4)
    with mpmath.workdps(50):
        integral = sum(mpmath.quad(mpmath.atanh, [0, entry]) for entry in v)
        expected = integral / 3 - mpmath.mpf(float(v @ memory.weights @ v / 2 + memory.bias @ v))
    assert memory.energy(v) == pytest.approx(float(expected), rel=1e-14)


def test_the_energy_is_finite_at_the_corners() -> None:
    """There the integral is log 2 per entry: the energy of 1982, and n log(2)/β."""
    rng = np.random.default_rng(1)
    patterns = signs(rng, 3, 20)
    for dtype in (np.float64, np.float32):
        memory = GradedHopfield(patterns.astype(dtype), beta=5)
        corners = ClassicalHopfield(patterns).energy(patterns) + 20 * np.log(2) / 5
        np.testing.assert_allclose(memory.energy(patterns), corners, rtol=1e-6 if dtype == np.float32 else 1e-13)
        with np.errstate(all="raise"):
            assert (memory.gradient(patterns) == patterns * np.inf).all()


@given(seed=seeds, rule=rules, beta=gains)
def test_the_gradient_is_that_of_autograd(seed: int, rule: Any, beta: float) -> None:
    ours, v, _ = problem(seed, rule, beta)
    memory = GradedHopfield(torch.tensor(ours.patterns), rule, beta, torch.tensor(ours.bias))
    x = torch.tensor(v, requires_grad=True)
    (slope,) = torch.autograd.grad(memory.energy(x).sum(), x)
    np.testing.assert_allclose(memory.gradient(x).detach(), slope, rtol=1e-10, atol=1e-10)


@given(seed=seeds, rule=rules, beta=gains, order=st.none() | st.integers(0, 9), hold=st.booleans())
def test_a_sweep_is_a_visit_of_every_entry(seed: int, rule: Any, beta: float, order: Any, hold: bool) -> None:
    memory, v, rng = problem(seed, rule, beta, order=order)
    known = rng.random(v.shape) < 0.3 if hold else np.zeros(v.shape, bool)
    found = memory.update(v, known=known if hold else None)
    for i in range(memory.n) if order is None else np.random.default_rng(order).permutation(memory.n):
        minimum = np.tanh(beta * (v @ memory.weights[:, i] + memory.bias[i]))
        v[:, i] = np.where(known[:, i], v[:, i], minimum)
    np.testing.assert_allclose(found, v, rtol=0, atol=1e-9 if beta > 100 else 1e-12)


@given(seed=seeds, rule=rules, beta=gains, hold=st.booleans())
def test_a_sweep_never_raises_the_energy(seed: int, rule: Any, beta: float, hold: bool) -> None:
    memory, v, rng = problem(seed, rule, beta)
    assert memory.descends
    known = rng.random(v.shape) < 0.3 if hold else None
    energies = memory.retrieve(v, known=known, max_steps=40, path=True).energies
    assert (np.diff(energies, axis=0) <= 1e-12 * (1 + np.abs(energies).max())).all()


def test_all_at_once_the_energy_would_rise() -> None:
    """Two entries that agree in the pattern: told of each other at once they swap signs and grow, at a gain of 8."""
    memory = GradedHopfield([[1, 1]], beta=8)
    v = np.array([0.5, -0.4])
    together = np.tanh(8 * (v @ memory.weights))
    assert memory.energy(together) > memory.energy(v) + 0.1
    assert memory.energy(memory.update(v)) < memory.energy(v)


def test_where_it_settles_the_gradient_is_zero() -> None:
    """The fixed points of the inputs' equation du/dt = -u + Wv + b, v = tanh(βu)."""
    rng = np.random.default_rng(2)
    memory = GradedHopfield(signs(rng, 3, 40), beta=3, bias=rng.normal(size=40) / 8)
    found = memory.retrieve(rng.uniform(-1, 1, (5, 40)), max_steps=1000, tolerance=1e-15)
    assert found.settled.all()
    np.testing.assert_allclose(memory.gradient(found.state), 0, atol=1e-11)


@given(seed=seeds, rule=rules, order=st.none() | st.integers(0, 9))
def test_a_steep_response_is_the_network_of_1982(seed: int, rule: Any, order: Any) -> None:
    graded, v, rng = problem(seed, rule, 1e9, order=order)  # with a bias that leaves no ties
    x = signs(rng, *v.shape)
    classical = ClassicalHopfield(graded.patterns, rule, bias=graded.bias, order=order)
    np.testing.assert_allclose(graded.update(x), classical.update(x), rtol=0, atol=1e-6)
    np.testing.assert_allclose(graded.energy(x), classical.energy(x), rtol=0, atol=1e-7)


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
def test_below_gain_one_only_zero_is_stable(rule: Any) -> None:
    """β λ < 1, λ the largest eigenvalue of W: everything goes to 0. Above, 0 is left, along λ's eigenvector first."""
    rng = np.random.default_rng(3)
    patterns = signs(rng, 4, 32)
    values, vectors = np.linalg.eigh(GradedHopfield(patterns, rule, 1.0).weights)
    below = GradedHopfield(patterns, rule, 0.95 / values[-1])
    found = below.retrieve(np.concat([patterns, rng.uniform(-1, 1, (5, 32))]), max_steps=2000, tolerance=1e-12)
    assert found.settled.all()
    assert np.abs(found.state).max() < 1e-9
    above = GradedHopfield(patterns, rule, 1.05 / values[-1])
    assert (above.update(np.zeros(32)) == 0).all()  # still a fixed point, not a stable one
    start = 1e-6 * vectors[:, -1]
    left = above.retrieve(start, max_steps=2000, tolerance=1e-12)
    assert left.settled
    assert np.abs(left.state).max() > 0.1
    assert above.energy(left.state) < above.energy(np.zeros(32))


def test_it_retrieves() -> None:
    rng = np.random.default_rng(4)
    patterns = signs(rng, 8, 128)
    noisy = patterns * rng.choice([1.0, -1.0], patterns.shape, p=[0.85, 0.15])
    found = GradedHopfield(patterns).retrieve(noisy)
    assert found.settled.all()
    assert (np.sign(found.state) == patterns).all()
    assert np.abs(found.state).min() > 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gain", [4.0, torch.tensor(4.0)])
def test_torch_agrees_with_numpy(dtype: torch.dtype, gain: Any) -> None:
    rng = np.random.default_rng(5)
    patterns, v = signs(rng, 5, 90), rng.uniform(-1, 1, (2, 3, 90))
    ours, theirs = (GradedHopfield(p, beta=gain, order=3) for p in (patterns, torch.tensor(patterns, dtype=dtype)))
    accuracy = 1e-12 if dtype == torch.float64 else 2e-5
    points = torch.tensor(v, dtype=dtype)
    for name in ("energy", "gradient", "update"):
        value = getattr(theirs, name)(points)
        assert value.dtype == dtype
        np.testing.assert_allclose(value, getattr(ours, name)(v), rtol=accuracy, atol=accuracy)
    assert ours.update(v).dtype == np.float64


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0, 3)])
def test_shapes(shape: tuple[int, ...]) -> None:
    memory, v = GradedHopfield([[1, 1, -1]]), np.full((*shape, 3), 0.5)
    assert memory.energy(v).shape == shape
    assert memory.gradient(v).shape == memory.update(v).shape == memory.retrieve(v).state.shape == (*shape, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patterns": [[1.0, 0.5]]}, "patterns has entries other than -1 and 1"),
        ({"rule": "oja"}, "rule is 'oja', expected 'hebb' or 'pseudo-inverse'"),
        ({"beta": 0}, "beta is 0.0, expected a positive finite number"),
        ({"beta": "steep"}, "beta is 'steep', expected a positive finite number"),
        ({"bias": [1.0]}, r"bias has shape \(1,\), expected \(2,\)"),
        ({"order": -2}, "order is -2, expected a whole number from 0 on, or None"),
        ({"patterns": [[1, 1], [1, -1]], "rule": "pseudo-inverse"}, "patterns span all 2 dimensions"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GradedHopfield(**{"patterns": [[1, -1]], **arguments})


def test_states_outside_are_refused() -> None:
    memory = GradedHopfield([[1, -1]])
    for act in (memory.energy, memory.gradient, memory.update, memory.retrieve):
        with pytest.raises(ValueError, match=r"x has entries outside \[-1, 1\]"):
            act([0.0, 1.5])
