"""The memory playground from Python: images, pixels and strokes as traits, what is refused, what the browser gets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.hopfield.digits import digit_labels, digits
from beyond_scaling.widgets import MemoryPlayground
from beyond_scaling.widgets.images import code, decode
from beyond_scaling.widgets.memory_playground import NETWORKS

IMAGE = st.lists(st.sampled_from([-1, 1]), min_size=64, max_size=64)


@given(IMAGE)
def test_a_code_holds_the_image(image: list[int]) -> None:
    text = code(image)
    assert len(text) == 16
    assert decode(text) == image
    assert code(np.reshape(image, (8, 8))) == text


def test_the_digits_are_there_with_their_names() -> None:
    widget = MemoryPlayground()
    assert np.array_equal(widget.patterns, digits(100))
    names = [widget.names[widget.code(image)] for image in widget.patterns]
    assert names == [str(label) for label in digit_labels(100)]
    assert widget.networks == list(NETWORKS)
    assert repr(widget) == "MemoryPlayground(stored=10, target=3, noise=0.125, beta=0.5, degree=3)"


def test_the_browser_is_sent_codes_and_sends_codes() -> None:
    widget = MemoryPlayground(patterns=digits(3).reshape(3, 8, 8))
    state = widget.get_state()
    assert state["patterns"] == [code(image) for image in digits(3)]
    assert json.dumps(state, default=str, allow_nan=False)
    widget.set_state({"patterns": [code(digits(5)[4])]})
    assert np.array_equal(widget.patterns, digits(5)[4:])


def test_pixels_are_numbers_or_a_mask() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[1, :2] = True
    for value in ([9, 8, 9], mask, mask.ravel(), mask.tolist(), np.array([8, 9]), range(8, 10)):
        widget = MemoryPlayground(erased=value)
        assert widget.erased == [8, 9]
    widget.erased = []
    assert widget.erased == []


def test_strokes_are_a_sheet() -> None:
    sheet = np.zeros((8, 8))
    sheet[0, 1], sheet[7, 7] = 1, -1
    widget = MemoryPlayground(painted=sheet)
    assert widget.painted == [0, 1, *[0] * 61, -1]


def test_networks_come_in_the_order_of_the_zoo_and_once() -> None:
    widget = MemoryPlayground(networks=["modern", "hebb", "modern"], guesses=["modern"])
    assert widget.networks == ["hebb", "modern"]
    widget.guesses = []
    assert widget.guesses == []


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("patterns", np.ones((2, 63)), r"patterns has shape \(2, 63\); expected 1 to 100 images of 8 x 8 "),
        ("patterns", np.ones((101, 64)), r"patterns has shape \(101, 64\); expected 1 to 100 images"),
        ("patterns", np.ones((0, 64)), r"patterns has shape \(0, 64\)"),
        ("patterns", [[1] * 63 + [0]], r"patterns\[0, 63\] is 0; expected 1 to 100 images"),
        ("patterns", [[1] * 63 + [np.nan]], r"patterns\[0, 63\] is nan"),
        ("patterns", "digits", "patterns is 'digits'; expected"),
        ("patterns", None, r"patterns has shape \(\); expected"),
        ("erased", [64], r"erased is \[64\]; expected pixel numbers 0 to 63, or a mask of 8 x 8 booleans"),
        ("erased", [-1], r"erased is \[-1\]"),
        ("erased", [0.5], r"erased is \[0.5\]"),
        ("erased", [True, False], r"erased is a mask of shape \(2,\)"),
        ("erased", 5, "erased is 5"),
        ("erased", [[1], [2, 3]], "erased is"),
        ("painted", [0] * 63, "painted is .*; expected 64 entries 1 "),
        ("painted", [2] + [0] * 63, "painted is .*; expected 64 entries 1 "),
        ("painted", "ink", "painted is 'ink'; expected 64 entries"),
        ("stored", 0, "stored is 0; expected a whole number from 1 to 100"),
        ("target", -2, "target is -2; expected a whole number from -1 to 99"),
        ("noise", 0.6, "noise is 0.6; expected a number from 0 to 0.5"),
        ("beta", 0, "beta is 0; expected a number from 0.01 to 4"),
    ],
)
def test_bad_values_are_named_and_the_old_ones_stay(trait: str, value: Any, message: str) -> None:
    widget = MemoryPlayground()
    before = getattr(widget, trait)
    with pytest.raises(ValueError, match=message) as found:
        setattr(widget, trait, value)
    assert isinstance(found.value, traitlets.TraitError)
    assert getattr(widget, trait) == before


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("networks", [], r"networks is \[\]; expected at least one of hebb, pseudo-inverse"),
        ("networks", ["brain"], r"networks is \['brain'\]; expected at least one of"),
        ("guesses", ["brain"], r"guesses is \['brain'\]; expected some of"),
    ],
)
def test_networks_are_those_of_the_zoo(trait: str, value: list[str], message: str) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        MemoryPlayground(**{trait: value})
