"""Cross-entropy of a linear output layer, without ever holding all its logits.

With m targets and V tokens the logits are an (m, V) matrix: 2.5 GB in float32 at the paper's batch (12 x 1,024 targets,
V = 50,257), and its gradient as much again. Here a few rows of logits exist at a time. Their share of the gradients of
hidden states and weights is computed at once, while they are there, and the backward pass only has to scale it.

The losses, summed over the targets that are not ignored, in nats; logZ is the logarithm of the sum of exp(logits):

    nll        = sum of logZ - logit of the target
    objective  = nll + z_loss · sum of logZ²

    d objective / d logits = softmax · (1 + 2 z_loss logZ) - (1 at the target)

`z_loss` keeps logZ near 0 (PaLM: Chowdhery et al. 2022, section 5; 1e-4 there and for OpenELM).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .linear import times_transposed

CHUNK_BYTES = {"cpu": 25 << 20, "cuda": 1 << 30}
"""How large one chunk of float32 logits may be: near the size of the last cache, or large enough to fill a GPU."""

TOGETHER = 4
"""On a CPU, chunks whose slopes wait for one product where the weights' gradient is wider than the products' type, for
to add one to the other is a pass over all of it."""


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    bias: Tensor | None = None,
    z_loss: float = 0.0,
    ignore: int = -100,
) -> tuple[Tensor, Tensor]:
    """Objective and negative log-likelihood of targets whose logits are `hidden @ weight.T + bias`.

    Matrix products are done in autocast's type where autocast is on, softmax and sums in float32 (in float64 if the
    inputs are).

    Args:
        hidden: (m, n).
        weight: (V, n), in the hidden states' type unless autocast is on.
        targets: (m,) int64 in 0...V-1, or `ignore`.
        bias: (V,) or None.
        z_loss: weight of the sum of logZ².

    Returns:
        (objective, nll), both 0-d, float32 (float64 for float64 inputs). The objective carries the gradient, nll is
        detached. Both are 0 where every target is ignored.

    Raises:
        ValueError: shapes that do not fit together, or targets that are not int64.
    """
    _check(hidden, weight, targets, bias)
    # a few calls in a loop over rows: compiled graphs end before it and begin again after it
    compiled = torch.compiler.is_compiling() and hidden.is_cuda
    return _apply(hidden, weight, targets, bias, (float(z_loss), int(ignore), compiled))


@torch.compiler.disable
def _apply(
    hidden: Tensor, weight: Tensor, targets: Tensor, bias: Tensor | None, options: tuple[float, int, bool]
) -> tuple[Tensor, Tensor]:
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    if not (torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (hidden, weight, bias))):
        with torch.no_grad(), torch.autocast(kind, enabled=False):
            objective, nll, *_ = _losses(hidden, weight, targets, bias, options, dtype, (False,) * 3)
        return objective, nll
    return _LinearCrossEntropy.apply(hidden, weight, targets, bias, options, dtype)


class _LinearCrossEntropy(torch.autograd.Function):
    """Gradients are made in the forward pass and kept; a second backward pass makes them anew."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        bias: Tensor | None,
        options: tuple[float, int, bool],
        dtype: torch.dtype,
    ) -> Any:
        wanted = (ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.needs_input_grad[3])
        with torch.autocast(hidden.device.type, enabled=False):
            objective, nll, *gradients = _losses(hidden, weight, targets, bias, options, dtype, wanted)
        ctx.save_for_backward(hidden, weight, targets, bias)
        ctx.options = (options, dtype, wanted)
        ctx.gradients = gradients
        ctx.mark_non_differentiable(nll)
        return objective, nll

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *upstream: Any) -> Any:
        scale = upstream[0]
        gradients, ctx.gradients = ctx.gradients, None  # given away, so that `.grad` takes them without a copy
        if gradients is None:
            hidden, weight, targets, bias = ctx.saved_tensors
            with torch.no_grad(), torch.autocast(hidden.device.type, enabled=False):
                _, _, *gradients = _losses(hidden, weight, targets, bias, *ctx.options)
        for gradient in gradients:
            if gradient is not None:
                gradient.mul_(scale)
        of_hidden, of_weight, of_bias = gradients
        return of_hidden, of_weight, None, of_bias, None, None


def _losses(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    bias: Tensor | None,
    options: tuple[float, int, bool],
    dtype: torch.dtype,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """(objective, nll) and the gradients of hidden (m, n), weight (V, n) and bias (V,), each None if not wanted."""
    z_loss, ignore, compiled = options
    exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    x, w = hidden.to(dtype), weight.to(dtype)
    b = None if bias is None else bias.to(dtype)
    of_hidden = torch.empty_like(hidden) if wanted[0] else None
    of_weight: Tensor | None = None
    of_bias = torch.zeros_like(bias, dtype=exact) if bias is not None and wanted[2] else None
    same = dtype == weight.dtype
    parts = _parts(len(hidden), len(weight), hidden.device.type, together=1 if same else TOGETHER)
    kept = targets != ignore
    index = targets.where(kept, 0)
    rows = _compiled() if compiled else _rows_in_place
    nll = torch.zeros((), dtype=exact, device=hidden.device)
    squares = torch.zeros_like(nll)
    for part, pieces in parts:
        slope = None
        for piece in pieces:
            logits = times_transposed(x[piece], w, b)  # (c, V)
            row_nll, row_log_z, found = rows(logits, index[piece], kept[piece], z_loss, any(wanted))
            nll += row_nll.sum()
            squares += row_log_z.square().sum()
            if found is not None and pieces[1:]:
                slope = x.new_empty(part.stop - part.start, len(w)) if slope is None else slope
                slope[piece.start - part.start : piece.stop - part.start] = found
            elif found is not None:
                slope = found.to(dtype)
        if slope is None:
            continue
        if of_bias is not None:
            of_bias += slope.sum(dim=0, dtype=exact)
        if of_hidden is not None:
            of_hidden[part] = times_transposed(slope, w.T)
        if wanted[1]:
            if of_weight is None:
                of_weight = _aligned(weight)
                torch.mm(slope.T, x[part], out=of_weight) if same else of_weight.copy_(slope.T @ x[part])
            elif same:
                of_weight.addmm_(slope.T, x[part])
            else:
                of_weight += slope.T @ x[part]
    if wanted[1]:
        of_weight = torch.zeros_like(weight) if of_weight is None else of_weight
    if of_bias is not None and bias is not None:
        of_bias = of_bias.to(bias.dtype)
    return nll + z_loss * squares, nll, of_hidden, of_weight, of_bias


def _rows_in_place(
    logits: Tensor, targets: Tensor, kept: Tensor, z_loss: float, sloped: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """-log p(target) (c,) and logZ (c,), 0 where a target is not kept, and the objective's slope (c, V) if asked for.

    The slope is in the type of sums, and in the logits' place if they are.
    """
    wide = logits.to(torch.float64 if logits.dtype == torch.float64 else torch.float32)
    row = torch.arange(len(targets), device=targets.device)
    top, at_target = wide.amax(dim=1), wide[row, targets]
    p = torch.softmax(wide, dim=1, out=wide)
    log_z = top - p.amax(dim=1).log()  # the largest probability, at least 1 / V, is exp(top - logZ)
    nll, log_z = (log_z - at_target).where(kept, 0), log_z.where(kept, 0)
    if not sloped:
        return nll, log_z, None
    # without z-loss and ignored targets softmax is multiplied by 1; to ask a GPU would be to wait for it
    if z_loss or logits.device.type != "cpu" or not bool(kept.all()):
        p.mul_((1 + 2 * z_loss * log_z).where(kept, 0)[:, None])
    p[row, targets] -= kept.to(p.dtype)
    return nll, log_z, p


def _rows_in_one(
    logits: Tensor, targets: Tensor, kept: Tensor, z_loss: float, sloped: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The same for a compiler, which makes two kernels of it: one that reads the logits, one that writes the slope."""
    wide = logits.float()
    log_z = wide.logsumexp(dim=1)
    nll = (log_z - wide.gather(1, targets[:, None])[:, 0]).where(kept, 0)
    slope = None
    if sloped:
        token = torch.arange(logits.shape[1], device=logits.device)
        p = (wide - log_z[:, None]).exp() * (1 + 2 * z_loss * log_z)[:, None]
        slope = (p - (token == targets[:, None]).float()).where(kept[:, None], 0).to(logits.dtype)
    return nll, log_z.where(kept, 0), slope


@functools.cache
def _compiled() -> Callable[..., tuple[Tensor, Tensor, Tensor | None]]:
    return torch.compile(_rows_in_one)


def _aligned(weight: Tensor) -> Tensor:
    """An empty (V, n) for the weight's gradient, with rows that begin at whole cache lines on a CPU.

    MKL adds a product to unaligned rows at half its speed (56 instead of 95 GFLOP/s at n = 954).
    """
    if weight.device.type != "cpu":
        return torch.empty_like(weight)
    line = 64 // weight.element_size()
    return weight.new_empty(len(weight), -(-weight.shape[1] // line) * line)[:, : weight.shape[1]]


def _parts(m: int, vocabulary: int, device: str, together: int) -> list[tuple[slice, list[slice]]]:
    """Rows 0...m in parts, and each part in so many pieces of equal size; no piece's logits exceed CHUNK_BYTES."""
    most = max(1, CHUNK_BYTES.get(device, CHUNK_BYTES["cuda"]) // (4 * vocabulary))
    size = -(-m // max(1, -(-m // most)))
    pieces = [slice(first, min(first + size, m)) for first in range(0, m, max(1, size))]
    if device != "cpu":
        together = 1
    groups = [pieces[first : first + together] for first in range(0, len(pieces), together)]
    return [(slice(group[0].start, group[-1].stop), group) for group in groups]


def _check(hidden: Tensor, weight: Tensor, targets: Tensor, bias: Tensor | None) -> None:
    if hidden.ndim != 2 or weight.ndim != 2 or hidden.shape[1] != weight.shape[1]:
        raise ValueError(f"hidden {tuple(hidden.shape)} and weight {tuple(weight.shape)}: expected (m, n) and (V, n)")
    if targets.shape != hidden.shape[:1] or targets.dtype != torch.int64:
        raise ValueError(f"targets are {tuple(targets.shape)} {targets.dtype}; expected ({len(hidden)},) torch.int64")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}; expected ({len(weight)},)")
