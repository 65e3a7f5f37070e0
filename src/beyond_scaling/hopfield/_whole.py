"""Whole numbers at the door of the networks."""

from __future__ import annotations

from numbers import Integral
from typing import Any


def as_whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """``value`` as an int from ``least`` to ``most`` (no end if None); ValueError naming it if it is none."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        end = "on" if most is None else f"to {most}"
        raise ValueError(f"{name} is {value!r}, expected an integer from {least} {end}")
    return int(value)
