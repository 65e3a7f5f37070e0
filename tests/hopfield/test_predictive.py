"""The predictive-coding memory completes by regression: exact for one pattern more than known coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.hopfield import PredictiveCodingMemory


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_energy_is_the_prediction_error_weighted_by_precision() -> None:
    for d, n in [(3, 6), (20, 6), (1, 4)]:
        patterns, x = normal(0, d, n), normal(1, 5, n)
        covariance = np.cov(patterns.T, bias=True) if d > 1 else np.zeros((n, n))
        precision = np.linalg.inv(covariance + 0.01 * np.eye(n))
        offset = x - patterns.mean(axis=0)
        memory = PredictiveCodingMemory(patterns, epsilon=0.01)
        np.testing.assert_allclose(memory.energy(x), np.einsum("bi,ij,bj->b", offset, precision, offset) / 2, rtol=1e-9)
        np.testing.assert_allclose(memory.gradient(x), offset @ precision, rtol=1e-9, atol=1e-10)
        query = torch.tensor(x, requires_grad=True)
        energy = PredictiveCodingMemory(torch.tensor(patterns), epsilon=0.01).energy(query)
        (slope,) = torch.autograd.grad(energy.sum(), query)
        np.testing.assert_allclose(memory.gradient(x), slope.numpy(), rtol=1e-9, atol=1e-10)


def test_completion_is_the_regression_on_what_is_known() -> None:
    patterns, x = normal(2, 12, 7), normal(3, 4, 7)
    memory = PredictiveCodingMemory(patterns, epsilon=0.05)
    k, m = np.array([0, 3, 4]), np.array([1, 2, 5, 6])
    covariance, mean = np.cov(patterns.T, bias=True), patterns.mean(axis=0)
    gain = covariance[np.ix_(m, k)] @ np.linalg.inv(covariance[np.ix_(k, k)] + 0.05 * np.eye(3))
    known = np.isin(np.arange(7), k)
    completed = memory.complete(x, known)
    np.testing.assert_allclose(completed[:, m], mean[m] + (x[:, k] - mean[k]) @ gain.T, rtol=1e-11)
    assert (completed[:, k] == x[:, k]).all()
    assert np.abs(memory.gradient(completed)[:, m]).max() < 1e-9  # where the free coordinates have their least energy
    # Every query of a batch may know something else.
    masks = np.random.default_rng(4).random(size=(4, 7)) < 0.5
    one_by_one = [memory.complete(row, mask) for row, mask in zip(x, masks, strict=True)]
    np.testing.assert_allclose(memory.complete(x, masks), one_by_one, rtol=1e-12)


def test_left_free_it_forgets() -> None:
    patterns = normal(5, 4, 6)
    memory = PredictiveCodingMemory(patterns)
    found = memory.retrieve(patterns)
    assert found.settled.all()
    np.testing.assert_allclose(found.state, np.tile(patterns.mean(axis=0), (4, 1)), atol=1e-7)
    assert (memory.complete(patterns, np.zeros(6, dtype=bool)) == memory.mean).all()
    assert (memory.complete(patterns, np.ones(6, dtype=bool)) == patterns).all()


@pytest.mark.parametrize("count", [1, 4, 9])
def test_it_completes_as_many_patterns_as_known_coordinates_and_one(count: int) -> None:
    n = 12
    errors = {}
    for d in range(1, n + 4):
        patterns = normal(100 + d, d, n)
        known = np.arange(n) < count
        completed = PredictiveCodingMemory(patterns, epsilon=1e-12).complete(np.where(known, patterns, 0), known)
        errors[d] = np.abs(completed - patterns).max()
    exact = [d for d, error in errors.items() if error < 1e-4]
    assert exact == list(range(1, count + 2))
    assert min(error for d, error in errors.items() if d > count + 1) > 0.1


def test_general_position_is_needed() -> None:
    patterns = normal(6, 3, 8)
    known = np.arange(8) < 5
    patterns[1, known] = patterns[0, known]  # two patterns that what is known cannot tell apart
    completed = PredictiveCodingMemory(patterns, epsilon=1e-10).complete(np.where(known, patterns, 0), known)
    np.testing.assert_allclose(completed[0], completed[1])
    np.testing.assert_allclose(completed[0, ~known], patterns[:2, ~known].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(completed[2], patterns[2], atol=1e-6)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), step=st.sampled_from([0.1, 0.5, 1.0]))
def test_no_update_raises_the_energy_and_errors_shrink_by_the_step(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    memory = PredictiveCodingMemory(rng.normal(size=(rng.integers(1, 9), 6)), epsilon=1e-3, step=step)
    x, known = 3 * rng.normal(size=(5, 6)), rng.random(size=(5, 6)) < 0.5
    found = memory.retrieve(x, known=known, max_steps=5, path=True)
    assert (np.diff(found.energies, axis=0) <= 1e-11 * found.energies[0].max()).all()
    end = memory.complete(x, known)
    np.testing.assert_allclose(found.states[1] - end, (1 - step) * (x - end), atol=1e-9)
    assert (found.state[known] == x[known]).all()


def test_retrieval_arrives_at_the_completion() -> None:
    patterns = normal(7, 5, 10)
    known = np.arange(10) < 6
    for make in (np.asarray, torch.as_tensor):
        memory = PredictiveCodingMemory(make(patterns), epsilon=1e-9)
        query = make(np.where(known, patterns, 0))
        found = memory.retrieve(query, known=known)
        assert type(found.state) is type(memory.patterns)
        assert bool(found.settled.all())
        assert int(found.steps.max()) <= 40
        np.testing.assert_allclose(np.asarray(found.state), np.asarray(memory.complete(query, known)), atol=1e-7)
        np.testing.assert_allclose(np.asarray(found.state), patterns, atol=1e-6)


def test_gradients_flow_through_completion() -> None:
    memory = PredictiveCodingMemory(torch.tensor(normal(8, 5, 6)), epsilon=0.01)
    x = torch.tensor(normal(9, 2, 6), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: memory.complete(x, np.arange(6) < 3), (x,))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PredictiveCodingMemory([[1.0]], epsilon=0), "epsilon is 0"),
        (lambda: PredictiveCodingMemory([[1.0]], step=1.5), "step is 1.5, expected a share of the way"),
        (lambda: PredictiveCodingMemory([[1.0]]).complete([[1.0]], [0.5]), "known has dtype float64"),
    ],
)
def test_refuses(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
