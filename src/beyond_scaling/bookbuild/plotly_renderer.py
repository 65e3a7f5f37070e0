"""Plotly figures as figures of the page: their JSON in it, their room reserved, their words and their data beside them.

plotly in a kernel emits only its own MIME type, which myst-nb would skip. ``static/figure_look.js`` says how a figure
looks; ``finish/figures.py`` draws it once at build, and ``static/figures.js`` live, with the cartesian bundle of
plotly.js, a third of the whole, from the book's own assets.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes

from ..figures import style
from . import figure_data

MIME_TYPE = "application/vnd.plotly.v1+json"

DEFAULT_HEIGHT = 450  # CSS pixels; plotly's own default

# A figure has two layouts, each made for one width and scaled with the column: that of the column on a wide page and on
# a phone of 390 pixels.
WIDE, NARROW = 664, 326

SCRIPTS = ("figure_look", "figures", "figure_files")  # in this order

DATA = "downloads/data"  # where the figures' numbers are, from the site's root

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
    style.GROUND.lower(): "ground",
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
        for name in SCRIPTS:
            renderer.add_js_file(f"bs_{name}", f"bs/{name}.js", {"defer": "defer"})
        data_file = _write_data(renderer.renderer.sphinx_env, figure)
        return [
            nodes.raw(text=figure_html(figure, data_file), format="html"),
            nodes.raw(text=_latex(figure), format="latex"),
        ]


def _write_data(env: Any, figure: dict[str, Any]) -> str:
    """Write the numbers of the page's next figure beside the pages; their address from this page."""
    page = env.docname
    number = env.temp_data["bs_figures"] = env.temp_data.get("bs_figures", 0) + 1
    name = f"{DATA}/{page}-{number}.csv"
    if env.app.builder.format == "html":
        path = Path(env.app.outdir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(figure_data.as_csv(figure), encoding="utf-8")
    return "../" * page.count("/") + name


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


def figure_html(figure: dict[str, Any], data_file: str) -> str:
    """The figure element: an empty stage of the right shape, the JSON to draw, the caption, its words and its files.

    ``layout.meta["narrow_height"]`` is the height on a narrow page, if it should differ from ``layout.height``.

    The template goes: it is the largest part of a figure and would fix colours that belong to the page.

    Args:
        figure: as plotly writes it.
        data_file: address of its CSV; the other files are named after it.
    """
    layout = {
        key: value
        for key, value in figure.get("layout", {}).items()
        if key not in {"template", "meta", "width", "height"}
    }
    height = figure.get("layout", {}).get("height", DEFAULT_HEIGHT)
    drawing = themed({"data": figure.get("data", []), "layout": layout, "frames": figure.get("frames", [])})
    alt = html.escape(description(figure))
    caption = _meta(figure).get("caption")
    # Escaped as JSON allows, so that no text of the figure can end the script element.
    source = json.dumps(drawing, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    narrow = _meta(figure).get("narrow_height", height)
    return (
        f'<figure class="bs-figure"><div class="bs-figure-stage" role="img" aria-label="{alt}" '
        f'style="--wide:{WIDE}/{float(height):g};--narrow:{NARROW}/{float(narrow):g}"></div>'
        f'<script type="application/json">{source}</script>'
        + (f"<figcaption>{html.escape(str(caption))}</figcaption>" if caption else "")
        + _foot(alt, data_file)
        + "</figure>"
    )


def _foot(alt: str, data_file: str) -> str:
    """The figure in words, folded, and its files. Scripts unhide what only they can make."""
    name = html.escape(Path(data_file).stem)
    buttons = "".join(
        f'<button type="button" data-save="{kind.lower()}" data-name="{name}" '
        f'aria-label="{kind} of figure {name}" hidden>{kind}</button>'
        for kind in ("SVG", "PNG")
    )
    return (
        '<div class="bs-figure-foot">'
        f'<details class="bs-figure-words"><summary>In words</summary><p>{alt}</p></details>'
        f'<div class="bs-figure-tools"><a href="{html.escape(data_file)}" download '
        f'aria-label="Data (CSV) of figure {name}">Data (CSV)</a>{buttons}</div></div>'
    )


_RGBA = re.compile(r"rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)")


def themed(value: Any) -> Any:
    """A copy in which each colour of ``PALETTE`` is the page's of that name: ``bs:name`` or ``bs:name/opacity``."""
    if isinstance(value, str):
        return _themed_colour(value)
    if isinstance(value, dict):
        return {key: themed(item) for key, item in value.items()}
    return [themed(item) for item in value] if isinstance(value, list) else value


def _themed_colour(value: str) -> str:
    if value.lower() in PALETTE:
        return f"bs:{PALETTE[value.lower()]}"
    if parts := _RGBA.fullmatch(value):
        solid = f"#{int(parts[1]):02x}{int(parts[2]):02x}{int(parts[3]):02x}"
        if solid in PALETTE:
            return f"bs:{PALETTE[solid]}/{parts[4]}"
    return value


def _meta(figure: dict[str, Any]) -> dict[str, Any]:
    meta = figure.get("layout", {}).get("meta")
    return meta if isinstance(meta, dict) else {}


def _latex(figure: dict[str, Any]) -> str:
    escape = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    text = "".join(escape.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in description(figure))
    return f"\n\\par\\emph{{[Figure: {text}]}}\\par\n"
