"""Width against data in a real browser: JavaScript against training/, the table and its runs, the threshold and p."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from beyond_scaling.exponents import feasible_exponents
from beyond_scaling.training import crossing, dstar, gap, rows, sigma
from beyond_scaling.widgets import WidthRuns, WidthThreshold
from beyond_scaling.widgets.width_curves import BAND_UNIT, LOSS_UNIT, SQUARE_UNIT, packed

from .. import width_sweep
from ..figures import width_records
from ..width_sweep import width_runs, width_threshold
from .widget_page import drag, errors, get, module, put, readout, repaint_times, settle, show, summary

LEVELS = (0.01, 0.013, 0.04, 0.11, 0.37, 1.0)


def near(value: float | None) -> object:
    return None if value is None or math.isnan(value) else pytest.approx(value, rel=1e-9)


def main_rows(measure: rows.Measure = "mse", without: str = " ") -> tuple[rows.Row, ...]:
    return rows.rows([cell for cell in width_sweep.cells(without).cells if "-width-" in cell.name], measure)


def words(widget: Locator) -> str:
    """The spoken line; it waits for a pause."""
    widget.page.wait_for_timeout(300)
    return widget.locator(".bs-live").inner_text()


def no_gibberish(widget: Locator) -> None:
    text = widget.evaluate("(root) => root.outerHTML")
    assert "NaN" not in text
    assert "undefined" not in text
    assert "Infinity" not in text


# --- the mathematics


def noisy_rows() -> Iterator[tuple[list[int], np.ndarray]]:
    """Rows (D, values by seed) that fall with noise, rise again, touch 0, or never cross; some runs are missing."""
    rng = np.random.default_rng(3)
    for count in (1, 2, 5, 11):
        data = [round(900 * 1.25**k) for k in range(count)]
        for scale, shift in ((0.1, 0.0), (0.8, 0.0), (0.3, -0.3), (0.2, 3.0), (0.2, -6.0)):
            logs = 1.5 - 0.45 * np.arange(count) + shift + scale * rng.normal(size=(3, count))
            values = np.exp(logs) - (0.02 if scale == 0.8 else 0.0)
            values[2, rng.random(count) < 0.4] = np.nan
            yield data, values


def test_crossings_are_pythons(page: Page) -> None:
    module(page, "crossings.js")
    cases = list(noisy_rows())
    told = page.evaluate(
        """([cases, levels]) => cases.map(([data, values]) => {
      const { between, falling, onGrid, overSeeds } = window.module;
      const mean = overSeeds(values);
      const plain = (c) => ({ ...c, high: Number.isFinite(c.high) ? c.high : null });
      return {
        mean, falling: falling(mean),
        levels: levels.map((level) => [onGrid, between].map((rule) => plain(rule(data, mean, level)))),
      };
    })""",
        [[[data, [[None if math.isnan(v) else v for v in seed] for seed in values]] for data, values in cases], LEVELS],
    )
    sides = set()
    for (data, values), found in zip(cases, told, strict=True):
        mean = np.nanmean(values, axis=0)
        assert found["mean"] == pytest.approx(mean, rel=1e-12)
        assert found["falling"] == pytest.approx(crossing.falling(mean[None, :])[0], rel=1e-9, abs=1e-12)
        for level, both in zip(LEVELS, found["levels"], strict=True):
            for rule, seen in zip((crossing.on_grid, crossing.interpolated), both, strict=True):
                known = rule(data, mean, level)
                assert seen["side"] == known.side
                assert seen["d"] == near(known.D)
                assert (seen["low"], seen["high"]) == (known.low, None if math.isinf(known.high) else known.high)
                sides.add((rule.__name__, known.side))
    assert len(sides) == 6, "every rule meets every side"


def test_ranges_of_exponents_are_pythons(page: Page) -> None:
    module(page, "exponents.js")
    rng = np.random.default_rng(5)
    empty = 0
    for _ in range(60):
        sizes = np.sort(rng.uniform(1e3, 1e5, size=4))
        low = 1000 * (sizes / sizes[0]) ** rng.uniform(-0.1, 0.6) * np.exp(0.15 * rng.normal(size=4))
        high = low * 1.25
        seen = page.evaluate(
            """([n, cells]) => {
          const found = window.module.feasibleRange(n, cells);
          return found && found.map((v) => (Number.isFinite(v) ? v : -1));
        }""",
            [sizes.tolist(), np.stack([low, high], axis=1).tolist()],
        )
        known = feasible_exponents(sizes, low, high)
        if known is None:
            assert seen is None
            empty += 1
        else:
            assert seen == pytest.approx([known.low, known.high if math.isfinite(known.high) else -1], rel=1e-9)
    assert 5 < empty < 55


def test_curves_come_back(page: Page) -> None:
    module(page, "width_runs.js")
    record = width_records.record(4.0, 430, 0.3, 0.05)
    cell = gap.cell(record)
    run = packed(record, cell) | {"step": cell.step, "steps": cell.steps, "window": cell.window}
    units = [LOSS_UNIT, BAND_UNIT, SQUARE_UNIT]
    found = page.evaluate("([run, units]) => window.module.unpacked(run, units)", [run, units])
    train = record.columns["train_loss"].astype(float)
    before, after = run["blocks"]
    ends = [430 * i // before for i in range(before)] + [430 + 40 * i // after for i in range(after + 1)]
    parts = [train[a:b] for a, b in pairwise(ends)]
    assert found["mean"] == pytest.approx([part.mean() for part in parts], abs=6e-4)
    assert found["x"] == [(a + 1 + b) / 2 for a, b in pairwise(ends)]
    assert all(low <= mean <= high for low, mean, high in zip(found["low"], found["mean"], found["high"], strict=True))
    assert (found["ends"][0], found["ends"][-1]) == (0, 40)
    assert found["validation"][found["at"].index(430)] == min(found["validation"]) == 4.0


# --- the runs


def cell_of(widget: Locator, row: int, tokens: str) -> Locator:
    return widget.locator("[role=row]").nth(row).get_by_role("gridcell", name=f"{tokens} tokens")


def test_a_cell_is_its_run(page: Page) -> None:
    widget = show(page, width_runs(), width=1000)
    cells = {cell.name: cell for cell in width_sweep.cells().cells}
    row = next(row for row in main_rows() if row.width == 32)
    for seed in row.seeds:
        data, values = row.of_seed(seed)
        for tokens, value in list(zip(data.tolist(), values, strict=True))[::3]:
            told = put(page, chosen=f"toy-width-32-{tokens}-{seed}")
            cell = cells[told["chosen"]]
            assert (told["mse"], told["gap"], told["noise"]) == (near(cell.mse), near(cell.gap), near(cell.noise))
            assert told["passes"] == (value < 0.04)
            expect(widget.locator(".bs-is-here")).to_have_attribute("aria-selected", "true")
            assert float(widget.locator(".bs-is-here").inner_text()) == pytest.approx(value, rel=0.06)
            assert widget.locator(".bs-is-here").get_attribute("tabindex") == "0"
            assert widget.get_by_role("gridcell").count() == 21
        stars = [crossing.on_grid(*row.of_seed(seed), 0.04).D for row in main_rows()]
        assert told["d_star"] == [near(star) for star in stars]
    told = readout(widget)
    assert (told["N, in the blocks"], told["D, tokens"]) == ("20,480", f"{tokens:,}")
    assert told["at step"] == f"{cell.step:,}"
    assert told["passes over D"] == f"{cell.epochs:.1f}"
    assert "below σ²" in words(widget)
    # Their mean, and another threshold.
    told = put(page, mean=True)
    assert told["d_star"] == [near(crossing.on_grid(row.D, row.mean, 0.04).D) for row in main_rows()]
    assert widget.locator(".bs-is-star").count() == 3
    told = put(page, sigma2=0.1)
    assert told["d_star"] == [near(crossing.on_grid(row.D, row.mean, 0.1).D) for row in main_rows()]
    # With every D below it, the true one may be smaller.
    put(page, sigma2=1.0)
    assert readout(widget)["D* of this row"] == "at most 1,024"
    no_gibberish(widget)
    assert errors(page) == []


def test_clicks_and_keys_go_from_cell_to_cell(page: Page) -> None:
    widget = show(page, width_runs(chosen="toy-width-16-512-1"), width=1000)
    cell_of(widget, 1, "2,000").click()
    settle(page)
    assert get(page, "chosen") == "toy-width-32-2000-1", "the seed stays"
    for key, name in (
        ("ArrowRight", "32-2500"), ("ArrowLeft", "32-2000"), ("ArrowUp", "16-1953"), ("ArrowDown", "32-2000"),
        ("ArrowDown", "64-2048"), ("ArrowDown", "64-2048"), ("End", "64-7812"), ("ArrowRight", "64-7812"),
        ("Home", "64-2048"),
    ):  # fmt: skip
        page.keyboard.press(key)
        settle(page)
        assert get(page, "chosen") == f"toy-width-{name}-1", key
        assert page.evaluate("document.activeElement.classList.contains('bs-is-here')")
    widget.get_by_role("radio", name="2", exact=True).click()
    settle(page)
    assert get(page, "chosen") == "toy-width-64-2048-2"
    # On a narrow page the table stands upright, and the arrows with it.
    page.evaluate("document.getElementById('widget').style.width = '360px'")
    settle(page)
    settle(page)
    widget.locator(".bs-is-here").focus()
    for key, name in (("ArrowDown", "64-2560"), ("ArrowLeft", "32-2500"), ("ArrowUp", "32-2000")):
        page.keyboard.press(key)
        settle(page)
        assert get(page, "chosen") == f"toy-width-{name}-2", key
    box = widget.locator(".bs-cell").first.bounding_box()
    assert box["width"] > box["height"]
    page.wait_for_function("window.model.saved.some((sent) => 'chosen' in sent && 'summary' in sent)")
    assert errors(page) == []


def test_families_have_their_own_tables(page: Page) -> None:
    widget = show(page, width_runs(), width=1000)
    for label, name, count in (("depths", "depth", 10), ("shuffled text", "shuffled", 6), ("repeats", "again", 4)):
        widget.get_by_role("radio", name=label).click()
        settle(page)
        assert (get(page, "family"), summary(page)["family"]) == (name, name)
        assert widget.get_by_role("gridcell").count() == count
        assert "nan" not in widget.inner_text().lower()
    widget.get_by_role("radio", name="3", exact=True).click()
    settle(page)
    assert get(page, "chosen") == "toy-again-3"
    assert readout(widget)["D* of this row"] == "–"
    # All four repeats are drawn, each with its minimum.
    assert widget.locator(".bs-plot").first.locator("g[clip-path] circle").count() == 3
    widget.get_by_role("radio", name="depths").click()
    settle(page)
    assert "layers" in words(widget)
    # A run from Python is shown in the family that it belongs to.
    put(page, chosen="toy-shuffled-16-1562-0")
    assert summary(page)["family"] == "shuffled"
    widget.get_by_role("radio", name="widths").click()
    settle(page)
    assert get(page, "chosen") == "toy-width-32-2000-0", "where the reader was"
    assert errors(page) == []


def test_missing_runs_are_hatched_and_named(page: Page) -> None:
    widget = show(page, width_runs("-width-32-2"), width=1000)
    assert widget.locator(".bs-is-missing").count() == 2
    cell = cell_of(widget, 1, "2,000")
    expect(cell).to_have_attribute("aria-label", "2,000 tokens: not run yet")
    cell.click()
    settle(page)
    assert "there is no record toy-width-32-2000-0 yet" in words(widget)
    expect(widget.get_by_text("No record of this run yet")).to_be_visible()
    assert summary(page)["mse"] is None
    assert readout(widget)["mean squared gap"] == "–"
    details = widget.locator("details")
    assert details.locator("summary").inner_text() == "6 of these 63 runs have no record yet"
    details.locator("summary").click()
    assert "toy-width-32-2500-2" in details.inner_text()
    no_gibberish(widget)
    widget.get_by_role("radio", name="repeats").click()
    expect(details).to_be_hidden()
    # A single record of a whole sweep is enough, and a row of which some seeds are there is marked.
    page.set_content("")
    widget = show(page, WidthRuns(width_sweep.planned(), records=width_sweep.records()[:1], mean=True), width=1000)
    assert widget.locator(".bs-is-partly").count() == 1
    assert widget.locator(".bs-is-missing").count() == 20
    assert widget.get_by_text("no runs").count() == 2
    for label in ("depths", "shuffled text", "repeats", "widths"):
        widget.get_by_role("radio", name=label).click()
        settle(page)
        no_gibberish(widget)
    assert errors(page) == []


def test_a_prediction_opens_cells_one_by_one(page: Page) -> None:
    widget = show(page, width_runs(predict=True), width=1000)
    assert widget.locator(".bs-is-unseen").count() == 20
    assert summary(page)["seen"] == 1
    assert summary(page)["d_star"] == [None] * 3
    assert readout(widget)["D* of this row"] == "?"
    cell_of(widget, 1, "2,000").click()
    settle(page)
    assert readout(widget)["D* of this row"] == "?", "the D before it might pass too"
    assert widget.locator(".bs-is-star").count() == 0
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert readout(widget)["D* of this row"] == "2,000"
    assert widget.locator(".bs-is-star").count() == 1
    assert "You have looked at 3 of 21 cells." in words(widget)
    widget.get_by_role("button", name="Show the whole table").click()
    settle(page)
    assert widget.locator(".bs-is-unseen").count() == 0
    assert widget.locator(".bs-is-star").count() == 3
    assert "You have looked" not in words(widget)
    put(page, predict=False)
    put(page, predict=True)
    assert summary(page)["seen"] == 1, "asked anew, it is hidden again"
    assert errors(page) == []


# --- the threshold


def expected(measure: rows.Measure, size: dstar.Size, rule: str, level: float, without: str = " ") -> dict[str, Any]:
    """What the widget has to find, by Python's own analysis."""
    table = main_rows(measure, without)
    found = dstar.exponent(table, level, size=size, draws=width_sweep.DRAWS)
    stars = [star.grid if rule == "grid" else star.interpolated for star in found.stars]
    return {
        "d_star": [near(star.D) for star in stars],
        "side": [star.side for star in stars],
        "sizes": sum(star.measured for star in stars),
        "p": near(found.grid_p if rule == "grid" else found.p),
        "cells": found.cells,
        "widest": None if rule == "grid" or found.widest is None else [near(end) for end in found.widest],
    }


