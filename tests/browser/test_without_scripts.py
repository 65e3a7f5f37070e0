"""Every page with JavaScript off, and every page on paper: text, formulas, figures and pictures of widgets stay."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .book import NARROW, WIDE, each_page, soup
from .conftest import Open

pytestmark = [pytest.mark.book, pytest.mark.timeout(120)]

# Whether each thing can be seen: it has a size, and nothing around it hides it.
SEEN = """() => {
  const visible = (e) => {
    const { width, height } = e.getBoundingClientRect();
    return width > 1 && height > 1 && e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };
  const folded = (e) => e.closest("details:not([open])") && !e.matches("summary");
  const all = (selector) => [...document.querySelectorAll(selector)].filter((e) => !folded(e));
  const short = (e) => e.outerHTML.slice(0, 140);
  return {
    formulas: all("article mjx-container").length,
    hiddenFormulas: all("article .math").filter((e) => !e.closest(".bs-tip") && !visible(e)).map(short),
    unset: all(".math:not(:has(mjx-container))").map(short),
    figures: all(".bs-figure-stage").filter((stage) => [...stage.querySelectorAll("svg")].some(visible)).length,
    pictures: all(".bs-view img").filter((i) => visible(i) && i.naturalWidth > 100 && i.alt.length > 20).length,
    widgets: all(".bs-view").filter((view) => [...view.querySelectorAll(".bs-widget, .bs-box")].some(visible)).length,
    clipped: all("article p").filter((p) => visible(p) && p.scrollHeight > p.clientHeight + 4
      && getComputedStyle(p).overflowY !== "visible").map(short),
    words: document.querySelector("main").innerText.split(/\\s+/).length ?? 0,
    controls: all("button, select, input, [role=slider]").filter(visible).map(short),
    folded: [...document.querySelectorAll("article details:not(.bs-widget *)")].filter((e) => {
      const last = e.lastElementChild;
      return last.tagName !== "SUMMARY" && !visible(last);
    }).map(short),
    scrollWidth: document.documentElement.scrollWidth,
    background: getComputedStyle(document.body).backgroundColor,
  };
}"""


def counts(name: str) -> dict[str, int]:
    """What the page's HTML has."""
    page = soup(name)
    return {"figures": len(page.select(".bs-figure-stage")), "pictures": len(page.select(".bs-view"))}


@each_page
def test_page_without_javascript(visit: Open, name: str):
    with visit(name, java_script_enabled=False, color_scheme="light") as seen:
        page: Page = seen.page
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 900})
            shown = page.evaluate(SEEN)
            assert shown["unset"] == []
            assert shown["hiddenFormulas"] == []
            assert {key: shown[key] for key in ("figures", "pictures")} == counts(name), width
            assert shown["scrollWidth"] <= width
            assert shown["controls"] == [], "it would do nothing"
            assert shown["words"] > 20
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.evaluate("document.querySelectorAll('article summary').forEach((one) => one.click())")
        assert page.evaluate(SEEN)["folded"] == []
        assert seen.outside == []
        assert seen.trouble == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_contents_are_there_without_javascript(visit: Open, width: int):
    with visit("index.html", width=width, java_script_enabled=False) as seen:
        link = seen.page.locator("nav.bd-links li a").first
        title = link.inner_text().strip().rpartition(" · ")[2]  # a heading has no number
        link.click()
        assert title in seen.page.locator("article h1").inner_text()


@each_page
def test_page_on_paper(visit: Open, name: str):
    with visit(name, width=780, color_scheme="dark") as seen:
        page = seen.page
        page.emulate_media(media="print", color_scheme="dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        seen.mount_all()
        shown = page.evaluate(SEEN)
        wanted = counts(name)
        assert shown["folded"] == []
        assert shown["unset"] == []
        assert shown["hiddenFormulas"] == []
        assert shown["figures"] == wanted["figures"]
        assert shown["widgets"] == wanted["pictures"]
        assert shown["controls"] == [], "paper cannot be pressed"
        assert shown["scrollWidth"] <= 780
        for furniture in (".bd-sidebar-primary", ".bd-header-article", ".bd-sidebar-secondary", ".prev-next-footer"):
            for one in page.locator(furniture).all():
                assert not one.is_visible(), furniture
        assert seen.trouble == []
