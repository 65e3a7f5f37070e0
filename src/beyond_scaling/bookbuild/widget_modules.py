"""The widgets' sources as classic scripts, each once for the whole site, and what a link may set in them.

A page opened from a folder may import no module by its address, and a page with a Content-Security-Policy none from a
blob. So a bundled module becomes a script that registers itself under its own name, ``Landscape2D-1a2b3c4d``, and does
nothing until the loader starts it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from functools import cache
from typing import Any

import traitlets

from ..widgets.base import BookWidget
from ..widgets.images import PIXELS, Images, Pixels, Strokes
from ..widgets.points import Points, Range
from ..widgets.ranges import Real, Whole

OURS = "beyond_scaling.widgets."
FARTHEST = 1000  # points that a link may set, in any coordinate
# Traits whose kind does not say which values they take; None for what a widget is given and no reader moves.
PARTICULAR: dict[str, dict[str, Any]] = {
    "Gauge": {"counts": None, "edges": None, "median": None, "n": None},
    "HeldFixed": {"patterns": None},
    "Table3": {"grid": None, "positions": {"list": {"from": 1, "to": 1e15}, "least": 3, "most": 3}},
}

_DEFAULT = re.compile(r"^export default (?P<value>[^;]+);\s*\Z", re.MULTILINE)
_NAMED = re.compile(r"^export (?=(?:async )?(?:function|const|class|let)\b)", re.MULTILINE)


@cache
def widget_class(name: str) -> type[BookWidget] | None:
    """The class that a model's ``_anywidget_id`` names, if it is one of the book's own."""
    if not name.startswith(OURS):
        return None
    module, _, cls = name.rpartition(".")
    found = getattr(importlib.import_module(module), cls, None)
    return found if isinstance(found, type) and issubclass(found, BookWidget) else None


def script(cls: type[BookWidget]) -> tuple[str, str]:
    """The name and the text of the script that registers a widget.

    Raises:
        ValueError: its bundle's last statement is no `export default`, or it exports by a list.
    """
    source = _NAMED.sub("", str(cls._esm))
    default = _DEFAULT.search(source)
    if default is None or len(re.findall(r"^export\b", source, re.MULTILINE)) != 1:
        raise ValueError(f"{cls.__name__}: expected its module to end in `export default value;`")
    body = f"{source[: default.start()]}return {{ default: {default['value']} }};\n"
    traits = json.dumps(domains(cls), separators=(",", ":"), ensure_ascii=False)
    name = f"{cls.__name__}-{hashlib.sha256((traits + body).encode()).hexdigest()[:8]}"
    head = f'(globalThis.bsModules ??= {{}})["{name}"] = {{ traits: {traits}, start() {{\n"use strict";\n'
    return name, f"{head}{body}}} }};\n"


def domains(cls: type[BookWidget]) -> dict[str, Any]:
    """What a link may set, by name: the traits that a reader can change, and which values each takes.

    ``"like"`` stands for whatever has the form of the value at the start.
    """
    particular = PARTICULAR.get(cls.__name__, {})
    found = {
        name: particular[name] if name in particular else domain(trait)
        for name, trait in sorted(cls.class_traits(sync=True).items())
        if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip") and not trait.read_only
    }
    return {name: values for name, values in found.items() if values is not None}


def domain(trait: traitlets.TraitType[Any, Any]) -> Any:
    """The values of one trait as the loader checks them (loader/domains.js); None for one that no link may set."""
    match trait:
        case traitlets.Bool():
            return "boolean"
        case traitlets.Enum():
            return {"among": list(trait.values or ())}
        case Real():
            step = {} if trait.step is None else {"step": trait.step}
            whole = {"whole": True} if isinstance(trait, Whole) else {}
            return {"from": trait.least, "to": trait.most, **step, **whole}
        case Points():
            none = {"none": True} if trait.allow_none else {}
            rising = {"rising": True} if isinstance(trait, Range) else {}
            return {"shape": list(trait.shape), "from": -FARTHEST, "to": FARTHEST, **none, **rising}
        case Pixels():
            return {"list": {"from": 0, "to": PIXELS - 1, "whole": True}, "least": 0, "most": PIXELS}
        case Strokes():
            return {"list": {"from": -1, "to": 1, "whole": True}, "least": PIXELS, "most": PIXELS}
        case traitlets.Dict() | Images():
            return None
        case traitlets.List() if isinstance(trait._trait, traitlets.Dict):
            return None
        case _:
            return "like"
