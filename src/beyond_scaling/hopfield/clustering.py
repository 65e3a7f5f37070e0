"""Clustering by associative memory: prototypes learnt by completing what is masked.

Saha et al., "End-to-end Differentiable Clustering with Associative Memories" (2023, ClAM). The prototypes are the
patterns of a distance memory. A point with some coordinates hidden takes a few steps towards them,

    x ← x + α Σ_μ (ρ_μ - x) softmax_μ(-β |x - ρ_μ|²)        in the hidden coordinates only,

and the prototypes move, by the gradient through all the steps, so that the hidden coordinates come out right. (Saha
et al.'s code has β/2 where we have β.) A cluster is what flows to one prototype; as β grows, clusters become Voronoi
cells. What is learnt serves completion, which is not the k-means objective: prototypes overshoot the centroids, and
where the coordinates of the clusters tell nothing of each other (the corners of a square) there is nothing to learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from .._arrays import Array, as_patterns, as_positive, plain
from ..energy import squared_distances
from ._whole import as_whole
from .distance import DistanceMemory


class ClusteringByMemory(DistanceMemory):
    """A distance memory of prototypes, with steps of part of the way. `fit` learns one from data.

    An update goes the fraction ``rate`` of a mean-shift step; any rate in (0, 2) keeps the energy from rising, and we
    take rates up to 1.

    Attributes:
        rate: α, in (0, 1].
        steps: T, how many updates a point takes when it is completed or labelled.
    """

    title = "Clustering by associative memory"
    source = "Saha et al. 2023"

    def __init__(self, patterns: Any, beta: Any = 1.0, rate: float = 0.4, steps: int = 5) -> None:
        super().__init__(patterns, beta)
        self.rate = float(plain(as_positive("rate", rate)))
        if self.rate > 1:
            raise ValueError(f"rate is {self.rate}, expected a number in (0, 1]")
        self.steps = as_whole("steps", steps)

    def _update(self, x: Array, known: Array | None) -> Array:
        return x + self.rate * (super()._update(x, known) - x)

    def complete(self, x: Any, known: Any = None) -> Array:
        """``steps`` updates from ``x``, shape (..., n); ``known`` coordinates stay. Differentiable in torch."""
        points = self._points(x)
        mask = self._known(known, points)
        for _ in range(self.steps):
            points = self._step(points, mask)
        return points

    def labels(self, x: Any) -> Array:
        """The cluster of each point, integers (...): the prototype nearest to where ``steps`` updates lead."""
        return self._xp.argmin(squared_distances(plain(self.complete(x)), plain(self.patterns)), axis=-1)

    @classmethod
    def fit(
        cls,
        data: Any,
        k: int,
        beta: float = 1.0,
        *,
        rate: float = 0.4,
        steps: int = 5,
        hidden: float = 0.3,
        epochs: int = 100,
        batch: int | None = None,
        draws: int = 4,
        learning_rate: float = 0.1,
        restarts: int = 3,
        seed: int = 0,
    ) -> Clustering:
        """Learn ``k`` prototypes of ``data`` (N, n) by Adam on the squared error of hidden coordinates.

        Each coordinate is hidden with probability ``hidden`` and starts from the data's mean: ``draws`` masks for
        each point, anew in every step. ``batch`` is how many points are in a step, None for all. ``beta`` is in one
        over squared data units and sets how soft the clusters are, ``learning_rate`` in units of the data's root mean
        square deviation. Prototypes start at data points far from each other (k-means++; Saha et al. start from
        Gaussian noise). Over all ``restarts`` and epochs, those with the least error on one fixed set of masks are
        kept.

        Raises:
            ValueError: for data that is not (N, n) with N ≥ k, and settings out of their ranges.
        """
        import torch

        _, points = as_patterns(plain(data))
        k = as_whole("k", k, 1, points.shape[0])
        if isinstance(hidden, bool) or not isinstance(hidden, Real) or not 0 < hidden <= 1:
            raise ValueError(f"hidden is {hidden!r}, expected a probability in (0, 1]")
        epochs, restarts, draws = (
            as_whole(name, value) for name, value in (("epochs", epochs), ("restarts", restarts), ("draws", draws))
        )
        batch = points.shape[0] if batch is None else as_whole("batch", batch)
        learning_rate = float(as_positive("learning_rate", learning_rate))
        cls(points[:1, :], beta, rate, steps)  # the rest of the settings, checked before any work

        x = points if isinstance(points, torch.Tensor) else torch.from_numpy(np.array(points))
        mean = torch.mean(x, dim=0)
        length = learning_rate * (float(torch.sqrt(torch.mean((x - mean) ** 2))) or 1.0)
        rng = np.random.default_rng(seed)

        def masks(count: int) -> Any:  # (draws * count, n), true where known
            return torch.from_numpy(rng.random((draws * count, x.shape[1])) >= hidden).to(x.device)

        def error(prototypes: Any, some: Any, known: Any) -> Any:  # mean square over the hidden coordinates
            rows = some.repeat(draws, 1)
            found = cls(prototypes, beta, rate, steps).complete(torch.where(known, rows, mean), known)
            return torch.sum((found - rows) ** 2) / torch.clip(torch.sum(~known), min=1)

        def epoch(prototypes: Any, optimiser: Any) -> None:
            order = torch.from_numpy(rng.permutation(x.shape[0])).to(x.device)
            for part in torch.split(order, batch):
                optimiser.zero_grad()
                error(prototypes, x[part], masks(len(part))).backward()
                optimiser.step()

        fixed = masks(x.shape[0])
        best, least, history = x[:k], float("inf"), []
        for _ in range(restarts):
            prototypes = _far_apart(x, k, rng).clone().requires_grad_(True)
            optimiser, errors = torch.optim.Adam([prototypes], lr=length), []
            for _ in range(epochs):
                epoch(prototypes, optimiser)
                learnt = prototypes.detach().clone()
                errors.append(float(error(learnt, x, fixed)))
                if errors[-1] < least:
                    best, least, history = learnt, errors[-1], errors
        memory = cls(best if isinstance(points, torch.Tensor) else best.numpy(), beta, rate, steps)
        return Clustering(memory, memory.labels(points), np.asarray(history), least)


@dataclass(frozen=True)
class Clustering:
    """What `ClusteringByMemory.fit` found.

    Attributes:
        memory: the network of the learnt prototypes.
        labels: (N,), the cluster of each point.
        history: (epochs,), the mean squared error of a hidden coordinate on the fixed masks after each epoch of the
            run that was kept, in squared data units.
        error: the least of it, that of the prototypes that were kept.
    """

    memory: ClusteringByMemory
    labels: Array
    history: np.ndarray
    error: float

    @property
    def prototypes(self) -> Array:
        """(k, n)"""
        return self.memory.patterns


def _far_apart(x: Any, k: int, rng: np.random.Generator) -> Any:
    """k rows of ``x``: each drawn with probability proportional to the squared distance from those before."""
    chosen = [int(rng.integers(x.shape[0]))]
    for _ in range(k - 1):
        nearest = np.asarray(squared_distances(x, x[chosen]).min(dim=-1).values.cpu(), dtype=float)
        total = nearest.sum()
        odds = nearest / total if total > 0 else None
        chosen.append(int(rng.choice(x.shape[0], p=odds)))
    return x[chosen]
