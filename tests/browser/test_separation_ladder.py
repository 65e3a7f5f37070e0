"""The ladder of separation functions in a real browser: JavaScript against UniversalHopfield, slider and curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from beyond_scaling.hopfield.digits import digits
from beyond_scaling.hopfield.universal import UniversalHopfield
from beyond_scaling.widgets import SeparationLadder
from beyond_scaling.widgets.separation_ladder import TOP, steepness

from .widget_page import centre, drag, errors, get, module, put, readout, repaint_times, settle, show, summary

N = 64
FINITE = (1, 2, 3, 7, 20)  # steepnesses


def queries(page: Page, patterns: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """What the widget asks, one query a pattern, (d, 64)."""
    module(page, "pixels.js")
    found = page.evaluate(
        """([patterns, noise, seed]) => patterns.map((image, i) =>
      window.module.damagedImage(image, { noise, seed: 100 * seed + i, painted: [], erased: [] }))""",
        [patterns.astype(int).tolist(), noise, seed],
    )
    return np.array(found, dtype=float)


def weights(patterns: np.ndarray, x: np.ndarray, separation: str, r: float) -> np.ndarray:
    """The weights that Python's networks give, as shares of their sum, (b, d)."""
    if math.isinf(r):
        return UniversalHopfield(patterns, "dot", "max").weights(x)
    if separation == "exponential":
        return UniversalHopfield(patterns, "dot", "softmax", beta=r / N).weights(x)
    # Rectified: a pattern of negative similarity stands in as one without any.
    scores = np.maximum(UniversalHopfield(patterns, "dot", "identity").weights(x), 0)
    scores = (scores / scores.max(axis=1, keepdims=True)) ** r
    return scores / scores.sum(axis=1, keepdims=True)


def signs(blend: np.ndarray) -> np.ndarray:
    """Ink where a blend is above 0 by more than rounding."""
    return np.where(blend > 1e-12, 1, -1)


def outcome(patterns: np.ndarray, x: np.ndarray, separation: str, r: float) -> tuple[float, float]:
    """The share of queries without a wrong pixel, and that of wrong pixels."""
    wrong = signs(weights(patterns, x, separation, r) @ patterns) != patterns
    return float(np.mean(~wrong.any(axis=1))), float(wrong.mean())


def words(widget: Locator) -> str:
    """The spoken line; it waits for a pause."""
    widget.page.wait_for_timeout(300)
    return widget.locator(".bs-live").inner_text()


# --- the mathematics


def test_weights_and_blends_are_the_universal_networks(page: Page) -> None:
    patterns = digits(30)
    x = queries(page, patterns, 0.1)
    assert np.all(x @ patterns.T >= 0), "so that a rectified power is the power"
    module(page, "ladder.js")
    for separation in ("power", "exponential"):
        for r in (*FINITE, math.inf):
            found = page.evaluate(
                """([family, r, patterns, queries]) => {
              const { blendOf, separated, shares, similaritiesOf } = window.module;
              return queries.map((x) => {
                const p = shares(separated(family, r ?? Infinity, similaritiesOf(patterns, x)));
                return { p: [...p], blend: [...blendOf(patterns, p)] };
              });
            }""",
                [separation, None if math.isinf(r) else r, patterns.tolist(), x.tolist()],
            )
            p = np.array([one["p"] for one in found])
            np.testing.assert_allclose(p, weights(patterns, x, separation, r), rtol=1e-11, atol=1e-15)
            if separation == "power" and r < math.inf:
                kind = "identity" if r == 1 else "polynomial"
                network = UniversalHopfield(patterns, "dot", kind, degree=r)  # type: ignore[arg-type]
                total = network.weights(x).sum(axis=1, keepdims=True)
                np.testing.assert_allclose(p, network.weights(x) / total, rtol=1e-11)
                np.testing.assert_allclose(
                    [one["blend"] for one in found], network.project(x) / total, rtol=0, atol=1e-12
                )


def test_a_negative_similarity_gets_no_power_and_a_little_of_the_exponential(page: Page) -> None:
    module(page, "ladder.js")
    found = page.evaluate("""() => {
      const { separated } = window.module;
      const s = [0.5, -0.5, 0, 0.5, -1];
      return [["power", 3], ["exponential", 3], ["power", Infinity]].map(([family, r]) => [...separated(family, r, s)]);
    }""")
    assert found[0] == [1, 0, 0, 1, 0]
    assert found[1] == pytest.approx([1, math.exp(-3), math.exp(-1.5), 1, math.exp(-4.5)])
    assert found[2] == [1, 0, 0, 0, 0], "the first of equals, as UniversalHopfield has it"
    assert page.evaluate("[...window.module.separated('power', 2, [-0.25, -0.5])]") == [1, 1]


