"""Published points of scaling laws (a CSV) to result records: Chinchilla's law fitted, or the best size at each budget.

A record of kind ``scaling-law`` holds the fitted law and the resampled laws, one of kind ``best-sizes`` the best size
of every budget in every series and the exponents that follow. Neither holds the points themselves: they belong to
whoever published them, and are known by the file's name and hash.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import provenance
from .exponents import Interval
from .optima import BestSize, best_size, compute_exponent, size_exponent
from .results import Record
from .scaling_law import FLOP_PER_TOKEN, PARAMETERS, ScalingLaw, fit_law, law_intervals

LAW, SIZES = "scaling-law", "best-sizes"
_PACKAGES = ("beyond-scaling", "numpy", "scipy", "pyarrow")


@dataclass(frozen=True)
class LawSettings:
    """Which columns are N, D (or C = 6 N D) and the loss, which rows count, and how the law is fitted.

    ``where``: (column, value) pairs a row must have. ``once``: a column of distinct tokens; rows that read more tokens
    than that are left out. ``drop_highest``: so many rows of the highest loss are left out.
    """

    size: str
    loss: str
    tokens: str | None = None
    flop: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    once: str | None = None
    drop_highest: int = 0
    bootstrap: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of(tokens=self.tokens, flop=self.flop)


@dataclass(frozen=True)
class SizeSettings:
    """Which columns are N, the loss and the budget: compute (``flop``) or distinct tokens (``data``).

    ``by``: columns whose values together name a series. ``least``: budgets with fewer sizes than this are left out.
    """

    size: str
    loss: str
    flop: str | None = None
    data: str | None = None
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    least: int = 3
    level: float = 0.95

    def __post_init__(self) -> None:
        _one_of(flop=self.flop, data=self.data)
        if self.least < 3:
            raise ValueError(f"least is {self.least}, expected at least 3 sizes, or none can lie inside")


def law_record(
    path: Path,
    settings: LawSettings,
    *,
    name: str,
    title: str,
    command: str,
    progress: Callable[[int], None] | None = None,
) -> Record:
    """Fit Chinchilla's law to the points of ``path``.

    Raises:
        ValueError: the file or a column is missing, a value is not a number, or too few points are left.
    """
    started = time.monotonic()
    rows = read_rows(path, settings.where)
    size, loss = (numbers(rows, column, path) for column in (settings.size, settings.loss))
    if settings.tokens is not None:
        tokens = numbers(rows, settings.tokens, path)
    else:
        tokens = numbers(rows, str(settings.flop), path) / (FLOP_PER_TOKEN * size)
    kept = np.full(len(rows), True)
    if settings.once is not None:
        kept &= tokens <= numbers(rows, settings.once, path)
    if not 0 <= settings.drop_highest < kept.sum():
        raise ValueError(f"drop_highest is {settings.drop_highest} of {kept.sum()} points, expected to leave some")
    if settings.drop_highest:
        inside = np.flatnonzero(kept)
        kept[inside[np.argsort(loss[inside], kind="stable")[-settings.drop_highest :]]] = False
    fit = fit_law(
        size[kept],
        tokens[kept],
        loss[kept],
        bootstrap=settings.bootstrap,
        level=settings.level,
        seed=settings.seed,
        progress=progress,
    )
    columns = {parameter: fit.draws[:, index] for index, parameter in enumerate(PARAMETERS)}
    return Record(
        name=name,
        title=title,
        kind=LAW,
        command=command,
        seed=settings.seed,
        parameters={
            **_said(size=settings.size, tokens=settings.tokens, flop=settings.flop, loss=settings.loss),
            **_said(where=[f"{column}={value}" for column, value in settings.where], once=settings.once),
            "drop_highest": settings.drop_highest,
            "bootstrap": settings.bootstrap,
            "level": settings.level,
        },
        inputs=(provenance.file_input(path),),
        columns=columns,
        summary={
            "points": fit.points,
            "law": _law_numbers(fit.law),
            "intervals": _interval_numbers(fit.intervals),
            "objective": fit.objective,
            "rms": fit.rms,
            "least_loss": float(loss[kept].min()),
            "size": {"low": float(size[kept].min()), "high": float(size[kept].max())},
            "tokens": {"low": float(tokens[kept].min()), "high": float(tokens[kept].max())},
        },
        duration_s=round(time.monotonic() - started, 1),
        versions=provenance.versions(_PACKAGES),
    )


def sizes_record(path: Path, settings: SizeSettings, *, name: str, title: str, command: str) -> Record:
    """The best size at every budget of every series of ``path``, and the exponents of N ~ D^p.

    Raises:
        ValueError: the file or a column is missing, a value is not a number, or a series has too few budgets.
    """
    started = time.monotonic()
    rows = read_rows(path, settings.where)
    size, loss = (numbers(rows, column, path) for column in (settings.size, settings.loss))
    budget = numbers(rows, str(settings.data if settings.flop is None else settings.flop), path)
    for column in settings.by:
        _column(rows, column, path)
    label = np.array(["/".join(row[column] for column in settings.by) or "all" for row in rows])
    found: list[tuple[str, float, BestSize]] = []
    tried: dict[str, int] = {}
    for series in dict.fromkeys(label.tolist()):
        for level in np.unique(budget[label == series]):
            here = (label == series) & (budget == level)
            if len(np.unique(size[here])) < settings.least:
                continue
            tried[series] = tried.get(series, 0) + 1
            if (best := best_size(size[here], loss[here])) is not None:
                found.append((series, float(level), best))
    if not found:
        raise ValueError(f"{path.name}: no budget has a best size inside, with {settings.least} sizes or more")
    columns = _size_columns(found, settings.flop is not None)
    return Record(
        name=name,
        title=title,
        kind=SIZES,
        command=command,
        seed=0,
        parameters={
            **_said(size=settings.size, loss=settings.loss, flop=settings.flop, data=settings.data, by=settings.by),
            **_said(where=[f"{column}={value}" for column, value in settings.where]),
            "least": settings.least,
            "level": settings.level,
        },
        inputs=(provenance.file_input(path),),
        columns=columns,
        summary={
            "runs": len(rows),
            "series": {
                series: {"budgets": tried[series], **numbers}
                for series, numbers in series_exponents(columns, settings.flop is not None, settings.level).items()
            },
        },
        duration_s=round(time.monotonic() - started, 1),
        versions=provenance.versions(_PACKAGES),
    )


def series_exponents(columns: Mapping[str, np.ndarray], compute: bool, level: float) -> dict[str, dict[str, float]]:
    """The p of N ~ D^p of every series of a best-sizes record, from its columns.

    ``exponent`` with ``low``, ``high`` (the regression's interval) and ``cells_low``, ``cells_high`` (what the sizes
    tried allow); an end that is infinite is left out. With budgets of compute, N ~ C^a is fitted and p = a/(1 - a).
    """
    turn = compute_exponent if compute else float
    out = {}
    for series in dict.fromkeys(columns["series"].tolist()):
        here = columns["series"] == series
        best = [
            BestSize(*(float(value) for value in entry))
            for entry in zip(*(columns[key][here] for key in ("size", "loss", "size_low", "size_high")), strict=True)
        ]
        fit = size_exponent(columns["budget"][here], best, level)
        cells = fit.quantisation or Interval(math.nan, math.nan)
        ends = (fit.slope, *fit.interval, *cells)
        named = zip(("exponent", "low", "high", "cells_low", "cells_high"), (turn(end) for end in ends), strict=True)
        out[series] = {"best": len(best), **{key: value for key, value in named if math.isfinite(value)}}
    return out


def law_of(record: Record) -> ScalingLaw:
    """The fitted law of a record of kind ``scaling-law``."""
    numbers = record.summary["law"]
    return ScalingLaw(**{parameter: numbers[parameter] for parameter in PARAMETERS})


def check(record: Record) -> None:
    """Compare a record's summary with its columns.

    Raises:
        ValueError: the record is of neither kind, a column is missing, or a number does not follow from the columns.
    """
    if problem := next(_problems(record), None):
        raise ValueError(f"record {record.name!r}: {problem}")


def read_rows(path: Path, where: Sequence[tuple[str, str]] = ()) -> list[dict[str, str]]:
    """The rows of a CSV with a header, as strings; those with the values of ``where`` only.

    Raises:
        ValueError: no such file, not a CSV with a header, a column of ``where`` is missing, or no row is left.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = list(reader.fieldnames or ())
            if twice := [name for name in header if header.count(name) > 1]:
                raise ValueError(f"{path.name}: the header names {twice[0]!r} twice")
            rows = list(reader)
    except OSError as error:
        raise ValueError(f"{path.name or path}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: not a CSV file: {error}") from None
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"{path.name}: row {line} has not as many values as the header has columns")
    for column, value in where:
        _column(rows, column, path)
        rows = [row for row in rows if row[column] == value]
    if not rows:
        raise ValueError(f"{path.name}: no rows{' left' if where else ''}")
    return rows


