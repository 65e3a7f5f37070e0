"""A sweep's runs from its file: grids, templates, names; and a name for everything that is wrong."""

from __future__ import annotations

import contextlib
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.training import config as configuration
from beyond_scaling.training.costs import costs
from beyond_scaling.training.plan import Planned, load, planned, select
from beyond_scaling.training.templates import fill

from . import tiny


def sweep(*tables: dict[str, Any], given: Any = (), **values: Any) -> list[Planned]:
    return planned({**tiny.config(**values).sections(), "runs": list(tables)}, given)


SEEDS = {"name": "a-{run.seed}", "grid": {"run.seed": [0, 1]}}


@settings(max_examples=15)
@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from([1e-4, 0.5, 3e-3]), min_size=1, max_size=3, unique=True),
)
def test_a_grid_is_every_combination_in_order(seeds: list[int], layers: list[int], rates: list[float]) -> None:
    table = {
        "name": "l{model.layers}-r{optimiser.learning_rate}-s{run.seed}",
        "title": "{name}: {data.lines:,} lines",
        "set": {"data.lines": 10_000},
        "grid": {"model.layers": layers, "optimiser.learning_rate": rates, "run.seed": seeds},
    }
    runs = sweep(table)
    found = [(r.config.model.layers, r.config.optimiser.learning_rate, r.config.run.seed) for r in runs]
    assert found == list(itertools.product(layers, rates, seeds))
    assert len({run.name for run in runs}) == len(runs)
    for run, (layer, rate, seed) in zip(runs, found, strict=True):
        assert run.name == f"l{layer}-r{rate}-s{seed}"
        assert run.title == f"{run.name}: 10,000 lines"
        expected = {"model.layers": layer, "optimiser.learning_rate": rate, "run.seed": seed, "data.lines": 10_000}
        assert run.config == configuration.from_sections(configuration.assigned(tiny.SECTIONS, expected))


@given(st.text("ab{}.:,x ", max_size=12))
def test_a_template_is_filled_or_named(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert "{" not in fill(text, tiny.config()) or "{{" in text
        return
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        fill(text, tiny.config())


def test_templates_take_formats_and_braces() -> None:
    config = tiny.config(run__compile=True)
    assert fill("{{x}} {run.seed:03d} {data.lines:,} {run.compile} {data.kind}", config) == (
        "{x} 000 12 true question-formation"
    )


def test_tables_add_up_and_toml_may_nest(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(
        tiny.toml()
        + '\n[[runs]]\nname = "one"\nset.run.steps = 30\nset."run.seed" = 7\n'
        + '[[runs]]\nname = "{model.layers}"\ngrid.model.layers = [3, 4]\n'
    )
    runs = load(path, ["run.batch=9"])
    assert [run.name for run in runs] == ["one", "3", "4"]
    assert [run.title for run in runs] == ["Training run one", "Training run 3", "Training run 4"]
    assert (runs[0].config.run.steps, runs[0].config.run.seed, runs[0].config.run.batch) == (30, 7, 9)
    assert {run.config.run.batch for run in runs} == {9}


def test_a_value_given_stands_over_the_files() -> None:
    assert sweep({"name": "a", "set": {"run.steps": 30}}, given=["run.steps=40"])[0].config.run.steps == 40
    assert sweep({"name": "a"}, given={"run.steps": 50})[0].config.run.steps == 50


@pytest.mark.parametrize(
    ("tables", "given", "words"),
    [
        ([], (), "runs is [], expected one or more tables [[runs]]"),
        ([{}], (), "[[runs]] 1: name is None, expected a text"),
        ([SEEDS, {"name": "b", "sets": {}}], (), "[[runs]] 2: sets: unknown; expected name, title, set, grid"),
        ([SEEDS], ["run.seed=3"], "[[runs]] 1: run.seed is in the grid, and set to one value as well"),
        ([{**SEEDS, "set": {"run.seed": 3}}], (), "run.seed is in the grid, and set to one value as well"),
        ([SEEDS], ["run.stepz=3"], "[[runs]] 1: run.stepz: unknown"),
        ([SEEDS], ["run.steps"], "'run.steps': expected section.key=value"),
        ([{"name": "a", "grid": {"run.seed": []}}], (), "grid: run.seed is [], expected a list of values"),
        ([{"name": "a", "grid": {"run.seed": 3}}], (), "grid: run.seed is 3, expected a list of values"),
        ([{"name": "a", "grid": [1]}], (), "grid is [1], expected a table"),
        ([{"name": "a", "grid": {"seed": [1]}}], (), "seed: expected section.key"),
        ([{"name": "a", "set": {"run.steps": 0}}], (), "run.steps is 0, expected at least 1"),
        ([{"name": "A"}], (), "[[runs]] 1: name 'A': expected lower-case letters"),
        ([{"name": "a-{run.sed}"}], (), "'a-{run.sed}': {run.sed}: no such value in this run; [run] has steps"),
        ([{"name": "a-{sed}"}], (), "{sed}: expected section.key"),
        ([{"name": "a-{run.seed!r}"}], (), "{run.seed}: expected section.key"),
        ([{"name": "a-{run.seed:q}"}], (), "0 does not take this format"),
        ([{"name": "a-{run.seed"}], (), "expected '}' before end of string"),
        ([{**SEEDS, "name": "a"}], (), "called 'a'; the name has to tell them apart: they differ in run.seed"),
        ([SEEDS, SEEDS], (), "two runs are called 'a-0', and are the same"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tables: list[dict[str, Any]], given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        sweep(*tables, given=given)
    assert words in str(error.value)


def test_runs_and_sweeps_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(tiny.toml())
    with pytest.raises(
        ValueError, match=r"^run\.toml: a single run, expected a sweep .*`beyond-scaling train` takes it"
    ):
        load(tmp_path / "run.toml")
    with pytest.raises(ValueError, match=r"^tiny-sweep: a sweep of several runs .*`beyond-scaling sweep` takes it"):
        configuration.load("tiny-sweep")


def test_every_preset_sweep_is_sound() -> None:
    sweeps = [name for name in configuration.presets() if "runs" in configuration.read_toml(name)]
    assert "tiny-sweep" in sweeps
    for name in sweeps:
        assert load(name)


def test_runs_are_chosen_by_pattern() -> None:
    runs = sweep({"name": "l{model.layers}-s{run.seed}", "grid": {"model.layers": [1, 2], "run.seed": [0, 1]}})
    assert select(runs, []) == runs
    assert [run.name for run in select(runs, ["l2-*", "*-s0"])] == ["l1-s0", "l2-s0", "l2-s1"]
    with pytest.raises(ValueError, match=r"^no run is called 'x\*'; there are l1-s0, l1-s1, l2-s0, l2-s1$"):
        select(runs, ["l1-*", "x*"])


def test_costs_are_those_of_the_runs() -> None:
    one, two, long = costs(
        [tiny.config(), tiny.config(model__layers=4), tiny.config(run__steps=24, run__batch=10, data__lines=900)]
    )
    assert two.parameters == 2 * one.parameters
    assert one.tokens == two.tokens
    assert one.flop < two.flop < 2 * one.flop, "the output layer is the same"
    assert long.tokens == pytest.approx(4 * one.tokens, rel=0.2), "lines of about the same length"
    from beyond_scaling.training.build import build

    task = build(tiny.config())
    seen = sum(int((task.batches.batch(step)[1] >= 0).sum()) for step in range(12))
    assert one.tokens == pytest.approx(seen, rel=1e-3), "five times twelve lines are five epochs"
