"""One look for every plotly figure: Okabe and Ito's colours, and a ground that the page chooses, light or dark."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

BLUE = "#0072B2"  # the paper's energy E
ORANGE = "#D55E00"  # the MCHN energy, as in the paper's Figure 1
GREEN = "#009E73"
PINK = "#CC79A7"
AMBER = "#E69F00"
GREY = "#7A828C"  # g, references and the paper's own values; 3:1 on white and on the dark ground

GROUND = "#FFFFFF"  # the page's own, white or dark
UNDER_TEXT = "rgba(255, 255, 255, 0.8)"  # the ground under a label that lies over lines


def titled(figure: go.Figure, *, height: int, title: str, alt: str, caption: str = "",
           narrow_height: int | None = None, **layout: Any) -> go.Figure:
    """Give a figure its height, its text alternative and, if any, the caption that the page prints under it.

    Args:
        figure: changed in place and returned.
        height: CSS pixels, reserved before the figure is drawn.
        title: shown above the figure; empty for none.
        alt: what the figure shows, in words and numbers, for readers who cannot see it.
        caption: printed under the figure.
        narrow_height: the height on a narrow page; ``height`` if None.
        layout: more of plotly's layout; ``margin`` and ``legend`` replace the usual ones.
    """
    meta: dict[str, Any] = {"alt": alt, **({"caption": caption} if caption else {})}
    if narrow_height:
        meta["narrow_height"] = narrow_height
    layout = {"margin": {"l": 55, "r": 20, "t": 50, "b": 50}, "legend": {"orientation": "h", "y": -0.12}} | layout
    figure.update_layout(template="none", height=height, meta=meta, **layout)
    if title:
        figure.update_layout(title={"text": title, "x": 0, "xanchor": "left"})
    return figure
