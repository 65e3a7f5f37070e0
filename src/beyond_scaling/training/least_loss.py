"""Whether the larger model does worse: least validation loss against N for one and the same D.

The paper opens with it: "increasing the size of a Transformer does not always lead to enhanced performance". Runs of
one seed share their training and held-out text at every size, so sizes are compared seed by seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .gap import Cell
from .rows import usable
from .seeds import Spread, spread


@dataclass(frozen=True)
class Step:
    """Least validation loss of a larger model less that of a smaller one, nats a token, over the seeds of both."""

    small: int
    large: int
    difference: Spread


@dataclass(frozen=True)
class AtD:
    """The sizes that were trained on one D.

    Attributes:
        D: tokens. N: sizes (blocks), rising. least: mean least validation loss of each. seeds: how many each has.
        best: N of the least mean. steps: from each size to the next that shares a seed. ends: from the smallest to the
            largest. past_best: from the best to the largest, None where the largest is the best; as the best was
            chosen by these losses, its difference is a little too large.
    """

    D: int
    N: tuple[int, ...]
    least: tuple[float, ...]
    seeds: tuple[int, ...]
    best: int
    steps: tuple[Step, ...]
    ends: Step | None
    past_best: Step | None


def least_losses(cells: Sequence[Cell], level: float = 0.95) -> tuple[AtD, ...]:
    """Every D that at least two sizes were trained on, rising; runs cut short are left out."""
    found = []
    for tokens in sorted({cell.D for cell in cells}):
        losses: dict[int, dict[int, float]] = {}
        for cell in cells:
            if usable(cell) and tokens == cell.D:
                losses.setdefault(cell.N, {})[cell.seed] = cell.least
        if len(losses) > 1:
            found.append(_at(tokens, dict(sorted(losses.items())), level))
    return tuple(found)


def _at(data: int, losses: dict[int, dict[int, float]], level: float) -> AtD:
    sizes = tuple(losses)
    means = tuple(float(np.mean(list(losses[size].values()))) for size in sizes)
    best = sizes[int(np.argmin(means))]
    steps = (_step(losses, small, large, level) for small, large in itertools.pairwise(sizes))
    return AtD(
        D=data,
        N=sizes,
        least=means,
        seeds=tuple(len(losses[size]) for size in sizes),
        best=best,
        steps=tuple(step for step in steps if step is not None),
        ends=_step(losses, sizes[0], sizes[-1], level),
        past_best=_step(losses, best, sizes[-1], level) if best != sizes[-1] else None,
    )


def _step(losses: dict[int, dict[int, float]], small: int, large: int, level: float) -> Step | None:
    shared = sorted(losses[small].keys() & losses[large].keys())
    if not shared:
        return None
    return Step(small, large, spread([losses[large][seed] - losses[small][seed] for seed in shared], level))
