"""Hand-written backward passes: the formulas of their docstrings, and slopes of themselves."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.models import fused
from beyond_scaling.models.linear import Linear, linear


def rising(*shape: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64).requires_grad_()


def turns(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    angles = torch.linspace(0, 3, torch.Size(shape).numel(), dtype=torch.float64).view(shape)
    return angles.cos(), angles.sin()


@settings(max_examples=8, deadline=None)
@given(*(st.integers(1, 2) for _ in range(5)), st.booleans())
def test_heads(batch: int, length: int, groups: int, share: int, half: int, own_positions: bool) -> None:
    counts = share * groups, groups
    heads = rising(batch, length, share * groups + 2 * groups, 2 * half)
    gains = rising(2 * half, seed=1), rising(2 * half, seed=2)
    turn = turns(*((batch,) if own_positions else ()), length, 1, half)

    def call(heads: torch.Tensor, q_gain: torch.Tensor, k_gain: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return fused.queries_and_keys(heads, (q_gain, k_gain), counts, 1e-3, *turn)

    check(call, heads, *gains)


@pytest.mark.parametrize("shape", [(3, 8), (2, 3, 5), (1, 1)])
def test_rms_norm(shape: tuple[int, ...]) -> None:
    check(lambda x, gain: fused.rms_norm(x, gain, 1e-3), rising(*shape), rising(shape[-1], seed=1))


def test_swiglu() -> None:
    check(fused.swiglu, rising(2, 3, 8))
    x = rising(4, 6)
    a, b = x.chunk(2, dim=-1)
    torch.testing.assert_close(fused.swiglu(x), a / (1 + torch.exp(-a)) * b)


def check(call, *leaves: torch.Tensor) -> None:  # type: ignore[no-untyped-def]
    """Its values are the plain formula's, its gradients its own slopes."""
    with mock.patch.object(torch.compiler, "is_compiling", return_value=True):
        wanted = call(*leaves)
    torch.testing.assert_close(call(*leaves), wanted, rtol=1e-12, atol=1e-12)
    assert torch.autograd.gradcheck(call, leaves)


def test_half_precision_is_computed_in_single() -> None:
    x, gain = (1e3 * rising(4, 64)).bfloat16(), torch.ones(64, dtype=torch.bfloat16)
    found = fused.rms_norm(x, gain, 1e-6)
    assert found.dtype == torch.bfloat16
    exact = x.double() / x.double().square().mean(dim=-1, keepdim=True).sqrt()
    torch.testing.assert_close(found, exact.bfloat16(), rtol=0.005, atol=0)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 40), st.booleans(), st.booleans())
def test_linear(rows: int, inputs: int, outputs: int, bias: bool, three_axes: bool) -> None:
    torch.manual_seed(0)
    ours = Linear(inputs, outputs, bias)
    x = torch.randn(*((1, rows) if three_axes else (rows,)), inputs, requires_grad=True)
    upstream = torch.randn(*x.shape[:-1], outputs)
    leaves = [x, *ours.parameters()]
    found = torch.autograd.grad(ours(x), leaves, upstream)
    wanted = torch.autograd.grad(torch.nn.functional.linear(x, *ours.parameters()), leaves, upstream)
    torch.testing.assert_close(ours(x), torch.nn.functional.linear(x, *ours.parameters()), rtol=1e-4, atol=1e-5)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("call", [lambda x: fused.swiglu(x), lambda x: linear(x.float(), torch.ones(3, 40))])
def test_second_derivatives_are_refused(call) -> None:  # type: ignore[no-untyped-def]
    x = torch.randn(40, 40, requires_grad=True)
    (gradient,) = torch.autograd.grad(call(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
