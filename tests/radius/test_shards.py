"""Shards, receipts and manifest: whole or not there, and every fault named with nothing lost."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.radius import shards
from beyond_scaling.radius.shards import MANIFEST, Receipt, Run, WorkError

RUN = Run("t", "i", ("layer-1", "before"), chunks=10, length=7, width=3, batch_size=2)
VALUES = np.random.default_rng(0).standard_normal((2, 10, 3)).astype(np.float32)  # (T, K, n)


def write(work: Path, start: int, stop: int, run: Run = RUN) -> Receipt:
    return shards.write_shard(work, run, start, VALUES[:, start:stop], 0.5, run.batch_size)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with rows 0...4 and 4...8."""
    folder = tmp_path / "work"
    shards.open_run(folder, RUN)
    write(folder, 0, 4)
    write(folder, 4, 8)
    return folder


def contents(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in work.iterdir()}


def test_what_was_written_is_read(work: Path) -> None:
    kept, receipts = shards.open_run(work, dataclasses.replace(RUN, batch_size=64))
    assert kept == RUN, "with the batch size it began with"
    assert [(each.start, each.stop, each.seconds) for each in receipts] == [(0, 4, 0.5), (4, 8, 0.5)]
    assert (shards.covered(receipts), list(shards.missing(receipts, 10))) == (8, [(8, 10)])
    for start, values in shards.read_shards(work, RUN, receipts):
        np.testing.assert_array_equal(values, VALUES[:, start : start + values.shape[1]])


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), max_size=8))
def test_covered_and_missing_are_the_two_halves(ranges: list[tuple[int, int]]) -> None:
    receipts = [Receipt("", start, min(20, start + size), 0, "", 0.0, 1) for start, size in ranges]
    rows = {row for each in receipts for row in range(each.start, each.stop)}
    lacking = [row for start, stop in shards.missing(receipts, 20) for row in range(start, stop)]
    assert shards.covered(receipts) == len(rows)
    assert lacking == sorted(set(range(20)) - rows)


def test_combined_files_hold_the_shards_in_order_even_where_they_overlap(work: Path) -> None:
    write(work, 6, 10)
    _, receipts = shards.open_run(work, RUN)
    shards.combine(work, RUN, receipts)
    for array, expected in zip(shards.open_combined(work, RUN), VALUES, strict=True):
        np.testing.assert_array_equal(array, expected)
        array[0] = 0  # changes no file
    np.testing.assert_array_equal(np.load(work / "layer-1.npy"), VALUES[0])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def change(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def swap(path: Path) -> None:
    shutil.copy(path.with_name("rows-0000000000-0000000004.npy"), path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "is missing"),
        (cut, r"is cut short \(223 of 224 bytes\)"),
        (lengthen, r"is too long \(225 of 224 bytes\)"),
        (change, "is not the one that was written"),
        (swap, "is not the one that was written"),
    ],
)
def test_a_shard_that_is_not_as_written_is_named_and_alone_computed_again(work: Path, damage: Any, words: str) -> None:
    _, receipts = shards.open_run(work, RUN)
    damage(work / receipts[1].shard)
    before = contents(work)
    message = rf"shard rows-0000000004-0000000008\.npy {words}.*; remove rows-0000000004-0000000008\.\* and give"
    with pytest.raises(WorkError, match=message):
        shards.open_run(work, RUN)
    with pytest.raises(WorkError, match=words):
        list(shards.read_shards(work, RUN, receipts))
    assert contents(work) == before
    for path in work.glob("rows-0000000004-0000000008.*"):
        path.unlink()
    assert list(shards.missing(shards.open_run(work, RUN)[1], 10)) == [(4, 10)]


def test_many_damaged_shards_are_counted(tmp_path: Path) -> None:
    shards.open_run(tmp_path, RUN)
    for start in range(0, 10, 2):
        (tmp_path / write(tmp_path, start, start + 2).shard).unlink()
    with pytest.raises(WorkError, match=r"is missing \(and 2 more\); remove rows-.* and 2 more and give"):
        shards.open_run(tmp_path, RUN)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokens": "u"}, "of other tokens"),
        ({"chunks": 11, "length": 8}, "of other tokens"),
        ({"identity": "j"}, "of another model or dtype"),
        ({"places": ("before",)}, "of other sites"),
        ({"identity": "j", "places": ("before",)}, "of another model or dtype and other sites"),
    ],
)
def test_another_measurement_is_refused(work: Path, changed: dict[str, Any], words: str) -> None:
    before = contents(work)
    with pytest.raises(WorkError, match=rf"holds another measurement, {words} \(8 of 10 chunks of it\)"):
        shards.open_run(work, dataclasses.replace(RUN, **changed))
    (work / MANIFEST).unlink()
    with pytest.raises(WorkError, match=r"holds another measurement \(8 chunks of it\)"):
        shards.open_run(work, dataclasses.replace(RUN, **changed))
    assert contents(work) == {name: data for name, data in before.items() if name != MANIFEST}