@pytest.mark.parametrize("measure", rows.MEASURES)
def test_d_star_and_p_are_pythons(page: Page, measure: rows.Measure) -> None:
    show(page, width_threshold("-width-64-3", measure=measure))
    levels = sigma.thresholds()
    checked = 0
    for size in ("N", "total"):
        sweep = sigma.swept(main_rows(measure, "-width-64-3"), size=size, draws=width_sweep.DRAWS)
        for rule in ("interpolated", "grid"):
            for k in (0, 13, 22):
                told = put(page, size=size, rule=rule, sigma2=float(levels[k]))
                known = expected(measure, size, rule, float(levels[k]), "-width-64-3")
                for name in ("d_star", "side", "sizes", "p"):
                    assert told[name] == known[name], (name, size, rule, k)
                if told["interval"] is None:
                    continue
                checked += 1
                ends = known["cells"] if rule == "grid" else (sweep.low[k], sweep.high[k])
                assert told["interval"] == [near(ends[0]), near(min(ends[1], 1e6))]
                assert told["widest"] == known["widest"]
                assert rule == "grid" or told["p"] == near(sweep.p[k])
    assert checked >= 6
    # Between two thresholds the interval is read on a line.
    told = put(page, size="N", rule="interpolated", sigma2=float(np.sqrt(levels[15] * levels[16])))
    sweep = sigma.swept(main_rows(measure, "-width-64-3"), draws=width_sweep.DRAWS)
    assert told["interval"] == pytest.approx([end[15:17].mean() for end in (sweep.low, sweep.high)], rel=1e-9)
    assert errors(page) == []


