"""Every command of the book in a shell, in a folder of its own: as a reader gives it, or its small preset.

They run in the file's order, each line once, and after what has to go before it; each leaves what it promises, and
every record among that verifies.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from beyond_scaling import cli, commands, results
from beyond_scaling.training import on_ray

from .conftest import ROOT

KNOWN = commands.load(ROOT / "book" / commands.FILE)


class Room:
    """A folder with made-up materials in which shell lines run, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = cache(self._run)
        spec = importlib.util.spec_from_file_location("materials", ROOT / "tools" / "materials.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.lay(folder)
        (folder / ".venv").symlink_to(sys.prefix)
        for name in ("home", "ray"):
            (folder / name).mkdir()

    def _run(self, line: str, checkout: bool) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEYOND_", "RAY_", "XDG_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        mine = {"HOME": str(self.folder / "home"), "BOOK": str(ROOT), "PATH": path, "HEAD": "local"}
        environment = kept | mine | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(
            ["bash", "-c", line], cwd=ROOT if checkout else self.folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=550, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    return Room(tmp_path_factory.mktemp("reader"))


@pytest.mark.parametrize("name", KNOWN)
def test_it_runs_and_leaves_what_it_promises(name: str, room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    command = KNOWN[name]
    if name == "clone" and not (ROOT / ".git").exists():
        pytest.skip("these sources are no clone")
    if "--on ray" in command.preset and not on_ray.installed():
        pytest.skip("Ray is not installed")
    line, leaves = command.tested
    for other in command.before(KNOWN, test=True):
        assert room.run(other.tested[0], other.checkout).returncode == 0, other.id
    done = room.run(line, command.checkout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for left in leaves:
        place = room.folder / left
        assert place.exists(), f"{left} is not there; {done.stdout[-1000:]}"
        if (place / results.RECORD_FILE).exists():
            assert cli.main(["verify", place.name, "--out", str(place.parent)]) == 0, capsys.readouterr().err


def test_every_record_of_the_book_is_made_by_one_of_them() -> None:
    """But for those whose models and texts take steps of their own, which the chapters tell, and variants of others."""
    told = [pattern for command in KNOWN.values() for pattern in command.records]
    names = [name for name in results.names(ROOT / "book" / "results") if not name.startswith("cost-")]
    left = set(names) - set(_matching(told, names))
    own_steps = {"training-default-model", "radius-smollm2-135m"}
    variants = {"radius-stories260k-2k", "radius-stories260k-100k"}
    assert left == own_steps | variants


def test_every_pattern_names_a_record_and_every_chapter_is_there() -> None:
    names = results.names(ROOT / "book" / "results")
    for command in KNOWN.values():
        for pattern in command.records:
            assert _matching([pattern], names), f"{command.id}: {pattern}"
        assert not command.chapter or (ROOT / "book" / f"{command.chapter}.md").is_file(), command.id


def test_every_experiment_has_a_command() -> None:
    told = {command.chapter for command in KNOWN.values()}
    experiments = {f"experiments/{path.stem}" for path in (ROOT / "book" / "experiments").glob("*.md")}
    assert experiments | {"reference/zoo"} <= told


def test_the_page_shows_every_place() -> None:
    page = (ROOT / "book" / "reference" / "run-it-yourself.md").read_text(encoding="utf-8")
    places = {command.place for command in KNOWN.values()}
    assert places == set(commands.PLACES)
    for place in places:
        assert page.count(f"```{{commands}} {place}\n") == 1


@pytest.mark.parametrize("name", KNOWN)
def test_what_needs_more_than_a_laptop_has_a_preset(name: str) -> None:
    command = KNOWN[name]
    if command.place in ("gpu", "gpus") and "--dry-run" not in command.run:
        assert command.preset
        assert command.preset_leaves


def test_a_workflow_runs_the_makefile_as_written() -> None:
    """The presets of `make book` and `make test` only plan; a workflow runs the second, which runs the first."""
    workflows = ROOT / ".github" / "workflows"
    if not workflows.is_dir():
        pytest.skip("these sources have no workflows")
    assert any(KNOWN["test"].run in path.read_text(encoding="utf-8") for path in workflows.glob("*.yml"))
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ntest:")[2].partition("\n\n")[0]
    assert " book " in recipe.partition("\n\t")[2]


def _matching(patterns: list[str], names: list[str]) -> list[str]:
    from beyond_scaling.run_costs import matching

    return matching(patterns, names)
