"""OpenELM: the equations, and life as a transformers model."""

from __future__ import annotations

import torch

from beyond_scaling.models.openelm import OpenELMConfig, OpenELMForCausalLM

SHAPE = {
    "vocab_size": 61,
    "hidden_size": 22,
    "query_heads": (2, 6),
    "kv_heads": (1, 3),
    "ffn_widths": (16, 40),
    "head_dim": 6,
    "max_position_embeddings": 24,
}


def test_token_losses_are_the_cross_entropy_of_the_logits() -> None:
    torch.manual_seed(0)
    model = OpenELMForCausalLM(OpenELMConfig(**SHAPE))
    tokens = torch.randint(61, (3, 13))
    inputs, targets = tokens[:, :-1], tokens[:, 1:].clone()
    targets[1, 7:] = -100
    objective, nll = model.token_losses(inputs, targets)
    logits = model(input_ids=inputs).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    torch.testing.assert_close(objective, expected)
    assert objective.requires_grad
    assert not nll.requires_grad
