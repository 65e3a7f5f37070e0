"""Powers of ten as they are read."""

from __future__ import annotations

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(power: int) -> str:
    """10¹⁶ for 16, 10⁻⁷ for -7."""
    return f"10{str(power).translate(_RAISED)}"
