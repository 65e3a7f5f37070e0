"""One cell of a capacity measurement: a network made from d random patterns, queries near them, and where these end."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from ..._arrays import as_numpy
from ..memory import Memory
from . import data
from .data import Start

NEAR = 0.1  # |x - rho|^2 / |rho|^2 up to which a real pattern counts as retrieved
MEASURED = ("error", "failed", "any_failed", "steps", "unsettled", "rise", "apart")

_CLASSES = {
    "classical": "ClassicalHopfield",
    "graded": "GradedHopfield",
    "dense": "DenseMemory",
    "exponential": "ExponentialMemory",
    "modern": "ModernHopfield",
    "distance": "DistanceMemory",
    "universal": "UniversalHopfield",
    "sparse": "SparseHopfield",
    "kernelised": "KernelisedHopfield",
    "outlier": "OutlierEfficientHopfield",
    "hierarchical_memory": "HierarchicalMemory",
    "energy_transformer": "EnergyTransformer",
    "predictive": "PredictiveCodingMemory",
}


@dataclass(frozen=True)
class Network:
    """A network of the zoo: the module of its class, and what its constructor takes besides patterns."""

    module: str
    options: tuple[tuple[str, Any], ...] = ()

    def make(self, patterns: Any) -> Memory:
        """The network with these patterns (d, n) stored."""
        options = dict(self.options)
        if builder := _BUILDERS.get(self.module):
            return builder(patterns, **options)
        home = import_module(f"...{self.module}", __name__)
        return getattr(home, _CLASSES[self.module])(patterns, **options)


def network(module: str, **options: Any) -> Network:
    """A network by its module and options."""
    return Network(module, tuple(options.items()))


@dataclass(frozen=True)
class Cell:
    """What is measured at once; plain values, so that it travels between processes and knows itself by its repr.

    Attributes:
        twin: a second network that should retrieve the same; ``apart`` is how far it ends from the first.
        path: whether to follow the energy from step to step, for ``rise``.
    """

    family: str
    series: str
    network: Network
    data: str
    start: Start
    n: int
    d: int
    seed: int
    queries: int
    max_steps: int
    path: bool = False
    twin: Network | None = None


@dataclass(frozen=True)
class Measured:
    """What a cell says.

    Attributes:
        error: mean share of wrong bits (an entry of 0 counts half), or mean of |x - rho|^2 / |rho|^2, at most 1 each.
            Coordinates that were given do not count.
        failed: share of queries that ended with a wrong bit, or further than `NEAR` from their pattern.
        any_failed: 1 if one did, else 0.
        steps: mean number of updates that moved a query.
        unsettled: share of queries that still moved at the last step.
        rise: the largest rise of the energy in an update, over the largest energy of the path; None if not followed.
        apart: the largest difference between the ends of network and twin, a coordinate; None without a twin.
        digest: SHA-256 of patterns and queries.
        seconds: how long it took.
    """

    error: float
    failed: float
    any_failed: float
    steps: float
    unsettled: float
    rise: float | None = None
    apart: float | None = None
    digest: str = ""
    seconds: float = field(default=0.0, compare=False)


def measure(cell: Cell, device: str | None = None) -> Measured:
    """Measure a cell with NumPy, or with torch on a device."""
    began = time.perf_counter()
    rng = data.generator(cell.data, cell.n, cell.d, cell.seed)
    stored = data.patterns(cell.data, cell.n, cell.d, rng)
    targets, cues, known = data.queries(cell.data, stored, cell.start, cell.queries, rng)
    digest = hashlib.sha256(stored.tobytes() + cues.tobytes()).hexdigest()
    own = stored[targets]
    place = _placed(device)
    memory = cell.network.make(place(stored))
    mask = None if known is None else place(known)
    found = memory.retrieve(place(cues), known=mask, max_steps=cell.max_steps, path=cell.path)
    state = as_numpy(found.state)
    errors = _errors(cell.data, state, own, known)  # (q,)
    failed = errors > (0 if cell.data == "signs" else NEAR)
    rise = apart = None
    if cell.path:
        energies = as_numpy(found.energies)  # (s + 1, q)
        rise = max(0.0, float(np.diff(energies, axis=0).max(initial=0.0))) / max(1.0, float(np.abs(energies).max()))
    if cell.twin is not None:
        other = cell.twin.make(place(stored)).retrieve(place(cues), known=mask, max_steps=cell.max_steps)
        apart = float(np.abs(as_numpy(other.state) - state).max())
    return Measured(
        error=float(errors.mean()),
        failed=float(failed.mean()),
        any_failed=float(failed.any()),
        steps=float(as_numpy(found.steps).mean()),
        unsettled=float(1 - as_numpy(found.settled).mean()),
        rise=rise,
        apart=apart,
        digest=digest,
        seconds=time.perf_counter() - began,
    )


def _errors(kind: str, state: np.ndarray, own: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """(q, n), (q, n), (q, n) or None -> (q,)"""
    asked = np.ones(own.shape) if known is None else 1.0 - known
    if kind == "signs":
        return (asked * (1 - np.sign(state) * own) / 2).sum(axis=1) / asked.sum(axis=1)
    return np.minimum(1.0, (asked * (state - own) ** 2).sum(axis=1) / (asked * own**2).sum(axis=1))


def _placed(device: str | None) -> Callable[[np.ndarray], Any]:
    if device is None:
        return lambda array: array
    import torch

    return lambda array: torch.as_tensor(array, device=device)


# --- networks that need more than plain values, or are not made from the patterns alone ----------------------------


def _learnt_kernel(patterns: Any, *, steps: int, **options: Any) -> Memory:
    """With a kernel learnt from the patterns by so many steps."""
    from ..kernelised import KernelisedHopfield, learn_kernel

    return KernelisedHopfield(patterns, weights=learn_kernel(patterns, steps), **options)


def _with_hidden(module: str) -> Callable[..., Memory]:
    """With a Lagrangian of hidden neurons by its name: softmax, or the rectified power of a degree."""

    def make(patterns: Any, *, hidden: str, degree: int = 2, **options: Any) -> Memory:
        from ..lagrangians import PowerLagrangian, SoftmaxLagrangian, TanhLagrangian

        if visible := options.pop("tanh", None):
            options["visible"] = TanhLagrangian(visible)
        chosen = SoftmaxLagrangian() if hidden == "softmax" else PowerLagrangian(degree)
        home = import_module(f"...{module}", __name__)
        return getattr(home, _CLASSES[module])(patterns, hidden=chosen, **options)

    return make


def _clustered(patterns: Any, *, points: int, spread: float, **options: Any) -> Memory:
    """Prototypes learnt from ``points`` drawn around each pattern, the patterns themselves unseen."""
    import array_api_compat

    from ..clustering import ClusteringByMemory

    xp = array_api_compat.array_namespace(patterns)
    d, n = patterns.shape
    drawn = np.random.default_rng(0).standard_normal((d * points, n))  # the same on every device
    noise = xp.asarray(drawn, dtype=patterns.dtype, device=array_api_compat.device(patterns))
    return ClusteringByMemory.fit(xp.repeat(patterns, points, axis=0) + spread * noise, int(d), **options).memory


_BUILDERS: dict[str, Callable[..., Memory]] = {
    "kernelised, learnt": _learnt_kernel,
    "hierarchical": _with_hidden("hierarchical_memory"),
    "energy_transformer": _with_hidden("energy_transformer"),
    "clustering": _clustered,
}
