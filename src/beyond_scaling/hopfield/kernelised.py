"""The kernelised Hopfield network, and a linear kernel learnt by spreading the patterns apart.

Wu et al., "Uniform Memory Retrieval with Larger Capacity for Modern Hopfield Models" (2024, U-Hop). Dot products are
taken after a linear map, K(u, v) = (Wu)·(Wv):

    E(x) = -(1/β) log Σ_i exp(β K(ρ_i, x)) + K(x, x)/2 + (log d)/β + max_i K(ρ_i, ρ_i)/2
    x⁺   = Σ_i softmax_i(β K(ρ_i, x)) ρ_i

E is the modern network's energy at Wx with patterns Wρ, and Wx⁺ is its update: so E never rises. W is learnt without a
query, by gradient descent on the mean repulsion of the mapped patterns on the unit sphere (`separation_loss`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import Array, as_arrays, as_factor, as_patterns, as_positive, plain
from ..energy import log_sum_exp, mchn_energy, mchn_gradient, mchn_posterior
from ._whole import as_whole
from .memory import Memory

# W is as good as singular when its least singular value is this much smaller than its largest.
_SINGULAR = 1e-6
# Learning keeps W this far from singular: left alone, it would wipe out what all patterns have in common.
_FLATTEST = 1e-2
_HALVINGS = 40


class KernelisedHopfield(Memory):
    """The modern network under the kernel of ``weights`` (m, n); None is the identity, the modern network itself.

    With known coordinates, an update goes to the best x for the bound on E that the update minimises: in the metric
    of K the free coordinates answer to what is known.

    Attributes:
        beta: the inverse temperature.
        weights: W, (m, n).

    Raises:
        ValueError: as `Memory`, and for weights that are not (m, n) with finite entries and full column rank.
    """

    title = "Kernelised Hopfield network"
    source = "Wu et al. 2024"

    def __init__(self, patterns: Any, beta: Any = 1.0, weights: Any = None) -> None:
        super().__init__(patterns)
        xp, stored = self._xp, self.patterns
        self.beta = as_factor("beta", beta, stored)
        if weights is None:
            weights = xp.eye(self.n, dtype=stored.dtype, device=stored.device)
        _, _, weights = as_arrays(patterns=stored, weights=weights)
        if weights.ndim != 2 or weights.shape[1] != self.n:
            raise ValueError(f"weights has shape {tuple(weights.shape)}, expected (m, {self.n}): a map of patterns")
        if not _full_rank(xp, weights):
            raise ValueError("weights does not have full column rank, expected a map that keeps all directions")
        self.weights = xp.astype(weights, stored.dtype, copy=False)

    def _energy(self, x: Array) -> Array:
        return mchn_energy(self._map(x), self._map(self.patterns), self.beta)

    def _gradient(self, x: Array) -> Array:
        pull = mchn_gradient(self._map(x), self._map(self.patterns), self.beta)  # (b, m)
        return self._xp.matmul(pull, self.weights)

    def _update(self, x: Array, known: Array | None) -> Array:
        xp = self._xp
        share = mchn_posterior(self._map(x), self._map(self.patterns), self.beta)  # (b, d)
        aim = xp.matmul(share, self.patterns)  # (b, n)
        if known is None:
            return aim
        # Minimise (y - aim)ᵀ G (y - aim) over the free coordinates of y, with G = WᵀW.
        metric = xp.matmul(self.weights.T, self.weights)
        free = ~known
        both = free[:, :, None] & free[:, None, :]  # (b, n, n)
        identity = xp.eye(self.n, dtype=x.dtype, device=x.device)
        blocks = xp.where(both, metric[None, :, :], identity[None, :, :])
        held = xp.where(known, x - aim, xp.zeros_like(x))  # (b, n)
        force = xp.where(free, -xp.matmul(held, metric), xp.zeros_like(x))
        shift = xp.linalg.solve(blocks, force[:, :, None])[:, :, 0]
        return xp.where(known, x, aim + shift)

    def _width(self) -> int:
        return self.d + self.n + int(self.weights.shape[0]) + self.n * self.n

    def _map(self, x: Array) -> Array:
        return self._xp.matmul(x, self.weights.T)  # (b, n) -> (b, m)


def separation_loss(weights: Any, patterns: Any, t: Any = 2.0) -> Array:
    """log mean_{i<j} exp(-t |û_i - û_j|²), û_i = Wρ_i/|Wρ_i|, shape (): the lower, the further apart. At most 0.

    The loss of U-Hop (the uniformity of Wang & Isola 2020). Raises ValueError for fewer than two patterns, or a pattern
    that W maps to zero.
    """
    xp, stored, w = _checked(patterns, weights)
    distances, _ = _pairs(xp, stored, w)
    return log_sum_exp(-as_factor("t", t, stored) * distances) - float(np.log(distances.shape[0]))


def separation_gradient(weights: Any, patterns: Any, t: Any = 2.0) -> Array:
    """The gradient of `separation_loss` in W, shape (m, n), in closed form."""
    xp, stored, w = _checked(patterns, weights)
    t = as_factor("t", t, stored)
    distances, (unit, length) = _pairs(xp, stored, w)
    # How much each pair counts: softmax of -t |û_i - û_j|², laid out as a symmetric matrix.
    grown = xp.exp(-t * (distances - xp.min(plain(distances))))
    share = xp.zeros((stored.shape[0], stored.shape[0]), dtype=stored.dtype, device=stored.device)
    share[_upper(xp, stored)] = grown / xp.sum(grown)
    along = 2 * t * xp.matmul(share + share.T, unit)  # (d, m), the gradient in û
    across = along - xp.vecdot(along, unit)[:, None] * unit  # only a turn changes û
    return xp.matmul((across / length).T, stored)


def learn_kernel(
    patterns: Any, steps: int = 100, rate: float = 1.0, t: float = 2.0, seed: int | None = None
) -> Array:
    """Weights (n, n) of full rank under which the patterns are far apart: gradient descent on `separation_loss`.

    Each step starts at length ``rate`` and is halved until the loss falls, so the loss never rises. W starts from the
    identity, or from a Gaussian matrix if there is a ``seed`` (U-Hop's start). From the start its singular values are
    kept from a hundredth of the largest on: what all patterns have in common is shrunk, not lost, and no rounding
    brings W near what `KernelisedHopfield` refuses. It is returned at the scale that keeps the patterns' mean square
    length, so that β means the same with and without it.

    Raises:
        ValueError: for fewer than two patterns, a pattern that is zero, or settings that are not positive.
    """
    xp, stored = as_patterns(plain(patterns))
    steps, rate, n = as_whole("steps", steps), float(as_positive("rate", rate)), stored.shape[1]
    stored = stored / _power_of_two(float(xp.max(xp.abs(stored))))  # exact, and no scale makes squares vanish
    farthest = float(xp.finfo(stored.dtype).max) ** 0.25  # for an entry in one step: squares after it stay finite
    weights = xp.eye(n, dtype=stored.dtype, device=stored.device)
    if seed is not None:
        start = np.random.default_rng(seed).standard_normal((n, n)) / np.sqrt(n)
        weights = _rounded(xp, xp.asarray(start, dtype=stored.dtype, device=stored.device))
    loss = float(separation_loss(weights, stored, t))
    for _ in range(steps):
        slope = separation_gradient(weights, stored, t)
        length = min(rate, farthest / (1 + float(xp.max(xp.abs(slope)))))
        for _ in range(_HALVINGS):
            moved = _rounded(xp, weights - length * slope)
            below = float(separation_loss(moved, stored, t))
            if below < loss:
                weights, loss = moved, below
                break
            length /= 2
        else:
            break  # nothing falls any more
    mapped = xp.matmul(stored, weights.T)
    return weights * xp.sqrt(xp.sum(stored * stored) / xp.sum(mapped * mapped))


def _checked(patterns: Any, weights: Any) -> tuple[Any, Array, Array]:
    xp, stored, w = as_arrays(patterns=patterns, weights=weights)
    if stored.ndim != 2 or stored.shape[0] < 2:
        raise ValueError(f"patterns has shape {tuple(stored.shape)}, expected (d, n) with at least two to keep apart")
    if w.ndim != 2 or w.shape[1] != stored.shape[1]:
        raise ValueError(f"weights has shape {tuple(w.shape)}, expected (m, {stored.shape[1]}): a map of patterns")
    return xp, stored, w


def _pairs(xp: Any, stored: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    """|û_i - û_j|² for i < j, (d (d - 1)/2,), and û (d, m) with its lengths before (d, 1)."""
    mapped = xp.matmul(stored, weights.T)
    length = xp.linalg.vector_norm(mapped, axis=1, keepdims=True)
    if bool(xp.any(plain(length) == 0)):
        raise ValueError("patterns has a row that weights maps to zero, expected rows with a direction")
    unit = mapped / length
    distances = 2 - 2 * xp.matmul(unit, unit.T)
    return distances[_upper(xp, stored)], (unit, length)


def _upper(xp: Any, stored: Array) -> Array:
    """Booleans (d, d): the pairs i < j."""
    order = xp.arange(stored.shape[0], device=stored.device)
    return order[:, None] < order[None, :]


def _power_of_two(size: float) -> float:
    """The largest one that is at most ``size``; 1 for 0."""
    return 2.0 ** (math.frexp(size)[1] - 1) if size else 1.0


def _rounded(xp: Any, weights: Array) -> Array:
    """The nearest matrix whose singular values are no less than ``_FLATTEST`` of the largest."""
    left, values, right = xp.linalg.svd(weights, full_matrices=False)
    return xp.matmul(left * xp.clip(values, min=_FLATTEST * float(values[0])), right)


def _full_rank(xp: Any, weights: Array) -> bool:
    if weights.shape[0] < weights.shape[1]:
        return False
    values = xp.linalg.svdvals(plain(weights))
    return bool(values[-1] > _SINGULAR * values[0])
