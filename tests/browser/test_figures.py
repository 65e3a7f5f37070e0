"""Figures in the page: drawn beforehand, alive when a reader turns to one, with files; and those of the built book."""

from __future__ import annotations

import csv
import io
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page, expect

from ..bookbuild.figure_site import PAGE, curves, finished, landscape, write
from ..conftest import ROOT

expect.set_options(timeout=20_000)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 100);
})"""
TEXTS = """(root) => [...root.querySelectorAll("text")].filter((t) => t.getClientRects().length && t.textContent.trim())
  .map((t) => { const box = t.getBoundingClientRect(); return [t.textContent, box.x, box.y]; }).sort()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Path:
    return finished(tmp_path_factory.mktemp("finished"), browser, curves(), landscape(), policy=POLICY)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("unfinished"), curves(), landscape())


@pytest.fixture
def opened(browser: Browser, serve):
    """opened(root, width=...): the page, over http; `page.trouble` and `page.asked` fill as it lives."""

    @contextmanager
    def open_page(root: Path, width: int = 1300, scheme: str = "http", **options: Any) -> Iterator[Page]:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        page = context.new_page()
        page.trouble, page.asked = [], []
        page.on("console", lambda said: said.type in {"error", "warning"} and page.trouble.append(said.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{serve(root) if scheme == 'http' else root.as_uri()}/{PAGE}")
        yield page
        context.close()

    return open_page


def plotly(page: Page) -> bool:
    return any("plotly" in url for url in page.asked)


def ready(page: Page) -> None:
    """The scripts that wait for an idle moment have run."""
    expect(page.locator("button[data-save]").first).to_be_visible()
    page.evaluate("() => new Promise((resolve) => requestIdleCallback(resolve))")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_still_figure_lives_when_pointed_at_and_looks_the_same(opened, site: Path, scheme: str):
    # Without a policy over file://, where 'self' is nothing that Chromium knows; the step that writes it knows how.
    with opened(site, scheme=scheme, bypass_csp=scheme == "file") as page:
        ready(page)
        stage = page.locator(".bs-figure-stage").first
        assert not plotly(page)
        before, room = stage.locator(".bs-still-wide").evaluate(TEXTS), stage.bounding_box()
        stage.hover()
        expect(stage).to_have_attribute("data-drawn", "live")
        live = stage.locator(".bs-live")
        expect(stage.locator(".bs-still-wide")).to_be_hidden()
        assert stage.bounding_box() == room
        after = [text for text in live.evaluate(TEXTS) if text[0] in {old[0] for old in before}]
        assert [text[0] for text in after] == [text[0] for text in before]
        assert [text[1:] for text in after] == [pytest.approx(text[1:], abs=1.5) for text in before]
        assert page.evaluate(SHIFT) < 0.001  # letters of a drawing count; the page stands still
        point = live.locator(".points path").nth(1).bounding_box()
        page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
        expect(live.locator(".hoverlayer .hovertext").first).to_be_visible()
        assert page.trouble == []


def test_it_lives_when_focused(opened, site: Path):
    with opened(site) as page:
        ready(page)
        page.locator(".bs-figure-words > summary").nth(1).focus()
        stages = page.locator(".bs-figure-stage")
        expect(stages.nth(1)).to_have_attribute("data-drawn", "live")
        expect(stages.nth(0)).to_have_attribute("data-drawn", "still")
        assert page.trouble == [], "under the policy too"


def test_a_finger_wakes_it_and_still_scrolls_the_page(opened, site: Path):
    with opened(site, width=390, has_touch=True, is_mobile=True) as page:
        ready(page)
        stage = page.locator(".bs-figure-stage").first
        expect(stage.locator(".bs-still-narrow")).to_be_visible()
        small = page.locator(".bs-figure-tools > *, .bs-figure-words > summary").evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect()).filter((b) => b.height < 44 || b.width < 44).length"
        )
        assert small == 0
        stage.tap()
        expect(stage).to_have_attribute("data-drawn", "live")
        assert stage.locator(".bs-live").evaluate("(plot) => plot._fullLayout.dragmode") is False


def test_without_plotly_the_still_figure_stays_and_the_next_try_counts(opened, site: Path):
    with opened(site) as page:
        ready(page)
        page.route("**/plotly-*", lambda route: route.abort())
        stage = page.locator(".bs-figure-stage").first
        with page.expect_console_message(lambda said: "stays as it is" in said.text):
            stage.hover()
        expect(stage.locator(".bs-still-wide")).to_be_visible()
        expect(stage).to_have_attribute("data-drawn", "still")
        page.unroute("**/plotly-*")
        page.mouse.move(0, 0)
        stage.hover()
        expect(stage).to_have_attribute("data-drawn", "live")


def test_colours_follow_the_theme_still_and_live(opened, site: Path):
    with opened(site) as page:
        ready(page)
        stage = page.locator(".bs-figure-stage").first
        line = stage.locator(".bs-still-wide path[style*='stroke:var(--bs-energy)']").first
        for theme, colour in (("light", "rgb(0, 99, 156)"), ("dark", "rgb(98, 184, 238)")):
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            expect(line).to_have_css("stroke", colour)
        stage.hover()
        live = stage.locator(".bs-live .scatterlayer path.js-line").first
        expect(live).to_have_css("stroke", "rgb(98, 184, 238)")
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        expect(live).to_have_css("stroke", "rgb(0, 99, 156)")


