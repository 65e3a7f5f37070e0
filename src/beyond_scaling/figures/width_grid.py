"""Figure 4 measured again: the loss curves of the grid, a panel for each width, and the gaps behind the table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..results import Record
from ..training.gap import Cell, cell
from ..training.seeds import Group
from .radius_sites import listed
from .style import UNDER_TEXT, titled
from .width_parts import compact, evaluations, faint, not_measured, not_yet, ramp, shorts

_MARKS = ("square", "■"), ("circle", "●"), ("diamond", "◆"), ("triangle-up", "▲"), ("cross", "✚")
CURVES = len(_MARKS)  # in a panel, at most
POINTS = 36  # of a reduced training curve
SQUARES = 24  # validation losses of a run, at most
COLUMNS = 2
FIRST = 30  # the step at which the panels begin: before it nothing differs


def figure(groups: Sequence[Group], curves: int = CURVES) -> go.Figure:
    """A panel for each size over a logarithmic step: training losses as lines, validation losses dotted, minima marked.

    The shaded area is the gap that a cell of the table squares and averages: from the least validation loss down to the
    training loss of the steps after it.

    Args:
        groups: of the grid, one for every size and D; of each, the first seed that has a record is drawn.
        curves: how many D of every size to draw at most, the smallest and the largest among them.

    Raises:
        ValueError: no group, a record of another kind or of other data than a token file, or curves below 1.
    """
    panels = _panels(groups, curves)
    if not panels:
        return not_yet(alt_text(groups))
    told = [about for panel in panels for _, about in panel]
    rows = -(-len(panels) // COLUMNS)
    drawing = make_subplots(
        rows, COLUMNS, shared_xaxes=True, shared_yaxes="all", horizontal_spacing=0.03, vertical_spacing=0.18 / rows,
        subplot_titles=[f"N = {panel[0][1].N:,}" for panel in panels],
    )  # fmt: skip
    low, high = np.inf, -np.inf
    for number, panel in enumerate(panels):
        axes = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        colours = [ramp(about.D, panel[0][1].D, panel[-1][1].D) for _, about in panel]
        for place, (record, about) in enumerate(panel):
            ends = _run(drawing, record, about, colours[place], number == place == 0, axes)
            low, high = min(low, ends[0]), max(high, ends[1])
        drawing.add_trace(
            go.Scatter(
                x=[about.step for _, about in panel], y=shorts([about.least for _, about in panel]), mode="markers",
                name="minimum", showlegend=number == 0,
                marker={"symbol": [_MARKS[place % CURVES][0] for place in range(len(panel))], "size": 8,
                        "color": colours},
                customdata=[[f"{about.D:,}", about.seed] for _, about in panel],
                hovertemplate="D = %{customdata[0]}, seed %{customdata[1]}: least validation loss %{y:.3f},"
                " after step %{x}<extra></extra>",
            ),
            **axes,
        )  # fmt: skip
        key = [
            f'<span style="color:{colour}">{_MARKS[place % CURVES][1]} {compact(about.D)}</span>'
            for place, ((_, about), colour) in enumerate(zip(panel, colours, strict=True))
        ]
        # upper right, where no curve comes
        drawing.add_annotation(
            text="<br>".join(key), x=1, y=1, xref="x domain", yref="y domain", xanchor="right", yanchor="top",
            align="left", showarrow=False, bgcolor=UNDER_TEXT, borderpad=0, **axes,
        )  # fmt: skip
    end = 1.1 * max(about.step + about.window for about in told)
    marks = [10**power for power in range(2, 7)]
    drawing.update_xaxes(
        type="log", range=[math.log10(FIRST), math.log10(end)], tickvals=marks, showgrid=False,
        ticktext=[f"{mark:,}" for mark in marks],
    )  # fmt: skip
    drawing.update_yaxes(range=[low - 0.05, high + 0.05], showgrid=True, zeroline=False)
    drawing.update_yaxes(title="nats a token", col=1)
    drawing.update_annotations(font={"size": 12})
    for place in range(len(panels) - COLUMNS, len(panels)):  # the lowest of either column
        if place >= 0:
            drawing.update_xaxes(
                title="step", showticklabels=True, row=place // COLUMNS + 1, col=place % COLUMNS + 1
            )  # fmt: skip
    return titled(
        drawing, height=110 + 265 * rows, title="", alt=alt_text(groups, curves), caption=_caption(groups, panels),
        margin={"l": 55, "r": 10, "t": 30, "b": 50}, legend={"orientation": "h", "y": -0.13}, hovermode="closest",
        narrow_height=150 + 245 * rows,
    )  # fmt: skip


def alt_text(groups: Sequence[Group], curves: int = CURVES) -> str:
    """The figure in words and numbers."""
    parts = ["Loss curves of the grid, in nats a token."]
    for panel in _panels(groups, curves):
        first = panel[0][1]
        each = [
            f"{compact(about.D)} tokens, least validation loss {about.least:.2f} at step {about.step:,}, then training"
            f" losses {about.gap:.2f} below it"
            for _, about in panel
        ]
        parts.append(f"{first.N:,} parameters: {'; '.join(each)}.")
    return " ".join(parts) + _missing(groups)


def reduced(record: Record, points: int = POINTS, first: int = FIRST) -> tuple[np.ndarray, np.ndarray]:
    """Middles (steps) and means (nats a token) of blocks of the training loss that are even over log step."""
    losses = record.columns["train_loss"].astype(np.float64)
    start = min(first, len(losses))
    edges = np.unique(np.geomspace(start, len(losses) + 1, points + 1).round().astype(int)) - 1
    counts = np.diff(edges)
    return np.sqrt((edges[:-1] + 1.0) * edges[1:]), np.add.reduceat(losses, edges[:-1])[: len(counts)] / counts


def _run(
    drawing: go.Figure, record: Record, about: Cell, colour: str, legend: bool, axes: dict[str, int]
) -> tuple[float, float]:
    """Three traces of a run; the least and the greatest loss of them."""
    words = f"D = {about.D:,}, seed {about.seed}"
    steps, means = reduced(record)
    at, losses = evaluations(record)
    there = at >= FIRST
    at, losses = at[there], losses[there]
    thin = np.unique(np.geomspace(1, len(at), SQUARES).round().astype(int)) - 1
    if about.window:
        after = (steps >= about.step) & (steps <= about.step + about.window)
        over = np.array([about.step, *steps[after], about.step + about.window])
        under = np.interp(over, steps, means)
        drawing.add_trace(
            go.Scatter(
                x=shorts([*over, over[-1], over[0]]), y=shorts([*under, about.least, about.least]), fill="toself",
                mode="lines", fillcolor=faint(colour), line={"width": 0}, name="the gap", showlegend=legend,
                legendrank=1001, hoverinfo="skip",
            ),
            **axes,
        )  # fmt: skip
    for x, y, name, dash, width in (
        (steps, means, "training", "solid", 1.7),
        (at[thin], losses[thin], "validation", "dot", 1.7),
    ):
        drawing.add_trace(
            go.Scatter(
                x=shorts(x), y=shorts(y), mode="lines", name=name, showlegend=legend,
                line={"color": colour, "dash": dash, "width": width},
                hovertemplate=f"{words}: {name} %{{y:.3f}} at step %{{x:.0f}}<extra></extra>",
            ),
            **axes,
        )  # fmt: skip
    return min(means.min(), losses.min()), max(means.max(), losses.max())


def _panels(groups: Sequence[Group], curves: int) -> list[list[tuple[Record, Cell]]]:
    sizes: dict[int, dict[int, tuple[Record, Cell]]] = {}
    for group in groups:
        if group.records:
            about = cell(group.records[0])
            sizes.setdefault(about.N, {})[about.D] = group.records[0], about
    if not groups:
        raise ValueError("no group of runs, expected one for every size and D")
    if curves < 1:
        raise ValueError(f"curves is {curves}, expected 1 or more")
    found = []
    for _, runs in sorted(sizes.items()):
        data = sorted(runs)
        places = np.unique(np.linspace(0, len(data) - 1, min(curves, len(data))).round().astype(int))
        found.append([runs[data[place]] for place in places.tolist()])
    return found


def _caption(groups: Sequence[Group], panels: Sequence[list[tuple[Record, Cell]]]) -> str:
    told = [about for panel in panels for _, about in panel]
    windows = sorted({about.window for about in told if about.complete})
    over = f" over {listed([f'{window:,}' for window in windows])} steps" if windows else ""
    sizes = f"{compact(min(about.D for about in told))} to {compact(max(about.D for about in told))}"
    return (
        f"A panel for each size N, curves for training sets of {sizes} tokens; its key is in its corner. Solid:"
        " training loss, averaged over blocks of steps. Dotted: validation loss, its minimum marked. Shaded: the gap"
        f" that the table squares and averages{over}.{_missing(groups)}"
    )


def _missing(groups: Sequence[Group]) -> str:
    return not_measured([name for group in groups for name in group.missing], sum(len(g.records) for g in groups))
