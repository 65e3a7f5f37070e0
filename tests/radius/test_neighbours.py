"""Exact nearest neighbours: against brute force, in every awkward position."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.radius import neighbours
from beyond_scaling.radius.neighbours import nearest_distances, subset_order, subset_rows


def brute(vectors: np.ndarray) -> np.ndarray:
    """Distances (m,) to the nearest other row, by float64 differences of every pair."""
    x = np.asarray(vectors).astype(np.float64)
    out = np.empty(len(x))
    for i, row in enumerate(x):
        difference = np.delete(x, i, axis=0) - row
        size = np.abs(difference).max(axis=1)
        scale = np.where(size > 0, size, 1.0)  # neither overflow nor underflow
        out[i] = (scale * np.sqrt(((difference / scale[:, None]) ** 2).sum(axis=1))).min()
    return out


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    m=st.integers(2, 60),
    n=st.integers(1, 9),
    scale=st.sampled_from([1e-200, 1e-9, 1.0, 1e12, 1e301]),
    offset=st.sampled_from([0.0, 1.0, 1e6]),
    kind=st.sampled_from(["normal", "grid", "copies"]),
    seed=st.integers(0, 2**20),
)
def test_every_fraction_agrees_with_brute_force(
    m: int, n: int, scale: float, offset: float, kind: str, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(m, n)) if kind == "normal" else generator.integers(0, 3, (m, n)).astype(float)
    if kind == "copies":
        x = x[generator.integers(0, m, m)]
    x = (x + offset) * scale
    fractions = [f for f in (0.4, 0.6, 0.8, 1.0) if np.ceil(round(f * m, 9)) >= 2]
    found = nearest_distances(x, fractions, seed=seed)
    assert list(found) == fractions
    for fraction in fractions:
        rows = subset_rows(m, fraction, seed=seed)
        expected = brute(x[rows])
        assert found[fraction].dtype == np.float64
        np.testing.assert_allclose(found[fraction], expected, rtol=1e-9, atol=0)
        assert ((found[fraction] == 0) == (expected == 0)).all(), "duplicates, and only they, are at 0"


def test_many_blocks_agree_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(700, 6))
    whole = nearest_distances(x, (0.3, 0.77, 1.0))
    monkeypatch.setattr(neighbours, "ROWS", 64)
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 1)  # 256 columns
    pieces = nearest_distances(x, (0.3, 0.77, 1.0))
    for fraction, distances in whole.items():
        np.testing.assert_allclose(pieces[fraction], distances, rtol=1e-13)
    np.testing.assert_allclose(whole[1.0], brute(x), rtol=1e-12)


def test_what_products_cannot_tell_apart_is_settled_by_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    cluster = 5.0 + 1e-8 * generator.integers(0, 40, (150, 3))  # ties, far below the rounding of the products
    x = np.concatenate([cluster, generator.normal(size=(50, 3))])
    calls = []
    plain = neighbours._squared
    monkeypatch.setattr(neighbours, "_squared", lambda *a: calls.append(1) or plain(*a))
    found = nearest_distances(x)[1.0]
    np.testing.assert_allclose(found, brute(x), rtol=1e-12, atol=0)
    assert len(calls) > 1, "this set is meant to need a second look"


def test_subsets_are_nested_and_their_order_is_the_callers() -> None:
    x = np.random.default_rng(1).normal(size=(100, 4))
    order = np.roll(np.arange(100), 13)
    for fraction in (0.4, 1.0):
        rows = subset_rows(100, fraction, order=order)
        assert set(rows) == set(order[: round(100 * fraction)])
        found = nearest_distances(x, (fraction,), order=order)[fraction]
        np.testing.assert_allclose(found, brute(x[rows]), rtol=1e-14)
    assert set(subset_rows(100, 0.4)) < set(subset_rows(100, 0.6)) < set(subset_rows(100, 1.0))
    assert not np.array_equal(subset_order(100, 0), subset_order(100, 1))
    assert len(subset_rows(10, 0.7)) == 7, "0.7 * 10 is 7.000000000000001 in floats"
    smaller, larger = nearest_distances(x, (0.5, 1.0)).values()
    assert (larger[subset_rows(100, 0.5)] <= smaller).all(), "more company brings the nearest nearer"


def test_torch_and_numpy_agree_and_keep_their_kind() -> None:
    import torch

    x = np.random.default_rng(3).normal(size=(200, 5)).astype(np.float32)
    expected = nearest_distances(x, (0.4, 1.0))
    for given_ in (torch.from_numpy(x), torch.from_numpy(x).requires_grad_()):
        found = nearest_distances(given_, (0.4, 1.0))
        for fraction, distances in expected.items():
            assert found[fraction].dtype == torch.float64
            np.testing.assert_array_equal(found[fraction].numpy(), distances)
    half = torch.from_numpy(x).to(torch.bfloat16)
    np.testing.assert_allclose(nearest_distances(half)[1.0].numpy(), brute(half.float().numpy()), rtol=1e-12)
    integers = np.random.default_rng(0).integers(-100, 100, (50, 3))
    np.testing.assert_allclose(nearest_distances(integers)[1.0], brute(integers), rtol=1e-15)


def test_memory_mapped_vectors_do(tmp_path) -> None:  # type: ignore[no-untyped-def]
    x = np.random.default_rng(4).normal(size=(300, 7)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    found = nearest_distances(np.load(tmp_path / "x.npy", mmap_mode="r"))
    np.testing.assert_array_equal(found[1.0], nearest_distances(x)[1.0])


def test_memory_stays_bounded() -> None:
    x = np.random.default_rng(5).normal(size=(20_000, 2))  # all distances at once would take 3.2 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nearest_distances(x)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 5e8


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        (np.zeros(5), {}, r"vectors has shape \(5,\); expected \(m, n\)"),
        (np.zeros((5, 0)), {}, r"shape \(5, 0\)"),
        (np.zeros((1, 5)), {}, "1 rows; expected at least 2"),
        (np.zeros((5, 2), dtype=complex), {}, "dtype complex128"),
        (np.array([["a", "b"]] * 3), {}, "dtype <U1"),
        (np.array([[0.0, 1], [np.nan, 0], [2, 2]]), {}, "row 1 holds NaN or infinity"),
        (np.array([[0.0, 1], [1, 0], [2, np.inf]]), {}, "row 2 holds NaN or infinity"),
        (np.zeros((5, 2)), {"fractions": (0.0,)}, r"fractions holds 0\.0"),
        (np.zeros((5, 2)), {"fractions": (1.5,)}, r"fractions holds 1\.5"),
        (np.zeros((5, 2)), {"fractions": ("half",)}, "fractions holds 'half'"),
        (np.zeros((5, 2)), {"fractions": ()}, r"fractions is \(\); expected a sequence"),
        (np.zeros((5, 2)), {"fractions": 0.5}, r"fractions is 0\.5; expected a sequence"),
        (np.zeros((5, 2)), {"device": "nowhere"}, "device is 'nowhere'; expected one that torch knows"),
        (np.zeros((5, 2)), {"seed": -1}, "seed is -1; expected an integer"),
        (np.zeros((5, 2)), {"seed": "a"}, "seed is 'a'; expected an integer"),
        (np.zeros((5, 2)), {"fractions": (0.2,)}, r"fraction 0\.2 of 5 vectors is 1"),
        (np.zeros((5, 2)), {"order": [0, 1, 2, 3, 3]}, r"order has shape \(5,\).*permutation of 0\.\.\.4"),
        (np.zeros((5, 2)), {"order": [0, 1]}, "permutation"),
        (np.zeros((5, 2)), {"device": "mps"}, "float64"),
    ],
)
def test_bad_input_is_named(vectors: np.ndarray, options: dict, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=words):
        nearest_distances(vectors, **options)
