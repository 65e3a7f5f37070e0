"""The network of 1984: entries answer gradually, v = tanh(βu).

    E(v) = -½ vᵀWv - bᵀv + (1/β) Σ_i ∫_0^{v_i} artanh

Source: Hopfield, "Neurons with graded response have collective computational properties like those of two-state
neurons", 1984. There the inputs u follow du/dt = -u + Wv + b; the fixed points are those of the update here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from .._arrays import Array, as_factor, blocks, plain
from .binary import visiting_order
from .memory import Memory
from .rules import Rule, couplings

_BLOCK = 64  # coordinates whose fields are computed together


class GradedHopfield(Memory):
    """The network of 1984, with the symmetric weights of `ClassicalHopfield`, whose diagonal is zero.

    An update is a sweep: one entry after another takes v_i = tanh(β (Σ_j W_ij v_j + b_i)). Since W_ii = 0, the energy
    is convex in v_i alone and this is its minimum: no update raises the energy, whatever β. (All at once, the same rule
    needs weights without negative eigenvalues for that.) As β grows, the sweep becomes that of 1982.

    Without a bias and for β times the largest eigenvalue of W below 1, the energy is strictly convex and v = 0 its only
    stationary point; above 1, v = 0 is unstable.

    Args:
        patterns: (d, n), entries -1 and 1.
        rule: "hebb" or "pseudo-inverse".
        beta: the gain β > 0.
        bias: b (n,), zero if None.
        order: seed of the permutation in which a sweep visits the entries; None visits them as numbered.

    Attributes:
        weights: W (n, n).
        bias: b (n,).

    Raises:
        ValueError: as `Memory`; patterns with entries other than -1 and 1; an unknown rule; a gain that is not
            positive and finite; a bias that is not (n,); an order that is not a whole number from 0 on; with the
            pseudo-inverse, patterns that span all n dimensions; states outside [-1, 1].
    """

    source: ClassVar[str] = "Hopfield 1984"
    title: ClassVar[str] = "Graded Hopfield network"

    def __init__(
        self, patterns: Any, rule: Rule = "hebb", beta: Any = 4.0, bias: Any = None, order: int | None = None
    ) -> None:
        super().__init__(patterns)
        xp = self._xp
        if not bool(xp.all(xp.abs(plain(self.patterns)) == 1)):
            raise ValueError("patterns has entries other than -1 and 1, which this network cannot store")
        self.rule = rule
        self.beta = as_factor("beta", beta, self.patterns)
        self.order = order
        self._visits = visiting_order(xp, self.patterns, order)
        matrix, scale, shift = couplings(xp, self.patterns, rule, bias)
        self.weights, self.bias = matrix / scale, shift / scale

    def _energy(self, x: Array) -> Array:
        xp, v = self._xp, self._inside(x)
        pairs = xp.vecdot(v, xp.matmul(v, self.weights)) / 2 + xp.matmul(v, self.bias)
        up, down = _x_log_x(xp, 1 + v), _x_log_x(xp, 1 - v)  # at ±1 the integral is log 2
        return xp.sum(up + down, axis=1) / (2 * self.beta) - pairs

    def _gradient(self, x: Array) -> Array:
        xp, v = self._xp, self._inside(x)
        return _artanh(xp, v) / self.beta - (xp.matmul(v, self.weights) + self.bias)

    def _update(self, x: Array, known: Array | None) -> Array:
        xp = self._xp
        v = xp.asarray(plain(self._inside(x)), copy=True)
        weights, bias, beta = plain(self.weights), plain(self.bias), plain(self.beta)
        visits = xp.arange(self.n, device=v.device) if self._visits is None else self._visits
        for block in blocks(self.n, 1, _BLOCK):
            here = visits[block]  # (k,)
            rows = xp.take(weights, here, axis=0)  # (k, n)
            inner = xp.take(rows, here, axis=1)  # (k, k)
            field = xp.matmul(v, xp.matrix_transpose(rows)) + xp.take(bias, here, axis=0)  # (b, k)
            for k in range(here.shape[0]):
                i = here[k]
                new = xp.tanh(beta * field[:, k])  # (b,)
                if known is not None:
                    new = xp.where(known[:, i], v[:, i], new)
                field = field + (new - v[:, i])[:, None] * inner[k, :]
                v[:, i] = new
        return v

    def _inside(self, x: Array) -> Array:
        if bool(self._xp.any(self._xp.abs(plain(x)) > 1)):
            raise ValueError("x has entries outside [-1, 1], where this network has no states")
        return x

    def _width(self) -> int:
        return 3 * self.n


def _artanh(xp: Any, v: Array) -> Array:
    """artanh, infinite at -1 and 1 without a warning."""
    inside, infinite = xp.abs(v) < 1, xp.full_like(v, float("inf"))
    return xp.where(inside, xp.atanh(xp.where(inside, v, xp.zeros_like(v))), xp.where(v > 0, infinite, -infinite))


def _x_log_x(xp: Any, x: Array) -> Array:
    """x log x, 0 at 0."""
    return x * xp.log(xp.where(x > 0, x, xp.ones_like(x)))
