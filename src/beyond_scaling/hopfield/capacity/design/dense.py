"""Capacity of dense memories: powers, and the exponential."""

from __future__ import annotations

import numpy as np

from .. import theory
from ..cell import network
from ..data import Start
from ..series import Family, Series, around

_SIZES = {
    2: (32, 64, 128, 256, 512),
    3: (16, 24, 32, 48, 64, 96, 128),
    4: (16, 24, 32, 48, 64),
    5: (16, 20, 24, 32, 40),
}
_ONE_BIT = 0.01  # of the one-step criterion


def to_the_end(degree: int, n: int, flipped: float = 0.0, *, rectified: bool = False) -> float:
    """The d of the transition: that of large n, with the crosstalk of this n."""
    scale = theory.crosstalk(theory.power(degree, rectified=rectified), n)
    load = theory.hebb_critical()[0] if degree == 2 else theory.dense_critical(degree, flipped)[0]
    return 1 + load / scale


def _retrieved(degree: int, flipped: float = 0.0, *, rectified: bool = False) -> Series:
    def capacity(n: int) -> float:
        return to_the_end(degree, n, flipped, rectified=rectified)

    words = f"degree {degree}{', rectified' if rectified else ''}"
    return Series(
        f"{words}, from {'10% turned' if flipped else 'the pattern'}",
        network("dense", degree=degree, rectified=rectified, order=0), "signs",
        around(_SIZES[degree], capacity, 0.6, 3.5), Start(flipped=flipped), queries=24, seeds=10,
        criterion="error", level=0.1, law="exponent", expected=degree - 1.0, theory=capacity,
    )  # fmt: skip


def _one_step(degree: int) -> Series:
    separation = theory.power(degree)

    def capacity(n: int) -> float:
        return theory.one_step_capacity(separation, n, _ONE_BIT)

    return Series(
        f"degree {degree}, one step", network("dense", degree=degree, mode="synchronous"), "signs",
        around(_SIZES[degree], capacity, 0.4, 2.5, 8), queries=64, seeds=24, max_steps=1,
        criterion="error", level=_ONE_BIT, law="exponent", expected=degree - 1.0, theory=capacity,
        curve=lambda n, d: theory.one_step_error(separation, n, d),
    )  # fmt: skip


def dense() -> Family:
    """Powers of degree 2 to 5."""
    return Family(
        "dense",
        "Dense memories",
        (
            *(_one_step(degree) for degree in _SIZES),
            *(_retrieved(degree) for degree in _SIZES),
            *(_retrieved(degree, 0.1) for degree in (3, 4)),
            _retrieved(3, rectified=True),
        ),
        printed="Θ(n^r)",
    )


def _turned(share: float, sizes: tuple[int, ...]) -> Series:
    start = Start(flipped=share)

    def capacity(n: int) -> float:
        return theory.competitor_capacity(n, start.bits(n))

    return Series(
        f"from {share:.1%} turned".replace(".0%", "%"), network("exponential", order=0), "signs",
        around(sizes, capacity, 0.2, 3, 8), start, queries=32, seeds=12, max_steps=20, law="rate",
        expected=theory.exponential_rate(share), theory=capacity,
        curve=lambda n, d: 1 - 0.5 ** ((d - 1) / (capacity(n) - 1)),
    )  # fmt: skip


def exponential() -> Family:
    """One memory, two questions: is a typical pattern a fixed point, and are all of them?"""
    step = network("exponential", mode="synchronous")

    def birthday(n: int) -> float:
        return float(theory.birthday_capacity(n))

    return Family(
        "exponential",
        "The exponential memory",
        (
            Series(
                "all patterns are fixed", step, "signs", around((8, 12, 16, 20, 24), birthday, 0.35, 2.2, 8),
                queries=None, seeds=48, max_steps=1, criterion="any_failed", law="rate",
                expected=theory.exponential_rate(all_patterns=True), theory=birthday,
                curve=lambda n, d: 1 - 0.5 ** ((d / birthday(n)) ** 2),
            ),
            Series(
                "a pattern is fixed", step, "signs",
                around((6, 8, 10, 12, 14, 16), theory.exponential_fixed, 0.3, 3, 8),
                queries=48, seeds=16, max_steps=1, law="rate", expected=theory.exponential_rate(),
                theory=theory.exponential_fixed,
                curve=lambda n, d: 1 - np.exp2(-(d - 1) / (theory.exponential_fixed(n) - 1)),
            ),
            _turned(0.125, (8, 16, 24, 32)),
            _turned(0.25, (8, 16, 24, 32, 40)),
        ),
        printed="Θ(2^(n/2))",
    )  # fmt: skip
