"""Clustering by associative memory: what it finds, what it cannot, and beside k-means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2

from beyond_scaling.hopfield import Clustering, ClusteringByMemory, DistanceMemory


def blobs(seed: int, apart: float, noise: float, each: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Three clusters in six dimensions, and which point is in which."""
    k, n = 3, 6
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(k), each)
    return (apart * rng.standard_normal((k, n)))[truth] + noise * rng.standard_normal((k * each, n)), truth


def purity(labels: np.ndarray, truth: np.ndarray) -> float:
    return sum(np.bincount(truth[labels == label]).max() for label in np.unique(labels)) / len(truth)


def inertia(prototypes: np.ndarray, data: np.ndarray) -> float:
    return np.square(data[:, None] - prototypes).sum(axis=2).min(axis=1).sum()


def completion_error(prototypes: np.ndarray, beta: float, data: np.ndarray) -> float:
    memory, rng = ClusteringByMemory(prototypes, beta), np.random.default_rng(99)
    known = rng.random((10, *data.shape)) >= 0.3
    found = memory.complete(np.where(known, data, data.mean(axis=0)), known)
    return np.square(found - data).sum() / (~known).sum()


def fit(data: np.ndarray, k: int, beta: float, **settings: float) -> Clustering:
    return ClusteringByMemory.fit(data, k, beta, **{"epochs": 40, "restarts": 1, **settings})


@pytest.fixture(scope="module")
def separated() -> tuple[np.ndarray, np.ndarray, Clustering]:
    data, truth = blobs(1, apart=3, noise=0.5)
    return data, truth, fit(data, 3, 0.3)


def test_clusters_far_apart_are_found(separated: tuple) -> None:
    _, truth, found = separated
    assert purity(found.labels, truth) == 1
    assert sorted(np.unique(found.labels)) == [0, 1, 2]
    assert found.prototypes.shape == (3, 6)
    assert found.labels.shape == (60,)


def test_the_loss_falls(separated: tuple) -> None:
    data, _, found = separated
    assert found.history.shape == (40,)
    assert found.history[-5:].mean() < 0.8 * found.history[0]
    assert found.error == found.history.min()
    assert found.error < np.square(data - data.mean(axis=0)).mean()  # better than the mean of the data


def test_the_same_seed_gives_the_same_prototypes() -> None:
    data, _ = blobs(1, apart=3, noise=0.5, each=8)
    one, again, other = (fit(data, 3, 0.3, epochs=5, restarts=1, batch=10, seed=seed) for seed in (0, 0, 1))
    assert (one.prototypes == again.prototypes).all()
    assert (one.prototypes != other.prototypes).any()
    theirs = ClusteringByMemory.fit(torch.tensor(data), 3, 0.3, epochs=5, restarts=1, batch=10)
    assert isinstance(theirs.prototypes, torch.Tensor)
    assert isinstance(theirs.labels, torch.Tensor)
    np.testing.assert_allclose(theirs.prototypes.numpy(), one.prototypes, atol=1e-12)


def test_beside_k_means_each_is_better_at_its_own() -> None:
    """On clusters that touch, k-means has the smaller inertia and the learnt prototypes complete better."""
    data, truth = blobs(3, apart=2, noise=1)
    found = fit(data, 3, 0.3)
    runs = [kmeans2(data, 3, minit="++", rng=seed)[0] for seed in range(5)]
    means = min(runs, key=lambda means: inertia(means, data))
    assert purity(found.labels, truth) > 0.95
    assert inertia(means, data) < 0.9 * inertia(found.prototypes, data)
    assert completion_error(found.prototypes, 0.3, data) < 0.8 * completion_error(means, 0.3, data)


def test_the_corners_of_a_square_cannot_be_learnt_by_completion() -> None:
    """One coordinate tells nothing of the other: the best guess is the mean, though the clusters are far apart."""
    rng = np.random.default_rng(1)
    corners = np.array([[0.0, 0], [6, 0], [0, 6], [6, 6]])
    data = np.repeat(corners, 15, axis=0) + 0.3 * rng.standard_normal((60, 2))
    ours = fit(data, 4, 0.3).prototypes
    assert completion_error(ours, 0.3, data) < completion_error(corners, 0.3, data)
    assert inertia(ours, data) > 10 * inertia(corners, data)


def test_gradients_flow_through_all_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    prototypes, x = (torch.randn(s, generator=generator, dtype=torch.float64) for s in ((3, 4), (5, 4)))
    known = torch.rand(5, 4, generator=generator) > 0.5

    def complete(prototypes: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        return ClusteringByMemory(prototypes, beta, rate=0.5, steps=4).complete(x, known)

    beta = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(complete, (prototypes.requires_grad_(), beta))


def test_a_step_is_part_of_mean_shift_and_labels_become_voronoi_cells() -> None:
    rng = np.random.default_rng(3)
    prototypes, x = rng.standard_normal((4, 3)), 2 * rng.standard_normal((200, 3))
    full = DistanceMemory(prototypes, 0.7).update(x)
    np.testing.assert_allclose(ClusteringByMemory(prototypes, 0.7, rate=0.25).update(x), x + (full - x) / 4, atol=1e-14)
    nearest = np.square(x[:, None] - prototypes).sum(axis=2).argmin(axis=1)
    assert (ClusteringByMemory(prototypes, 1e4).labels(x) == nearest).all()
    assert (ClusteringByMemory(prototypes, 0.1).labels(x) != nearest).any()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"k": 0}, "k is 0, expected an integer from 1 to 6"),
        ({"k": 7}, "k is 7, expected an integer from 1 to 6"),
        ({"beta": 0}, "beta is"),
        ({"rate": 1.5}, "rate is 1.5"),
        ({"steps": 0}, "steps is 0"),
        ({"hidden": 0}, "hidden is 0"),
        ({"hidden": 1.5}, "hidden is 1.5"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"draws": 0}, "draws is 0"),
        ({"restarts": 0}, "restarts is 0"),
        ({"learning_rate": -1}, "learning_rate is"),
    ],
)
def test_it_says_what_is_wrong(settings: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        ClusteringByMemory.fit(np.zeros((6, 2)), **{"k": 2, **settings})
