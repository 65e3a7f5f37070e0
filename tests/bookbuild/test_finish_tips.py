"""Previews of references, equations and claims: copied from the finished pages, shown beside the links to them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Locator, Page, expect

from beyond_scaling.bookbuild.finish import tips
from beyond_scaling.bookbuild.finish.site import Site

from ..conftest import ROOT
from .conftest import Built

HEAD = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Tips</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="{up}_static/book.css" />
<style>body {{ background: var(--bs-ground); color: var(--bs-ink); }} a {{ color: var(--bs-energy); }}</style></head>
<body><main><article class="bd-article" style="margin: 0"><h1>Page</h1>"""
FOOT = "</article></main></body></html>"

SET = '<mjx-container display="true"><mjx-math aria-hidden="true">{0}</mjx-math></mjx-container>'


def page(body: str, up: str = "../", theme: str = "light") -> str:
    return HEAD.format(up=up, theme=theme) + body + FOOT


CHAPTER = page(
    """<p id="first">As
    <a class="reference internal" href="../reference/books.html#id7" title="Hopfield 1982.">Hopfield</a>
    knew, and <a class="reference internal" href="../reference/books.html#id7" title="Hopfield 1982.">he</a> said
    <a class="reference internal" href="#equation-e">(4)</a>.
    <a class="reference internal" href="elsewhere.html#equation-long">(5)</a> is long.
    <a class="reference internal" href="../reference/ledger.html#claim-prop-1">Holds</a>;
    <a class="reference internal" href="../reference/ledger.html#section-1">a section</a>,
    <a href="https://example.org/#equation-e">elsewhere</a>, <a class="headerlink" href="#equation-e">#</a>
    <a class="bs-sym-link" href="elsewhere.html#equation-long" aria-describedby="bs-tip-0">x</a></p>
    <div class="math" id="equation-e"><span class="eqno">(4)<a class="headerlink" href="#equation-e">#</a></span>"""
    + SET.format("E = mc<sup>2</sup>")
    + """</div><p style="height: 2000px"></p>
    <p id="last"><a class="reference internal" href="../reference/ledger.html#claim-prop-1">Below</a></p>"""
)
ELSEWHERE = page(
    '<p><a class="reference internal" href="chapter.html#equation-e">(4)</a></p>'
    '<div class="math" id="equation-long"><span class="eqno">(5)</span>'
    + SET.replace(" display", ' tabindex="0" display').format(
        f'<span style="white-space: nowrap">{"a + " * 60}b</span>'
    )
    + "</div>",
    theme="dark",
)
BOOKS = page(
    """<div class="citation" id="id7" role="listitem"><span class="label">[Hop82]</span>
    <span class="backrefs">(<a href="../theory/chapter.html#id1">1</a>)</span>
    <p>John J. Hopfield. <em>Neural networks</em>.
    <a class="reference external" href="https://doi.org/10.1073/pnas.79.8.2554">doi</a>, see
    <a class="reference internal" href="ledger.html#claim-prop-1">the ledger</a> and
    <a class="reference internal" href="#id7" id="me">itself</a></p></div>"""
)
LEDGER = page(
    """<section id="section-1"><section class="bs-claim" id="claim-prop-1">
    <h3>Proposition <i>1</i><a class="headerlink" href="#claim-prop-1">#</a></h3>
    <p class="bs-claim-head"><span class="bs-verdict bs-verdict-fails">Fails</span>
    <span class="bs-claim-where">§ 3</span></p>
    <p>It is &lt; 1, by <a class="reference internal" href="../theory/chapter.html#equation-e">(4)</a>.</p>
    <div class="bs-claim-corrected"><p>Rather 2.</p></div>
    <div class="bs-claim-foot"><p>Checked.</p></div></section></section>"""
)
PAGES = {
    "theory/chapter.html": CHAPTER,
    "theory/elsewhere.html": ELSEWHERE,
    "reference/books.html": BOOKS,
    "reference/ledger.html": LEDGER,
    "search.html": "<!doctype html><title>Search</title>",
}
HOPFIELD, EQUATION, LONG, CLAIM = (
    f"bs-tip-{name}"
    for name in (
        "reference-books-id7",
        "theory-chapter-equation-e",
        "theory-elsewhere-equation-long",
        "reference-ledger-claim-prop-1",
    )
)


@pytest.fixture(scope="module")
def done(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("tips"))
    made._browser = browser
    for name, text in PAGES.items():
        made.write(name, text)
    (made.root / tips.SCRIPT).parent.mkdir(parents=True)
    shutil.copyfile(Path(tips.__file__).parents[1] / "static" / "tips.js", made.root / tips.SCRIPT)
    shutil.copyfile(ROOT / "book" / "_assets" / "book.css", made.root / "_static" / "book.css")
    assert tips.run(made) == "4 previews, 8 on 4 pages"
    return made


