"""Dense associative memory: Hopfield's energy with a higher power of the overlaps.

    E(x) = -n Σ_μ F(ρ_μ·x / n)        F(z) = z^r, or max(z, 0)^r

Source: Krotov & Hopfield, "Dense associative memory for pattern recognition", 2016, eqs 1-3.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

from .._arrays import Array
from .binary import Mode
from .separable import SeparableMemory, Terms


class DenseMemory(SeparableMemory):
    """The dense associative memory of degree r, which stores of the order of n^(r-1) random patterns.

    Overlaps are divided by n before the power and the sum multiplied by n after it: the energy stays of the
    order of n, for any degree. Degree 2 is Hebb's network: E is twice its energy, less d.

    One after another, an entry that changes from -1 to 1 or back never raises the energy. Filling in an unknown
    entry (0) does not raise it either where F is convex: for an even degree, and rectified. For an odd degree, not
    rectified, it may: z^r bends down where overlaps are negative.

    Args:
        patterns: (d, n), entries -1 and 1.
        degree: r, a whole number from 1 on; if rectified, any number from 1 on.
        rectified: whether negative overlaps count as 0.
        mode, order: see `BinaryMemory`.

    Raises:
        ValueError: as `BinaryMemory`; a degree that is not such a number.
    """

    source: ClassVar[str] = "Krotov & Hopfield 2016"
    title: ClassVar[str] = "Dense memory of degree r"
    degree: float
    rectified: bool

    def __init__(
        self,
        patterns: Any,
        degree: float = 3,
        rectified: bool = False,
        mode: Mode = "asynchronous",
        order: int | None = None,
    ) -> None:
        super().__init__(patterns, mode, order)
        kind, expected = (Real, "a number") if rectified else (Integral, "a whole number")
        if isinstance(degree, bool) or not isinstance(degree, kind) or not 1 <= degree < float("inf"):
            raise ValueError(f"degree is {degree!r}, expected {expected} from 1 on")
        self.degree = int(degree) if degree == int(degree) else float(degree)
        self.rectified = bool(rectified)

    def _energy(self, x: Array) -> Array:
        xp = self._xp
        return -self.n * xp.sum(self._power(self._overlaps(x) / self.n, self.degree), axis=1)

    def _gradient(self, x: Array) -> Array:
        xp = self._xp
        overlaps = self._overlaps(x) / self.n
        slopes = self._power(overlaps, self.degree - 1)
        if self.rectified and self.degree == 1:
            slopes = xp.where(overlaps > 0, slopes, 0 * slopes)
        return -self.degree * xp.matmul(slopes, self.patterns)

    def _compared(self, overlaps: Array) -> Terms:
        xp, unit = self._xp, self._unit(overlaps)
        below, at, above = (self._power((overlaps + step) / unit, self.degree) for step in (-2, 0, 2))
        mean = (above + below) / 2
        size = xp.sum(xp.abs(above) + xp.abs(below), axis=1)
        return Terms((above - below) / 2, xp.sum(at - mean, axis=1), self._rounding(size, self.degree))

    def _guessed(self, overlaps: Array) -> Terms:
        xp, unit = self._xp, self._unit(overlaps)
        below, above = (self._power((overlaps + step) / unit, self.degree) for step in (-1, 1))
        size = xp.sum(xp.abs(above) + xp.abs(below), axis=1)
        return Terms(above - below, 0 * size, self._rounding(size, self.degree))

    def _unit(self, overlaps: Array) -> Array:
        """What to divide by before the power, (b, 1): no overlap exceeds it in size, and the largest comes near."""
        xp = self._xp
        largest = xp.max(overlaps if self.rectified else xp.abs(overlaps), axis=1, keepdims=True)
        return xp.where(largest > 0, largest, 0 * largest) + 2

    def _power(self, z: Array, exponent: float) -> Array:
        xp = self._xp
        if self.rectified:
            z = xp.where(z > 0, z, 0 * z)
        return _whole_power(xp, z, exponent) if isinstance(exponent, int) else xp.pow(z, exponent)


def _whole_power(xp: Any, z: Array, exponent: int) -> Array:
    """z^exponent by products alone, many times faster than `pow`."""
    result = None
    while exponent:
        if exponent & 1:
            result = z if result is None else result * z
        exponent >>= 1
        z = z * z if exponent else z
    return xp.ones_like(z) if result is None else result