def test_every_way_to_move_the_threshold(page: Page) -> None:
    widget = show(page, width_threshold(), width=900)
    level, curve = widget.get_by_role("button", name="Threshold sigma squared").all()
    drag(page, level, 0, -60)
    raised = get(page, "sigma2")
    assert raised > 0.08
    drag(page, curve, -80)
    assert get(page, "sigma2") < raised
    level.focus()
    before = get(page, "sigma2")
    page.keyboard.press("ArrowUp")
    settle(page)
    assert get(page, "sigma2") == pytest.approx(before * 10**0.05, rel=0.006)
    expect(level).to_have_attribute("aria-label", f"Threshold sigma squared: {get(page, 'sigma2'):g}")
    widget.get_by_label("Threshold σ²").focus()
    page.keyboard.press("End")
    assert get(page, "sigma2") == 1
    page.keyboard.press("Home")
    settle(page)
    assert get(page, "sigma2") == 0.01
    button = widget.get_by_role("button", name="the paper’s 0.04")
    button.click()
    settle(page)
    assert get(page, "sigma2") == 0.04
    expect(button).to_be_disabled()
    assert widget.get_by_label("Threshold σ²").get_attribute("aria-valuetext") == "0.04"
    widget.get_by_role("radio", name="first that passes").click()
    widget.get_by_role("radio", name="with embeddings").click()
    widget.get_by_role("radio", name="mean gap, squared").click()
    settle(page)
    assert [get(page, name) for name in ("rule", "size", "measure")] == ["grid", "total", "gap"]
    assert "the grid allows" in readout(widget)
    page.wait_for_function("window.model.saved.some((sent) => 'sigma2' in sent && 'summary' in sent)")
    no_gibberish(widget)
    assert errors(page) == []


