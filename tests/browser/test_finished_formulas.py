"""Formulas and previews of the finished book: set on every page, readable without scripts, links that lead exactly."""

from __future__ import annotations

import re

import pytest

from .book import HTML, NARROW, PAGES, WIDE, check, each_page, soup
from .conftest import Open

pytestmark = [pytest.mark.book, pytest.mark.timeout(180)]

VISIBLE = """[...document.querySelectorAll("article .math:not(details *, .bs-tip *) mjx-container")].map((formula) => {
  const box = formula.getBoundingClientRect();
  return [formula.textContent.slice(0, 40), box.width > 1 && box.height > 1];
})"""

# Where a link's target stands once the page stops moving, and how far from the top it asks to stand.
GO = """async (anchor) => {
  document.documentElement.style.scrollBehavior = "auto";
  location.hash = anchor;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const node = document.getElementById(anchor);
  const sum = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)
    + parseFloat(getComputedStyle(node).scrollMarginTop);
  const end = document.documentElement.scrollHeight - innerHeight;
  return { top: node.getBoundingClientRect().top, due: sum, atTheEnd: scrollY >= end - 1 };
}"""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    check()


def most(selector: str) -> str:
    """The page with most of something."""
    return max(PAGES, key=lambda name: len(soup(name).select(selector)), default="index.html")


@each_page
def test_every_formula_is_set_and_mathjax_is_gone(name: str):
    page = soup(name)
    assert [math for math in page.select(".math") if len(math.select("mjx-container")) != 1] == []
    assert len(page.select("mjx-assistive-mml > math")) == len(page.select("mjx-container"))
    assert page.select("mjx-merror") == []
    assert [script for script in page.select("script") if "mathjax" in str(script)[:300].lower()] == []
    assert len(page.select('head link[rel="stylesheet"]')) == 1, "the formulas' sheet is in the one for all"


@each_page
def test_every_tip_that_is_named_is_there_once(name: str):
    page = soup(name)
    named = {link["aria-describedby"] for link in page.select('article a[aria-describedby^="bs-tip-"]')}
    there = [tip["id"] for tip in page.select(".bs-tip")]
    assert len(there) == len(set(there))
    assert named == set(there)
    links = page.select('article a.reference[href*="#equation-"], article a.bs-verdict')
    assert [link for link in links if not link.find_parent(class_="bs-tip") and not link.get("aria-describedby")] == []


def test_the_site_carries_no_mathjax_and_the_fonts_that_it_uses():
    assert list(HTML.rglob("tex-*.js")) == []
    sheet = HTML / "_static" / "bs" / "site.css"
    fonts = re.findall(r'url\("([^"]+\.woff)"\)', sheet.read_text("utf-8"))
    named = {(sheet.parent / path).resolve() for path in fonts}
    assert named == {path.resolve() for path in (HTML / "_static" / "mathjax").rglob("*.woff")}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_formulas_are_there_without_scripts(visit: Open, width: int):
    with visit(most("mjx-container"), width=width, java_script_enabled=False) as seen:
        found = seen.page.evaluate(VISIBLE)
    assert len(found) > 100
    assert [text for text, visible in found if not visible] == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_links_lead_exactly_where_they_should(visit: Open, width: int):
    """Though blocks far down a page join its layout only after it has loaded."""
    name = most("mjx-container")
    anchors = [node["id"] for node in soup(name).select("article section[id]")]
    half, last = anchors[len(anchors) // 2], anchors[-1]
    with visit(f"{name}#{half}", width=width) as seen:
        found = [seen.page.evaluate(GO, half)]
    with visit(name, width=width) as seen:
        found += [seen.page.evaluate(GO, anchor) for anchor in (half, last)]
    for at in found:
        assert at["atTheEnd"] or at["top"] == pytest.approx(at["due"], abs=3), at
