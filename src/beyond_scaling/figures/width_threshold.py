"""The exponent as the threshold moves: a law of the model would not care where σ² lies."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from ..training.analysis import Analysis
from ..training.rows import Measure
from ..training.sigma import Swept
from .radius_sites import short
from .style import GREY, titled
from .width_parts import look, not_there, not_yet, shorts, signed, spread_words

LEVELS = (1, 2, 4)
MEASURES: dict[Measure, str] = {
    "mse": "mean squared error",
    "gap": "square of the mean gap",
    "at_minimum": "square of the gap at the minimum",
}
MOST = 6.0  # the largest exponent that the axis shows


def figure(analysis: Analysis) -> go.Figure:
    """p of N ~ D^p over σ², for the paper's mean squared error and for two that hold no noise of single batches.

    The band is the mean squared error's interval from resampled seeds. Lines are thick where as many sizes as anywhere
    have a D* inside their grid; elsewhere fewer sizes make the exponent, and it is another one.

    Raises:
        ValueError: no run.
    """
    known = _known(analysis)
    if not known:
        return not_yet(f"No threshold gives three sizes a D* yet, as an exponent needs.{not_there(analysis)}")
    drawing = go.Figure()
    for number, (measure, swept) in enumerate(known.items()):
        chosen = look(number)
        there = ~np.isnan(swept.p)
        if measure == "mse":
            band = there & ~np.isnan(swept.low) & np.isfinite(swept.low) & np.isfinite(swept.high)
            x = shorts(swept.sigma2[band])
            drawing.add_trace(
                go.Scatter(
                    x=[*x, *x[::-1]], fill="toself", fillcolor=chosen.fill, mode="lines", line={"width": 0},
                    y=shorts(np.clip(np.concatenate([swept.high[band], swept.low[band][::-1]]), 0, 2 * MOST)),
                    name=f"{swept.level:.0%} interval from seeds", hoverinfo="skip",
                )
            )  # fmt: skip
        words = MEASURES[measure]
        for shown, width, legend in ((swept.at, 2.4, True), (there, 0.9, False)):
            y = [short(p) if on else None for p, on in zip(swept.p, shown, strict=True)]
            drawing.add_trace(
                go.Scatter(
                    x=shorts(swept.sigma2), y=y, mode="lines", name=words, legendgroup=words, showlegend=legend,
                    line={"color": chosen.colour, "dash": chosen.dash, "width": width}, customdata=swept.sizes.tolist(),
                    hovertemplate=f"{words}: p = %{{y:.2f}} at σ² = %{{x:.3g}}, %{{customdata}} sizes<extra></extra>",
                )
            )  # fmt: skip
    for level in LEVELS:
        drawing.add_hline(y=level, line={"color": GREY, "dash": "dash" if level == 2 else "dot", "width": 1.3})
        drawing.add_annotation(
            text=f"p = {level}", x=1, xref="x domain", y=level, xanchor="right", yanchor="bottom", showarrow=False,
            font={"size": 12, "color": GREY},
        )  # fmt: skip
    sigma2 = analysis.sigma2
    drawing.add_vline(x=sigma2, line={"color": GREY, "dash": "dash", "width": 1.3})
    drawing.add_annotation(
        text=f"σ² = {sigma2:g}", x=math.log10(sigma2), y=1, yref="y domain", xanchor="left", yanchor="top", xshift=4,
        showarrow=False, font={"size": 12, "color": GREY},
    )  # fmt: skip
    marks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    every = np.concatenate([swept.sigma2 for swept in known.values()])
    top = max([4.4, *(float(np.nanmax(swept.p)) * 1.1 for swept in known.values())])
    drawing.update_xaxes(
        type="log", title="threshold σ² (nats²)", tickvals=marks, ticktext=[f"{mark:g}" for mark in marks],
        showgrid=False, range=[math.log10(every.min()), math.log10(every.max())],
    )  # fmt: skip
    drawing.update_yaxes(
        title="p of N ~ D<sup>p</sup>", range=[0, min(top, MOST)], showgrid=True, zeroline=False, dtick=1
    )
    return titled(
        drawing, height=460, title="", alt=alt_text(analysis), caption=_caption(analysis),
        margin={"l": 50, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.16}, hovermode="closest",
        narrow_height=520,
    )  # fmt: skip


def alt_text(analysis: Analysis) -> str:
    """The figure in words and numbers."""
    parts = [_said(MEASURES[measure], swept) for measure, swept in _known(analysis).items()]
    return f"Exponent p of N ~ D^p against the threshold σ². {' '.join(parts)}{not_there(analysis)}"


def _said(words: str, swept: Swept) -> str:
    at = np.flatnonzero(swept.at)
    ends = [f"{swept.p[place]:.2f} at {swept.sigma2[place]:.2g}" for place in (at[0], at[-1])]
    text = f"With the {words}, over {swept.sizes[at[0]]} sizes: p = {ends[0]}"
    if at[0] != at[-1]:
        text += f", {ends[1]}"
    if not math.isnan(swept.trend):
        text += f"; {signed(swept.trend)} for every tenfold σ²"
        if swept.trend_interval:
            text += f" ({swept.level:.0%} interval {spread_words(*swept.trend_interval)})"
    return text + "."


def _known(analysis: Analysis) -> dict[Measure, Swept]:
    if not analysis.width.rows:
        raise ValueError(f"no size has a run ({len(analysis.missing)} missing), expected one at least")
    return {measure: analysis.width.swept[measure] for measure in MEASURES if analysis.width.swept[measure].at.any()}


def _caption(analysis: Analysis) -> str:
    known = _known(analysis)
    first = next(iter(known))
    return (
        f"The exponent at every threshold, D* interpolated. {_said(MEASURES[first], known[first])} Thick: where as many"
        " sizes as anywhere have their D* inside the grid; thin: fewer. The squares of gaps hold no noise of single"
        f" batches, which the mean squared error counts as a gap.{not_there(analysis)}"
    )
