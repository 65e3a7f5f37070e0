"""What the figures of capacity share: which records they take, series by name, exponents and rates in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..hopfield.capacity import KIND, family
from ..hopfield.capacity.series import Series
from ..results import Record

CRITERIA = {
    "error": "wrong bits",
    "failed": "share not retrieved",
    "any_failed": "share of networks with an error",
}


def check_kind(record: Record) -> None:
    """Raise ValueError unless the record is one of capacity."""
    if record.kind != KIND:
        raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {KIND!r}")


def names(record: Record) -> list[str]:
    """The series of a record, in order."""
    return [str(name) for name in record.parameters["series"]]


def about(record: Record, series: str, key: str) -> Any:
    """``criterion``, ``level`` or ``law`` of a series.

    Raises:
        ValueError: the record has no such series.
    """
    found = names(record)
    if series not in found:
        raise ValueError(f"record {record.name!r} has no series {series!r} (it has {', '.join(found)})")
    return record.parameters[key][found.index(series)]


def planned(record: Record, series: str) -> Series | None:
    """The series as it is designed now, with its theory; None if it is no longer there."""
    try:
        return family(str(record.parameters["family"])).find(series)
    except ValueError:
        return None


def theory(record: Record, series: str) -> Mapping[str, Any]:
    """What theory says of a series, as the record keeps it: ``expected``, ``n``, ``fit``."""
    found: Mapping[str, Any] = record.summary["theory"].get(series, {})
    return found


def fitted(record: Record, series: str) -> Mapping[str, float] | None:
    """The exponent, rate or load with ``low`` and ``high``; None if there is none."""
    found: Mapping[str, float] | None = record.summary["series"][series].get("fit")
    return found


def number(value: float, digits: int = 3) -> str:
    """A number to so many digits that count."""
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{value:,.0f}"
    elif 0 < abs(value) < 10 ** (digits - 1):
        text = f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"
    return text.replace("-", "−")


def interval(found: Mapping[str, float], scale: float = 1.0) -> str:
    """[low, high] in words; "" where there is none."""
    if "low" not in found:
        return ""
    return f"{number(found['low'] * scale)} to {number(found['high'] * scale)}"


def grown(kind: str, found: Mapping[str, float]) -> str:
    """A fit in words, with its interval."""
    scale = 1 / math.log(2) if kind == "rate" else 1.0
    value, ends = number(found["value"] * scale), interval(found, scale)
    words = {"exponent": f"n^{value}", "rate": f"2^({value} n)", "load": f"{value} n"}[kind]
    return words + (f" [{ends}]" if ends else "")
