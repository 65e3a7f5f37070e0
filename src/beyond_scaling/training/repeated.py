"""Published runs that read their data more than once, as a check on runs of our own: what they can say of N against D.

Muennighoff et al. (2023) published parameters N, tokens read T, distinct tokens U and the validation loss of some 300
runs. There is no training loss among them, so that the paper's D* has no meaning here. Two questions can be put.

Does the larger model do worse? For every U, the least validation loss of each size over the T that were tried. Each T
is a run of its own, so a size's least loss is known only where T was tried closely on both sides of it; such sizes are
called resolved, and the bottom of a parabola through the three losses goes with them.

How do N and U trade? The excess of a run is its loss less that of the same size after as many tokens that were all
distinct: what repetition costs. It collapses (`collapse`) over N^(1/p) and U, but a third number has to be held fixed:
how often the data are read, T/U, or how many tokens are read, T. The p of the two need not agree, and both are given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import provenance
from ..published import check_summary, numbers, read_rows
from ..results import Record
from .collapse import Collapse, collapse

KIND = "repeated-data"
LEAST, EXCESS = "least", "excess"  # of the column `table`
FREE = "free"
HELD_FIXED = ("epochs", "tokens")
_NAMES = {math.inf: "D alone", 4.0: "N/D^4", 2.0: "N/D^2", 1.0: "N/D", 0.0: "N alone"}
_PACKAGES = ("beyond-scaling", "numpy", "scipy", "pyarrow")


@dataclass(frozen=True)
class RepeatedSettings:
    """Which columns are N, T, U and the loss, and how they are read.

    ``least``: U with fewer sizes than this have no table of least losses. ``near``: a size is resolved where T was
    tried at most this factor to either side of its least loss. ``floor``: excesses under this, nats, drown in the noise
    of a run and have no logarithm worth fitting. ``level``: of the intervals.
    """

    size: str
    tokens: str
    unique: str
    loss: str
    least: int = 3
    near: float = 3.0
    floor: float = 0.01
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.least < 2:
            raise ValueError(f"least is {self.least}, expected at least 2 sizes, or there is none to compare")
        if not (math.isfinite(self.near) and self.near > 1):
            raise ValueError(f"near is {self.near}, expected a number above 1")
        if not (math.isfinite(self.floor) and self.floor > 0):
            raise ValueError(f"floor is {self.floor}, expected a positive number of nats")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}, expected a number between 0 and 1")


def repeated_record(path: Path, settings: RepeatedSettings, *, name: str, title: str, command: str) -> Record:
    """Least losses and excesses of the runs of ``path``, and what follows from them.

    Raises:
        ValueError: the file or a column is missing, a value is not a positive number, a run has fewer tokens than
            distinct ones, or there is neither a U with enough sizes nor an excess.
    """
    started = time.monotonic()
    rows = read_rows(path)
    size, tokens, unique, loss = (
        numbers(rows, column, path) for column in (settings.size, settings.tokens, settings.unique, settings.loss)
    )
    if (tokens < unique).any():
        first = int(np.argmax(tokens < unique))
        raise ValueError(
            f"{path.name}: a run read {tokens[first]:g} tokens, {unique[first]:g} distinct ones among them"
        )
    runs, spread = _averaged(size, tokens, unique, loss)
    table = [*_least(runs, settings), *_excess(runs)]
    if not table:
        raise ValueError(f"{path.name}: no {settings.least} sizes on the same data, and no run to compare another with")
    columns = {
        key: np.array([row[key] for row in table])
        for key in ("table", "unique", "size", "tokens", "before", "after", "tried", "loss", "bottom", "excess")
    }
    parameters = {
        **{key: getattr(settings, key) for key in ("size", "tokens", "unique", "loss")},
        **{key: getattr(settings, key) for key in ("least", "near", "floor", "level")},
    }
    return Record(
        name=name,
        title=title,
        kind=KIND,
        command=command,
        seed=0,
        parameters=parameters,
        inputs=(provenance.file_input(path),),
        columns=columns,
        summary={"runs": len(rows), "noise": spread, **summary_of(columns, parameters)},
        duration_s=round(time.monotonic() - started, 1),
        versions=provenance.versions(_PACKAGES),
    )


def summary_of(columns: Mapping[str, np.ndarray], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that follow from a record's columns.

    ``least``: for every U, how many sizes there are and how many are resolved; where at least two are, the best of
    them, the largest, and by how much its least loss (and its bottom) lies above the best one's.
    ``excess``: points, those above the floor, and for either thing held fixed the p of the collapse, its profile
    interval, and of every p compared the mean held-out density with a size left out, its lead over the free p and that
    lead's standard error. An end that is infinite is left out.
    """
    least, excess = (columns["table"] == name for name in (LEAST, EXCESS))
    of_u: dict[str, dict[str, float]] = {}
    for unique in np.unique(columns["unique"][least]):
        here = least & (columns["unique"] == unique)
        resolved = here & resolved_rows(columns, float(parameters["near"]))
        of_u[f"{unique:.0f}"] = {"sizes": int(here.sum()), "resolved": int(resolved.sum()), **_worse(columns, resolved)}
    found: dict[str, Any] = {"least": of_u}
    if excess.any():
        above = excess & (columns["excess"] >= parameters["floor"])
        found["excess"] = {
            "points": int(excess.sum()),
            "above": int(above.sum()),
            **{
                held: numbers_of(fit)
                for held in HELD_FIXED
                if (fit := excess_collapse(columns, held, float(parameters["floor"]), float(parameters["level"])))
            },
        }
    return found


