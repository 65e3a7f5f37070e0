"""Capacity of networks of real patterns: softmax and its relatives."""

from __future__ import annotations

import math
from dataclasses import replace

from .. import theory
from ..cell import network
from ..data import Start
from ..series import Family, Series, around

BETA = 1.0
NOISY = Start(overlap=0.8)
_STEPS = 15


def _sphere(name: str, net: str, start: Start, sizes: tuple[int, ...], beta: float = BETA, **options: float) -> Series:
    def capacity(n: int) -> float:
        found = theory.modern_capacity(n, BETA, start.overlap)
        return min(found, theory.sphere_competitor_capacity(n, start.overlap)) if start.overlap < 1 else found

    return Series(
        name, network(net, beta=beta, **options), "sphere", around(sizes, capacity, 0.2, 1.8, 9), start, queries=32,
        seeds=12, max_steps=_STEPS, law="rate", expected=theory.modern_rate(BETA, start.overlap), theory=capacity,
    )  # fmt: skip


def _gaussian(name: str, net: str, beta: float, sizes: tuple[int, ...]) -> Series:
    distance = net == "distance"

    def capacity(n: int) -> float:
        return theory.gaussian_capacity(n, beta, distance=distance)

    return Series(
        name, network(net, beta=beta), "gaussian",
        around(sizes, capacity, 0.15 if distance else 0.03, 4, 9), queries=32, max_steps=_STEPS,
        law="rate", expected=theory.gaussian_rate(beta, distance=distance), theory=capacity,
    )  # fmt: skip


def modern() -> Family:
    """Softmax of dot products."""
    return Family(
        "modern",
        "The modern network",
        (
            _sphere("sphere, from the pattern", "modern", Start(), (8, 10, 12, 14, 16, 18)),
            _sphere("sphere, from overlap 0.8", "modern", NOISY, (11, 14, 17, 20, 22)),
            _gaussian("Gaussian, from the pattern", "modern", 1.0, (6, 8, 10, 12, 14)),
        ),
        printed="Θ(c^((n-1)/4))",
    )


def distance() -> Family:
    """The paper's equation 4. At beta/2 it is, on a sphere, the modern network at beta."""
    half = _sphere("sphere, β = 1/2, from overlap 0.8", "distance", NOISY, (11, 14, 17), BETA / 2)
    return Family(
        "distance",
        "The distance energy",
        (
            replace(half, twin=network("modern", beta=BETA)),
            _gaussian("Gaussian, β = 1/2, from the pattern", "distance", 0.5, (6, 8, 10, 12, 14)),
            _gaussian("Gaussian, β = 1, from the pattern", "distance", 1.0, (4, 6, 8, 10)),
        ),
    )


def outlier() -> Family:
    """softmax_1: one more pattern, at zero, with the weight 1."""
    return Family(
        "outlier",
        "The outlier-efficient network",
        (
            _sphere("sphere, from the pattern", "outlier", Start(), (8, 10, 12, 14)),
            _sphere("sphere, from overlap 0.8", "outlier", NOISY, (11, 14, 17)),
        ),
    )


def sparse() -> Family:
    """Entmax: only patterns near the best one have a weight at all."""

    def capacity(n: int) -> float:
        return theory.sphere_competitor_capacity(n, NOISY.overlap)

    series = [
        Series(
            f"{words}, from overlap 0.8", network("sparse", beta=BETA, alpha=alpha), "sphere",
            around((6, 8, 10, 12, 14), capacity, 0.1, 3, 8), NOISY, queries=32, max_steps=_STEPS, law="rate",
            expected=-math.log1p(-(NOISY.overlap**2)) / 2, theory=capacity,
        )
        for words, alpha in (("sparsemax", 2.0), ("entmax 1.5", 1.5))
    ]  # fmt: skip
    return Family("sparse", "Sparse networks", tuple(series))
