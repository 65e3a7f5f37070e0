"""Tips of symbols in a real browser: hover, focus, touch, Escape, and never beyond the window's edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from beyond_scaling.bookbuild import symbols

from ..conftest import ROOT

STATIC = Path(symbols.__file__).parent / "static"
CSS = (ROOT / "book" / "_assets" / "book.css").read_text(encoding="utf-8")
PLAIN = "body { background: var(--bs-ground); color: var(--bs-ink); } a { color: var(--bs-energy); }"
SCRIPT = (STATIC / "tips.js").read_text(encoding="utf-8")
NOTATION = symbols.load(ROOT / "book" / "notation.yml").symbols


def written(name: str, number: int) -> str:
    """The HTML of one symbol, as the page's translator writes it."""
    node = symbols.symbol(sym=name, number=number, refuri=f"#sym-{name}", entry=NOTATION[name], chapter="1 · Patterns")
    translator = SimpleNamespace(body=[], attval=quote_attribute)
    symbols._visit_html(translator, node)
    translator.body.append(f'<span class="math">{NOTATION[name].spoken}</span>')
    symbols._depart_html(translator, node)
    return "".join(translator.body)


def quote_attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def html(theme: str = "light", script: bool = True) -> str:
    left, right = written("rho", 1), written("partition-literal", 2)
    return f"""<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Symbols</title>
<meta name="viewport" content="width=device-width"><style>{CSS} {PLAIN}</style></head>
<body><main class="bd-article" style="margin: 0"><h1>Symbols</h1>
<p id="top">{left} starts a line.</p><p style="text-align: right">This one ends a line: {right}</p>
<p><a href="#elsewhere">Elsewhere</a></p><div style="height: 2000px"></div>
<p id="bottom">{written("d", 3)} ends the page.</p></main>
{f"<script>{SCRIPT}</script>" if script else ""}</body></html>"""


@pytest.fixture
def show(tmp_path: Path) -> Callable[[Page, str], None]:
    """show(page, html): open it as a page of its own, with no network."""

    def open_page(page: Page, text: str) -> None:
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())

    return open_page


@pytest.fixture
def wide(page: Page, show) -> Page:
    page.set_default_timeout(8000)
    show(page, html())
    return page


@pytest.fixture
def phone(browser: Browser, show) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    context.set_default_timeout(8000)
    page = context.new_page()
    show(page, html("dark"))
    yield page
    context.close()


def tip(page: Page, number: int):
    return page.locator(f"#bs-tip-{number}")


def link(page: Page, number: int):
    return page.locator(f'[aria-describedby="bs-tip-{number}"]')


def inside(page: Page, number: int) -> bool:
    box = tip(page, number).bounding_box()
    size = page.evaluate("[document.documentElement.clientWidth, innerHeight]")
    return bool(
        box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= size[0] and box["y"] + box["height"] <= size[1]
    )


def test_the_link_has_a_name_and_a_description(wide: Page):
    expect(link(wide, 1)).to_have_accessible_name("rho i: Pattern")
    expect(link(wide, 1)).to_have_accessible_description(
        "Pattern The i-th training sample as a point; what the memory is supposed to hold. "
        "a point of ℝn; i = 1, …, d First in 1 · Patterns"
    )


def test_hovering_shows_the_tip_and_leaving_hides_it(wide: Page):
    expect(tip(wide, 1)).to_be_hidden()
    link(wide, 1).hover()
    expect(tip(wide, 1)).to_be_visible()
    assert inside(wide, 1)
    link(wide, 2).hover()
    expect(tip(wide, 1)).to_be_hidden()
    expect(tip(wide, 2)).to_be_visible()
    wide.mouse.move(5, 600)
    expect(tip(wide, 2)).to_be_hidden()


def test_the_tip_can_be_hovered_itself(wide: Page):
    link(wide, 1).hover()
    expect(tip(wide, 1)).to_be_visible()
    box = tip(wide, 1).bounding_box()
    wide.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2, steps=8)
    wide.wait_for_timeout(400)  # longer than it lingers
    expect(tip(wide, 1)).to_be_visible()


def test_the_keyboard_shows_it_and_escape_hides_it(wide: Page):
    wide.keyboard.press("Tab")
    expect(link(wide, 1)).to_be_focused()
    expect(tip(wide, 1)).to_be_visible()
    wide.keyboard.press("Escape")
    expect(tip(wide, 1)).to_be_hidden()
    expect(link(wide, 1)).to_be_focused()
    wide.keyboard.press("Tab")
    expect(tip(wide, 2)).to_be_visible()
    wide.keyboard.press("Tab")
    expect(tip(wide, 2)).to_be_hidden()


def test_escape_hides_what_the_pointer_shows(wide: Page):
    link(wide, 1).hover()
    wide.keyboard.press("Escape")
    expect(tip(wide, 1)).to_be_hidden()


def test_enter_and_click_follow_the_link(wide: Page):
    wide.keyboard.press("Tab")
    wide.keyboard.press("Enter")
    wide.wait_for_function("location.hash === '#sym-rho'")
    link(wide, 2).click()
    wide.wait_for_function("location.hash === '#sym-partition-literal'")


def test_a_first_tap_shows_the_tip_and_a_second_follows(phone: Page):
    link(phone, 1).tap()
    expect(tip(phone, 1)).to_be_visible()
    assert phone.evaluate("location.hash") == ""
    link(phone, 2).tap()
    expect(tip(phone, 1)).to_be_hidden()
    expect(tip(phone, 2)).to_be_visible()
    assert phone.evaluate("location.hash") == ""
    link(phone, 2).tap()
    phone.wait_for_function("location.hash === '#sym-partition-literal'")
    link(phone, 1).tap()
    phone.touchscreen.tap(200, 650)
    expect(tip(phone, 1)).to_be_hidden()


def test_on_a_phone_no_tip_leaves_the_window(phone: Page):
    for number in (1, 2, 3):
        link(phone, number).scroll_into_view_if_needed()
        link(phone, number).tap()
        expect(tip(phone, number)).to_be_visible()
        assert inside(phone, number), number
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_tip_follows_a_scrolling_page(wide: Page):
    wide.keyboard.press("Tab")
    before = tip(wide, 1).bounding_box()["y"] - link(wide, 1).bounding_box()["y"]
    wide.mouse.wheel(0, 30)
    wide.wait_for_function("scrollY > 20")
    wide.wait_for_timeout(100)
    assert tip(wide, 1).bounding_box()["y"] - link(wide, 1).bounding_box()["y"] == pytest.approx(before, abs=1)
    wide.mouse.wheel(0, 1500)
    expect(tip(wide, 1)).to_be_hidden()


def test_without_the_script_the_link_works(page: Page, show):
    show(page, html(script=False))
    link(page, 1).hover()
    expect(tip(page, 1)).to_be_hidden()
    link(page, 1).click()
    page.wait_for_function("location.hash === '#sym-rho'")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_open_tip_is_accessible(page: Page, show, theme: str):
    show(page, html(theme))
    page.keyboard.press("Tab")
    expect(tip(page, 1)).to_be_visible()
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []
