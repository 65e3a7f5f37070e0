"""Lagrangians: activations, Hessians and Legendre terms against autograd and torch's own layers, and convexity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beyond_scaling.hopfield import (
    ExponentialLagrangian,
    IdentityLagrangian,
    Lagrangian,
    LayerNormLagrangian,
    PowerLagrangian,
    SoftmaxLagrangian,
    SphericalLagrangian,
    TanhLagrangian,
)

CONVEX = [
    IdentityLagrangian(),
    PowerLagrangian(2),
    PowerLagrangian(3),
    PowerLagrangian(4, rectified=False),
    ExponentialLagrangian(0.7),
    TanhLagrangian(2.0),
    SoftmaxLagrangian(1.5),
    SphericalLagrangian(2.0, 0.1),
    LayerNormLagrangian(1.5, [0.3, -1.0, 0.5, 2.0], 0.1),
]
ALL = [*CONVEX, PowerLagrangian(3, rectified=False)]
KINDS = [np.asarray, torch.as_tensor]
points = arrays(np.float64, 4, elements=st.floats(-3, 3, width=32))


def name(value: Any) -> str:
    return type(value).__name__ + str(getattr(value, "degree", ""))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lagrangian", ALL, ids=name)
def test_closed_forms_are_what_autograd_says(lagrangian: Lagrangian, kind: Any) -> None:
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(3, 5, 4)), requires_grad=True)
    v = torch.tensor(rng.normal(size=(3, 5, 4)))
    value = lagrangian.value(x)
    assert value.shape == (3, 5)
    (g,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (hv,) = torch.autograd.grad((g * v).sum(), x)
    legendre = (g * x).sum(-1) - value
    same = kind(x.detach().numpy())
    for found, expected in [
        (lagrangian.value(same), value),
        (lagrangian.activation(same), g),
        (lagrangian.hessian_product(same, kind(v.numpy())), hv),
        (lagrangian.legendre(same), legendre),
    ]:
        assert type(found) is type(same)
        np.testing.assert_allclose(np.asarray(found), expected.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("lagrangian", ALL, ids=name)
def test_dtype_is_kept_and_lists_are_taken(lagrangian: Lagrangian) -> None:
    x = np.array([0.5, -1.0, 2.0, 0.0])
    single = lagrangian.activation(torch.tensor(x, dtype=torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), lagrangian.activation(x.tolist()), rtol=1e-5, atol=1e-6)


def hessian(lagrangian: Lagrangian, x: np.ndarray) -> np.ndarray:
    return lagrangian.hessian_product(np.tile(x, (len(x), 1)), np.eye(len(x)))


@given(lagrangian=st.sampled_from(CONVEX), x=points, y=points)
def test_convex_ones_have_positive_semidefinite_hessians(lagrangian: Lagrangian, x: np.ndarray, y: np.ndarray) -> None:
    assert lagrangian.convex
    matrix = hessian(lagrangian, x)
    size = 1 + np.abs(matrix).max()
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-12 * size)
    assert np.linalg.eigvalsh(matrix).min() >= -1e-12 * size
    # L(y) lies above its tangent at x; so the Legendre term g·x - L is the largest of g·y - L(y).
    tangent = np.dot(lagrangian.activation(x), y) - lagrangian.legendre(x)
    assert lagrangian.value(y) >= tangent - 1e-10 * (1 + abs(tangent))


@pytest.mark.parametrize("lagrangian", [each for each in ALL if each.additive], ids=name)
def test_additive_ones_have_diagonal_hessians(lagrangian: Lagrangian) -> None:
    matrix = hessian(lagrangian, np.array([1.0, 0.5, -1.0, 2.0]))
    assert not (matrix - np.diag(np.diag(matrix))).any()


@pytest.mark.parametrize("lagrangian", [each for each in ALL if not each.additive], ids=name)
def test_the_others_couple_their_neurons(lagrangian: Lagrangian) -> None:
    matrix = hessian(lagrangian, np.array([1.0, 0.5, -1.0, 2.0]))
    assert np.abs(matrix - np.diag(np.diag(matrix))).max() > 0.01


def test_an_odd_power_is_not_convex() -> None:
    cubic = PowerLagrangian(3, rectified=False)
    assert not cubic.convex
    assert hessian(cubic, np.array([-2.0]))[0, 0] == -4


@settings(max_examples=20)
@given(x=points)
def test_layer_normalisation_has_the_eigenvalues_it_says(x: np.ndarray) -> None:
    gamma, epsilon = 1.5, 0.1
    variance = x.var() + epsilon
    expected = np.sort([0, gamma * epsilon / variance**1.5, *2 * [gamma / np.sqrt(variance)]])
    found = np.linalg.eigvalsh(hessian(LayerNormLagrangian(gamma, [0.3, -1.0, 0.5, 2.0], epsilon), x))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_they_are_the_layers_that_torch_has() -> None:
    x = torch.tensor(np.random.default_rng(1).normal(size=(6, 9)))
    bias = torch.linspace(-1, 1, 9, dtype=torch.float64)
    for found, expected in [
        (PowerLagrangian(2).activation(x), torch.relu(x)),
        (TanhLagrangian().activation(x), torch.tanh(x)),
        (SoftmaxLagrangian(2.0).activation(x), torch.softmax(2 * x, -1)),
        (SoftmaxLagrangian(2.0).value(x), torch.logsumexp(2 * x, -1) / 2),
        (LayerNormLagrangian(1.0, bias).activation(x), torch.nn.functional.layer_norm(x, (9,), bias=bias)),
        (SphericalLagrangian(epsilon=1e-20).activation(x), torch.nn.functional.normalize(x, dim=-1)),
    ]:
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_large_and_flat_states_stay_finite() -> None:
    far = np.array([1e5, -1e5, 0.0, 1.0])
    assert TanhLagrangian(2.0).value(far) == pytest.approx(2e5 + 1 + (np.log1p(np.exp(-4)) - 3 * np.log(2)) / 2)
    assert SoftmaxLagrangian(3.0).value(far) == 1e5
    assert SoftmaxLagrangian(3.0).legendre(far) == 0
    assert SoftmaxLagrangian(0.5).legendre(np.full(4, -1e5)) == pytest.approx(-2 * np.log(4))
    assert LayerNormLagrangian(bias=0.5).activation(np.full(4, 7.0)).tolist() == 4 * [0.5]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PowerLagrangian(1), "degree is 1, expected an integer from 2"),
        (lambda: PowerLagrangian(2.5), "degree is 2.5"),
        (lambda: TanhLagrangian(0), "beta is 0.0, expected a positive finite number"),
        (lambda: SoftmaxLagrangian(float("inf")), "beta is inf"),
        (lambda: ExponentialLagrangian(-1), "beta is -1"),
        (lambda: SphericalLagrangian(epsilon=0), "epsilon is 0"),
        (lambda: LayerNormLagrangian(gamma=-1), "gamma is -1"),
        (lambda: LayerNormLagrangian(bias=[[1.0]]), r"bias has shape \(1, 1\), expected \(\) or \(n,\)"),
        (lambda: LayerNormLagrangian(bias=[1.0, 2.0]).value([1, 2, 3]), r"bias has shape \(2,\)"),
        (lambda: TanhLagrangian().value([1.0, np.nan]), r"x\[1\] is nan"),
    ],
)
def test_refuses(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
