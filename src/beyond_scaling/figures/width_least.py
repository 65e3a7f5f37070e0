"""Least validation loss against N at fixed D: does the larger model do worse?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..training.analysis import Analysis
from ..training.least_loss import AtD, Step
from .radius_sites import bars, listed, short
from .style import GREY, titled
from .width_parts import compact, log_axis, look, not_there, not_yet, ramp, room, shorts

LINES = 8  # of the upper panel, one for each D, at most
_APART = 0.035  # of the axis: labels are moved as far apart


def figure(analysis: Analysis, lines: int = LINES) -> go.Figure:
    """Above, a line for each D over log N: means over seeds. Below, what the next larger model changes, against D.

    Below, runs of one seed are compared, for they share their text; bars are Student intervals over seeds.

    Args:
        analysis: of a sweep or a part of it; a D with one size alone has no line.
        lines: how many D to draw above at most: those with the most sizes, evenly over them.

    Raises:
        ValueError: no run.
    """
    known = _known(analysis)
    if not known:
        return not_yet(f"No two sizes have been trained on the same D yet.{not_there(analysis)}")
    drawing = go.Figure()
    _lines(drawing, _chosen(known, lines))
    _changes(drawing, known)
    sizes = sorted({size for at in known for size in at.N})
    grid: dict[str, Any] = {"showgrid": True, "zeroline": False}
    drawing.update_layout(
        xaxis={"type": "log", "showgrid": False, "tickvals": sizes, "ticktext": [compact(size) for size in sizes],
               "title": {"text": "parameters N of the blocks"}, "anchor": "y",
               "range": [math.log10(sizes[0]) - 0.05, math.log10(sizes[-1]) + 0.16]},
        yaxis={"domain": [0.5, 1], "title": {"text": "least validation loss"}, **grid},
        xaxis2=log_axis(*room([at.D for at in known], 0.06), showgrid=False, title={"text": "tokens D"}, anchor="y2"),
        yaxis2={"domain": [0, 0.36], "title": {"text": "larger − smaller"}, "anchor": "x2", **grid},
    )  # fmt: skip
    drawing.add_hline(y=0, yref="y2", line={"color": GREY, "dash": "dash", "width": 1.4})
    return titled(
        drawing, height=720, title="", alt=alt_text(analysis, lines), caption=_caption(analysis),
        margin={"l": 60, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.1}, hovermode="closest",
        narrow_height=740,
    )  # fmt: skip


def alt_text(analysis: Analysis, lines: int = LINES) -> str:
    """The figure in words and numbers."""
    parts = []
    for at in _chosen(_known(analysis), lines):
        means = [f"{least:.3f} at {compact(size)}" for size, least in zip(at.N, at.least, strict=True)]
        parts.append(f"{compact(at.D)} tokens, {listed(means)}")
    return (
        "Least validation loss against parameters of the blocks, in nats a token, a line for each number of training"
        f" tokens: {'; '.join(parts)}. {verdict(analysis)}{not_there(analysis)}"
    )


def verdict(analysis: Analysis) -> str:
    """In how many steps up in size the larger model did worse, in words and numbers."""
    steps = [(at.D, step) for at in _known(analysis) for step in at.steps]
    if not steps:
        return "No two sizes share D and seed."
    worse = [(tokens, step) for tokens, step in steps if step.difference.mean > 0]
    said = f"In {len(worse)} of {len(steps)} steps to the next larger model at the same D the larger one is worse"
    if not worse:
        return f"{said}."
    sure = sum(step.difference.low is not None and step.difference.low > 0 for _, step in worse)
    tokens, most = max(worse, key=lambda pair: pair[1].difference.mean)
    return (
        f"{said}, in {sure} beyond the {analysis.width.exponent.level:.0%} interval;"
        f" by {most.difference.mean:.3f} nats at most ({compact(most.small)} to"
        f" {compact(most.large)} parameters at {compact(tokens)} tokens)."
    )


def _lines(drawing: go.Figure, chosen: Sequence[AtD]) -> None:
    few, many = min(at.D for at in chosen), max(at.D for at in chosen)
    losses = [loss for at in chosen for loss in at.least]
    apart = _APART * (max(losses) - min(losses))
    ends: dict[int, float] = {}  # of the last label at a size
    for number, at in sorted(enumerate(chosen), key=lambda pair: pair[1].least[-1]):
        colour = ramp(at.D, few, many)
        drawing.add_trace(
            go.Scatter(
                x=list(at.N), y=shorts(at.least), mode="lines+markers", name=f"{at.D:,} tokens", showlegend=False,
                line={"color": colour, "width": 1.6},
                marker={"color": colour, "symbol": look(number).symbol, "size": 8},
                hovertemplate=f"D = {at.D:,}, N = %{{x:,}}: %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
        height = max(at.least[-1], ends.get(at.N[-1], -math.inf) + apart)
        ends[at.N[-1]] = height
        drawing.add_annotation(
            text=compact(at.D), x=math.log10(at.N[-1]), y=shorts([height], 6)[0], showarrow=False, xanchor="left",
            xshift=8, font={"size": 12, "color": colour},
        )  # fmt: skip


def _changes(drawing: go.Figure, known: Sequence[AtD]) -> None:
    pairs: dict[tuple[int, int], list[tuple[int, Step]]] = {}
    for at in known:
        for step in at.steps:
            pairs.setdefault((step.small, step.large), []).append((at.D, step))
    for number, ((small, large), found) in enumerate(sorted(pairs.items())):
        chosen = look(number)
        means, lows, highs = np.array(
            [
                (d.mean, d.mean if d.low is None else d.low, d.mean if d.high is None else d.high)
                for d in (step.difference for _, step in found)
            ]
        ).T.tolist()
        words = f"{compact(small)} → {compact(large)}"
        drawing.add_trace(
            go.Scatter(
                # beside each other, where several pairs were trained on one D
                x=[short(tokens * 1.02 ** (number - (len(pairs) - 1) / 2)) for tokens, _ in found], y=shorts(means),
                mode="lines+markers", name=words, line={"color": chosen.colour, "dash": chosen.dash, "width": 1.3},
                error_y=bars(lows, means, highs, thickness=1.2, width=3), xaxis="x2", yaxis="y2",
                marker={"color": chosen.colour, "symbol": chosen.symbol, "size": 7},
                customdata=[f"{tokens:,}" for tokens, _ in found],
                hovertemplate=f"{words}, D = %{{customdata}}: %{{y:+.4f}}<extra></extra>",
            )
        )  # fmt: skip


def _known(analysis: Analysis) -> tuple[AtD, ...]:
    if not analysis.families.width:
        raise ValueError(f"no run of the main grid ({len(analysis.missing)} missing), expected one at least")
    return analysis.least


def _chosen(known: Sequence[AtD], lines: int) -> list[AtD]:
    if lines < 1:
        raise ValueError(f"lines is {lines}, expected 1 or more")
    if len(known) <= lines:
        return list(known)
    enough = sorted((len(at.N) for at in known), reverse=True)[lines - 1]
    full = [at for at in known if len(at.N) >= enough]
    return [full[place] for place in np.unique(np.linspace(0, len(full) - 1, lines).round().astype(int)).tolist()]


def _caption(analysis: Analysis) -> str:
    return (
        "Above: means over seeds of the least validation loss (nats a token), a line for each number of training"
        " tokens, from blue (fewest) to orange (most). Below: what the next larger model changes it by, on the same"
        f" text, with {analysis.width.exponent.level:.0%} intervals over seeds; above 0 the larger one is worse."
        f"{not_there(analysis)}"
    )
