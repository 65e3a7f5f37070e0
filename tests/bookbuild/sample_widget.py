"""A small widget for the tests of the page: a number and a button that raises it."""

from __future__ import annotations

import anywidget
import traitlets


class Counter(anywidget.AnyWidget):
    """A button labelled with a number."""

    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        button.className = "sample-counter";
        button.type = "button";
        button.addEventListener("click", () => { model.set("value", model.get("value") + 1); model.save_changes(); });
        const show = () => { button.textContent = `count ${model.get("value")}`; };
        model.on("change:value", show);
        show();
        el.append(button);
        return () => model.off("change:value", show);
      },
    };
    """
    _css = ".sample-counter { padding: 0.5rem 1rem; min-height: 2.75rem; }"

    value = traitlets.Float(0.0).tag(sync=True)
