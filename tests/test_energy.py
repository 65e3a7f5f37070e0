"""Energies, derivatives, updates and retrieval: against 50 digits, against autograd, and where numbers get
large."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beyond_scaling import energy as en

SETS = ("D1", "D2")
BETAS = (1.0, 2.0, 4.0)


def close(actual: Any, expected: Any, *, scale: float = 0.0, relative: float = 1e-12) -> None:
    """Equal to 1e-12 of the largest entry, or of the scale of the operands where the result may vanish."""
    expected = np.asarray(expected, dtype=float)
    bound = relative * max(scale, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(np.asarray(actual, dtype=float), expected, rtol=0, atol=bound)


# --- reference numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_energies_and_derivatives(golden: dict, name: str) -> None:
    data = golden["energies"][name]
    patterns = np.array(data["patterns"])
    assert len(data["points"]) == 10
    for point in data["points"]:
        x = np.array(point["x"])
        size = float(np.square(x[None] - patterns).sum(axis=1).max())
        close(en.energy(x, patterns), point["E"], scale=point["g"])
        close(en.nearest_distance(x, patterns), point["g"])
        assert int(en.squared_distances(x, patterns).argmin()) == point["nearest"]
        close(en.posterior(x, patterns), point["softmaxE"])
        close(en.effective_neighbours(x, patterns), np.exp(point["prop1_upper_slack"]))
        close(en.energy_gradient(x, patterns), point["gradE"], scale=np.sqrt(size))
        close(np.linalg.eigvalsh(en.energy_hessian(x, patterns)), point["hessE_eig"])
        for beta in BETAS:
            key = str(int(beta))
            close(en.mchn_energy(x, patterns, beta), point["MCHN"][key])
            close(en.mchn_gradient(x, patterns, beta), point["gradMCHN"][key], scale=np.sqrt(size))
            close(np.linalg.eigvalsh(en.mchn_hessian(x, patterns, beta)), point["hessMCHN_eig"][key])
            if key in point["negLSE"]:
                close(en.negative_lse(x, patterns, beta), point["negLSE"][key], scale=1)
            together = en.negative_lse(x, patterns, beta) + en.mchn_regulariser(x, patterns, beta)
            close(together, point["MCHN"][key], scale=size)


def test_figure_1_landscapes_by_hand() -> None:
    assert en.squared_distances([1.0, 1.0], [[0.0, 0.0], [1.0, 3.0]]).tolist() == [2.0, 4.0]
    assert en.nearest_distance([3.0], [[0.0]]) == 9.0
    close(en.negative_lse([0.0, 0.0], [[1.0, 2.0], [3.0, 4.0]], 2), -np.log(2) / 2)
    close(en.mchn_regulariser([3.0, 4.0], [[1.0, 0.0], [0.0, 2.0]], 2), 12.5 + np.log(2) / 2 + 2)


@pytest.mark.parametrize("key", ["D1:E", "D1:MCHN1", "D1:MCHN2", "D2:E", "D2:MCHN1", "D2:MCHN2"])
def test_retrieval_follows_the_reference(golden: dict, key: str) -> None:
    name, form = key.split(":")
    patterns = golden["energies"][name]["patterns"]
    beta = None if form == "E" else float(form[4:])
    for run in golden["updates"][key]:
        path = en.retrieve(run["x0"], patterns, beta)
        shared = min(len(path.points), len(run["iterates"]))
        assert shared >= 5
        close(path.points[:shared], run["iterates"][:shared])
        close(path.energies[:shared], run["energies"][:shared], scale=1)
        assert path.stopped == "converged"
        assert path.steps == len(path.points) - 1 == len(path.energies) - 1
        close(path.points[-1], run["limit"], relative=2e-12)
        assert (np.diff(path.energies) <= 1e-15 * np.abs(path.energies).max()).all()


def test_the_same_query_reaches_two_memories(figure_1: dict) -> None:
    by_energy = en.retrieve([0.0, 0.0], figure_1["D2"]).points[-1]
    by_attention = en.retrieve([0.0, 0.0], figure_1["D2"], 2.0).points[-1]
    assert np.linalg.norm(by_energy - [0.2, -0.3]) < 0.02
    assert np.linalg.norm(by_attention - [1.5, 1.5]) < 0.001


def test_equal_norms_make_the_energies_agree(golden: dict) -> None:
    case = golden["updates"]["equal_norm_identity"]
    x, patterns = np.array(case["x"]), np.array(case["patterns"])
    close(en.update(x, patterns), case["updateE"])
    close(en.mchn_update(x, patterns, 2), case["updateMCHN2"])
    close(en.mchn_update(x, patterns, 1), case["updateMCHN1"])
    close(en.energy(x, patterns), case["E"])
    close(2 * en.mchn_energy(x, patterns, 2) - np.log(3), case["twoMCHN2_minus_logd"])


def test_log_sum_exp(golden: dict) -> None:
    for case in golden["lemma2_3"]:
        close(en.log_sum_exp(case["x"]), case["LSE"])
    y = np.arange(24.0).reshape(2, 3, 4)
    for axis in (0, 1, 2, -1, -3):
        close(en.log_sum_exp(y, axis), np.log(np.exp(y).sum(axis=axis)))
    assert en.log_sum_exp([1e8, -1e8]) == 1e8
    assert en.log_sum_exp([-1e300, -1e300]) == -1e300


@pytest.mark.parametrize(
    ("y", "axis", "words"),
    [
        (1.0, -1, r"y has shape \(\), expected an axis -1"),
        ([1.0], 1, r"y has shape \(1,\), expected an axis 1"),
        (np.zeros((2, 0)), -1, r"expected at least one entry along axis -1"),
        ([np.inf], -1, r"y\[0\] is inf"),
    ],
)
def test_log_sum_exp_refuses(y: Any, axis: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        en.log_sum_exp(y, axis)


# --- derivatives, torch -----------------------------------------------------------------------------------


def case(seed: int, n: int, d: int, spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return torch.tensor(spread * rng.standard_normal(n)), torch.tensor(spread * rng.standard_normal((d, n)))


CASES = [(0, 1, 1, 1.0), (1, 1, 5, 2.0), (2, 2, 3, 1.0), (3, 3, 8, 0.5), (4, 6, 20, 1.0), (5, 2, 4, 30.0)]


@pytest.mark.parametrize("arguments", CASES)
@pytest.mark.parametrize("beta", [None, 0.5, 2.0])
def test_gradients_and_hessians_against_autograd(arguments: tuple, beta: float | None) -> None:
    x, patterns = case(*arguments)
    if beta is None:
        function, gradient, hessian = en.energy, en.energy_gradient, en.energy_hessian
        rest: tuple = ()
    else:
        function, gradient, hessian = en.mchn_energy, en.mchn_gradient, en.mchn_hessian
        rest = (beta,)
    scale = float(patterns.abs().max()) + 1
    slope = torch.autograd.functional.jacobian(lambda q: function(q, patterns, *rest), x)
    close(gradient(x, patterns, *rest), slope, scale=scale)
    curvature = torch.autograd.functional.hessian(lambda q: function(q, patterns, *rest), x)
    close(hessian(x, patterns, *rest), curvature, scale=scale**2)
    # The closed forms carry gradients themselves.
    turned = torch.autograd.functional.jacobian(lambda q: gradient(q, patterns, *rest), x)
    close(turned, curvature, scale=scale**2)


def test_gradients_reach_patterns_and_beta(figure_1: dict) -> None:
    x = torch.tensor([0.3, 0.1], dtype=torch.float64)
    patterns = torch.tensor(figure_1["D2"], requires_grad=True)
    beta = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: en.energy(x, p), (patterns,))
    assert torch.autograd.gradcheck(lambda p, b: en.mchn_energy(x, p, b), (patterns, beta))
    assert torch.autograd.gradcheck(lambda p, b: en.mchn_update(x, p, b), (patterns, beta))
    assert torch.autograd.gradcheck(lambda p: en.effective_neighbours(x, p), (patterns,))
    path = en.retrieve(x, patterns, max_steps=3)
    (slope,) = torch.autograd.grad(path.points[-1].sum(), patterns)
    assert slope.abs().sum() > 0.1


@pytest.mark.parametrize("arguments", CASES)
def test_torch_gives_numpys_numbers(arguments: tuple) -> None:
    _, patterns = case(*arguments)
    x = torch.tensor(np.random.default_rng(9).standard_normal((2, 3, patterns.shape[1])))
    plain = ["squared_distances", "nearest_distance", "energy", "energy_gradient", "energy_hessian", "update"]
    plain += ["posterior", "effective_neighbours"]
    at_beta = ["mchn_energy", "negative_lse", "mchn_regulariser", "mchn_gradient", "mchn_hessian"]
    at_beta += ["mchn_update", "mchn_posterior"]
    calls = [(getattr(en, name), ()) for name in plain] + [(getattr(en, name), (2,)) for name in at_beta]
    for call, rest in calls:
        ours = call(x, patterns, *rest)
        assert isinstance(ours, torch.Tensor)
        close(ours, call(x.numpy(), patterns.numpy(), *rest), scale=float(patterns.abs().max()) ** 2)
    path, same = en.retrieve(x[0, 0], patterns), en.retrieve(x[0, 0].numpy(), patterns.numpy())
    assert isinstance(path.energies, torch.Tensor)
    close(path.points[-1], same.points[-1], relative=1e-10)


# --- large and small numbers, against mpmath --------------------------------------------------------------


def exact(x: np.ndarray, patterns: np.ndarray, beta: float) -> dict[str, Any]:
    """E, MCHN, their gradients and log(effective neighbours) of the very float64 inputs, with 60 digits."""
    with mpmath.workdps(60):
        point = [mpmath.mpf(float(v)) for v in x]
        stored = [[mpmath.mpf(float(v)) for v in row] for row in patterns]
        squares = [mpmath.fsum((a - b) ** 2 for a, b in zip(point, row, strict=True)) for row in stored]
        products = [beta * mpmath.fsum(a * b for a, b in zip(point, row, strict=True)) for row in stored]
        norms = [mpmath.fsum(v * v for v in row) for row in stored]

        def mean(logits: list) -> list:
            top = max(logits)
            weights = [mpmath.exp(v - top) for v in logits]
            total = mpmath.fsum(weights)
            return [
                mpmath.fsum(w * row[k] for w, row in zip(weights, stored, strict=True)) / total
                for k in range(len(point))
            ]

        def lse(logits: list) -> Any:
            top = max(logits)
            return top + mpmath.log(mpmath.fsum(mpmath.exp(v - top) for v in logits))

        energy = -lse([-v for v in squares])
        half = mpmath.fsum(v * v for v in point) / 2
        return {
            "E": float(energy),
            "excess": float(min(squares) - energy),
            "MCHN": float(-lse(products) / beta + half + mpmath.log(len(stored)) / beta + max(norms) / 2),
            "gradE": [float(2 * (a - b)) for a, b in zip(point, mean([-v for v in squares]), strict=True)],
            "gradM": [float(a - b) for a, b in zip(point, mean(products), strict=True)],
        }


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("seed", range(4))
def test_a_small_spread_beside_a_large_offset(offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    patterns = rng.standard_normal((6, 3)) + offset
    x = rng.standard_normal(3) + offset
    want = exact(x, patterns, 2.0)
    close(en.energy(x, patterns), want["E"], scale=1)
    close(en.energy_gradient(x, patterns), want["gradE"], scale=1)
    close(en.log_sum_exp(np.log(en.posterior(x, patterns))), 0.0, scale=1)
    # MCHN is not translation invariant: its weights see ρ·x, and with it the rounding of x.
    close(en.mchn_energy(x, patterns, 2), want["MCHN"], scale=1 + offset)
    close(en.mchn_gradient(x, patterns, 2), want["gradM"], scale=1 + offset)


@pytest.mark.parametrize("far", [1e2, 1e5, 1e8])
def test_far_points_keep_their_weights(far: float) -> None:
    # On the bisector of the two nearest patterns, where squared distances of 1e16 differ by a few units.
    patterns = np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, -3.0]])
    direction = np.array([-0.5, 2.0]) / np.hypot(0.5, 2.0)
    x = np.array([0.0, 0.25]) + far * direction + np.array([0.1, 0.0])
    want = exact(x, patterns, 2.0)
    close(np.log(en.effective_neighbours(x, patterns)), want["excess"], relative=1e-7 if far > 1e6 else 1e-10)
    assert 0.1 < want["excess"] < np.log(2)
    close(en.energy(x, patterns), want["E"])
    close(en.energy_gradient(x, patterns), want["gradE"])
    close(en.mchn_energy(x, patterns, 2), want["MCHN"])
    mean = x - np.array(want["gradE"]) / 2
    close(en.update(x, patterns), mean, scale=far * 1e-3)


@pytest.mark.parametrize(
    ("d", "n", "scale"),
    [(3, 2, 1e8), (100_000, 1, 1.0), (100_000, 3, 1e8), (20, 10_000, 1.0), (3, 10_000, 1e8)],
)
def test_no_overflow_and_no_nan(d: int, n: int, scale: float) -> None:
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((d, n))
    x = scale * rng.standard_normal((2, n)) / np.sqrt(n)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        energy, nearest = en.energy(x, patterns), en.nearest_distance(x, patterns)
        assert (energy <= nearest).all()
        assert (nearest - np.log(d) <= energy * (1 + 1e-15)).all()
        for beta in (1e-3, 2.0, 1e3):
            assert np.isfinite(en.mchn_energy(x, patterns, beta)).all()
            assert np.isfinite(en.mchn_gradient(x, patterns, beta)).all()
        close(en.posterior(x, patterns).sum(axis=1), [1.0, 1.0])
        assert np.isfinite(en.energy_gradient(x, patterns)).all()
        if n < 100:
            assert np.isfinite(en.energy_hessian(x, patterns)).all()
            assert np.isfinite(en.mchn_hessian(x, patterns, 2)).all()


def test_energy_of_many_dimensions_is_exact() -> None:
    rng = np.random.default_rng(3)
    patterns, x = 0.02 * rng.standard_normal((5, 10_000)), 0.02 * rng.standard_normal(10_000)
    want = exact(x, patterns, 2.0)
    close(en.energy(x, patterns), want["E"])
    close(en.mchn_energy(x, patterns, 2), want["MCHN"])
    close(en.energy_gradient(x, patterns), want["gradE"])


def test_extreme_beta() -> None:
    patterns = np.array([[-2.0, 0.3], [0.0, 1.0], [1.0, -1.0]])
    x = np.array([0.4, -0.2])
    for beta in (1e-12, 1e-6, 1e-2, 1e3, 1e12):
        close(en.mchn_energy(x, patterns, beta), exact(x, patterns, beta)["MCHN"])
    # β → ∞: -max ρ·x; β → 0: -mean ρ·x.
    rest = (x @ x + max((patterns**2).sum(axis=1))) / 2
    close(en.mchn_energy(x, patterns, 1e300), -max(patterns @ x) + rest)
    close(en.mchn_energy(x, patterns, 1e-300), -(patterns @ x).mean() + rest)


def test_one_far_pattern_costs_no_digits() -> None:
    near = np.array([[0.0], [1.0], [1.3]])
    with_outlier = np.concatenate([near, [[1e8]]])
    x = np.array([0.6])
    close(en.energy(x, with_outlier), en.energy(x, near), relative=1e-15)
    close(en.energy_hessian(x, with_outlier), en.energy_hessian(x, near), relative=1e-15)


# --- properties -------------------------------------------------------------------------------------------

number = st.floats(-50, 50, allow_subnormal=False)


@st.composite
def points_and_patterns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    d, n = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    return draw(arrays(float, n, elements=number)), draw(arrays(float, (d, n), elements=number))


@given(points_and_patterns(), st.integers(-1000, 1000), st.randoms(use_true_random=False))
def test_symmetries_of_the_energy(case: tuple, move: int, random: Any) -> None:
    x, patterns = case
    scale = 1 + float(np.abs(en.squared_distances(x, patterns)).max())
    value = en.energy(x, patterns)
    order = list(range(len(patterns)))
    random.shuffle(order)
    close(en.energy(x, patterns[order]), value, scale=scale)
    # A dyadic grid, so that moving everything is itself exact.
    dyadic, grid = np.round(x * 1024) / 1024, np.round(patterns * 1024) / 1024
    close(en.energy(dyadic + move, grid + move), en.energy(dyadic, grid), scale=scale, relative=1e-14)
    doubled = np.concatenate([patterns, patterns])
    close(en.energy(x, doubled), value - np.log(2), scale=scale)
    close(en.mchn_energy(x, doubled, 2), en.mchn_energy(x, patterns, 2), scale=scale)
    close(en.update(x, doubled), en.update(x, patterns), scale=scale)


@given(points_and_patterns(), st.sampled_from([0.1, 1.0, 2.0, 8.0]))
def test_updates_descend_and_are_the_gradient(case: tuple, beta: float) -> None:
    x, patterns = case
    scale = 1 + float(np.abs(x).max()) ** 2 + float(np.abs(patterns).max()) ** 2
    moved = en.update(x, patterns)
    close(x - moved, en.energy_gradient(x, patterns) / 2, scale=scale)
    step = float(((x - moved) ** 2).sum())
    assert en.energy(x, patterns) - en.energy(moved, patterns) >= step - 1e-12 * scale
    moved = en.mchn_update(x, patterns, beta)
    close(x - moved, en.mchn_gradient(x, patterns, beta), scale=scale)
    step = float(((x - moved) ** 2).sum())
    drop = en.mchn_energy(x, patterns, beta) - en.mchn_energy(moved, patterns, beta)
    assert drop >= step / 2 - 1e-12 * scale


@given(points_and_patterns())
def test_weights_and_neighbours(case: tuple) -> None:
    x, patterns = case
    share = en.posterior(x, patterns)
    close(share.sum(), 1.0)
    count = en.effective_neighbours(x, patterns)
    assert 1 <= count <= len(patterns) * (1 + 1e-15)
    close(1 / share.max(), count)
    for hessian in (en.energy_hessian(x, patterns), en.mchn_hessian(x, patterns, 2)):
        assert (hessian == hessian.T).all()


@given(
    arrays(float, (2, 4), elements=st.floats(-700, 700, allow_subnormal=False)),
    st.floats(0, 1),
)
def test_lemma_1_log_sum_exp_is_convex(pair: np.ndarray, t: float) -> None:
    first, second = pair
    between = en.log_sum_exp(t * first + (1 - t) * second)
    chord = t * en.log_sum_exp(first) + (1 - t) * en.log_sum_exp(second)
    assert between <= chord + 1e-12 * (1 + np.abs(pair).max())


# --- retrieval --------------------------------------------------------------------------------------------


def test_retrieval_resolves_a_spread_beside_an_offset(figure_1: dict) -> None:
    patterns = figure_1["D2"] + 2.0**20
    path = en.retrieve(np.array([0.0, 0.0]) + 2.0**20, patterns)
    here = en.retrieve([0.0, 0.0], figure_1["D2"])
    assert path.stopped == "converged"
    close(path.points[-1] - 2.0**20, here.points[-1], relative=1e-9)
    close(path.energies, here.energies[: len(path.energies)], scale=1, relative=1e-9)
    assert en.retrieve(path.points[0], patterns, 2.0).stopped == "converged"


def test_retrieval_says_why_it_stopped() -> None:
    wells = [[-1.0], [1.0]]
    short = en.retrieve([0.5], wells, max_steps=np.int64(2))
    assert (short.stopped, short.steps, len(short.points)) == ("max_steps", 2, 3)
    still = en.retrieve([0.0], wells)
    assert (still.stopped, still.steps) == ("converged", 1)
    assert still.points.tolist() == [[0.0], [0.0]]
    rough = en.retrieve([0.5], wells, tolerance=0.1)
    assert rough.stopped == "converged"
    assert rough.steps < en.retrieve([0.5], wells).steps
    # At the pitchfork the steps shrink like a power, not geometrically.
    assert en.retrieve([0.5], [[-np.sqrt(0.5)], [np.sqrt(0.5)]], max_steps=500).stopped == "max_steps"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x": [[0.0, 0.0]]}, r"x has shape \(1, 2\), expected \(2,\): a single start"),
        ({"tolerance": 0.0}, "tolerance is 0.0, expected a positive"),
        ({"tolerance": np.nan}, "tolerance is nan, expected a positive"),
        ({"max_steps": 0}, "max_steps is 0, expected an integer"),
        ({"max_steps": 1.5}, "max_steps is 1.5, expected an integer"),
    ],
)
def test_retrieval_refuses(figure_1: dict, arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        en.retrieve(**{"x": [0.0, 0.0], "patterns": figure_1["D2"], **arguments})


def test_unknown_names_stay_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = en.nothing
