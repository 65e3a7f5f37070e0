"""Sizes of models: the paper's three, the lighter family, and counts that the modules themselves confirm."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.models import sizes
from beyond_scaling.models.openelm import OpenELMConfig, OpenELMForCausalLM
from beyond_scaling.models.vanilla import VanillaConfig, VanillaForCausalLM


@pytest.mark.parametrize(
    ("name", "blocks", "printed"),
    [
        ("model-1", 39_947_866, 39.95),
        ("model-2", 60_257_472, 60.26),
        ("model-2-printed", 60_479_744, None),
        ("model-3", 80_204_704, 80.20),
    ],
)
def test_the_papers_models_have_the_papers_parameters(name: str, blocks: int, printed: float | None) -> None:
    found = sizes.parameters(config := sizes.named(name))
    assert found["blocks"] == blocks
    assert printed is None or round(blocks / 1e6, 2) == printed
    assert found["embeddings"] == 50257 * config.hidden_size
    assert found["total"] == found["blocks"] + found["embeddings"]
    with torch.device("meta"):
        assert sum(p.numel() for p in OpenELMForCausalLM(config).parameters()) == found["total"]


def test_no_round_feed_forward_widths_give_model_2_as_printed() -> None:
    config = sizes.named("model-2-printed")
    rest = sizes.parameters(config)["blocks"] - 3 * 1280 * sum(config.ffn_widths)
    within = [total for total in range(8, 20_000) if 60.255e6 <= rest + 3 * 1280 * total < 60.265e6]
    assert [total for total in within if total % 8 == 0] == [11_976]
    assert not any(total % 16 == 0 for total in within)
    nearest = min(range(256, 20_000, 256), key=lambda total: abs(rest + 3 * 1280 * total - 60.26e6))
    assert nearest == sum(config.ffn_widths)


def test_vanilla_counts() -> None:
    found = sizes.parameters(VanillaConfig())
    # 6 (4 · 512² + 2 · 512 · 2048 + 2048 + 512 + 4 · 512), and 71 rows in, 71 rows and biases out
    assert found == {"blocks": 18_902_016, "embeddings": 72_775, "total": 18_974_791}
    with torch.device("meta"):
        assert sum(p.numel() for p in VanillaForCausalLM(VanillaConfig()).parameters()) == found["total"]


def count(config: Any) -> int:
    with torch.device("meta"):
        made = OpenELMForCausalLM if isinstance(config, OpenELMConfig) else VanillaForCausalLM
        return sum(p.numel() for p in made(config).parameters())


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 20), st.integers(1, 5), st.sampled_from([None, 4, 16, 64]), st.integers(1, 40), st.booleans())
def test_counts_are_those_of_the_modules(width: int, layers: int, head: int | None, words: int, tied: bool) -> None:
    config = sizes.openelm_light(16 * width, layers, head, vocabulary=words)
    config.tie_word_embeddings = tied
    assert sizes.parameters(config)["total"] == count(config)
    vanilla = VanillaConfig(words, 16 * width, layers, 4, 1 + 3 * width)
    assert sizes.parameters(vanilla)["total"] == count(vanilla)


def test_the_lighter_family_is_one_shape() -> None:
    widths = [16 * k for k in range(2, 23)]
    made = [sizes.openelm_light(width) for width in widths]
    for width, config in zip(widths, made, strict=True):
        assert config.query_heads == [4, 6, 6, 6, 6, 8, 8, 8]
        assert config.kv_heads == [2, 3, 3, 3, 3, 4, 4, 4]
        assert config.ffn_widths == [k * width // 2 for k in range(1, 9)]
        # 73.5 width² of matrices; gains: two norms a block and a last one, and queries' and keys' own
        assert sizes.parameters(config)["blocks"] == 147 * width**2 // 2 + 17 * width + 2 * width
    counts = [sizes.parameters(config)["blocks"] for config in made]
    assert counts[0] < 0.1e6
    assert counts[-1] > 8e6
    assert all(a < b for a, b in pairwise(counts))


def test_multipliers_and_make_divisible_are_openelms() -> None:
    assert sizes.multipliers(0.5, 4.0, 8) == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    assert sizes.multipliers(0.5, 1.0, 4) == [0.5, 0.67, 0.83, 1.0]
    assert sizes.multipliers(0.5, 1.0, 1) == [0.5]
    # OpenELM-270M: 16 layers of width 1280, heads 12 ... 20 in groups of 4, feed-forward widths 768 ... 5120
    query = [sizes.make_divisible(1280 * m, 64 * 4) // 64 for m in sizes.multipliers(0.5, 1.0, 16)]
    assert query == [12, 12, 12, 12, 12, 16, 16, 16, 16, 16, 16, 16, 20, 20, 20, 20]
    wide = [sizes.make_divisible(1280 * m, 256) for m in sizes.multipliers(0.5, 4.0, 16)]
    assert (wide[0], wide[-1]) == (768, 5120)


@given(st.floats(0.5, 1e5), st.integers(1, 512))
def test_make_divisible_rounds(value: float, divisor: int) -> None:
    found = sizes.make_divisible(value, divisor)
    assert found % divisor == 0
    assert found >= max(divisor, 0.9 * value)
    assert found <= max(divisor, value + divisor)


def test_operations_of_a_step() -> None:
    config = sizes.named("model-1")
    matrices = 39_947_866 - 17 * 954 - 8 * 128 + 50257 * 954
    # 58 heads of 64, each of whose queries reads 512.5 positions on average
    assert sizes.flops_per_token(config, 1024) == 6 * matrices + 12 * 58 * 64 * 512.5
    vanilla = VanillaConfig()
    assert sizes.flops_per_token(vanilla, 1) == 6 * (6 * 12 * 512**2 + 71 * 512) + 12 * 6 * 512


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sizes.named("model-4"), "model 'model-4'; expected one of model-1, model-2, model-2-printed, model-3"),
        (lambda: sizes.openelm_light(40), "width is 40; expected a positive multiple of 16"),
        (lambda: sizes.openelm_light(64, layers=0), "layers is 0; expected a positive multiple of 1"),
        (lambda: sizes.openelm_light(64, head_dim=7), "head_dim is 7; expected a positive multiple of 2"),
        (lambda: sizes.flops_per_token(sizes.named("model-1"), 0), "context is 0; expected at least 1"),
        (lambda: OpenELMConfig(kv_heads=(4, 3, 3, 3, 4, 4, 4, 5)), "6 query heads over 4 key-value heads"),
        (lambda: OpenELMConfig(ffn_widths=(512,)), "ffn_widths has 1 numbers; expected one for each of 8 layers"),
        (lambda: OpenELMConfig(num_hidden_layers=7), "query_heads has 8 numbers; .* each of 7 layers"),
        (lambda: OpenELMConfig(head_dim=63), "head_dim is 63; expected an even number"),
        (lambda: OpenELMConfig(hidden_size=0), "hidden_size is 0; expected an integer of at least 1"),
        (lambda: OpenELMConfig(query_heads=()), "query_heads has 0 numbers; expected one for each of"),
        (lambda: OpenELMConfig(rms_norm_eps=0), "rms_norm_eps 0.0 and rope_theta 10000.0; expected above 0"),
        (lambda: OpenELMConfig(attention_dropout=1), r"attention_dropout is 1.0; expected in \[0, 1\)"),
        (lambda: VanillaConfig(hidden_size=20), "hidden_size is 20; expected an even multiple of num_attention_heads"),
        (lambda: VanillaConfig(dropout=1.0), r"dropout 1.0 .* expected in \[0, 1\)"),
        (lambda: VanillaConfig(intermediate_size=0), "intermediate_size is 0; expected an integer of at least 1"),
        (lambda: VanillaConfig(tie_word_embeddings=True), "tie_word_embeddings is true; expected false"),
    ],
)
def test_shapes_that_will_not_do(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_other_models_are_not_counted() -> None:
    from transformers import LlamaConfig

    with pytest.raises(ValueError, match="a configuration of 'llama'; expected beyond_openelm or beyond_vanilla"):
        sizes.parameters(LlamaConfig())
