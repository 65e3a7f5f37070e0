"""Small books, built with the real configuration: one that must pass, and one in which everything is wrong."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

from beyond_scaling import results

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).parent / "book"


@dataclass(frozen=True)
class Built:
    """A built book: its HTML folder, how the build ended and what it said."""

    html: Path
    status: int
    messages: str

    def soup(self, name: str) -> BeautifulSoup:
        return BeautifulSoup((self.html / name).read_text(encoding="utf-8"), "html.parser")


def build(folder: Path, *chapters: str, **environment: str) -> Built:
    """Build a book of some of this folder's chapters, as ``make book`` would in this environment."""
    book = folder / "book"
    for name in ("_assets", "_templates"):
        shutil.copytree(ROOT / "book" / name, book / name)
    shutil.copyfile(ROOT / "book" / "references.bib", book / "references.bib")
    shutil.copyfile(ROOT / "_config.yml", folder / "_config.yml")
    shutil.copyfile(SOURCES / "ledger.yml", book / "ledger.yml")
    for name in ("index", *chapters):
        (book / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(SOURCES / f"{name}.md", book / f"{name}.md")
    (book / "bibliography.md").write_text("# Bibliography\n\n```{bibliography}\n```\n", encoding="utf-8")
    toc = "".join(f"  - file: {name}\n" for name in (*chapters, "bibliography"))
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{toc}", encoding="utf-8")
    results.save(sample_record(), root=book / "results")
    again = dataclasses.replace(sample_record(), name="sample-2", seed=8, command="beyond-scaling radius --again")
    results.save(again, root=book / "results")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("jupyter-book"),
            "build",
            "book",
            "--config",
            "_config.yml",
            "--toc",
            str(folder / "_toc.yml"),
            "--path-output",
            ".",
            "-W",
            "-n",
            "--keep-going",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **environment,
        },
    )
    return Built(folder / "_build" / "html", done.returncode, done.stdout + done.stderr)


def sample_record() -> results.Record:
    return results.Record(
        name="sample",
        title="A sample",
        kind="test",
        command="beyond-scaling radius --chunks 3",
        seed=7,
        parameters={"chunks": 3},
        inputs=({"name": "text.txt", "bytes": 12, "sha256": "ab" * 32},),
        columns={"distance": np.array([1.0, 2.0, 3.0])},
        summary={"mean": 2.0},
        duration_s=1.5,
    )


@pytest.fixture(scope="session")
def living_book(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A book of an edition that has a repository."""
    return build(tmp_path_factory.mktemp("living"), "alive", "reference/ledger", BOOK_REPOSITORY="owner/name")


@pytest.fixture(scope="session")
def broken_book(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("broken"), "broken", "hostile", "reference/ledger")


@pytest.fixture(scope="session")
def finished_book(living_book: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The living book, finished as ``make book`` does it; in other processes, for Playwright starts once in each."""
    folder = tmp_path_factory.mktemp("finished") / "html"
    shutil.copytree(living_book.html, folder)
    chromium = subprocess.check_output([sys.executable, ROOT / "tools" / "chromium.py"], text=True, timeout=60).strip()
    done = subprocess.run(
        [sys.executable, "-m", "beyond_scaling.bookbuild.finish", folder, "--chromium", chromium],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Built(folder, done.returncode, done.stdout + done.stderr)