def numbers(rows: list[dict[str, str]], column: str, path: Path) -> np.ndarray:
    """A column of positive numbers, (rows,).

    Raises:
        ValueError: no such column, or a value that is none; names the file.
    """
    out = np.empty(len(rows))
    for index, text in enumerate(_column(rows, column, path)):
        try:
            out[index] = math.nan if "_" in text else float(text)  # 1_000 is a number to Python only
        except ValueError:
            out[index] = math.nan
        if not (math.isfinite(out[index]) and out[index] > 0):
            raise ValueError(f"{path.name}: column {column!r} holds {text!r}, expected positive numbers")
    return out


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Nested numbers, each by its place: law.E."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from leaves(entry, f"{place}.{key}" if place else key)
    else:
        yield place, float(value)


def disagreements(
    counted: Mapping[str, float], stated: Mapping[str, float], relative: float = 1e-9, absolute: float = 0.0
) -> Iterator[str]:
    """Where numbers that a summary states are not those that its columns give, a line each."""
    for place in sorted({*counted, *stated}):
        pair = counted.get(place, math.nan), stated.get(place, math.nan)
        if not math.isclose(*pair, rel_tol=relative, abs_tol=absolute):
            yield f"{place} is {stated.get(place, 'missing')}; its columns give {counted.get(place, 'nothing')}"


