"""Appendices F and G: what can be said of the paper's experiments before they are run again.

An unsettled claim is settled by a measurement. Until then its test fixes what that has to be held against.
"""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest

from beyond_scaling import results
from beyond_scaling.corpora.grammar_entropy import entropy, memorised_floor
from beyond_scaling.corpora.question_formation import generate
from beyond_scaling.corpora.variant import Variant
from beyond_scaling.energy import energy, retrieve
from beyond_scaling.loss import printed_loss
from beyond_scaling.partition import log_ball_volume, paper_radius
from beyond_scaling.radius import nearest_distances
from beyond_scaling.tables import TABLE_3, TABLE_3_GRID
from beyond_scaling.training import plan
from beyond_scaling.training.cases import cases
from beyond_scaling.training.seeds import groups

RECORDS = Path(__file__).resolve().parents[2] / "book" / "results"
MILLION = 1_000_000
TOKENS_PER_STEP, LEAST_LOSS_STEP, CONTEXT = 491_520, 6000, 1024  # Appendix G.1 and G.2


@pytest.fixture(scope="module")
def stories() -> results.Record:
    return results.load("radius-stories260k", root=RECORDS)


@pytest.fixture(scope="module")
def samples(stories) -> list[results.Record]:
    """The same model and text at other sample sizes too, smallest first."""
    smaller, larger = (results.load(f"radius-stories260k-{size}", root=RECORDS) for size in ("2k", "100k"))
    return [smaller, stories, larger]


# --- the radius -------------------------------------------------------------------------------------------


def test_fig_2_top(stories):
    rng = np.random.default_rng(0)
    hidden, gain, unembed = rng.normal(size=(200, 16)), rng.uniform(0.5, 2, size=16), rng.normal(size=(16, 30))
    normed = (hidden - hidden.mean(axis=1, keepdims=True)) / hidden.std(axis=1, keepdims=True)
    near = nearest_distances(normed * gain)[1.0]
    # The same model in another unit: equal logits, every distance multiplied by 7.
    assert (normed * (7 * gain)) @ (unembed / 7) == pytest.approx((normed * gain) @ unembed)
    assert nearest_distances(normed * (7 * gain))[1.0] == pytest.approx(7 * near)
    # So it is for a real model, run again with its gain doubled and its output matrix halved.
    own, other = stories.summary["sites"]["after"], stories.summary["controls"]["rescaled"]["after"]
    for fraction, row in own["distance"].items():
        assert other["distance"][fraction]["median"] == pytest.approx(2 * row["median"], rel=1e-5)
    assert stories.summary["function_change"] < 1e-5
    # In the theory's quantity, volume, the reported radius 10 is not near the predicted one.
    n = 1024
    assert 10 / paper_radius(n) < 1.3
    assert log_ball_volume(n, 10.0) - log_ball_volume(n, paper_radius(n)) == pytest.approx(261.9, abs=0.1)
    # And the theory's n is that of a sequence, not of a token.
    assert 2 * paper_radius(256 * n) == pytest.approx(247.8, abs=0.1)


def test_radius_value(golden):
    """Nobody has measured it here: when a record of GPT-2 medium comes, this fails and the verdict is due."""
    measured = [results.load(path.parent.name, root=RECORDS) for path in RECORDS.glob("*/record.json")]
    radii = [record for record in measured if record.kind == "radius"]
    assert radii, "no radius record at all"
    assert not [record.name for record in radii if record.summary["dimension"] == 1024]
    # What it will be held against: the hypothesis, and what noise alone gives at this size.
    assert 2 * paper_radius(1024) == pytest.approx(golden["radius_predictions"][0]["two_rstar"])
    noise = {row["m"]: row["median_nn_for_typical_norm"] for row in golden["gaussian_nn_1024"]}
    assert noise[40_000] / noise[100_000] < 1.01  # noise too "consistently hovers"


