"""Where a page asks for a prediction, its widget keeps the answer back until the reader's first move."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from beyond_scaling import partition
from beyond_scaling.widgets import (
    BallIntegral,
    ChinchillaSurface,
    KnifeEdge,
    LayerDescent,
    LossCurves,
    SampleSize,
    Table3,
)
from beyond_scaling.widgets.base import BookWidget

from .widget_page import errors, readout, settle, show


def places(page: Page) -> list[float]:
    """Where the buttons stand: an answer that appears must not push them from under the reader's finger."""
    return [button.bounding_box()["y"] for button in page.locator(".bs-controls button:visible").all()]


def test_the_next_step_shows_after_the_first(page: Page) -> None:
    widget = show(page, LayerDescent(layers=[[0]], start=0.3, delta=0.04, rule="literal", predict=True), width=760)
    mark = widget.locator(".bs-plot").first.locator("g:has(> path[d^='M-7'])")
    expect(mark).to_be_hidden()
    assert widget.locator(".bs-verdict:visible").count() == 0
    assert widget.locator(".bs-live").inner_text() == "Predict, then step."
    before = places(page)
    # The start may be moved before the prediction; only a step tells.
    page.evaluate("model.set('start', 0.5)")
    settle(page)
    expect(mark).to_be_hidden()
    widget.get_by_role("button", name="Step through layer 1").click()
    settle(page)
    expect(mark).to_be_visible()
    assert widget.locator(".bs-verdict:visible").count() == 3
    assert places(page) == before
    widget.get_by_role("button", name="Restart").click()
    settle(page)
    expect(mark).to_be_visible()
    assert errors(page) == []


def test_the_loss_shows_after_the_first_drag(page: Page) -> None:
    widget = show(page, LossCurves(radius=1.9, predict=True), width=760)
    told = readout(widget)
    names = ("L, as printed", "L, repaired: log Z", "p on the pattern", "p at the edge")
    assert [told[name] for name in names] == ["?"] * 4
    assert told["log Z + 1/Z"] == "1.133", "the paper's own claim is no secret"
    assert widget.locator("g[clip-path] path").count() == 1
    assert "lowest" not in widget.inner_text()
    before = places(page)
    widget.get_by_role("button", name="Z = 1").click()
    settle(page)
    assert readout(widget)["L, as printed"] == "0.193"
    assert widget.locator("g[clip-path] path").count() == 3
    assert "lowest on it" in widget.inner_text()
    assert places(page) == before
    assert errors(page) == []


def test_the_bound_fails_before_the_reader_s_eyes(page: Page) -> None:
    widget = show(page, BallIntegral(n=4, predict=True), width=760)
    first = widget.get_by_text("false from n = 21")
    clip = widget.locator("clipPath rect").first
    full = float(widget.locator("clipPath rect").nth(1).get_attribute("width"))
    expect(first).to_be_hidden()
    expect(widget.get_by_role("button", name="n = 21")).to_have_count(0)
    assert "21" not in widget.inner_text()
    shown = []
    for n in (4, 20, 8):
        page.evaluate("(n) => model.set('n', n)", n)
        settle(page)
        shown.append(float(clip.get_attribute("width")))
        expect(first).to_be_hidden()
    assert shown[0] < shown[1] == shown[2] < full / 2, "what was seen stays"
    page.evaluate("model.set('n', 21)")
    settle(page)
    expect(first).to_be_visible()
    assert float(clip.get_attribute("width")) == full
    expect(widget.get_by_role("button", name="n = 20")).to_be_visible()
    assert errors(page) == []


def test_the_cells_speak_after_the_first_drag(page: Page) -> None:
    widget = show(page, Table3(predict=True), width=760)
    told = readout(widget)
    assert (told["cells allow"], told["N/D*² per cell"], told["exponent p, fitted"]) == ("?", "?", "1.90")
    assert "1.44" not in widget.inner_text()
    before = places(page)
    widget.get_by_role("button", name="Smallest exponent").click()
    settle(page)
    assert readout(widget)["cells allow"] == "1.44–2.42"
    assert places(page) == before
    # A limit that does not exist is none in words either.
    page.evaluate("model.set({ sigma2: 0.045, one_cell_more: true })")
    page.wait_for_function("document.querySelector('.bs-live').textContent.includes('from 0.92 upwards')")
    assert readout(widget)["cells allow"] == "0.92 and up"
    page.evaluate("model.set('predict', false)")
    assert errors(page) == []


