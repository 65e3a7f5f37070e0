"""Depth and shuffled text: their errors against D and their D* against N, beside those of the widths."""

from __future__ import annotations

import numpy as np
import pytest

from beyond_scaling.figures import width_controls

from .width_records import MISSING, NOTHING, analysed, analysis, cells

NAMES = {"depth": ["1 layer", "2 layers", "4 layers"], "shuffled": ["width 16", "width 32", "width 64"]}


@pytest.mark.parametrize("control", ["depth", "shuffled"])
def test_lines_are_the_mean_squared_errors(control: str) -> None:
    drawn = width_controls.figure(analysed(), control)
    rows = getattr(analysed(), control).rows
    lines = [trace for trace in drawn.data if trace.name in NAMES[control]]
    assert [trace.name for trace in lines] == NAMES[control]
    for trace, row in zip(lines, rows, strict=True):
        assert list(trace.x) == row.D.tolist()
        assert list(trace.y) == pytest.approx(row.mean, rel=1e-3)
        assert np.array(trace.y) + trace.error_y.array == pytest.approx(np.nanmax(row.values, axis=0), rel=2e-3)
        assert np.array(trace.y) - trace.error_y.arrayminus == pytest.approx(np.nanmin(row.values, axis=0), rel=2e-3)
    assert len({(trace.line.dash, trace.marker.symbol) for trace in lines}) == 3
    (level,) = (trace for trace in drawn.data if trace.name == "σ² = 0.04")
    assert list(level.y) == [0.04, 0.04]


@pytest.mark.parametrize("control", ["depth", "shuffled"])
def test_d_star_stands_beside_that_of_the_widths(control: str) -> None:
    drawn = width_controls.figure(analysed(), control)
    grey, own = (trace for trace in drawn.data if trace.xaxis == "x2")
    for trace, grid in ((grey, analysed().width), (own, getattr(analysed(), control))):
        stars = [star for star in grid.exponent.stars if star.interpolated.measured]
        assert list(trace.x) == pytest.approx([star.interpolated.D for star in stars], rel=1e-3)
        assert list(trace.y) == [star.N for star in stars]
    lines = {trace.name: trace for trace in drawn.data if trace.name in NAMES[control]}
    for place, symbol in enumerate(own.marker.symbol):
        assert symbol == lines[NAMES[control][place]].marker.symbol, "each mark looks like its line"


def test_the_words_are_the_numbers() -> None:
    meta = width_controls.figure(analysed(), "depth").layout.meta
    found = analysed().depth.exponent
    assert "Depths: D* is 2,0" in meta["alt"], "the depths were made alike"
    assert f"{found.stars[0].N:,}" in meta["alt"]
    shuffled = width_controls.figure(analysed(), "shuffled").layout.meta
    p, widths = analysed().shuffled.exponent.p, analysed().width.exponent.p
    assert f"p = {p:.2f} (" in shuffled["caption"]
    assert f"beside p = {widths:.2f} (" in shuffled["caption"]
    assert "width 16 (5,120 parameters) from " in shuffled["alt"]
    for text in (*meta.values(), *shuffled.values()):
        assert isinstance(text, int) or text.endswith(f"Not measured yet: {MISSING[0]}.")


def test_a_control_without_runs_is_said_and_one_beyond_its_grid_too() -> None:
    widths = analysis(cells("widths"))
    assert width_controls.figure(widths, "depth").layout.meta["alt"] == "Depths: no run yet."
    assert width_controls.alt_text(widths, "shuffled").startswith("Mean squared error against tokens: no run yet.")
    late = analysis([each for each in cells() if each.D > 2500])
    drawn = width_controls.figure(late, "depth")
    assert "D* lies beyond the grid" in drawn.layout.meta["caption"]
    assert "too few sizes for a p" in drawn.layout.meta["caption"]
    with pytest.raises(ValueError, match="no run at all"):
        width_controls.figure(NOTHING, "depth")
    with pytest.raises(ValueError, match="control is 'width', expected depth or shuffled"):
        width_controls.figure(widths, "width")  # type: ignore[arg-type]