def test_a_shard_of_another_measurement_is_named(work: Path) -> None:
    foreign = write(work, 8, 10, dataclasses.replace(RUN, identity="j"))
    with pytest.raises(WorkError, match=rf"{foreign.shard} of another measurement; remove {foreign.stem}\.\* and"):
        shards.open_run(work, RUN)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"tokens": 1}', b"\xff"])
def test_without_its_manifest_a_run_goes_on_from_the_receipts(work: Path, content: bytes) -> None:
    good = (work / MANIFEST).read_bytes()
    (work / MANIFEST).write_bytes(content)
    with pytest.raises(WorkError, match=rf"is damaged: {MANIFEST} cannot be read; remove {MANIFEST}"):
        shards.open_run(work, RUN)
    (work / MANIFEST).unlink()
    kept, receipts = shards.open_run(work, dataclasses.replace(RUN, batch_size=64))
    assert (kept, shards.covered(receipts)) == (RUN, 8)
    assert (work / MANIFEST).read_bytes() == good


@pytest.mark.parametrize("key", [field.name for field in dataclasses.fields(Run)])
def test_every_entry_of_the_manifest_is_needed(work: Path, key: str) -> None:
    manifest = json.loads((work / MANIFEST).read_text())
    for broken in ({**manifest, key: None}, {each: manifest[each] for each in manifest if each != key}):
        (work / MANIFEST).write_text(json.dumps(broken))
        with pytest.raises(WorkError, match="is damaged"):
            shards.open_run(work, RUN)


def test_a_damaged_receipt_is_named(work: Path) -> None:
    path = work / "rows-0000000004-0000000008.json"
    receipt = json.loads(path.read_text())
    for content in ("", "3", "{}", json.dumps({**receipt, "start": 3}), json.dumps({**receipt, "size": "x"})):
        path.write_text(content)
        with pytest.raises(WorkError, match=rf"is damaged: {path.name} cannot be read; remove {path.name}"):
            shards.open_run(work, RUN)


def test_the_folder_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"fingerprint": "x", "done": 3, "total": 9, "seconds": 1.5}')
    with pytest.raises(WorkError, match="was written by an earlier version"):
        shards.open_run(tmp_path, RUN)


def test_a_shard_without_its_receipt_was_never_written(work: Path) -> None:
    (work / "rows-0000000004-0000000008.json").unlink()  # killed in between
    (work / shards.unfinished("rows-0000000004-0000000008.json")).write_text("{")
    assert list(shards.missing(shards.open_run(work, RUN)[1], 10)) == [(4, 10)]
    write(work, 4, 8)
    assert shards.covered(shards.open_run(work, RUN)[1]) == 8


@pytest.mark.parametrize(("call", "number"), [("fsync", 1), ("fsync", 2), ("fsync", 3), ("replace", 1), ("replace", 2)])
def test_a_full_disk_leaves_what_was_there(
    work: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    before, calls, real = contents(work), [], getattr(os, call)

    def full(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(WorkError, match="cannot be written: No space left on device; what was written before is"):
            write(work, 8, 10)
    now = contents(work)
    assert {name: now[name] for name in before} == before
    assert not list(work.glob("new-*"))
    assert shards.covered(shards.open_run(work, RUN)[1]) == 8
    write(work, 8, 10)
    assert shards.covered(shards.open_run(work, RUN)[1]) == 10


def test_a_real_limit_on_what_may_be_written(work: Path) -> None:
    before = contents(work)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    receipts = shards.open_run(work, RUN)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        with pytest.raises(WorkError, match=r"rows-0000000008-0000000010\.npy cannot be written: File too large"):
            write(work, 8, 10)
        with pytest.raises(WorkError, match="the combined arrays cannot be written: File too large"):
            shards.combine(work, RUN, receipts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(work) == before


def test_too_small_a_disk_is_met_at_the_start(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(work)._replace(free=47)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(WorkError, match="48 bytes are still to be written, 47 are free"):  # 2 rows of 2 x 3
        shards.open_run(work, RUN)
    assert shards.covered([write(work, 8, 10), *shards.open_run(work, RUN)[1]]) == 10


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match=r"file/work: the manifest cannot be written: Not a directory"):
        shards.open_run(tmp_path / "file" / "work", RUN)


def test_clearing_removes_what_recording_wrote_and_no_more(work: Path) -> None:
    write(work, 8, 10)
    shards.combine(work, RUN, shards.open_run(work, RUN)[1])
    for name in (MANIFEST, "layer-0.npy", "rows-0000000000-0000000004.npy", "before.npy"):
        (work / shards.unfinished(name)).touch()
    (work / "notes.txt").touch()
    (work / "rows.npy").touch()
    shards.clear(work)
    assert sorted(path.name for path in work.iterdir()) == ["notes.txt", "rows.npy"]
    shards.clear(work / "not there")
