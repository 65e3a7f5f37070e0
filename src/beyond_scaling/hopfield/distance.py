"""The paper's distance-based energy (eq 4) with an inverse temperature, as Saha et al. (2023) use it.

    E_β(x) = -(1/β) log Σ_i exp(-β |x - ρ_i|²)
    x⁺     = Σ_i softmax_i(-β |x - ρ_i|²) ρ_i        one step of mean shift

With x and ρ measured in units of 1/√β this is the paper's E, divided by β: the formulas stay in
`beyond_scaling.energy`. On patterns of one length it is the modern network at twice the inverse temperature: E_β = 2
MCHN_{2β} - (log d)/β.
"""

from __future__ import annotations

from typing import Any

from .._arrays import Array, as_factor
from ..energy import energy, energy_gradient
from ._softmax import softmax
from .memory import Memory


class DistanceMemory(Memory):
    """The distance memory at inverse temperature ``beta`` > 0 (in one over squared pattern units); 1 is the paper's.

    Attributes:
        beta: the inverse temperature.

    Raises:
        ValueError: as `Memory`; and its methods where √β times an entry has a square out of the range of the dtype.
    """

    title = "Distance memory"
    source = "Beyond Scaling Laws, eq 4; Saha et al. 2023"

    def __init__(self, patterns: Any, beta: Any = 1.0) -> None:
        super().__init__(patterns)
        self.beta = as_factor("beta", beta, self.patterns)
        self._centre = self._xp.mean(self.patterns, axis=0)  # (n,)
        self._centred = self.patterns - self._centre  # (d, n)
        self._squares = self._xp.vecdot(self._centred, self._centred)  # (d,)

    def _energy(self, x: Array) -> Array:
        unit = self.beta**0.5
        return energy(unit * x, unit * self.patterns) / self.beta

    def _gradient(self, x: Array) -> Array:
        unit = self.beta**0.5
        return energy_gradient(unit * x, unit * self.patterns) / unit

    def _update(self, x: Array, known: Array | None) -> Array:
        # -|x - ρ|² is 2 ρ·x - |ρ|² but for what all patterns share: one matrix product, where `energy.update` takes
        # differences that stay exact at any distance. Measured from the patterns' centre, little cancels.
        scores = 2 * ((x - self._centre) @ self._centred.T) - self._squares  # (b, d)
        return softmax(self._xp, self.beta * scores) @ self.patterns
