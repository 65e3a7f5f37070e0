"""Chapter 11's figures: Table 2 against eq 1, best sizes against data, and every exponent beside the claimed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ..balance import (
    CHINCHILLA,
    TABLE_2,
    TABLE_3,
    TABLE_3_SPACING,
    Interval,
    ScalingLaw,
    exponent,
    fit_exponent,
)
from ..published import LAW, SIZES, law_of
from ..results import Record
from .style import AMBER, BLUE, GREEN, GREY, ORANGE, PINK, UNDER_TEXT, titled

# Porian et al.'s five procedures, from Kaplan et al.'s to a tuned one; each changes one thing more.
PROCEDURES = {
    "base/long/kaplan/kaplan/train": "as Kaplan et al.",
    "base/long/kaplan/standard/val": "+ output layer counted",
    "base/short/kaplan/standard/val": "+ short warm-up",
    "base/short/chinchilla/standard/val": "+ decay over the run",
    "tuned/short/const/standard/val": "+ tuned optimiser",
}
DATASETS = {"owt2": "OpenWebText2", "rw": "RefinedWeb"}
_LOOKS = ((PINK, "circle"), (AMBER, "square"), (GREEN, "diamond"), (GREY, "triangle-up"), (BLUE, "triangle-down"))


def table_2(refit: ScalingLaw) -> go.Figure:
    """The losses that Table 2 reports beside those of eq 1, with the quoted numbers and with those of ``refit``."""
    rows = list(reversed(TABLE_2))
    names = [row.model for row in rows]
    marks = [
        ("eq 1, as quoted", [CHINCHILLA.loss(row.n_params, row.n_tokens) for row in rows], GREEN, "circle"),
        ("eq 1, re-fitted", [refit.loss(row.n_params, row.n_tokens) for row in rows], AMBER, "square"),
        ("reported in Table 2", [row.loss for row in rows], BLUE, "diamond"),
    ]
    figure = go.Figure()
    for name, low, high in zip(names, marks[0][1], marks[2][1], strict=True):
        figure.add_trace(
            go.Scatter(x=[low, high], y=[name, name], mode="lines", line={"color": GREY, "width": 1.5},
                       showlegend=False, hoverinfo="skip")
        )  # fmt: skip
    for label, values, colour, symbol in marks:
        figure.add_trace(
            go.Scatter(
                x=[round(value, 4) for value in values],
                y=names,
                mode="markers",
                name=label,
                marker={"color": colour, "symbol": symbol, "size": 11},
                hovertemplate=f"%{{y}}: %{{x:.3f}}, {label}<extra></extra>",
            )
        )
    words = "; ".join(
        f"{row.model} {row.loss:.1f}, against {CHINCHILLA.loss(row.n_params, row.n_tokens):.2f} and"
        f" {refit.loss(row.n_params, row.n_tokens):.2f}"
        for row in TABLE_2
    )
    alt = (
        "The losses of Table 2's six models as reported, against equation 1 with the quoted and with the re-fitted"
        f" numbers: {words}."
    )
    figure.update_xaxes(title_text="loss (nats a token)", range=[1.6, 2.75], showgrid=True, zeroline=False)
    figure.update_yaxes(showgrid=False)
    figure.add_vline(x=1.61, line={"color": GREY, "dash": "dot", "width": 1.2})
    return titled(
        figure,
        height=400,
        title="Table 2 against eq 1",
        alt=alt,
        caption="Dotted: the intercept E = 1.61 as quoted. The re-fitted law is that of the 240 points below.",
        margin={"l": 90, "r": 20, "t": 50, "b": 50},
        legend={"orientation": "h", "y": -0.22},
    )


def best_sizes(isoflop: Record, unique: Record, dataset: str = "rw") -> go.Figure:
    """Best model size against data: runs at budgets of compute and of distinct tokens, and Table 3, over lines D^p.

    Raises:
        ValueError: a record of another kind, or a dataset the first one does not have.
    """
    _check(isoflop, SIZES)
    _check(unique, SIZES)
    columns = isoflop.columns
    figure = go.Figure()
    middle = TABLE_3[1]
    reach = np.array([6e7, 1.6e10])
    for p, dash in ((1, "dot"), (2, "dash"), (4, "dashdot")):
        line = middle.n_params * (reach / middle.d_star) ** p
        figure.add_trace(
            go.Scatter(
                x=reach.tolist(),
                y=line.tolist(),
                mode="lines",
                line={"color": GREY, "dash": dash, "width": 1.6},
                name=f"N ~ D{'' if p == 1 else '²' if p == 2 else '⁴'}",
                hoverinfo="skip",
            )
        )
    for (key, words), (colour, symbol) in zip(PROCEDURES.items(), _LOOKS, strict=True):
        here = columns["series"] == f"{dataset}/{key}"
        if not here.any():
            raise ValueError(f"record {isoflop.name!r} has no series {dataset}/{key}")
        order = np.argsort(columns["budget"][here])
        tokens, sizes = columns["tokens"][here][order], columns["size"][here][order]
        figure.add_trace(_points(tokens, sizes, words, colour, symbol, lines=True))
    tokens, sizes = unique.columns["tokens"], unique.columns["size"]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": _short(unique.columns["size_high"] - sizes),
        "arrayminus": _short(sizes - unique.columns["size_low"]),
        "color": ORANGE,
    }
    trace = _points(tokens, sizes, "distinct tokens, read as often as helps", ORANGE, "x", lines=True)
    figure.add_trace(trace.update(error_y=spread))
    row_tokens, row_sizes = [row.d_star for row in TABLE_3], [row.n_params for row in TABLE_3]
    figure.add_trace(_points(row_tokens, row_sizes, "the paper’s Table 3 (D*)", ORANGE, "star", size=14))
    numbers = isoflop.summary["series"]
    listed = ", ".join(f"{words}: {numbers[f'{dataset}/{key}']['exponent']:.2f}" for key, words in PROCEDURES.items())
    alt = (
        f"Best model size against tokens on logarithmic axes. On {DATASETS[dataset]}, at fixed compute, five procedures"
        f" give lines of different slope ({listed}). For a fixed number of distinct tokens the slope is"
        f" {unique.summary['series']['all']['exponent']:.2f}. Table 3's three points lie close together near"
        f" {middle.d_star / 1e6:.0f} million tokens. Grey lines through their middle show slopes 1, 2 and 4."
    )
    axis = {"type": "log", "exponentformat": "power", "dtick": 1, "showgrid": True, "zeroline": False}
    figure.update_xaxes(title_text="tokens D", range=[np.log10(v) for v in reach], **axis)
    figure.update_yaxes(title_text="parameters N", range=[5.6, 9.3], **axis)
    return titled(
        figure,
        height=620,
        title="The best model size for the data",
        alt=alt,
        caption=(
            f"Lines with marks: the size of least loss at each budget of compute, {DATASETS[dataset]}, from Porian et"
            " al.’s runs. Crosses: the size of least validation loss for a fixed number of distinct tokens, from"
            " Muennighoff et al.’s; bars reach to the neighbouring sizes tried. Stars: Table 3."
        ),
        margin={"l": 60, "r": 15, "t": 50, "b": 50},
        legend={"orientation": "h", "y": -0.13},
        narrow_height=760,
    )


@dataclass(frozen=True)
class Row:
    """An exponent in the list: its ``value``, a statistical ``interval`` if any, and what a grid allows, if any."""

    words: str
    value: float
    interval: Interval | None = None
    cells: Interval | None = None
    kind: str = "fit"


def exponent_rows(
    laws: Sequence[tuple[str, Record]], isoflop: Record, unique: Record, dataset: str = "rw"
) -> list[Row]:
    """Every measured p of N ~ D^p in this chapter, and the derived ones, in the order in which they are drawn.

    Raises:
        ValueError: a record of another kind.
    """
    fit = fit_exponent([row.n_params for row in TABLE_3], [row.d_star for row in TABLE_3], TABLE_3_SPACING)
    models = fit_exponent([row.n_params for row in TABLE_2], [row.n_tokens for row in TABLE_2])
    rows = [
        Row("Proposition 5, as printed", exponent("printed"), kind="derived"),
        Row("Proposition 5, in Table 3’s setting", exponent("experiment"), kind="derived"),
        Row("Table 3, D*", fit.slope, fit.interval, fit.quantisation),
        Row("Table 2, models as published", models.slope, models.interval),
        Row("eq 1, as quoted: β/α", CHINCHILLA.exponent, kind="derived"),
    ]
    for words, record in laws:
        _check(record, LAW)
        ends = record.summary["intervals"]["exponent"]
        rows.append(Row(f"eq 1, {words}: β/α", law_of(record).exponent, Interval(ends["low"], ends["high"])))
    _check(isoflop, SIZES)
    _check(unique, SIZES)
    for key, words in PROCEDURES.items():
        rows.append(_series_row(f"fixed compute: {words}", isoflop, f"{dataset}/{key}"))
    rows.append(_series_row("fixed distinct tokens", unique, "all"))
    return rows


def exponents(laws: Sequence[tuple[str, Record]], isoflop: Record, unique: Record, dataset: str = "rw") -> go.Figure:
    """The p of N ~ D^p, claimed, derived and measured, each with its interval."""
    rows = exponent_rows(laws, isoflop, unique, dataset)
    heights = [float(len(rows) - 1 - k) for k in range(len(rows))]  # from the top down
    shown = (0.2, 12.0)  # a logarithmic axis; intervals that go on are cut here
    figure = go.Figure()

    def bars(ends: list[Interval | None], name: str, width: int, colour: str) -> None:
        x: list[float | None] = []
        y: list[float | None] = []
        for height, interval in zip(heights, ends, strict=True):
            if interval is not None:
                x += [max(interval.low, shown[0]), min(interval.high, shown[1]), None]
                y += [height, height, None]
        figure.add_trace(
            go.Scatter(x=x, y=y, mode="lines", name=name, line={"color": colour, "width": width}, hoverinfo="skip")
        )

    bars([row.cells for row in rows], "what the grid tried allows", 11, "rgba(230, 159, 0, 0.45)")
    bars([row.interval for row in rows], "95% interval", 2, BLUE)
    for kind, name, colour, symbol in (("fit", "measured", BLUE, "circle"), ("derived", "derived", ORANGE, "diamond")):
        chosen = [(row, height) for row, height in zip(rows, heights, strict=True) if row.kind == kind]
        figure.add_trace(
            go.Scatter(
                x=[round(row.value, 4) for row, _ in chosen],
                y=[height for _, height in chosen],
                text=[row.words for row, _ in chosen],
                mode="markers",
                name=name,
                marker={"color": colour, "symbol": symbol, "size": 10},
                hovertemplate="%{text}: %{x:.2f}<extra></extra>",
            )
        )
    for row, height in zip(rows, heights, strict=True):
        # Above its line: beside the plot, the names would leave a narrow page no room for it.
        figure.add_annotation(
            text=row.words, x=0, xref="paper", xanchor="left", y=height, yanchor="bottom", yshift=7,
            showarrow=False, font={"size": 12}, bgcolor=UNDER_TEXT, borderpad=0,
        )  # fmt: skip
    for p in (1, 2, 4):
        figure.add_vline(x=p, line={"color": GREY, "dash": "dash" if p == 2 else "dot", "width": 1.3})
    figure.update_xaxes(
        type="log", title_text="p of N ~ D<sup>p</sup>", range=[np.log10(shown[0]), np.log10(shown[1])], zeroline=False,
        tickvals=[0.25, 0.5, 1, 2, 4, 8], ticktext=["¼", "½", "1", "2", "4", "8"], showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(range=[-0.6, len(rows) - 0.2], showticklabels=False, ticks="", showgrid=False, zeroline=False)
    return titled(
        figure,
        height=680,
        title="How size should grow with data",
        alt="Exponents p of N ~ D^p. " + " ".join(_told(row) for row in rows),
        caption=(
            f"Fixed compute: {DATASETS[dataset]}. Wide bars: exponents for which one power law passes through every"
            " cell of the grid that was tried. Intervals that leave the picture are cut."
        ),
        margin={"l": 15, "r": 15, "t": 50, "b": 50},
        legend={"orientation": "h", "y": -0.1},
        narrow_height=740,
    )


# --- inside -----------------------------------------------------------------------------------------------


def _series_row(words: str, record: Record, series: str) -> Row:
    if series not in record.summary["series"]:
        raise ValueError(f"record {record.name!r} has no series {series!r}")
    numbers = record.summary["series"][series]

    def ends(low: str, high: str) -> Interval:
        return Interval(numbers.get(low, -np.inf), numbers.get(high, np.inf))

    return Row(words, numbers["exponent"], ends("low", "high"), ends("cells_low", "cells_high"))


def _told(row: Row) -> str:
    def ends(interval: Interval) -> str:
        return f"{interval.low:.2f} to {interval.high:.2f}"

    text = f"{row.words}: {row.value:.2f}"
    if row.interval is not None:
        text += f", 95% interval {ends(row.interval)}"
    if row.cells is not None:
        text += f", the grid allows {ends(row.cells)}"
    return text + "."


def _points(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    name: str,
    colour: str,
    symbol: str,
    *,
    size: int = 8,
    lines: bool = False,
) -> go.Scatter:
    return go.Scatter(
        x=_short(x),
        y=_short(y),
        mode="lines+markers" if lines else "markers",
        name=name,
        line={"color": colour, "width": 1.2},
        marker={"color": colour, "symbol": symbol, "size": size},
        hovertemplate=f"{name}<br>D %{{x:.3s}}, N %{{y:.3s}}<extra></extra>",
    )


def _short(values: Sequence[float] | np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _check(record: Record, kind: str) -> None:
    if record.kind != kind:
        raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {kind!r}")
