"""Every command that makes something in the book: as written, where it runs, what it needs, and how it is checked.

The one file is ``book/commands.yml``, a list of places, each with its commands. Chapter 17 is written from it
(``bookbuild.commands``), ``tools/costs.py`` measures from it, and ``tests/test_commands.py`` runs every command of it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import provenance
from .strict_yaml import FormError, items, keys, read, text

FILE = "commands.yml"
PACKAGED = Path(__file__).with_name("book_commands.yml")  # the same file in a wheel
PLACES = {
    "start": "To begin",
    "laptop": "On a laptop",
    "network": "On a laptop, with data from elsewhere",
    "gpu": "On one GPU",
    "gpus": "On many GPUs",
}
REQUIRED = ("id", "makes", "run", "cost")
OPTIONAL = ("chapter", "records", "leaves", "needs", "after", "checkout", "preset", "preset_leaves", "preset_after")
COSTS = ("record", "records", "training", "radius", "said")

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_RECORDS = re.compile(r"[a-z0-9*?\[][a-z0-9.*?\[\]_-]*")
_LAUNCHERS = {"torchrun": "-m"}  # what follows that option is the program


@dataclass(frozen=True)
class Cost:
    """Where the cost of a command comes from.

    Attributes:
        kind: a key of ``COSTS``. ``record``: measured as written, in the record ``cost-ID``. ``records``: the sum of
            the durations of the records that it makes; memory from a short run, measured in ``cost-ID``.
            ``training`` and ``radius``: an estimate from operations. ``said``: nothing to count.
        short: of ``records``, the short run whose peak memory is that of the whole.
        words: of ``said``, what it costs.
        values: of an estimate, what it is computed from.
    """

    kind: str
    short: str = ""
    words: str = ""
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        id: its name, and that of the record of its cost, ``cost-ID``.
        place: a key of ``PLACES``.
        makes: what it makes (MyST).
        run: the shell line, exactly as a reader gives it; it may go over several lines.
        cost: where its cost comes from.
        chapter: the page that shows what it makes; empty if none does.
        records: names, or patterns of names, of the book's records that it makes.
        leaves: what it leaves where it runs, records among it, as paths.
        needs: what must be there beforehand (MyST).
        after: the commands that have to go before it in the same folder; of a test, those and ``preset_after``.
        checkout: whether it runs in the checkout of the book; else in any folder.
        preset: the small one that a test runs instead; empty if the test runs the command as written.
        preset_leaves: what that leaves.
    """

    id: str
    place: str
    makes: str
    run: str
    cost: Cost
    chapter: str = ""
    records: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    needs: str = ""
    after: tuple[str, ...] = ()
    checkout: bool = False
    preset: str = ""
    preset_leaves: tuple[str, ...] = ()
    preset_after: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """The id of its entry in the chapter."""
        return f"run-{self.id}"

    @property
    def tested(self) -> tuple[str, tuple[str, ...]]:
        """The shell line that a test runs, and what it has to leave."""
        return (self.preset, self.preset_leaves) if self.preset else (self.run, self.leaves)

    def before(self, commands: Mapping[str, Command], *, test: bool = False) -> list[Command]:
        """The commands that have to go before this one, or before its test, in order, each once."""
        seen: dict[str, Command] = {}
        for name in (*self.after, *(self.preset_after if test else ())):
            seen |= {each.id: each for each in commands[name].before(commands, test=test)}
            seen[name] = commands[name]
        return list(seen.values())


def load(path: str | os.PathLike[str] | None = None) -> dict[str, Command]:
    """The commands of a file, by id, in the file's order.

    Args:
        path: the file; that of the checkout that the package runs from, or else of the package itself, if None.

    Raises:
        FileNotFoundError: no such file.
        FormError: not YAML; an unknown, missing, empty or repeated field; an unknown place or way of costing; an
            id that stands there twice; a command that comes before one it is after; a preset of another program.
    """
    checkout = provenance.checkout()
    file = Path(path) if path is not None else checkout / "book" / FILE if checkout is not None else PACKAGED
    name = file.name
    commands: dict[str, Command] = {}
    places: list[str] = []
    for group in items(read(file), name, "places"):
        keys(group, ("place", "commands"), (), f"{name}: a place")
        place = text(group["place"], f"{name}: a place", "place")
        if place not in PLACES:
            raise FormError(f"{name}: place {place!r}, expected one of {', '.join(PLACES)}")
        if place in places:
            raise FormError(f"{name}: place {place!r} stands there twice")
        places.append(place)
        for entry in items(group["commands"], f"{name}: place {place!r}", "commands"):
            command = _command(entry, place, name)
            if command.id in commands:
                raise FormError(f"{name}: command {command.id!r} stands there twice")
            above = (*command.after, *command.preset_after)
            if unknown := [other for other in above if other not in commands]:
                raise FormError(f"{name}: command {command.id!r} is after {unknown[0]!r}, which is not above it")
            commands[command.id] = command
    return commands


