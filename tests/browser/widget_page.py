"""A bare page around one widget: its module from a blob URL, its style sheet, and a model as anywidget's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from beyond_scaling.widgets.base import BookWidget
from beyond_scaling.widgets.bundle import bundle

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Widget</title></head>
<body><main><h1>Widget</h1><div id="widget"></div></main></body></html>"""

# get, set, save_changes, on and off as Backbone has them: a change that changes nothing tells nobody.
MODEL = """
class Model {
  constructor(state) { this.state = state; this.listeners = new Map(); this.changed = {}; this.saved = []; }
  get(name) { return this.state[name]; }
  set(name, value) {
    if (typeof name === "object") { for (const [k, v] of Object.entries(name)) this.set(k, v); return; }
    if (JSON.stringify(this.state[name]) === JSON.stringify(value)) return;
    this.state[name] = value;
    this.changed[name] = value;
    this.tell(`change:${name}`, value);
    this.tell("change", this);
  }
  save_changes() { this.saved.push(structuredClone(this.changed)); this.changed = {}; }
  tell(event, value) { for (const f of [...(this.listeners.get(event) ?? [])]) f(this, value); }
  on(events, f) {
    for (const e of events.split(" ")) this.listeners.set(e, [...(this.listeners.get(e) ?? []), f]);
  }
  off(events, f) {
    if (events === undefined || events === null) { this.listeners.clear(); return; }
    for (const e of events.split(" ")) {
      this.listeners.set(e, f ? (this.listeners.get(e) ?? []).filter((g) => g !== f) : []);
    }
  }
  send() {}
}
"""

RENDER = """async ({ esm, css, state, width, theme, model, frames }) => {
  if (theme) document.documentElement.dataset.theme = theme;
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const el = document.getElementById("widget");
  if (width) el.style.width = `${width}px`;
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const module = await import(url);
  window.model = new (new Function(`${model}; return Model;`)())(state);
  await module.default.initialize?.({ model: window.model });
  window.cleanup = await module.default.render({ model: window.model, el });
  // Measured in one frame, first drawn in the next, and wholly in the one after it.
  for (let frame = 0; frame < frames; frame += 1) await new Promise((done) => requestAnimationFrame(done));
}"""


def show(
    page: Page, widget: BookWidget, *, width: int | None = None, theme: str | None = None, frames: int = 4
) -> Locator:
    """Render ``widget`` alone in ``page``, with no network, and return its frame.

    The page then has ``window.model`` (get, set, save_changes, on, off; ``saved`` lists what was saved) and
    ``window.cleanup``. An error that nothing catches fails the test at the next call of :func:`errors`.

    Args:
        width: width in CSS pixels of the element that holds the widget; the page's own by default.
        theme: ``"light"`` or ``"dark"``, as the book's pages set it.
        frames: how many frames to wait for.
    """
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)  # type: ignore[attr-defined]
    page.route("**/*", lambda route: route.abort())
    page.set_content(PAGE)
    state = {name: value for name, value in widget.get_state().items() if not name.startswith("_")}
    state = json.loads(
        json.dumps({k: v for k, v in state.items() if k not in ("layout", "tabbable", "tooltip")})
    )
    page.evaluate(
        RENDER,
        {
            "esm": widget._esm,
            "css": widget._css,
            "state": state,
            "width": width,
            "theme": theme,
            "model": MODEL,
            "frames": frames,
        },
    )
    return page.locator("#widget .bs-widget")


def settle(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def get(page: Page, name: str) -> Any:
    """A trait, as the browser has it."""
    return page.evaluate("(name) => window.model.get(name)", name)


def summary(page: Page) -> dict[str, Any]:
    """What the widget found."""
    return get(page, "summary")


def put(page: Page, **traits: object) -> dict[str, Any]:
    """Change traits as Python would; what the widget then finds."""
    page.evaluate("(traits) => window.model.set(traits)", traits)
    settle(page)
    return summary(page)


def centre(locator: Locator) -> tuple[float, float]:
    """The middle of an element, in the page's pixels."""
    box = locator.bounding_box()
    assert box is not None, "not visible"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, locator: Locator, dx: float, dy: float = 0, steps: int = 8) -> None:
    """Drag an element by its middle with the mouse, by (dx, dy) pixels."""
    locator.scroll_into_view_if_needed()
    x, y = centre(locator)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()
    settle(page)


def readout(scope: Locator | Page) -> dict[str, str]:
    """The numbers below the picture: what stands for what."""
    return dict(
        scope.locator(".bs-readout").evaluate(
            "(list) => [...list.children].map((row) => [...row.children].map((cell) => cell.textContent))"
        )
    )


def words(scope: Locator | Page) -> list[str]:
    """The verdicts beside the picture."""
    return scope.locator(".bs-verdict:visible").all_inner_texts()


def errors(page: Page) -> list[str]:
    """What the page logged as an error, or threw, since :func:`show`."""
    return page.problems  # type: ignore[attr-defined]


def repaint_times(page: Page) -> list[float]:
    """Milliseconds of every repaint since the last call, from ui.js's User Timing entries."""
    times = page.evaluate("performance.getEntriesByName('bs-repaint').map((entry) => entry.duration)")
    page.evaluate("performance.clearMeasures('bs-repaint')")
    return times


def module(page: Page, name: str) -> None:
    """Import one of the widgets' modules, its own imports inlined, as ``window.module`` of a bare page."""
    page.set_content(PAGE)
    page.evaluate(
        """async (source) => {
      window.module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    }""",
        bundle(name),
    )


def screenshot(page: Page, path: str | Path) -> None:
    """The whole page as a PNG, for looking at."""
    page.screenshot(path=str(path), full_page=True)
