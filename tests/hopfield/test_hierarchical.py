"""Layers of neurons: the energy descends with convex Lagrangians, and need not without."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.hopfield import (
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

CONVEX: list[Lagrangian] = [
    IdentityLagrangian(),
    PowerLagrangian(2),
    PowerLagrangian(3),
    TanhLagrangian(2.0),
    SoftmaxLagrangian(3.0),
    SphericalLagrangian(1.0, 0.01),
    LayerNormLagrangian(0.7, 0.2, 0.01),
]


def random_network(
    rng: np.random.Generator, lagrangians: list[Lagrangian], graph: str = "chain"
) -> tuple[HierarchicalNetwork, list[np.ndarray]]:
    sizes = rng.integers(1, 6, size=len(lagrangians))
    ends = [(a, a + 1) for a in range(len(sizes) - 1)]
    if graph == "ring":
        ends.append((len(sizes) - 1, 0))
    synapses = [(a, b, 0.7 * rng.normal(size=(sizes[a], sizes[b]))) for a, b in ends]
    layers = [Layer(int(size), each, float(rng.uniform(0.5, 3))) for size, each in zip(sizes, lagrangians, strict=True)]
    return HierarchicalNetwork(layers, synapses), [2 * rng.normal(size=(4, size)) for size in sizes]


def by_hand(network: HierarchicalNetwork, states: list[torch.Tensor]) -> torch.Tensor:
    """The energy with activations from autograd."""
    total, g = torch.zeros(states[0].shape[0], dtype=torch.float64), []
    for layer, x in zip(network.layers, states, strict=True):
        value = layer.lagrangian.value(x)
        g.append(torch.autograd.grad(value.sum(), x, create_graph=True)[0])
        total = total + (g[-1] * x).sum(-1) - value
    for a, b, weights in network.synapses:
        total = total - torch.einsum("ba,ac,bc->b", g[a], torch.as_tensor(weights), g[b])
    return total


@pytest.mark.parametrize("graph", ["chain", "ring"])
def test_energy_and_gradient_are_what_autograd_says(graph: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        chosen = [CONVEX[i] for i in rng.integers(len(CONVEX), size=4)]
        network, states = random_network(rng, chosen, graph)
        tensors = [torch.tensor(x, requires_grad=True) for x in states]
        energy = by_hand(network, tensors)
        np.testing.assert_allclose(network.energy(states), energy.detach().numpy(), rtol=1e-11, atol=1e-11)
        expected = torch.autograd.grad(energy.sum(), tensors)
        for found, slope in zip(network.gradient(states), expected, strict=True):
            np.testing.assert_allclose(found, slope.numpy(), rtol=1e-10, atol=1e-11)
        # dE/dt along τ dx/dt = -∂E/∂g is minus a quadratic form of the Hessians.
        pulls = network.activation_gradient(states)
        rate = -sum(
            (pull * slope.numpy()).sum(-1) / layer.tau
            for pull, slope, layer in zip(pulls, expected, network.layers, strict=True)
        )
        assert (rate <= 1e-12).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), graph=st.sampled_from(["chain", "ring"]), dt=st.sampled_from([0.05, 1.0, math.inf]))
def test_no_step_raises_the_energy(seed: int, graph: str, dt: float) -> None:
    rng = np.random.default_rng(seed)
    bounded = [3, 4, 5, 6]  # keeps powers from running away
    chosen = [CONVEX[rng.choice(bounded)], CONVEX[rng.integers(len(CONVEX))], CONVEX[rng.choice(bounded)]]
    network, states = random_network(rng, chosen, graph)
    assert network.descends
    clamped = {int(rng.integers(3))} if seed % 3 == 0 else set()
    energies = [network.energy(states)]
    for _ in range(6):
        states = network.step(states, dt, clamped=clamped)
        energies.append(network.energy(states))
    scale = 1 + np.abs(energies).max()
    assert (np.diff(energies, axis=0) <= 1e-12 * scale).all()


def test_a_lagrangian_that_is_not_convex_may_raise_the_energy() -> None:
    network = HierarchicalNetwork(
        [Layer(1, PowerLagrangian(3, rectified=False)), Layer(1, IdentityLagrangian())], [[[1.0]]]
    )
    assert not network.descends
    start = [np.array([-1.0]), np.array([0.0])]
    # E = 2x³/3 at rest of the other layer: the dynamics take x from -1 to 0, which is up.
    assert network.energy(start) == pytest.approx(-2 / 3)
    energies = network.retrieve(start, clamped=[1], dt=0.1).energies
    assert (np.diff(energies) >= 0).all()
    assert energies[-1] == pytest.approx(0, abs=1e-6)


def test_all_layers_at_once_may_raise_the_energy() -> None:
    network = HierarchicalNetwork(2 * [Layer(1, TanhLagrangian())], [[[2.0]]])
    states = (np.array([0.1]), np.array([-0.1]))
    pulls = network.activation_gradient(states)
    together = [x - pull for x, pull in zip(states, pulls, strict=True)]
    assert network.energy(together) > network.energy(states) + 0.01
    assert network.energy(network.step(states, math.inf)) < network.energy(states)


def test_a_short_step_follows_the_differential_equation() -> None:
    network, states = random_network(np.random.default_rng(5), [CONVEX[3], CONVEX[2], CONVEX[5]], "ring")
    after = network.step(states, 1e-7)
    for x, moved, pull, layer in zip(states, after, network.activation_gradient(states), network.layers, strict=True):
        np.testing.assert_allclose((moved - x) / 1e-7, -pull / layer.tau, rtol=1e-5, atol=1e-5)


def test_a_layer_relaxes_exactly_while_the_others_are_held() -> None:
    weights = np.array([[1.0, -2.0]])
    network = HierarchicalNetwork([Layer(1, IdentityLagrangian(), tau=2.0), Layer(2, IdentityLagrangian())], [weights])
    states = (np.array([5.0]), np.array([3.0, 4.0]))
    for dt, share in [(1.0, 1 - math.exp(-0.5)), (math.inf, 1.0)]:
        moved, held = network.step(states, dt, clamped={1})
        assert moved == pytest.approx(5 + share * (3 - 8 - 5))
        assert held.tolist() == [3, 4]


def test_retrieval_ends_where_nothing_pulls() -> None:
    network, states = random_network(np.random.default_rng(8), [CONVEX[3], CONVEX[2], CONVEX[5]])
    found = network.retrieve(states, dt=2.0)
    assert found.settled.all()
    assert found.energies.shape == (found.steps.max() + 2, 4)
    assert max(np.abs(pull).max() for pull in network.activation_gradient(found.states)) < 1e-7
    held = network.retrieve(states, clamped=[0, 2])
    assert (held.states[0] == states[0]).all()
    assert np.abs(network.activation_gradient(held.states)[1]).max() < 1e-7
    assert not network.retrieve(states, dt=0.01, max_steps=2).settled.any()


def test_three_layers_complete_a_pattern_from_the_top() -> None:
    """A hidden layer of memories between two visible ones: what the top knows, the bottom is told."""
    rng = np.random.default_rng(0)
    low, high = rng.choice([-1.0, 1.0], size=(5, 40)), rng.choice([-1.0, 1.0], size=(5, 30))
    visible = TanhLagrangian(1.0)
    layers = [Layer(40, visible), Layer(5, SoftmaxLagrangian(1.0)), Layer(30, visible)]
    network = HierarchicalNetwork(layers, [low.T, high])
    found = network.retrieve([np.zeros((5, 40)), np.zeros((5, 5)), 3 * high], clamped=[2])
    assert found.settled.all()
    assert (np.sign(found.states[0]) == low).all()
    assert (found.states[1].argmax(axis=1) == np.arange(5)).all()


def test_torch_does_as_numpy() -> None:
    network, states = random_network(np.random.default_rng(4), [CONVEX[6], CONVEX[1], CONVEX[4]], "ring")
    synapses = [(a, b, torch.as_tensor(weights)) for a, b, weights in network.synapses]
    twin = HierarchicalNetwork(network.layers, synapses)
    tensors = [torch.as_tensor(x) for x in states]
    ours, theirs = network.retrieve(states), twin.retrieve(tensors)
    assert (np.asarray(theirs.steps) == ours.steps).all()
    for a, b in zip(ours.states, theirs.states, strict=True):
        assert isinstance(b, torch.Tensor)
        np.testing.assert_allclose(b.numpy(), a, rtol=1e-10, atol=1e-12)
    for a, b in zip(network.activations(states), twin.activations(tensors), strict=True):
        np.testing.assert_allclose(b.numpy(), a, rtol=1e-12)


def test_an_energy_without_a_lower_bound_says_so() -> None:
    network = HierarchicalNetwork([Layer(1, IdentityLagrangian()), Layer(1, PowerLagrangian(4))], [[[1.0]]])
    with pytest.raises(ValueError, match="overflows: with these Lagrangians the energy has no lower bound"):
        network.retrieve([[3.0], [3.0]])


TWO = [Layer(2, IdentityLagrangian()), Layer(3, IdentityLagrangian())]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Layer(0, IdentityLagrangian()), "size is 0, expected an integer from 1"),
        (lambda: Layer(2, "tanh"), "lagrangian is 'tanh', expected a Lagrangian"),
        (lambda: Layer(2, IdentityLagrangian(), tau=0), "tau is 0"),
        (lambda: HierarchicalNetwork([], []), "expected a sequence of Layer"),
        (lambda: HierarchicalNetwork(TWO, []), "synapses is empty"),
        (lambda: HierarchicalNetwork(TWO, [np.zeros((3, 2))]), r"synapses\[0\] has shape \(3, 2\), expected \(2, 3\)"),
        (lambda: HierarchicalNetwork(TWO, [(0, 0, np.zeros((2, 2)))]), "a synapse joins layers 0 and 0"),
        (lambda: HierarchicalNetwork(TWO, [(0, 2, np.zeros((2, 3)))]), "expected two of 0 to 1"),
        (
            lambda: HierarchicalNetwork([Layer(2, LayerNormLagrangian(bias=[1, 2, 3])), TWO[1]], [np.zeros((2, 3))]),
            r"bias has shape \(3,\)",
        ),
        (lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).energy([[1.0, 2.0]]), "got 1 states, expected 2"),
        (
            lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).energy([[1.0, 2.0], [1.0, 2.0]]),
            r"states\[1\] has shape \(2,\), expected \(3,\)",
        ),
        (lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).step([np.ones(2), np.ones(3)], 0), "dt is 0"),
        (
            lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).step([np.ones(2), np.ones(3)], clamped=[2]),
            r"clamped is \[2\], expected numbers of layers, 0 to 1",
        ),
        (
            lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).retrieve([np.ones(2), np.ones(3)], max_steps=0),
            "max_steps is 0",
        ),
        (
            lambda: HierarchicalNetwork(TWO, [np.ones((2, 3))]).retrieve([np.ones(2), np.ones(3)], tolerance=-1),
            "tolerance is -1",
        ),
    ],
)
def test_refuses(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
