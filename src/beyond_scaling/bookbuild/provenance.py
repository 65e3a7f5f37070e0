"""``{provenance} name``: how a number was measured, folded under its figure, written from its record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

SUMMARY = "How this was measured"


class folded(nodes.General, nodes.Element):
    """A ``<details>`` with the attribute ``summary``; elsewhere its children, under that line."""


class Provenance(SphinxDirective):
    """Takes the name of a record in ``results/`` beside the chapters; optionally the line to fold it under."""

    required_arguments = 1
    final_argument_whitespace = False
    has_content = False
    option_spec = {"summary": str}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        from beyond_scaling import results

        name = self.arguments[0]
        root = Path(self.env.srcdir) / "results"
        self.env.note_dependency(str(root / name / "record.json"))
        try:
            rows = results.verify(name, root=root).provenance()
        except (OSError, ValueError) as reason:
            logger.warning(
                "provenance of %r: %s", name, reason, location=self.get_location(), type="book", subtype="provenance"
            )
            return []
        node = folded("", summary=self.options.get("summary", SUMMARY), classes=["bs-provenance"])
        node += nodes.definition_list("", *(_row(label, text) for label, text in rows))
        return [node]


def _row(label: str, text: str) -> nodes.definition_list_item:
    words = nodes.literal("", text) if label == "Command" else nodes.Text(text)
    return nodes.definition_list_item("", nodes.term("", label), nodes.definition("", nodes.paragraph("", "", words)))


def _visit_html(self: Any, node: folded) -> None:
    self.body.append(self.starttag(node, "details"))
    self.body.append(f"<summary>{self.encode(node['summary'])}</summary>\n")


def _depart_html(self: Any, node: folded) -> None:
    self.body.append("</details>\n")


def _visit_latex(self: Any, node: folded) -> None:
    self.body.append(f"\n\n\\textbf{{{self.encode(node['summary'])}}}\n\n")


def _visit_text(self: Any, node: folded) -> None:
    self.new_state(0)
    self.add_text(node["summary"])
    self.end_state()


def _depart(self: Any, node: folded) -> None:
    pass


def setup(app: Sphinx) -> None:
    app.add_node(folded, html=(_visit_html, _depart_html), latex=(_visit_latex, _depart), text=(_visit_text, _depart))
    app.add_directive("provenance", Provenance)
