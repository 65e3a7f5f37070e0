"""The printed book: from a small finished site, as a reader and a screen reader need it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import chromium
import pdf
import pytest
from pypdf import PdfReader

from .conftest import ROOT

pytestmark = pytest.mark.browser  # it starts one of its own

STYLE = (
    "@media print { h1 { display: none } pre, details { break-inside: avoid } } "
    ".ink { color: var(--ink) } table { border-collapse: collapse }"
)
HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title>'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'self' 'unsafe-inline'\">"
    '<link rel="stylesheet" href="{up}style.css"></head><body><div class="bd-main"><div class="bd-content">'
    '<div class="bd-sidebar-primary">SIDEBAR</div><div class="bd-article-container"><article class="bd-article">'
)
FOOT = "</article></div></div></div><footer>FOOTER</footer></body></html>"
PAGES = {
    "index": '<section id="book"><h1>Book<a class="headerlink" href="#book">#</a></h1>'
    '<p>See <a href="theory/one.html#proof">the proof</a>, <a href="downloads/data.csv">a file</a> and '
    '<a href="https://example.org/">elsewhere</a>.</p></section>',
    "theory/one": '<section id="one"><h1>One</h1><p id="same">First. <a href="#proof">Below</a>, or '
    '<a href="../index.html">home</a>.</p><section id="proof"><h2>Proof of '
    '<mjx-container aria-label="E"><mjx-math></mjx-math></mjx-container></h2>'
    "<details><summary>Fold</summary><p>UNFOLDED</p></details>"
    '<button type="button">PRESS</button><input type="range" value="1" aria-label="beta">'
    '<div class="pst-scrollable-table-container" style="overflow: auto"><table><tr>'
    + "".join(f"<td>column-{n}-of-the-wide-table</td>" for n in range(12))
    + "</tr></table></div></section></section>",
    "theory/two": '<section id="two"><h1>Two</h1><p id="same">Second.</p>'
    '<svg role="img" aria-label="A dot" width="100" height="100"><defs>'
    '<clipPath id="clip"><rect width="50" height="50"/></clipPath></defs>'
    '<circle cx="50" cy="50" r="40" clip-path="url(#clip)"/></svg>'
    + "".join(f"<p>Line {n}.</p>" for n in range(80))
    + '<div class="cell tag_hide-input"><details class="admonition hide"><summary>HIDE</summary>'
    '<div class="cell_input"><div class="highlight-ipython3"><div class="highlight"><pre>'
    + "\n".join(f"code({n})" for n in range(80))
    + '</pre></div></div></div></details></div><details class="bs-provenance"><summary>Measured</summary><dl>'
    + "".join(f"<dt>Input</dt><dd><p>file-{n}</p></dd>" for n in range(9))
    + "".join(f"<dt>run-{n}</dt><dd><p>Command train --seed {n}; Seed {n}</p></dd>" for n in range(30))
    + "</dl></details></section>",
}
TOC = """\
format: jb-book
root: index
parts:
  - caption: Theory
    chapters:
      - file: theory/one
        title: 1 · One
      - file: theory/two
        title: 2 · Two
