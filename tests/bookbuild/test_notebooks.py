"""Chapters to take away: plain Jupyter notebooks, and a first cell that finds or fetches the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from beyond_scaling.bookbuild.notebook_start import package_source, setup_code
from beyond_scaling.bookbuild.publication import Publication

from .conftest import Built

MYST = re.compile(r":{3}|\{[\w:-]+\}`|```\{|\)=$|\$\$ \(", re.MULTILINE)


@pytest.fixture(scope="module")
def notebook(living_book: Built) -> nbformat.NotebookNode:
    return nbformat.read(living_book.html / "downloads/notebooks/alive.ipynb", as_version=4)


def told(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_pages_with_code_have_a_notebook_and_others_have_none(living_book: Built) -> None:
    folder = living_book.html / "downloads/notebooks"
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb")] == ["alive.ipynb"]


def test_it_is_sound_and_clean_and_the_same_every_time(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 4
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert [cell.id for cell in notebook.cells] == [f"cell-{number}" for number in range(len(notebook.cells))]


def test_its_words_are_plain_markdown(notebook: nbformat.NotebookNode) -> None:
    text = told(notebook)
    assert not MYST.search(text)
    assert "Equation (4) comes before (A); Hopfield (1982) knew." in text
    assert "[fails at the edge](../../reference/ledger.html#claim-prop-3)" in text
    assert "<summary>Proof</summary>\n\nFolded." in text
    assert "`beyond-scaling radius --chunks 3`" in text
    assert "\\tag{4}\n$$\n" in text
    assert "## References\n\n- Hopfield (1982). *Neural Networks and Physical Systems" in text


def test_it_says_what_it_is_first(notebook: nbformat.NotebookNode) -> None:
    first, second = notebook.cells[:2]
    assert first.source.startswith("**Alive** of *Energy, Memory and Scale*, as a notebook.")
    assert "(../../alive.html)" in first.source
    assert "MIT" in first.source
    assert second.cell_type == "code"
    compile(second.source, "the first cell", "exec")


def test_where_the_package_comes_from() -> None:
    published = Publication("owner/name", "main", "")
    commit = "a" * 40
    assert package_source(published, commit) == f"beyond-scaling @ git+https://github.com/owner/name@{commit}"
    assert package_source(published, None) == "beyond-scaling @ git+https://github.com/owner/name@main"
    assert package_source(Publication(), commit) == ""


def start(folder: Path, source: str, pip: str) -> subprocess.CompletedProcess[str]:
    """Run the first cell in a folder, by a Python that has no packages and whose pip only says what it was asked."""
    fake = folder / "fake"
    (fake / "pip").mkdir(parents=True, exist_ok=True)
    (fake / "pip" / "__init__.py").touch()
    (fake / "pip" / "__main__.py").write_text(pip, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(fake)}
    command = [sys.executable, "-S", "-c", setup_code(source)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


SAYS = "import sys; print('asked for', sys.argv[-1])"


def test_the_wheel_beside_or_above_goes_first(tmp_path: Path) -> None:
    deep = tmp_path / "site" / "notebooks"
    deep.mkdir(parents=True)
    wheel = tmp_path / "beyond_scaling-1.0-py3-none-any.whl"
    wheel.touch()
    assert start(deep, "beyond-scaling @ git+somewhere", SAYS).stdout == f"asked for {wheel}\n"


def test_else_its_repository_else_one_clear_line(tmp_path: Path) -> None:
    source = "beyond-scaling @ git+somewhere"
    assert start(tmp_path, source, SAYS).stdout == f"asked for {source}\n"
    without = start(tmp_path, "", SAYS)
    assert without.returncode == 1
    assert without.stderr.count("\n") == 1
    assert "put its wheel, beyond_scaling-*.whl, beside this notebook" in without.stderr
    failed = start(tmp_path, source, "raise SystemExit(1)")
    assert failed.stderr == f"pip could not install {source}; its own words are above\n"


def test_installed_it_does_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", setup_code("")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_on_colab_widgets_are_switched_on(tmp_path: Path) -> None:
    package = tmp_path / "google" / "colab"
    package.mkdir(parents=True)
    (package / "output.py").write_text("def enable_custom_widget_manager(): print('widgets on')", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", setup_code("")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "widgets on\n"
