"""Two predictions of every loss beside what was measured: where each lies, and by how much each of them misses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..training.cases import Case, cases
from ..training.seeds import Group
from .radius_sites import listed, short
from .style import BLUE, GREEN, GREY, ORANGE, titled
from .training import counted, not_measured

_NEAR = 0.035  # shares of the axis within which cases share a label
_REACH = (5e-4, 3.0)  # nats: what the second figure shows of misses


def figure(groups: Sequence[Group]) -> go.Figure:
    """Measured loss over the one that entropy predicts: on the diagonal entropy is right, on the level line the paper.

    Bars are 95% Student intervals over seeds; a single seed has an open mark.

    Raises:
        ValueError: no group has a record.
    """
    told = _told(groups)
    drawing = go.Figure()
    end = 1.12 * max(max(case.predicted, case.measured.mean) for case in told)
    ends: list[float] = [short(-0.06 * end), short(end)]
    for y, name, colour, dash in (
        (ends, "entropy: the loss is the entropy", GREEN, "solid"),
        ([told[0].paper] * 2, "Proposition 4: the loss is 1", GREY, "dash"),
    ):
        drawing.add_trace(
            go.Scatter(x=ends, y=y, mode="lines", name=name, line={"color": colour, "dash": dash, "width": 1.8},
                       hoverinfo="skip")
        )  # fmt: skip
    for heart, name, colour, symbol in ((False, "new lines", BLUE, "circle"), (True, "by heart", ORANGE, "diamond")):
        chosen = [case for case in told if case.by_heart == heart]
        if not chosen:
            continue
        reach = [case.measured.high - case.measured.mean if case.measured.high else 0.0 for case in chosen]
        drawing.add_trace(
            go.Scatter(
                x=[short(case.predicted) for case in chosen], y=[short(case.measured.mean) for case in chosen],
                error_y={"type": "data", "array": [short(value) for value in reach], "thickness": 1.4, "width": 4},
                mode="markers", name=f"measured, {name}", text=[case.words for case in chosen],
                marker={"color": colour, "size": 10, "line": {"width": 2, "color": colour},
                        "symbol": [symbol if case.measured.seeds > 1 else f"{symbol}-open" for case in chosen]},
                hovertemplate="%{text}: predicted %{x:.3f}, measured %{y:.3f}<extra></extra>",
            )
        )  # fmt: skip
    for label, at, height in _labels(told, end):
        right = at > 0.55 * end
        drawing.add_annotation(
            text=label, x=at, y=height, showarrow=False, xanchor="right" if right else "left",
            yanchor="bottom" if right else "top", xshift=-9 if right else 9, yshift=4 if right else -4,
            align="right" if right else "left", font={"size": 12},
        )  # fmt: skip
    axis = {"range": ends, "zeroline": False, "showgrid": True, "dtick": 0.5}
    drawing.update_xaxes(title="nats per token that entropy predicts", **axis)
    drawing.update_yaxes(title="nats per token measured", **axis)
    return titled(
        drawing, height=560, title="", alt=alt_text(groups), caption=_caption(told, groups),
        margin={"l": 55, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.14}, hovermode="closest",
        narrow_height=520,
    )  # fmt: skip


def misses(groups: Sequence[Group]) -> go.Figure:
    """How far the measured loss is from either prediction, in nats, on a logarithmic axis.

    Raises:
        ValueError: no group has a record.
    """
    told = _told(groups)
    heights = [float(len(told) - 1 - place) for place in range(len(told))]  # from the top down
    drawing = go.Figure()
    bars: dict[str, list[float | None]] = {"x": [], "y": []}
    for case, height in zip(told, heights, strict=True):
        if case.measured.low is not None and case.measured.high is not None:
            low, high = case.measured.low - case.predicted, case.measured.high - case.predicted
            if high > _REACH[0]:
                bars["x"] += [short(max(low, _REACH[0])), short(high), None]
                bars["y"] += [height, height, None]
    drawing.add_trace(
        go.Scatter(**bars, mode="lines", name="95% interval over seeds", line={"color": GREEN, "width": 2},
                   hoverinfo="skip")
    )  # fmt: skip
    for name, colour, symbol, value in (
        ("from entropy", GREEN, "circle", lambda case: case.predicted),
        ("from Proposition 4’s 1", ORANGE, "diamond", lambda case: case.paper),
    ):
        gaps = [case.measured.mean - value(case) for case in told]
        drawing.add_trace(
            go.Scatter(
                x=[short(max(abs(gap), _REACH[0])) for gap in gaps], y=heights, mode="markers", name=name,
                text=[f"{case.words}, {gap:+.4f} {name}" for case, gap in zip(told, gaps, strict=True)],
                marker={"color": colour, "size": 11, "symbol": [
                    symbol if case.measured.seeds > 1 else f"{symbol}-open" for case in told],
                    "line": {"width": 2, "color": colour}},
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    for case, height in zip(told, heights, strict=True):
        # Above its line: beside the plot, the names would leave a narrow page no room for it.
        drawing.add_annotation(
            text=case.words, x=0, xref="paper", xanchor="left", y=height, yanchor="bottom", yshift=8, showarrow=False,
            font={"size": 12},
        )  # fmt: skip
    drawing.update_xaxes(
        type="log", title="how far the measured loss is off (nats per token)",
        range=[float(np.log10(end)) for end in _REACH],
        tickvals=[0.001, 0.01, 0.1, 1], ticktext=["0.001", "0.01", "0.1", "1"], showgrid=True, zeroline=False,
    )  # fmt: skip
    drawing.update_yaxes(range=[-0.6, len(told) - 0.2], showticklabels=False, ticks="", showgrid=False, zeroline=False)
    words = "; ".join(
        f"{case.words}: {case.measured.mean - case.predicted:+.4f} from entropy, {case.measured.mean - case.paper:+.4f}"
        " from 1"
        for case in told
    )
    return titled(
        drawing, height=90 + 52 * len(told), title="",
        alt=f"How far the measured losses are from both predictions, in nats per token. {words}.{not_measured(groups)}",
        caption=(
            "Absolute differences; open marks are of a single seed. What is nearer than the left edge is drawn on it."
            f"{not_measured(groups)}"
        ),
        margin={"l": 15, "r": 15, "t": 10, "b": 50}, legend={"orientation": "h", "y": -0.13}, hovermode="closest",
        narrow_height=130 + 54 * len(told),
    )  # fmt: skip


def alt_text(groups: Sequence[Group]) -> str:
    """The first figure in words and numbers."""
    parts = [
        f"{case.words}: entropy predicts {case.predicted:.3f}, measured {_interval(case)}" for case in _told(groups)
    ]
    return (
        "Measured loss against the loss that entropy predicts, in nats per token. Proposition 4 predicts 1 throughout. "
        + "; ".join(parts)
        + f".{not_measured(groups)}"
    )


def _interval(case: Case) -> str:
    found = case.measured
    if found.low is None:
        return f"{found.mean:.3f} ({counted(found.seeds)})"
    return f"{found.mean:.3f}, 95% interval {found.low:.3f} to {found.high:.3f} ({counted(found.seeds)})"


def _labels(told: Sequence[Case], end: float) -> list[tuple[str, float, float]]:
    """One label for all cases that lie close together: (text, x, y), at the first; on the right, at the last."""
    found: list[list[Case]] = []
    for case in sorted(told, key=lambda case: case.predicted):
        last = found[-1][-1] if found else None
        if last is not None and all(
            abs(ours - theirs) < _NEAR * end
            for ours, theirs in (
                (case.predicted, last.predicted),
                (case.measured.mean, last.measured.mean),
            )
        ):
            found[-1].append(case)
        else:
            found.append([case])
    labels = []
    for near in found:
        at = near[-1] if near[-1].predicted > 0.55 * end else near[0]
        labels.append(
            (
                "<br>".join(case.words for case in (near[::-1] if at is near[-1] else near)),
                short(at.predicted),
                short(at.measured.mean),
            )
        )
    return labels


def _caption(told: Sequence[Case], groups: Sequence[Group]) -> str:
    seeds = listed(sorted({counted(case.measured.seeds) for case in told}))
    return (
        "By heart: training loss at the end, against the floor. New lines: loss on held-out lines,"
        f" against that of the grammar itself on the same lines. Bars: 95% Student intervals over seeds ({seeds}), most"
        f" of them smaller than the mark; open marks are of a single seed.{not_measured(groups)}"
    )


def _told(groups: Sequence[Group]) -> list[Case]:
    told = cases(groups)
    if not told:
        raise ValueError("no group has a record, expected one at least")
    return told
