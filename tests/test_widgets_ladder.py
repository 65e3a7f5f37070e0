"""The ladder of separation functions from Python: its rungs, what it stores, and what it refuses."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.hopfield.digits import digit_labels, digits
from beyond_scaling.widgets import SeparationLadder
from beyond_scaling.widgets.separation_ladder import TOP, steepness


def test_rungs_are_powers_of_two_and_then_run_to_infinity() -> None:
    assert [steepness(rung) for rung in range(10)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, math.inf]
    assert steepness(8.5) == 512


@given(st.lists(st.floats(0, TOP), min_size=2, max_size=20, unique=True))
def test_the_ladder_only_goes_up(rungs: list[float]) -> None:
    steep = [steepness(rung) for rung in sorted(rungs)]
    assert all(low <= high for low, high in pairwise(steep))
    assert steep[0] >= 1


@pytest.mark.parametrize("rung", [-0.1, 9.1, math.nan, math.inf])
def test_a_rung_beyond_the_ladder(rung: float) -> None:
    with pytest.raises(ValueError, match=r"rung is .*; expected a number from 0 to 9"):
        steepness(rung)


def test_digits_and_their_names_are_there_from_the_start() -> None:
    widget = SeparationLadder()
    np.testing.assert_array_equal(widget.patterns, digits(100))
    assert widget.labels == [str(label) for label in digit_labels(100)]
    assert repr(widget) == "SeparationLadder(rung=1.0, separation='power', noise=0.2, count=40, digit=3)"


def test_own_images_are_numbered_or_named() -> None:
    assert SeparationLadder(digits(3)).labels == ["1", "2", "3"]
    assert SeparationLadder(digits(3).reshape(3, 8, 8), labels=["a", "b", 7]).labels == ["a", "b", "7"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"patterns": digits(1)}, "patterns has 1 image of 64 pixels; expected at least 2"),
        ({"patterns": digits(3, binary=False)}, r"patterns\[0, 0\] is 0; expected 1 to 100 images"),
        ({"patterns": digits(101)}, "patterns has shape .101, 64.; expected 1 to 100 images"),
        ({"patterns": digits(3), "labels": ["a"]}, "labels has 1 names; expected 3, one a pattern"),
        ({"rung": 9.5}, "rung is 9.5; expected a number from 0 to 9"),
        ({"count": 1}, "count is 1; expected a whole number from 2 to 100"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SeparationLadder(**arguments)


def test_another_family_is_refused() -> None:
    with pytest.raises(traitlets.TraitError, match="separation"):
        SeparationLadder(separation="softmax")
