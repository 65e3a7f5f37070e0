"""Runs of a sweep that differ in their seed alone: what they measured, how far they lie apart, what is missing."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import results
from ..results import Record
from .config import Config
from .plan import Planned


class Spread(NamedTuple):
    """A mean over seeds, and its Student interval; ``low`` and ``high`` are None for a single seed."""

    mean: float
    low: float | None
    high: float | None
    seeds: int


@dataclass(frozen=True)
class Group:
    """One kind of run under one or more seeds.

    Attributes:
        config: of the runs, with the first planned seed.
        records: of the runs that are done, by seed. missing: names of those that are not.
    """

    config: Config
    records: tuple[Record, ...]
    missing: tuple[str, ...] = ()

    @property
    def passes(self) -> float:
        """How often each line is read; for lines alone."""
        run = self.config.run
        return run.steps * run.batch / self.config.data.lines  # type: ignore[union-attr]


def groups(runs: Sequence[Planned], root: str | os.PathLike[str] | None = None) -> list[Group]:
    """The runs of a sweep, those of one kind together, in its order.

    Raises:
        RecordError: a record that is damaged.
    """
    kinds: dict[Config, list[Planned]] = {}
    for run in runs:
        seedless = dataclasses.replace(run.config, run=dataclasses.replace(run.config.run, seed=0))
        kinds.setdefault(seedless, []).append(run)
    found = []
    for planned in kinds.values():
        ordered = sorted(planned, key=lambda run: run.config.run.seed)
        there = {run.name for run in ordered if results.exists(run.name, root)}
        found.append(
            Group(
                ordered[0].config,
                tuple(results.load(run.name, root) for run in ordered if run.name in there),
                tuple(run.name for run in ordered if run.name not in there),
            )
        )
    return found


def spread(values: Sequence[float], level: float = 0.95) -> Spread:
    """Mean of one number per seed, and the interval of a mean of as many normal numbers of unknown variance.

    Raises:
        ValueError: no values.
    """
    from scipy.stats import t

    if len(values) == 0:
        raise ValueError("values is empty, expected one for each seed")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Spread(mean, None, None, 1)
    reach = float(t.ppf((1 + level) / 2, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return Spread(mean, mean - reach, mean + reach, len(values))
