"""One attempt at a run of a sweep, in whatever process: it ends in a record, or in words why there is none."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import first_line
from ..results import Record
from .plan import Planned

if TYPE_CHECKING:
    from .history import History

LEFT_S = 30.0  # seconds that a process of before, cut off from its driver, is given to leave a run's folder


@dataclass(frozen=True)
class Terms:
    """What all runs of a sweep have in common.

    Attributes:
        work: absolute; a run's checkpoints lie in `work / name`. command: of the sweep; a record adds `--only NAME`.
        device: "cpu", "cuda"... threads: of the CPU; None is torch's own choice. minutes, keep: of checkpoints.
        inputs: files that records name besides those of the run's own data.
    """

    work: Path
    command: str
    device: str = "cpu"
    threads: int | None = None
    minutes: float = 5.0
    keep: int = 2
    inputs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Seen:
    """How far a run is, and how it is doing."""

    step: int
    words: str


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended: with a record, or with words for what went wrong.

    Attributes:
        again: another attempt may end better. interrupted: asked to stop, and kept. trace: of an error that is none of
            ours. notes: what the training had to say in passing, where that is not heard otherwise.
    """

    record: Record | None = None
    failure: str = ""
    again: bool = True
    interrupted: bool = False
    trace: str = ""
    notes: tuple[str, ...] = ()


def attempt(planned: Planned, terms: Terms, report: Callable[[Seen], bool]) -> Attempt:
    """Train a run, from its newest checkpoint if there is one; nothing is raised, and the checkpoints stay.

    Args:
        report: told how far it is whenever losses have been looked at; true if the run is to stop.
    """
    from .loop import DivergedError

    try:
        return Attempt(_trained(planned, terms, report))
    except KeyboardInterrupt as stop:
        return Attempt(failure=str(stop) or "interrupted", interrupted=True)
    except DivergedError as error:  # it would diverge again, at the same step
        return Attempt(failure=first_line(error), again=False)
    except (ValueError, OSError) as error:
        return Attempt(failure=first_line(error))
    except Exception as error:
        if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
            return Attempt(failure="out of memory; try a larger run.accumulate or a smaller run.batch")
        return Attempt(failure=f"{type(error).__name__}: {first_line(error)}", trace=traceback.format_exc())


def _trained(planned: Planned, terms: Terms, report: Callable[[Seen], bool]) -> Record:
    import torch

    from .build import build
    from .record import to_record

    if terms.threads is not None:
        torch.set_num_threads(terms.threads)
    task = build(planned.config)
    trained = _in_free_folder(planned, task, terms, report)
    return to_record(
        planned.config,
        task,
        trained,
        name=planned.name,
        title=planned.title,
        command=f"{terms.command} --only {planned.name}",
        device=terms.device,
        inputs=terms.inputs,
    )


def _in_free_folder(planned: Planned, task: Any, terms: Terms, report: Callable[[Seen], bool]) -> Any:
    """Train, once whoever is still in the run's folder has left it."""
    from ..durable import InUseError
    from .loop import Keeping, train

    keeping = Keeping(terms.work / planned.name, terms.minutes, terms.keep)
    until = time.monotonic() + LEFT_S
    while True:
        try:
            return train(planned.config, task, device=terms.device, keeping=keeping, after_step=_told(report))
        except InUseError:
            if time.monotonic() > until:
                raise
        time.sleep(0.5)


def _told(report: Callable[[Seen], bool]) -> Callable[[int, History], bool]:
    """Tells of a run with its speed since the first time."""
    from .history import words

    first: list[tuple[float, int]] = []

    def tell(step: int, history: History) -> bool:
        now, tokens = time.monotonic(), int(history.columns["tokens"][step - 1])
        first.append((now, tokens)) if not first else None
        since, before = first[0]
        return report(Seen(step, words(history, (tokens - before) / (now - since) if now > since else None)))

    return tell
