"""The figures of layers, controls and growth: every mark is a number of the record, with its interval."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import plotly.graph_objects as go
import pytest

from beyond_scaling.corpora import documents
from beyond_scaling.figures import radius_controls, radius_growth, radius_layers
from beyond_scaling.figures.radius_sites import LOOKS
from beyond_scaling.models.load import load_model
from beyond_scaling.radius import CONTROLS, Settings, measure_radius
from beyond_scaling.results import Record

from ..conftest import ROOT
from ..models import tiny

MODULES = (radius_layers, radius_controls, radius_growth)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Record]:
    """One with all layers and controls, and a larger one with neither."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "prose.txt").write_text(tiny.prose(1500))
    loaded = load_model(tiny.save_model(folder / "tiny"))
    source = documents(folder / "prose.txt")
    small = Settings(chunks=80, length=10, seed=4, layers="all", controls=CONTROLS)
    large = Settings(chunks=300, length=10, seed=4, controls=())
    first, second = (
        measure_radius(loaded, source, settings, name=name, title=name, command=name)
        for name, settings in (("small", small), ("large", large))
    )
    return first, second


@pytest.fixture(scope="module")
def record(records: tuple[Record, Record]) -> Record:
    return records[0]


def ends(trace: Any, axis: str = "y") -> list[tuple[float, float, float]]:
    """Low, middle and high of every mark of a trace."""
    error = trace[f"error_{axis}"]
    return [(m - a, m, m + b) for m, a, b in zip(trace[axis], error.arrayminus, error.array, strict=True)]


def interval(found: Any, key: str) -> tuple[float, float, float]:
    return tuple(pytest.approx(found[f"{key}{end}"], rel=2e-3) for end in ("_low", "", "_high"))  # type: ignore[return-value]


def test_layers_show_medians_with_intervals(record: Record) -> None:
    drawn = radius_layers.figure(record)
    lines = {(trace.legendgroup, trace.yaxis, trace.mode): trace for trace in drawn.data}
    for name, found in {"model": record.summary["sites"], **record.summary["controls"]}.items():
        if name == "rescaled":
            assert not any(group == name for group, _, _ in lines), "it has no layers"
            continue
        upper, lower = lines[name, "y", "lines+markers"], lines[name, "y2", "lines+markers"]
        assert list(upper.x) == [0, 1, 2]
        for layer, mark in zip(upper.x, ends(upper), strict=True):
            assert mark == interval(found[f"layer-{layer}"]["distance"]["1"], "median")
        for layer, mark in zip(lower.x, ends(lower), strict=True):
            assert mark == interval(found[f"layer-{layer}"]["scale_free"], "median_over_rms_norm")
        (mark,) = ends(lines[name, "y", "markers"])
        assert mark == interval(found["after"]["distance"]["1"], "median")
        assert lines[name, "y", "markers"].x[0] > 2, "beside the stream, not on it"
    (line,) = [trace for trace in drawn.data if trace.name.startswith("hypothesis")]
    assert line.yaxis == "y"
    assert list(line.y) == [record.summary["hypothesis"]] * 2
    assert f"{record.summary['hypothesis']:.2f}" in line.name, "in the legend, where it covers no curve"


def test_layers_end_with_what_leaves_the_last_block(record: Record) -> None:
    """Also where its number was not asked for."""
    cut = {name: found for name, found in record.summary["sites"].items() if name != "layer-2"}
    drawn = radius_layers.figure(dataclasses.replace(record, summary={**record.summary, "sites": cut, "controls": {}}))
    upper = drawn.data[0]
    assert list(upper.x) == [0, 1, 2]
    assert ends(upper)[-1] == interval(cut["before"]["distance"]["1"], "median")
    assert drawn.layout.xaxis.ticktext[-2:] == ("last", "norm")


def test_controls_show_medians_with_intervals(record: Record) -> None:
    drawn = radius_controls.figure(record)
    places = {
        "": lambda found: (found["distance"]["1"], "median"),
        "2": lambda found: (found["scale_free"], "median_over_rms_norm"),
        "3": lambda found: (found["scale_free"], "median_over_pair"),
    }
    marks = 0
    for trace in drawn.data:
        side = trace.legendgroup
        for label, mark in zip(trace.y, ends(trace, "x"), strict=True):
            (variant,) = [name for name, look in LOOKS.items() if look[0] == label]
            sites = record.summary["sites"] if variant == "model" else record.summary["controls"][variant]
            assert mark == interval(*places[trace.xaxis.removeprefix("x")](sites[side]))
            marks += 1
    assert marks == 3 * (2 * 4 + 1), "the rescaled norm has one side"
    (line,) = drawn.layout.shapes
    assert line.x0 == line.x1 == record.summary["hypothesis"]


