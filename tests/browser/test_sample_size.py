"""SampleSize in a real browser: Weibull's law in numbers, what is kept back until the guess, every way to move it."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import Page, expect
from scipy.special import gamma, gammaln
from scipy.stats import weibull_min

from beyond_scaling.partition import paper_radius
from beyond_scaling.widgets import SampleSize

from .widget_page import drag, errors, get, put, readout, settle, show


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-10, abs=1e-10)


def expected_mean(m: float, k: float, volume: float) -> float:
    """Gamma(1 + 1/k) (m V_k / volume)^(-1/k), as the chapter has it."""
    log_ball = k / 2 * math.log(math.pi) - gammaln(1 + k / 2)
    return gamma(1 + 1 / k) * math.exp(-(math.log(m / volume) + log_ball) / k)


def test_agrees_with_the_law_and_the_reference(page: Page, golden: dict) -> None:
    show(page, SampleSize())
    for k in (1, 2.5, 10, 50, 200):
        log_ball = k / 2 * math.log(math.pi) - gammaln(1 + k / 2)
        volume = math.exp(math.log(1e5) + log_ball + k * math.log(20 / gamma(1 + 1 / k)))
        for m in (10, 4e4, 1e5, 1e12):
            told = put(page, k=k, m=m)
            assert told["mean"] == near(expected_mean(m, k, volume))
            assert told["median"] == near(weibull_min(k, scale=told["mean"] / gamma(1 + 1 / k)).median())
            assert told["hypothesis"] == near(2 * paper_radius(1024))
            assert told["log10_reached"] == near(5 + told["log10_factor"])
        # At as many vectors as it says, the law gives the hypothesis.
        assert expected_mean(10 ** told["log10_reached"], k, volume) == pytest.approx(told["hypothesis"], rel=1e-9)
    for row in golden["nn_shrink"]:
        told = put(page, k=row["k"])
        assert told["fall"] == near(row["factor_40_to_100"])
        assert 10 ** told["log10_factor"] == pytest.approx(row["m_factor_20_to_15_49"], rel=1e-9)
    assert errors(page) == []


def test_the_crossing_shows_after_the_guess(page: Page) -> None:
    widget = show(page, SampleSize(k=20, predict=True), width=780)
    names = ("mean is 15.49 at m =", "times the measured m")
    assert [readout(widget)[name] for name in names] == ["?", "?"]
    assert "167" not in widget.inner_text()
    diamond = widget.locator(".bs-handle").first
    places = [button.bounding_box()["y"] for button in widget.locator("button").all()]
    drag(page, diamond, 60)
    assert get(page, "guess") > 1e6
    assert readout(widget)["times the measured m"] == "?", "a guess is free"
    widget.get_by_role("button", name="Show where it crosses").click()
    settle(page)
    assert readout(widget)["times the measured m"] == "167"
    assert widget.get_by_text("m = 1.7 · 10⁷").is_visible()
    assert [button.bounding_box()["y"] for button in widget.locator("button").all()] == places
    page.wait_for_function("document.querySelector('.bs-live').textContent.includes('You guessed')")
    # Asked anew it keeps the answer back again; to move k is an answer too.
    page.evaluate("model.set('predict', false)")
    page.evaluate("model.set('predict', true)")
    settle(page)
    assert readout(widget)["times the measured m"] == "?"
    page.evaluate("model.set('k', 10)")
    settle(page)
    assert readout(widget)["times the measured m"] == "13"
    assert errors(page) == []


def test_drag_keys_sliders_and_buttons(page: Page) -> None:
    widget = show(page, SampleSize(), width=780)
    expect(widget.get_by_role("button", name="Show where it crosses")).to_be_hidden()
    number = widget.get_by_role("button", name="Vectors looked at")
    drag(page, number, 50)
    assert get(page, "m") > 1e6
    before = get(page, "m")
    number.focus()
    page.keyboard.press("ArrowLeft")
    assert get(page, "m") == pytest.approx(before * 10**-0.1)
    drag(page, number, 2000)
    assert get(page, "m") == 1e12
    widget.get_by_label("Intrinsic dimension k").focus()
    page.keyboard.press("End")
    settle(page)
    assert get(page, "k") == 200
    assert widget.get_by_text("crosses at").is_visible(), "far beyond what is drawn"
    page.keyboard.press("Home")
    settle(page)
    assert get(page, "k") == 1
    widget.get_by_role("button", name="As measured").click()
    settle(page)
    assert (get(page, "m"), readout(widget)["mean"]) == (1e5, "20.00")
    widget.get_by_role("button", name="Every token of OpenWebText").click()
    settle(page)
    assert get(page, "m") == pytest.approx(9e9)
    # What was dragged went to Python.
    page.wait_for_function("window.model.saved.some((sent) => 'm' in sent && 'summary' in sent)")
    assert errors(page) == []


def test_measured_means_lie_where_they_were_measured(page: Page) -> None:
    measured = {8000: 4.5, 20000: 3.97}
    widget = show(page, SampleSize(distance=3.97, vectors=20000, n=64, measured=measured, k=7.3), width=780)
    assert get(page, "summary")["mean"] == near(3.97)
    dots = widget.locator(".bs-plot").first.locator("svg > circle[r='4']")
    crossing = widget.locator(".bs-plot").first.locator("svg > circle[r='6']")
    assert dots.count() == len(measured)
    xs = [float(dot.get_attribute("cx")) for dot in dots.all()]
    ys = [float(dot.get_attribute("cy")) for dot in dots.all()]
    assert xs[0] < xs[1] <= float(crossing.get_attribute("cx"))
    assert ys[0] < ys[1] <= float(crossing.get_attribute("cy"))
    # A curve that starts below the hypothesis has crossed it already.
    widget = show(page, SampleSize(distance=3.0, vectors=20000, n=64, k=7.3), width=780)
    assert get(page, "summary")["log10_factor"] < 0
    assert "It passed the hypothesis at" in widget.locator(".bs-live").inner_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distance": 0}, "distance: expected a positive finite number, got 0"),
        ({"distance": math.inf}, "distance: expected a positive finite number, got inf"),
        ({"vectors": 3}, "vectors: expected a number from 10"),
        ({"n": 0}, "n: expected a dimension of at least 1, got 0"),
        ({"measured": {100: -1.0}}, "measured: expected positive finite numbers"),
        ({"k": 0.5}, "k is 0.5; expected a number from 1 to 200"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SampleSize(**arguments)
