"""The activation for the next token: the right tensor of the right position, in batches, resumable."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.radius import activations
from beyond_scaling.radius.activations import (
    MANIFEST,
    Interrupted,
    check_model,
    clear,
    final_norm,
    record_activations,
)
from beyond_scaling.radius.batches import fitting, power_below
from beyond_scaling.radius.forward import Batch, Passes
from beyond_scaling.radius.stream import find_stream

from ..models import tiny

TOKENS = np.random.default_rng(0).integers(0, 300, (21, 12)).astype(np.int32)
ALL = ("layer-0", "layer-1", "layer-2", "before", "after")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of two batches of four."""
    monkeypatch.setattr(activations, "SHARD_BYTES", 8 * 2 * 16 * 4)


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


def test_all_sites_come_from_one_pass() -> None:
    import torch

    model = tiny.model("llama")
    calls = Calls(model)
    found = record_activations(model, TOKENS, sites=ALL, batch_size=4)
    assert calls.chunks == len(TOKENS)
    assert tuple(found.sites) == ALL
    assert found.sites["layer-2"] is found.sites["before"] is found.before
    with torch.inference_mode():
        tokens = torch.from_numpy(TOKENS.astype(np.int64))
        states = model.base_model(input_ids=tokens, output_hidden_states=True).hidden_states
    for site, state in zip(("layer-0", "layer-1", "after"), states, strict=True):
        np.testing.assert_allclose(found.sites[site], state[:, -1].numpy(), atol=1e-5)
    assert found.seconds > 0
    assert found.tokens_per_second > 0


def test_the_batch_size_changes_nothing_but_speed() -> None:
    model = tiny.model()
    one, all_, automatic = (record_activations(model, TOKENS, batch_size=size) for size in (1, 64, None))
    np.testing.assert_allclose(one.after, all_.after, atol=1e-5)
    np.testing.assert_allclose(one.after, automatic.after, atol=1e-5)
    assert (one.batch_size, all_.batch_size, automatic.batch_size) == (1, 64, 32)


def test_the_automatic_batch_is_a_power_of_two_that_holds_no_more_than_there_is() -> None:
    assert [power_below(8, count) for count in (1, 2, 3, 7, 8, 9, 1000)] == [1, 2, 4, 8, 8, 8, 8]
    assert [power_below(most, 1000) for most in (1, 2, 3, 7, 8, 9)] == [1, 2, 2, 4, 8, 8]
    assert [fitting(1000, each) for each in (0, 1, 60, 601, 10**9)] == [600, 600, 10, 1, 1]


def test_a_gpu_is_one_batch_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    told: list[tuple[str, int]] = []

    class Event:
        def __init__(self, start: int) -> None:
            self.start = start

        def synchronize(self) -> None:
            told.append(("wait", self.start))

    def launch(self: Passes, tokens: np.ndarray, start: int, caught: object) -> Batch:
        told.append(("launch", start))
        return Batch(start, torch.full((1, len(tokens), 1), float(start)), Event(start), 0.0)

    monkeypatch.setattr(Passes, "_launch", launch)
    model = tiny.model()
    passes = Passes(model, find_stream(model), ["before"], 4)
    found = [(batch.start, batch.wait().shape[1]) for batch in passes.over(TOKENS, [(0, 6), (9, 13)])]
    assert found == [(0, 4), (4, 2), (9, 4)]
    assert told == [("launch", 0), ("launch", 4), ("wait", 0), ("launch", 9), ("wait", 4), ("wait", 9)]


