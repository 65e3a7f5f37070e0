"""What a page offers besides its text: download, run, report. The templates show it (``article-header-buttons.html``
at the top of each page, ``book-footer.html`` at its end)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .downloads import PAGE
from .links import chapter
from .notebooks import LICENCE, has_code, place
from .publication import Publication

if TYPE_CHECKING:
    from sphinx.application import Sphinx


@dataclass(frozen=True)
class Entry:
    """A line of the menu: a link, to be saved rather than opened if ``save``; without an address, the print button."""

    words: str
    address: str = ""
    remark: str = ""
    save: bool = False


def offer(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the templates of a page its menu and its footer."""
    publication = Publication.of()
    pathto = context["pathto"]
    title = chapter(app.env, pagename) or pagename
    context["bs_licence"] = LICENCE
    context["bs_downloads"] = pathto(PAGE) if PAGE in app.env.found_docs and pagename != PAGE else ""
    context["bs_feedback"] = publication.feedback(pagename, title)
    context["bs_menu"] = []
    if not context.get("page_source_suffix"):
        return  # search, and what else has no text of its own
    notebook = has_code(app.env, pagename)
    kept = [Entry("Notebook", pathto(place(pagename), 1), ".ipynb", save=True)] if notebook else []
    kept.append(Entry("Source", pathto(f"_sources/{context['sourcename']}", 1), ".md", save=True))
    kept.append(Entry("Print, or save as PDF"))
    if context["bs_downloads"]:
        kept.append(Entry("The whole book", context["bs_downloads"]))
    menu = [("Take away", kept)]
    if notebook and publication.repository:
        launches = publication.launches(pagename).items()
        menu.append(("Run it on", [Entry(service, address) for service, address in launches]))
    if publication.repository:
        source = f"{publication.source}/blob/{publication.branch}/book/{pagename}.md"
        report = Entry("Report an error", context["bs_feedback"])
        menu.append(("Improve it", [report, Entry("Source on GitHub", source)]))
    context["bs_menu"] = menu


def setup(app: Sphinx) -> None:
    app.add_js_file("bs/menu.js", priority=300, defer="defer")
    app.connect("html-page-context", offer, priority=700)
