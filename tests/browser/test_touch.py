"""Fingers: each point can be dragged by one, a swipe elsewhere scrolls the page, and nothing is too small to hit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from .test_every_widget import EVERY
from .test_speech import ACTIONS
from .widget_page import settle, show

WITHOUT = ["gauge", "memory", "parameters", "width-runs"]  # these have no points to drag
NAMES = [name for name in ACTIONS if name not in WITHOUT]
# Where the page is dragged by: beside, not on, what takes a finger's movement for itself.
FREE = """([x, y]) => {
  for (let node = document.elementFromPoint(x, y); node && node !== document.body; node = node.parentElement) {
    if (getComputedStyle(node).touchAction === "none") return false;
  }
  return true;
}"""
TARGETS = """(root) => [...root.querySelectorAll("button, input, summary, .bs-handle, [role=radio], [role=option]")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .map((node) => {
    const box = (node.querySelector?.(".bs-target") ?? node).getBoundingClientRect();
    return [node.getAttribute("aria-label") ?? node.textContent, node.className?.baseVal ?? "", box.width, box.height];
  }).filter(([, , width]) => width)"""


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def finger(phone: Page) -> CDPSession:
    return phone.context.new_cdp_session(phone)


def swipe(page: Page, finger: CDPSession, start: tuple[float, float], by: tuple[float, float], steps: int = 6) -> None:
    (x, y), (dx, dy) = start, by
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for k in range(1, steps + 1):
        point = {"x": x + dx * k / steps, "y": y + dy * k / steps}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)


def test_the_others_have_no_points(phone: Page) -> None:
    for name in WITHOUT:
        assert show(phone, EVERY[name]()).locator(".bs-handle:visible").count() == 0, name


@pytest.mark.parametrize("name", NAMES)
def test_points_follow_a_finger_and_swipes_scroll(phone: Page, finger: CDPSession, name: str) -> None:
    widget = show(phone, EVERY[name]())
    points = widget.locator(".bs-handle:visible")
    assert points.count()
    for i in range(points.count()):
        point = points.nth(i)
        point.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
        settle(phone)
        before, scrolled = point.get_attribute("transform"), phone.evaluate("scrollY")
        for by in ((-40, 0), (40, 0), (0, -40), (0, 40)):  # against an edge a point does not move
            box = point.locator(".bs-ring").bounding_box()
            assert box
            swipe(phone, finger, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), by)
            if point.get_attribute("transform") != before:
                break
        assert point.get_attribute("transform") != before, point.get_attribute("aria-label")
        assert phone.evaluate("scrollY") == scrolled, "the page moved with the point"
    # The middle of the widget, wherever it is free of points, lets the page scroll.
    widget.locator(".bs-plot").first.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
    settle(phone)
    box = widget.locator(".bs-plot").first.bounding_box()
    assert box
    grid = [(u, v) for u in (0.3, 0.7, 0.15, 0.5) for v in (0.5, 0.25, 0.75)]
    places = [(box["x"] + box["width"] * u, box["y"] + box["height"] * v) for u, v in grid]
    free = next(place for place in places if phone.evaluate(FREE, list(place)))
    scrolled = phone.evaluate("scrollY")
    swipe(phone, finger, free, (0, -120))
    phone.wait_for_function("(was) => Math.abs(scrollY - was) > 40", arg=scrolled, timeout=3000)


@pytest.mark.parametrize("name", ACTIONS)
def test_targets_are_large_enough(phone: Page, finger: CDPSession, name: str) -> None:
    widget = show(phone, EVERY[name]())
    assert phone.evaluate("matchMedia('(pointer: coarse)').matches")
    small = []
    for label, kind, width, height in widget.evaluate(TARGETS):
        least = 44 if "bs-handle" in kind else 24 if label == "" else 32
        if height < least - 0.5 or (kind and width < least - 0.5):
            small.append((label, kind, width, height))
    assert small == []
