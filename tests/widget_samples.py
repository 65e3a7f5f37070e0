"""One of every widget, with whatever it cannot be made without."""

from __future__ import annotations

from collections.abc import Callable

from beyond_scaling import widgets
from beyond_scaling.widgets.base import BookWidget

from .width_sweep import width_runs, width_threshold

_NEEDY: dict[str, Callable[[], BookWidget]] = {
    "Gauge": lambda: widgets.Gauge([1.0, 2.0, 3.0], n=4),
    "WidthRuns": width_runs,
    "WidthThreshold": width_threshold,
}


def make(name: str) -> BookWidget:
    """The widget of that class."""
    return _NEEDY.get(name, getattr(widgets, name))()
