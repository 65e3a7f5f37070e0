"""Runs that differ in their seed alone: put together, with what they say and what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beyond_scaling.training import plan
from beyond_scaling.training.run import run
from beyond_scaling.training.seeds import groups, spread

from . import tiny


def test_runs_are_put_together_by_all_but_their_seed(tmp_path: Path) -> None:
    sections = tiny.config().sections()
    sections["runs"] = [{"name": "toy-{model.layers}-{run.seed}", "grid": {"run.seed": [1, 0], "model.layers": [1, 2]}}]
    planned = plan.planned(sections)
    for each in planned:
        if each.name != "toy-2-0":
            run(each.config, name=each.name, title=each.title, command="toy", root=tmp_path)
    one, two = groups(planned, tmp_path)
    assert [record.name for record in one.records] == ["toy-1-0", "toy-1-1"]
    assert (one.config.model.layers, one.config.run.seed, one.missing) == (1, 0, ())
    assert [record.name for record in two.records] == ["toy-2-1"]
    assert two.missing == ("toy-2-0",)
    assert one.passes == 12 * 5 / 12


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(4000, 3))
    found = [spread(list(row)) for row in draws]
    assert all(each.low is not None and each.high is not None for each in found)
    covered = np.mean([each.low <= 3.0 <= each.high for each in found])  # type: ignore[operator]
    assert covered == pytest.approx(0.95, abs=0.01)
    assert spread([1.0, 2.0]).mean == 1.5
    assert spread([1.0, 2.0]).high == pytest.approx(1.5 + 12.706 * 0.5, abs=1e-3)


def test_a_single_seed_has_no_interval() -> None:
    assert spread([0.5]) == (0.5, None, None, 1)
    with pytest.raises(ValueError, match="values is empty, expected one for each seed"):
        spread([])
