"""The learning rate of every step."""

from __future__ import annotations

import math

from .config import Schedule


def rate(schedule: Schedule, peak: float, step: int, steps: int) -> float:
    """The learning rate of step 0, 1, ..., steps - 1.

    Step s of a warm-up of w has (s + 1)/w of the peak; from there a line or half a cosine goes to `final` times the
    peak at the last step.
    """
    if step < schedule.warmup:
        return peak * (step + 1) / schedule.warmup
    if schedule.kind == "constant":
        return peak
    done = (step - schedule.warmup + 1) / max(1, steps - schedule.warmup)  # in (0, 1]
    share = 1 - done if schedule.kind == "linear" else (1 + math.cos(math.pi * done)) / 2
    return peak * (schedule.final + (1 - schedule.final) * share)
