"""Matrix products of a linear layer, by the faster of PyTorch's two CPU libraries.

In float32 PyTorch multiplies with MKL. oneDNN, which it also carries, is faster on processors that MKL gives no AVX-512
(AMD's), above all where a width is no multiple of 16: measured on two Zen 4 cores, 93-105 against 56-90 GFLOP/s. The
numbers are the same up to rounding. Other types and devices take PyTorch's own way, and so do compiled graphs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_FEWEST_ROWS = 32  # below it oneDNN's own overhead is what counts


def times_transposed(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (m, k) times w (n, k) transposed, plus bias (n,): (m, n). Carries no gradient where oneDNN does it."""
    if onednn_does(x, w):
        return torch.ops.mkldnn._linear_pointwise(x, w, bias, "none", [], "")
    return functional.linear(x, w, bias)


def onednn_does(x: Tensor, w: Tensor) -> bool:
    """Whether `times_transposed` goes to oneDNN."""
    return (
        x.dtype == w.dtype == torch.float32
        and x.device.type == "cpu"
        and x.shape[0] >= _FEWEST_ROWS
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
    )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x weight^T + bias for x (..., k), weight (n, k) and bias (n,) or None: (..., n)."""
    flat = x.flatten(0, -2)
    if torch.compiler.is_compiling() or not onednn_does(flat, weight):
        return functional.linear(x, weight, bias)
    return _Linear.apply(flat, weight, bias).unflatten(0, x.shape[:-1])


class Linear(torch.nn.Linear):
    """torch.nn.Linear by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


def _of_weight(upstream: Tensor, x: Tensor) -> Tensor:
    """upstream^T x: (n, k) of (m, n) and (m, k)."""
    if x.shape[1] % 16 == 0:  # rows of the result begin at whole cache lines: MKL is as fast, and copies nothing
        return upstream.T @ x
    # oneDNN copies its first factor if it is transposed: let that be the smaller one
    if upstream.shape[1] <= x.shape[1]:
        return times_transposed(upstream.T, x.T)
    return times_transposed(x.T, upstream.T).T.contiguous()


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return times_transposed(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = times_transposed(upstream, weight.T)
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(upstream, x)
        if ctx.needs_input_grad[2]:
            of_bias = upstream.sum(dim=0)
        return of_x, of_weight, of_bias
