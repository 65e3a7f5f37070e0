"""Few lines learnt by heart: training losses that go through 1 and on to their floors, while held-out losses rise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..results import Record
from ..training.cases import Case, by_heart, case
from ..training.history import VALIDATION, column
from ..training.seeds import Group
from .radius_sites import listed, short
from .style import BLUE, GREEN, GREY, ORANGE, titled
from .training import not_measured, reduced

_LOOKS = ((BLUE, "circle"), (ORANGE, "square"), (GREEN, "diamond"))


def figure(groups: Sequence[Group]) -> go.Figure:
    """Losses against how often each line was read, both axes logarithmic: solid in training, dotted on new lines.

    A floor is a dashed line in its runs' colour; Proposition 4's 1 is grey.

    Args:
        groups: one to three, of lines learnt by heart; those without a record are left out and named.

    Raises:
        ValueError: no group has a record, too many groups, or one whose lines are not learnt by heart.
    """
    known = _known(groups)
    drawing = go.Figure()
    least = 1.0
    for (group, about), (colour, symbol) in zip(known, _LOOKS, strict=False):
        for number, record in enumerate(group.records):
            curve = reduced(record)
            passes = _passes(record, curve["step"], about)
            least = min(least, passes[0])
            words, seed = about.words, f"seed {record.seed}"
            drawing.add_trace(
                go.Scatter(
                    x=passes, y=[short(v) for v in curve["mean"].tolist()], mode="lines", name=words,
                    legendgroup=words, showlegend=number == 0, line={"color": colour, "width": 1.8},
                    hovertemplate=f"{words}, {seed}, in training: %{{y:.3f}} after %{{x:.3g}} readings<extra></extra>",
                )
            )  # fmt: skip
            losses = record.columns[column(VALIDATION)]
            there = np.flatnonzero(~np.isnan(losses))
            drawing.add_trace(
                go.Scatter(
                    x=_passes(record, there + 1.0, about), y=[short(v) for v in losses[there].tolist()],
                    mode="lines+markers", name=f"{words}: on new lines", legendgroup=f"{words} new",
                    showlegend=number == 0, line={"color": colour, "width": 1.3, "dash": "dot"},
                    marker={"color": colour, "symbol": f"{symbol}-open", "size": 5},
                    hovertemplate=f"{words}, {seed}, on new lines: %{{y:.3f}} after %{{x:.3g}} readings<extra></extra>",
                )
            )  # fmt: skip
        drawing.add_hline(y=about.entropy, line={"color": colour, "dash": "dash", "width": 1.3})
        drawing.add_annotation(
            text=f"floor of {about.lines:,}: {about.entropy:.3f}", showarrow=False, xref="x domain", x=0.01,
            y=_log(about.entropy), xanchor="left", yanchor="bottom", font={"size": 12, "color": colour},
        )  # fmt: skip
    paper = known[0][1].paper
    drawing.add_hline(y=paper, line={"color": GREY, "dash": "dash", "width": 1.8})
    drawing.add_annotation(
        text=f"Proposition 4: {paper:.0f}", showarrow=False, xref="x domain", x=0.01, y=_log(paper), xanchor="left",
        yanchor="bottom", font={"size": 12, "color": GREY},
    )  # fmt: skip
    marks = [0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10]
    drawing.update_xaxes(
        type="log", title="how often each line has been read", showgrid=False, dtick=1, exponentformat="none",
        range=[_log(max(least, 0.1)), _log(max(about.passes for _, about in known)) + 0.03],
    )  # fmt: skip
    drawing.update_yaxes(
        type="log", title="nats per token", showgrid=True, tickvals=marks, ticktext=[f"{mark:g}" for mark in marks]
    )
    return titled(
        drawing, height=520, title="", alt=alt_text(groups), caption=_caption(groups),
        margin={"l": 55, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.17}, hovermode="closest",
        narrow_height=640,
    )  # fmt: skip


def alt_text(groups: Sequence[Group]) -> str:
    """The figure in words and numbers."""
    parts = ["Loss against how often each line was read, in nats per token."]
    for group, about in _known(groups):
        sets = [record.summary["sets"][VALIDATION] for record in group.records]
        least, last = (listed([f"{found[key]:.2f}" for found in sets]) for key in ("least", "last"))
        parts.append(
            f"{about.words}: in training down to {about.training.mean:.3f}, with a floor of {about.entropy:.3f};"
            f" on new lines down to {least}, then {last} at the end."
        )
    return " ".join(parts) + " Proposition 4 says 1 for all of them." + not_measured(groups)


def _caption(groups: Sequence[Group]) -> str:
    return (
        "Solid: training loss, averaged over blocks of steps that are even on this axis, a line for each seed. Dotted:"
        " the loss on lines that were not trained on. Dashed: the entropy of the lines known by heart, below which no"
        f" loss on them can be.{not_measured(groups)}"
    )


def _known(groups: Sequence[Group]) -> list[tuple[Group, Case]]:
    known = [group for group in groups if group.records]
    if not known or len(groups) > len(_LOOKS):
        raise ValueError(f"{len(groups)} groups, {len(known)} with records; expected one to three, with one at least")
    for group in known:
        if not by_heart(group.config):
            words = case(group).words
            raise ValueError(f"{words}: lines read {group.passes:.1f} times; expected lines learnt by heart")
    return [(group, case(group)) for group in known]


def _passes(record: Record, steps: np.ndarray, about: Case) -> list[float]:
    return [short(value) for value in (steps * about.passes / len(record.columns["step"])).tolist()]


def _log(value: float) -> float:
    return float(np.log10(value))
