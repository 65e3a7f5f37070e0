"""Every page of the built book, in a real browser: self-contained, alive with no kernel, light, still, accessible.

Needs ``make book`` (or a finished book elsewhere: ``$BOOK_HTML``). A page is opened three times for all the tests that
only look: wide and light over http, narrow and dark over http, and from the file system.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from beyond_scaling.bookbuild.loading import BUDGET, READ, Load, load, scroll_through, settle, site_bytes

from .accessibility import COLOURS, lighten, violations
from .book import HTML, NARROW, WIDE, check, each_page, soup, with_widgets
from .conftest import Open, Visit

LARGEST = 1.6  # time that passes grows with what else the machine does; benchmarks/pages.py marks what is over

pytestmark = [pytest.mark.book, pytest.mark.timeout(180)]

# What can be read off a page once all of it is there.
OBSERVED = """(width) => ({
  views: [...document.querySelectorAll(".bs-view")].map((view) => [view.dataset.widget, view.dataset.ready]),
  undrawn: [...document.querySelectorAll(".bs-figure-stage:not(:has(svg))")].map((stage) => stage.ariaLabel),
  unset: [...document.querySelectorAll("mjx-merror, .math:not(:has(mjx-container))")].map((math) => math.textContent),
  leftovers: [...document.querySelectorAll("script[src*='mathjax' i], script[src*='plotly' i]")].map((s) => s.src),
  rooms: [...document.querySelectorAll(".bs-view")].map((view) => [
    view.dataset.widget, Math.round(parseFloat(getComputedStyle(view).minHeight)),
    Math.round([...view.children].reduce((sum, child) => sum + child.getBoundingClientRect().height, 0))]),
  scrollWidth: document.documentElement.scrollWidth,
  overflowing: [...document.querySelectorAll("article *")].filter((e) => e.getBoundingClientRect().right > width + 1)
    .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)),
  theme: document.documentElement.dataset.theme,
})"""


@dataclass(frozen=True)
class Report:
    """What one visit showed."""

    outside: list[str]
    trouble: list[str]
    theme: str
    observed: dict[str, Any]
    bytes: int = 0  # transferred before the reader points at anything; only over http
    shifts: dict[str, list[Any]] = field(default_factory=dict)  # by what the reader did
    inaccessible: list[str] = field(default_factory=list)


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    check()


@pytest.fixture(scope="session")
def report(visit: Open) -> Callable[..., Report]:
    """report(name, scheme, width): what one visit showed."""

    @cache
    def look(name: str, scheme: str, width: int) -> Report:
        theme, other = ("light", "dark") if width == WIDE else ("dark", "light")
        with visit(name, scheme, width, color_scheme=theme) as seen:
            if scheme == "file":
                seen.mount_all()
                return observe(seen, width)
            first = seen.page.evaluate(READ)
            shifts = moving(seen.page)
            seen.mount_all()
            shown = observe(seen, width, bytes=first["bytes"], shifts=shifts)
            seen.page.evaluate("document.querySelectorAll('article details').forEach((one) => { one.open = true; })")
            lighten(seen.page)
            shown.inaccessible.extend(wrong(seen.page, theme))
            # In other colours only colours can be wrong.
            seen.page.emulate_media(color_scheme=other)
            expect(seen.page.locator("html")).to_have_attribute("data-theme", other)
            shown.inaccessible.extend(wrong(seen.page, other, COLOURS))
            return shown

    def report(name: str, scheme: str = "http", width: int = WIDE) -> Report:
        return look(name, scheme, width)  # the cache takes f(1) and f(x=1) for different calls

    return report


def observe(seen: Visit, width: int, **more: Any) -> Report:
    observed = seen.page.evaluate(OBSERVED, width)
    return Report(list(seen.outside), list(seen.trouble), observed.pop("theme"), observed, **more)


def moving(page: Page) -> dict[str, list[Any]]:
    """The layout shifts of a page: as it opened, while it is scrolled through, and when it is opened again half-way."""
    shifts = {"opened": page.evaluate("bsSeen.shifts")}
    scroll_through(page)
    shifts["scrolled"] = page.evaluate("bsSeen.shifts")[len(shifts["opened"]) :]
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    page.reload()
    settle(page)
    shifts["reloaded"] = page.evaluate("bsSeen.shifts")
    return shifts


def wrong(page: Page, theme: str, rules: tuple[str, ...] | None = None) -> list[str]:
    """What axe finds."""
    return [
        f"{theme} {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in violations(page, rules=rules)
        for node in rule["nodes"]
    ]


@each_page
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_is_whole_and_needs_nobody(report, name: str, scheme: str):
    seen = report(name, scheme)
    assert seen.outside == []
    assert seen.trouble == []
    assert seen.theme == "light"
    assert [view for view in seen.observed["views"] if view[1] != "true"] == [], "a widget is not alive"
    assert len(seen.observed["views"]) == len(soup(name).select(".bs-view"))
    assert seen.observed["undrawn"] == [], "a figure was not drawn"
    assert seen.observed["unset"] == [], "a formula was not set"
    assert seen.observed["leftovers"] == [], "it asks for what a finished page does not need"


@each_page
def test_page_is_light(report, name: str):
    assert report(name).bytes <= BUDGET.page_bytes


def test_the_site_is_light():
    assert site_bytes(HTML) <= BUDGET.site_bytes


@each_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_moves_while_a_page_loads(report, name: str, width: int):
    for event, shifts in report(name, width=width).shifts.items():
        assert sum(shift["value"] for shift in shifts) <= BUDGET.shift, (event, shifts)


@each_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_page_is_accessible(report, name: str, width: int):
    problems = report(name, width=width).inaccessible
    assert problems == [], "\n".join(problems)


@each_page
def test_page_follows_the_dark_and_never_scrolls_sideways(report, name: str):
    seen = report(name, width=NARROW)
    assert seen.theme == "dark"
    assert seen.trouble == []
    assert seen.observed["scrollWidth"] <= NARROW, seen.observed["overflowing"]


@each_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_widgets_have_about_the_room_that_was_kept_for_them(report, name: str, width: int):
    odd = [
        f"{widget}: {kept}px kept, {needed}px needed"
        for widget, kept, needed in report(name, width=width).observed["rooms"]
        if needed > 1.05 * kept + 8 or needed < kept - 40
    ]
    assert odd == []


@each_page
def test_page_has_a_policy_that_lets_nobody_else_in(name: str):
    metas = soup(name).select('head > meta[http-equiv="Content-Security-Policy"]')
    assert len(metas) == 1
    policy = {words[0]: words[1:] for words in (rule.split() for rule in metas[0]["content"].split(";"))}
    assert policy["default-src"] in (["'none'"], ["'self'"])
    assert {"'unsafe-inline'", "'unsafe-eval'"}.isdisjoint(policy["script-src"])
    allowed = {source for sources in policy.values() for source in sources}
    assert [source for source in allowed if not source.startswith(("'", "data:", "blob:"))] == []


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
                page = target.resolve().relative_to(HTML).as_posix()
                if unquote(parts.fragment) not in anchors(page):
                    broken.append(node[key])
    assert broken == []


@cache
def anchors(name: str) -> frozenset[str]:
    return frozenset(node["id"] for node in soup(name).find_all(id=True))


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds_a_chapter(visit: Open, scheme: str):
    chapter = soup("index.html").select_one("nav.bd-links li a")["href"]
    title = soup(chapter).select_one("article h1").find(string=True).strip()
    with visit(f"search.html?q={title.split()[-1]}", scheme) as seen:
        seen.page.wait_for_selector("#search-results li a")
        assert title in seen.page.locator("#search-results li a").all_text_contents()
        assert seen.trouble == []


@pytest.mark.alone
@each_page
def test_page_is_fast(browser: Browser, book_address: str, name: str):
    """The best of several visits: other work on the machine can only add to a time."""
    visits: list[Load] = []
    for _ in range(5):
        visits.append(load(browser, f"{book_address}/{name}"))
        widget = min((one.widget for one in visits if one.widget is not None), default=0)
        if widget <= BUDGET.widget_ms and min(one.task for one in visits) <= BUDGET.task_ms:
            break
    assert (visits[0].widget is not None) == (name in with_widgets() and (HTML / name).exists())
    assert widget <= LARGEST * BUDGET.widget_ms, [one.widget for one in visits]
    assert min(one.task for one in visits) <= BUDGET.task_ms, [one.task for one in visits]
