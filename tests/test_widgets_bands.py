"""The Python side of the Bands and bifurcation widgets: traits, their checks, and how they compose."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pytest
import traitlets

from beyond_scaling.widgets.bands import Bands
from beyond_scaling.widgets.bifurcations import SeparationThreshold, Triangle, TwoWells

ALL = (Bands, TwoWells, Triangle, SeparationThreshold)


@pytest.mark.parametrize("kind", ALL)
def test_source_is_one_module_and_state_prints_alike(kind):
    widget = kind()
    assert "export default" in widget._esm
    assert 'from "./' not in widget._esm
    assert ".bs-widget" in widget._css
    assert repr(widget) == repr(kind())
    assert all(f"{name}=" in repr(widget) for name in kind.shown)


@pytest.mark.parametrize("kind", ALL)
def test_summary_is_written_by_the_browser_alone(kind):
    widget = kind()
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "summary")
    assert widget.summary == {}
    with pytest.raises(traitlets.TraitError):
        widget.summary = {"value": 1.0}
    widget.set_state({"summary": {"value": 1.0}})
    assert widget.summary == {"value": 1.0}
    assert seen == [{"value": 1.0}]


@pytest.mark.parametrize(("patterns", "stored", "point"), [
    ([-2, 0, 1], [-2.0, 0.0, 1.0], [-2.0]),
    ([[-2], [0], [1]], [-2.0, 0.0, 1.0], [-2.0]),
    ((3.5,), [3.5], [3.5]),
    (np.array([-2, 0, 1]), [-2.0, 0.0, 1.0], [-2.0]),
    (np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]),
    (((1, 2), (3, 4)), [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]),
])
def test_bands_patterns_of_every_shape(patterns, stored, point):
    made = Bands(patterns=patterns)
    assert (made.patterns, made.point) == (stored, point)
    later = Bands(patterns=[0.0, 1.0] if len(point) == 2 else [[0.0, 1.0]])
    later.patterns = patterns
    # The point had another dimension: it goes to the first pattern.
    assert (later.patterns, later.point) == (stored, point)


def test_bands_point_stays_when_it_still_fits():
    widget = Bands(point=(0.2, -0.3))
    widget.patterns = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert widget.point == [0.2, -0.3]
    widget.point = np.array([1, 2])
    assert widget.point == [1.0, 2.0]
    line = Bands(patterns=[-2, 0, 1], point=6)
    assert line.point == [6.0]
    line.point = 0.25
    assert line.point == [0.25]


@pytest.mark.parametrize(("traits", "words"), [
    ({"patterns": []}, "shape \\(0,\\)"),
    ({"patterns": [[1.0, 2.0, 3.0]]}, "shape \\(1, 3\\)"),
    ({"patterns": [[[1.0]]]}, "shape \\(1, 1, 1\\)"),
    ({"patterns": [[1.0, 2.0], [3.0]]}, "patterns .*as many coordinates"),
    ({"patterns": [0.0, float("nan")]}, "patterns .*finite"),
    ({"patterns": ["a", "b"]}, "expected numbers"),
    ({"point": [1.0]}, "point has shape \\(1,\\); expected \\(2,\\)"),
    ({"point": [1.0, float("inf")]}, "point .*finite"),
    ({"patterns": [-2, 0, 1], "point": [1.0, 2.0]}, "point has shape \\(2,\\); expected \\(1,\\)"),
])
def test_bands_refuses_bad_input_and_keeps_its_state(traits, words):
    with pytest.raises(ValueError, match=words):
        Bands(**traits)
    if len(traits) == 1:
        widget = Bands()
        before = repr(widget)
        ((name, value),) = traits.items()
        with pytest.raises(ValueError, match=words):
            setattr(widget, name, value)
        assert repr(widget) == before


@pytest.mark.parametrize(("kind", "name", "value"), [
    (Bands, "proposition", 4), (TwoWells, "distance", 3.5), (TwoWells, "distance", 0.4),
    (TwoWells, "energy", "LSE"), (TwoWells, "beta", 0.0), (Triangle, "side", 1.0), (Triangle, "side", 2.3),
    (SeparationThreshold, "n_patterns", 1), (SeparationThreshold, "n_patterns", 2.5),
    (SeparationThreshold, "separation", 9.0),
])
def test_values_out_of_range_are_refused(kind, name, value):
    widget = kind()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


def test_the_browser_may_change_patterns_and_point_in_one_message():
    widget = Bands()
    widget.set_state({"patterns": [-2, 0, 1], "point": [6]})
    assert (widget.patterns, widget.point) == ([-2.0, 0.0, 1.0], [6.0])
    widget.set_state({"point": [0.2, -0.3], "patterns": [[-2, -0.5], [0.2, -0.3], [1.5, 1.5]]})
    assert widget.point == [0.2, -0.3]


def test_they_compose_with_ipywidgets():
    wells, triangle, control = TwoWells(), Triangle(), ipywidgets.FloatSlider(min=0.5, max=3.0, value=1.25)
    link = ipywidgets.jslink((control, "value"), (wells, "distance"))
    assert link.target == (wells, "distance")
    both = ipywidgets.link((control, "value"), (wells, "distance"))
    assert wells.distance == 1.25
    wells.distance = 2.5
    assert control.value == 2.5
    both.unlink()
    box = ipywidgets.VBox([wells, triangle, control])
    assert box.children == (wells, triangle, control)
    side, seen = ipywidgets.FloatSlider(min=1.4, max=2.2, value=1.6), []
    ipywidgets.interactive_output(lambda value: seen.append((value, triangle.side)), {"value": side})
    ipywidgets.link((side, "value"), (triangle, "side"))
    triangle.side = 1.5
    assert seen[-1] == (1.5, 1.5)
