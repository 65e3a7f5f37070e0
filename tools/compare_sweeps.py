"""Whether a sweep that was run again reproduces the one in the book: cell by cell, row by row, and in its exponent.

    python tools/compare_sweeps.py cpu-light MY-RESULTS

Compares the runs that both folders have. A cell agrees where the new mean squared error lies among the old seeds', give
or take their own spread; a row where the new D* lies in the 95 % interval that the old seeds predict for as many new
ones. Exit code 1 if one does not.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from beyond_scaling.errors import first_line
from beyond_scaling.training import crossing, gap, plan
from beyond_scaling.training.rows import rows
from beyond_scaling.training.seeds import spread
from beyond_scaling.training.sigma import SIGMA2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sweep", help="a sweep's file, or a preset such as cpu-light")
    parser.add_argument("again", type=Path, help="folder of the records of the second time")
    parser.add_argument("--before", type=Path, help="folder of those of the first (default: book/results)")
    options = parser.parse_args()
    try:
        planned = plan.load(options.sweep)
        before, again = (gap.cells(planned, root).cells for root in (options.before, options.again))
    except (ValueError, OSError) as error:
        print(f"compare_sweeps: {first_line(error)}", file=sys.stderr)
        return 2
    twice = {cell.name: cell for cell in before}
    pairs = [(twice[cell.name], cell) for cell in again if cell.name in twice]
    if not pairs:
        print(f"compare_sweeps: {options.again.name} has no run that is in both", file=sys.stderr)
        return 2
    same = sum(old.mse == new.mse and old.least == new.least for old, new in pairs)
    print(f"{len(pairs)} runs are in both, {same} of them the same to the last bit")
    failed = [new.name for old, new in pairs if not _agrees(old, new, before)]
    for name in failed:
        print(f"  {name}: outside of what the seeds allow")
    main_grid = [f"{options.sweep}-width-" in cell.name for cell in again]
    if any(main_grid):
        failed += _rows(before, again, f"{options.sweep}-width-")
    return 1 if failed else 0


def _agrees(old: gap.Cell, new: gap.Cell, before: tuple[gap.Cell, ...]) -> bool:
    """Whether log mse is within twice the range of the first time's seeds (at least 0.1), or the same number."""
    if old.mse == new.mse:
        return True
    seeds = [cell.mse for cell in before if (cell.N, cell.D, cell.config.data) == (old.N, old.D, old.config.data)]
    logs = np.log(seeds)
    reach = max(2 * float(np.ptp(logs)), 0.1)
    return abs(math.log(new.mse) - float(logs.mean())) <= reach


def _rows(before: tuple[gap.Cell, ...], again: tuple[gap.Cell, ...], prefix: str) -> list[str]:
    failed = []
    tables = [rows([cell for cell in cells if cell.name.startswith(prefix)]) for cells in (before, again)]
    known = {row.N: row for row in tables[0]}
    for row in tables[1]:
        old = known.get(row.N)
        if old is None:
            print(f"N = {row.N:,}: no run of this size before")
            continue
        first = [crossing.interpolated(*old.of_seed(seed), SIGMA2) for seed in old.seeds]
        second = crossing.interpolated(row.D, row.mean, SIGMA2)
        logs = [math.log(found.D) for found in first if found.measured]
        if len(logs) < 2 or not second.measured:
            print(f"N = {row.N:,}: D* {crossing.in_words(second)}, too few seeds or sizes in common to compare")
            continue
        told = spread(logs)
        assert told.high is not None
        # the old mean is uncertain by one over its seeds, the new one by one over its own
        reach = (told.high - told.mean) * math.sqrt(1 + len(logs) / len(row.seeds))
        low, high = math.exp(told.mean - reach), math.exp(told.mean + reach)
        print(f"N = {row.N:,}: D* {second.D:,.0f}, expected {math.exp(told.mean):,.0f} [{low:,.0f}, {high:,.0f}]")
        if not low <= second.D <= high:
            failed.append(f"row N = {row.N}")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
