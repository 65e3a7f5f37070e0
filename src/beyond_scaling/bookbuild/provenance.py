"""``{provenance} name``: how a number was measured, folded under its figure, written from its record.

A name with ``*`` stands for every record that fits it: what they share is told once, then what each has of its own.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from beyond_scaling.results import Record

logger = logging.getLogger(__name__)

SUMMARY = "How this was measured"
PARAMETERS = "Parameters"  # the label of a record's row


class folded(nodes.General, nodes.Element):
    """A ``<details>`` with the attribute ``summary``; elsewhere its children, under that line."""


class Provenance(SphinxDirective):
    """A record, or a pattern of names, in ``results/`` beside the chapters; optionally the line to fold it under."""

    required_arguments = 1
    final_argument_whitespace = False
    has_content = False
    option_spec = {"summary": str}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        from beyond_scaling import results

        name = self.arguments[0]
        root = Path(self.env.srcdir) / "results"
        names = fnmatch.filter(results.names(root), name) if "*" in name else [name]
        for each in names:
            self.env.note_dependency(str(root / each / "record.json"))
        try:
            if not names:
                raise results.RecordError("no record fits it")
            rows = shared_rows([results.verify(each, root=root) for each in names])
        except (OSError, ValueError) as reason:
            logger.warning(
                "provenance of %r: %s", name, reason, location=self.get_location(), type="book", subtype="provenance"
            )
            return []
        node = folded("", summary=self.options.get("summary", SUMMARY), classes=["bs-provenance"])
        node += nodes.definition_list("", *(_row(label, text) for label, text in rows))
        return [node]


def shared_rows(records: Sequence[Record]) -> list[tuple[str, str]]:
    """What records have in common, as rows (label, text), then a row for each with what it has of its own.

    One record has all its rows in common with itself.
    """
    if len(records) == 1:
        return records[0].provenance()
    told = [record.provenance() for record in records]
    parameters = [dict(rows)[PARAMETERS].split(", ") for rows in told]
    rows = []
    for label, text in told[0]:
        if label == PARAMETERS:
            rows.append((label, ", ".join(part for part in parameters[0] if all(part in own for own in parameters))))
        elif all((label, text) in other for other in told):
            rows.append((label, text))
    for record, all_rows, own in zip(records, told, parameters, strict=True):
        parts = [f"{label} {text}" for label, text in all_rows if label != PARAMETERS and (label, text) not in rows]
        parts += [part for part in own if not all(part in other for other in parameters)]
        rows.append((record.name, "; ".join(parts)))
    return rows


def _row(label: str, text: str) -> nodes.definition_list_item:
    words = nodes.literal("", text) if label == "Command" else nodes.Text(text)
    told = nodes.paragraph("", "", words, support_smartquotes=False)  # an option's -- stays as it is
    return nodes.definition_list_item("", nodes.term("", label), nodes.definition("", told))


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
