"""The runs of a sweep one after another, in this process."""

from __future__ import annotations

import threading
from collections import deque

from .attempt import Attempt, Seen, Terms, attempt
from .plan import Planned
from .watch import Watch


class Serially:
    """Takes runs, and gives them back with what became of them.

    Args:
        stop: once it is set, the run under way stops and the others are not begun; a signal sets it.
    """

    def __init__(self, terms: Terms, watch: Watch, stop: threading.Event) -> None:
        self._terms, self._watch, self._stop = terms, watch, stop
        self._waiting: deque[Planned] = deque()

    def submit(self, planned: Planned) -> None:
        """Put a run at the end of the queue."""
        self._waiting.append(planned)

    def next(self) -> tuple[Planned, Attempt]:
        """Attempt the first run of the queue."""
        planned = self._waiting.popleft()
        if self._stop.is_set():
            return planned, Attempt(interrupted=True)

        def report(seen: Seen) -> bool:
            self._watch.seen(planned.name, seen)
            return self._stop.is_set()

        tried = attempt(planned, self._terms, report)
        if tried.interrupted:
            self._stop.set()
        return planned, tried