def test_a_live_figure_fits_every_width(opened, site: Path):
    with opened(site) as page:
        ready(page)
        stage = page.locator(".bs-figure-stage").first
        stage.hover()
        expect(stage).to_have_attribute("data-drawn", "live")
        for width, layout in ((600, 664), (390, 326), (700, 664)):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(
                """(layout) => {
                  const stage = document.querySelector(".bs-figure-stage"), plot = stage.querySelector(".bs-live");
                  const [inner, outer] = [plot, stage].map((e) => e.getBoundingClientRect());
                  return plot._fullLayout.width === layout && Math.abs(inner.width - outer.width) < 1
                    && Math.abs(inner.height - outer.height) < 1 && document.documentElement.scrollWidth <= innerWidth;
                }""",
                arg=layout,
            )


@pytest.mark.parametrize("live", [False, True], ids=["still", "live"])
def test_files_are_whole_and_in_the_colours_of_now(opened, site: Path, live: bool):
    with opened(site) as page:
        ready(page)
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        stage = page.locator(".bs-figure-stage").first
        if live:
            stage.hover()
            expect(stage).to_have_attribute("data-drawn", "live")
        files = {}
        for kind in ("SVG", "PNG"):
            with page.expect_download() as waited:
                page.get_by_role("button", name=f"{kind} of figure small-1").click()
            assert waited.value.suggested_filename == f"small-1.{kind.lower()}"
            files[kind] = Path(waited.value.path()).read_bytes()
        if not live:  # the click focused the figure, and so woke it
            expect(stage).to_have_attribute("data-drawn", "live")
        assert page.trouble == []
    text = files["SVG"].decode()
    svg = ET.fromstring(text)
    assert (svg.tag, svg.get("width"), svg.get("height")) == ("{http://www.w3.org/2000/svg}svg", "664", "320")
    assert "The squares of 0, 1 and 2" in svg.findtext("{http://www.w3.org/2000/svg}title")
    assert "var(" not in text
    assert "#62b8ee" in text or "rgb(98, 184, 238)" in text, "the dark theme's blue"
    assert svg.get("font-family")
    assert svg[1].get("fill") == "#14181e", "a solid ground"
    assert files["PNG"][:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(files["PNG"][at : at + 4], "big") for at in (16, 20)] == [2 * 664, 2 * 320]


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_without_scripts_figure_words_and_data_are_there(opened, site: Path, scheme: str):
    with opened(site, scheme=scheme, java_script_enabled=False) as page:
        figure = page.locator(".bs-figure").first
        expect(figure.locator(".bs-still-wide svg")).to_be_visible()
        expect(figure.locator("button").first).to_be_hidden()
        words = figure.locator(".bs-figure-words > p")
        expect(words).to_be_hidden()
        figure.locator(".bs-figure-words > summary").click()
        expect(words).to_contain_text("The squares of 0, 1 and 2 are 0, 1 and 4")
        with page.expect_download() as waited:
            figure.get_by_role("link", name="Data (CSV) of figure small-1").click()
        assert Path(waited.value.path()).read_text().startswith("x_axis,trace,x,y,")


def test_print_has_the_figure_and_no_buttons(opened, site: Path):
    with opened(site) as page:
        ready(page)
        stage = page.locator(".bs-figure-stage").first
        stage.hover()
        expect(stage).to_have_attribute("data-drawn", "live")
        page.emulate_media(media="print")
        expect(stage.locator(".bs-still-wide")).to_be_visible()
        expect(stage.locator(".bs-live")).to_be_hidden()
        expect(page.locator(".bs-figure-tools").first).to_be_hidden()


def test_unfinished_a_figure_is_drawn_when_it_comes_near(opened, unfinished: Path):
    with opened(unfinished) as page:
        stages = page.locator(".bs-figure-stage")
        room = stages.first.bounding_box()
        expect(stages.nth(0)).to_have_attribute("data-drawn", "live")
        assert stages.nth(1).get_attribute("data-drawn") is None
        assert stages.first.bounding_box() == room
        stages.nth(1).scroll_into_view_if_needed()
        expect(stages.nth(1)).to_have_attribute("data-drawn", "live")
        assert page.evaluate(SHIFT) < 0.001
        assert page.trouble == []


# --- the built book ---

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
in_the_book = pytest.mark.book
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@cache
def book_figures() -> list[tuple[str, Tag]]:
    return [
        (f"{path.relative_to(HTML).as_posix()} {number}", figure)
        for path in sorted(HTML.rglob("*.html"))
        for number, figure in enumerate(
            BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select(".bs-figure"), 1
        )
    ]


@in_the_book
def test_every_figure_of_the_book_says_what_it_shows_with_numbers():
    assert len(book_figures()) > 20
    for name, figure in book_figures():
        alt = figure.select_one(".bs-figure-stage")["aria-label"]
        assert len(alt) > 80, (name, alt)
        assert len(set(NUMBER.findall(alt))) >= 2, (name, alt)
        assert alt != figure.figcaption.get_text() if figure.figcaption else True, name
        assert figure.select_one(".bs-figure-words > p").get_text() == alt, name


@in_the_book
def test_every_figure_of_the_book_is_drawn_twice_and_has_its_data():
    for name, figure in book_figures():
        assert len(figure.select(".bs-still > svg")) == 2, name
        link = figure.select_one(".bs-figure-tools > a")["href"]
        file = (HTML / name.split()[0]).parent / link
        table = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
        assert {"trace", "x", "y"} <= set(table[0]), name
        assert len(table) > 3, name
        assert {len(row) for row in table} == {len(table[0])}, name


@in_the_book
def test_layouts_are_made_for_the_books_columns(browser: Browser):
    name = next(name for name, _ in book_figures()).split()[0]
    for width, layout in ((1300, 664), (390, 326)):
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
        page = context.new_page()
        page.goto((HTML / name).as_uri())
        box = page.locator(".bs-figure-stage").first.bounding_box()
        context.close()
        assert box["width"] == pytest.approx(layout, rel=0.12), "set WIDE and NARROW of plotly_renderer to the column's"