def check_summary(
    record: Record,
    kind: str,
    counted: Callable[[], Any],
    stated: Callable[[], Any],
    *,
    relative: float,
    absolute: float,
) -> None:
    """Compare the numbers that a record of one ``kind`` states with those counted again from its columns.

    ``counted`` and ``stated`` give them, nested; both may fail over a record that lacks something. ``relative``,
    ``absolute``: how near they have to be, as `math.isclose` takes them.

    Raises:
        ValueError: the record is of another kind, something is missing, or a number does not follow from the columns.
    """
    if record.kind != kind:
        raise ValueError(f"record {record.name!r}: is of kind {record.kind!r}; expected {kind!r}")
    try:
        again, told = dict(leaves(counted())), dict(leaves(stated()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"record {record.name!r}: is incomplete: {error}") from error
    if problem := next(disagreements(again, told, relative, absolute), None):
        raise ValueError(f"record {record.name!r}: {problem}")


# --- inside -----------------------------------------------------------------------------------------------


def _column(rows: list[dict[str, str]], column: str, path: Path) -> list[str]:
    if rows and column not in rows[0]:
        raise ValueError(f"{path.name} has no column {column!r} (it has {', '.join(map(repr, rows[0]))})")
    return [row[column] for row in rows]


def _one_of(**named: str | None) -> None:
    if sum(value is not None for value in named.values()) != 1:
        raise ValueError(f"expected one of {' and '.join(named)}, got {named}")


def _said(**named: Any) -> dict[str, Any]:
    said = {key: value for key, value in named.items() if value not in (None, (), [])}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


def _law_numbers(law: ScalingLaw) -> dict[str, float]:
    numbers = {parameter: getattr(law, parameter) for parameter in PARAMETERS}
    return {**numbers, "exponent": law.exponent, "compute_exponent": law.compute_exponent}


def _interval_numbers(intervals: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {key: {"low": interval.low, "high": interval.high} for key, interval in intervals.items()}


def _size_columns(found: list[tuple[str, float, BestSize]], compute: bool) -> dict[str, np.ndarray]:
    budget = np.array([level for _, level, _ in found])
    size = np.array([best.size for *_, best in found])
    return {
        "series": np.array([series for series, *_ in found]),
        "budget": budget,
        "tokens": budget / (FLOP_PER_TOKEN * size) if compute else budget,
        "size": size,
        "size_low": np.array([best.low for *_, best in found]),
        "size_high": np.array([best.high for *_, best in found]),
        "loss": np.array([best.loss for *_, best in found]),
    }


def _problems(record: Record) -> Iterator[str]:
    again: dict[str, Any]
    told: dict[str, Any]
    try:
        level = float(record.parameters["level"])
        if record.kind == LAW:
            draws = np.stack([record.columns[parameter] for parameter in PARAMETERS], axis=1)
            again = {
                "law": _law_numbers(law_of(record)),
                "intervals": _interval_numbers(law_intervals(draws, level)),
            }
            told = {key: record.summary[key] for key in again}
        elif record.kind == SIZES:
            again = series_exponents(record.columns, "flop" in record.parameters, level)
            told = {
                series: {key: value for key, value in numbers.items() if key != "budgets"}
                for series, numbers in record.summary["series"].items()
            }
        else:
            yield f"is of kind {record.kind!r}; expected {LAW!r} or {SIZES!r}"
            return
        counted, stated = dict(leaves(again)), dict(leaves(told))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"is incomplete: {error}"
        return
    yield from disagreements(counted, stated)
