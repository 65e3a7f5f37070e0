"""Formulas set when the book is finished: as MathJax shows them on the page, without MathJax on the page."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from beyond_scaling.bookbuild.assets import MATHJAX, mathjax_folder
from beyond_scaling.bookbuild.finish import maths
from beyond_scaling.bookbuild.finish.site import Site

STYLE = "article { font: 17px/1.6 serif; } mjx-container { font-size: 106% !important; }"
OPTIONS = '{"tex": {"tags": "none"}, "options": {"enableMenu": false, "enableAssistiveMml": true}}'
TEXTS = [r"E(x)", r"\frac{a}{b} < \sum_i x_i^2", r"\mathcal{L} \le \bigl\lVert x \bigr\rVert", r"d_{\text{emb}}"]
SPLIT = r"\begin{split}\begin{aligned} a &= b, \\ c &< d \end{aligned}\end{split}"
ALIGN = r"\begin{align} a &= b \tag{A} \\ c &= d \end{align}"


def page(body: str, up: str = "", options: str = OPTIONS) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Maths</title>
    <link rel="stylesheet" href="{up}_static/book.css" />
    <script>window.MathJax = {options}</script>
    <script defer="defer" src="{up}_static/mathjax/tex-chtml-full.js?v=97d8d0d7"></script>
  </head><body><article>{body}</article></body></html>"""


def inline(tex: str) -> str:
    return rf'<span class="math notranslate nohighlight">\({html.escape(tex)}\)</span>'


def display(tex: str, number: str = "") -> str:
    before = f'<span class="eqno">({number})<a class="headerlink" href="#eq">#</a></span>' if number else "\n"
    return f'<div class="math notranslate nohighlight" id="eq">{before}{html.escape(tex)}</div>'


PAGES = {
    "index.html": page(
        f"<h1>About {inline(TEXTS[0])}</h1><p>{' and '.join(map(inline, TEXTS))}</p>"
        f"<table><tr><td>{inline(TEXTS[1])}</td></tr></table>" + display(rf"\[{SPLIT}\]", "4")
    ),
    "deep/er/other.html": page(display(ALIGN) + f"<p>{inline(TEXTS[0])}</p>", "../../"),
    "plain.html": "<!doctype html><title>Plain</title><p>No maths, but a class of that name: <i>math</i>.</p>",
}


def site(root: Path, browser: Browser, pages: dict[str, str]) -> Site:
    """A site of these pages with MathJax; it uses the tests' browser."""
    for name in MATHJAX:
        source, target = mathjax_folder() / name, root / "_static" / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    (root / "_static" / "book.css").write_text(STYLE, encoding="utf-8")
    made = Site(root)
    made._browser = browser
    for name, text in pages.items():
        made.write(name, text)
    return made


