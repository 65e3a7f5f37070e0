"""Many cells measured by worker processes, each kept as soon as it is done: an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ... import durable
from .cell import Cell, Measured, measure

FILE = "cells.jsonl"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_AHEAD = 4  # cells that wait at each worker


class Kept:
    """The cells that a work folder keeps, a line each in a file that only grows.

    A cell is known by everything that it is, the device, and the code that measures it: none is taken for another's.
    """

    def __init__(self, work: Path, device: str | None) -> None:
        self._path = work / FILE
        self._base = f"{_code()}/{device}/"
        self._there: dict[str, Measured] = {}
        for line in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                entry = json.loads(line)
                self._there[entry["cell"]] = Measured(**entry["measured"])
            except (ValueError, KeyError, TypeError):
                continue  # cut off when the process was killed

    def find(self, cell: Cell) -> Measured | None:
        """What the cell said, if it was measured."""
        return self._there.get(self._key(cell))

    def keep(self, cell: Cell, measured: Measured) -> None:
        """Keep what a cell said.

        Raises:
            WorkError: the folder cannot be written.
        """
        key = self._key(cell)
        line = json.dumps({"cell": key, "measured": asdict(measured)})
        with durable.writing(self._path.parent, "a cell"), self._path.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")  # a line that was cut off stays alone
        self._there[key] = measured

    def clear(self) -> None:
        """Forget all."""
        self._path.unlink(missing_ok=True)

    def _key(self, cell: Cell) -> str:
        return hashlib.sha256((self._base + repr(cell)).encode()).hexdigest()[:32]


def measure_all(
    cells: Sequence[Cell], kept: Kept, *, processes: int = 2, device: str | None = None
) -> Iterator[tuple[Cell, Measured]]:
    """Measure the cells that are not kept yet, keep and give each as it comes, in no order.

    The longest come first, so that no worker is left with one at the end. ``processes`` 1 measures in this process.

    Raises:
        WorkError: the work folder cannot be written.
    """
    missing = sorted((cell for cell in cells if kept.find(cell) is None), key=_size, reverse=True)
    if processes == 1 or len(missing) < 2:
        for cell in missing:
            measured = measure(cell, device)
            kept.keep(cell, measured)
            yield cell, measured
        return
    waiting = iter(missing)
    with _workers(min(processes, len(missing))) as pool:
        under_way: dict[Future[Measured], Cell] = {}
        # Not `concurrent.futures.wait`: a signal that strikes while it holds the futures' locks leaves them held.
        finished: SimpleQueue[Future[Measured]] = SimpleQueue()
        while True:
            while len(under_way) < _AHEAD * processes and (following := next(waiting, None)) is not None:
                future = pool.submit(measure, following, device)
                under_way[future] = following
                future.add_done_callback(finished.put)
            if not under_way:
                return
            done = finished.get()
            cell, measured = under_way.pop(done), done.result()
            kept.keep(cell, measured)
            yield cell, measured


def _code() -> str:
    """SHA-256 of the sources that a cell's numbers come from: the zoo, and what it stands on."""
    package = Path(__file__).resolve().parents[2]
    sources = [*sorted((package / "hopfield").rglob("*.py")), package / "energy.py", package / "_arrays.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes of one thread each; when the caller leaves, so do they, after the cell that they are at."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # read when a worker loads NumPy
    try:
        pool = ProcessPoolExecutor(
            count, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
        )
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A parent that was killed cannot tell its workers."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _size(cell: Cell) -> Any:
    return cell.d * cell.n * cell.n * min(cell.queries, cell.d)
