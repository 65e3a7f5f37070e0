"""The exact search over several processes, each with some of the vectors: GPUs or machines under torchrun.

Every process keeps its own vectors. Groups of vectors travel round the ring; each pair of groups meets once, at the
process that owns the first. At the end the smallest distances of all processes are combined. Distances are
differences of two vectors wherever they meet, so the answer does not depend on how many processes there are.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from ._pairs import Engine, bar_of
from ._points import Points, Survey
from .neighbours import check_vectors, engine_for, place_for, plainly
from .subsets import Levels, Piece, check_fractions, check_order, cut, grouped


def nearest_distances_across(
    vectors: Any,
    fractions: Sequence[float] = (1.0,),
    device: str | torch.device | None = None,
    *,
    seed: int = 0,
    order: Sequence[int] | np.ndarray | None = None,
    progress: bool = False,
    group: Any = None,
) -> dict[float, Any]:
    """`nearest_distances` of vectors that are spread over the processes of a `torch.distributed` group.

    All processes call it together. Rows are numbered through all processes in the order of their ranks, and
    the answer is that for all of them: {fraction: distances (ceil(f m),)}, the same on every process, whatever their
    number.

    Args:
        vectors: (m_r, n), this process' rows: a NumPy array (memory-mapped will do) or a tensor; of one dtype
            everywhere; at least one row.
        fractions, device, seed, order (of all m rows), progress (shown by rank 0): as for `nearest_distances`.
        group: process group (default: all). Its backend has to carry tensors of the device: gloo for CPUs, NCCL
            for GPUs.

    Raises:
        RuntimeError: torch.distributed is not initialised.
        ValueError: as for `nearest_distances`, and where processes disagree; on all processes alike.
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise RuntimeError("torch.distributed is not initialised; start the processes with torchrun")
    tensor_given, ring = isinstance(vectors, torch.Tensor), _Ring(group)
    with plainly(torch.device("cpu")):
        data, place, _ = ring.agree(lambda: _local(vectors, device), share=lambda local: local[2])
        everyone = ring.shared
        if len({(other[1], other[2]) for other in everyone}) > 1:
            raise ValueError(f"vectors differ among processes: {_words(everyone)}; expected one width and dtype")
        counts = [other[0] for other in everyone]
        fractions, levels = ring.agree(
            lambda: _levels(fractions, order, seed, sum(counts)),
            share=lambda own: (own[1].of, own[1].starts, zlib.crc32(own[1].rows.tobytes())),
        )
        if any(other != ring.shared[0] for other in ring.shared):
            raise ValueError("fractions, seed or order differ among processes; expected the same everywhere")
    with plainly(place):
        points = Points(data, together=ring.combine)
        offset = sum(counts[: ring.rank])
        spans = [_spans(levels, sum(counts[:rank]), sum(counts[: rank + 1])) for rank in range(ring.size)]
        mine = np.concatenate([levels.rows[a:b] for a, b, _ in spans[ring.rank]] or [levels.rows[:0]]) - offset
        engine = engine_for(points, mine, place)
        found = _search(ring, engine, points, levels, spans, offset, progress) * points.unit
    distances = {}
    for fraction, level in zip(fractions, levels.of, strict=True):
        values = found[level][torch.from_numpy(levels.in_row_order(level)).to(found.device)]
        distances[fraction] = values.to(vectors.device) if tensor_given else values.cpu().numpy()
    return distances


class _Ring:
    """The processes; what one of them finds wrong, all raise."""

    def __init__(self, group: Any) -> None:
        self.group, self.rank, self.size = group, dist.get_rank(group), dist.get_world_size(group)
        self.shared: list[Any] = []

    def agree(self, work: Callable[[], Any], share: Callable[[Any], Any]) -> Any:
        """What `work` gives here; `shared` becomes what `share` makes of it on each process."""
        result, message = None, None
        try:
            result = work()
        except ValueError as error:
            message = str(error)
        gathered: list[Any] = [None] * self.size
        dist.all_gather_object(gathered, (message, None if message else share(result)), group=self.group)
        for rank, (problem, _) in enumerate(gathered):
            if problem:
                raise ValueError(problem if rank == self.rank else f"process {rank}: {problem}")
        self.shared = [given for _, given in gathered]
        return result

    def combine(self, survey: Callable[[], Survey]) -> Survey:
        """The survey of all processes' vectors together."""
        self.agree(survey, share=lambda own: own)
        low, high, total, count = zip(*self.shared, strict=True)
        return np.min(low, axis=0), np.max(high, axis=0), np.sum(total, axis=0), sum(count)

    def peer(self, rank: int) -> int:
        return rank if self.group is None else dist.get_global_rank(self.group, rank)


def _local(vectors: Any, device: Any) -> tuple[Any, torch.device, tuple[int, int, str]]:
    data, place = check_vectors(vectors, least=1), place_for(vectors, device)
    if place.type == "cuda":
        torch.cuda.set_device(place)  # where collectives of objects put their bytes
    return data, place, (int(data.shape[0]), int(data.shape[1]), str(data.dtype).removeprefix("torch."))


