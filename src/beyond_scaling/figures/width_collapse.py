"""Which variable the gap depends on: N/D, N/D² or N/D⁴, side by side, and the likelihood of every p between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..training.analysis import Analysis
from ..training.collapse import Candidate, Collapse
from ..training.rows import Measure
from .style import GREY, titled
from .width_parts import compact, log_axis, look, not_there, not_yet, room, shorts, signed, spread_words

SHOWN = (1.0, 2.0, 4.0)  # a panel for each p
_FAR = 40.0  # nats of log-likelihood below the best that the profile shows
_RANGE = (0.25, 16.0)  # of p
_MEASURES: dict[Measure, str] = {"gap": "after the minimum", "at_minimum": "at the minimum"}


def figure(analysis: Analysis, measure: Measure = "gap") -> go.Figure:
    """The gap (nats) of every run over D N^(-1/p), p = 1, 2 and 4, and the log-likelihood of every p.

    If N ~ D^p holds whatever the threshold, the sizes fall on one curve. D is moved to the middle size, so that all
    panels have tokens on their axes. A title has the mean log density of points of a size that was left out.

    Args:
        measure: "gap" after the minimum, or "at_minimum".

    Raises:
        ValueError: no run, or another measure.
    """
    found = _found(analysis, measure)
    if found is None:
        return not_yet(f"Too few runs yet for the collapse of the gap.{not_there(analysis)}")
    shown = [next(each for each in found.candidates if not each.free and each.p == p) for p in SHOWN]
    best = found.best()
    titles = [f"{each.name}: {_score(each)}{' ★' if each is best else ''}" for each in shown]
    drawing = make_subplots(
        2, 2, horizontal_spacing=0.1, vertical_spacing=0.17, subplot_titles=[*titles, f"every p: best {found.p:.2f}"]
    )
    gaps = np.exp(found.points.log_gap)
    moved = [_moved(found, each.p) for each in shown]
    for number, (each, x) in enumerate(zip(shown, moved, strict=True)):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        _points(drawing, found, x, gaps, number == 0, place)
        line, log_gap = found.curve(each.p, 41)
        drawing.add_trace(
            go.Scatter(
                x=shorts(np.exp(line + math.log(_middle(found)) / each.p)), y=shorts(np.exp(log_gap)), mode="lines",
                name="fitted to all", showlegend=number == 0, hoverinfo="skip",
                line={"color": GREY, "dash": "dash", "width": 1.6},
            ),
            **place,
        )  # fmt: skip
        drawing.update_xaxes(**log_axis(*room(np.concatenate(moved), 0.04), 2), tickangle=0, showgrid=False, **place)
        drawing.update_yaxes(**log_axis(*room(gaps, 0.04)), showgrid=True, **place)
    for row in (1, 2):
        drawing.update_yaxes(title={"text": "gap (nats)", "standoff": 4}, row=row, col=1)
    drawing.update_xaxes(title="tokens, moved to one size", row=2, col=1)
    _profile(drawing, found, {"row": 2, "col": 2})
    drawing.update_annotations(font={"size": 13})
    return titled(
        drawing, height=650, title="", alt=alt_text(analysis, measure), caption=_caption(analysis, found, measure),
        margin={"l": 50, "r": 10, "t": 30, "b": 50}, legend={"orientation": "h", "y": -0.12}, hovermode="closest",
        narrow_height=660,
    )  # fmt: skip


def alt_text(analysis: Analysis, measure: Measure = "gap") -> str:
    """The figure in words and numbers."""
    found = _found(analysis, measure)
    if found is None:
        return f"Too few runs yet for the collapse of the gap.{not_there(analysis)}"
    parts = []
    for each in found.candidates:
        if not each.free:
            text = f"{each.name}: points lie {each.noise:.2f} about one curve in log gap"
            if each.by_size:
                text += f", mean log density of sizes left out {signed(each.by_size.mean)}"
            parts.append(text)
    return (
        f"The gap {_MEASURES[measure]} of {len(found.points.N)} runs against D N^(-1/p) for p = 1, 2 and 4."
        f" {'; '.join(parts)}. {said(found)}{not_there(analysis)}"
    )


def said(found: Collapse) -> str:
    """The verdict in words: which of the fixed variables predicts a size that was left out, and what p is best."""
    best = found.best()
    rivals = [each for each in found.candidates if not each.free and each.p in SHOWN and each is not best]
    text = f"Of the fixed ones {best.name} collapses the curves best"
    if best.by_size and all(each.by_size for each in rivals):
        apart = [(each.name, best.by_size.mean - each.by_size.mean) for each in rivals if each.by_size]
        text += f", {_against(apart)} nats a point of sizes left out"
    else:
        text += f", {_against([(each.name, best.log_likelihood - each.log_likelihood) for each in rivals])} nats in all"
    text += f". The best p is {found.p:.2f}; {found.level:.0%} intervals {spread_words(*found.profile)} by likelihood"
    if found.seeds:
        text += f", {spread_words(*found.seeds)} over seeds"
    return text + "."


def _against(apart: list[tuple[str, float]]) -> str:
    return " and ".join(f"ahead of {name} by {difference:.2f}" for name, difference in apart)


def _score(each: Candidate) -> str:
    return signed(each.by_size.mean) if each.by_size else f"{signed(each.log_likelihood, 0)} in all"


def _middle(found: Collapse) -> float:
    """The size to which D is moved: the geometric mean of the least and the greatest."""
    return math.sqrt(found.points.N.min() * found.points.N.max())


def _moved(found: Collapse, p: float) -> np.ndarray:
    return found.points.D * (_middle(found) / found.points.N) ** (1 / p)


def _points(
    drawing: go.Figure, found: Collapse, x: np.ndarray, gaps: np.ndarray, legend: bool, place: dict[str, int]
) -> None:
    for number, size in enumerate(np.unique(found.points.N).tolist()):
        here = size == found.points.N
        chosen = look(number)
        drawing.add_trace(
            go.Scatter(
                x=shorts(x[here]), y=shorts(gaps[here]), mode="markers", name=f"N = {size:,.0f}", showlegend=legend,
                legendgroup=f"{size:.0f}", customdata=[compact(tokens) for tokens in found.points.D[here]],
                marker={"color": chosen.colour, "symbol": f"{chosen.symbol}-open", "size": 6},
                hovertemplate=f"N = {size:,.0f}, D = %{{customdata}}: %{{y:.3f}}<extra></extra>",
            ),
            **place,
        )  # fmt: skip


def _profile(drawing: go.Figure, found: Collapse, place: dict[str, int]) -> None:
    """Log-likelihood of p below that of the best, over log p: the interval is where it is above its line."""
    with np.errstate(divide="ignore"):
        p = 1 / np.tan(found.angles)
    height = found.log_likelihood - max(found.log_likelihood.max(), found.candidates[0].log_likelihood)
    near = (p >= 0.8 * _RANGE[0]) & (p <= 1.25 * _RANGE[1])
    x, y = np.append(p[near], found.p), np.append(height[near], 0.0)
    order = np.argsort(x)
    drawing.add_trace(
        go.Scatter(
            x=shorts(x[order]), y=shorts(y[order]), mode="lines", name="log-likelihood", showlegend=False,
            line={"color": GREY, "width": 2}, hovertemplate="p = %{x:.2f}: %{y:.1f} nats<extra></extra>",
        ),
        **place,
    )  # fmt: skip
    low, high = (min(max(end, _RANGE[0]), _RANGE[1]) for end in found.profile)
    axes: dict[str, Any] = {"row": place["row"], "col": place["col"]}
    drawing.add_vrect(x0=low, x1=high, fillcolor=look(0).fill, line_width=0, **axes)
    for level in SHOWN:
        drawing.add_vline(x=level, line={"color": GREY, "dash": "dash" if level == 2 else "dot", "width": 1.3}, **axes)
    marks = [0.25, 0.5, 1, 2, 4, 8, 16]
    drawing.update_xaxes(
        type="log", title="p", tickvals=marks, ticktext=["¼", "½", *(f"{mark:g}" for mark in marks[2:])],
        range=[math.log10(end) for end in _RANGE], showgrid=False, **axes,
    )  # fmt: skip
    drawing.update_yaxes(range=[-_FAR, 2], showgrid=True, zeroline=False, **axes)


def _found(analysis: Analysis, measure: Measure) -> Collapse | None:
    if measure not in _MEASURES:
        raise ValueError(f"measure is {measure!r}, expected {' or '.join(_MEASURES)}")
    if not analysis.width.rows:
        raise ValueError(f"no size has a run ({len(analysis.missing)} missing), expected one at least")
    return analysis.width.collapse[measure]


def _caption(analysis: Analysis, found: Collapse, measure: Measure) -> str:
    left = f" {found.left_out} runs without a gap above 0 are left out." if found.left_out else ""
    scores = "the mean log density (nats) of points of a size that the fit had not seen, the higher the better"
    if any(each.by_size is None for each in found.candidates if each.p in SHOWN):
        scores = "the log-likelihood of all points (nats), the higher the better"
    size = compact(_middle(found))
    return (
        f"The gap {_MEASURES[measure]}, a mark for each run, over D·({size}/N)^(1/p): the D that a model of {size}"
        f" parameters would need, if N ~ D^p. In the titles: {scores}; the star is the best of the fixed ones. Last"
        f" panel: the log-likelihood of every p, below the best, with its {found.level:.0%} interval. {said(found)}"
        f"{left}{not_there(analysis)}"
    )
