"""``{downloads}``: everything that can be taken away, on the page of downloads.

The PDF of the book is printed from the finished site, so the page cannot know it yet: it says how to make one, in an
element that ``tools/pdf.py`` replaces by a link (:func:`announce`).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .ledger import pages
from .links import page_link
from .notebooks import has_code, place
from .publication import Publication

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "reference/downloads"
PDF = "downloads/energy-memory-and-scale.pdf"  # where tools/pdf.py puts it
_SLOT = '<span id="bs-download-pdf">{}</span>'
_SLOT_FOUND = re.compile(r'<span id="bs-download-pdf">.*?</span>', re.DOTALL)


class chapters(nodes.General, nodes.Element):
    """Waits for all pages: a table of the chapters, each with its notebook and its source."""


class Downloads(SphinxDirective):
    """A list of what there is of the whole book, then the chapters one by one."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        publication = Publication.of()
        if publication.repository:
            address = html.escape(f"{publication.source}/releases")
            archive = f'The zip of each <a class="reference external" href="{address}">release</a>'
        else:
            archive = "<code>make archive</code> in the sources makes it"
        slot = _SLOT.format("Not part of this copy; <code>make pdf</code> in the sources prints it")
        text = (
            '<dl class="simple bs-downloads">'
            f"<dt>The whole book as a PDF</dt><dd>{slot}. Figures and widgets are in it as pictures.</dd>"
            "<dt>The whole book to read offline</dt>"
            f"<dd>{archive}. It holds this site, the package and a list of all files with their hashes; "
            "unpack it and open <code>site/index.html</code>, no server needed.</dd>"
            "<dt>The data of each figure</dt>"
            "<dd>Below the figure, as CSV. What was measured is in the archive's package whole, as Parquet.</dd></dl>"
        )
        return [nodes.raw("", text, format="html"), chapters()]


def announce(page: str, words: str) -> str:
    """The page of downloads with a link to the PDF.

    Args:
        page: its HTML.
        words: the link's text.

    Raises:
        ValueError: the page has no place for it.
    """
    link = f'<a class="reference download" href="../{PDF}">{html.escape(words)}</a>'
    changed, count = _SLOT_FOUND.subn(lambda match: _SLOT.format(link), page)
    if count != 1:
        raise ValueError(f"{PAGE}.html: expected one place for the PDF's link, found {count}")
    return changed


def resolve(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Write the table."""
    for node in list(document.findall(chapters)):
        rows = []
        for page in pages(app.env):
            if page != docname and page in app.env.found_docs:
                notebook = [_file(docname, place(page))] if has_code(app.env, page) else [nodes.Text("no code")]
                rows.append(row([page_link("", page=page)], notebook, [_file(docname, f"_sources/{page}.md")]))
        node.replace_self(table(("Chapter", "Notebook", "Source"), rows, name="bs-files"))


def _file(docname: str, path: str) -> nodes.reference:
    """A link to a file of the site, by its name."""
    up = "../" * docname.count("/")
    return nodes.reference("", path.rpartition("/")[2], refuri=f"{up}{path}", internal=True)


def table(heads: tuple[str, ...], rows: list[nodes.row], *, name: str = "") -> nodes.table:
    """A table of docutils, from its heads and rows."""
    group = nodes.tgroup("", *(nodes.colspec("", colwidth=1) for _ in heads), cols=len(heads))
    group += nodes.thead("", row(*([nodes.Text(head)] for head in heads)))
    group += nodes.tbody("", *rows)
    return nodes.table("", group, classes=[name] if name else [])


def row(*cells: list[nodes.Node]) -> nodes.row:
    """A row, from the contents of its cells."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def setup(app: Sphinx) -> None:
    app.add_node(chapters)
    app.add_directive("downloads", Downloads)
    # Before the links to pages are written (``links.resolve``), which are in the table.
    app.connect("doctree-resolved", resolve, priority=400)
