"""tools/costs.py: from a command to a record of its minutes and memory, all its processes together."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from beyond_scaling import results, run_costs

from .conftest import ROOT

HOLD = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'x = bytearray(b\"1\") * 80_000_000; {}'])"


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("costs_tool", ROOT / "tools" / "costs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "costs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_command_is_run_as_written_and_measured(tmp_path: Path) -> None:
    done = call("activate", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("activate: ")
    record = results.verify("cost-activate", tmp_path)
    run_costs.check(record)
    assert record.command == "python tools/costs.py activate"
    assert record.parameters["command"] == ". .venv/bin/activate && beyond-scaling --version"
    assert record.summary["cpu_s"] > 0
    assert record.summary["peak_bytes"] > 1e6


def test_memory_is_that_of_all_processes(costs: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    program = HOLD.format("import time; time.sleep(1.5)")
    (folder / "hold.py").write_text(program)
    samples, wall, cpu = costs._measured("python hold.py; true", folder, False)
    assert max(memory for _, memory, _ in samples) > 80e6
    assert max(processes for *_, processes in samples) >= 2
    assert wall > 1.5
    assert cpu > 0
    assert [at for at, *_ in samples] == sorted(at for at, *_ in samples)


def test_of_many_looks_the_highest_are_kept(costs: ModuleType) -> None:
    samples = [(float(at), 7 if at == 1234 else 3, 1) for at in range(5000)]
    kept = costs._fewer(samples)
    assert len(kept) == costs.ROWS
    assert max(kept, key=lambda sample: sample[1]) == (1234.0, 7, 1)
    assert costs._fewer(samples[:3]) == samples[:3]


def test_a_command_that_fails_leaves_no_measurement(costs: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(costs.Failed, match="exit code 3 of 'echo no luck; exit 3': no luck"):
        costs._measured("echo no luck; exit 3", folder, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "costs: no command 'nothing' to measure; there are clone, book, test, "),
        (["serve"], "costs: no command 'serve' to measure; there are "),
        (["activate", "--data", "nowhere"], "costs: --data nowhere: no such folder"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments: list[str], words: str) -> None:
    done = call(*arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(words)
