"""The runs of width against data as tables: a row for each model, and along it the training sets that it had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..training.analysis import families
from ..training.config import Config, OpenELMShape, TokenChunks
from ..training.plan import Planned

TITLES = {"width": "widths", "depth": "depths", "shuffled": "shuffled text", "again": "repeats"}


@dataclass(frozen=True)
class Table:
    """Runs of one family.

    Attributes:
        name: a key of TITLES, as in `training.analysis.Families`.
        rows: (width, layers) of each, the smaller before the larger.
        places: (row, place along it, index of the run) of each. The place is D in tokens; in "again", where only
            seeds differ, it is the seed.
    """

    name: str
    rows: tuple[tuple[int, int], ...]
    places: tuple[tuple[int, int, int], ...]


def shape(config: Config) -> tuple[int, int]:
    """(width, layers) of a run's model.

    Raises:
        ValueError: no OpenELM by width, or no training on the first D tokens of a file.
    """
    model, data = config.model, config.data
    if isinstance(model, OpenELMShape) and model.width and isinstance(data, TokenChunks) and data.tokens:
        return model.width, model.layers
    raise ValueError(
        f"a run of {model.kind} on {data.kind}: expected an OpenELM by its width, on the first D tokens of a file"
    )


def tables(runs: Sequence[Planned]) -> tuple[Table, ...]:
    """The tables of planned runs, of families that have any; in the order of TITLES.

    Raises:
        ValueError: as `shape`.
    """
    shapes = {run.name: shape(run.config) for run in runs}
    index = {run.name: place for place, run in enumerate(runs)}
    sorted_out = families(runs)
    found = []
    for name in TITLES:
        chosen: tuple[Planned, ...] = getattr(sorted_out, name)
        if chosen:
            rows = sorted({shapes[run.name] for run in chosen})
            places = sorted((rows.index(shapes[run.name]), _place(name, run.config), index[run.name]) for run in chosen)
            found.append(Table(name, tuple(rows), tuple(places)))
    return tuple(found)


def _place(name: str, config: Config) -> int:
    assert isinstance(config.data, TokenChunks)
    return config.run.seed if name == "again" else config.data.tokens or 0
