"""N against D* on logarithmic axes: what exponent the runs say, beside slopes 1, 2 and 4."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..training.analysis import Analysis
from ..training.crossing import Crossing, in_words
from ..training.dstar import DStar, Exponent
from .radius_sites import short
from .style import GREY, titled
from .width_parts import compact, log_axis, look, not_there, room, shorts, spread_words

SLOPES = ((1, "dot"), (2, "dash"), (4, "dashdot"))
_NAMES = {"N": "blocks", "total": "with embeddings"}


def figure(analysis: Analysis) -> go.Figure:
    """D* of every size at the paper's σ², once with N of the blocks and once with the embeddings.

    Large marks are of the mean over seeds, interpolated; small ones of single seeds; pale bars are the cells of the
    grid in which D* lies. The wedge is the exponent's interval. Where D* lies beyond the grid, a triangle points there.

    Raises:
        ValueError: no size has a run.
    """
    found = _found(analysis)
    drawing = go.Figure()
    exact = [star for star in found.stars if star.interpolated.measured]
    _slopes(drawing, exact, found.stars)
    for number, each in enumerate((found, analysis.width.with_embeddings)):
        _series(drawing, each, number)
    data = [end for star in found.stars for end in (star.grid.low, star.grid.high) if 0 < end < math.inf]
    sizes = [size for star in found.stars for size in (star.N, star.total)]
    drawing.update_xaxes(title="tokens D*", showgrid=True, tickangle=0, **log_axis(*room(data, 0.12)))
    drawing.update_yaxes(title="parameters N", showgrid=True, **log_axis(*room(sizes)))
    return titled(
        drawing, height=540, title="", alt=alt_text(analysis), caption=_caption(analysis),
        margin={"l": 60, "r": 15, "t": 20, "b": 50}, legend={"orientation": "h", "y": -0.13}, hovermode="closest",
        narrow_height=600,
    )  # fmt: skip


def alt_text(analysis: Analysis) -> str:
    """The figure in words and numbers."""
    found = _found(analysis)
    each = []
    for star in found.stars:
        seeds = [own.D for _, own in star.by_seed.values() if own.measured]
        text = f"N = {star.N:,}: {_place(star.interpolated)}"
        if len(seeds) > 1:
            text += f", single seeds {compact(min(seeds))} to {compact(max(seeds))}"
        each.append(text)
    return (
        f"D* at a threshold of {found.sigma2:g} against parameters of the blocks. {'; '.join(each)}. {said(found)}"
        f" {said(analysis.width.with_embeddings)}{not_there(analysis)}"
    )


def said(found: Exponent) -> str:
    """An exponent with its intervals in words."""
    words = {"N": "Of the blocks", "total": "With the embeddings"}[found.size]
    if math.isnan(found.p):
        return (
            f"{words}: {found.sizes} {'size has' if found.sizes == 1 else 'sizes have'} a D*, too few for an exponent."
        )
    text = f"{words}, N ~ D^p with p = {found.p:.2f}"
    if found.interval:
        text += f", {found.level:.0%} interval {spread_words(*found.interval)} from seeds"
    if found.student:
        text += f", {spread_words(*found.student)} from the scatter of {found.sizes} sizes about the line"
    if found.cells:
        text += f"; the cells of the grid allow {spread_words(*found.cells)}"
    elif found.no_line:
        text += "; no power law passes through all cells of the grid"
    return text + "."


def centre(stars: Sequence[DStar], size: str = "N") -> tuple[float, float]:
    """(log D*, log N), means over sizes: the point through which the fitted line goes."""
    data = float(np.mean([math.log(star.interpolated.D) for star in stars]))
    return data, float(np.mean([math.log(getattr(star, size)) for star in stars]))


def _series(drawing: go.Figure, found: Exponent, number: int) -> None:
    chosen, name = look(number), _NAMES[found.size]
    group = {"legendgroup": name}
    exact = [star for star in found.stars if star.interpolated.measured]
    if not math.isnan(found.p):
        _fitted(drawing, found, exact, number)
    cells: dict[str, list[float | None]] = {"x": [], "y": []}
    for star in found.stars:
        if star.grid.measured:
            cells["x"] += [short(star.grid.low), short(star.grid.high), None]
            cells["y"] += [getattr(star, found.size)] * 2 + [None]
    drawing.add_trace(
        go.Scatter(**cells, mode="lines", name="cell of the grid", showlegend=False, hoverinfo="skip",
                   line={"color": chosen.fill, "width": 12}, **group)
    )  # fmt: skip
    points = [(own.D, getattr(star, found.size), seed) for star in found.stars
              for seed, (_, own) in star.by_seed.items() if own.measured]  # fmt: skip
    drawing.add_trace(
        go.Scatter(
            x=shorts([x for x, _, _ in points]), y=[y for _, y, _ in points], mode="markers", showlegend=False,
            marker={"color": chosen.colour, "symbol": f"{chosen.symbol}-open", "size": 6}, name="single seeds",
            customdata=[seed for _, _, seed in points],
            hovertemplate="seed %{customdata}: D* = %{x:,.0f}<extra></extra>", **group,
        )
    )  # fmt: skip
    drawing.add_trace(
        go.Scatter(
            x=shorts([star.interpolated.D for star in exact]), y=[getattr(star, found.size) for star in exact],
            mode="markers", name=name if math.isnan(found.p) else f"{name}: p = {found.p:.2f}",
            marker={"color": chosen.colour, "symbol": chosen.symbol, "size": 10},
            hovertemplate=f"N = %{{y:,}} ({name}): D* = %{{x:,.0f}}<extra></extra>", **group,
        )
    )  # fmt: skip
    beyond = [star for star in found.stars if not star.interpolated.measured]
    if beyond:
        drawing.add_trace(
            go.Scatter(
                x=[_end(star.interpolated) for star in beyond], y=[getattr(star, found.size) for star in beyond],
                mode="markers", showlegend=False, name="beyond the grid",
                marker={"color": chosen.colour, "size": 12, "symbol": [
                    "triangle-right-open" if star.interpolated.side == "above" else "triangle-left-open"
                    for star in beyond]},
                text=[in_words(star.interpolated) for star in beyond],
                hovertemplate=f"N = %{{y:,}} ({name}): D* %{{text}}<extra></extra>", **group,
            )
        )  # fmt: skip


def _fitted(drawing: go.Figure, found: Exponent, exact: Sequence[DStar], number: int) -> None:
    """The line, over the sizes that it is fitted to, and the wedge of its interval."""
    chosen = look(number)
    x0, y0 = centre(exact, found.size)
    ends = np.log([min(getattr(star, found.size) for star in exact), max(getattr(star, found.size) for star in exact)])

    def at(p: float) -> list[float]:
        return shorts(np.exp(x0 + (ends - y0) / p))

    y = shorts(np.exp(ends))
    if found.interval and found.interval.low > 0:
        low, high = found.interval
        drawing.add_trace(
            go.Scatter(x=[*at(low), *at(high)[::-1]], y=[*y, *y[::-1]], fill="toself", mode="lines",
                       fillcolor=chosen.fill, line={"width": 0}, showlegend=False, hoverinfo="skip",
                       legendgroup=_NAMES[found.size], name="interval")
        )  # fmt: skip
    drawing.add_trace(
        go.Scatter(x=at(found.p), y=y, mode="lines", line={"color": chosen.colour, "width": 2}, showlegend=False,
                   hoverinfo="skip", legendgroup=_NAMES[found.size], name="fitted")
    )  # fmt: skip


def _slopes(drawing: go.Figure, exact: Sequence[DStar], stars: Sequence[DStar]) -> None:
    """Grey lines through the middle of the sizes; they have a slope and no place of their own."""
    if not exact:
        return
    x0, y0 = centre(exact)
    sizes = [star.N for star in stars] + [star.total for star in stars]
    ends = np.log([0.7 * min(sizes), 1.4 * max(sizes)])
    for p, dash in SLOPES:
        drawing.add_trace(
            go.Scatter(
                x=shorts(np.exp(x0 + (ends - y0) / p)), y=shorts(np.exp(ends)), mode="lines", hoverinfo="skip",
                name=f"N ~ D{'' if p == 1 else '²' if p == 2 else '⁴'}",
                line={"color": GREY, "dash": dash, "width": 1.5},
            )
        )  # fmt: skip


def _end(crossing: Crossing) -> float:
    return short(crossing.low if crossing.side == "above" else crossing.high)


def _place(crossing: Crossing) -> str:
    if crossing.measured:
        return f"D* = {compact(crossing.D)}"
    return f"D* below {compact(crossing.high)}" if crossing.side == "below" else f"D* above {compact(crossing.low)}"


def _caption(analysis: Analysis) -> str:
    found = _found(analysis)
    beyond = [star for star in found.stars if not star.interpolated.measured]
    arrows = " Triangles: sizes whose D* lies beyond the grid; they count for no exponent." if beyond else ""
    return (
        f"D* at σ² = {found.sigma2:g}. Large marks: of the mean over seeds, interpolated; small ones: of single seeds;"
        f" pale bars: the cell of the grid in which it lies.{arrows} {said(found)}"
        f" {said(analysis.width.with_embeddings)} Grey: slopes 1, 2 and 4 through the middle of the blocks’ marks."
        f"{not_there(analysis)}"
    )


def _found(analysis: Analysis) -> Exponent:
    found = analysis.width.exponent
    if not found.stars:
        raise ValueError(f"no size has a run ({len(analysis.missing)} missing), expected one at least")
    return found
