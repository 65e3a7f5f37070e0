"""Previews of what links lead to: a reference's text, an equation with its number, a claim with its verdict.

They are copied from the finished pages to the end of every page that links to them, once each, and shown by ``tips.js``
as the tips of symbols are.
"""

from __future__ import annotations

import hashlib
import html
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from .site import Site

SCRIPT = "_static/bs/tips.js"

_LINK = re.compile(r'<a\b(?P<before>[^<>]*?)\shref="(?P<path>[^"#:<>]*)#(?P<anchor>[^"<>]+)"(?P<after>[^<>]*)>')
_NO_PREVIEW = re.compile(r'\sclass="[^"]*\b(?:headerlink|bs-sym-link)\b|\saria-describedby=')
_TITLE = re.compile(r'\stitle="[^"]*"')
_HREF = re.compile(r'(?<=<a )(?P<before>[^<>]*?\bhref=")(?P<href>[^"]*)(?=")')
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")

# What is at an anchor, as its tip shows it: its kind and HTML; nothing for anchors of another kind.
_COPY = r"""({ text, anchors }) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  const make = (name, props = {}) => Object.assign(page.createElement(name), props);
  const bare = (node) => {
    const copy = node.cloneNode(true);
    for (const extra of copy.querySelectorAll(".headerlink, .bs-tip")) extra.remove();
    for (const part of [copy, ...copy.querySelectorAll("*")]) {
      for (const name of ["id", "aria-describedby", "tabindex"]) part.removeAttribute(name);
    }
    return copy;
  };
  const of = {
    citation(entry) {
      return [...entry.children].filter((part) => !part.matches(".label, .backrefs")).map(bare);
    },
    equation(math) {
      const both = make("div");
      both.append(make("span", { textContent: bare(math.querySelector(".eqno")).textContent }));
      both.append(...[...math.children].filter((part) => !part.matches(".eqno")).map(bare));
      return [both];
    },
    claim(entry) {
      const head = entry.querySelector(".bs-claim-head");
      const title = make("p", { className: "bs-tip-head" });
      title.append(make("span"), bare(head.querySelector(".bs-verdict")));
      title.firstChild.append(...bare(entry.querySelector("h3")).childNodes);
      const parts = [title];
      for (let next = head.nextElementSibling; next && !next.matches(".bs-claim-corrected, .bs-claim-foot");) {
        parts.push(bare(next));
        next = next.nextElementSibling;
      }
      return parts;
    },
  };
  const found = {};
  for (const anchor of anchors) {
    const node = page.getElementById(anchor);
    const kind = !node ? null : node.matches(".citation") ? "citation" : node.matches(".bs-claim") ? "claim"
      : node.matches("div.math:has(> .eqno)") ? "equation" : null;
    if (kind) found[anchor] = { kind, html: of[kind](node).map((part) => part.outerHTML.trim()).join("") };
  }
  return found;
}"""


@dataclass(frozen=True)
class Tip:
    """A preview.

    Attributes:
        kind: "citation", "equation" or "claim".
        html: with links as the page has them from which it comes.
    """

    kind: str
    html: str


Target = tuple[str, str]  # a page and an anchor on it


def run(site: Site) -> str:
    """Give every page the tips of its links."""
    pages = {name: site.read(name) for name in site.pages()}
    wanted: dict[str, set[str]] = {}
    for name, page in pages.items():
        for match in _LINK.finditer(_article(page)):
            target, anchor = _target(name, match)
            if target in pages and not _NO_PREVIEW.search(match["before"] + match["after"]):
                wanted.setdefault(target, set()).add(anchor)
    tips = _copied(site, pages, wanted)
    version = hashlib.sha256((site.root / SCRIPT).read_bytes()).hexdigest()[:8]
    counts: list[int] = []
    for name, page in pages.items():
        text, used = with_tips(name, page, tips)
        if used:
            site.write(name, with_script(name, text, version))
            counts.append(used)
    return f"{len(tips)} previews, {sum(counts)} on {len(counts)} pages"


def _copied(site: Site, pages: dict[str, str], wanted: dict[str, set[str]]) -> dict[Target, Tip]:
    """What is at the anchors of the pages, where it is of a kind that has tips."""
    tips: dict[Target, Tip] = {}
    room = site.browser.new_page()
    try:
        for name, anchors in sorted(wanted.items()):
            found = room.evaluate(_COPY, {"text": pages[name], "anchors": sorted(anchors)})
            for anchor, tip in found.items():
                tips[name, anchor] = Tip(tip["kind"], tip["html"])
    finally:
        room.close()
    return tips


def _bounds(page: str) -> tuple[int, int]:
    """Where a page's text begins and ends; (0, 0) if it has none."""
    start, end = page.find("<article"), page.rfind("</article>")
    return (start, end) if 0 <= start < end else (0, 0)


def _article(page: str) -> str:
    return page[slice(*_bounds(page))]


def _target(name: str, match: re.Match[str]) -> Target:
    """The page and the anchor that a link of a page leads to."""
    path = unquote(html.unescape(match["path"]))
    page = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    return page, unquote(html.unescape(match["anchor"]))


def with_tips(name: str, page: str, tips: dict[Target, Tip]) -> tuple[str, int]:
    """A page whose links name their tips, with these at the end of its text; and how many there are."""
    start, end = _bounds(page)
    used: dict[Target, str] = {}

    def describe(match: re.Match[str]) -> str:
        target = _target(name, match)
        if target not in tips or _NO_PREVIEW.search(match["before"] + match["after"]):
            return match[0]
        known = used.setdefault(target, _identifier(target))
        before, after = (_TITLE.sub("", part) for part in (match["before"], match["after"]))
        href = f"{match['path']}#{match['anchor']}"
        return f'<a{before} href="{href}"{after} aria-describedby="{known}">'

    text = _LINK.sub(describe, page[start:end])
    if not used:
        return page, 0
    shown = "\n".join(_written(name, target, known, tips[target]) for target, known in used.items())
    return f'{page[:start]}{text}<div class="bs-tips">\n{shown}\n</div>\n{page[end:]}', len(used)


def _identifier(target: Target) -> str:
    page, anchor = target
    return "bs-tip-" + _UNSAFE.sub("-", f"{page.removesuffix('.html')}-{anchor}")


def _written(name: str, target: Target, identifier: str, tip: Tip) -> str:
    """A tip's HTML on a page: its links lead where they led."""

    def moved(match: re.Match[str]) -> str:
        href = html.unescape(match["href"])
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            return match[0]
        page, _, anchor = href.partition("#")
        place = posixpath.normpath(posixpath.join(posixpath.dirname(target[0]), page)) if page else target[0]
        path = "" if place == name else posixpath.relpath(place, posixpath.dirname(name) or ".")
        return match["before"] + html.escape(path + (f"#{anchor}" if anchor else ""), quote=True)

    inner = _HREF.sub(moved, tip.html)
    # A tooltip holds nothing that takes the focus.
    role = "note" if "<a " in inner else "tooltip"
    return f'<div class="bs-tip bs-tip-{tip.kind}" id="{identifier}" role="{role}" hidden>{inner}</div>'


def with_script(name: str, page: str, version: str) -> str:
    """A page that asks for the script; pages with symbols do so already."""
    if f"{SCRIPT.removeprefix('_static/')}" in page[: page.find("</head>")]:
        return page
    address = f"{'../' * name.count('/')}{SCRIPT}?v={version}"
    return page.replace("</head>", f'<script defer="defer" src="{address}"></script>\n  </head>', 1)
