"""The networks of the zoo as the book shows them side by side: one of each family, with settings that suit digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import hopfield as zoo
from ..hopfield import Memory

BETA = 0.25  # of a dot product of 64 entries -1 and 1: weights fall by e^(1/2) with every pixel that differs
GAIN = 4.0  # of graded neurons
VISIBLE_GAIN = 2.0  # of the visible neurons of the hierarchical memory
KERNEL_STEPS = 10
PRECISION = 0.01  # what the predictive-coding memory adds to variances
TOKENS = 2  # of an image, for the Energy Transformer: its upper and its lower half
TOKEN_BETA = 2.0  # of its memories


@dataclass(frozen=True)
class Kind:
    """A network to be made of patterns (d, 64) of -1 and 1.

    Attributes:
        name: short, for a panel. make: from the patterns.
        setting: what is chosen, in a few words; "" if nothing is.
        twin: the name of another whose energy this one has, or "".
        bounded: whether its states have entries from -1 to 1 only.
    """

    name: str
    make: Callable[[np.ndarray], Memory]
    setting: str = ""
    twin: str = ""
    bounded: bool = False


# On patterns of one length |x - ρ|² is 2 (constant - ρ·x) up to |x|²: half of beta gives the same weights.
KINDS = (
    Kind("Hebb", zoo.ClassicalHopfield, "Hebb's rule"),
    Kind(
        "Hebb at once", lambda p: zoo.ClassicalHopfield(p, mode="synchronous"), "Hebb's rule, all at once", twin="Hebb"
    ),
    Kind("Pseudo-inverse", lambda p: zoo.ClassicalHopfield(p, "pseudo-inverse"), "pseudo-inverse"),
    Kind(
        "Graded",
        lambda p: zoo.GradedHopfield(p, "pseudo-inverse", GAIN),
        f"pseudo-inverse, β = {GAIN:g}",
        bounded=True,
    ),
    Kind("Dense r = 3", lambda p: zoo.DenseMemory(p, 3), "r = 3"),
    Kind("Dense r = 8", lambda p: zoo.DenseMemory(p, 8), "r = 8"),
    Kind("Exponential", zoo.ExponentialMemory),
    Kind("Modern", lambda p: zoo.ModernHopfield(p, BETA), f"β = {BETA:g}"),
    Kind("Distance", lambda p: zoo.DistanceMemory(p, BETA / 2), f"β = {BETA / 2:g}"),
    Kind(
        "Clustering", lambda p: zoo.ClusteringByMemory(p, BETA / 2), f"β = {BETA / 2:g}, prototypes given", "Distance"
    ),
    Kind(
        "Manhattan",
        lambda p: zoo.UniversalHopfield(p, "manhattan", "softmax", BETA),
        f"Manhattan, softmax, β = {BETA:g}",
    ),
    Kind("Sparsemax", lambda p: zoo.SparseHopfield(p, BETA), f"α = 2, β = {BETA:g}"),
    Kind("Entmax", lambda p: zoo.SparseHopfield(p, BETA, 1.5), f"α = 1.5, β = {BETA:g}"),
    Kind(
        "Kernelised",
        lambda p: zoo.KernelisedHopfield(p, BETA, zoo.learn_kernel(p, KERNEL_STEPS)),
        f"β = {BETA:g}, {KERNEL_STEPS} steps",
    ),
    Kind("Outlier-efficient", lambda p: zoo.OutlierEfficientHopfield(p, BETA), f"β = {BETA:g}"),
    Kind(
        "Hierarchical",
        lambda p: zoo.HierarchicalMemory(p, zoo.SoftmaxLagrangian(BETA), zoo.TanhLagrangian(VISIBLE_GAIN)),
        f"softmax, β = {BETA:g}; tanh",
    ),
    Kind(
        "Energy Transformer",
        lambda p: zoo.EnergyTransformer(p, TOKENS, hidden=zoo.SoftmaxLagrangian(TOKEN_BETA), step=0.5),
        f"{TOKENS} tokens, softmax, β = {TOKEN_BETA:g}",
    ),
    Kind("Predictive coding", lambda p: zoo.PredictiveCodingMemory(p, PRECISION), f"ε = {PRECISION:g}"),
)


def retrieved(states: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """Whether the signs of states (..., n) are those of patterns (..., n), shape (...)."""
    return np.all(np.sign(states) == np.sign(patterns), axis=-1)
