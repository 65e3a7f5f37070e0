"""α-entmax against an independent solver and its own optimality; the sparse network's exact retrieval, at its edge."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq

from beyond_scaling.hopfield import ModernHopfield, SparseHopfield, entmax, tsallis_entropy

ALPHAS = (1.0, 1.05, 1.25, 1.5, 2.0, 3.0, 8.0)
scores = arrays(float, st.integers(1, 7), elements=st.floats(-5, 5, allow_subnormal=False))


def resolution(alpha: float) -> float:
    """What rounding makes of a weight: for α > 2 it leaves zero with infinite slope."""
    return max(1e-12, 1e-14 ** (1 / (alpha - 1)) if alpha > 1 else 0)


def by_threshold(z: np.ndarray, alpha: float) -> np.ndarray:
    """p_i = [(α - 1) z_i - τ]₊^(1/(α - 1)), with τ from a root finder: Peters et al.'s own form."""
    if alpha == 1:
        return np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    scaled = (alpha - 1) * (z - z.max())

    def at(threshold: float) -> np.ndarray:
        return np.maximum(scaled - threshold, 0) ** (1 / (alpha - 1))

    return at(brentq(lambda threshold: at(threshold).sum() - 1, -1, 0, xtol=1e-15, rtol=1e-15))


@pytest.mark.parametrize("alpha", ALPHAS)
@settings(max_examples=20)
@given(z=scores)
def test_entmax_is_what_a_slow_solver_finds(alpha: float, z: np.ndarray) -> None:
    weights = entmax(z, alpha)
    np.testing.assert_allclose(weights, by_threshold(z, alpha), atol=resolution(alpha))
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_nothing_on_the_simplex_does_better(alpha: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = rng.standard_normal(5)
        others = np.vstack([np.eye(5), rng.dirichlet(np.ones(5), 200), rng.dirichlet(np.full(5, 0.1), 200)])
        best = entmax(z, alpha)
        near = 0.999 * best + 0.001 * others
        for rivals in (others, near):
            value = rivals @ z + tsallis_entropy(rivals, alpha)
            assert (value <= best @ z + tsallis_entropy(best, alpha) + 1e-12).all()


@pytest.mark.parametrize("alpha", ALPHAS)
def test_entmax_passes_gradients(alpha: float) -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: entmax(z, alpha), (z,))
    # Peters et al.: J = diag(s) - s sᵀ/Σs, s_i = p_i^(2 - α) on the support.
    jacobian = torch.autograd.functional.jacobian(lambda row: entmax(row, alpha), z.detach()[0])
    p = entmax(z.detach()[0].numpy(), alpha)
    s = np.where(p > 0, np.where(p > 0, p, 1) ** (2 - alpha), 0)
    np.testing.assert_allclose(jacobian.numpy(), np.diag(s) - np.outer(s, s) / s.sum(), atol=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_entmax_in_other_shapes_and_sizes(alpha: float) -> None:
    z = np.random.default_rng(1).standard_normal((3, 4, 5))
    np.testing.assert_allclose(entmax(z, alpha, axis=1), np.moveaxis(entmax(np.moveaxis(z, 1, -1), alpha), -1, 1))
    np.testing.assert_allclose(entmax(torch.tensor(z), alpha).numpy(), entmax(z, alpha), atol=resolution(alpha))
    np.testing.assert_allclose(entmax(z + 128, alpha), entmax(z, alpha), atol=100 * resolution(alpha))
    narrow = entmax(torch.tensor(z, dtype=torch.float32), alpha)
    assert narrow.dtype == torch.float32
    np.testing.assert_allclose(narrow, entmax(z, alpha), atol=max(1e-5, 1e-6 ** (1 / max(alpha - 1, 0.5))))
    np.testing.assert_allclose(narrow.sum(dim=-1), 1, atol=1e-6)
    with np.errstate(all="raise"):
        assert entmax([1e300, 0.0, -1e300], max(alpha, 1.05)).tolist() == [1, 0, 0]
    assert entmax([7.0], alpha).tolist() == [1]
    np.testing.assert_allclose(entmax(np.zeros(1000), alpha), 1e-3)


def test_known_sparsemaxes() -> None:
    assert entmax([0.5, 0.0], 2).tolist() == [0.75, 0.25]
    assert entmax([1.0, 0.0, -1.0], 2).tolist() == [1, 0, 0]
    np.testing.assert_allclose(entmax([0.1, 1.1, 0.2, 0.3], 2), [0, 0.9, 0, 0.1], atol=1e-15)


def test_the_larger_alpha_the_fewer_weights() -> None:
    z = np.random.default_rng(2).standard_normal((50, 20))
    supports = [(entmax(z, alpha) > 0).sum(axis=1) for alpha in ALPHAS]
    assert (supports[0] == 20).all()
    for more, fewer in itertools.pairwise(supports):
        assert (fewer <= more).all()
    np.testing.assert_allclose(entmax(z, 1 + 1e-8), entmax(z, 1), atol=1e-7)


@pytest.mark.parametrize("alpha", [1.25, 1.5, 2.0, 3.0])
def test_one_weight_has_it_all_from_the_margin_on(alpha: float) -> None:
    margin = 1 / (alpha - 1)  # a number that floating point holds
    assert entmax([margin, 0.0, 0.0], alpha).tolist() == [1, 0, 0]
    assert entmax([margin * (1 - 1e-3), 0.0, 0.0], alpha)[0] < 1


def test_entropies() -> None:
    uniform = np.full(4, 0.25)
    assert tsallis_entropy(uniform, 1) == pytest.approx(math.log(4))
    assert tsallis_entropy(uniform, 2) == pytest.approx((1 - 0.25) / 2)
    assert tsallis_entropy(uniform, 1 + 1e-9) == pytest.approx(math.log(4))
    assert tsallis_entropy([1.0, 0.0], 1.5) == 0


@pytest.mark.parametrize("alpha", [0.5, 0, -1, float("nan"), "2", True])
def test_alpha_is_at_least_one(alpha: Any) -> None:
    with pytest.raises(ValueError, match="alpha is"):
        entmax([1.0, 2.0], alpha)
    with pytest.raises(ValueError, match="alpha is"):
        SparseHopfield([[1.0, 2.0]], 1.0, alpha)


# --- the network ----------------------------------------------------------------------------------------------


def test_the_energy_is_its_formula_and_never_negative() -> None:
    rng = np.random.default_rng(3)
    patterns, x, beta = rng.standard_normal((6, 4)), 3 * rng.standard_normal((50, 4)), 1.7
    for alpha in ALPHAS:
        share = entmax(beta * x @ patterns.T, alpha)
        conjugate = (share * (beta * x @ patterns.T)).sum(axis=1) + tsallis_entropy(share, alpha)
        constant = tsallis_entropy(np.full(6, 1 / 6), alpha) / beta + np.square(patterns).sum(axis=1).max() / 2
        memory = SparseHopfield(patterns, beta, alpha)
        expected = np.square(x).sum(axis=1) / 2 - conjugate / beta + constant
        np.testing.assert_allclose(memory.energy(x), expected, atol=1e-11)
        assert memory.energy(x).min() >= 0


def test_softmax_is_where_it_starts() -> None:
    rng = np.random.default_rng(4)
    patterns, x = rng.standard_normal((6, 4)), rng.standard_normal((5, 4))
    modern = ModernHopfield(patterns, 1.7)
    assert (SparseHopfield(patterns, 1.7, 1).energy(x) == modern.energy(x)).all()
    assert SparseHopfield(patterns, 1.7, 1).margin == math.inf
    assert not SparseHopfield(patterns, 1.7, 1).stored_exactly().any()
    for method in ("energy", "update", "gradient"):
        near = getattr(SparseHopfield(patterns, 1.7, 1 + 1e-8), method)(x)
        np.testing.assert_allclose(near, getattr(modern, method)(x), atol=1e-7)


@pytest.mark.parametrize("alpha", [1.25, 1.5, 2.0, 3.0])
def test_retrieval_is_exact_from_the_margin_on(alpha: float) -> None:
    patterns = 2 * np.eye(3, 5)  # Δ = 4 for each
    edge = 1 / (4 * (alpha - 1))  # the β at which the margin is Δ
    at, below = SparseHopfield(patterns, edge, alpha), SparseHopfield(patterns, edge * (1 - 1e-3), alpha)
    assert at.margin == 4
    assert at.stored_exactly().all()
    assert (at.update(patterns) == patterns).all()
    assert not below.stored_exactly().any()
    assert (below.update(patterns) != patterns).any(axis=1).all()


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1.25, 1.5, 2.0, 3.0]), st.floats(0.1, 4))
def test_from_how_far_one_step_is_exact(seed: int, alpha: float, beta: float) -> None:
    """Within ε of ρ_i, if Δ_i ≥ margin + 2 M ε: Santos et al. 2024."""
    rng = np.random.default_rng(seed)
    patterns = 2 * rng.standard_normal((4, 6))
    memory = SparseHopfield(patterns, beta, alpha)
    products = patterns @ patterns.T
    gaps = np.diag(products) - np.where(np.eye(4) == 1, -np.inf, products).max(axis=1)
    reach = (gaps - memory.margin) / (2 * np.sqrt(np.diag(products)).max())
    assert (memory.stored_exactly() == (reach >= 0)).all()
    for pattern, radius in zip(patterns[reach > 0], reach[reach > 0], strict=True):
        step = rng.standard_normal((8, 6))
        x = pattern + 0.999 * radius * step / np.linalg.norm(step, axis=1, keepdims=True)
        assert (memory.update(x) == pattern).all()


def test_a_sparse_step_is_mostly_nearer_than_a_dense_one_but_not_always() -> None:
    """From a query whose best match is ρ_0: other patterns' pulls may cancel under softmax, and not under sparsemax."""
    rng = np.random.default_rng(0)
    nearer = []
    for _ in range(400):
        patterns = rng.standard_normal((4, 3))
        x = patterns[0] + 0.3 * rng.standard_normal(3)
        if (patterns @ x).argmax() == 0:
            dense, sparse = (SparseHopfield(patterns, 2.0, alpha).update(x) - patterns[0] for alpha in (1, 2))
            nearer.append(np.linalg.norm(sparse) <= np.linalg.norm(dense))
    assert 0.9 < np.mean(nearer) < 1
