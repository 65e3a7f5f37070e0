"""What the commands of the book cost: measured, added up from the records they made, or estimated from operations.

A measurement is a record ``cost-ID`` of kind ``run-cost``: ``tools/costs.py`` runs a command as written in a fresh
folder and looks at its processes several times a second. Columns: ``seconds`` since the start, ``bytes`` of memory of
all its processes together (a page that several of them share is counted once), ``processes``, how many there were.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from . import results
from ._powers import power_of_ten
from .agreement import key_problems
from .commands import Command
from .results import Record, RecordError

KIND = "run-cost"
PREFIX = "cost-"
SUMMARY = {"wall_s", "cpu_s", "peak_bytes", "load"}
PARAMETERS = {"command", "short", results.MADE + "command"}

# No GPU was at hand to measure on, so estimates are for what one may sustain: well fed, and fed with small models.
SPEEDS = (1e14, 1e13)  # operations a second
BYTES_A_WEIGHT = 16  # in training: the weight, its gradient and Adam's two means, in float32


@dataclass(frozen=True)
class Told:
    """The cost of a command, and how it is known.

    Attributes:
        kind: ``measured``, ``records``, ``estimate``, ``said``, or ``unknown``.
        seconds: of one core; None where it is not known. Of an estimate, of all processors, from least to most.
        bytes: of memory at most; of an estimate, at least; None where it is not known.
        runs: of how many runs ``seconds`` is the sum.
        operations: of an estimate.
        processors: among which the operations are shared.
        said: all there is to say.
    """

    kind: str
    seconds: tuple[float, ...] | None = None
    bytes: float | None = None
    runs: int = 1
    operations: float = 0.0
    processors: int = 1
    said: str = ""

    def words(self) -> str:
        """In a sentence."""
        memory = "" if self.bytes is None else f"{in_bytes(self.bytes)} of memory"
        if self.kind == "said":
            return self.said
        if self.kind == "unknown" or self.seconds is None:
            return "Not measured."
        if self.kind == "estimate":
            least, most = (in_time(seconds) for seconds in self.seconds)
            each = " on each GPU" if self.processors > 1 else ""
            room = f", and {memory} at least{each}" if memory else ""
            return (
                f"An estimate, not a measurement: {_in_tens(self.operations)} operations, so {least} at"
                f" {SPEEDS[0] / 1e12:.0f} TFLOP/s{each}, {most} at {SPEEDS[1] / 1e12:.0f}{room}."
            )
        time = f"{in_time(self.seconds[0])} of one core"
        if self.kind == "records":
            time += f" for {self.runs} runs, by their records" if self.runs > 1 else ", by the record that it made"
            return f"{time}{f'; {memory}, by a short run of the same size' if memory else ''}."
        return f"{time} and {memory}, measured."


def _in_tens(count: float) -> str:
    """6.5 · 10¹⁶."""
    digits, power = f"{count:.1e}".split("e")
    return f"{digits} · {power_of_ten(int(power))}"


def told(command: Command, root: str | os.PathLike[str] | None = None) -> Told:
    """What a command costs, by the records in the folder `root`.

    Raises:
        RecordError: a record that is damaged, or a measurement of another command.
    """
    known = _measured(command, root)
    if command.cost.kind == "said":
        return Told("said", said=command.cost.words)
    if command.cost.kind == "record" and known is not None:
        return Told("measured", (known.summary["cpu_s"],), known.summary["peak_bytes"])
    if command.cost.kind in ("record", "records"):  # what was not measured as written may have made records
        names = matching(command.records, results.names(root))
        if not names:
            return Told("unknown")
        seconds = sum(results.load(name, root).duration_s for name in names)
        memory = None if known is None else known.summary["peak_bytes"]
        return Told("records", (seconds,), memory, len(names))
    assert command.cost.values is not None
    return _training(**command.cost.values) if command.cost.kind == "training" else _radius(**command.cost.values)


def all_told(commands: Mapping[str, Command], root: str | os.PathLike[str] | None = None) -> dict[str, Told]:
    """The costs of all commands, by id."""
    return {name: told(command, root) for name, command in commands.items()}


def matching(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """Those of the names that fit a pattern, each once, in their order."""
    chosen = list(patterns)
    return [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in chosen)]


def measured_line(command: Command) -> tuple[str, bool]:
    """The shell line whose cost is measured, and whether it is a short one."""
    return (command.cost.short, True) if command.cost.kind == "records" else (command.run, False)


def is_measured(command: Command) -> bool:
    """Whether a record ``cost-ID`` belongs to a command."""
    return command.cost.kind == "record" or bool(command.cost.short)


def make(
    command: Command, *, samples: Sequence[tuple[float, int, int]], wall_s: float, cpu_s: float, load: float, how: str
) -> Record:
    """The record of a measurement.

    Args:
        samples: (seconds since the start, bytes, processes), at least one.
        wall_s, cpu_s: by the clock, and of all processors.
        load: of the machine in the minute before.
        how: the command line that measured.

    Raises:
        ValueError: no sample.
    """
    if not samples:
        raise ValueError(f"command {command.id!r}: no sample of its memory, expected one at least")
    seconds, memory, processes = (np.array(column) for column in zip(*samples, strict=True))
    line, short = measured_line(command)
    return Record(
        name=PREFIX + command.id,
        title=f"What {'a short run of ' if short else ''}{command.id} costs",
        kind=KIND,
        command=how,
        seed=0,
        parameters={"command": line, "short": short, results.MADE + "command": _digest(line)},
        inputs=(),
        columns={
            "seconds": np.round(seconds, 3),
            "bytes": memory.astype(np.int64),
            "processes": processes.astype(np.int64),
        },
        summary={
            "wall_s": round(wall_s, 3),
            "cpu_s": round(cpu_s, 3),
            "peak_bytes": int(memory.max()),
            "load": round(load, 2),
        },
        duration_s=round(wall_s, 3),
    )


def check(record: Record) -> None:
    """Whether a measurement says what its columns hold.

    Raises:
        RecordError: naming everything that is wrong, one problem a line.
    """
    problems = list(_problems(record))
    if problems:
        raise RecordError("\n".join(f"record {record.name!r}: {problem}" for problem in problems))


def _problems(record: Record) -> Iterator[str]:
    if record.kind != KIND:
        yield f"kind is {record.kind!r}; expected {KIND!r}"
        return
    wrong = [
        *key_problems("summary", record.summary, SUMMARY),
        *key_problems("parameters", record.parameters, PARAMETERS),
        *key_problems("columns", record.columns, {"seconds", "bytes", "processes"}),
    ]
    yield from wrong
    if wrong:
        return
    if record.parameters[results.MADE + "command"] != _digest(record.parameters["command"]):
        yield "parameters has another hash of the command than it gives"
    if not len(record.columns["bytes"]):
        yield "columns have no row"
        return
    peak = int(record.columns["bytes"].max())
    if record.summary["peak_bytes"] != peak:
        yield f"summary.peak_bytes is {record.summary['peak_bytes']}; its columns give {peak}"
    if record.summary["wall_s"] != record.duration_s:
        yield f"summary.wall_s is {record.summary['wall_s']}; it took {record.duration_s}"
    if (np.diff(record.columns["seconds"]) < 0).any() or record.columns["seconds"][-1] > record.duration_s + 1:
        yield "column seconds does not go up to the end"


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _measured(command: Command, root: str | os.PathLike[str] | None) -> Record | None:
    name = PREFIX + command.id
    if not results.exists(name, root):
        return None
    record = results.load(name, root)
    check(record)
    line, short = measured_line(command)
    if (record.parameters["command"], record.parameters["short"]) != (line, short):
        raise RecordError(
            f"record {name!r} is the cost of {record.parameters['command']!r}, and the command is now {line!r};"
            f" measure it again: python tools/costs.py {command.id}"
        )
    return record


def _training(sweep: str, vocabulary: int | None, processors: int = 1) -> Told:
    """Of all runs of a sweep, none ended early."""
    from .training.costs import costs
    from .training.plan import load

    found = costs([run.config for run in load(sweep)], vocabulary)
    operations = sum(each.flop for each in found)
    room = BYTES_A_WEIGHT * max(each.weights for each in found)
    return _estimate(operations, processors, room, len(found))


def _radius(chunks: int, length: int, sites: int, processors: int) -> Told:
    """Of GPT-2 medium's activations at so many sites, with all controls, as Chapter 8b counts it.

    Four passes of the model over the chunks: itself, untrained, shuffled, rescaled. Four sets of vectors at every site,
    with the Gaussian's and without the rescaled one's, which has one.
    """
    from .models.parameters import gpt2_parameters
    from .radius.costs import cost

    medium = gpt2_parameters()
    width = medium.d_emb
    one = 2.0 * medium.blocks * chunks * length + 4.0 * medium.layers * width * chunks * length**2
    search = cost(chunks, width, rate=SPEEDS[0]).flop
    room = 4.0 * medium.total + 4.0 * width * chunks
    return _estimate(4 * one + (4 * sites + 1) * search, processors, room, 1)


def _estimate(operations: float, processors: int, room: float, runs: int) -> Told:
    spans = tuple(operations / speed / processors for speed in SPEEDS)
    return Told("estimate", spans, room, runs, operations=operations, processors=processors)


def in_time(seconds: float) -> str:
    """Two digits and a unit: "24 seconds", "9.7 minutes", "3.6 hours", "12 days"."""
    for unit, size in (("days", 2 * 86400.0), ("hours", 2 * 3600.0), ("minutes", 90.0)):
        if seconds >= size:
            number = seconds / {"days": 86400.0, "hours": 3600.0, "minutes": 60.0}[unit]
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:,.0f} {unit}"
    return f"{seconds:.1f} seconds" if seconds < 9.95 else f"{seconds:.0f} seconds"


def in_bytes(count: float) -> str:
    """In MB or GB, of 1000s."""
    if count < 0.995e9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 9.95e9 else f"{count / 1e9:.0f} GB"
