"""OpenELM and the vanilla Transformer: their equations, and their life as transformers models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from beyond_scaling.corpora import documents
from beyond_scaling.models.load import load_model
from beyond_scaling.models.own import OWN, introduce
from beyond_scaling.radius import CONTROLS, Settings, measure_radius
from beyond_scaling.radius.stream import find_stream

from . import own, reference, tiny

TOKENS = [[5, 17, 60, 0, 33, 33, 8, 2, 49, 11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]
TARGETS = [[17, 60, 0, 33, 33, 8, 2, 49, 11, 1], [2, 3, 4, 5, 6, -100, -100, -100, -100, -100]]

pytestmark = pytest.mark.filterwarnings("ignore:.*scaled_dot_product")


@pytest.fixture(scope="module", params=own.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def expected(kind: str) -> np.ndarray:
    """The reference's logits (2, T, V), from float64 weights."""
    made = own.model(kind)
    found = own.weights(made)
    return np.stack([own.logits(kind, found, made.config, line) for line in TOKENS])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_logits_are_the_equations(kind: str, expected: np.ndarray, dtype: torch.dtype, tolerance: float) -> None:
    with torch.no_grad():
        found = own.model(kind, dtype)(torch.tensor(TOKENS)).logits
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("z_loss", [0.0, 0.01])
def test_losses_are_the_equations(kind: str, expected: np.ndarray, z_loss: float) -> None:
    made = own.model(kind)
    objective, nll = made.token_losses(torch.tensor(TOKENS), torch.tensor(TARGETS), z_loss)
    wanted = [sum(reference.loss(e, t, z) for e, t in zip(expected, TARGETS, strict=True)) for z in (z_loss, 0.0)]
    assert [objective.item(), nll.item()] == pytest.approx(wanted, rel=1e-5)
    assert objective.dtype == nll.dtype == torch.float32
    assert objective.ndim == nll.ndim == 0
    assert objective.requires_grad
    assert not nll.requires_grad


def test_gradients_are_slopes_of_the_equations(kind: str) -> None:
    made = own.model(kind, torch.float64)
    found = own.weights(made)
    tokens, targets = [line[:5] for line in TOKENS], [line[:5] for line in TARGETS]

    def objective(step: float, towards: dict[str, np.ndarray]) -> float:
        moved = {name: values + step * towards.get(name, 0) for name, values in found.items()}
        if kind == "openelm":
            moved["lm_head.weight"] = moved["model.embed_tokens.weight"]
        return sum(
            reference.loss(own.logits(kind, moved, made.config, line), wanted, 0.01)
            for line, wanted in zip(tokens, targets, strict=True)
        )

    made.token_losses(torch.tensor(tokens), torch.tensor(targets), 0.01)[0].backward()
    draw = np.random.default_rng(0)
    for name, parameter in made.named_parameters():
        towards = {name: draw.standard_normal(parameter.shape)}
        slope = (objective(1e-5, towards) - objective(-1e-5, towards)) / 2e-5
        along = float((parameter.grad * torch.from_numpy(towards[name])).sum())
        assert along == pytest.approx(slope, rel=1e-6, abs=1e-7), name


