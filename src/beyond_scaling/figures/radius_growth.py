"""Mean nearest-neighbour distance against the number of vectors, its power law, and where that leads."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from ..radius.growth import fit_growth
from ..radius.settings import AT, SIDES, column_name, fraction_name
from ..results import Record
from .radius_sites import bars, check_kind, hypothesis_line, listed, short, told
from .style import BLUE, ORANGE, titled

_LOOKS = {
    "before": ("before the final norm", BLUE, "solid", "circle"),
    "after": ("after the final norm", ORANGE, "dash", "square"),
}
_BANDS = {"before": "rgba(0, 114, 178, 0.16)", "after": "rgba(213, 94, 0, 0.16)"}
POINTS = 41


def figure(record: Record, *others: Record, most: float = AT[-1]) -> go.Figure:
    """Mean distances at the record's shares of the vectors, the fitted C m^(-1/k), and its extrapolation.

    Both axes are logarithmic. Bands are the fit's own 95% intervals, which hold if the power law does. A dashed line
    is the hypothesised distance. Open marks are the means of `others`, records of the same model at other sizes; the
    line is fitted to `record` alone. (Of one seed and text, the chunks of a smaller record are among a larger one's.)

    Args:
        most: how many vectors to extrapolate to.

    Raises:
        ValueError: a record of another kind, of another model among `others`, or one measured at one share alone.
    """
    _check(record, others)
    drawing = go.Figure()
    smallest = min(_size(each, fraction) for each in (record, *others) for fraction in each.parameters["fractions"])
    grid = [round(count) for count in np.geomspace(max(2, 0.8 * smallest), most, POINTS).tolist()]
    for side in SIDES:
        label, colour, dash, symbol = _LOOKS[side]
        line = fitted(record, side, grid)
        drawing.add_trace(
            go.Scatter(
                x=[*grid, *grid[::-1]],
                y=[short(line[m]["high"]) for m in grid] + [short(line[m]["low"]) for m in grid[::-1]],
                fill="toself", fillcolor=_BANDS[side], line={"width": 0}, legendgroup=side, showlegend=False,
                hoverinfo="skip", mode="lines",
            )
        )  # fmt: skip
        drawing.add_trace(
            go.Scatter(
                x=grid, y=[short(line[m]["mean"]) for m in grid], mode="lines", legendgroup=side, showlegend=False,
                line={"color": colour, "dash": dash, "width": 1.8},
                hovertemplate=f"fit, {label}: %{{y:.4g}} at %{{x:,.3g}}<extra></extra>",
            )
        )  # fmt: skip
        for each in (record, *others):
            own = each is record
            found = each.summary["sites"][side]["distance"]
            fractions = sorted(each.parameters["fractions"])
            numbers = [found[fraction_name(fraction)] for fraction in fractions]
            low, middle, high = ([n[key] for n in numbers] for key in ("mean_low", "mean", "mean_high"))
            drawing.add_trace(
                go.Scatter(
                    x=[_size(each, fraction) for fraction in fractions],
                    y=[short(value) for value in middle],
                    error_y=bars(low, middle, high, thickness=1.2, width=3),
                    mode="markers",
                    name=label if own else f"{label}, other sample sizes",
                    legendgroup=side if own else f"{side} {each.name}",
                    showlegend=own or each is others[0],
                    marker={
                        "color": colour, "symbol": symbol if own else f"{symbol}-open", "size": 9,
                        "line": {"width": 2, "color": colour},
                    },
                    hovertemplate=f"{label}: %{{y:.4g}} at %{{x:,}}<extra></extra>",
                )
            )  # fmt: skip
    drawing.add_trace(hypothesis_line(record, [grid[0], grid[-1]]))
    drawing.update_xaxes(
        type="log", title="number of vectors m", showgrid=False, dtick=1, exponentformat="power",
        range=[math.log10(grid[0]), math.log10(grid[-1])],
    )  # fmt: skip
    # plotly would label 2 and 20 alike
    marks = [lead * 10.0**power for power in range(-9, 10) for lead in (1, 2, 3, 5, 7)]
    drawing.update_yaxes(
        type="log", title="mean distance to the nearest other", showgrid=True, tickvals=marks,
        ticktext=[f"{mark:,.10g}" for mark in marks],
    )  # fmt: skip
    return titled(
        drawing, height=480, narrow_height=530, title="", alt=alt_text(record, *others), caption=_caption(record),
        margin={"l": 60, "r": 20, "t": 30, "b": 50}, legend={"orientation": "h", "y": -0.18}, hovermode="closest",
    )  # fmt: skip


def alt_text(record: Record, *others: Record) -> str:
    """The numbers of the figure in words."""
    _check(record, others)
    parts = [f"Mean nearest-neighbour distance of activations of {record.parameters['model']} against their number."]
    for side in SIDES:
        found = record.summary["sites"][side]
        means = [f"{told(numbers['mean'])} at {numbers['count']:,}" for numbers in found["distance"].values()]
        growth = found["growth"]
        text = f"{_LOOKS[side][0].capitalize()}: {listed(means)} vectors"
        if "estimate" in growth.get("dimension", {}):
            text += f"; the fit falls like m to the power -1/k with k = {told(growth['dimension']['estimate'])}"
        if "vectors" in growth.get("reaches_hypothesis", {}):
            text += f" and meets the hypothesis at {growth['reaches_hypothesis']['vectors']:.2g} vectors"
        parts.append(text + ".")
    for other in others:
        for side in SIDES:
            distance = other.summary["sites"][side]["distance"]
            last = distance[max(distance, key=float)]
            measured = f"{told(last['mean'])} at {last['count']:,} vectors"
            parts.append(f"Measured at another sample size, {_LOOKS[side][0]}: {measured}.")
    parts.append(f"The hypothesis is {record.summary['hypothesis']:.2f}.")
    return " ".join(parts)


def fitted(record: Record, side: str, counts: list[int]) -> dict[int, dict[str, float]]:
    """`mean`, `low` and `high` of the power law fitted to a radius record, at every number of vectors asked for.

    Args:
        side: "before" or "after" the final norm. counts: 2 or more each.

    Raises:
        ValueError: a record of another kind, or one whose distances follow no power law (all of them 0, one share).
    """
    check_kind(record)
    fractions = record.parameters["fractions"]
    found = fit_growth(
        {fraction: record.columns[column_name(side, fraction)] for fraction in fractions},
        record.summary["vectors"],
        hypothesis=record.summary["hypothesis"],
        at=counts,
        seed=record.seed,
        inflation=record.summary["sites"][side]["dependence"],
    )
    line = {int(count): values for count, values in found.get("at", {}).items()}
    if not line or any(set(values) != {"mean", "low", "high"} for values in line.values()):
        raise ValueError(f"record {record.name!r}: no power law {side} the final norm; expected distances above 0")
    return line


def _size(record: Record, fraction: float) -> int:
    return int(record.summary["sites"]["before"]["distance"][fraction_name(fraction)]["count"])


def _caption(record: Record) -> str:
    return (
        f"Mean distance to the nearest other of m activations of {record.parameters['model']}, with 95% intervals, and"
        " the power law fitted to them. Beyond the marks the line is an extrapolation: its band says what the fit is"
        " unsure of, not whether the law goes on."
    )


def _check(record: Record, others: tuple[Record, ...]) -> None:
    for each in (record, *others):
        check_kind(each)
        if each.parameters["model"] != record.parameters["model"]:
            raise ValueError(f"record {each.name!r} is of {each.parameters['model']}, not {record.parameters['model']}")
    if len(record.parameters["fractions"]) < 2:
        raise ValueError(f"record {record.name!r} was measured at one share of the vectors; a fit needs two")