class Calls:
    """Counts the chunks a model is run on and, at a given number, behaves like Ctrl-C."""

    def __init__(self, model: Any, stop: int | None = None, most: int | None = None) -> None:
        self.chunks, self.stop, self.most = 0, stop, most
        self.handle = model.base_model.register_forward_pre_hook(self.count, with_kwargs=True)

    def count(self, _module: object, _args: object, kwargs: dict[str, Any]) -> None:
        import torch

        tokens = kwargs.get("input_ids")
        if tokens is not None and tokens.shape[1] == TOKENS.shape[1]:  # not the probes for norm and blocks
            if self.most is not None and len(tokens) > self.most:
                raise torch.OutOfMemoryError("stands for a full GPU")
            if self.stop is not None and self.chunks >= self.stop:
                raise KeyboardInterrupt
            self.chunks += len(tokens)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, kind: str) -> None:
    model = tiny.model(kind)
    whole = record_activations(model, TOKENS, batch_size=4)
    stop = Calls(model, stop=8)
    with pytest.raises(Interrupted, match="8 of 21 chunks are done"):
        record_activations(model, TOKENS, batch_size=4, work=tmp_path / "work")
    stop.handle.remove()
    rest = Calls(model)
    resumed = record_activations(model, TOKENS, batch_size=16, work=tmp_path / "work")
    assert rest.chunks == 13, "only what was missing is run"
    assert resumed.batch_size == 4, "of the run that was taken up, since rounding depends on it"
    np.testing.assert_array_equal(resumed.before, whole.before)
    np.testing.assert_array_equal(resumed.after, whole.after)
    again = record_activations(model, TOKENS, work=tmp_path / "work")
    assert rest.chunks == 13
    np.testing.assert_array_equal(again.after, whole.after)
    assert again.seconds == resumed.seconds
    assert again.tokens_per_second > 0
    clear(tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


@settings(max_examples=8)
@given(data=st.data())
def test_any_shards_and_any_interruptions_give_the_same_bits(data: st.DataObject) -> None:
    model, batch = tiny.model(), data.draw(st.integers(1, 9), "batch")
    stops = data.draw(st.lists(st.integers(0, 12), max_size=3), "chunks of each sitting")
    whole = record_activations(model, TOKENS, batch_size=batch)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        rows = data.draw(st.integers(1, 30), "rows of a shard")
        patch.setattr(activations, "SHARD_BYTES", rows * 2 * 16 * 4)
        for stop in stops:
            calls = Calls(model, stop=stop)
            with contextlib.suppress(Interrupted):
                record_activations(model, TOKENS, batch_size=batch, work=Path(folder))
            calls.handle.remove()
        found = record_activations(model, TOKENS, batch_size=batch, work=Path(folder))
        np.testing.assert_array_equal(found.before, whole.before)
        np.testing.assert_array_equal(found.after, whole.after)


def test_an_interruption_without_a_work_folder_says_how_far_it_came() -> None:
    model = tiny.model()
    Calls(model, stop=8)
    with pytest.raises(Interrupted, match="8 of 21 chunks are done"):
        record_activations(model, TOKENS, batch_size=4)


@pytest.mark.usefixtures("small_shards")
def test_what_is_damaged_is_computed_again_and_nothing_else(tmp_path: Path) -> None:
    model = tiny.model()
    whole = record_activations(model, TOKENS, batch_size=4, work=tmp_path)
    assert len(list(tmp_path.glob("rows-*.npy"))) == 3
    path = tmp_path / "rows-0000000008-0000000016.npy"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf"shard {path.name} is cut short .*; remove {path.stem}\.\* and give"):
        record_activations(model, TOKENS, batch_size=4, work=tmp_path)
    for part in tmp_path.glob(path.stem + ".*"):
        part.unlink()
    (tmp_path / MANIFEST).unlink()
    calls = Calls(model)
    again = record_activations(model, TOKENS, work=tmp_path)
    assert (calls.chunks, again.batch_size) == (8, 4)
    np.testing.assert_array_equal(again.before, whole.before)


@pytest.mark.usefixtures("small_shards")
def test_a_large_result_is_memory_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model()
    whole = record_activations(model, TOKENS, batch_size=4, sites=ALL)
    monkeypatch.setattr(activations, "COMBINE_BYTES", 4 * 21 * 16 * 4 - 1)  # of four places
    found = record_activations(model, TOKENS, batch_size=4, sites=ALL, work=tmp_path)
    for site in ALL:
        assert isinstance(found.sites[site], np.memmap)
        np.testing.assert_array_equal(found.sites[site], whole.sites[site])
    assert found.sites["layer-2"] is found.before
    assert sorted(path.name for path in tmp_path.glob("*[a-z].npy")) == ["after.npy", "before.npy"]


def test_work_of_another_measurement_is_refused(tmp_path: Path) -> None:
    model = tiny.model()
    record_activations(model, TOKENS, work=tmp_path, identity={"dtype": "float32"})
    for words, tokens, changes in [
        ("another model or dtype", TOKENS, {"identity": {"dtype": "bfloat16"}}),
        ("other tokens", TOKENS[::-1].copy(), {}),
        ("other sites", TOKENS, {"sites": ALL}),
    ]:
        given = {"identity": {"dtype": "float32"}, **changes}
        with pytest.raises(ValueError, match=rf"holds another measurement, of {words} \(21 of 21 chunks of it\)"):
            record_activations(model, tokens, work=tmp_path, **given)  # type: ignore[arg-type]


@pytest.mark.usefixtures("small_shards")
def test_a_full_disk_keeps_the_shards_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, real, calls = tiny.model(), os.fsync, []

    def full(number: int) -> None:
        calls.append(number)
        if len(calls) > 6:  # two of the manifest, four of the first shard
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    whole = record_activations(model, TOKENS, batch_size=4)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ValueError, match=r"rows-.*\.npy cannot be written: No space left on device; what was"):
            record_activations(model, TOKENS, batch_size=4, work=tmp_path)
    rest = Calls(model)
    found = record_activations(model, TOKENS, batch_size=4, work=tmp_path)
    assert rest.chunks == 13
    np.testing.assert_array_equal(found.after, whole.after)


