"""Networks whose law is another one's, that do not attract, or that learn."""

from __future__ import annotations

import numpy as np

from .. import theory
from ..cell import network
from ..data import Start
from ..series import Family, Series, around, spaced
from .continuous import BETA, NOISY
from .dense import to_the_end

_TWENTIETH = 0.05  # of the bits, or of the variance of what was to be completed
SIMILARITIES = {"dot": 1.0, "cosine": 24.0, "euclidean": 0.5, "manhattan": 1.0}  # and softmax's beta
SEPARATIONS = ("identity", "polynomial", "softmax", "max")


def universal() -> Family:
    """Every similarity with every separation, in one step, on Gaussian patterns, whose lengths differ."""
    series = [
        Series(
            f"{similarity}, {separation}",
            network("universal", similarity=similarity, separation=separation, beta=beta, degree=6), "gaussian",
            {n: spaced(2, 2048, 8) for n in (12, 24)}, NOISY, queries=32, seeds=6, max_steps=1,
        )
        for similarity, beta in SIMILARITIES.items()
        for separation in SEPARATIONS
    ]  # fmt: skip
    return Family("universal", "Universal Hopfield networks", tuple(series))


def kernelised() -> Family:
    """Crowded patterns, in groups of four: with the plain dot product, and with the kernel that spreads them apart."""
    grids = {n: spaced(n, 256, 7) for n in (10, 12, 16)}
    plain = network("kernelised", beta=BETA)
    learnt = network("kernelised, learnt", beta=BETA, steps=20)
    start = Start(overlap=0.95)
    return Family(
        "kernelised",
        "The kernelised network",
        (
            Series(
                "identity", plain, "clusters", grids, start, seeds=16, max_steps=30, twin=network("modern", beta=BETA)
            ),
            Series("learnt", learnt, "clusters", grids, start, seeds=16, max_steps=30),
        ),
    )


def hierarchical() -> Family:
    """Two layers: with softmax the modern network, to the last digits; with powers a graded dense memory."""
    def modern(n: int) -> float:
        return theory.modern_capacity(n, BETA, NOISY.overlap)

    def dense(n: int) -> float:
        return to_the_end(3, n, 0.1, rectified=True)

    return Family(
        "hierarchical",
        "Hierarchical memory",
        (
            Series(
                "softmax, from overlap 0.8", network("hierarchical", hidden="softmax"), "sphere",
                around((8, 11, 14), modern, 0.2, 1.8, 7), NOISY, 12, max_steps=15, law="rate",
                expected=theory.modern_rate(BETA, NOISY.overlap), theory=modern, path=True,
                twin=network("modern", beta=BETA),
            ),
            Series(
                "degree 3 and tanh, from 10% turned", network("hierarchical", hidden="power", degree=3, tanh=1.0),
                "signs", around((16, 32, 64), dense, 0.3, 2.6, 7), Start(flipped=0.1), max_steps=30,
                criterion="error", level=_TWENTIETH, law="exponent", expected=2.0, theory=dense, path=True,
            ),
        ),
    )  # fmt: skip


def predictive() -> Family:
    """Half of the coordinates given: exact while d - 1 is at most their number, then regression."""

    def capacity(n: int) -> float:
        return 1 + (n // 2) / (1 - _TWENTIETH)

    return Family(
        "predictive",
        "Predictive coding",
        (
            Series(
                "half given", network("predictive", step=1.0), "gaussian",
                around((16, 32, 64, 96), capacity, 0.6, 2, 13),
                Start(hidden=0.5), 16, max_steps=2, criterion="error", level=_TWENTIETH, law="load",
                expected=0.5 / (1 - _TWENTIETH), theory=capacity,
                curve=lambda n, d: np.maximum(0.0, 1 - (n // 2) / np.maximum(d - 1.0, 1)), path=True,
            ),
        ),
    )  # fmt: skip


def energy_transformer() -> Family:
    """One token of 16 numbers, or four that attend to each other by weights that know nothing of the patterns."""
    series = []
    for hidden, tokens, high in (("power", 1, 12), ("power", 4, 12), ("softmax", 1, 20_000), ("softmax", 4, 1000)):
        net = network("energy_transformer", hidden=hidden, tokens=tokens, heads=0 if tokens == 1 else 1)
        series.append(
            Series(
                f"{'ReLU' if hidden == 'power' else 'softmax'}, {tokens} token{'s' if tokens > 1 else ''}", net,
                f"tokens {tokens}", {16 * tokens: spaced(1, high, 8)}, NOISY, queries=16, seeds=6, max_steps=40,
                path=True,
            )
        )  # fmt: skip
    return Family("energy-transformer", "Energy Transformer", tuple(series))


def clustering() -> Family:
    """A memory that has not seen the patterns, only points around them: how many centres does it find?"""
    net = network(
        "clustering", points=8, spread=0.3, beta=0.5, rate=0.5, steps=4, hidden=0.3, epochs=20, learning_rate=0.1
    )
    return Family(
        "clustering",
        "Clustering by associative memory",
        (Series("centres", net, "sphere", dict.fromkeys((4, 8), (2, 4, 8, 12)), seeds=3, max_steps=20),),
    )
