"""Widgets on paper and in a reader's own colours: the picture and what was found stay, what is there to press goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .test_every_widget import EVERY
from .test_speech import ACTIONS
from .widget_page import errors, settle, show

# The mean lightness, 0 to 255, of what the widget's largest canvas shows.
LIGHTNESS = """(root) => {
  const sizes = [...root.querySelectorAll("canvas")].map((canvas) => [canvas.width * canvas.height, canvas]);
  const canvas = sizes.sort((a, b) => b[0] - a[0])[0][1];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [sum, count] = [0, 0];
  for (let k = 0; k < data.length; k += 4) if (data[k + 3]) { sum += data[k] + data[k + 1] + data[k + 2]; count += 3; }
  return sum / count;
}"""


@pytest.mark.parametrize("name", ACTIONS)
def test_on_paper_nothing_to_press_and_no_dark_ground_in_own_colours_a_choice(page: Page, name: str) -> None:
    widget = show(page, EVERY[name](), theme="dark")
    assert widget.evaluate("(root) => getComputedStyle(root).backgroundColor") == "rgb(20, 24, 30)"
    page.emulate_media(media="print")
    assert widget.evaluate("(root) => getComputedStyle(root).backgroundColor") == "rgb(255, 255, 255)"
    assert widget.locator("button:visible, input:visible, .bs-hint:visible").count() == 0
    assert widget.locator(".bs-readout dd:visible").count() > 1
    assert widget.locator(".bs-live").is_visible()
    assert widget.locator("svg, canvas").first.is_visible()
    # Where the reader's own colours replace the page's, which button is chosen can still be told.
    page.emulate_media(media="screen", forced_colors="active")
    grounds = [
        widget.locator(f"button[aria-checked={chosen}]:visible").evaluate_all(
            "(all) => all.map((node) => getComputedStyle(node).backgroundColor)"
        )
        for chosen in ("true", "false")
    ]
    assert not set(grounds[0]) & set(grounds[1])
    assert errors(page) == []


@pytest.mark.parametrize("name", ["plane", "bands-3", "triangle", "chinchilla"])
def test_pictures_on_paper_are_those_of_a_light_page(page: Page, name: str) -> None:
    widget = show(page, EVERY[name](), theme="light")
    page.wait_for_timeout(300)  # fine once it rests
    light = widget.evaluate(LIGHTNESS)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    settle(page)
    dark = widget.evaluate(LIGHTNESS)
    assert abs(dark - light) > 8
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    assert widget.evaluate(LIGHTNESS) == pytest.approx(light, abs=6)
    page.emulate_media(media="screen")
    page.wait_for_timeout(300)
    assert widget.evaluate(LIGHTNESS) == pytest.approx(dark, abs=6)


@pytest.mark.parametrize("name", ["plane", "ball", "memory", "grammar"])
def test_what_comes_when_the_page_is_printed_is_drawn_at_once(page: Page, name: str) -> None:
    page.emulate_media(media="print")
    widget = show(page, EVERY[name](), frames=0)
    # On the way to the printer there are no more frames: this is what would be printed.
    assert widget.evaluate("(root) => root.style.visibility") == ""
    assert widget.locator(".bs-readout dd").count() > 1
