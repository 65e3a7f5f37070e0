"""The step that draws figures at build, and the data that are written with them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from beyond_scaling.bookbuild import figure_data
from beyond_scaling.bookbuild.finish import figures

from .figure_site import PAGE, Borrowed, curves, finished, landscape, write


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Path:
    return finished(tmp_path_factory.mktemp("figures"), browser, curves(), landscape())


@pytest.fixture(scope="module")
def soup(site: Path) -> BeautifulSoup:
    return BeautifulSoup((site / PAGE).read_text(encoding="utf-8"), "html.parser")


def rows(figure: go.Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_data.as_csv(figure.to_plotly_json()))))


def test_each_figure_stands_in_its_stage_wide_and_narrow(soup: BeautifulSoup):
    stages = soup.select(".bs-figure-stage")
    assert [stage["data-drawn"] for stage in stages] == ["still", "still"]
    boxes = [[svg["viewbox"] for svg in stage.select(".bs-still > svg")] for stage in stages]
    assert boxes == [["0 0 664 320", "0 0 326 300"], ["0 0 664 300", "0 0 326 300"]]
    assert [text.get_text() for text in stages[1].select(".bs-still-wide text")].count("bowl") == 1


def test_the_pages_colours_are_left_to_the_style_sheet(soup: BeautifulSoup):
    first = str(soup.select(".bs-still-wide")[0])
    for name in ("ink", "grid", "energy", "mchn"):
        assert f"var(--bs-{name})" in first
    assert re.search(r"fill:var\(--bs-mchn\);fill-opacity:0\.2", first), "a colour with an opacity"
    assert not re.findall(r"rgb\((?!0, 0, 0\))[^)]*\)", first), "a colour of no theme"


def test_what_is_left_is_what_is_seen(soup: BeautifulSoup):
    drawings = soup.select(".bs-still > svg")
    assert not [part for svg in drawings for part in svg.select("[class], [data-unformatted], [pointer-events]")]
    assert not [group for svg in drawings for group in svg.select("g") if not group.find(True)]
    assert "font-family" not in " ".join(str(svg) for svg in drawings)


def test_marks_of_one_style_say_it_once(soup: BeautifulSoup):
    marks = [
        group
        for group in soup.select_one(".bs-still-wide").select("g[style]")
        if len(group.select("path[transform]")) == 3 and "fill:var(--bs-energy)" in group["style"]
    ]
    assert marks, "the three squares"
    assert not [path for path in marks[0].select("path") if path.has_attr("style")]


def test_ids_are_their_own_and_lead_somewhere(soup: BeautifulSoup):
    text = " ".join(str(svg) for svg in soup.select(".bs-still > svg"))
    ids = re.findall(r' id="([^"]+)"', text)
    assert ids
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) == set(ids)


def test_bitmaps_are_small(soup: BeautifulSoup):
    images = soup.select(".bs-still-wide image")
    assert len(images) == 2
    assert all(image["xlink:href"].startswith("data:image/webp;base64,") for image in images)
    assert max(len(str(image)) for image in images) < 10_000


def test_straight_contours_are_lines_and_round_ones_stay_round(tmp_path: Path, soup: BeautifulSoup, browser: Browser):
    root = finished(tmp_path / "site", browser, landscape().update_traces(line={"smoothing": 0}))
    straight = BeautifulSoup((root / PAGE).read_text(encoding="utf-8"), "html.parser").select_one(".bs-still-wide")
    rounded = soup.select(".bs-still-wide")[1]
    paths = [" ".join(path["d"] for path in still.select("path")) for still in (straight, rounded)]
    assert ["C" in path for path in paths] == [False, True]


def test_drawn_twice_it_is_the_same(site: Path, tmp_path: Path, browser: Browser):
    again = finished(tmp_path / "again", browser, curves(), landscape())
    assert (again / PAGE).read_bytes() == (site / PAGE).read_bytes()


def test_pages_without_figures_are_left_alone(tmp_path: Path, browser: Browser):
    (tmp_path / "index.html").write_text("<!doctype html><title>Index</title>", encoding="utf-8")
    assert figures.run(Borrowed(tmp_path, browser)) == "no figures"


def test_a_missing_script_is_named(tmp_path: Path, browser: Browser):
    root = write(tmp_path / "site", curves())
    (root / figures.LOOK).unlink()
    with pytest.raises(ValueError, match=r"figure_look\.js: not there"):
        figures.run(Borrowed(root, browser))


def test_stand_ins_differ_from_the_colours_and_from_each_other():
    colours = {"ground": "#ffffff", "ink": "#1c2128"}
    assert figures._stand_ins(colours) == {"ground": "#fffffe", "ink": "#1c2129"}
    with pytest.raises(ValueError, match="too near"):
        figures._stand_ins({"a": "#000001", "b": "#000001"})
    with pytest.raises(ValueError, match="--bs-ink is 'red'; expected"):
        figures._stand_ins({"ink": "red"})


def test_data_have_a_row_for_each_point():
    table = rows(curves())
    assert len(table) == 6
    assert table[2] == {"x_axis": "x", "trace": "squares", "x": "2", "y": "4", "y_minus": "2", "y_plus": "2"}
    assert table[3]["trace"] == "a line"


def test_data_of_a_grid_have_a_row_for_each_node_and_the_panels_apart():
    table = rows(landscape())
    assert len(table) == 2 * 81
    assert {row["panel"] for row in table} == {"1", "2"}
    first = table[1]
    assert float(first["z"]) == pytest.approx(float(first["x"]) ** 2 + float(first["y"]) ** 2, abs=1e-15)


@pytest.mark.parametrize("kind", ["float64", "float32", "int16"])
def test_numbers_that_plotly_packs_are_read_exactly(kind: str):
    values = np.array([[0.1, 2.5, -3.0], [1 / 3, 7.0, 1e4]]).astype(kind)
    figure = go.Figure(go.Heatmap(z=values, x=[1, 2, 3], y=[1, 2]))
    packed = figure.to_plotly_json()["data"][0]["z"]
    assert "bdata" in packed
    read = np.array([[type(values.flat[0])(row["z"])] for row in rows(figure)]).reshape(values.shape)
    assert np.array_equal(read, values)


def test_text_comes_without_tags():
    assert figure_data.plain("d<sup>*</sup><br>of <i>n</i> &amp; m") == "d* of n & m"
