"""Visits to pages of the built book, with what happened on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from beyond_scaling.bookbuild.loading import WATCH, served, settle

from .book import HEIGHT, HTML, WIDE, check

MOUNT_ALL = "async () => { await window.bsMountAll?.(); }"


@dataclass
class Visit:
    """A page opened in the browser, and what happened on the way."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def outside(self) -> list[str]:
        """What the page asked of anybody else."""
        return [url for url in self.requests if not url.startswith((self.base + "/", "data:", "blob:"))]

    def mount_all(self) -> None:
        """Show every widget, in sight or not."""
        self.page.evaluate(MOUNT_ALL)
        settle(self.page)


Open = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture(scope="session")
def book_address() -> Iterator[str]:
    """Where the built book is served over http."""
    check()
    with served(HTML) as address:
        yield address


@pytest.fixture(scope="session")
def visit(browser: Browser, book_address: str) -> Open:
    """visit(name, scheme, width, ...): a context that opens a page and waits until what is in sight is there.

    Further options are those of a Playwright browser context.
    """

    @contextmanager
    def open_page(name: str, scheme: str = "http", width: int = WIDE, **options: Any) -> Iterator[Visit]:
        wanted = {"viewport": {"width": width, "height": HEIGHT}, "reduced_motion": "reduce", **options}
        context = browser.new_context(**wanted)
        try:
            context.add_init_script(WATCH)
            page = context.new_page()
            seen = Visit(page, book_address if scheme == "http" else HTML.as_uri())
            listen(page, seen)
            page.goto(f"{seen.base}/{name}")
            if wanted.get("java_script_enabled", True):
                settle(page)
            yield seen
        finally:
            context.close()

    return open_page


def listen(page: Page, seen: Visit) -> None:
    """Write down what the page asks for and what goes wrong."""
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", lambda request: seen.trouble.append(f"failed: {request.url} {request.failure}"))
    page.on("response", lambda reply: reply.status >= 400 and seen.trouble.append(f"{reply.status}: {reply.url}"))
    page.on("pageerror", lambda error: seen.trouble.append(f"error: {error}"))
    page.on("console", lambda said: said.type in {"error", "warning"} and seen.trouble.append(f"console: {said.text}"))
