"""The last step: each page says what it may load, and the browser holds it to that.

A Content-Security-Policy in the page itself needs no server's help, so it holds on any host and from ``file://``. It
allows the book's own files and, of scripts written in the page, those that are there now, by their hashes; nothing from
elsewhere, and no text turned into a program. What a ``<meta>`` cannot say (who may frame the page) is for the server:
see docs/publishing.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from .site import Site

# Styles may be written in the page: docutils, formulas that are set, figures and widgets place things by style
# attributes, which no hash can allow. Without a foreign address to ask, a style can tell nobody anything.
_FIXED = (
    ("style-src", "'self' 'unsafe-inline'"),
    ("img-src", "'self' data: blob:"),  # data: icons of the theme; blob: a figure that is being saved as an image
    ("font-src", "'self' data:"),  # data: the font that gives formulas the heights of their lines
    ("connect-src", "'self'"),  # the search shows lines of the pages it found
    ("form-action", "'self'"),
    ("base-uri", "'none'"),
    ("frame-src", "'none'"),
    ("manifest-src", "'none'"),
    ("media-src", "'none'"),
    ("object-src", "'none'"),
    ("worker-src", "'none'"),
)

# Types of <script> that are programs; any other type is data, which no browser runs.
_PROGRAMS = frozenset({"", "text/javascript", "application/javascript", "module", "importmap", "speculationrules"})
# Attributes that make a browser load or go somewhere.
_ADDRESSES = frozenset({"src", "href", "action", "formaction", "data", "poster", "background", "xlink:href"})
_REFUSED = frozenset({"iframe", "frame", "object", "embed", "applet", "base"})
_FOREIGN = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
# What a <link> to elsewhere may be: these load nothing.
_WORDS = frozenset({"alternate", "author", "canonical", "help", "license"})

_HEAD = re.compile(r"<head\b[^>]*>\s*(?:<meta\s+charset=[^>]*>)?", re.IGNORECASE)
_POLICY = re.compile(r"<meta\b[^>]*http-equiv=[\"']?content-security-policy", re.IGNORECASE)


@dataclass
class Page(HTMLParser):
    """What a page's HTML has that concerns its policy."""

    scripts: list[str] = field(default_factory=list)  # programs written in the page
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _REFUSED:
            self._tell(f"a <{tag}>")
        for name, value in values.items():
            if name.startswith("on"):
                self._tell(f"<{tag} {name}=...>: an event handler in the page; listen from a script file")
            elif name in _ADDRESSES and re.match(r"\s*javascript:", value, re.IGNORECASE):
                self._tell(f'<{tag} {name}="javascript:...">: a program in an address')
            elif name in {"src", "poster"} and _FOREIGN.match(value):
                self._tell(f"<{tag} {name}={value}>: from elsewhere")
        kinds = set(values.get("rel", "").split())
        if tag == "link" and _FOREIGN.match(values.get("href", "")) and not kinds <= _WORDS:
            self._tell(f"<link href={values['href']}>: from elsewhere")
        if tag == "script" and "src" not in values and values.get("type", "").strip().lower() in _PROGRAMS:
            self.scripts.append("")
            self._inside = True

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def _tell(self, problem: str) -> None:
        self.problems.append(f"line {self.getpos()[0]}: {problem}")


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def source(script: str) -> str:
    """The CSP source that allows exactly this script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def policy(scripts: Iterable[str]) -> str:
    """The policy of a page with these programs written in it."""
    hashes = sorted({source(script) for script in scripts})
    programs = ("script-src", " ".join(["'self'", *hashes]))
    # What is left to the default is fetching ahead: Firefox fetches the chapter that <link rel="next"> names.
    return "; ".join(f"{name} {value}" for name, value in (("default-src", "'self'"), programs, *_FIXED))


def guarded(html: str) -> str:
    """A page with its policy, before anything that could load.

    Raises:
        ValueError: it has no head, a policy already, or something that no policy should allow.
    """
    head = _HEAD.search(html)
    if head is None:
        raise ValueError("no <head>")
    if _POLICY.search(html):
        raise ValueError("it has a policy already")
    page = read(html)
    if page.problems:
        raise ValueError("; ".join(page.problems))
    # The charset stays first: browsers look for it in the first 1024 bytes.
    metas = (
        f'\n    <meta http-equiv="Content-Security-Policy" content="{policy(page.scripts)}" />'
        '\n    <meta name="referrer" content="no-referrer" />'
    )
    return html[: head.end()] + metas + html[head.end() :]


def run(site: Site) -> str:
    """Give every page its policy.

    Raises:
        ValueError: a page cannot have one, with its name and why.
    """
    guarded_pages, problems = {}, []
    for name in site.pages():
        try:
            guarded_pages[name] = guarded(site.read(name))
        except ValueError as problem:
            problems.append(f"{name}: {problem}")
    if problems:
        raise ValueError("no policy for " + "; ".join(problems))
    for name, html in guarded_pages.items():
        site.write(name, html)
    return f"pages that load from nowhere else: {len(guarded_pages)}"
