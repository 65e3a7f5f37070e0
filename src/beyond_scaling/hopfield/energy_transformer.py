"""The Energy Transformer block: attention and a Hopfield network in parallel, both descending one energy.

Hoover et al. 2023. A state x is t tokens x_B of width w. Layer normalisation gives g_B (see `LayerNormLagrangian`),
with keys K_hB = W^K_h g_B and queries Q_hB = W^Q_h g_B of each head h, memories ξ_μ, and

    E      = E_ATT + E_HN
    E_ATT  = -(1/β) Σ_h Σ_C log Σ_{B≠C} exp(β K_hB·Q_hC)
    E_HN   = -Σ_B L(ξ g_B)                    L: power of degree 2 for ReLU, -½ Σ_B Σ_μ max(ξ_μ·g_B, 0)²; or softmax
    dx/dt  = -∂E/∂g

dE/dt = -(∂E/∂g)·(∂g/∂x)(∂E/∂g) ≤ 0, since ∂g/∂x is the Hessian of a convex function, whatever the bias. The step of a
given length that is used in practice, x - α ∂E/∂g, has no such promise: here α is halved until E does not rise.

The sum over B leaves the token itself out, as printed; the authors' code leaves it in (``attend_self=True``).
"""

from __future__ import annotations

import math
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, as_arrays, as_positive
from ..energy import excess, tilt_values
from ._descent import backtrack
from ._softmax import softmax
from ._whole import as_whole
from .lagrangians import Lagrangian, LayerNormLagrangian, PowerLagrangian, check_lagrangian
from .memory import Memory


