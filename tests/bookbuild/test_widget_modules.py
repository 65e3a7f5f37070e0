"""The widgets' sources as scripts of the site, the lean state in a page, and what a link may set."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ipywidgets import FloatSlider, VBox, Widget, jslink
from ipywidgets.embed import embed_data

from beyond_scaling import widgets
from beyond_scaling.bookbuild.widget_modules import domains, script
from beyond_scaling.bookbuild.widget_views import lean, loader

from ..widget_samples import make
from .sample_widget import Counter

NAMES = sorted(widgets.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_each_widget_becomes_a_script_that_registers_it(name: str):
    cls = getattr(widgets, name)
    key, text = script(cls)
    assert re.fullmatch(rf"{name}-[0-9a-f]{{8}}", key)
    assert text.startswith(f'(globalThis.bsModules ??= {{}})["{key}"] = {{ traits: ')
    assert re.search(r"\nreturn \{ default: \{ render(, \w+)* \} \};\n\} \};\n\Z", text)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert (key, text) == script(cls)


def test_nothing_is_evaluated_and_no_html_is_read_from_an_address():
    for text in (loader(), *(script(getattr(widgets, name))[1] for name in NAMES)):
        assert not re.search(r"\beval\(|new Function\(|document\.write", text)
    assert loader().count("innerHTML") == 1, "the author's own HTML widget"


def test_a_module_without_a_default_at_its_end_is_refused():
    class Odd:
        _esm = "export const render = 1;\n"

    with pytest.raises(ValueError, match="Odd: expected its module to end in `export default value;`"):
        script(Odd)  # type: ignore[arg-type]


def states(*views: Any) -> dict[str, dict[str, Any]]:
    found = embed_data(views=views, drop_defaults=False)["manager_state"]["state"]
    Widget.close_all()  # a page's links may drag in whatever else is open
    return found


def test_the_state_has_no_sources_of_ours_and_no_layout_that_says_nothing():
    Widget.close_all()
    models, scripts = lean(states(widgets.TwoWells(), widgets.TwoWells(energy="MCHN"), widgets.Triangle()))
    assert sorted(scripts) == sorted({script(widgets.TwoWells)[0], script(widgets.Triangle)[0]})
    assert len(models) == 3
    for model in models.values():
        assert model["model_name"] == "AnyModel"
        assert model["state"]["_module"] in scripts
        assert {"_esm", "_css", "layout", "tabbable", "_model_name", "_view_name"}.isdisjoint(model["state"])
    assert sorted(model["state"].get("energy", "") for model in models.values()) == ["", "E", "MCHN"]


def test_what_a_view_needs_stays():
    Widget.close_all()
    counter, slider = Counter(value=2.0), FloatSlider(description="Count", layout={"width": "5rem"})
    jslink((counter, "value"), (slider, "value"))
    models, scripts = lean(states(VBox([counter, slider])))
    kinds = {model["model_name"]: model["state"] for model in models.values()}
    assert scripts == {}
    assert sorted(kinds) == ["AnyModel", "FloatSliderModel", "LayoutModel", "LinkModel", "VBoxModel"]
    assert kinds["LayoutModel"] == {"width": "5rem"}
    assert kinds["AnyModel"]["_esm"] == Counter._esm
    assert kinds["FloatSliderModel"]["layout"].startswith("IPY_MODEL_")
    assert {"min", "max", "step", "readout_format", "description"} <= set(kinds["FloatSliderModel"])
    assert len(kinds["LinkModel"]["source"]) == 2


def test_a_trait_that_is_none_stays_for_its_widget():
    Widget.close_all()
    models, _ = lean(states(widgets.Landscape2D(query=None)))
    (model,) = models.values()
    assert model["state"]["query"] is None


def offered(domain: Any, initial: Any) -> list[Any]:
    """Values at the ends of a domain."""
    match domain:
        case "boolean":
            return [True, False]
        case {"among": among}:
            return among
        case {"shape": shape, "from": low, "to": high}:
            row = [low, high] * (shape[-1] // 2) if shape[-1] else [low, high]
            return [row if len(shape) == 1 else [row], *([None] if "none" in domain else [])]
        case {"list": entries, "least": least, "most": most}:
            ends = offered(entries, None)
            return [ends[:1] * least, ends[-1:] * (most if least else 1)]
        case {"from": low, "to": high}:
            return [low, high]
        case _:
            return [initial]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_link_may_set_python_takes_as_well(name: str):
    widget = make(name)
    found = domains(type(widget))
    assert {"summary", "layout", "tabbable", "tooltip"}.isdisjoint(found)
    for trait, domain in found.items():
        for value in offered(domain, getattr(widget, trait)):
            setattr(widget, trait, value)
