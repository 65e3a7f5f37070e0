"""The collapse: the variable that made the curves is found, predicts best what is held out, and is not made up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.training.collapse import FIXED, Collapse, collapse, difference, variable
from beyond_scaling.training.shared_curve import angle_of, exponent_of

from .made_cells import SIZES, data_sizes


def curves(p: float, noise: float = 0.1, seeds: int = 3, draw: int = 0, luck: float = 0.0) -> tuple[np.ndarray, ...]:
    """N, D, gap, seed of curves that fall on one over N/D^p, bent a little."""
    rng = np.random.default_rng(draw)
    table = []
    for N in SIZES.values():
        for seed in range(seeds):
            own = luck * rng.standard_normal()
            for D in data_sizes(N, 2.0, step=1.4):
                x = math.log(D) - (math.log(N) / p if p else 20 * math.log(N)) if math.isfinite(p) else math.log(D)
                x -= math.log(5e5) - (math.log(SIZES[72]) / p if p and math.isfinite(p) else 0)
                table.append((N, D, 0.2 * math.exp(-0.8 * x - 0.1 * x**2 + noise * rng.standard_normal() + own), seed))
    return tuple(np.array(column) for column in zip(*table, strict=True))


@pytest.fixture(scope="module")
def square() -> Collapse:
    found = collapse(*curves(2.0))
    assert found is not None
    return found


def test_the_exponent_is_found(square: Collapse) -> None:
    assert square.p == pytest.approx(2.0, abs=0.1)
    assert 2.0 in square.profile
    assert 2.0 in square.seeds
    assert square.profile.high - square.profile.low < 0.4
    assert set(square.by_seed) == {0, 1, 2}
    assert square.log_likelihood.max() <= square.candidates[0].log_likelihood + 1e-9
    assert square.left_out == 0


def test_the_right_variable_predicts_best(square: Collapse) -> None:
    free, *fixed = square.candidates
    assert [candidate.p for candidate in fixed] == list(FIXED)
    assert [candidate.name for candidate in fixed] == ["D alone", "N/D⁴", "N/D²", "N/D", "N alone"]
    for by in ("size", "seed"):
        assert square.best(by).p == 2.0
    held = {candidate.p: candidate.by_size for candidate in fixed}
    assert held[2.0].lead[0] - held[1.0].lead[0] > 20
    for p in (1.0, 4.0, math.inf, 0.0):
        total, error = difference(square.points, held[2.0], held[p])
        assert total > error > 0
    assert free.by_size.lead == (0.0, 0.0)
    assert fixed[2].noise == pytest.approx(0.1, rel=0.2)
    assert fixed[2].falls
    assert free.log_likelihood >= max(candidate.log_likelihood for candidate in fixed) - 1e-6


def test_limits_where_one_of_the_two_does_not_matter() -> None:
    alone = collapse(*curves(math.inf))
    assert alone.best().p == math.inf
    assert alone.profile.high > 30
    assert alone.candidates[0].p > 15


def test_held_out_scores_are_students_t() -> None:
    """By hand for one size: a curve fitted to the others, and the density of new points about it."""
    from scipy.stats import norm

    N, D, gap, seed = curves(2.0, noise=0.2)
    found = collapse(N, D, gap, seed, fixed=(2.0,))
    held = found.candidates[1].by_seed
    assert held.groups.tolist() == [0, 1, 2]
    assert len(held.scores) == len(N)
    # a hundred points to fit to: nearly normal about the true curve
    x = np.log(D / 5e5) - np.log(N / SIZES[72]) / 2
    truth = np.log(0.2) - 0.8 * x - 0.1 * x**2
    assert held.mean == pytest.approx(norm.logpdf(np.log(gap), truth, 0.2).mean(), abs=0.05)


def test_luck_of_a_row_makes_the_profile_too_narrow_and_the_seeds_not() -> None:
    found = collapse(*curves(2.0, noise=0.02, luck=0.15, draw=3))
    assert found.seeds.high - found.seeds.low > 1.5 * (found.profile.high - found.profile.low)
    assert 2.0 in found.seeds


def test_luck_that_sizes_share_is_the_seeds_own() -> None:
    N, D, gap, seed = curves(2.0, noise=0.05, draw=1)
    lucky = collapse(N, D, gap * np.exp(np.array([0.3, -0.2, 0.1])[seed]), seed, fixed=(2.0,))
    plain = collapse(N, D, gap, seed, fixed=(2.0,))
    assert lucky.p == pytest.approx(plain.p, abs=1e-3)
    assert lucky.profile == pytest.approx(plain.profile, abs=1e-2)
    assert lucky.candidates[1].noise == pytest.approx(plain.candidates[1].noise)
    assert lucky.candidates[1].by_size.mean == pytest.approx(plain.candidates[1].by_size.mean, abs=1e-6)
    # a seed that was not seen has no offset: its luck is noise, and it is predicted the worse for it
    assert lucky.candidates[1].by_seed.mean < plain.candidates[1].by_seed.mean - 0.5


def test_gaps_without_a_logarithm_are_counted() -> None:
    N, D, gap, seed = curves(2.0)
    gap[[3, 5]] = -0.01, 0.0
    gap[7] = np.nan
    found = collapse(N, D, gap, seed)
    assert found.left_out == 3
    assert len(found.points.N) == len(N) - 3


@settings(max_examples=3)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0.1, 10))
def test_units_do_not_matter(of_n: float, of_d: float, of_gap: float) -> None:
    N, D, gap, seed = curves(2.0, seeds=1)
    one, other = collapse(N, D, gap, seed, fixed=()), collapse(N * of_n, D * of_d, gap * of_gap, seed, fixed=())
    assert other.p == pytest.approx(one.p, rel=1e-3)
    assert other.profile == pytest.approx(one.profile, rel=1e-2)


def test_a_curve_to_draw(square: Collapse) -> None:
    for p in (2.0, 0.0, math.inf):
        x, y = square.curve(p, 51)
        assert x.shape == y.shape == (51,)
    x, y = square.curve(2.0)
    truth = x - math.log(5e5) + math.log(SIZES[72]) / 2
    inner = slice(10, -10)
    expected = math.log(0.2) - 0.8 * truth - 0.1 * truth**2
    np.testing.assert_allclose(y[inner], expected[inner], atol=0.08)


def test_a_covariate_takes_what_is_its_own() -> None:
    N, D, gap, seed = curves(2.0, noise=0.05)
    reads = np.random.default_rng(5).uniform(0, 3, len(N))
    blurred = gap * np.exp(0.7 * reads)
    with_it = collapse(N, D, blurred, seed, extra=reads[:, None], fixed=(2.0,))
    without = collapse(N, D, blurred, seed, fixed=(2.0,))
    assert with_it.p == pytest.approx(2.0, abs=0.1)
    assert with_it.candidates[1].noise < 0.1 < without.candidates[1].noise
    assert with_it.candidates[1].by_size.mean > without.candidates[1].by_size.mean + 1


def test_too_few_points_say_nothing() -> None:
    N, D, gap, seed = curves(2.0)
    assert collapse(N[:5], D[:5], gap[:5], seed[:5]) is None
    assert collapse([], [], [], []) is None
    one = SIZES[16] == N
    assert collapse(N[one], D[one], gap[one], seed[one]) is None
    two = (SIZES[24] >= N) & (seed == 0)
    found = collapse(N[two], D[two], gap[two], seed[two])
    assert found.seeds is None
    assert all(candidate.by_seed is None for candidate in found.candidates)
    assert found.candidates[0].by_size is None  # p cannot be had from one size
    assert found.candidates[1].by_size.lead is None
    assert found.best("seed").log_likelihood == max(c.log_likelihood for c in found.candidates[1:])


@pytest.mark.parametrize(("p", "name"), [(0, "N alone"), (1, "N/D"), (2.5, "N/D^2.5"), (math.inf, "D alone")])
def test_angles_and_names(p: float, name: str) -> None:
    assert exponent_of(angle_of(p)) == pytest.approx(p, abs=1e-12)
    assert variable(p) == name


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"gap has shape \(1,\), expected \(n,\)"):
        collapse([1, 2], [1, 2], [1], [0, 0])
    with pytest.raises(ValueError, match="D holds 0, expected positive"):
        collapse([1, 2], [1, 0], [1, 1], [0, 0])
    with pytest.raises(ValueError, match=r"extra has shape \(2,\), expected \(2, c\)"):
        collapse([1, 2], [1, 2], [1, 1], [0, 0], extra=[1, 2])
    with pytest.raises(ValueError, match="p is -1, expected at least 0"):
        angle_of(-1)
    found = collapse(*curves(2.0, seeds=2), fixed=())
    with pytest.raises(ValueError, match="scores by size and by seed"):
        difference(found.points, found.candidates[0].by_size, found.candidates[0].by_seed)