def test_radius_stable(stories):
    """The record's means and medians fall as vectors are added, for the model and for every control."""
    sites = {f"model {side}": stories.summary["sites"][side] for side in ("before", "after")}
    for control, measured in stories.summary["controls"].items():
        sites |= {f"{control} {side}": measured[side] for side in ("before", "after") if side in measured}
    assert len(sites) == 9  # the rescaled norm is not before itself
    for name, site in sites.items():
        ordered = [site["distance"][fraction] for fraction in sorted(site["distance"], key=float)]
        assert [row["count"] for row in ordered] == sorted(row["count"] for row in ordered)
        for statistic in ("mean", "median"):
            values = [row[statistic] for row in ordered]
            assert values == sorted(values, reverse=True), (name, statistic)
            assert len(set(values)) == len(values) > 1
    # And not by chance: the exponents of the model's own fall have intervals above zero.
    for side in ("before", "after"):
        assert stories.summary["sites"][side]["growth"]["low"] > 0


def test_radius_smaller(golden):
    """A larger sample never moves a nearest neighbour away; for a cloud of k dimensions it halves the gap at 2^k."""
    rng = np.random.default_rng(1)
    cloud = rng.uniform(size=(4000, 2))
    few, all_ = (nearest_distances(cloud[:m])[1.0] for m in (1000, 4000))
    assert (all_[:1000] <= few + 1e-12).all()
    assert np.mean(all_) / np.mean(few) == pytest.approx(4 ** (-1 / 2), abs=0.03)
    slopes = golden["nn_monte_carlo_seed0"]
    assert [slopes[k]["slope_log_mean_vs_log_m"] for k in ("2", "5")] == pytest.approx([-1 / 2, -1 / 5], abs=0.02)


@pytest.mark.parametrize("side", ["before", "after"])
def test_radius_smaller_in_a_real_model(samples, side):
    """One model, one text: the radius is too large in a small sample and too small in a large one."""
    told = [record.summary["sites"][side] for record in samples]
    assert len({(record.parameters["model"], *(row["sha256"] for row in record.inputs)) for record in samples}) == 1
    predicted = samples[0].summary["hypothesis"]
    assert told[0]["distance"]["1"]["mean_low"] > predicted > told[-1]["distance"]["1"]["mean_high"]
    assert told[0]["log_partition"]["median"]["corrected"] > 10
    assert told[-1]["log_partition"]["median"]["corrected"] < -4
    # Smaller samples foretell the mean of the largest, and all three the size at which the curve meets the prediction.
    for site in told[:-1]:
        line, found = site["growth"]["at"]["100000"], told[-1]["distance"]["1"]
        assert line["low"] < found["mean"] < line["high"]
    meets = [site["growth"]["reaches_hypothesis"] for site in told]
    assert max(row["low"] for row in meets) < min(row["high"] for row in meets)


# --- Question-Formation -----------------------------------------------------------------------------------


def test_fig_2_left(golden):
    """The number 1 is the grammar's entropy; other parts of its lines have others, and lines known by heart less."""
    # By the grammar's own weights, and by the frequencies of the released lines, for training and held out.
    lines = [entropy(split, weighting).per_target
             for split, weighting in (("train", "uniform"), ("train", "released"), ("test", "released"))]  # fmt: skip
    assert lines == pytest.approx([0.987, 0.993, 0.996], abs=0.0005)
    reference = golden["question_formation_floors"]["grammar_floor_with_eos"]  # a model of the test lines: a bound
    assert lines[-1] < reference < 1
    # Proposition 4's least loss is the same for all that the same lines can be made to ask.
    paper, sentence, answer = (float(printed_loss(0.0)), *(entropy(variant=Variant(part)).per_target
                                                           for part in ("sentence", "answer")))  # fmt: skip
    assert sentence == pytest.approx(1.92, abs=0.005)
    assert answer == 0
    assert answer < paper < sentence
    # And what is learnt by heart can be told below it.
    known = [memorised_floor(generate(count, 0, distinct=True)) for count in (1000, 100_000)]
    assert known == pytest.approx([0.33, 0.52], abs=0.005)
    memorised = log(100_000) / (golden["question_formation_floors"]["tokens_per_line"] + 1)
    assert memorised == pytest.approx(golden["qf_memorise_floor_by_lines"]["100000"])
    assert max(*known, memorised) < 0.55 < paper


