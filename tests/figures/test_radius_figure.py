"""The radius figure: its bars, lines and words are those of the record."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest

from beyond_scaling.figures.radius import PAPER_DISTANCE, alt_text, figure
from beyond_scaling.radius import hypothesised_distance, subset_rows
from beyond_scaling.radius.site import summarise
from beyond_scaling.results import Record

FRACTIONS = (0.4, 0.6, 0.8, 1.0)


def summarised(columns: dict[str, np.ndarray], side: str) -> dict[str, Any]:
    own = {name.removeprefix(f"{side}_"): column for name, column in columns.items() if name.startswith(side)}
    cloud = {"rms_norm": 9.0, "spread": 8.0, "effective_dimension": 5.0, "median_pair": 10.0}
    told = {"dependence": 1.0, "cloud": cloud, "dimension": {"queries": 9, "duplicates": 0}}
    return summarise(own, told, width=64, fractions=FRACTIONS, seed=0)


def make(scale: float = 1.0, kind: str = "radius", controls: bool = True, rows: int = 5000) -> Record:
    generator = np.random.default_rng(0)
    columns: dict[str, np.ndarray] = {}
    for side, factor in (("before", 1.0), ("after", 3.0)):
        columns[f"{side}_norm"] = np.full(rows, 9.0, dtype=np.float32)
        base = generator.gamma(6.0, 1.0, rows)  # nearer as vectors are added, every one of them
        for fraction in FRACTIONS:
            column = np.full(rows, np.nan, dtype=np.float32)
            kept = subset_rows(rows, fraction)
            column[kept] = scale * factor * (1.5 - 0.5 * fraction) * base[kept]
            columns[f"{side}_{round(100 * fraction)}"] = column
    gaussian = {"distance": {"1": {"median": 7.125 * scale}}}
    summary: dict[str, Any] = {
        "dimension": 64,
        "vectors": rows,
        "hypothesis": hypothesised_distance(64),
        "sites": {side: summarised(columns, side) for side in ("before", "after")},
        "controls": {"gaussian": dict.fromkeys(("before", "after"), gaussian)} if controls else {},
    }
    return Record(
        name="toy",
        title="A toy",
        kind=kind,
        command="x",
        seed=0,
        duration_s=1.0,
        columns=columns,
        summary=summary,
        parameters={"model": "toy model", "fractions": list(FRACTIONS)},
        inputs=({"name": "a", "sha256": "a" * 64, "bytes": 1},),
    )


@pytest.mark.parametrize("scale", [0.001, 1.0, 40.0])
def test_the_histograms_hold_every_distance(scale: float) -> None:
    record = make(scale)
    drawn = figure(record)
    filled = [trace for trace in drawn.data if trace.name]
    assert len(filled) == 8
    for number, trace in enumerate(filled):
        side, fraction = ("before", "after")[number // 4], FRACTIONS[number % 4]
        x, y = np.array(trace.x), np.array(trace.y)
        edges, shares = x[::2], y[1:-1:2]
        assert abs(shares.sum() - 100) < 0.05, "every distance lies in a bin"
        column = record.columns[f"{side}_{round(100 * fraction)}"]
        values = column[~np.isnan(column)]
        assert trace.name == f"{fraction:.0%} ({len(values):,})"
        np.testing.assert_allclose(shares, 100 * np.histogram(values, edges)[0] / len(values), atol=0.2)
        shared = np.array(filled[4 * (number // 4)].x)
        np.testing.assert_array_equal(x, shared)
    assert len({(trace.line.color, trace.line.dash) for trace in filled}) == 4
    assert len({trace.line.dash for trace in filled}) == 4, "told apart without colour"


def test_no_line_stands_outside_its_panel() -> None:
    record = make(0.001)
    drawn = figure(dataclasses.replace(record, summary={**record.summary, "hypothesis": hypothesised_distance(8192)}))
    for shape in drawn.layout.shapes:
        assert shape.x0 < drawn.layout["xaxis" + shape.xref[1:]].range[1], shape.x0


def test_the_lines_stand_where_the_record_says() -> None:
    record = make()
    drawn = figure(record)
    medians = [trace for trace in drawn.data if not trace.name]
    for number, trace in enumerate(medians):
        side, fraction = ("before", "after")[number // 4], FRACTIONS[number % 4]
        expected = record.summary["sites"][side]["distance"][f"{fraction:g}"]["median"]
        assert trace.x == pytest.approx([expected, expected], rel=1e-3)
    lines = [shape.x0 for shape in drawn.layout.shapes]
    assert lines == pytest.approx([hypothesised_distance(64), 7.125, PAPER_DISTANCE] * 2)
    labels = " ".join(annotation.text for annotation in drawn.layout.annotations)
    assert f"{hypothesised_distance(64):.2f}" in labels
    assert "the paper’s 20 (GPT-2 medium" in labels
    for axis in (drawn.layout.xaxis, drawn.layout.xaxis2):
        assert axis.range[1] > PAPER_DISTANCE
    bare = figure(make(controls=False))
    assert [shape.x0 for shape in bare.layout.shapes] == pytest.approx([hypothesised_distance(64), PAPER_DISTANCE] * 2)


def test_the_words_are_computed_from_the_record() -> None:
    record = make()
    words = alt_text(record)
    assert figure(record).layout.meta["alt"] == words
    assert "5,000 activations of toy model (width 64)" in words
    for side in ("before", "after"):
        for numbers in record.summary["sites"][side]["distance"].values():
            assert f"{numbers['median']:.2f}" in words
    assert f"{hypothesised_distance(64):.2f}" in words
    assert f"{hypothesised_distance(1024):.2f}" in words
    assert "Gaussian" not in alt_text(make(controls=False))


def test_the_figure_is_small_and_leaves_its_ground_to_the_page() -> None:
    text = figure(make(rows=60_000)).to_json()
    assert len(text) < 60_000
    layout = json.loads(text)["layout"]
    assert "paper_bgcolor" not in layout
    assert "plot_bgcolor" not in layout
    assert "color" not in layout.get("font", {})
    assert not re.search(r"white|#fff", text, flags=re.IGNORECASE)


def test_tails_are_told_as_what_they_are() -> None:
    """Columns as skewed as one likes: one in twenty is below, one in twenty above."""
    record = make()
    for side in ("before", "after"):
        column = record.columns[f"{side}_100"]
        found = re.search(rf"{side.capitalize()} .*?below ([\d.]+) and one in twenty above ([\d.]+)", alt_text(record))
        assert found
        for end, share in zip(found.groups(), (0.05, 0.95), strict=True):
            assert (column < float(end)).mean() == pytest.approx(share, abs=0.005)


def test_another_kind_of_record_is_refused() -> None:
    with pytest.raises(ValueError, match="record 'toy' is of kind 'loss'; expected 'radius'"):
        figure(make(kind="loss"))
    old = dataclasses.replace(make(), summary={"before": {}})
    with pytest.raises(ValueError, match="measured by an older version"):
        figure(old)
