"""The collapse: points stand where N and D put them, titles have the held-out scores, the star is on the best."""

from __future__ import annotations

import numpy as np
import pytest

from beyond_scaling.figures import width_collapse

from .width_records import MISSING, NOTHING, analysed, analysis, cells

AXES = {1.0: "x", 2.0: "x2", 4.0: "x3"}


def test_points_are_moved_along_log_d_by_log_n_over_p() -> None:
    drawn = width_collapse.figure(analysed())
    points = analysed().width.collapse["gap"].points
    middle = np.sqrt(5120 * 81920)
    for p, axis in AXES.items():
        marks = [trace for trace in drawn.data if trace.xaxis == axis and trace.mode == "markers"]
        assert [trace.name for trace in marks] == ["N = 5,120", "N = 20,480", "N = 81,920"]
        for trace, size in zip(marks, (5120, 20480, 81920), strict=True):
            here = size == points.N
            assert list(trace.x) == pytest.approx(points.D[here] * (middle / size) ** (1 / p), rel=1e-3)
            assert list(trace.y) == pytest.approx(np.exp(points.log_gap[here]), rel=1e-3)
        assert len({trace.marker.symbol for trace in marks}) == 3
        assert sum(bool(trace.showlegend) for trace in marks) == (3 if p == 1 else 0)


def test_the_curve_runs_through_the_points_where_they_collapse() -> None:
    drawn = width_collapse.figure(analysed())
    (curve,) = (trace for trace in drawn.data if trace.xaxis == "x2" and trace.name == "fitted to all")
    marks = [trace for trace in drawn.data if trace.xaxis == "x2" and trace.mode == "markers"]
    x, y = np.concatenate([trace.x for trace in marks]), np.concatenate([trace.y for trace in marks])
    on_curve = np.exp(np.interp(np.log(x), np.log(curve.x), np.log(curve.y)))
    np.testing.assert_allclose(y, on_curve, rtol=0.06)


def test_titles_have_the_scores_and_the_star_is_the_best() -> None:
    drawn = width_collapse.figure(analysed())
    found = analysed().width.collapse["gap"]
    titles = [note.text for note in drawn.layout.annotations]
    for each in found.candidates:
        if not each.free and each.p in AXES:
            number = f"{each.by_size.mean:+.2f}".replace("-", "−")
            assert f"{each.name}: {number}" + (" ★" if each.p == 2 else "") in titles
    assert f"every p: best {found.p:.2f}" in titles
    assert found.best().p == 2


def test_the_profile_is_the_log_likelihood_below_the_best() -> None:
    drawn = width_collapse.figure(analysed())
    found = analysed().width.collapse["gap"]
    (profile,) = (trace for trace in drawn.data if trace.name == "log-likelihood")
    assert max(profile.y) == 0
    assert profile.x[int(np.argmax(profile.y))] == pytest.approx(found.p, rel=1e-3)
    angles = np.arctan2(1, np.array(profile.x))
    there = np.interp(angles, found.angles, found.log_likelihood) - found.candidates[0].log_likelihood
    beside = np.abs(angles - np.arctan2(1, found.p)) > 0.01
    assert beside.sum() > 100
    np.testing.assert_allclose(np.array(profile.y)[beside], there[beside], rtol=0.02)
    band = next(shape for shape in drawn.layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == pytest.approx((found.profile.low, found.profile.high))


def test_the_words_are_the_verdict() -> None:
    found = analysed().width.collapse["gap"]
    meta = width_collapse.figure(analysed()).layout.meta
    for text in (meta["alt"], meta["caption"]):
        assert "Of the fixed ones N/D² collapses the curves best, ahead of" in text
        assert f"The best p is {found.p:.2f}; 95% intervals" in text
        assert text.endswith(f"Not measured yet: {MISSING[0]}.")
    other = width_collapse.figure(analysed(), "at_minimum").layout.meta["alt"]
    assert other.startswith("The gap at the minimum of ")


def test_two_sizes_have_no_free_exponent_held_out_and_one_none() -> None:
    two = analysis([each for each in cells("widths") if each.N < 30_000])
    assert "nats a point of sizes left out" in width_collapse.figure(two).layout.meta["alt"]
    one = analysis([each for each in cells("widths") if each.N < 6_000][:3])
    assert width_collapse.figure(one).layout.meta["alt"].startswith("Too few runs yet for the collapse")
    assert width_collapse.alt_text(one) == width_collapse.figure(one).layout.meta["alt"]
    with pytest.raises(ValueError, match="no size has a run"):
        width_collapse.figure(NOTHING)
    with pytest.raises(ValueError, match="measure is 'mse', expected gap or at_minimum"):
        width_collapse.figure(two, "mse")
