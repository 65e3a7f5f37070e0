"""Made-up measurements of capacity: every curve crosses its level where theory has it, or at 5 n without one."""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np

from beyond_scaling.hopfield.capacity import Cell, Family, Measured, family, record
from beyond_scaling.hopfield.capacity.series import Series
from beyond_scaling.results import Record


def measured(chosen: Family, noise: float = 0.05) -> dict[Cell, Measured]:
    """What the cells would say."""
    found = {}
    for series in chosen.series:
        critical = {n: series.theory(n) if series.theory is not None else 5.0 * n for n in series.grids}
        for cell in series.cells(chosen.name):
            found[cell] = _one(series, cell, critical[cell.n], noise)
    return found


@cache
def made(name: str, noise: float = 0.05) -> Record:
    """A record of a whole family; shared, so never change it in place."""
    chosen = family(name)
    return record(
        chosen, measured(chosen, noise), preset="full", device=None, command="beyond-scaling capacity", duration_s=1.0
    )


def _one(series: Series, cell: Cell, critical: float, noise: float) -> Measured:
    odds = series.level / (1 - series.level) * (cell.d / critical) ** 3
    key = f"{cell.series}/{cell.n}/{cell.d}/{cell.seed}".encode()
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:8], "big"))
    error = min(1.0, odds / (1 + odds) * math.exp(noise * float(rng.standard_normal())))
    return Measured(
        error=error, failed=error, any_failed=error, steps=1.0, unsettled=0.0,
        rise=0.0 if cell.path else None, apart=1e-14 if cell.twin else None, digest="00",
    )  # fmt: skip
