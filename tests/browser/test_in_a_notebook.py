"""What a notebook's page does to a widget: its own shortcuts and style sheet, several views, views not yet laid out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from beyond_scaling.widgets import Bands, Gauge, Landscape1D, Landscape2D, SeparationThreshold, Triangle, TwoWells
from beyond_scaling.widgets.base import BookWidget
from beyond_scaling.widgets.grammar_tree import GrammarTree
from beyond_scaling.widgets.held_fixed import HeldFixed
from beyond_scaling.widgets.loss_curves import LossCurves
from beyond_scaling.widgets.rescale import Rescale
from beyond_scaling.widgets.sample_size import SampleSize
from beyond_scaling.widgets.table_3 import Table3

from ..width_sweep import width_runs, width_threshold
from .widget_page import errors, show

WIDGETS = {
    "Bands": Bands,
    "Gauge": lambda: Gauge(np.random.default_rng(0).normal(4.0, 0.5, size=500), n=64),
    "GrammarTree": GrammarTree,
    "HeldFixed": HeldFixed,
    "Landscape1D": Landscape1D,
    "Landscape2D": Landscape2D,
    "LossCurves": LossCurves,
    "Rescale": Rescale,
    "SampleSize": lambda: SampleSize(predict=True),
    "SeparationThreshold": SeparationThreshold,
    "Table3": Table3,
    "Triangle": Triangle,
    "TwoWells": TwoWells,
    "WidthRuns": width_runs,
    "WidthThreshold": width_threshold,
}
# A change of state that shows in every widget's text.
CHANGES = {
    "Bands": {"point": [-1.0, 0.7]},
    "Gauge": {"scale": 2.0},
    "GrammarTree": {"part": "sentence", "memorised": 1000},
    "HeldFixed": {"held_fixed": "ratio", "factor": 30.0},
    "Landscape1D": {"patterns": [-1.5, 1.0]},
    "Landscape2D": {"patterns": [[-1.0, 0.0], [1.0, 0.0]], "query": [0.5, 1.0]},
    "LossCurves": {"radius": 0.4},
    "Rescale": {"scale": 2.0, "context": 11},
    "SampleSize": {"k": 12.0, "m": 1e7},
    "SeparationThreshold": {"separation": 5.0},
    "Table3": {"positions": [2.0e8, 2.5e8, 2.9e8]},
    "Triangle": {"side": 1.5},
    "TwoWells": {"distance": 1.2},
    "WidthRuns": {"chosen": "toy-width-16-1250-2", "mean": True},
    "WidthThreshold": {"sigma2": 0.06, "rule": "grid"},
}
every_widget = pytest.mark.parametrize("name", WIDGETS)
# JupyterLab's in command mode: move, cut, copy, paste, insert, merge, undo, turn to text, delete, restart, run.
KEYS = ("ArrowUp", "ArrowLeft", "Home", "x", "c", "v", "b", "Shift+M", "z", "m", "d", "d", "0", "Shift+Enter")

# As a notebook does: the view is made outside the document, then put where layout waits until it is scrolled to.
SECOND_VIEW = """async (esm) => {
  const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  const el = document.createElement("div");
  await module.default.render({ model: window.model, el });
  const room = Object.assign(document.createElement("div"), { id: "second" });
  room.style.contentVisibility = "hidden";
  room.append(el);
  document.querySelector("main").append(room);
}"""

# JupyterLab 4.6's rules for lists in outputs.
JUPYTERLAB_LISTS = """
.jp-OutputArea-output dl { width: 100%; overflow: hidden; padding: 0; margin: 0; }
.jp-OutputArea-output dt { font-weight: bold; float: left; width: 20%; padding: 0; margin: 0; }
.jp-OutputArea-output dd { float: left; width: 80%; padding: 0; margin: 0; }
"""


def second_view(page: Page, widget: BookWidget) -> Locator:
    page.evaluate(SECOND_VIEW, widget._esm)
    return page.locator("#second .bs-widget")


def change(page: Page, traits: dict) -> None:
    """Set traits as a message from Python does, and let every view come to rest."""
    page.evaluate("(traits) => Object.entries(traits).forEach(([k, v]) => model.set(k, v))", traits)
    page.wait_for_timeout(700)


@every_widget
def test_two_views_of_one_model_stay_together(page: Page, name: str) -> None:
    widget = WIDGETS[name]()
    first = show(page, widget, width=760)
    second = second_view(page, widget)
    change(page, CHANGES[name])
    summary = page.evaluate("JSON.stringify(model.get('summary'))")
    assert errors(page) == [], "a view that is not laid out yet was drawn"
    page.evaluate("document.getElementById('second').style.contentVisibility = 'visible'")
    page.evaluate("document.getElementById('second').style.width = '760px'")
    page.wait_for_timeout(500)
    for part in (".bs-readout", ".bs-live"):
        expect(second.locator(part)).to_have_text(first.locator(part).inner_text(), use_inner_text=True)
    # The view that was late agrees with the other on what there is to report.
    assert json.loads(page.evaluate("JSON.stringify(model.get('summary'))")) == json.loads(summary)
    assert errors(page) == []


@every_widget
def test_a_view_hidden_for_a_while_catches_up(page: Page, name: str) -> None:
    """As JupyterLab does with a notebook in a tab behind, and with every notebook while it changes its theme."""
    look = """(root) => [...root.querySelectorAll("canvas")].map((c) => c.toDataURL()).concat(
      [...root.querySelectorAll("svg *")].filter((e) => e.checkVisibility()).map((e) =>
        ["d", "transform", "x", "x1"].map((a) => {
        const value = e.getAttribute(a);
        return value?.includes("bs-") ? null : value;
      }).join()))"""
    frame = show(page, WIDGETS[name](), width=760)
    change(page, CHANGES[name])
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(700)
    expected = frame.evaluate(look)

    frame = show(page, WIDGETS[name](), width=760, theme="light")
    page.wait_for_timeout(300)
    page.evaluate("document.getElementById('widget').style.display = 'none'")
    page.wait_for_timeout(100)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    change(page, CHANGES[name])
    page.evaluate("document.getElementById('widget').style.display = ''")
    page.wait_for_timeout(700)
    assert frame.evaluate(look) == expected
    assert errors(page) == []


def test_a_view_made_outside_a_dark_page_is_dark(page: Page) -> None:
    widget = Landscape2D()
    first = show(page, widget, width=760, theme="dark")
    second = second_view(page, widget)
    page.evaluate("document.getElementById('second').style.contentVisibility = 'visible'")
    page.wait_for_timeout(300)
    for frame in (first, second):
        expect(frame.locator(".bs-ramp-bar").first).to_have_attribute("data-dark", "true")


@every_widget
def test_keys_pressed_in_a_widget_are_not_the_pages(page: Page, name: str) -> None:
    frame = show(page, WIDGETS[name](), width=760)
    page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))")
    focusable = frame.locator(".bs-handle, .bs-is-here, button:not(:disabled), input:not(:disabled)")
    # Of every kind one: they share their code.
    # Elements, not places in a list: a key may disable one of them.
    nodes = focusable.element_handles()
    kinds = {node.evaluate("e => `${e.tagName} ${e.type ?? ''} ${e.role ?? ''}`"): node for node in nodes}
    assert any(kind.startswith("INPUT range") for kind in kinds) or name in ("Bands", "WidthRuns")
    for node in kinds.values():
        for key in KEYS:
            node.focus()
            page.keyboard.press(key)
    for key in ("Delete", "Enter", "Space"):
        focusable.first.focus()
        page.keyboard.press(key)
    assert page.evaluate("heard") == []
    # Saving, the palette of commands, leaving the widget: these stay the page's.
    focusable.last.focus()
    for key in ("Control+s", "Control+Shift+c", "Escape", "Tab"):
        page.keyboard.press(key)
    assert {"s", "Escape", "Tab"} <= set(page.evaluate("heard"))
    assert errors(page) == []


def test_readable_values_in_jupyterlabs_outputs(page: Page) -> None:
    frame = show(page, TwoWells(), width=760)
    rows = frame.locator(".bs-readout > div")
    sizes = "(rows) => rows.map((row) => [row, ...row.children].map((e) => [e.offsetWidth, e.offsetHeight]))"
    alone = rows.evaluate_all(sizes)
    page.add_style_tag(content=JUPYTERLAB_LISTS)
    page.evaluate("document.getElementById('widget').className = 'jp-OutputArea-output'")
    assert rows.evaluate_all(sizes) == alone
