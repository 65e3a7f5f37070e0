"""The loader of static pages: when widgets are shown, back to the start, and failures that stay their own."""

from __future__ import annotations

from pathlib import Path

import anywidget
import pytest
import traitlets
from playwright.sync_api import Page, expect

from beyond_scaling import widgets

from ..bookbuild.sample_widget import Counter
from .loader_page import mount_all, ready, troubles, views, write


class Fragile(anywidget.AnyWidget):
    """Throws where its trait says, and counts how often it was cleaned up."""

    _esm = """
    export default {
      initialize({ model }) { if (model.get("where") === "initialize") throw new Error("no start"); },
      render({ model, el }) {
        if (model.get("where") === "render") throw new Error("no picture");
        if (model.get("where") === "once" && !globalThis.fragileTried) {
          globalThis.fragileTried = true;
          throw new Error("not yet");
        }
        const button = document.createElement("button");
        button.textContent = `press ${model.get("presses")}`;
        button.addEventListener("click", () => {
          if (model.get("where") === "handler") throw new Error("no handler");
          model.set("presses", model.get("presses") + 1);
        });
        model.on("change:presses", () => {
          if (model.get("where") === "listener") throw new Error("no listener");
          button.textContent = `press ${model.get("presses")}`;
        });
        if (model.get("where") === "later") setTimeout(() => { throw new Error("too late"); }, 50);
        el.append(button);
        return () => { globalThis.fragileCleaned = (globalThis.fragileCleaned ?? 0) + 1; };
      },
    };
    """
    where = traitlets.Unicode("").tag(sync=True)
    presses = traitlets.Int(0).tag(sync=True)


@pytest.mark.parametrize("where", ["initialize", "render", "handler", "listener", "later"])
def test_a_failed_widget_says_so_and_its_neighbours_live(page: Page, tmp_path: Path, where: str):
    found = troubles(page)
    page.goto(write(tmp_path, Counter(value=1.0), Fragile(where=where), Counter(value=5.0)))
    mount_all(page)
    if where in ("handler", "listener"):
        page.get_by_role("button", name="press").click()
    view = views(page).nth(1)
    expect(view.get_by_role("note")).to_contain_text("This widget could not be shown: ")
    expect(view.get_by_role("button")).to_have_text("Try again")
    assert ready(page) == ["true", "failed", "true"]
    for button in page.locator(".sample-counter").all():
        button.click()
    assert page.locator(".sample-counter").all_text_contents() == ["count 2", "count 6"]
    assert len(found) == 1, found


def test_a_module_that_cannot_be_read_fails_alone(page: Page, tmp_path: Path):
    class Broken(anywidget.AnyWidget):
        _esm = "export default {"

    page.goto(write(tmp_path, Broken(), Counter(value=1.0)))
    mount_all(page)
    assert ready(page) == ["failed", "true"]


def test_one_of_our_own_whose_script_is_missing_fails_alone(page: Page, tmp_path: Path):
    address = write(tmp_path, widgets.TwoWells(), Counter(value=1.0))
    for script in tmp_path.glob("TwoWells-*.js"):
        script.unlink()
    page.goto(address)
    mount_all(page)
    assert ready(page) == ["failed", "true"]
    expect(page.get_by_role("note")).to_contain_text("did not load")


def test_a_failed_widget_can_be_tried_again(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, Fragile(where="once")))
    mount_all(page)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="press 0")).to_be_visible()
    assert ready(page) == ["true"]
    expect(page.get_by_role("note")).to_have_count(0)


def test_reset_cleans_up_and_starts_anew(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, Fragile(presses=3)))
    mount_all(page)
    press = page.get_by_role("button", name="press")
    press.click()
    expect(press).to_have_text("press 4")
    page.get_by_role("button", name="Reset").click()
    expect(press).to_have_text("press 3")
    expect(page.locator(".bs-tools [role=status]")).to_have_text("Back to the start")
    assert page.evaluate("globalThis.fragileCleaned") == 1
    press.click()
    expect(press).to_have_text("press 4")  # one listener: the old one is gone


def test_reset_brings_one_of_the_books_widgets_back(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, widgets.TwoWells()))
    mount_all(page)
    slider = page.get_by_role("slider").first
    before = slider.input_value(), page.locator(".bs-live").inner_text()
    slider.press("End")
    assert slider.input_value() != before[0]
    reset = page.get_by_role("button", name="Reset")
    reset.focus()
    reset.press("Enter")
    expect(slider).to_have_value(before[0])
    expect(page.locator(".bs-live")).to_have_text(before[1])
    expect(reset).to_be_focused()


def test_widgets_are_shown_when_they_come_near(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, *(Counter(value=float(i)) for i in range(4)), apart=True))
    expect(page.locator(".sample-counter")).to_have_count(1)
    page.wait_for_timeout(150)
    assert ready(page) == ["true", None, None, None]
    views(page).nth(2).scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="count 2")).to_be_visible()
    page.wait_for_timeout(150)
    assert ready(page) == ["true", None, "true", None]


def test_a_widget_that_waits_is_reached_by_keyboard(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, Counter(value=0.0), Counter(value=1.0), apart=True))
    expect(page.locator(".sample-counter")).to_have_count(1)
    page.get_by_role("button", name="Link").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="count 1")).to_be_focused()
    assert views(page).nth(1).get_attribute("tabindex") is None


def test_all_widgets_are_there_when_the_page_is_printed(page: Page, tmp_path: Path):
    page.goto(write(tmp_path, *(widgets.TwoWells() for _ in range(3)), apart=True))
    expect(page.locator(".bs-title")).to_have_count(1)
    assert ready(page) == ["true", None, None]
    # Whatever is there when the event has been heard, with nothing but the promises that are kept already.
    shown = page.evaluate("""async () => {
      dispatchEvent(new Event("beforeprint"));
      for (let i = 0; i < 50; i += 1) await null;
      return [...document.querySelectorAll(".bs-view")].map((view) => view.querySelectorAll("svg").length);
    }""")
    assert min(shown) > 0
    assert ready(page) == ["true"] * 3


def test_the_page_can_answer_between_two_widgets(page: Page, tmp_path: Path):
    # A task of its own each time, at once: timers would be held back.
    page.add_init_script("""window.turns = 0;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { window.turns += 1; port2.postMessage(0); };
      port2.postMessage(0);""")
    page.goto(write(tmp_path, *(Counter(value=float(i)) for i in range(20)), apart=True))
    expect(page.locator(".sample-counter")).to_have_count(1)
    turns = page.evaluate("""async () => {
      const before = window.turns;
      await window.bsMountAll();
      return window.turns - before;
    }""")
    assert ready(page) == ["true"] * 20
    assert turns >= 10
