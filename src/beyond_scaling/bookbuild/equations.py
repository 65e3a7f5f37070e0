r"""Equations numbered as in the paper: ``\tag{4}`` in the source becomes Sphinx's own number of that equation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

_TAG = re.compile(r"\s*\\tag\{(?P<tag>[^{}]*)\}")


def number_by_tag(app: Sphinx, document: nodes.document) -> None:
    r"""Move each equation's ``\tag`` from its LaTeX to its number and to what ``{eq}`` shows.

    An environment such as ``align`` may tag each of its lines; those tags are left to MathJax.
    """
    equations = app.env.get_domain("math").data["objects"]
    for node in document.findall(nodes.math_block):
        if node.get("nowrap"):
            continue
        latex = node.astext()
        tags = [match["tag"] for match in _TAG.finditer(latex)]
        label = node.get("label")
        if len(tags) > 1:
            logger.warning(
                "one equation has the tags %s; give it one",
                ", ".join(tags),
                location=node,
                type="book",
                subtype="equation",
            )
        elif tags:
            node.children = [nodes.Text(_TAG.sub("", latex))]
            node["number"] = tags[0]
            if label:
                equations[label] = (app.env.docname, tags[0])
        elif label:
            logger.warning(
                "equation %r has a label and no number: add \\tag{...}, the paper's number or a letter",
                label,
                location=node,
                type="book",
                subtype="equation",
            )


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", number_by_tag)
