"""Tiny models of our own two kinds, their weights as float64 arrays, and all of them away from special values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from beyond_scaling.models.openelm import OpenELMConfig, OpenELMForCausalLM
from beyond_scaling.models.vanilla import VanillaConfig, VanillaForCausalLM

from . import reference

KINDS = ("openelm", "vanilla")


def config(kind: str, **changes: Any) -> Any:
    if kind == "openelm":
        shape = {"hidden_size": 22, "query_heads": (2, 6), "kv_heads": (2, 3), "ffn_widths": (16, 40), "head_dim": 6}
        return OpenELMConfig(**{"vocab_size": 61, "max_position_embeddings": 24} | shape | changes)
    shape = {"hidden_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 30}
    return VanillaConfig(**{"vocab_size": 61, "max_position_embeddings": 24, "dropout": 0.0} | shape | changes)


def model(kind: str, dtype: torch.dtype = torch.float32, **changes: Any) -> Any:
    """With gains away from 1 and biases away from 0; in evaluation mode."""
    torch.manual_seed(0)
    made = (OpenELMForCausalLM if kind == "openelm" else VanillaForCausalLM)(config(kind, **changes))
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return made.to(dtype).eval()


def weights(made: Any) -> reference.Weights:
    return {name: tensor.double().numpy().copy() for name, tensor in made.state_dict().items()}


def logits(kind: str, found: reference.Weights, settings: Any, tokens: list[int]) -> np.ndarray:
    """The reference's."""
    return (reference.openelm_logits if kind == "openelm" else reference.vanilla_logits)(found, settings, tokens)
