"""The runs of a sweep: a base, as of a single run, and tables of values over it.

    [model]                     # and [data], [optimiser], [schedule], [run], as for one run
    kind = "vanilla"

    [[runs]]
    name = "grammar-{model.layers}-layers-seed-{run.seed}"
    title = "{model.layers} layers, seed {run.seed}"
    set = { "model.width" = 128 }
    grid = { "model.layers" = [6, 10], "run.seed" = [0, 1, 2] }

`set` puts values over the base, `grid` every combination of its own; several [[runs]] add up. Every run has a record
of its own, whose name and title come from the templates (`templates.fill`).
"""

from __future__ import annotations

import fnmatch
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import results
from . import config as configuration
from .config import Config
from .differences import differences
from .templates import fill

RUNS = "runs"
_KEYS = ("name", "title", "set", "grid")


@dataclass(frozen=True)
class Planned:
    """A run of a sweep: its configuration, and its record's name and title."""

    name: str
    title: str
    config: Config


def load(source: str | os.PathLike[str], assignments: Iterable[str] | Mapping[str, Any] = ()) -> list[Planned]:
    """The runs of a TOML file or preset, in its order.

    Args:
        assignments: values over those of all runs, as `section.key=value` or {"section.key": value}; not over a grid's.

    Raises:
        ValueError: no such file or preset, no TOML, no sweep; a table, template or configuration that will not do; two
            runs of one name. It names the file and what is wrong in it.
    """
    sections = configuration.read_toml(source)
    try:
        return planned(sections, assignments)
    except ValueError as error:
        raise ValueError(f"{Path(source).name}: {error}") from error


def planned(sections: Mapping[str, Any], assignments: Iterable[str] | Mapping[str, Any] = ()) -> list[Planned]:
    """The same from a file's content; ValueError as `load`, without the file's name."""
    if RUNS not in sections:
        raise ValueError("a single run, expected a sweep with [[runs]]; `beyond-scaling train` takes it")
    tables = sections[RUNS]
    if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
        raise ValueError(f"runs is {tables!r}, expected one or more tables [[runs]]")
    base = {name: values for name, values in sections.items() if name != RUNS}
    given = configuration.pairs(assignments)
    found: list[Planned] = []
    for number, table in enumerate(tables, start=1):
        try:
            found += _of_table(base, table, given)
        except ValueError as error:
            raise ValueError(f"[[runs]] {number}: {error}") from error
    _check_names(found)
    return found


def select(runs: Sequence[Planned], patterns: Sequence[str]) -> list[Planned]:
    """The runs whose name fits one of the patterns (`*`, `?`, `[...]`); all of them if there is no pattern.

    Raises:
        ValueError: a pattern that no name fits.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(run.name, pattern) for run in runs):
            raise ValueError(f"no run is called {pattern!r}; there are {_some([run.name for run in runs])}")
    return [run for run in runs if not patterns or any(fnmatch.fnmatchcase(run.name, text) for text in patterns)]


def _of_table(base: Mapping[str, Any], table: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Planned]:
    if unknown := sorted(set(table) - set(_KEYS)):
        raise ValueError(f"{unknown[0]}: unknown; expected {', '.join(_KEYS)}")
    name, title = (table.get(key, default) for key, default in (("name", None), ("title", "Training run {name}")))
    for key, text in (("name", name), ("title", title)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{key} is {text!r}, expected a text, with fields such as {{run.seed}} where runs differ")
    values, grid = (_by_name(table.get(key, {}), key) for key in ("set", "grid"))
    for key, choices in grid.items():
        if not isinstance(choices, list) or not choices:
            raise ValueError(f"grid: {key} is {choices!r}, expected a list of values")
        if key in values or key in given:
            raise ValueError(f"{key} is in the grid, and set to one value as well")
    sections = configuration.assigned(configuration.assigned(base, values), given)
    for point in itertools.product(*grid.values()):
        config = configuration.from_sections(configuration.assigned(sections, dict(zip(grid, point, strict=True))))
        filled = fill(name, config)
        results.check_name(filled)
        yield Planned(filled, fill(title, config, name=filled), config)


def _by_name(values: Any, place: str) -> dict[str, Any]:
    """{"section.key": value}, however TOML nests it: `run.seed = 1` and `"run.seed" = 1` mean the same."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{place} is {values!r}, expected a table of section.key = value")
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= (
            {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, Mapping) else {name: value}
        )
    return found


def _check_names(runs: Sequence[Planned]) -> None:
    first: dict[str, Planned] = {}
    for run in runs:
        other = first.setdefault(run.name, run)
        if other is run:
            continue
        apart = [words.partition(" is ")[0] for words in differences(other.config.sections(), run.config.sections())]
        if not apart:
            raise ValueError(f"two runs are called {run.name!r}, and are the same")
        raise ValueError(
            f"two runs are called {run.name!r}; the name has to tell them apart: they differ in {_some(apart)}"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
