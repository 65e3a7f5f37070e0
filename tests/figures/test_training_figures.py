"""Chapter 9's figures: every mark is a number of a record or follows from some, and what is missing is said."""

from __future__ import annotations

import dataclasses
import fnmatch
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from beyond_scaling import results
from beyond_scaling.figures import training, training_by_heart, training_predictions
from beyond_scaling.training import plan
from beyond_scaling.training.cases import by_heart, case, cases, words
from beyond_scaling.training.run import run
from beyond_scaling.training.seeds import Group, groups, spread

from ..conftest import ROOT
from ..training import tiny

HEART = {"model.dropout": 0.0, "run.steps": 30, "data.lines": 5}  # read 30 times
LEFT = "toy-2-layers-1"  # the run that has not been made


@pytest.fixture(scope="module")
def planned() -> list[plan.Planned]:
    sections = tiny.config(data__lines=60).sections()
    sections["runs"] = [
        {"name": "toy-{model.layers}-layers-{run.seed}", "grid": {"run.seed": [0, 1], "model.layers": [1, 2]}},
        {"name": "toy-{data.part}", "set": {"data.part": "sentence"}},
        {"name": "toy-{data.lines}-lines-{run.seed}", "set": HEART, "grid": {"run.seed": [0, 1]}},
    ]
    return plan.planned(sections)


