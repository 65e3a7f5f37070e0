"""The outlier-efficient network: softmax with a 1 below, against its formula, the modern network, and outliers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from beyond_scaling.hopfield import ModernHopfield, OutlierEfficientHopfield, softmax_1

rng = np.random.default_rng(0)
PATTERNS, POINTS = rng.standard_normal((6, 4)), rng.standard_normal((5, 4))


def test_it_is_the_formula() -> None:
    beta = 0.8
    memory = OutlierEfficientHopfield(PATTERNS, beta)
    grown = np.exp(beta * POINTS @ PATTERNS.T)
    total = 1 + grown.sum(axis=1)
    constant = math.log(7) / beta + np.square(PATTERNS).sum(axis=1).max() / 2
    expected = -np.log(total) / beta + np.square(POINTS).sum(axis=1) / 2 + constant
    np.testing.assert_allclose(memory.energy(POINTS), expected, atol=1e-12)
    np.testing.assert_allclose(memory.update(POINTS), (grown / total[:, None]) @ PATTERNS, atol=1e-12)
    np.testing.assert_allclose(softmax_1(beta * POINTS @ PATTERNS.T), grown / total[:, None], atol=1e-15)


def test_it_is_the_modern_network_with_zero_stored_too() -> None:
    ours = OutlierEfficientHopfield(PATTERNS, 2.0)
    modern = ModernHopfield(np.vstack([PATTERNS, np.zeros(4)]), 2.0)
    for method in ("energy", "gradient", "update"):
        np.testing.assert_allclose(getattr(ours, method)(POINTS), getattr(modern, method)(POINTS), rtol=0, atol=1e-14)


def test_a_query_that_matches_nothing_goes_to_zero_and_one_that_matches_does_not() -> None:
    patterns = 4 * np.eye(3, 5)
    friend, foe = np.array([3.0, 0, 0, 1, 0]), np.array([-2.0, -2, -2, 1, 0])
    ours, modern = OutlierEfficientHopfield(patterns, 4.0), ModernHopfield(patterns, 4.0)
    np.testing.assert_allclose(ours.retrieve(friend).state, patterns[0], atol=1e-6)
    assert np.abs(ours.update(foe)).max() < 1e-12
    np.testing.assert_allclose(modern.update(foe), [4 / 3, 4 / 3, 4 / 3, 0, 0])


def test_a_right_angle_to_everything_is_not_yet_an_outlier() -> None:
    """All scores are 0 there, as is the added one, so each weighs 1/(d + 1)."""
    memory = OutlierEfficientHopfield(4 * np.eye(3, 5), 4.0)
    np.testing.assert_allclose(memory.update([0.0, 0, 0, 4, 0]), [1, 1, 1, 0, 0])


def test_softmax_1_does_not_overflow_and_passes_gradients() -> None:
    assert softmax_1([1e300, 0.0]).tolist() == [1.0, 0.0]
    assert softmax_1([-1e300, -1e300]).tolist() == [0.0, 0.0]
    assert softmax_1([[0.0, 1.0], [0.0, 2.0]], axis=0)[:, 0].tolist() == pytest.approx([1 / 3, 1 / 3])
    z = torch.tensor([[0.3, -1.0, 2.0], [-3.0, -2.0, -4.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(softmax_1, (z,))
