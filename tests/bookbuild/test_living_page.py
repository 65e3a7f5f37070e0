"""The pages of a small built book, alive in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Built

READY = """[...document.querySelectorAll(".bs-view")].every((view) => view.dataset.ready)
  && document.querySelector("[data-drawn]")"""


@pytest.fixture(params=["http", "file"])
def living(request: pytest.FixtureRequest, page: Page, living_book: Built, serve) -> Page:
    base = serve(living_book.html) if request.param == "http" else living_book.html.as_uri()
    page.goto(f"{base}/alive.html")
    page.wait_for_function(READY)
    return page


def test_linked_widgets_move_together(living: Page):
    living.get_by_role("button", name="count 2").click()
    assert living.get_by_label("Count", exact=True).input_value() == "3"


def test_a_figure_keeps_its_place_and_follows_the_theme(living: Page):
    stage = living.locator(".bs-figure-stage")
    room = stage.bounding_box()
    assert room["height"] == pytest.approx(room["width"] * 320 / 664, abs=1)
    assert stage.locator(".bs-live").bounding_box()["height"] == pytest.approx(room["height"], abs=1)
    line = stage.locator(".scatterlayer path.js-line").first
    living.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(line).to_have_css("stroke", "rgb(0, 99, 156)")
    living.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(line).to_have_css("stroke", "rgb(98, 184, 238)")
    expect(stage.locator(".xtick text").first).to_have_css("fill", "rgb(232, 236, 241)")


def test_formulas_are_set_and_readable_by_machines(living: Page):
    expect(living.locator("mjx-container")).to_have_count(2)
    assert living.locator("mjx-assistive-mml math").count() == 2
    expect(living.locator("#equation-paper-4 .eqno")).to_contain_text("(4)")


def test_code_unfolds_by_keyboard(living: Page):
    summary = living.locator("details.hide > summary").first
    assert summary.inner_text().strip() == "Show the code"
    summary.focus()
    living.keyboard.press("Enter")
    expect(living.locator("details.hide .cell_input").first).to_be_visible()
    assert summary.inner_text().strip() == "Hide the code"
