"""Models to set beside a trained one: untrained weights, and the same function with its last activations rescaled."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .final_norm import final_norm

if TYPE_CHECKING:
    import torch

_LOGITS_AT_ONCE = 1 << 25  # numbers, in float64


def untrained(model: Any, seed: int) -> Any:
    """A new model of the same class, configuration, dtypes and device, its weights drawn by its own initialisation.

    The weights are drawn on the CPU in float32, so they depend on `seed` alone. No generator of the caller moves.

    Args:
        model: a causal language model of transformers. seed: 0 or more.

    Raises:
        ValueError: a negative seed.
    """
    import torch

    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed {seed!r}: expected an integer of at least 0")
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), _default_dtype(torch.float32):
        torch.random.default_generator.manual_seed(seed)
        fresh = type(model)(copy.deepcopy(model.config))
    kept = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    # one by one: a model of bfloat16 may keep some in float32
    for name, tensor in (*fresh.named_parameters(), *fresh.named_buffers()):
        tensor.data = tensor.data.to(device=kept[name].device, dtype=kept[name].dtype)
    return fresh.train(model.training).requires_grad_(False)


def rescaled(model: Any, factor: float) -> Any:
    """A copy whose activations after the final norm are `factor` times as large, and whose function is the same.

    The final norm's gain and shift are times `factor`, the output matrix is over `factor` (cut loose from the
    embedding if it was tied to it; its own bias stays). What the norm reads does not change. A power of two changes
    no bit of the function; any other factor changes it within rounding, which `largest_change` measures.

    Args:
        model: a causal language model of transformers, with a final norm (`final_norm`). factor: above 0.

    Raises:
        ValueError: a factor that is not positive and finite, a model without a final norm, or one whose norm or
            output matrix does not scale by its weights.
    """
    import torch

    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
        raise ValueError(f"factor {factor!r}: expected a positive, finite number")
    name, norm = final_norm(model)
    other = copy.deepcopy(model)
    _scale_norm(norm, other.get_submodule(name), float(factor), name)
    head = other.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear) or not head.weight.is_floating_point():
        raise ValueError(f"{type(model).__name__}: its output matrix is a {type(head).__name__}; expected a Linear")
    head.weight = torch.nn.Parameter(head.weight.detach() / factor, requires_grad=False)  # (vocabulary, n)
    for config in {id(c): c for c in (other.config, other.config.get_text_config())}.values():
        config.tie_word_embeddings = False
    return other


def largest_change(model: Any, other: Any, tokens: np.ndarray) -> float:
    """The largest |difference| of next-token log-probabilities (nats) of two models, over all places and tokens.

    Args:
        tokens: (K, L) integers, K chunks of L tokens.

    Raises:
        ValueError: tokens of another shape or kind, models of different vocabularies, or log-probabilities that are
            not numbers.
    """
    import torch

    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or 0 in tokens.shape or tokens.dtype.kind not in "iu":
        raise ValueError(f"tokens has shape {tokens.shape}, dtype {tokens.dtype}; expected integers (K, L)")
    sizes = [m.get_output_embeddings().weight.shape[0] for m in (model, other)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"the models know {sizes[0]} and {sizes[1]} tokens; expected as many")
    rows = max(1, _LOGITS_AT_ONCE // (tokens.shape[1] * sizes[0]))
    largest = 0.0
    for start in range(0, len(tokens), rows):
        batch = torch.from_numpy(tokens[start : start + rows].astype(np.int64))  # (b, L)
        one, two = (_log_probabilities(m, batch) for m in (model, other))  # (b, L, vocabulary)
        # equal infinities (tokens that a model rules out) do not differ
        change = torch.where(one == two, torch.zeros_like(one), (one - two).abs()).max().item()
        if not math.isfinite(change):
            last = start + len(batch) - 1
            raise ValueError(f"log-probabilities of chunks {start}...{last} are not comparable numbers")
        largest = max(largest, change)
    return largest


def _log_probabilities(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        logits = model(input_ids=tokens.to(model.device), use_cache=False).logits
        return torch.log_softmax(logits.double(), dim=-1).cpu()


def _scale_norm(norm: torch.nn.Module, other: torch.nn.Module, factor: float, name: str) -> None:
    """Change the weights of `other`, a copy of `norm`, so that its output is `factor` times as large; or refuse."""
    import torch

    weights = {key: weight.detach().clone() for key, weight in other.named_parameters()}
    for shift in (0.0, 1.0):  # the gain is the weight, or 1 + the weight
        with torch.no_grad():
            for key, weight in other.named_parameters():
                moved = shift if key == "weight" else 0.0
                weight.copy_((weights[key] + moved) * factor - moved)
        if weights and _scales(norm, other, factor):
            return
    held = ", ".join(weights) or "none"
    raise ValueError(
        f"{name} ({type(norm).__name__}): no change of its weights ({held}) makes its output {factor:g} times as large"
    )


def _scales(norm: torch.nn.Module, other: torch.nn.Module, factor: float) -> bool:
    """Whether `other` gives `factor` times what `norm` gives, within rounding, on vectors drawn at random."""
    import torch

    weight = next(norm.parameters())
    drawn = torch.randn((64, weight.shape[-1]), generator=torch.Generator().manual_seed(0))
    vectors = drawn.to(device=weight.device, dtype=weight.dtype)
    with torch.inference_mode():
        expected, found = factor * norm(vectors).double(), other(vectors).double()
    step = torch.finfo(weight.dtype).eps
    return bool(((found - expected).abs().max() <= 16 * step * expected.abs().max()).item())


@contextlib.contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Within, new floating-point tensors are of `dtype`."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
