"""What the figures of the book cost: a bar for every command, by place, on a logarithmic axis of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ..commands import PLACES, Command
from ..run_costs import Told, in_bytes, in_time
from .radius_sites import listed, short
from .style import AMBER, BLUE, GREEN, GREY, PINK, titled

_COLOURS = {"start": GREY, "laptop": GREEN, "network": BLUE, "gpu": AMBER, "gpus": PINK}
_TICKS = {1: "1 s", 60: "1 min", 3600: "1 h", 86_400: "1 d"}
_ROW = 26  # pixels


@dataclass(frozen=True)
class Bar:
    """A command with the time it takes: of one core, or from least to most."""

    command: Command
    told: Told
    low: float
    high: float


def figure(commands: Mapping[str, Command], told: Mapping[str, Told]) -> go.Figure:
    """A row for each command whose cost is known, in the file's order; an estimate is a span, a measurement a mark.

    Raises:
        ValueError: no cost is known.
    """
    bars = bars_of(commands, told)
    drawing = go.Figure()
    heights = {bar.command.id: float(len(bars) - 1 - place) for place, bar in enumerate(bars)}
    for place, words in PLACES.items():
        chosen = [bar for bar in bars if bar.command.place == place]
        if not chosen:
            continue
        ends: dict[str, list[float | None]] = {"x": [], "y": []}
        for bar in chosen:
            ends["x"] += [short(_left(bars)) if bar.low == bar.high else short(bar.low), short(bar.high), None]
            ends["y"] += [heights[bar.command.id]] * 2 + [None]
        estimated = all(bar.told.kind == "estimate" for bar in chosen)
        drawing.add_trace(
            go.Scatter(
                **ends, mode="lines", line={"color": _COLOURS[place], "width": 6 if estimated else 2},
                opacity=0.75, showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        drawing.add_trace(
            go.Scatter(
                x=[short(bar.high) for bar in chosen], y=[heights[bar.command.id] for bar in chosen], mode="markers",
                name=words + (" (estimates)" if estimated else ""), text=[_words(bar) for bar in chosen],
                marker={"color": _COLOURS[place], "size": 10, "symbol": "diamond" if estimated else "circle"},
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    right = max(bar.high for bar in bars) * 1.6
    drawing.update_xaxes(
        type="log", range=[float(np.log10(_left(bars))), float(np.log10(right))], showgrid=True, zeroline=False,
        tickvals=list(_TICKS), ticktext=list(_TICKS.values()), tickangle=0,
    )  # fmt: skip
    drawing.update_yaxes(
        tickvals=list(heights.values()), ticktext=list(heights), range=[-0.7, len(bars) - 0.3], showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return titled(
        drawing, height=110 + _ROW * len(bars), title="", alt=alt_text(commands, told), caption=_caption(bars),
        margin={"l": 125, "r": 15, "t": 10, "b": 40}, legend={"orientation": "h", "y": -0.08}, hovermode="closest",
        narrow_height=190 + _ROW * len(bars),
    )  # fmt: skip


def alt_text(commands: Mapping[str, Command], told: Mapping[str, Told]) -> str:
    """The figure in words and numbers."""
    bars = bars_of(commands, told)
    parts = ["The time that each command takes."]
    for place, words in PLACES.items():
        chosen = [bar for bar in bars if bar.command.place == place]
        if chosen:
            parts.append(f"{words}: {'; '.join(_words(bar) for bar in chosen)}.")
    return " ".join(parts)


def bars_of(commands: Mapping[str, Command], told: Mapping[str, Told]) -> list[Bar]:
    """The commands whose time is known."""
    bars = []
    for name, command in commands.items():
        if seconds := told[name].seconds:
            bars.append(Bar(command, told[name], max(min(seconds), 0.1), max(*seconds, 0.1)))
    if not bars:
        raise ValueError("no command with a cost, expected one at least")
    return bars


def _left(bars: list[Bar]) -> float:
    return min(bar.low for bar in bars) / 1.6


def _words(bar: Bar) -> str:
    memory = "" if bar.told.bytes is None else f", {in_bytes(bar.told.bytes)}"
    if bar.low == bar.high:
        return f"{bar.command.id} {in_time(bar.high)}{memory}"
    return f"{bar.command.id} {in_time(bar.low)} to {in_time(bar.high)} by an estimate{memory} at least"


def _caption(bars: list[Bar]) -> str:
    unknown = [bar for bar in bars if bar.told.kind == "estimate"]
    text = "A row for each command, by the name that it has below. Circles: time of one core, measured. "
    if unknown:
        text += (
            f"Bars: estimates for {listed([bar.command.id for bar in unknown])}, between two speeds that a GPU may"
            " sustain; nobody has measured them here."
        )
    return text.strip()
