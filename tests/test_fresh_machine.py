"""A downloaded chapter on a machine that lacks the package: in the offline archive's layout it installs it and runs.

Needs the built book, for its notebooks. The machine is an empty virtual environment that sees this one's packages, all
but ours; the wheel is the one that the archive carries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import archive
import nbformat
import pytest

from .conftest import ROOT

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
NOTEBOOKS = HTML / "downloads" / "notebooks"
RUN = """
import sys, nbformat
from nbclient import NotebookClient
from pathlib import Path
for name in sys.argv[1:]:
    path = Path(name)
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    nbformat.write(notebook, path)
"""

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An unpacked archive, and the environment of an empty machine; its Python is in ``env/bin``."""
    folder = tmp_path_factory.mktemp("machine")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    packages = folder / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "beyond_scaling" not in path.name:
            (packages / path.name).symlink_to(path)
    archive.build_wheel(folder, archive.epoch())
    shutil.copytree(NOTEBOOKS, folder / "site" / "downloads" / "notebooks")
    left = {key: value for key, value in os.environ.items() if not key.startswith(("BEYOND_SCALING", "JUPYTER"))}
    return folder, {
        **left,
        "PYTHONPATH": str(packages),
        "HOME": str(folder),
        "PIP_NO_INDEX": "1",
        "PATH": f"{folder / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def test_chapters_install_the_package_and_run(machine: tuple[Path, dict[str, str]]) -> None:
    folder, environment = machine
    python = folder / "env" / "bin" / "python"
    asked = "import importlib.util; print(importlib.util.find_spec('beyond_scaling'))"
    before = subprocess.run(
        [python, "-c", asked], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    assert before.stdout == "None\n"
    chapters = ["theory/attention.ipynb", "experiments/scaling-laws.ipynb", "reference/parameters.ipynb"]
    paths = [folder / "site" / "downloads" / "notebooks" / name for name in chapters]
    done = subprocess.run(
        [python, "-c", RUN, *paths], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for path in paths:
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        assert any(cell.outputs for cell in code[1:])
    where = "import beyond_scaling.results as r; print(r.__file__, r.reading_root(), len(r.names()))"
    after = subprocess.run(
        [python, "-c", where], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    file, root, count = after.stdout.split()
    assert Path(file).is_relative_to(folder / "env")
    assert Path(root).is_relative_to(folder / "env")
    assert int(count) == sum(1 for _ in (ROOT / "book" / "results").glob("*/record.json"))
