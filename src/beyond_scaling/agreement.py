"""Whether a record's summary agrees with what it follows from: entries that are missing, unknown, or other numbers.

Each function yields problems, a line each, beginning with the place: ``summary.sites.before.norm is missing``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

REL = 1e-6  # how near a number has to be to the one computed again


def differences(place: str, told: Any, again: Any, words: str, rel: float = REL) -> Iterator[str]:
    """Numbers of `again` that `told` lacks or tells otherwise, and those that it has beyond them.

    Args:
        place: of both, in the record. words: how the numbers of `again` are come by, such as "its columns give".
    """
    ours, theirs = dict(leaves(told, place)), dict(leaves(again, place))
    for key, value in theirs.items():
        if key not in ours:
            yield f"{key} is missing"
        elif not close(ours[key], value, rel):
            yield f"{key} is {ours[key]}; {words} {value}"
    if unknown := sorted(set(ours) - set(theirs)):
        yield f"{unknown[0]} is unknown"


def key_problems(place: str, found: Any, needed: set[str], allowed: set[str] | None = None) -> Iterator[str]:
    """Whether `found` has the entries it needs, and none but those and the allowed ones."""
    if not isinstance(found, Mapping):
        yield f"{place} is {found!r}; expected entries {', '.join(sorted(needed))}"
        return
    if missing := sorted(needed - set(found)):
        yield f"{place}.{missing[0]} is missing"
    if unknown := sorted(set(found) - needed - (allowed or set())):
        yield f"{place}.{unknown[0]} is unknown"


def leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """(place, number) of all that nested entries come down to."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from leaves(entry, f"{place}.{key}")
    else:
        yield place, value


def close(told: Any, value: float, rel: float = REL) -> bool:
    """Whether `told` is a number, and that one."""
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        return False
    return math.isclose(told, value, rel_tol=rel, abs_tol=1e-12)