def test_what_is_shown_is_what_is_found(page: Page) -> None:
    widget = show(page, width_threshold(), width=900)
    found = summary(page)
    assert 1.7 < found["p"] < 2.3, "the law of the made-up sweep"
    told = readout(widget)
    assert told["exponent p"] == f"{found['p']:.2f}"
    assert told["95%, by seeds"] == "{:.2f} to {:.2f}".format(*found["interval"])
    assert told["widest of three"] == "{:.2f} to {:.2f}".format(*found["widest"])
    assert told["of 1, 2 and 4 it holds"] == "2"
    assert told["D* of N = 20k"] == f"{found['d_star'][1]:,.0f}"
    rings = widget.locator(".bs-plot").first.locator("svg > circle:visible")
    assert rings.count() == 3
    assert words(widget) == (
        "At σ² = 0.04: N grows as D* to the power {:.2f}, 95% interval from the seeds {:.2f} to {:.2f}, widest of three"
        " intervals {:.2f} to {:.2f}. Of 1, 2 and 4 it holds 2."
    ).format(found["p"], *found["interval"], *found["widest"])
    assert errors(page) == []


def test_sizes_beyond_their_grid_are_arrows_and_named(page: Page) -> None:
    widget = show(page, width_threshold(), width=900)
    told = put(page, sigma2=0.01)
    assert told["side"] == ["above"] * 3
    assert (told["p"], told["interval"], told["sizes"]) == (None, None, 0)
    assert readout(widget)["D* of N = 5.1k"] == "above 1,953"
    assert readout(widget)["exponent p"] == "–"
    assert "0 of 3 sizes cross inside their grids: too few for an exponent." in words(widget)
    assert "Left out: N = 5,120, 20,480 and 81,920, D* above their grids." in words(widget)
    arrows = widget.locator(".bs-plot").nth(1).locator("svg > path[d*='l5,5']:visible")
    assert arrows.count() == 3
    told = put(page, sigma2=1.0)
    assert told["side"] == ["below"] * 3
    assert readout(widget)["D* of N = 5.1k"] == "below 512"
    no_gibberish(widget)
    # With a single run, or a single size, there is no exponent either, and it says so.
    page.set_content("")
    cells = width_sweep.cells().cells
    for few in (cells[:1], [cell for cell in cells if "-width-16-" in cell.name]):
        widget = show(page, WidthThreshold(few, draws=5), width=900)
        for measure in rows.MEASURES:
            for rule in ("grid", "interpolated"):
                told = put(page, measure=measure, rule=rule)
                assert told["p"] is None
        assert "of 1 sizes cross" in words(widget)
        no_gibberish(widget)
        assert errors(page) == []


