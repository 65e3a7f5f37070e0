"""What the theory modules accept, what they refuse, and how large their temporaries grow."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from beyond_scaling import bounds, energy
from beyond_scaling._arrays import blocks

D2 = [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]


@pytest.mark.parametrize(
    ("x", "patterns", "dtype"),
    [
        ([0, 0], [[1, 2]], np.float64),
        ((0.0, 1.0), D2, np.float64),
        (np.zeros(2, np.int8), np.array([[100, -100]], np.int8), np.float64),
        (np.zeros(2, np.float32), np.ones((3, 2), np.float32), np.float32),
        (np.zeros(2, np.float16), np.full((3, 2), 300, np.float16), np.float32),
        (np.zeros(2, np.float32), np.ones((3, 2)), np.float64),
        (np.zeros(2, np.uint64), np.ones((3, 2), np.int64), np.float64),
    ],
)
def test_numpy_dtypes(x: object, patterns: object, dtype: type) -> None:
    for result in (
        energy.energy(x, patterns),
        energy.update(x, patterns),
        bounds.proposition_2(x, patterns).value,
    ):
        assert isinstance(result, np.ndarray)
        assert result.dtype == dtype
        assert np.isfinite(result).all()


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.int64, torch.float64),
    ],
)
def test_torch_dtypes(given: torch.dtype, result: torch.dtype) -> None:
    x, patterns = torch.zeros((4, 2), dtype=given), torch.tensor([[1, 2], [3, 4]], dtype=given)
    for value in (
        energy.mchn_energy(x, patterns, 2),
        energy.energy_hessian(x, patterns),
        bounds.proposition_1(x, patterns).slack,
    ):
        assert isinstance(value, torch.Tensor)
        assert value.dtype == result
        assert value.device == x.device


def test_int8_does_not_wrap() -> None:
    assert energy.squared_distances(np.array([100], np.int8), np.array([[-100]], np.int8)) == 40_000.0


def test_a_list_joins_a_tensor() -> None:
    assert isinstance(energy.energy(torch.zeros(2, dtype=torch.float64), D2), torch.Tensor)
    assert isinstance(energy.energy([0.0, 0.0], torch.tensor(D2)), torch.Tensor)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3)])
def test_batch_shapes(shape: tuple[int, ...]) -> None:
    x = np.zeros((*shape, 2))
    assert energy.squared_distances(x, D2).shape == (*shape, 3)
    assert energy.energy(x, D2).shape == shape
    assert energy.update(x, D2).shape == (*shape, 2)
    assert energy.mchn_hessian(x, D2, 1).shape == (*shape, 2, 2)
    assert bounds.proposition_3(x, D2).value.shape == shape


REFUSED = [
    ([0.0], D2, r"x has shape \(1,\), expected \(\.\.\., 2\) to go with patterns of shape \(3, 2\)"),
    (0.0, [[1.0]], r"x has shape \(\), expected \(\.\.\., 1\)"),
    ([0.0], [1.0, 2.0], r"patterns has shape \(2,\), expected \(d, n\)"),
    ([0.0], np.zeros((2, 1, 1)), r"patterns has shape \(2, 1, 1\), expected \(d, n\)"),
    ([0.0, 0.0], np.zeros((0, 2)), r"patterns has shape \(0, 2\): no patterns"),
    (np.zeros(0), np.zeros((2, 0)), r"patterns has shape \(2, 0\), expected at least one coordinate"),
    ([np.nan, 0.0], D2, r"x\[0\] is nan, expected finite"),
    ([0.0, 0.0], [[0.0, 1.0], [0.0, -np.inf]], r"patterns\[1, 1\] is -inf, expected finite"),
    (torch.tensor([0.0, torch.inf]), torch.tensor(D2), r"x\[1\] is inf, expected finite"),
    ([1e200, 0.0], D2, r"x\[0\] is 1e\+200: its square overflows float64"),
    (np.array([1e19, 0], np.float32), np.array(D2, np.float32), r"its square overflows float32"),
    ([1j, 0], D2, r"x has dtype complex128, expected real numbers"),
    (["a", "b"], D2, r"x has dtype <U1, expected real numbers"),
    ([True, False], D2, r"x has dtype bool, expected real numbers"),
    ([None, 0.0], D2, r"x has dtype object, expected real numbers"),
    ([[0.0, 1.0], [2.0]], D2, r"x is not a rectangular array"),
    ([2**53 + 1, 0], D2, r"x holds the integer 9007199254740993, .*integer overflow"),
    (
        np.array([2**64 - 1, 0], np.uint64),
        D2,
        r"x holds the integer 18446744073709551615, .*integer overflow",
    ),
    (torch.tensor([-(2**53) - 1, 0]), torch.tensor(D2), r"integer overflow"),
    ([2**70, 0], D2, r"x holds an integer .*integer overflow"),
    (np.ma.masked_invalid([np.nan, 0.0]), D2, r"x has masked entries"),
    (torch.zeros(2), np.zeros((1, 2)), r"all arrays of one kind.*x in torch, patterns in numpy"),
    (
        torch.zeros(2, device="meta"),
        torch.zeros((1, 2)),
        r"all arrays on one device.*x on meta, patterns on cpu",
    ),
]


@pytest.mark.parametrize(("x", "patterns", "words"), REFUSED)
def test_bad_arrays_are_refused(x: object, patterns: object, words: str) -> None:
    calls = [
        energy.squared_distances,
        energy.nearest_distance,
        energy.energy,
        energy.energy_gradient,
        energy.energy_hessian,
        energy.update,
        energy.posterior,
        energy.effective_neighbours,
        bounds.proposition_1,
        bounds.proposition_2,
        bounds.proposition_3,
    ]
    with_beta = [
        energy.mchn_energy,
        energy.negative_lse,
        energy.mchn_regulariser,
        energy.mchn_gradient,
        energy.mchn_hessian,
        energy.mchn_update,
        energy.mchn_posterior,
        energy.retrieve,
    ]
    for call in calls:
        with pytest.raises(ValueError, match=words):
            call(x, patterns)
    for call in with_beta:
        with pytest.raises(ValueError, match=words):
            call(x, patterns, 1.0)


@pytest.mark.parametrize(
    "beta",
    [0, -1.0, np.nan, np.inf, "2", True, 1j, [1.0, 2.0], np.ones(2), torch.tensor(-1.0), torch.ones(1), 2**1024],
)
def test_bad_beta_is_refused(beta: object) -> None:
    for call in (
        energy.mchn_energy,
        energy.negative_lse,
        energy.mchn_regulariser,
        energy.mchn_gradient,
        energy.mchn_hessian,
        energy.mchn_update,
        energy.mchn_posterior,
        energy.retrieve,
    ):
        with pytest.raises(ValueError, match=r"beta is .*expected a positive finite number"):
            call([0.0, 0.0], D2, beta)
    with pytest.raises(ValueError, match="beta is None"):
        energy.mchn_energy([0.0, 0.0], D2, None)


@pytest.mark.parametrize("beta", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), torch.tensor(2.0)])
def test_any_kind_of_number_is_a_beta(beta: object) -> None:
    x = torch.zeros(2) if isinstance(beta, torch.Tensor) else np.zeros(2, np.float32)
    patterns = torch.tensor(D2, dtype=torch.float32) if isinstance(beta, torch.Tensor) else np.array(D2, np.float32)
    value = energy.mchn_energy(x, patterns, beta)
    assert float(value) == 2.25
    assert value.dtype in (np.float32, torch.float32)


@pytest.mark.parametrize("beta", [1e-300, 1e-42, 1e39])
def test_a_beta_that_float32_would_round_away_is_refused(beta: float) -> None:
    patterns = np.array(D2, np.float32)
    for stored in (patterns, torch.tensor(patterns)):
        for call in (energy.mchn_energy, energy.negative_lse, energy.mchn_update, energy.retrieve):
            with pytest.raises(ValueError, match=r"beta is 1e.*, which .*float32 can work with"):
                call(stored[0], stored, beta)
    assert np.isfinite(energy.mchn_energy([0.0, 0.0], D2, beta))


@pytest.mark.parametrize("beta", [torch.tensor(2.0, requires_grad=True), torch.tensor(2, dtype=torch.bfloat16)])
def test_a_tensor_beta_goes_with_numpy_arrays(beta: torch.Tensor) -> None:
    assert energy.mchn_energy([0.0, 0.0], D2, beta) == energy.mchn_energy([0.0, 0.0], D2, 2.0)


@pytest.mark.parametrize("dress", [lambda a: a.astype(">f8"), np.ma.array, np.asmatrix])
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_numpys_other_arrays_are_arrays(dress: object) -> None:
    x, patterns = np.array([[0.3, 0.1], [1.0, -2.0]]), np.array(D2)
    found = energy.energy_gradient(dress(x), dress(patterns))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, energy.energy_gradient(x, patterns))


@pytest.mark.parametrize("axis", [None, 1.0, (0, 1), True])
def test_bad_axis_is_refused(axis: object) -> None:
    with pytest.raises(ValueError, match=r"axis is .*expected an integer"):
        energy.log_sum_exp([[1.0, 2.0]], axis)


def test_integers_that_fit_are_exact() -> None:
    assert energy.squared_distances([2**53], [[2**53 - 2]]) == 4.0
    assert energy.squared_distances([2**60], [[2**60]]) == 0.0


def test_blocks_cover_everything_once() -> None:
    for size, width, limit in [(10, 3, 7), (1, 100, 7), (0, 1, 1), (5, 0, 3), (100, 1, 1)]:
        parts = list(blocks(size, width, limit))
        assert [i for part in parts for i in range(size)[part]] == list(range(size))
        assert all((part.stop - part.start) * width <= limit or part.stop - part.start == 1 for part in parts)


def _peak(call: object) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_stays_with_the_output() -> None:
    rng = np.random.default_rng(0)
    many = rng.standard_normal((100_000, 3))
    few = rng.standard_normal((200, 3))
    whole = many.shape[0] * few.shape[0] * 8  # the (B, d) array that must not appear: 160 MB
    for call in (energy.energy, energy.update, bounds.proposition_3):
        assert _peak(lambda call=call: call(many, few)) < 0.75 * whole

    wide, stored = rng.standard_normal((300, 400)), rng.standard_normal((500, 400))
    output = 300 * 500 * 8
    assert _peak(lambda: energy.squared_distances(wide, stored)) < output * 3 + 40e6  # (B, d, n): 480 MB


def test_blocks_do_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, patterns = rng.standard_normal((7, 5)), 3 * rng.standard_normal((11, 5))

    def everything() -> list[np.ndarray]:
        return [
            energy.squared_distances(x, patterns),
            energy.energy(x, patterns),
            energy.mchn_energy(x, patterns, 2),
            energy.energy_gradient(x, patterns),
            energy.energy_hessian(x, patterns),
            energy.mchn_posterior(x, patterns, 0.5),
            bounds.proposition_2(x, patterns).value,
        ]

    at_once = everything()
    monkeypatch.setattr("beyond_scaling._arrays._BLOCK_CPU", 16)
    for whole, pieces in zip(at_once, everything(), strict=True):
        np.testing.assert_allclose(pieces, whole, rtol=1e-13, atol=1e-14)
