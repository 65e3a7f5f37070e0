"""The predictive-coding memory that learns covariances: it completes, and does not attract.

Tang et al. 2023 ("Recurrent predictive coding models for associative memory employing covariance learning"), after
Salvatori et al. 2021. The network learns the mean μ and the covariance Σ of the patterns, and its energy is the squared
prediction error, weighted by precision:

    E(x) = ½ (x - μ)ᵀ (Σ + εI)⁻¹ (x - μ),        Σ = (1/d) Σ_i (ρ_i - μ)(ρ_i - μ)ᵀ

This is a convex bowl: left free, every query goes to μ, whatever the patterns. It is a memory of a different kind: with
coordinates k held at what is known, the others, m, have their least energy at

    μ_m + Σ_mk (Σ_kk + εI)⁻¹ (x_k - μ_k)

which is ridge regression of the missing coordinates on the known ones. As ε → 0 a stored pattern is completed exactly
if the patterns' known parts are affinely independent: for patterns in general position, if and only if d - 1 is at most
the number of known coordinates (something being missing). Beyond that, patterns blur into their regression.
"""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, as_numpy, as_positive, plain
from .memory import Memory


class PredictiveCodingMemory(Memory):
    """The explicit covariance-learning predictive-coding network.

    An update goes the share ``step`` of the way to the completion: a Newton step, damped so that one can watch. Each
    error shrinks by 1 - ``step``, and E never rises. Coordinates that are not known are free; without any
    known ones, the completion is μ.

    ``epsilon``: ε, in the patterns' units squared. Far below the variances it changes nothing, until it is lost in
    their rounding.

    Attributes:
        mean: μ, (n,).

    Raises:
        ValueError: as `Memory`; also when ``epsilon`` is not positive and finite, or ``step`` not in (0, 1].
    """

    source = "Tang et al. 2023"
    title = "Predictive-coding memory"

    def __init__(self, patterns: Any, epsilon: float = 1e-6, step: float = 0.5) -> None:
        super().__init__(patterns)
        self.epsilon = as_positive("epsilon", epsilon)
        self.step = as_positive("step", step)
        if self.step > 1:
            raise ValueError(f"step is {self.step}, expected a share of the way, above 0 and at most 1")
        xp = self._xp
        self.mean = xp.mean(self.patterns, axis=0)
        self._centred = self.patterns - self.mean  # (d, n)
        _, singular, self._axes = xp.linalg.svd(self._centred, full_matrices=False)  # (r,), (r, n)
        self._variances = singular**2 / self.d

    def complete(self, x: Any, known: Any = None) -> Array:
        """The least energy with the known coordinates held, where retrieval ends, shape (..., n).

        ``known``: booleans that broadcast to the shape of ``x``; None if nothing is known.
        """
        points = self._points(x)
        mask = self._known(known, points)
        xp, shape = self._xp, tuple(points.shape)
        rows = xp.reshape(points, (-1, self.n))
        return xp.reshape(self._completion(rows, None if mask is None else xp.reshape(mask, (-1, self.n))), shape)

    def _split(self, x: Array) -> tuple[Array, Array]:
        """x - μ along the principal axes (b, r), and what is orthogonal to all of them (b, n)."""
        offset = x - self.mean
        along = offset @ self._axes.T
        return along, offset - along @ self._axes

    def _energy(self, x: Array) -> Array:
        along, rest = self._split(x)
        xp = self._xp
        return (xp.sum(along**2 / (self._variances + self.epsilon), axis=-1) + xp.vecdot(rest, rest) / self.epsilon) / 2

    def _gradient(self, x: Array) -> Array:
        along, rest = self._split(x)
        return (along / (self._variances + self.epsilon)) @ self._axes + rest / self.epsilon

    def _update(self, x: Array, known: Array | None) -> Array:
        return x + self.step * (self._completion(x, known) - x)

    def _completion(self, x: Array, known: Array | None) -> Array:
        """(b, n), (b, n) -> (b, n)"""
        xp = self._xp
        if known is None:
            return self.mean + xp.zeros_like(x)
        result = 1 * x  # a copy that stays in the autograd graph, whatever the version of torch
        masks, which = np.unique(as_numpy(known).astype(bool), axis=0, return_inverse=True)
        for number, mask in enumerate(masks):  # rows that know the same coordinates share one decomposition
            rows = _indices(xp, np.flatnonzero(which.ravel() == number), x)
            held, free = (_indices(xp, np.flatnonzero(some), x) for some in (mask, ~mask))
            if free.shape[0]:
                result[rows[:, None], free[None, :]] = self._regress(x[rows[:, None], held[None, :]], held, free)
        return result

    def _regress(self, x: Array, held: Array, free: Array) -> Array:
        """The free coordinates (b, m) that go best with ``x`` (b, k) at the coordinates ``held``."""
        xp = self._xp
        if held.shape[0] == 0:
            return xp.broadcast_to(self.mean[free], (x.shape[0], free.shape[0]))
        # In the patterns' own space, from singular values: Σ_kk, whose condition is their square, is never formed.
        left, singular, right = xp.linalg.svd(self._centred[:, held], full_matrices=False)  # (d, r), (r,), (r, k)
        along = (x - self.mean[held]) @ right.T  # (b, r)
        mixture = (along * (singular / (singular**2 + self.d * self.epsilon))) @ left.T  # (b, d): weights of patterns
        return self.mean[free] + mixture @ self._centred[:, free]


def _indices(xp: Any, numbers: np.ndarray, like: Array) -> Array:
    return xp.asarray(numbers, device=array_api_compat.device(plain(like)))
