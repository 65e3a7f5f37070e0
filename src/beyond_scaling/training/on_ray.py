"""The runs of a sweep on Ray, each a task of its own: on this machine, or on a cluster that is there already.

Workers tell an actor how far they are, and learn from its answer whether to stop; the driver reads what it was told.
Records come back as the tasks' results, so only the driver needs the folder of results. Work and data folders should
be ones that all nodes see under the same names: without the first a run that has to go on elsewhere begins anew,
without the second it fails.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import re
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import first_line
from .attempt import Attempt, Seen, Terms, attempt
from .plan import Planned
from .watch import Watch

INSTALL = "pip install 'beyond-scaling[cluster]'"
POLL_S = 0.5  # between two looks at the tasks
ANSWER_S = 0.2  # that a run waits for whether to stop; it asks again when it looks at its losses the next time
_ADDRESS = re.compile(r"(?:ray://)?\[?([^/]+?)\]?:(\d{1,5})")
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it announces a change to come
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^A worker died or was killed",  # the sweep says so itself
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # of a cluster that does not answer; each takes a minute
}
_OBJECTS = 256 << 20  # bytes of the local store of results; Ray's own choice is a third of the memory
_log = logging.getLogger(__name__)


def installed() -> bool:
    """Whether Ray is there."""
    return importlib.util.find_spec("ray") is not None


@dataclass(frozen=True)
class Cluster:
    """A connection: the `ray` package, and whether the cluster is this process's own, as large as it will ever be."""

    ray: Any
    own: bool

    def gpus(self) -> float:
        """How many GPUs there are."""
        return float(self.ray.cluster_resources().get("GPU", 0.0))

    def check_room(self, cpus: int, gpus: float) -> None:
        """See that a node has as much as a run is to be given; another's cluster may grow, so there it is only said.

        Raises:
            ValueError: none has.
        """
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
            return
        there = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes[:3])
        words = f"a run asks for {cpus} CPUs and {gpus:g} GPUs, and no node has as many (there: {there})"
        if self.own:
            raise ValueError(f"{words}; see --cpus-per-run and --gpus-per-run")
        _log.warning("%s: waiting for one", words)


@contextlib.contextmanager
def cluster(address: str | None = None) -> Iterator[Cluster]:
    """Ray, connected: to the cluster at `address` (or $RAY_ADDRESS), else to one of this process's own.

    A connection that is there already, such as a notebook's, is used and stays.

    Raises:
        ValueError: Ray is not installed, or there is no such cluster, or none can be started.
    """
    if not installed():
        raise ValueError(f"Ray is not installed: {INSTALL}, or run the sweep serially (--on serial)")
    with _environment(_ENVIRONMENT):
        import ray
    if ray.is_initialized():
        if address is not None:
            raise ValueError(f"address {address}: this process is connected to a Ray cluster already")
        yield Cluster(ray, own=False)
        return
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    with contextlib.ExitStack() as stack:
        own: dict[str, Any] = {}
        environment = _ENVIRONMENT
        if where == "local":
            environment = environment | {"RAY_AUTH_TOKEN": _token()}
            own = {"include_dashboard": False, "object_store_memory": _OBJECTS}
            own |= {"_temp_dir": folder} if (folder := stack.enter_context(_short_folder())) else {}
        else:
            _check_reachable(where)
        stack.enter_context(_surroundings_kept())
        stack.callback(ray.shutdown)
        try:
            with _environment(environment):
                ray.init(address=where, logging_level=logging.ERROR, log_to_driver=False, **own)
        except Exception as error:  # Ray has several classes for it, and asserts as well
            if own:
                raise ValueError(f"a local Ray cluster cannot be started: {first_line(error)}") from error
            raise ValueError(
                f"no Ray cluster at {where}: {first_line(error)}; one that asks for a token needs RAY_AUTH_MODE=token,"
                " and the token"
            ) from error
        yield Cluster(ray, bool(own))


