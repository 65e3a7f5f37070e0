"""Progress bars on stderr, calm where nobody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

QUIET_SECONDS = 30.0  # between two lines in a log file


def bar(iterable: Iterable[Any] | None = None, *, show: bool, **options: Any) -> Any:
    """A tqdm bar over `iterable`, or none if not `show`; into a file it writes a line every half minute."""
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else QUIET_SECONDS
    return tqdm(iterable, disable=not show, mininterval=interval, maxinterval=max(10.0, interval), **options)
