"""The loader of the static page, in a real browser: widgets from the standard embedded state, with no kernel."""

from __future__ import annotations

import json
from collections.abc import Callable

import anywidget
import pytest
import traitlets
from ipywidgets import (
    HTML,
    Box,
    Button,
    Checkbox,
    Dropdown,
    FloatSlider,
    HBox,
    IntSlider,
    Label,
    VBox,
    Widget,
    jsdlink,
    jslink,
)
from ipywidgets.embed import embed_data
from playwright.sync_api import Page, expect

from beyond_scaling.bookbuild.widget_views import STATE_TYPE, VIEW_TYPE, loader

from .sample_widget import Counter

Wake = Callable[..., None]


@pytest.fixture
def wake(page: Page) -> Wake:
    """wake(*widgets): a page with their state and views, as myst-nb writes them, and then the loader."""

    def show(*views: Widget) -> None:
        data = embed_data(views=views, drop_defaults=False)
        scripts = [f'<script type="{VIEW_TYPE}">{json.dumps(spec)}</script>' for spec in data["view_specs"]]
        parts = [f'<div class="bs-view">{script}</div>' for script in scripts]
        state = json.dumps(data["manager_state"]).replace("<", "\\u003c")
        page.set_content(f'<!doctype html><body>{"".join(parts)}<script type="{STATE_TYPE}">{state}</script></body>')
        page.add_script_tag(content=loader())
        page.evaluate("window.bsMountAll()")
        page.wait_for_function("[...document.querySelectorAll('.bs-view')].every((view) => view.dataset.ready)")

    return show


def test_a_widget_lives(page: Page, wake: Wake):
    wake(Counter(value=3.0))
    button = page.get_by_role("button", name="count 3")
    button.click()
    expect(page.locator(".sample-counter")).to_have_text("count 4")
    assert page.locator(".bs-view").get_attribute("data-ready") == "true"
    assert page.evaluate("performance.getEntriesByName('bs-widget-ready').length") == 1


def test_boxes_hold_widgets_in_order(page: Page, wake: Wake):
    wake(VBox([HBox([Counter(value=1.0), Counter(value=2.0)]), Box([Label("three")])]))
    assert page.locator(".bs-box").count() == 3
    assert page.locator(".sample-counter").all_text_contents() == ["count 1", "count 2"]
    assert page.locator(".bs-box.bs-column").count() == 1
    expect(page.get_by_text("three")).to_be_visible()


def test_jslink_ties_both_ends(page: Page, wake: Wake):
    counter, slider = Counter(value=2.0), FloatSlider(value=7.0, description="Count", max=10.0)
    link = jslink((counter, "value"), (slider, "value"))
    wake(VBox([counter, slider]))
    handle = page.get_by_label("Count")
    assert handle.input_value() == "2"  # the source's value wins at first
    page.locator(".sample-counter").click()
    assert handle.input_value() == "3"
    handle.fill("8.5")
    expect(page.locator(".sample-counter")).to_have_text("count 8.5")
    link.close()


def test_jsdlink_ties_one_way(page: Page, wake: Wake):
    source, target = Counter(value=1.0), Counter(value=9.0)
    link = jsdlink((source, "value"), (target, "value"))
    wake(source, target)
    first, second = page.locator(".sample-counter").all()
    second.click()
    assert [first.text_content(), second.text_content()] == ["count 1", "count 2"]
    first.click()
    first.click()
    assert [first.text_content(), second.text_content()] == ["count 3", "count 3"]
    link.close()


def test_controls_are_labelled_and_work(page: Page, wake: Wake):
    wake(
        IntSlider(value=3, min=1, max=5, description="Steps"),
        Checkbox(value=True, description="Shade"),
        Dropdown(options=["red", "green"], value="green", description="Colour"),
        HTML("<b>bold</b>"),
    )
    slider = page.get_by_label("Steps")
    slider.press("ArrowRight")
    assert slider.input_value() == "4"
    expect(page.locator("output")).to_have_text("4")
    assert page.get_by_label("Shade").is_checked()
    assert page.get_by_label("Colour").evaluate("(e) => e.selectedOptions[0].text") == "green"
    assert page.locator(".bs-text b").text_content() == "bold"


