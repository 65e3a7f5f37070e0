"""What stands around the text: the page of search results, the marks a search leaves, and a dark page on paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .book import NARROW, PAGES, soup
from .conftest import Open

pytestmark = [pytest.mark.book, pytest.mark.timeout(120)]

MARKS = ".bd-article .highlighted"


def test_results_say_what_is_read_there_and_their_marks_can_be_taken_away(visit: Open) -> None:
    with visit("search.html?q=pattern") as seen:
        found = seen.page.locator("#search-results li")
        told = seen.page.locator("#search-results .search-summary")
        expect(told).to_contain_text("Pages found: ")
        assert told.inner_text() == f"Pages found: {found.count()}"
        first = found.first
        expect(first.locator("p.context")).to_contain_text("pattern", ignore_case=True)
        words = " ".join(seen.page.locator("#search-results p.context").all_text_contents())
        for unread in ("Show the code", "On this page", "import "):
            assert unread not in words
        first.locator("a").click()
        seen.page.locator(MARKS).first.wait_for(state="attached")
        seen.page.get_by_role("button", name="Unmark the words searched for").click()
        expect(seen.page.locator(MARKS)).to_have_count(0)
        expect(seen.page.locator("#searchbox button")).to_have_count(0)
        assert seen.trouble == []


def test_a_search_in_vain_says_so(visit: Open) -> None:
    with visit("search.html?q=zzqqxx") as seen:
        expect(seen.page.locator("#search-results")).to_contain_text("No page has all these words.")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_is_printed_light_and_read_on_as_it_was(visit: Open, theme: str) -> None:
    with visit("index.html", color_scheme=theme) as seen:
        shown = "document.documentElement.dataset.theme"
        assert seen.page.evaluate(shown) == theme
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert seen.page.evaluate(shown) == "light"
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert seen.page.evaluate(shown) == theme


@pytest.mark.parametrize("name", [name for name in ("reference/bibliography.html",) if name in PAGES])
def test_preprints_of_the_bibliography_are_links(visit: Open, name: str) -> None:
    links = [str(a["href"]) for a in soup(name).select(".citation a[href]") if a.get_text().startswith("arXiv:")]
    assert links
    assert all(link.startswith("https://arxiv.org/abs/") for link in links)
    with visit(name) as seen:
        assert not seen.page.locator(".citation > .label").first.is_visible()


def test_after_a_drawer_is_closed_the_buttons_beside_it_can_be_tapped(visit: Open) -> None:
    with visit("index.html", width=NARROW, has_touch=True, is_mobile=True) as seen:
        seen.page.locator(".secondary-toggle:visible").first.tap()
        seen.page.wait_for_timeout(600)
        seen.page.keyboard.press("Escape")
        seen.page.wait_for_timeout(600)
        seen.page.locator(".bs-menu > summary").tap(timeout=5000)
        expect(seen.page.locator(".bs-menu-panel")).to_be_visible()
        for button in seen.page.locator(".header-article-items :is(button, summary).btn:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