def resolved_rows(columns: Mapping[str, np.ndarray], near: float) -> np.ndarray:
    """(n,) whether a row's least loss is bracketed by T at most a factor `near` away."""
    with np.errstate(invalid="ignore"):
        return (columns["before"] * near >= columns["tokens"]) & (columns["after"] <= near * columns["tokens"])


def excess_collapse(
    columns: Mapping[str, np.ndarray], held: str, floor: float = 0.01, level: float = 0.95
) -> Collapse | None:
    """The collapse of the excesses over N and U with log T/U ("epochs") or log T ("tokens") entering linearly.

    Raises:
        ValueError: another thing to hold fixed.
    """
    if held not in HELD_FIXED:
        raise ValueError(f"held is {held!r}, expected one of {', '.join(HELD_FIXED)}")
    here = (columns["table"] == EXCESS) & (columns["excess"] >= floor)
    tokens, unique = columns["tokens"][here], columns["unique"][here]
    extra = np.log(tokens / unique if held == "epochs" else tokens)
    nobody = np.zeros(len(tokens), dtype=np.int64)  # no seeds to tell apart
    return collapse(columns["size"][here], unique, columns["excess"][here], nobody, extra=extra[:, None], level=level)


def numbers_of(fit: Collapse) -> dict[str, Any]:
    """A collapse as finite numbers: p, its interval, and how each p predicts a size that was left out."""
    ends = {"p": fit.p, "low": fit.profile.low, "high": fit.profile.high}
    compared = {}
    for candidate in fit.candidates:
        told: dict[str, float] = {"log_likelihood": candidate.log_likelihood, "noise": candidate.noise}
        if (held_out := candidate.by_size) is not None:
            told["held_out"] = held_out.mean
            if held_out.lead is not None and not candidate.free:
                told |= dict(zip(("lead", "lead_error"), held_out.lead, strict=True))
        compared[FREE if candidate.free else _NAMES[candidate.p]] = {
            key: float(value) for key, value in told.items() if math.isfinite(value)
        }
    return {
        "points": len(fit.points.N),
        "sizes": len(np.unique(fit.points.N)),
        **{key: float(value) for key, value in ends.items() if math.isfinite(value)},
        "compared": compared,
    }