def soup(site: Site, name: str) -> BeautifulSoup:
    return BeautifulSoup(site.read(name), "html.parser")


def tip(site: Site, name: str, identifier: str) -> Tag:
    return soup(site, name).select_one(f"article > .bs-tips > #{identifier}[hidden]")


def test_links_name_their_tips_and_each_tip_is_there_once(done: Site):
    text = soup(done, "theory/chapter.html")
    described = [link.get("aria-describedby") for link in text.select("#first a")]
    assert described == [HOPFIELD, HOPFIELD, EQUATION, LONG, CLAIM, None, None, None, "bs-tip-0"]
    assert [part["id"] for part in text.select(".bs-tip")] == [HOPFIELD, EQUATION, LONG, CLAIM]
    assert not text.select("a[title]"), "the browser's own tip would lie over ours"


def test_a_citation_shows_the_references_text(done: Site):
    shown = tip(done, "theory/chapter.html", HOPFIELD)
    assert shown.get_text().startswith("John J. Hopfield. Neural networks.")
    assert shown["class"] == ["bs-tip", "bs-tip-citation"]


def test_links_in_a_tip_lead_where_they_led(done: Site):
    here = [link["href"] for link in tip(done, "theory/chapter.html", HOPFIELD).select("a")]
    assert here == [
        "https://doi.org/10.1073/pnas.79.8.2554",
        "../reference/ledger.html#claim-prop-1",
        "../reference/books.html#id7",
    ]
    assert tip(done, "theory/chapter.html", CLAIM).a["href"] == "#equation-e"
    assert tip(done, "theory/chapter.html", HOPFIELD)["role"] == "note"
    assert tip(done, "theory/chapter.html", EQUATION)["role"] == "tooltip"
    assert tip(done, "reference/books.html", CLAIM).a["href"] == "../theory/chapter.html#equation-e"


def test_an_equation_shows_itself_and_its_number(done: Site):
    for name in ("theory/chapter.html", "theory/elsewhere.html"):
        shown = tip(done, name, EQUATION)
        assert shown.select_one("span").get_text() == "(4)"
        assert shown.select_one("mjx-container").get_text() == "E = mc2"


def test_a_claim_shows_its_name_verdict_and_statement(done: Site):
    shown = tip(done, "theory/chapter.html", CLAIM)
    assert [part.get_text() for part in shown.find_all(recursive=False)] == ["Proposition 1Fails", "It is < 1, by (4)."]
    assert shown.select_one(".bs-verdict-fails").get_text() == "Fails"


def test_copies_take_no_names_with_them(done: Site):
    for name in PAGES:
        ids = re.findall(r'\sid="([^"]+)"', done.read(name))
        assert len(ids) == len(set(ids)), name
        assert soup(done, name).select(".bs-tip a[aria-describedby]") == []


def test_pages_with_tips_ask_for_the_script_once(done: Site):
    scripts = {name: [script["src"] for script in soup(done, name).select("script")] for name in PAGES}
    assert all(re.fullmatch(r"\.\./_static/bs/tips\.js\?v=[0-9a-f]{8}", *scripts.pop(name)) for name in list(PAGES)[:4])
    assert scripts == {"search.html": []}
    text = '<head><script src="../_static/bs/tips.js?v=1"></script></head>'
    assert tips.with_script("theory/chapter.html", text, "2") == text


# --- in the browser ---


@pytest.fixture(params=["file", "http"])
def chapter(request: pytest.FixtureRequest, page: Page, done: Site, serve: Callable[[Path], str]) -> Page:
    page.set_default_timeout(8000)
    base = serve(done.root) if request.param == "http" else done.root.as_uri()
    page.goto(f"{base}/theory/chapter.html")
    return page


@pytest.fixture
def phone(browser: Browser, done: Site) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto(done.address("theory/chapter.html"))
    yield page
    context.close()


def link(page: Page, text: str) -> Locator:
    return page.locator("main > article > p").get_by_role("link", name=text, exact=True)


def shown(page: Page) -> Locator:
    return page.locator(".bs-tip:visible")


def inside(page: Page) -> bool:
    box = shown(page).bounding_box()
    width, height = page.evaluate("[document.documentElement.clientWidth, innerHeight]")
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return min(box["x"], box["y"]) >= 0 and right <= width and bottom <= height


def test_hovering_shows_one_tip_at_a_time(chapter: Page):
    expect(shown(chapter)).to_have_count(0)
    link(chapter, "Hopfield").hover()
    expect(shown(chapter)).to_contain_text("John J. Hopfield")
    link(chapter, "(4)").hover()
    expect(shown(chapter)).to_contain_text("(4)")
    expect(shown(chapter)).to_have_count(1)
    assert inside(chapter)
    chapter.mouse.move(600, 700)
    expect(shown(chapter)).to_have_count(0)