def program(line: str) -> tuple[str, ...]:
    """What a shell line runs: program, subcommand, and whatever else comes before the first option or name of a file.

    ``("beyond-scaling", "sweep")`` of ``beyond-scaling sweep cpu-light``, by torchrun or not.
    """
    words = [word for word in shlex.split(line.replace("\\\n", " "), comments=True) if word not in ("&&", ";")]
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if words and words[0] in _LAUNCHERS:
        option = _LAUNCHERS[words[0]]
        inner = words[words.index(option) + 1 :] if option in words else []
        return (words[0], *(part.replace("_", "-") for part in inner[:2]))
    if words and words[0] == "make":
        return ("make", words[-1])
    return tuple(words[:2])


def _command(entry: Any, place: str, file: str) -> Command:
    name = entry.get("id") if isinstance(entry, Mapping) else None
    where = f"{file}: command {name!r}" if name else f"{file}: a command of {place!r}"
    keys(entry, REQUIRED, OPTIONAL, where)
    words = {field: text(entry[field], where, field) for field in ("id", "makes", "run")}
    words |= {field: text(entry[field], where, field) for field in ("chapter", "needs", "preset") if field in entry}
    lists = {
        field: tuple(text(one, where, field) for one in items(entry[field], where, field))
        for field in ("records", "leaves", "after", "preset_leaves", "preset_after")
        if field in entry
    }
    if not _ID.fullmatch(words["id"]):
        raise FormError(f"{where}: id is {words['id']!r}, expected lower-case words and numbers joined by '-'")
    checkout = entry.get("checkout", False)
    if not isinstance(checkout, bool):
        raise FormError(f"{where}: checkout is {checkout!r}, expected true or false")
    for pattern in lists.get("records", ()):
        if not _RECORDS.fullmatch(pattern):
            raise FormError(f"{where}: records has {pattern!r}, expected the name of a record, or a pattern of names")
    for field in ("leaves", "preset_leaves"):
        for left in lists.get(field, ()):
            if left.startswith(("/", "~")) or ".." in left.split("/"):
                raise FormError(f"{where}: {field} has {left!r}, expected a path below the folder it runs in")
    for field in ("preset_leaves", "preset_after"):
        if field in lists and "preset" not in words:
            raise FormError(f"{where}: {field} and no preset")
    for field in ("run", "preset"):
        if field in words:
            _shell(words[field], where, field)
    if "preset" in words and program(words["preset"]) != program(words["run"]):
        raise FormError(
            f"{where}: the preset runs {' '.join(program(words['preset']))!r}, not {' '.join(program(words['run']))!r}"
        )
    if place in ("gpu", "gpus") and entry["cost"] == "record":
        raise FormError(f"{where}: cost is 'record', which is measured on a laptop; expected an estimate")
    fields: dict[str, Any] = {**words, **lists}
    return Command(place=place, checkout=checkout, cost=_cost(entry["cost"], lists, where), **fields)


def _shell(line: str, where: str, field: str) -> None:
    try:
        found = shlex.split(line.replace("\\\n", " "), comments=True)
    except ValueError as reason:
        raise FormError(f"{where}: {field} is no shell line: {reason}") from reason
    if not found:
        raise FormError(f"{where}: {field} has nothing to run")


def _cost(value: Any, lists: Mapping[str, Any], where: str) -> Cost:
    if value == "record":
        return Cost("record")
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in COSTS[1:]:
        raise FormError(
            f"{where}: cost is {value!r}, expected 'record', or one of {', '.join(COSTS[1:])} with what it comes from"
        )
    kind, given = next(iter(value.items()))
    if kind == "said":
        return Cost(kind, words=text(given, where, "cost, said"))
    place = f"{where}, cost, {kind}"
    if kind == "records":
        keys(given, ("short",), (), place)
        if "records" not in lists:
            raise FormError(f"{where}: cost is that of its records, and it has no records")
        line = text(given["short"], place, "short")
        _shell(line, place, "short")
        return Cost(kind, short=line)
    if kind == "training":
        keys(given, ("sweep",), ("vocabulary", "processors"), place)
        counts = {field: _count(given[field], place, field) for field in given if field != "sweep"}
        return Cost(kind, values={"sweep": text(given["sweep"], place, "sweep"), "vocabulary": None} | counts)
    keys(given, ("chunks", "length", "sites"), ("processors",), place)
    return Cost(kind, values={"processors": 1} | {field: _count(given[field], place, field) for field in given})


def _count(value: Any, where: str, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FormError(f"{where}: {field} is {value!r}, expected a whole number of at least 1")
    return value
