"""What every network of the zoo has in common: it is made from stored patterns, has an energy, and retrieves.

A network is a subclass of `Memory` with three methods on rows: `_energy`, `_gradient` and `_update`. Everything else
(shapes, dtypes, devices, blocks, coordinates that are known, batches that settle at different times) is here.

``patterns`` is (d, n), ``x`` is (..., n). NumPy arrays and torch tensors give results of their own kind, dtype and
device; lists and integers become float64. A query is taken to the dtype and device of the patterns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import array_api_compat
import numpy as np

from .._arrays import Array, as_arrays, as_patterns, map_rows, plain


@dataclass(frozen=True)
class Retrieval:
    """Where queries ended.

    Attributes:
        state: (..., n), where each query ended.
        steps: (...), integers: how many updates moved it by more than the tolerance.
        settled: (...), booleans: whether the last update moved it by no more than the tolerance. False means that
            ``max_steps`` came first; a cycle never settles.
        states: (s + 1, ..., n), the start first, or None if no path was asked for. A query that has settled stays.
        energies: (s + 1, ...), the energies of ``states``, or None.
    """

    state: Array
    steps: Array
    settled: Array
    states: Array | None = None
    energies: Array | None = None


class Memory(ABC):
    """An associative memory made from ``patterns`` (d, n).

    Attributes:
        patterns: (d, n), as stored.
        domain: "binary": an update gives entries -1 and 1 (an entry of a query may also be 0, unknown); "real".
        descends: whether theory says that no update raises the energy.
        title, source: what the book calls the network, and where it comes from, in words.

    Raises:
        ValueError: patterns that are not (d, n) with finite entries; for a binary network, entries other than -1 and 1.
    """

    domain: ClassVar[Literal["binary", "real"]] = "real"
    title: ClassVar[str]
    source: ClassVar[str]
    descends: bool = True

    def __init__(self, patterns: Any) -> None:
        self._xp, self.patterns = as_patterns(patterns)
        if self.domain == "binary" and not bool(self._xp.all(self._xp.abs(plain(self.patterns)) == 1)):
            raise ValueError("patterns has entries other than -1 and 1, which a binary network cannot store")

    @property
    def d(self) -> int:
        """The number of patterns."""
        return int(self.patterns.shape[0])

    @property
    def n(self) -> int:
        """The dimension of a pattern."""
        return int(self.patterns.shape[1])

    # --- what a network is: rows (b, n) in, arrays of its own kind ------------------------------------------------

    @abstractmethod
    def _energy(self, x: Array) -> Array:
        """(b, n) -> (b,)"""

    @abstractmethod
    def _gradient(self, x: Array) -> Array:
        """(b, n) -> (b, n)"""

    @abstractmethod
    def _update(self, x: Array, known: Array | None) -> Array:
        """(b, n) -> (b, n). ``known`` (b, n) may be ignored where coordinates do not wait for each other."""

    def _width(self) -> int:
        """How many elements one row needs inside these three."""
        return self.d + self.n

    # --- what one does with it ------------------------------------------------------------------------------------

    def energy(self, x: Any) -> Array:
        """The energy at ``x``, shape (...)."""
        (values,) = map_rows(self._xp, lambda rows: (self._energy(rows),), self._points(x), self._width())
        return values

    def gradient(self, x: Any) -> Array:
        """The gradient of the energy at ``x``, shape (..., n), in closed form."""
        (values,) = map_rows(self._xp, lambda rows: (self._gradient(rows),), self._points(x), self._width())
        return values

    def update(self, x: Any, known: Any = None) -> Array:
        """One step from ``x``, shape (..., n).

        ``known``: booleans that broadcast to the shape of ``x``; these coordinates keep their value.
        """
        points = self._points(x)
        return self._step(points, self._known(known, points))

    def retrieve(
        self, x: Any, *, known: Any = None, max_steps: int = 100, tolerance: float = 1e-9, path: bool = False
    ) -> Retrieval:
        """Update until nothing moves: the largest change of a coordinate is at most ``tolerance``.

        The tolerance is relative to the largest entry of the patterns (1, if that is 0), and never finer than the dtype
        resolves. Queries of a batch settle each in its own time. ``path``: keep all states and their energies.

        Raises:
            ValueError: for shapes that do not match, ``max_steps`` that is not a positive integer, or a
                ``tolerance`` that is not a number from 0 on.
        """
        if isinstance(max_steps, bool) or not isinstance(max_steps, Integral) or max_steps < 1:
            raise ValueError(f"max_steps is {max_steps!r}, expected a positive integer")
        if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 <= tolerance < float("inf"):
            raise ValueError(f"tolerance is {tolerance!r}, expected a finite number from 0 on")
        xp, start = self._xp, plain(self._points(x))
        shape = tuple(start.shape)
        rows = xp.asarray(xp.reshape(start, (-1, self.n)), copy=True)  # (b, n)
        mask = self._known(known, start)
        mask = None if mask is None else xp.reshape(mask, (-1, self.n))
        device = array_api_compat.device(rows)
        steps = xp.zeros(rows.shape[0], dtype=xp.int64, device=device)
        active = xp.arange(rows.shape[0], device=device)  # rows that still move
        limit = self._limit(float(tolerance))
        states = [xp.asarray(rows, copy=True)] if path else []
        for _ in range(int(max_steps)):
            if active.shape[0] == 0:
                break
            here = rows[active]
            moved = plain(self._step(here, None if mask is None else mask[active]))
            moving = xp.max(xp.abs(moved - here), axis=1) > limit
            rows[active] = moved
            steps[active] += xp.astype(moving, xp.int64)
            active = active[moving]
            if path:
                states.append(xp.asarray(rows, copy=True))
        settled = xp.ones(rows.shape[0], dtype=xp.bool, device=device)
        settled[active] = False
        kept = xp.reshape(xp.stack(states), (len(states), *shape)) if path else None
        return Retrieval(
            state=xp.reshape(rows, shape),
            steps=xp.reshape(steps, shape[:-1]),
            settled=xp.reshape(settled, shape[:-1]),
            states=kept,
            energies=None if kept is None else plain(self.energy(kept)),
        )

    # --- shapes and kinds -----------------------------------------------------------------------------------------

    def _points(self, x: Any) -> Array:
        # One entry stands for the patterns, which were looked at when they came in.
        _, points, _ = as_arrays(x=x, patterns=self.patterns[:1, :1])
        if points.ndim < 1 or points.shape[-1] != self.n:
            raise ValueError(
                f"x has shape {tuple(points.shape)}, expected (..., {self.n}) "
                f"to go with patterns of shape {tuple(self.patterns.shape)}"
            )
        return self._xp.astype(points, self.patterns.dtype, copy=False)

    def _known(self, known: Any, points: Array) -> Array | None:
        if known is None:
            return None
        xp = self._xp
        mask = known if array_api_compat.is_array_api_obj(known) else np.asarray(known)
        if str(mask.dtype).rsplit(".", 1)[-1] != "bool":
            raise ValueError(f"known has dtype {mask.dtype}, expected booleans")
        try:
            return xp.broadcast_to(xp.asarray(mask, device=array_api_compat.device(points)), tuple(points.shape))
        except (ValueError, RuntimeError):
            raise ValueError(
                f"known has shape {tuple(mask.shape)}, expected one that broadcasts to {tuple(points.shape)}"
            ) from None

    def _step(self, points: Array, known: Array | None) -> Array:
        """`_update` in blocks, the known coordinates kept."""
        xp = self._xp
        if known is None:
            (moved,) = map_rows(xp, lambda rows: (self._update(rows, None),), points, self._width())
            return moved

        def rows_update(rows: Array) -> tuple[Array]:
            x, mask = rows[:, : self.n], rows[:, self.n :] > 0.5  # the mask travels with its rows
            return (xp.where(mask, x, self._update(x, mask)),)

        joined = xp.concat([points, xp.astype(known, points.dtype)], axis=-1)
        (moved,) = map_rows(xp, rows_update, joined, self._width() + 2 * self.n)
        return moved

    def _limit(self, tolerance: float) -> float:
        xp = self._xp
        largest = float(xp.max(xp.abs(plain(self.patterns)))) or 1.0
        return max(tolerance, 8 * float(xp.finfo(self.patterns.dtype).eps)) * largest
