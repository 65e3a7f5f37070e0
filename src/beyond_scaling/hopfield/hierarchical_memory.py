"""Hierarchical associative memory of two layers, made from patterns: a family that contains much of the zoo.

Krotov & Hopfield 2021; `hierarchical` has the network with any number of layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Array, plain
from ._descent import backtrack
from .lagrangians import IdentityLagrangian, Lagrangian, SoftmaxLagrangian, check_lagrangian
from .memory import Memory


class HierarchicalMemory(Memory):
    """Two layers with the patterns as synapses, the hidden one always at its equilibrium.

    ``x`` is the state of the visible layer; what it shows are its activations g (`readout`). With hidden states
    h = ρ g (d,)

        E(x) = [g·x - L_v(x)] - L_h(ρ g)        x⁺ = ρᵀ ∂L_h(ρ g), the input of the visible layer

    It is the energy of the two layers at h, where it is least, and the update a step of the concave-convex procedure:
    no update raises E if both Lagrangians are convex. With known coordinates this holds where visible neurons act for
    themselves (``visible.additive``); elsewhere the step is shortened until it does.

    With a quadratic visible layer and a softmax over hidden neurons (the defaults) E is the modern continuous
    Hopfield network's, up to a constant; with powers r over hidden neurons and visible activations at ±1 it is
    n^(r-1)/r times the dense memory's of degree r, up to a constant.

    ``hidden``, ``visible``: Lagrangians. A power of degree above 2 on hidden neurons needs activations that
    are bounded (tanh, spherical, layer norm): otherwise E has no lower bound and states grow until an update raises.

    Raises:
        ValueError: as `Memory`; also when ``hidden`` or ``visible`` is not a Lagrangian.
    """

    source = "Krotov & Hopfield 2021"
    title = "Hierarchical memory of two layers"

    def __init__(self, patterns: Any, hidden: Lagrangian | None = None, visible: Lagrangian | None = None) -> None:
        super().__init__(patterns)
        self.hidden = check_lagrangian("hidden", SoftmaxLagrangian() if hidden is None else hidden)
        self.visible = check_lagrangian("visible", IdentityLagrangian() if visible is None else visible)
        self.descends = self.hidden.convex and self.visible.convex
        self.visible._activation(self._xp, self.patterns)  # refuses a bias of another size

    def readout(self, x: Any) -> Array:
        """g(x), shape (..., n): the activations of the visible layer."""
        return self.visible._activation(self._xp, self._points(x))

    def _energy(self, x: Array) -> Array:
        g = self.visible._activation(self._xp, x)  # (b, n)
        return self.visible._legendre(self._xp, x) - self.hidden._value(self._xp, g @ self.patterns.T)

    def _input(self, x: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):  # `_update` says it in words
            h = self.visible._activation(self._xp, x) @ self.patterns.T  # (b, d)
            return self.hidden._activation(self._xp, h) @ self.patterns

    def _gradient(self, x: Array) -> Array:
        return self.visible._hessian_product(self._xp, x, x - self._input(x))

    def _update(self, x: Array, known: Array | None) -> Array:
        xp, target = self._xp, self._input(x)
        if not bool(xp.all(xp.isfinite(plain(target)))):
            raise ValueError("the state overflows: with these Lagrangians the energy has no lower bound")
        if known is None or self.visible.additive:
            return target
        move = xp.where(known, xp.zeros_like(x), target - x)  # a known entry changes the activations of the others
        return backtrack(xp, self._energy, x, lambda rows, shares: x[rows] + shares * move[rows])
