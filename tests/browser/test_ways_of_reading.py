"""Every page by keyboard alone, twice as large, and in the reader's own colours; and a page whose widget is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .book import HEIGHT, HTML, NARROW, WIDE, each_page, soup, with_widgets
from .conftest import Open, Visit, listen

pytestmark = [pytest.mark.book, pytest.mark.timeout(180)]

# Everything that a reader can use, in order, and a note of all that the focus reaches and whether that can be seen.
WALK = """() => {
  const usable = "a[href], button, input, select, textarea, summary, [tabindex]";
  const reachable = (e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true })
    && e.getBoundingClientRect().width > 0 && !(e.closest("details:not([open])") && !e.matches("summary"))
    && !e.closest("[inert], dialog:not([open])");
  const radios = (e) => e.matches("input[type=radio]") && !e.checked;
  const expected = [...document.querySelectorAll(usable)].filter((e) => reachable(e) && !radios(e));
  const walk = window.bsWalk = { expected, reached: [], unseen: [], looks: new Map() };
  const look = (e) => [e, ...e.querySelectorAll("*")].slice(0, 6).map((part) => {
    const s = getComputedStyle(part);
    return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.stroke, s.strokeWidth, s.borderColor].join();
  }).join("|");
  for (const e of expected) walk.looks.set(e, look(e));
  document.addEventListener("focusin", ({ target }) => {
    walk.reached.push(target);
    if (walk.looks.get(target) === look(target)) walk.unseen.push(target);
  });
  document.activeElement?.blur();
  return expected.length;
}"""
WALKED = """() => {
  const { expected, reached, unseen } = window.bsWalk;
  const name = (e) => e.outerHTML.slice(0, 120);
  // A preview with links of its own is left by way of the link that shows it.
  const order = reached.filter((e) => expected.includes(e)).filter((e, i, all) => e !== all[i - 1]);
  const follows = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
  const back = order.filter((e, i) => i > 0 && !follows(order[i - 1], e));
  const missed = expected.filter((e) => !reached.includes(e));
  return { missed: missed.map(name), back: back.map(name), unseen: unseen.map(name) };
}"""

BOXES = """() => ({
  scrollWidth: document.documentElement.scrollWidth,
  cut: [...document.querySelectorAll("article :is(p, li, h1, h2, h3, dd, dt, figcaption, button)")].filter((e) => {
    const { clipPath, overflowX } = getComputedStyle(e);
    return e.checkVisibility() && clipPath === "none" && overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1;
  }).map((e) => e.outerHTML.slice(0, 120)),
  headings: [...document.querySelectorAll("article section > :is(h1, h2, h3)")].filter((e) =>
    !e.checkVisibility() && !e.closest("details:not([open])")).map((e) => e.textContent),
})"""

FORCED = """() => ({
  forced: matchMedia("(forced-colors: active)").matches,
  bare: [...document.querySelectorAll("article :is(button, .bs-verdict, input[type=range])")].filter((e) => {
    const s = getComputedStyle(e);
    return e.checkVisibility() && e.getBoundingClientRect().width > 1 && s.borderStyle === "none"
      && s.outlineStyle === "none" && s.appearance === "none" && s.forcedColorAdjust !== "none";
  }).map((e) => e.outerHTML.slice(0, 120)),
  unmarked: [...document.querySelectorAll(".bs-widget :is([aria-checked=true], [aria-pressed=true])")].filter((e) => {
    const other = e.parentElement.querySelector("[aria-checked=false], [aria-pressed=false]");
    const look = (b) => (({ backgroundColor, color, borderColor }) => [backgroundColor, color, borderColor].join())(
      getComputedStyle(b));
    return other && e.checkVisibility() && look(e) === look(other);
  }).map((e) => e.outerHTML.slice(0, 120)),
})"""


@each_page
def test_tab_reaches_everything_in_order_and_shows_where_it_is(visit: Open, name: str):
    with visit(name) as seen:
        seen.mount_all()
        page = seen.page
        page.evaluate("scrollTo(0, 0)")
        many = page.evaluate(WALK)
        assert many > 5
        for _ in range(3 * many):  # previews have stops of their own, which are there while their link is visited
            page.keyboard.press("Tab")
            if page.evaluate("bsWalk.reached.includes(bsWalk.expected.at(-1))"):
                break
        walked = page.evaluate(WALKED)
        assert walked["missed"] == []
        # From the end the focus goes round to the beginning: once at most.
        assert len(walked["back"]) <= 1, walked["back"]
        assert walked["unseen"] == []
        assert seen.trouble == []


@each_page
def test_twice_as_large_nothing_is_lost(visit: Open, name: str):
    with visit(name, viewport={"width": 650, "height": 450}, device_scale_factor=2) as seen:
        seen.mount_all()
        boxes = seen.page.evaluate(BOXES)
        assert boxes["scrollWidth"] <= 650
        assert boxes["cut"] == []
        assert boxes["headings"] == []


@pytest.mark.parametrize("name", with_widgets())
def test_colours_of_the_readers_own(visit: Open, name: str):
    with visit(name, width=NARROW, forced_colors="active", color_scheme="dark") as seen:
        seen.mount_all()
        assert seen.page.evaluate(FORCED) == {"forced": True, "bare": [], "unmarked": []}
        assert seen.trouble == []


def modules(name: str) -> dict[str, Path]:
    """The widgets of a page that have a script of their own, by name."""
    kinds = sorted({view["data-widget"] for view in soup(name).select(".bs-view[data-widget]")})
    return {kind: found[0] for kind in kinds if (found := list(HTML.glob(f"_static/widgets/{kind}-*.js")))}


FAULTS = {
    "does not load": "",
    "does not start": 'bsModules["{name}"] = {{ traits: {{}}, start() {{ throw new Error("broken on purpose"); }} }};',
    "throws as it is drawn": 'bsModules["{name}"] = {{ traits: {{}}, '
    'start() {{ return {{ default: {{ render() {{ throw new Error("broken on purpose"); }} }} }}; }} }};',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_widget_takes_nothing_with_it(browser: Browser, book_address: str, fault: str):
    page_name = next((name for name in with_widgets() if len(modules(name)) > 1), None)
    assert page_name, "no page with widgets of two kinds"
    kind, script = next(iter(modules(page_name).items()))
    context = browser.new_context(viewport={"width": WIDE, "height": HEIGHT}, reduced_motion="reduce")
    try:
        page = context.new_page()
        seen = Visit(page, book_address)
        listen(page, seen)
        text = "globalThis.bsModules ??= {};" + FAULTS[fault].format(name=script.stem)
        page.route(f"**/{script.name}*", lambda route: route.fulfill(body=text, content_type="text/javascript"))
        page.goto(f"{book_address}/{page_name}")
        seen.mount_all()
        views = page.locator(".bs-view")
        states = views.evaluate_all("(all) => all.map((view) => [view.dataset.widget, view.dataset.ready])")
        assert {state for name, state in states if name == kind} == {"failed"}
        others = [state for state in states if state[0] in modules(page_name) and state[0] != kind]
        assert {state for _, state in others} == {"true"}
        broken = page.locator(f".bs-view[data-widget='{kind}']").first
        expect(broken.locator("[role=note]")).to_contain_text("could not be shown")
        expect(broken.locator("img").first).to_be_visible()
        expect(broken.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.locator("article h1")).to_be_visible()
        assert seen.trouble, "nobody was told"
        page.unroute(f"**/{script.name}*")
        if fault == "does not load":  # what has come cannot come anew
            broken.get_by_role("button", name="Try again").click()
            expect(broken).to_have_attribute("data-ready", "true")
    finally:
        context.close()
