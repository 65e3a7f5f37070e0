"""What the continuous networks have in common: derivatives, descent, NumPy and torch, dtypes, known coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beyond_scaling import hopfield as hf

SIMILARITIES = ("dot", "euclidean", "manhattan", "cosine")
SEPARATIONS = ("identity", "polynomial", "softmax", "max")


def kernelised(patterns: Any) -> hf.Memory:
    n = patterns.shape[1]
    weights = np.eye(n) + np.triu(np.ones((n, n)), 1) / 2  # of full rank, and not symmetric
    weights = torch.asarray(weights).to(patterns) if isinstance(patterns, torch.Tensor) else weights
    return hf.KernelisedHopfield(patterns, 1.3, weights)


FAMILIES: dict[str, Callable[[Any], hf.Memory]] = {
    "modern": lambda patterns: hf.ModernHopfield(patterns, 1.3),
    "distance": lambda patterns: hf.DistanceMemory(patterns, 0.7),
    "clustering": lambda patterns: hf.ClusteringByMemory(patterns, 0.7, rate=0.3, steps=3),
    "outlier": lambda patterns: hf.OutlierEfficientHopfield(patterns, 1.3),
    "kernelised": kernelised,
}
for order in (1.0, 1.2, 1.5, 2.0, 3.0):
    FAMILIES[f"sparse {order}"] = lambda patterns, order=order: hf.SparseHopfield(patterns, 1.3, order)
for first in SIMILARITIES:
    for second in SEPARATIONS:
        FAMILIES[f"{first} {second}"] = lambda patterns, pair=(first, second): hf.UniversalHopfield(
            patterns, *pair, beta=1.3, degree=3
        )

every = pytest.mark.parametrize("name", FAMILIES)


def problem(seed: int = 0, d: int = 6, n: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((d, n)), rng.standard_normal((2, 3, n))


@every
def test_the_gradient_is_that_of_the_energy(name: str) -> None:
    patterns, x = problem()
    points = torch.tensor(x, requires_grad=True)
    memory = FAMILIES[name](torch.tensor(patterns))
    memory.energy(points).sum().backward()
    expected = points.grad.numpy()
    np.testing.assert_allclose(memory.gradient(x=torch.tensor(x)).numpy(), expected, atol=1e-11)
    assert np.abs(expected).max() > 1e-3


@every
def test_numpy_and_torch_agree(name: str) -> None:
    patterns, x = problem(1)
    ours, theirs = FAMILIES[name](patterns), FAMILIES[name](torch.tensor(patterns))
    known = np.array([True, False, False, True, False])
    for method in ("energy", "gradient", "update"):
        here, there = getattr(ours, method)(x), getattr(theirs, method)(torch.tensor(x))
        assert isinstance(here, np.ndarray)
        assert isinstance(there, torch.Tensor)
        assert here.shape == tuple(there.shape) == (x.shape[:-1] if method == "energy" else x.shape)
        np.testing.assert_allclose(here, there.numpy(), atol=1e-12)
    moved = ours.update(x, known)
    np.testing.assert_allclose(moved, theirs.update(torch.tensor(x), torch.tensor(known)).numpy(), atol=1e-12)
    assert (moved[..., known] == x[..., known]).all()
    assert np.isfinite(ours.retrieve(x).state).all()


@every
def test_single_precision_stays_and_is_near(name: str) -> None:
    patterns, x = problem(2)
    memory = FAMILIES[name](torch.tensor(patterns, dtype=torch.float32))
    wide = FAMILIES[name](torch.tensor(patterns))
    for method in ("energy", "gradient", "update"):
        narrow = getattr(memory, method)(torch.tensor(x))
        assert narrow.dtype == torch.float32
        np.testing.assert_allclose(narrow, getattr(wide, method)(torch.tensor(x)), atol=3e-5, rtol=3e-5)


@every
def test_batches_do_not_mix(name: str) -> None:
    patterns, x = problem(3)
    memory = FAMILIES[name](patterns)
    np.testing.assert_allclose(memory.update(x[1, 2]), memory.update(x)[1, 2], atol=1e-14)
    assert memory.energy(x[:0]).shape == (0, 3)


# Sixty-fourths: ties and equal patterns come up, and nothing underflows.
def grid(shape: Any) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.int64, shape, elements=st.integers(-256, 256)).map(lambda entries: entries / 64)


@every
@settings(max_examples=8)
@given(data=st.data())
def test_energy_never_rises_where_theory_says_so(name: str, data: st.DataObject) -> None:
    d, n = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    patterns, x = data.draw(grid((d, n))), data.draw(grid((8, n)))
    known = data.draw(arrays(np.bool_, (8, n)))
    if name.startswith("cosine"):
        assume((patterns != 0).any(axis=1).all())
        patterns = patterns / np.linalg.norm(patterns, axis=1, keepdims=True)
    memory = FAMILIES[name](patterns)
    if not memory.descends:
        assert name in NOT_DESCENDING
        return
    before = memory.energy(x)
    slack = 1e-12 * (1 + np.abs(before))
    assert (memory.energy(memory.update(x)) <= before + slack).all()
    if not name.startswith("cosine"):
        assert (memory.energy(memory.update(x, known)) <= before + slack).all()


NOT_DESCENDING = {
    "dot identity",
    "dot polynomial",
    "manhattan identity",
    "manhattan polynomial",
    "manhattan softmax",
}


@every
def test_which_networks_promise_to_descend(name: str) -> None:
    patterns, _ = problem()
    unit = patterns / np.linalg.norm(patterns, axis=1, keepdims=True)
    assert FAMILIES[name](unit).descends == (name not in NOT_DESCENDING)
    uneven = {"cosine identity", "cosine polynomial", "cosine softmax"}
    assert FAMILIES[name](patterns).descends == (name not in NOT_DESCENDING | uneven)


@every
def test_it_says_what_it_is(name: str) -> None:
    memory = FAMILIES[name](problem()[0])
    assert memory.title
    assert "20" in memory.source
    assert memory.domain == "real"


@pytest.mark.parametrize("kind", ["ModernHopfield", "DistanceMemory", "ClusteringByMemory", "SparseHopfield",
                                  "KernelisedHopfield", "OutlierEfficientHopfield"])  # fmt: skip
@pytest.mark.parametrize("beta", [0, -1.0, float("nan"), float("inf"), "1", True])
def test_beta_is_positive_and_finite(kind: str, beta: Any) -> None:
    with pytest.raises(ValueError, match="beta is"):
        getattr(hf, kind)([[1.0, 2.0]], beta)


def test_gradients_flow_to_patterns_and_beta() -> None:
    patterns, x = problem(4, d=3, n=2)
    for kind in (hf.ModernHopfield, hf.DistanceMemory, hf.SparseHopfield, hf.OutlierEfficientHopfield):
        stored = torch.tensor(patterns, requires_grad=True)
        beta = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)

        def read(stored: torch.Tensor, beta: torch.Tensor, kind: Any = kind) -> torch.Tensor:
            return kind(stored, beta).update(torch.tensor(x[0, :2]))

        assert torch.autograd.gradcheck(read, (stored, beta))
