"""A site of one page with figures, as a built book has them, without the minute that Sphinx takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from playwright.sync_api import Browser
from plotly.subplots import make_subplots

from beyond_scaling.bookbuild import figure_data
from beyond_scaling.bookbuild.finish import figures
from beyond_scaling.bookbuild.finish.site import Site
from beyond_scaling.bookbuild.plotly_renderer import DATA, SCRIPTS, figure_html

from ..conftest import ROOT

PAGE = "theory/small.html"
BOOKBUILD = ROOT / "src" / "beyond_scaling" / "bookbuild"
FAINT = "rgba(184, 76, 0, 0.2)"  # the page's "mchn", at a fifth
TEXT = "<p>" + "Words between figures. " * 40 + "</p>"


def curves() -> go.Figure:
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1, 2], y=[0, 1, 4], name="squares", line_color="#00639c", error_y={"array": [1, 1, 2]}),
            go.Scatter(x=[0, 1, 2], y=[1, 2, 3], name="a <i>line</i>", fill="tozeroy", fillcolor=FAINT),
        ]
    )
    figure.update_xaxes(title="x")
    words = "The squares of 0, 1 and 2 are 0, 1 and 4; they are <above> the line from 1 to 3 at the end only."
    return figure.update_layout(height=320, meta={"alt": words, "caption": "Squares.", "narrow_height": 300})


def landscape() -> go.Figure:
    figure = make_subplots(1, 2, subplot_titles=["bowl", "slope"])
    x = np.linspace(-1, 1, 9)
    for column, values in enumerate((x[:, None] ** 2 + x**2, x[:, None] + 0 * x), 1):
        heat = go.Contour(x=x, y=x, z=values, contours={"coloring": "heatmap"}, showscale=False, colorscale="Cividis")
        figure.add_trace(heat, row=1, col=column)
    return figure.update_layout(height=300, meta={"alt": "A bowl of depth 2 beside a slope of 45 degrees"})


class Borrowed(Site):
    """A site that uses the tests' browser: Playwright is there once."""

    def __init__(self, root: Path, browser: Browser) -> None:
        super().__init__(root)
        self._browser = browser

    def __exit__(self, *_: object) -> None:
        pass


def write(folder: Path, *drawings: go.Figure, policy: str = "") -> Path:
    """The site, unfinished; its root."""
    static = folder / "_static"
    shutil.copytree(BOOKBUILD / "static", static / "bs")
    shutil.copytree(ROOT / "book" / "_assets" / "vendor" / "plotly", static / "vendor" / "plotly")
    shutil.copyfile(ROOT / "book" / "_assets" / "book.css", static / "book.css")
    body = TEXT
    for number, drawing in enumerate(drawings, 1):
        figure: dict[str, Any] = json.loads(drawing.to_json())
        name = f"{DATA}/{PAGE.removesuffix('.html')}-{number}.csv"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(figure_data.as_csv(figure), encoding="utf-8")
        body += figure_html(figure, f"../{name}") + TEXT + '<div style="height: 1500px"></div>'
    scripts = "".join(f'<script defer src="../_static/bs/{name}.js"></script>' for name in SCRIPTS)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Small</title>' + (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
    )
    (folder / PAGE).parent.mkdir()
    (folder / PAGE).write_text(
        f'<!doctype html><html lang="en" data-theme="light"><head>{head}'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="../_static/book.css">{scripts}</head>'
        '<body style="margin: 0 auto; max-width: 664px"><main class="bd-article">'
        f"<h1>Small</h1>{body}</main></body></html>",
        encoding="utf-8",
    )
    (folder / "index.html").write_text("<!doctype html><title>Index</title>", encoding="utf-8")
    return folder


def finished(folder: Path, browser: Browser, *drawings: go.Figure, policy: str = "") -> Path:
    """The site with its figures drawn; its root."""
    with Borrowed(write(folder, *drawings, policy=policy), browser) as site:
        figures.run(site)
    return folder
