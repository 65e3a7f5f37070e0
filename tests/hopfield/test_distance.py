"""The paper's energy with an inverse temperature: scaling, mean shift, and the modern network on a sphere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beyond_scaling import energy as en
from beyond_scaling.hopfield import DistanceMemory, ModernHopfield

rng = np.random.default_rng(0)
PATTERNS, POINTS = rng.standard_normal((6, 4)), rng.standard_normal((5, 4))


def test_at_one_it_is_the_papers_energy() -> None:
    memory = DistanceMemory(PATTERNS)
    assert (memory.energy(POINTS) == en.energy(POINTS, PATTERNS)).all()
    assert (memory.gradient(POINTS) == en.energy_gradient(POINTS, PATTERNS)).all()
    np.testing.assert_allclose(memory.update(POINTS), en.update(POINTS, PATTERNS), rtol=0, atol=1e-14)


def test_reference_numbers(golden: dict) -> None:
    for name in ("D1", "D2"):
        memory = DistanceMemory(golden["energies"][name]["patterns"])
        for point in golden["energies"][name]["points"]:
            assert memory.energy(point["x"]) == pytest.approx(point["E"], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("beta", [0.01, 0.5, 3.0, 200.0])
def test_the_formula_at_any_temperature(beta: float) -> None:
    squares = np.square(POINTS[:, None] - PATTERNS).sum(axis=-1)
    weights = np.exp(-beta * (squares - squares.min(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    expected = squares.min(axis=1) - np.log(np.exp(-beta * (squares - squares.min(axis=1)[:, None])).sum(axis=1)) / beta
    memory = DistanceMemory(PATTERNS, beta)
    np.testing.assert_allclose(memory.energy(POINTS), expected, atol=1e-12)
    np.testing.assert_allclose(memory.update(POINTS), weights @ PATTERNS, atol=1e-12)


@pytest.mark.parametrize("beta", [0.3, 1.0, 4.0])
def test_on_a_sphere_it_is_the_modern_network_at_twice_beta(beta: float) -> None:
    patterns = 2 * PATTERNS / np.linalg.norm(PATTERNS, axis=1, keepdims=True)
    ours, modern = DistanceMemory(patterns, beta), ModernHopfield(patterns, 2 * beta)
    np.testing.assert_allclose(ours.update(POINTS), modern.update(POINTS), atol=1e-12)
    np.testing.assert_allclose(ours.energy(POINTS), 2 * modern.energy(POINTS) - math.log(6) / beta, atol=1e-12)
    uneven = DistanceMemory(PATTERNS, beta).update(POINTS) - ModernHopfield(PATTERNS, 2 * beta).update(POINTS)
    assert np.abs(uneven).max() > 0.01


@pytest.mark.parametrize("beta", [0.25, 1.0, 9.0])
def test_two_patterns_are_told_apart_beyond_a_distance(beta: float) -> None:
    """E_β has two wells where β |ρ_1 - ρ_2|² > 2: the Hessian at the middle changes sign there."""
    for factor, apart in ((0.99, False), (1.01, True)):
        length = factor * math.sqrt(2 / beta)
        memory = DistanceMemory([[0.0], [length]], beta)
        ends = memory.retrieve([[0.0], [length]], max_steps=2000).state[:, 0]
        assert (ends[1] - ends[0] > 0.1 * length) == apart


def test_far_queries_go_to_the_nearest_pattern() -> None:
    memory = DistanceMemory([[0.0, 0.0], [1.0, 0.0]], 5.0)
    assert memory.retrieve([[1e8, 3.0], [-1e8, 3.0]]).state == pytest.approx(np.array([[1, 0], [0, 0]]), abs=0.01)
