"""The activation for the next token: the last position of every chunk, at sites of the residual stream.

All sites come from one forward pass (`stream` says what a site is). With a work folder, what is done lies on disk in
shards (`shards`), so that a run killed anywhere goes on where it was: on a CPU, with the same number of threads, to
the same result bit for bit. Under torchrun the processes share the work, and the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .. import processes
from ..models.final_norm import final_norm
from ..progress import bar
from . import shards
from .batches import automatic_batch
from .forward import Passes
from .shards import MANIFEST, Run, WorkError, clear, unfinished
from .stream import AFTER, BEFORE, find_stream, site_names

__all__ = [
    "AFTER",
    "BEFORE",
    "MANIFEST",
    "Activations",
    "Interrupted",
    "WorkError",
    "check_model",
    "clear",
    "final_norm",
    "record_activations",
    "site_names",
    "unfinished",
]

T = TypeVar("T")
SHARD_BYTES = 64 << 20
SHARD_SECONDS = 30.0  # of the model's time; no more than that is lost when the process is killed
COMBINE_BYTES = 1 << 30  # a larger result is memory-mapped
_FEW = 5


@dataclass(frozen=True)
class Activations:
    """What was recorded.

    Attributes:
        sites: per site an array (K, n) float32; memory-mapped (copy on write) where a work folder holds more than
            `COMBINE_BYTES`. Before that folder is removed, be done with them.
        seconds: how long the model ran, in all sittings and processes together.
        tokens_per_second: of this sitting, all processes together, over the model's time; of all sittings when this one
            had nothing left to run.
        batch_size: chunks at a time; the smallest, if memory made it smaller on the way.
    """

    sites: Mapping[str, np.ndarray]
    seconds: float
    tokens_per_second: float
    batch_size: int

    @property
    def before(self) -> np.ndarray:
        """What enters the final norm, (K, n)."""
        return self.sites[BEFORE]

    @property
    def after(self) -> np.ndarray:
        """What leaves the final norm, (K, n)."""
        return self.sites[AFTER]


class Interrupted(KeyboardInterrupt):
    """Interrupted by the user; `done` of `total` chunks are kept."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done:,} of {total:,} chunks are done")
        self.done, self.total = done, total


def check_model(model: Any, length: int) -> None:
    """Raise ValueError unless the model takes chunks of ``length`` tokens and has a final norm (`final_norm`)."""
    _check_length(model, length)
    find_stream(model)