def test_the_steepness_is_the_slope_at_full_similarity(page: Page) -> None:
    module(page, "ladder.js")
    rungs = np.linspace(0, 8.9, 61)
    found = page.evaluate(
        """(rungs) => {
      const { FAMILIES, logSeparation, rungOf, steepnessAt } = window.module;
      const h = 1e-5;
      return rungs.map((rung) => {
        const r = steepnessAt(rung);
        const slope = (f) => (logSeparation(f, r, 1 + h) - logSeparation(f, r, 1 - h)) / (2 * h);
        return [r, rungOf(r), ...FAMILIES.map(slope)];
      });
    }""",
        rungs.tolist(),
    )
    for rung, (r, back, *slopes) in zip(rungs, found, strict=True):
        assert r == pytest.approx(steepness(rung), rel=1e-12)
        assert back == pytest.approx(rung, abs=1e-9)
        assert slopes == pytest.approx([r, r], rel=1e-6)
    assert page.evaluate("[window.module.steepnessAt(9), window.module.rungOf(Infinity)]") == [math.inf, TOP]


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_what_becomes_of_all_queries_is_pythons(page: Page, noise: float) -> None:
    patterns = digits(60)
    x = queries(page, patterns, noise, seed=2)
    module(page, "ladder.js")
    for separation in ("power", "exponential"):
        for r in (1, 2.3, 5.3, 11.7, 40.3, 300.1, math.inf):
            found = page.evaluate(
                "([patterns, queries, f, r]) => window.module.ladderOf(patterns, queries)(f, r ?? Infinity)",
                [patterns.tolist(), x.tolist(), separation, None if math.isinf(r) else r],
            )
            assert (found["whole"], found["wrong"]) == pytest.approx(outcome(patterns, x, separation, r), abs=1e-12)


def test_where_it_begins_is_read_from_the_last_crossing(page: Page) -> None:
    module(page, "ladder.js")
    rungs = [0, 1, 2, 3, 4]
    for values, known in (
        ([0, 0, 0.25, 0.75, 1], 2.5), ([0, 0.6, 0.4, 0.6, 0.6], 2.5), ([0.5, 0.7, 0.9, 0.9, 0.9], 0),
        ([0.9, 0.9, 0.9, 0.9, 0.4], None), ([0, 0, 0, 0, 0.5], 4),
    ):  # fmt: skip
        found = page.evaluate("([rungs, values]) => window.module.beginsAt(rungs, values, 0.5)", [rungs, values])
        assert found == (known if known is None else pytest.approx(known)), values


# --- the widget


def test_the_summary_is_what_python_finds(page: Page) -> None:
    patterns = digits(40)
    x = queries(page, patterns, 0.2)
    show(page, SeparationLadder(rung=2.37), width=1000)
    for separation in ("power", "exponential"):
        for rung in (0.13, 2.37, 3.3, 8.4, TOP):
            told = put(page, separation=separation, rung=rung, digit=7)
            r = steepness(rung)
            p = weights(patterns, x[[7]], separation, r)[0]
            shares = p[p > 0]
            assert told["steepness"] == (None if math.isinf(r) else pytest.approx(r))
            assert told["weight"] == pytest.approx(p[7], rel=1e-9, abs=1e-300)
            assert told["taking_part"] == pytest.approx(math.exp(-np.sum(shares * np.log(shares))), rel=1e-9)
            assert told["wrong"] == np.mean(signs(p @ patterns) != patterns[7])
            assert told["nearest"] == np.argmax(patterns @ x[7])
            assert (told["whole"], told["wrong_of_all"]) == pytest.approx(outcome(patterns, x, separation, r))
    for separation, r in told["begins"].items():
        below, above = (outcome(patterns, x, separation, r * factor)[0] for factor in (0.8, 1.2))
        assert below < 0.5 < above
    assert told["begins"]["power"] < told["begins"]["exponential"]
    assert errors(page) == []


def test_the_end_of_the_ladder_is_the_nearest_pattern(page: Page) -> None:
    widget = show(page, SeparationLadder(noise=0.0, count=100, rung=TOP, digit=55), width=1000)
    told = summary(page)
    assert (told["whole"], told["weight"], told["taking_part"], told["nearest"]) == (1, 1, 1, 55)
    assert "At the maximum one image of 100 takes part, and the 5 comes back whole." in words(widget)
    assert widget.locator(".bs-little circle:visible").count() == 0, "no pixel is wrong"
    told = put(page, rung=0.0)
    assert told["whole"] < 0.1, "the field of Hopfield 1982 keeps none of a hundred digits"
    assert widget.locator(".bs-little circle:visible").count() == round(64 * told["wrong"]) > 0
    assert told["taking_part"] > 80


