"""Width against data, run by run: every run of a sweep as a cell of Table 3, and the curves behind it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

import traitlets

from .. import results
from ..results import Record
from ..training import gap
from ..training.config import TokenChunks
from ..training.gap import Cell
from ..training.plan import Planned
from .base import BookWidget
from .ranges import Real
from .width_curves import BAND_UNIT, LOSS_UNIT, SQUARE_UNIT, packed
from .width_families import TITLES, Table, shape, tables


class WidthRuns(BookWidget):
    """The table of a sweep, and the run behind each of its cells.

    A cell's number is the paper's: the mean, over the steps after the least validation loss, of the squared difference
    between it and the loss of every training step. In a row D* is the least D whose number is below sigma². Runs that
    have no record yet are hatched, and called by name.

    Args:
        runs: planned, as ``training.plan.load`` gives them.
        root: folder of the records; the book's by default.
        records: of the runs, as far as they have any, if they have been loaded already; ``root`` is then not looked at.

    Attributes:
        family: ``"width"``, ``"depth"``, ``"shuffled"`` or ``"again"``, as far as there are such runs.
        chosen: the name of the run whose curves are shown. A run of another family than ``family`` is shown in its own.
        mean: whether the table shows means over seeds; else it shows the chosen run's seed.
        sigma2: the threshold, nats², 0.01 to 1; the paper's is 0.04.
        predict: whether a cell's number shows only once its curves have been looked at.
        missing: names of the runs without a record, read-only.
        summary: read-only, written by the browser: ``family``, ``chosen``, ``mse``, ``gap``, ``noise`` (of that run,
            nats², nats and nats²; None without a record), ``passes``, ``d_star`` (tokens or None, a row each, as far as
            shown) and ``seen`` (how many cells have been). Empty until the widget is shown.

    Raises:
        ValueError: no run, none that has a record, a run of another kind, or a name or family that is not there.
        RecordError: a record that is damaged.
    """

    source = "width_runs.js"
    shown = ("family", "chosen", "mean", "sigma2")

    family = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    mean = traitlets.Bool(False).tag(sync=True)
    sigma2 = Real(0.04, 0.01, 1.0).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    runs: traitlets.List[dict[str, Any]] = traitlets.List(read_only=True).tag(sync=True)
    families: traitlets.List[dict[str, Any]] = traitlets.List(read_only=True).tag(sync=True)
    units = traitlets.List([LOSS_UNIT, BAND_UNIT, SQUARE_UNIT], read_only=True).tag(sync=True)
    missing: traitlets.List[str] = traitlets.List(read_only=True)

    def __init__(
        self,
        runs: Sequence[Planned],
        root: str | os.PathLike[str] | None = None,
        *,
        records: Iterable[Record] | None = None,
        family: str | None = None,
        chosen: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not runs:
            raise ValueError("runs: none; expected the planned runs of a sweep")
        found = tables(runs)
        known = None if records is None else {record.name: record for record in records}
        told = [_told(run, _record(run.name, root) if known is None else known.get(run.name)) for run in runs]
        if not any(one["there"] for one in told):
            raise ValueError(f"none of the {len(runs)} runs has a record; the first would be {runs[0].name!r}")
        super().__init__(**kwargs)
        self.set_trait("runs", told)
        self.set_trait("families", [_table(table, told) for table in found])
        self.set_trait("missing", [one["name"] for one in told if not one["there"]])
        self.family = _first_family(found, told, chosen) if family is None else family
        self.chosen = self._start() if chosen is None else chosen

    @traitlets.validate("family")
    def _known_family(self, proposal: Any) -> str:
        there = [table["name"] for table in self.families]
        if proposal["value"] not in there:
            raise ValueError(f"family is {proposal['value']!r}, expected one of {', '.join(map(repr, there))}")
        return proposal["value"]

    @traitlets.validate("chosen")
    def _known_run(self, proposal: Any) -> str:
        if not any(run["name"] == proposal["value"] for run in self.runs):
            known = self.runs[0]["name"]
            raise ValueError(f"chosen is {proposal['value']!r}, expected the name of a run, such as {known!r}")
        return proposal["value"]

    def _start(self) -> str:
        """The run shown first: of the middle row, near the threshold; where a prediction is asked, that of least D."""
        table = next(table for table in self.families if table["name"] == self.family)
        there = [(row, self.runs[index]) for row, _, index in table["places"] if self.runs[index]["there"]]
        if not there:
            return self.runs[table["places"][0][2]]["name"]
        middle = min((row for row, _ in there), key=lambda row: abs(row - (len(table["rows"]) - 1) / 2))
        mine = [run for row, run in there if row == middle]
        if self.predict:
            return min(mine, key=lambda run: (run["D"], run["seed"]))["name"]
        return min(mine, key=lambda run: (run["seed"], abs(math.log((run["mse"] or 1e9) / self.sigma2))))["name"]


_SHOWN = ("N", "total", "least", "step", "steps", "epochs", "window", "complete", "mse", "gap", "noise", "at_minimum")


def _record(name: str, root: str | os.PathLike[str] | None) -> Record | None:
    return results.load(name, root) if results.exists(name, root) else None


def _told(run: Planned, record: Record | None) -> dict[str, Any]:
    """What the browser gets of a planned run: its place in the sweep, and its record's numbers and curves."""
    width, layers = shape(run.config)
    assert isinstance(run.config.data, TokenChunks)
    told: dict[str, Any] = {
        "name": run.name, "width": width, "layers": layers, "D": run.config.data.tokens, "seed": run.config.run.seed,
        "there": False,
    }  # fmt: skip
    if record is None:
        return told
    cell = gap.cell(record)
    if not gap.same_run(cell.config, run.config):
        return told
    return told | {"there": True} | _numbers(cell) | packed(record, cell)


def _numbers(cell: Cell) -> dict[str, Any]:
    values = {name: getattr(cell, name) for name in _SHOWN}
    return {name: None if value != value else value for name, value in values.items()}  # JSON has no NaN


def _table(table: Table, told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [{"width": width, "layers": layers, "N": None} for width, layers in table.rows]
    for row, _, index in table.places:
        rows[row]["N"] = told[index].get("N", rows[row]["N"])
    return {"name": table.name, "title": TITLES[table.name], "rows": rows, "places": [list(p) for p in table.places]}


def _first_family(found: Sequence[Table], told: Sequence[dict[str, Any]], chosen: str | None) -> str:
    """The family of the chosen run, or the first with a record."""
    for table in found:
        here = [told[index] for _, _, index in table.places]
        if any(run["name"] == chosen if chosen is not None else run["there"] for run in here):
            return table.name
    return found[0].name
