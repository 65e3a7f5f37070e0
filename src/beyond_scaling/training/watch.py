"""What is seen of a sweep while it goes on: a bar for all of it, and a line for every run that is under way."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..progress import QUIET_SECONDS, bar
from .attempt import Seen
from .plan import Planned

_FORM = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class Watch:
    """Bars on a terminal, a few lines every half minute elsewhere, nothing if not `show`.

    Args:
        weights: each run's share of the work, in any unit; the bar goes by it. steps: how far each run is already.
    """

    def __init__(
        self, runs: Sequence[Planned], weights: Mapping[str, float], steps: Mapping[str, int], show: bool
    ) -> None:
        self._runs = {run.name: run for run in runs}
        self._weights, self._show = weights, show
        self._shares = {name: steps.get(name, 0) / run.config.run.steps for name, run in self._runs.items()}
        self._seen: dict[str, Seen] = {}  # of the runs under way
        self._lines: dict[str, Any] = {}  # and their bars, on a terminal
        self._said_at = time.monotonic()
        self._ended = 0
        total = sum(weights[name] for name in self._runs)
        self._bar = bar(
            show=show, total=total or 1.0, initial=self._done(), desc=self._title(), bar_format=_FORM, smoothing=0.05
        )

    def seen(self, name: str, seen: Seen) -> None:
        """A run is so far."""
        run = self._runs[name]
        self._seen[name], self._shares[name] = seen, seen.step / run.config.run.steps
        if not self._show:
            return
        if sys.stderr.isatty():
            if name not in self._lines:
                self._lines[name] = bar(
                    show=True, total=run.config.run.steps, initial=seen.step, desc=name, unit=" steps", leave=False
                )
            self._lines[name].set_postfix_str(seen.words, refresh=False)
            self._lines[name].update(seen.step - self._lines[name].n)
        else:
            self._tell()
        self._move()

    def paused(self, name: str) -> None:
        """A run is under way no more; it may come again."""
        self._seen.pop(name, None)
        if name in self._lines:
            self._lines.pop(name).close()

    def ended(self, name: str, *, sound: bool) -> None:
        """A run has come to its end; of one that is not sound others tell why."""
        self.paused(name)
        self._shares[name] = 1.0
        self._ended += 1
        if sound:
            self.say(f"{name}: done")
        self._bar.set_description_str(self._title(), refresh=False)
        self._move()

    def say(self, line: str) -> None:
        """A line that stays, above the bars."""
        if self._show:
            self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is; the other lines go."""
        for name in list(self._seen):
            self.paused(name)
        self._bar.close()

    def _title(self) -> str:
        return f"{self._ended} of {len(self._runs)} runs"

    def _done(self) -> float:
        return sum(self._weights[name] * share for name, share in self._shares.items())

    def _move(self) -> None:
        self._bar.update(self._done() - self._bar.n)

    def _tell(self) -> None:
        """Where nobody watches: all runs under way, once in a while."""
        if time.monotonic() - self._said_at < QUIET_SECONDS:
            return
        self._said_at = time.monotonic()
        for name, seen in self._seen.items():
            self.say(f"{name}: step {seen.step:,} of {self._runs[name].config.run.steps:,}, {seen.words}")
