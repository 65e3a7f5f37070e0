"""The plotly renderer by itself, and its agreement with the style sheets and with plotly.js."""

from __future__ import annotations

import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page
from plotly.offline import get_plotlyjs_version

from beyond_scaling.bookbuild.plotly_renderer import (
    NARROW,
    PALETTE,
    TRACES,
    WIDE,
    description,
    figure_html,
    problems,
    themed,
)

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "book" / "_assets" / "vendor" / "plotly" / "plotly-cartesian.min.js"


def figure(**layout: object) -> dict:
    return json.loads(go.Figure([go.Scatter(x=[0, 1], y=[1, 2])], layout=layout).to_json())


def test_description_prefers_the_alternative_text_to_the_title():
    assert description(figure(title="A title")) == "A title"
    assert description(figure(title="A title", meta={"alt": "What it shows"})) == "What it shows"
    assert description(figure()) == ""


def test_a_figure_without_words_is_a_problem():
    assert [p.split(":")[0] for p in problems(figure())] == ["say what it shows"]
    assert list(problems(figure(title="A title"))) == []


def test_room_is_reserved_before_it_is_drawn():
    assert f'style="--wide:{WIDE}/450;--narrow:{NARROW}/450"' in figure_html(figure(title="A title"), "data/a-1.csv")


def test_a_narrow_page_may_have_another_height():
    written = figure_html(figure(title="A title", height=640, meta={"narrow_height": 400}), "data/a-1.csv")
    assert f'style="--wide:{WIDE}/640;--narrow:{NARROW}/400"' in written


def test_its_words_and_files_stand_below_it():
    soup = BeautifulSoup(
        figure_html(figure(meta={"alt": "Two & two", "caption": "Four"}), "../data/a-1.csv"), "html.parser"
    )
    assert soup.select_one("details.bs-figure-words > p").get_text() == "Two & two"
    link = soup.select_one(".bs-figure-tools > a[download]")
    assert (link["href"], link.get_text(), link["aria-label"]) == (
        "../data/a-1.csv",
        "Data (CSV)",
        "Data (CSV) of figure a-1",
    )
    buttons = [(b["data-save"], b["data-name"], b.has_attr("hidden")) for b in soup.select(".bs-figure-tools > button")]
    assert buttons == [("svg", "a-1", True), ("png", "a-1", True)]


def test_nothing_in_a_figure_can_end_its_script():
    html = figure_html(figure(title="</script><b>"), "data/a-1.csv")
    assert html.count("</script>") == 1
    assert "<b>" not in html


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        figure_html({"data": [{"type": "scatter", "y": [float("nan")]}], "layout": {"title": "t"}}, "data/a-1.csv")


def test_page_colours_are_replaced_wherever_they_stand():
    assert themed({"a": ["#00639C", {"b": "#abcdef"}], "c": 3}) == {"a": ["bs:energy", {"b": "#abcdef"}], "c": 3}
    assert themed(["rgba(0, 114, 178, 0.14)", "rgba(1, 2, 3, 0.5)"]) == ["bs:energy/0.14", "rgba(1, 2, 3, 0.5)"]


def test_the_two_style_sheets_and_the_palette_agree():
    def blocks(path: str) -> list[dict[str, str]]:
        css = (ROOT / path).read_text(encoding="utf-8")
        found = [
            dict(re.findall(r"--bs-([\w-]+):\s*(#[0-9a-f]{6});", block)) for block in re.findall(r"\{([^}]*)\}", css)
        ]
        return [block for block in found if "energy" in block]

    page, widgets = blocks("book/_assets/book.css"), blocks("src/beyond_scaling/widgets/widgets.css")
    assert len(page) == len(widgets) == 2
    for ours, theirs in zip(page, widgets, strict=True):
        assert ours == {name: theirs[name] for name in ours}
    light = page[0]
    assert {hexes for hexes, name in PALETTE.items() if light[name] == hexes} == {
        light[name] for name in set(PALETTE.values())
    }


def test_the_bundle_belongs_to_the_python_package():
    header = BUNDLE.read_text(encoding="utf-8")[:400]
    version = re.search(r"plotly\.js \(?[\w -]*?\)?\s*v(\d+)\.", header)
    assert version, header
    assert version[1] == get_plotlyjs_version().split(".")[0], "renew book/_assets/vendor/plotly (see README.txt there)"


def test_the_bundle_draws_every_kind_of_trace_we_allow(page: Page):
    page.set_content("<div id='stage'></div>")
    page.add_script_tag(path=str(BUNDLE))
    drawn = page.evaluate(
        """async (kinds) => {
          const stage = document.getElementById("stage");
          const drawn = [];
          for (const type of kinds) {
            const data = type === "image" ? { z: [[[1, 2, 3]]] }
              : { x: [1, 2], y: [1, 2], z: [[1, 2], [3, 4]], values: [1, 2] };
            await Plotly.newPlot(stage, [{ type, ...data }]);
            if (stage._fullData[0].type === type) drawn.push(type);
          }
          return drawn;
        }""",
        sorted(TRACES),
    )
    assert drawn == sorted(TRACES)
