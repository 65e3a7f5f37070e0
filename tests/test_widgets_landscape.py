"""The landscape widgets from Python: their traits, what they refuse, and how they join other widgets."""

from __future__ import annotations

import json
from typing import Any

import ipywidgets
import numpy as np
import pytest
import traitlets

from beyond_scaling.widgets.bundle import bundle
from beyond_scaling.widgets.landscape_1d import Landscape1D
from beyond_scaling.widgets.landscape_2d import Landscape2D


def test_defaults_are_the_papers_sets() -> None:
    assert Landscape2D().patterns == [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]
    assert Landscape1D().patterns == [-2.0, 0.0, 1.0]
    assert (Landscape1D().beta, Landscape1D().beta_2) == (1.0, 2.0)


@pytest.mark.parametrize("kind", [Landscape2D, Landscape1D])
def test_widgets_share_no_state(kind: type) -> None:
    first, second = kind(), kind()
    first.patterns.append("spoiled")
    assert second.patterns == kind().patterns


@pytest.mark.parametrize("given", [np.ones((4, 2)), ((1, 2), (3, 4)), [[1, 2]], np.ones((2, 2), dtype=np.float32)])
def test_patterns_are_whatever_numpy_reads(given: Any) -> None:
    widget = Landscape2D(patterns=given)
    assert widget.patterns == np.asarray(given, dtype=float).tolist()
    assert json.loads(json.dumps(widget.patterns)) == widget.patterns
    widget.patterns = given
    widget.query = np.array([0.5, 1])
    assert widget.query == [0.5, 1.0]
    widget.query = None
    assert widget.query is None


@pytest.mark.parametrize(
    ("kind", "traits", "message"),
    [
        (Landscape2D, {"patterns": [[1.0, 2.0, 3.0]]}, r"patterns has shape \(1, 3\); expected .*\(d, 2\)"),
        (Landscape2D, {"patterns": []}, r"patterns has shape \(0,\)"),
        (Landscape2D, {"patterns": [[1.0], [1.0, 2.0]]}, r"patterns is \[\[1.0\], \[1.0, 2.0\]\]"),
        (Landscape2D, {"patterns": [[np.nan, 1.0]]}, r"patterns is .*nan.*finite"),
        (Landscape2D, {"patterns": "no"}, r"patterns is 'no'"),
        (Landscape2D, {"query": [1.0]}, r"query has shape \(1,\); expected .*\(2,\)"),
        (Landscape2D, {"view": [1.0, -1.0, 0.0, 2.0]}, r"view is .*each lower limit below"),
        (Landscape1D, {"patterns": [[1.0], [2.0]]}, r"patterns has shape \(2, 1\); expected .*\(d,\)"),
        (Landscape1D, {"patterns": None}, r"patterns (is None|has shape \(\))"),
        (Landscape1D, {"view": [2.0, 2.0]}, r"view is \[2.0, 2.0\]"),
    ],
)
def test_bad_points_are_refused(kind: type, traits: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**traits)
    widget = kind()
    before = {name: getattr(widget, name) for name in traits}
    for name, value in traits.items():
        with pytest.raises(ValueError, match=message):
            setattr(widget, name, value)
    assert before == {name: getattr(widget, name) for name in traits}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Landscape2D, "beta", 0.0),
        (Landscape2D, "beta", 9.0),
        (Landscape2D, "function", "LSE"),
        (Landscape1D, "beta_2", -1.0),
        (Landscape1D, "curves", ["E", "F"]),
        (Landscape1D, "summary", {}),
        (Landscape2D, "summary", {}),
    ],
)
def test_other_bad_values_are_refused(kind: type, name: str, value: Any) -> None:
    with pytest.raises(traitlets.TraitError):
        setattr(kind(), name, value)


def test_a_function_given_is_shown_alone() -> None:
    assert Landscape2D().compare
    assert not Landscape2D(function="MCHN").compare
    assert Landscape2D(function="MCHN", compare=True).compare


def test_repr_is_stable() -> None:
    assert repr(Landscape1D()) == "Landscape1D(patterns=[-2.0, 0.0, 1.0], beta=1.0, beta_2=2.0)"
    assert (
        repr(Landscape2D(patterns=[[1, 2]], query=None)) == "Landscape2D(patterns=[[1.0, 2.0]], beta=2.0, query=None)"
    )


@pytest.mark.parametrize("kind", [Landscape2D, Landscape1D])
def test_messages_from_the_browser_reach_observers(kind: type) -> None:
    widget = kind()
    seen: list[tuple[str, Any]] = []
    widget.observe(lambda change: seen.append((change["name"], change["new"])), names=["patterns", "beta", "summary"])
    patterns = [[0.0, 1.0]] if kind is Landscape2D else [0.5]
    widget.set_state({"patterns": patterns, "beta": 0.5, "summary": {"patterns": 1}})
    assert dict(seen) == {"patterns": patterns, "beta": 0.5, "summary": {"patterns": 1}}
    assert widget.summary["patterns"] == 1


@pytest.mark.parametrize("kind", [Landscape2D, Landscape1D])
def test_they_join_other_widgets(kind: type) -> None:
    widget = kind()
    slider = ipywidgets.FloatSlider(value=1.5, min=0.1, max=8.0)
    box = ipywidgets.VBox([widget, slider])
    assert box.children[0] is widget
    ipywidgets.jslink((slider, "value"), (widget, "beta"))
    ipywidgets.link((slider, "value"), (widget, "beta"))
    assert widget.beta == 1.5
    widget.set_state({"beta": 3.0})
    assert slider.value == 3.0
    values = []
    ipywidgets.interactive_output(lambda beta: values.append((beta, widget.beta)), {"beta": slider})
    slider.value = 0.7
    assert values[-1] == (0.7, 0.7)


@pytest.mark.parametrize("kind", [Landscape2D, Landscape1D])
def test_the_module_stands_alone(kind: type) -> None:
    source = bundle(kind.source)
    assert kind._esm == source or str(kind._esm) == source
    assert not [line for line in source.splitlines() if line.startswith("import")]
    assert source.count("export default") == 1
    assert "http" not in source.replace("http://www.w3.org/2000/svg", "")