@pytest.fixture(scope="module")
def root(planned: list[plan.Planned], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for each in planned:
        if each.name != LEFT:
            run(each.config, name=each.name, title=each.title, command="toy", root=folder)
    return folder


@pytest.fixture(scope="module")
def runs(planned: list[plan.Planned], root: Path) -> list[Group]:
    return groups(planned, root)


def traces(figure: go.Figure, **wanted: Any) -> list[Any]:
    return [trace for trace in figure.data if all(trace[key] == value for key, value in wanted.items())]


def near(values: Any) -> Any:
    return pytest.approx(list(values), rel=2e-3)


def test_a_reduced_curve_hides_nothing(runs: list[Group]) -> None:
    record = runs[0].records[0]
    curve = training.reduced(record, points=6)
    losses, targets = record.columns["train_loss"], np.diff(record.columns["tokens"], prepend=0)
    ends = np.unique(np.geomspace(1, len(losses) + 1, 7).round().astype(int)) - 1
    assert len(curve["step"]) == len(ends) - 1 < len(losses)
    for place, (start, end) in enumerate(itertools.pairwise(ends)):
        steps = slice(start, end)
        assert curve["mean"][place] == pytest.approx(np.average(losses[steps], weights=targets[steps]))
        assert (curve["low"][place], curve["high"][place]) == (losses[steps].min(), losses[steps].max())
        assert start + 1 <= curve["step"][place] <= end
    assert (ends[0], ends[-1]) == (0, len(losses)), "no step is left out"
    whole = training.reduced(record, points=500)
    np.testing.assert_allclose(whole["mean"], losses, rtol=1e-6)
    with pytest.raises(ValueError, match="record 'toy-1-layers-0' is of kind 'law'; expected 'training'"):
        training.reduced(dataclasses.replace(record, kind="law"))


def test_the_course_has_a_line_for_each_seed_and_both_predictions(runs: list[Group]) -> None:
    drawn = training.figure(runs[:2])
    for group, depth in zip(runs[:2], ("1 layers", "2 layers"), strict=True):
        lines = traces(drawn, mode="lines", name=depth)
        assert len(lines) == len(group.records)
        for line, record in zip(lines, group.records, strict=True):
            assert list(line.y) == near(training.reduced(record)["mean"])
        (band,) = traces(drawn, fill="toself", legendgroup=depth)
        curves = [training.reduced(record) for record in group.records]
        half = len(band.y) // 2
        assert list(band.y[:half]) == near(np.max([curve["high"] for curve in curves], axis=0))
        assert list(band.y[half:][::-1]) == near(np.min([curve["low"] for curve in curves], axis=0))
        fixed = [trace for trace in drawn.data if trace.xaxis == "x2" and trace.mode == "lines"
                 and trace.legendgroup == depth]  # fmt: skip
        last = [record.columns["training_loss"][-1] for record in group.records]
        assert [trace.y[-1] for trace in fixed] == near(last)
    entropy = case(runs[0]).entropy
    for name, value in (("Proposition 4: 1", 1.0), (f"entropy: {entropy:.4f}", entropy)):
        both = traces(drawn, name=name)
        assert {trace.yaxis for trace in both} == {"y", "y2"}
        assert all(list(trace.y) == near([value, value]) for trace in both)
    assert sum(trace.showlegend is not False for trace in drawn.data) == 4


def test_losses_by_heart_are_drawn_with_their_floors(runs: list[Group]) -> None:
    group = runs[-1]
    drawn = training_by_heart.figure([group])
    seen, new = (traces(drawn, name=name) for name in ("5 lines by heart", "5 lines by heart: on new lines"))
    for record, own, other in zip(group.records, seen, new, strict=True):
        assert list(own.y) == near(training.reduced(record)["mean"])
        losses = record.columns["validation_loss"]
        assert list(other.y) == near(losses[~np.isnan(losses)])
        assert other.x[-1] == pytest.approx(30, rel=1e-3), "readings of each line"
    floor = group.records[0].summary["predictions"]["floor"]
    assert [shape.y0 for shape in drawn.layout.shapes] == near([floor, 1])
    assert f"floor of 5: {floor:.3f}" in [note.text for note in drawn.layout.annotations]


def test_what_is_not_known_by_heart_is_refused(runs: list[Group]) -> None:
    with pytest.raises(ValueError, match=r"1 layers: lines read 1\.0 times; expected lines learnt by heart"):
        training_by_heart.figure(runs[:1])
    empty = Group(runs[0].config, (), ("toy",))
    for module in (training, training_by_heart):
        with pytest.raises(ValueError, match="1 groups, 0 with records; expected"):
            module.figure([empty])
    with pytest.raises(ValueError, match="4 groups, 4 with records"):
        training_by_heart.figure([runs[-1]] * 4)
    for draw in (training_predictions.figure, training_predictions.misses):
        with pytest.raises(ValueError, match="no group has a record"):
            draw([empty])
    with pytest.raises(ValueError, match="1 layers: no records of toy"):
        case(empty)


def test_both_predictions_are_beside_every_measured_loss(runs: list[Group]) -> None:
    drawn = training_predictions.figure(runs)
    told = cases(runs)
    assert [each.by_heart for each in told] == [False, False, False, True]
    for name, heart in (("measured, new lines", False), ("measured, by heart", True)):
        (marks,) = traces(drawn, name=name)
        chosen = [each for each in told if each.by_heart == heart]
        assert list(marks.x) == near(each.predicted for each in chosen)
        assert list(marks.y) == near(each.measured.mean for each in chosen)
        assert list(marks.error_y.array) == near((each.measured.high or each.measured.mean) - each.measured.mean
                                                 for each in chosen)  # fmt: skip
        assert [symbol.endswith("-open") for symbol in marks.marker.symbol] == [
            each.measured.seeds == 1 for each in chosen
        ]
    (diagonal,) = traces(drawn, name="entropy: the loss is the entropy")
    (level,) = traces(drawn, name="Proposition 4: the loss is 1")
    assert list(diagonal.x) == list(diagonal.y)
    assert list(level.y) == [1, 1]
    labels = " ".join(note.text for note in drawn.layout.annotations)
    assert all(each.words in labels for each in told)


def test_misses_are_the_distances_from_either(runs: list[Group]) -> None:
    drawn = training_predictions.misses(runs)
    told = cases(runs)
    for name, predicted in (
        ("from entropy", [each.predicted for each in told]),
        ("from Proposition 4’s 1", [1.0] * len(told)),
    ):
        (marks,) = traces(drawn, name=name)
        assert list(marks.x) == near(
            abs(each.measured.mean - value) for each, value in zip(told, predicted, strict=True)
        )
        assert list(marks.y) == list(range(len(told)))[::-1]
    assert [note.text for note in drawn.layout.annotations] == [each.words for each in told]


def test_a_case_is_held_against_what_it_should_be(runs: list[Group]) -> None:
    new, heart = case(runs[0]), case(runs[-1])
    summaries = [record.summary for record in runs[0].records]
    assert (new.predicted, new.source_error) == tuple(
        summaries[0]["predictions"][key] for key in ("validation", "validation_error")
    )
    assert new.measured.mean == pytest.approx(np.mean([each["sets"]["validation"]["last"] for each in summaries]))
    summaries = [record.summary for record in runs[-1].records]
    assert heart.predicted == summaries[0]["predictions"]["floor"]
    assert heart.measured.mean == pytest.approx(np.mean([each["sets"]["training"]["last"] for each in summaries]))
    config = runs[-1].config
    fewer = dataclasses.replace(config, data=dataclasses.replace(config.data, held_out=4))  # not all lines looked at
    assert case(dataclasses.replace(runs[-1], config=fewer)).training == spread(
        [each["train"]["last"] for each in summaries]
    )
    assert (new.paper, heart.paper) == (1.0, 1.0)
    assert [by_heart(group.config) for group in runs] == [False, False, False, True]
    often = tiny.config(model__layers=3, data__nouns=2)
    assert words(often) == "twice the nouns, 5 readings"
    tokens = dataclasses.replace(runs[0].config, data=tiny.config(data__kind="tokens", data__path="x").data)
    with pytest.raises(ValueError, match=r"data\.kind is 'tokens', expected 'question-formation'"):
        by_heart(tokens)


def test_figures_are_described_light_and_say_what_is_missing(runs: list[Group]) -> None:
    said = "Not measured yet: 2 layers (one seed)."
    drawings = [training.figure(runs[:2]), training_predictions.figure(runs), training_predictions.misses(runs)]
    for drawn in drawings:
        assert drawn.layout.meta["alt"].endswith(said)
        assert drawn.layout.meta["caption"].endswith(said)
    for drawn in (*drawings, training_by_heart.figure(runs[-1:])):
        assert len(drawn.to_json()) < 60_000
        assert drawn.layout.meta["narrow_height"] >= 300
        assert re.search(r"\d\.\d{2}", drawn.layout.meta["alt"])
    assert "Not measured" not in training_by_heart.figure(runs[-1:]).layout.meta["caption"]


def test_the_chapter_shows_every_record_and_says_how_it_was_measured() -> None:
    chapter = (ROOT / "book" / "experiments" / "grammar.md").read_text(encoding="utf-8")
    patterns = re.findall(r"^```\{provenance\} (\S+)$", chapter, re.MULTILINE)
    committed = results.names(ROOT / "book" / "results")
    planned = {each.name for each in plan.load("grammar-light")}
    grammars = [name for name in committed if name.startswith("grammar-")]
    assert grammars
    assert set(grammars) <= planned
    for name in grammars:
        assert sum(fnmatch.fnmatch(name, pattern) for pattern in patterns) == 1, name
    for pattern in patterns:
        assert {name for name in committed if fnmatch.fnmatch(name, pattern)} <= planned
