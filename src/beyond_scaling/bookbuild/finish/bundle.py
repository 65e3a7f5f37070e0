"""One style sheet and two scripts for all pages, where the theme and its extensions have twenty.

A browser paints when it has a page's style sheets and the scripts that are not put off. Here each page gets one sheet,
and all its scripts wait until it is read: first those that bring its widgets to life, then what all pages share, then
the rest, in their order. The theme's own scripts, which have the whole page laid out, wait for the first widget, if
there is one: the loader of widgets asks for them by the ``<meta name="bs-late">`` of the page.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from .site import Site

SHEET = "_static/bs/site.css"
SCRIPT = "_static/bs/site.js"
LATE = "_static/bs/theme.js"

_LINK = re.compile(r'[ \t]*<link\b(?=[^<>]*\brel="stylesheet")[^<>]*\bhref="(?P<address>[^"]+)"[^<>]*>\n?')
_LOADED = re.compile(r'[ \t]*<script\b[^<>]*\bsrc="(?P<address>[^"]+)"[^<>]*></script>\n?')
# Says the page's name to a switch of versions, which this book has not; it would have to wait for a script.
_PAGENAME = re.compile(r"[ \t]*<script>DOCUMENTATION_OPTIONS\.pagename = '[^']*';</script>\n?")
_URL = re.compile(r"""url\((?P<quote>["']?)(?P<address>(?!data:|#|[a-z]+:)[^"')]+)(?P=quote)\)""")
_CHARSET = re.compile(r'@charset "[^"]*";')
_WIDGETS = ("_static/widgets/", "_static/bs/widgets.js")
_TABS = ("design-tabs.js", "sd-tab-set")  # a script, and the class without which it has nothing to do
_THEME = ("_static/scripts/",)
_HERE = "currentScript"  # a script that asks where it came from stays a file of its own


def run(site: Site) -> str:
    """Write the files and let every page ask for them.

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
    late = [file for file in shared if file.startswith(_THEME)]
    for target, sources in ((SCRIPT, [file for file in shared if file not in late]), (LATE, late)):
        # Not a directive first, which would be for all; and a semicolon wherever a file has forgotten it.
        site.write(target, ";\n" + ";\n".join(site.read(file) for file in sources))
    versions = {file: _version(site, file) for file in (SHEET, SCRIPT, LATE)}
    for name, page in pages.items():
        site.write(name, asking(page, name, shared, versions))
    for file in {*together, *shared}:
        (site.root / file).unlink()
    return f"{len(together)} style sheets in one file, {len(shared)} scripts in two"


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


def asking(page: str, name: str, shared: Iterable[str], versions: Mapping[str, str]) -> str:
    """A page that asks for the shared files; its own scripts stay, put off until it is read.

    Args:
        page, name: its text and its name.
        shared: the scripts that are in those for all.
        versions: of the shared files, for their addresses.
    """

    def address(file: str) -> str:
        return f"{'../' * name.count('/')}{file}?v={versions[file]}"

    linked = _LINK.search(page)
    if linked:
        page = page[: linked.start()] + "\0" + page[linked.start() :]
        page = _LINK.sub("", page).replace("\0", f'    <link rel="stylesheet" href="{address(SHEET)}" />\n')
    gone = set(shared)
    own = [match["address"] for match in _LOADED.finditer(page) if _file(name, match["address"]) not in gone]
    alive = [one for one in own if _file(name, one).startswith(_WIDGETS)]
    wanted = [*alive, address(SCRIPT), *([] if alive else [address(LATE)]), *(one for one in own if one not in alive)]
    asked = "".join(f'    <script defer src="{one}"></script>\n' for one in wanted)
    if alive:
        asked += f'    <meta name="bs-late" content="{address(LATE)}" />\n'
    return _LOADED.sub("", page).replace("</head>", f"{asked}  </head>", 1)


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
