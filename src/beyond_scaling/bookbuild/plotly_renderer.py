"""Plotly figures as figures of the page: their JSON in it, their height reserved, drawn once the page is painted.

plotly in a kernel emits only its own MIME type, which myst-nb would skip. The drawing is done by
``static/figures.js`` with the cartesian bundle of plotly.js, a third of the whole, from the book's own assets.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any, ClassVar

from docutils import nodes

from ..figures import style

MIME_TYPE = "application/vnd.plotly.v1+json"

DEFAULT_HEIGHT = 450  # CSS pixels; plotly's own default

# The kinds of trace that the cartesian bundle draws.
TRACES = frozenset(
    {
        "bar",
        "box",
        "contour",
        "heatmap",
        "histogram",
        "histogram2d",
        "histogram2dcontour",
        "image",
        "pie",
        "scatter",
        "scatterternary",
        "violin",
    }
)

# The page's colours, by the name that book.css and widgets.css give them: a figure's own colour becomes the page's,
# light or dark. Any other colour stays as it is.
PALETTE = {
    "#1c2128": "ink",
    "#57606a": "muted",
    "#d0d7de": "line",
    "#e6e9ed": "grid",
    "#00639c": "energy",
    "#b84c00": "mchn",
    "#4d545c": "nearest",
    "#00775a": "good",
    "#c02432": "bad",
    "#9c3f76": "accent",
    style.BLUE.lower(): "energy",
    style.ORANGE.lower(): "mchn",
    style.GREY.lower(): "nearest",
    style.GREEN.lower(): "good",
    style.PINK.lower(): "accent",
}


class PlotlyRenderer:
    """A myst-nb MIME renderer (entry-point group ``myst_nb.mime_renderers``)."""

    mime_priority_overrides: ClassVar[list[tuple[str, str, int | None]]] = [("*", MIME_TYPE, 1)]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """The figure's nodes, or None for what is not a plotly figure. An inline figure is refused: it has a height."""
        if inline or data.mime_type != MIME_TYPE:
            return None
        figure = data.content if isinstance(data.content, dict) else json.loads(data.string)
        for problem in problems(figure):
            renderer.logger.warning(f"plotly figure: {problem}", subtype="plotly", line=data.line)
        renderer.add_js_file("bs_figures", "bs/figures.js", {"defer": "defer"})
        return [nodes.raw(text=figure_html(figure), format="html"), nodes.raw(text=_latex(figure), format="latex")]


def description(figure: dict[str, Any]) -> str:
    """What the figure shows, in words: ``layout.meta["alt"]``, or else its title; "" if it has neither."""
    layout = figure.get("layout", {})
    title = layout.get("title", "")
    return str(_meta(figure).get("alt") or (title.get("text") if isinstance(title, dict) else title) or "")


def problems(figure: dict[str, Any]) -> Iterator[str]:
    """What would make this a bad figure of the page."""
    if not description(figure):
        yield 'say what it shows: figure.update_layout(meta={"alt": "..."})'
    for kind in sorted({trace.get("type", "scatter") for trace in figure.get("data", [])} - TRACES):
        yield f"the page's plotly.js cannot draw {kind!r}, only {', '.join(sorted(TRACES))}"


def figure_html(figure: dict[str, Any]) -> str:
    """The figure element: an empty stage of the right height, the JSON to draw, and the text for pages without scripts.

    ``layout.meta["narrow_height"]`` is the height on a narrow page, if it should differ from ``layout.height``.

    The template goes: it is the largest part of a figure and would fix colours that belong to the page.
    """
    layout = {key: value for key, value in figure.get("layout", {}).items() if key not in {"template", "meta", "width"}}
    height = layout.setdefault("height", DEFAULT_HEIGHT)
    drawing = themed({"data": figure.get("data", []), "layout": layout, "frames": figure.get("frames", [])})
    alt = html.escape(description(figure))
    caption = _meta(figure).get("caption")
    # Escaped as JSON allows, so that no text of the figure can end the script element.
    source = json.dumps(drawing, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    narrow = _meta(figure).get("narrow_height", height)
    return (
        f'<figure class="bs-figure"><div class="bs-figure-stage" role="img" aria-label="{alt}" '
        f'style="--wide:{float(height):g}px;--narrow:{float(narrow):g}px"></div>'
        f'<script type="application/json">{source}</script>'
        f'<noscript><p class="bs-note">{alt}</p></noscript>'
        + (f"<figcaption>{html.escape(str(caption))}</figcaption>" if caption else "")
        + "</figure>"
    )


def themed(value: Any) -> Any:
    """A copy in which each colour of ``PALETTE`` is the page's colour of that name, written ``bs:name``."""
    if isinstance(value, str):
        return f"bs:{PALETTE[value.lower()]}" if value.lower() in PALETTE else value
    if isinstance(value, dict):
        return {key: themed(item) for key, item in value.items()}
    return [themed(item) for item in value] if isinstance(value, list) else value


def _meta(figure: dict[str, Any]) -> dict[str, Any]:
    meta = figure.get("layout", {}).get("meta")
    return meta if isinstance(meta, dict) else {}


def _latex(figure: dict[str, Any]) -> str:
    escape = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    text = "".join(escape.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in description(figure))
    return f"\n\\par\\emph{{[Figure: {text}]}}\\par\n"
