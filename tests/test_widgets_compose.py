"""The widgets among ipywidgets' own: boxes, links, observers and interactive_output."""

from __future__ import annotations

import ipywidgets
import pytest

from beyond_scaling import widgets

from .widget_samples import make


@pytest.mark.parametrize("name", widgets.__all__)
def test_every_widget_has_a_module_a_style_sheet_and_a_stable_repr(name: str) -> None:
    first, second = make(name), make(name)
    assert "export default" in first._esm
    assert ".bs-widget" in first._css
    assert repr(first) == repr(second)
    assert first.model_id not in repr(first)


@pytest.mark.parametrize("name", widgets.__all__)
def test_interactive_output_follows_what_the_browser_finds(name: str) -> None:
    widget, seen = make(name), []
    ipywidgets.interactive_output(lambda found: seen.append(found), {"found": widget})
    # As the browser's message arrives.
    widget.set_state({"summary": {"minima": 2}})
    assert seen[-1] == {"minima": 2}
    assert widget.value == widget.summary


def test_links_and_boxes() -> None:
    slider, wells = ipywidgets.FloatSlider(value=1.0, min=0.5, max=3.0), widgets.TwoWells()
    link = ipywidgets.jslink((slider, "value"), (wells, "distance"))
    box = ipywidgets.VBox([slider, wells])
    assert link.source == (slider, "value")
    assert wells in box.children
    seen = []
    wells.observe(lambda change: seen.append(change["new"]), "distance")
    wells.distance = 2.5
    assert seen == [2.5]


def test_the_browser_cannot_be_contradicted() -> None:
    with pytest.raises(widgets.base.traitlets.TraitError, match="read-only"):
        widgets.TwoWells().summary = {"minima": 5}
