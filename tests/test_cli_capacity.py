"""`capacity`: what it measures, writes, keeps and refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import cli, results
from beyond_scaling.hopfield import capacity
from beyond_scaling.hopfield.capacity import work

SMALL = ["capacity", "--preset", "small", "--out", "results", "--work", "work"]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """call(arguments) -> exit code, output, errors; in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main([*SMALL, *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_two_families_to_records_and_again(call: Any) -> None:
    code, out, err = call("--family", "dense,exponential", "--processes", "1")
    assert code == 0, err
    assert "cells: 100%" in err
    assert out.splitlines()[-1] == "2 records in results"
    assert "degree 3, one step: critical d at n = 16: " in out
    assert not Path("work").exists(), "work in progress is cleared"
    record = results.verify("capacity-dense", "results")
    capacity.check(record)
    assert (record.title, record.kind) == ("Dense memories: capacity, measured", capacity.KIND)
    assert record.command.startswith("beyond-scaling capacity --preset small")
    assert record.parameters["device"] == "numpy"
    columns = record.columns
    chosen = capacity.family("dense", "small")
    assert len(columns["d"]) == len(chosen.cells())
    assert set(columns["series"]) == {series.name for series in chosen.series}
    cell = chosen.cells()[7]
    assert capacity.measure(cell).error == columns["error"][7]
    code, out, err = call("--family", "dense")
    assert (code, "record 'capacity-dense' exists already" in err) == (2, True)
    record = results.load("capacity-exponential", "results")
    code, _, err = call("--family", "exponential", "--force", "--quiet", "--device", "cpu", "--processes", "1")
    assert (code, err) == (0, "")
    again = results.load("capacity-exponential", "results")
    assert again.parameters["device"] == "cpu"
    key = "sha256 of patterns and queries"
    assert again.parameters[key] == record.parameters[key], "the same data on every device"
    np.testing.assert_allclose(again.columns["error"], record.columns["error"], atol=0.05)
    assert cli.main(["verify", "--out", "results"]) == 0


def test_an_interrupted_run_goes_on_where_it_was(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, real = [0], work.measure

    def interrupted(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] > 10:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(work, "measure", interrupted)
    code, out, err = call("--family", "exponential", "--processes", "1", "--quiet")
    assert (code, out) == (130, "")
    assert "interrupted: the same command goes on from there (kept in work)" in err
    assert len(Path("work/cells.jsonl").read_text().split()) >= 10
    assert not Path("results").exists()
    calls[0] = 0

    def counted(*given: Any) -> Any:
        calls[0] += 1
        return real(*given)

    monkeypatch.setattr(work, "measure", counted)
    assert call("--family", "exponential", "--processes", "1", "--quiet")[0] == 0
    assert calls[0] == len(capacity.family("exponential", "small").cells()) - 10
    monkeypatch.setattr(work, "measure", real)
    whole = results.load("capacity-exponential", "results").columns
    assert call("--family", "exponential", "--processes", "2", "--quiet", "--force")[0] == 0
    for name, column in results.load("capacity-exponential", "results").columns.items():
        np.testing.assert_array_equal(column, whole[name])


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_signal_ends_it_and_its_workers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "beyond_scaling.cli", "capacity", "--family", "dense", "--quiet"]
    command += ["--out", "results", "--work", "work"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    kept = tmp_path / "work" / work.FILE
    for _ in range(1200):
        if kept.exists() and kept.stat().st_size:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "the same command goes on from there" in err
    assert kept.stat().st_size
    size = kept.stat().st_size
    time.sleep(0.5)
    assert kept.stat().st_size == size, "nobody goes on measuring"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--family", "hopfield"], "family 'hopfield': expected one of classical"),
        (["--family", "dense,dense"], "--family names a family twice"),
        (["--preset", "huge"], "preset 'huge': expected one of full, small"),
        (["--processes", "0"], "'0' is not a whole number of at least 1"),
        (["--device", "abacus", "--family", "dense"], "device 'abacus' is not available"),
    ],
)
def test_what_is_refused(call: Any, arguments: list[str], words: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err
    assert not Path("results").exists()
