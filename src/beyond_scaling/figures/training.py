"""Figure 2, bottom left, measured again: training losses of 6 and 10 layers, and two lines they may be heading for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..results import Record
from ..training.cases import Case, case, words
from ..training.history import KIND
from ..training.seeds import Group
from .radius_sites import listed, short
from .style import BLUE, GREEN, GREY, ORANGE, titled

POINTS = 90  # of a reduced curve
LATE = 0.5  # the share of the steps at which the lower panel begins
BLOCK = 50  # steps that a point of the lower panel is the mean of
LOOKS = ((BLUE, "rgba(0, 114, 178, 0.14)", "solid", "circle"), (ORANGE, "rgba(213, 94, 0, 0.14)", "dash", "square"))


def figure(groups: Sequence[Group]) -> go.Figure:
    """Above, the whole course over a logarithmic step: means of blocks of steps, one line a seed, in a band from the
    least to the greatest loss of a single step. Below, its end: means of blocks of 50 steps, and the loss on a fixed
    set of training lines.

    Args:
        groups: one or two, of different models on the same lines; seeds without a record are left out and named.

    Raises:
        ValueError: no group has a record, more than two groups, or a record of another kind.
    """
    known, told = _known(groups)
    drawing = go.Figure()
    steps = max(int(record.columns["step"][-1]) for group in known for record in group.records)
    least = min(float(record.columns["train_loss"].min()) for group in known for record in group.records)
    for group, about, look in zip(known, told, LOOKS, strict=False):
        _course(drawing, group, about, look)
        _end(drawing, group, about, look)
    first = told[0]
    for name, value, colour, dash in (
        (f"Proposition 4: {first.paper:.0f}", first.paper, GREY, "dot"),
        (f"entropy: {first.entropy:.4f}", first.entropy, GREEN, "solid"),
    ):
        for axis in ("", "2"):
            drawing.add_trace(
                go.Scatter(
                    x=[1, steps], y=[value, value], mode="lines", name=name, legendgroup=name, showlegend=not axis,
                    line={"color": colour, "dash": dash, "width": 2.2}, hoverinfo="skip", xaxis=f"x{axis}",
                    yaxis=f"y{axis}",
                )
            )  # fmt: skip
    top = max(float(record.columns["train_loss"][0]) for group in known for record in group.records)
    drawing.update_layout(
        xaxis={"type": "log", "range": [0, np.log10(steps)], "dtick": 1, "title": {"text": "step"}, "showgrid": False,
               "exponentformat": "none"},
        yaxis={"domain": [0.56, 1], "range": [min(0.8, 0.97 * least), 1.03 * top], "title": {"text": "nats per token"},
               "showgrid": True, "zeroline": False},
        xaxis2={"anchor": "y2", "range": [LATE * steps, steps], "title": {"text": f"step, from {LATE:.0%} on"},
                "showgrid": False},
        yaxis2={"anchor": "x2", "domain": [0, 0.4], "range": [first.entropy - 0.011, first.paper + 0.04],
                "title": {"text": "nats per token"}, "showgrid": True, "zeroline": False},
    )  # fmt: skip
    return titled(
        drawing, height=640, title="", alt=alt_text(groups), caption=_caption(known, groups),
        margin={"l": 60, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.13}, hovermode="closest",
        narrow_height=680,
    )  # fmt: skip


def alt_text(groups: Sequence[Group]) -> str:
    """The figure in words and numbers."""
    known, told = _known(groups)
    parts = ["Training loss against step, in nats per token."]
    for group, about in zip(known, told, strict=True):
        starts = listed([f"{record.columns['train_loss'][0]:.2f}" for record in group.records])
        ends = listed([f"{record.summary['train']['last']:.4f}" for record in group.records])
        parts.append(f"{about.words}: from {starts} down to {ends}, the mean of the last 5% of the steps.")
    parts.append(f"Proposition 4 says {told[0].paper:.0f}, the entropy is {told[0].entropy:.4f}.")
    return " ".join(parts) + not_measured(groups)


def reduced(record: Record, points: int = POINTS) -> dict[str, np.ndarray]:
    """A training curve in blocks that are even on a logarithmic axis; the first steps stand alone.

    Returns:
        ``step`` (geometric middle), ``mean`` (over targets), ``low`` and ``high`` (least and greatest single step).

    Raises:
        ValueError: a record of another kind.
    """
    if record.kind != KIND:
        raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {KIND!r}")
    count = len(record.columns["step"])
    edges = np.unique(np.geomspace(1, count + 1, points + 1).round().astype(int)) - 1
    return _blocks(record, edges)


def counted(seeds: int) -> str:
    return f"{seeds} seeds" if seeds > 1 else "one seed"


def not_measured(groups: Sequence[Group]) -> str:
    """A sentence on the runs that have no record, after a space; empty if all have one."""
    said = [
        words(group.config) + (f" ({counted(len(group.missing))})" if group.records else "")
        for group in groups
        if group.missing
    ]
    return f" Not measured yet: {listed(said)}." if said else ""


def _blocks(record: Record, edges: np.ndarray) -> dict[str, np.ndarray]:
    losses = record.columns["train_loss"].astype(np.float64)
    targets = np.diff(record.columns["tokens"], prepend=0).astype(np.float64)
    starts, ends = edges[:-1], edges[1:]
    sums = np.add.reduceat(losses * targets, starts)
    return {
        "step": np.sqrt((starts + 1.0) * ends),
        "mean": sums / np.add.reduceat(targets, starts),
        "low": np.minimum.reduceat(losses, starts),
        "high": np.maximum.reduceat(losses, starts),
    }


def _course(drawing: go.Figure, group: Group, about: Case, look: tuple[str, str, str, str]) -> None:
    colour, band, dash, _ = look
    curves = [reduced(record) for record in group.records]
    x = _shorts(curves[0]["step"])
    low = np.min([curve["low"] for curve in curves], axis=0)
    high = np.max([curve["high"] for curve in curves], axis=0)
    drawing.add_trace(
        go.Scatter(
            x=[*x, *x[::-1]], y=_shorts(np.concatenate([high, low[::-1]])), fill="toself", fillcolor=band, mode="lines",
            line={"width": 0}, legendgroup=about.words, showlegend=False, hoverinfo="skip",
        )
    )  # fmt: skip
    for number, (record, curve) in enumerate(zip(group.records, curves, strict=True)):
        drawing.add_trace(
            go.Scatter(
                x=_shorts(curve["step"]), y=_shorts(curve["mean"]), mode="lines", name=about.words,
                legendgroup=about.words, showlegend=number == 0, line={"color": colour, "dash": dash, "width": 1.5},
                hovertemplate=f"{about.words}, seed {record.seed}: %{{y:.3f}} at step %{{x:.0f}}<extra></extra>",
            )
        )  # fmt: skip


def _end(drawing: go.Figure, group: Group, about: Case, look: tuple[str, str, str, str]) -> None:
    colour, _, dash, symbol = look
    for record in group.records:
        count = len(record.columns["step"])
        edges = np.arange(0, count + 1, min(BLOCK, count))
        curve = _blocks(record, edges)
        late = curve["step"] > LATE * count
        shared: dict[str, Any] = {"xaxis": "x2", "yaxis": "y2", "legendgroup": about.words, "showlegend": False}
        drawing.add_trace(
            go.Scatter(
                x=((edges[:-1] + edges[1:] + 1) / 2)[late].tolist(), y=_shorts(curve["mean"][late], 5), mode="markers",
                marker={"color": colour, "symbol": f"{symbol}-open", "size": 5, "opacity": 0.75},
                hovertemplate=f"{about.words}, seed {record.seed}: %{{y:.4f}}, mean of {len(range(*edges[:2]))} steps"
                "<extra></extra>", **shared,
            )
        )  # fmt: skip
        there = np.flatnonzero(~np.isnan(record.columns["training_loss"]))
        there = there[there > LATE * count]
        drawing.add_trace(
            go.Scatter(
                x=record.columns["step"][there].tolist(), y=_shorts(record.columns["training_loss"][there], 5),
                mode="lines", line={"color": colour, "dash": dash, "width": 1.8},
                hovertemplate=f"{about.words}, seed {record.seed}: %{{y:.4f}} on fixed lines<extra></extra>", **shared,
            )
        )  # fmt: skip


def _caption(known: Sequence[Group], groups: Sequence[Group]) -> str:
    seeds = listed(sorted({counted(len(group.records)) for group in known}))
    block = min(BLOCK, len(known[0].records[0].columns["step"]))
    batch, shown = known[0].config.run.batch, known[0].config.data.held_out
    return (
        f"Above: the loss of every step ({batch} lines each), averaged over blocks that are even on this axis, one line"
        f" a seed ({seeds}); bands reach from the least to the greatest loss of a single step, wide because lines of"
        f" like length come in one batch. Below: the end of it. Marks are means of {block} steps; lines are the loss"
        f" on the same {shown:,} training lines throughout.{not_measured(groups)}"
    )


def _known(groups: Sequence[Group]) -> tuple[list[Group], list[Case]]:
    known = [group for group in groups if group.records]
    if not known or len(groups) > len(LOOKS):
        raise ValueError(f"{len(groups)} groups, {len(known)} with records; expected one or two, with one at least")
    for group in known:
        for record in group.records:
            if record.kind != KIND:
                raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {KIND!r}")
    return known, [case(group) for group in known]


def _shorts(values: np.ndarray, digits: int = 4) -> list[float]:
    return [short(value) if digits == 4 else float(f"{value:.{digits}g}") for value in values.tolist()]
