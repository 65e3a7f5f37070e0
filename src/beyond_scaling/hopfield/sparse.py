"""Sparse modern Hopfield networks: α-entmax in the place of softmax.

Hu et al., "On Sparse Modern Hopfield Model" (2023), with sparsemax (α = 2); α-entmax from Peters et al., "Sparse
Sequence-to-Sequence Models" (2019), sparsemax from Martins & Astudillo (2016).

    entmax_α(z) = argmax_p p·z + H_α(p) over the simplex,   H_α(p) = Σ_i (p_i - p_i^α)/(α (α - 1))   (Tsallis)
    E(x)        = -(1/β) max_p [p·(β Mᵀx) + H_α(p)] + |x|²/2 + H_α(1/d, …, 1/d)/β + max_i |ρ_i|²/2
    x⁺          = M entmax_α(β Mᵀx)

α = 1 is softmax, and E the modern network's energy with its constant; for every α the constant keeps E ≥ 0. An update
is one pattern *exactly* as soon as its score β ρ_i·x leads every other by 1/(α - 1) (`SparseHopfield.margin`), and
not before.
"""

from __future__ import annotations

import math
from typing import Any

from .._arrays import Array, as_entries, as_factor, as_positive, plain
from ..energy import mchn_energy, mchn_gradient, norm_deficits, squared_distances, tilt_mchn
from ._softmax import softmax
from .memory import Memory
from .modern import separations


class SparseHopfield(Memory):
    """The modern network with `entmax` weights: ``beta`` > 0, ``alpha`` ≥ 1 (1 softmax, 1.5 entmax, 2 sparsemax).

    Attributes:
        beta: the inverse temperature, in one over squared pattern units.
        alpha: the exponent of the Tsallis entropy.
        margin: 1/(β (α - 1)), in squared pattern units: the lead ρ_i·x - max_{j≠i} ρ_j·x from which an update gives ρ_i
            exactly. Infinite for α = 1.

    Raises:
        ValueError: as `Memory`, and for an ``alpha`` that is not a finite number from 1 on.
    """

    title = "Sparse modern Hopfield network"
    source = "Hu et al. 2023"

    def __init__(self, patterns: Any, beta: Any = 1.0, alpha: float = 2.0) -> None:
        super().__init__(patterns)
        self.beta = as_factor("beta", beta, self.patterns)
        self.alpha = _as_alpha(alpha)
        self.margin = math.inf if self.alpha == 1 else 1 / (float(plain(self.beta)) * (self.alpha - 1))

    def stored_exactly(self) -> Array:
        """Booleans (d,): whether ρ_i is a fixed point to the last bit, Δ_i = |ρ_i|² - max_{j≠i} ρ_i·ρ_j ≥ margin.

        The premise of exact retrieval in Santos et al., "Sparse and Structured Hopfield Networks" (2024).
        """
        return separations(self._xp, self.patterns) >= self.margin

    def _energy(self, x: Array) -> Array:
        if self.alpha == 1:
            return mchn_energy(x, self.patterns, self.beta)
        xp, share = self._xp, self._share(x)
        # |x|²/2 + ξ²/2 - p·Mᵀx is a mean under p of distances and norms: nothing cancels.
        terms = squared_distances(x, self.patterns) + norm_deficits(xp, self.patterns)  # (b, d)
        uniform = -math.expm1(-(self.alpha - 1) * math.log(self.d)) / (self.alpha * (self.alpha - 1))
        return xp.vecdot(share, terms) / 2 + (uniform - tsallis_entropy(share, self.alpha)) / self.beta

    def _gradient(self, x: Array) -> Array:
        if self.alpha == 1:
            return mchn_gradient(x, self.patterns, self.beta)
        return x - self._share(x) @ self.patterns

    def _update(self, x: Array, known: Array | None) -> Array:
        # One matrix product, where the energy's weights come from differences that stay exact at any distance.
        return entmax(self.beta * (x @ self.patterns.T), self.alpha) @ self.patterns  # (b, d) @ (d, n)

    def _share(self, x: Array) -> Array:
        return entmax(-tilt_mchn(self._xp, x, self.patterns, self.beta).gaps, self.alpha)  # (b, d)


def entmax(z: Any, alpha: float = 1.5, axis: int = -1) -> Array:
    """α-entmax of ``z`` along ``axis``, of the shape of ``z``: weights ≥ 0 that sum to 1, most of them 0 if α is large.

    p_i = [(α - 1) z_i - τ]₊^(1/(α - 1)). The threshold is exact, from sorted entries, for α = 2 and 1.5; for other α
    it is found by bisection to the precision of the dtype. Torch gradients flow: J = diag(s) - s sᵀ/Σs, with s_i =
    p_i^(2 - α) on the support. For α > 2 a weight leaves zero with infinite slope, so weights below ε^(1/(α - 1)) are
    rounding.

    Raises:
        ValueError: for entries that are not finite, no entries, or an ``alpha`` that is not a finite number from 1 on.
    """
    xp, values = as_entries(z, axis, "z")
    alpha = _as_alpha(alpha)
    top = xp.max(plain(values), axis=-1, keepdims=True)
    values = values - top
    if alpha > 1:
        # A gap of 1/(α - 1) or more is never in the support: taken in before its square overflows.
        floor = xp.full_like(values, -2 / (alpha - 1))
        values = xp.where(values > floor, values, floor)
    rule = {1.0: softmax, 1.5: _entmax_15, 2.0: _sparsemax}.get(alpha)
    weights = _by_bisection(xp, values, alpha) if rule is None else rule(xp, values)
    return xp.moveaxis(weights, -1, axis)


