"""Every page of the built book, in a real browser: self-contained, alive with no kernel, light, accessible.

Needs ``make book`` (or a book built elsewhere: ``$BOOK_HTML``). Each page is opened over http and from the file system.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from ..conftest import ROOT
from .accessibility import violations

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))

WIDE, NARROW = 1300, 390  # CSS pixels
MAX_BYTES = 2_000_000  # transferred for one page, compressed
MAX_READY_MS = 1000  # until the first widget can be used

pytestmark = [pytest.mark.book, pytest.mark.timeout(180)]
each_page = pytest.mark.parametrize("name", PAGES or ["index.html"])

SETTLED = """async () => {
  await document.fonts.ready;
  if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
  const done = (selector, name) => [...document.querySelectorAll(selector)].every((e) => e.dataset[name]);
  return done(".bs-view", "ready") && done(".bs-figure-stage", "drawn");
}"""


# What can be read off a page once it has settled.
OBSERVED = """(width) => ({
  views: [...document.querySelectorAll(".bs-view")].map((view) => [view.dataset.widget, view.dataset.ready]),
  drawn: [...document.querySelectorAll(".bs-figure-stage")].map((s) => s.querySelector("svg") !== null),
  unset: [...document.querySelectorAll("mjx-merror, .math:not(:has(mjx-container))")].map((math) => math.textContent),
  rooms: [...document.querySelectorAll(".bs-view")].map((view) => [
    view.dataset.widget, Math.round(parseFloat(getComputedStyle(view).minHeight)),
    Math.round([...view.children].reduce((sum, child) => sum + child.getBoundingClientRect().height, 0))]),
  scrollWidth: document.documentElement.scrollWidth,
  overflowing: [...document.querySelectorAll("article *")].filter((e) => e.getBoundingClientRect().right > width + 1)
    .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)),
})"""


@dataclass
class Visit:
    """A page opened in the browser, and what happened on the way."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    observed: dict = field(default_factory=dict)
    inaccessible: list[str] = field(default_factory=list)

    @property
    def outside(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((self.base + "/", "data:", "blob:"))]

    @property
    def files(self) -> set[Path]:
        """The site's files that the page asked for."""
        return {
            HTML / unquote(urlsplit(url).path.removeprefix(urlsplit(self.base).path).lstrip("/"))
            for url in self.requests
            if url.startswith(self.base + "/")
        }


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    if not PAGES:
        pytest.fail("no pages in _build/html: run `make book` first")


@pytest.fixture(scope="session")
def visit(browser: Browser, serve):
    """visit(name, scheme, width, theme): a context that opens a page and waits until all of it is there."""

    @contextmanager
    def open_page(name: str, scheme: str = "http", width: int = WIDE, theme: str = "light") -> Iterator[Visit]:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", color_scheme=theme
        )
        page = context.new_page()
        seen = Visit(page, serve(HTML) if scheme == "http" else HTML.as_uri())
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("requestfailed", lambda request: seen.trouble.append(f"failed: {request.url} {request.failure}"))
        page.on("response", lambda reply: reply.status >= 400 and seen.trouble.append(f"{reply.status}: {reply.url}"))
        page.on("pageerror", lambda error: seen.trouble.append(f"error: {error}"))
        page.on(
            "console", lambda said: said.type in {"error", "warning"} and seen.trouble.append(f"console: {said.text}")
        )
        page.goto(f"{seen.base}/{name}")
        wait_until_settled(page)
        yield seen
        context.close()

    return open_page


@pytest.fixture(scope="session")
def report(visit) -> Callable[..., Visit]:
    """report(name, scheme, width): what one visit showed; each page is opened once for all the tests that only look."""

    @cache
    def look(name: str, scheme: str, width: int) -> Visit:
        with visit(name, scheme, width) as seen:
            assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"
            seen.observed = seen.page.evaluate(OBSERVED, width)
            if scheme == "http":
                seen.inaccessible = inaccessible(seen.page, width)
        return seen

    def report(name: str, scheme: str = "http", width: int = WIDE) -> Visit:
        return look(name, scheme, width)  # the cache takes f(1) and f(x=1) for different calls

    return report


