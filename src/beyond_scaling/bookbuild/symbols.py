"""Symbols with a tip: ``{sym}`rho``` wherever a reader may have forgotten one, ``{notation}`` where all of them stand.

``notation.yml`` beside the chapters is their one home. Its texts know a little markup: ``*x*``, ``_{sub}``, ``^{sup}``
and `` `code` ``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from .at_start import readable
from .links import chapter, page_link

if TYPE_CHECKING:
    from docutils.nodes import Node, system_message
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

FILE = "notation.yml"
_SCRIPT = "bs/tips.js"
_OPENING = '<span class="bs-sym">'


@dataclass(frozen=True)
class Symbol:
    """One line of the notation: what a sign is called, means and ranges over, and where the book first uses it."""

    id: str
    tex: str
    spoken: str
    name: str
    meaning: str
    first: str
    range: str = ""
    code: str = ""
    paper: str = ""


@dataclass(frozen=True)
class Overloaded:
    """A sign that the paper uses for several things: each of them, and what this book writes instead."""

    tex: str
    spoken: str
    meanings: tuple[str, ...]
    here: str


@dataclass(frozen=True)
class Notation:
    """Everything in ``notation.yml``: symbols in sections, and the overloaded signs."""

    sections: tuple[tuple[str, tuple[Symbol, ...]], ...]
    overloaded: tuple[Overloaded, ...]

    @property
    def symbols(self) -> dict[str, Symbol]:
        return {symbol.id: symbol for _, symbols in self.sections for symbol in symbols}


def load(path: Path) -> Notation:
    """Read and check the notation.

    Raises:
        OSError: if there is no such file.
        ValueError: for what is not YAML of this form, an unknown or missing key, or an id that occurs twice; the
            message names the file and the entry.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as reason:
        raise ValueError(f"{path.name}: {reason}") from reason
    if not isinstance(data, dict) or set(data) - {"sections", "overloaded"} or "sections" not in data:
        raise ValueError(f"{path.name}: expected the keys 'sections' and 'overloaded'")
    sections = []
    for section in _list(path, data, "sections"):
        if not isinstance(section, dict) or set(section) != {"title", "symbols"}:
            raise ValueError(f"{path.name}: a section has the keys 'title' and 'symbols', not {_keys(section)}")
        symbols = tuple(_entry(path, Symbol, entry) for entry in _list(path, section, "symbols"))
        sections.append((str(section["title"]), symbols))
    ids = [symbol.id for _, symbols in sections for symbol in symbols]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"{path.name}: the id {twice[0]!r} occurs twice")
    for name in ids:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            raise ValueError(f"{path.name}: the id {name!r} is not made of a-z, 0-9 and single hyphens")
    overloaded = tuple(_entry(path, Overloaded, entry) for entry in _list(path, data, "overloaded"))
    return Notation(tuple(sections), overloaded)


def _list(path: Path, mapping: dict[str, Any], key: str) -> list[Any]:
    value = mapping.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{path.name}: {key!r} is a list, not {type(value).__name__}")
    return value


def _keys(entry: Any) -> str:
    return ", ".join(map(str, entry)) if isinstance(entry, dict) else type(entry).__name__


def _entry(path: Path, kind: type[Any], entry: Any) -> Any:
    known = {field.name: field for field in fields(kind)}
    if not isinstance(entry, dict):
        raise ValueError(f"{path.name}: expected {', '.join(known)}, got {entry!r}")
    name = entry.get("id", entry.get("tex", _keys(entry)))
    if unknown := sorted(set(entry) - set(known)):
        raise ValueError(f"{path.name}: {name!r} has an unknown key {unknown[0]!r}; there are {', '.join(known)}")
    needed = {"meanings", "here", "id", "tex", "spoken", "name", "meaning", "first"} & set(known)
    if missing := sorted(needed - set(entry)):
        raise ValueError(f"{path.name}: {name!r} lacks {missing[0]!r}")
    for key, value in entry.items():
        listed = key == "meanings"
        texts = value if listed else [value]
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t.strip() for t in texts):
            raise ValueError(
                f"{path.name}: {name!r} has {key!r} = {value!r}; expected {'texts' if listed else 'a text'}"
            )
    return kind(**{key: tuple(value) if key == "meanings" else value for key, value in entry.items()})


