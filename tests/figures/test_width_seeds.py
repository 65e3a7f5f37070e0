"""Several seeds of one configuration: every mark is of a record, and the words say how far they agree."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from beyond_scaling.figures import width_seeds
from beyond_scaling.figures.width_seeds import agreement, blocks
from beyond_scaling.training.gap import cell
from beyond_scaling.training.seeds import Group

from .width_records import config, record

LEASTS, STEPS = (4.001, 4.004, 4.012), (100, 120, 110)
RECORDS = tuple(
    record(least=least, step=step, seed=seed) for seed, (least, step) in enumerate(zip(LEASTS, STEPS, strict=True))
)
GROUP = Group(config(), RECORDS, ("toy-2-16-1000-3",))


def test_every_seed_has_its_losses_and_its_minimum() -> None:
    drawn = width_seeds.figure(GROUP)
    assert len(drawn.data) == 4 * len(RECORDS)
    for number, each in enumerate(RECORDS):
        dots, squares, near, least = drawn.data[4 * number : 4 * number + 4]
        steps, means, _ = blocks(each)
        assert list(dots.x) == pytest.approx(steps, rel=1e-4)
        assert list(dots.y) == pytest.approx(means, rel=1e-3)
        losses = each.columns["validation_loss"]
        there = np.flatnonzero(~np.isnan(losses))
        assert list(squares.x) == (there + 1).tolist()
        assert list(squares.y) == pytest.approx(losses[there], rel=1e-3)
        assert set(near.x) <= set(squares.x)
        assert max(near.y) < max(LEASTS) + width_seeds.ROOM < max(squares.y), "below only what is near the minima"
        assert (least.x[0], least.y[0]) == (STEPS[number], pytest.approx(LEASTS[number], abs=1e-4))
        assert least.x[1] == 0, "carried to the axis"
        assert (least.line.dash, least.name) == ("dash", f"seed {number}: {LEASTS[number]:.3f}")
    assert len({trace.marker.symbol for trace in drawn.data[3::4]}) == len(RECORDS), "told apart without colour"


def test_the_words_say_how_far_seeds_agree() -> None:
    drawn = width_seeds.figure(GROUP)
    meta = drawn.layout.meta
    said = "They lie 0.0110 apart (to the second decimal they are 4.00 and 4.01), after steps from 100 to 120."
    for text in (meta["alt"], meta["caption"]):
        assert said in text
        assert text.endswith("Not measured yet: toy-2-16-1000-3.")
    for number, least in enumerate(LEASTS):
        assert f"seed {number}: {least:.4f} at step {STEPS[number]}" in meta["alt"]
    assert "of 5,120 parameters on the same 1,000 tokens" in meta["alt"]
    same = [cell(each) for each in (RECORDS[0], record(least=4.003, step=100, seed=1))]
    assert agreement(same) == "They lie 0.0020 apart (all are 4.00 to the second decimal), all after step 100."
    assert agreement(same[:1]) == "With one seed there is nothing to compare 4.00 with."


def test_no_step_is_left_out_of_the_dots() -> None:
    each = record(step=107)
    middles, means, block = blocks(each, points=10)
    losses = each.columns["train_loss"]
    assert (block, len(means)) == (15, 10)
    assert means[:2] == pytest.approx([losses[:15].mean(), losses[15:30].mean()])
    assert means[-1] == pytest.approx(losses[9 * 15 :].mean())
    assert (middles[0], middles[-1]) == (8, (9 * 15 + 1 + len(losses)) / 2)


def test_without_records_it_says_what_is_missing() -> None:
    drawn = width_seeds.figure(Group(config(), (), ("toy-0", "toy-1")))
    assert drawn.layout.meta["alt"] == "Not measured yet: toy-0 and toy-1."
    with pytest.raises(ValueError, match="a group without any run"):
        width_seeds.figure(Group(config(), ()))
    other = dataclasses.replace(RECORDS[0], kind="law")
    with pytest.raises(ValueError, match="'law'; expected 'training'"):
        width_seeds.figure(Group(config(), (other,)))
