"""Width against data, all of it: what the runs of a sweep say about N ~ D^p, and about the paper's opening.

`analyse` takes the cells of a sweep, sorts them into families by their configurations, and asks of each what it can
answer. It works on any part of a sweep and says what is missing; what cannot be said is NaN, None or empty.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from ..scaling_law import PARAMETERS, LawFit, fit_law
from .collapse import Collapse, collapse
from .config import Config, TokenChunks
from .dstar import DRAWS, Exponent, exponent
from .gap import Cell, Cells
from .least_loss import AtD, least_losses
from .rows import MEASURES, Measure, Row, rows, usable
from .sigma import SIGMA2, Swept, swept

_FACTOR = 4.0  # between the ends of an interval that still tells a size


class Configured(Protocol):
    """A run, planned or done, as far as its configuration tells of it."""

    @property
    def config(self) -> Config: ...


R = TypeVar("R", bound=Configured)


@dataclass(frozen=True)
class Families(Generic[R]):
    """The runs of a sweep by what they are for, each in the sweep's order.

    Attributes:
        width: the main grid: one depth, several widths, text in its order. layers: that depth.
        depth: one width, several depths; the runs of the main grid with that width among them.
        shuffled: tokens in random order. again: seeds of one configuration on one training set.
    """

    width: tuple[R, ...]
    layers: int | None
    depth: tuple[R, ...]
    shuffled: tuple[R, ...]
    again: tuple[R, ...]


def families(cells: Sequence[R]) -> Families[R]:
    """Runs, planned or done, by their configurations: no name is read."""
    again: list[R] = []
    shuffled: list[R] = []
    plain: list[R] = []
    for cell in cells:
        data = cell.config.data
        assert isinstance(data, TokenChunks)  # what `gap.cell` takes
        (again if data.seed is not None else shuffled if data.shuffled else plain).append(cell)
    shapes = {(cell.config.model.layers, _width(cell)) for cell in plain}
    widths, depths = Counter(layers for layers, _ in shapes), Counter(width for _, width in shapes)
    runs = Counter(cell.config.model.layers for cell in plain)
    layers = max(widths, key=lambda depth: (widths[depth], runs[depth])) if widths else None
    width, several = depths.most_common(1)[0] if depths else (None, 0)
    return Families(
        width=tuple(cell for cell in plain if cell.config.model.layers == layers),
        layers=layers,
        depth=tuple(cell for cell in plain if several > 1 and _width(cell) == width),
        shuffled=tuple(shuffled),
        again=tuple(again),
    )


@dataclass(frozen=True, eq=False)
class Grid:
    """What runs that differ in size, D and seed say about N ~ D*^p.

    Attributes:
        rows: the mean squared error, one row a size. exponent: at the paper's σ². exponents: at the same, by measure.
        with_embeddings: at the paper's σ², with N the total. swept: over σ², by measure.
        collapse: of the gap after the minimum ("gap") and of that at the minimum ("at_minimum").
        left_out: names of runs whose window was cut short.
    """

    rows: tuple[Row, ...]
    exponents: dict[Measure, Exponent]
    with_embeddings: Exponent
    swept: dict[Measure, Swept]
    collapse: dict[Measure, Collapse | None]
    left_out: tuple[str, ...]

    @property
    def exponent(self) -> Exponent:
        """Of the mean squared error, the paper's, at its σ²."""
        return self.exponents["mse"]


