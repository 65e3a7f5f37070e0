"""Where the runs of a sweep are attempted: on Ray, or one after another in this process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from .. import processes
from . import on_ray
from .attempt import Attempt, Terms
from .plan import Planned
from .serially import Serially
from .signals import asked_to_stop
from .watch import Watch

_log = logging.getLogger(__name__)


class Workers(Protocol):
    """Where runs are attempted."""

    def submit(self, planned: Planned) -> None:
        """Put a run at the end of the queue."""
        ...

    def next(self) -> tuple[Planned, Attempt]:
        """Wait for an attempt that ends."""
        ...


_Maker = Callable[[Watch, threading.Event], Workers]


@dataclass(frozen=True)
class Options:
    """How runs are run; none of it changes what they measure, but for the digits that threads and devices round.

    Attributes:
        on: "ray", "serial", or "auto": Ray if it is installed. address: of a Ray cluster; None is $RAY_ADDRESS, else
            one of this process's own. cpus, gpus: of Ray's that each run is given; `gpus` None is 1 where there are
            GPUs, under 1 lets several runs share one. device: "auto", "cpu", "cuda", serially any that torch knows.
        threads: of the CPU in each run; None is `cpus` on Ray and torch's own choice elsewhere.
        retries: of a run that failed, before it is left. minutes, keep: of checkpoints (`loop.Keeping`).
    """

    on: Literal["auto", "ray", "serial"] = "auto"
    address: str | None = None
    cpus: int = 1
    gpus: float | None = None
    device: str = "auto"
    threads: int | None = None
    retries: int = 2
    minutes: float = 5.0
    keep: int = 2

    def __post_init__(self) -> None:
        for name, least in (("cpus", 1), ("threads", 1), ("retries", 0), ("minutes", 0), ("keep", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}, expected at least {least}")
        if self.gpus is not None and not (0 <= self.gpus <= 1 or (self.gpus > 1 and self.gpus == int(self.gpus))):
            raise ValueError(f"gpus is {self.gpus:g}, expected a share of one in 0...1, or a whole number")
        if self.on == "serial" and self.address is not None:
            raise ValueError(f"address {self.address}: of a Ray cluster, but the runs are to be run serially")


@dataclass(frozen=True)
class Crew:
    """Workers, what is seen of them, and the event that asks them to stop."""

    workers: Workers
    watch: Watch
    stop: threading.Event


@contextlib.contextmanager
def crew(runs: Sequence[Planned], terms: Terms, options: Options, progress: bool) -> Iterator[Crew]:
    """Where the runs are attempted, with signals that ask them to stop."""
    if processes.started():
        raise ValueError("a sweep starts processes of its own; run it without torchrun, on Ray for several GPUs")
    from .checkpoint import step_kept
    from .costs import costs

    weights = dict(
        zip((run.name for run in runs), (cost.flop for cost in costs([r.config for r in runs])), strict=True)
    )
    steps = {run.name: step_kept(terms.work / run.name) for run in runs}
    with contextlib.ExitStack() as stack:
        chosen = _on_ray(stack, terms, options) if _takes_ray(options) else _serially(stack, terms, options)
        watch = stack.enter_context(contextlib.closing(Watch(runs, weights, steps, progress)))
        stop = stack.enter_context(asked_to_stop())
        yield Crew(chosen(watch, stop), watch, stop)


def _takes_ray(options: Options) -> bool:
    if options.on == "auto" and options.address is None and not on_ray.installed():
        _log.warning("Ray is not installed (%s): the runs go one after another", on_ray.INSTALL)
        return False
    return options.on != "serial"


def _serially(stack: contextlib.ExitStack, terms: Terms, options: Options) -> _Maker:
    import torch

    device = stack.enter_context(processes.joined(options.device))
    stack.callback(torch.set_num_threads, torch.get_num_threads())
    terms = replace(terms, device=device, threads=options.threads)
    return lambda watch, stop: Serially(terms, watch, stop)


def _on_ray(stack: contextlib.ExitStack, terms: Terms, options: Options) -> _Maker:
    if options.device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device {options.device!r}: on Ray expected auto, cpu or cuda; Ray gives each run its own")
    connected = stack.enter_context(on_ray.cluster(options.address))
    gpus = options.gpus
    if gpus is None:
        gpus = 1.0 if options.device == "cuda" or (options.device == "auto" and connected.gpus()) else 0.0
    if (options.device == "cuda" and not gpus) or (options.device == "cpu" and gpus):
        raise ValueError(f"device {options.device} does not go with {gpus:g} GPUs for each run")
    connected.check_room(options.cpus, gpus)
    terms = replace(terms, device="cuda" if gpus else "cpu", threads=options.threads or options.cpus)

    def make(watch: Watch, stop: threading.Event) -> Workers:
        workers = on_ray.OnRay(connected.ray, terms, watch, stop, options.cpus, gpus)
        stack.callback(workers.close)
        return workers

    return make
