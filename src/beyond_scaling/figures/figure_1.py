"""Figure 1 of the paper, computed: four landscapes of a set of patterns in the plane, and three profiles on a line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..energy import energy, mchn_energy, mchn_regulariser, nearest_distance, negative_lse, stationary_points
from .style import AMBER, BLUE, GREY, ORANGE, titled

PLANE = np.array([[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]])  # Figure 1, left
LINE = np.array([[-2.0], [0.0], [1.0]])  # Figure 1, right

# The landscape widgets' map (widgets/field.js), so that low ground has one colour: its lightness rises evenly.
LANDSCAPE = ["#0c2350", "#20447f", "#3f6898", "#6d8fab", "#9fb4b8", "#cbd0bd", "#e8e2c3", "#f7f0d9"]

Function = Callable[[np.ndarray], np.ndarray]


def landscapes(patterns: np.ndarray = PLANE, beta: float = 1.0, points: int = 61) -> go.Figure:
    """Panels (a)-(d): -LSE, the regulariser, their sum the MCHN energy, and the layer-wise energy E (equation 4).

    Args:
        patterns: (d, 2) stored patterns.
        beta: inverse temperature of panels (a)-(c).
        points: grid points a side.
    """
    x = np.linspace(patterns[:, 0].min() - 1.5, patterns[:, 0].max() + 1.5, points)
    y = np.linspace(patterns[:, 1].min() - 1.5, patterns[:, 1].max() + 1.5, points)
    grid = np.stack(np.meshgrid(x, y), axis=-1)  # (points, points, 2)
    panels: list[tuple[str, Function]] = [
        ("(a) −LSE", lambda q: negative_lse(q, patterns, beta)),
        ("(b) regulariser", lambda q: mchn_regulariser(q, patterns, beta)),
        ("(c) MCHN", lambda q: mchn_energy(q, patterns, beta)),
        ("(d) E", lambda q: energy(q, patterns)),
    ]
    minima = {
        "(c)": _minima(patterns, beta),
        "(d)": _minima(patterns, None),
    }
    figure = make_subplots(2, 2, subplot_titles=[title for title, _ in panels], shared_xaxes=True, shared_yaxes=True,
                           horizontal_spacing=0.05, vertical_spacing=0.1)
    for number, (title, function) in enumerate(panels):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        values = function(grid)  # (points, points)
        # Where there are valleys, levels end where the slopes begin, or the valleys would share one colour.
        low, high = float(values.min()), float(np.quantile(values, 0.85 if title[:3] in minima else 1))
        # A heatmap below straight lines: filled and rounded ones would weigh twelve times as much on the page.
        levels = {"start": low + (high - low) / 18, "end": high, "size": (high - low) / 18, "coloring": "heatmap"}
        figure.add_trace(go.Contour(x=np.round(x, 4), y=np.round(y, 4), z=np.round(values, 3), contours=levels,
                                    zmin=low, zmax=high, colorscale=LANDSCAPE, showscale=False, name=title,
                                    line={"width": 0.6, "smoothing": 0, "color": "rgba(12, 35, 80, 0.55)"},
                                    hovertemplate="(%{x:.2f}, %{y:.2f}): %{z:.3f}<extra></extra>"), **place)
        figure.add_trace(go.Scatter(x=patterns[:, 0], y=patterns[:, 1], mode="markers", name="pattern",
                                    legendgroup="pattern", showlegend=number == 0, hoverinfo="skip",
                                    marker={"symbol": "circle", "size": 8, "color": "white",
                                            "line": {"color": "black", "width": 1.5}}), **place)
        valleys = minima.get(title[:3])
        if valleys is not None:
            figure.add_trace(go.Scatter(x=valleys[:, 0], y=valleys[:, 1], mode="markers", name="valley",
                                        legendgroup="valley", showlegend=title.startswith("(c)"),
                                        hovertemplate="valley (%{x:.3f}, %{y:.3f})<extra></extra>",
                                        marker={"symbol": "circle-open", "size": 17, "color": AMBER,
                                                "line": {"width": 3}}), **place)
    figure.update_annotations(font={"size": 13})
    listed = ", ".join(_point(p) for p in patterns)
    return titled(
        figure, height=640, narrow_height=420, title="",
        legend={"orientation": "h", "x": 0, "y": 1.08, "yanchor": "bottom"},
        alt=f"Contours of four functions of the plane for the {len(patterns)} patterns {listed}. "
            "(a) The negative LogSumExp falls without end. (b) The regulariser is a round bowl. "
            f"(c) Their sum, the MCHN energy at β = {beta:g}, has {_valleys(minima['(c)'])}. "
            f"(d) The layer-wise energy E has {_valleys(minima['(d)'])}.",
        caption="Figure 1 (left) of the paper, computed here. Dots are the patterns, rings the valleys.")


def profiles(patterns: np.ndarray = LINE, betas: tuple[float, float] = (1.0, 2.0), points: int = 401) -> go.Figure:
    """Figure 1 (right): g, E and the MCHN energy at two inverse temperatures, for patterns on a line.

    Args:
        patterns: (d, 1) stored patterns.
        betas: the two inverse temperatures.
        points: samples along the line.
    """
    x = np.linspace(patterns.min() - 1.2, patterns.max() + 1.2, points)
    query = x[:, None]  # (points, 1)
    figure = go.Figure()
    curves: list[tuple[str, np.ndarray, dict]] = [
        ("g", nearest_distance(query, patterns), {"color": GREY, "width": 2, "dash": "dot"}),
        ("E", energy(query, patterns), {"color": BLUE, "width": 3}),
        (f"MCHN, β = {betas[0]:g}", mchn_energy(query, patterns, betas[0]), {"color": ORANGE, "width": 3}),
        (f"MCHN, β = {betas[1]:g}", mchn_energy(query, patterns, betas[1]),
         {"color": ORANGE, "width": 3, "dash": "dash"}),
    ]
    for name, values, line in curves:
        figure.add_trace(go.Scatter(x=np.round(x, 4), y=np.round(values, 4), mode="lines", name=name, line=line,
                                    hovertemplate="%{y:.3f}<extra>" + name + "</extra>"))
    counts, where = [], []
    for name, beta, colour in [("E", None, BLUE), *[(f"MCHN, β = {b:g}", b, ORANGE) for b in betas]]:
        valleys = _minima(patterns, beta)[:, 0]
        counts.append(f"{name} has {len(valleys)}")
        deep = energy(valleys[:, None], patterns) if beta is None else mchn_energy(valleys[:, None], patterns, beta)
        where.append(f"{name} at " + ", ".join(f"{x:.2f} ({v:.2f})" for x, v in zip(valleys, deep, strict=True)))
        figure.add_trace(go.Scatter(x=valleys, y=deep, mode="markers", showlegend=False,
                                    hovertemplate="valley at %{x:.4f}<extra>" + name + "</extra>",
                                    marker={"symbol": "circle", "size": 10, "color": colour}))
    figure.add_trace(go.Scatter(x=patterns[:, 0], y=np.full(len(patterns), -0.55), mode="markers", name="pattern",
                                hoverinfo="skip", marker={"symbol": "circle", "size": 9, "color": GREY}))
    figure.update_xaxes(title="x")
    figure.update_yaxes(title="energy", range=[-0.8, 4.2])
    listed = ", ".join(f"{v:g}".replace("-", "−") for v in patterns[:, 0])
    return titled(
        figure, height=430, title="", legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        alt=f"Energies along a line for the patterns {listed}. Valleys, marked by dots, with their energy: "
            f"{'; '.join(where)}.",
        caption=f"Figure 1 (right) of the paper, computed here, for the patterns {listed}. "
                f"Valleys: {'; '.join(counts)}.")


def _point(x: np.ndarray) -> str:
    return f"({', '.join(f'{round(float(value), 2) + 0.0:g}' for value in x)})"


def _valleys(minima: np.ndarray) -> str:
    """How many there are, and where."""
    *others, last = [_point(x) for x in minima]
    return f"{len(minima)} valleys, at {', '.join(others)} and {last}" if others else f"one valley, at {last}"


def _minima(patterns: np.ndarray, beta: float | None) -> np.ndarray:
    """(m, n) positions of the minima of E (beta None) or of the MCHN energy."""
    return np.array([point.x for point in stationary_points(patterns, beta) if point.kind == "minimum"])
