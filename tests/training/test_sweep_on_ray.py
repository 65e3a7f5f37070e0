"""Sweeps on Ray, on a cluster of this process's own that another joins by its address: workers and drivers killed,
signals, and the losses of runs without all that."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beyond_scaling import results
from beyond_scaling.durable import InUseError, held
from beyond_scaling.training import on_ray, sweep
from beyond_scaling.training.on_ray import Cluster
from beyond_scaling.training.sweep import Options, run_all
from beyond_scaling.training.watch import Watch

from . import tiny
from .test_sweep import alone, assert_same, one_thread, planned

pytestmark = pytest.mark.skipif(not on_ray.installed(), reason="Ray is not installed")
__all__ = ["one_thread"]
LONG: dict[str, Any] = {"run__steps": 120, "run__evaluate_every": 12}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """All tests share it; it takes seconds to start."""
    before = variables()
    with on_ray.cluster() as connected:
        assert connected.own
        yield connected
    assert variables() == before


def variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_AUTH")}


@pytest.fixture
def one_at_a_time(cluster: Cluster) -> Options:
    """Every run is given all CPUs, and counts with one thread."""
    return Options(on="ray", cpus=int(cluster.ray.cluster_resources()["CPU"]), threads=1, minutes=0.0)


def wait_for(there: Callable[[], Any], process: subprocess.Popen[Any] | None = None) -> None:
    until = time.monotonic() + 300
    while not there():
        assert time.monotonic() < until
        assert process is None or process.poll() is None
        time.sleep(0.01)


def at_step(work: Path, step: int) -> bool:
    return any(int(path.name[5:14]) >= step for path in work.glob("step-*"))


def working_in(folder: Path) -> list[int]:
    """Processes that hold a run's folder."""
    ending = f":{folder.stat().st_ino}"
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return [int(lock[4]) for lock in locks if lock[1] == "FLOCK" and lock[5].endswith(ending)]


