"""What the extension writes into the pages, and what it refuses."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import Built

pytestmark = pytest.mark.timeout(300)


def test_the_book_builds_without_a_warning(living_book: Built):
    assert living_book.status == 0, living_book.messages


def test_equations_show_the_papers_numbers(living_book: Built):
    soup = living_book.soup("alive.html")
    paper, ours = soup.select("div.math")
    assert paper["id"] == "equation-paper-4"
    assert paper.select_one(".eqno").get_text().startswith("(4)")
    assert ours.select_one(".eqno").get_text().startswith("(A)")
    assert r"\tag" not in soup.select_one("article").get_text()
    assert [a.get_text() for a in soup.select('a[href^="#equation"]:not(.headerlink)')] == ["(4)", "(A)"]


def test_verdicts_are_words(living_book: Built):
    badges = living_book.soup("alive.html").select(".bs-verdict")
    assert [(b.get_text(), b["class"][1]) for b in badges] == [
        ("Holds", "bs-verdict-holds"),
        ("fails at the edge", "bs-verdict-fails"),
    ]


def test_provenance_comes_from_the_record(living_book: Built):
    folded = living_book.soup("alive.html").select_one("details.bs-provenance")
    assert folded.summary.get_text() == "How this was measured"
    assert not folded.has_attr("open")
    rows = {dt.get_text(): dt.find_next("dd").get_text() for dt in folded.select("dt")}
    assert rows["Command"].strip() == "beyond-scaling radius --chunks 3"
    assert rows["Seed"].strip() == "7"
    assert "text.txt, 12 bytes, SHA-256 abab" in rows["Input"]


def test_provenance_of_several_records_tells_once_what_they_share(living_book: Built):
    folded = living_book.soup("alive.html").select("details.bs-provenance")[1]
    assert folded.summary.get_text() == "How both were measured"
    rows = {dt.get_text(): dt.find_next("dd").get_text().strip() for dt in folded.select("dt")}
    assert "text.txt, 12 bytes" in rows["Input"]
    for name, command, seed in (("sample", "--chunks 3", 7), ("sample-2", "--again", 8)):
        assert rows[name].startswith(f"Command beyond-scaling radius {command};"), "hyphens stay two"
        assert rows[name].endswith(f"Seed {seed}")
    assert {"Command", "Seed"}.isdisjoint(rows)


def test_figures_have_height_words_and_escaped_data(living_book: Built):
    figure = living_book.soup("alive.html").select_one("figure.bs-figure")
    stage = figure.select_one(".bs-figure-stage")
    assert stage["role"] == "img"
    assert stage["aria-label"] == "The squares of 0, 1 and 2 </script>"
    assert stage["style"] == "--wide:664/320;--narrow:326/320"
    assert figure.figcaption.get_text() == "Three squares."
    drawing = json.loads(figure.select_one('script[type="application/json"]').string)
    assert drawing["data"][0]["line"]["color"] == "bs:energy"
    assert drawing["data"][0]["y"] == [0, 1, 4]
    assert "template" not in drawing["layout"]


def test_widgets_keep_their_place_and_name(living_book: Built):
    soup = living_book.soup("alive.html")
    assert [view["data-widget"] for view in soup.select(".bs-view")] == ["VBox", "Counter"]
    state = soup.select_one('script[type="application/vnd.jupyter.widget-state+json"]')
    assert state.find_parent("head") is None
    assert state.find_parent("article") is not None
    kinds = sorted(model["model_name"] for model in json.loads(state.string)["state"].values())
    assert kinds == ["AnyModel", "AnyModel", "FloatSliderModel", "LinkModel", "VBoxModel"], "and no empty layouts"


def test_only_pages_that_need_a_script_load_it(living_book: Built):
    def scripts(name: str) -> str:
        return " ".join(script.get("src", "") for script in living_book.soup(name).select("script"))

    for script in ("bs/widgets.js", "bs/figures.js", "mathjax/tex-chtml-full.js"):
        assert script in scripts("alive.html")
        assert script not in scripts("index.html")
        assert (living_book.html / "_static" / script).is_file()


@pytest.mark.parametrize("name", ["index.html", "alive.html", "bibliography.html", "search.html"])
def test_no_page_names_a_foreign_script_or_style(living_book: Built, name: str):
    soup = living_book.soup(name)
    addresses = [
        node[key] for key in ("src", "href") for node in soup.select(f"script[{key}], link[{key}], img[{key}]")
    ]
    assert addresses
    assert not [a for a in addresses if re.match(r"(?:https?:)?//", a)]


def test_what_no_page_uses_is_not_shipped(living_book: Built):
    static = living_book.html / "_static"
    assert not list(static.rglob("*.map"))
    assert not list(static.rglob("fa-*.woff2"))
    assert not (static / "scripts" / "fontawesome.js").exists()


def test_deprecated_roles_become_list_items(living_book: Built):
    soup = living_book.soup("bibliography.html")
    entries = soup.select(".citation-list > *")
    assert entries
    assert {entry["role"] for entry in entries} == {"listitem"}


@pytest.mark.parametrize(
    "message",
    [
        "equation 'paper-99' has a label and no number",
        "no claim 'maybe' in ledger.yml, and no verdict of that name; there are holds, corrected, fails",
        "verdict 'fails' without its claim: name the claim's id in ledger.yml",
        "claim 'eq-4' of ledger.yml is shown on no page",
        "provenance of 'nowhere': no record 'nowhere'",
        "provenance of 'no*': no record fits it",
        "plotly figure: say what it shows",
        "plotly figure: the page's plotly.js cannot draw 'scatter3d'",
        "a cell that raises",
    ],
)
def test_a_broken_chapter_fails_the_build_and_says_why(broken_book: Built, message: str):
    assert broken_book.status != 0
    assert message in broken_book.messages
