"""YAML files of the book, read strictly: what is unknown, missing, empty or given twice is an error that names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


class FormError(ValueError):
    """A file that is not as it must be; the message names the file, the entry and the field."""


def read(path: Path) -> Any:
    """What a file holds.

    Raises:
        FileNotFoundError: no such file.
        FormError: not YAML, or a key given twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise FormError(f"{path.name}: not YAML: {' '.join(str(reason).split())}") from reason


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error; plain YAML would silently keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    "while reading a mapping", node.start_mark, f"key {key!r} twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def keys(value: Any, required: tuple[str, ...], optional: tuple[str, ...], where: str) -> None:
    """Raise FormError unless `value` has the required fields, and beyond them optional ones only."""
    if not isinstance(value, Mapping):
        raise FormError(f"{where}: found {value!r}, expected fields {', '.join(required)}")
    missing = [key for key in required if key not in value]
    if missing:
        raise FormError(f"{where}: missing {', '.join(missing)}")
    unknown = [str(key) for key in value if key not in required + optional]
    if unknown:
        raise FormError(f"{where}: unknown {', '.join(unknown)}; there are {', '.join(required + optional)}")


def text(value: Any, where: str, field: str) -> str:
    """`value` without the white space around it; FormError if it is no text, or empty."""
    if not isinstance(value, str) or not value.strip():
        raise FormError(f"{where}: {field} is {value!r}, expected text")
    return value.strip()


def items(value: Any, where: str, field: str) -> list[Any]:
    """`value`; FormError if it is no list, or empty."""
    if not isinstance(value, list) or not value:
        raise FormError(f"{where}: {field} is {value!r}, expected a list with at least one entry")
    return value
