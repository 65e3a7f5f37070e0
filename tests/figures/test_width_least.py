"""Least losses against N: lines are means over seeds, steps up are paired, and the verdict counts them."""

from __future__ import annotations

import itertools

import pytest

from beyond_scaling.figures import width_least
from beyond_scaling.training.gap import Cell, cell

from .width_records import MISSING, NOTHING, analysed, analysis, record

# at 1,000 tokens the larger model is worse in both seeds, at 2,000 in one, at 4,000 in none
LEASTS = {
    (16, 1000): (4.0, 4.1), (32, 1000): (4.2, 4.302), (16, 2000): (3.8, 3.9), (32, 2000): (3.85, 3.8),
    (16, 4000): (3.6, 3.7), (32, 4000): (3.5, 3.62), (64, 4000): (3.4, 3.5),
}  # fmt: skip


def made(chosen: dict[tuple[int, int], tuple[float, ...]]) -> list[Cell]:
    return [
        cell(record(least=least, width=width, tokens=tokens, seed=seed))
        for (width, tokens), leasts in chosen.items() for seed, least in enumerate(leasts)
    ]  # fmt: skip


def test_lines_are_means_and_steps_are_paired() -> None:
    drawn = width_least.figure(analysis(made(LEASTS)))
    lines = {trace.name: trace for trace in drawn.data if trace.xaxis != "x2"}
    assert {"1,000 tokens", "2,000 tokens", "4,000 tokens"} == set(lines)
    assert list(lines["1,000 tokens"].x) == [5120, 20480]
    assert list(lines["1,000 tokens"].y) == pytest.approx([4.05, 4.251], abs=1e-3)
    assert list(lines["4,000 tokens"].y) == pytest.approx([3.65, 3.56, 3.45], abs=1e-3)
    steps = {trace.name: trace for trace in drawn.data if trace.xaxis == "x2"}
    assert list(steps["5.1k → 20.5k"].y) == pytest.approx([0.201, -0.025, -0.09], abs=1e-4)
    assert list(steps["20.5k → 81.9k"].y) == pytest.approx([-0.11], abs=1e-4)
    assert steps["5.1k → 20.5k"].error_y.array[0] == pytest.approx(12.706 * 0.001, rel=0.02), "Student's, two seeds"
    assert [shape.y0 for shape in drawn.layout.shapes] == [0]
    assert len({trace.marker.symbol for trace in lines.values()}) == 3


def test_the_verdict_counts_the_steps() -> None:
    meta = width_least.figure(analysis(made(LEASTS))).layout.meta
    said = (
        "In 1 of 4 steps to the next larger model at the same D the larger one is worse, in 1 beyond the 95% interval;"
        " by 0.201 nats at most (5.1k to 20.5k parameters at 1k tokens)."
    )
    assert said in meta["alt"]
    assert said not in meta["caption"], "the chapter says it under the figure"
    assert "1k tokens, 4.050 at 5.1k and 4.251 at 20.5k" in meta["alt"]
    better = made({key: values for key, values in LEASTS.items() if key[1] == 4000})
    said = "In 0 of 2 steps to the next larger model at the same D the larger one is worse."
    assert said in width_least.alt_text(analysis(better))
    apart = [*made({(16, 1000): (4.0,)}), cell(record(width=32, tokens=1000, seed=7))]
    assert width_least.verdict(analysis(apart)) == "No two sizes share D and seed."


def test_few_lines_are_chosen_those_with_the_most_sizes() -> None:
    data = (1000, 1100, 1200, 1300, 1400)
    found = {(width, tokens): (4.0 + width / 1e3 + tokens / 1e6,) for width in (16, 32, 64) for tokens in data}
    del found[64, 1000]
    told = analysis(made(found))
    drawn = width_least.figure(told, lines=3)
    names = [trace.name for trace in drawn.data if trace.xaxis != "x2"]
    assert sorted(names) == ["1,100 tokens", "1,300 tokens", "1,400 tokens"]
    with pytest.raises(ValueError, match="lines is 0"):
        width_least.figure(told, lines=0)


def test_labels_of_near_lines_are_moved_apart() -> None:
    losses = {
        (width, tokens): (4.0 + width / 1e3 + tokens / 1e6,) for width in (16, 32) for tokens in (1000, 1100, 1200)
    }
    drawn = width_least.figure(analysis(made(losses)))
    heights = sorted(note.y for note in drawn.layout.annotations)
    span = max(losses.values())[0] - min(losses.values())[0]
    assert len(heights) == 3
    assert all(above - below > 0.03 * span for below, above in itertools.pairwise(heights))


def test_what_is_missing_is_said() -> None:
    alone = analysis(made({(16, 1000): (4.0,)}), MISSING)
    said = width_least.figure(alone).layout.meta["alt"]
    assert said == f"No two sizes have been trained on the same D yet. Not measured yet: {MISSING[0]}."
    assert width_least.alt_text(analysed("widths")).endswith(f"Not measured yet: {MISSING[0]}.")
    with pytest.raises(ValueError, match="no run of the main grid"):
        width_least.figure(NOTHING)