def inaccessible(page: Page, width: int) -> list[str]:
    """What axe finds on a page of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(150)  # widgets and figures lay themselves out again
    return [
        f"{width}px {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in violations(page)
        for node in rule["nodes"]
    ]


def wait_until_settled(page: Page, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(SETTLED):
        assert time.monotonic() < end, "not settled: " + str(
            page.evaluate(
                "[...document.querySelectorAll('.bs-view:not([data-ready]), .bs-figure-stage:not([data-drawn])')]"
                ".map((e) => e.outerHTML.slice(0, 200))"
            )
        )
        page.wait_for_timeout(50)


@cache
def soup(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser")


def has_widgets(name: str) -> bool:
    return (HTML / name).exists() and soup(name).select_one(".bs-view") is not None


@each_page
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_is_whole_and_needs_nobody(report, name: str, scheme: str):
    seen = report(name, scheme)
    assert seen.outside == []
    assert seen.trouble == []
    assert [view for view in seen.observed["views"] if view[1] != "true"] == [], "a widget is not alive"
    assert len(seen.observed["views"]) == len(soup(name).select(".bs-view"))
    assert all(seen.observed["drawn"]), "a figure was not drawn"
    assert seen.observed["unset"] == [], "a formula was not set"


@each_page
def test_page_is_light(report, name: str):
    weights = {path.relative_to(HTML).as_posix(): len(gzip.compress(path.read_bytes())) for path in report(name).files}
    assert sum(weights.values()) <= MAX_BYTES, sorted(weights.items(), key=lambda item: -item[1])[:8]


@pytest.mark.alone
@pytest.mark.parametrize("name", [name for name in PAGES if has_widgets(name)] or ["index.html"])
def test_first_widget_is_ready_soon(visit, name: str):
    if not has_widgets(name):
        pytest.fail("no page of the book has a widget")
    rounds: list[float] = []
    while len(rounds) < 3 and min(rounds, default=MAX_READY_MS + 1) > MAX_READY_MS:
        with visit(name) as seen:
            rounds.append(seen.page.evaluate("performance.getEntriesByName('bs-widget-ready')[0].startTime"))
    assert min(rounds) <= MAX_READY_MS, rounds


@each_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_page_is_accessible(report, name: str, width: int):
    problems = report(name, width=width).inaccessible
    assert problems == [], "\n".join(problems)


@each_page
def test_page_is_accessible_in_the_dark_and_when_its_width_changes(visit, name: str):
    with visit(name, theme="dark") as seen:
        assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
        problems = [problem for width in (WIDE, NARROW) for problem in inaccessible(seen.page, width)]
    assert problems == [], "\n".join(problems)


@each_page
def test_page_never_scrolls_sideways(report, name: str):
    observed = report(name, width=NARROW).observed
    assert observed["scrollWidth"] <= NARROW, observed["overflowing"]


@each_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_widgets_have_about_the_room_that_was_kept_for_them(report, name: str, width: int):
    wrong = [
        f"{widget}: {kept}px kept, {needed}px needed"
        for widget, kept, needed in report(name, width=width).observed["rooms"]
        if needed > 1.15 * kept + 40 or needed < kept - 40
    ]
    assert wrong == [], "set --bs-reserve in book.css"


@each_page
def test_links_and_anchors_lead_somewhere(name: str):
    assert (HTML / name).is_file(), "no such page: run `make book`"
    broken = []
    for tag, key in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src")):
        for node in soup(name).find_all(tag, attrs={key: True}):
            parts = urlsplit(node[key])
            if parts.scheme or parts.netloc:
                continue
            target = (HTML / name).parent / unquote(parts.path) if parts.path else HTML / name
            if not target.is_file():
                broken.append(node[key])
            elif parts.fragment and target.suffix == ".html":
                page = target.resolve().relative_to(HTML.resolve()).as_posix()
                if soup(page).find(id=unquote(parts.fragment)) is None:
                    broken.append(node[key])
    assert broken == []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds_a_chapter(visit, scheme: str):
    chapter = soup("index.html").select_one("nav.bd-links li a")["href"]
    title = soup(chapter).select_one("article h1").find(string=True).strip()
    with visit(f"search.html?q={title.split()[-1]}", scheme) as seen:
        seen.page.wait_for_selector("#search-results li a")
        assert title in seen.page.locator("#search-results li a").all_text_contents()
        assert seen.trouble == []
