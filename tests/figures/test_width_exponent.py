"""N against D*: marks, cells, line and wedge are the analysis', and slopes are slopes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beyond_scaling.figures import width_exponent

from .width_records import MISSING, NOTHING, analysed, analysis, cells


def slope(trace: object) -> float:
    x, y = np.log(trace.x), np.log(trace.y)  # type: ignore[attr-defined]
    return float((y[-1] - y[0]) / (x[-1] - x[0]))


def test_marks_are_the_d_star_of_the_analysis() -> None:
    drawn = width_exponent.figure(analysed())
    for found, name in ((analysed().width.exponent, "blocks"), (analysed().width.with_embeddings, "with embeddings")):
        marks = next(trace for trace in drawn.data if trace.name == f"{name}: p = {found.p:.2f}")
        assert list(marks.x) == pytest.approx([star.interpolated.D for star in found.stars], rel=1e-3)
        assert list(marks.y) == [getattr(star, found.size) for star in found.stars]
        own = [trace for trace in drawn.data if trace.legendgroup == name]
        bars, seeds = (next(trace for trace in own if trace.name == n) for n in ("cell of the grid", "single seeds"))
        assert list(bars.x) == [end for star in found.stars for end in (star.grid.low, star.grid.high, None)]
        assert len(seeds.x) == sum(own.measured for star in found.stars for _, own in star.by_seed.values()) > 3
        line = next(trace for trace in own if trace.name == "fitted")
        assert slope(line) == pytest.approx(found.p, rel=1e-2)
        wedge = next(trace for trace in own if trace.name == "interval")
        ends = sorted(
            math.log(wedge.y[1] / wedge.y[0]) / math.log(wedge.x[side] / wedge.x[other])
            for side, other in ((1, 0), (2, 3))
        )
        assert ends == pytest.approx(sorted(found.interval), rel=2e-2)
    assert analysed().width.exponent.p == pytest.approx(2, abs=0.05), "as the records were made"


def test_reference_lines_have_their_slopes_and_go_through_the_middle() -> None:
    drawn = width_exponent.figure(analysed())
    x0, y0 = width_exponent.centre(analysed().width.exponent.stars)
    for p, name in ((1, "N ~ D"), (2, "N ~ D²"), (4, "N ~ D⁴")):
        line = next(trace for trace in drawn.data if trace.name == name)
        assert slope(line) == pytest.approx(p, rel=1e-2)
        at = np.log(line.x[0]) + (y0 - np.log(line.y[0])) / p
        assert at == pytest.approx(x0, abs=1e-2)
    assert len({trace.line.dash for trace in drawn.data if trace.name.startswith("N ~")}) == 3


def test_the_words_are_the_numbers() -> None:
    found = analysed().width.exponent
    meta = width_exponent.figure(analysed()).layout.meta
    for text in (meta["alt"], meta["caption"]):
        assert (
            f"p = {found.p:.2f}, 95% interval {found.interval.low:.2f} to {found.interval.high:.2f} from seeds" in text
        )
        assert f"the cells of the grid allow {found.cells.low:.2f} to {found.cells.high:.2f}" in text
        assert text.endswith(f"Not measured yet: {MISSING[0]}.")
    assert "N = 5,120: D* = 999, single seeds 970 to 1k" in meta["alt"]


def test_sizes_beyond_their_grid_are_shown_as_such() -> None:
    part = analysis([each for each in cells("widths") if each.D < 2300 and each.D > 600])
    drawn = width_exponent.figure(part)
    beyond = next(trace for trace in drawn.data if trace.name == "beyond the grid")
    stars = [star for star in part.width.exponent.stars if not star.interpolated.measured]
    assert list(beyond.text) == [f"> {star.interpolated.low:,.0f}" for star in stars]
    assert list(beyond.x) == [star.interpolated.low for star in stars]
    assert set(beyond.marker.symbol) == {"triangle-right-open"}
    meta = drawn.layout.meta
    assert "too few for an exponent" in meta["alt"]
    assert "beyond the grid; they count for no exponent" in meta["caption"]
    assert f"D* above {beyond.x[-1] / 1000:.3g}k" in meta["alt"]
    with pytest.raises(ValueError, match="no size has a run"):
        width_exponent.figure(NOTHING)
