"""Lagrangians: the scalar functions of a layer's state from which its activations come.

Krotov & Hopfield 2021 ("Large associative memory problem in neurobiology and machine learning"), Krotov 2021
("Hierarchical associative memory"). For a layer with state x (..., n) and Lagrangian L:

    activations      g = ∂L/∂x                (..., n)
    Legendre term    g·x - L                  (...)       the layer's own part of an energy
    Hessian          ∂²L/∂x² = ∂g/∂x          (..., n, n)

An energy descends along dx/dt = -∂E/∂g where every Hessian is positive semidefinite, that is, L is convex: then
dE/dt = -(∂E/∂g)·(∂²L/∂x²)(∂E/∂g) ≤ 0. Every Lagrangian here is convex but one: an odd power that is not rectified.

``x`` is a NumPy array or a torch tensor (lists become float64). Methods raise ValueError for entries that are not
finite real numbers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._arrays import Array, as_arrays, as_entries, as_positive
from ..energy import excess, tilt_values, weights
from ._softmax import softmax
from ._whole import as_whole


class Lagrangian(ABC):
    """A Lagrangian L of a layer. A subclass has `_value`, `_activation` and `_hessian_product`, on arrays (..., n).

    Attributes:
        convex: whether L is convex, so that its Hessian is positive semidefinite everywhere.
        additive: whether L is a sum over neurons, so that an activation depends on its own neuron only.
    """

    convex: bool = True
    additive: bool = True

    @abstractmethod
    def _value(self, xp: Any, x: Array) -> Array:
        """(..., n) -> (...)"""

    @abstractmethod
    def _activation(self, xp: Any, x: Array) -> Array:
        """(..., n) -> (..., n)"""

    @abstractmethod
    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        """(..., n), (..., n) -> (..., n)"""

    def _legendre(self, xp: Any, x: Array) -> Array:
        """(..., n) -> (...)"""
        return xp.vecdot(self._activation(xp, x), x) - self._value(xp, x)

    def value(self, x: Any) -> Array:
        """L(x), shape (...)."""
        return _at(self._value, x)

    def activation(self, x: Any) -> Array:
        """g(x) = ∂L/∂x, shape (..., n), in closed form."""
        return _at(self._activation, x)

    def legendre(self, x: Any) -> Array:
        """g·x - L, shape (...): the convex conjugate of L at g, where L is convex."""
        return _at(self._legendre, x)

    def hessian_product(self, x: Any, v: Any) -> Array:
        """(∂²L/∂x²) v, shape (..., n). ``v`` is a direction, (..., n)."""
        xp, points, directions = as_arrays(squared=False, x=x, v=v)
        return self._hessian_product(xp, points, directions)


@dataclass(frozen=True)
class IdentityLagrangian(Lagrangian):
    """L = |x|²/2, g = x."""

    def _value(self, xp: Any, x: Array) -> Array:
        return xp.vecdot(x, x) / 2

    def _activation(self, xp: Any, x: Array) -> Array:
        return x

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        return v


@dataclass(frozen=True)
class PowerLagrangian(Lagrangian):
    """L = (1/r) Σ_i [x_i]^r, g = [x]^(r-1), with [x] = max(x, 0) if ``rectified``, else x. Degree 2: ReLU, identity.

    Convex if rectified, or if r is even.

    Raises:
        ValueError: ``degree`` r is not an integer from 2 on.
    """

    degree: int = 2
    rectified: bool = True

    def __post_init__(self) -> None:
        as_whole("degree", self.degree, 2)

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """Whether L is convex."""
        return self.rectified or self.degree % 2 == 0

    def _base(self, xp: Any, x: Array) -> Array:
        return xp.where(x > 0, x, xp.zeros_like(x)) if self.rectified else x

    def _value(self, xp: Any, x: Array) -> Array:
        return xp.sum(self._base(xp, x) ** self.degree, axis=-1) / self.degree

    def _activation(self, xp: Any, x: Array) -> Array:
        return self._base(xp, x) ** (self.degree - 1)

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        if self.degree == 2:  # 0^0 would be 1
            return xp.where(x > 0, v, xp.zeros_like(v)) if self.rectified else v
        return (self.degree - 1) * self._base(xp, x) ** (self.degree - 2) * v


@dataclass(frozen=True)
class _Tempered(Lagrangian):
    """With an inverse temperature ``beta`` > 0, in one over the unit of x."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        as_positive("beta", self.beta)


@dataclass(frozen=True)
class ExponentialLagrangian(_Tempered):
    """L = (1/β) Σ_i exp(β x_i), g = exp(β x).

    Raises:
        ValueError: ``beta`` is not a positive finite number.
    """

    def _value(self, xp: Any, x: Array) -> Array:
        return xp.sum(xp.exp(self.beta * x), axis=-1) / self.beta

    def _activation(self, xp: Any, x: Array) -> Array:
        return xp.exp(self.beta * x)

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        return self.beta * xp.exp(self.beta * x) * v


@dataclass(frozen=True)
class TanhLagrangian(_Tempered):
    """L = (1/β) Σ_i log cosh(β x_i), g = tanh(β x).

    Raises:
        ValueError: ``beta`` is not a positive finite number.
    """

    def _value(self, xp: Any, x: Array) -> Array:
        size = xp.abs(self.beta * x)  # log cosh y = |y| + log(1 + e^(-2|y|)) - log 2: nothing overflows
        return xp.sum(size + xp.log1p(xp.exp(-2 * size)) - math.log(2), axis=-1) / self.beta

    def _activation(self, xp: Any, x: Array) -> Array:
        return xp.tanh(self.beta * x)

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        return self.beta * (1 - xp.tanh(self.beta * x) ** 2) * v


