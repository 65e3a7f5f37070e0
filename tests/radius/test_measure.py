"""The radius experiment as a whole, on a tiny model, and the check of its records."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.corpora import documents
from beyond_scaling.models.load import LoadedModel, load_model
from beyond_scaling.radius import (
    Settings,
    check,
    hypothesised_distance,
    measure_radius,
    nearest_distances,
    subset_rows,
)
from beyond_scaling.radius.activations import Interrupted, record_activations, unfinished
from beyond_scaling.radius.measure import CHUNKS_FILE, clear_work, gaussian_like
from beyond_scaling.results import Record

from ..models import tiny

SETTINGS = Settings(chunks=60, length=10, seed=4)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(tiny.save_model(tmp_path_factory.mktemp("models") / "tiny-gpt2"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    for number in range(3):
        (folder / f"{number}.txt").write_text(tiny.prose(400, seed=number))
    return folder


def measure(loaded: LoadedModel, text: Path, settings: Settings = SETTINGS, work: Path | None = None) -> Record:
    return measure_radius(loaded, documents(text), settings, name="toy", title="A toy", command="toy", work=work)


@pytest.fixture(scope="module")
def record(loaded: LoadedModel, text: Path) -> Record:
    return measure(loaded, text)


def test_the_columns_are_the_distances_of_the_activations(loaded: LoadedModel, text: Path, record: Record) -> None:
    texts = [(text / f"{number}.txt").read_text() for number in range(3)]
    encoded = [loaded.tokenizer.encode(each, add_special_tokens=False) for each in texts]
    places = zip(record.columns["document"], record.columns["offset"], strict=True)
    tokens = np.array([encoded[document][offset : offset + 10] for document, offset in places])
    found = record_activations(loaded.model, tokens)
    for side, vectors in (("before", found.before), ("after", found.after)):
        np.testing.assert_allclose(record.columns[f"{side}_norm"], np.linalg.norm(vectors, axis=1), rtol=1e-5)
        for fraction in (0.4, 0.6, 0.8, 1.0):
            rows = subset_rows(60, fraction, seed=4)
            column = record.columns[f"{side}_{round(100 * fraction)}"]
            expected = nearest_distances(vectors[rows])[1.0]
            np.testing.assert_allclose(column[rows], expected, rtol=1e-4, atol=1e-6)
            assert np.isnan(np.delete(column, rows)).all()
            numbers = record.summary[side]["distance"][f"{fraction:g}"]
            assert numbers["count"] == len(rows)
            assert math.isclose(numbers["median"], np.median(column[rows]), rel_tol=1e-6)
            assert math.isclose(numbers["mean"], column[rows].mean(dtype=float), rel_tol=1e-6)
        spread = np.sqrt(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert math.isclose(record.summary[side]["spread"], spread, rel_tol=1e-4)
        assert 1 <= record.summary[side]["effective_dimension"] <= 16


def test_the_record_is_sound_and_knows_its_inputs(tmp_path: Path, record: Record) -> None:
    results.save(record, tmp_path)
    kept = results.verify("toy", tmp_path)
    check(kept)
    names = [item["name"] for item in kept.inputs]
    assert {"config.json", "model.safetensors", "tokenizer.json", "0.txt", "1.txt", "2.txt"} <= set(names)
    assert kept.parameters["architecture"] == "GPT2LMHeadModel"
    assert kept.summary["hypothesis"] == hypothesised_distance(16)
    assert (kept.summary["dimension"], kept.summary["vectors"], kept.summary["documents"]) == (16, 60, 3)
    assert kept.seed == 4


def test_the_same_settings_give_the_same_numbers(loaded: LoadedModel, text: Path, record: Record) -> None:
    again = measure(loaded, text)
    assert again.summary == record.summary
    other = measure(loaded, text, dataclasses.replace(SETTINGS, seed=5, controls=False, fractions=(1.0, 0.5)))
    assert other.summary["after"]["distance"]["1"] != record.summary["after"]["distance"]["1"]
    assert "gaussian_after" not in other.summary
    assert list(other.summary["after"]["distance"]) == ["0.5", "1"]


def test_work_in_progress_is_taken_up_again(
    loaded: LoadedModel, text: Path, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise Interrupted(30, 60)

    with monkeypatch.context() as patch:
        patch.setattr("beyond_scaling.radius.measure.record_activations", stop)
        with pytest.raises(Interrupted):
            measure(loaded, text, work=tmp_path / "work")
    assert (tmp_path / "work" / CHUNKS_FILE).is_file()
    with monkeypatch.context() as patch:
        patch.setattr("beyond_scaling.corpora.random_chunks", None)  # drawing chunks again would fail
        resumed = measure(loaded, text, work=tmp_path / "work")
    assert resumed.summary == record.summary
    assert resumed.inputs == record.inputs
    with pytest.raises(ValueError, match="holds another measurement"):
        measure(loaded, text, dataclasses.replace(SETTINGS, seed=5), work=tmp_path / "work")
    for damage in (b"PK", b""):
        (tmp_path / "work" / CHUNKS_FILE).write_bytes(damage)
        with pytest.raises(ValueError, match=r"chunks\.npz is damaged"):
            measure(loaded, text, work=tmp_path / "work")
    (tmp_path / "work" / unfinished(CHUNKS_FILE)).touch()  # of a run that was killed
    clear_work(tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_the_control_has_the_same_mean_and_covariance() -> None:
    generator = np.random.default_rng(0)
    x = (3 + generator.normal(size=(4000, 5)) @ generator.normal(size=(5, 5))).astype(np.float32)
    drawn = gaussian_like(x, np.random.default_rng(1))
    assert (drawn.shape, drawn.dtype) == (x.shape, x.dtype)
    covariance = np.cov(x, rowvar=False)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), covariance, atol=0.08 * np.abs(covariance).max())
    np.testing.assert_allclose(drawn.mean(axis=0), x.mean(axis=0), atol=0.2)


def tampered(record: Record, **changes: object) -> Record:
    return dataclasses.replace(record, columns={**record.columns, **changes})


def test_a_summary_that_does_not_follow_from_the_columns_is_found(record: Record) -> None:
    check(record)
    column = record.columns["after_100"]
    with pytest.raises(ValueError, match=r"summary\.after\.distance\.1\.\w+ is .*; its columns give"):
        check(tampered(record, after_100=column * 1.01))
    with pytest.raises(ValueError, match="column after_40 has 60 distances; expected 24"):
        check(tampered(record, after_40=column))
    missing = {name: values for name, values in record.columns.items() if name != "before_60"}
    with pytest.raises(ValueError, match="column before_60 is missing"):
        check(dataclasses.replace(record, columns=missing))
    with pytest.raises(ValueError, match="hypothesis 20"):
        check(dataclasses.replace(record, summary={**record.summary, "hypothesis": 20.0}))


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("parameters", {"fractions": None}, "parameters: "),
        ("parameters", {"fractions": []}, r"parameters: fractions \[\]"),
        ("parameters", {"fractions": ["0.4"]}, "parameters: "),
        ("parameters", {"chunks": 61}, "summary.vectors is 60; its parameters say 61 chunks"),
        ("parameters", {"model": 3}, "parameters.model is 3"),
        ("summary", {"dimension": 0.5}, "summary.dimension is 0.5"),
        ("summary", {"documents": -1}, "summary.documents is -1"),
        ("summary", {"vectors": None}, "summary.vectors is None"),
        ("summary", {"hypothesis": None}, "hypothesis None"),
        ("summary", {"before": {}}, r"summary\.before\.norm\.count is missing"),
        ("summary", {"after": 1.0}, r"summary\.after\.norm\.count is missing"),
        ("summary", {"gaussian_after": {}}, r"summary\.gaussian_after\.distance\.0\.4\.count is missing"),
        ("summary", {"mood": 1.0}, "unknown entries in the summary: mood"),
        ("columns", {"document": np.full(60, -1)}, "column document holds negative numbers"),
        ("columns", {"offset": np.full(60, "a")}, "column offset holds <U1; expected numbers"),
        ("columns", {"other": np.zeros(60)}, "column other is unknown"),
        ("columns", {"before_norm": np.full(60, np.nan)}, "column before_norm has 0 numbers; expected 60"),
    ],
)
def test_every_part_of_a_record_is_checked(record: Record, part: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"record 'toy': {words}"):
        check(dataclasses.replace(record, **{part: {**getattr(record, part), **changes}}))


@pytest.mark.parametrize("name", ["spread", "effective_dimension"])
def test_what_the_columns_cannot_tell_must_be_there(record: Record, name: str) -> None:
    before = {key: value for key, value in record.summary["before"].items() if key != name}
    with pytest.raises(ValueError, match=f"summary.before.{name} is missing"):
        check(dataclasses.replace(record, summary={**record.summary, "before": before}))
    with pytest.raises(ValueError, match=f"summary.before.{name} is -1.0"):
        check(dataclasses.replace(record, summary={**record.summary, "before": {**before, name: -1.0}}))


def test_a_model_that_will_not_do_is_refused_before_the_text_is_read(loaded: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "not-utf-8.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="chunks of 33 tokens are longer than the model's context of 32"):
        measure(loaded, tmp_path, dataclasses.replace(SETTINGS, length=33))


def test_the_hypothesis_is_the_papers() -> None:
    assert math.isclose(hypothesised_distance(1024), 2 * 7.74306, rel_tol=1e-6)  # r* of the paper's own example


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chunks": 1}, "chunks 1: expected an integer of at least 2"),
        ({"length": 0}, "length 0"),
        ({"seed": -1}, "seed -1"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"fractions": (0.4, 0.4)}, "distinct"),
        ({"fractions": (0.3333333, 0.33333331)}, "distinct"),
        ({"fractions": ()}, "fractions"),
        ({"fractions": (0.01,)}, r"fraction 0\.01 of 60 chunks"),
        ({"fractions": (1.2,)}, r"fraction 1\.2 of 60 chunks"),
    ],
)
def test_settings_are_checked(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
