"""A model's median nearest-neighbour distance beside its controls', from a radius record."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..radius.settings import SIDES
from ..results import Record
from .radius_sites import LOOKS, bars, check_kind, short, told, variants, whole
from .style import BLUE, GREY, ORANGE, titled

_SIDES = {
    "before": ("before the final norm", BLUE, "circle"),
    "after": ("after the final norm", ORANGE, "square-open"),
}
_NAMES = 160  # px for the names of the rows; the titles begin where they do
_PANELS = (
    ("Median distance to the nearest other vector", "median"),
    ("The same over the root-mean-square norm", "median_over_rms_norm"),
    ("The same over the median distance of a pair", "median_over_pair"),
)


def figure(record: Record) -> go.Figure:
    """Median distances of the model and of its controls, before and after the final norm, with 95% intervals.

    Three panels, one below the other: in the model's unit, with the hypothesised distance; over the
    root-mean-square norm; over the median distance of two vectors. A row each for the model and every control.

    Raises:
        ValueError: the record is of another kind, or was measured without controls.
    """
    _check(record)
    found = variants(record)
    rows = [LOOKS[variant][0] for variant in found]
    drawing = make_subplots(rows=3, cols=1, vertical_spacing=0.13)
    for panel, (title, key) in enumerate(_PANELS, start=1):
        for side in SIDES:
            label, colour, symbol = _SIDES[side]
            points = {}
            for variant, sites in found.items():
                source = (whole(sites[side]) if panel == 1 else sites[side]["scale_free"]) if side in sites else {}
                if key in source:
                    points[LOOKS[variant][0]] = [float(source[key + end]) for end in ("_low", "", "_high")]
            low, middle, high = ([point[index] for point in points.values()] for index in range(3))
            drawing.add_trace(
                go.Scatter(
                    x=[short(value) for value in middle],
                    y=list(points),
                    error_x=bars(low, middle, high, thickness=1.4, width=4),
                    mode="markers",
                    name=label,
                    legendgroup=side,
                    showlegend=panel == 1,
                    marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2, "color": colour}},
                    hovertemplate=f"%{{y}}, {label}: %{{x:.4g}}<extra></extra>",
                ),
                row=panel,
                col=1,
            )
        axis = "" if panel == 1 else str(panel)
        drawing.add_annotation(
            text=f"<b>{title}</b>", showarrow=False, x=0, y=1, xref=f"x{axis} domain", yref=f"y{axis} domain",
            xanchor="left", yanchor="bottom", yshift=20 if panel == 1 else 6, xshift=-_NAMES,
        )  # fmt: skip
    hypothesis = record.summary["hypothesis"]
    drawing.add_shape(
        type="line", xref="x", yref="y domain", x0=hypothesis, x1=hypothesis, y0=0, y1=1,
        line={"color": GREY, "dash": "dash", "width": 1.8},
    )  # fmt: skip
    drawing.add_annotation(
        text=f"hypothesis {hypothesis:.2f}", showarrow=False, xref="x", yref="y domain", x=hypothesis, y=1,
        yanchor="bottom", yshift=2, font={"size": 12},
    )  # fmt: skip
    drawing.update_xaxes(rangemode="tozero", showgrid=True, zeroline=False)
    drawing.update_yaxes(
        categoryorder="array", categoryarray=rows[::-1], range=[-0.6, len(rows) - 0.4], showgrid=True, automargin=True
    )
    return titled(
        drawing, height=240 + 3 * 42 * len(rows), title="", alt=alt_text(record), caption=_caption(record),
        margin={"l": _NAMES + 5, "r": 20, "t": 60, "b": 40}, hovermode="closest",
        legend={"orientation": "h", "y": -0.08, "xref": "container", "x": 0.03},
    )  # fmt: skip


def alt_text(record: Record) -> str:
    """The numbers of the figure in words."""
    _check(record)
    parts = []
    for side in SIDES:
        words = []
        for variant, sites in variants(record).items():
            if side not in sites:
                continue
            text = f"{LOOKS[variant][0]} {told(whole(sites[side])['median'])}"
            if (ratio := sites[side]["scale_free"].get("median_over_rms_norm")) is not None:
                text += f" ({told(ratio)} of the root-mean-square norm)"
            words.append(text)
        parts.append(f"Median nearest-neighbour distance {_SIDES[side][0]}: {'; '.join(words)}.")
    return " ".join([*parts, f"The hypothesis is {record.summary['hypothesis']:.2f}."])


def _caption(record: Record) -> str:
    return (
        f"{record.summary['vectors']:,} activations of {record.parameters['model']} and as many of every control; bars"
        " are 95% intervals, often narrower than the mark. A change of unit moves every mark of the first panel and"
        " none of the others."
    )


def _check(record: Record) -> None:
    check_kind(record)
    if not record.summary["controls"]:
        raise ValueError(f"record {record.name!r} was measured without controls; expected one at least (--controls)")
