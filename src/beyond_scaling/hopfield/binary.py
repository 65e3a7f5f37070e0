"""Networks whose entries are -1 and 1: entries change one after another, or all at once.

An entry takes the sign of its *drive*, how much lower the energy is with 1 there than with -1; where the drive is
zero it keeps its value. A sweep visits every entry once, in an order that belongs to the memory, so that an update is a
function of the state alone.

Most visits change nothing. So a sweep does not visit: it computes the drives of a block of entries at once, lets
every row of the batch make its first change there, corrects the drives of those rows, and goes on until no row wants to
change. The result is that of visiting, to the last bit where drives are whole numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Literal, Protocol

import array_api_compat
import numpy as np

from .._arrays import Array, blocks, plain
from .memory import Memory

Mode = Literal["asynchronous", "synchronous"]


class Drives(Protocol):
    """The drives of a batch while it is swept. Coordinates are numbered as they are visited."""

    def drive(self, rows: Array, block: slice, here: Array) -> tuple[Array, Array | float]:
        """The drives (r, k) of ``rows`` (r,) in ``block``, where they have ``here`` (r, k), and what counts as zero."""

    def turn(self, rows: Array, at: Array, change: Array, block: slice) -> None:
        """The entries (r,) at coordinate ``at`` (r,) of ``block`` have changed by ``change`` (r,)."""

    def close(self, block: slice) -> None:
        """No row will change in ``block`` again."""


class BinaryMemory(Memory):
    """A memory of patterns of -1 and 1 that settles by sweeps ("asynchronous") or by steps of all entries at once.

    An entry of a query may be 0, unknown: it takes the sign of its drive when its turn comes.

    Args:
        patterns: (d, n), entries -1 and 1.
        mode: "asynchronous": an update is one sweep, which never raises the energy. "synchronous": all entries look at
            the same state, and the energy may rise.
        order: seed of the permutation in which a sweep visits the entries; None visits them as numbered.

    Raises:
        ValueError: as `Memory`; an unknown mode; an order that is not a whole number from 0 on; in `update` and
            `retrieve`, a query with entries other than -1, 0 and 1.
    """

    domain: ClassVar[Literal["binary", "real"]] = "binary"
    _block: ClassVar[int] = 64  # coordinates whose drives are computed together

    def __init__(self, patterns: Any, mode: Mode = "asynchronous", order: int | None = None) -> None:
        super().__init__(patterns)
        if mode not in ("asynchronous", "synchronous"):
            raise ValueError(f"mode is {mode!r}, expected 'asynchronous' or 'synchronous'")
        self.mode = mode
        self.order = order
        self.descends = mode == "asynchronous"
        self._visits = visiting_order(self._xp, self.patterns, order)

    @abstractmethod
    def _drive(self, x: Array) -> tuple[Array, Array | float]:
        """(b, n) -> the drives of all entries (b, n), and what counts as zero."""

    @abstractmethod
    def _drives(self, x: Array) -> Drives:
        """The drives of a batch (b, n), for a sweep; ``x`` and they are in visiting order."""

    def _update(self, x: Array, known: Array | None) -> Array:
        xp, x = self._xp, plain(x)
        if not bool(xp.all((x == 0) | (xp.abs(x) == 1))):
            raise ValueError("x has entries other than -1, 0 (unknown) and 1, which a binary network cannot update")
        if self.mode == "synchronous":
            drive, zero = self._drive(x)
            return _follow(xp, x, drive, zero)
        visited = xp.asarray(self._in_order(x), copy=True)
        known = None if known is None else self._in_order(known)
        sweep(xp, visited, known, self._drives(visited), self._block)
        return self._as_numbered(visited)

    def _in_order(self, x: Array) -> Array:
        """(..., n) with its entries as they are visited."""
        return x if self._visits is None else self._xp.take(x, self._visits, axis=-1)

    def _as_numbered(self, x: Array) -> Array:
        """(..., n) back from `_in_order`."""
        return x if self._visits is None else self._xp.take(x, self._xp.argsort(self._visits), axis=-1)


def visiting_order(xp: Any, patterns: Array, order: int | None) -> Array | None:
    """The permutation (n,) that the seed ``order`` gives; None for the entries as numbered."""
    if order is None:
        return None
    if isinstance(order, bool) or not isinstance(order, Integral) or order < 0:
        raise ValueError(f"order is {order!r}, expected a whole number from 0 on, or None")
    permutation = np.random.default_rng(int(order)).permutation(int(patterns.shape[1]))
    return xp.asarray(permutation, device=array_api_compat.device(patterns))


def sweep(xp: Any, x: Array, known: Array | None, drives: Drives, length: int) -> None:
    """Visit every entry of ``x`` (b, n) once, from left to right, and change it in place."""
    device = array_api_compat.device(x)
    for block in blocks(int(x.shape[1]), 1, length):
        view = x[:, block]  # (b, k), writes go to x
        place = xp.arange(view.shape[1], device=device)[None, :]
        rows = xp.arange(x.shape[0], device=device)  # rows that may still change in this block
        start = xp.zeros(x.shape[0], dtype=xp.int64, device=device)  # where each of them goes on
        while rows.shape[0]:
            here = view[rows]  # (r, k)
            follow = _follow(xp, here, *drives.drive(rows, block, here))
            wants = (follow != here) & (place >= start[:, None])
            if known is not None:
                wants = wants & ~known[:, block][rows]
            moving = xp.any(wants, axis=1)
            rows, wants = rows[moving], wants[moving]
            if rows.shape[0] == 0:
                break
            first = xp.argmax(xp.astype(wants, xp.int8), axis=1)  # (r,)
            old, new = (xp.take_along_axis(entries[moving], first[:, None], axis=1)[:, 0] for entries in (here, follow))
            view[rows, first] = new
            drives.turn(rows, first + block.start, new - old, block)
            start = first + 1
        drives.close(block)


def _follow(xp: Any, x: Array, drive: Array, zero: Array | float) -> Array:
    """The signs of the drives; where a drive is zero to rounding, the entry as it is."""
    return xp.where(xp.abs(drive) <= zero, x, xp.sign(drive))