def gradients(made: Any, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    made.zero_grad()
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
        objective, _ = made.token_losses(torch.tensor(TOKENS), torch.tensor(TARGETS))
    (objective / 15).backward()
    return {name: parameter.grad.clone() for name, parameter in made.named_parameters()}


def test_autocast_stays_near_full_precision(kind: str) -> None:
    made = own.model(kind)
    exact, rounded = gradients(made), gradients(made, torch.bfloat16)
    assert {gradient.dtype for gradient in rounded.values()} == {torch.float32}
    one, other = (torch.cat([gradient.flatten() for gradient in g.values()]) for g in (exact, rounded))
    assert 0 < (one - other).norm() < 0.03 * one.norm()


def test_a_compiled_graph_gives_the_same_gradients() -> None:
    made = own.model("openelm", query_heads=(6,), kv_heads=(3,), ffn_widths=(16,))
    exact = gradients(made)
    made.token_losses = torch.compile(made.token_losses, backend="eager")
    for name, gradient in gradients(made).items():
        torch.testing.assert_close(gradient, exact[name], rtol=1e-4, atol=1e-6)
    torch.compiler.reset()


def test_many_rows_take_the_fast_product_and_give_the_same(kind: str) -> None:
    made, tokens = own.model(kind), torch.randint(61, (6, 20), generator=torch.Generator().manual_seed(1))

    def whole() -> list[torch.Tensor]:
        made.zero_grad()
        made.token_losses(tokens[:, :-1], tokens[:, 1:])[0].backward()
        return [parameter.grad.clone() for parameter in made.parameters()]

    fast = whole()
    with mock.patch.object(torch.backends.mkldnn, "is_available", return_value=False):
        plain = whole()
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_saved_folder_is_a_transformers_model(kind: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    made = own.model(kind)
    made.save_pretrained(tmp_path)
    assert introduce(made.config.model_type)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(again) is type(made)
    assert again.config.to_dict() | {"_name_or_path": ""} == made.config.to_dict()
    tokens = torch.tensor(TOKENS)
    assert torch.equal(again(tokens).logits, made(tokens).logits)
    stored = load_file(tmp_path / "model.safetensors")
    assert ("lm_head.weight" in stored) == (kind == "vanilla")
    assert sum(tensor.numel() for tensor in stored.values()) == sum(p.numel() for p in made.parameters())
    if kind == "openelm":
        assert again.lm_head.weight is again.model.embed_tokens.weight


def test_loading_asks_for_everything_and_in_any_type(kind: str, tmp_path: Path) -> None:
    made = own.model(kind, vocab_size=300)
    made.save_pretrained(tmp_path)
    tiny.save_tokenizer(tmp_path)
    loaded = load_model(tmp_path, dtype="bfloat16")
    assert loaded.attention == "sdpa"
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}
    assert {b.dtype for b in loaded.model.buffers()} == {torch.float32}  # tables of positions
    tokens = torch.tensor(TOKENS)
    close = (loaded.model(tokens).logits.float() - made(tokens).logits).norm() / made(tokens).logits.norm()
    assert close < 0.02
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_size": 24}))
    with pytest.raises(ValueError, match=r"has shape .*, its config\.json asks for \(300, 24\)"):
        load_model(tmp_path)


def test_generation_with_a_cache_is_generation_without(kind: str) -> None:
    made, prompt = own.model(kind), torch.tensor(TOKENS)[:, :4]
    options = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 59}
    slow = made.generate(prompt, use_cache=False, **options)
    assert torch.equal(made.generate(prompt, use_cache=True, **options), slow)
    # some tokens at once after others: the second call sees a cache and several positions
    first = made(prompt[:, :2], use_cache=True)
    second = made(prompt[:, 2:], past_key_values=first.past_key_values)
    torch.testing.assert_close(second.logits, made(prompt).logits[:, 2:], rtol=1e-4, atol=1e-5)


def test_padding_on_the_left_changes_nothing(kind: str) -> None:
    made, line = own.model(kind), torch.tensor(TOKENS[:1])[:, :5]
    padded = torch.cat((torch.tensor([[9, 9, 9]]), line), dim=1)
    mask = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1]])
    torch.testing.assert_close(made(padded, mask).logits[:, 3:], made(line).logits, rtol=1e-4, atol=1e-5)
    options = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 59}
    found = made.generate(padded, attention_mask=mask, **options)[0, 8:]
    assert torch.equal(found, made.generate(line, **options)[0, 5:])


