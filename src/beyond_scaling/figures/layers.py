"""Equation 9 on a line: the density of the layered model, with the layer energies as printed and repaired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.integrate import quad

from ..layers import Form, global_energy
from .style import BLUE, GREY, ORANGE, titled

LINE = ((-6.0, 2.0), (-2.0, 6.0))


def densities(layers: Sequence[Sequence[float]] = LINE, r: float = 1.2, points: int = 161) -> go.Figure:
    """p_θ(x) = exp(-E_global(x)) / Z_θ over Ω, the union of all balls of radius ``r``; equation 9.

    Args:
        layers: the patterns of each layer, on a line.
        r: radius of the balls, at most half the smallest distance inside a layer.
        points: samples along each stretch of Ω.
    """
    split = [np.array(stored, dtype=float)[:, None] for stored in layers]
    centres = np.sort(np.concatenate(split)[:, 0])
    stretches = balls(centres, r)
    figure = go.Figure()
    words = []
    looks: tuple[tuple[Form, str, str], ...] = (("repaired", BLUE, "solid"), ("literal", ORANGE, "dash"))
    for form, colour, dash in looks:
        def weight(x: np.ndarray, form: Form = form) -> np.ndarray:
            return np.exp(-global_energy(x[:, None], split, r, form))

        corners = [(centres[:-1] + centres[1:]) / 2, centres]  # where g has a kink, or is least
        z = sum(
            quad(lambda v: float(weight(np.array([v]))[0]), low, high,
                 points=[v for v in np.concatenate(corners) if low < v < high])[0]
            for low, high in stretches
        )
        for number, (low, high) in enumerate(stretches):
            x = np.linspace(low, high, points)
            name = "Eₜ repaired" if form == "repaired" else "Eₜ as printed"
            figure.add_trace(go.Scatter(
                x=np.round(x, 4), y=np.round(weight(x) / z, 4), mode="lines", name=name, legendgroup=name,
                showlegend=number == 0, line={"color": colour, "width": 3, "dash": dash},
                hovertemplate="%{y:.3f}<extra>" + name + "</extra>"))
        at, beside = weight(centres) / z, weight(centres + r) / z
        listed = ", ".join(f"{v:.2f}" for v in at)
        rim = ", ".join(f"{v:.2f}" for v in beside)
        manner = "repaired" if form == "repaired" else "as printed"
        words.append(f"{manner} it is {listed} at the patterns and {rim} at the right ends of their balls")
    figure.add_trace(go.Scatter(x=centres, y=np.zeros(len(centres)), mode="markers", name="pattern", hoverinfo="skip",
                                marker={"symbol": "circle", "size": 10, "color": GREY}))
    sets = " and ".join("{" + ", ".join(f"{v:g}" for v in stored) + "}" for stored in layers)
    figure.update_xaxes(title="x")
    figure.update_yaxes(title="density p<sub>θ</sub>(x)", rangemode="tozero")
    return titled(
        figure, height=380, title="", legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        alt=f"The model's density on the balls around the patterns {', '.join(f'{v:g}' for v in centres)}: "
            f"{'; '.join(words)}.",
        caption=f"Equation 9 for layers {sets}, r = {r:g}. Both curves enclose an area of 1.")


def balls(centres: np.ndarray, r: float) -> list[tuple[float, float]]:
    """The union of [c - r, c + r] over sorted ``centres``, as disjoint stretches."""
    stretches: list[tuple[float, float]] = []
    for centre in centres:
        low, high = float(centre - r), float(centre + r)
        if stretches and low <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], high)
        else:
            stretches.append((low, high))
    return stretches
