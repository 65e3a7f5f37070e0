"""AdamW over a model's parameters, its state by the parameters' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .config import Optimiser

_MOMENTS = ("exp_avg", "exp_avg_sq")


def adamw(model: torch.nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """AdamW with decay on matrices only; fused into one kernel where torch has it for the device."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    fused = all(weight.device.type in ("cpu", "cuda") and weight.is_floating_point() for weight in weights)
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(settings.beta_1, settings.beta_2),
        eps=settings.eps,
        fused=fused,
    )


def state_tensors(model: torch.nn.Module, optimiser: torch.optim.AdamW) -> dict[str, torch.Tensor]:
    """The optimiser's moments, `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`."""
    return {
        f"{moment}.{name}": optimiser.state[weight][moment]
        for name, weight in model.named_parameters()
        if weight in optimiser.state
        for moment in _MOMENTS
    }


def restore(
    model: torch.nn.Module, optimiser: torch.optim.AdamW, tensors: Mapping[str, torch.Tensor], steps: int
) -> None:
    """Put moments back, as `state_tensors` gave them after `steps` steps."""
    if steps == 0:
        return
    for name, weight in model.named_parameters():
        # a fused step counts on the parameter's device
        device = weight.device if optimiser.defaults["fused"] else torch.device("cpu")
        state: dict[str, Any] = {"step": torch.tensor(float(steps), device=device)}
        for moment in _MOMENTS:
            state[moment] = tensors[f"{moment}.{name}"].to(weight.device, copy=True)
        optimiser.state[weight] = state
