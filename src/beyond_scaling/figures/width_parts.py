"""What the figures of width against data share: looks of sizes, colours in order of D, numbers and gaps in words."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from ..results import Record
from ..training.analysis import Analysis
from ..training.history import VALIDATION, column
from .radius_sites import listed
from .style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, titled


class Look(NamedTuple):
    """How one series is drawn: told apart without its colour too. ``fill`` is the colour as a ground."""

    colour: str
    fill: str
    dash: str
    symbol: str


LOOKS = (
    Look(BLUE, "rgba(0, 114, 178, 0.18)", "solid", "circle"),
    Look(ORANGE, "rgba(213, 94, 0, 0.18)", "dash", "square"),
    Look(GREEN, "rgba(0, 158, 115, 0.18)", "dot", "diamond"),
    Look(PINK, "rgba(204, 121, 167, 0.18)", "dashdot", "triangle-up"),
    Look(AMBER, "rgba(230, 159, 0, 0.18)", "longdash", "cross"),
    Look(GREY, "rgba(122, 130, 140, 0.18)", "longdashdot", "triangle-down"),
)

# From blue over violet to orange: 3:1 on white and on the dark ground all along, and in order for any colour vision.
_RAMP = ((0x2F, 0x7F, 0xC0), (0x9B, 0x6F, 0xA8), (0xCC, 0x62, 0x20))


# of the marks on a logarithmic axis: as few as will do
_LEADS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7))


def look(place: int) -> Look:
    """Of the series at a place; they begin anew after the sixth."""
    return LOOKS[place % len(LOOKS)]


def ramp(value: float, low: float, high: float) -> str:
    """The colour of a positive value between two others, in order of its logarithm."""
    share = math.log(value / low) / math.log(high / low) if high > low else 0.5
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    start = min(int(place), len(_RAMP) - 2)
    mixed = [a + (place - start) * (b - a) for a, b in zip(_RAMP[start], _RAMP[start + 1], strict=True)]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def faint(colour: str) -> str:
    """A colour ``#rrggbb`` as a ground."""
    return f"rgba({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:], 16)}, 0.22)"


def compact(value: float) -> str:
    """A count in three digits: 5,104 is 5.1k, 228,000 is 228k, 39,950,000 is 40M."""
    for power, letter in ((9, "G"), (6, "M"), (3, "k")):
        if value >= 0.9995 * 10**power:
            found = value / 10**power
            return f"{found:.1f}".removesuffix(".0") + letter if found < 99.95 else f"{found:.0f}{letter}"
    return f"{value:.0f}"


def log_axis(low: float, high: float, least: int = 3, **more: Any) -> dict[str, Any]:
    """A logarithmic axis over counts, or over numbers below 1: few marks, each with its value in three digits.

    Args:
        least: how many marks to have at least; fewer fit a panel that has half a narrow page.
    """
    for leads in _LEADS:
        every = (lead * 10.0**power for power in range(-6, 13) for lead in leads)
        marks = [mark for mark in every if low / 10 <= mark <= 10 * high]  # some beyond, for who zooms out
        if sum(low <= mark <= high for mark in marks) >= least:
            break
    texts = [compact(mark) if mark >= 1 else f"{mark:g}" for mark in marks]
    ends = [math.log10(low), math.log10(high)]
    return {"type": "log", "range": ends, "tickvals": marks, "ticktext": texts, "zeroline": False, **more}


def room(values: Sequence[float] | np.ndarray, share: float = 0.1) -> tuple[float, float]:
    """The ends of a logarithmic axis about positive values, with a share of it free at either side."""
    low, high = math.log(min(values)), math.log(max(values))
    free = share * max(high - low, 0.7)
    return math.exp(low - free), math.exp(high + free)


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, the minus as long as the plus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def evaluations(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Steps after which the validation loss was measured, and that loss, nats a token; (evaluations,) each."""
    losses = record.columns[column(VALIDATION)]
    there = np.flatnonzero(~np.isnan(losses))
    return record.columns["step"][there].astype(np.float64), losses[there].astype(np.float64)


def shorts(values: Sequence[float] | np.ndarray, digits: int = 4) -> list[float]:
    """Few digits are what can be seen; the page stays small."""
    return [float(f"{value:.{digits}g}") for value in np.asarray(values, dtype=np.float64).tolist()]


def not_measured(missing: Sequence[str], there: int) -> str:
    """A sentence on the runs that have no record, after a space; empty if all have one.

    Args:
        missing: their names. there: how many have one.
    """
    if not missing:
        return ""
    names = listed([*missing]) if len(missing) <= 3 else f"{len(missing)} of {there + len(missing)} runs"
    return f" Not measured yet: {names}."


def not_there(analysis: Analysis) -> str:
    """The same of a whole sweep, and how many of its runs were cut short and are left out."""
    found = analysis.families
    names = {cell.name for part in (found.width, found.depth, found.shuffled, found.again) for cell in part}
    cut = {name for grid in (analysis.width, analysis.depth, analysis.shuffled) for name in grid.left_out}
    said = not_measured(analysis.missing, len(names))
    if cut:
        said += f" Left out: {_runs(len(cut))} that ended before the window was full."
    return said


def not_yet(words: str) -> go.Figure:
    """A place kept in the page that says why there is nothing to draw yet."""
    drawing = go.Figure()
    drawing.add_annotation(
        text="<br>".join(textwrap.wrap(words, 46)), x=0, y=0.5, xref="paper", yref="paper", xanchor="left",
        align="left", showarrow=False, font={"size": 14},
    )  # fmt: skip
    drawing.update_xaxes(visible=False)
    drawing.update_yaxes(visible=False)
    return titled(drawing, height=130, title="", alt=words, margin={"l": 5, "r": 5, "t": 10, "b": 10})


def spread_words(low: float | None, high: float | None, digits: int = 2) -> str:
    """An interval in words: 1.8 to 2.1; "none" where there is none; infinite ends are said."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "none"
    return f"{_end(low, digits)} to {_end(high, digits)}"


def _end(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else "infinity" if value > 0 else "−infinity"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
