"""One style sheet and one script for all pages, where the theme and its extensions have twenty.

A browser paints when it has a page's style sheets and the scripts that are not put off. Here each page gets one sheet,
and all its scripts wait until it is read: first those that bring its widgets to life, then what all pages share, then
the rest, in their order.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from .site import Site

SHEET = "_static/bs/site.css"
SCRIPT = "_static/bs/site.js"

_LINK = re.compile(r'[ \t]*<link\b(?=[^<>]*\brel="stylesheet")[^<>]*\bhref="(?P<address>[^"]+)"[^<>]*>\n?')
_LOADED = re.compile(r'[ \t]*<script\b[^<>]*\bsrc="(?P<address>[^"]+)"[^<>]*></script>\n?')
# Says the page's name to a switch of versions, which this book has not; it would have to wait for a script.
_PAGENAME = re.compile(r"[ \t]*<script>DOCUMENTATION_OPTIONS\.pagename = '[^']*';</script>\n?")
_URL = re.compile(r"""url\((?P<quote>["']?)(?P<address>(?!data:|#|[a-z]+:)[^"')]+)(?P=quote)\)""")
_CHARSET = re.compile(r'@charset "[^"]*";')
_WIDGETS = ("_static/widgets/", "_static/bs/widgets.js")
_TABS = ("design-tabs.js", "sd-tab-set")  # a script, and the class without which it has nothing to do
_HERE = "currentScript"  # a script that asks where it came from stays a file of its own


def run(site: Site) -> str:
    """Write the two files and let every page ask for them.

    Raises:
        ValueError: pages that ask for the same files in different orders, or a style sheet that imports another.
    """
    pages = {name: _PAGENAME.sub("", _without_tabs(site.read(name))) for name in site.pages()}
    sheets = {name: _files(_LINK, name, page) for name, page in pages.items()}
    scripts = {name: _files(_LOADED, name, page) for name, page in pages.items()}
    together = merged(sheets)
    shared = [file for file in merged(scripts) if all(file in own for own in scripts.values())]
    shared = [file for file in shared if _HERE not in site.read(file)]
    site.write(SHEET, '@charset "UTF-8";\n' + "\n".join(moved(site.read(file), file) for file in together))
    # Not a directive first, which would be for all; and a semicolon wherever a file has forgotten it.
    site.write(SCRIPT, ";\n" + ";\n".join(site.read(file) for file in shared))
    for name, page in pages.items():
        site.write(name, asking(page, name, shared, _version(site, SHEET), _version(site, SCRIPT)))
    for file in {*together, *shared}:
        (site.root / file).unlink()
    return f"{len(together)} style sheets and {len(shared)} scripts in one file each"


def merged(files: Mapping[str, Sequence[str]]) -> list[str]:
    """All files in one order that is the order of every page.

    Args:
        files: for each page, the files it asks for, in its order.

    Raises:
        ValueError: there is no such order.
    """
    order: list[str] = []
    for own in sorted(files.values(), key=len, reverse=True):
        at = 0
        for file in own:
            if file in order:
                at = order.index(file) + 1
            else:
                order.insert(at, file)
                at += 1
    for name, own in files.items():
        if [file for file in order if file in own] != list(own):
            raise ValueError(f"{name}: asks for {', '.join(own)} in another order than other pages do")
    return order


def moved(sheet: str, file: str) -> str:
    """A style sheet whose relative addresses are right where the one for all pages stands.

    Raises:
        ValueError: it imports another.
    """
    if "@import" in sheet:
        raise ValueError(f"{file}: imports another style sheet; link that one from the pages")
    folder, here = posixpath.dirname(file), posixpath.dirname(SHEET)

    def move(match: re.Match[str]) -> str:
        return f'url("{posixpath.relpath(posixpath.join(folder, match["address"]), here)}")'

    return f"/* {file} */\n" + _URL.sub(move, _CHARSET.sub("", sheet))


def asking(page: str, name: str, shared: Iterable[str], sheet: str, script: str) -> str:
    """A page that asks for the two files; its own scripts stay, put off until it is read.

    Args:
        page, name: its text and its name.
        shared: the scripts that are in the one for all.
        sheet, script: the versions of the two files, for their addresses.
    """
    up = "../" * name.count("/")
    linked = _LINK.search(page)
    if linked:
        page = page[: linked.start()] + "\0" + page[linked.start() :]
        page = _LINK.sub("", page).replace("\0", f'    <link rel="stylesheet" href="{up}{SHEET}?v={sheet}" />\n')
    gone = set(shared)
    own = [match["address"] for match in _LOADED.finditer(page) if _file(name, match["address"]) not in gone]
    alive = [address for address in own if _file(name, address).startswith(_WIDGETS)]
    wanted = [*alive, f"{up}{SCRIPT}?v={script}", *(address for address in own if address not in alive)]
    loading = "".join(f'    <script defer src="{address}"></script>\n' for address in wanted)
    return _LOADED.sub("", page).replace("</head>", f"{loading}  </head>", 1)


def _without_tabs(page: str) -> str:
    script, used = _TABS
    if f'class="{used}' in page:
        return page
    return _LOADED.sub(lambda match: "" if script in match["address"] else match[0], page)


def _files(pattern: re.Pattern[str], name: str, page: str) -> list[str]:
    return [_file(name, match["address"]) for match in pattern.finditer(page)]


def _file(name: str, address: str) -> str:
    """The file of the site that an address on a page means."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), address.partition("?")[0]))


def _version(site: Site, file: str) -> str:
    return hashlib.sha256(site.read(file).encode()).hexdigest()[:8]
