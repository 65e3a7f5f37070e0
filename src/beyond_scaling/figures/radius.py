"""Figure 2 (top) of the paper, from a record: how far every activation is from its nearest neighbour."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..radius.settings import SIDES, column_name, hypothesised_distance
from ..results import Record
from .radius_sites import check_kind
from .style import BLUE, GREEN, GREY, ORANGE, PINK, titled

PAPER_DISTANCE, PAPER_WIDTH, PAPER_MODEL = 20.0, 1024, "GPT-2 medium"  # Appendix F.1: "approximately to 20"
BINS = 44
_TITLES = {"before": "Before the final norm", "after": "After the final norm"}
_STYLES = (
    (PINK, "dot"),
    (ORANGE, "dashdot"),
    (GREEN, "dash"),
    (BLUE, "solid"),
)  # told apart without colour too
_SHADE = "rgba(122, 130, 140, 0.18)"  # a ground for the largest subset, on white and on dark


def figure(record: Record) -> go.Figure:
    """Histograms of a radius record at its fractions, before and after the final norm, one panel each.

    In every panel all fractions share their bins; short lines under the curves are medians. Across
    the panel stand the hypothesised 2 sqrt(n / (2 pi e)), the paper's own value (GPT-2 medium), and the
    median for a Gaussian of the same covariance if the record has it.

    Raises:
        ValueError: the record is of another kind.
    """
    check_kind(record)
    drawing = make_subplots(rows=2, cols=1, vertical_spacing=0.24)
    for row, side in enumerate(SIDES, start=1):
        _panel(drawing, record, side, row)
    drawing.update_yaxes(title_text="share of vectors (%)", rangemode="tozero", showgrid=True, zeroline=False)
    drawing.update_xaxes(
        title={"text": "distance to the nearest other vector", "standoff": 8}, showgrid=False, zeroline=False
    )
    titled(drawing, height=860, title="", alt=alt_text(record), caption=_caption(record), hovermode="closest")
    drawing.update_layout(margin={"t": 90}, legend={"y": -0.1, "title": {"text": "vectors used"}})
    return drawing


def alt_text(record: Record) -> str:
    """One sentence a panel with the numbers of the record, for readers who cannot see the figure."""
    check_kind(record)
    summary = record.summary
    controls = summary["controls"]
    parts = [
        f"Histograms of nearest-neighbour distances of {summary['vectors']:,} activations of"
        f" {record.parameters['model']} (width {summary['dimension']})."
    ]
    for side in SIDES:
        distance = summary["sites"][side]["distance"]
        medians = [f"{numbers['median']:.2f} at {_percent(key)}" for key, numbers in distance.items()]
        most = max(distance, key=float)
        last = distance[most]
        text = (
            f"{_TITLES[side]} the median distance is {_listed(medians)} of the vectors;"
            f" at {_percent(most)} the mean is {last['mean']:.2f}, one in twenty is below {last['q05']:.2f} and one in"
            f" twenty above {last['q95']:.2f}"
        )
        if "gaussian" in controls:
            gaussian = controls["gaussian"][side]["distance"][most]["median"]
            text += f"; for a Gaussian of the same covariance the median is {gaussian:.2f}"
        parts.append(text + ".")
    parts.append(
        f"The hypothesis 2 sqrt(n / (2 pi e)) is {summary['hypothesis']:.2f} at this width. The paper reports"
        f" about {PAPER_DISTANCE:g} for {PAPER_MODEL}, where the hypothesis is"
        f" {hypothesised_distance(PAPER_WIDTH):.2f}."
    )
    return " ".join(parts)


def _panel(drawing: go.Figure, record: Record, side: str, row: int) -> None:
    fractions = sorted(record.parameters["fractions"])
    samples = [_present(record.columns[column_name(side, fraction)]) for fraction in fractions]
    edges = np.linspace(0.0, _round_up(max(float(sample.max()) for sample in samples)), BINS + 1)  # shared
    top = 0.0
    for index, (fraction, sample) in enumerate(zip(fractions, samples, strict=True)):
        share = 100 * np.histogram(sample, edges)[0] / len(sample)  # (BINS,)
        top = max(top, float(share.max()))
        colour, dash = _STYLES[(index - len(fractions)) % len(_STYLES)]
        name = f"{_percent(fraction)} ({len(sample):,})"
        full = index == len(fractions) - 1
        drawing.add_trace(
            go.Scatter(
                x=_short(np.repeat(edges, 2)),
                y=_short(np.concatenate([[0.0], np.repeat(share, 2), [0.0]])),
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2.2 if full else 1.6},
                fill="tozeroy" if full else "none",
                fillcolor=_SHADE,
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                hovertemplate=f"{_percent(fraction)}: %{{y:.2f}}% near %{{x:.2f}}<extra></extra>",
            ),
            row=row,
            col=1,
        )
        median = float(np.median(sample))
        height = float(share[min(int(np.searchsorted(edges, median, side="right")) - 1, BINS - 1)])
        drawing.add_trace(
            go.Scatter(
                x=_short(np.array([median, median])),
                y=_short(np.array([0.0, height])),
                mode="lines",
                line={"color": colour, "dash": dash, "width": 1.6},
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"median at {_percent(fraction)}: {median:.3f}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    references = _references(record, side)
    right = max(float(edges[-1]), *(1.04 * place for place, _, _ in references))
    drawing.update_xaxes(range=[0.0, right], row=row, col=1)
    drawing.update_yaxes(range=[0.0, 1.05 * top], row=row, col=1)
    for level, (place, dash, label) in enumerate(references):
        anchor = ("left", "center", "right")[min(int(3 * place / right), 2)]  # labels stay inside the panel
        _reference(drawing, row, place, dash, label, level, anchor)
    axis = "" if row == 1 else str(row)
    drawing.add_annotation(
        text=f"<b>{_TITLES[side]}</b>",
        showarrow=False,
        x=0,
        y=1,
        xref=f"x{axis} domain",
        yref=f"y{axis} domain",
        xanchor="left",
        yanchor="bottom",
        yshift=56,
    )


def _references(record: Record, side: str) -> list[tuple[float, str, str]]:
    """(place, dash, label) of the lines across a panel, lowest label first."""
    summary = record.summary
    hypothesis = summary["hypothesis"]
    found = [(hypothesis, "dash", f"hypothesis 2√(n/2πe) = {hypothesis:.2f}")]
    if "gaussian" in summary["controls"]:
        distance = summary["controls"]["gaussian"][side]["distance"]
        median = distance[max(distance, key=float)]["median"]
        found.append((median, "dot", f"Gaussian, same covariance: {median:.2f}"))
    found.append((PAPER_DISTANCE, "longdashdot", f"the paper’s {PAPER_DISTANCE:g} ({PAPER_MODEL})"))
    return found


def _reference(drawing: go.Figure, row: int, place: float, dash: str, label: str, level: int, anchor: str) -> None:
    axis = "" if row == 1 else str(row)
    drawing.add_shape(
        type="line",
        xref=f"x{axis}",
        yref=f"y{axis} domain",
        x0=place,
        x1=place,
        y0=0,
        y1=1,
        line={"color": GREY, "dash": dash, "width": 1.8},
    )
    drawing.add_annotation(
        text=label,
        showarrow=False,
        xref=f"x{axis}",
        yref=f"y{axis} domain",
        x=place,
        y=1,
        yanchor="bottom",
        yshift=2 + 17 * level,
        xanchor=anchor,
        font={"size": 12},
    )


def _caption(record: Record) -> str:
    percents = _listed([_percent(fraction) for fraction in sorted(record.parameters["fractions"])])
    return (
        f"Nearest-neighbour distances among {percents} of {record.summary['vectors']:,} activations of"
        f" {record.parameters['model']}; short lines under the curves are the medians. The paper’s value"
        f" belongs to another, larger model, {PAPER_MODEL} (n = {PAPER_WIDTH})."
    )


def _present(column: np.ndarray) -> np.ndarray:
    return column[~np.isnan(column)].astype(np.float64)


def _round_up(value: float) -> float:
    """The next number of two digits, such as 14 for 13.2 and 0.45 for 0.447."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.ceil(value / unit) * unit)


def _short(values: np.ndarray) -> list[float]:
    """Four digits are what can be seen; the page stays small."""
    return [float(f"{value:.4g}") for value in values]


def _percent(fraction: float | str) -> str:
    return f"{round(100 * float(fraction), 6):g}%"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
