"""What every widget of the book keeps to, in a real browser: accessible, within its room, and gone when cleaned up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from beyond_scaling import widgets
from beyond_scaling.widgets.base import BookWidget

from ..width_sweep import width_runs, width_threshold
from .accessibility import violations
from .widget_page import errors, repaint_times, settle, show

LINE = [[-2.0], [0.0], [1.0]]
EVERY: dict[str, Callable[[], BookWidget]] = {
    "ball": widgets.BallIntegral,
    "ball-ratio": lambda: widgets.BallIntegral(rule="ratio", ratio=0.5, n=300),
    "ball-fixed": lambda: widgets.BallIntegral(rule="fixed", radius=10, n=1024),
    "bands-1": lambda: widgets.Bands(proposition=1),
    "bands-2": lambda: widgets.Bands(proposition=2, point=[3, -6]),
    "bands-3": lambda: widgets.Bands(proposition=3, point=[0.2, -0.3]),
    "bands-line": lambda: widgets.Bands(proposition=3, patterns=LINE, point=6),
    "chinchilla": widgets.ChinchillaSurface,
    "gauge": lambda: widgets.Gauge(np.random.default_rng(0).normal(4.0, 0.5, size=500), n=64),
    "grammar": lambda: widgets.GrammarTree(predict=True),
    "grammar-letters": lambda: widgets.GrammarTree(units="characters", memorised=300, part="question", seed=0),
    "held": widgets.HeldFixed,
    "held-own": lambda: widgets.HeldFixed(
        held_fixed="own", context_share=0.3, depth_power=-0.4, balance="true-integral"
    ),
    "knife": widgets.KnifeEdge,
    "knife-volume": lambda: widgets.KnifeEdge(rule="volume"),
    "ladder": widgets.SeparationLadder,
    "ladder-exponential": lambda: widgets.SeparationLadder(separation="exponential", rung=9.0, count=100, predict=True),
    "layers": lambda: widgets.LayerDescent(steps=3),
    "line": widgets.Landscape1D,
    "loss": widgets.LossCurves,
    "loss-line": lambda: widgets.LossCurves(layers=[[[-6.0], [2.0]], [[-2.0], [6.0]]]),
    "memory": widgets.MemoryPlayground,
    "memory-guess": lambda: widgets.MemoryPlayground(
        stored=60, target=8, noise=0.2, erased=range(32, 64), networks=["hebb", "transformer", "predictive"],
        predict=True,
    ),
    "parameters": lambda: widgets.ParameterCounter(d_emb=4096, layers=96, ratio=8),
    "plane": widgets.Landscape2D,
    "rescale": widgets.Rescale,
    "rescale-before": lambda: widgets.Rescale(where="before", scale=0.3, context=9),
    "sample": lambda: widgets.SampleSize(predict=True),
    "sample-measured": lambda: widgets.SampleSize(4.0, 20_000, 64, {8000: 4.5, 20_000: 4.0}, k=1.5, m=1e8),
    "separation": widgets.SeparationThreshold,
    "table": widgets.Table3,
    "table-wide": lambda: widgets.Table3(one_cell_more=True, sigma2=0.055),
    "triangle": widgets.Triangle,
    "two-wells": widgets.TwoWells,
    "two-wells-mchn": lambda: widgets.TwoWells(energy="MCHN", beta=1.0, distance=1.6),
    "width-runs": width_runs,
    "width-runs-partial": lambda: width_runs("-width-32-2", family="depth", predict=True),
    "width-threshold": width_threshold,
    "width-threshold-partial": lambda: width_threshold("-width-64", sigma2=0.01, rule="grid", predict=True),
}
each = pytest.mark.parametrize("name", EVERY)


def test_every_widget_is_here() -> None:
    assert {type(make()).__name__ for make in EVERY.values()} == set(widgets.__all__)


@pytest.mark.parametrize("theme", ["light", "dark"])
@each
def test_axe_finds_nothing(page: Page, name: str, theme: str) -> None:
    show(page, EVERY[name](), theme=theme)
    if theme == "dark":
        page.add_style_tag(content="body { background: #0d1117; color: #e8ecf1; }")
    for width in (1300, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = violations(page)
        assert not found, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


@each
def test_nothing_is_wider_than_its_room(page: Page, name: str) -> None:
    widget = show(page, EVERY[name](), width=900)
    for width in (900, 560, 390, 300):
        page.evaluate("(width) => { document.getElementById('widget').style.width = `${width}px`; }", width)
        settle(page)
        settle(page)
        over = widget.evaluate("""(root) => {
          const room = root.getBoundingClientRect();
          return [...root.querySelectorAll("*")].filter((node) => {
            const box = node.getBoundingClientRect();
            const inert = node.closest("clipPath, defs, g[clip-path], .bs-target");
            return !inert && box.width && (box.right > room.right + 1 || box.left < room.left - 1);
          }).map((node) => `${node.tagName}.${node.getAttribute("class")} ${node.textContent.slice(0, 40)}`);
        }""")
        assert over == [], width


@each
def test_clean_up_leaves_nothing_behind(page: Page, name: str) -> None:
    show(page, EVERY[name]())
    listeners = "[...window.model.listeners.values()].flat().length"
    assert page.evaluate(listeners) > 0
    page.evaluate("window.cleanup()")
    assert page.evaluate(listeners) == 0
    repaint_times(page)
    page.evaluate("""() => { document.documentElement.dataset.theme = "dark";
      document.getElementById("widget").style.width = "500px"; }""")
    page.wait_for_timeout(250)
    assert repaint_times(page) == []
    assert errors(page) == []
