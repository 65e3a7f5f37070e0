"""The outlier-efficient Hopfield network: a query that matches nothing is sent to zero.

Hu et al., "Outlier-Efficient Hopfield Layers for Large Transformer-Based Models" (2024). The softmax gets a 1 in its
denominator, as if one more pattern, zero, were stored:

    E(x) = -(1/β) log(1 + Σ_i exp(β ρ_i·x)) + |x|²/2 + log(d + 1)/β + max_i |ρ_i|²/2
    x⁺   = Σ_i softmax_1(β Mᵀx)_i ρ_i,        softmax_1(z)_i = exp(z_i)/(1 + Σ_j exp(z_j))

A query whose scores are all well below 0 goes to zero; one at a right angle to every pattern still weighs each by
1/(d + 1). The constant is that of the modern network with d + 1 patterns, so that the two energies are equal.
"""

from __future__ import annotations

from typing import Any

from .._arrays import Array, as_entries, as_factor, plain
from ..energy import mchn_energy, mchn_gradient
from .memory import Memory


class OutlierEfficientHopfield(Memory):
    """The modern network with room for "none of these", at inverse temperature ``beta`` > 0.

    Attributes:
        beta: the inverse temperature.
    """

    title = "Outlier-efficient Hopfield network"
    source = "Hu et al. 2024"

    def __init__(self, patterns: Any, beta: Any = 1.0) -> None:
        super().__init__(patterns)
        self.beta = as_factor("beta", beta, self.patterns)

    def _with_zero(self) -> Array:
        return self._xp.concat([self.patterns, self._xp.zeros_like(self.patterns[:1, :])], axis=0)  # (d + 1, n)

    def _energy(self, x: Array) -> Array:
        return mchn_energy(x, self._with_zero(), self.beta)

    def _gradient(self, x: Array) -> Array:
        return mchn_gradient(x, self._with_zero(), self.beta)

    def _update(self, x: Array, known: Array | None) -> Array:
        return softmax_1(self.beta * (x @ self.patterns.T)) @ self.patterns  # (b, d) @ (d, n)


def softmax_1(z: Any, axis: int = -1) -> Array:
    """exp(z_i)/(1 + Σ_j exp(z_j)) along ``axis``, of the shape of ``z``; its sum is below 1. No overflow."""
    xp, scores = as_entries(z, axis, "z")
    top = xp.clip(xp.max(plain(scores), axis=-1, keepdims=True), min=0)  # the added score is 0
    grown = xp.exp(scores - top)
    return xp.moveaxis(grown / (xp.exp(-top) + xp.sum(grown, axis=-1, keepdims=True)), -1, axis)
