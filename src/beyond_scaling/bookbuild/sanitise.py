"""Outputs of cells as words and pictures only: what a cell prints as HTML passes an allow-list before it is in a page.

Chapters are executed when the book is built, so a figure's labels, a library's ``_repr_html_`` or a column of data
decide what is in their outputs. None of it may bring a program, a form or an address that loads by itself. Whatever is
dropped is warned of, so the build fails (``-W``) and names the page and the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, ClassVar

import nh3
from docutils import nodes
from markdown_it import MarkdownIt
from sphinx.util import logging

from .widget_views import _states

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

_TABLE = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_TEXT = {"a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h3", "h4", "h5", "h6",
         "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub",
         "summary", "sup", "time", "u", "ul", "var"}  # fmt: skip
_FRAME = {"div", "figcaption", "figure", "section"}
TAGS = _TABLE | _TEXT | _FRAME

# No id and no name: they could stand in for something of the page's own.
ATTRIBUTES = {
    "*": {"aria-describedby", "aria-hidden", "aria-label", "class", "dir", "hidden", "lang", "role", "style", "title"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "div": {"tabindex"},  # a table that scrolls sideways is reached by keyboard
    "li": {"value"},
    "ol": {"start"},
    "td": {"colspan", "headers", "rowspan"},
    "th": {"abbr", "colspan", "headers", "rowspan", "scope"},
    "time": {"datetime"},
}

# What a style attribute may set: nothing that loads, moves over the page or hides what it says.
STYLES = {"background-color", "border", "color", "font-style", "font-weight", "height", "max-width", "min-width",
          "text-align", "vertical-align", "width"}  # fmt: skip

# HTTPS, and addresses within the book. nh3 adds no rel: the page's own policy sends no referrer anywhere.
SCHEMES = {"https", "mailto"}

# What else a cell may put out; no picture that can carry a program (SVG), and no program.
PASSED = frozenset(
    {
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.plotly.v1+json",
        "image/gif",
        "image/jpeg",
        "image/png",
        "text/latex",
        "text/plain",
    }
)


class _Shape(HTMLParser):
    """The tags, attributes and words of some HTML, however it is written; and what only looks like it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, sorted((name, _plain(name, value or "")) for name, value in attrs)))

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        if self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += words
        elif words:
            self.parts.append(words)

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment", data))


def _plain(name: str, value: str) -> str:
    return ";".join(sorted(re.sub(r"\s+", "", value).rstrip(";").split(";"))) if name == "style" else value


def _shape(html: str) -> list[Any]:
    shape = _Shape()
    shape.feed(html)
    shape.close()
    # A parser puts the <tbody> in that a table was written without.
    return [part for part in shape.parts if part not in (" ", ("tbody", []))]


def sanitised(html: str) -> str:
    """HTML with nothing in it but :data:`TAGS`, :data:`ATTRIBUTES` and :data:`STYLES`."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        filter_style_properties=STYLES,
        url_schemes=SCHEMES,
        link_rel=None,
        clean_content_tags={"script", "style"},
        strip_comments=True,
    )


def dropped(html: str, clean: str) -> str:
    """What :func:`sanitised` has taken out first, in a few words; "" if nothing."""
    before, after = _shape(html), _shape(clean)
    for position, part in enumerate(before):
        if position >= len(after) or after[position] != part:
            return _say(part, after[position] if position < len(after) else None)
    return "an end without its start" if len(after) > len(before) else ""


def _say(part: Any, instead: Any) -> str:
    if isinstance(part, str):
        return f"the words {part[:40]!r}"
    tag, attributes = part
    if tag == "comment":
        return "a comment"
    if isinstance(instead, tuple) and instead[0] == tag:
        lost = [name for name, value in attributes if (name, value) not in instead[1]]
        if lost:
            return f"<{tag} {lost[0]}>"
    return f"<{tag}>"


def hidden_html(markdown: str) -> str:
    """The first HTML in an output in Markdown; "" if there is none."""
    for token in MarkdownIt("commonmark").parse(markdown):
        for part in (token, *(token.children or ())):
            if part.type in {"html_block", "html_inline"}:
                return part.content.strip()
    return ""


class SanitisingRenderer:
    """A myst-nb MIME renderer (entry-point group ``myst_nb.mime_renderers``)."""

    mime_priority_overrides: ClassVar[list[tuple[str, str, int | None]]] = []

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """The output's nodes; None for what others may render; nothing, and a warning, for what no page should have."""
        if data.mime_type in PASSED:
            return None
        if data.mime_type == "text/html":
            clean = sanitised(data.string)
            if lost := dropped(data.string, clean):
                _warn(renderer, data, f"text/html with {lost}, which was dropped")
            return [nodes.raw(text=clean, format="html", classes=["output", "text_html"])]
        if data.mime_type == "text/markdown":
            if not (html := hidden_html(data.string)):
                return None
            _warn(renderer, data, f"text/markdown with the HTML {html[:40]!r}; print it as text/html")
            return []
        _warn(renderer, data, f"{data.mime_type}; expected one of {', '.join(sorted(PASSED | {'text/html'}))}")
        return []


def _warn(renderer: Any, data: Any, problem: str) -> None:
    renderer.logger.warning(f"unsafe output of a cell: {problem}", subtype="sanitise", line=data.line)


def widget_problems(models: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Widgets that show HTML which no page should have; their state is embedded, and a loader shows it as it is."""
    for model in models.values():
        if model["model_name"] in {"HTMLModel", "HTMLMathModel"}:
            html = model["state"].get("value", "")
            if lost := dropped(html, sanitised(html)):
                yield f"a widget of HTML with {lost}"


def check_widgets(app: Sphinx, document: nodes.document) -> None:
    """Warn of them. The state stays: the build has failed."""
    for problem in widget_problems(_states(app, app.env.docname)):
        logger.warning("unsafe output of a cell: %s", problem, location=app.env.docname)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", check_widgets)
