"""Dataclasses from plain mappings, such as a TOML file's sections: every value has its type, or the error names it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")
_WORDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


def build(kind: type[T], values: Mapping[str, Any], place: str) -> T:
    """An instance of the dataclass `kind` from `values`; `place` is the section's name, for errors.

    Raises:
        ValueError: a key that the section does not know, one that is missing, or a value of another type; and
            whatever the dataclass itself refuses.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(fields)):
        raise ValueError(f"{place}.{unknown[0]}: unknown; [{place}] knows {', '.join(fields)}")
    required = (name for name, field in fields.items() if _no_default(field))
    if missing := [name for name in required if name not in values]:
        raise ValueError(f"{place}.{missing[0]} is missing")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _fit(hints[name], value, f"{place}.{name}") for name, value in values.items()})


def plain(instance: Any) -> dict[str, Any]:
    """The values of a dataclass, as JSON and TOML know them: tuples are lists, and None is left out."""
    pairs = ((field.name, getattr(instance, field.name)) for field in dataclasses.fields(instance))
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs if value is not None}


def read(text: str) -> Any:
    """A value as TOML writes it; anything else is a string, so that quotes may be left out."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fit(hint: Any, value: Any, place: str) -> Any:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for option in options:
        if option is type(None) and value is None:
            return None
        if typing.get_origin(option) is tuple and isinstance(value, (list, tuple)):
            inner = typing.get_args(option)[0]
            return tuple(_fit(inner, item, f"{place}[{number}]") for number, item in enumerate(value))
        if typing.get_origin(option) is typing.Literal and value in typing.get_args(option):
            return value
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if option in (int, float, str, bool) and type(value) is option:
            return value
    raise ValueError(f"{place} is {value!r}, expected {' or '.join(_words(option) for option in options)}")


def _words(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return f"one of {', '.join(typing.get_args(hint))}"
    if typing.get_origin(hint) is tuple:
        return "a list, each " + _words(typing.get_args(hint)[0])
    return _WORDS.get(hint, "nothing")
