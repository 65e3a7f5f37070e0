"""The radius experiment as a whole, on a tiny model, with every layer and control."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.corpora import documents, shuffled
from beyond_scaling.models import controls
from beyond_scaling.models.load import LoadedModel, load_model
from beyond_scaling.radius import (
    CONTROLS,
    Settings,
    check,
    hypothesised_distance,
    measure_radius,
    nearest_distances,
    subset_rows,
)
from beyond_scaling.radius.activations import Interrupted, record_activations
from beyond_scaling.radius.chunks import CHUNKS
from beyond_scaling.radius.gaussian import gaussian_like
from beyond_scaling.radius.measure import clear_work
from beyond_scaling.radius.variants import piece_name
from beyond_scaling.radius.volumes import log_partitions, reference_radii
from beyond_scaling.results import Record

from ..models import tiny

SETTINGS = Settings(chunks=60, length=10, seed=4, layers="all", controls=CONTROLS)
SITES = ["layer-0", "layer-1", "layer-2", "before", "after"]


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


@pytest.fixture(scope="module")
def tokens(loaded: LoadedModel, text: Path, record: Record) -> np.ndarray:
    """(60, 10), found again from the places that the record tells."""
    texts = [(text / f"{number}.txt").read_text() for number in range(3)]
    encoded = [loaded.tokenizer.encode(each, add_special_tokens=False) for each in texts]
    places = zip(record.columns["document"], record.columns["offset"], strict=True)
    return np.array([encoded[document][offset : offset + 10] for document, offset in places])


def test_the_columns_are_the_distances_of_the_activations(
    loaded: LoadedModel, record: Record, tokens: np.ndarray
) -> None:
    found = record_activations(loaded.model, tokens)
    for side, vectors in (("before", found.before), ("after", found.after)):
        told = record.summary["sites"][side]
        np.testing.assert_allclose(record.columns[f"{side}_norm"], np.linalg.norm(vectors, axis=1), rtol=1e-5)
        for fraction in (0.4, 0.6, 0.8, 1.0):
            rows = subset_rows(60, fraction, seed=4)
            column = record.columns[f"{side}_{round(100 * fraction)}"]
            expected = nearest_distances(vectors[rows])[1.0]
            np.testing.assert_allclose(column[rows], expected, rtol=1e-4, atol=1e-6)
            assert np.isnan(np.delete(column, rows)).all()
            numbers = told["distance"][f"{fraction:g}"]
            assert numbers["count"] == len(rows)
            assert math.isclose(numbers["median"], np.median(column[rows]), rel_tol=1e-6)
            assert math.isclose(numbers["mean"], column[rows].mean(dtype=float), rel_tol=1e-6)
            assert numbers["mean_low"] < numbers["mean"] < numbers["mean_high"]
        spread = np.sqrt(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert math.isclose(told["cloud"]["spread"], spread, rel_tol=1e-4)
        assert 1 <= told["cloud"]["effective_dimension"] <= 16
        median = told["distance"]["1"]["median"]
        assert told["scale_free"]["median_over_rms_norm"] == pytest.approx(median / told["cloud"]["rms_norm"])
        assert told["log_partition"]["median"] == log_partitions(median / 2, 16, 60)


def test_every_site_and_control_is_what_its_name_says(
    loaded: LoadedModel, record: Record, tokens: np.ndarray
) -> None:
    sites = record.summary["sites"]
    assert sorted(sites) == sorted(SITES)
    assert sites["layer-2"] == sites["before"], "the last layer is what enters the norm"
    model = loaded.model
    runs = {
        "untrained": (controls.untrained(model, 4), tokens),
        "shuffled": (model, shuffled(tokens, 4)),
        "rescaled": (controls.rescaled(model, 2.0), tokens),
    }
    assert set(record.summary["controls"]) == {"gaussian", *runs}
    for name, (other, text) in runs.items():
        told = record.summary["controls"][name]
        assert sorted(told) == (["after"] if name == "rescaled" else sorted(SITES))
        found = record_activations(other, text, sites=SITES)
        for site, numbers in told.items():
            distances = nearest_distances(found.sites[site])[1.0]
            assert numbers["distance"]["1"]["mean"] == pytest.approx(distances.mean(), rel=1e-4, abs=1e-6), (name, site)


def test_rescaling_moves_the_radius_and_not_the_function(record: Record) -> None:
    model, other = record.summary["sites"]["after"], record.summary["controls"]["rescaled"]["after"]
    for fraction, numbers in model["distance"].items():
        for key in ("mean", "median", "mean_low", "median_high"):
            assert other["distance"][fraction][key] == pytest.approx(2 * numbers[key], rel=1e-5)
    assert other["scale_free"] == pytest.approx(model["scale_free"], rel=1e-5)
    assert record.summary["function_change"] < 1e-5


def test_the_record_is_sound_and_knows_its_inputs(tmp_path: Path, record: Record) -> None:
    results.save(record, tmp_path)
    kept = results.verify("toy", tmp_path)
    check(kept)
    names = [item["name"] for item in kept.inputs]
    assert {"config.json", "model.safetensors", "tokenizer.json", "0.txt", "1.txt", "2.txt"} <= set(names)
    assert kept.parameters["architecture"] == "GPT2LMHeadModel"
    assert sorted(kept.parameters["sites"]) == sorted(SITES)
    assert kept.parameters["controls"] == list(CONTROLS)
    assert kept.parameters["batch_size"] >= 1
    assert kept.summary["hypothesis"] == hypothesised_distance(16)
    assert kept.summary["unit_integral"] == 2 * reference_radii(16)["unit_integral"]
    assert (kept.summary["dimension"], kept.summary["vectors"], kept.summary["documents"]) == (16, 60, 3)
    assert kept.seed == 4


def test_the_same_settings_give_the_same_numbers(loaded: LoadedModel, text: Path, record: Record) -> None:
    assert measure(loaded, text).summary == record.summary
    other = measure(loaded, text, Settings(chunks=60, length=10, seed=5, controls=(), fractions=(1.0, 0.5)))
    assert other.summary["sites"]["after"]["distance"]["1"] != record.summary["sites"]["after"]["distance"]["1"]
    assert other.summary["controls"] == {}
    assert "function_change" not in other.summary
    assert list(other.summary["sites"]["after"]["distance"]) == ["0.5", "1"]
    check(other)


def test_two_vectors_and_vectors_that_are_all_equal_can_be_told_of(loaded: LoadedModel, tmp_path: Path) -> None:
    """At the embedding, chunks of one repeated word are one vector: distances of zero, and no power law."""
    (tmp_path / "same.txt").write_text("the " * 400)
    settings = Settings(chunks=40, length=4, seed=0, layers=(0,), controls=("gaussian",))
    found = measure(loaded, tmp_path, settings)
    check(found)
    bare = found.summary["sites"]["layer-0"]
    assert (bare["distance"]["1"]["zeros"], bare["growth"], bare["dimension"]["duplicates"]) == (40, {}, 39)
    assert set(bare["log_partition"]["mean"]) == {"radius"}
    few = measure(loaded, tmp_path, Settings(chunks=2, length=4, fractions=(1.0,)))
    check(few)


class Killed(Exception):
    pass


@pytest.mark.parametrize("stop", ["gaussian.after", "rescaled.after"])
def test_work_in_progress_is_taken_up_again(
    loaded: LoadedModel, text: Path, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    """Stopped as a piece is about to be written: what was kept is not measured again, and all comes out alike."""
    work, kept = tmp_path / "work", "beyond_scaling.radius.work.Work.keep"
    from beyond_scaling.radius.work import Work

    real, measured = Work.keep, []

    def until(self: Work, name: str, *rest: Any) -> None:
        if name == stop:
            raise Killed
        real(self, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(kept, until)
        with pytest.raises(Killed):
            measure(loaded, text, work=work)
    done = {path.stem for path in work.glob("*.npz")}
    assert CHUNKS in done
    with monkeypatch.context() as patch:
        patch.setattr("beyond_scaling.corpora.random_chunks", None)  # drawing chunks again would fail
        patch.setattr(kept, lambda self, name, *rest: measured.append(name) or real(self, name, *rest))
        resumed = measure(loaded, text, work=work)
    assert not done & set(measured)
    assert stop in measured
    assert resumed.summary == record.summary
    assert resumed.inputs == record.inputs
    for name, column in record.columns.items():
        np.testing.assert_array_equal(resumed.columns[name], column)
    clear_work(work)
    assert not work.exists()


def test_work_of_another_measurement_or_damaged_is_refused(
    loaded: LoadedModel, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    few = Settings(chunks=20, length=8, fractions=(1.0,))

    def stop(*_: object, **__: object) -> None:
        raise Interrupted(30, 60)

    with monkeypatch.context() as patch:
        patch.setattr("beyond_scaling.radius.variants.record_activations", stop)
        with pytest.raises(Interrupted):
            measure(loaded, text, few, work=work)
    with pytest.raises(ValueError, match="holds another measurement"):
        measure(loaded, text, dataclasses.replace(few, seed=5), work=work)
    measure(loaded, text, few, work=work)
    with pytest.raises(ValueError, match="holds another measurement"):
        measure(loaded, text, dataclasses.replace(few, fractions=(0.5, 1.0)), work=work)
    for name in (CHUNKS, piece_name("gaussian", "after")):
        whole = (work / f"{name}.npz").read_bytes()
        for damage in (b"PK", b"", whole[:-30]):
            (work / f"{name}.npz").write_bytes(damage)
            with pytest.raises(ValueError, match=rf"{name}\.npz is damaged; remove that file"):
                measure(loaded, text, few, work=work)
        (work / f"{name}.npz").write_bytes(whole)
    (work / f"new-{CHUNKS}.npz").touch()  # of a run that was killed
    (work / f"new-{piece_name('model', 'after')}.npz").touch()
    clear_work(work)
    assert not work.exists()


def test_a_disk_that_is_full_is_told(loaded: LoadedModel, text: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("beyond_scaling.radius.work.np.savez", full)
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        measure(loaded, text, work=tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_gaussian_has_the_same_mean_and_covariance(offset: float) -> None:
    generator = np.random.default_rng(0)
    x = (offset + 3 + generator.normal(size=(4000, 5)) @ generator.normal(size=(5, 5))).astype(np.float32)
    drawn = gaussian_like(x, np.random.default_rng(1))
    assert (drawn.shape, drawn.dtype) == (x.shape, x.dtype)
    covariance = np.cov(x.astype(float), rowvar=False)
    found = np.cov(drawn.astype(float), rowvar=False)
    np.testing.assert_allclose(found, covariance, atol=0.08 * np.abs(covariance).max())
    np.testing.assert_allclose(drawn.mean(axis=0, dtype=float), x.mean(axis=0, dtype=float), atol=0.2)


def test_the_gaussian_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(100, 3))
    whole = gaussian_like(x, np.random.default_rng(1))
    monkeypatch.setattr("beyond_scaling.radius.gaussian._BLOCK", 21)
    np.testing.assert_allclose(gaussian_like(x, np.random.default_rng(1)), whole, rtol=1e-9)


def test_a_model_that_will_not_do_is_refused_before_the_text_is_read(loaded: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "not-utf-8.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="chunks of 33 tokens are longer than the model's context of 32"):
        measure(loaded, tmp_path, dataclasses.replace(SETTINGS, length=33))
    with pytest.raises(ValueError, match=r"layer 3: expected a number in 0\.\.\.2"):
        measure(loaded, tmp_path, dataclasses.replace(SETTINGS, layers=(3,)))


def test_the_hypothesis_is_the_papers() -> None:
    assert math.isclose(hypothesised_distance(1024), 2 * 7.74306, rel_tol=1e-6)  # r* of the paper's own example


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chunks": 1}, "chunks 1: expected an integer of at least 2"),
        ({"length": 0}, "length 0"),
        ({"seed": -1}, "seed -1"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"layers": (-1,)}, "layers"),
        ({"layers": "most"}, "layers"),
        ({"controls": ("noise",)}, "controls"),
        ({"controls": "gaussian"}, "controls"),
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
