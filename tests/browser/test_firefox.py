"""Every page of the built book in a stock Firefox: whole, alive, drawn, still usable by mouse, finger and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import firefox as finder
import pytest

from .book import HTML, NARROW, PAGES, WIDE, each_page, soup, with_figures, with_widgets
from .firefox import Firefox, Tab

pytestmark = [pytest.mark.book, pytest.mark.browser, pytest.mark.timeout(180)]

ALL_THERE = """async () => {
  await document.fonts.ready;
  await window.bsMountAll?.();
  await window.bsLaid;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""

OBSERVED = """() => ({
  dead: [...document.querySelectorAll(".bs-view")].filter((view) => view.dataset.ready !== "true")
    .map((view) => [view.dataset.widget, view.dataset.ready]),
  views: document.querySelectorAll(".bs-view").length,
  undrawn: [...document.querySelectorAll(".bs-figure-stage")].filter((stage) =>
    ![...stage.querySelectorAll("svg")].some((svg) => svg.getBoundingClientRect().height > 50)).map((s) => s.ariaLabel),
  unset: [...document.querySelectorAll("mjx-merror, .math:not(:has(mjx-container))")].map((math) => math.textContent),
  flat: [...document.querySelectorAll("article mjx-container")].filter((m) =>
    m.checkVisibility({ contentVisibilityAuto: true }) && m.getBoundingClientRect().width < 2).length,
  fonts: [...document.fonts].filter((font) => font.status === "error").map((font) => font.family),
})"""

# Two frames: widgets lay themselves out when they hear of a new width, and draw in the frame after it.
SIDEWAYS = """async (width) => {
  for (let i = 0; i < 2; i += 1) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return {
    scroll: document.documentElement.scrollWidth,
    over: [...document.querySelectorAll("article *")].filter((e) => e.getBoundingClientRect().right > width + 1)
      .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)),
  };
}"""

# The middle of an element, once it is in the middle of the window; null if there is none.
MIDDLE = """async (selector) => {
  const found = [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length > 0);
  if (!found) return null;
  found.scrollIntoView({ block: "center", behavior: "instant" });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const { x, y, width, height } = found.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""

HANDLE = ".bs-view .bs-handle:not([aria-disabled='true'])"
FIRST = f"[...document.querySelectorAll(\"{HANDLE}\")].find((one) => one.getClientRects().length > 0)"
# What the widget of the first handle says: its handles' places and its numbers.
SAYS = f"""() => {{
  const widget = {FIRST}.closest(".bs-view");
  const handles = [...widget.querySelectorAll(".bs-handle")].map((h) => h.getAttribute("transform"));
  return [handles, widget.querySelector(".bs-readout")?.textContent ?? ""];
}}"""


@pytest.fixture(scope="session")
def firefox() -> Iterator[Firefox]:
    """One Firefox for the whole run."""
    path = finder.find()
    assert path, "no Firefox: run `make browser`"
    with Firefox(path) as started:
        yield started


def until(true: Callable[[], Any], seconds: float = 15) -> Any:
    """Wait until something holds; what it then is."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)
    return found


def opened(firefox: Firefox, name: str, base: str, width: int = WIDE) -> Tab:
    tab = firefox.tab(width)
    tab.goto(f"{base}/{name}")
    tab.evaluate(ALL_THERE)
    return tab


@each_page
def test_page_is_whole_over_http(firefox: Firefox, book_address: str, name: str):
    with opened(firefox, name, book_address) as tab:
        whole(tab, name)
        for width in (NARROW, WIDE):
            tab.resize(width)
            never_sideways(tab, width)
        moved_by_hand(tab)
        assert [url for url in tab.requests if not url.startswith((book_address + "/", "data:", "blob:"))] == []
        assert tab.trouble == []


@each_page
def test_page_is_whole_from_a_folder(firefox: Firefox, name: str):
    with opened(firefox, name, HTML.as_uri(), NARROW) as tab:
        whole(tab, name)
        never_sideways(tab, NARROW)
        assert [url for url in tab.requests if url.startswith("http")] == []
        assert tab.trouble == []


def whole(tab: Tab, name: str) -> None:
    seen = tab.evaluate(OBSERVED)
    assert seen.pop("views") == len(soup(name).select(".bs-view"))
    assert seen == {"dead": [], "undrawn": [], "unset": [], "flat": 0, "fonts": []}


def never_sideways(tab: Tab, width: int) -> None:
    seen = tab.evaluate(SIDEWAYS, width)
    assert seen["scroll"] <= width, seen["over"]


def moved_by_hand(tab: Tab) -> None:
    """The page's first handle follows the mouse and the arrow keys."""
    place = tab.evaluate(MIDDLE, HANDLE)
    if place is None:
        return
    before = tab.evaluate(SAYS)
    tab.drag(*place, -17, -13)
    after = until(lambda: (now := tab.evaluate(SAYS)) != before and now)
    tab.evaluate(f"() => {FIRST}.focus()")
    tab.press("ArrowRight", "ArrowUp")
    until(lambda: tab.evaluate(SAYS) != after)


def test_most_chapters_have_something_to_drag():
    assert len(with_widgets()) >= len(PAGES) / 3


def test_a_finger_drags(firefox: Firefox, book_address: str):
    with opened(firefox, "index.html", book_address, NARROW) as tab:
        before = tab.evaluate(SAYS)
        tab.drag(*tab.evaluate(MIDDLE, HANDLE), 20, 15, pointer="touch")
        until(lambda: tab.evaluate(SAYS) != before)
        assert tab.trouble == []


def test_the_dark_is_followed_at_once(firefox: Firefox, book_address: str):
    colours = """() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector(".bs-figure-stage svg text")).fill]"""
    with opened(firefox, with_figures()[0], book_address) as tab:
        light = tab.evaluate(colours)
        tab.evaluate("() => document.documentElement.setAttribute('data-theme', 'dark')")
        dark = tab.evaluate(colours)
        assert light[0] == "light"
        assert all(one != other for one, other in zip(light, dark, strict=True)), (light, dark)
        assert tab.trouble == []


def test_the_button_for_dark_and_light(firefox: Firefox, book_address: str):
    with opened(firefox, "index.html", book_address) as tab:
        seen = set()
        for _ in range(3):
            tab.click(*tab.evaluate(MIDDLE, ".theme-switch-button"))
            seen.add(tab.evaluate("() => document.documentElement.dataset.theme"))
        assert seen == {"light", "dark"}


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_figure_comes_alive_when_it_is_pointed_at(firefox: Firefox, book_address: str, scheme: str):
    base = book_address if scheme == "http" else HTML.as_uri()
    with opened(firefox, with_figures()[0], base) as tab:
        tab.hover(5, 5)
        tab.hover(*tab.evaluate(MIDDLE, ".bs-figure-stage"))
        until(lambda: tab.evaluate("() => document.querySelector('.bs-figure-stage').dataset.drawn") == "live")
        assert tab.trouble == []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds_a_chapter(firefox: Firefox, book_address: str, scheme: str):
    chapter = soup("index.html").select_one("nav.bd-links li a")["href"]
    title = soup(chapter).select_one("article h1").find(string=True).strip()
    base = book_address if scheme == "http" else HTML.as_uri()
    links = "() => [...document.querySelectorAll('#search-results li a')].map((a) => a.text)"
    with opened(firefox, f"search.html?q={title.split()[-1]}", base) as tab:
        found = until(lambda: tab.evaluate(links))
        assert title in found
        assert tab.trouble == []
