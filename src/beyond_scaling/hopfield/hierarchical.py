"""Hierarchical associative memory: layers of neurons, each with a Lagrangian, and synapses between layers.

Krotov & Hopfield 2021, Krotov 2021. Layer a has states x_a, activations g_a = ∂L_a/∂x_a and a time constant τ_a;
synapses W_ab join two layers. The energy and the dynamics are

    E = Σ_a [g_a·x_a - L_a(x_a)] - Σ_ab g_aᵀ W_ab g_b
    τ_a dx_a/dt = -∂E/∂g_a = u_a - x_a,        u_a = Σ_b W_ab g_b, the input of layer a

so that the same W carries signals both ways, and E descends if every L_a is convex.

In discrete time layers move *in turn*. With the others held, layer a relaxes towards its input, and
x_a + s (u_a - x_a) never has a higher energy than x_a, for any s in [0, 1]: along this segment
dE/ds = -(1 - s) (u_a - x_a)ᵀ (∂²L_a/∂x²) (u_a - x_a) ≤ 0. Moving all layers at once has no such promise.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from .._arrays import Array, as_arrays, as_positive, plain
from ._whole import as_whole
from .lagrangians import Lagrangian, check_lagrangian

States = tuple[Array, ...]


@dataclass(frozen=True)
class Layer:
    """``size`` neurons with a Lagrangian and the time constant ``tau``.

    Raises:
        ValueError: ``size`` is not a positive integer, ``lagrangian`` is no Lagrangian, or ``tau`` is not positive and
            finite.
    """

    size: int
    lagrangian: Lagrangian
    tau: float = 1.0

    def __post_init__(self) -> None:
        as_whole("size", self.size)
        check_lagrangian("lagrangian", self.lagrangian)
        as_positive("tau", self.tau)


class Synapse(NamedTuple):
    """Weights (n_a, n_b) between the layers numbered a and b."""

    a: int
    b: int
    weights: Array


@dataclass(frozen=True)
class NetworkRetrieval:
    """Where the states of a `HierarchicalNetwork` ended.

    Attributes:
        states: one array (..., n_a) for each layer.
        steps: (...), integers: how many steps moved some state by more than the tolerance.
        settled: (...), booleans: whether the last step moved no state by more than the tolerance.
        energies: (s + 1, ...), the energy at the start and after each step.
    """

    states: States
    steps: Array
    settled: Array
    energies: Array


class HierarchicalNetwork:
    """Layers in a chain, or in any graph.

    ``synapses``: arrays (n_t, n_{t+1}), the t-th between layers t and t + 1; or triples (a, b, weights) with weights
    (n_a, n_b) between layers a and b, in any number and order. States are taken to their dtype.

    States are a sequence of arrays, (..., n_a) for layer a, all with the same batch shape (...).

    Attributes:
        layers: the layers, as given.
        synapses: the synapses, as triples.
        descends: whether every Lagrangian is convex, so that no `step` raises the energy.

    Raises:
        ValueError: no layers, no synapses, layers that do not exist, a synapse of a layer with itself, or weights whose
            shapes do not match.
    """

    source = "Krotov 2021"
    title = "Hierarchical associative memory"

    def __init__(self, layers: Sequence[Layer], synapses: Sequence[Any]) -> None:
        self.layers = tuple(layers)
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise ValueError(f"layers is {layers!r}, expected a sequence of Layer, at least one")
        triples = [
            synapse if isinstance(synapse, tuple) and len(synapse) == 3 else (t, t + 1, synapse)
            for t, synapse in enumerate(synapses)
        ]
        if not triples:
            raise ValueError("synapses is empty, expected at least one array of weights")
        for a, b, _ in triples:
            if not all(isinstance(end, Integral) and 0 <= int(end) < len(self.layers) for end in (a, b)) or a == b:
                raise ValueError(f"a synapse joins layers {a} and {b}, expected two of 0 to {len(self.layers) - 1}")
        named = {f"synapses[{t}]": weights for t, (_, _, weights) in enumerate(triples)}
        self._xp, *arrays = as_arrays(squared=False, **named)
        for (a, b, _), weights, name in zip(triples, arrays, named, strict=True):
            expected = (self.layers[a].size, self.layers[b].size)
            if tuple(weights.shape) != expected:
                raise ValueError(
                    f"{name} has shape {tuple(weights.shape)}, expected {expected} between layers {a} and {b}"
                )
        self.synapses = tuple(
            Synapse(int(a), int(b), weights) for (a, b, _), weights in zip(triples, arrays, strict=True)
        )
        device = array_api_compat.device(arrays[0])
        for layer in self.layers:  # refuses a bias of another size
            layer.lagrangian._activation(self._xp, self._xp.zeros(layer.size, dtype=arrays[0].dtype, device=device))

    @property
    def descends(self) -> bool:
        """Whether every Lagrangian is convex."""
        return all(layer.lagrangian.convex for layer in self.layers)

    def activations(self, states: Sequence[Any]) -> States:
        """g_a = ∂L_a/∂x_a, (..., n_a) for each layer."""
        return self._activations(self._states(states))

    def energy(self, states: Sequence[Any]) -> Array:
        """E, shape (...)."""
        return self._energy(self._states(states))

    def activation_gradient(self, states: Sequence[Any]) -> States:
        """∂E/∂g_a = x_a - u_a, (..., n_a) for each layer: minus τ_a times its velocity."""
        x = self._states(states)
        g = self._activations(x)
        return tuple(x[a] - self._input(a, g) for a in range(len(x)))

    def gradient(self, states: Sequence[Any]) -> States:
        """∂E/∂x_a = (∂²L_a/∂x²) ∂E/∂g_a, (..., n_a) for each layer."""
        x = self._states(states)
        pulls = self.activation_gradient(x)
        return tuple(
            layer.lagrangian._hessian_product(self._xp, x_a, pull)
            for layer, x_a, pull in zip(self.layers, x, pulls, strict=True)
        )

    def step(self, states: Sequence[Any], dt: float = 1.0, *, clamped: Collection[int] = ()) -> States:
        """Each layer in turn, the last first, relaxes for a time ``dt`` with the others held: x_a goes
        1 - exp(-dt/τ_a) of the way to its input, which solves its equation exactly. ``dt`` may be infinite.

        ``clamped``: numbers of the layers that keep their states.

        Raises:
            ValueError: also when ``dt`` is not positive, a clamped layer does not exist, or the states overflow.
        """
        return self._step(self._states(states), _duration(dt), self._kept(clamped))

    def retrieve(
        self,
        states: Sequence[Any],
        *,
        clamped: Collection[int] = (),
        dt: float = 1.0,
        max_steps: int = 1000,
        tolerance: float = 1e-9,
    ) -> NetworkRetrieval:
        """Steps until nothing moves by more than ``tolerance`` times the largest state, or 1, if that is larger.

        A batch goes on until all of it has settled. The tolerance is never finer than the dtype resolves.

        Raises:
            ValueError: as `step`; also when ``max_steps`` is not a positive integer, or ``tolerance`` is negative.
        """
        max_steps = as_whole("max_steps", max_steps)
        if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 <= tolerance < math.inf:
            raise ValueError(f"tolerance is {tolerance!r}, expected a finite number from 0 on")
        xp, duration, kept = self._xp, _duration(dt), self._kept(clamped)
        x = tuple(plain(state) for state in self._states(states))
        finest = max(float(tolerance), 8 * float(xp.finfo(x[0].dtype).eps))
        energies = [self._energy(x)]
        steps = xp.zeros(x[0].shape[:-1], dtype=xp.int64, device=array_api_compat.device(x[0]))
        settled = xp.zeros_like(steps, dtype=xp.bool)
        for _ in range(max_steps):
            moved = self._step(x, duration, kept)
            change = _largest(xp, tuple(after - before for after, before in zip(moved, x, strict=True)))
            scale = _largest(xp, moved)
            settled = change <= finest * xp.where(scale > 1, scale, xp.ones_like(scale))
            steps = steps + xp.astype(~settled, xp.int64)
            x = moved
            energies.append(self._energy(x))
            if bool(xp.all(settled)):
                break
        return NetworkRetrieval(x, steps, settled, xp.stack(energies))

    def _energy(self, x: States) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):  # `_step` says it in words
            xp, g = self._xp, self._activations(x)
            own = [layer.lagrangian._legendre(xp, x_a) for layer, x_a in zip(self.layers, x, strict=True)]
            joint = [xp.vecdot(g[a] @ weights, g[b]) for a, b, weights in self.synapses]
            return sum(own[1:], own[0]) - sum(joint[1:], joint[0])

    def _activations(self, x: States) -> States:
        return tuple(layer.lagrangian._activation(self._xp, x_a) for layer, x_a in zip(self.layers, x, strict=True))

    def _input(self, layer: int, g: Sequence[Array]) -> Array:
        total = self._xp.zeros_like(g[layer])
        for a, b, weights in self.synapses:
            if a == layer:
                total = total + g[b] @ weights.T
            if b == layer:
                total = total + g[a] @ weights
        return total

    def _step(self, x: States, dt: float, kept: frozenset[int]) -> States:
        xp, states, g = self._xp, list(x), list(self._activations(x))
        for a in reversed(range(len(states))):
            if a in kept:
                continue
            layer = self.layers[a]
            share = -math.expm1(-dt / float(layer.tau))
            with np.errstate(over="ignore", invalid="ignore"):
                states[a] = states[a] + share * (self._input(a, g) - states[a])
                g[a] = layer.lagrangian._activation(xp, states[a])  # the next layers see it
            if not bool(xp.all(xp.isfinite(plain(g[a])))):
                raise ValueError(f"layer {a} overflows: with these Lagrangians the energy has no lower bound")
        return tuple(states)

    def _kept(self, clamped: Collection[int]) -> frozenset[int]:
        kept = frozenset(clamped)
        if not kept <= frozenset(range(len(self.layers))):
            raise ValueError(f"clamped is {sorted(kept)}, expected numbers of layers, 0 to {len(self.layers) - 1}")
        return kept

    def _states(self, states: Sequence[Any]) -> States:
        if len(states) != len(self.layers):
            raise ValueError(f"got {len(states)} states, expected {len(self.layers)}, one for each layer")
        named = {f"states[{a}]": state for a, state in enumerate(states)}
        reference = self.synapses[0].weights[:1, :1]  # says kind, dtype and device; the weights are checked already
        _, _, *arrays = as_arrays(squared=False, weights=reference, **named)
        batch = tuple(arrays[0].shape[:-1])
        for layer, array, name in zip(self.layers, arrays, named, strict=True):
            if tuple(array.shape) != (*batch, layer.size):
                raise ValueError(f"{name} has shape {tuple(array.shape)}, expected {(*batch, layer.size)}")
        return tuple(self._xp.astype(array, reference.dtype, copy=False) for array in arrays)


def _duration(dt: Any) -> float:
    if isinstance(dt, bool) or not isinstance(dt, Real) or not float(dt) > 0:
        raise ValueError(f"dt is {dt!r}, expected a positive number")
    return float(dt)


def _largest(xp: Any, arrays: States) -> Array:
    """The largest magnitude over all layers, (...)."""
    return xp.max(xp.stack([xp.max(xp.abs(plain(array)), axis=-1) for array in arrays]), axis=0)
