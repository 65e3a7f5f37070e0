"""A control: as many vectors drawn from the Gaussian of the measured vectors' mean and covariance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_BLOCK = 1 << 22  # numbers of float64 at a time


@dataclass(frozen=True)
class Moments:
    """`mean` (n,) of vectors, and a `root` (n, n) of their covariance: root @ root.T."""

    mean: np.ndarray
    root: np.ndarray


def gaussian_like(vectors: Any, generator: np.random.Generator) -> np.ndarray:
    """(m, n) draws from the Gaussian with the mean and covariance of `vectors` (m, n), in its dtype.

    Memory beside the result: a few blocks and (n, n), also for a memory-mapped array.
    """
    return drawn(moments_of(vectors), vectors, generator)


def moments_of(vectors: Any) -> Moments:
    """Mean and covariance of `vectors` (m, n), in float64 and block by block."""
    count, width = vectors.shape
    mean = sum(block.sum(axis=0) for _, block in _blocks(vectors)) / count
    covariance = np.zeros((width, width))
    for _, block in _blocks(vectors):
        covariance += (block - mean).T @ (block - mean)
    values, axes = np.linalg.eigh(covariance / max(1, count - 1))
    return Moments(mean, axes * np.sqrt(values.clip(min=0)))


def drawn(moments: Moments, vectors: Any, generator: np.random.Generator) -> np.ndarray:
    """Draws of the shape and dtype of `vectors` (m, n), with the given moments."""
    found = np.empty(vectors.shape, dtype=vectors.dtype)
    for start, block in _blocks(vectors):
        found[start : start + len(block)] = moments.mean + generator.standard_normal(block.shape) @ moments.root.T
    return found


def _blocks(vectors: Any) -> Iterator[tuple[int, np.ndarray]]:
    rows = max(1, _BLOCK // vectors.shape[1])
    for start in range(0, len(vectors), rows):
        yield start, np.asarray(vectors[start : start + rows], dtype=np.float64)