@cache
def _load_version(path: Path, modified_ns: int) -> Notation:
    return load(path)


def notation(env: BuildEnvironment) -> Notation:
    """The notation of the book that is being built."""
    path = Path(env.srcdir) / FILE
    return _load_version(path, path.stat().st_mtime_ns)


def depend(env: BuildEnvironment) -> None:
    """The page that is being read is to be read again when the notation changes."""
    env.note_dependency(str(Path(env.srcdir) / FILE))


# --- texts ---

_MARKUP = re.compile(r"`(?P<code>[^`]+)`|_\{(?P<sub>[^{}]+)\}|\^\{(?P<sup>[^{}]+)\}|\*(?P<em>[^*]+)\*")
_NODES = {"em": nodes.emphasis, "sub": nodes.subscript, "sup": nodes.superscript}


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text in order, as (kind of markup or "", words)."""
    end = 0
    for match in _MARKUP.finditer(text):
        if match.start() > end:
            yield "", text[end : match.start()]
        kind = match.lastgroup or ""
        yield kind, match[kind]
        end = match.end()
    if end < len(text):
        yield "", text[end:]


def as_html(text: str) -> str:
    """A text of the notation as HTML."""
    return "".join(
        html.escape(words)
        if not kind
        else f"<code>{html.escape(words)}</code>"
        if kind == "code"
        else f"<{kind}>{as_html(words)}</{kind}>"
        for kind, words in _pieces(text)
    )


def as_nodes(text: str) -> list[Node]:
    """A text of the notation as docutils nodes."""
    return [
        nodes.Text(words)
        if not kind
        else nodes.literal("", words)
        if kind == "code"
        else _NODES[kind]("", "", *as_nodes(words))
        for kind, words in _pieces(text)
    ]


# --- {sym}`rho` ---


class symbol(nodes.Inline, nodes.Element):
    """A formula with a tip. Attributes: ``sym`` (its id), ``number`` (unique on the page), ``refuri``, ``chapter``."""


class SymbolRole(ReferenceRole):
    r"""``{sym}`rho```, or other maths with the same tip: ``{sym}`\rho^3 <rho>```."""

    def run(self) -> tuple[list[Node], list[system_message]]:
        depend(self.env)
        try:
            known = notation(self.env).symbols
        except (OSError, ValueError) as reason:
            return self._problem(f"{self.rawtext}: {reason}")
        if self.target not in known:
            return self._problem(f"no symbol {self.target!r} in {FILE}; there are {', '.join(known)}")
        tex = self.title if self.has_explicit_title else known[self.target].tex
        number = self.env.new_serialno("bs-sym")
        return [symbol("", nodes.math(tex, tex), sym=self.target, number=number)], []

    def _problem(self, reason: str) -> tuple[list[Node], list[system_message]]:
        message = self.inliner.reporter.error(reason, line=self.lineno)
        return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


def resolve(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Tell each symbol where its entry stands and in which chapter it was introduced."""
    std: Any = app.env.get_domain("std")
    for node in document.findall(symbol):
        page, anchor = std.anonlabels.get(_label(node["sym"]), ("", ""))
        if page:
            node["refuri"] = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        else:
            logger.warning(
                "no page of the book has {notation}: nowhere to link %r to",
                node["sym"],
                location=node,
                type="book",
                subtype="symbol",
            )
        node["entry"] = notation(app.env).symbols[node["sym"]]
        node["chapter"] = chapter(app.env, node["entry"].first)


def _label(name: str) -> str:
    return f"sym-{name}"


def _visit_html(self: Any, node: symbol) -> None:
    # In the tip, one element for each thing it says, so that screen readers pause between them.
    entry, tip = node["entry"], f"bs-tip-{node['number']}"
    label = self.attval(f"{entry.spoken}: {entry.name}")
    href = f' href="{self.attval(node["refuri"])}"' if "refuri" in node else ""
    self.body.append(f'{_OPENING}<a class="bs-sym-link"{href} aria-label="{label}" aria-describedby="{tip}">')


