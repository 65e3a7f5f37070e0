"""The Energy Transformer block: its energy by plain loops, its gradient by autograd, and what promises it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.hopfield import (
    EnergyTransformer,
    HierarchicalMemory,
    LayerNormLagrangian,
    PowerLagrangian,
    SoftmaxLagrangian,
)

CASES: dict[str, dict[str, Any]] = {
    "as published": {"tokens": 4, "heads": 2, "key_size": 5},
    "no attention": {"tokens": 4, "heads": 0},
    "one token": {"tokens": 1, "heads": 2},
    "bias": {"tokens": 3, "bias": [0.1, 0.5, -0.3, 1.0], "gamma": 1.5, "epsilon": 0.01},
    "softmax": {"tokens": 3, "hidden": SoftmaxLagrangian(0.8), "beta": 2.0, "seed": 7},
    "attends to itself": {"tokens": 4, "heads": 3, "attend_self": True, "hidden": PowerLagrangian(3)},
}


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def block(name: str, patterns: Any = None, **more: Any) -> EnergyTransformer:
    return EnergyTransformer(normal(0, 3, 12) if patterns is None else patterns, **{**CASES[name], **more})


def energy_of_activations(block: EnergyTransformer, g: torch.Tensor) -> torch.Tensor:
    """E of one set of normalised tokens (t, w), sum by sum."""
    query, key = torch.as_tensor(block.query_weights), torch.as_tensor(block.key_weights)
    total = torch.zeros((), dtype=g.dtype)
    for token in g:
        overlaps = torch.stack([memory @ token for memory in torch.as_tensor(block.memories)])
        if isinstance(block.hidden, PowerLagrangian):
            total = total - sum(torch.relu(h) ** block.hidden.degree for h in overlaps) / block.hidden.degree
        else:
            total = total - torch.log(sum(torch.exp(block.hidden.beta * h) for h in overlaps)) / block.hidden.beta
    for W_q, W_k in zip(query, key, strict=True):
        for c, asks in enumerate(g):
            others = [b for b in range(len(g)) if b != c or block.attend_self]
            if others:
                terms = [torch.exp(block.beta * (W_k @ g[b]) @ (W_q @ asks)) for b in others]
                total = total - torch.log(sum(terms)) / block.beta
    return total


@pytest.mark.parametrize("name", CASES)
def test_energy_and_gradients(name: str) -> None:
    ours, x = block(name), normal(1, 2, 3, 12)
    tokens, width = ours.tokens, ours.width
    energies, pulls, slopes = [], [], []
    for row in x.reshape(-1, tokens, width):
        state = torch.tensor(row, requires_grad=True)
        g = ours.norm.activation(state)
        energy = energy_of_activations(ours, g)
        pull, slope = torch.autograd.grad(energy, [g, state])
        energies.append(energy.item())
        pulls.append(pull.numpy().ravel())
        slopes.append(slope.numpy().ravel())
    np.testing.assert_allclose(ours.energy(x).ravel(), energies, rtol=1e-12)
    np.testing.assert_allclose(ours.activation_gradient(x).reshape(-1, 12), pulls, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours.gradient(x).reshape(-1, 12), slopes, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_torch_does_as_numpy_and_autograd_agrees(name: str) -> None:
    x = torch.tensor(normal(2, 5, 12), requires_grad=True)
    ours, twin = block(name), block(name, torch.tensor(normal(0, 3, 12)))
    (slope,) = torch.autograd.grad(twin.energy(x).sum(), x)
    np.testing.assert_allclose(twin.gradient(x).detach().numpy(), slope.numpy(), rtol=1e-10, atol=1e-11)
    start = x.detach()
    np.testing.assert_allclose(twin.energy(start).numpy(), ours.energy(start.numpy()), rtol=1e-12)
    np.testing.assert_allclose(twin.update(start).numpy(), ours.update(start.numpy()), rtol=1e-9, atol=1e-10)
    assert block(name, torch.tensor(normal(0, 3, 12), dtype=torch.float32)).update(start).dtype == torch.float32


# --- what it promises ---------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(list(CASES)),
    step=st.sampled_from([0.01, 1.0, 100.0]),
    rescale=st.booleans(),
    clamp=st.booleans(),
)
def test_no_update_raises_the_energy(seed: int, name: str, step: float, rescale: bool, clamp: bool) -> None:
    rng = np.random.default_rng(seed)
    ours = block(name, step=step, rescale=rescale)
    assert ours.descends
    x = rng.normal(scale=rng.choice([0.1, 1, 10]), size=(6, 12))
    known = rng.random(size=x.shape) < 0.3 if clamp else None
    found = ours.retrieve(x, known=known, max_steps=6, path=True)
    assert (np.diff(found.energies, axis=0) <= 0).all()
    if clamp:
        assert (found.state[known] == x[known]).all()


@pytest.mark.parametrize("name", CASES)
def test_the_flow_descends_whatever_the_bias(name: str) -> None:
    """dE/dt = -(∂E/∂g)·(∂g/∂x)(∂E/∂g) along dx/dt = -∂E/∂g: never positive, and what short steps do."""
    ours, x = block(name), normal(3, 40, 12)
    pull = ours.activation_gradient(x)
    rate = -(ours.gradient(x) * pull).sum(axis=1)
    assert (rate <= 0).all()
    assert (rate < 0).mean() > 0.7  # not all: a token that no rectified memory likes stands still
    short = 1e-7
    np.testing.assert_allclose(ours.energy(x - short * pull) - ours.energy(x), short * rate, rtol=1e-3, atol=1e-11)


def test_a_step_of_fixed_length_may_raise_the_energy() -> None:
    """Attention alone. Its energy is bilinear in keys and queries, so a long step may overshoot: x - α ∂E/∂g rises."""
    rng = np.random.default_rng(0)
    weights = 2 * rng.normal(size=(2, 1, 4, 4))
    ours = EnergyTransformer(
        np.full((1, 12), 1e-9), 3, query_weights=weights[0], key_weights=weights[1], rescale=False, step=10
    )
    x = rng.normal(size=(200, 12))
    published = ours.energy(x - 10 * ours.activation_gradient(x)) - ours.energy(x)
    assert (published > 0.1).any()
    assert (ours.energy(ours.update(x)) <= ours.energy(x)).all()


def test_gradients_flow_through_updates() -> None:
    x = torch.tensor(normal(12, 1, 12), requires_grad=True)
    known = np.arange(12) % 4 == 0
    ours = block("as published", torch.tensor(normal(0, 3, 12)))
    assert torch.autograd.gradcheck(ours.update, (x,))
    assert torch.autograd.gradcheck(lambda x: ours.update(x, known), (x,))


# --- what it is made of -------------------------------------------------------------------------------------------


def test_one_token_is_a_layer_normalised_dense_memory() -> None:
    patterns, x = normal(4, 5, 8), normal(5, 20, 8)
    for degree in (2, 3):
        hidden = PowerLagrangian(degree)
        ours = EnergyTransformer(patterns, 1, heads=3, hidden=hidden)  # attention has nothing to attend to
        g = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        expected = -(np.maximum(g @ patterns.T, 0) ** degree).sum(axis=1) / degree
        np.testing.assert_allclose(ours.energy(x), expected, rtol=1e-12)
        # The hierarchical memory's energy has the Legendre term besides, which is of the order of ε.
        norm = LayerNormLagrangian()
        two_layers = HierarchicalMemory(patterns, hidden, norm)
        np.testing.assert_allclose(ours.energy(x) + norm.legendre(x), two_layers.energy(x), rtol=1e-12)
        np.testing.assert_allclose(-ours.activation_gradient(x), two_layers.update(x), rtol=1e-12)


def test_tokens_may_change_places() -> None:
    ours, x = block("as published"), normal(6, 5, 4, 3)
    moved = x[:, [2, 0, 3, 1], :]
    np.testing.assert_allclose(ours.energy(moved.reshape(5, 12)), ours.energy(x.reshape(5, 12)), rtol=1e-12)
    pull = ours.activation_gradient(x.reshape(5, 12)).reshape(5, 4, 3)
    np.testing.assert_allclose(
        ours.activation_gradient(moved.reshape(5, 12)).reshape(5, 4, 3), pull[:, [2, 0, 3, 1], :], rtol=1e-10
    )


def test_attention_couples_tokens_and_the_memories_do_not() -> None:
    x = normal(7, 12)
    other = x + np.repeat([1.0, 0, 0, 0], 3) * [1, -2, 0.5, *9 * [0]]
    for name, couples in [("as published", True), ("no attention", False)]:
        moved = block(name).activation_gradient(other) - block(name).activation_gradient(x)
        assert np.abs(moved[:3]).max() > 0.1
        assert (np.abs(moved[3:]).max() > 0.01) == couples


def test_rescaling_moves_what_layer_normalisation_does_not_see() -> None:
    patterns, x = 3 + 2 * normal(8, 6, 12), normal(9, 10, 12)
    plain = EnergyTransformer(patterns, 3, rescale=False, epsilon=1e-12).update(x)
    ours = EnergyTransformer(patterns, 3, epsilon=1e-12)
    moved = ours.update(x)
    np.testing.assert_allclose(ours.normalised(moved), ours.normalised(plain), atol=1e-9)
    np.testing.assert_allclose(ours.energy(moved), ours.energy(plain), rtol=1e-9)
    stored, tokens = patterns.reshape(6, 3, 4), moved.reshape(10, 3, 4)
    np.testing.assert_allclose(tokens.mean(axis=2), np.tile(stored.mean(axis=(0, 2)), (10, 1)), rtol=1e-12)
    np.testing.assert_allclose(tokens.std(axis=2), np.tile(stored.std(axis=2).mean(axis=0), (10, 1)), rtol=1e-12)


def test_without_rescaling_tokens_grow_and_nothing_settles() -> None:
    patterns = np.random.default_rng(10).choice([-1.0, 1.0], size=(4, 32))
    grown = EnergyTransformer(patterns, 1, hidden=SoftmaxLagrangian(), rescale=False).retrieve(patterns, max_steps=50)
    assert not grown.settled.any()
    assert (grown.state.std(axis=1) > 40).all()
    held = EnergyTransformer(patterns, 1, hidden=SoftmaxLagrangian()).retrieve(patterns, max_steps=50)
    assert held.settled.all()


@pytest.mark.parametrize("hidden", [SoftmaxLagrangian(1.0), PowerLagrangian(4)])
def test_it_retrieves_up_to_mean_and_deviation(hidden: Any) -> None:
    rng = np.random.default_rng(11)
    patterns = rng.choice([-1.0, 1.0], size=(10, 64))
    ours = EnergyTransformer(patterns, 1, hidden=hidden)
    noisy = np.where(rng.random(patterns.shape) < 0.15, -patterns, patterns)
    known = np.arange(64) < 40
    for start, held in [(noisy, None), (np.where(known, patterns, 0), None), (np.where(known, patterns, 0), known)]:
        found = ours.retrieve(start, known=held)
        assert found.settled.all()
        assert (np.sign(found.state) == patterns).all()


def test_flat_tokens_are_no_trouble() -> None:
    patterns = np.zeros((2, 12))
    patterns[0, :4] = [1, -1, 2, 0]
    ours = EnergyTransformer(patterns, 3)
    found = ours.retrieve(np.zeros((3, 12)), path=True)
    assert np.isfinite(found.states).all()
    assert np.isfinite(found.energies).all()


def test_weights_are_drawn_from_the_seed_or_given() -> None:
    first, again, other = block("as published"), block("as published"), block("as published", seed=1)
    assert (first.query_weights == again.query_weights).all()
    assert not (first.query_weights == other.query_weights).any()
    assert first.query_weights.shape == first.key_weights.shape == (2, 5, 3)
    assert first.beta == pytest.approx(5**-0.5)
    given_ = EnergyTransformer(
        normal(0, 3, 12), 4, query_weights=first.query_weights, key_weights=first.key_weights.tolist()
    )
    assert (given_.energy(normal(1, 2, 12)) == first.energy(normal(1, 2, 12))).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tokens": 5}, "tokens is 5, expected a divisor of n = 12"),
        ({"tokens": 0}, "tokens is 0, expected an integer from 1"),
        ({"tokens": 3, "heads": -1}, "heads is -1"),
        ({"tokens": 3, "key_size": 0}, "key_size is 0"),
        ({"tokens": 3, "seed": 0.5}, "seed is 0.5"),
        ({"tokens": 3, "step": 0}, "step is 0"),
        ({"tokens": 3, "beta": -1}, "beta is -1"),
        ({"tokens": 3, "epsilon": 0}, "epsilon is 0"),
        ({"tokens": 3, "bias": [1.0, 2.0]}, r"bias has shape \(2,\)"),
        ({"tokens": 3, "hidden": "relu"}, "hidden is 'relu', expected a Lagrangian"),
        ({"tokens": 3, "query_weights": np.zeros((1, 2, 4))}, "query_weights and key_weights go together"),
        (
            {"tokens": 3, "query_weights": np.zeros((1, 2, 3)), "key_weights": np.zeros((1, 2, 3))},
            r"have shapes \(1, 2, 3\) and \(1, 2, 3\), expected \(heads, key_size, 4\)",
        ),
    ],
)
def test_refuses(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EnergyTransformer(normal(0, 3, 12), **arguments)
