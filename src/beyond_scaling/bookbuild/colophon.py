"""How this edition was made: ``{execution}``, the time that each notebook took; ``{environment}``, what it ran on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from beyond_scaling import provenance

from .downloads import row, table
from .ledger import pages
from .links import page_link

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGES = (*provenance.PACKAGES, "numba", "plotly", "anywidget", "ipywidgets", "jupyter-book", "sphinx", "myst-nb")


class execution(nodes.General, nodes.Element):
    """Waits for all notebooks: a table of their times."""


class Execution(SphinxDirective):
    has_content = False

    def run(self) -> list[nodes.Node]:
        return [execution()]


class Environment(SphinxDirective):
    """A list: date, commit, Python, machine, packages."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # a date and a commit that no file of the book shows
        items = [
            nodes.definition_list_item("", nodes.term("", label), nodes.definition("", nodes.paragraph("", text)))
            for label, text in facts()
        ]
        return [nodes.definition_list("", *items, classes=["simple", "bs-environment"])]


def build_date() -> datetime:
    """The day of this edition: of ``$SOURCE_DATE_EPOCH``, or else today.

    Raises:
        ValueError: the variable is no whole number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return datetime.now(UTC)
    if not given.isdigit():
        raise ValueError(f"SOURCE_DATE_EPOCH is {given!r}; expected whole seconds since 1970")
    return datetime.fromtimestamp(int(given), UTC)


def facts() -> list[tuple[str, str]]:
    """What this edition was made with, as rows (label, text)."""
    commit, machine, found = provenance.commit(), provenance.hardware(), provenance.versions(PACKAGES)
    changed = ", with changes in src that are not committed" if commit["dirty"] else ""
    memory = f", {machine['memory_gib']:g} GiB of memory" if machine["memory_gib"] else ""
    return [
        ("Built", f"{build_date():%-d %B %Y}"),
        ("Commit", f"{commit['hash'][:12]}{changed}" if commit["hash"] else "not from a git checkout"),
        ("Python", f"{found.pop('python')} on {platform.system()} ({platform.machine()})"),
        ("Machine", f"{machine['cpu']}, {machine['cores']} cores{memory}"),
        ("Packages", ", ".join(f"{package} {version}" for package, version in found.items())),
    ]


def times(env: BuildEnvironment) -> dict[str, float]:
    """page -> seconds that its notebook took, in the order of the table of contents."""
    notes: dict[str, Any] = getattr(env, "nb_metadata", {})
    found = {page: notes.get(page, {}).get("exec_data", {}).get("runtime") for page in pages(env)}
    return {page: seconds for page, seconds in found.items() if seconds is not None}


def resolve(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Write the table of times."""
    for node in list(document.findall(execution)):
        told = times(app.env)
        if not told:
            node.replace_self(nodes.paragraph("", "No notebook was executed for this copy."))
            continue
        rows = [row([page_link("", page=page)], [nodes.Text(f"{seconds:.1f}")]) for page, seconds in told.items()]
        rows.append(row([nodes.strong("", "All")], [nodes.strong("", f"{sum(told.values()):.1f}")]))
        node.replace_self(table(("Notebook", "Seconds"), rows, name="bs-times"))


def setup(app: Sphinx) -> None:
    app.add_node(execution)
    app.add_directive("execution", Execution)
    app.add_directive("environment", Environment)
    app.connect("doctree-resolved", resolve, priority=400)