def test_labels_are_scored_as_transformers_does(kind: str) -> None:
    made, tokens = own.model(kind), torch.tensor(TOKENS)
    labels = tokens.clone()
    labels[1, 4:] = -100
    output = made(tokens, labels=labels, output_hidden_states=True)
    wanted = torch.nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    torch.testing.assert_close(output.loss, wanted)
    assert len(output.hidden_states) == 3
    assert torch.equal(made.lm_head(output.hidden_states[-1]), output.logits)
    assert torch.equal(made(tokens, logits_to_keep=2).logits, output.logits[:, -2:])
    assert torch.equal(made(tokens, return_dict=False)[0], output.logits)
    embedded = made.get_input_embeddings()(tokens)
    torch.testing.assert_close(made(inputs_embeds=embedded).logits, output.logits)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m(), "expected either input_ids or inputs_embeds"),
        (lambda m: m(torch.zeros(1, 25, dtype=torch.long)), "25 tokens; expected at most 24, the model's context"),
        (lambda m: m(torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 2)), r"attention_mask has shape \(1, 2\)"),
    ],
)
def test_calls_that_will_not_do(kind: str, call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(own.model(kind))


def test_own_models_are_entered(kind: str) -> None:
    assert own.config(kind).model_type in OWN


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    made = own.model("openelm", hidden_size=96, ffn_widths=(256, 384), query_heads=(8, 16), kv_heads=(4, 8), head_dim=8)
    for name, weight in made.named_parameters():
        if weight.ndim == 2:  # fan-in^-1/2, and D^-1/2 (2L)^-1/2 for what is added to the stream
            wanted = 96**-0.5 * (0.5 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1)
            assert weight.std().item() == pytest.approx(wanted, rel=0.05), name
            assert abs(weight.mean().item()) < 0.1 * wanted
    vanilla = own.model("vanilla", hidden_size=96, num_attention_heads=4, intermediate_size=384)
    bounds = {"qkv_proj": (3 / 96) ** 0.5, "o_proj": (3 / 96) ** 0.5, "up_proj": (12 / 480) ** 0.5}
    bounds |= {"down_proj": (6 / 480) ** 0.5, "embed_tokens": (6 / 157) ** 0.5, "lm_head": (6 / 157) ** 0.5}
    for name, weight in vanilla.named_parameters():
        if weight.ndim == 2:
            bound = bounds[name.split(".")[-2]]
            assert 0.99 * bound < weight.abs().max().item() <= bound, name
            assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.03), name


def test_dropout_is_where_it_should_be(kind: str) -> None:
    rates = {"openelm": {"attention_dropout": 0.25, "embedding_dropout": 0.5}, "vanilla": {"dropout": 0.25}}[kind]
    made, tokens = own.model(kind, **rates), torch.tensor(TOKENS)
    seen: list[tuple[str, float]] = []
    dropout, attention = torch.nn.functional.dropout, torch.nn.functional.scaled_dot_product_attention

    def watched(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
        seen.append(("dropout", p if training else 0.0))
        return dropout(x, p, training)

    def watched_attention(*args: Any, **options: Any) -> torch.Tensor:
        seen.append(("attention", options["dropout_p"]))
        return attention(*args, **options)

    patched = {"dropout": watched, "scaled_dot_product_attention": watched_attention}
    with mock.patch.multiple(torch.nn.functional, **patched):
        for training in (True, False):
            seen.clear()
            made.train(training)(tokens)
            block = [("attention", 0.25 * training), *[("dropout", 0.25 * training)] * (3 if kind == "vanilla" else 0)]
            assert seen == [("dropout", (0.25 if kind == "vanilla" else 0.5) * training), *block, *block]


def test_radius_of_every_layer_with_every_control(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    own.model("openelm", vocab_size=300, max_position_embeddings=32).save_pretrained(folder)
    tiny.save_tokenizer(folder)
    (tmp_path / "text.txt").write_text(tiny.prose(400))
    loaded = load_model(folder)
    settings = Settings(chunks=40, length=10, layers="all", controls=CONTROLS)
    source = documents(tmp_path / "text.txt")
    record = measure_radius(loaded, source, settings, name="toy", title="A toy", command="toy")
    sites = ["layer-0", "layer-1", "layer-2", "before", "after"]
    assert list(record.summary["sites"]) == sites
    assert set(record.summary["controls"]) == set(CONTROLS)
    assert record.summary["dimension"] == 22


def test_a_vanilla_model_has_no_final_norm() -> None:
    with pytest.raises(ValueError, match=r"its last norm, .*final_layer_norm, is part of a block .*post-norm"):
        find_stream(own.model("vanilla"))
