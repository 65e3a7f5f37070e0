"""Every number of a training record is checked against what it follows from."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.cli import main
from beyond_scaling.results import Record
from beyond_scaling.training.check import check
from beyond_scaling.training.run import run

from . import tiny

MISSING = object()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    run(tiny.config(), name="toy", title="A toy", command="toy", root=folder)
    return folder


@pytest.fixture(scope="module")
def record(root: Path) -> Record:
    found = results.verify("toy", root)
    check(found)
    return found


def changed(values: Any, place: str, value: Any) -> dict[str, Any]:
    """A copy with one entry set, or taken away, or put through a function."""
    whole = copy.deepcopy(dict(values))
    *path, last = place.split("/")
    entry = whole
    for key in path:
        entry = entry[key]
    if value is MISSING:
        del entry[last]
    else:
        entry[last] = value(entry[last]) if callable(value) else value
    return whole


def at(step: int, value: float) -> Any:
    """Sets a column's row."""

    def put(column: np.ndarray) -> np.ndarray:
        return np.where(np.arange(1, len(column) + 1) == step, column.dtype.type(value), column)

    return put


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("steps", 11, "summary.steps is 11; its columns give 12"),
        ("tokens", MISSING, "summary.tokens is missing"),
        ("mood", 1.0, "summary.mood is unknown"),
        ("train/last", lambda x: 1.01 * x, "summary.train.last is .*; its columns give"),
        ("train/median", 1.0, "summary.train.median is unknown"),
        ("sets/validation/last", lambda x: 1.01 * x, "summary.sets.validation.last is"),
        ("sets/validation/least_step", lambda x: x + 1, "summary.sets.validation.least_step is"),
        ("sets/training", MISSING, "summary.sets.training is missing"),
        ("sets/test", {}, "summary.sets.test is unknown"),
        ("model/blocks", lambda x: x + 1, "summary.model.blocks is .*; its configuration gives"),
        ("model", MISSING, "summary.model is missing"),
        ("targets/validation", 0, "summary.targets.validation is 0"),
        ("targets/training", MISSING, "summary.targets.training is missing"),
        ("predictions/entropy", 1.0, "summary.predictions.entropy is 1.0; the grammar gives 0.98"),
        ("predictions/floor", MISSING, "summary.predictions.floor is missing"),
        ("predictions/floor", -1.0, "summary.predictions.floor is -1.0"),
        ("predictions/validation_error", float("nan"), "summary.predictions.validation_error is nan"),
        ("predictions/paper", 1.0, "summary.predictions.paper is unknown"),
        ("predictions", MISSING, "summary.predictions is missing"),
        ("tokens_per_second", lambda x: 2 * x, "summary.tokens_per_second is .*; its tokens and duration give"),
    ],
)
def test_a_number_that_does_not_follow_is_found(record: Record, place: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"record 'toy': .*({words})"):
        check(dataclasses.replace(record, summary=changed(record.summary, place, value)))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("step", lambda x: x + 1, "column step: expected 1, 2, ..., 12"),
        ("step", lambda x: x.astype(np.int64), "column step holds int64; expected int32"),
        ("tokens", at(5, 0), "column tokens: expected a number that grows"),
        ("train_loss", at(3, np.nan), "column train_loss: expected finite"),
        ("train_loss", at(3, -0.5), "column train_loss: expected finite"),
        ("train_loss", lambda x: 2 * x, "summary.train.last is .*; its columns give"),
        ("train_loss", lambda x: x.astype(np.float64), "column train_loss holds float64; expected float32"),
        ("gradient_norm", at(1, np.inf), "column gradient_norm: expected finite"),
        ("gradient_norm", MISSING, "column gradient_norm is missing"),
        ("learning_rate", at(1, 0.003), r"column learning_rate is 0\.003 at step 1; its schedule gives 0\.0015"),
        ("validation_loss", at(4, np.nan), "column validation_loss: expected a loss every 4 steps"),
        ("validation_loss", at(5, 1.0), "column validation_loss: expected a loss every 4 steps"),
        ("training_loss", at(12, -1.0), "column training_loss: expected finite losses"),
        ("test_loss", np.zeros(12, dtype=np.float32), "column test_loss is unknown"),
    ],
)
def test_a_column_that_is_no_runs_is_found(record: Record, place: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"record 'toy': {words}"):
        check(dataclasses.replace(record, columns=changed(record.columns, place, value)))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("model.layers", 0, "parameters: model.layers is 0, expected at least 1"),
        ("model.layers", 3, "summary.model.blocks is .*; its configuration gives"),
        ("model.kind", "cnn", "parameters: model.kind is 'cnn'"),
        ("model.mood", 1, "parameters: model.mood"),
        ("optimiser.learning_rate", 6e-3, "column learning_rate is"),
        ("data.nouns", 2, "summary.predictions.entropy is"),
        ("data.held_out", 1, "summary.predictions.training is unknown"),
        ("run.steps", MISSING, "parameters: run.steps"),
        ("run.steps", 11, "column step goes to 12; its parameters say run.steps 11"),
        ("run.seed", 5, "seed is 0; its parameters say run.seed 5"),
        ("run.evaluate_every", 6, "column validation_loss: expected a loss every 6 steps"),
        ("vocabulary", 72, "summary.model.embeddings is"),
        ("context", None, "parameters.context is None"),
        ("stopped", "3 minutes of training", "parameters.stopped is '3 minutes of training' after 12 of 12 steps"),
    ],
)
def test_a_parameter_that_is_another_runs_is_found(record: Record, place: str, value: Any, words: str) -> None:
    parameters = {name: content for name, content in record.parameters.items() if name != place}
    parameters |= {} if value is MISSING else {place: value}
    with pytest.raises(ValueError, match=f"record 'toy': {words}"):
        check(dataclasses.replace(record, parameters=parameters))


def test_a_run_that_ended_early_says_why(record: Record) -> None:
    cut = {name: values[:8] for name, values in record.columns.items()}
    with pytest.raises(ValueError, match=r"summary\.steps is 12; its columns give 8"):
        check(dataclasses.replace(record, columns=cut))
    with pytest.raises(ValueError, match="kind is 'loss'; expected 'training'"):
        check(dataclasses.replace(record, kind="loss"))


def test_the_command_looks_at_training_records(root: Path, record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "toy", "--out", str(root)]) == 0
    assert "toy: sound" in capsys.readouterr().out
    spoilt = dataclasses.replace(record, name="spoilt", seed=1)
    results.save(spoilt, root)
    assert main(["verify", "spoilt", "--out", str(root)]) == 1
    assert "record 'spoilt': seed is 1; its parameters say run.seed 0" in capsys.readouterr().err
