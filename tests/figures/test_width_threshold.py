"""The exponent over the threshold: the analysis' numbers, and thick only where all sizes count."""

from __future__ import annotations

import numpy as np
import pytest

from beyond_scaling.figures import width_threshold
from beyond_scaling.figures.width_threshold import MEASURES

from .width_records import MISSING, NOTHING, analysed, analysis, cells


def test_lines_are_the_exponents_at_every_threshold() -> None:
    drawn = width_threshold.figure(analysed())
    for measure, words in MEASURES.items():
        swept = analysed().width.swept[measure]
        thick, thin = (trace for trace in drawn.data if trace.name == words)
        assert thick.line.width > thin.line.width
        for trace, shown in ((thick, swept.at), (thin, ~np.isnan(swept.p))):
            assert [y is not None for y in trace.y] == shown.tolist()
            assert [y for y in trace.y if y is not None] == pytest.approx(swept.p[shown], rel=1e-3)
            assert list(trace.x) == pytest.approx(swept.sigma2, rel=1e-3)
            assert list(trace.customdata) == swept.sizes.tolist()
    assert len({trace.line.dash for trace in drawn.data if trace.name in MEASURES.values()}) == 3


def test_the_band_is_the_interval_and_the_levels_stand() -> None:
    drawn = width_threshold.figure(analysed())
    swept = analysed().width.swept["mse"]
    (band,) = (trace for trace in drawn.data if trace.name == "95% interval from seeds")
    there = ~np.isnan(swept.low)
    half = len(band.x) // 2
    assert half == there.sum()
    assert list(band.y[:half]) == pytest.approx(swept.high[there], rel=1e-3)
    assert list(band.y[half:][::-1]) == pytest.approx(swept.low[there], rel=1e-3)
    assert [shape.y0 for shape in drawn.layout.shapes if shape.y0 == shape.y1] == [1, 2, 4]
    assert [shape.x0 for shape in drawn.layout.shapes if shape.x0 == shape.x1] == [0.04]
    assert drawn.layout.yaxis.range[1] > 4


def test_the_words_are_the_numbers() -> None:
    swept = analysed().width.swept["mse"]
    first, last = np.flatnonzero(swept.at)[[0, -1]]
    meta = width_threshold.figure(analysed()).layout.meta
    said = (
        f"With the mean squared error, over 3 sizes: p = {swept.p[first]:.2f} at {swept.sigma2[first]:.2g},"
        f" {swept.p[last]:.2f} at {swept.sigma2[last]:.2g}"
    )
    for text in (meta["alt"], meta["caption"]):
        assert said in text
        assert text.endswith(f"Not measured yet: {MISSING[0]}.")
    assert all(words in meta["alt"] for words in MEASURES.values())


def test_too_few_sizes_are_said() -> None:
    two = analysis([each for each in cells("widths") if each.N < 30_000])
    assert width_threshold.figure(two).layout.meta["alt"].startswith("No threshold gives three sizes a D* yet")
    with pytest.raises(ValueError, match="no size has a run"):
        width_threshold.figure(NOTHING)
