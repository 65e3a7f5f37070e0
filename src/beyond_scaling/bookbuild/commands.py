"""``{commands} PLACE``: the commands of ``commands.yml`` that run in a place, to copy, with what each makes and costs.

Without a place, all of them. Each entry has an id, ``run-ID``, to link to. The costs come from the records of the book,
or are estimated as the page is built (``beyond_scaling.run_costs``).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from beyond_scaling import results, run_costs
from beyond_scaling.commands import FILE, PLACES, Command, load

from .at_start import readable
from .links import page_link
from .provenance import folded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def commands(env: BuildEnvironment) -> Mapping[str, Command]:
    """The commands of the book."""
    path = Path(env.srcdir) / FILE
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _load(path: Path, time: int) -> Mapping[str, Command]:
    return load(path)


class Commands(SphinxDirective):
    """The entries of one place, or of all."""

    optional_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir) / "results"
        place = self.arguments[0] if self.arguments else ""
        if place and place not in PLACES:
            raise self.error(f"{{commands}}: no place {place!r}; there are {', '.join(PLACES)}")
        self.env.note_dependency(str(Path(self.env.srcdir) / FILE))
        try:
            known = commands(self.env)
            chosen = [command for command in known.values() if place in ("", command.place)]
            made: list[nodes.Node] = []
            for command in chosen:
                made.append(self._entry(command, run_costs.told(command, root).words(), known))
                name = run_costs.PREFIX + command.id
                if results.exists(name, root):
                    self.env.note_dependency(str(root / name / results.RECORD_FILE))
        except (OSError, ValueError) as reason:
            raise self.error(f"{{commands}}: {reason}") from reason
        if not made:
            raise self.error(f"{{commands}}: {FILE} has no command for {place!r}")
        return made

    def _entry(self, command: Command, cost: str, known: Mapping[str, Command]) -> nodes.Node:
        facts = nodes.container("", self._fact("Costs", cost), classes=["bs-run-facts"])
        needed = [known[name] for name in command.after]
        if command.needs or needed:
            facts += self._needs(command.needs, needed)
        if not command.preset:
            facts += self._fact("Checked", "by a test that runs it as written.")
        entry = nodes.container("", self._makes(command), _shell(command.run), facts, classes=["bs-run"])
        entry["ids"].append(command.anchor)
        if command.preset:
            node = folded("", summary="Checked by a test that runs a small preset", classes=["bs-run-preset"])
            node += _shell(command.preset)
            entry += node
        return entry

    def _makes(self, command: Command) -> nodes.paragraph:
        name = nodes.inline("", command.id, classes=["bs-run-name"])  # as the figure of costs calls it
        made = nodes.paragraph("", "", name, nodes.Text(" "), *self.parse_inline(command.makes)[0])
        made["classes"].append("bs-run-makes")
        if command.chapter:
            made += [nodes.Text(" "), page_link("", page=command.chapter)]
        return made

    def _fact(self, label: str, words: str) -> nodes.paragraph:
        text = self.parse_inline(words)[0]
        return nodes.paragraph("", "", nodes.inline("", label, classes=["bs-run-label"]), nodes.Text(" "), *text)

    def _needs(self, words: str, before: list[Command]) -> nodes.paragraph:
        fact = self._fact("Needs", (words.rstrip(".") if before else words) or "what comes of")
        for number, command in enumerate(before):
            lead = ("; and what comes of " if words else " ") if number == 0 else ", "
            name = nodes.inline("", command.id, classes=["bs-run-name"])
            link = nodes.reference("", "", name, internal=True, refuri=f"#{command.anchor}")
            fact += [nodes.Text(lead), link]
        return fact


def _shell(line: str) -> nodes.literal_block:
    return nodes.literal_block(line, line, language="bash")


def check(app: Sphinx) -> None:
    """Commands that cannot be read stop the build at its start; a book without them is fine."""
    readable(app, FILE, load)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", check)
    app.add_directive("commands", Commands)
