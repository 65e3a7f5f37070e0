"""The result record of a family: every cell as a row, and the critical d, exponents and rates that follow."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import provenance
from ...exponents import Interval
from ...published import check_summary
from ...results import MADE, Record
from .cell import MEASURED, Cell, Measured
from .crossing import Critical, Curve, Fit, critical, curve, load_limit, local_slopes, slope
from .series import Family, Series

KIND = "hopfield-capacity"
LEVEL = 0.95  # of the intervals
_PACKAGES = ("beyond-scaling", "torch", "numpy", "scipy", "pyarrow")


def name(family: str) -> str:
    """What the record of a family is called."""
    return f"capacity-{family}"


def record(
    family: Family,
    measured: Mapping[Cell, Measured],
    *,
    preset: str,
    device: str | None,
    command: str,
    duration_s: float,
    record_name: str | None = None,
) -> Record:
    """The record of a family all of whose cells were measured.

    Raises:
        ValueError: a cell is missing.
    """
    cells = family.cells()
    if missing := sum(cell not in measured for cell in cells):
        raise ValueError(f"family {family.name!r}: {missing} of {len(cells)} cells were not measured")
    found = [measured[cell] for cell in cells]
    columns: dict[str, np.ndarray] = {
        "series": np.array([cell.series for cell in cells]),
        **{key: np.array([getattr(cell, key) for cell in cells]) for key in ("n", "d", "seed")},
        "queries": np.array([min(cell.queries, cell.d) for cell in cells]),
        **{key: np.array([_number(getattr(each, key)) for each in found]) for key in MEASURED},
    }
    parameters = {
        "family": family.name,
        "preset": preset,
        "device": device or "numpy",
        "interval": LEVEL,
        "series": [each.name for each in family.series],
        "criterion": [each.criterion for each in family.series],
        "level": [each.level for each in family.series],
        "law": [each.law for each in family.series],
        f"{MADE}patterns and queries": hashlib.sha256("".join(each.digest for each in found).encode()).hexdigest(),
    }
    summary = {"cells": len(cells), "series": summary_of(columns, parameters), "theory": _theory(family)}
    return Record(
        name=record_name or name(family.name),
        title=f"{family.title}: capacity, measured",
        kind=KIND,
        command=command,
        seed=0,
        parameters=parameters,
        inputs=(),
        columns=columns,
        summary=summary,
        duration_s=round(duration_s, 1),
        versions=provenance.versions(_PACKAGES),
        hardware=provenance.hardware(device or "cpu"),
    )


def curves(columns: Mapping[str, np.ndarray], series: str, criterion: str) -> list[Curve]:
    """The criterion against d, one curve for every n, rising."""
    here = columns["series"] == series
    found = []
    for n in np.unique(columns["n"][here]).tolist():
        rows = here & (columns["n"] == n)
        found.append(curve(n, columns["d"][rows], columns["seed"][rows], columns[criterion][rows]))
    return found


def law(found: Sequence[Critical], kind: str) -> Fit | None:
    """What `Series.law` names, fitted; None for "none"."""
    if kind == "load":
        return load_limit(found)
    return slope(found, logarithmic=kind == "exponent") if kind in ("exponent", "rate") else None


def summary_of(columns: Mapping[str, np.ndarray], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that follow from the columns, by series.

    ``n``: for every n, ``critical`` d with ``low`` and ``high``. ``fit``: the exponent, rate or load with its interval,
    from ``sizes`` n; ``local``: exponent or rate from each n to the next. ``rise`` and ``apart``: the
    largest of any cell. What the data do not give is left out.
    """
    level = float(parameters["interval"])
    told: dict[str, Any] = {}
    for series, criterion, at, kind in zip(
        *(parameters[key] for key in ("series", "criterion", "level", "law")), strict=True
    ):
        found = [critical(each, float(at)) for each in curves(columns, series, criterion)]
        numbers: dict[str, Any] = {"n": {}}
        for each in found:
            if math.isfinite(each.value):
                numbers["n"][str(each.n)] = {"critical": each.value, **_ends(each.interval(level))}
        if (fit := law(found, kind)) is not None and math.isfinite(fit.value):
            numbers["fit"] = {"value": fit.value, **_ends(fit.interval(level)), "sizes": len(numbers["n"])}
        if kind in ("exponent", "rate"):
            numbers["local"] = {
                f"{low}-{high}": {"value": each.value, **_ends(each.interval(level))}
                for low, high, each in local_slopes(found, logarithmic=kind == "exponent")
            }
        here = columns["series"] == series
        for key in ("rise", "apart"):
            values = columns[key][here]
            if not np.isnan(values).all():
                numbers[key] = float(np.nanmax(values))
        told[series] = numbers
    return told


def check(stored: Record) -> None:
    """Compare a record's summary with its columns.

    Raises:
        ValueError: the record is of another kind, a column is missing, or a number does not follow from the columns.
    """
    check_summary(
        stored, KIND, lambda: summary_of(stored.columns, stored.parameters), lambda: stored.summary["series"],
        relative=1e-6, absolute=1e-9,
    )  # fmt: skip


def _theory(family: Family) -> dict[str, Any]:
    """By series: ``expected`` for large n; critical d at each n; and the ``fit`` that these would give."""
    return {each.name: told for each in family.series if (told := _theory_of(each))}


def _theory_of(series: Series) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if series.expected is not None:
        told["expected"] = float(series.expected)
    if series.theory is not None:
        found = [Critical(n, float(series.theory(n)), np.empty(0)) for n in sorted(series.grids)]
        told["n"] = {str(each.n): each.value for each in found}
        if (fit := law(found, series.law)) is not None and math.isfinite(fit.value):
            told["fit"] = fit.value
    return told


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _ends(interval: Interval | None) -> dict[str, float]:
    return {} if interval is None else {"low": interval.low, "high": interval.high}
