"""Repairs of the HTML that Sphinx and the theme write, for readers who use assistive technology."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Roles of DPUB-ARIA 1.0 that 1.1 has deprecated: docutils writes them on the entries of a role="list".
_DEPRECATED = re.compile(r'(?<= role=")doc-(?:biblioentry|endnote)(?=")')

# The button that unfolds code is named by what it says, not by a label that says less.
_TOGGLE_LABEL = '<summary aria-label="Toggle hidden content">'


def repair(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Repair the body of one page."""
    if "body" in context:
        context["body"] = repaired(context["body"])


def repaired(body: str) -> str:
    """The HTML of a page's text, repaired."""
    return _DEPRECATED.sub("listitem", body).replace(_TOGGLE_LABEL, "<summary>")


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", repair, priority=800)