def check(record: Record) -> None:
    """Compare a record's summary with its columns; a collapse is fitted again, to a thousandth.

    Raises:
        ValueError: the record is of another kind, a column is missing, or a number does not follow from the columns.
    """
    check_summary(
        record, KIND, lambda: summary_of(record.columns, record.parameters),
        lambda: {key: record.summary[key] for key in record.summary if key in (LEAST, EXCESS)},
        relative=1e-3, absolute=1e-3,
    )  # fmt: skip


# --- inside -----------------------------------------------------------------------------------------------

Runs = dict[tuple[float, float, float], float]  # (N, U, T) -> mean loss


def _averaged(
    size: np.ndarray, tokens: np.ndarray, unique: np.ndarray, loss: np.ndarray
) -> tuple[Runs, dict[str, float]]:
    """Runs of one N, U and T as their mean, and how far such runs lie apart."""
    told: dict[tuple[float, float, float], list[float]] = {}
    for n, u, t, value in zip(size.tolist(), unique.tolist(), tokens.tolist(), loss.tolist(), strict=True):
        told.setdefault((n, u, t), []).append(value)
    repeated = [values for values in told.values() if len(values) > 1]
    spread: dict[str, float] = {"groups": len(repeated)}
    if repeated:
        free = sum(len(values) - 1 for values in repeated)
        squares = sum(float(np.var(values)) * len(values) for values in repeated)
        spread["pooled"] = math.sqrt(squares / free)
        spread["median"] = float(np.median([np.std(values, ddof=1) for values in repeated]))
    return {key: float(np.mean(values)) for key, values in sorted(told.items())}, spread


def _row(table: str, n: float, u: float, t: float, **values: float) -> dict[str, Any]:
    empty = dict.fromkeys(("before", "after", "loss", "bottom", "excess"), math.nan)
    return {"table": table, "unique": u, "size": n, "tokens": t, "tried": 1, **empty, **values}


def _least(runs: Runs, settings: RepeatedSettings) -> list[dict[str, Any]]:
    curves: dict[float, dict[float, list[tuple[float, float]]]] = {}
    for (n, u, t), loss in runs.items():
        curves.setdefault(u, {}).setdefault(n, []).append((t, loss))
    table = []
    for u, sizes in sorted(curves.items()):
        if len(sizes) < settings.least:
            continue
        for n, curve in sorted(sizes.items()):
            tokens, losses = (np.array(column) for column in zip(*sorted(curve), strict=True))
            best = int(losses.argmin())
            values = {"tried": len(tokens), "loss": float(losses[best])}
            if best > 0:
                values["before"] = float(tokens[best - 1])
            if best < len(tokens) - 1:
                values["after"] = float(tokens[best + 1])
            if 0 < best < len(tokens) - 1:
                values["bottom"] = _bottom(np.log(tokens[best - 1 : best + 2]), losses[best - 1 : best + 2])
            table.append(_row(LEAST, n, u, float(tokens[best]), **values))
    return table


def _bottom(x: np.ndarray, y: np.ndarray) -> float:
    """The least of the parabola through three points of which the middle one is the lowest."""
    bend, tilt, height = np.polyfit(x - x[1], y, 2)
    return float(height - tilt**2 / (4 * bend)) if bend > 0 else float(y[1])


def _excess(runs: Runs) -> list[dict[str, Any]]:
    once = {(n, t): loss for (n, u, t), loss in runs.items() if u == t}
    return [
        _row(EXCESS, n, u, t, excess=loss - once[n, t]) for (n, u, t), loss in runs.items() if u < t and (n, t) in once
    ]


def _worse(columns: Mapping[str, np.ndarray], resolved: np.ndarray) -> dict[str, float]:
    if resolved.sum() < 2:
        return {}
    size, loss, bottom = (columns[key][resolved] for key in ("size", "loss", "bottom"))
    best, last = int(loss.argmin()), int(size.argmax())
    return {
        "best": float(size[best]),
        "loss": float(loss[best]),
        "largest": float(size[last]),
        "larger": int((size > size[best]).sum()),
        "worse_by": float(loss[last] - loss[best]),
        "bottom_worse_by": float(bottom[last] - bottom.min()),
    }
