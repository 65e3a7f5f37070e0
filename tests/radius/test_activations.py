"""The activation for the next token: the right tensor of the right position, in batches, resumable."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling.radius.activations import MANIFEST, Interrupted, final_norm, record_activations

from ..models import tiny

TOKENS = np.random.default_rng(0).integers(0, 300, (21, 12)).astype(np.int32)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gpt2", "transformer.ln_f"),
        ("llama", "model.norm"),
        ("opt", "model.decoder.final_layer_norm"),
        ("neox", "gpt_neox.final_layer_norm"),
    ],
)
def test_both_sides_of_the_final_norm_of_every_architecture(kind: str, name: str) -> None:
    import torch

    model = tiny.model(kind)
    assert final_norm(model)[0] == name
    found = record_activations(model, TOKENS, batch_size=4)
    assert found.before.shape == found.after.shape == (21, 16)
    norm = model.get_submodule(name)
    with torch.inference_mode():
        logits = model(torch.from_numpy(TOKENS.astype(np.int64))).logits[:, -1]
        normed = norm(torch.from_numpy(found.before)).numpy()
        read = model.get_output_embeddings()(torch.from_numpy(found.after))
    np.testing.assert_allclose(read.numpy(), logits.numpy(), atol=1e-5)
    np.testing.assert_allclose(normed, found.after, atol=1e-5)
    assert np.abs(found.before - found.after).max() > 0.1


def test_the_batch_size_changes_nothing_but_speed() -> None:
    model = tiny.model()
    one, all_ = (record_activations(model, TOKENS, batch_size=size) for size in (1, 64))
    np.testing.assert_allclose(one.after, all_.after, atol=1e-5)


def test_a_model_without_a_final_norm_is_refused_by_name() -> None:
    import torch

    model = tiny.model()
    model.transformer.ln_f = torch.nn.Identity()
    with pytest.raises(ValueError, match=r"GPT2LMHeadModel: no final norm found; .* among modules called ln_1, ln_2"):
        record_activations(model, TOKENS)


class Stop:
    """Counts the chunks a model is run on and, at a given number, behaves like Ctrl-C."""

    def __init__(self, model: Any, after: int | None = None) -> None:
        self.chunks, self.after = 0, after
        self.handle = model.base_model.register_forward_pre_hook(self.count, with_kwargs=True)

    def count(self, _module: object, _args: object, kwargs: dict[str, Any]) -> None:
        tokens = kwargs.get("input_ids")
        if tokens is not None and tokens.shape[1] == TOKENS.shape[1]:  # not the probe for the norm
            if self.after is not None and self.chunks >= self.after:
                raise KeyboardInterrupt
            self.chunks += len(tokens)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    model = tiny.model()
    whole = record_activations(model, TOKENS, batch_size=4)
    stop = Stop(model, after=8)
    with pytest.raises(Interrupted, match="8 of 21 chunks are done"):
        record_activations(model, TOKENS, batch_size=4, work=tmp_path / "work")
    stop.handle.remove()
    rest = Stop(model)
    resumed = record_activations(model, TOKENS, batch_size=4, work=tmp_path / "work")
    assert rest.chunks == 13, "only what was missing is run"
    np.testing.assert_array_equal(resumed.before, whole.before)
    np.testing.assert_array_equal(resumed.after, whole.after)
    again = record_activations(model, TOKENS, batch_size=4, work=tmp_path / "work")
    assert rest.chunks == 13
    np.testing.assert_array_equal(again.after, whole.after)
    assert again.seconds >= resumed.seconds


def test_work_of_another_measurement_is_refused(tmp_path: Path) -> None:
    model = tiny.model()
    record_activations(model, TOKENS, work=tmp_path, identity={"dtype": "float32"})
    with pytest.raises(ValueError, match=r"holds another measurement \(21 chunks of it\)"):
        record_activations(model, TOKENS, work=tmp_path, identity={"dtype": "bfloat16"})
    with pytest.raises(ValueError, match="holds another measurement"):
        record_activations(model, TOKENS[::-1].copy(), work=tmp_path, identity={"dtype": "float32"})
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    np.save(tmp_path / "after.npy", np.zeros((3, 16), dtype=np.float32))
    with pytest.raises(ValueError, match="damaged"):
        record_activations(model, TOKENS, work=tmp_path, identity={"dtype": "float32"})
    assert manifest["done"] == manifest["total"] == 21


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (MANIFEST, b""),
        (MANIFEST, b"[]"),
        (MANIFEST, b'{"fingerprint": "x"}'),
        (MANIFEST, b'{"fingerprint": "x", "done": null, "seconds": 1}'),
        ("before.npy", b""),
        ("after.npy", b"\x93NUMPY"),
    ],
)
def test_damaged_work_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    model = tiny.model()
    record_activations(model, TOKENS, work=tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"work folder .* is damaged: .*; remove it"):
        record_activations(model, TOKENS, work=tmp_path)


def test_work_cannot_be_further_than_its_end(tmp_path: Path) -> None:
    model = tiny.model()
    record_activations(model, TOKENS, work=tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "done": 22}))
    with pytest.raises(ValueError, match="damaged: 22 of 21 chunks done"):
        record_activations(model, TOKENS, work=tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve disk space")
def test_a_full_disk_is_met_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def full(file: int, start: int, size: int) -> None:
        asked.append(size)
        if len(asked) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ValueError, match=r"work folder .*: no 2,944 bytes to be had: No space left on device"):
        record_activations(tiny.model(), TOKENS, work=tmp_path)
    assert asked == [128 + 21 * 16 * 4] * 2
    assert not list(tmp_path.iterdir())


def test_bad_tokens_are_named() -> None:
    model = tiny.model()
    for tokens, words in [
        (np.zeros((2, 33), dtype=int), "chunks of 33 tokens are longer than the model's context of 32"),
        (np.full((2, 3), 300), r"tokens lie in 300\.\.\.300; the model knows 0\.\.\.299"),
        (np.full((2, 3), -1), "tokens lie in -1"),
        (np.zeros((2, 3)), "dtype float64; expected integers"),
        (np.zeros(3, dtype=int), r"shape \(3,\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            record_activations(model, tokens)
    with pytest.raises(ValueError, match="batch_size 0"):
        record_activations(model, TOKENS, batch_size=0)


def test_activations_that_are_not_finite_are_refused() -> None:
    import torch

    model = tiny.model()
    with torch.no_grad():
        model.transformer.wte.weight[int(TOKENS[5, -1])] = float("inf")
    with pytest.raises(ValueError, match=r"activations of chunks 0\.\.\.15 are not finite in torch.float32"):
        record_activations(model, TOKENS)