def record_activations(
    model: Any,
    tokens: np.ndarray,
    *,
    sites: Sequence[str] = (BEFORE, AFTER),
    batch_size: int | None = None,
    work: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Activations:
    """Run `model` over the chunks `tokens` (K, L) and keep the last position's activation of each, at every site.

    Where torch.distributed runs, every process calls this with the same arguments, works on its share, and has the
    whole result in the end.

    Args:
        sites: of `site_names`.
        batch_size: chunks at a time; None for what suits the device (`batches`). A run that is taken up again goes on
            with its own, since rounding depends on it.
        work: folder for work in progress; made if need be. Without it everything stays in memory and cannot
            resume.
        identity: what, besides tokens and sites, the numbers depend on (model files, dtype...), as JSON holds it;
            work of another is refused.
        progress: show a bar of this process's share.

    Raises:
        ValueError: chunks longer than the model's context or with tokens it does not have, an unknown site, a model
            whose stream is not found, several processes without `work`, activations that are not finite (what came
            before them is kept).
        WorkError: (a ValueError) work of another run, damaged work, a full disk. Nothing that was recorded is lost,
            and the message says what to do; a shard that is not as written is named, and computed again once removed.
        Interrupted: Ctrl-C; what is done is kept in `work`.
    """
    _check(model, tokens, batch_size)
    stream = find_stream(model)
    if isinstance(sites, str) or not sites:
        raise ValueError(f"sites is {sites!r}; expected names such as before, after and layer-0")
    at = {site: stream.place(site) for site in sites}
    places = tuple(dict.fromkeys(at.values()))
    passes = Passes(model, stream, places, batch_size or 1)
    if work is None and processes.world() > 1:
        raise ValueError(f"work is None; {processes.world()} processes need a folder that they share")
    digest = _fingerprint(tokens), hashlib.sha256(json.dumps(identity or {}, sort_keys=True).encode()).hexdigest()
    count, length = tokens.shape

    def begin() -> tuple[Run, list[shards.Receipt]]:
        size = int(batch_size or automatic_batch(passes, tokens))
        run = Run(*digest, places, count, length, stream.width, size)
        return shards.open_run(work, run) if work is not None else (run, [])

    run, done = processes.shared(begin)
    passes.batch_size = run.batch_size
    found: Sequence[np.ndarray]
    if work is None:
        values, sitting = _in_memory(passes, tokens, run, progress)
        found, seconds = list(values), sitting.seconds
    else:
        sitting, receipts = _shared(passes, tokens, run, done, work, progress)
        found, seconds = _assemble(work, run, receipts), sum(receipt.seconds for receipt in receipts)
        sitting.batch_size = min(receipt.batch_size for receipt in receipts)
    arrays = {site: found[places.index(place)] for site, place in at.items()}
    speed = sitting.chunks / sitting.seconds if sitting.chunks else count / seconds
    return Activations(arrays, seconds, speed * length, sitting.batch_size)


@dataclass
class _Sitting:
    """What this sitting did: chunks, the model's time for them, and the batch size at its end."""

    chunks: int = 0
    seconds: float = 0.0
    batch_size: int = 0


class _Writer:
    """Batches gathered into shards of at most `size` rows: written when full, or after `SHARD_SECONDS`."""

    def __init__(self, work: Path, run: Run, size: int) -> None:
        self.work, self.run = work, run
        self.rows = np.empty((len(run.places), size, run.width), dtype=np.float32)
        self.start, self.held, self.seconds, self.batch_size = 0, 0, 0.0, run.batch_size
        self.written: list[shards.Receipt] = []

    def add(self, start: int, rows: np.ndarray, seconds: float, batch_size: int) -> None:
        count = rows.shape[1]
        if self.held and (start != self.start + self.held or self.held + count > self.rows.shape[1]):
            self.flush()
        if not self.held:
            self.start = start
        self.rows[:, self.held : self.held + count] = rows
        self.seconds += seconds
        self.batch_size = min(self.batch_size, batch_size)
        self.held += count
        if self.held == self.rows.shape[1] or self.seconds > SHARD_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self.held:
            rows = self.rows[:, : self.held]
            receipt = shards.write_shard(self.work, self.run, self.start, rows, self.seconds, self.batch_size)
            self.written.append(receipt)
            self.held, self.seconds = 0, 0.0


def _in_memory(passes: Passes, tokens: np.ndarray, run: Run, progress: bool) -> tuple[np.ndarray, _Sitting]:
    """(T, K, n) values of all places."""
    found = np.empty((len(run.places), run.chunks, run.width), dtype=np.float32)
    sitting = _Sitting()

    def take(start: int, rows: np.ndarray, seconds: float) -> None:
        found[:, start : start + rows.shape[1]] = rows

    try:
        _work_through(passes, tokens, [(0, run.chunks)], sitting, take, progress)
    except KeyboardInterrupt:
        raise Interrupted(sitting.chunks, run.chunks) from None
    return found, sitting


def _shared(
    passes: Passes,
    tokens: np.ndarray,
    run: Run,
    done: Sequence[shards.Receipt],
    work: Path,
    progress: bool,
) -> tuple[_Sitting, list[shards.Receipt]]:
    """Record this process's share of what is missing; all sittings in one, and the receipts of all shards."""
    size = _shard_rows(run, processes.world())
    pieces = [
        (max(start, first), min(stop, first + size))
        for start, stop in shards.missing(done, run.chunks)
        for first in range(start - start % size, stop, size)
    ]
    sitting, writer = _Sitting(), _Writer(work, run, size)

    def take(start: int, rows: np.ndarray, seconds: float) -> None:
        writer.add(start, rows, seconds, passes.batch_size)

    def share() -> None:
        try:
            _work_through(passes, tokens, pieces[processes.rank() :: processes.world()], sitting, take, progress)
        except WorkError:
            raise
        except KeyboardInterrupt:
            writer.flush()  # what is whole
            raise Interrupted(shards.covered([*done, *writer.written]), run.chunks) from None
        except Exception:
            writer.flush()
            raise
        writer.flush()

    processes.together(share)
    told = _from_all((sitting, writer.written))
    sittings = [each for each, _ in told]
    together = _Sitting(sum(each.chunks for each in sittings), max(each.seconds for each in sittings))
    return together, [*done, *(receipt for _, written in told for receipt in written)]


def _from_all(value: T) -> list[T]:
    """Every process's value, in each of them."""
    if processes.world() == 1:
        return [value]
    import torch.distributed

    values: list[Any] = [None] * processes.world()
    torch.distributed.all_gather_object(values, value)
    return values


def _work_through(
    passes: Passes,
    tokens: np.ndarray,
    pieces: Sequence[tuple[int, int]],
    sitting: _Sitting,
    take: Callable[[int, np.ndarray, float], None],
    progress: bool,
) -> None:
    """Give `take` the first row, values (T, b, n) and seconds of every batch of the pieces."""
    total = sum(stop - start for start, stop in pieces)
    shown = bar(total=len(tokens), initial=len(tokens) - total, desc="activations", unit=" chunks", show=progress)
    with contextlib.closing(shown), contextlib.closing(passes.over(tokens, pieces)) as batches:
        for batch in batches:
            rows = batch.wait()
            _check_finite(passes, batch.start, rows)
            take(batch.start, rows, batch.seconds)
            sitting.chunks += rows.shape[1]
            sitting.seconds += batch.seconds
            sitting.batch_size = passes.batch_size
            shown.update(rows.shape[1])


def _shard_rows(run: Run, processes: int) -> int:
    """Rows of a shard: a multiple of the batch, `SHARD_BYTES` at most, and a few for every process."""
    most = min(SHARD_BYTES // (4 * run.width * len(run.places)), run.chunks)
    if processes > 1:
        most = min(most, -(-run.chunks // (4 * processes)))
    return run.batch_size * max(1, most // run.batch_size)


def _assemble(work: Path, run: Run, receipts: Sequence[shards.Receipt]) -> Sequence[np.ndarray]:
    """One array (K, n) for each place, in memory or memory-mapped."""
    shape = (len(run.places), run.chunks, run.width)
    if 4 * math.prod(shape) > COMBINE_BYTES:
        processes.shared(lambda: shards.combine(work, run, receipts))
        return shards.open_combined(work, run)
    found = np.empty(shape, dtype=np.float32)
    for start, values in shards.read_shards(work, run, receipts):
        found[:, start : start + values.shape[1]] = values
    return list(found)


def _check_finite(passes: Passes, start: int, rows: np.ndarray) -> None:
    finite = np.isfinite(rows).all(axis=2)  # (T, b)
    if finite.all():
        return
    place = int((~finite).any(axis=1).argmax())
    bad = [start + int(row) for row in np.flatnonzero(~finite[place])]
    listed = ", ".join(map(str, bad[:_FEW])) + (f" and {len(bad) - _FEW} more" if len(bad) > _FEW else "")
    raise ValueError(
        f"activations of chunk{'s' if bad[1:] else ''} {listed} are not finite at {passes.places[place]}"
        f" in {passes.model.dtype}"
    )


def _fingerprint(tokens: np.ndarray) -> str:
    digest = hashlib.sha256(json.dumps(list(tokens.shape)).encode())
    for start in range(0, len(tokens), 1 << 16):
        digest.update(np.ascontiguousarray(tokens[start : start + (1 << 16)], dtype="<i8").tobytes())
    return digest.hexdigest()


def _check_length(model: Any, length: int) -> None:
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and length > context:
        raise ValueError(f"chunks of {length} tokens are longer than the model's context of {context}")


def _check(model: Any, tokens: np.ndarray, batch_size: int | None) -> None:
    if tokens.ndim != 2 or 0 in tokens.shape or tokens.dtype.kind not in "iu":
        raise ValueError(f"tokens has shape {tokens.shape}, dtype {tokens.dtype}; expected integers (K, L)")
    if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
        raise ValueError(f"batch_size {batch_size}: expected at least 1, or None")
    _check_length(model, tokens.shape[1])
    rows = model.get_input_embeddings().weight.shape[0]
    if int(tokens.min()) < 0 or int(tokens.max()) >= rows:
        raise ValueError(f"tokens lie in {int(tokens.min())}...{int(tokens.max())}; the model knows 0...{rows - 1}")
