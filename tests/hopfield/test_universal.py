"""Universal networks: which networks of the zoo they contain, where their energy descends, and where it does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from beyond_scaling import energy as en
from beyond_scaling.hopfield import DistanceMemory, ModernHopfield, UniversalHopfield

rng = np.random.default_rng(0)
PATTERNS, POINTS = rng.standard_normal((6, 4)), rng.standard_normal((5, 4))
SIMILARITIES = ("dot", "euclidean", "manhattan", "cosine")


# --- what it contains -----------------------------------------------------------------------------------------


def test_dot_and_softmax_is_the_modern_network() -> None:
    ours, modern = UniversalHopfield(PATTERNS, "dot", "softmax", 1.7), ModernHopfield(PATTERNS, 1.7)
    for method in ("energy", "gradient", "update"):
        assert (getattr(ours, method)(POINTS) == getattr(modern, method)(POINTS)).all()


def test_euclidean_and_softmax_is_the_papers_energy() -> None:
    ours = UniversalHopfield(PATTERNS, "euclidean", "softmax")
    assert (ours.energy(POINTS) == en.energy(POINTS, PATTERNS)).all()
    np.testing.assert_allclose(ours.update(POINTS), en.update(POINTS, PATTERNS), rtol=0, atol=1e-14)
    warm = UniversalHopfield(PATTERNS, "euclidean", "softmax", 0.3)
    assert (warm.energy(POINTS) == DistanceMemory(PATTERNS, 0.3).energy(POINTS)).all()


def test_dot_and_identity_is_the_classical_network_before_its_sign() -> None:
    binary = np.sign(rng.standard_normal((3, 21)))
    x = np.sign(rng.standard_normal((9, 21)))  # odd sums of odd numbers: no field is 0
    weights = binary.T @ binary / 21  # Hebb's rule, diagonal kept
    ours = UniversalHopfield(binary, "dot", "identity")
    assert (np.sign(ours.update(x)) == np.sign(x @ weights)).all()
    np.testing.assert_allclose(ours.gradient(x), -21 * x @ weights, atol=1e-11)
    np.testing.assert_allclose(ours.energy(x), -21 * np.vecdot(x @ weights, x) / 2, atol=1e-11)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_dot_and_power_is_the_dense_network_of_one_degree_more(degree: int) -> None:
    """E = -Σ_i (ρ_i·x)^(r + 1)/(r + 1): Krotov & Hopfield's polynomial energy, whose force is the power r."""
    ours = UniversalHopfield(PATTERNS, "dot", "polynomial", degree=degree)
    products = POINTS @ PATTERNS.T
    np.testing.assert_allclose(ours.energy(POINTS), -(products ** (degree + 1)).sum(axis=1) / (degree + 1), atol=1e-11)
    force = products**degree @ PATTERNS
    size = np.abs(products**degree).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours.update(POINTS), force / size, atol=1e-13)
    assert (UniversalHopfield(PATTERNS, degree=1, separation="polynomial").update(POINTS)
            == UniversalHopfield(PATTERNS, separation="identity").update(POINTS)).all()  # fmt: skip


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_max_is_the_nearest_pattern_and_the_end_of_softmax(similarity: Any) -> None:
    scores = {
        "dot": POINTS @ PATTERNS.T,
        "cosine": POINTS @ (PATTERNS / np.linalg.norm(PATTERNS, axis=1, keepdims=True)).T,
        "euclidean": -np.linalg.norm(POINTS[:, None] - PATTERNS, axis=2),
        "manhattan": -np.abs(POINTS[:, None] - PATTERNS).sum(axis=2),
    }[similarity]
    nearest = PATTERNS[scores.argmax(axis=1)]
    sharp = UniversalHopfield(PATTERNS, similarity, "max")
    assert (sharp.update(POINTS) == nearest).all()
    soft = UniversalHopfield(PATTERNS, similarity, "softmax", 1e4)
    np.testing.assert_allclose(soft.update(POINTS), nearest, atol=1e-6)
    np.testing.assert_allclose(soft.energy(POINTS), sharp.energy(POINTS), atol=1e-3)


def test_for_patterns_of_plus_and_minus_one_all_similarities_rank_alike() -> None:
    binary, x = np.sign(rng.standard_normal((9, 15))), np.sign(rng.standard_normal((40, 15)))
    first, *others = (UniversalHopfield(binary, similarity, "max").update(x) for similarity in SIMILARITIES)
    for other in others:
        assert (other == first).all()


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
@pytest.mark.parametrize("degree", [1, 2, 5])
def test_powers_of_a_distance_are_inverse_distance_weighting(similarity: Any, degree: int) -> None:
    apart = POINTS[:, None] - PATTERNS
    distances = np.abs(apart).sum(axis=2) if similarity == "manhattan" else np.square(apart).sum(axis=2)
    inverse = distances ** -float(degree)
    ours = UniversalHopfield(PATTERNS, similarity, "polynomial", degree=degree)
    np.testing.assert_allclose(ours.weights(POINTS), inverse / inverse.sum(axis=1, keepdims=True), atol=1e-12)
    mean = np.mean(distances ** (1.0 - degree), axis=1) ** (1 / (1 - degree)) if degree > 1 else None
    expected = np.log(distances).mean(axis=1) if mean is None else np.log(mean)
    np.testing.assert_allclose(ours.energy(POINTS), expected, atol=1e-12)
    np.testing.assert_allclose(ours.update(PATTERNS), PATTERNS, atol=1e-12)  # at a pattern it has all the weight
    assert np.isfinite(ours.energy(PATTERNS)).all()