def _depart_html(self: Any, node: symbol) -> None:
    entry, tip = node["entry"], f"bs-tip-{node['number']}"
    rows = [f'<span class="bs-tip-name">{as_html(entry.name)}</span>', f"<span>{as_html(entry.meaning)}</span>"]
    if entry.range:
        rows.append(f'<span class="bs-tip-fact">{as_html(entry.range)}</span>')
    if node["chapter"]:
        rows.append(f'<span class="bs-tip-fact">First in {html.escape(node["chapter"])}</span>')
    self.body.append(f'</a><span class="bs-tip" id="{tip}" role="tooltip" hidden>{" ".join(rows)}</span></span>')


def _pass(self: Any, node: nodes.Element) -> None:
    pass


# --- {notation} ---


class NotationList(SphinxDirective):
    """All symbols by section, or, with the option ``overloaded``, the signs that the paper uses for several things."""

    has_content = False
    option_spec = {"overloaded": lambda argument: True}  # noqa: RUF012

    def run(self) -> list[Node]:
        depend(self.env)
        try:
            everything = notation(self.env)
        except (OSError, ValueError) as reason:
            raise self.error(f"{{notation}}: {reason}") from reason
        if "overloaded" in self.options:
            return [_definitions(_overloaded(sign) for sign in everything.overloaded)]
        made: list[Node] = []
        for title, symbols in everything.sections:
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)], names=[])
            self.state.document.note_implicit_target(section, section)
            section += _definitions(self._symbol(entry) for entry in symbols)
            made.append(section)
        return made

    def _symbol(self, entry: Symbol) -> nodes.definition_list_item:
        label = _label(entry.id)
        std: Any = self.env.get_domain("std")
        std.anonlabels[label] = (self.env.docname, label)
        std.labels[label] = (self.env.docname, label, entry.name)
        if entry.first not in self.env.found_docs:
            logger.warning(
                "%s: %r is first used in %r, which is no page of the book",
                FILE,
                entry.id,
                entry.first,
                location=self.get_location(),
                type="book",
                subtype="symbol",
            )
        texts = [nodes.paragraph("", "", nodes.strong("", entry.name), nodes.Text(". "), *as_nodes(entry.meaning))]
        if entry.paper:
            texts.append(nodes.paragraph("", "", nodes.emphasis("", "In the paper: "), *as_nodes(entry.paper)))
        facts = [as_nodes(entry.range)] if entry.range else []
        if entry.code:
            facts.append([nodes.Text("In code "), *as_nodes(entry.code)])
        facts.append([nodes.Text("First in "), page_link("", page=entry.first)])
        body = nodes.definition("", nodes.container("", *texts))
        body += nodes.container("", *(nodes.paragraph("", "", *fact) for fact in facts), classes=["bs-facts"])
        return nodes.definition_list_item("", nodes.term("", "", nodes.math(entry.tex, entry.tex), ids=[label]), body)


def _overloaded(sign: Overloaded) -> nodes.definition_list_item:
    texts = nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph("", "", *as_nodes(m))) for m in sign.meanings))
    here = nodes.paragraph("", "", nodes.strong("", "Here: "), *as_nodes(sign.here))
    body = nodes.definition("", nodes.container("", texts), nodes.container("", here, classes=["bs-facts"]))
    return nodes.definition_list_item("", nodes.term("", "", nodes.math(sign.tex, sign.tex)), body)


def _definitions(items: Iterator[nodes.definition_list_item]) -> nodes.definition_list:
    return nodes.definition_list("", *items, classes=["bs-notation"])


# --- registration ---


def script_where_used(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Only pages with a symbol ask for its script."""
    if _OPENING in context.get("body", ""):
        app.add_js_file(_SCRIPT, defer="defer")


def check(app: Sphinx) -> None:
    """A notation that cannot be read stops the build at its start; a book without one is fine."""
    readable(app, FILE, load)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", check)
    app.add_node(symbol, html=(_visit_html, _depart_html), latex=(_pass, _pass), text=(_pass, _pass))
    app.add_role("sym", SymbolRole())
    app.add_directive("notation", NotationList)
    app.connect("doctree-resolved", resolve)
    app.connect("html-page-context", script_where_used)
