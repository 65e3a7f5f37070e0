"""Two controls: depth instead of width, and a text without sense. The gap against D of each, and D* against N."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
import plotly.graph_objects as go

from ..training.analysis import Analysis, Grid
from ..training.crossing import Crossing, in_words
from ..training.dstar import Exponent
from ..training.rows import Row
from .radius_sites import bars, listed
from .style import GREY, titled
from .width_parts import compact, log_axis, look, not_there, not_yet, room, shorts, spread_words

Control = Literal["depth", "shuffled"]
_NAMES = {"width": "Widths", "depth": "Depths", "shuffled": "Shuffled text"}


def figure(analysis: Analysis, control: Control) -> go.Figure:
    """Left, mean squared errors against D, a line for each size, σ² dashed; right, D* against N, beside the widths'.

    Bars reach from the least to the greatest seed. A size whose D* lies beyond its grid is named in the caption.

    Args:
        control: "depth": one width, several depths. "shuffled": several widths, tokens in random order.

    Raises:
        ValueError: no run at all, or another control.
    """
    found = _found(analysis, control)
    if not found.rows:
        return not_yet(f"{_NAMES[control]}: no run yet.{not_there(analysis)}")
    drawing = go.Figure()
    for place, row in enumerate(found.rows):
        _row(drawing, row, _words(control, row), place)
    data = room([tokens for row in found.rows for tokens in row.D.tolist()], 0.06)
    errors = np.concatenate([row.values[~np.isnan(row.values)] for row in found.rows])
    drawing.add_trace(
        go.Scatter(
            x=list(data), y=[analysis.sigma2] * 2, mode="lines", name=f"σ² = {analysis.sigma2:g}",
            line={"color": GREY, "dash": "dash", "width": 1.6}, hoverinfo="skip",
        )
    )  # fmt: skip
    _stars(drawing, analysis.width, found)
    stars = [star for grid in (analysis.width, found) for star in grid.exponent.stars]
    sizes = room([star.N for star in stars])
    crossings = room([star.interpolated.D for star in stars if star.interpolated.measured] or data)
    marks: dict[str, Any] = {"showgrid": False, "tickangle": 0, "tickfont": {"size": 12}}
    drawing.update_layout(
        xaxis=log_axis(*data, 2, domain=[0, 0.43], title={"text": "tokens D"}, **marks),
        yaxis=log_axis(*room([*errors[errors > 0].tolist(), analysis.sigma2], 0.05), showgrid=True,
                       title={"text": "mean squared error (nats²)"}),
        xaxis2=log_axis(*crossings, 2, domain=[0.6, 1], anchor="y2", title={"text": "tokens D*"}, **marks),
        yaxis2=log_axis(*sizes, anchor="x2", showgrid=True),
    )  # fmt: skip
    # Above its axis: beside it, a narrow page would have it on the other panel.
    drawing.add_annotation(
        text="parameters N", showarrow=False, x=0, y=1, xref="x2 domain", yref="y2 domain", xanchor="left",
        yanchor="bottom", yshift=4, xshift=-36,
    )  # fmt: skip
    return titled(
        drawing, height=440, title="", alt=alt_text(analysis, control), caption=_caption(analysis, control),
        margin={"l": 60, "r": 15, "t": 30, "b": 50}, legend={"orientation": "h", "y": -0.17}, hovermode="closest",
        narrow_height=460,
    )  # fmt: skip


def alt_text(analysis: Analysis, control: Control) -> str:
    """The figure in words and numbers."""
    each = [
        f"{_words(control, row)} ({row.N:,} parameters) from {row.mean[0]:.2g} at {compact(row.D[0])} tokens to"
        f" {row.mean[-1]:.2g} at {compact(row.D[-1])}"
        for row in _found(analysis, control).rows
    ]
    return (
        f"Mean squared error against tokens: {'; '.join(each) or 'no run yet'}. {said(analysis, control)}"
        f"{not_there(analysis)}"
    )


def said(analysis: Analysis, control: Literal["width", "depth", "shuffled"]) -> str:
    """D* of every size, and the exponent where three sizes have one, in words."""
    found = (analysis.width if control == "width" else _found(analysis, control)).exponent
    if not found.stars:
        return f"{_NAMES[control]}: no run yet."
    stars = [f"{_place(star.interpolated)} at N = {star.N:,}" for star in found.stars]
    text = f"{_NAMES[control]}: D* is {listed(stars)}"
    return f"{text}; {_p(found)}."


def _exponents(analysis: Analysis, control: Control) -> str:
    """Both exponents of N ~ D^p, and which sizes count for none."""
    own, widths = _found(analysis, control).exponent, analysis.width.exponent
    beyond = [f"{star.N:,}" for star in own.stars if not star.interpolated.measured]
    text = f"N ~ D^p: {_p(own)}, beside {_p(widths)} of the widths."
    return text + (f" Of N = {listed(beyond)} D* lies beyond the grid." if beyond else "")


def _p(found: Exponent) -> str:
    if math.isnan(found.p):
        return "too few sizes for a p"
    return f"p = {found.p:.2f}" + (
        f" ({found.level:.0%} interval {spread_words(*found.interval)})" if found.interval else ""
    )


def _place(crossing: Crossing) -> str:
    return f"{float(f'{crossing.D:.3g}'):,.0f}" if crossing.measured else in_words(crossing)


def _row(drawing: go.Figure, row: Row, words: str, place: int) -> None:
    chosen = look(place)
    ends = [[value for value in column if not math.isnan(value)] for column in row.values.T.tolist()]
    drawing.add_trace(
        go.Scatter(
            x=row.D.tolist(), y=shorts(row.mean), mode="lines+markers", name=words, legendgroup=words,
            error_y=bars([min(each) for each in ends], row.mean.tolist(), [max(each) for each in ends], thickness=1.2,
                         width=3),
            line={"color": chosen.colour, "dash": chosen.dash, "width": 1.5},
            marker={"color": chosen.colour, "symbol": chosen.symbol, "size": 7},
            hovertemplate=f"{words}, D = %{{x:,}}: %{{y:.3g}} nats²<extra></extra>",
        )
    )  # fmt: skip


def _stars(drawing: go.Figure, widths: Grid, found: Grid) -> None:
    """The widths' D* in grey, then the control's, each with the look of its line on the left."""
    axes = {"xaxis": "x2", "yaxis": "y2"}
    for grid, name, dash in ((widths, "the widths, text in order", "dash"), (found, "", "solid")):
        stars = [star for star in grid.exponent.stars if star.interpolated.measured]
        places = [place for place, star in enumerate(grid.exponent.stars) if star.interpolated.measured]
        seeds = [[own.D for _, own in star.by_seed.values() if own.measured] or [star.interpolated.D] for star in stars]
        data = [star.interpolated.D for star in stars]
        lows = [min(*each, tokens) for each, tokens in zip(seeds, data, strict=True)]
        highs = [max(*each, tokens) for each, tokens in zip(seeds, data, strict=True)]
        looks = [look(place) for place in places]
        drawing.add_trace(
            go.Scatter(
                x=shorts(data), y=[star.N for star in stars], mode="lines+markers", name=name or "D*",
                showlegend=bool(name), line={"color": GREY, "dash": dash, "width": 1.2},
                error_x=bars(lows, data, highs, thickness=1.2, width=3, color=GREY),
                marker={"size": 8, "color": [GREY if name else each.colour for each in looks], "line": {"width": 0},
                        "symbol": ["circle-open" if name else each.symbol for each in looks]},
                hovertemplate="N = %{y:,}: D* = %{x:,.0f}<extra></extra>", **axes,
            )
        )  # fmt: skip


def _words(control: Control, row: Row) -> str:
    if control == "depth":
        return "1 layer" if row.layers == 1 else f"{row.layers} layers"
    return f"width {row.width}" if row.width else f"N = {compact(row.N)}"


def _found(analysis: Analysis, control: Control) -> Grid:
    if control not in get_args(Control):
        raise ValueError(f"control is {control!r}, expected {' or '.join(get_args(Control))}")
    if not (analysis.width.rows or analysis.depth.rows or analysis.shuffled.rows):
        raise ValueError(f"no run at all ({len(analysis.missing)} missing), expected one at least")
    found: Grid = getattr(analysis, control)
    return found


def _caption(analysis: Analysis, control: Control) -> str:
    what = {
        "depth": "One width, several depths.",
        "shuffled": "Tokens in random order: nothing to learn but how frequent each is; what is left is memory.",
    }[control]
    return (
        f"{what} Left: mean squared errors as in the table, means over seeds with bars to the least and the greatest."
        f" Right: the resulting D*, interpolated, beside those of the widths (grey). {_exponents(analysis, control)}"
        f"{not_there(analysis)}"
    )
