"""Figure 2, bottom right, and Figure 3, measured again: one configuration, one training set, several seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..results import Record
from ..training.gap import Cell, cell
from ..training.seeds import Group
from .radius_sites import listed
from .style import titled
from .width_parts import evaluations, look, not_measured, not_yet, shorts

POINTS = 60  # of a reduced training curve
SQUARES = 30  # validation losses shown above, at most; below, all
ROOM = 0.10  # nats above the highest minimum that the lower panel shows
PAPER_STEP = 6000  # "achieved at approximately the 6000th training step"


def figure(group: Group) -> go.Figure:
    """Above, every seed's course: training loss as dots (means of blocks of steps), validation loss as squares.

    Below, the validation losses about their minima. A dashed line runs from the axis, where the least loss can be read,
    to the minimum.

    Args:
        group: runs that differ in their seed alone; seeds without a record are left out and named.

    Raises:
        ValueError: no run is planned, a record of another kind, or one of other data than a token file.
    """
    told = _known(group)
    if not told:
        return not_yet(alt_text(group))
    drawing = go.Figure()
    highest = max(about.least for _, about in told)
    low, high, start, end = np.inf, -np.inf, np.inf, 1
    for number, (record, about) in enumerate(told):
        name, chosen = f"seed {about.seed}", look(number)
        steps, means, block = blocks(record)
        at, losses = evaluations(record)
        low, high, end = min(low, means.min(), losses.min()), max(high, losses[0]), max(end, about.steps)
        shared: dict[str, Any] = {"name": name, "legendgroup": name}
        drawing.add_trace(
            go.Scatter(
                x=shorts(steps, 5), y=shorts(means), mode="markers", showlegend=False,
                marker={"color": chosen.colour, "symbol": "circle", "size": 4},
                hovertemplate=f"{name}: %{{y:.3f}} in training, mean of {block} steps about %{{x:.0f}}<extra></extra>",
                **shared,
            )
        )  # fmt: skip
        thin = slice(None, None, -(-len(at) // SQUARES))
        squares = {"color": chosen.colour, "symbol": "square-open", "size": 5}
        line = {"color": chosen.colour, "width": 1}
        hover = f"{name}: %{{y:.4f}} in validation at step %{{x}}<extra></extra>"
        drawing.add_trace(
            go.Scatter(x=shorts(at[thin], 5), y=shorts(losses[thin]), mode="lines+markers", marker=squares, line=line,
                       showlegend=False, hovertemplate=hover, **shared)
        )  # fmt: skip
        near = losses < highest + ROOM
        start = min(start, at[near][0])
        drawing.add_trace(
            go.Scatter(x=shorts(at[near], 5), y=shorts(losses[near], 5), mode="lines+markers", marker=squares,
                       line=line, showlegend=False, xaxis="x2", yaxis="y2", hovertemplate=hover, **shared)
        )  # fmt: skip
        drawing.add_trace(
            go.Scatter(
                x=[about.step, 0], y=shorts([about.least] * 2, 5), mode="lines+markers", xaxis="x2", yaxis="y2",
                line={"color": chosen.colour, "dash": "dash", "width": 1.6},
                marker={"color": chosen.colour, "symbol": chosen.symbol, "size": 10},
                hovertemplate=f"{name}: least validation loss %{{y:.4f}}, after step {about.step:,}<extra></extra>",
                name=f"{name}: {about.least:.3f}", legendgroup=name,
            )
        )  # fmt: skip
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "separatethousands": True}
    lowest = min(about.least for _, about in told)
    drawing.update_layout(
        xaxis={**axis, "anchor": "y", "range": [0, end]},
        yaxis={"domain": [0.55, 1], "range": [low - 0.04, high + 0.1], "title": {"text": "nats a token"},
               "showgrid": True, "zeroline": False},
        xaxis2={**axis, "anchor": "y2", "title": {"text": "step"}, "range": [0.9 * start, end]},
        yaxis2={"domain": [0, 0.43], "range": [lowest - 0.012, highest + 1.05 * ROOM], "title": {"text": "validation"},
                "showgrid": True, "zeroline": False, "anchor": "x2", "tickformat": ".2f"},
    )  # fmt: skip
    return titled(
        drawing, height=640, title="", alt=alt_text(group), caption=_caption(group),
        margin={"l": 60, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.13}, hovermode="closest",
        narrow_height=660,
    )  # fmt: skip


def alt_text(group: Group) -> str:
    """The figure in words and numbers."""
    told = _known(group)
    if not told:
        return not_measured(group.missing, 0).strip()
    first = told[0][1]
    each = [f"seed {about.seed}: {about.least:.4f} at step {about.step:,}" for _, about in told]
    return (
        f"Training and validation loss against step, in nats a token, of one model of {first.N:,} parameters on the"
        f" same {first.D:,} tokens. Least validation loss, {listed(each)}. {agreement([a for _, a in told])}"
        f" At the end training losses are {listed([f'{blocks(record)[1][-1]:.2f}' for record, _ in told])}."
        + not_measured(group.missing, len(told))
    )


def agreement(cells: list[Cell]) -> str:
    """How far the least losses of several seeds lie apart, and their steps: the paper's "second decimal place"."""
    if len(cells) == 1:
        return f"With one seed there is nothing to compare {cells[0].least:.2f} with."
    leasts, steps = [each.least for each in cells], [each.step for each in cells]
    rounded = {f"{least:.2f}" for least in leasts}
    apart = max(leasts) - min(leasts)
    same = (
        f"all are {rounded.pop()} to the second decimal"
        if len(rounded) == 1
        else f"to the second decimal they are {listed(sorted(rounded))}"
    )
    when = f"all after step {steps[0]:,}"
    if len({*steps}) > 1:
        when = f"after steps from {min(steps):,} to {max(steps):,}"
    return f"They lie {apart:.4f} apart ({same}), {when}."


def blocks(record: Record, points: int = POINTS) -> tuple[np.ndarray, np.ndarray, int]:
    """A training curve as means of blocks of equally many steps.

    Returns:
        Middles of the blocks (steps), mean losses (nats a token) and the steps of a block; the last may have fewer.
    """
    losses = record.columns["train_loss"].astype(np.float64)
    width = -(-len(losses) // points)
    starts = np.arange(0, len(losses), width)
    ends = np.append(starts[1:], len(losses))
    return (starts + 1 + ends) / 2, np.add.reduceat(losses, starts) / (ends - starts), width


def _caption(group: Group) -> str:
    told = _known(group)
    return (
        "Dots: training loss, averaged over blocks of steps. Squares: validation loss. Below, the validation losses"
        f" about their minima, which the dashed lines carry to the axis. {agreement([about for _, about in told])}"
        f" The paper: consistent to the second decimal place, at about step {PAPER_STEP:,}."
        + not_measured(group.missing, len(told))
    )


def _known(group: Group) -> list[tuple[Record, Cell]]:
    if not (group.records or group.missing):
        raise ValueError("a group without any run, expected seeds of one configuration")
    return [(record, cell(record)) for record in group.records]
