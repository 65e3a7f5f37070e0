"""The guard itself: a wrong constant in the package must turn the notebook regression red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "theory/attention.md"


def run_check(source: Path, work: Path) -> subprocess.CompletedProcess[str]:
    """Run the regression of one chapter against the package found in ``source``."""
    environment = {**os.environ, "PYTHONPATH": str(source), "BEYOND_SCALING_RESULTS": str(ROOT / "book" / "results")}
    return subprocess.run([sys.executable, str(ROOT / "tools" / "reference.py"), "check", CHAPTER, "--work", str(work)],
                          capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture
def copied_source(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def test_unchanged_package_passes(copied_source: Path, tmp_path: Path) -> None:
    done = run_check(copied_source, tmp_path / "work")
    assert done.returncode == 0, done.stdout + done.stderr


def test_changed_constant_in_energy_fails(copied_source: Path, tmp_path: Path) -> None:
    energy = copied_source / "beyond_scaling" / "energy.py"
    source = energy.read_text(encoding="utf-8")
    exact = "    return 2 * _map("  # the factor of the gradient, 2 (x - mean)
    assert source.count(exact) == 1
    energy.write_text(source.replace(exact, exact.replace("2 *", "2.001 *")), encoding="utf-8")
    done = run_check(copied_source, tmp_path / "work")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "mismatch" in done.stdout


def test_unknown_chapter_is_refused() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "reference.py"), "check", "theory/nowhere.md"],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert "not a chapter with code: theory/nowhere.md" in done.stderr
