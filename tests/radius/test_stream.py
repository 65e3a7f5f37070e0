"""The residual stream of every architecture: found by what its modules do, or refused with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from beyond_scaling.radius.stream import find_stream, site_names, tapped

from ..models import tiny

KINDS = ("gpt2", "llama", "opt", "neox")
TOKENS = np.random.default_rng(1).integers(0, 300, (3, 9))
SITES = ("layer-0", "layer-1", "layer-2", "before", "after")


def last_positions(model: Any, sites: tuple[str, ...] = SITES) -> dict[str, np.ndarray]:
    import torch

    stream = find_stream(model)
    with torch.inference_mode(), tapped(stream, list(dict.fromkeys(map(stream.place, sites)))) as caught:
        stream.backbone(input_ids=torch.from_numpy(TOKENS), **stream.options)
        return {site: caught[stream.place(site)].numpy() for site in sites}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sites_are_the_hidden_states_of_the_model(kind: str, dtype: str) -> None:
    import torch

    model = tiny.model(kind).to(getattr(torch, dtype))
    found = last_positions(model)
    with torch.inference_mode():
        states = model.base_model(input_ids=torch.from_numpy(TOKENS), output_hidden_states=True).hidden_states
    expected = [state[:, -1].float().numpy() for state in states]  # the last one is after the norm
    for site, values in zip(("layer-0", "layer-1", "after"), expected, strict=True):
        np.testing.assert_array_equal(found[site], values, err_msg=site)
        assert found[site].dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_the_last_block_enters_the_final_norm_bit_for_bit(kind: str) -> None:
    import torch

    model, left = tiny.model(kind), []
    (blocks,) = {m for m in model.modules() if isinstance(m, torch.nn.ModuleList)}

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        left.append((output if isinstance(output, torch.Tensor) else output[0])[:, -1].clone())

    blocks[-1].register_forward_hook(keep)
    found = last_positions(model)
    np.testing.assert_array_equal(found["layer-2"], left[-1].numpy())
    np.testing.assert_array_equal(found["layer-2"], found["before"])


def test_site_names_are_in_order() -> None:
    model = tiny.model()
    assert site_names(model) == ("before", "after")
    assert site_names(model, "all") == SITES
    assert site_names(model, [2, np.int64(0), 2]) == ("layer-0", "layer-2", "before", "after")
    assert site_names(model, []) == ("before", "after")
    for layers, words in [
        ([3], r"layer 3: expected a number in 0\.\.\.2"),
        ([-1], r"layer -1: expected a number in 0\.\.\.2"),
        ([True], "layer True"),
        ([1.0], r"layer 1\.0"),
        ("1", r"layers is '1'; expected 'all' or numbers in 0\.\.\.2"),
    ]:
        with pytest.raises(ValueError, match=words):
            site_names(model, layers)  # type: ignore[arg-type]
    for site in ("layer-3", "layer-01", "layer--1", "Before", "", 3):
        with pytest.raises(ValueError, match=r"sites holds|layer 3: expected"):
            find_stream(model).place(site)  # type: ignore[arg-type]


def test_a_post_norm_model_is_refused() -> None:
    import transformers as t

    config = t.OPTConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=24,
        max_position_embeddings=32, word_embed_proj_dim=16, do_layer_norm_before=False,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"its last norm, .*layers\.1\.final_layer_norm, is part of .* \(post-norm\)"):
        find_stream(t.OPTForCausalLM(config).eval())


def test_an_encoder_and_decoder_is_refused() -> None:
    import transformers as t

    config = t.T5Config(vocab_size=300, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2)
    with pytest.raises(ValueError, match="T5ForConditionalGeneration is an encoder and a decoder"):
        find_stream(t.T5ForConditionalGeneration(config).eval())


def test_blocks_that_do_not_pass_the_stream_on_leave_the_norm_alone() -> None:
    model = tiny.model()
    model.transformer.h[1].register_forward_pre_hook(lambda _, inputs: (2 * inputs[0], *inputs[1:]))
    for layers in ("all", [1]):
        with pytest.raises(ValueError, match="GPT2LMHeadModel: the residual stream was not found: no list of blocks"):
            site_names(model, layers)
    with pytest.raises(ValueError, match="only the sites before and after the final norm can be recorded"):
        find_stream(model).place("layer-1")
    found = last_positions(model, ("before", "after"))
    assert np.abs(found["before"] - found["after"]).max() > 0.1


def test_a_site_is_a_copy_that_later_blocks_cannot_change() -> None:
    model = tiny.model()
    expected = last_positions(model)

    def overwrite(_module: Any, inputs: Any, _output: Any) -> None:
        inputs[0].zero_()

    model.transformer.h[1].register_forward_hook(overwrite)
    np.testing.assert_array_equal(last_positions(model)["layer-1"], expected["layer-1"])
