"""What the figures of radius records share: which records they take, sites in order, numbers with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from ..radius.settings import KIND
from ..results import Record
from .style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK

# name, colour, dash and symbol of the model and its controls: told apart without colour too
LOOKS: dict[str, tuple[str, str, str, str]] = {
    "model": ("the model", BLUE, "solid", "circle"),
    "gaussian": ("Gaussian, same covariance", ORANGE, "dot", "square"),
    "untrained": ("untrained weights", GREEN, "dash", "diamond"),
    "shuffled": ("shuffled tokens", PINK, "dashdot", "triangle-up"),
    "rescaled": ("norm gain doubled", AMBER, "longdash", "cross"),
}


def check_kind(record: Record) -> None:
    """Raise ValueError unless the record is one of the radius, of the version that this package reads."""
    if record.kind != KIND:
        raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {KIND!r}")
    if "sites" not in record.summary:
        raise ValueError(f"record {record.name!r} was measured by an older version: measure again")


def variants(record: Record) -> dict[str, Mapping[str, Any]]:
    """Site summaries of the model and of every control, by name."""
    return {"model": record.summary["sites"], **record.summary["controls"]}


def whole(found: Mapping[str, Any]) -> Any:
    """A site's distances at the largest share of the vectors."""
    return found["distance"][max(found["distance"], key=float)]


def layers_of(found: Mapping[str, Any]) -> list[str]:
    """The numbered sites along the stream, in order: layer-0, layer-1..."""
    return sorted((site for site in found if site.startswith("layer-")), key=lambda site: int(site.partition("-")[2]))


def bars(low: list[float], middle: list[float], high: list[float], **look: Any) -> dict[str, Any]:
    """Plotly's error bars from the ends of intervals, which need not be symmetric."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [short(h - m) for m, h in zip(middle, high, strict=True)],
        "arrayminus": [short(m - lo) for m, lo in zip(middle, low, strict=True)],
        **look,
    }


def hypothesis_line(record: Record, ends: list[float]) -> go.Scatter:
    """The hypothesised distance across a panel. Its number is in the legend: on the line it would cross the curves."""
    hypothesis = record.summary["hypothesis"]
    return go.Scatter(
        x=ends, y=[hypothesis] * 2, mode="lines", name=f"hypothesis 2√(n/2πe) = {hypothesis:.2f}",
        line={"color": GREY, "dash": "dash", "width": 1.8}, hoverinfo="skip", legendrank=1001,
    )  # fmt: skip


def short(value: float) -> float:
    """Four digits are what can be seen; the page stays small."""
    return float(f"{value:.4g}")


def told(value: float) -> str:
    """A number in words for readers who cannot see the figure."""
    return f"{value:.3g}"


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
