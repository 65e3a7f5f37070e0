"""Configurations: from TOML and back, values set over them, and a name for everything that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.training import config as configuration
from beyond_scaling.training.config import Config, OpenELMShape, VanillaShape, from_sections, load, presets

SECTIONS: dict[str, Any] = {
    "model": {"kind": "vanilla", "layers": 2, "width": 16, "heads": 2},
    "data": {"kind": "question-formation", "lines": 10, "held_out": 5},
    "run": {"steps": 4, "batch": 2},
}


def with_value(name: str, value: Any) -> Config:
    return from_sections(configuration.assigned(SECTIONS, {name: value}))


def test_defaults_and_round_trip() -> None:
    config = from_sections(SECTIONS)
    assert isinstance(config.model, VanillaShape)
    assert (config.model.dropout, config.optimiser.beta_2, config.schedule.kind) == (0.1, 0.95, "cosine")
    assert from_sections(config.sections()) == config
    assert "patience" not in config.sections()["run"]  # what is None is not said


def test_a_file_and_values_over_it(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[model]\nkind = "openelm"\nwidth = 64\n[data]\nkind = "tokens"\npath = "t"\n[run]\nsteps = 3\n')
    config = load(path, ["run.seed=5", "data.path=elsewhere", "data.tokens=1_000", "model.kind=openelm"])
    assert config.run.seed == 5
    assert config.sections()["data"]["path"] == "elsewhere"
    assert config.sections()["data"]["tokens"] == 1000
    assert isinstance(config.model, OpenELMShape)
    assert config.model.width == 64  # the same kind keeps its keys


def test_another_kind_drops_the_keys_of_the_first() -> None:
    config = from_sections(configuration.assigned(SECTIONS, ["model.kind=openelm", "model.width=64"]))
    assert config.model == OpenELMShape("openelm", width=64)


@given(st.integers(0, 10**9), st.floats(1e-9, 1.0), st.booleans())
def test_values_survive_their_text(seed: int, rate: float, compile: bool) -> None:
    texts = [f"run.seed={seed}", f"optimiser.learning_rate={rate!r}", f"run.compile={str(compile).lower()}"]
    config = from_sections(configuration.assigned(SECTIONS, texts))
    assert (config.run.seed, config.optimiser.learning_rate, config.run.compile) == (seed, rate, compile)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("run.steps", 0, "run.steps is 0, expected at least 1"),
        ("run.steps", 2.5, "run.steps is 2.5, expected a whole number"),
        ("run.steps", True, "run.steps is True, expected a whole number"),
        ("run.batches", 3, "run.batches: unknown; [run] knows steps, batch"),
        ("model.kind", "rnn", "model.kind is 'rnn', expected one of vanilla, openelm"),
        ("model.layers", "two", "model.layers is 'two', expected a whole number"),
        ("model.dropout", 1.0, "model.dropout is 1.0, expected at least 0 and under 1"),
        ("data.weighting", "even", "data.weighting is 'even', expected one of uniform, released"),
        ("optimiser.learning_rate", -1, "optimiser.learning_rate is -1.0, expected at least 0"),
        ("optimiser.learning_rate", float("nan"), "optimiser.learning_rate is nan"),
        ("schedule.warmup", 5, "schedule.warmup is 5, more than run.steps 4"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        with_value(name, value)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": 3}, "model is 3, expected a section"),
        ({"modell": {}}, "[modell]: unknown section"),
        ({"run": {"batch": 2}}, "run.steps is missing"),
        ({"model": {"kind": "openelm"}}, "expected either name"),
        ({"model": {"kind": "openelm", "name": "model-1", "head_dim": 16}}, "has its own shape"),
    ],
)
def test_sections_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        from_sections(SECTIONS | change)
    assert words in str(error.value)


@pytest.mark.parametrize("assignment", ["seed=3", "run=3", "walk.seed=3", "run."])
def test_an_assignment_of_another_form(assignment: str) -> None:
    with pytest.raises(ValueError, match=r"expected section\.key"):
        from_sections(configuration.assigned(SECTIONS, [assignment]))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no\.toml: No such file or directory; expected a TOML file or one of "):
        load(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_text("[run\n")
    with pytest.raises(ValueError, match=r"^bad\.toml: no TOML: "):
        load(tmp_path / "bad.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ValueError, match=r"^latin\.toml: not UTF-8"):
        load(tmp_path / "latin.toml")
    (tmp_path / "short.toml").write_text("[run]\nsteps = 1\n")
    with pytest.raises(ValueError, match=r"^short\.toml: model\.kind is None, expected one of vanilla, openelm"):
        load(tmp_path / "short.toml")


def test_every_preset_is_sound() -> None:
    assert presets()
    for name in presets():
        sections = configuration.read_toml(name)
        if "runs" not in sections:
            load(name)
