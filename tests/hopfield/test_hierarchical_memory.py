"""The memory of two layers: it is the modern network, the dense one and the spherical one, by its Lagrangians alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling import energy as en
from beyond_scaling.hopfield import (
    DenseMemory,
    ExponentialLagrangian,
    HierarchicalMemory,
    HierarchicalNetwork,
    IdentityLagrangian,
    Lagrangian,
    Layer,
    LayerNormLagrangian,
    PowerLagrangian,
    SoftmaxLagrangian,
    SphericalLagrangian,
    TanhLagrangian,
)

BOUNDED: list[Lagrangian] = [TanhLagrangian(1.5), SphericalLagrangian(2.0, 0.01), LayerNormLagrangian(0.5, 0.1, 0.01)]
HIDDEN: list[Lagrangian] = [
    PowerLagrangian(2),
    PowerLagrangian(3),
    PowerLagrangian(4, rectified=False),
    ExponentialLagrangian(0.5),
    SoftmaxLagrangian(2.0),
    TanhLagrangian(0.5),
]
PAIRS = [(hidden, visible) for hidden in HIDDEN for visible in BOUNDED]
PAIRS += [(SoftmaxLagrangian(2.0), IdentityLagrangian()), (TanhLagrangian(1.0), IdentityLagrangian())]


def bits(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=shape)


# --- what it contains: models A, B and C of Krotov & Hopfield 2021 ------------------------------------------------


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_softmax_over_a_quadratic_layer_is_the_modern_network(figure_1: dict, beta: float) -> None:
    patterns = figure_1["D2"]
    memory = HierarchicalMemory(patterns, SoftmaxLagrangian(beta))
    x = 3 * np.random.default_rng(0).normal(size=(50, 2))
    constant = np.log(3) / beta + (patterns**2).sum(axis=1).max() / 2
    np.testing.assert_allclose(memory.energy(x) + constant, en.mchn_energy(x, patterns, beta), rtol=0, atol=1e-12)
    np.testing.assert_allclose(memory.gradient(x), en.mchn_gradient(x, patterns, beta), rtol=0, atol=1e-13)
    np.testing.assert_allclose(memory.update(x), en.mchn_update(x, patterns, beta), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("degree", "rectified"), [(2, False), (3, True), (4, False), (4, True)])
def test_powers_over_steep_neurons_are_the_dense_memory(degree: int, rectified: bool) -> None:
    n, patterns, x = 16, bits(0, 5, 16), bits(1, 30, 16)
    memory = HierarchicalMemory(patterns, PowerLagrangian(degree, rectified), TanhLagrangian(beta=50.0))
    dense = DenseMemory(patterns, degree, rectified, mode="synchronous")
    assert (memory.readout(x) == x).all()  # saturated: the Legendre terms are (log 2)/β for each neuron
    expected = n ** (degree - 1) / degree * dense.energy(x) + n * np.log(2) / 50
    np.testing.assert_allclose(memory.energy(x), expected, rtol=1e-12, atol=1e-11)
    # The input of each neuron is the dense memory's, so both go where it points.
    drive = -dense.gradient(x) * n ** (degree - 1) / degree
    np.testing.assert_allclose(memory.update(x), drive, rtol=1e-12, atol=1e-9)


def test_powers_over_a_sphere_are_the_spherical_memory() -> None:
    rng = np.random.default_rng(2)
    patterns, x = rng.normal(size=(4, 6)), rng.normal(size=(20, 6))
    memory = HierarchicalMemory(patterns, PowerLagrangian(3), SphericalLagrangian(epsilon=1e-18))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    overlaps = np.maximum(unit @ patterns.T, 0)
    np.testing.assert_allclose(memory.energy(x), -(overlaps**3).sum(axis=1) / 3, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(memory.energy(7 * x), memory.energy(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(memory.update(x), overlaps**2 @ patterns, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("hidden", "visible"), PAIRS)
def test_it_is_the_network_with_its_hidden_layer_at_rest(hidden: Lagrangian, visible: Lagrangian) -> None:
    rng = np.random.default_rng(3)
    patterns, x = rng.normal(size=(4, 6)), rng.normal(size=(20, 6))
    memory = HierarchicalMemory(patterns, hidden, visible)
    network = HierarchicalNetwork([Layer(6, visible), Layer(4, hidden)], [patterns.T])
    rest = memory.readout(x) @ patterns.T
    np.testing.assert_allclose(network.energy([x, rest]), memory.energy(x), rtol=1e-11, atol=1e-11)
    for _ in range(20):  # nowhere else is it lower
        assert (network.energy([x, rest + rng.normal(size=rest.shape)]) >= memory.energy(x) - 1e-11).all()
    np.testing.assert_allclose(network.step([x, rest], np.inf)[0], memory.update(x), rtol=1e-12, atol=1e-12)


# --- energy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "visible"), PAIRS)
def test_the_gradient_is_what_autograd_says(hidden: Lagrangian, visible: Lagrangian) -> None:
    rng = np.random.default_rng(4)
    patterns, start = rng.normal(size=(4, 6)), rng.normal(size=(2, 5, 6))
    twin = HierarchicalMemory(torch.tensor(patterns), hidden, visible)
    x = torch.tensor(start, requires_grad=True)
    energy = twin.energy(x)
    (slope,) = torch.autograd.grad(energy.sum(), x)
    memory = HierarchicalMemory(patterns, hidden, visible)
    np.testing.assert_allclose(memory.energy(start), energy.detach().numpy(), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(memory.gradient(start), slope.numpy(), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(twin.update(x).detach().numpy(), memory.update(start), rtol=1e-11, atol=1e-12)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), pair=st.sampled_from(PAIRS), clamp=st.booleans())
def test_no_update_raises_the_energy(seed: int, pair: tuple[Lagrangian, Lagrangian], clamp: bool) -> None:
    rng = np.random.default_rng(seed)
    memory = HierarchicalMemory(rng.normal(size=(4, 6)), *pair)
    assert memory.descends
    known = rng.random(size=(8, 6)) < 0.4 if clamp else None
    x = 2 * rng.normal(size=(8, 6))
    found = memory.retrieve(x, known=known, max_steps=8, path=True)
    assert (np.diff(found.energies, axis=0) <= 1e-12 * (1 + np.abs(found.energies).max())).all()
    if clamp:
        assert (found.state[known] == x[known]).all()


def test_a_lagrangian_that_is_not_convex_may_raise_the_energy() -> None:
    memory = HierarchicalMemory([[0.01]], PowerLagrangian(2), PowerLagrangian(3, rectified=False))
    assert not memory.descends
    # From E = -2/3 at x = -1, all but straight to E = 0 at x = 0.
    assert memory.energy([-1.0]) == pytest.approx(-2 / 3, abs=1e-3)
    assert memory.energy(memory.update([-1.0])) == pytest.approx(0, abs=1e-3)


# --- retrieval ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("visible", [IdentityLagrangian(), TanhLagrangian(), SphericalLagrangian(8.0), BOUNDED[2]])
def test_it_retrieves(visible: Lagrangian) -> None:
    patterns = bits(5, 20, 64)
    memory = HierarchicalMemory(patterns, SoftmaxLagrangian(2.0), visible)
    noisy = np.where(np.random.default_rng(6).random(patterns.shape) < 0.15, -patterns, patterns)
    known = np.arange(64) < 32
    for start, held in [(noisy, None), (np.where(known, patterns, 0), None), (np.where(known, patterns, 0), known)]:
        found = memory.retrieve(start, known=held)
        assert found.settled.all()
        assert np.abs(found.state - patterns).max() < 1e-6


def test_an_energy_without_a_lower_bound_says_so() -> None:
    memory = HierarchicalMemory([[1.0]], PowerLagrangian(4))
    with pytest.raises(ValueError, match="overflows: with these Lagrangians the energy has no lower bound"):
        memory.retrieve([2.0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: HierarchicalMemory([[1.0]], hidden="softmax"), "hidden is 'softmax', expected a Lagrangian"),
        (lambda: HierarchicalMemory([[1.0]], visible=3), "visible is 3, expected a Lagrangian"),
        (lambda: HierarchicalMemory([[1.0]], visible=LayerNormLagrangian(bias=[1.0, 2.0])), r"bias has shape \(2,\)"),
    ],
)
def test_refuses(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