def test_fig_2_left_measured():
    """Losses of trained models lie near the entropy of their lines, and away from 1 wherever the two differ."""
    told = cases(groups(plan.load("grammar-light"), RECORDS))
    wanted = {"6 layers", "10 layers", "100 lines by heart", "1,000 lines by heart", "sentence"}
    assert wanted <= {case.words for case in told}
    for case in told:
        missed, paper = (abs(case.measured.mean - value) for value in (case.predicted, case.paper))
        if abs(case.predicted - case.paper) > 0.05:  # else both are near, and the experiment cannot tell
            assert missed < 0.3 * paper, case.words
        if "shuffled" not in case.words:  # there the losses were still falling
            assert missed < 0.03, case.words
        if case.by_heart:
            assert case.entropy < case.measured.mean < (case.entropy + case.paper) / 2, case.words
            assert case.held_out.mean > case.paper + case.measured.mean, "the gap by which memory shows"
        else:
            assert case.predicted - 3 * case.source_error < case.measured.mean, case.words
    # The paper's own experiment: at either depth and with every seed it ends below 1, and not by memory.
    for group in groups(plan.load("grammar-light"), RECORDS)[:2]:
        for record in group.records:
            known, sets = record.summary["predictions"], record.summary["sets"]
            seen, new = (sets[name]["last"] - known[name] for name in ("training", "validation"))
            assert sets["training"]["last"] < 1
            assert 0 < seen < 1 - known["training"], "between the grammar and 1"
            assert new - seen < 0.01 < 0.4 < known["entropy"] - known["floor"], "not learnt by heart"


# --- OpenELM ----------------------------------------------------------------------------------------------


def test_fig_2_right():
    """Memory of all sequences would show as a training loss near zero, far below any that overfitting starts at."""
    smallest = min(row.d_star for row in TABLE_3)
    sequences = smallest / CONTEXT
    assert log(sequences) / CONTEXT < 0.02  # nats per token
    assert LEAST_LOSS_STEP * TOKENS_PER_STEP / smallest > 10  # passes over the data when validation is at its best


def test_fig_3(golden):
    """Step 6000 is the 14th pass over the data, in each of the five runs."""
    tokens = LEAST_LOSS_STEP * TOKENS_PER_STEP
    told = golden["model1_tokens_at_6000_steps"]
    assert tokens == told["tokens"]
    passes = tokens / TABLE_3[0].d_star
    assert passes == pytest.approx(told["epochs_over_Dstar"], rel=1e-9)
    assert 13 < passes < 14


def test_dedup():
    """Duplicates change the energy and what it recalls; runs with other seeds leave the data as they are."""
    once, twice = np.array([[-0.8], [0.8]]), np.array([[-0.8], [-0.8], [0.8]])
    x = np.array([-0.8])
    assert energy(x, once) - energy(x, twice) > 0.5
    ends = [float(retrieve(np.array([0.8]), patterns).points[-1][0]) for patterns in (once, twice)]
    assert abs(ends[0] - ends[1]) > 0.1


def test_fig_4():
    """To be looked at with Table 3, whose rounded numbers do not tell where the threshold of 0.04 was passed."""
    printed = {(row.n_params, size): error for row in TABLE_3 for size, error in row.mse}
    chosen, passed_over = printed[39.95e6, 214.18e6], printed[60.26e6, 237.98e6]
    assert chosen == passed_over == 0.04  # one is D*, the other is not, and neither is below the threshold
    # The sizes are a grid, and its first point is off it.
    steps = np.diff(TABLE_3_GRID) / MILLION
    assert steps[1:] == pytest.approx(23.8, abs=0.02)
    assert steps[0] == pytest.approx(23.32, abs=0.02)
