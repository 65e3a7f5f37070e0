"""Numbers that reach a widget: whatever cannot be drawn is refused in Python, by name, and the old value stays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import traitlets

from beyond_scaling import widgets
from beyond_scaling.widgets.ranges import Real

from .widget_samples import make

NUMBERS = [
    (name, trait)
    for name in sorted(widgets.__all__)
    for trait, kind in sorted(getattr(widgets, name).class_traits(sync=True).items())
    if isinstance(kind, Real)
]


def test_every_widget_with_a_slider_is_here() -> None:
    assert {name for name, _ in NUMBERS} == set(widgets.__all__) - {"Bands"}, "Bands takes points alone"


@pytest.mark.parametrize(("name", "trait"), NUMBERS)
def test_a_number_out_of_range_is_refused_and_the_old_one_stays(name: str, trait: str) -> None:
    widget = make(name)
    kind, before = widget.traits()[trait], getattr(widget, trait)
    beyond = [math.nan, math.inf, -math.inf, kind.least - 1, kind.most + 1, True, "1", None, 1j]
    for value in beyond:
        with pytest.raises(ValueError, match=f"{trait} is .*; expected a (whole )?number from ") as found:
            setattr(widget, trait, value)
        assert isinstance(found.value, traitlets.TraitError)
        assert getattr(widget, trait) == before
    for value in (kind.least, kind.most, np.float64(kind.least) if type(kind) is Real else np.int64(kind.least)):
        setattr(widget, trait, value)
        assert getattr(widget, trait) == value
        assert type(getattr(widget, trait)) is type(before)


@pytest.mark.parametrize(("trait", "value"), [("d_emb", 65), ("ratio", 3.3), ("layers", 2.5)])
def test_steps_are_kept(trait: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{trait} is {value}"):
        setattr(widgets.ParameterCounter(), trait, value)