@dataclass(frozen=True)
class SoftmaxLagrangian(_Tempered):
    """L = (1/β) log Σ_i exp(β x_i), g = softmax(β x): the neurons of the layer compete.

    The Legendre term is minus the entropy of g over β.

    Raises:
        ValueError: ``beta`` is not a positive finite number.
    """

    additive = False

    def _value(self, xp: Any, x: Array) -> Array:
        tilt = tilt_values(xp, self.beta * x)
        return (tilt.base + excess(xp, tilt)) / self.beta

    def _activation(self, xp: Any, x: Array) -> Array:
        return softmax(xp, self.beta * x)

    def _legendre(self, xp: Any, x: Array) -> Array:
        tilt = tilt_values(xp, self.beta * x)
        return -(xp.vecdot(weights(xp, tilt), tilt.gaps) + excess(xp, tilt)) / self.beta

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        share = self._activation(xp, x)
        return self.beta * share * (v - xp.vecdot(share, v)[..., None])


@dataclass(frozen=True)
class SphericalLagrangian(Lagrangian):
    """L = γ √(|x|² + ε), g = γ x / √(|x|² + ε): the activations lie on a sphere of radius γ, nearly.

    Convex: the Hessian is γ/s (I - xxᵀ/s²) with s² = |x|² + ε, and xxᵀ/s² has no eigenvalue above 1.

    Raises:
        ValueError: ``gamma`` or ``epsilon`` is not a positive finite number.
    """

    gamma: float = 1.0
    epsilon: float = 1e-5
    additive = False

    def __post_init__(self) -> None:
        as_positive("gamma", self.gamma)
        as_positive("epsilon", self.epsilon)

    def _length(self, xp: Any, x: Array) -> Array:
        return xp.sqrt(xp.vecdot(x, x) + self.epsilon)[..., None]

    def _value(self, xp: Any, x: Array) -> Array:
        return self.gamma * self._length(xp, x)[..., 0]

    def _activation(self, xp: Any, x: Array) -> Array:
        return self.gamma * x / self._length(xp, x)

    def _legendre(self, xp: Any, x: Array) -> Array:
        return -self.gamma * self.epsilon / self._length(xp, x)[..., 0]  # |x|²/s - s, without the cancellation

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        length = self._length(xp, x)
        unit = x / length
        return self.gamma / length * (v - unit * xp.vecdot(unit, v)[..., None])


@dataclass(frozen=True, eq=False)  # arrays do not compare to one truth value
class LayerNormLagrangian(Lagrangian):
    """L = n γ s + δ·x with s² = (1/n) Σ_i (x_i - x̄)² + ε; g = γ (x - x̄)/s + δ, layer normalisation.

    Hoover et al. 2023: γ is one number and must be positive; δ, the bias, is a number or (n,).

    Convex: the Hessian is γ/s (P - y yᵀ/(n s²)), P taking the mean away and y = P x. Its eigenvalues are 0 (along
    (1, ..., 1)), γε/s³ (along y) and γ/s; the bias does not enter.

    Raises:
        ValueError: ``gamma`` or ``epsilon`` is not a positive finite number, or ``bias`` is not finite numbers.
    """

    gamma: float = 1.0
    bias: Any = 0.0
    epsilon: float = 1e-5
    additive = False

    def __post_init__(self) -> None:
        as_positive("gamma", self.gamma)
        as_positive("epsilon", self.epsilon)
        _, bias = as_arrays(squared=False, bias=self.bias)
        if bias.ndim > 1:
            raise ValueError(f"bias has shape {tuple(bias.shape)}, expected () or (n,)")

    def _parts(self, xp: Any, x: Array) -> tuple[Array, Array]:
        centred = x - xp.mean(x, axis=-1, keepdims=True)  # (..., n)
        return centred, xp.sqrt(xp.mean(centred**2, axis=-1, keepdims=True) + self.epsilon)  # (..., 1)

    def _shift(self, xp: Any, x: Array) -> Array:
        bias = xp.asarray(self.bias, dtype=x.dtype, device=x.device)
        try:
            return xp.broadcast_to(bias, tuple(x.shape))
        except (ValueError, RuntimeError):
            raise ValueError(f"bias has shape {tuple(bias.shape)}, expected () or ({x.shape[-1]},)") from None

    def _value(self, xp: Any, x: Array) -> Array:
        return x.shape[-1] * self.gamma * self._parts(xp, x)[1][..., 0] + xp.vecdot(self._shift(xp, x), x)

    def _activation(self, xp: Any, x: Array) -> Array:
        centred, deviation = self._parts(xp, x)
        return self.gamma * centred / deviation + self._shift(xp, x)

    def _legendre(self, xp: Any, x: Array) -> Array:
        return -x.shape[-1] * self.gamma * self.epsilon / self._parts(xp, x)[1][..., 0]

    def _hessian_product(self, xp: Any, x: Array, v: Array) -> Array:
        centred, deviation = self._parts(xp, x)
        unit = centred / deviation
        flat = v - xp.mean(v, axis=-1, keepdims=True)
        return self.gamma / deviation * (flat - unit * (xp.vecdot(unit, v) / x.shape[-1])[..., None])


def _at(function: Callable[[Any, Array], Array], x: Any) -> Array:
    xp, points = as_entries(x, name="x")
    return function(xp, points)


def check_lagrangian(name: str, value: Any) -> Lagrangian:
    """``value`` if it is a Lagrangian.

    Raises:
        ValueError: naming the argument, if it is not.
    """
    if not isinstance(value, Lagrangian):
        raise ValueError(f"{name} is {value!r}, expected a Lagrangian such as IdentityLagrangian()")
    return value
