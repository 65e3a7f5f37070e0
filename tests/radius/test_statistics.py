"""Numbers about distances and clouds: right, scale-free where they say so, with intervals that keep their promise."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.radius import statistics
from beyond_scaling.radius.statistics import cloud, dependence, describe, pair_up, scale_free


def nearest(points: np.ndarray) -> np.ndarray:
    """(m,) nearest distances by brute force; the two of a mutual pair are the same number."""
    squares = np.zeros((len(points), len(points)))
    for column in points.T:
        squares += (column[:, None] - column) ** 2
    np.fill_diagonal(squares, np.inf)
    return np.sqrt(squares.min(axis=1))


def share_covered(samples: list[np.ndarray], inflations: list[float | None], statistic: str) -> float:
    """Share of intervals that hold the average of the statistic over all samples."""
    found = [describe(sample, inflation=factor) for sample, factor in zip(samples, inflations, strict=True)]
    truth = np.mean([one[statistic] for one in found])
    return float(np.mean([one[f"{statistic}_low"] <= truth <= one[f"{statistic}_high"] for one in found]))


# --- describe ----------------------------------------------------------------------------------------------


def test_describe_gives_the_textbook_numbers():
    values = np.array([3.0, 0.0, 1.0, 2.0, 0.0, 10.0])
    found = describe(values)
    assert found["count"] == 6
    assert found["zeros"] == 2
    assert found["mean"] == pytest.approx(16 / 6)
    assert found["median"] == 1.5
    assert found["sd"] == pytest.approx(math.sqrt(((values - 16 / 6) ** 2).sum() / 5))
    assert (found["min"], found["max"]) == (0.0, 10.0)
    assert [found[key] for key in ("q05", "q25", "q75", "q95")] == pytest.approx(
        np.quantile(values, (0.05, 0.25, 0.75, 0.95))
    )
    assert found["mean_low"] < found["mean"] < found["mean_high"]
    assert found["median_low"] <= found["median"] <= found["median_high"]


@given(
    st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=2, max_size=40),
    st.integers(-30, 30),
    st.sampled_from((None, 1.0, 2.5)),
)
def test_a_power_of_two_as_unit_moves_every_length_and_nothing_else(values, power, inflation):
    unit = 2.0**power
    one, other = (describe(np.array(values) * scale, inflation=inflation) for scale in (1.0, unit))
    for key, value in one.items():
        factor = 1 if key in ("count", "zeros") else unit
        assert other[key] == pytest.approx(factor * value, rel=1e-12, abs=1e-12 * unit), key
    json.dumps(one, allow_nan=False)
    assert one["mean_low"] <= one["mean"] <= one["mean_high"]
    assert one["median_low"] <= one["median"] <= one["median_high"]


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly_the_same():
    values = np.random.default_rng(0).exponential(size=500)
    assert describe(values, seed=3) == describe(values, seed=3)
    one, other = describe(values, seed=3), describe(values, seed=4)
    assert one["mean_low"] != other["mean_low"]
    width = one["mean_high"] - one["mean_low"]
    assert abs(one["mean_low"] - other["mean_low"]) < 0.1 * width


def test_the_mean_interval_is_as_wide_as_theory_says_also_where_only_a_part_is_drawn(monkeypatch):
    values = np.random.default_rng(1).normal(100.0, 2.0, size=4000)
    wanted = 2 * 1.96 * values.std() / math.sqrt(4000)
    whole = describe(values)
    monkeypatch.setattr(statistics, "_MOST_DRAWN", 500)
    part = describe(values)
    for found in (whole, part):
        assert found["mean_high"] - found["mean_low"] == pytest.approx(wanted, rel=0.1)
    half = 1.2533 * values.std() / math.sqrt(4000) * 1.96
    assert whole["median_high"] - whole["median_low"] == pytest.approx(2 * half, rel=0.15)


def test_inflation_widens_both_intervals_by_that_factor():
    values = np.random.default_rng(2).normal(size=4000)
    one, three = (describe(values, inflation=factor) for factor in (1.0, 3.0))
    assert three["mean_high"] - three["mean"] == pytest.approx(3 * (one["mean_high"] - one["mean"]))
    ratio = (three["median_high"] - three["median_low"]) / (one["median_high"] - one["median_low"])
    assert ratio == pytest.approx(3, rel=0.15)


def test_a_mean_of_lengths_is_never_said_to_be_negative():
    few = np.zeros(100)
    few[:2] = 1.0, 2.0
    assert describe(few, inflation=3.0)["mean_low"] == 0.0
    assert describe(few - 1e-9, inflation=3.0)["mean_low"] < -0.01, "others may be"


def test_equal_values_pair_up_two_by_two():
    labels = pair_up(np.array([5.0, 1.0, 5.0, 0.0, 0.0, 0.0, 7.0]))
    groups = {tuple(np.flatnonzero(labels == label)) for label in np.unique(labels)}
    assert groups == {(3, 4), (5,), (1,), (0, 2), (6,)}


def test_pairs_count_once():
    singles = np.random.default_rng(3).normal(size=2000)
    twice = describe(np.concatenate([singles, singles]))
    once = describe(singles)
    assert twice["mean_high"] - twice["mean_low"] == pytest.approx(once["mean_high"] - once["mean_low"], rel=0.1)
    blind = describe(np.concatenate([singles, singles]), inflation=1.0)
    assert blind["mean_high"] - blind["mean_low"] == pytest.approx(
        (twice["mean_high"] - twice["mean_low"]) / math.sqrt(2), rel=0.1
    )


def test_intervals_hold_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(4)
    clouds = [generator.random((200, 5)) for _ in range(200)]
    samples = [nearest(points) for points in clouds]
    for statistic in ("mean", "median"):
        blind = share_covered(samples, [1.0] * 200, statistic)
        paired = share_covered(samples, [None] * 200, statistic)
        assert blind < 0.93 <= paired, statistic
    hubs = [generator.standard_normal((200, 100)) for _ in range(200)]
    samples = [nearest(points) for points in hubs]
    factors = [dependence(points) for points in hubs]
    assert share_covered(samples, [None] * 200, "mean") < 0.85  # as the docstring warns
    assert share_covered(samples, factors, "mean") >= 0.92


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0], "values has shape (1,)"),
        ([[1.0, 2.0]], "values has shape (1, 2)"),
        ([1.0, math.nan], "values holds NaN"),
        ([1.0, math.inf], "values holds NaN or infinity"),
        (["a", "b"], "expected (m,) real numbers"),
    ],
)
def test_describe_refuses_what_it_cannot_describe(values, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        describe(values)


def test_bad_settings_are_named():
    for bad in (0.0, -1.0, math.inf, math.nan, "2"):
        with pytest.raises(ValueError, match="inflation is"):
            describe([1.0, 2.0], inflation=bad)
    for bad in (-1, 1.5, True):
        with pytest.raises(ValueError, match="seed is"):
            describe([1.0, 2.0], seed=bad)
        with pytest.raises(ValueError, match="seed is"):
            cloud(np.eye(3), seed=bad)
    with pytest.raises(ValueError, match="sample is 2"):
        dependence(np.eye(3), sample=2)


# --- dependence --------------------------------------------------------------------------------------------


def test_dependence_is_the_jackknife_by_leaving_out():
    points = np.random.default_rng(5).standard_normal((40, 6))
    total = nearest(points).sum()
    without = np.array([nearest(np.delete(points, i, axis=0)).sum() for i in range(40)])
    influence = total - without
    assert dependence(points) == pytest.approx(influence.std() / nearest(points).std(), rel=1e-9)
    assert dependence(points) > 1


def test_dependence_of_a_sample_ignores_unit_and_place_and_knows_its_limits():
    points = np.random.default_rng(6).standard_normal((300, 8))
    one = dependence(points, sample=100, seed=1)
    assert dependence(3e7 * points + 1e9, sample=100, seed=1) == pytest.approx(one, rel=1e-4)
    assert dependence(torch.from_numpy(points), sample=100, seed=1) == one
    assert dependence(np.zeros((5, 2))) == 1.0
    assert dependence(points[:2]) == 1.0


# --- cloud -------------------------------------------------------------------------------------------------


def test_cloud_gives_the_textbook_numbers():
    points = np.random.default_rng(7).standard_normal((200, 5)) * [1, 2, 3, 4, 5] + 7
    found = cloud(points)
    covariance = np.cov(points, rowvar=False)
    assert found["rms_norm"] == pytest.approx(math.sqrt((points**2).sum(axis=1).mean()), rel=1e-12)
    assert found["spread"] == pytest.approx(math.sqrt(points.var(axis=0).sum()), rel=1e-12)
    assert found["effective_dimension"] == pytest.approx(
        np.trace(covariance) ** 2 / np.trace(covariance @ covariance), rel=1e-12
    )
    left, right = np.triu_indices(200, 1)
    pairs = np.linalg.norm(points[left] - points[right], axis=1)
    assert found["median_pair"] == pytest.approx(np.median(pairs), rel=1e-12)


def test_many_pairs_are_sampled_and_never_of_one_vector_with_itself(monkeypatch):
    points = np.random.default_rng(8).standard_normal((400, 3))
    exact = cloud(points)["median_pair"]
    assert cloud(points, seed=9)["median_pair"] == exact  # 79,800 pairs: all of them
    monkeypatch.setattr(statistics, "PAIRS", 79_000)
    assert cloud(points)["median_pair"] == pytest.approx(exact, rel=0.01)
    assert cloud(points)["median_pair"] != exact
    monkeypatch.setattr(statistics, "PAIRS", 2)  # of 3 pairs; with itself the distance would be 0
    assert all(cloud(np.array([[0.0], [1.0], [2.0]]), seed=seed)["median_pair"] >= 1 for seed in range(30))


def test_an_offset_of_ten_thousand_takes_no_digits():
    points = np.random.default_rng(9).standard_normal((300, 20))
    near, far = cloud(points), cloud(points + 1e4)
    for key in ("spread", "effective_dimension", "median_pair"):
        assert far[key] == pytest.approx(near[key], rel=1e-10)
    assert far["rms_norm"] == pytest.approx(1e4 * math.sqrt(20), rel=1e-3)


@given(st.integers(-400, 400), st.integers(0, 5))
def test_cloud_scales_with_the_unit_up_to_the_ends_of_float64(power, seed):
    points = np.random.default_rng(seed).standard_normal((7, 3))
    one, other = cloud(points), cloud(points * 2.0**power)
    for key in ("rms_norm", "spread", "median_pair"):
        assert other[key] / 2.0**power == pytest.approx(one[key], rel=1e-12)
    assert other["effective_dimension"] == pytest.approx(one["effective_dimension"], rel=1e-12)


def test_cloud_is_the_same_for_blocks_tensors_and_files(monkeypatch, tmp_path: Path):
    points = np.random.default_rng(10).standard_normal((90, 4)).astype(np.float32)
    whole = cloud(points)
    np.save(tmp_path / "points.npy", points)
    monkeypatch.setattr(statistics, "_BLOCK", 40)  # ten rows at a time
    for other in (points, np.load(tmp_path / "points.npy", mmap_mode="r"), torch.from_numpy(points)):
        assert cloud(other) == pytest.approx(whole, rel=1e-12)
    half = torch.from_numpy(points).bfloat16()
    assert cloud(half) == pytest.approx(cloud(half.double().numpy()), rel=1e-12)


def test_equal_vectors_have_no_spread():
    found = cloud(np.full((4, 3), 0.1, dtype=np.float32))
    assert found["spread"] == found["effective_dimension"] == found["median_pair"] == 0
    assert scale_free(describe(np.zeros(4)), found) == {
        f"{statistic}_over_rms_norm{end}": 0.0 for statistic in ("mean", "median") for end in ("", "_low", "_high")
    }


def test_scale_free_numbers_do_not_move_with_the_unit():
    points = np.random.default_rng(11).standard_normal((50, 4))
    one, other = (
        scale_free(describe(nearest(points * unit)), cloud(points * unit)) for unit in (1.0, 1024.0)
    )
    assert one == pytest.approx(other, rel=1e-12)
    found = describe(nearest(points))
    assert one["median_over_pair"] == pytest.approx(found["median"] / cloud(points)["median_pair"])
    assert one["mean_over_rms_norm_high"] == pytest.approx(found["mean_high"] / cloud(points)["rms_norm"])
    assert len(one) == 12


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (np.zeros(3), "vectors has shape (3,)"),
        (np.zeros((3, 0)), "vectors has shape (3, 0)"),
        (np.zeros((1, 3)), "vectors has 1 rows"),
        (np.zeros((3, 3), dtype=complex), "expected real numbers"),
        (np.array([[0.0], [np.nan]]), "NaN"),
        (torch.zeros((2, 2), dtype=torch.bool), "expected real numbers"),
        (torch.tensor([[0.0], [math.inf]]), "NaN or infinity"),
    ],
)
def test_cloud_refuses_what_is_no_cloud(vectors, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        cloud(vectors)
