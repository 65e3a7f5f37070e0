"""The critical number of patterns against the dimension, all families in one: powers of n above, exponentials below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..hopfield.modern import ramsauer_capacity
from ..results import Record
from .capacity_parts import about, check_kind, fitted, grown, names, number, theory
from .radius_sites import bars
from .style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, titled
from .width_parts import log_axis, room, shorts


@dataclass(frozen=True)
class Line:
    """A series of the figure. ``printed``: log d* as Table 1 has it, up to a constant; None if it has none."""

    family: str
    series: str
    label: str
    colour: str
    symbol: str
    printed: Callable[[float], float] | None = None
    law: str = ""


def _power(exponent: float) -> Callable[[float], float]:
    return lambda n: exponent * math.log(n)


def _rate(rate: float) -> Callable[[float], float]:
    return lambda n: rate * n


POWERS = (
    Line("classical", "Hebb, from the pattern", "classical", BLUE, "circle", _power(1), "n"),
    Line("dense", "degree 3, one step", "degree 3", ORANGE, "square", _power(3), "n^3"),
    Line("dense", "degree 4, one step", "degree 4", GREEN, "diamond", _power(4), "n^4"),
    Line("dense", "degree 5, one step", "degree 5", PINK, "triangle-up", _power(5), "n^5"),
)
RATES = (
    Line("exponential", "all patterns are fixed", "exponential, all fixed", BLUE, "circle", _rate(math.log(2) / 2),
         "2^(n/2)"),
    Line("exponential", "a pattern is fixed", "exponential, one fixed", GREEN, "diamond", _rate(math.log(2) / 2),
         "2^(n/2)"),
    Line("exponential", "from 12.5% turned", "exponential, 12.5% turned", PINK, "triangle-up"),
    Line("modern", "sphere, from the pattern", "modern, from the pattern", ORANGE, "square"),
    Line("modern", "sphere, from overlap 0.8", "modern, from overlap 0.8", AMBER, "cross"),
)  # fmt: skip


def figure(records: Mapping[str, Record]) -> go.Figure:
    """Critical d with intervals, the line fitted to them, and through its middle the slope that Table 1 prints.

    Args:
        records: by family, those of `POWERS` and `RATES` at least.

    Raises:
        ValueError: a family or a series is missing, or a record is of another kind.
    """
    drawing = make_subplots(2, 1, vertical_spacing=0.2)  # room for a legend to each
    for row, lines in ((1, POWERS), (2, RATES)):
        for line in lines:
            _line(drawing, _record(records, line), line, row)
        places = [(n, value) for line in lines for n, value, _ in _points(_record(records, line), line)]
        d = room([value for _, value in places])
        drawing.update_yaxes(title="critical d", showgrid=True, row=row, col=1, **log_axis(*d))
        if row == 1:
            across = log_axis(*room([n for n, _ in places], 0.06))
        else:
            across = {"range": [0, 1.05 * max(n for n, _ in places)], "zeroline": False}
        drawing.update_xaxes(title={"text": "dimension n", "standoff": 4}, showgrid=False, row=row, col=1, **across)
    return titled(
        drawing, height=820, title="", alt=alt_text(records), caption=_caption(records),
        margin={"l": 60, "r": 10, "t": 10, "b": 45}, hovermode="closest", narrow_height=880,
        legend={"orientation": "h", "y": 0.53, "yanchor": "top"},
        legend2={"orientation": "h", "y": -0.07, "yanchor": "top"},
    )  # fmt: skip


def alt_text(records: Mapping[str, Record]) -> str:
    """The figure in words and numbers."""
    parts = ["Critical number of patterns d* against the dimension n."]
    for line in (*POWERS, *RATES):
        record = _record(records, line)
        each = ", ".join(f"{number(value)} at n = {n}" for n, value, _ in _points(record, line))
        parts.append(f"{line.label}: {each}{_law_words(record, line)}.")
    return " ".join(parts)


def _line(drawing: go.Figure, record: Record, line: Line, row: int) -> None:
    points = _points(record, line)
    sizes = np.array([n for n, _, _ in points], dtype=float)
    values = np.array([value for _, value, _ in points])
    axes = {"row": row, "col": 1}
    group = {"legendgroup": line.label}
    lows, highs = ([found.get(end, value) for _, value, found in points] for end in ("low", "high"))
    if len(points) > 1:
        ends = np.array([sizes.min(), sizes.max()])
        x = np.log(sizes) if row == 1 else sizes
        slope = float(np.polyfit(x, np.log(values), 1)[0])
        middle, height = float(x.mean()), float(np.log(values).mean())
        at = np.log(ends) if row == 1 else ends
        drawing.add_trace(
            go.Scatter(x=shorts(ends), y=shorts(np.exp(height + slope * (at - middle))), mode="lines", name="fitted",
                       line={"color": line.colour, "width": 1.7}, showlegend=False, hoverinfo="skip", **group),
            **axes,
        )  # fmt: skip
        if line.printed is not None:
            centre = math.exp(middle) if row == 1 else middle
            printed = [math.exp(height + line.printed(n) - line.printed(centre)) for n in ends]
            drawing.add_trace(
                go.Scatter(x=shorts(ends), y=shorts(printed), mode="lines", name=f"Table 1: {line.law}",
                           line={"color": GREY, "dash": "dash", "width": 1.5}, showlegend=False, hoverinfo="skip",
                           **group),
                **axes,
            )  # fmt: skip
    drawing.add_trace(
        go.Scatter(
            x=sizes.tolist(), y=shorts(values), mode="markers", name=line.label,
            marker={"color": line.colour, "symbol": line.symbol, "size": 8},
            error_y=bars(lows, values.tolist(), highs, thickness=1.5, width=3),
            hovertemplate=f"{line.label}, n = %{{x}}: d* = %{{y:,}}<extra></extra>",
            legend="legend" if row == 1 else "legend2", **group,
        ),
        **axes,
    )  # fmt: skip


def _points(record: Record, line: Line) -> list[tuple[int, float, Mapping[str, float]]]:
    """(n, critical d, its interval) for every n where it was found."""
    told = record.summary["series"][line.series]["n"]
    return [(int(n), float(found["critical"]), found) for n, found in told.items()]


def _law_words(record: Record, line: Line) -> str:
    found = fitted(record, line.series)
    if found is None:
        return ""
    text = f"; d* ~ {grown(about(record, line.series, 'law'), found)}"
    expected = theory(record, line.series).get("expected")
    if expected is not None:
        text += f", {grown(about(record, line.series, 'law'), {'value': expected})} in theory"
    return text + (f", Table 1 prints {line.law}" if line.law else "")


def ramsauer_words(n: int, beta: float = 1.0, probability: float = 0.5) -> str:
    """What Ramsauer et al.'s Theorem 3, the c^((n-1)/4) of Table 1, promises for the spheres that were measured."""
    found = ramsauer_capacity(n, math.sqrt(n / (n - 1)), beta, probability)
    value = math.exp(found.log_patterns)
    return f"c = {number(found.c)}, d = {number(value)} at n = {n}" + ("" if found.holds else ", which is no promise")


def _record(records: Mapping[str, Record], line: Line) -> Record:
    if line.family not in records:
        raise ValueError(f"no record of family {line.family!r} (there are {', '.join(records) or 'none'})")
    record = records[line.family]
    check_kind(record)
    if line.series not in names(record):
        raise ValueError(f"record {record.name!r} has no series {line.series!r}")
    return record


def _caption(records: Mapping[str, Record]) -> str:
    each = []
    for line in (*POWERS, *RATES):
        record = _record(records, line)
        found = fitted(record, line.series)
        if found is not None:
            each.append(f"{line.label} {grown(about(record, line.series, 'law'), found)}")
    level = float(next(iter(records.values())).parameters["interval"])
    return (
        "Critical d with intervals, and the line fitted to them. Above, both axes are logarithmic and a power of n is a"
        " straight line; below, only d is, and an exponential is. Dashed: the slope that Table 1 prints, through the"
        f" middle. Fitted, with {level:.0%} intervals: {'; '.join(each)}."
    )
