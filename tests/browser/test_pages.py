"""Every page of the built book, in a real browser: self-contained, alive with no kernel, light, accessible.

Needs ``make book`` (or a book built elsewhere: ``$BOOK_HTML``). Each page is opened over http and from the file system.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from .conftest import ROOT

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


@dataclass
class Visit:
    """A page opened in the browser, and what happened on the way."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def outside(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((self.base + "/", "data:", "blob:"))]

    @property
    def files(self) -> set[Path]:
        """The site's files that the page asked for."""
        return {HTML / unquote(urlsplit(url).path.removeprefix(urlsplit(self.base).path).lstrip("/"))
                for url in self.requests if url.startswith(self.base + "/")}


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    if not PAGES:
        pytest.fail("no pages in _build/html: run `make book` first")


@pytest.fixture
def visit(browser: Browser, serve) -> Iterator[Callable[..., Visit]]:
    """visit(name, scheme="http", width=WIDE, theme=None): open a page and wait until all of it is there."""
    contexts = []

    def open_page(name: str, scheme: str = "http", width: int = WIDE, theme: str | None = None) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce",
                                      color_scheme="dark" if theme == "dark" else "light")
        contexts.append(context)
        page = context.new_page()
        seen = Visit(page, serve(HTML) if scheme == "http" else HTML.as_uri())
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("requestfailed", lambda request: seen.trouble.append(f"failed: {request.url} {request.failure}"))
        page.on("response", lambda response: response.status >= 400 and seen.trouble.append(f"{response.status}: {response.url}"))
        page.on("pageerror", lambda error: seen.trouble.append(f"error: {error}"))
        page.on("console", lambda message: message.type in {"error", "warning"} and seen.trouble.append(f"console: {message.text}"))
        page.goto(f"{seen.base}/{name}")
        wait_until_settled(page)
        return seen

    yield open_page
    for context in contexts:
        context.close()


def wait_until_settled(page: Page, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(SETTLED):
        assert time.monotonic() < end, "not settled: " + str(page.evaluate(
            "[...document.querySelectorAll('.bs-view:not([data-ready]), .bs-figure-stage:not([data-drawn])')].map((e) => e.outerHTML.slice(0, 200))"))
        page.wait_for_timeout(50)


@cache
def soup(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser")


def has_widgets(name: str) -> bool:
    return (HTML / name).exists() and soup(name).select_one(".bs-view") is not None


@each_page
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_is_whole_and_needs_nobody(visit, name: str, scheme: str):
    seen = visit(name, scheme)
    assert seen.outside == []
    assert seen.trouble == []
    views = seen.page.locator(".bs-view").evaluate_all("(all) => all.map((v) => [v.dataset.widget, v.dataset.ready])")
    assert [view for view in views if view[1] != "true"] == []
    assert len(views) == len(soup(name).select(".bs-view"))
    drawn = seen.page.locator(".bs-figure-stage").evaluate_all("(all) => all.map((f) => f.querySelectorAll('svg.main-svg').length)")
    assert all(drawn), "a figure was not drawn"
    assert seen.page.locator("mjx-merror, .math:not(:has(mjx-container))").count() == 0, "a formula was not set"


@each_page
def test_page_is_light(visit, name: str):
    weights = {path.relative_to(HTML).as_posix(): len(gzip.compress(path.read_bytes())) for path in visit(name).files}
    assert sum(weights.values()) <= MAX_BYTES, sorted(weights.items(), key=lambda item: -item[1])[:8]


@pytest.mark.parametrize("name", [name for name in PAGES if has_widgets(name)] or ["index.html"])
def test_first_widget_is_ready_soon(visit, name: str):
    if not has_widgets(name):
        pytest.fail("no page of the book has a widget")
    rounds = []
    for _ in range(3):
        page = visit(name).page
        rounds.append(page.evaluate("performance.getEntriesByName('bs-widget-ready')[0].startTime"))
        page.context.close()
    assert min(rounds) <= MAX_READY_MS, rounds


@each_page
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_is_accessible(visit, name: str, theme: str):
    page = visit(name, theme=theme).page
    problems = []
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        page.wait_for_timeout(150)  # widgets and figures lay themselves out again
        for rule in Axe().run(page).response["violations"]:
            problems += [f"{width}px {rule['id']}: {node['target']} {node['failureSummary']}" for node in rule["nodes"]]
    assert problems == [], "\n".join(problems)


@each_page
def test_page_never_scrolls_sideways(visit, name: str):
    page = visit(name, width=NARROW).page
    wide = page.evaluate("""(limit) => [...document.querySelectorAll("body *")].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.right > limit + 1 && box.width > 0 && getComputedStyle(e).position !== "fixed";
    }).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))""", NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, wide


@each_page
def test_widgets_and_figures_keep_the_place_that_was_reserved(visit, name: str):
    for width in (WIDE, NARROW):
        page = visit(name, width=width).page
        grown = page.locator(".bs-view").evaluate_all("""(all) => all.map((view) => {
          const reserved = parseFloat(getComputedStyle(view).minHeight);
          const needed = [...view.children].reduce((sum, child) => sum + child.getBoundingClientRect().height, 0);
          return [view.dataset.widget, reserved, needed];
        })""")
        assert [row for row in grown if row[2] > row[1] * 1.1 + 40] == [], f"at {width}px: set --bs-reserve in book.css"
        page.context.close()


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


def test_the_search_finds_a_chapter(visit):
    index = json.loads((HTML / "searchindex.js").read_text(encoding="utf-8").removeprefix("Search.setIndex(").rstrip(")"))
    title = max(index["titles"], key=len)
    for scheme in ("http", "file"):
        seen = visit(f"search.html?q={title.split()[-1]}", scheme)
        seen.page.wait_for_selector("#search-results li a")
        assert title in seen.page.locator("#search-results li a").all_text_contents()
        assert seen.trouble == []
