"""The paper's own Table 3 through the same rules: what its marks allow, and what its printed digits do.

A mean squared error printed as 0.04 is any number from 0.035 to 0.045, so that the rule MSE < 0.04 may pass there or
not. Read so, a row says only at which D it may first pass, and at which it must have passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..exponents import ExponentFit, Interval, feasible_exponents, fit_exponent
from ..tables import TABLE_3, TABLE_3_GRID, Table3Row
from .crossing import Crossing, check_threshold, on_grid
from .sigma import SIGMA2

UNIT = 0.01  # of the printed digits, nats²


@dataclass(frozen=True)
class PrintedRow:
    """A row of Table 3.

    Attributes:
        N: parameters. marked: the cell of the D* that the paper marks.
        strict: D* with the printed numbers taken as they are.
        low, high: D* lies in (low, high] by the rounded digits, if it is one of the row's D; high is the last D tried
            where no digit says that it must be smaller.
    """

    N: float
    marked: Crossing
    strict: Crossing
    low: float
    high: float


@dataclass(frozen=True)
class Table3:
    """The table.

    Attributes:
        rows: of it. fit: the line through the marked D*, with Student's interval.
        marked: the exponents for which one line passes through the marked cells.
        printed: the same for all that the rounded digits allow; None if there are none.
    """

    rows: tuple[PrintedRow, ...]
    fit: ExponentFit
    marked: Interval | None
    printed: Interval | None


def table_3(
    rows: Sequence[Table3Row] = TABLE_3, sigma2: float = SIGMA2, grid: Sequence[float] = TABLE_3_GRID
) -> Table3:
    """The table as printed, or rows like it, at a threshold, over the grid of D that was tried.

    Raises:
        ValueError: a threshold that is not positive; a D that is not on the grid, or is its first.
    """
    check_threshold(sigma2)
    found = tuple(_row(row, sigma2, grid) for row in rows)
    sizes = [row.N for row in found]
    cells = [row.marked for row in found]
    return Table3(
        rows=found,
        fit=fit_exponent(sizes, [cell.D for cell in cells]),
        marked=feasible_exponents(sizes, [cell.low for cell in cells], [cell.high for cell in cells]),
        printed=feasible_exponents(sizes, [row.low for row in found], [row.high for row in found]),
    )


def _row(row: Table3Row, sigma2: float, grid: Sequence[float]) -> PrintedRow:
    data = np.array([tokens for tokens, _ in row.mse])
    told = [error for _, error in row.mse]
    known = [place for place, error in enumerate(told) if error is not None]
    may = [error is None or error - UNIT / 2 < sigma2 for error in told]
    must = [error is not None and error + UNIT / 2 <= sigma2 for error in told]
    first = data[may.index(True)] if any(may) else data[-1]
    last = data[must.index(True)] if any(must) else data[-1]
    return PrintedRow(
        N=row.n_params,
        marked=Crossing(row.d_star, _before(row.d_star, grid), row.d_star, "inside"),
        strict=on_grid(data[known], [told[place] for place in known], sigma2),
        low=_before(float(first), grid) if first > grid[0] else 0.0,
        high=float(last),
    )


def _before(tokens: float, grid: Sequence[float]) -> float:
    if tokens not in grid[1:]:
        raise ValueError(f"D is {tokens:g}, expected one of {', '.join(f'{value:g}' for value in grid[1:])}")
    return grid[list(grid).index(tokens) - 1]