def _levels(fractions: Any, order: Any, seed: Any, count: int) -> tuple[list[float], Levels]:
    wanted = check_fractions(fractions, count)
    return wanted, Levels(check_order(order, count, seed), wanted)


def _words(everyone: Sequence[tuple[int, int, str]]) -> str:
    return ", ".join(f"process {rank} has {kind} of width {width}" for rank, (_, width, kind) in enumerate(everyone))


def _spans(levels: Levels, first_row: int, last_row: int) -> list[Piece]:
    """The positions, level by level, whose rows lie in first_row...last_row: rows ascend inside a level."""
    out = []
    for level, (start, stop) in enumerate(itertools.pairwise(levels.starts)):
        low, high = np.searchsorted(levels.rows[start:stop], (first_row, last_row)) + start
        if low < high:
            out.append((int(low), int(high), level))
    return out


def _search(
    ring: _Ring, engine: Engine, points: Points, levels: Levels, spans: list[list[Piece]], offset: int, progress: bool
) -> torch.Tensor:
    ring.agree(lambda: None, share=lambda _: (engine.tile_rows, engine.group_rows))
    tile, rows = (min(sizes) for sizes in zip(*ring.shared, strict=True))
    owned = [
        grouped([piece for span in of_rank for piece in cut(span, tile)], rows) if of_rank else [] for of_rank in spans
    ]
    groups = list(itertools.chain.from_iterable(owned))
    owner = [rank for rank, of_rank in enumerate(owned) for _ in of_rank]
    first = [sum(len(of_rank) for of_rank in owned[:rank]) for rank in range(ring.size)]
    best = engine.nothing(levels.count, len(levels.rows))
    kept: dict[int, Any] = {}  # the group used last, ready

    def fetch(number: int) -> Any:
        numbers = np.concatenate([levels.rows[a:b] for a, b, _ in groups[number]]) - offset
        return engine.fetch(points, numbers)

    def load(number: int) -> Any:
        if number not in kept:
            kept.clear()
            kept[number] = engine.group(groups[number], fetch(number))
        return kept[number]

    turns = list(_turns(len(groups), [(first[rank], len(of_rank)) for rank, of_rank in enumerate(owned)]))
    sizes = [sum(b - a for a, b, _ in group) for group in groups]
    mine = [pair for turn in turns if (pair := turn[ring.rank])]
    total = sum(sizes[i] * sizes[j] if i != j else sizes[i] * (sizes[i] - 1) // 2 for i, j in mine)
    with bar_of(total, progress and ring.rank == 0) as shown:
        for turn in turns:
            arrived = _exchange(ring, engine, turn, owner, fetch, sizes, points)
            pair = turn[ring.rank]
            if pair is None:
                continue
            left = load(pair[0])
            if pair[0] == pair[1]:
                right = left
            else:
                right = engine.group(groups[pair[1]], fetch(pair[1]) if arrived is None else engine.received(arrived))
            engine.tiles(left, right, best, shown.update)
    combined = torch.as_tensor(best)
    dist.all_reduce(combined, op=dist.ReduceOp.MIN, group=ring.group)
    return combined


def _turns(count: int, owned: list[tuple[int, int]]) -> Iterator[list[tuple[int, int] | None]]:
    """Turn by turn, the pair of groups that each process compares, or None.

    Group i meets i, i + 1, ... up to half way round, so that every pair meets once. `owned`: first group and number of
    groups of each process.
    """
    for step in range(count // 2 + 1):
        for slot in range(max(number for _, number in owned)):
            turn: list[tuple[int, int] | None] = []
            for first, number in owned:
                here = first + slot
                last_half = 2 * step == count and here >= count // 2 and step > 0  # the other end has done it
                turn.append((here, (here + step) % count) if slot < number and not last_half else None)
            yield turn


def _exchange(
    ring: _Ring, engine: Engine, turn: list[tuple[int, int] | None], owner: list[int], fetch: Callable[[int], Any],
    sizes: list[int], points: Points,
) -> torch.Tensor | None:  # fmt: skip
    """Send the groups that others need in this turn; the one that this process needs, unless it has it itself."""
    arrived, operations = None, []
    for rank, pair in enumerate(turn):
        if pair is None or owner[pair[1]] == rank:
            continue
        if owner[pair[1]] == ring.rank:
            outgoing = engine.sendable(fetch(pair[1]))
            operations.append(dist.P2POp(dist.isend, outgoing, ring.peer(rank), ring.group))
        elif rank == ring.rank:
            nothing = engine.sendable(engine.fetch(points, np.arange(0)))  # of the kind that travels
            arrived = nothing.new_empty((sizes[pair[1]], points.width))
            operations.append(dist.P2POp(dist.irecv, arrived, ring.peer(owner[pair[1]]), ring.group))
    for request in dist.batch_isend_irecv(operations) if operations else ():
        request.wait()
    return arrived