class OnRay:
    """Takes runs, and gives them back with what became of them.

    Args:
        cpus, gpus: that each run is given; several share a GPU if `gpus` is under 1.
        stop: once it is set, runs under way are asked to stop, and the others are not begun.
    """

    def __init__(
        self, ray: Any, terms: Terms, watch: Watch, stop: threading.Event, cpus: int = 1, gpus: float = 0.0
    ) -> None:
        self._ray, self._terms, self._watch, self._stop = ray, terms, watch, stop
        self._tasks: dict[Any, Planned] = {}
        self._begun: set[str] = set()
        self._cancelled: set[Any] = set()
        # one that dies is replaced, and told again
        self._board = ray.remote(num_cpus=0, max_restarts=-1)(_Board).remote()
        self._run = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_in_worker)

    def submit(self, planned: Planned) -> None:
        """Put a run at the end of the queue."""
        self._begun.discard(planned.name)
        task = self._run.remote(planned, self._terms, self._board, os.getcwd())
        self._tasks[task] = planned

    def next(self) -> tuple[Planned, Attempt]:
        """Wait for the next attempt that ends, letting the watch know how all runs are doing."""
        while True:
            ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=POLL_S)
            self._look()
            if self._stop.is_set():
                self._ask_to_stop()
            if ready:
                return self._tasks.pop(ready[0]), self._ended(ready[0])

    def close(self) -> None:
        """End at once what is left."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            for task in self._tasks:
                self._ray.cancel(task, force=True)
            self._ray.kill(self._board)

    def _look(self) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            for name, seen in self._ray.get(self._board.read.remote(), timeout=10 * POLL_S).items():
                self._begun.add(name)
                if seen is not None:
                    self._watch.seen(name, seen)

    def _ask_to_stop(self) -> None:
        self._board.stop.remote()
        for task, planned in self._tasks.items():
            if planned.name not in self._begun and task not in self._cancelled:
                self._cancelled.add(task)
                self._ray.cancel(task)

    def _ended(self, task: Any) -> Attempt:
        errors = self._ray.exceptions
        try:
            return self._ray.get(task)
        except errors.TaskCancelledError:
            return Attempt(failure="interrupted", interrupted=True)
        except errors.OutOfMemoryError:
            return Attempt(
                failure="Ray ended it: the machine was out of memory; give a run more of it (--cpus-per-run)"
            )
        except (errors.NodeDiedError, errors.LocalRayletDiedError):
            return Attempt(failure="the machine it ran on, or Ray there, is gone")
        except errors.WorkerCrashedError:
            return Attempt(failure="its process was killed")
        except errors.RayError as error:
            return Attempt(failure=first_line(getattr(error, "cause", None) or error))


class _Board:
    """Where runs say how far they are."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen | None] = {}
        self._stopping = False

    def report(self, name: str, seen: Seen | None) -> bool:
        self._seen[name] = seen
        return self._stopping

    def stop(self) -> None:
        self._stopping = True

    def read(self) -> dict[str, Seen | None]:
        seen, self._seen = self._seen, {}
        return seen


def _in_worker(planned: Planned, terms: Terms, board: Any, home: str) -> Attempt:
    """An attempt in a process of Ray's."""
    import ray

    parent = os.getppid()

    def report(seen: Seen | None) -> bool:
        if os.getppid() != parent:
            return True  # Ray is gone, and nobody waits for this run; by itself the task would go on to its end
        answer = board.report.remote(planned.name, seen).future()  # a task that waits by `ray.get` lends its CPUs out
        with contextlib.suppress(ray.exceptions.RayError, TimeoutError):
            return bool(answer.result(timeout=ANSWER_S))
        return False

    if report(None):
        return Attempt(failure="not begun", interrupted=True)
    if Path(home).is_dir():
        os.chdir(home)  # paths mean the same as to the driver
    notes = _Notes()
    logger = logging.getLogger(__package__)
    logger.addHandler(notes)
    try:
        return replace(attempt(planned, terms, report), notes=tuple(notes.lines))
    finally:
        logger.removeHandler(notes)


class _Notes(logging.Handler):
    """What is logged, for the driver to say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextlib.contextmanager
def _surroundings_kept() -> Iterator[None]:
    """Afterwards SIGTERM means what it did before, and variables are those of before: Ray sets its own."""
    handler = signal.getsignal(signal.SIGTERM)
    variables = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            del os.environ[name]
        os.environ.update(variables)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _check_reachable(address: str) -> None:
    """Raise ValueError if nobody listens there: Ray itself would go on trying for minutes."""
    if (match := _ADDRESS.fullmatch(address)) is None:
        return
    import ray

    here = match[1] in ("localhost", "127.0.0.1", "::1")  # Ray listens at the machine's own address, and knows it
    hosts = (match[1], ray.util.get_node_ip_address()) if here else (match[1],)
    problem: Exception | None = None
    for host in hosts:
        try:
            socket.create_connection((host, int(match[2])), timeout=10).close()
            return
        except (OSError, OverflowError) as error:
            problem = error
    raise ValueError(f"no Ray cluster at {address}: {getattr(problem, 'strerror', None) or problem}") from problem


@functools.cache
def _token() -> str:
    """The secret of this process's own cluster: nobody else can give it work, and the home folder gets no token."""
    return secrets.token_hex(32)


@contextlib.contextmanager
def _short_folder() -> Iterator[str | None]:
    """A folder for the cluster's own files, gone afterwards; None if its sockets would have too long a name in it."""
    if os.environ.get("RAY_TMPDIR") or len(tempfile.gettempdir()) > 32:
        yield None  # Ray's own
        return
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield folder


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Within, variables that are not set have these values; the cluster's processes inherit them."""
    mine = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)
