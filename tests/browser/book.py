"""The built book that the tests look at: ``make book``'s, or ``$BOOK_HTML``; its pages and what each says of itself."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from beyond_scaling.bookbuild.finish.site import MARK
from beyond_scaling.bookbuild.loading import HEIGHT, NARROW, WIDE

from ..conftest import ROOT

__all__ = ["HEIGHT", "HTML", "NARROW", "PAGES", "WIDE", "check", "each_page", "soup", "with_figures", "with_widgets"]

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html")).resolve()
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))

each_page = pytest.mark.parametrize("name", PAGES or ["index.html"])


def check() -> None:
    """Fail unless the book is there and finished."""
    if not PAGES:
        pytest.fail(f"no pages in {HTML}: run `make book` first")
    if not (HTML / MARK).exists():
        pytest.fail(f"{HTML} is not finished: python -m beyond_scaling.bookbuild.finish {HTML}")


@cache
def soup(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser")


def _having(text: str) -> list[str]:
    """The pages with this text; a page to fail on if none has it."""
    return [name for name in PAGES if text in (HTML / name).read_text(encoding="utf-8")] or ["index.html"]


@cache
def with_widgets() -> list[str]:
    return _having('class="bs-view"')


@cache
def with_figures() -> list[str]:
    return _having('class="bs-figure-stage"')
