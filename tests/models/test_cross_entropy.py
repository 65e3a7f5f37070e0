"""The output layer's loss: the same numbers and gradients as torch's cross-entropy, and never all logits at once."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from beyond_scaling.models import cross_entropy as module
from beyond_scaling.models.cross_entropy import linear_cross_entropy


def problem(m: int, n: int, vocabulary: int, dtype: torch.dtype, seed: int = 0) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(m, n, generator=draw, dtype=torch.float64)
    weight = torch.randn(vocabulary, n, generator=draw, dtype=torch.float64)
    bias = torch.randn(vocabulary, generator=draw, dtype=torch.float64)
    targets = torch.randint(vocabulary, (m,), generator=draw)
    targets[torch.rand(m, generator=draw) < 0.2] = -100
    made = {"hidden": hidden.to(dtype), "weight": weight.to(dtype), "bias": bias.to(dtype)}
    return {name: tensor.requires_grad_() for name, tensor in made.items()} | {"targets": targets}


@pytest.mark.parametrize("z_loss", [0.0, 0.03])
def test_losses_and_gradients_are_those_of_torch(monkeypatch: pytest.MonkeyPatch, z_loss: float) -> None:
    monkeypatch.setitem(module.CHUNK_BYTES, "cpu", 3 * 4 * 13)  # three rows at a time, and a last one
    given = problem(10, 5, 13, torch.float64)
    objective, nll = linear_cross_entropy(**given, z_loss=z_loss)
    logits = given["hidden"] @ given["weight"].T + given["bias"]
    expected = cross_entropy(logits, given["targets"], reduction="sum")
    log_z = logits.logsumexp(dim=1)[given["targets"] != -100]
    torch.testing.assert_close(nll, expected.detach(), rtol=1e-12, atol=0)
    expected = expected + z_loss * log_z.square().sum()
    torch.testing.assert_close(objective, expected, rtol=1e-12, atol=0)
    leaves = [given[name] for name in ("hidden", "weight", "bias")]
    wanted = torch.autograd.grad(2.5 * expected, leaves)
    for again in (True, False):  # the second time they are made anew
        found = torch.autograd.grad(2.5 * objective, leaves, retain_graph=again)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