def beside(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="no list of who holds what")
def test_a_killed_worker_and_a_diverging_run_change_nothing(
    one_at_a_time: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    runs = [
        planned("killed", **LONG),
        planned("wild", optimiser__learning_rate=1e38, optimiser__clip=0.0),
        planned("plain", run__seed=1),
    ]
    reports: list[tuple[str, int]] = []
    seen = Watch.seen

    def watched(self: Watch, name: str, how: Any) -> None:
        reports.append((name, how.step))
        seen(self, name, how)

    monkeypatch.setattr(Watch, "seen", watched)
    killed: list[int] = []

    def kill() -> None:
        wait_for(lambda: at_step(tmp_path / "work" / "killed", 24))
        killed.extend(working_in(tmp_path / "work" / "killed"))
        for process in killed:
            os.kill(process, signal.SIGKILL)

    killer = beside(kill)
    outcomes = run_all(runs, work=tmp_path / "work", root=tmp_path / "results", options=one_at_a_time)
    killer.join()
    assert len(killed) == 1
    assert os.getpid() not in killed
    assert [outcome.attempts for outcome in outcomes] == [2, 1, 1]
    assert "killed: its process was killed; attempt 2 of 3" in caplog.text
    steps = [step for name, step in reports if name == "killed"]
    assert steps == sorted(steps), "it went on from its checkpoint"
    order = [name for name, _ in itertools.groupby(name for name, _ in reports if name != "wild")]
    assert order == ["killed", "plain", "killed"], "one at a time, and what failed comes last"
    assert outcomes[1].record is None
    assert "is not finite" in outcomes[1].failure
    for number in (0, 2):
        record = results.verify(runs[number].name, tmp_path / "results")
        assert_same(record, alone(runs[number], tmp_path))
        assert record.hardware["threads"] == 1
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["wild"]


def test_asked_to_stop_runs_are_kept_and_the_others_not_begun(
    one_at_a_time: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "POLL_S", 0.05)
    runs = [planned("first", **LONG | {"run__steps": 240}), planned("second", run__seed=1)]
    work = tmp_path / "work"

    def interrupt() -> None:
        wait_for(lambda: at_step(work / "first", 1))
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    interrupter = beside(interrupt)
    with pytest.raises(sweep.SweepInterrupted, match=r"^0 of 2 runs have ended; the same command goes on"):
        run_all(runs, work=work, root=tmp_path / "results", options=one_at_a_time)
    interrupter.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert [path.name for path in work.iterdir()] == ["first"]
    assert at_step(work / "first", 1)
    assert not at_step(work / "first", 240)
    outcomes = run_all(runs, work=work, root=tmp_path / "results", options=one_at_a_time)
    assert [outcome.attempts for outcome in outcomes] == [1, 1]
    assert_same(outcomes[0].record, alone(runs[0], tmp_path))  # type: ignore[arg-type]


def test_notes_of_a_worker_are_told_and_paths_are_the_drivers(
    one_at_a_time: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    from beyond_scaling.corpora.question_formation import generate
    from beyond_scaling.training.build import build
    from beyond_scaling.training.loop import Keeping, train

    monkeypatch.chdir(tmp_path)
    Path("lines.txt").write_text("\n".join(generate(30, seed=0, weighting="released")) + "\n")
    run = planned("a", data__file="lines.txt", data__weighting="released")
    keeping = Keeping(Path("work/a"), minutes=0.0)
    with pytest.raises(KeyboardInterrupt):
        train(run.config, build(run.config), keeping=keeping, after_step=lambda step, history: step >= 8)
    newest = max(Path("work/a").glob("step-*"))
    newest.write_bytes(newest.read_bytes()[:-1])
    (outcome,) = run_all([run], work="work", root="results", options=one_at_a_time)
    assert f"a: {newest.name} is damaged; going on from the one before" in caplog.text
    assert [item["name"] for item in outcome.record.inputs] == ["lines.txt"]  # type: ignore[union-attr]


def test_a_driver_that_joined_by_address_is_killed_and_its_sweep_goes_on(
    cluster: Cluster, one_at_a_time: Options, tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text(tiny.toml(**LONG) + '\n[[runs]]\nname = "s"\n')
    address = cluster.ray.get_runtime_context().gcs_address
    options = (
        f"--cpus-per-run {one_at_a_time.cpus} --threads 1 --checkpoint-minutes 0 --out results --work work --quiet"
    )
    driver = subprocess.Popen(
        [sys.executable, "-m", "beyond_scaling", "sweep", "s.toml", "--address", address, *options.split()],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": on_ray._token()},
    )  # fmt: skip
    work = tmp_path / "work"
    wait_for(lambda: at_step(work / "s", 12), driver)
    with pytest.raises(InUseError), held(work):
        pass
    driver.kill()
    assert driver.communicate()[1] == ""
    assert not at_step(work / "s", 120)
    (each,) = sweep.load(tmp_path / "s.toml")
    serially = Options(on="serial", threads=1)
    (outcome,) = run_all([each], work=work, root=tmp_path / "results", options=serially)
    assert outcome.attempts == 1
    assert_same(results.verify("s", tmp_path / "results"), alone(each, tmp_path))


def test_what_a_cluster_cannot_give_is_said(
    cluster: Cluster, one_at_a_time: Options, tmp_path: Path, caplog: Any
) -> None:
    assert cluster.gpus() == 0
    cpus = one_at_a_time.cpus
    cluster.check_room(cpus, 0)
    with pytest.raises(ValueError, match=rf"^a run asks for {cpus + 1} CPUs and 0 GPUs, and no node has as many"):
        cluster.check_room(cpus + 1, 0)
    dataclasses.replace(cluster, own=False).check_room(1, 0.5)
    there = f"{cpus} CPUs and 0 GPUs"
    assert f"1 CPUs and 0.5 GPUs, and no node has as many (there: {there}): waiting for one" in caplog.text
    for options, words in [
        ({"device": "cuda:1"}, "device 'cuda:1': on Ray expected auto, cpu or cuda"),
        ({"device": "cuda", "gpus": 0.0}, "device cuda does not go with 0 GPUs"),
        ({"device": "cpu", "gpus": 1.0}, "device cpu does not go with 1 GPUs"),
        ({"address": "here:1"}, "address here:1: this process is connected to a Ray cluster already"),
    ]:
        with pytest.raises(ValueError, match=words):
            run_all([planned("a")], work=tmp_path, root=tmp_path, options=dataclasses.replace(one_at_a_time, **options))
