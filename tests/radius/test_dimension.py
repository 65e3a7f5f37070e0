"""Intrinsic dimension: exact neighbours, the two estimators on known surfaces, duplicates, what has no dimension."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.radius import dimension
from beyond_scaling.radius.dimension import distinct_rows, intrinsic_dimension, neighbour_distances
from beyond_scaling.radius.statistics import Rows


def rotated(points: np.ndarray, width: int, generator: np.random.Generator) -> np.ndarray:
    """(m, width): the points (m, k) in a random k-dimensional subspace."""
    axes = np.linalg.qr(generator.standard_normal((width, points.shape[1])))[0]
    return points @ axes.T


def brute(points: np.ndarray, rows: np.ndarray, neighbours: int) -> np.ndarray:
    """(q, k) sorted distances of some rows to the others, from differences."""
    found = []
    for row in rows:
        others = np.delete(points, row, axis=0).astype(np.float64)
        found.append(np.sort(np.linalg.norm(others - points[row].astype(np.float64), axis=1))[:neighbours])
    return np.array(found)


def swiss_roll(count: int, generator: np.random.Generator) -> np.ndarray:
    angle = 1.5 * np.pi * (1 + 2 * generator.random(count))
    return np.stack([angle * np.cos(angle), 20 * generator.random(count), angle * np.sin(angle)], axis=1)


# --- neighbours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "kind"),
    [(0.0, np.float32), (1e4, np.float32), (1e4, np.float64), (1e4, torch.float32), (0.0, torch.bfloat16)],
)
def test_neighbours_are_exact(monkeypatch, offset, kind):
    monkeypatch.setattr("beyond_scaling.radius.statistics._BLOCK", 700)  # many blocks
    generator = np.random.default_rng(0)
    points = generator.standard_normal((300, 7)) * 0.5 ** np.arange(7) + offset
    data = torch.from_numpy(points).to(kind) if isinstance(kind, torch.dtype) else points.astype(kind)
    source = Rows(data)
    exactly = source.take(np.arange(300))
    distinct = distinct_rows(source)
    chosen = np.arange(0, len(distinct), 11)
    found, where = neighbour_distances(source, distinct, chosen, 9)
    assert found == pytest.approx(brute(exactly[distinct], chosen, 9), rel=1e-12)
    pairs = np.linalg.norm(exactly[distinct[where]] - exactly[distinct[chosen]][:, None], axis=2)
    assert pairs == pytest.approx(found, rel=1e-12)


def test_neighbours_are_exact_where_products_cannot_tell_them_apart():
    generator = np.random.default_rng(1)
    tight = 1e-9 * generator.standard_normal((80, 3))  # two far clusters: squares of distances are all rounding
    points = np.concatenate([tight, [[1e3, 0, 0]] + 1e-9 * generator.standard_normal((80, 3))])
    chosen = np.array([0, 5, 100])
    found, where = neighbour_distances(Rows(points), np.arange(160), chosen, 4)
    assert (where != chosen[:, None]).all()
    assert found == pytest.approx(brute(points, chosen, 4), rel=1e-12)


@given(st.integers(4, 40), st.integers(1, 4), st.integers(0, 10**6))
@settings(max_examples=30)
def test_neighbours_agree_with_brute_force(count, width, seed):
    points = np.random.default_rng(seed).integers(0, 50, (count, width)).astype(np.float32)
    source = Rows(points)
    distinct = distinct_rows(source)
    assert np.array_equal(distinct, np.sort(np.unique(points, axis=0, return_index=True)[1]))
    if len(distinct) > 1:
        neighbours = min(5, len(distinct) - 1)
        chosen = np.arange(len(distinct))
        expected = brute(points[distinct], chosen, neighbours)
        assert neighbour_distances(source, distinct, chosen, neighbours)[0] == pytest.approx(expected, rel=1e-12)


# --- estimates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["cube", "gaussian"])
@pytest.mark.parametrize(("k", "slack"), [(1, 0.06), (2, 0.06), (5, 0.13), (10, 0.2), (20, 0.32)])
def test_known_dimensions_turned_into_a_wider_space(k, slack, shape):
    generator = np.random.default_rng(k)
    points = generator.random((3000, k)) if shape == "cube" else generator.standard_normal((3000, k))
    found = intrinsic_dimension(rotated(points, 32, generator), queries=1500)
    for name in ("two_nn", "mle"):
        assert found[name]["estimate"] == pytest.approx(k, rel=slack), name
        assert found[name]["low"] < found[name]["estimate"] < found[name]["high"]
    assert found["mle"]["neighbours"] == 20
    assert found["queries"] == 1500
    if k == 20:  # short of the truth, as documented
        assert found["two_nn"]["high"] < k
        assert found["mle"]["high"] < found["two_nn"]["estimate"]


def test_a_curved_sheet_has_two_dimensions():
    generator = np.random.default_rng(5)
    found = intrinsic_dimension(rotated(swiss_roll(4000, generator), 10, generator), seed=1)
    assert found["two_nn"]["low"] < 2 < found["two_nn"]["high"]
    assert found["mle"]["estimate"] == pytest.approx(2, rel=0.04)


@pytest.mark.parametrize("queries", [60, 400])
def test_intervals_are_as_wide_as_the_estimates_scatter(monkeypatch, queries):
    monkeypatch.setattr(dimension, "RESAMPLES", 200)
    generator = np.random.default_rng(6)
    found = []
    for _ in range(50):
        angles = 2 * np.pi * generator.random((400, 2))  # a flat torus: dimension 2, and no edges
        points = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        found.append(intrinsic_dimension(points, queries=queries))
    for name in ("two_nn", "mle"):
        estimate, low, high = (np.array([one[name][key] for one in found]) for key in ("estimate", "low", "high"))
        assert estimate.mean() == pytest.approx(2, rel=0.04)
        assert 0.75 < (np.log(high / low).mean() / 3.92) / np.log(estimate).std() < 1.35, name
        assert np.mean((low <= estimate.mean()) & (estimate.mean() <= high)) >= 0.84, name


def test_queries_that_share_neighbours_vary_together():
    values = np.random.default_rng(7).standard_normal(500)
    alone = np.arange(1500).reshape(500, 3)
    assert dimension._overlap(values, alone) == pytest.approx(1)
    twice = np.concatenate([values, values])
    assert dimension._overlap(twice, np.concatenate([alone, alone])) == pytest.approx(2**0.5)
    assert dimension._overlap(np.ones(500), alone) == 1


def test_two_nn_is_the_maximum_likelihood_of_a_censored_pareto():
    logs = np.array([0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 9.0])
    once = dimension._two_nn(logs, np.ones((1, 10)))
    assert once == pytest.approx(9 / (logs[:9].sum() + 1.0))
    weights = np.random.default_rng(7).multinomial(10, np.full(10, 0.1), size=5)
    for row, found in zip(weights, dimension._two_nn(logs, weights), strict=True):
        drawn = np.repeat(logs, row)
        assert found == pytest.approx(9 / (drawn[:9].sum() + drawn[8]))


@given(st.integers(-60, 60), st.sampled_from((0.0, 1.0, 1e4)), st.integers(0, 100))
@settings(max_examples=15)
def test_unit_and_place_do_not_matter(power, offset, seed):
    points = np.random.default_rng(seed).standard_normal((60, 5))
    one = intrinsic_dimension(points, seed=seed, queries=30)
    other = intrinsic_dimension((points + offset) * 2.0**power, seed=seed, queries=30)
    for name in ("two_nn", "mle"):
        assert other[name] == pytest.approx(one[name], rel=1e-6)


def test_the_same_seed_gives_the_same_answer_from_arrays_files_and_tensors(tmp_path: Path):
    points = np.random.default_rng(8).standard_normal((200, 6)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    one = intrinsic_dimension(points, seed=2, queries=50)
    assert intrinsic_dimension(np.load(tmp_path / "points.npy", mmap_mode="r"), seed=2, queries=50) == one
    for key, value in intrinsic_dimension(torch.from_numpy(points), seed=2, queries=50).items():
        assert value == pytest.approx(one[key], rel=1e-9)
    assert intrinsic_dimension(points, seed=3, queries=50) != one


# --- duplicates, and what has no dimension -----------------------------------------------------------------


def test_duplicates_count_once():
    points = np.random.default_rng(9).standard_normal((120, 3))
    doubled = np.concatenate([points, points[:50], points[:7]])
    alone, found = intrinsic_dimension(points), intrinsic_dimension(doubled)
    assert (alone["duplicates"], found["duplicates"]) == (0, 57)
    assert found["queries"] == 120
    for name in ("two_nn", "mle"):
        assert found[name] == pytest.approx(alone[name], rel=1e-9)


def test_zero_and_minus_zero_are_one_vector():
    assert intrinsic_dimension(np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 1.0]]))["duplicates"] == 1


def test_what_has_no_dimension_is_left_out():
    assert intrinsic_dimension(np.ones((9, 4))) == {"queries": 1, "duplicates": 8}
    assert intrinsic_dimension(np.arange(3.0)[:, None]) == {"queries": 3, "duplicates": 0}
    assert intrinsic_dimension(np.eye(6)) == {"queries": 6, "duplicates": 0}  # all distances are equal
    few = intrinsic_dimension(np.random.default_rng(10).standard_normal((6, 2)))
    assert few["mle"]["neighbours"] == 5
    json.dumps(few, allow_nan=False)


@pytest.mark.parametrize(
    ("vectors", "settings_", "words"),
    [
        (np.zeros(3), {}, "vectors has shape (3,)"),
        (np.array([[1.0], [np.nan]]), {}, "NaN or infinity"),
        (np.zeros((3, 2), dtype=bool), {}, "vectors has dtype bool"),
        (np.eye(3), {"queries": 0}, "queries is 0"),
        (np.eye(3), {"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_named(vectors, settings_, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        intrinsic_dimension(vectors, **settings_)
