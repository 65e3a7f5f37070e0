"""Checkpoints: whole or ignored, the last ones kept, another run refused."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.durable import WorkError
from beyond_scaling.training import checkpoint
from beyond_scaling.training.checkpoint import Checkpoint


def state(step: int) -> Checkpoint:
    return Checkpoint(step, {"model.w": torch.arange(6.0).reshape(2, 3) + step}, {"training_s": step / 2})


def names(work: Path) -> list[str]:
    return sorted(path.name.partition("-")[2][:9] for path in work.glob("step-*"))


def test_round_trip_and_the_last_ones_stay(tmp_path: Path) -> None:
    for step in (1, 2, 10, 300):
        checkpoint.save(tmp_path, state(step), keep=2)
    assert names(tmp_path) == ["000000010", "000000300"]
    found = checkpoint.newest(tmp_path)
    assert found.damaged == ()
    assert found.checkpoint is not None
    assert found.checkpoint.step == 300
    assert found.checkpoint.document == {"training_s": 150.0}
    assert torch.equal(found.checkpoint.tensors["model.w"], state(300).tensors["model.w"])


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, place: float, bit: int) -> None:
    work = tmp_path_factory.mktemp("work")
    checkpoint.save(work, state(1), keep=2)
    path = checkpoint.save(work, state(2), keep=2)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    found = checkpoint.newest(work)
    assert found.damaged == (path.name,)
    assert found.checkpoint is not None
    assert found.checkpoint.step == 1


def test_cut_short_or_empty_is_passed_over_and_all_damaged_is_an_error(tmp_path: Path) -> None:
    first = checkpoint.save(tmp_path, state(1), keep=3)
    second = checkpoint.save(tmp_path, state(2), keep=3)
    second.write_bytes(second.read_bytes()[:-1])
    assert checkpoint.newest(tmp_path).damaged == (second.name,)
    first.write_bytes(b"")
    with pytest.raises(WorkError, match="is damaged, and there is no other checkpoint"):
        checkpoint.newest(tmp_path)


def test_half_written_ones_are_ignored(tmp_path: Path) -> None:
    half = tmp_path / "new-step-000000001-0123456789abcdef.safetensors"
    half.write_bytes(b"half")
    assert checkpoint.newest(tmp_path) == checkpoint.Found(None, ())
    checkpoint.save(tmp_path, state(1), keep=1)
    assert not half.exists()


def test_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    identity = {"run": {"steps": 5, "seed": 0}, "inputs": [{"name": "a"}]}
    checkpoint.claim(tmp_path, identity)
    checkpoint.claim(tmp_path, identity)
    with pytest.raises(WorkError, match=r"another run: run\.seed is 0 there, 1 here; choose another folder"):
        checkpoint.claim(tmp_path, identity | {"run": {"steps": 5, "seed": 1}})
    with pytest.raises(WorkError, match=r"run\.patience is not set there, 3 here"):
        checkpoint.claim(tmp_path, identity | {"run": {"steps": 5, "seed": 0, "patience": 3}})
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(WorkError, match=r"run\.json is damaged"):
        checkpoint.claim(tmp_path, identity)


def test_a_full_disk_leaves_what_was_kept(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the write of a larger state fails as it would there."""
    kept = checkpoint.save(tmp_path, state(1), keep=1)
    large = Checkpoint(2, {"model.w": torch.zeros(1 << 20)}, {})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
        with pytest.raises(WorkError, match=r"step-000000002-\w+\.safetensors cannot be written.*make room"):
            checkpoint.save(tmp_path, large, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(tmp_path) == [kept.name]


def test_clear_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    checkpoint.claim(work, {})
    checkpoint.save(work, state(1), keep=1)
    (work / "notes.txt").write_text("mine")
    checkpoint.clear(work)
    assert os.listdir(work) == ["notes.txt"]
    (work / "notes.txt").unlink()
    checkpoint.clear(work)
    assert not work.exists()
