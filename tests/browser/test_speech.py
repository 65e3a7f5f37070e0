"""What assistive technology hears of a widget: what the reader's last action changed, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from beyond_scaling import widgets

from .test_every_widget import EVERY
from .widget_page import module, put, show

# One of each class, and in it something to use with the keyboard: (what, key).
HANDLE, SLIDER = ".bs-handle:visible", "input[type=range]"
ACTIONS: dict[str, tuple[str, str]] = {
    "ball": (HANDLE, "ArrowRight"),
    "bands-3": (HANDLE, "ArrowRight"),
    "chinchilla": (HANDLE, "ArrowRight"),
    "gauge": (SLIDER, "ArrowRight"),
    "grammar": (HANDLE, "ArrowRight"),
    "held": (HANDLE, "ArrowRight"),
    "knife": (HANDLE, "ArrowRight"),
    "ladder": (HANDLE, "ArrowRight"),
    "layers": (HANDLE, "ArrowRight"),
    "line": (HANDLE, "ArrowRight"),
    "loss": (HANDLE, "ArrowRight"),
    "memory": ("[role=gridcell]", "Space"),
    "parameters": (SLIDER, "ArrowLeft"),
    "plane": (HANDLE, "ArrowRight"),
    "rescale": (SLIDER, "ArrowRight"),
    "sample": (HANDLE, "ArrowRight"),
    "separation": (HANDLE, "ArrowRight"),
    "table": (SLIDER, "ArrowRight"),
    "triangle": (HANDLE, "ArrowRight"),
    "two-wells": (HANDLE, "ArrowRight"),
    "width-runs": ("button[role=radio][aria-checked=true]", "ArrowRight"),
    "width-threshold": (HANDLE, "ArrowRight"),
}
LONGEST = 200  # characters: some ten seconds
RECORD = """(region) => {
  window.told = [];
  new MutationObserver(() => told.push(region.textContent)).observe(region, { childList: true });
}"""


@pytest.fixture(scope="module")
def calm(browser: Browser) -> Iterator[Page]:
    """A page for a reader who asked for less motion: what a widget finds, it finds at once."""
    context = browser.new_context(viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def region_of(widget: Locator) -> Locator:
    live = widget.locator("[role=status], [role=alert], [aria-live], output")
    loud = live.evaluate_all("(all) => all.filter((e) => e.ariaLive !== 'off').map((e) => e.className)")
    assert loud == ["bs-spoken"]
    return widget.locator(".bs-spoken")


def known_to(widget: Locator, actor: Locator) -> str:
    """All that could have been read before."""
    parts = [widget.locator(".bs-live"), widget.locator(".bs-readout"), actor]
    return " ".join(part.inner_text() for part in parts[:2]) + " " + (actor.get_attribute("aria-label") or "")


def test_every_class_is_here() -> None:
    assert {type(EVERY[name]()).__name__ for name in ACTIONS} == set(widgets.__all__)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_key_says_what_it_changed(calm: Page, name: str) -> None:
    what, key = ACTIONS[name]
    widget = show(calm, EVERY[name]())
    line, region = widget.locator(".bs-live"), region_of(widget)
    assert line.inner_text() != ""
    assert line.get_attribute("role") is None
    assert region.text_content() == "", "nothing is news before the reader has acted"
    actor = widget.locator(what).first
    before = known_to(widget, actor)
    actor.focus()
    calm.keyboard.press(key)
    expect(region).not_to_have_text("")
    told = region.text_content() or ""
    assert told != line.inner_text() or len(told) < 60
    assert len(told) < LONGEST, told
    words = re.compile(r"[\w.,−⁰¹²³⁴⁵⁶⁷⁸⁹]*[\w⁰¹²³⁴⁵⁶⁷⁸⁹]")
    assert set(words.findall(told)) - set(words.findall(before)), f"{told!r} has nothing new"


def test_a_listener_hears_what_moved_and_what_that_did(calm: Page) -> None:
    widget = show(calm, widgets.TwoWells(distance=1.45))
    widget.locator(HANDLE).first.focus()
    calm.keyboard.press("ArrowRight")  # the left pattern goes to the right: nearer
    expect(region_of(widget)).to_have_text(
        "Left pattern at −0.68. E, distance 1.35: the two patterns share one minimum: neither is remembered on its own."
    )


def test_of_rapid_changes_the_last_is_told(calm: Page) -> None:
    widget = show(calm, widgets.TwoWells())
    region = region_of(widget)
    region.evaluate(RECORD)
    widget.locator(HANDLE).last.focus()
    for _ in range(5):
        calm.keyboard.press("ArrowRight")
    expect(region).to_contain_text("Distance of the two patterns, 2.50.")
    assert calm.evaluate("told.length") == 1


def test_python_speaks_to_those_who_have_used_the_widget(calm: Page) -> None:
    widget = show(calm, widgets.TwoWells())
    region = region_of(widget)
    put(calm, distance=1.0)
    expect(widget.locator(".bs-live")).to_contain_text("distance 1.00")
    assert region.text_content() == ""
    widget.locator(SLIDER).first.focus()
    calm.keyboard.press("ArrowRight")
    expect(region).to_contain_text("distance 1.01")
    put(calm, distance=2.0)
    expect(region).to_contain_text("distance 2.00: two minima")


def test_clauses_that_stay_are_not_repeated(page: Page) -> None:
    module(page, "speech.js")

    def news(text: str, before: str, place: str = "") -> str:
        return page.evaluate("(a) => window.module.newsIn(...a)", [text, before, place])

    old = "At side 1.5: two minima; one ghost. It fails from n = 21 on. Fig. 3 of v1.0 has it."
    assert news(old, old) == ""
    assert news(old.replace("one ghost", "no ghost"), old) == "no ghost."
    assert news(old.replace("1.5", "1.6"), old) == "At side 1.6."
    assert news(old.replace("1.5", "1.6").replace("two", "4"), old) == "At side 1.6: 4 minima."
    assert news(old.replace("1.5", "1.6").replace("two", "4"), old, "Side, 1.6") == "4 minima."
    assert news(old.replace("= 21", "= 20"), old) == "It fails from n = 20 on."
    many = " ".join(f"Sentence number {i} says a little." for i in range(30))
    assert 60 < len(news(many, old)) <= 151
