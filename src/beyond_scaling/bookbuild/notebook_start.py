"""The first two cells of a downloaded chapter: what it is, and what makes it run on a machine that has nothing."""

from __future__ import annotations

from .publication import Publication

_SETUP = """\
# Makes this notebook run on a fresh machine: Colab, Kaggle, Binder, yours. With the package installed it does nothing.
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

SOURCE = {source!r}  # where the package of this edition is; the wheel of the offline archive goes first

if importlib.util.find_spec("beyond_scaling") is None:
    here = Path.cwd()
    wheels = [wheel for folder in (here, *here.parents) for wheel in sorted(folder.glob("beyond_scaling-*.whl"))]
    wanted = str(wheels[0]) if wheels else SOURCE
    if not wanted:
        raise SystemExit("beyond_scaling is not installed: put its wheel, beyond_scaling-*.whl, beside this notebook")
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", wanted]).returncode:
        raise SystemExit(f"pip could not install {{wanted}}; its own words are above")
    importlib.invalidate_caches()
try:
    from google.colab import output
except ImportError:
    pass
else:
    output.enable_custom_widget_manager()  # Colab shows no widgets of others without it
"""


def package_source(publication: Publication, commit: str | None) -> str:
    """What pip installs this edition from: its repository at its commit, or at the branch if that is not known."""
    if not publication.source:
        return ""
    return f"beyond-scaling @ git+{publication.source}@{commit or publication.branch}"


def setup_code(source: str) -> str:
    """The code of the second cell."""
    return _SETUP.format(source=source).rstrip("\n")


def opening(chapter: str, book: str, licence: str, page: str) -> str:
    """The text of the first cell.

    Args:
        chapter: the chapter's title, with its number.
        book: the book's title.
        licence: the name of its licence.
        page: the address of the chapter's page.
    """
    return (
        f"**{chapter}** of *{book}*, as a notebook. [The page]({page}) has the same text, with results; here you can "
        f"change the code. Run the next cell first. Licence: {licence}."
    )