def test_heteroassociation_reads_out_what_goes_with_the_pattern() -> None:
    partner = rng.standard_normal((6, 3))
    memory = UniversalHopfield(PATTERNS, "euclidean", "max", projection=partner)
    noisy = PATTERNS + 0.01 * rng.standard_normal((2, 6, 4))
    assert (memory.project(noisy) == partner).all()
    assert (memory.update(noisy) == PATTERNS).all()
    soft = UniversalHopfield(PATTERNS, "manhattan", "softmax", 2.0, projection=partner)
    np.testing.assert_allclose(soft.project(POINTS), soft.weights(POINTS) @ partner)
    alone = UniversalHopfield(PATTERNS, "manhattan", "softmax", 2.0)
    np.testing.assert_allclose(alone.project(POINTS), alone.update(POINTS), atol=1e-14)
    assert alone.project(POINTS[0]).shape == (4,)
    assert alone.project(POINTS[:0]).shape == (0, 4)


def test_distances_retrieve_what_dot_products_cannot() -> None:
    """Millidge et al.'s finding, on patterns of positive entries with half of the query wiped out."""
    images = np.random.default_rng(5).uniform(size=(40, 64)) ** 2
    wiped = np.where(np.arange(64) < 32, images, 0)
    right = {
        similarity: np.mean((UniversalHopfield(images, similarity, "max").update(wiped) == images).all(axis=1))
        for similarity in SIMILARITIES
    }
    assert right["dot"] < right["euclidean"] <= right["manhattan"]
    assert right["manhattan"] == 1


# --- where the energy rises -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("similarity", "separation", "degree", "patterns", "x"),
    [
        ("manhattan", "softmax", 1, [[0], [1], [10]], [1]),  # the median stays, the mean does not
        ("manhattan", "identity", 1, [[2], [-3], [-3]], [1]),
        ("manhattan", "polynomial", 2, [[2, 3], [0, -1], [-3, 3]], [-1, 3]),
        ("dot", "identity", 1, [[1, 0]], [2, 0]),  # a step that shortens x
        ("dot", "polynomial", 2, [[-2], [1]], [-3]),
        ("cosine", "softmax", 1, [[1, 0], [1, 0], [0, 10]], [1, 0]),  # the long pattern pulls more than its share
        ("cosine", "identity", 1, [[-2, -2], [0, 1]], [-1, -2]),
        ("cosine", "polynomial", 2, [[-math.sqrt(0.9), math.sqrt(0.1)], [1, 0]], [1, 0]),  # an even power
    ],
)
def test_where_nothing_is_promised_the_energy_can_rise(
    similarity: Any, separation: Any, degree: int, patterns: list, x: list
) -> None:
    memory = UniversalHopfield(patterns, similarity, separation, degree=degree)
    assert not memory.descends
    assert memory.energy(memory.update(x)) > memory.energy(x) + 0.005


# --- the edges ------------------------------------------------------------------------------------------------


def test_cosine_has_no_direction_at_zero() -> None:
    memory = UniversalHopfield(PATTERNS, "cosine", "softmax")
    assert (memory.gradient(np.zeros(4)) == 0).all()
    np.testing.assert_allclose(memory.update(np.zeros(4)), PATTERNS.mean(axis=0))
    assert memory.energy(1e-3 * POINTS) == pytest.approx(memory.energy(1e3 * POINTS))


def test_scores_of_zero_read_out_nothing_and_large_powers_do_not_overflow() -> None:
    with np.errstate(all="raise"):
        memory = UniversalHopfield([[1.0, 0.0]], "dot", "polynomial", degree=400)
        assert memory.update([[0.0, 1.0], [1e4, 1.0]]).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"similarity": "jaccard"}, "similarity is 'jaccard', expected one of dot, euclidean, manhattan, cosine"),
        ({"separation": "sharp"}, "separation is 'sharp', expected one of identity, polynomial, softmax, max"),
        ({"degree": 0}, "degree is 0"),
        ({"degree": 2.5}, "degree is 2.5"),
        ({"beta": 0}, "beta is 0"),
        ({"projection": [[1.0]]}, r"projection has shape \(1, 1\), expected \(2, m\)"),
        ({"similarity": "cosine"}, "a row of zeros"),
    ],
)
def test_it_says_what_is_wrong(arguments: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        UniversalHopfield([[1.0, 2.0], [0.0, 0.0]], **arguments)
