"""A YAML of the book that cannot be read stops the build at its start; a book without it is fine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def readable(app: Sphinx, file: str, load: Callable[[Path], object]) -> None:
    """Read a file of the book, if it is there.

    Raises:
        ExtensionError: what ``load`` says against it.
    """
    path = Path(app.srcdir) / file
    if path.exists():
        try:
            load(path)
        except ValueError as reason:
            raise ExtensionError(str(reason)) from reason
