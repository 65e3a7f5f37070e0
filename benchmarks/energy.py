"""The energy of equation 4 beside the two ways most people would write it: time, memory and error, in one run.

Run: ``python benchmarks/energy.py``. Ratios are to ours; errors are against mpmath at 40 digits on 20 of the points,
relative to the size of E or to 1, whichever is larger. "Far" puts patterns and points of spread 1 around 10^6.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable

import mpmath
import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from beyond_scaling.energy import energy

ROUNDS = 5


def with_cdist(x: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """SciPy's distances and logsumexp: accurate, and holds the whole (B, d) matrix."""
    return -logsumexp(-cdist(x, patterns, "sqeuclidean"), axis=1)


def with_expansion(x: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """|x|^2 - 2 x.rho + |rho|^2 by one matrix product: fast, and cancels."""
    squares = (x**2).sum(1)[:, None] - 2 * x @ patterns.T + (patterns**2).sum(1)[None, :]
    return -logsumexp(-squares, axis=1)


def exact(x: np.ndarray, patterns: np.ndarray) -> list[float]:
    mpmath.mp.dps = 40
    values = []
    for point in x:
        powers = [mpmath.exp(-sum((mpmath.mpf(a) - mpmath.mpf(b)) ** 2 for a, b in zip(point, rho, strict=True)))
                  for rho in patterns]
        values.append(float(-mpmath.log(mpmath.fsum(powers))))
    return values


def peak(call: Callable[[], object]) -> float:
    """Largest extra memory of one call, MiB."""
    gc.collect()
    tracemalloc.start()
    call()
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top / 2**20


def main() -> None:
    ways = {"ours": energy, "SciPy cdist + logsumexp": with_cdist, "matrix product + logsumexp": with_expansion}
    rng = np.random.default_rng(0)
    print(f"{'case':36s}{'way':28s}{'ms':>9s}{'ratio':>8s}{'peak MiB':>10s}{'error':>10s}")
    for label, batch, d, n, offset in [
        ("1,000,000 points, d = 3, n = 2", 1_000_000, 3, 2, 0.0),
        ("20,000 points, d = 1,000, n = 64", 20_000, 1_000, 64, 0.0),
        ("far: 20,000 points, d = 100, n = 8", 20_000, 100, 8, 1e6),
    ]:
        x = rng.normal(size=(batch, n)) + offset
        patterns = rng.normal(size=(d, n)) + offset
        truth = np.array(exact(x[:20], patterns))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):  # in turn, so that a noisy moment meets all of them
            for name, way in ways.items():
                start = time.perf_counter()
                way(x, patterns)
                times[name].append(time.perf_counter() - start)
        ours = statistics.median(times["ours"])
        for name, way in ways.items():
            median = statistics.median(times[name])
            error = np.max(np.abs(way(x[:20], patterns) - truth) / np.maximum(1, np.abs(truth)))
            memory = peak(lambda way=way, x=x, patterns=patterns: way(x, patterns))
            print(f"{label:36s}{name:28s}{1e3 * median:9.1f}{median / ours:8.2f}{memory:10.1f}{error:10.1e}")


if __name__ == "__main__":
    main()
