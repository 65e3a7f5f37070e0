"""The loss curves of the grid: a panel a size, the curves of its records, and the shaded gap is the cell's."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from beyond_scaling.figures import width_grid
from beyond_scaling.figures.width_grid import reduced
from beyond_scaling.training.gap import cell
from beyond_scaling.training.seeds import Group

from .width_records import config, record

DATA = (1000, 1500, 2000, 3000, 4000, 6000)


def group(width: int, tokens: int, *missing: str) -> Group:
    found = [record(width=width, tokens=tokens, seed=seed, least=4 - tokens / 1e4, gap=600 / tokens) for seed in (3, 4)]
    return Group(config(width=width, tokens=tokens), tuple(found), missing)


GROUPS = [group(width, tokens) for width in (32, 16) for tokens in DATA] + [group(24, 1000, "toy-left")]


def test_a_panel_for_each_size_with_curves_of_its_first_seed() -> None:
    drawn = width_grid.figure(GROUPS)
    titles = [note.text for note in drawn.layout.annotations if note.text.startswith("N = ")]
    assert titles == ["N = 5,120", "N = 11,520", "N = 20,480"]
    lines = [trace for trace in drawn.data if trace.name == "training"]
    assert len(lines) == 5 + 1 + 5, "at most five curves a panel"
    first = [trace for trace in drawn.data if trace.xaxis == "x"]
    own = GROUPS[6].records[0]  # width 16, the fewest tokens
    (training, validation) = (next(t for t in first if t.name == name) for name in ("training", "validation"))
    assert list(training.y) == pytest.approx(reduced(own)[1], rel=1e-3)
    assert max(validation.x) == len(own.columns["step"])
    assert min(validation.y) == pytest.approx(cell(own).least, rel=1e-3)
    minima = next(trace for trace in first if trace.name == "minimum")
    assert list(minima.x) == [100] * 5
    assert list(minima.y) == pytest.approx([4 - tokens / 1e4 for tokens in (1000, 1500, 2000, 4000, 6000)], rel=1e-3)
    assert len(set(minima.marker.symbol)) == len(set(minima.marker.color)) == 5, "told apart without colour"
    key = next(note.text for note in drawn.layout.annotations if "1.5k" in note.text)
    assert re.findall(r"[\d.]+k", key) == ["1k", "1.5k", "2k", "4k", "6k"]


def test_the_shaded_area_is_the_gap_of_the_window() -> None:
    drawn = width_grid.figure(GROUPS[-1:])
    about = cell(GROUPS[-1].records[0])
    area = next(trace for trace in drawn.data if trace.name == "the gap")
    x, y = np.array(area.x[:-2]), np.array(area.y[:-2])
    assert (x[0], x[-1]) == (about.step, about.step + about.window)
    assert list(area.y[-2:]) == pytest.approx([about.least] * 2, rel=1e-3)
    mean = np.trapezoid(about.least - y, x) / about.window
    assert mean == pytest.approx(about.gap, rel=0.02)


def test_blocks_of_a_curve_leave_no_late_step_out() -> None:
    each = record(step=500, noise=0.1)
    steps, means = reduced(each, points=12)
    losses = each.columns["train_loss"]
    edges = np.unique(np.geomspace(30, len(losses) + 1, 13).round().astype(int)) - 1
    for place, (start, end) in enumerate(itertools.pairwise(edges)):
        assert means[place] == pytest.approx(losses[start:end].mean())
        assert start + 1 <= steps[place] <= end
    assert (edges[0], edges[-1]) == (29, len(losses))
    short = record(step=10)  # 50 steps
    assert reduced(short, first=200)[1] == pytest.approx([short.columns["train_loss"][-1]])


def test_the_words_are_the_cells() -> None:
    drawn = width_grid.figure(GROUPS)
    alt, caption = drawn.layout.meta["alt"], drawn.layout.meta["caption"]
    assert "5,120 parameters: 1k tokens, least validation loss 3.90 at step 100, then training losses 0.60 below" in alt
    assert "1k to 6k tokens" in caption
    assert "averages over 40 steps" in caption
    assert alt.endswith("Not measured yet: toy-left.")
    assert caption.endswith("Not measured yet: toy-left.")
    assert len(drawn.to_json()) < 40_000


def test_what_cannot_be_drawn_is_said() -> None:
    nothing = width_grid.figure([Group(config(), (), ("a", "b", "c", "d"))])
    assert nothing.layout.meta["alt"].endswith("Not measured yet: 4 of 4 runs.")
    with pytest.raises(ValueError, match="no group of runs"):
        width_grid.figure([])
    with pytest.raises(ValueError, match="curves is 0"):
        width_grid.figure(GROUPS, curves=0)
