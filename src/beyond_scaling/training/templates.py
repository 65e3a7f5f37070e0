"""Names and titles of many runs, from one text with the values of each: "grammar-{model.layers}-seed-{run.seed}"."""

from __future__ import annotations

from string import Formatter
from typing import Any

from .config import SECTIONS, Config


def fill(template: str, config: Config, **others: str) -> str:
    """The template with every `{section.key}` replaced by the configuration's value, and `{other}` by those named.

    A format may follow a colon, as in Python: `{data.lines:,}` gives 10,000; `{{` and `}}` are braces.

    Raises:
        ValueError: a field that is no `section.key`, that this configuration has no value for, or that does not take
            its format; naming it.
    """
    sections = config.sections()
    parts: list[str] = []
    try:
        fields = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r}: {error}; expected fields such as {{model.layers}}") from error
    for text, field, form, conversion in fields:
        parts.append(text)
        if field is None:
            continue
        if field in others:
            parts.append(others[field])
            continue
        section, _, key = field.partition(".")
        if conversion or section not in SECTIONS or not key:
            raise ValueError(
                f"{template!r}: {{{field}}}: expected section.key, with a section of {', '.join(SECTIONS)}"
            )
        if key not in sections[section]:
            known = ", ".join(sections[section])
            raise ValueError(f"{template!r}: {{{field}}}: no such value in this run; [{section}] has {known}")
        parts.append(_formatted(sections[section][key], form or "", f"{template!r}: {{{field}:{form}}}"))
    return "".join(parts)


def _formatted(value: Any, form: str, place: str) -> str:
    if isinstance(value, bool) and not form:
        return "true" if value else "false"
    try:
        return format(value, form)
    except ValueError as error:
        raise ValueError(f"{place}: {value!r} does not take this format: {error}") from error
