"""HeldFixed and Table3 in a real browser: their numbers against Python's, their words, every way to move them."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import traitlets
from playwright.sync_api import Browser, Page, expect

from beyond_scaling.balance import (
    BALANCES,
    READINGS,
    TABLE_3,
    TABLE_3_GRID,
    Reading,
    feasible_exponents,
    fit_exponent,
    growth,
)
from beyond_scaling.widgets import HeldFixed, Table3
from beyond_scaling.widgets.base import BookWidget

from .widget_page import drag, errors, get, module, put, readout, settle, show

GOLDEN = json.loads((Path(__file__).parents[1] / "golden.json").read_text(encoding="utf-8"))
TABLE = GOLDEN["table3"]
NAMES = [name for name, reading in READINGS.items() if reading.balance == "upper-bound"]
SIZES = [row.n_params for row in TABLE_3]
PRINTED = [row.d_star for row in TABLE_3]

# --- both


@pytest.mark.parametrize(("widget", "traits"), [
    (HeldFixed, {"held_fixed": "everything"}),
    (HeldFixed, {"balance": "mine"}),
    (HeldFixed, {"factor": 0.5}),
    (HeldFixed, {"context_share": 1.5}),
    (HeldFixed, {"depth_power": -2.0}),
    (Table3, {"sigma2": 0.5}),
])
def test_traits_out_of_range_are_refused(widget: type[BookWidget], traits: dict) -> None:
    with pytest.raises(traitlets.TraitError):
        widget(**traits)


@pytest.mark.parametrize("positions", [[1e8, 2e8], [1e8, 2e8, -1.0], [1e8, 2e8, math.inf], []])
def test_positions_are_three_positive_numbers(positions: list[float]) -> None:
    with pytest.raises(ValueError, match="positions: expected 3 positive numbers"):
        Table3(positions)


def test_shown_without_a_page() -> None:
    assert repr(HeldFixed()) == "HeldFixed(held_fixed='printed', balance='upper-bound', factor=10.0)"
    assert repr(Table3()) == f"Table3(positions={PRINTED}, one_cell_more=False, sigma2=0.04)"


# --- HeldFixed: the exponents


@pytest.mark.parametrize("balance", BALANCES)
def test_every_reading_has_pythons_exponent(page: Page, balance: str) -> None:
    show(page, HeldFixed(balance=balance))
    for name in NAMES:
        put(page, held_fixed=name)
        told = get(page, "summary")
        reading = READINGS[name]
        expected = growth(Reading(reading.held, "", reading.dimension, balance))["N"]
        assert told["power"] == pytest.approx(float(expected.power), abs=1e-10)
        assert told["log_power"] == pytest.approx(float(expected.log_power), abs=1e-10)
    assert errors(page) == []


def test_the_exponents_of_the_claims(page: Page) -> None:
    show(page, HeldFixed())
    found = []
    for name in NAMES:
        put(page, held_fixed=name)
        found.append(get(page, "summary")["power"])
    assert found == pytest.approx(list(GOLDEN["scaling_exponents_closed"].values()), abs=1e-10)


def test_mixtures_have_pythons_exponent(page: Page) -> None:
    show(page, HeldFixed(held_fixed="own"))
    for quarter, half in itertools.product(range(4), (-1, 0, 2)):
        # T ~ n^(q/4) and d_emb ~ n^(1 - q/4), so T^(4-q) / d_emb^q is fixed; l ~ d_emb^(h/2), so l²/d_emb^h is.
        put(page, context_share=quarter / 4, depth_power=half / 2)
        first = " ".join(["T"] * (4 - quarter)) + ("/" + " ".join(["d_emb"] * quarter) if quarter else "")
        second = {-1: "l l d_emb", 0: "l", 2: "l/d_emb"}[half]
        expected = growth(("A", first, second))["N"]
        assert get(page, "summary")["power"] == pytest.approx(float(expected.power), abs=1e-10)


def test_the_model_factor_solves_the_balance(page: Page) -> None:
    """By another route: from the found growth of n, D must have grown by the factor that was asked for."""
    widget = HeldFixed(held_fixed="ratio", balance="true-integral", factor=30.0)
    show(page, widget)
    start = math.log(widget.patterns)
    n_factor = get(page, "summary")["model_factor"]  # N ~ n in this reading
    d_factor = math.exp(start * (n_factor - 1))  # n ~ log d
    assert math.sqrt(n_factor) * d_factor == pytest.approx(30, rel=1e-10)  # D = T d, T ~ sqrt n
    put(page, held_fixed="experiment", balance="upper-bound", factor=10.0)
    assert get(page, "summary")["model_factor"] == pytest.approx(1e4, rel=1e-10)
    put(page, balance="printed-integral")
    ratio = math.log(widget.patterns * 10) / start
    assert get(page, "summary")["model_factor"] == pytest.approx(ratio**4, rel=1e-10)


def test_an_open_reading_is_an_error_not_a_number(page: Page) -> None:
    module(page, "held_fixed.js")
    message = page.evaluate("""() => {
      const rows = [{ powers: { T: 1, d_emb: 1 }, right: 1 }, { powers: { A: 1 }, right: 0 }];
      try { window.module.growthInN(rows); } catch (error) { return error.message; }
      return "";
    }""")
    assert "leaves" in message
    texts = page.evaluate("[0, 2, 0.5, -1, 4 / 3, 0.37].map((v) => window.module.powerText(v))")
    assert texts == ["0", "2", "1/2", "−1", "4/3", "0.37"]


def test_held_fixed_by_mouse_and_keyboard(page: Page) -> None:
    widget = show(page, HeldFixed())
    assert readout(widget)["growth"] == "N ∝ D²"
    widget.get_by_role("radio", name="width", exact=True).click()
    settle(page)
    assert get(page, "held_fixed") == "experiment"
    assert readout(widget) == {"growth": "N ∝ D⁴", "data ×": "10", "model ×": "10,000", "printed D² says ×": "100"}
    assert widget.get_by_label("Derivation").locator("li").last.inner_text().endswith("= D4")  # raised, so no ^
    expect(widget.locator(".bs-live")).to_contain_text("layers and context stay")
    widget.get_by_role("radio", name="true integral").click()
    settle(page)
    assert readout(widget)["growth"] == "N ∝ (log D)²"
    widget.get_by_role("radio", name="true integral").press("ArrowRight")  # round to the first
    settle(page)
    assert get(page, "balance") == "upper-bound"
    # A slider makes a reading of one's own, starting from the one shown.
    share = widget.get_by_label("T’s share")
    share.fill("0.25")
    settle(page)
    assert (get(page, "held_fixed"), get(page, "context_share")) == ("own", 0.25)
    assert readout(widget)["growth"] == "N ∝ D²"
    # The point: by pointer, by arrow keys, never outside the plot.
    point = widget.locator(".bs-handle")
    drag(page, point, 60)
    assert 10 < get(page, "factor") < 100
    drag(page, point, 900)
    assert get(page, "factor") == pytest.approx(100)
    point.press("ArrowLeft")
    settle(page)
    assert get(page, "factor") == pytest.approx(100 / 10**0.05)
    assert page.evaluate("window.model.saved.length") > 0
    assert errors(page) == []


def test_a_slider_starts_from_the_reading_shown(page: Page) -> None:
    widget = show(page, HeldFixed(held_fixed="printed"))
    widget.get_by_label("T’s share").fill("0.25")
    settle(page)
    # Depth still falls as the width rises: p = (1 - 1/4)(2 - 1)/(1/4 + 1/2).
    assert (get(page, "held_fixed"), get(page, "depth_power")) == ("own", -1)
    assert get(page, "summary")["power"] == pytest.approx(1, abs=1e-10)
    widget.get_by_label("Power of depth").fill("0")
    settle(page)
    assert get(page, "summary")["power"] == pytest.approx(2, abs=1e-10)


# --- Table3: slopes and ranges


def test_table_3_as_printed(page: Page) -> None:
    widget = show(page, Table3())
    told = get(page, "summary")
    assert told["exponent"] == pytest.approx(TABLE["slope_logN_on_logD"], rel=1e-10)
    assert told["exponent"] == pytest.approx(fit_exponent(SIZES, PRINTED).slope, rel=1e-10)
    assert told["feasible"] == pytest.approx(TABLE["exponent_interval_grid_quantisation"], rel=1e-10)
    assert [ratio * 1e10 for ratio in told["ratios"]] == pytest.approx(TABLE["ratio_e10"], rel=1e-10)
    assert told["spread"] == pytest.approx(TABLE["ratio_cv"]["2"], rel=1e-10)
    shown = readout(widget)
    assert list(shown.items())[:4] == [
        ("exponent p, fitted", "1.90"), ("cells allow", "1.44–2.42"), ("spread of N/D*²", "2.5%"),
        ("N/D*² per cell", "17–27%"),
    ]
    widget.get_by_label("D* may be one cell off").check()
    settle(page)
    assert get(page, "summary")["feasible"] == pytest.approx(TABLE["exponent_interval_plus_minus_one_cell"], rel=1e-10)
    assert errors(page) == []


def test_table_3_ends_of_the_range(page: Page) -> None:
    widget = show(page, Table3())
    grid = list(TABLE_3_GRID)
    for wide, (name, end) in itertools.product((False, True), (("Smallest exponent", 0), ("Largest exponent", 1))):
        put(page, one_cell_more=wide)
        widget.get_by_role("button", name=name).click()
        settle(page)
        told, at = get(page, "summary"), get(page, "positions")
        index = [grid.index(d) for d in PRINTED]
        low, high = [grid[i - 1 - wide] for i in index], [grid[i + wide] for i in index]
        assert all(a - 1 <= d <= b + 1 for a, d, b in zip(low, at, high, strict=True))
        allowed = feasible_exponents(SIZES, low, high)
        assert told["feasible"] == pytest.approx(list(allowed), rel=1e-10)
        # All three lie on one line, whose slope is the end of the range.
        assert told["exponent"] == pytest.approx(allowed[end], rel=1e-9)
        fit = fit_exponent(SIZES, at)
        assert fit.slope == pytest.approx(told["exponent"], rel=1e-10)
        assert fit.standard_error == pytest.approx(0, abs=1e-6)


def test_table_3_drags_stay_in_their_cells(page: Page) -> None:
    widget = show(page, Table3())
    points = widget.locator(".bs-handle")
    for i, row in enumerate(TABLE_3):
        below = TABLE_3_GRID[TABLE_3_GRID.index(row.d_star) - 1]
        drag(page, points.nth(i), -400)
        assert get(page, "positions")[i] == pytest.approx(below)
        drag(page, points.nth(i), 500)
        assert get(page, "positions")[i] == pytest.approx(row.d_star)
    points.nth(0).press("ArrowLeft")
    points.nth(0).press("Shift+ArrowLeft")
    settle(page)
    assert get(page, "positions")[0] == pytest.approx(PRINTED[0] - 1.1e6)
    at = get(page, "positions")
    assert get(page, "summary")["exponent"] == pytest.approx(fit_exponent(SIZES, at).slope, rel=1e-10)
    # Positions from Python outside a cell are taken at its edge.
    put(page, positions=[1e8, 261.78e6, 9e8])
    assert get(page, "summary")["d_star"] == [190.38e6, 261.78e6, 309.37e6]
    widget.get_by_role("button", name="Back to Table 3").click()
    settle(page)
    assert get(page, "positions") == PRINTED


def test_table_3_by_touch(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 900}, has_touch=True)
    page = context.new_page()
    widget = show(page, Table3(), width=358)
    box = widget.locator(".bs-handle .bs-ring").nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2 + 7, box["y"] + box["height"] / 2 + 5
    touch = context.new_cdp_session(page)
    for kind, dx in (("touchStart", 0), ("touchMove", -6), ("touchMove", -12)):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + dx, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    moved = get(page, "positions")
    assert (moved[0], moved[2]) == (PRINTED[0], PRINTED[2])
    assert TABLE_3_GRID[3] < moved[1] < PRINTED[1]
    assert errors(page) == []
    context.close()


def test_table_3_another_threshold(page: Page) -> None:
    widget = show(page, Table3())
    widget.get_by_label("Threshold σ²").fill("0.045")
    settle(page)
    told = get(page, "summary")
    # Row 2 crosses one step earlier; row 3 cannot be said.
    assert told["d_star"] == [214.18e6, TABLE["alt_row2_D"], None]
    assert told["ratios"][1] * 1e10 == pytest.approx(TABLE["alt_row2_ratio_e10"], rel=1e-10)
    slope = math.log(SIZES[1] / SIZES[0]) / math.log(TABLE["alt_row2_D"] / PRINTED[0])
    assert told["exponent"] == pytest.approx(slope, rel=1e-10)
    assert told["exponent"] == pytest.approx(3.9, abs=0.01)
    assert told["feasible"][1] is None
    assert readout(widget)["D* of 80M"] == "errors lost"
    assert widget.locator(".bs-handle:visible").count() == 2
    put(page, sigma2=0.055)
    assert get(page, "summary")["exponent"] is None
    assert readout(widget)["D* of 60M"] == "214.18M or less"
    assert widget.get_by_role("button", name="Largest exponent").is_disabled()
    put(page, sigma2=0.05)
    assert readout(widget)["D* of 40M"] == "190.38M or 214.18M"
    put(page, sigma2=0.03)
    assert readout(widget)["D* of 40M"] == "above 237.98M"
    assert errors(page) == []


@pytest.mark.parametrize("sigma2", [round(0.025 + 0.005 * k, 3) for k in range(11)])
def test_a_sure_threshold_agrees_with_every_way_to_unround(page: Page, sigma2: float) -> None:
    """Errors drawn from their rounding intervals, the paper's own choices kept: D* is always where the widget says."""
    module(page, "table_3.js")
    for row in TABLE_3[:2]:
        found = page.evaluate(
            "([row, s]) => window.module.thresholdColumns(row, s)",
            [{"d_star": row.d_star, "mse": [list(pair) for pair in row.mse]}, sigma2])
        chosen = [d for d, _ in row.mse].index(row.d_star)
        columns = set()
        for shifts in itertools.product((-0.0049, -0.0025, 0.0, 0.0025, 0.0049), repeat=len(row.mse)):
            errors_ = [error + shift for (_, error), shift in zip(row.mse, shifts, strict=True)]
            if next((i for i, error in enumerate(errors_) if error < 0.04), None) == chosen:
                columns.add(next((i for i, error in enumerate(errors_) if error < sigma2), None))
        assert columns
        if found["first"] is not None and found["first"] == found["last"]:
            assert columns == {found["first"]}
        else:
            late = len(row.mse) if found["last"] is None else found["last"]
            early = len(row.mse) if found["first"] is None else found["first"]
            assert all(early <= (len(row.mse) if c is None else c) <= late for c in columns)
