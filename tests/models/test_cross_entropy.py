"""The output layer's loss: the same numbers and gradients as torch's cross-entropy, and never all logits at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from beyond_scaling.models import cross_entropy as module
from beyond_scaling.models.cross_entropy import linear_cross_entropy

Problem = dict[str, Any]


def problem(m: int, n: int, vocabulary: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Problem:
    draw = torch.Generator().manual_seed(seed)
    shapes = {"hidden": (m, n), "weight": (vocabulary, n), "bias": (vocabulary,)}
    made = {name: torch.randn(*shape, generator=draw, dtype=torch.float64) for name, shape in shapes.items()}
    targets = torch.randint(vocabulary, (m,), generator=draw)
    targets[torch.rand(m, generator=draw) < 0.2] = -100
    return {name: tensor.to(dtype).requires_grad_() for name, tensor in made.items()} | {"targets": targets}


def plain(made: Problem, z_loss: float = 0.0) -> torch.Tensor:
    """The objective, from all logits."""
    logits = torch.nn.functional.linear(made["hidden"], made["weight"], made.get("bias"))
    log_z = logits.logsumexp(dim=1)[made["targets"] != -100]
    return cross_entropy(logits, made["targets"], reduction="sum") + z_loss * log_z.square().sum()


def leaves(made: Problem) -> list[torch.Tensor]:
    return [made[name] for name in ("hidden", "weight", "bias") if made.get(name) is not None]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 15)),
    st.sampled_from([0.0, 0.03]),
    st.booleans(),
    st.integers(1, 400),
    st.integers(0, 1000),
)
def test_losses_and_gradients_are_those_of_torch(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int], z_loss: float, bias: bool, chunk: int, seed: int
) -> None:
    monkeypatch.setitem(module.CHUNK_BYTES, "cpu", chunk)  # from one row of logits at a time to all of them
    made = problem(*shape, seed=seed)
    if not bias:
        made["bias"] = None
    objective, nll = linear_cross_entropy(**made, z_loss=z_loss)
    exact = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(nll, plain(made).detach(), **exact)
    torch.testing.assert_close(objective, plain(made, z_loss), **exact)
    assert not nll.requires_grad
    wanted = torch.autograd.grad(2.5 * plain(made, z_loss), leaves(made))
    for again in (True, False):  # kept for the first time, made anew for the second
        found = torch.autograd.grad(2.5 * objective, leaves(made), retain_graph=again)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, **exact)


def test_gradients_are_slopes() -> None:
    made = problem(4, 3, 5)
    targets = made.pop("targets")
    assert torch.autograd.gradcheck(
        lambda hidden, weight, bias: linear_cross_entropy(hidden, weight, targets, bias, 0.1)[0], tuple(made.values())
    )


@pytest.mark.parametrize("dropped", ["hidden", "weight", "bias"])
def test_only_what_is_asked_for_gets_a_gradient(dropped: str) -> None:
    made = problem(5, 3, 7)
    wanted = torch.autograd.grad(plain(made), asked := [leaf for leaf in leaves(made) if leaf is not made[dropped]])
    made[dropped].requires_grad_(False)
    for one, other in zip(torch.autograd.grad(linear_cross_entropy(**made)[0], asked), wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_without_gradients_the_losses_are_the_same() -> None:
    made = problem(9, 4, 11)
    with torch.no_grad():
        objective, nll = linear_cross_entropy(**made, z_loss=0.1)
    assert not objective.requires_grad
    torch.testing.assert_close((objective, nll), (plain(made, 0.1).detach(), plain(made).detach()))


@pytest.mark.parametrize("rows", [0, 6])
def test_no_targets_no_loss(rows: int) -> None:
    made = problem(rows, 3, 7)
    made["targets"].fill_(-100)
    objective, nll = linear_cross_entropy(**made, z_loss=0.1)
    assert objective.item() == nll.item() == 0
    for gradient in torch.autograd.grad(objective, leaves(made)):
        assert not gradient.any()


def test_another_number_can_be_ignored() -> None:
    made = problem(6, 3, 7)
    expected = linear_cross_entropy(**made)
    made["targets"][made["targets"] == -100] = 99
    torch.testing.assert_close(linear_cross_entropy(**made, ignore=99), expected)


def test_far_apart_logits_neither_overflow_nor_lose_the_loss() -> None:
    hidden = torch.tensor([[1.0], [-1.0]], requires_grad=True)
    weight = torch.tensor([[3e4], [-3e4], [0.0]])
    objective, _ = linear_cross_entropy(hidden, weight, torch.tensor([1, 1]))
    assert objective.item() == 6e4  # of the first; the second is certain
    (gradient,) = torch.autograd.grad(objective, hidden)
    torch.testing.assert_close(gradient, torch.tensor([[6e4], [0.0]]))


def test_many_rows_go_through_onednn_and_agree() -> None:
    made, exact = problem(150, 40, 300, torch.float32), problem(150, 40, 300)
    objective, _ = linear_cross_entropy(**made)
    torch.testing.assert_close(objective.double(), plain(exact), rtol=1e-5, atol=0)
    found, wanted = (torch.autograd.grad(o, leaves(p)) for o, p in ((objective, made), (plain(exact), exact)))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5)


def test_under_autocast_products_are_bfloat16_and_sums_are_not() -> None:
    made = problem(64, 32, 80, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        objective, nll = linear_cross_entropy(**made)
        logits = torch.nn.functional.linear(made["hidden"], made["weight"], made["bias"])
    assert logits.dtype == torch.bfloat16
    assert objective.dtype == nll.dtype == torch.float32
    expected = cross_entropy(logits.float(), made["targets"], reduction="sum")
    torch.testing.assert_close(objective, expected, rtol=1e-6, atol=0)  # of rounded logits, exactly summed
    found, wanted = (torch.autograd.grad(o, leaves(made)) for o in (objective, expected))
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 0.01 * other.norm()


@pytest.mark.parametrize("z_loss", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_a_compiler_gets_is_what_is_done_without_one(z_loss: float, dtype: torch.dtype) -> None:
    logits = 5 * torch.randn(9, 20, generator=torch.Generator().manual_seed(0)).to(dtype)
    targets, kept = torch.arange(9) * 2, torch.arange(9) % 4 > 0
    expected = module._rows_in_one(logits, targets, kept, z_loss, True)
    nll, log_z, slope = module._rows_in_place(logits.clone(), targets, kept, z_loss, True)
    assert slope is not None
    torch.testing.assert_close((nll, log_z), expected[:2])
    torch.testing.assert_close(slope.to(dtype), expected[2], rtol=1e-5 if dtype == torch.float32 else 0.01, atol=1e-6)
    assert module._rows_in_one(logits, targets, kept, z_loss, False)[2] is None


def test_half_precision_weights_get_half_precision_gradients() -> None:
    made = problem(20, 8, 30, torch.bfloat16)
    objective, _ = linear_cross_entropy(**made)
    assert objective.dtype == torch.float32
    for one, other in zip(torch.autograd.grad(objective, leaves(made)), leaves(made), strict=True):
        assert one.dtype == other.dtype == torch.bfloat16


class Largest(TorchDispatchMode):
    """The largest number of elements of any tensor made within."""

    numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return out


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_all_logits_never_exist(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype | None) -> None:
    m, n, vocabulary = 512, 8, 1000
    monkeypatch.setitem(module.CHUNK_BYTES, "cpu", 4 * vocabulary * 50)
    made = problem(m, n, vocabulary, torch.float32)
    with Largest() as seen, torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
        linear_cross_entropy(**made)[0].backward()
    # without autocast one chunk at a time, with it a few together
    assert seen.numbers <= 50 * vocabulary * (1 if dtype is None else module.TOGETHER)
    with Largest() as seen:
        plain(made)
    assert seen.numbers == m * vocabulary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden": torch.zeros(6, 4)}, r"hidden \(6, 4\) and weight \(7, 3\): expected \(m, n\) and \(V, n\)"),
        ({"targets": torch.zeros(5, dtype=torch.long)}, r"targets are \(5,\) torch.int64; expected \(6,\) torch.int64"),
        ({"targets": torch.zeros(6)}, r"targets are \(6,\) torch.float32; expected \(6,\) torch.int64"),
        ({"bias": torch.zeros(3)}, r"bias has shape \(3,\); expected \(7,\)"),
    ],
)
def test_shapes_that_will_not_do(change: Problem, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        linear_cross_entropy(**(problem(6, 3, 7) | change))
