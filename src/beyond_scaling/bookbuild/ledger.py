"""What is written from the ledger of claims: its page, the findings on the front page, and the count of verdicts.

``{ledger}`` writes all entries, by section, with a filter; ``{findings}`` the numbered findings, each with the verdict
it rests on and a link to its chapter; ``{verdict-counts}`` one sentence. Where a claim is shown is not written down
anywhere: ``{verdict}`` badges record it (``verdicts``). A claim that no page shows is a warning, and so fails the
build.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from beyond_scaling.ledger import VERDICTS, Claim

from .verdicts import FILE, LEDGER, badge, badge_classes, claims, note_ledger, places

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

SCRIPT = "bs/ledger.js"
INSTEAD = {"corrected": "Corrected", "fails": "Instead"}
AMONG = {  # the sentence of {verdict-counts}: one, and several
    "holds": ("one holds", "{} hold"),
    "corrected": ("one holds once corrected", "{} hold once corrected"),
    "fails": ("one fails", "{} fail"),
    "assumption": ("one is an assumption", "{} are assumptions"),
    "unsettled": ("one is unsettled", "{} are unsettled"),
}


class shown_in(nodes.General, nodes.Element):
    """Waits for the pages that show the claim of attribute ``claim``; ``chapter``: only the first that is a chapter."""


# --- directives -------------------------------------------------------------------------------------------


class _FromLedger(SphinxDirective):
    has_content = False

    def load(self) -> dict[str, Claim]:
        note_ledger(self.env)
        found = claims(self.env)
        if not found:
            logger.warning(
                "no claims: %s is not there", FILE, location=self.get_location(), type="book", subtype="ledger"
            )
        return found

    def label(self, words: str, text: str, kind: str) -> nodes.Node:
        """A part of the entry, after a word that says what it is."""
        mark = nodes.inline("", words, classes=["bs-claim-label"])
        parsed = self.parse_text_to_nodes(text)
        if isinstance(parsed[0], nodes.paragraph):
            parsed[0][:0] = [mark, nodes.Text(" ")]
        else:
            parsed.insert(0, nodes.paragraph("", "", mark))
        return nodes.container("", *parsed, classes=[f"bs-claim-{kind}"])


class LedgerPage(_FromLedger):
    """``{ledger}``: the filter and all entries, in the paper's order."""

    def run(self) -> list[nodes.Node]:
        found = self.load()
        sections: dict[str, nodes.section] = {}
        for claim in found.values():
            if claim.section not in sections:
                name = f"section-{len(sections) + 1}"
                sections[claim.section] = nodes.section(
                    "", nodes.title("", claim.section), ids=[name], classes=["bs-claims"]
                )
            sections[claim.section] += self.entry(claim)
        return [nodes.raw("", _filter(found), format="html"), *sections.values()] if found else []

    def entry(self, claim: Claim) -> nodes.section:
        mark = nodes.inline("", claim.badge, classes=badge_classes(claim.verdict))
        entry = nodes.section(
            "",
            nodes.title("", claim.name),
            nodes.paragraph("", "", mark, nodes.inline("", _where(claim), classes=["bs-claim-where"])),
            *self.parse_text_to_nodes(claim.statement),
            ids=[claim.anchor],
            classes=["bs-claim", f"bs-claim-is-{claim.verdict}"],
        )
        entry[1]["classes"].append("bs-claim-head")
        if claim.corrected:
            entry += self.label(INSTEAD.get(claim.verdict, "More"), claim.corrected, "corrected")
        tests = nodes.paragraph("", "", nodes.inline("", "Checked by", classes=["bs-claim-label"]))
        for test in claim.tests:
            # A long name breaks after its file's.
            file, marks, name = test.partition("::")
            parts = [nodes.Text(file + marks), nodes.raw("", "<wbr>", format="html"), nodes.Text(name)]
            tests += [nodes.Text(" "), nodes.literal("", "", *parts)]
        seen = nodes.paragraph("", "", nodes.inline("", "Shown in", classes=["bs-claim-label"]), nodes.Text(" "))
        seen += shown_in(claim=claim.id)
        entry += nodes.container("", seen, tests, classes=["bs-claim-foot"])
        return entry


class Findings(_FromLedger):
    """``{findings}``: the findings by number, each with its claim's badge and a link to its chapter."""

    def run(self) -> list[nodes.Node]:
        listed = nodes.enumerated_list("", enumtype="arabic", prefix="", suffix=".", classes=["bs-findings"])
        told = [claim for claim in self.load().values() if claim.finding is not None]
        for claim in sorted(told, key=lambda claim: claim.finding.number if claim.finding else 0):
            assert claim.finding is not None
            mark = badge("", claim.badge, classes=badge_classes(claim.verdict))
            mark["claim"] = claim.id
            text = nodes.paragraph("", "", mark, nodes.Text(" "), *self.parse_inline(claim.finding.text)[0])
            text += [nodes.Text(" "), shown_in(claim=claim.id, chapter=True)]
            listed += nodes.list_item("", text, ids=[f"finding-{claim.finding.number}"])
        return [listed]


class VerdictCounts(_FromLedger):
    """``{verdict-counts}``: how many claims there are, and how many of each verdict."""

    def run(self) -> list[nodes.Node]:
        return [nodes.paragraph("", counted(self.load()), classes=["bs-verdict-counts"])]