def test_a_link_in_a_tip_can_be_clicked(chapter: Page):
    link(chapter, "Holds").hover()
    expect(shown(chapter)).to_contain_text("Proposition 1")
    shown(chapter).get_by_role("link", name="(4)").click()
    chapter.wait_for_function("location.hash === '#equation-e'")


def test_the_keyboard_goes_through_a_tips_links_and_on(chapter: Page):
    link(chapter, "Hopfield").focus()
    chapter.keyboard.press("Shift+Tab")
    chapter.keyboard.press("Tab")
    expect(shown(chapter)).to_contain_text("John J. Hopfield")
    expect(link(chapter, "Hopfield")).to_have_accessible_description(re.compile("^John J. Hopfield"))
    for name in ("doi", "the ledger", "itself"):
        chapter.keyboard.press("Tab")
        expect(shown(chapter).get_by_role("link", name=name)).to_be_focused()
    chapter.keyboard.press("Tab")
    expect(link(chapter, "he")).to_be_focused()
    expect(shown(chapter)).to_have_count(1)  # he has the same tip
    chapter.keyboard.press("Tab")
    chapter.keyboard.press("Shift+Tab")
    expect(link(chapter, "he")).to_be_focused()
    chapter.keyboard.press("Tab")
    chapter.keyboard.press("Escape")
    expect(shown(chapter)).to_have_count(0)
    expect(link(chapter, "he")).to_be_focused()
    chapter.keyboard.press("Tab")
    expect(link(chapter, "(4)")).to_be_focused()
    expect(shown(chapter)).to_contain_text("(4)")


def test_escape_keeps_it_away_until_the_pointer_returns(chapter: Page):
    link(chapter, "(4)").hover()
    expect(shown(chapter)).to_have_count(1)
    chapter.keyboard.press("Escape")
    box = link(chapter, "(4)").bounding_box()
    chapter.mouse.move(box["x"] + 2, box["y"] + 4)
    chapter.wait_for_timeout(250)
    expect(shown(chapter)).to_have_count(0)
    chapter.mouse.move(600, 700)
    link(chapter, "(4)").hover()
    expect(shown(chapter)).to_have_count(1)


def test_a_first_tap_shows_and_a_second_follows(phone: Page):
    link(phone, "Holds").tap()
    expect(shown(phone)).to_contain_text("Proposition 1")
    assert phone.url.endswith("chapter.html")
    link(phone, "Holds").tap()
    phone.wait_for_url("**/ledger.html#claim-prop-1")


def test_what_is_too_long_scrolls_within_the_window(phone: Page):
    link(phone, "(5)").tap()
    assert inside(phone)
    equation = shown(phone).locator("mjx-container")
    assert equation.evaluate("(node) => node.scrollWidth > node.clientWidth && node.tabIndex === 0")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_at_the_windows_foot_a_tip_stands_above(chapter: Page):
    chapter.evaluate("document.querySelector('#last').scrollIntoView({ block: 'end' })")
    link(chapter, "Below").hover()
    expect(shown(chapter)).to_contain_text("Proposition 1")
    assert inside(chapter)
    assert shown(chapter).bounding_box()["y"] < link(chapter, "Below").bounding_box()["y"]


def test_nothing_of_it_is_printed(chapter: Page):
    link(chapter, "Holds").hover()
    expect(shown(chapter)).to_have_count(1)
    chapter.emulate_media(media="print")
    expect(shown(chapter)).to_have_count(0)


@pytest.mark.parametrize(("name", "text"), [("theory/chapter.html", "Holds"), ("theory/elsewhere.html", "(4)")])
def test_an_open_tip_is_accessible(page: Page, done: Site, name: str, text: str):
    page.goto(done.address(name))
    link(page, text).hover()
    expect(shown(page)).to_have_count(1)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []


# --- a real book ---


def test_a_real_book_has_its_tips(finished_book: Built):
    assert finished_book.status == 0, finished_book.messages
    text = finished_book.soup("alive.html")
    kinds = {
        link.get_text(): text.find(id=link["aria-describedby"])["class"][1]
        for link in text.select("article a[aria-describedby]")
    }
    assert kinds == {
        "(4)": "bs-tip-equation",
        "(A)": "bs-tip-equation",
        "1982": "bs-tip-citation",
        "Holds": "bs-tip-claim",
        "fails at the edge": "bs-tip-claim",
    }
    assert text.select_one(".bs-tip-equation mjx-container mjx-assistive-mml math")
