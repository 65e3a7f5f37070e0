"""A chapter's MyST as the Markdown that any notebook reader shows: Jupyter without extensions, Colab, GitHub.

Admonitions become boxes, dropdowns ``<details>``. What only this book knows (its roles, its directives, where its pages
are) it is told by a :class:`Book`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Protocol

# Kind of admonition -> the colour that notebook readers know for it.
_COLOURS = {"warning": "warning", "caution": "warning", "attention": "warning", "danger": "danger", "error": "danger"}
_ADMONITIONS = ("admonition", "note", "tip", "hint", "important", "seealso", *_COLOURS)

_DIRECTIVE = re.compile(r"(?P<fence>:{3,}|`{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<argument>.*)")
_OPTION = re.compile(r":(?P<key>[\w-]+):[ \t]*(?P<value>.*)")
_CODE = re.compile(r"(?P<fence>`{3,}|~{3,})")
_DISPLAY = re.compile(r"[ \t]*\$\$")
_LABEL = re.compile(r"\$\$[ \t]*\([\w:.-]+\)[ \t]*$")
_ANCHOR = re.compile(r"\([\w:.-]+\)=[ \t]*$")
_INLINE = re.compile(
    r"\{(?P<role>[\w:-]+)\}(?P<ticks>`+)(?P<text>.+?)(?P=ticks)"  # a role
    r"|(?P<tick>`+).+?(?P=tick)|\$[^$]+\$",  # code and maths stay as they are
    re.DOTALL,
)
_LINK = re.compile(r"(?<!!)\[(?P<words>[^\[\]]+)\]\((?P<target>[^()\s]+)\)")
_TITLED = re.compile(r"(?P<words>.*?)\s*<(?P<target>[^<>]+)>", re.DOTALL)
_KEPT = re.compile("\x00(\\d+)\x00")
_EMPHASIS = ((r"`([^`]+)`", r"<code>\1</code>"), (r"\*\*(.+?)\*\*", r"<b>\1</b>"), (r"\*(.+?)\*", r"<em>\1</em>"))


class Book(Protocol):
    """What a chapter leans on beyond its own text; each answer is plain Markdown."""

    def role(self, name: str, target: str, words: str | None) -> str:
        """What ``{name}`target``` or ``{name}`words <target>``` becomes."""

    def directive(self, name: str, argument: str, options: Mapping[str, str]) -> str:
        """What a directive of the book's own becomes."""

    def link(self, target: str) -> str:
        """The address for a link's target as the chapter writes it; "" where there is none."""


def plain(text: str, book: Book) -> str:
    """A cell of MyST as plain Markdown.

    Raises:
        ValueError: a directive or a formula has no end.
    """
    lines = text.split("\n")
    out: list[str] = []
    run: list[str] = []

    def flush() -> None:
        if run:
            out.append(inline("\n".join(run), book))
            run.clear()

    while lines:
        line = lines.pop(0)
        if directive := _DIRECTIVE.fullmatch(line):
            flush()
            out.append(_directive(directive, _until(lines, directive["fence"], line), book))
        elif code := _CODE.match(line):
            flush()
            out.append("\n".join([line, *_until(lines, code["fence"], line), code["fence"]]))
        elif _DISPLAY.match(line) and line.count("$$") == 1:
            flush()
            out.append("\n".join([line, *_formula(lines, line)]))
        elif not (_ANCHOR.fullmatch(line) or line.startswith("% ")):
            run.append(line)
    flush()
    return "\n".join(out)


def inline(text: str, book: Book) -> str:
    """The roles and links of a text without directives."""
    kept: list[str] = []

    def keep(words: str) -> str:
        kept.append(words)
        return f"\x00{len(kept) - 1}\x00"

    def role(match: re.Match[str]) -> str:
        if match["role"] is None:
            return keep(match[0])
        titled = _TITLED.fullmatch(match["text"])
        target, words = (titled["target"], titled["words"]) if titled else (match["text"], None)
        return keep(book.role(match["role"], target, words))

    def link(match: re.Match[str]) -> str:
        if re.match(r"[a-z]+:", match["target"]):
            return match[0]
        address = book.link(match["target"])
        return f"[{match['words']}]({address})" if address else match["words"]

    text = _LINK.sub(link, _INLINE.sub(role, text))
    while _KEPT.search(text):
        text = _KEPT.sub(lambda match: kept[int(match[1])], text)
    return text


def folded(summary: str, body: str) -> str:
    """A text that unfolds; the blank lines let its Markdown be read as such."""
    return f"<details>\n<summary>{_as_html(summary)}</summary>\n\n{body.strip()}\n\n</details>"


def _directive(match: re.Match[str], body: list[str], book: Book) -> str:
    options = {}
    while body and (option := _OPTION.fullmatch(body[0])):
        options[option["key"]] = option["value"]
        body.pop(0)
    name, argument = match["name"], match["argument"].strip()
    if name == "dropdown":
        return folded(inline(argument, book), plain("\n".join(body), book))
    if name in _ADMONITIONS:
        title = inline(argument, book) if argument else name.capitalize()
        kind = next((_COLOURS[word] for word in (name, *options.get("class", "").split()) if word in _COLOURS), "info")
        text = plain("\n".join(body), book).strip()
        return f'<div class="alert alert-{kind}">\n\n**{title}**\n\n{text}\n\n</div>'
    return book.directive(name, argument, options)


def _until(lines: list[str], fence: str, opening: str) -> list[str]:
    """Take the lines up to the one that closes a fence, and that one away."""
    body: list[str] = []
    while lines:
        line = lines.pop(0)
        if set(line.strip()) == {fence[0]} and len(line.strip()) >= len(fence):
            return body
        body.append(line)
    raise ValueError(f"{opening!r} has no end in its cell; code cells cannot stand in directives")


def _formula(lines: list[str], opening: str) -> list[str]:
    body: list[str] = []
    while lines:
        line = lines.pop(0)
        body.append(_LABEL.sub("$$", line))
        if "$$" in line:
            return body
    raise ValueError(f"the formula after {opening!r} has no end")


def _as_html(words: str) -> str:
    """A line of Markdown where only HTML is read; formulas are set in either."""
    text = html.escape(words, quote=False)
    for pattern, instead in _EMPHASIS:
        text = re.sub(pattern, instead, text)
    return text