def test_growth_shows_means_and_the_records_own_fit(records: tuple[Record, Record]) -> None:
    record, other = records
    drawn = radius_growth.figure(record, other)
    marks = [trace for trace in drawn.data if trace.mode == "markers"]
    assert len(marks) == 4
    for trace in marks:
        each = other if "other sample sizes" in trace.name else record
        assert trace.marker.symbol.endswith("-open") == (each is other)
        side = trace.legendgroup.split()[0]
        distance = each.summary["sites"][side]["distance"]
        assert list(trace.x) == [numbers["count"] for numbers in distance.values()]
        for mark, numbers in zip(ends(trace), distance.values(), strict=True):
            assert mark == interval(numbers, "mean")
    fits = {trace.legendgroup: trace for trace in drawn.data if trace.mode == "lines" and trace.fill is None}
    bands = {trace.legendgroup: trace for trace in drawn.data if trace.fill == "toself"}
    for side in ("before", "after"):
        growth, line, band = record.summary["sites"][side]["growth"], fits[side], bands[side]
        assert line.x[-1] == 1_000_000_000
        far = growth["at"]["1000000000"]
        assert line.y[-1] == pytest.approx(far["mean"], rel=1e-3)
        half = len(band.x) // 2
        assert [band.y[half], band.y[half - 1]] == pytest.approx([far["low"], far["high"]], rel=1e-3)
        slope = math.log(line.y[-1] / line.y[0]) / math.log(line.x[-1] / line.x[0])
        assert -slope == pytest.approx(growth["exponent"], rel=1e-2)
    (rule,) = [trace for trace in drawn.data if (trace.name or "").startswith("hypothesis")]
    assert list(rule.y) == [record.summary["hypothesis"]] * 2
    assert radius_growth.figure(record, most=1e6).data[1].x[-1] == 1_000_000


def test_a_line_can_be_followed_anywhere(records: tuple[Record, Record]) -> None:
    for side in ("before", "after"):
        line = radius_growth.fitted(records[0], side, [1_000_000, 300])
        assert line[1_000_000] == records[0].summary["sites"][side]["growth"]["at"]["1000000"]
        assert line[300]["low"] < line[300]["mean"] < line[300]["high"]
    with pytest.raises(ValueError, match="'another' is of kind"):
        radius_growth.fitted(dataclasses.replace(records[0], name="another", kind="law"), "before", [300])


def test_the_chapter_shows_every_record_and_says_how_it_was_measured() -> None:
    chapter = (ROOT / "book" / "experiments" / "radius.md").read_text(encoding="utf-8")
    listed = re.findall(r'^ {4}"(radius-[\w-]+)",$', chapter, re.MULTILINE)
    committed = [path.parent.name for path in (ROOT / "book" / "results").glob("radius-*/record.json")]
    alone = [name for name in re.findall(r'results\.load\("(radius-[\w-]+)"\)', chapter) if name not in listed]
    assert sorted([*listed, *alone]) == sorted(committed)
    first = ["radius-stories260k", "radius-smollm2-135m"]  # under the two figures with which the chapter begins
    rest = [name for name in listed if name not in first]
    assert re.findall(r"^```\{provenance\} (\S+)$", chapter, re.MULTILINE) == [*first, *rest, *alone]


@pytest.mark.parametrize("module", MODULES)
def test_words_and_size(record: Record, module: Any) -> None:
    drawn: go.Figure = module.figure(record)
    words = module.alt_text(record)
    assert drawn.layout.meta["alt"] == words
    assert "80" in drawn.layout.meta["caption"] or module is radius_growth
    assert f"{record.summary['hypothesis']:.2f}" in words
    for numbers in (record.summary["sites"]["before"], record.summary["sites"]["after"]):
        key = "mean" if module is radius_growth else "median"
        assert f"{numbers['distance']['1'][key]:.3g}" in words
    text = drawn.to_json()
    assert len(text) < 40_000
    layout = json.loads(text)["layout"]
    assert "paper_bgcolor" not in layout
    assert "color" not in layout.get("font", {})
    assert not re.search(r"white|#fff", text, flags=re.IGNORECASE)
    assert "NaN" not in text


def test_records_that_cannot_be_drawn_are_refused(records: tuple[Record, Record]) -> None:
    record, bare = records
    with pytest.raises(ValueError, match="record 'large' was measured without layers"):
        radius_layers.figure(bare)
    with pytest.raises(ValueError, match="record 'large' was measured without controls"):
        radius_controls.figure(bare)
    single = dataclasses.replace(record, parameters={**record.parameters, "fractions": [1.0]})
    with pytest.raises(ValueError, match="one share of the vectors"):
        radius_growth.figure(single)
    stranger = dataclasses.replace(bare, parameters={**bare.parameters, "model": "another"})
    with pytest.raises(ValueError, match="record 'large' is of another, not tiny"):
        radius_growth.figure(record, stranger)
    for module in MODULES:
        with pytest.raises(ValueError, match="is of kind 'loss'; expected 'radius'"):
            module.figure(dataclasses.replace(record, kind="loss"))
        with pytest.raises(ValueError, match="measured by an older version"):
            module.alt_text(dataclasses.replace(record, summary={"before": {}}))
