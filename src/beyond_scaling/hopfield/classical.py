"""The network of 1982: pairs of entries vote for each other.

    E(x) = -½ xᵀWx - bᵀx        x_i ← sign(Σ_j W_ij x_j + b_i)

Source: Hopfield, "Neural networks and physical systems with emergent collective computational abilities", 1982. The
energy of a pair of states is that of Goles & Olivos 1981.
"""

from __future__ import annotations

from typing import Any, ClassVar

from .._arrays import Array, map_rows, plain
from .binary import BinaryMemory, Drives, Mode
from .rules import Rule, couplings

_ZERO = 8  # a field below so many roundings of its largest possible size counts as zero


class ClassicalHopfield(BinaryMemory):
    """The network of 1982, with symmetric weights whose diagonal is zero.

    One after another, an entry never moves up in energy. All at once, the energy may rise, and the network may swing
    between two states for ever; `pair_energy` is then what never rises.

    With Hebb's rule, random patterns are retrieved up to a few wrong entries for d up to 0.138 n (Amit, Gutfreund &
    Sompolinsky 1985), and all of them are fixed points for d up to n / (4 log n) (McEliece et al. 1987). With the
    pseudo-inverse, every pattern is a fixed point as long as the patterns do not span all n dimensions.

    Args:
        patterns: (d, n), entries -1 and 1.
        rule: "hebb" or "pseudo-inverse".
        mode, order: see `BinaryMemory`.
        bias: b (n,), zero if None.

    Attributes:
        weights: W (n, n).
        bias: b (n,).

    Raises:
        ValueError: as `BinaryMemory`; an unknown rule; a bias that is not (n,); with the pseudo-inverse, patterns that
            span all n dimensions.
    """

    source: ClassVar[str] = "Hopfield 1982"
    title: ClassVar[str] = "Classical Hopfield network"

    def __init__(
        self,
        patterns: Any,
        rule: Rule = "hebb",
        mode: Mode = "asynchronous",
        bias: Any = None,
        order: int | None = None,
    ) -> None:
        super().__init__(patterns, mode, order)
        xp = self._xp
        self.rule = rule
        self._couplings, self._scale, self._bias = couplings(xp, self.patterns, rule, bias)
        self._visited = self._couplings  # as a sweep visits them
        if self._visits is not None:
            self._visited = xp.take(xp.take(self._couplings, self._visits, axis=0), self._visits, axis=1)
        sizes = xp.sum(xp.abs(plain(self._couplings)), axis=1) + xp.abs(plain(self._bias))
        self._zero = _ZERO * float(xp.finfo(self.patterns.dtype).eps) * float(xp.max(sizes))

    @property
    def weights(self) -> Array:
        """W (n, n), symmetric, with a diagonal of zeros."""
        return self._couplings / self._scale

    @property
    def bias(self) -> Array:
        """b (n,)"""
        return self._bias / self._scale

    def pair_energy(self, x: Any, after: Any) -> Array:
        """-xᵀW after - bᵀ(x + after), shape (...): of a state and the one that follows it (Goles & Olivos 1981).

        Along synchronous updates it never rises, so that they end in a fixed point or in a cycle of two states. Both
        arguments are (..., n), of one shape.
        """
        points, following = self._points(x), self._points(after)
        if points.shape != following.shape:
            raise ValueError(
                f"after has shape {tuple(following.shape)}, expected that of x, {tuple(points.shape)}"
            )
        xp, n = self._xp, self.n

        def pair(rows: Array) -> tuple[Array]:
            here, there = rows[:, :n], rows[:, n:]
            return (-(xp.vecdot(self._field(here), there) + xp.matmul(here, self._bias)) / self._scale,)

        (values,) = map_rows(xp, pair, xp.concat([points, following], axis=-1), 4 * n)
        return values

    def _field(self, x: Array) -> Array:
        """scale · (Wx + b), (b, n)."""
        xp = self._xp
        if self.rule == "hebb" and 2 * self.d < self.n:  # cheaper through the overlaps
            pairs = xp.matmul(xp.matmul(x, xp.matrix_transpose(self.patterns)), self.patterns) - self.d * x
        else:
            pairs = xp.matmul(x, self._couplings)
        return pairs + self._bias

    def _energy(self, x: Array) -> Array:
        return -self._xp.vecdot(x, self._field(x) + self._bias) / (2 * self._scale)

    def _gradient(self, x: Array) -> Array:
        return -self._field(x) / self._scale

    def _drive(self, x: Array) -> tuple[Array, float]:
        return plain(self._field(x)), self._zero

    def _drives(self, x: Array) -> Drives:
        field = plain(self._field(self._as_numbered(x)))
        return _Fields(self._xp, plain(self._visited), self._in_order(field), self._zero)

    def _width(self) -> int:
        return 3 * self.n + self.d


class _Fields:
    """The fields of a batch, exact in the block that is swept and corrected for later ones when it is done."""

    def __init__(self, xp: Any, matrix: Array, field: Array, zero: float) -> None:
        self.xp, self.matrix, self.field, self.zero = xp, matrix, field, zero
        self.changes = xp.zeros_like(field)  # (b, n)

    def drive(self, rows: Array, block: slice, here: Array) -> tuple[Array, float]:
        return self.field[:, block][rows], self.zero

    def turn(self, rows: Array, at: Array, change: Array, block: slice) -> None:
        view = self.field[:, block]
        view[rows] += change[:, None] * self.matrix[:, block][at]  # (r, k)
        self.changes[rows, at] = change

    def close(self, block: slice) -> None:
        xp, changes = self.xp, self.changes[:, block]  # (b, k)
        rows = xp.nonzero(xp.any(changes != 0, axis=1))[0]
        if rows.shape[0]:
            later = self.field[:, block.stop :]
            later[rows] += xp.matmul(changes[rows], self.matrix[block, block.stop :])