@dataclass(frozen=True, eq=False)
class Analysis:
    """All of it.

    Attributes:
        families: the runs by what they are for. missing: names of planned runs without a record.
        width: the main grid. depth, shuffled: the controls.
        least: least validation loss against N at every D, of the main grid. law: Chinchilla's law fitted to their means
            over seeds, N the blocks; None where the runs allow none, and `why_no_law` says why.
        sigma2: the threshold of the exponents.
        undetermined: numbers of the law of which its intervals leave not even the size: an end beyond 0, or the upper
            one more than four times the lower.
    """

    families: Families[Cell]
    missing: tuple[str, ...]
    width: Grid
    depth: Grid
    shuffled: Grid
    least: tuple[AtD, ...]
    law: LawFit | None
    why_no_law: str
    sigma2: float

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Of E, A, alpha, B, beta, exponent and compute_exponent; all of them without intervals."""
        if self.law is None:
            return ()
        if not self.law.intervals:
            return (*PARAMETERS, "exponent", "compute_exponent")
        numbers = self.law.intervals.items()
        return tuple(name for name, (low, high) in numbers if not low > 1e-6 or high > _FACTOR * low)


def analyse(
    cells: Cells | Sequence[Cell],
    sigma2: float = SIGMA2,
    *,
    draws: int = DRAWS,
    law_draws: int = 100,
    level: float = 0.95,
    seed: int = 0,
) -> Analysis:
    """The analysis of the cells of a sweep, or of any part of it; of none at all too.

    Args:
        sigma2: threshold of the exponents, nats². draws: of resampled seeds. law_draws: of resampled points.

    Raises:
        ValueError: naming the argument and what is expected of it.
    """
    there, missing = (cells.cells, cells.missing) if isinstance(cells, Cells) else (tuple(cells), ())
    sorted_out = families(there)
    options = {"sigma2": sigma2, "draws": draws, "level": level, "seed": seed}
    law, why = _law(sorted_out.width, law_draws, level, seed)
    return Analysis(
        families=sorted_out,
        missing=tuple(missing),
        width=grid(sorted_out.width, **options),  # type: ignore[arg-type]
        depth=grid(sorted_out.depth, **options),  # type: ignore[arg-type]
        shuffled=grid(sorted_out.shuffled, **options),  # type: ignore[arg-type]
        least=least_losses(sorted_out.width, level),
        law=law,
        why_no_law=why,
        sigma2=sigma2,
    )


def grid(
    cells: Sequence[Cell],
    sigma2: float = SIGMA2,
    *,
    draws: int = DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> Grid:
    """Exponents, their dependence on σ², and the collapse, of runs that differ in size, D and seed.

    Raises:
        ValueError: as `dstar.exponent`.
    """
    tables = {measure: rows(cells, measure) for measure in MEASURES}
    options = {"draws": draws, "level": level, "seed": seed}
    kept = [cell for cell in cells if usable(cell)]
    return Grid(
        rows=tables["mse"],
        exponents={measure: exponent(table, sigma2, **options) for measure, table in tables.items()},  # type: ignore[arg-type]
        with_embeddings=exponent(tables["mse"], sigma2, size="total", **options),  # type: ignore[arg-type]
        swept={measure: swept(table, **options) for measure, table in tables.items()},  # type: ignore[arg-type]
        collapse={measure: collapsed(kept, measure, level) for measure in ("gap", "at_minimum")},
        left_out=tuple(cell.name for cell in cells if not usable(cell)),
    )


def collapsed(cells: Sequence[Cell], measure: Measure = "gap", level: float = 0.95) -> Collapse | None:
    """The collapse of a gap (nats) of runs; "mse" takes its root. None for too few runs."""
    values = [math.sqrt(cell.mse) if measure == "mse" else getattr(cell, measure) for cell in cells]
    columns = ([cell.N for cell in cells], [cell.D for cell in cells], values, [cell.seed for cell in cells])
    return collapse(*(np.array(column) for column in columns), level=level)


def _law(cells: Sequence[Cell], draws: int, level: float, seed: int) -> tuple[LawFit | None, str]:
    losses: dict[tuple[int, int], list[float]] = {}
    for cell in cells:
        if usable(cell):
            losses.setdefault((cell.N, cell.D), []).append(cell.least)
    if not losses:
        return None, "no runs"
    sizes, data = zip(*losses, strict=True)
    means = [float(np.mean(values)) for values in losses.values()]
    try:
        return fit_law(sizes, data, means, bootstrap=draws, polish=10, level=level, seed=seed), ""
    except ValueError as error:
        return None, str(error)


def _width(cell: Configured) -> int | None:
    return getattr(cell.config.model, "width", None)