"""


@dataclass(frozen=True)
class Printed:
    reader: PdfReader
    site: Path
    said: str

    def text(self) -> list[str]:
        return [page.extract_text() for page in self.reader.pages]

    def bookmarks(self) -> list[tuple[int, str, int]]:
        """(depth, words, page from 1) of each."""
        found = []

        def visit(items: list, depth: int) -> None:
            for item in items:
                if isinstance(item, list):
                    visit(item, depth + 1)
                else:
                    found.append((depth, item.title, self.reader.get_destination_page_number(item) + 1))

        visit(self.reader.outline, 0)
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("printed") / "html"
    for name, body in PAGES.items():
        path = folder / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.format(up="../" * name.count("/")) + body + FOOT, encoding="utf-8")
    (folder / "style.css").write_text(STYLE, encoding="utf-8")
    (folder / "reference").mkdir()
    slot = '<dd><span id="bs-download-pdf">none yet</span></dd>'
    (folder / "reference" / "downloads.html").write_text(slot, encoding="utf-8")
    (folder.parent / "toc.yml").write_text(TOC, encoding="utf-8")
    return folder


def run(site: Path, toc: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own: Playwright starts once in each."""
    command = [sys.executable, ROOT / "tools" / "pdf.py", "--site", site, "--toc", toc, "--chromium", chromium.find()]
    return subprocess.run(
        command, env={**pdf.os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def printed(site: Path) -> Printed:
    done = run(site, site.parent / "toc.yml", SOURCE_DATE_EPOCH="1700000000")
    assert done.returncode == 0, done.stderr
    return Printed(PdfReader(site / "downloads" / "energy-memory-and-scale.pdf"), site, done.stdout)


def test_it_has_a_title_page_contents_and_every_chapter(printed: Printed) -> None:
    title, contents, *rest = printed.text()
    assert "Energy, Memory and Scale" in title
    assert "14 November 2023" in title
    assert "MIT" in title
    assert "Theory" in contents
    assert "UNFOLDED" in "".join(rest)
    assert "Line 79." in "".join(rest)


def test_contents_and_bookmarks_know_the_pages(printed: Printed) -> None:
    marks = printed.bookmarks()
    assert [(depth, words) for depth, words, _ in marks] == [
        (0, "Energy, Memory and Scale"),
        (0, "Contents"),
        (1, "Theory"),
        (0, "Book"),
        (0, "1 · One"),
        (1, "Proof of E"),
        (0, "2 · Two"),
    ]
    pages = {words: page for _, words, page in marks}
    texts = printed.text()
    assert pages["Book"] == 3
    assert pages["2 · Two"] == pages["1 · One"] + 1 == 5
    words = texts[1].split()
    assert [words[words.index(title) + 1] for title in ("Book", "One", "Two")] == ["3", "4", "5"]
    for words, page in pages.items():
        assert words.removeprefix("1 · ").removesuffix(" E") in texts[page - 1]


def test_each_page_has_its_chapter_and_number(printed: Printed) -> None:
    texts = printed.text()
    for number, text in enumerate(texts[4:], 5):
        assert "2 · Two" in text
        assert str(number) in text.split()


def test_links_between_chapters_stay_inside(printed: Printed) -> None:
    inside, outside = set(), set()
    for page in printed.reader.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/A" in link and "/URI" in link["/A"]:
                outside.add(link["/A"]["/URI"])
            elif "/Dest" in link:
                inside.add(str(link["/Dest"]).lstrip("/"))
    assert outside == {"https://example.org/"}
    assert {"theory-one--proof", "index", "theory-one", "theory-two"} <= inside
    assert inside <= {name.lstrip("/") for name in printed.reader.named_destinations}


def test_what_can_only_be_clicked_is_left_out(printed: Printed) -> None:
    text = "".join(printed.text())
    for word in ("SIDEBAR", "FOOTER", "PRESS", "#"):
        assert word not in text


def test_a_wide_table_fits_the_paper(printed: Printed) -> None:
    starts: set[int] = set()

    def visit(text: str, transform: list, matrix: list, font: object, size: object) -> None:
        if text.strip():
            starts.add(round(matrix[4] * transform[0] + transform[4]))

    page = printed.reader.pages[3]
    page.extract_text(visitor_text=visit)
    assert len(starts) >= 12  # a column each
    assert 400 < max(starts) < float(page.mediabox.width) - 18 / 25.4 * 72


def test_code_goes_on_over_the_page_without_its_switch(printed: Printed) -> None:
    pages = [page for page in printed.text() if "code(" in page]
    assert "code(0)" in pages[0]
    assert "Line 79." in pages[0]  # it begins where it stands
    assert len(pages) == 2
    assert "HIDE" not in "".join(pages)


def test_of_a_long_list_of_measurements_a_few_and_their_number_are_printed(printed: Printed) -> None:
    text = "".join(printed.text())
    assert re.findall(r"file-\d+", text) == [f"file-{n}" for n in range(4)]
    assert re.findall(r"run-\d+", text) == [f"run-{n}" for n in range(4)]
    assert "9 in all" in text
    assert "30 in all" in text


def test_it_is_tagged_and_says_what_it_is(printed: Printed) -> None:
    root = printed.reader.trailer["/Root"]
    assert "/StructTreeRoot" in root
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/PageMode"] == "/UseOutlines"
    about = printed.reader.metadata
    assert about.title.startswith("Energy, Memory and Scale: a live reading")
    assert about["/CreationDate"] == "D:20231114221320Z"


def test_the_page_of_downloads_links_to_it(printed: Printed) -> None:
    page = (printed.site / "reference" / "downloads.html").read_text(encoding="utf-8")
    assert (
        f'href="../downloads/energy-memory-and-scale.pdf">energy-memory-and-scale.pdf, {len(printed.reader.pages)} '
        in page
    )
    assert "none yet" not in page


@pytest.mark.parametrize(
    ("toc", "words"),
    [
        ("root: [", "no table of contents can be read from it"),
        ("format: jb-book\n", "no table of contents can be read from it"),
        ("root: index\nchapters:\n  - file: lost\n", "no page lost.html there"),
    ],
)
def test_what_cannot_be_printed_is_said_in_a_line(site: Path, tmp_path: Path, toc: str, words: str) -> None:
    path = tmp_path / "toc.yml"
    path.write_text(toc, encoding="utf-8")
    with pytest.raises(pdf.PdfError, match=words) as problem:
        pdf.make(site, path)
    assert "\n" not in str(problem.value)


def test_an_undrawn_widget_is_refused(site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "html"
    shutil.copytree(site, copy)
    page = copy / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("<p>", '<div class="bs-view"></div><p>'), encoding="utf-8")
    done = run(copy, site.parent / "toc.yml")
    assert (done.returncode, done.stderr) == (2, "pdf: index: 1 figures or widgets were not drawn\n")