def counted(found: dict[str, Claim]) -> str:
    """How many claims there are, and how many of each verdict, in a sentence."""
    many = Counter(claim.verdict for claim in found.values())
    parts = [
        AMONG[verdict][0] if many[verdict] == 1 else AMONG[verdict][1].format(many[verdict])
        for verdict in VERDICTS
        if many[verdict]
    ]
    text = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)
    return f"Of {len(found)} claims, {text}."


def _where(claim: Claim) -> str:
    """Where the claim stands in the two versions, in words."""
    if claim.v0.present and claim.v0 == claim.v1:
        return f"{claim.v1.text}, in both versions"
    later = f"v1: {claim.v1.text}" if claim.v1.present else f"not in v1: {claim.v1.text}"
    earlier = f"v0: {claim.v0.text}" if claim.v0.present else f"not in v0: {claim.v0.text}"
    return f"{later} · {earlier}"


def _filter(found: dict[str, Claim]) -> str:
    """The filter's HTML, hidden until its script runs: without scripts everything is shown."""
    many = Counter(claim.verdict for claim in found.values())
    buttons = [f'<button type="button" id="verdict-all" aria-pressed="true">All <span>{len(found)}</span></button>']
    buttons += [
        f'<button type="button" id="verdict-{verdict}" data-verdict="{verdict}" class="bs-filter-{verdict}" '
        f'aria-pressed="false">{html.escape(words)} <span>{many[verdict]}</span></button>'
        for verdict, words in VERDICTS.items()
        if many[verdict]
    ]
    return (
        '<div class="bs-ledger-filter" hidden><div role="group" aria-label="Show claims by verdict">'
        + "".join(buttons)
        + '</div><input type="search" aria-label="Show claims that contain" placeholder="Search the claims">'
        + '<p role="status"></p></div>'
    )


# --- where a claim is shown -------------------------------------------------------------------------------


def pages(env: BuildEnvironment) -> dict[str, str]:
    """docname -> the title readers know a page by, in the order of the table of contents."""
    site = getattr(env, "external_site_map", None)
    titles = {} if site is None else {name: site[name].title for name in site}
    found: dict[str, str] = {}

    def visit(docname: str) -> None:
        if docname not in found and docname in env.titles:
            found[docname] = titles.get(docname) or env.titles[docname].astext()
            for child in env.toctree_includes.get(docname, []):
                visit(child)

    visit(env.config.root_doc)
    found[env.config.root_doc] = "Front page"
    for docname in sorted(env.found_docs):
        visit(docname)
    return found


def showing(env: BuildEnvironment, claim: str) -> list[tuple[str, str]]:
    """(page, anchor) of each page that shows the claim, once, in the order of the table of contents."""
    found = []
    for docname in pages(env):
        anchor = next((anchor for shown, anchor in places(env).get(docname, []) if shown == claim), None)
        if anchor is not None:
            found.append((docname, anchor))
    return found


class LinkPlaces(SphinxPostTransform):
    """Each ``shown_in`` becomes links to the badges."""

    default_priority = 5

    def run(self, **options: Any) -> None:
        for node in list(self.document.findall(shown_in)):
            found = showing(self.env, node["claim"])
            if node.get("chapter"):
                found = [place for place in found if place[0] != self.env.docname and "reference/" not in place[0]][:1]
            node.replace_self(self.links(found))

    def links(self, found: list[tuple[str, str]]) -> list[nodes.Node]:
        titles = pages(self.env)
        out: list[nodes.Node] = []
        for docname, anchor in found:
            link: nodes.Node = nodes.Text(titles[docname])
            if self.app.builder.format == "html":
                address = self.app.builder.get_relative_uri(self.env.docname, docname)
                # A chapter's number stays on the line of what follows it.
                words = titles[docname].replace(" · ", "\u00a0· ", 1)
                link = nodes.reference("", words, internal=True, refuri=f"{address}#{anchor}")
            out += [nodes.Text(", "), link] if out else [link]
        return out


def _unshown(app: Sphinx, env: BuildEnvironment) -> None:
    """A claim that no page shows, where the book has a ledger page."""
    if LEDGER in env.found_docs:
        for claim in claims(env):
            if not showing(env, claim):
                logger.warning(
                    "claim %r of %s is shown on no page: add {verdict}`%s` where it belongs",
                    claim,
                    FILE,
                    claim,
                    location=LEDGER,
                    type="book",
                    subtype="ledger",
                )


def _rewrite(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Pages with links to other pages' badges are written again whenever a page has changed."""
    return [docname for docname in (LEDGER, env.config.root_doc) if docname in env.found_docs]


def _script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if "bs-ledger-filter" in context.get("body", ""):
        app.add_js_file(SCRIPT, defer="defer")


def setup(app: Sphinx) -> None:
    app.add_node(shown_in)
    app.add_directive("ledger", LedgerPage)
    app.add_directive("findings", Findings)
    app.add_directive("verdict-counts", VerdictCounts)
    app.add_post_transform(LinkPlaces)
    app.connect("env-check-consistency", _unshown)
    app.connect("env-updated", _rewrite)
    app.connect("html-page-context", _script)
