"""All pairs of groups: in this process, or round a ring of processes that each hold some of the vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from ..progress import bar
from ._points import Points
from .subsets import Levels, Piece, grouped, pieces


class Engine(Protocol):
    """What `_cpu_search` and `_device_search` offer; `Any` stands for their own kinds of vectors and groups."""

    @property
    def tile_rows(self) -> int: ...
    @property
    def group_rows(self) -> int: ...
    def fetch(self, points: Points, rows: np.ndarray) -> Any: ...
    def received(self, vectors: torch.Tensor) -> Any: ...
    def sendable(self, vectors: Any) -> torch.Tensor: ...
    def nothing(self, levels: int, count: int) -> Any: ...
    def group(self, cut: list[Piece], vectors: Any) -> Any: ...
    def tiles(self, left: Any, right: Any, best: Any, advance: Callable[[int], object]) -> None: ...


def search(engine: Engine, points: Points, levels: Levels, progress: bool) -> Any:
    """Smallest distances (levels, p) by position: level l counts the pairs of which both sides are in subset l."""
    best = engine.nothing(levels.count, len(levels.rows))
    groups = grouped(pieces(levels, engine.tile_rows), engine.group_rows)

    def load(cut: list[Piece]) -> Any:
        return engine.group(cut, engine.fetch(points, np.concatenate([levels.rows[a:b] for a, b, _ in cut])))

    count = len(levels.rows)
    with bar_of(count * (count - 1) // 2, progress) as shown:
        for at, cut in enumerate(groups):
            left = load(cut)
            engine.tiles(left, left, best, shown.update)
            for other in groups[at + 1 :]:
                engine.tiles(left, load(other), best, shown.update)
    return best


def bar_of(pairs: int, show: bool) -> Any:
    """A progress bar over so many pairs of vectors."""
    return bar(total=pairs, show=show, desc="distances", unit=" pairs", unit_scale=True)
