"""One training run: its losses against the step, beside what was known of them beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from ..results import Record
from .style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, titled
from .training import reduced

_SETS = (ORANGE, GREEN, PINK, AMBER)
_KNOWN = {  # predictions of a record that are losses, in words
    "entropy": "entropy of the source",
    "floor": "all lines by heart",
    "validation": "the source itself, held-out lines",
}


def training_run(record: Record) -> go.Figure:
    """Training loss (means of blocks of steps) and evaluation losses, nats a token, over a logarithmic step.

    Raises:
        ValueError: a record of another kind.
    """
    curve = reduced(record)
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=curve["step"], y=curve["mean"], mode="lines", line={"color": BLUE, "width": 2}, name="training loss"
        )
    )
    for name, colour in zip(record.summary["sets"], _SETS, strict=False):
        losses = record.columns[f"{name}_loss"]
        there = np.flatnonzero(~np.isnan(losses))
        figure.add_trace(
            go.Scatter(
                x=record.columns["step"][there], y=losses[there], mode="lines+markers", name=f"{name} set",
                marker={"size": 5, "color": colour}, line={"color": colour, "width": 1},
                hovertemplate=f"{name} set, step %{{x}}: %{{y:.4f}}<extra></extra>",
            )
        )  # fmt: skip
    for name, words in _KNOWN.items():
        if name in record.summary["predictions"]:
            value = record.summary["predictions"][name]
            text = f"{words} {value:.3f}"
            figure.add_hline(y=value, line={"color": GREY, "dash": "dot", "width": 1}, annotation_text=text)
    last = ", ".join(f"{name} {numbers['last']:.4f}" for name, numbers in record.summary["sets"].items())
    alt = f"{record.title}: training loss {record.summary['train']['last']:.4f} at the end; evaluated, {last}."
    figure.update_xaxes(type="log", title="step")
    figure.update_yaxes(title="loss (nats a token)")
    return titled(figure, height=460, title=record.title, alt=alt)


def write_page(record: Record, path: Path) -> None:
    """The figure as one HTML file that needs no network.

    Raises:
        OSError: it cannot be written.
    """
    training_run(record).write_html(path, include_plotlyjs=True, full_html=True)
