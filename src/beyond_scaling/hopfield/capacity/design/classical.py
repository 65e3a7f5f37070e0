"""Capacity of the networks of 1982 and 1984."""

from __future__ import annotations

import numpy as np

from .. import theory
from ..cell import network
from ..data import Start
from ..series import Family, Series, around, spaced

HEBB = network("classical", rule="hebb", order=0)
TENTH = Start(flipped=0.1)
_WIDE = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.17, 0.21, 0.26, 0.32)


def _loads(sizes: tuple[int, ...], loads: tuple[float, ...]) -> dict[int, tuple[int, ...]]:
    return {n: tuple(sorted({round(load * n) for load in loads})) for n in sizes}


def _about_critical(sizes: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """Loads about 0.138: the smaller n, the wider and the later the transition."""
    return {n: spaced((0.138 - 0.4 / n**0.5) * n, (0.138 + 1.6 / n**0.5) * n, 9) for n in sizes}


def _one_error(n: int, d: np.ndarray) -> np.ndarray:
    """Wrong bits after retrieval, (1 - m)/2, in the limit of large n."""
    return (1 - theory.hebb_overlap(d / n)) / 2


def classical() -> Family:
    """Hebb's rule and the pseudo-inverse."""
    critical = theory.hebb_critical()[0]
    step = network("classical", rule="hebb", mode="synchronous")
    inverse = network("classical", rule="pseudo-inverse", order=0)
    high = (0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)
    return Family(
        "classical",
        "The classical network",
        (
            Series(
                "Hebb, from the pattern", HEBB, "signs", _about_critical((128, 256, 512, 1024, 2048)),
                queries=16, seeds=16, criterion="error", level=0.1, law="load", expected=critical,
                theory=lambda n: critical * n,
                curve=_one_error,
            ),
            Series(
                "Hebb, from 10% turned", HEBB, "signs", _about_critical((128, 256, 512, 1024)), TENTH,
                queries=16, seeds=12, criterion="error", level=0.1, law="load",
            ),
            Series(
                "Hebb, a pattern is fixed", step, "signs",
                around((64, 128, 256, 512, 1024), lambda n: theory.hebb_fixed(n, all_patterns=False), 0.5, 1.8, 8),
                queries=64, seeds=16, max_steps=1, law="exponent",
                theory=lambda n: theory.hebb_fixed(n, all_patterns=False),
            ),
            Series(
                "Hebb, all patterns are fixed", step, "signs",
                around((64, 128, 256, 512, 1024), lambda n: theory.hebb_fixed(n, all_patterns=True), 0.5, 1.8, 8),
                queries=None, seeds=48, max_steps=1, criterion="any_failed", law="exponent",
                theory=lambda n: theory.hebb_fixed(n, all_patterns=True),
            ),
            Series(
                "pseudo-inverse, from the pattern", inverse, "signs", _loads((128, 256), (0.1, 0.3, 0.5, 0.7, 0.9)),
                queries=16, criterion="error", level=0.1, expected=1.0, theory=float,
                curve=lambda n, d: np.zeros(len(d)),
            ),
            Series(
                "pseudo-inverse, from 10% turned", inverse, "signs", _loads((64, 128, 256, 512), high), TENTH,
                queries=16, criterion="error", level=0.05, law="load",
            ),
        ),
        printed="O(n)",
    )  # fmt: skip


def graded() -> Family:
    """Graded response: at high gain the network of 1982, at low gain less."""
    series = [
        Series(
            f"gain {beta}, from 10% turned", network("graded", rule="hebb", beta=float(beta)), "signs",
            _loads((64, 128, 256, 512), _WIDE), TENTH, queries=16,
            criterion="error", level=0.1, law="load",
        )
        for beta in (4, 20)
    ]  # fmt: skip
    return Family("graded", "Graded response", tuple(series))
