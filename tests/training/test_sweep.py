"""Sweeps in this process: records, skipping, going on, failing, stopping."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from beyond_scaling import results
from beyond_scaling.durable import InUseError, held
from beyond_scaling.training import loop, sweep
from beyond_scaling.training.config import Config
from beyond_scaling.training.loop import Keeping
from beyond_scaling.training.plan import Planned
from beyond_scaling.training.run import run
from beyond_scaling.training.sweep import Options, Outcome, run_all

from . import tiny

SERIAL = Options(on="serial", device="cpu", threads=1, retries=1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are rounded the same way everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def planned(name: str, **values: Any) -> Planned:
    return Planned(name, f"Run {name}", tiny.config(**values))


def every(runs: list[Planned], folder: Path, **options: Any) -> list[Outcome]:
    return run_all(runs, work=folder / "work", root=folder / "results", options=SERIAL, **options)


def assert_same(one: results.Record, other: results.Record) -> None:
    """Bit for bit, but for time."""
    assert list(one.columns) == list(other.columns)
    for name in one.columns:
        np.testing.assert_array_equal(one.columns[name], other.columns[name], err_msg=name)
    assert one.summary["sets"] == other.summary["sets"]


_ALONE: dict[Config, results.Record] = {}


def alone(planned: Planned, folder: Path) -> results.Record:
    """The same run without a sweep, run once for all tests."""
    if planned.config not in _ALONE:
        done = run(planned.config, name=planned.name, title=planned.title, command="x", root=folder / "alone")
        _ALONE[planned.config] = done[0]
    return _ALONE[planned.config]


def test_every_run_has_its_record_and_a_second_time_nothing_is_run(tmp_path: Path) -> None:
    runs = [planned("a"), planned("b", run__seed=1)]
    outcomes = every(runs, tmp_path, command="beyond-scaling sweep s.toml")
    assert [(o.planned, o.attempts, o.failure) for o in outcomes] == [(each, 1, "") for each in runs]
    assert not (tmp_path / "work").exists(), "finished runs leave no work"
    for each in runs:
        record = results.verify(each.name, tmp_path / "results")
        assert (record.kind, record.title) == ("training", each.title)
        assert record.command == f"beyond-scaling sweep s.toml --only {each.name}"
        assert_same(record, alone(each, tmp_path))
    again = every(runs, tmp_path)
    assert [o.attempts for o in again] == [0, 0]
    (tmp_path / "results" / "a" / "record.json").unlink()
    (tmp_path / "results" / "a" / "columns.parquet").unlink()
    (tmp_path / "results" / "a").rmdir()
    assert [o.attempts for o in every([*runs, planned("c")], tmp_path)] == [1, 0, 1], "what is lost or new is run"


def test_a_record_of_another_run_is_named_and_kept_unless_forced(tmp_path: Path) -> None:
    every([planned("a"), planned("b")], tmp_path)
    other = [planned("a", run__steps=13), planned("b")]
    with pytest.raises(ValueError, match=r"^record 'a' is of another run: run\.steps is 12 there, 13 here; --force"):
        every(other, tmp_path)
    assert [o.attempts for o in every(other, tmp_path, overwrite=True)] == [1, 0], "what is done is not done again"
    assert len(results.load("a", tmp_path / "results").columns["step"]) == 13
    (tmp_path / "results" / "a" / "columns.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"^record 'a': columns\.parquet has SHA-256 .*--force replaces it$"):
        every(other, tmp_path)
    record = dataclasses.replace(results.load("b", tmp_path / "results"), name="c", kind="radius")
    results.save(record, tmp_path / "results")
    with pytest.raises(ValueError, match=r"^record 'c' is of another run: its kind is radius; --force replaces it$"):
        every([planned("c")], tmp_path)


def test_an_option_that_records_do_not_know_yet_had_its_default(tmp_path: Path) -> None:
    every([planned("a")], tmp_path)
    record = results.load("a", tmp_path / "results")
    older = {name: value for name, value in record.parameters.items() if name != "data.window"}
    results.save(dataclasses.replace(record, parameters=older), tmp_path / "results", overwrite=True)
    assert every([planned("a")], tmp_path)[0].attempts == 0
    with pytest.raises(ValueError, match=r"data\.window is 1 there, 2 here"):
        every([planned("a", data__window=2)], tmp_path)


def test_one_that_diverges_is_reported_at_once_and_the_others_go_on(tmp_path: Path, caplog: Any) -> None:
    runs = [planned("wild", optimiser__learning_rate=1e38, optimiser__clip=0.0), planned("tame")]
    wild, tame = every(runs, tmp_path)
    assert (wild.record, wild.attempts) == (None, 1), "it would diverge again"
    assert "is not finite, at learning rate" in wild.failure
    assert_same(tame.record, alone(runs[1], tmp_path))  # type: ignore[arg-type]
    assert "wild: the " in caplog.text
    assert results.names(tmp_path / "results") == ["tame"]


def test_one_that_fails_is_attempted_again_from_its_checkpoint(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    steps: list[int] = []
    step = loop._step

    def breaks_once(*arguments: Any) -> None:
        steps.append(arguments[-1])
        if steps.count(7) == 1 and steps[-1] == 7:
            raise RuntimeError("a cosmic ray")
        step(*arguments)

    monkeypatch.setattr(loop, "_step", breaks_once)
    monkeypatch.setattr(loop, "LOOK_S", 0.0)
    options = dataclasses.replace(SERIAL, minutes=0.0)
    (outcome,) = run_all([planned("a")], work=tmp_path / "work", root=tmp_path / "results", options=options)
    assert outcome.attempts == 2
    assert steps == [*range(8), *range(7, 12)], "from where it was"
    assert "a: RuntimeError: a cosmic ray; attempt 2 of 2" in caplog.text
    monkeypatch.undo()
    assert_same(outcome.record, alone(planned("a"), tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("always"), "RuntimeError: always"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "out of memory; try a larger run.accumulate or a"),
        (MemoryError(), "out of memory; try a larger run.accumulate or a smaller run.batch"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_one_that_always_fails_is_left(
    tmp_path: Path, monkeypatch: Any, caplog: Any, error: Exception, words: str
) -> None:
    def breaks(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(loop, "_step", breaks)
    (outcome,) = every([planned("a")], tmp_path)
    assert (outcome.record, outcome.attempts) == (None, 2)
    assert outcome.failure.startswith(words)
    assert ("Traceback" in caplog.text) == (words == "RuntimeError: always"), "only what nobody expects has one"


def test_what_cannot_be_saved_is_kept_and_saved_the_next_time(tmp_path: Path, monkeypatch: Any) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise results.RecordError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(results, "save", full)
        (outcome,) = every([planned("a")], tmp_path)
    assert outcome.failure == "no room; what was trained is kept, and the same command saves it"
    monkeypatch.setattr(loop, "_step", None)  # nothing is trained
    (outcome,) = every([planned("a")], tmp_path)
    assert outcome.record is not None
    assert not (tmp_path / "work").exists()


def test_a_signal_stops_the_run_under_way_and_the_next_time_it_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.0)
    runs = [planned("a"), planned("b"), planned("c")]
    step = loop._step

    def interrupted(*arguments: Any) -> None:
        step(*arguments)
        if arguments[0].run.seed == 1 and arguments[-1] == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    runs[1] = planned("b", run__seed=1)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "_step", interrupted)
        with pytest.raises(sweep.SweepInterrupted, match=r"^1 of 3 runs have ended; the same command goes on from"):
            every(runs, tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["b"]
    assert results.names(tmp_path / "results") == ["a"]
    outcomes = every(runs, tmp_path)
    assert [o.attempts for o in outcomes] == [0, 1, 1]
    assert_same(outcomes[1].record, alone(runs[1], tmp_path))  # type: ignore[arg-type]


def test_a_run_waits_for_a_process_of_before_to_leave_its_folder(tmp_path: Path, monkeypatch: Any) -> None:
    left = threading.Event()

    def leave() -> None:
        with held(tmp_path / "work" / "a"):
            left.wait(20)

    other = threading.Thread(target=leave)
    other.start()
    threading.Timer(1.0, left.set).start()
    while not (tmp_path / "work" / "a").exists():
        pass
    assert every([planned("a")], tmp_path)[0].attempts == 1
    other.join()


def test_two_sweeps_do_not_share_a_work_folder(tmp_path: Path) -> None:
    with held(tmp_path / "work"), pytest.raises(InUseError, match="is in use by another command"):
        every([planned("a")], tmp_path)


def test_checkpoints_of_another_configuration_are_not_gone_on_from(tmp_path: Path) -> None:
    with held(tmp_path / "work" / "a"):
        pass
    from beyond_scaling.training.build import build

    with pytest.raises(loop.Interrupted):
        loop.train(
            planned("a").config, build(tiny.config()), keeping=Keeping(tmp_path / "work" / "a"),
            after_step=lambda step, history: True,
        )  # fmt: skip
    (outcome,) = every([planned("a", run__seed=2)], tmp_path)
    assert "holds another run: run.seed is 0 there, 2 here" in outcome.failure


def test_before_anything_is_run_what_is_wrong_is_said(tmp_path: Path, monkeypatch: Any) -> None:
    for runs, words in [
        ([planned("a"), planned("b", model__heads=3)], "hidden_size is 16"),
        ([Planned("a", "on ~/x", tiny.config())], "title of a holds a path of this machine"),
        ([planned("a", data__file="none.txt", data__weighting="released")], r"none\.txt: No such file"),
    ]:
        with pytest.raises(ValueError, match=words):
            every(runs, tmp_path)
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "work").exists()
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    with pytest.raises(ValueError, match="run it without torchrun"):
        every([planned("a")], tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retries": -1}, "retries is -1, expected at least 0"),
        ({"cpus": 0}, "cpus is 0, expected at least 1"),
        ({"gpus": 1.5}, r"gpus is 1\.5, expected a share of one in 0\.\.\.1, or a whole number"),
        ({"gpus": -1.0}, "gpus is -1, expected"),
        ({"on": "serial", "address": "here:1"}, "address here:1: of a Ray cluster"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**options)


def test_without_ray_runs_go_one_after_another_with_a_word(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    from beyond_scaling.training import on_ray

    monkeypatch.setattr(on_ray, "installed", lambda: False)
    options = dataclasses.replace(SERIAL, on="auto")
    (outcome,) = run_all([planned("a")], work=tmp_path / "work", root=tmp_path / "results", options=options)
    assert outcome.record is not None
    assert "Ray is not installed (pip install 'beyond-scaling[cluster]'): the runs go one after another" in caplog.text
    with pytest.raises(ValueError, match=r"^Ray is not installed: pip install .*--on serial"):
        run_all([planned("b")], work=tmp_path / "work", options=Options(on="ray"), root=tmp_path / "results")
