"""The kernelised network and the kernel learnt by spreading patterns apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.hopfield import (
    KernelisedHopfield,
    ModernHopfield,
    learn_kernel,
    separation_gradient,
    separation_loss,
)

rng = np.random.default_rng(0)
PATTERNS, POINTS, WEIGHTS = rng.standard_normal((6, 4)), rng.standard_normal((5, 4)), rng.standard_normal((7, 4))


def correlated(seed: int, d: int = 24, n: int = 16) -> np.ndarray:
    """Patterns of length 4 that have much in common."""
    rng = np.random.default_rng(seed)
    patterns = 3 * rng.standard_normal((1, n)) + 0.8 * rng.standard_normal((d, n))
    return 4 * patterns / np.linalg.norm(patterns, axis=1, keepdims=True)


def test_without_weights_it_is_the_modern_network() -> None:
    ours, modern = KernelisedHopfield(PATTERNS, 2.0), ModernHopfield(PATTERNS, 2.0)
    for method in ("energy", "gradient", "update"):
        np.testing.assert_allclose(getattr(ours, method)(POINTS), getattr(modern, method)(POINTS), atol=1e-14)


def test_it_is_the_modern_network_of_mapped_patterns() -> None:
    ours, mapped = KernelisedHopfield(PATTERNS, 0.3, WEIGHTS), ModernHopfield(PATTERNS @ WEIGHTS.T, 0.3)
    np.testing.assert_allclose(ours.energy(POINTS), mapped.energy(POINTS @ WEIGHTS.T), atol=1e-12)
    np.testing.assert_allclose(ours.update(POINTS) @ WEIGHTS.T, mapped.update(POINTS @ WEIGHTS.T), atol=1e-12)
    kernel = (POINTS @ WEIGHTS.T) @ (PATTERNS @ WEIGHTS.T).T
    share = np.exp(0.3 * kernel) / np.exp(0.3 * kernel).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours.update(POINTS), share @ PATTERNS, atol=1e-12)


def test_known_coordinates_pull_the_free_ones() -> None:
    """The update is the minimum, over what is free, of the quadratic bound on E."""
    memory = KernelisedHopfield(PATTERNS, 0.3, WEIGHTS)
    known = np.array([True, False, True, False])
    moved, aim = memory.update(POINTS, known), memory.update(POINTS)
    force = (moved - aim) @ WEIGHTS.T @ WEIGHTS
    np.testing.assert_allclose(force[:, ~known], 0, atol=1e-11)
    assert np.abs(moved - np.where(known, POINTS, aim)).max() > 0.1


def test_the_loss_by_hand_and_its_gradient_by_autograd() -> None:
    unit = PATTERNS @ WEIGHTS.T
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    pairs = [np.exp(-1.5 * np.square(a - b).sum()) for a, b in itertools.combinations(unit, 2)]
    assert separation_loss(WEIGHTS, PATTERNS, 1.5) == pytest.approx(np.log(np.mean(pairs)), abs=1e-12)
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    separation_loss(weights, torch.tensor(PATTERNS), 1.5).backward()
    np.testing.assert_allclose(separation_gradient(WEIGHTS, PATTERNS, 1.5), weights.grad.numpy(), atol=1e-12)
    theirs = separation_gradient(torch.tensor(WEIGHTS), torch.tensor(PATTERNS), 1.5)
    np.testing.assert_allclose(theirs.numpy(), weights.grad.numpy(), atol=1e-12)
    assert separation_loss(5 * WEIGHTS, PATTERNS, 1.5) == pytest.approx(separation_loss(WEIGHTS, PATTERNS, 1.5))


@pytest.mark.parametrize("seed", range(3))
def test_learning_spreads_correlated_patterns_and_helps_retrieval(seed: int) -> None:
    patterns = correlated(seed)
    weights = learn_kernel(patterns, 50)
    assert separation_loss(weights, patterns) < separation_loss(np.eye(16), patterns) - 3
    mapped = patterns @ weights.T
    assert np.square(mapped).sum() == pytest.approx(np.square(patterns).sum())
    values = np.linalg.svdvals(weights)
    assert values[-1] > 0.0099 * values[0]
    # β is the same with and without the kernel, as is the size of the patterns.
    query = patterns + 0.1 * np.random.default_rng(seed).standard_normal(patterns.shape)
    right = [
        np.mean(np.linalg.norm(memory.retrieve(query).state - patterns, axis=1) < 0.1)
        for memory in (KernelisedHopfield(patterns, 2.0), KernelisedHopfield(patterns, 2.0, weights))
    ]
    assert right[0] == 0
    assert right[1] > 0.8


def test_the_loss_never_rises_and_learning_repeats() -> None:
    patterns = correlated(3, d=8, n=5)
    losses = [float(separation_loss(learn_kernel(patterns, steps), patterns)) for steps in range(1, 12)]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(losses))
    assert losses[-1] < losses[0]
    one, again, other = (learn_kernel(patterns, 5, seed=seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    ours, theirs = learn_kernel(patterns, 5), learn_kernel(torch.tensor(patterns), 5)
    np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-9)


@given(
    d=st.integers(2, 7),
    n=st.integers(1, 7),
    kind=st.sampled_from(("real", "sign", "common", "twice", "one pattern", "lengths")),
    dtype=st.sampled_from((np.float32, np.float64)),
    steps=st.sampled_from((1, 20, 60)),
    rate=st.sampled_from((0.1, 1.0, 1e3, 1e30)),
    t=st.sampled_from((0.1, 2.0, 100.0)),
    scale=st.sampled_from((1.0, 1e-30, 1e15)),
    seed=st.none() | st.integers(0, 99),
)
def test_what_is_learnt_is_always_a_kernel(
    d: int, n: int, kind: str, dtype: type, steps: int, rate: float, t: float, scale: float, seed: int | None
) -> None:
    rng = np.random.default_rng(10 * d + n)
    patterns = rng.standard_normal((d, n))
    if kind == "sign":
        patterns = np.sign(patterns)
    elif kind == "common":
        patterns = 3 * rng.standard_normal(n) + 0.01 * patterns
    elif kind == "twice":
        patterns[-1] = patterns[0]
    elif kind == "one pattern":
        patterns[:] = patterns[0]
    elif kind == "lengths":
        patterns *= 10.0 ** rng.uniform(-3, 3, size=(d, 1))
    patterns = (scale * patterns).astype(dtype)
    weights = learn_kernel(patterns, steps, rate, t, seed)
    assert weights.dtype == dtype
    KernelisedHopfield(patterns, 1.0, weights)  # which refuses what is not of full rank
    values = np.linalg.svdvals(weights)
    assert values[-1] > 0.0099 * values[0]


def test_a_start_that_is_all_but_singular_is_mended() -> None:
    """Opposite patterns are as far apart as can be, so nothing but the start decides."""
    patterns = np.array([[1.0] + [0.0] * 31, [-1.0] + [0.0] * 31])
    start = np.linalg.svdvals(np.random.default_rng(471).standard_normal((32, 32)))
    assert start[-1] < 1e-4 * start[0]
    values = np.linalg.svdvals(learn_kernel(patterns, 1, seed=471))
    assert values[-1] == pytest.approx(0.01 * values[0])


def test_the_scale_of_the_patterns_is_no_matter() -> None:
    patterns = correlated(5, d=4, n=6)
    for scale in (2.0**-550, 0.5, 2.0**400):
        assert (learn_kernel(scale * patterns, 10) == learn_kernel(patterns, 10)).all()


def test_it_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"weights has shape \(4, 3\), expected \(m, 4\)"):
        KernelisedHopfield(PATTERNS, 1.0, np.zeros((4, 3)))
    for flat in (np.zeros((4, 4)), np.ones((4, 4)), np.eye(3, 4)):
        with pytest.raises(ValueError, match="full column rank"):
            KernelisedHopfield(PATTERNS, 1.0, flat)
    with pytest.raises(ValueError, match="at least two"):
        learn_kernel(PATTERNS[:1])
    with pytest.raises(ValueError, match="maps to zero"):
        learn_kernel([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="steps is 0"):
        learn_kernel(PATTERNS, 0)
    with pytest.raises(ValueError, match="rate is"):
        learn_kernel(PATTERNS, 1, rate=-1)
    with pytest.raises(ValueError, match="t is"):
        learn_kernel(PATTERNS, 1, t=0)
