"""Rescale in a real browser: the activations move with s, the probabilities do not."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page
from scipy.spatial import cKDTree

from beyond_scaling.partition import paper_radius
from beyond_scaling.widgets import Rescale

from .widget_page import drag, errors, get, put, readout, settle, show, words


def near(value: object) -> object:
    return pytest.approx(value, rel=1e-10, abs=1e-10)


def model_of(widget: Rescale, where: str, s: float) -> tuple[np.ndarray, np.ndarray]:
    """(activations looked at, probabilities), computed here."""
    h, gain, heads = (np.array(part) for part in (widget.vectors, widget.gain, widget.unembedding))
    if where == "before":
        h = h * s
    else:
        gain, heads = gain * s, heads / s
    y = gain * h / np.sqrt(np.mean(h**2, axis=1, keepdims=True) + widget.epsilon)
    shares = np.exp(y @ heads.T)
    return (y if where == "after" else h), shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("where", ["after", "before"])
def test_agrees_with_python(page: Page, where: str) -> None:
    widget = Rescale(where=where)
    show(page, widget)
    at_rest = model_of(widget, where, 1.0)[1]
    for s in (0.3, 0.77, 1.0, 3.0):
        vectors, probabilities = model_of(widget, where, s)
        for context in (0, 13, 19):
            told = put(page, scale=s, context=context)
            assert told["probabilities"] == near(list(probabilities[context]))
        assert told["distance"] == near(cKDTree(vectors).query(vectors, k=2)[0][:, 1].mean())
        assert told["predicted"] == near(2 * paper_radius(2))
        assert told["largest_change"] == pytest.approx(np.abs(probabilities - at_rest).max(), abs=1e-12)
    assert errors(page) == []


def test_the_activations_move_and_the_bars_stand_still(page: Page) -> None:
    widget = show(page, Rescale(), width=780)
    second = widget.locator(".bs-plot").nth(1)
    widths = [bar.get_attribute("width") for bar in second.locator("rect").all()]
    dots = widget.locator(".bs-plot").first.locator("g[clip-path] > circle[r='3.4']")
    before = [dot.get_attribute("cx") for dot in dots.all()]
    widget.get_by_role("button", name="Make the theory right").click()
    settle(page)
    told = readout(widget)
    assert told["ratio"] == "1.000"
    assert get(page, "summary")["distance"] == near(2 * paper_radius(2))
    assert get(page, "summary")["largest_change"] < 1e-14
    assert [bar.get_attribute("width") for bar in second.locator("rect").all()] == widths
    assert all(a != b for a, b in zip(before, [dot.get_attribute("cx") for dot in dots.all()], strict=True))
    assert words(widget)[0].startswith("No probability has moved")
    # Before the norm nothing is exact: its epsilon stays what it is.
    widget.get_by_role("radio", name="before the norm").click()
    widget.get_by_role("button", name="Make the theory right").click()
    settle(page)
    assert readout(widget)["ratio"] == "1.000"
    assert 1e-9 < get(page, "summary")["largest_change"] < 1e-4
    assert "norm’s ε" in words(widget)[0]
    widget.get_by_role("button", name="Back to s = 1").click()
    settle(page)
    assert get(page, "summary")["largest_change"] == 0
    assert errors(page) == []


def test_contexts_by_mouse_and_keyboard(page: Page) -> None:
    widget = show(page, Rescale(context=4), width=780)
    ring = widget.get_by_role("button", name="Context 5 of 20")
    first = get(page, "summary")["probabilities"]
    drag(page, ring, -60, 40)
    assert get(page, "context") != 4
    assert get(page, "summary")["probabilities"] != first
    ring = widget.locator(".bs-handle")
    ring.focus()
    page.evaluate("model.set('context', 19)")
    settle(page)
    page.keyboard.press("ArrowRight")
    settle(page)
    assert get(page, "context") == 0, "after the last comes the first"
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert get(page, "context") == 19
    widget.get_by_label("Rescale × s").focus()
    page.keyboard.press("End")
    settle(page)
    assert get(page, "scale") == 3
    page.wait_for_function("window.model.saved.some((sent) => sent.scale === 3)")
    assert errors(page) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.1}, "scale is 0.1; expected a number from 0.3 to 3"),
        ({"where": "inside"}, "where: expected 'after' or 'before', got 'inside'"),
        ({"context": 20}, "context is 20; expected a whole number from 0 to 19"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rescale(**arguments)
