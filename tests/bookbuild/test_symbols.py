"""The notation: its file, its texts, the tips in a page and the list of all symbols; and the table of what moved."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from docutils import nodes

from beyond_scaling import ledger
from beyond_scaling.bookbuild.renumbering import moved, where
from beyond_scaling.bookbuild.symbols import Notation, as_html, as_nodes, load
from beyond_scaling.ledger import Place

from .conftest import ROOT, SOURCES, Built, build

BOOK = ROOT / "book"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def notation() -> Notation:
    return load(BOOK / "notation.yml")


# --- the file ---


def test_every_symbol_is_introduced_on_a_page_of_the_book(notation: Notation):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]} | {toc["root"]}
    assert {symbol.id: symbol.first for symbol in notation.symbols.values() if symbol.first not in pages} == {}


def compact(tex: str) -> str:
    return re.sub(r"\s|\\,|[{}]", "", tex)


def test_every_symbol_is_used_where_it_is_said_to_come_first(notation: Notation):
    missing = []
    for symbol in notation.symbols.values():
        if symbol.id in ("layer-patterns", "fit-coefficients"):
            continue  # there with numbers for the index, and one by one
        page = re.sub(r"```.*?```", "", (BOOK / f"{symbol.first}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
        maths = compact(" ".join(re.findall(r"\$\$?(.+?)\$\$?", page, flags=re.DOTALL)))
        if re.sub(r"\([^()]*\)$", "", compact(symbol.tex)) not in maths:
            missing.append(symbol.id)
    assert missing == []


MODULES = ("energy", "bounds", "thresholds", "partition", "layers", "loss", "balance", "models.parameters",
           "corpora.grammar_entropy")


def find(name: str) -> Any:
    """A public name of the theory modules, or of SciPy's special functions."""
    for module in (*(f"beyond_scaling.{m}" for m in MODULES), "scipy.special"):
        if hasattr(found := importlib.import_module(module), name):
            return getattr(found, name)
    raise AssertionError(f"{name} is nowhere")


def test_calls_in_code_can_be_made(notation: Notation):
    """Every `f(x, y)` names a function of the package whose parameters are called so, in that order."""
    calls = [
        (symbol.id, node)
        for symbol in notation.symbols.values()
        for code in re.findall(r"`([^`]+)`", symbol.code)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
    ]
    assert len(calls) > 20
    for name, call in calls:
        function = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
        if function in ("len", "gammainc"):
            continue
        parameters = list(inspect.signature(find(function)).parameters)
        said = [arg.id for arg in call.args]
        assert parameters[: len(said)] == said, name
        assert {keyword.arg for keyword in call.keywords} <= set(parameters), name


def test_arguments_in_code_exist(notation: Notation):
    """Every plain `name` is a parameter or a public name of the theory modules."""
    modules = [importlib.import_module(f"beyond_scaling.{m}") for m in MODULES]
    known = {name for module in modules for name in vars(module)}
    for function in [f for module in modules for f in vars(module).values() if inspect.isfunction(f)]:
        known |= set(inspect.signature(function).parameters)
    plain = {
        code
        for symbol in notation.symbols.values()
        for code in re.findall(r"`(\w+)`", symbol.code)
        if code not in ("d", "n")  # axes of arrays
    }
    assert len(plain) > 10
    assert plain - known == set()


def test_no_markup_is_left_over(notation: Notation):
    texts = [t for s in notation.symbols.values() for t in (s.name, s.meaning, s.range, s.code, s.paper)]
    texts += [t for o in notation.overloaded for t in (*o.meanings, o.here)]
    for text in texts:
        shown = re.sub("<code>.*?</code>", "", as_html(text))
        assert not re.search(r"[*`{}]|_(?!_)", shown), text


def test_the_signs_with_several_meanings_are_there(notation: Notation):
    signs = {sign.tex for sign in notation.overloaded}
    assert {"d", "Z_t", "E_t", "t", "D", "N", "A", "R", "r", "c", r"\delta"} <= signs
    assert all(len(sign.meanings) > 1 or sign.tex == "R" for sign in notation.overloaded)


