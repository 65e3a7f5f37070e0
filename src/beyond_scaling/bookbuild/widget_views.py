"""Widgets in the page: their place kept before they are drawn, their state at its end, and the loader that wakes them.

myst-nb writes the standard embedded state and one view script per widget. ``static/widgets.js`` reads both and needs
nothing else: no require.js, no html-manager, no kernel, no network.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STATE_TYPE = "application/vnd.jupyter.widget-state+json"
VIEW_TYPE = "application/vnd.jupyter.widget-view+json"

_VIEW_START = f'<script type="{VIEW_TYPE}">'
_NO_SCRIPT = '<noscript><p class="bs-note">This interactive figure needs JavaScript.</p></noscript>'


def keep_places(app: Sphinx, document: nodes.document) -> None:
    """Wrap each widget view in an element that names the widget, for the style sheet to reserve its height."""
    states = _states(app, app.env.docname)
    for node in document.findall(nodes.raw):
        text = node.astext()
        if node.get("format") == "html" and text.startswith(_VIEW_START):
            view = json.loads(text.removeprefix(_VIEW_START).removesuffix("</script>"))
            name = class_name(states.get(view["model_id"], {}))
            node.children = [nodes.Text(f'<div class="bs-view" data-widget="{name}">{text}{_NO_SCRIPT}</div>')]


def class_name(model: dict[str, Any]) -> str:
    """The widget's class as in Python: ``Landscape2D``, ``VBox``; "" for a model that is not there."""
    ours = model.get("state", {}).get("_anywidget_id")
    return ours.rpartition(".")[2] if ours else model.get("model_name", "").removesuffix("Model")


def _states(app: Sphinx, docname: str) -> dict[str, dict[str, Any]]:
    """The document's widget models by id, as myst-nb has kept them."""
    scripts = getattr(app.env, "nb_metadata", {}).get(docname, {}).get("js_files", {})
    if "ipywidgets_state" not in scripts:
        return {}
    return json.loads(scripts["ipywidgets_state"][1]["body"])["state"]


def place_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Move the state from the head to the end of the text, which is then painted first; add the loader where needed."""
    scripts = context["script_files"]
    states = [script for script in scripts if getattr(script, "attributes", {}).get("type") == STATE_TYPE]
    for script in states:
        scripts.remove(script)
        body = script.attributes["body"].replace("<", "\\u003c")
        context["body"] += f'<script type="{STATE_TYPE}">{body}</script>\n'
    if states:
        # Before MathJax (priority 500): the reader can drag while the formulas are being set.
        app.add_js_file("bs/widgets.js", priority=400, defer="defer")


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", keep_places)
    app.connect("html-page-context", place_scripts, priority=900)
