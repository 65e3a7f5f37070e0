"""Widgets in the page: their place kept before they are drawn, their state at its end, and the loader that wakes them.

myst-nb writes the standard embedded state and one view script per widget. Our loader (``loader/``, joined into
``_static/bs/widgets.js``) reads both and needs nothing else: no require.js, no html-manager, no kernel, no network.
The state in a page holds what differs from page to page; sources and style sheet of our own widgets are files of the
site, asked for where they are used (``widget_modules``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from .widget_modules import script, widget_class

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STATE_TYPE = "application/vnd.jupyter.widget-state+json"
VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
REFERENCE = "IPY_MODEL_"

LOADER = Path(__file__).parent / "loader"
# In the order in which they use each other; together one script and one scope.
PARTS = ("json", "domains", "model", "manager", "elements", "controls", "kinds", "address", "tools", "view", "start")

_VIEW_START = f'<script type="{VIEW_TYPE}">'
NO_SCRIPT = '<noscript><p class="bs-note">This interactive figure needs JavaScript.</p></noscript>'


def loader() -> str:
    """The loader's source: its parts in one closure."""
    parts = "\n".join(f"// --- {name}.js\n{(LOADER / f'{name}.js').read_text(encoding='utf-8')}" for name in PARTS)
    return f'(() => {{\n"use strict";\n\n{parts}}})();\n'


def write_loader(app: Sphinx) -> None:
    """Before the pages are written, so that their links carry the files' checksums."""
    if app.builder.format == "html":
        from ..widgets.bundle import HERE

        folder = Path(app.outdir) / "_static" / "bs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "widgets.js").write_text(loader(), encoding="utf-8")
        (folder / "widgets.css").write_text((HERE / "widgets.css").read_text(encoding="utf-8"), encoding="utf-8")


def keep_places(app: Sphinx, document: nodes.document) -> None:
    """Wrap each widget view in an element that names the widget and keeps its room."""
    states = _states(app, app.env.docname)
    for node in document.findall(nodes.raw):
        text = node.astext()
        if node.get("format") == "html" and text.startswith(_VIEW_START):
            view = json.loads(text.removeprefix(_VIEW_START).removesuffix("</script>"))
            name = class_name(states.get(view["model_id"], {}))
            node.children = [nodes.Text(f'<div class="bs-view" data-widget="{name}">{text}{NO_SCRIPT}</div>')]


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


def lean(states: dict[str, dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The models as a page carries them, and the scripts that they need.

    Args:
        states: models by id, as ipywidgets embeds them.

    Returns:
        Models by id without what no view reads (styles, layouts that say nothing, versions), the sources of our own
        widgets replaced by ``_module``, a script's name; and the text of each such script by name.
    """
    plain = {id for id, model in states.items() if _unread(model)}
    kept: dict[str, dict[str, Any]] = {}
    scripts: dict[str, str] = {}
    for id, model in states.items():
        if id in plain:
            continue
        state = _said(model["state"])
        for name in ("layout", "style"):
            if str(state.get(name, "")).removeprefix(REFERENCE) in plain:
                del state[name]
        cls = widget_class(model["state"].get("_anywidget_id", ""))
        if cls is not None and cls._esm == state.get("_esm"):
            name, text = script(cls)
            scripts[name] = text
            state = {key: value for key, value in state.items() if key not in ("_esm", "_css", "_anywidget_id")}
            state["_module"] = name
        kept[id] = {"model_name": model["model_name"], "state": state}
        if model.get("buffers"):
            kept[id]["buffers"] = model["buffers"]
    return kept, scripts


def _unread(model: dict[str, Any]) -> bool:
    kind = model["model_name"]
    return kind.endswith("StyleModel") or (kind == "LayoutModel" and not _said(model["state"]))


def _said(state: dict[str, Any]) -> dict[str, Any]:
    """A model's state without ipywidgets' own bookkeeping. A trait that may be null stays: its widget asks for it."""
    own = ("_model_", "_view_")
    idle: dict[str, Any] = {"tabbable": None, "tooltip": None, "_dom_classes": []}
    layout = state.get("_model_name") == "LayoutModel"
    return {
        name: value
        for name, value in state.items()
        if not name.startswith(own) and not (name in idle and value == idle[name]) and not (layout and value is None)
    }


def place_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Move the state from the head to the end of the text, which is then painted first; add what its widgets need."""
    scripts = context["script_files"]
    states = [script for script in scripts if getattr(script, "attributes", {}).get("type") == STATE_TYPE]
    if not states:
        return
    static = Path(app.outdir) / "_static"
    for embedded in states:
        scripts.remove(embedded)
        models, modules = lean(json.loads(embedded.attributes["body"])["state"])
        body = json.dumps({"state": models}, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
        context["body"] += f'<script type="{STATE_TYPE}">{body}</script>\n'
        for name, text in modules.items():
            path = static / "widgets" / f"{name}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            app.add_js_file(f"widgets/{name}.js", priority=390, defer="defer")
        if modules:
            app.add_css_file("bs/widgets.css", priority=700)
    # Before MathJax (priority 500): the reader can drag while the formulas are being set.
    app.add_js_file("bs/widgets.js", priority=400, defer="defer")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_loader)
    app.connect("doctree-read", keep_places)
    app.connect("html-page-context", place_scripts, priority=900)
