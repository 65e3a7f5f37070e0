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


def norm_and_rotate(heads: Tensor, gain: Tensor, eps: float, cos: Tensor, sin: Tensor) -> Tensor:
    """RMSNorm of every head with its own gain, then each pair (i, i + h/2) turned by its position's angle.

    Args:
        heads: (B, T, H, h).
        gain: (H, h).
        cos, sin: (T, 1, h/2) or (B, T, 1, h/2), float32.
    """
    if torch.compiler.is_compiling():
        x = heads.to(exact(heads))
        x = x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + eps) * gain.to(x.dtype)
        return _turn(x, cos.to(x.dtype), sin.to(x.dtype)).to(heads.dtype)
    return _NormAndRotate.apply(heads, gain, eps, cos, sin)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def _turned(x: Tensor, cos: Tensor, sin: Tensor, sign: float) -> Tensor:
    """`_turn`, by minus the angle if sign is -1, without temporary copies."""
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    (a, b), (c, d) = x.chunk(2, dim=-1), out.chunk(2, dim=-1)
    torch.mul(a, cos, out=c).addcmul_(b, sin, value=-sign)
    torch.mul(b, cos, out=d).addcmul_(a, sin, value=sign)
    return out


def _inverse_rms(x: Tensor, eps: float) -> Tensor:
    """1 / sqrt(mean of x² + eps) over the last axis, which is kept."""
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(eps).rsqrt_()


def _norm_backward(unit: Tensor, inverse: Tensor, gain: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of x, and of the gain at every place still to be summed; unit = x · inverse. May write to `upstream`.

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


class _NormAndRotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, heads: Tensor, gain: Tensor, eps: float, cos: Tensor, sin: Tensor) -> Tensor:
        wide = heads.to(exact(heads))
        cos, sin = cos.to(wide.dtype), sin.to(wide.dtype)
        inverse = _inverse_rms(wide, eps)
        ctx.save_for_backward(heads, gain, inverse, cos, sin)
        return _turned((wide * inverse).mul_(gain), cos, sin, 1.0).to(heads.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> Any:
        heads, gain, inverse, cos, sin = ctx.saved_tensors
        unit = heads * inverse
        turned_back = _turned(upstream.to(unit.dtype), cos, sin, -1.0)
        of_heads, of_gain = _norm_backward(unit, inverse, gain, turned_back)
        return of_heads.to(heads.dtype), of_gain.flatten(0, -3).sum(dim=0).to(gain.dtype), None, None, None


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
