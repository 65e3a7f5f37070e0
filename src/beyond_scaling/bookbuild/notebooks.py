"""Every chapter with code as a notebook to take away: ``downloads/notebooks/theory/attention.ipynb``.

Written when the book is built, from the chapters' sources, without outputs; see ``plain_markdown`` for their text and
``notebook_start`` for the cells that come first.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

from beyond_scaling import provenance

from . import cited, symbols, verdicts
from .ledger import counted
from .links import chapter
from .notebook_start import opening, package_source, setup_code
from .plain_markdown import folded, inline, plain
from .provenance import SUMMARY, shared_rows
from .publication import Publication

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

FOLDER = "downloads/notebooks"
LICENCE = "MIT"
_MANY = 3  # records told of one by one under a figure


def has_code(env: BuildEnvironment, docname: str) -> bool:
    """Whether a page is a notebook: its source names a kernel."""
    if docname not in env.found_docs:
        return False
    with Path(env.doc2path(docname)).open(encoding="utf-8") as source:
        return "kernelspec:" in source.read(600)


def place(docname: str) -> str:
    """Where a chapter's notebook lies in the site."""
    return f"{FOLDER}/{docname}.ipynb"


class Chapter:
    """What plain Markdown needs to know of the book, for one of its chapters (a ``plain_markdown.Book``)."""

    def __init__(self, env: BuildEnvironment, docname: str, publication: Publication) -> None:
        self.env, self.docname, self.publication = env, docname, publication
        self.cited: list[str] = []

    # --- addresses ---

    def address(self, page: str, anchor: str = "", *, as_page: bool = False) -> str:
        """A page of the book as seen from the notebook: on the published site, or else beside the notebook."""
        end = f"#{anchor}" if anchor else ""
        if self.publication.url:
            return f"{self.publication.url}{page}.html{end}"
        target = place(page) if not as_page and has_code(self.env, page) else f"{page}.html{end}"
        return posixpath.relpath(target, posixpath.dirname(place(self.docname)))

    def link(self, target: str) -> str:
        path, _, anchor = target.partition("#")
        page = posixpath.normpath(posixpath.join(posixpath.dirname(self.docname), path.removesuffix(".md")))
        if path.endswith(".md") and page in self.env.found_docs:
            return self.address(page, anchor)
        if not path:
            return f"#{anchor}" if not self.publication.url else self.address(self.docname, anchor)
        std: Any = self.env.get_domain("std")
        page, label = std.anonlabels.get(path, ("", ""))
        return self.address(page, label) if page else ""

    # --- roles ---

    def role(self, name: str, target: str, words: str | None) -> str:
        if name == "verdict":
            return self._verdict(target, words)
        if name == "sym":
            return f"${words or symbols.notation(self.env).symbols[target].tex}$"
        if name == "eq":
            page, number = self.env.get_domain("math").data["objects"][target]
            return f"({number})" if page == self.docname else f"[({number})]({self.address(page)})"
        if name == "math":
            return f"${words or target}$"
        if name in ("ref", "doc"):
            page, anchor, title = self._labelled(target)
            address = self.address(page, anchor) if page else ""
            return f"[{words or title}]({address})" if address else words or title
        if name in ("cite:p", "cite:t"):
            keys = [key.strip() for key in target.split(",")]
            self.cited += [key for key in keys if key not in self.cited]
            return cited.references(Path(self.env.srcdir) / cited.FILE).words(keys, in_text=name == "cite:t")
        raise ValueError(f"role {name!r} has no words for a notebook; teach bookbuild.notebooks.Chapter.role")

    def _labelled(self, target: str) -> tuple[str, str, str]:
        """(page, anchor, title) of a label, or of a page by its name; an empty page if there is none."""
        page = posixpath.normpath(posixpath.join(posixpath.dirname(self.docname), target.removesuffix(".md")))
        if page in self.env.found_docs:
            return page, "", chapter(self.env, page)
        std: Any = self.env.get_domain("std")
        found, anchor, title = std.labels.get(target, ("", "", target))
        return found, anchor, title

    def _verdict(self, target: str, words: str | None) -> str:
        if target in verdicts.VERDICTS:
            return f"**{words or verdicts.VERDICTS[target]}**"
        badge = words or verdicts.claims(self.env)[target].badge
        if verdicts.LEDGER not in self.env.found_docs:
            return f"**{badge}**"
        return f"**[{badge}]({self.address(verdicts.LEDGER, f'claim-{target}')})**"

    # --- directives ---

    def directive(self, name: str, argument: str, options: Mapping[str, str]) -> str:
        if name == "provenance":
            return folded(options.get("summary", SUMMARY), self._provenance(argument))
        if name == "verdict-counts":
            return counted(verdicts.claims(self.env))
        if name == "findings":
            told = [claim for claim in verdicts.claims(self.env).values() if claim.finding is not None]
            told.sort(key=lambda claim: claim.finding.number if claim.finding else 0)
            return "\n".join(
                f"{claim.finding.number}. {self._verdict(claim.id, None)} {inline(claim.finding.text, self)}"
                for claim in told
                if claim.finding
            )
        return f"*[{chapter(self.env, self.docname)}]({self.address(self.docname, as_page=True)}) has more here.*"

    def _provenance(self, pattern: str) -> str:
        from beyond_scaling import results

        root = Path(self.env.srcdir) / "results"
        names = fnmatch.filter(results.names(root), pattern)
        if not names:
            raise ValueError(f"no record fits {pattern!r}")
        rows = shared_rows([results.load(name, root) for name in names])
        if len(names) > _MANY:
            rows = [("Records", f"{len(names)}, named `{pattern}`"), *rows[: -len(names)]]
        return "\n".join(f"- **{label}**: {f'`{text}`' if label == 'Command' else text}" for label, text in rows)


def notebook(env: BuildEnvironment, docname: str, publication: Publication, commit: str | None) -> Any:
    """A chapter as a notebook without outputs.

    Raises:
        ValueError: the chapter has something that this module cannot put into plain words.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    known = Chapter(env, docname, publication)
    page = known.address(docname, as_page=True)
    title = "The front page" if docname == env.config.root_doc else chapter(env, docname)
    first = opening(title, env.config.html_title, LICENCE, page)
    cells = [new_markdown_cell(first), new_code_cell(setup_code(package_source(publication, commit)))]
    for cell in jupytext.read(env.doc2path(docname)).cells:
        if cell.cell_type == "code":
            cells.append(new_code_cell(cell.source, metadata={"tags": cell.metadata.get("tags", [])}))
        else:
            cells.append(new_markdown_cell(plain(cell.source, known)))
    if known.cited:
        listed = cited.references(Path(env.srcdir) / cited.FILE).listed(known.cited)
        cells.append(new_markdown_cell(f"## References\n\n{listed}"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # random ones would differ from build to build
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def write_all(app: Sphinx, exception: Exception | None) -> None:
    """At the end of a build: all chapters with code."""
    if exception is not None or app.builder.format != "html":
        return
    import nbformat

    publication, commit = Publication.of(), provenance.commit()["hash"]
    for docname in sorted(app.env.found_docs):
        if has_code(app.env, docname):
            path = Path(app.outdir) / PurePosixPath(place(docname))
            try:
                made = notebook(app.env, docname, publication, commit)
            except (KeyError, ValueError) as reason:
                logger.warning(
                    "no notebook to download: %s", reason, location=docname, type="book", subtype="notebook"
                )
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(made, path)


def setup(app: Sphinx) -> None:
    app.connect("build-finished", write_all)
