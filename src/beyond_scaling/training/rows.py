"""The rows of the table: the runs of one shape, over D and seeds, with what was measured at each.

Whatever is measured is kept as a square, in nats², so that it meets the same threshold σ²: the paper's mean squared
error of the steps after the minimum ("mse"), which holds the noise of single batches; the square of their mean gap
("gap"), which does not; or that of the gap between the two evaluated losses at the minimum ("at_minimum").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from .gap import Cell

Measure = Literal["mse", "gap", "at_minimum"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, eq=False)
class Row:
    """The runs of one shape.

    Attributes:
        N: parameters of the blocks. total: with the embeddings. width, layers: of the model.
        D: tokens, (K,), rising. seeds: (S,).
        values: (S, K), nats²; NaN where a run is missing or was left out. A gap below 0 has a negative square.
        measure: of the values. left_out: names of runs whose window was cut short, which are not among them.
    """

    N: int
    total: int
    width: int | None
    layers: int
    D: np.ndarray
    seeds: tuple[int, ...]
    values: np.ndarray
    measure: Measure
    left_out: tuple[str, ...] = ()

    @property
    def mean(self) -> np.ndarray:
        """(K,) over the seeds that are there."""
        return np.nanmean(self.values, axis=0)

    def of_seed(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(D, values) of one seed, where it was run.

        Raises:
            ValueError: a seed that this row has not.
        """
        if seed not in self.seeds:
            raise ValueError(f"seed is {seed}, expected one of {', '.join(map(str, self.seeds))}")
        values = self.values[self.seeds.index(seed)]
        there = ~np.isnan(values)
        return self.D[there], values[there]


def value(cell: Cell, measure: Measure) -> float:
    """What a run measured, in nats²; a gap below 0 counts below 0.

    Raises:
        ValueError: a measure of another name.
    """
    check_measure(measure)
    number = float(getattr(cell, measure))
    return number if measure == "mse" else math.copysign(number**2, number)


def usable(cell: Cell) -> bool:
    """Whether the run went on for its whole window after the minimum, and every number of it is one."""
    return cell.complete and all(math.isfinite(number) for number in (cell.mse, cell.gap, cell.at_minimum))


def rows(cells: Sequence[Cell], measure: Measure = "mse") -> tuple[Row, ...]:
    """The rows of runs that differ in size, D and seed, in order of N; a size without any usable run has none.

    Raises:
        ValueError: a measure of another name; two runs of one size, D and seed.
    """
    check_measure(measure)
    shapes: dict[tuple[int, int], list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.N, cell.total, cell.D, cell.seed)):
        shapes.setdefault((cell.N, cell.total), []).append(cell)
    found = []
    for runs in shapes.values():
        kept = [cell for cell in runs if usable(cell)]
        if kept:
            found.append(_row(kept, measure, tuple(cell.name for cell in runs if not usable(cell))))
    return tuple(found)


def check_measure(measure: str) -> None:
    """Raise ValueError for a measure that there is not."""
    if measure not in MEASURES:
        raise ValueError(f"measure is {measure!r}, expected one of {', '.join(MEASURES)}")


def _row(runs: list[Cell], measure: Measure, left_out: tuple[str, ...]) -> Row:
    first = runs[0]
    data = sorted({cell.D for cell in runs})
    seeds = sorted({cell.seed for cell in runs})
    values = np.full((len(seeds), len(data)), np.nan)
    for cell in runs:
        place = seeds.index(cell.seed), data.index(cell.D)
        if not np.isnan(values[place]):
            raise ValueError(f"two runs have N = {cell.N:,}, D = {cell.D:,} and seed {cell.seed}: {cell.name} is one")
        values[place] = value(cell, measure)
    shape = first.config.model
    return Row(
        N=first.N,
        total=first.total,
        width=getattr(shape, "width", None),
        layers=shape.layers,
        D=np.array(data, dtype=np.int64),
        seeds=tuple(seeds),
        values=values,
        measure=measure,
        left_out=left_out,
    )
