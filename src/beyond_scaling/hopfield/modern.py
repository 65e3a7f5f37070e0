"""The modern continuous Hopfield network, and its identity with attention.

Ramsauer et al., "Hopfield Networks is All You Need" (2020). One update is attention of a query over the patterns:

    E(x) = -(1/β) log Σ_i exp(β ρ_i·x) + |x|²/2 + (log d)/β + max_i |ρ_i|²/2
    x⁺   = Σ_i softmax_i(β ρ_i·x) ρ_i

The formulas live in `beyond_scaling.energy`; here are the network, attention and Ramsauer et al.'s Theorem 3.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .._arrays import Array, as_arrays, as_factor, as_positive, plain
from ..energy import mchn_energy, mchn_gradient
from ._softmax import softmax
from ._whole import as_whole
from .memory import Memory


class ModernHopfield(Memory):
    """The modern continuous Hopfield network at inverse temperature ``beta`` > 0 (in one over squared pattern units).

    Attributes:
        beta: the inverse temperature.
    """

    title = "Modern continuous Hopfield network"
    source = "Ramsauer et al. 2020"

    def __init__(self, patterns: Any, beta: Any = 1.0) -> None:
        super().__init__(patterns)
        self.beta = as_factor("beta", beta, self.patterns)

    def _energy(self, x: Array) -> Array:
        return mchn_energy(x, self.patterns, self.beta)

    def _gradient(self, x: Array) -> Array:
        return mchn_gradient(x, self.patterns, self.beta)

    def _update(self, x: Array, known: Array | None) -> Array:
        # One matrix product, where `energy.mchn_update` takes differences that stay exact at any distance.
        return softmax(self._xp, self.beta * (x @ self.patterns.T)) @ self.patterns  # (b, d) @ (d, n)

    # --- when a pattern is surely stored --------------------------------------------------------------------------

    def separations(self) -> Array:
        """Δ_i = |ρ_i|² - max_{j≠i} ρ_i·ρ_j, shape (d,); infinite for a single pattern."""
        return separations(self._xp, self.patterns)

    def radius(self) -> Array:
        """1/(β d M), shape (): how near a well-separated pattern its fixed point is. M = max_i |ρ_i|."""
        return 1 / (self.beta * self.d * self._largest())

    def well_separated(self) -> Array:
        """Booleans (d,): Δ_i ≥ 2/(β d) + (1/β) log(2 (d - 1) d β M²), what Ramsauer et al. call well separated.

        Then an update maps the ball of `radius` about ρ_i into itself (see `update_error`), so it holds a fixed point.
        """
        count = max(2 * (self.d - 1) * self.d, 1)
        needed = 2 / (self.beta * self.d) + self._xp.log(count * self.beta * self._largest() ** 2) / self.beta
        return self.separations() >= needed

    def update_error(self, x: Any, index: int) -> Array:
        """A bound on |x⁺ - ρ_i| for i = ``index``, shape (...): 2 (d - 1) M exp(-β (Δ_i - 2 M |x - ρ_i|)).

        It holds for every x, and says something once x is nearer to ρ_i than Δ_i/(2 M). Ramsauer et al.'s bound on the
        retrieval error asks for the distance of the fixed point too, which is not needed. Infinite where the
        exponential overflows.

        Raises:
            ValueError: for an ``index`` that is not an integer from 0 to d - 1.
        """
        index = as_whole("index", index, 0, self.d - 1)
        xp, points = self._xp, self._points(x)
        away = xp.linalg.vector_norm(points - self.patterns[index, :], axis=-1)
        if self.d == 1:
            return xp.zeros_like(away)
        largest = self._largest()
        exponent = -self.beta * (self.separations()[index] - 2 * largest * away)
        ceiling = math.log(float(xp.finfo(points.dtype).max)) / 2
        bound = 2 * (self.d - 1) * largest * xp.exp(xp.clip(exponent, max=ceiling))
        return xp.where(exponent < ceiling, bound, xp.full_like(bound, math.inf))

    def _largest(self) -> Array:
        return self._xp.max(self._xp.linalg.vector_norm(self.patterns, axis=1))


def attention(query: Any, keys: Any, values: Any, beta: Any) -> Array:
    """softmax(β Q Kᵀ) V, shape (..., q, m): one update of the modern network per query, read out through ``values``.

    ``query`` (..., q, n), ``keys`` (..., d, n), ``values`` (..., d, m); leading shapes broadcast. With values equal to
    keys it is the network's update; with β = 1/√n the attention of Transformers (Vaswani et al. 2017).

    Raises:
        ValueError: for shapes that do not match, no keys, entries that are not finite, or a β that is not positive.
    """
    xp, q, k, v = as_arrays(query=query, keys=keys, values=values)
    shapes = f"query has shape {tuple(q.shape)}, keys {tuple(k.shape)}, values {tuple(v.shape)}"
    expected = "expected (..., q, n), (..., d, n) and (..., d, m)"
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(f"{shapes}, {expected}")
    if k.shape[-2] == 0:
        raise ValueError(f"{shapes}: no keys, expected at least one")
    factor = as_factor("beta", beta, k)
    try:
        return xp.matmul(softmax(xp, factor * xp.matmul(q, xp.matrix_transpose(k))), v)  # (..., q, m)
    except (ValueError, RuntimeError):
        raise ValueError(f"{shapes}: leading shapes do not broadcast, {expected}") from None


class RamsauerCapacity(NamedTuple):
    """Theorem 3's lower bound N ≥ √p c^((n - 1)/4).

    Attributes:
        c: the base of the exponential.
        log_patterns: log N, natural; the number itself overflows soon.
        holds: whether the theorem's premise does, c ≥ (2/√p)^(4/(n - 1)), which is N ≥ 2.
    """

    c: float
    log_patterns: float
    holds: bool


def ramsauer_capacity(n: int, K: float, beta: float, p: float) -> RamsauerCapacity:
    """How many random patterns are stored with probability 1 - ``p`` at least: Ramsauer et al. 2020, Theorem 3.

    The patterns are drawn uniformly from the sphere of radius K √(n - 1) in n dimensions, n ≥ 2. A pattern is stored
    if a fixed point is near it (see `ModernHopfield.well_separated`). c solves a + log c = b/c, with a = 2/(n - 1) (1
    + log(2 β K² p (n - 1))) and b = 2 K² β/5.

    Raises:
        ValueError: for n that is not an integer from 2 on, K or β that is not positive, p that is not in (0, 1].
    """
    from scipy.special import wrightomega

    free = as_whole("n", n, 2) - 1
    K, beta, p = (float(plain(as_positive(name, value))) for name, value in (("K", K), ("beta", beta), ("p", p)))
    if p > 1:
        raise ValueError(f"p is {p}, expected a probability in (0, 1]")
    a = 2 / free * (1 + math.log(2 * beta * K * K * p * free))
    b = 2 * K * K * beta / 5
    # W0(exp z) is the Wright omega function of z, which does not overflow.
    c = b / float(wrightomega(a + math.log(b)))
    log_patterns = math.log(p) / 2 + free / 4 * math.log(c)
    return RamsauerCapacity(c, log_patterns, log_patterns >= math.log(2))


def separations(xp: Any, patterns: Array) -> Array:
    """Δ_i = |ρ_i|² - max_{j≠i} ρ_i·ρ_j of patterns (d, n), shape (d,); infinite for a single pattern."""
    products = xp.matmul(patterns, patterns.T)  # (d, d)
    others = xp.eye(patterns.shape[0], dtype=products.dtype, device=patterns.device) == 0
    rivals = xp.where(others, products, xp.full_like(products, -math.inf))
    return xp.vecdot(patterns, patterns) - xp.max(rivals, axis=1)
