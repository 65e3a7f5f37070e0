"""Table 3 rebuilt: its numbers are the runs', D* is where the paper's rule puts it, and its HTML is a table to all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bs4 import BeautifulSoup

from beyond_scaling.figures import width_table
from beyond_scaling.figures.width_table import Table
from beyond_scaling.training.analysis import grid

from .width_records import MISSING, NOTHING, WIDTHS, analysed, cells


@pytest.fixture(scope="module")
def table() -> Table:
    return width_table.table(analysed().width, MISSING)


def read(table: Table) -> tuple[BeautifulSoup, dict[str, list[str]]]:
    page = BeautifulSoup(table._repr_html_(), "html.parser")
    rows = {
        line.th.text: [cell.contents[0].text.removesuffix(", D*") for cell in line.find_all("td")]
        for line in page.select("tbody tr, tfoot tr")
    }
    return page, rows


def test_cells_are_means_over_seeds_with_the_ends_in_small_print(table: Table) -> None:
    page, rows = read(table)
    sizes = [20 * width**2 for width in WIDTHS]
    assert [head.text for head in page.select("thead th")[1:]] == [f"{size:,}" for size in sizes]
    known: dict[tuple[int, int], list[float]] = {}
    for each in analysed().families.width:
        known.setdefault((each.N, each.D), []).append(each.mse)
    for (size, tokens), values in known.items():
        assert float(rows[f"{tokens:,}"][sizes.index(size)]) == pytest.approx(np.mean(values), rel=0.06)
    assert sum(text not in ("", "not run") for line in list(rows.values())[:-5] for text in line) == len(known)
    both = page.find("th", string="500").parent.td.small.text
    low, high = map(float, both.split("–"))
    assert (low, high) == pytest.approx((min(known[5120, 500]), max(known[5120, 500])), rel=0.06)
    alone = page.find("th", string="2,200").parent.find_all("td")[2]
    assert alone.text, "of this one seed is missing"
    assert not alone.small


def test_d_star_is_the_first_d_under_the_threshold(table: Table) -> None:
    page, rows = read(table)
    marked = page.select("td.bs-star")
    assert [cell.parent.th.text for cell in marked] == ["1,100", "2,200", "4,400"]
    assert all(cell.strong.text.endswith(", D*") for cell in marked), "said, not only shown"
    assert rows["D*, grid"] == ["1,100", "2,200", "4,400"]
    for row, star in zip(table.rows, table.stars, strict=True):
        under = row.D[row.mean < table.sigma2]
        assert star.grid.high == under[0]
    found = [float(text.replace(",", "")) for text in rows["D*, line"]]
    assert found == pytest.approx([62.5 * width for width in WIDTHS], rel=0.03)


def test_ratios_are_constant_where_they_should_be(table: Table) -> None:
    _, rows = read(table)
    foot = {name.partition(" ")[0]: [float(text) for text in texts] for name, texts in rows.items() if "/" in name}
    assert max(foot["N/D*²"]) / min(foot["N/D*²"]) == pytest.approx(1, abs=0.03)
    assert foot["N/D*"][2] / foot["N/D*"][0] == pytest.approx(4, rel=0.05)
    assert foot["N/D*⁴"][0] / foot["N/D*⁴"][2] == pytest.approx(16, rel=0.1)
    name = next(name for name in rows if name.startswith("N/D*²"))
    assert name == "N/D*² (10⁻³)"
    assert pytest.approx(foot["N/D*²"][0] * 1e-3, rel=0.05) == 5120 / 1000**2
    assert "N/D* by 4" in table.caption()


def test_the_plain_text_says_the_same(table: Table) -> None:
    text = repr(table)
    lines = text.splitlines()
    assert lines[0].split() == ["D", "N", "=", "5,120", "N", "=", "20,480", "N", "=", "81,920"]
    starred = [line.split()[0] for line in lines[1:] if "*" in line and "D*" not in line]
    assert starred == ["1,100", "2,200", "4,400"]
    assert "* D*, the first D whose mean is under 0.04 nats²" in lines
    assert lines[-1] == f"Not measured yet: {MISSING[0]}."
    assert table.caption().endswith(lines[-1])
    assert all(len(line) <= 60 for line in lines[:-2]), "it fits the width of a page"


def test_the_table_is_one_for_screen_readers_and_narrow_pages(table: Table) -> None:
    page, _ = read(table)
    assert all(head["scope"] in ("row", "col") for head in page.select("th"))
    assert page.find("figcaption").text == table.caption()
    region = page.select_one("figure > div")
    assert (region["tabindex"], region["role"]) == ("0", "group"), "it can be scrolled by keyboard"
    assert region["aria-label"]
    assert not page.select("[style]"), "colours are the page's"


def test_what_is_beyond_the_grid_has_no_number() -> None:
    few = width_table.table(grid([each for each in cells("widths") if each.D < 2000], draws=5))
    _, rows = read(few)
    assert rows["D*, grid"] == ["1,100", "> 1,600"], "the third size has runs at more tokens only"
    assert rows["N/D*² (10⁻³)"][1] == "–"
    assert len(BeautifulSoup(few._repr_html_(), "html.parser").select("td.bs-star")) == 1
    late = width_table.table(grid([each for each in cells("widths") if each.D > 3000], draws=5))
    assert all(math.isnan(ratio) for ratio in late.ratios(2)[:1])
    assert "<" in repr(late)
    with pytest.raises(ValueError, match="the grid has no run"):
        width_table.table(NOTHING.width)
