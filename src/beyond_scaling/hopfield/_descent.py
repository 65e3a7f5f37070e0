"""Steps that never raise an energy: the longest of a few tries, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat

from .._arrays import Array, plain

_HALVINGS = 40


def backtrack(
    xp: Any, energy: Callable[[Array], Array], x: Array, candidate: Callable[[Array, Array], Array]
) -> Array:
    """Rows (b, n) moved to the first candidate, of shares 1, 1/2, 1/4, ..., whose energy is no higher.

    ``candidate(rows, shares)``: for the rows of ``x`` with these numbers (k,), the points (k, n) that ``shares`` (k, 1)
    of their way lead to. A row for which no share will do stays. ``energy`` is (k, n) -> (k,).
    """
    device = array_api_compat.device(x)
    start = energy(x)  # (b,)
    moved = 1 * x  # a copy that stays in the autograd graph, whatever the version of torch
    waiting = xp.arange(x.shape[0], device=device)
    shares = xp.ones((x.shape[0], 1), dtype=x.dtype, device=device)
    for _ in range(_HALVINGS):
        if waiting.shape[0] == 0:
            break
        tried = candidate(waiting, shares[waiting])
        good = plain(energy(tried)) <= plain(start[waiting])  # False where the energy is not a number
        moved[waiting[good]] = tried[good]
        waiting = waiting[~good]
        shares = shares / 2
    return moved
