"""RMSNorm, rotary positions and SwiGLU with backward passes written by hand: fewer passes over memory, less kept.

Each is the plain formula of its docstring. Compiled graphs get that formula itself, for the compiler to fuse.
Everything is computed in float32 (float64 for float64 inputs), whatever the type of the inputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def exact(x: Tensor) -> torch.dtype:
    """The type to compute in."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def working(x: Tensor) -> torch.dtype:
    """The type that matrix products of x are done in: autocast's where it is on, else x's own."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def rms_norm(x: Tensor, gain: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean of x² + eps) · gain over the last axis; x (..., n), gain (n,). In the type products are done in."""
    out = working(x)
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return functional.rms_norm(x.to(exact(x)), x.shape[-1:], gain.to(exact(x)), eps).to(out)
    return _RMSNorm.apply(x, gain, eps, out)


def swiglu(x: Tensor) -> Tensor:
    """silu(a) · b for x = (a, b) (..., 2f): (..., f); silu(a) = a / (1 + exp(-a))."""
    if torch.compiler.is_compiling():
        gate, up = x.chunk(2, dim=-1)
        return functional.silu(gate) * up
    return _SwiGLU.apply(x)


def queries_and_keys(
    heads: Tensor, gains: tuple[Tensor, Tensor], counts: tuple[int, int], eps: float, cos: Tensor, sin: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values from all heads: RMSNorm of each query and key head, then rotary positions.

    A position's pairs (i, i + h/2) of a head are turned by its angles.

    Args:
        heads: (B, T, H + 2 G, h), H queries, G keys and G values.
        gains: of the queries' norm and of the keys', (h,) each.
        counts: (H, G).
        cos, sin: of the angles, (T, 1, h/2) or (B, T, 1, h/2), float32.

    Returns:
        (B, T, H, h), (B, T, G, h) and (B, T, G, h).
    """
    queries, groups = counts
    if not torch.compiler.is_compiling():
        return _QueriesAndKeys.apply(heads, *gains, queries, groups, eps, cos, sin)
    qk, v = heads.split((queries + groups, groups), dim=2)
    x = qk.to(exact(qk))
    x = x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + eps) * _each(gains, counts).to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    turned = torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(heads.dtype)
    q, k = turned.split((queries, groups), dim=2)
    return q, k, v


def _each(gains: tuple[Tensor, Tensor], counts: tuple[int, int]) -> Tensor:
    """Every head's gain, (H + G, h)."""
    return torch.cat([gain.expand(count, -1) for gain, count in zip(gains, counts, strict=True)])


def _inverse_rms(x: Tensor, eps: float) -> Tensor:
    """1 / sqrt(mean of x² + eps) over the last axis, which is kept."""
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(eps).rsqrt_()


def _norm_backward(unit: Tensor, inverse: Tensor, gain: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of x, and of the gain at every place still to be summed; unit = x · inverse.

    With y = unit · gain:  d/dx = inverse · (upstream · gain - unit · mean(upstream · gain · unit)).
    """
    of_gain = upstream * unit
    along = (of_gain * gain).sum(dim=-1, keepdim=True).div_(-unit.shape[-1])
    of_x = torch.mul(upstream, gain).addcmul_(unit, along).mul_(inverse)
    return of_x, of_gain


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float, out: torch.dtype) -> Tensor:
        wide = x.to(exact(x))
        inverse = _inverse_rms(wide, eps)
        ctx.save_for_backward(x, gain, inverse)
        return (wide * inverse).mul_(gain).to(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> Any:
        x, gain, inverse = ctx.saved_tensors
        unit = x * inverse
        of_x, of_gain = _norm_backward(unit, inverse, gain, upstream.to(unit.dtype))
        return of_x.to(x.dtype), of_gain.flatten(0, -2).sum(dim=0).to(gain.dtype), None, None


class _QueriesAndKeys(torch.autograd.Function):
    """The turn is u C + swap(u) S, where swap exchanges a head's halves, and C and S hold the gains too: two passes."""

    @staticmethod
    def forward(
        ctx: Any, heads: Tensor, q_gain: Tensor, k_gain: Tensor, queries: int, groups: int, eps: float, *turn: Tensor
    ) -> Any:
        qk = heads[:, :, : queries + groups]
        wide = qk.to(exact(heads))
        cos, sin = (table.to(wide.dtype) for table in turn)
        cos, sin = torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)
        inverse = _inverse_rms(wide, eps)
        unit = wide * inverse
        gain = _each((q_gain, k_gain), (queries, groups)).to(wide.dtype)
        turned = (unit * (cos * gain)).addcmul_(_swap(unit), sin * _swap(gain)).to(heads.dtype)
        ctx.save_for_backward(qk, gain, inverse, cos, sin)
        ctx.counts, ctx.gain_dtype = (queries, groups), q_gain.dtype
        return turned[:, :, :queries], turned[:, :, queries:], heads[:, :, queries + groups :]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, of_q: Tensor, of_k: Tensor, of_v: Tensor) -> Any:
        qk, gain, inverse, cos, sin = ctx.saved_tensors
        queries, groups = ctx.counts
        unit = qk * inverse
        upstream = torch.cat((of_q, of_k), dim=2).to(unit.dtype)
        all_heads = (queries + groups, -1)
        # turned back: the transposed turn, whose tables are (u C + swap(u) S)'s with S's halves exchanged
        back = (upstream * cos.expand(*cos.shape[:-2], *all_heads).contiguous()).addcmul_(
            _swap(upstream), _swap(sin).expand(*sin.shape[:-2], *all_heads).contiguous()
        )
        of_heads = qk.new_empty(*qk.shape[:2], queries + 2 * groups, qk.shape[3])
        of_x, of_gain = _norm_backward(unit, inverse, gain, back)
        of_heads[:, :, : queries + groups] = of_x
        of_heads[:, :, queries + groups :] = of_v
        of_gain = of_gain.flatten(0, 1).sum(dim=0).to(ctx.gain_dtype)  # (H + G, h)
        return of_heads, of_gain[:queries].sum(dim=0), of_gain[queries:].sum(dim=0), *(None,) * 5


def _swap(x: Tensor) -> Tensor:
    """The two halves of the last axis exchanged."""
    return x.roll(x.shape[-1] // 2, dims=-1)


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        gate, up = x.chunk(2, dim=-1)
        return functional.silu(gate).mul_(up)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        of_x = torch.empty_like(x)
        (gate, up), (of_gate, of_up) = x.chunk(2, dim=-1), of_x.chunk(2, dim=-1)
        torch.mul(functional.silu(gate), upstream, out=of_up)
        torch.ops.aten.silu_backward.grad_input(upstream * up, gate, grad_input=of_gate)
        return of_x
