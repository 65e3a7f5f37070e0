"""Overlaps at the door of the theory."""

from __future__ import annotations

from numbers import Real


def check_overlap(overlap: float) -> None:
    """Raise ValueError unless ``overlap`` is a number from 0 to 1."""
    if isinstance(overlap, bool) or not isinstance(overlap, Real) or not 0 <= overlap <= 1:
        raise ValueError(f"overlap is {overlap!r}, expected a number from 0 to 1")