def test_named_networks_are_a_button_away(page: Page) -> None:
    widget = show(page, SeparationLadder(), width=1000)
    for label, separation, r in (
        ("Hopfield 1982", "power", 1), ("Dense memory, degree 3", "power", 2), ("Demircigil: β = 1", "exponential", 64),
        ("Attention, β = 1/√n", "exponential", 8), ("Nearest pattern", "exponential", None),
    ):  # fmt: skip
        widget.get_by_role("button", name=label).click()
        settle(page)
        assert get(page, "separation") == separation
        assert summary(page)["steepness"] == r
    widget.get_by_role("button", name="Attention, β = 1/√n").click()
    settle(page)
    assert readout(widget)["as β for ρ·x"] == "0.13", "1/√64 = 0.125"
    seed = get(page, "seed")
    widget.get_by_role("button", name="Other noise").click()
    settle(page)
    assert get(page, "seed") == seed + 1


def test_the_place_can_be_dragged_and_moved_by_keys(page: Page) -> None:
    widget = show(page, SeparationLadder(rung=2.0), width=1000)
    place = widget.get_by_role("button", name="Steepness: 4")
    width = centre(widget.get_by_text("256", exact=True))[0] - centre(widget.get_by_text("1", exact=True).first)[0]
    drag(page, place, width / 8)
    assert get(page, "rung") == 3, "whole rungs are easy to hit"
    place = widget.get_by_role("button", name="Steepness: 8")
    place.focus()
    for key, rung in (("ArrowRight", 3.25), ("ArrowUp", 3.5), ("ArrowLeft", 3.25)):
        page.keyboard.press(key)
        settle(page)
        assert get(page, "rung") == rung
    drag(page, widget.locator(".bs-handle").last, 2000)
    assert get(page, "rung") == TOP
    slider = widget.get_by_label("Steepness r")
    assert slider.get_attribute("aria-valuetext") == "max"
    slider.focus()
    page.keyboard.press("Home")
    settle(page)
    assert get(page, "rung") == 0
    assert slider.get_attribute("aria-valuetext") == "1"
    assert errors(page) == []


def test_fewer_stored_images_keep_the_one_asked_for_in_range(page: Page) -> None:
    widget = show(page, SeparationLadder(digit=30), width=1000)
    told = put(page, count=5, rung=TOP, noise=0.0)
    assert told["nearest"] == 4
    assert readout(widget)["images taking part"] == "1.0 of 5"
    assert widget.get_by_label("Asked for").get_attribute("max") == "4"
    put(page, count=100)
    assert widget.get_by_label("Asked for").get_attribute("aria-valuetext") == "0, number 31"
    own = show(page, SeparationLadder(digits(3), labels=["one", "two", "three"], digit=1), width=1000)
    expect(own.get_by_role("img", name="The stored image two")).to_be_visible()
    assert readout(own)["images taking part"].endswith("of 3")
    assert errors(page) == []


def test_the_curves_wait_for_a_guess(page: Page) -> None:
    widget = show(page, SeparationLadder(predict=True, rung=1.0), width=1000)
    curves = widget.locator(".bs-plot").nth(1).locator("path[stroke-dasharray], path:not([class])")
    told = readout(widget)
    hidden = [name for name, value in told.items() if value == "?"]
    assert hidden == ["of all 40: whole", "of all: pixels wrong", "half whole: power", "half whole: exp."]
    assert all(not curve.is_visible() for curve in curves.all() if curve.get_attribute("d"))
    begins = summary(page)["begins"]["power"]
    assert f"{begins:.1f}" not in widget.inner_text()
    buttons = [button.bounding_box()["y"] for button in widget.locator(".bs-controls button:visible").all()]
    # One answer at a time is no secret.
    put(page, rung=3.0)
    assert readout(widget)["of all 40: whole"] == "?"
    guess = widget.get_by_role("button", name="Your guess")
    guess.focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert get(page, "guess") == 1.5
    widget.get_by_role("button", name="Show the whole ladder").click()
    settle(page)
    assert "?" not in "".join(readout(widget).values())
    assert readout(widget)["half whole: power"] == f"r = {begins:.1f}"
    assert f"You guessed r = {2**1.5:.1f}." in words(widget)
    assert [button.bounding_box()["y"] for button in widget.locator(".bs-controls button:visible").all()] == buttons
    put(page, predict=False)
    put(page, predict=True)
    assert readout(widget)["of all 40: whole"] == "?"
    assert errors(page) == []


def test_a_drag_of_the_ladder_keeps_up_with_the_screen(page: Page) -> None:
    show(page, SeparationLadder(count=100), width=1000)
    for k in range(5):
        put(page, rung=0.5 * k)
    repaint_times(page)
    page.evaluate("""async () => {
      for (let k = 0; k <= 30; k += 1) {
        window.model.set("rung", 0.3 * k);
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      }
    }""")
    times = sorted(repaint_times(page))
    # From the request, so a wait for the next frame is in it.
    assert times[len(times) // 2] < 2 * 16.7
