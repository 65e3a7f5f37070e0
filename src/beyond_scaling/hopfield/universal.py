"""Universal Hopfield networks: similarity, separation, projection.

Millidge et al., "Universal Hopfield Networks" (2022). A query is compared with every pattern, the scores are pulled
apart, and the outcome weighs what is read out:

    z = P · separation(similarity(M, x))

Similarities s_i of a query x with pattern ρ_i:

    dot          ρ_i·x
    cosine       ρ_i·x/(|ρ_i| |x|), and 0 at x = 0
    euclidean    -|x - ρ_i|²
    manhattan    -Σ_k |x_k - ρ_ik|

Separations: "identity" s; "polynomial" s^r; "softmax" softmax(β s); "max" 1 for the largest s (the first of equals), 0
for the others. The weights are divided by the sum of their magnitudes, so that what is read out has the size of what
was stored.

A distance D = -s is no likeness to take a power of. Under identity (r = 1) and polynomial it becomes 1/D, as in the
authors' code, which is inverse distance weighting (Shepard 1968). A D below the smallest normal number counts as that.
Under softmax and max we take -D; the authors' code takes 1/D there too, and by default divides the scores, and then the
weights, by their sums, which may be zero or change the sign.

An energy goes with each. Its slope is -Σ_i w_i ∇s_i with the network's own weights, up to a positive factor:

    softmax                -(1/β) log Σ_i exp(β s_i)
    max                    -max_i s_i
    dot, cosine            -1/(r + 1) Σ_i s_i^(r + 1)
    euclidean, manhattan   -1/(r - 1) log mean_i D_i^-(r - 1), for r = 1 the mean of log D_i: the log of a power mean

Dot with softmax or max has |x|²/2 besides, and the constant of the modern network. The energy never rises (`descends`)

- for softmax with dot or euclidean, for max with any similarity;
- for euclidean with any power: the update minimises a quadratic bound, as that of E does;
- for cosine between patterns of one length, with softmax or an odd power: the update maximises a linear bound on the
  sphere.

For cosine this is about updates without known coordinates, which would hold back one part of a direction.

It can rise for the rest. Manhattan's bound has its minimum at a weighted median, but the update goes to the mean.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

from .._arrays import Array, as_arrays, as_factor, block_elements, blocks, plain
from ..energy import log_sum_exp, squared_distances
from ._whole import as_whole
from .distance import DistanceMemory
from .memory import Memory
from .modern import ModernHopfield

Similarity = Literal["dot", "euclidean", "manhattan", "cosine"]
Separation = Literal["identity", "polynomial", "softmax", "max"]

_DISTANCES = ("euclidean", "manhattan")


class UniversalHopfield(Memory):
    """A network with any pair of similarity and separation (see the module).

    ``update`` and the energy are about the patterns themselves (autoassociation). ``project`` reads out through
    ``projection`` (d, m): what goes with each pattern (heteroassociation); None is the patterns, and then it is the
    update.

    Attributes:
        similarity, separation: as given.
        beta: the inverse temperature of softmax, in one over the unit of the similarity.
        degree: the power r of "polynomial", an integer from 1 on; 1 under "identity".
        projection: (d, m).

    Raises:
        ValueError: as `Memory`; for names that are not among those above, a ``degree`` that is not a positive
            integer, a projection that is not (d, m), or a pattern of length 0 under "cosine".
    """

    title = "Universal Hopfield network"
    source = "Millidge et al. 2022"

    def __init__(
        self,
        patterns: Any,
        similarity: Similarity = "dot",
        separation: Separation = "softmax",
        beta: Any = 1.0,
        degree: int = 2,
        projection: Any = None,
    ) -> None:
        super().__init__(patterns)
        for name, value, known in (
            ("similarity", similarity, get_args(Similarity)),
            ("separation", separation, get_args(Separation)),
        ):
            if value not in known:
                raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
        self.similarity, self.separation = similarity, separation
        self.beta = as_factor("beta", beta, self.patterns)
        degree = as_whole("degree", degree)
        self.degree = 1 if separation == "identity" else degree
        self.projection = self.patterns if projection is None else self._as_projection(projection)
        if similarity == "cosine" and bool(self._xp.any(plain(self._lengths()) == 0)):
            raise ValueError("patterns has a row of zeros, which has no cosine")
        self._same: Memory | None = None  # the network of the zoo that this one is, where there is one
        if separation == "softmax" and similarity in ("dot", "euclidean"):
            kind = ModernHopfield if similarity == "dot" else DistanceMemory
            self._same = kind(self.patterns, self.beta)
        self.descends = self._never_rises()

    def project(self, x: Any) -> Array:
        """What is read out at ``x``: (..., n) -> (..., m)."""
        points = self._points(x)
        rows = self._xp.reshape(points, (-1, self.n))
        share = [self._share(rows[part, :]) for part in blocks(rows.shape[0], self._width(), block_elements(rows))]
        read = self._xp.matmul(self._xp.concat([*share, self._share(rows[:0, :])], axis=0), self.projection)
        return self._xp.reshape(read, (*points.shape[:-1], self.projection.shape[1]))

    def weights(self, x: Any) -> Array:
        """separation(similarity(M, x)), (..., n) -> (..., d); magnitudes that sum to 1, or 0 if all scores are 0."""
        points = self._points(x)
        return self._xp.reshape(self._share(self._xp.reshape(points, (-1, self.n))), (*points.shape[:-1], self.d))

    # --- rows -----------------------------------------------------------------------------------------------------

    def _energy(self, x: Array) -> Array:
        if self._same is not None:
            return self._same._energy(x)
        xp, scores = self._xp, self._scores(x)
        if self.separation == "softmax":
            return 0 - log_sum_exp(self.beta * scores) / self.beta
        if self.separation == "max":
            return self._norm_term(x) - xp.max(scores, axis=1)
        if self.similarity not in _DISTANCES:
            return 0 - xp.sum(scores ** (self.degree + 1), axis=1) / (self.degree + 1)
        logs = xp.log(self._clear(-scores))
        if self.degree == 1:
            return xp.mean(logs, axis=1)
        power = self.degree - 1
        return (math.log(self.d) - log_sum_exp(-power * logs)) / power

    def _gradient(self, x: Array) -> Array:
        if self._same is not None:
            return self._same._gradient(x)
        xp = self._xp
        if self.separation in ("softmax", "max"):
            share = self._share(x)
        elif self.similarity in _DISTANCES:
            # d/dD_i of the log of the power mean is D_i^-r/Σ_j D_j^(1-r), with w_i ∝ D_i^-r.
            share = self._share(x)
            share = share / xp.vecdot(share, self._clear(-self._scores(x)))[:, None]
        else:
            share = self._scores(x) ** self.degree
        slope = 0 - self._climb(x, share)
        return slope + x if self.separation == "max" and self.similarity == "dot" else slope

    def _update(self, x: Array, known: Array | None) -> Array:
        if self._same is not None:
            return self._same._update(x, known)
        return self._xp.matmul(self._share(x), self.patterns)

    def _width(self) -> int:
        return self.d * (self.n if self.similarity == "manhattan" else 1) + self.n

    # --- similarity -----------------------------------------------------------------------------------------------

    def _scores(self, x: Array) -> Array:
        """s, (b, n) -> (b, d)."""
        xp = self._xp
        if self.similarity == "euclidean":
            return 0 - squared_distances(x, self.patterns)
        if self.similarity == "manhattan":
            return 0 - xp.sum(xp.abs(x[:, None, :] - self.patterns[None, :, :]), axis=2)
        products = xp.matmul(x, self.patterns.T)
        return products if self.similarity == "dot" else products / self._lengths() / self._length(x)

    def _climb(self, x: Array, share: Array) -> Array:
        """Σ_i w_i ∇s_i(x), (b, n)."""
        xp = self._xp
        if self.similarity == "dot":
            return xp.matmul(share, self.patterns)
        if self.similarity == "euclidean":
            return 2 * (xp.matmul(share, self.patterns) - xp.sum(share, axis=1, keepdims=True) * x)
        if self.similarity == "manhattan":
            return xp.sum(share[:, :, None] * xp.sign(self.patterns[None, :, :] - x[:, None, :]), axis=1)
        length = self._length(x)  # (b, 1)
        towards = xp.matmul(share / self._lengths(), self.patterns) / length
        slope = towards - xp.vecdot(share, self._scores(x))[:, None] * x / length**2
        # At x = 0 there is no direction to turn from.
        return xp.where(xp.any(plain(x) != 0, axis=1, keepdims=True), slope, xp.zeros_like(slope))

    def _lengths(self) -> Array:
        """|ρ_i|, (d,)"""
        return self._xp.linalg.vector_norm(self.patterns, axis=1)

    def _length(self, x: Array) -> Array:
        """|x|, (b, 1), and 1 at x = 0."""
        xp = self._xp
        square = xp.vecdot(x, x)
        return xp.sqrt(xp.where(square > 0, square, xp.ones_like(square)))[:, None]

    # --- separation -----------------------------------------------------------------------------------------------

    def _share(self, x: Array) -> Array:
        """separation(s), (b, n) -> (b, d)."""
        xp, scores = self._xp, self._scores(x)
        if self.separation == "softmax":
            return self._softmax(self.beta * scores)
        if self.separation == "max":
            index = xp.argmax(plain(scores), axis=1)
            winner = xp.arange(self.d, device=x.device)[None, :] == index[:, None]
            return xp.astype(winner, x.dtype)
        if self.similarity in _DISTANCES:
            return self._softmax(-self.degree * xp.log(self._clear(-scores)))
        # Any positive factor drops out again; this one keeps the powers from overflowing.
        largest = xp.max(xp.abs(plain(scores)), axis=1, keepdims=True)
        powers = (scores / xp.where(largest > 0, largest, xp.ones_like(largest))) ** self.degree
        total = xp.sum(xp.abs(powers), axis=1, keepdims=True)
        return powers / xp.where(total > 0, total, xp.ones_like(total))

    def _softmax(self, values: Array) -> Array:
        xp = self._xp
        grown = xp.exp(values - xp.max(plain(values), axis=1, keepdims=True))
        return grown / xp.sum(grown, axis=1, keepdims=True)

    def _clear(self, distances: Array) -> Array:
        """Distances that have a logarithm."""
        return self._xp.clip(distances, min=float(self._xp.finfo(distances.dtype).smallest_normal))

    def _norm_term(self, x: Array) -> Array | float:
        """|x|²/2 + max_i |ρ_i|²/2 for dot, which has no bound without it; 0 for the others."""
        if self.similarity != "dot":
            return 0.0
        return (self._xp.vecdot(x, x) + self._xp.max(self._lengths()) ** 2) / 2

    def _never_rises(self) -> bool:
        if self.separation == "max" or self.similarity == "euclidean":
            return True
        if self.similarity == "dot":
            return self.separation == "softmax"
        if self.similarity == "manhattan":
            return False
        lengths = plain(self._lengths())
        longest, shortest = float(self._xp.max(lengths)), float(self._xp.min(lengths))
        alike = longest - shortest <= 8 * self.n * float(self._xp.finfo(lengths.dtype).eps) * longest
        return alike and (self.separation == "softmax" or self.degree % 2 == 1)

    def _as_projection(self, projection: Any) -> Array:
        _, _, read = as_arrays(patterns=self.patterns, projection=projection)
        if read.ndim != 2 or read.shape[0] != self.d:
            raise ValueError(f"projection has shape {tuple(read.shape)}, expected ({self.d}, m): a row per pattern")
        return self._xp.astype(read, self.patterns.dtype, copy=False)