ENTRY = "      - {id: rho, tex: r, spoken: r, name: R, meaning: M, first: index}"
GOOD = f"""
sections:
  - title: One
    symbols:
{ENTRY}
overloaded:
  - {{tex: d, spoken: d, meanings: [a, b], here: a}}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: R", "name: R, color: red", "'rho' has an unknown key 'color'"),
        ("name: R, ", "", "'rho' lacks 'name'"),
        ("name: R", "name: 3", "'rho' has 'name' = 3; expected a text"),
        ("name: R", "name: ' '", "'rho' has 'name' = ' '; expected a text"),
        ("id: rho", "id: Rho", "'Rho' is not made of"),
        ("    symbols:", f"    symbols:\n{ENTRY}", "the id 'rho' occurs twice"),
        ("meanings: [a, b]", "meanings: a", "'d' has 'meanings' = 'a'; expected texts"),
        ("title: One", "name: One", "a section has the keys"),
        ("sections:", "parts:", "expected the keys"),
        ("symbols:", "symbols: 3\n    more:", "a section has the keys"),
        ("[a, b]", "[a, b", "notation.yml"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, old: str, new: str, message: str):
    path = tmp_path / "notation.yml"
    path.write_text(GOOD, encoding="utf-8")
    assert list(load(path).symbols) == ["rho"]
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        load(path)


# --- texts ---


def test_markup_becomes_html_and_nodes_alike():
    text = "*d*_{emb} < ℝ^{*n*} & `a_{b} *c*`"
    assert as_html(text) == "<em>d</em><sub>emb</sub> &lt; ℝ<sup><em>n</em></sup> &amp; <code>a_{b} *c*</code>"
    made = nodes.paragraph("", "", *as_nodes(text))
    assert made.astext() == "demb < ℝn & a_{b} *c*"
    assert [type(child).__name__ for child in made.children] == [
        "emphasis", "subscript", "Text", "superscript", "Text", "literal",
    ]  # fmt: skip


# --- in a book ---


def with_notation(folder: Path, *chapters: str) -> Built:
    (folder / "book").mkdir()
    shutil.copyfile(SOURCES / "notation.yml", folder / "book" / "notation.yml")
    return build(folder, *chapters)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return with_notation(tmp_path_factory.mktemp("symbols"), "symbols", "reference/notation", "reference/ledger")


def test_the_book_builds_without_a_warning(book: Built):
    warnings = [line for line in book.messages.splitlines() if "WARNING" in line or "ERROR" in line]
    assert [line for line in warnings if "'alive.md'" not in line] == []  # the index links to a page left out here


def test_a_symbol_is_a_link_with_a_name_and_a_tip(book: Built):
    page = book.soup("symbols.html")
    first, third, size = page.select(".bs-sym")
    assert [s.a["href"] for s in (first, third, size)] == [
        f"reference/notation.html#sym-{name}" for name in ("rho", "rho", "big-n")
    ]
    assert first.a["aria-label"] == "rho i: Pattern"
    assert first.a.select_one(".math").get_text() == r"\(\rho^i\)"
    assert third.a.select_one(".math").get_text() == r"\(\rho^3\)"
    tip = page.find(id=first.a["aria-describedby"])
    assert tip["role"] == "tooltip"
    assert [row.decode_contents() for row in tip.find_all("span", recursive=False)] == [
        "Pattern",
        "A point of ℝ<sup><em>n</em></sup>, less than &lt; all.",
        "<em>i</em> = 1, …, <em>d</em><sub>emb</sub>",
        "First in Symbols in use",
    ]
    assert len({s.a["aria-describedby"] for s in (first, third, size)}) == 3


def test_links_lead_to_the_list(book: Built):
    page = book.soup("reference/notation.html")
    assert page.find(id="sym-rho").name == "dt"
    said = page.find(id="sym-rho").find_next("dd")
    text = " ".join(said.get_text(" ").split())
    assert text.startswith("Pattern . A point of ℝ n , less than < all. In the paper: ρ i")
    assert said.select_one("code").get_text() == "patterns[i]"
    assert said.select_one("a")["href"] == "../symbols.html"
    assert [h.find(string=True) for h in page.select("article h2")] == ["First things", "Twice"]
    twice = page.select("dl.bs-notation")[-1]
    assert [li.get_text() for li in twice.select("li")] == ["a number", "a distance"]
    assert "Here: the number." in twice.get_text()


def test_only_pages_with_symbols_load_their_script(book: Built):
    def scripts(name: str) -> str:
        return " ".join(script.get("src", "") for script in book.soup(name).select("script"))

    assert "bs/tips.js" in scripts("symbols.html")
    assert "bs/tips.js" not in scripts("index.html")


def test_tips_are_not_found_by_the_search(book: Built):
    assert "tooltip" not in (book.html / "searchindex.js").read_text(encoding="utf-8")


def test_unknown_symbols_and_symbols_without_a_list_fail_the_build(tmp_path: Path):
    broken = with_notation(tmp_path, "lost_symbols", "reference/ledger")
    assert broken.status != 0
    assert "no symbol 'psi' in notation.yml; there are rho, big-n" in broken.messages
    assert "no page of the book has {notation}: nowhere to link 'rho' to" in broken.messages
    link = broken.soup("lost_symbols.html").select_one(".bs-sym a")
    assert not link.has_attr("href")


# --- what moved ---


def test_the_table_has_what_moved_and_nothing_else(book: Built):
    rows = [[cell.get_text() for cell in row.select("td")] for row in book.soup("symbols.html").select("tbody tr")]
    assert rows == [
        ["Proposition 3", "Section 4", "Section 4.1"],
        ["“Figure 9”", "not there: added later", "Appendix F"],
    ]
    link = book.soup("symbols.html").select_one("tbody a")
    assert link["href"] == "reference/ledger.html#claim-prop-3"


def test_remarks_are_not_places():
    assert where(Place("Appendix B (the body is missing)")) == "Appendix B"
    assert where(Place("Section 5, (12)")) == "Section 5, (12)"
    assert where(Place("added later", present=False)) == "not there: added later"


def test_the_papers_equations_moved_as_the_two_versions_say():
    claims = ledger.load(BOOK / "ledger.yml")
    numbers = {
        v1: re.findall(r"\((\d+)\)", claims[f"eq-{v1}"].v0.text) for v1 in range(1, 16) if moved(claims[f"eq-{v1}"])
    }
    changed = {v1: found for v1, found in numbers.items() if found != [str(v1)]}
    assert changed == {12: [], 13: ["12"], 14: ["13"], 15: ["14"]}
    assert not moved(claims["lemma-5"])
