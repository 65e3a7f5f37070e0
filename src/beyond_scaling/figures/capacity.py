"""Capacity, measured: the error of retrieval against the number of patterns, a panel for each series of a family."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..hopfield.capacity.crossing import Curve
from ..hopfield.capacity.record import curves
from ..results import Record
from .capacity_parts import CRITERIA, about, check_kind, names, number, planned, theory
from .style import GREY, UNDER_TEXT, titled
from .width_parts import faint, log_axis, look, ramp, shorts

COLUMNS = 2
_POINTS = 40  # of a theory curve


def figure(record: Record, series: Sequence[str] | None = None) -> go.Figure:
    """A panel for each series: means over seeds against d, with bands of their intervals, a curve for each n.

    Where theory has a critical d, the d are divided by it, so that curves of all n meet at 1 if it is right; the dotted
    curve is theory's error at the largest n, the level at which d* is read a grey line.

    Args:
        series: names of the record's series; all if None.

    Raises:
        ValueError: a record of another kind, or one without such a series.
    """
    check_kind(record)
    chosen = _chosen(record, series)
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    wrap = 46 if columns == 1 else 21
    drawing = make_subplots(
        rows, columns, horizontal_spacing=0.11, vertical_spacing=0.34 / rows,
        subplot_titles=["<br>".join(_lines(name, wrap)) for name in chosen],
    )  # fmt: skip
    for place, name in enumerate(chosen):
        _panel(drawing, record, name, place // columns + 1, place % columns + 1)
    drawing.update_annotations(font={"size": 12})
    return titled(
        drawing, height=100 + 250 * rows, title="", alt=alt_text(record, chosen), caption=_caption(record, chosen),
        margin={"l": 50, "r": 10, "t": 45, "b": 45}, hovermode="closest", showlegend=False,
        narrow_height=110 + 240 * rows,
    )  # fmt: skip


def alt_text(record: Record, series: Sequence[str] | None = None) -> str:
    """The figure in words and numbers."""
    parts = [f"{record.title}. Errors against the number of patterns d."]
    for name in _chosen(record, series):
        criterion, told = about(record, name, "criterion"), record.summary["series"][name]["n"]
        ends = []
        for found in curves(record.columns, name, criterion):
            text = f"n = {found.n}: {found.mean[0]:.2f} at d = {found.d[0]:,.0f} to {found.mean[-1]:.2f} at"
            text += f" {found.d[-1]:,.0f}"
            if critical := told.get(str(found.n)):
                text += f", {number(about(record, name, 'level'))} at {number(critical['critical'])}"
            ends.append(text)
        parts.append(f"{name}, {CRITERIA[criterion]}: {'; '.join(ends)}.")
    return " ".join(parts)


def _panel(drawing: go.Figure, record: Record, name: str, row: int, column: int) -> None:
    axes = {"row": row, "col": column}
    criterion, level = about(record, name, "criterion"), float(about(record, name, "level"))
    found = curves(record.columns, name, criterion)
    scales = {each.n: float(theory(record, name).get("n", {}).get(str(each.n), 1.0)) for each in found}
    sizes = [each.n for each in found]
    xs = np.concatenate([each.d / scales[each.n] for each in found])
    for place, each in enumerate(found):
        _curve(drawing, each, scales[each.n], ramp(each.n, sizes[0], sizes[-1]), place, record, axes)
    _theory(drawing, record, name, found[-1], scales[found[-1].n], axes)
    ends = [float(xs.min()) / 1.1, float(xs.max()) * 1.1]
    drawing.add_trace(
        go.Scatter(x=shorts(ends), y=[level] * 2, mode="lines", name="level", hoverinfo="skip",
                   line={"color": GREY, "width": 1}),
        **axes,
    )  # fmt: skip
    by_theory = bool(theory(record, name).get("n"))
    drawing.update_xaxes(
        title={"text": "d / d* of theory" if by_theory else "patterns d", "standoff": 4},
        showgrid=False, **log_axis(ends[0], ends[1], 2), **axes,
    )  # fmt: skip
    top = max(float(each.band(float(record.parameters["interval"]))[1].max()) for each in found)
    drawing.update_yaxes(range=[-0.02 * top, 1.08 * max(top, 1.2 * level)], zeroline=False, nticks=5, **axes)
    key = "<br>".join(
        f'<span style="color:{ramp(n, sizes[0], sizes[-1])}">n = {n}</span>' for n in sizes
    )  # upper left, where errors are small
    drawing.add_annotation(
        text=key, x=0.02, y=1, xref="x domain", yref="y domain", xanchor="left", yanchor="top", align="left",
        showarrow=False, bgcolor=UNDER_TEXT, borderpad=0, **axes,
    )  # fmt: skip


def _curve(
    drawing: go.Figure, found: Curve, scale: float, colour: str, place: int, record: Record, axes: dict[str, int]
) -> None:
    low, high = found.band(float(record.parameters["interval"]))
    x = found.d / scale
    group = f"n = {found.n}"
    drawing.add_trace(
        go.Scatter(x=shorts([*x, *x[::-1]]), y=shorts([*low, *high[::-1]]), fill="toself", mode="lines",
                   fillcolor=faint(colour), line={"width": 0}, hoverinfo="skip", name=f"{group}, interval"),
        **axes,
    )  # fmt: skip
    drawing.add_trace(
        go.Scatter(
            x=shorts(x), y=shorts(found.mean), mode="lines+markers", name=group, customdata=found.d.tolist(),
            line={"color": colour, "width": 1.7}, marker={"symbol": look(place).symbol, "size": 5, "color": colour},
            hovertemplate=f"{group}, d = %{{customdata:,}}: %{{y:.3f}}<extra></extra>",
        ),
        **axes,
    )  # fmt: skip


def _theory(
    drawing: go.Figure, record: Record, name: str, found: Curve, scale: float, axes: dict[str, int]
) -> None:
    series = planned(record, name)
    if series is None or series.curve is None:
        return
    d = np.geomspace(max(found.d[0], 2.0), found.d[-1], _POINTS)
    y = series.curve(found.n, d)
    drawing.add_trace(
        go.Scatter(x=shorts(d / scale), y=shorts(y), mode="lines", name=f"theory, n = {found.n}",
                   line={"color": GREY, "dash": "dot", "width": 2}, hoverinfo="skip"),
        **axes,
    )  # fmt: skip


def _lines(words: str, most: int) -> list[str]:
    """As few lines as will do, and these about as long as each other."""
    wrapped = [textwrap.wrap(words, width, break_long_words=False) for width in range(1, most + 1)]
    return next(lines for lines in wrapped if len(lines) == len(wrapped[-1]))


def _chosen(record: Record, series: Sequence[str] | None) -> list[str]:
    chosen = names(record) if series is None else [*series]
    if not chosen:
        raise ValueError("no series, expected one at least")
    for name in chosen:
        about(record, name, "law")  # refuses what is not there
    return chosen


def _caption(record: Record, chosen: Sequence[str]) -> str:
    seeds = int(record.columns["seed"].max()) + 1
    measured = sorted({CRITERIA[about(record, name, "criterion")] for name in chosen})
    scaled = [name for name in chosen if theory(record, name).get("n")]
    said = [
        f"Up: {' or '.join(measured)}. Means over {'up to ' if len(chosen) > 1 else ''}{seeds} seeds with"
        f" {float(record.parameters['interval']):.0%} bands, a curve for each n."
    ]
    if scaled:
        said.append("Across: d over the critical d of theory at that n, so that curves should meet at 1.")
    if any((found := planned(record, name)) is not None and found.curve is not None for name in chosen):
        said.append("Dotted: the error in theory, at the largest n.")
    said.append("Grey line: the level at which the critical d is read.")
    beyond = [name for name in chosen if not record.summary["series"][name]["n"]]
    if beyond:
        said.append(f"Never reached: {'; '.join(beyond)}.")
    return " ".join(said)
