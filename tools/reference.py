"""Reference notebooks: what every chapter printed when somebody last looked, and the check that it still does.

``check`` runs each chapter of the table of contents and compares its outputs with tests/reference through nbval;
``refresh`` executes the chapters and rewrites the references, for a person to read the diff. The chapters' MyST sources
stay the only source of code: before a check, jupytext lays the present source over a copy of the reference, which drops
the outputs of every cell that was edited, so an edited cell fails until its reference is refreshed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
REFERENCE = ROOT / "tests" / "reference"
WORK = ROOT / "_build" / "nbval"
IGNORED = "nbval-ignore-output"


def chapters() -> list[Path]:
    """The chapters with code, relative to book/, in reading order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    names = [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]
    paths = [Path(f"{name}.md") for name in names]
    return [path for path in paths if "kernelspec:" in (BOOK / path).read_text(encoding="utf-8")[:600]]


def reference_of(chapter: Path) -> Path:
    return REFERENCE / chapter.with_suffix(".ipynb")


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop what differs from run to run and says nothing: widget ids, times, ignored outputs."""
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type != "code":
            continue
        cell.execution_count = number  # nbval takes a cell without one for a cell that never ran
        cell.metadata.pop("execution", None)
        if IGNORED in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = number
            view = output.get("data", {}).get("application/vnd.jupyter.widget-view+json")
            if view:
                view["model_id"] = "stable"
    return notebook


def refresh(names: list[Path]) -> int:
    for chapter in names:
        notebook = jupytext.read(BOOK / chapter)
        NotebookClient(notebook, timeout=300, kernel_name="python3",
                       resources={"metadata": {"path": str((BOOK / chapter).parent)}}).execute()
        target = reference_of(chapter)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(tidy(notebook), target)
        print(f"reference: wrote {target.relative_to(ROOT)}")
    for stale in set(REFERENCE.rglob("*.ipynb")) - {reference_of(chapter) for chapter in chapters()}:
        stale.unlink()
        print(f"reference: removed {stale.relative_to(ROOT)}, whose chapter is gone")
    return 0


def check(names: list[Path], work: Path = WORK) -> int:
    missing = [str(chapter) for chapter in names if not reference_of(chapter).exists()]
    if missing:
        print(f"reference: no reference notebook for {', '.join(missing)}; run `make reference`", file=sys.stderr)
        return 2
    shutil.rmtree(work, ignore_errors=True)
    copies = []
    for chapter in names:
        copy = work / chapter.with_suffix(".ipynb")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(reference_of(chapter), copy)
        subprocess.run([sys.executable, "-m", "jupytext", "--quiet", "--to", "ipynb", "--update", "--output", str(copy),
                        str(BOOK / chapter)], check=True)
        copies.append(str(copy))
    options = ["-q", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "-p", "no:cacheprovider"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, "--rootdir", str(work), *copies],
                          check=False).returncode


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("check", "refresh"))
    parser.add_argument("chapter", nargs="*", type=Path, help="paths below book/; all chapters if none is named")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for the copies that are run")
    args = parser.parse_args(argv)
    known = chapters()
    if unknown := [str(name) for name in args.chapter if name not in known]:
        parser.error(f"not a chapter with code: {', '.join(unknown)}; known: {', '.join(map(str, known))}")
    names = args.chapter or known
    return refresh(names) if args.action == "refresh" else check(names, args.work.resolve())


if __name__ == "__main__":
    raise SystemExit(main())
