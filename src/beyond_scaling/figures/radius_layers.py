"""How far apart neighbours are along the residual stream, from a radius record: in the model's unit, and in none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..results import Record
from .radius_sites import LOOKS, bars, check_kind, hypothesis_line, layers_of, listed, short, told, variants, whole
from .style import titled

_PANELS = ("Median distance to the nearest other vector", "The same over the root-mean-square norm")


def figure(record: Record) -> go.Figure:
    """Median nearest-neighbour distance at every recorded layer and after the final norm, with 95% intervals.

    The upper panel is in the model's own unit and has the hypothesised 2 sqrt(n / (2 pi e)) across it; in the lower
    one distances are over the root-mean-square norm at that layer, which no change of unit moves. Controls that were
    measured at the layers too are drawn beside the model.

    Raises:
        ValueError: the record is of another kind, or was measured without layers.
    """
    _check(record)
    drawing = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.11)
    names, numbers = _stream(record)
    end = numbers[-1] + max(1, round((numbers[-1] - numbers[0]) / 6))  # where the norm's own point stands
    for variant, found in variants(record).items():
        if names[0] not in found:
            continue
        for row in (1, 2):
            for trace in _traces(variant, found, names, numbers, end, row):
                drawing.add_trace(trace, row=row, col=1)
    across = [numbers[0] - 0.04 * (end - numbers[0]) - 0.1, end + 0.04 * (end - numbers[0]) + 0.1]
    drawing.add_trace(hypothesis_line(record, across), row=1, col=1)
    for row, title in enumerate(_PANELS, start=1):
        axis = "" if row == 1 else str(row)
        drawing.add_annotation(
            text=f"<b>{title}</b>", showarrow=False, x=0, y=1, xref=f"x{axis} domain", yref=f"y{axis} domain",
            xanchor="left", yanchor="bottom", yshift=6, xshift=-45,  # from the figure's edge: a phone has no more room
        )  # fmt: skip
    step = max(1, len(numbers) // 8)
    ticks = {number: str(number) for number in numbers[::step]}
    if names[-1] == "before":
        ticks[numbers[-1]] = "last"
    drawing.update_xaxes(
        tickvals=[*ticks, end], ticktext=[*ticks.values(), "norm"], showgrid=False, zeroline=False,
        tickangle=0, range=across,
    )  # fmt: skip
    drawing.update_xaxes(title={"text": "what leaves this block (0: what enters the first)"}, row=2, col=1)
    drawing.update_yaxes(rangemode="tozero", showgrid=True, zeroline=False)
    drawing.update_yaxes(title_text="distance", row=1, col=1)
    drawing.update_yaxes(title_text="distance / norm", row=2, col=1)
    return titled(
        drawing, height=680, narrow_height=740, title="", alt=alt_text(record), caption=_caption(record),
        margin={"l": 60, "r": 20, "t": 40, "b": 50}, legend={"orientation": "h", "y": -0.11},
    )  # fmt: skip


def alt_text(record: Record) -> str:
    """The numbers of the figure, a sentence a line."""
    _check(record)
    names, _ = _stream(record)
    last = "the last" if names[-1] == "before" else names[-1]
    parts = [
        f"Median nearest-neighbour distance of {record.summary['vectors']:,} activations of"
        f" {record.parameters['model']} at {len(names)} layers and after the final norm."
    ]
    for variant, found in variants(record).items():
        if names[0] not in found:
            continue
        medians = listed([told(whole(found[name])["median"]) for name in names])
        ratios = listed([told(ratio) for name in names if (ratio := _ratio(found[name])) is not None])
        parts.append(
            f"{LOOKS[variant][0].capitalize()}: {medians} from {names[0]} to {last},"
            f" {told(whole(found['after'])['median'])} after the norm; over the root-mean-square norm {ratios}."
        )
    parts.append(f"The hypothesis 2 sqrt(n / (2 pi e)) is {record.summary['hypothesis']:.2f} at every layer.")
    return " ".join(parts)


def _stream(record: Record) -> tuple[list[str], list[int]]:
    """Sites along the stream and where they stand: what leaves the last block too, one step on, if unnumbered."""
    sites = record.summary["sites"]
    names = layers_of(sites)
    numbers = [int(name.removeprefix("layer-")) for name in names]
    if whole(sites[names[-1]])["median"] != whole(sites["before"])["median"]:
        names, numbers = [*names, "before"], [*numbers, 2 * numbers[-1] - numbers[-2]]
    return names, numbers


def _traces(
    variant: str, found: Mapping[str, Any], names: list[str], numbers: list[int], end: int, row: int
) -> list[go.Scatter]:
    """The line along the stream and, on its own, the point after the norm."""
    label, colour, dash, symbol = LOOKS[variant]
    traces = []
    for sites, places, mode in ((names, numbers, "lines+markers"), (["after"], [end], "markers")):
        values = [_values(found[site], row) for site in sites]
        kept = [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
        low, middle, high = ([value[index] for _, value in kept] for index in range(3))
        traces.append(
            go.Scatter(
                x=[place for place, _ in kept],
                y=[short(value) for value in middle],
                error_y=bars(low, middle, high, thickness=1.2, width=3),
                mode=mode,
                name=label,
                legendgroup=variant,
                showlegend=row == 1 and len(sites) > 1,
                line={"color": colour, "dash": dash, "width": 2.2 if variant == "model" else 1.5},
                marker={"color": colour, "symbol": symbol, "size": 8 if variant == "model" else 6},
                hovertemplate=f"%{{x}}: %{{y:.4g}}<extra>{label}</extra>",
            )
        )
    return traces


def _values(found: Mapping[str, Any], row: int) -> tuple[float, float, float] | None:
    """Low end, median and high end in the unit of a panel; None where every vector is zero."""
    source, key = (whole(found), "median") if row == 1 else (found["scale_free"], "median_over_rms_norm")
    return (source[f"{key}_low"], source[key], source[f"{key}_high"]) if key in source else None


def _ratio(found: Mapping[str, Any]) -> float | None:
    value: float | None = found["scale_free"].get("median_over_rms_norm")
    return value


def _caption(record: Record) -> str:
    return (
        f"Median distance to the nearest of {record.summary['vectors']:,} activations of {record.parameters['model']},"
        " layer by layer; bars are 95% intervals. The hypothesis is one and the same number for all layers."
    )


def _check(record: Record) -> None:
    check_kind(record)
    if len(layers_of(record.summary["sites"])) < 2:
        raise ValueError(f"record {record.name!r} was measured without layers; expected two at least (--layers)")
