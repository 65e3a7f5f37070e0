"""The exponential memory of binary patterns.

    E(x) = -log Σ_μ exp(ρ_μ·x)

Source: Demircigil, Heusel, Löwe, Upgang & Vermet, "On a model of associative memory with huge storage capacity", 2017.
Their energy is -Σ_μ exp(ρ_μ·x); the logarithm is a rising function of it, so that every drive has the same sign.
"""

from __future__ import annotations

import math
from typing import ClassVar

from .._arrays import Array
from .separable import SeparableMemory, Terms


class ExponentialMemory(SeparableMemory):
    """The memory with F = exp: exponentially many random patterns are fixed points.

    With d = exp(αn) + 1 and α < log(2)/2, all of them are, with a probability that goes to 1 (Theorem 3). Up to
    there no two are neighbours; of two patterns that differ in one entry only, each leaves that entry a tie, which is
    kept. Everything is computed relative to the largest overlap: nothing overflows.

    Args and Raises: see `BinaryMemory`.
    """

    source: ClassVar[str] = "Demircigil et al. 2017"
    title: ClassVar[str] = "Exponential memory"

    def _energy(self, x: Array) -> Array:
        xp, overlaps = self._xp, self._overlaps(x)
        largest = xp.max(overlaps, axis=1)
        return -(largest + xp.log(xp.sum(xp.exp(overlaps - largest[:, None]), axis=1)))

    def _gradient(self, x: Array) -> Array:
        xp = self._xp
        weights = self._relative(self._overlaps(x))
        return -xp.matmul(weights / xp.sum(weights, axis=1, keepdims=True), self.patterns)

    def _compared(self, overlaps: Array) -> Terms:
        weights = self._relative(overlaps)
        total = self._xp.sum(weights, axis=1)
        return Terms(math.sinh(2) * weights, (1 - math.cosh(2)) * total, self._rounding(2 * math.cosh(2) * total))

    def _guessed(self, overlaps: Array) -> Terms:
        weights = self._relative(overlaps)
        total = self._xp.sum(weights, axis=1)
        return Terms(2 * math.sinh(1) * weights, 0 * total, self._rounding(2 * math.cosh(1) * total))

    def _relative(self, overlaps: Array) -> Array:
        """exp(ρ_μ·x) over the largest of them, (b, d)."""
        xp = self._xp
        return xp.exp(overlaps - xp.max(overlaps, axis=1, keepdims=True))
