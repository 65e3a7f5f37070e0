"""The modern network: attention, Ramsauer et al.'s Theorem 3, and when a pattern is surely stored."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling import energy as en
from beyond_scaling.hopfield import ModernHopfield, attention, ramsauer_capacity


def test_it_is_the_books_mchn(figure_1: dict[str, np.ndarray]) -> None:
    x = np.linspace(-3, 3, 14).reshape(7, 2)
    memory = ModernHopfield(figure_1["D2"], 2.0)
    assert (memory.energy(x) == en.mchn_energy(x, figure_1["D2"], 2.0)).all()
    assert (memory.gradient(x) == en.mchn_gradient(x, figure_1["D2"], 2.0)).all()
    np.testing.assert_allclose(memory.update(x), en.mchn_update(x, figure_1["D2"], 2.0), rtol=0, atol=1e-14)


# --- attention ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_attention_is_torchs(batch: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 5), (6, 5), (6, 2))
    q, k, v = (torch.randn(*batch, *shape, generator=generator, dtype=torch.float64) for shape in shapes)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=0.7)
    torch.testing.assert_close(attention(q, k, v, 0.7), expected, atol=1e-14, rtol=0)
    np.testing.assert_allclose(attention(q.numpy(), k.numpy(), v.numpy(), 0.7), expected.numpy(), atol=1e-14)


def test_an_update_is_attention_over_the_patterns() -> None:
    rng = np.random.default_rng(0)
    patterns, x = rng.standard_normal((6, 5)), rng.standard_normal((2, 4, 5))
    updated = ModernHopfield(patterns, 0.7).update(x)
    np.testing.assert_allclose(updated, attention(x, patterns, patterns, 0.7), atol=1e-14)


def test_attention_keeps_its_head_with_large_scores_and_passes_gradients() -> None:
    assert attention([[1e3, 0.0]], [[1e3, 0.0], [0.0, 1e3]], [[1.0], [2.0]], 1.0).tolist() == [[1.0]]
    generator = torch.Generator().manual_seed(1)
    shapes = ((2, 3), (4, 3), (4, 2))
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(lambda q, k, v: attention(q, k, v, 0.7), inputs)


@pytest.mark.parametrize(
    ("shapes", "what"),
    [
        (((2, 3), (4, 2), (4, 3)), "expected"),
        (((2, 3), (4, 3), (5, 3)), "expected"),
        (((3,), (4, 3), (4, 3)), "expected"),
        (((2, 3), (0, 3), (0, 3)), "no keys"),
        (((2, 2, 3), (3, 4, 3), (3, 4, 3)), "broadcast"),
    ],
)
def test_attention_says_what_is_wrong(shapes: tuple, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        attention(*(np.zeros(shape) for shape in shapes), 1.0)


# --- capacity -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "K", "published", "exponent"), [(20, 3, 3.1546, 1.27), (75, 1, 1.3718, -0.94)])
def test_theorem_3_has_its_published_constants(n: int, K: float, published: float, exponent: float) -> None:
    bound = ramsauer_capacity(n, K, beta=1, p=0.001)
    assert published <= bound.c < published + 1e-4
    # The paper also prints on which side of a value a + log b lies.
    a = 2 / (n - 1) * (1 + math.log(2 * K**2 * 0.001 * (n - 1)))
    at = a + math.log(2 * K**2 / 5)
    assert at > exponent if exponent > 0 else at < exponent
    assert bound.holds


@given(st.integers(2, 3000), st.floats(0.1, 30), st.floats(0.1, 30), st.floats(1e-6, 1))
def test_c_solves_its_equation(n: int, K: float, beta: float, p: float) -> None:
    c, log_patterns, holds = ramsauer_capacity(n, K, beta, p)
    a = 2 / (n - 1) * (1 + math.log(2 * beta * K**2 * p * (n - 1)))
    b = 2 * K**2 * beta / 5
    assert b / c == pytest.approx(a + math.log(c), rel=1e-9, abs=1e-9)
    assert log_patterns == pytest.approx(math.log(p) / 2 + (n - 1) / 4 * math.log(c))
    assert holds == (log_patterns >= math.log(2))


@pytest.mark.parametrize(("n", "K"), [(20, 3), (75, 1)])
def test_as_many_random_patterns_are_stored(n: int, K: float) -> None:
    rng = np.random.default_rng(n)
    count = math.ceil(math.exp(ramsauer_capacity(n, K, 1, 0.001).log_patterns))
    for _ in range(20):
        raw = rng.standard_normal((count, n))
        patterns = K * math.sqrt(n - 1) * raw / np.linalg.norm(raw, axis=1, keepdims=True)
        memory = ModernHopfield(patterns, 1.0)
        assert memory.well_separated().all()
        ends = memory.retrieve(patterns)
        assert ends.settled.all()
        assert (np.linalg.norm(ends.state - patterns, axis=1) <= memory.radius()).all()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((1, 1, 1, 0.1), "n is 1"),
        ((2.5, 1, 1, 0.1), "n is 2.5"),
        ((20, 0, 1, 0.1), "K is"),
        ((20, 1, -1, 0.1), "beta is"),
        ((20, 1, 1, 1.5), "p is 1.5"),
        ((20, 1, 1, 0), "p is"),
    ],
)
def test_capacity_says_what_is_wrong(arguments: tuple, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        ramsauer_capacity(*arguments)


# --- one update, and the fixed point --------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 6), st.floats(0.05, 5), st.floats(0, 2))
def test_the_bound_on_one_update(seed: int, d: int, n: int, beta: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    patterns = rng.standard_normal((d, n)) * 3
    memory = ModernHopfield(patterns, beta)
    for index in range(d):
        x = patterns[index] + noise * rng.standard_normal((4, n))
        error = np.linalg.norm(memory.update(x) - patterns[index], axis=-1)
        assert (error <= memory.update_error(x, index) * (1 + 1e-9) + 1e-12).all()


def test_the_bound_is_worth_having() -> None:
    memory = ModernHopfield(10 * np.eye(3), 1.0)
    x = np.array([10.0, 0.5, 0.0])
    bound = memory.update_error(x, 0)
    assert bound == pytest.approx(2 * 2 * 10 * math.exp(-(100 - 2 * 10 * 0.5)))
    assert memory.update_error([1e6, 0, 0], 0) == math.inf
    assert ModernHopfield([[1.0, 2.0]]).update_error([5.0, 5.0], 0) == 0
    with pytest.raises(ValueError, match="index is 3, expected an integer from 0 to 2"):
        memory.update_error(x, 3)


def test_separations_by_hand() -> None:
    memory = ModernHopfield([[2.0, 0.0], [1.0, 1.0], [0.0, -3.0]], 1.0)
    assert memory.separations().tolist() == [2.0, 0.0, 9.0]
    assert memory.well_separated().tolist() == [False, False, True]
    assert memory.radius() == pytest.approx(1 / 9)
    assert ModernHopfield([[1.0, 2.0]]).well_separated().tolist() == [True]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.2, 4))
def test_a_well_separated_pattern_has_its_fixed_point_near(seed: int, d: int, beta: float) -> None:
    patterns = 2 * np.random.default_rng(seed).standard_normal((d, 8))
    memory = ModernHopfield(patterns, beta)
    sure = memory.well_separated()
    ends = memory.retrieve(patterns, max_steps=1000).state
    assert (np.linalg.norm(ends - patterns, axis=1)[sure] <= memory.radius()).all()
