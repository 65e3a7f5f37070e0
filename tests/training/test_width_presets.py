"""cpu-light, gpu-light and paper: one design of the third experiment in three sizes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from beyond_scaling.models.sizes import parameters
from beyond_scaling.training import config, plan
from beyond_scaling.training.build import model_config

PRESETS = ("cpu-light", "gpu-light", "paper")
VOCABULARY = {"cpu-light": 512, "gpu-light": 4096, "paper": 50257}


def skeleton(value: Any) -> Any:
    """A configuration without its numbers, and without the preset's name and the names that follow from its size."""
    if isinstance(value, dict):
        return {key: skeleton(inner) for key, inner in value.items() if key not in ("path", "precision")}
    if isinstance(value, list):
        return [skeleton(inner) for inner in value]
    if isinstance(value, str):
        for name in PRESETS:
            value = value.removeprefix(f"{name}-")
        return value
    return value if isinstance(value, bool) else "number"


def test_they_differ_in_numbers_only() -> None:
    first, *others = (skeleton(config.read_toml(name)) for name in PRESETS)
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", PRESETS)
def test_the_design_is_as_severe_as_it_says(name: str) -> None:
    runs = [run for run in plan.load(name) if f"{name}-width-" in run.name]
    sizes = {}
    for width in {run.config.model.width for run in runs}:  # type: ignore[union-attr]
        chosen = [run.config for run in runs if run.config.model.width == width]  # type: ignore[union-attr]
        assert {one.model.layers for one in chosen} == {runs[0].config.model.layers}  # type: ignore[union-attr]
        sizes[width] = parameters(model_config(chosen[0].model, VOCABULARY[name], chosen[0].data.context))["blocks"]  # type: ignore[union-attr]
        data = sorted({one.data.tokens for one in chosen})  # type: ignore[union-attr]
        steps = [later / earlier for earlier, later in itertools.pairwise(data)]
        assert len([step for step in steps if step <= 1.25]) >= 7, "eight sizes or more, a quarter apart at most"
        assert all(step <= 1.25 for step in steps[3:])
        seeds = {tokens: {one.run.seed for one in chosen if one.data.tokens == tokens} for tokens in data}  # type: ignore[union-attr]
        assert all(len(found) >= 3 for found in seeds.values())
    assert max(sizes.values()) / min(sizes.values()) >= 16


def test_a_run_waits_for_its_window() -> None:
    """The window of the mean squared error is what patience waits for, the paper's 1,000 steps where there is room."""
    windows = {name: {run.config.run.patience * run.config.run.evaluate_every for run in plan.load(name)}  # type: ignore[operator]
               for name in PRESETS}  # fmt: skip
    assert windows == {"cpu-light": {400}, "gpu-light": {1000}, "paper": {1000}}