def test_equal_sources_share_one_module_and_one_style(page: Page, wake: Wake):
    page.add_init_script(
        "window.blobs = 0; const make = URL.createObjectURL; "
        "URL.createObjectURL = (...a) => { window.blobs += 1; return make.apply(URL, a); };"
    )
    page.goto("about:blank")
    wake(Counter(), Counter(), VBox([Counter()]))
    assert page.locator(".sample-counter").count() == 3
    assert page.evaluate("window.blobs") == 1
    styles = page.locator("style").evaluate_all("(all) => all.map((style) => style.textContent)")
    assert sum(".sample-counter" in style for style in styles) == 1


def test_what_needs_python_says_so(page: Page, wake: Wake):
    wake(VBox([Button(description="Run"), Counter(value=1.0)]))
    expect(page.get_by_role("note")).to_contain_text("needs a running kernel")
    assert page.locator(".bs-view").get_attribute("data-ready") == "partly"
    expect(page.locator(".sample-counter")).to_have_text("count 1")


def test_a_widget_that_throws_is_named_and_its_neighbour_lives(page: Page, wake: Wake):
    class Thrower(anywidget.AnyWidget):
        _esm = "export default { render() { throw new Error('no such thing'); } };"

    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    wake(Thrower(), Counter(value=1.0))
    assert page.locator(".bs-view").first.get_attribute("data-ready") == "failed"
    expect(page.get_by_role("note")).to_contain_text("no such thing")
    expect(page.locator(".sample-counter")).to_have_text("count 1")
    assert errors == ["no such thing"]


class Prober(anywidget.AnyWidget):
    """Writes what its model and its surroundings offer into the page."""

    _esm = """
    export default () => ({
      initialize({ model }) { model.set("order", [...model.get("order"), "initialize"]); },
      async render({ model, el, signal, host }) {
        const heard = [];
        const listen = (m, value) => heard.push(value);
        model.on("change:a change:b", listen);
        model.set("a", 1);
        model.set("a", 1);
        model.set({ a: 2, b: [1, { c: 2 }] });
        model.set("b", [1, { c: 2 }]);
        model.off("change:a", listen);
        model.set("a", 3);
        const child = await host.getModel(model.get("child"));
        el.textContent = JSON.stringify({
          heard, order: model.get("order"), bytes: [...new Uint8Array(model.get("data").buffer)],
          child: child.get("value"), signal: signal instanceof AbortSignal,
        });
      },
    });
    """
    a = traitlets.Int(0).tag(sync=True)
    b = traitlets.List().tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    order = traitlets.List().tag(sync=True)
    child = traitlets.Unicode().tag(sync=True)


def test_models_behave_as_backbone_models(page: Page, wake: Wake):
    counter = Counter(value=5.0)
    wake(Prober(data=bytes([1, 2, 250]), child=f"anywidget:{counter.model_id}"), counter)
    assert json.loads(page.locator(".bs-anywidget").first.text_content()) == {
        "heard": [1, 2, [1, {"c": 2}]],
        "order": ["initialize"],
        "bytes": [1, 2, 250],
        "child": 5,
        "signal": True,
    }


def test_layout_is_applied(page: Page, wake: Wake):
    wake(Label("wide", layout={"width": "123px"}))
    assert page.locator(".bs-text").evaluate("(e) => e.style.width") == "123px"


def test_formulas_wait_for_the_first_widget(page: Page, wake: Wake):
    page.add_init_script("""window.MathJax = { startup: { defaultPageReady() {
      window.readyWidgets = performance.getEntriesByName("bs-widget-ready").length;
    } } };""")
    page.goto("about:blank")
    wake(Counter())
    page.evaluate("window.MathJax.startup.pageReady()")
    assert page.evaluate("window.readyWidgets") == 1
