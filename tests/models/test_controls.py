"""Controls: untrained weights, and the same function with another final norm."""

from __future__ import annotations

import numpy as np
import pytest

from beyond_scaling.models.controls import largest_change, rescaled, untrained
from beyond_scaling.models.final_norm import final_norm
from beyond_scaling.models.llama2c import Shape, load_llama2c

from . import tiny

KINDS = ["gpt2", "llama", "opt", "neox"]
TOKENS = np.random.default_rng(0).integers(0, 300, (3, 12)).astype(np.int32)
STORIES = Shape(dim=16, hidden=12, layers=1, heads=2, kv_heads=2, vocab=300, context=16, tied=True)


def weights(model) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    return {name: weight.detach().float().numpy().copy() for name, weight in model.state_dict().items()}


def around_the_norm(model) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """What enters the final norm and what leaves it, at every place."""
    import torch

    caught: list[np.ndarray] = []
    norm = final_norm(model)[1]
    hook = norm.register_forward_hook(lambda _, inputs, output: caught.extend((inputs[0].numpy(), output.numpy())))
    with torch.inference_mode():
        model(torch.from_numpy(TOKENS).long())
    hook.remove()
    return caught[0], caught[1]


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", [*KINDS, "llama2.c"])
def test_rescaling_moves_the_activations_and_not_the_function(kind: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    if kind == "llama2.c":
        model = load_llama2c(tiny.write_llama2c(tmp_path / "m.bin", STORIES, tiny.llama2c_arrays(STORIES)))
    else:
        model = tiny.model(kind)
    kept = weights(model)
    for factor, exact in ((4.0, True), (0.3, False)):
        other = rescaled(model, factor)
        change = largest_change(model, other, TOKENS)
        assert change == 0 if exact else change < 1e-5
        mine, moved = (around_the_norm(m) for m in (model, other))
        np.testing.assert_array_equal(moved[0], mine[0])
        np.testing.assert_allclose(moved[1], factor * mine[1], rtol=1e-5, atol=1e-6)
        assert not same(weights(other), kept)
    assert same(weights(model), kept), "the original is as it was"
    assert model.config.tie_word_embeddings == (kind in ("gpt2", "opt", "llama2.c"))
    other.tie_weights()  # what transformers calls now and then must not tie them again
    assert largest_change(model, other, TOKENS) < 1e-5


def test_the_final_norm_is_found_whatever_the_numbers() -> None:
    import torch

    model = tiny.model()
    with torch.no_grad():
        model.transformer.wte.weight[0] = float("nan")
    assert final_norm(model) == ("transformer.ln_f", model.transformer.ln_f)


def test_a_gain_kept_as_its_distance_from_one_is_rescaled_too() -> None:
    import torch
    from transformers import GemmaConfig, GemmaForCausalLM

    size = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "hidden_size": 16}
    config = GemmaConfig(**size, vocab_size=300, num_hidden_layers=1, intermediate_size=24, max_position_embeddings=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GemmaForCausalLM(config).eval()
        with torch.no_grad():
            model.model.norm.weight.normal_(0, 0.3)
    other = rescaled(model, 3.0)
    gains = [1 + m.model.norm.weight.detach().numpy() for m in (model, other)]
    np.testing.assert_allclose(gains[1], 3 * gains[0], rtol=1e-5)
    assert largest_change(model, other, TOKENS) < 1e-5


def test_in_bfloat16_a_power_of_two_changes_no_bit() -> None:
    import torch

    model = tiny.model("llama").to(torch.bfloat16)
    assert largest_change(model, rescaled(model, 0.25), TOKENS) == 0
    assert 0 < largest_change(model, rescaled(model, 0.3), TOKENS) < 0.05


def test_what_cannot_be_rescaled_says_why() -> None:
    import torch

    class StubbornNorm(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(16))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.weight.sigmoid()

    model = tiny.model()
    for factor in (0, -1.0, float("inf"), float("nan"), True, "2"):
        with pytest.raises(ValueError, match="expected a positive, finite number"):
            rescaled(model, factor)
    model.transformer.ln_f = StubbornNorm()
    with pytest.raises(ValueError, match=r"transformer\.ln_f \(StubbornNorm\): no change of its weights \(weight\)"):
        rescaled(model, 2.0)
    model.transformer.ln_f = torch.nn.LayerNorm(16, elementwise_affine=False)
    with pytest.raises(ValueError, match=r"\(LayerNorm\): no change of its weights \(none\)"):
        rescaled(model, 2.0)


@pytest.mark.parametrize("kind", [*KINDS, "llama2.c"])
def test_an_untrained_model_is_of_the_same_kind_and_knows_nothing(kind: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import torch

    if kind == "llama2.c":
        model = load_llama2c(tiny.write_llama2c(tmp_path / "m.bin", STORIES, tiny.llama2c_arrays(STORIES)))
    else:
        model = tiny.model(kind).to(torch.bfloat16)
    kept, state = weights(model), torch.get_rng_state()
    first, again, second = untrained(model, 1), untrained(model, 1), untrained(model, 2)
    assert torch.equal(torch.get_rng_state(), state), "the caller's generator has not moved"
    assert torch.get_default_dtype() == torch.float32
    assert type(first) is type(model)
    assert not first.training
    assert first.config._attn_implementation == model.config._attn_implementation
    tensors = dict(first.state_dict())
    for name, weight in model.state_dict().items():
        assert (tensors[name].dtype, tensors[name].shape) == (weight.dtype, weight.shape)
    tied = [m.get_output_embeddings().weight is m.get_input_embeddings().weight for m in (model, first)]
    assert tied[0] == tied[1]
    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(second))
    assert same(weights(model), kept)
    norm = final_norm(first)[1]
    assert (norm.weight == 1).all(), "its own initialisation: gains of 1"
    assert largest_change(model, first, TOKENS) > 0.1


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_seeds_are_checked(seed: object) -> None:
    with pytest.raises(ValueError, match=r"seed .* expected an integer of at least 0"):
        untrained(tiny.model(), seed)  # type: ignore[arg-type]


def test_the_largest_change_is_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model = tiny.model()
    other = rescaled(model, 1.0)
    with torch.no_grad():
        other.lm_head.weight[7] += 1.0
    log = [torch.log_softmax(m(torch.from_numpy(TOKENS).long()).logits.double(), -1) for m in (model, other)]
    expected = (log[0] - log[1]).abs().max().item()
    assert largest_change(model, other, TOKENS) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr("beyond_scaling.models.controls._LOGITS_AT_ONCE", 1)  # a chunk at a time
    assert largest_change(model, other, TOKENS) == pytest.approx(expected, rel=1e-5)
    assert largest_change(model, model, TOKENS) == 0
    with torch.no_grad():
        other.lm_head.weight[3] = float("nan")
    with pytest.raises(ValueError, match=r"chunks 0\.\.\.0 are not comparable"):
        largest_change(model, other, TOKENS)
    for wrong in (TOKENS[0], TOKENS[:0], TOKENS.astype(float)):
        with pytest.raises(ValueError, match="expected integers"):
            largest_change(model, model, wrong)
    small = load_small()
    with pytest.raises(ValueError, match="300 and 33 tokens"):
        largest_change(model, small, TOKENS)


def load_small():  # type: ignore[no-untyped-def]
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(vocab_size=33, n_positions=32, n_embd=16, n_layer=1, n_head=2)).eval()
