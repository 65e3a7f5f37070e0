"""Every number of a radius record is checked against what it follows from."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest

from beyond_scaling.corpora import documents
from beyond_scaling.models.load import load_model
from beyond_scaling.radius import Settings, check, measure_radius
from beyond_scaling.results import Record

from ..models import tiny

MISSING = object()


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "prose.txt").write_text(tiny.prose(1000))
    settings = Settings(chunks=60, length=10, seed=4, layers=(1,), controls=("gaussian", "rescaled"))
    loaded = load_model(tiny.save_model(folder / "tiny"))
    source = documents(folder / "prose.txt")
    found = measure_radius(loaded, source, settings, name="toy", title="A toy", command="toy")
    check(found)
    return found


def changed(record: Record, place: str, value: Any) -> Record:
    """The record with one number of its summary set, or taken away, or multiplied by a function."""
    summary = copy.deepcopy(dict(record.summary))
    *path, last = place.split("/")
    entry = summary
    for key in path:
        entry = entry[key]
    if value is MISSING:
        del entry[last]
    else:
        entry[last] = value(entry[last]) if callable(value) else value
    return dataclasses.replace(record, summary=summary)


# each of them is off by what a slip of the pen would do, and nothing else of the record is touched
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("hypothesis", 20.0, "hypothesis 20.0; expected 1.93"),
        ("hypothesis", None, "hypothesis None"),
        ("hypothesis", MISSING, "hypothesis None"),
        ("unit_integral", 4.0, "unit_integral 4.0; expected"),
        ("dimension", 0.5, "summary.dimension is 0.5"),
        ("documents", -1, "summary.documents is -1"),
        ("vectors", None, "summary.vectors is None"),
        ("vectors", 61, "summary.vectors is 61; its parameters say 60 chunks"),
        ("corpus_tokens", MISSING, "summary.corpus_tokens is None"),
        ("corpus_tokens_error", -1.0, "summary.corpus_tokens_error is -1.0"),
        ("function_change", -1e-9, "summary.function_change is -1e-09"),
        ("function_change", MISSING, "summary.function_change is None"),
        ("mood", 1.0, "summary.mood is unknown"),
        ("sites/before", MISSING, "summary.sites.before is missing"),
        ("sites/layer-7", {}, "summary.sites.layer-7 is unknown"),
        ("sites/after", 1.0, "summary.sites.after is 1.0; expected entries"),
        ("controls/gaussian", MISSING, "summary.controls.gaussian is missing"),
        ("controls/noise", {}, "summary.controls.noise is unknown"),
        ("controls/gaussian/after", MISSING, "summary.controls.gaussian.after is missing"),
        ("controls/rescaled/before", {}, "summary.controls.rescaled.before is unknown"),
        ("sites/before/norm", {}, "summary.sites.before.norm.count is missing"),
        ("sites/before/mood", 1.0, "summary.sites.before.mood is unknown"),
        ("sites/before/growth", MISSING, "summary.sites.before.growth is missing"),
        ("sites/before/norm/mean", lambda x: x * 1.01, "summary.sites.before.norm.mean is .*; its columns give"),
        ("sites/after/distance/1/median", lambda x: x * 1.01, "after.distance.1.median is .*; its columns give"),
        ("sites/after/distance/0.4/mean_low", lambda x: x * 0.9, "after.distance.0.4.mean_low is"),
        ("sites/after/distance/0.5", {}, "summary.sites.after.distance.0.5 is unknown"),
        ("sites/after/scale_free/mean_over_pair", lambda x: 2 * x, "after.scale_free.mean_over_pair is"),
        ("sites/after/log_partition/mean/corrected", 0.0, "after.log_partition.mean.corrected is 0.0"),
        ("sites/after/growth/exponent", lambda x: 2 * x, "after.growth.exponent is"),
        ("sites/after/growth/at", MISSING, "after.growth.at.100000.mean is missing"),
        ("sites/after/cloud/rms_norm", lambda x: 2 * x, "after.scale_free|after.cloud.rms_norm is"),
        ("sites/before/cloud/spread", MISSING, "summary.sites.before.cloud.spread is missing"),
        ("sites/before/cloud/spread", -1.0, "summary.sites.before.cloud.spread is -1.0"),
        ("sites/before/dependence", 0.5, "before.dependence is 0.5; expected a number of at least 1"),
        ("sites/before/dimension/queries", MISSING, "before.dimension.queries is missing"),
        ("sites/before/dimension/mle/neighbours", MISSING, "before.dimension.mle.neighbours is missing"),
        ("sites/before/dimension/two_nn/low", 99.0, "before.dimension.two_nn: .* lies outside 99.0"),
        ("sites/layer-1/distance/1/count", 61, "layer-1.distance.1.count is 61; expected 60"),
        ("sites/layer-1/distance/1/median", 1e9, "layer-1.distance.1: min, .* expected in rising order"),
        ("sites/layer-1/distance/1/mean_high", -1.0, "layer-1.distance.1: mean_low, mean, mean_high are"),
        ("sites/layer-1/distance/1/sd", -1.0, "layer-1.distance.1: sd -1.0"),
        ("sites/layer-1/scale_free/median_over_pair", lambda x: 2 * x, "layer-1.scale_free.median_over_pair is"),
        ("sites/layer-1/growth/exponent", lambda x: 1.01 * x, "layer-1.growth.* is .*; its line gives"),
        ("sites/layer-1/growth/low", 1e9, "layer-1.growth"),
        ("sites/layer-1/growth/dimension/estimate", MISSING, "layer-1.growth.dimension.estimate is missing"),
        ("sites/layer-1/growth/at/1000000/mean", lambda x: 1.01 * x, "growth.at.1000000.mean is .*; its line gives"),
        ("sites/layer-1/growth/at/1000000/low", 1e9, "growth.at.1000000: .* expected low, mean and high"),
        ("sites/layer-1/growth/at/100000", MISSING, "growth.at.100000.mean is missing"),
        ("controls/gaussian/after/growth/high", MISSING, "gaussian.after.growth.high is missing"),
        ("corpus_tokens", 10, "summary.corpus_tokens is 10; its columns know"),
        ("controls/gaussian/after/log_partition/median/radius", 1.0, "gaussian.after.log_partition.median.radius is"),
        ("controls/gaussian/after/distance/0.6/mean", MISSING, "gaussian.after.distance.0.6.mean is missing"),
        ("controls/rescaled/after/distance/0.6/max", MISSING, "rescaled.after.distance.0.6.max is missing"),
    ],
)  # fmt: skip
def test_a_number_that_does_not_follow_is_found(record: Record, place: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"record 'toy': .*({words})"):
        check(changed(record, place, value))


def test_a_chunk_of_a_document_that_there_is_not_is_found(record: Record) -> None:
    columns = {**record.columns, "document": record.columns["document"] + 1000}
    with pytest.raises(ValueError, match=r"summary\.documents is .*; its columns know of at least 10"):
        check(dataclasses.replace(record, columns=columns))


def test_a_rescaled_model_at_another_radius_is_found(record: Record) -> None:
    """All of the control's distances are off alike, so that only the model's can tell."""
    summary = copy.deepcopy(dict(record.summary))
    summary["controls"]["rescaled"]["after"] = summary["sites"]["after"]
    with pytest.raises(ValueError, match="expected 2 times the model's"):
        check(dataclasses.replace(record, summary=summary))


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("parameters", {"fractions": None}, "parameters: "),
        ("parameters", {"fractions": []}, r"parameters: fractions \[\]"),
        ("parameters", {"fractions": ["0.4"]}, "parameters: "),
        ("parameters", {"chunks": 61}, "summary.vectors is 60; its parameters say 61 chunks"),
        ("parameters", {"model": 3}, "parameters.model is 3"),
        ("parameters", {"sites": ["before"]}, r"parameters: sites \['before'\]"),
        ("parameters", {"sites": ["before", "after", "attic"]}, "parameters: sites"),
        ("parameters", {"sites": ["before", "after"]}, "summary.sites.layer-1 is unknown"),
        ("parameters", {"controls": None}, "parameters: controls None"),
        ("parameters", {"controls": ["noise"]}, "parameters: controls"),
        ("parameters", {"controls": ["gaussian"]}, "summary.function_change is unknown"),
        ("parameters", {"factor": 3.0}, "parameters: factor 3.0"),
        ("columns", {"document": np.full(60, -1)}, "column document holds negative numbers"),
        ("columns", {"offset": np.full(60, "a")}, "column offset holds <U1; expected numbers"),
        ("columns", {"other": np.zeros(60)}, "column other is unknown"),
        ("columns", {"before_norm": np.full(60, np.nan)}, "column before_norm has 0 numbers; expected 60"),
        ("columns", {"after_40": np.ones(60)}, "column after_40 has 60 distances; expected 24"),
    ],
)
def test_every_part_of_a_record_is_checked(record: Record, part: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"record 'toy': {words}"):
        check(dataclasses.replace(record, **{part: {**getattr(record, part), **changes}}))


def test_columns_that_the_summary_does_not_tell_of_are_found(record: Record) -> None:
    for name, words in (("after_100", r"after\.distance\.1\.\w+ is"), ("before_norm", r"before\.norm\.\w+ is")):
        moved = {**record.columns, name: record.columns[name] * np.float32(1.01)}
        with pytest.raises(ValueError, match=f"{words} .*; its columns give|grow"):
            check(dataclasses.replace(record, columns=moved))
    missing = {name: values for name, values in record.columns.items() if name != "before_60"}
    with pytest.raises(ValueError, match="column before_60 is missing"):
        check(dataclasses.replace(record, columns=missing))


def test_another_seed_is_another_record(record: Record) -> None:
    with pytest.raises(ValueError, match="record 'toy': "):
        check(dataclasses.replace(record, seed=5))


def test_a_record_of_an_older_version_is_told_apart(record: Record) -> None:
    old = {"dimension": 16, "vectors": 60, "before": {}, "after": {}}
    with pytest.raises(ValueError, match="record 'toy': measured by an older version: measure again"):
        check(dataclasses.replace(record, summary=old))
    with pytest.raises(ValueError, match="kind is 'loss'; expected 'radius'"):
        check(dataclasses.replace(record, kind="loss"))
