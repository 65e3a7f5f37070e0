"""Sweeps: many runs from one file, each with its own record, on Ray or one after another.

    runs = sweep.load("my-sweep.toml", ["run.seed=1"])
    outcomes = sweep.run_all(runs, work="work", root="results")

A run whose record is there is done. One that was cut off, with the sweep or alone, goes on from its checkpoint. One
that fails is attempted again, then left; the others go on.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import results
from ..durable import held
from ..errors import first_line
from .attempt import Attempt, Terms
from .plan import Planned, load, select
from .recorded import done
from .workers import Crew, Options, crew

_log = logging.getLogger(__name__)


class SweepInterrupted(KeyboardInterrupt):
    """The sweep was asked to stop; the message says how many runs are done, and where the others are kept."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run: its record, or why there is none.

    Attributes:
        record: what it measured, now or before. attempts: in this sweep; 0 if it was done before.
        failure: of the last attempt, in words; empty if there is a record. interrupted: it was not that, but asked to
            stop.
    """

    planned: Planned
    record: results.Record | None
    attempts: int
    failure: str = ""
    interrupted: bool = False


def run_all(
    runs: Sequence[Planned],
    *,
    work: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    options: Options | None = None,
    command: str = "beyond-scaling sweep",
    overwrite: bool = False,
    progress: bool = False,
    inputs: tuple[Mapping[str, Any], ...] = (),
) -> list[Outcome]:
    """Run what is not done yet, and save a record of each run as it ends.

    Args:
        runs: with distinct names, as `load` gives them.
        work: folder for checkpoints, one folder in it for each run; on a cluster one that all nodes see.
        root: folder of the records; only this process writes there.
        command: that records name; `--only NAME` is added.
        overwrite: replace records of these names that are of other runs; those that are done stay.
        inputs: files that records name besides those of their data, such as the sweep's own.

    Returns:
        The outcome of every run, in the order of `runs`.

    Raises:
        ValueError: before anything is run: as `done`; a work folder in use, no Ray, no such cluster, too small a one.
        SweepInterrupted: on SIGINT or SIGTERM, once all runs under way have stopped at a checkpoint. A second signal
            ends at once (KeyboardInterrupt).
    """
    options = options or Options()
    folder = Path(root) if root is not None else results.default_root()
    results.refuse_paths(command=command, **{f"title of {run.name}": run.title for run in runs})
    there = done(runs, folder, overwrite=overwrite)
    outcomes = {name: Outcome(run, there[name], 0) for run in runs if (name := run.name) in there}
    left = [run for run in runs if run.name not in there]
    place = Path(os.path.abspath(Path(work).expanduser()))
    if left:
        terms = Terms(place, command, minutes=options.minutes, keep=options.keep, inputs=inputs)
        with held(place), crew(left, terms, options, progress) as found:
            outcomes |= _run(left, found, options.retries, lambda record: _save(record, folder, place, overwrite))
        with contextlib.suppress(OSError):
            place.rmdir()  # if nothing is kept there
        if kept := sum(outcome.interrupted for outcome in outcomes.values()):
            ended = f"{len(runs) - kept} of {len(runs)} runs have ended"
            raise SweepInterrupted(f"{ended}; the same command goes on from there (kept in {place})")
    return [outcomes[run.name] for run in runs]


def _run(
    runs: Sequence[Planned], crew: Crew, retries: int, save: Callable[[results.Record], None]
) -> dict[str, Outcome]:
    """Attempt every run until it has a record, or for the last time."""
    attempts: Counter[str] = Counter()
    outcomes: dict[str, Outcome] = {}
    for run in runs:
        crew.workers.submit(run)
    while len(outcomes) < len(runs):
        run, tried = crew.workers.next()
        attempts[run.name] += 1
        for note in tried.notes:
            _log.warning("%s: %s", run.name, note)
        stopping = crew.stop.is_set()
        if tried.record is None and tried.again and not stopping and attempts[run.name] <= retries:
            _log.warning("%s: %s; attempt %d of %d", run.name, tried.failure, attempts[run.name] + 1, retries + 1)
            crew.watch.paused(run.name)
            crew.workers.submit(run)
            continue
        outcomes[run.name] = outcome = _outcome(run, tried, attempts[run.name], stopping, save)
        if outcome.interrupted:
            crew.watch.paused(run.name)
        else:
            crew.watch.ended(run.name, sound=outcome.record is not None)
    return outcomes


def _outcome(
    run: Planned, tried: Attempt, attempts: int, stopping: bool, save: Callable[[results.Record], None]
) -> Outcome:
    """What became of a run that is not attempted again; its record is saved."""
    if tried.record is None:
        interrupted = stopping and tried.again
        if not interrupted:
            _log.warning("%s: %s", run.name, "\n".join(filter(None, (tried.failure, tried.trace))))
        return Outcome(run, None, attempts, tried.failure, interrupted)
    try:
        save(tried.record)
    except (ValueError, OSError) as error:
        failure = f"{first_line(error)}; what was trained is kept, and the same command saves it"
        _log.warning("%s: %s", run.name, failure)
        return Outcome(run, None, attempts, failure)
    return Outcome(run, tried.record, attempts)


def _save(record: results.Record, root: Path, work: Path, overwrite: bool) -> None:
    from .checkpoint import clear

    results.save(record, root, overwrite=overwrite)
    clear(work / record.name)


__all__ = ["Options", "Outcome", "Planned", "SweepInterrupted", "done", "load", "run_all", "select"]