class EnergyTransformer(Memory):
    """A block whose memories ξ are the tokens of the patterns. n = tokens × width; ``x`` holds its tokens side by side.

    Layer normalisation sees neither the mean of a token nor its length, so under x - α ∂E/∂g tokens grow for ever and
    nothing settles. With ``rescale`` an update brings each token back to the mean and the deviation that stored tokens
    have at its place, on average: g stays as it is (to ε), and what is retrieved is a token up to its mean and
    deviation. ``rescale=False`` is the published step. With known coordinates the free ones go the longest share of
    this way that does not raise E; it may be none, since known entries of a token change what the others do.

    No update raises E. Attention with drawn weights couples tokens but knows nothing of the patterns; in the
    paper all weights are trained.

    Args:
        patterns: (d, n).
        tokens: how many tokens a pattern has; it must divide n.
        heads: how many heads attention has; 0 for none.
        key_size: the size of keys and queries; the width, if None.
        query_weights, key_weights: (heads, key_size, width), which then say ``heads`` and ``key_size``. If None, both
            are drawn from a normal distribution of deviation 1/width by ``seed``.
        beta: inverse temperature of attention; 1/√key_size, if None.
        hidden: the Lagrangian L of the memories; ``PowerLagrangian(2)``, ReLU, if None.
        gamma, bias, epsilon: of layer normalisation; ``bias`` is a number or (width,).
        attend_self: whether a token attends to itself too.
        step: α, the first length tried.
        rescale: whether tokens are brought back to the stored ones' mean and deviation, see above.
        seed: an integer, for weights that are drawn.

    Raises:
        ValueError: as `Memory`; also when an argument is not as above.
    """

    source = "Hoover et al. 2023"
    title = "Energy Transformer block"

    def __init__(
        self,
        patterns: Any,
        tokens: int,
        *,
        heads: int = 1,
        key_size: int | None = None,
        query_weights: Any = None,
        key_weights: Any = None,
        beta: Any = None,
        hidden: Lagrangian | None = None,
        gamma: float = 1.0,
        bias: Any = 0.0,
        epsilon: float = 1e-5,
        attend_self: bool = False,
        step: float = 1.0,
        rescale: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(patterns)
        self.tokens = as_whole("tokens", tokens)
        if self.n % self.tokens:
            raise ValueError(f"tokens is {self.tokens}, expected a divisor of n = {self.n}")
        self.width = self.n // self.tokens
        self.norm = LayerNormLagrangian(gamma, bias, epsilon)
        self.hidden = check_lagrangian("hidden", PowerLagrangian(2) if hidden is None else hidden)
        self.attend_self, self.rescale = bool(attend_self), bool(rescale)
        self.step = as_positive("step", step)
        self.query_weights, self.key_weights = self._weights(heads, key_size, query_weights, key_weights, seed)
        self.beta = as_positive("beta", 1 / math.sqrt(self.query_weights.shape[1]) if beta is None else beta)
        self.memories = self._xp.reshape(self.patterns, (self.d * self.tokens, self.width))
        self._mean, self._deviation = self._scale()
        self.norm._activation(self._xp, self.memories)  # refuses a bias of another width

    def activation_gradient(self, x: Any) -> Array:
        """∂E/∂g at ``x``, shape (..., n): minus dx/dt."""
        points = self._points(x)
        rows = self._xp.reshape(points, (-1, self.n))
        return self._xp.reshape(self._pull(rows), tuple(points.shape))

    def normalised(self, x: Any) -> Array:
        """g at ``x``, the layer-normalised tokens side by side, shape (..., n)."""
        points = self._points(x)
        return self._xp.reshape(self.norm._activation(self._xp, self._split(points)), tuple(points.shape))

    # --- the energy and its gradients: b rows, t tokens, w width, h heads, k key size, m memories -------------------

    def _split(self, x: Array) -> Array:
        return self._xp.reshape(x, (*x.shape[:-1], self.tokens, self.width))  # (..., t, w)

    def _attends(self) -> bool:
        return self.query_weights.shape[0] > 0 and (self.tokens > 1 or self.attend_self)

    def _scores(self, g: Array) -> tuple[Array, Array, Array]:
        """Queries and keys (b, h, t, k), and β K_B·Q_C at [C, B], (b, h, t, t), -inf where a token may not look."""
        xp = self._xp
        queries = g[:, None, :, :] @ xp.matrix_transpose(self.query_weights)  # (b, 1, t, w) @ (h, w, k)
        keys = g[:, None, :, :] @ xp.matrix_transpose(self.key_weights)
        scores = self.beta * (queries @ xp.matrix_transpose(keys))
        if not self.attend_self:
            own = xp.eye(self.tokens, dtype=xp.bool, device=array_api_compat.device(g))
            scores = xp.where(own, xp.full_like(scores, -math.inf), scores)
        return queries, keys, scores

    def _energy(self, x: Array) -> Array:
        xp, g = self._xp, self.norm._activation(self._xp, self._split(x))  # (b, t, w)
        energy = -xp.sum(self.hidden._value(xp, g @ self.memories.T), axis=-1)
        if self._attends():
            tilt = tilt_values(xp, self._scores(g)[2])
            energy = energy - xp.sum(tilt.base + excess(xp, tilt), axis=(1, 2)) / self.beta
        return energy

    def _pull(self, x: Array) -> Array:
        """∂E/∂g, (b, n)."""
        xp, g = self._xp, self.norm._activation(self._xp, self._split(x))
        pull = -self.hidden._activation(xp, g @ self.memories.T) @ self.memories  # (b, t, m) @ (m, w)
        if self._attends():
            queries, keys, scores = self._scores(g)
            share = softmax(xp, scores)  # (b, h, t, t)
            as_query = (share @ keys) @ self.query_weights  # (b, h, t, k) @ (h, k, w)
            as_key = (xp.matrix_transpose(share) @ queries) @ self.key_weights
            pull = pull - xp.sum(as_query + as_key, axis=1)
        return xp.reshape(pull, tuple(x.shape))

    def _gradient(self, x: Array) -> Array:
        product = self.norm._hessian_product(self._xp, self._split(x), self._split(self._pull(x)))  # (b, t, w)
        return self._xp.reshape(product, tuple(x.shape))

    def _update(self, x: Array, known: Array | None) -> Array:
        pull = self._pull(x)
        place = self._rescaled if self.rescale else _as_is
        if known is None:
            return backtrack(self._xp, self._energy, x, lambda rows, a: place(x[rows] - self.step * a * pull[rows]))
        move = self._xp.where(known, self._xp.zeros_like(x), place(x - self.step * pull) - x)
        return backtrack(self._xp, self._energy, x, lambda rows, share: x[rows] + share * move[rows])

    # --- the scale of tokens, and weights ---------------------------------------------------------------------------

    def _scale(self) -> tuple[Array, Array]:
        """The mean and the deviation of the stored tokens at each place, averaged over patterns, (t, 1) each."""
        xp, tokens = self._xp, self._split(self.patterns)  # (d, t, w)
        mean = xp.mean(tokens, axis=-1, keepdims=True)
        deviation = xp.mean(xp.sqrt(xp.mean((tokens - mean) ** 2, axis=-1, keepdims=True)), axis=0)
        # A place where all stored tokens are flat still needs a length to move at.
        return xp.mean(mean, axis=0), xp.where(deviation > 0, deviation, xp.ones_like(deviation))

    def _rescaled(self, x: Array) -> Array:
        xp, tokens = self._xp, self._split(x)
        centred = tokens - xp.mean(tokens, axis=-1, keepdims=True)
        deviation = xp.sqrt(xp.mean(centred**2, axis=-1, keepdims=True))
        unit = centred / xp.where(deviation > 0, deviation, xp.ones_like(deviation))  # a flat token stays flat
        return xp.reshape(self._mean + self._deviation * unit, tuple(x.shape))

    def _weights(self, heads: Any, key_size: Any, query: Any, key: Any, seed: Any) -> tuple[Array, Array]:
        if (query is None) != (key is None):
            raise ValueError("query_weights and key_weights go together: got one of them")
        if query is None:
            shape = (as_whole("heads", heads, 0), self.width if key_size is None else as_whole("key_size", key_size))
            rng = np.random.default_rng(as_whole("seed", seed, 0))
            query, key = rng.normal(scale=1 / self.width, size=(2, *shape, self.width))
            device = array_api_compat.device(self.patterns)
            query, key = (self._xp.asarray(w, dtype=self.patterns.dtype, device=device) for w in (query, key))
        _, _, query, key = as_arrays(squared=False, patterns=self.patterns, query_weights=query, key_weights=key)
        if query.ndim != 3 or query.shape[2] != self.width or query.shape[1] < 1 or query.shape != key.shape:
            raise ValueError(
                f"query_weights and key_weights have shapes {tuple(query.shape)} and {tuple(key.shape)}, "
                f"expected (heads, key_size, {self.width}) for both"
            )
        dtype = self.patterns.dtype
        return self._xp.astype(query, dtype, copy=False), self._xp.astype(key, dtype, copy=False)

    def _width(self) -> int:
        heads, key_size = self.query_weights.shape[0], self.query_weights.shape[1]
        return self.n + self.tokens * self.memories.shape[0] + heads * self.tokens * (self.tokens + 2 * key_size)


def _as_is(x: Array) -> Array:
    return x
