"""Numbers, colours and axes that the figures of width against data share; and what all of them weigh."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import math

import pytest

from beyond_scaling.bookbuild.plotly_renderer import problems
from beyond_scaling.figures import (
    width_collapse,
    width_controls,
    width_exponent,
    width_least,
    width_parts,
    width_threshold,
)
from beyond_scaling.figures.width_parts import compact, log_axis, not_measured, not_there, ramp, room, spread_words

from .width_records import analysed


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_ramp_can_be_seen_on_either_ground() -> None:
    colours = [ramp(value, 10, 1000) for value in (10, 20, 50, 100, 200, 500, 1000)]
    for colour in colours:
        lum = luminance(colour)
        assert 1.05 / (lum + 0.05) >= 3, "on white"
        assert (lum + 0.05) / (luminance("#14181e") + 0.05) >= 3, "on the dark ground"
    assert len(set(colours)) == len(colours)
    assert ramp(100, 10, 1000) == "#9b6fa8", "the middle of the logarithms"
    assert ramp(5, 5, 5) == ramp(100, 10, 1000), "one value alone"
    assert (ramp(1, 10, 1000), ramp(1e6, 10, 1000)) == (colours[0], colours[-1])


@pytest.mark.parametrize(
    ("value", "text"),
    [(950, "950"), (999.6, "1k"), (5104, "5.1k"), (99_949, "99.9k"), (228_000, "228k"), (999_600, "1M"),
     (39.95e6, "40M"), (2e9, "2G")],
)  # fmt: skip
def test_counts_in_three_digits(value: float, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(("low", "high"), [(2.4e5, 4.5e5), (9e3, 1.2e6), (0.003, 8.0), (3e3, 5e8)])
def test_an_axis_has_a_few_marks_whatever_its_span(low: float, high: float) -> None:
    axis = log_axis(low, high)
    shown = [text for mark, text in zip(axis["tickvals"], axis["ticktext"], strict=True) if low <= mark <= high]
    assert 3 <= len(shown) <= 7
    assert len(set(shown)) == len(shown)
    assert axis["range"] == pytest.approx([math.log10(low), math.log10(high)])
    fewer = log_axis(low, high, 2)
    assert 2 <= sum(low <= mark <= high for mark in fewer["tickvals"]) <= len(shown)
    wide = room([10, 1000], 0.1)
    assert wide == pytest.approx((10 / 100**0.1, 1000 * 100**0.1))
    assert room([7, 7])[0] < 7 < room([7, 7])[1]


def test_what_is_missing_in_words() -> None:
    assert not_measured([], 3) == ""
    assert not_measured(["a"], 3) == " Not measured yet: a."
    assert not_measured(["a", "b", "c", "d"], 6) == " Not measured yet: 4 of 10 runs."
    cut = dataclasses.replace(analysed().width, left_out=("toy-2-16-500-0",))
    said = not_there(dataclasses.replace(analysed(), width=cut))
    assert said.endswith("Left out: 1 run that ended before the window was full.")
    assert spread_words(1.234, math.inf) == "1.23 to infinity"
    assert spread_words(-math.inf, -0.5) == "−infinity to −0.50"
    assert spread_words(None, 1.0) == spread_words(math.nan, 1.0) == "none"


def test_every_figure_is_described_light_and_has_room_on_a_narrow_page() -> None:
    drawings = [
        width_exponent.figure(analysed()),
        width_threshold.figure(analysed()),
        width_collapse.figure(analysed()),
        width_controls.figure(analysed(), "depth"),
        width_controls.figure(analysed(), "shuffled"),
        width_least.figure(analysed()),
    ]
    for drawn in drawings:
        text = drawn.to_json()
        assert len(gzip.compress(text.encode())) < 12_000
        assert not list(problems(drawn.to_plotly_json()))
        assert drawn.layout.meta["narrow_height"] >= 400
        assert drawn.layout.meta["caption"]
    colours = [width_parts.look(place) for place in range(6)]
    assert len({(look.dash, look.symbol) for look in colours}) == 6
    assert all(one.colour != other.colour for one, other in itertools.combinations(colours, 2))
    assert width_parts.look(6) == width_parts.look(0)