def test_the_price_of_growing_shows_after_the_first_move(page: Page) -> None:
    widget = show(page, ChinchillaSurface(predict=True), width=760)
    names = [widget.get_by_text(f"N ~ {power}", exact=True) for power in ("D", "D²", "D⁴")]
    assert [name.locator("visible=true").count() for name in names] == [1, 1, 1], "in the legend only"
    assert "along" not in widget.locator(".bs-live").inner_text()
    widget.get_by_role("button", name="Chinchilla").click()
    settle(page)
    assert [name.locator("visible=true").count() for name in names] == [2, 2, 2]
    page.wait_for_function("document.querySelector('.bs-live').textContent.includes('along N ~ D²')")
    # In the corner all three shares are nearly nothing: no name stands on another, and no share reads as none.
    page.evaluate("model.set({ n_params: 1e12, n_tokens: 1e8 })")
    settle(page)
    boxes = sorted((name.locator("visible=true").first.bounding_box() for name in names), key=lambda box: box["y"])
    assert all(a["y"] + a["height"] <= b["y"] + 4 for a, b in pairwise(boxes))
    assert readout(widget)["share needed"] == "<0.1%"
    assert errors(page) == []


@pytest.mark.parametrize("make", [LayerDescent, LossCurves, BallIntegral, Table3, ChinchillaSurface, SampleSize])
def test_without_a_prediction_nothing_is_kept_back(page: Page, make: type[BookWidget]) -> None:
    widget = show(page, make(), width=760)
    text = widget.inner_text() + widget.locator(".bs-live").inner_text()
    assert "Predict, then" not in text
    assert "?" not in "".join(readout(widget).values())
    page.evaluate("model.set('predict', true)")
    settle(page)
    page.evaluate("model.set('predict', false)")
    settle(page)
    assert "?" not in "".join(readout(widget).values())
    assert errors(page) == []


def test_the_knife_edge_says_whether_the_papers_law_holds(page: Page) -> None:
    widget = show(page, KnifeEdge(), width=760)
    good = widget.locator(".bs-verdict")

    def states() -> list[bool]:
        return ["bs-is-good" in item.get_attribute("class") for item in good.all()]

    assert states() == [False, False]
    widget.get_by_role("button", name="The paper's r*").click()
    settle(page)
    assert states() == [False, True], "the square root is the upper bound's, not the integral's"
    assert readout(widget)["r against r*"] == "0%"
    widget.get_by_role("button", name="κ = 0.2587").click()
    settle(page)
    assert states() == [True, False]
    assert readout(widget)["r against r*"] == "+6.9%"
    widget.get_by_role("button", name="Volume exactly 1").click()
    settle(page)
    assert states() == [False, False]
    change = partition.volume_radius(1024) / partition.paper_radius(1024) - 1
    assert readout(widget)["r against r*"] == f"+{100 * change:.2f}%"
    # A ratio beyond the slider is told as it is.
    page.evaluate("model.set('n', 1)")
    settle(page)
    assert widget.get_by_label("κ = r/√n").get_attribute("aria-valuetext") == "0.5000"
    assert errors(page) == []


def test_a_factor_near_one_is_said_as_a_number(page: Page) -> None:
    widget = show(page, BallIntegral(n=20), width=760)
    r = partition.paper_radius(20)
    factor = f"{math.exp(partition.log_ball_integral(20, r, 'printed') - partition.log_ball_integral(20, r)):.2f}"
    assert readout(widget)["printed ÷ true"] == factor
    assert f"is {factor} times the true integral" in widget.locator(".bs-live").inner_text()
    page.evaluate("model.set('n', 1024)")
    page.wait_for_function("document.querySelector('.bs-live').textContent.includes('is e to the 52.10 times')")


def test_touching_balls_show_no_gap(page: Page) -> None:
    """At the largest radius the density between two balls is drawn through, for nothing lies between them."""
    widget = show(page, LossCurves(layers=[[[0.0]], [[1.0]], [[2.0]], [[3.0]]], radius=3.0), width=760)
    bottom = max(float(node.get_attribute("y1")) for node in widget.locator(".bs-plot").nth(1).locator("line").all())
    for line in widget.locator(".bs-plot").nth(1).locator("svg > path").all():
        heights = [float(part.split(",")[1]) for part in line.get_attribute("d")[1:].split("L")]
        inside = [k for k, y in enumerate(heights) if y < bottom - 1]
        assert inside == list(range(inside[0], inside[-1] + 1))
