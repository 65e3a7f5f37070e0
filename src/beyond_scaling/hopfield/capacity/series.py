"""A series: one curve family of the figure, that is one network, one kind of data and start, several n, grids of d."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .cell import Cell, Network
from .data import Start

Criterion = Literal["error", "failed", "any_failed"]
Law = Literal["exponent", "rate", "load", "none"]
AT_THE_PATTERN = Start()
BUDGET = 4_000_000  # entries of patterns times queries in a cell; fewer queries where there are more


@dataclass(frozen=True)
class Series:
    """What is measured, and what theory says of it.

    Attributes:
        name: in words, unique in its family.
        grids: for every n the d, rising.
        queries, seeds: of a cell at most, None for every pattern; of every (n, d).
        criterion: the column that is compared with ``level`` to find the critical d; larger d, larger value.
        law: what is fitted to the critical d: the exponent of n, the rate (log d* per n), the load d*/n in the limit of
            large n, or nothing.
        expected: that number for large n, as the corrected theory has it; None if there is none.
        theory: the critical d at finite n.
        curve: the criterion's mean at (n, d), in theory.
        path, twin: see `Cell`.
    """

    name: str
    network: Network
    data: str
    grids: Mapping[int, Sequence[int]]
    start: Start = AT_THE_PATTERN
    queries: int | None = 32
    seeds: int = 8
    max_steps: int = 50
    criterion: Criterion = "failed"
    level: float = 0.5
    law: Law = "none"
    expected: float | None = None
    theory: Callable[[int], float] | None = None
    curve: Callable[[int, np.ndarray], np.ndarray] | None = None
    path: bool = False
    twin: Network | None = None

    def cells(self, family: str) -> Iterator[Cell]:
        """Every cell."""
        for n, grid in self.grids.items():
            for d in grid:
                queries = d if self.queries is None else min(self.queries, max(8, BUDGET // (d * n)))
                for seed in range(self.seeds):
                    yield Cell(
                        family, self.name, self.network, self.data, self.start, n, d, seed, queries, self.max_steps,
                        self.path, self.twin,
                    )  # fmt: skip

    def small(self) -> Series:
        """A few of its cells, for trying things: two n, four d, three seeds."""
        sizes = sorted(self.grids)[:2]
        grids = {}
        for n in sizes:
            places = np.unique(np.linspace(0, len(self.grids[n]) - 1, 4).round().astype(int))
            grids[n] = tuple(self.grids[n][place] for place in places.tolist())
        return replace(self, grids=grids, seeds=min(self.seeds, 3), queries=self.queries and min(self.queries, 8))


@dataclass(frozen=True)
class Family:
    """The series of one record.

    Attributes:
        name: the record is called capacity-<name>.
        title: in words. printed: the law as Table 1 of the paper prints it, "" if it is not there.
    """

    name: str
    title: str
    series: tuple[Series, ...]
    printed: str = ""

    def cells(self) -> list[Cell]:
        """Every cell of every series."""
        return [cell for each in self.series for cell in each.cells(self.name)]

    def small(self) -> Family:
        """A few of its cells."""
        return replace(self, series=tuple(each.small() for each in self.series))

    def find(self, name: str) -> Series:
        """The series of that name.

        Raises:
            ValueError: there is none.
        """
        for each in self.series:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.series)
        raise ValueError(f"family {self.name!r} has no series {name!r} (it has {known})")


def around(
    sizes: Sequence[int], capacity: Callable[[int], float], low: float, high: float, points: int = 9, least: int = 2
) -> dict[int, tuple[int, ...]]:
    """For every n, whole d on a logarithmic grid from ``low`` to ``high`` times a capacity, ``least`` at least."""
    return {n: spaced(low * capacity(n), high * capacity(n), points, least) for n in sizes}


def spaced(low: float, high: float, points: int, least: int = 1) -> tuple[int, ...]:
    """Whole numbers on a logarithmic grid."""
    found = np.maximum(np.geomspace(low, high, points).round().astype(int), least)
    return tuple(np.unique(found).tolist())
