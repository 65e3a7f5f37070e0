"""The final norm: the last normalisation, whose output the output matrix reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def final_norm(model: Any) -> tuple[str, torch.nn.Module]:
    """Name and module of the last normalisation: the one whose output the output matrix reads.

    It is found by watching a forward pass of two tokens, so the architecture's own names do not matter.

    Raises:
        ValueError: the model has no output matrix, or no normalisation's output is what it reads; names what
            was tried.
    """
    import torch

    head = model.get_output_embeddings()
    if head is None:
        raise ValueError(f"{type(model).__name__} has no output embeddings; expected a causal language model")
    names = {module: name for name, module in model.named_modules() if "norm" in type(module).__name__.lower()}
    seen: list[tuple[torch.nn.Module, torch.Tensor]] = []
    read: list[torch.Tensor] = []
    hooks = [module.register_forward_hook(lambda module, _, output: seen.append((module, output))) for module in names]
    hooks.append(head.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0])))
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    for module, output in reversed(seen):
        # whether the numbers are finite is another question, and whoever records them asks it
        if read and output.shape == read[0].shape and torch.equal(output.nan_to_num(), read[0].nan_to_num()):
            return names[module], module
    tried = ", ".join(sorted({name.split(".")[-1] for name in names.values()})) or "none"
    raise ValueError(
        f"{type(model).__name__}: no final norm found; looked for a normalisation module whose output is the"
        f" input of the output embeddings, among modules called {tried}"
    )


def norm_width(model: Any) -> int:
    """Width n of the activations that the output matrix reads."""
    return int(model.get_output_embeddings().weight.shape[1])
