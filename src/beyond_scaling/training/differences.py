"""In what two configurations differ, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def differences(kept: Mapping[str, Any], wanted: Mapping[str, Any], place: str = "") -> list[str]:
    """One phrase for every value that nested mappings have apart: "run.steps is 10 there, 20 here"."""
    found: list[str] = []
    for key in sorted({*kept, *wanted}):
        one, two = kept.get(key), wanted.get(key)
        name = f"{place}{key}"
        if isinstance(one, dict) and isinstance(two, dict):
            found += differences(one, two, f"{name}.")
        elif one != two:
            found.append(f"{name} is {_short(one)} there, {_short(two)} here")
    return found


def _short(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
