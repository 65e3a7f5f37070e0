"""One self-contained ES module per widget: inline the local modules that a widget's source imports.

A widget's ``_esm`` is loaded from a blob URL, in Jupyter as in the static page, so it cannot import its neighbours by
relative path. The sources stay ordinary modules (a browser or a test can import them as they are); this turns an
entry and everything it imports, directly or not, into one module, each dependency once, before its users.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent

_IMPORT = re.compile(r'^import\s*\{[^}]*\}\s*from\s*"\./(?P<name>[\w-]+\.js)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class|let)\b)", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|class|let) (?P<name>[\w$]+)", re.MULTILINE)


@cache
def bundle(entry: str) -> str:
    """The source of one ES module holding ``entry`` and all it imports from its own folder.

    Args:
        entry: file name in this folder, such as ``"landscape_2d.js"``.

    Raises:
        ValueError: if two of the modules define the same top-level name, or a local import is written in a form
            other than ``import { a, b } from "./name.js";``.
    """
    order: list[str] = []
    _collect(entry, order, ())
    owner: dict[str, str] = {}
    parts: list[str] = []
    for name in order:
        source = (HERE / name).read_text(encoding="utf-8")
        for match in _TOP_LEVEL.finditer(source):
            other = owner.setdefault(match["name"], name)
            if other != name:
                raise ValueError(f"{name} and {other} both define {match['name']!r}; top-level names must differ")
        body = _IMPORT.sub("", source)
        if re.search(r'from\s*"\./', body):
            raise ValueError(f'{name}: write local imports as import {{ a, b }} from "./name.js";')
        parts.append(f"// --- {name}\n" + (body if name == entry else _EXPORT.sub("", body)))
    return "\n".join(parts)


def _collect(name: str, order: list[str], path: tuple[str, ...]) -> None:
    """Append ``name`` to ``order`` after all it imports."""
    if name in path:
        raise ValueError("circular import: " + " -> ".join((*path, name)))
    if name in order:
        return
    for match in _IMPORT.finditer((HERE / name).read_text(encoding="utf-8")):
        _collect(match["name"], order, (*path, name))
    order.append(name)
