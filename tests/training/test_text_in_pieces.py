"""A run's text by its configuration: which seed orders the pieces, what is held out, and text without order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling.corpora.mixed import mixed
from beyond_scaling.corpora.token_file import writing_tokens
from beyond_scaling.training import config as configuration
from beyond_scaling.training.batches import EvaluationSet
from beyond_scaling.training.build import TRAINING, VALIDATION, Task, build

TEXT = np.random.default_rng(0).permutation(2_000)  # every token once, so that each is known


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("text") / "tokens"
    with writing_tokens(place, 2_000) as writer:
        (writer.folder / "tokenizer.json").write_text("{}")
        writer.append(TEXT)
        writer.describe(text={"rules": "plain"}, tokenizer="made up", inputs=[])
    return place


def task(folder: Path, **values: Any) -> Task:
    sections = {
        "model": {"kind": "openelm", "width": 16, "layers": 1, "head_dim": 8},
        "data": {"kind": "tokens", "path": str(folder), "context": 8, "tokens": 400, "held_out": 5, "pieces": 20},
        "run": {"steps": 2, "batch": 4},
    }
    named = {name.replace("__", "."): value for name, value in values.items()}
    return build(configuration.from_sections(configuration.assigned(sections, named)))


def trained_on(made: Task) -> np.ndarray:
    return np.asarray(made.batches.tokens)  # type: ignore[attr-defined]


def all_tokens(chunks: EvaluationSet) -> np.ndarray:
    return np.concatenate([chunks.inputs[:, :1], chunks.targets], axis=1)


def test_pieces_are_ordered_by_the_runs_seed(folder: Path) -> None:
    for seed in (0, 5):
        made = task(folder, run__seed=seed)
        training, held_out = mixed(TEXT, 20, seed, 400, 5 * 8 + 1)
        np.testing.assert_array_equal(trained_on(made), training)
        assert np.isin(all_tokens(made.sets[VALIDATION]), held_out).all()
        assert np.isin(all_tokens(made.sets[TRAINING]), training).all()
    assert not np.array_equal(trained_on(task(folder, run__seed=0)), trained_on(task(folder, run__seed=5)))


def test_or_by_their_own(folder: Path) -> None:
    one, other = (task(folder, run__seed=seed, data__seed=3) for seed in (0, 5))
    np.testing.assert_array_equal(trained_on(one), trained_on(other))
    np.testing.assert_array_equal(trained_on(one), mixed(TEXT, 20, 3, 400).training)
    for name in (VALIDATION, TRAINING):
        np.testing.assert_array_equal(one.sets[name].inputs, other.sets[name].inputs)
    assert not np.array_equal(one.batches.batch(0)[0], other.batches.batch(0)[0])  # type: ignore[attr-defined]


def test_sizes_of_a_seed_are_held_out_on_the_same_text(folder: Path) -> None:
    small, large = (task(folder, data__tokens=tokens) for tokens in (100, 1_500))
    np.testing.assert_array_equal(small.sets[VALIDATION].inputs, large.sets[VALIDATION].inputs)
    np.testing.assert_array_equal(trained_on(small), trained_on(large)[:100])
    assert not np.isin(all_tokens(large.sets[VALIDATION]), trained_on(large)).any()


def test_without_order_the_same_tokens(folder: Path) -> None:
    plain, without = task(folder), task(folder, data__shuffled=True)
    np.testing.assert_array_equal(np.sort(trained_on(plain)), np.sort(trained_on(without)))
    assert not np.array_equal(trained_on(plain), trained_on(without))
    again, other = task(folder, data__shuffled=True), task(folder, data__shuffled=True, run__seed=1, data__seed=0)
    np.testing.assert_array_equal(trained_on(without), trained_on(again))
    np.testing.assert_array_equal(np.sort(trained_on(other)), np.sort(trained_on(without)))
    assert not np.array_equal(trained_on(other), trained_on(without))
    assert not np.isin(all_tokens(without.sets[VALIDATION]), trained_on(without)).any()


def test_without_pieces_the_first_tokens(folder: Path) -> None:
    made = task(folder, data__pieces=None)
    np.testing.assert_array_equal(trained_on(made), TEXT[:400])
    assert np.isin(all_tokens(made.sets[VALIDATION]), TEXT[-100:]).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"data__pieces": None, "data__seed": 1}, "data.seed orders the pieces of the corpus; set data.pieces too"),
        ({"data__pieces": 0}, "data.pieces is 0, expected at least 1"),
        ({"data__seed": -1}, "data.seed is -1, expected at least 0"),
        ({"data__pieces": 101}, "2,000 tokens are 19 pieces of 101, expected at least 20"),
        ({"data__tokens": 1_901}, "1,901 training tokens: in pieces of 20 there are 1...1,900"),
    ],
)
def test_what_cannot_be_is_named(folder: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        task(folder, **values)
    assert words in str(error.value)