@pytest.fixture(scope="module")
def live(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(tmp_path_factory.mktemp("live"), browser, PAGES)


@pytest.fixture(scope="module")
def done(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = site(tmp_path_factory.mktemp("done"), browser, PAGES)
    assert maths.run(made) == "9 formulas, 6 different ones, with 4 fonts"
    return made


def soup(site: Site, name: str) -> BeautifulSoup:
    return BeautifulSoup(site.read(name), "html.parser")


def test_every_formula_is_set_where_it_stood(done: Site):
    index = soup(done, "index.html")
    assert [element.parent.name for element in index.select(".math")] == ["h1", *["p"] * 4, "td", "article"]
    assert all(len(element.select("mjx-container")) == 1 for element in index.select(".math"))
    assert not re.search(r"\\[(\[a-z]", index.article.get_text()), "LaTeX is left"
    numbered = index.select_one("div.math")
    assert [child.name for child in numbered.find_all(recursive=False)] == ["span", "mjx-container"]
    assert numbered.select_one(".eqno").get_text() == "(4)#"
    assert numbered.select_one("mjx-container")["display"] == "true"


def test_screen_readers_are_given_mathml_and_nothing_else(done: Site):
    formula = soup(done, "index.html").select_one("p .math mjx-container")
    assert [child.name for child in formula.children] == ["mjx-math", "mjx-assistive-mml"]
    assert formula.select_one("mjx-math")["aria-hidden"] == "true"
    assert formula.select_one("mjx-assistive-mml > math").get_text() == "E(x)"
    assert not formula.has_attr("tabindex")


def test_a_formula_is_the_same_on_every_page(done: Site):
    first, second = (soup(done, name).select(".math")[i] for name, i in (("index.html", 1), ("deep/er/other.html", 1)))
    assert str(first) == str(second)


def test_environments_keep_their_own_tags(done: Site):
    assert soup(done, "deep/er/other.html").select_one("mjx-labels").select("mjx-c.mjx-c41"), "the A of (A)"


def test_pages_ask_for_a_style_sheet_and_no_longer_for_mathjax(done: Site):
    for name, up in (("index.html", ""), ("deep/er/other.html", "../../")):
        head = soup(done, name).head
        (script,) = head.select("script")
        assert "new FontFace" in script.string
        book, ours = (link["href"] for link in head.select('link[rel="stylesheet"]'))
        assert book == f"{up}_static/book.css"
        assert re.fullmatch(rf"{re.escape(up)}_static/bs/maths\.css\?v=[0-9a-f]{{8}}", ours)
    assert done.read("plain.html") == PAGES["plain.html"]
    assert not (done.root / maths.SCRIPT).exists()
    assert not (done.root / maths.ROOM).exists()


def test_the_fonts_that_stay_are_those_of_the_style_sheet(done: Site):
    sheet = done.root / maths.SHEET
    named = re.findall(r'url\("(?!data:)([^"]+)"\)', sheet.read_text(encoding="utf-8"))
    files = {(sheet.parent / name).resolve() for name in named}
    assert files == {path.resolve() for path in (done.root / maths.FONTS).iterdir()}
    stems = {path.stem.removeprefix("MathJax_") for path in files}
    assert stems == {"Main-Regular", "Math-Italic", "Size1-Regular", "Calligraphic-Regular"}


BOXES = """[...document.querySelectorAll("mjx-math, mjx-math *")].map((node) => {
  const box = node.getBoundingClientRect();
  return [node.localName, box.x, box.y, box.width, box.height];
})"""


def boxes(browser: Browser, site: Site, name: str, scripts: bool = True, fonts: bool = True) -> list[tuple]:
    context = browser.new_context(viewport={"width": 700, "height": 900}, java_script_enabled=scripts)
    page = context.new_page()
    if not fonts:
        page.route("**/*.woff", lambda route: route.abort())
    page.goto(site.address(name))
    if scripts:
        page.evaluate("window.MathJax ? MathJax.startup.promise : document.fonts.ready")
    found = page.evaluate(BOXES)
    context.close()
    return found


@pytest.mark.parametrize("name", ["index.html", "deep/er/other.html"])
def test_each_sign_stands_where_mathjax_puts_it_on_the_page(browser: Browser, live: Site, done: Site, name: str):
    theirs, ours = boxes(browser, live, name), boxes(browser, done, name)
    assert len(theirs) > 30
    assert [box[0] for box in ours] == [box[0] for box in theirs]
    for their, our in zip(theirs, ours, strict=True):
        assert our[1:] == pytest.approx(their[1:], abs=0.1), (their, our)


def test_formulas_are_there_without_scripts(browser: Browser, done: Site):
    assert boxes(browser, done, "index.html", scripts=False) == boxes(browser, done, "index.html")


def test_nothing_moves_when_the_fonts_come(browser: Browser, done: Site):
    assert boxes(browser, done, "index.html", fonts=False) == boxes(browser, done, "index.html")


def test_nothing_is_missing_or_said_in_the_console(page, done: Site):
    trouble: list[str] = []
    page.on("requestfailed", lambda request: trouble.append(request.url))
    page.on("console", lambda said: trouble.append(said.text))
    page.goto(done.address("deep/er/other.html"))
    page.evaluate("document.fonts.ready")
    assert trouble == []
    assert page.evaluate("[...document.fonts].filter((face) => face.status === 'error').length") == 0


def test_the_same_book_is_finished_the_same(browser: Browser, done: Site, tmp_path: Path):
    again = site(tmp_path, browser, PAGES)
    maths.run(again)
    for path in sorted(path.relative_to(again.root) for path in again.root.rglob("*") if path.is_file()):
        assert (again.root / path).read_bytes() == (done.root / path).read_bytes(), path


@pytest.mark.parametrize(
    ("tex", "problem"),
    [
        (r"\(x^\)", r'index.html: MathJax says "Missing superscript or subscript argument" of x^'),
        (r"\(\nonsense\)", r'index.html: MathJax says "Undefined control sequence \nonsense" of \nonsense'),
        (r"\(\newcommand{\a}{b}\)", r"index.html: a formula may not define a macro (\newcommand), write it out: "),
        (r"$x$", r"index.html: expected one formula between \( \) or \[ \], got $x$"),
        (r"\(x\) <b>y</b>", r"index.html: expected one formula between \( \) or \[ \], got \(x\) <b>y</b>"),
    ],
)
def test_what_can_not_be_set_is_named(browser: Browser, tmp_path: Path, tex: str, problem: str):
    pages = {"index.html": page(f'<p><span class="math">{tex}</span></p>')}
    made = site(tmp_path, browser, pages)
    with pytest.raises(ValueError, match=re.escape(problem)):
        maths.run(made)
    assert made.read("index.html") == pages["index.html"]
    assert not (tmp_path / maths.ROOM).exists()


def test_pages_that_disagree_about_the_options_are_named(browser: Browser, tmp_path: Path):
    other = page(inline("x"), options='{"tex": {"tags": "ams"}}')
    with pytest.raises(ValueError, match=r"other options in a\.html than in b\.html"):
        maths.run(site(tmp_path, browser, {"a.html": page(inline("x")), "b.html": other}))


def test_a_widget_with_latex_of_its_own_keeps_mathjax(browser: Browser, tmp_path: Path):
    state = '<script type="application/json">{"model_name": "HTMLMathModel"}</script>'
    pages = {"a.html": page(inline("x") + state), "b.html": page(inline("y"))}
    made = site(tmp_path, browser, pages)
    maths.run(made)
    assert [len(soup(made, name).select("head script")) for name in pages] == [3, 1]
    assert (tmp_path / maths.SCRIPT).exists()
    assert len(list((tmp_path / maths.FONTS).iterdir())) == len(list((mathjax_folder() / MATHJAX[1]).iterdir()))


def test_a_book_without_formulas_needs_no_browser(tmp_path: Path):
    made = Site(tmp_path, "/no/such/browser")
    made.write("plain.html", PAGES["plain.html"])
    assert maths.run(made) == "no formulas"