def test_a_slow_model_loses_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "SHARD_SECONDS", 0.0)
    record_activations(tiny.model(), TOKENS, batch_size=4, work=tmp_path)
    assert len(list(tmp_path.glob("rows-*.npy"))) == 6, "a shard for every batch"


def test_too_little_memory_halves_the_batch(tmp_path: Path) -> None:
    import torch

    model = tiny.model()
    whole = record_activations(model, TOKENS, batch_size=4)
    full = Calls(model, most=5)
    found = record_activations(model, TOKENS, batch_size=16, work=tmp_path)
    assert (found.batch_size, full.chunks) == (4, 21)
    np.testing.assert_array_equal(found.before, whole.before)
    full.handle.remove()
    Calls(model, most=0)
    with pytest.raises(torch.OutOfMemoryError):
        record_activations(model, TOKENS, batch_size=16)


def test_dropout_is_off_and_the_model_stays_as_it_was() -> None:
    model = tiny.model()
    expected = record_activations(model, TOKENS)
    model.train()
    model.transformer.h[0].eval()
    modes = [module.training for module in model.modules()]
    found = record_activations(model, TOKENS)
    np.testing.assert_array_equal(found.after, expected.after)
    assert [module.training for module in model.modules()] == modes
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())


def test_in_half_precision_gelu_is_one_kernel_and_closer_to_float32() -> None:
    import torch

    model = tiny.model()
    with torch.no_grad():
        for parameter in model.parameters():  # far enough from 0 for the eight roundings to tell
            parameter.mul_(4)
    exact = record_activations(model, TOKENS).after
    half = model.to(torch.bfloat16)
    found = record_activations(half, TOKENS).after
    with torch.inference_mode():
        own = half.base_model(torch.from_numpy(TOKENS.astype(np.int64))).last_hidden_state[:, -1].float().numpy()
    assert 0 < np.abs(found - exact).mean() < 1.1 * np.abs(own - exact).mean()
    assert all("forward" not in vars(module) for module in half.modules())


def test_bad_arguments_are_named() -> None:
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
    with pytest.raises(ValueError, match="chunks of 33 tokens"):
        check_model(model, 33)
    with pytest.raises(ValueError, match="batch_size 0"):
        record_activations(model, TOKENS, batch_size=0)
    for sites in ((), "after"):
        with pytest.raises(ValueError, match=r"sites is .*; expected names"):
            record_activations(model, TOKENS, sites=sites)
    with pytest.raises(ValueError, match=r"layer 3: expected a number in 0\.\.\.2"):
        record_activations(model, TOKENS, sites=["layer-3"])


def test_a_model_without_a_final_norm_is_refused_by_name() -> None:
    import torch

    model = tiny.model()
    model.transformer.ln_f = torch.nn.Identity()
    with pytest.raises(ValueError, match=r"GPT2LMHeadModel: no final norm found; .* among modules called ln_1, ln_2"):
        record_activations(model, TOKENS)


@pytest.mark.usefixtures("small_shards")
def test_activations_that_are_not_finite_are_refused_and_those_before_kept(tmp_path: Path) -> None:
    import torch

    model = tiny.model()
    tokens = TOKENS % 299
    tokens[[18, 20], 3] = 299
    tokens[17, -1] = 299
    with torch.no_grad():
        good = model.transformer.wte.weight[299].clone()
        model.transformer.wte.weight[299] = float("inf")
    with pytest.raises(ValueError, match=r"of chunks 17, 18 are not finite at before in torch\.float32"):
        record_activations(model, tokens, batch_size=4, work=tmp_path)
    with torch.no_grad():
        model.transformer.wte.weight[299] = good
    rest = Calls(model)
    record_activations(model, tokens, batch_size=4, work=tmp_path)
    assert rest.chunks == 5


def test_killed_processes_and_any_number_of_them_end_with_the_same_bits(tmp_path: Path) -> None:
    script = Path(__file__).with_name("recording_processes.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["seen"]) == 6
    assert 0 < found["seen"][0] < found["seen"][-1] < 38, "killed with work done and work to do"
    assert found["resumed"], "after six times SIGKILL"
    assert found["codes"] == [0] * 5
    assert found["two"] == [True, True], "two processes, both with the whole result"
    assert found["speeds"][0] == found["speeds"][1] > 0
    assert 0 < found["first"] < 38
    assert found["three"], "three processes after one that was killed"
    here = r"activations of chunk 11 are not finite at layer-1 in torch\.float32"
    assert re.fullmatch(f"process 1: {here}", found["spoiled"][0]), "the error of one is the error of all"
    assert re.fullmatch(here, found["spoiled"][1])