def test_a_gap_that_turns_round_is_drawn(page: Page) -> None:
    """A training loss above the least validation loss: the gap's signed square is below 0, and has no logarithm."""
    made = [
        gap.cell(width_records.record(4.0, 100, mean, 0.01, width=width, tokens=tokens))
        for width, data in ((16, (500, 1000, 2000)), (32, (1000, 2000, 4000)), (64, (2000, 4000, 8000)))
        for tokens, mean in zip(data, (0.5, 0.1, -0.1), strict=True)
    ]
    widget = show(page, WidthThreshold(made, draws=5, measure="gap"), width=900)
    known = dstar.exponent(rows.rows(made, "gap"), 0.04, draws=5)
    assert summary(page)["p"] == near(known.p)
    assert summary(page)["d_star"] == [near(star.interpolated.D) for star in known.stars]
    no_gibberish(widget)
    assert errors(page) == []


def test_the_exponent_shows_after_the_guess(page: Page) -> None:
    widget = show(page, width_threshold(predict=True), width=900)
    told = readout(widget)
    hidden = ("exponent p", "95%, by seeds", "widest of three", "D* of N = 20k")
    assert [told[name] for name in hidden] == ["?"] * 4
    assert told["D* of N = 5.1k"] != "?", "the smallest is given"
    diamond = widget.get_by_role("button", name="Your guess")
    places = [button.bounding_box()["y"] for button in widget.locator("button").all()]
    drag(page, diamond, -60)
    guessed = get(page, "guess")
    assert guessed > 2.1
    diamond.focus()
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert get(page, "guess") == pytest.approx(guessed + 0.1)
    assert readout(widget)["exponent p"] == "?", "a guess is free"
    assert widget.locator(".bs-plot").first.locator("svg > circle:visible").count() == 1
    widget.get_by_role("button", name="Show D* and p").click()
    settle(page)
    assert readout(widget)["exponent p"] == f"{summary(page)['p']:.2f}"
    assert [button.bounding_box()["y"] for button in widget.locator("button").all()] == places
    assert f"You guessed {guessed + 0.1:.1f}." in words(widget)
    put(page, predict=False)
    put(page, predict=True)
    assert readout(widget)["exponent p"] == "?"
    put(page, sigma2=0.05)
    assert readout(widget)["exponent p"] != "?", "to move the threshold is an answer too"
    assert errors(page) == []


@pytest.mark.alone
def test_a_drag_is_drawn_in_time(page: Page) -> None:
    widget = show(page, width_threshold(), width=900)
    repaint_times(page)
    drag(page, widget.get_by_role("button", name="Threshold sigma squared").first, 0, -80, steps=20)
    times = sorted(repaint_times(page))
    assert times[len(times) // 2] < 16
    show(page, width_runs(), width=900)
    # What is measured is the drawing, without the wait for a frame that a single change has before it.
    page.evaluate("() => { window.requestAnimationFrame = (draw) => { draw(performance.now()); return 0; }; }")
    names = [run.name for run in width_sweep.planned()]
    page.evaluate("(names) => { for (const name of names) window.model.set('chosen', name); }", names)
    times = sorted(repaint_times(page))
    assert len(times) >= len(names)
    assert times[len(times) // 2] < 16
