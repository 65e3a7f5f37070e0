"""What cells may put into a page, and what is kept out of it."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup

from beyond_scaling.bookbuild.sanitise import PASSED, dropped, hidden_html, sanitised

from ..conftest import ROOT
from .conftest import Built


def outputs() -> list[tuple[str, str, str]]:
    """Every output of the book's chapters as kept in tests/reference: page, MIME type, text."""
    found = []
    for path in sorted((ROOT / "tests" / "reference").rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                for kind, text in output.get("data", {}).items():
                    found.append((path.stem, kind, "".join(text) if isinstance(text, list) else str(text)))
    return found


def test_the_books_own_outputs_pass_as_they_are():
    tables = [(page, text) for page, kind, text in outputs() if kind == "text/html"]
    assert len(tables) >= 4
    assert [(page, lost) for page, text in tables if (lost := dropped(text, sanitised(text)))] == []
    assert {kind for _, kind, _ in outputs()} <= PASSED | {"text/html", "text/markdown"}


@pytest.mark.parametrize(
    ("hostile", "clean", "lost"),
    [
        ("<b>a<script>evil()</script></b>", "<b>a</b>", "<script>"),
        ("<b onclick=evil()>a</b>", "<b>a</b>", "<b onclick>"),
        ("<b ID=x>a</b>", "<b>a</b>", "<b id>"),
        ("<a href=' jAvascript:evil()'>a</a>", "<a>a</a>", "<a href>"),
        ("<a href='data:text/html,x'>a</a>", "<a>a</a>", "<a href>"),
        ("<img src=x onerror=evil()>", "", "<img>"),
        ("<svg><script>evil()</script></svg>", "", "<svg>"),
        ("<math><mtext></mtext><mglyph><style><img src=x onerror=evil()>", "", "<math>"),
        ("<iframe srcdoc='<b>a</b>'></iframe>", "", "<iframe>"),
        ("<form action=/x><input name=q><button>a</button></form>", "a", "<form>"),
        ("<style>p{color:red}</style><p>a</p>", "<p>a</p>", "<style>"),
        ("<meta http-equiv=refresh content='0;url=//x'>", "", "<meta>"),
        ("<base href=//x><link rel=stylesheet href=//x>", "", "<base>"),
        ("<p>a<!-- [if IE] --></p>", "<p>a</p>", "a comment"),
        ("<p style='color:red;background:url(//x)'>a</p>", '<p style="color:red">a</p>', "<p style>"),
        ("<p style='position:fixed'>a</p>", '<p style="">a</p>', "<p style>"),
        ("<!--><img src=x onerror=evil()>-->", "--&gt;", "a comment"),
    ],
)
def test_what_is_hostile_is_dropped_and_named(hostile: str, clean: str, lost: str):
    assert sanitised(hostile) == clean
    assert dropped(hostile, clean) == lost


@pytest.mark.parametrize(
    "harmless",
    [
        '<th scope="row">a</th>',
        "<table><tr><td style='color: red; text-align:left'>1 &lt; 2 &amp; 3</td></tr></table>",
        "<p>a<br>b<br/>c &beta; &#946;</p>",
        '<a href="balance.html#eq">here</a> <a href="https://elsewhere.example/">there</a>',
        '<div role="group" aria-label="A table" tabindex="0">\n  <b>x</b>\n</div>',
    ],
)
def test_what_is_harmless_is_no_loss_however_it_is_written(harmless: str):
    inside = "<table><tr>" + harmless + "</tr></table>" if harmless.startswith("<th") else harmless
    assert dropped(inside, sanitised(inside)) == ""


def test_html_in_markdown_is_found_but_not_in_code():
    assert hidden_html("a <b>word</b>") == "<b>"
    assert hidden_html("a\n\n<script>evil()</script>\n") == "<script>evil()</script>"
    assert hidden_html("a `<b>` and 1 < 2 and **b**") == ""


@pytest.mark.parametrize(
    "message",
    [
        "text/html with <p id>, which was dropped",
        "text/html with <a href>, which was dropped",
        "text/html with <td style>, which was dropped",
        "text/html with <form>, which was dropped",
        "application/javascript; expected one of application/vnd",
        "image/svg+xml; expected one of application/vnd",
        "text/markdown with the HTML '<img src=x",
        "a widget of HTML with <b onmouseover>",
    ],
)
def test_a_hostile_output_fails_the_build_and_names_the_page(broken_book: Built, message: str):
    assert broken_book.status != 0
    said = [line for line in broken_book.messages.splitlines() if "unsafe output of a cell: " + message in line]
    assert len(said) == 1
    assert "hostile" in said[0]


def test_nothing_hostile_is_in_the_page(broken_book: Built):
    soup = broken_book.soup("hostile.html")
    cells = [cell for cell in soup.select(".cell_output") if not cell.select(".bs-view")]
    html = "".join(map(str, cells))
    assert cells
    for word in ("evil", "elsewhere", "<script", "<svg", "<img", "<iframe", "<form", "onclick", "url("):
        assert word not in html
    texts = soup.select_one("article").get_text()
    for kept in ("a handler", "An address", "Cell", "Markdown itself is welcome.", "kept"):
        assert kept in texts
    kept = BeautifulSoup(html, "html.parser").select_one("figure.bs-numbers td[colspan]")
    assert kept["style"] == "color:red"