def tsallis_entropy(p: Any, alpha: float, axis: int = -1) -> Array:
    """H_α(p) = Σ_i (p_i - p_i^α)/(α (α - 1)) along ``axis``, which is removed; -Σ p log p for α = 1. Natural units."""
    xp, share = as_entries(p, axis, "p")
    alpha = _as_alpha(alpha)
    positive = share > 0
    logs = xp.log(xp.where(positive, share, xp.ones_like(share)))
    each = -logs if alpha == 1 else -xp.expm1((alpha - 1) * logs) / (alpha * (alpha - 1))
    return xp.sum(share * each, axis=-1)


# --- thresholds: values (..., d) with largest entry 0 ----------------------------------------------------------------


def _sparsemax(xp: Any, values: Array) -> Array:
    ordered, count = _sorted(xp, values)
    # The k largest are the support while 1 + k z_(k) > Σ_{j≤k} z_(j).
    held = 1 + count * ordered > xp.cumulative_sum(ordered, axis=-1)
    support = values >= _last(xp, ordered, held)
    size = xp.sum(xp.astype(support, values.dtype), axis=-1, keepdims=True)
    threshold = (_sum(xp, values, support) - 1) / size
    return _positive(xp, values - threshold)


def _entmax_15(xp: Any, values: Array) -> Array:
    half = values / 2
    ordered, count = _sorted(xp, half)
    # τ of the k largest solves Σ_{j≤k} (z_(j) - τ)² = 1; the k largest are the support while z_(k) ≥ τ.
    mean = xp.cumulative_sum(ordered, axis=-1) / count
    spread = xp.cumulative_sum(ordered * ordered, axis=-1) - count * mean * mean  # Σ (z - mean)²
    inside = 1 - spread
    threshold = mean - xp.sqrt(_positive(xp, inside) / count)
    support = half >= _last(xp, ordered, (ordered >= threshold) & (inside >= 0))
    size = xp.sum(xp.astype(support, values.dtype), axis=-1, keepdims=True)
    centre = _sum(xp, half, support) / size
    off = half - centre
    threshold = centre - xp.sqrt((1 - _sum(xp, off * off, support)) / size)
    root = _positive(xp, half - threshold)
    return root * root


def _by_bisection(xp: Any, values: Array, alpha: float) -> Array:
    # Unknown is λ = log of the largest weight, in [-log d, 0]: unlike τ it stays well scaled as α comes near 1.
    gaps = -plain(values)
    low = xp.zeros_like(gaps[..., :1]) - math.log(gaps.shape[-1])
    high = xp.zeros_like(low)
    for _ in range(int(-math.log2(float(xp.finfo(values.dtype).eps))) + 8):
        middle = (low + high) / 2
        over = xp.sum(_weights_at(xp, gaps, middle, alpha), axis=-1, keepdims=True) > 1
        low, high = xp.where(over, low, middle), xp.where(over, middle, high)
    middle = (low + high) / 2
    found = _weights_at(xp, gaps, middle, alpha)
    # λ keeps its value and gets its derivative, by the implicit function theorem on Σ p = 1.
    slope = xp.sum(_slopes(xp, found, alpha), axis=-1, keepdims=True) * xp.exp((alpha - 1) * middle)
    total = xp.sum(_weights_at(xp, -values, middle, alpha), axis=-1, keepdims=True)
    weights = _weights_at(xp, -values, middle - (total - plain(total)) / slope, alpha)
    return weights / xp.sum(plain(weights), axis=-1, keepdims=True)


def _weights_at(xp: Any, gaps: Array, log_largest: Array, alpha: float) -> Array:
    """p_i = exp(λ + log(1 - (α - 1) gap_i e^(-(α - 1) λ))/(α - 1)), 0 where the logarithm has no argument."""
    most = 0.9 * math.log(float(xp.finfo(gaps.dtype).max))
    scale = xp.exp(xp.clip(-(alpha - 1) * log_largest, max=most))
    drop = (alpha - 1) * gaps * scale  # at most 2 exp(most)
    inside = drop < 1
    safe = xp.where(inside, drop, xp.zeros_like(drop))
    return xp.where(inside, xp.exp(log_largest + xp.log1p(-safe) / (alpha - 1)), xp.zeros_like(drop))


def _slopes(xp: Any, weights: Array, alpha: float) -> Array:
    """p_i^(2 - α) on the support, 0 elsewhere."""
    inside = weights > 0
    safe = xp.where(inside, weights, xp.ones_like(weights))
    return xp.where(inside, xp.exp((2 - alpha) * xp.log(safe)), xp.zeros_like(weights))


def _sorted(xp: Any, values: Array) -> tuple[Array, Array]:
    """Entries from the largest down, and 1, 2, …, d."""
    numbers = plain(values)
    count = xp.arange(1, numbers.shape[-1] + 1, dtype=numbers.dtype, device=numbers.device)
    return xp.sort(numbers, axis=-1, descending=True), count


def _last(xp: Any, ordered: Array, held: Array) -> Array:
    """The least entry of the support: that of the last true in ``held``, (..., 1)."""
    size = xp.sum(xp.astype(held, xp.int64), axis=-1, keepdims=True)
    return xp.take_along_axis(ordered, size - 1, axis=-1)


def _sum(xp: Any, values: Array, support: Array) -> Array:
    return xp.sum(xp.where(support, values, xp.zeros_like(values)), axis=-1, keepdims=True)


def _positive(xp: Any, values: Array) -> Array:
    return xp.where(values > 0, values, xp.zeros_like(values))


def _as_alpha(alpha: Any) -> float:
    number = float(plain(as_positive("alpha", alpha)))
    if number < 1:
        raise ValueError(f"alpha is {number}, expected a finite number from 1 on")
    return number
