"""Dense memories with any separation F: one step from a pattern, and retrieval to the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._whole import as_whole

Separation = Callable[[np.ndarray], np.ndarray]
"""F of a dense memory's energy -sum_j F(rho_j . x), on an array of overlaps."""


def power(degree: int, *, rectified: bool = False) -> Separation:
    """F(s) = s^r, or max(s, 0)^r."""
    as_whole("degree", degree, 2)
    return lambda s: (np.maximum(s, 0.0) if rectified else np.asarray(s, dtype=float)) ** degree


def crosstalk(separation: Separation, n: int, flipped: int = 0) -> float:
    """Noise over signal, squared, that one other pattern puts on one bit: the load is this times (d - 1).

    The state is a pattern with ``flipped`` of the other n - 1 bits turned. For the bit in question the pattern itself
    gives F(s + 1) - F(s - 1) with s = n - 1 - 2 flipped. Another random pattern gives the same with s a sum of n - 1
    random signs, times a random sign: mean 0, and the variance is an exact sum over the binomial.
    """
    return _noise(separation, n, flipped)[0]


def one_step_error(separation: Separation, n: int, d: Any, flipped: int = 0) -> np.ndarray:
    """The probability that an update leaves a bit wrong.

    The noise of d - 1 patterns is Gaussian but for its fourth cumulant (Edgeworth): powers of a sum have heavy tails,
    which at an n of a few dozen make more errors than the Gaussian has. With z = signal/noise and the excess kurtosis
    k/(d - 1) it is Q(z) + phi(z) (z^3 - 3 z) k / (24 (d - 1)). For F(s) = s^r and large n this tends to
    Q(sqrt(n^(r-1) / ((2r - 3)!! d))) (Krotov & Hopfield 2016).
    """
    from scipy.special import ndtr

    load, excess = _noise(separation, n, flipped)
    others = np.maximum(np.asarray(d, dtype=float) - 1, 1e-9)
    z = np.minimum(1 / np.sqrt(load * others), 38.0)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return np.clip(ndtr(-z) + density * (z**3 - 3 * z) * excess / (24 * others), 0.0, 0.5)


def one_step_capacity(separation: Separation, n: int, error: float = 0.01, flipped: int = 0) -> float:
    """The d at which `one_step_error` is ``error``."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if not 0 < error < 0.5:
        raise ValueError(f"error is {error}, expected a probability between 0 and 1/2")
    gaussian = 1 / (float(ndtri(error)) ** 2 * crosstalk(separation, n, flipped))

    def beyond(log_others: float) -> float:
        return float(one_step_error(separation, n, 1 + math.exp(log_others), flipped)) - error

    middle = math.log(gaussian)
    return 1 + math.exp(brentq(beyond, middle - 4, middle + 4))


def double_factorial(degree: int) -> int:
    """(2r - 3)!!, by which a power of degree r divides n^(r-1): 1, 3, 15, 105 for r = 2, 3, 4, 5."""
    as_whole("degree", degree, 2)
    return math.prod(range(1, 2 * degree - 2, 2))


def dense_critical(degree: int, flipped: float = 0.0) -> tuple[float, float]:
    """(a_c, m) of retrieval to the end at degree r >= 3: the largest load a = (2r - 3)!! d / n^(r-1), and the overlap.

    With the noise of every step Gaussian and uncorrelated with the state, which holds for r >= 3 to leading order
    (Gardner 1987), the overlap goes from m to erf(m^(r-1) / sqrt(2 a)). A fixed point with retrieval exists while a is
    at most the maximum over m of m^(2r-2) / (2 erfinv(m)^2), and one starts above the unstable fixed point while a is
    at most the same with m = 1 - 2 ``flipped``, if that is below the maximum's m. Bits that turn one after another, and
    an n of a few dozen, blur this transition and move it up.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import erfinv

    as_whole("degree", degree, 3)
    if not 0 <= flipped < 0.5:
        raise ValueError(f"flipped is {flipped}, expected a share from 0 to below 1/2")

    def load(m: float) -> float:
        return float(m ** (2 * degree - 2) / (2 * erfinv(m) ** 2))

    best = float(minimize_scalar(lambda m: -load(m), (0.7, 0.9, 0.99), method="brent").x)
    return load(min(best, 1 - 2 * flipped)), best


def _noise(separation: Separation, n: int, flipped: int) -> tuple[float, float]:
    """Variance of one other pattern's part over the signal squared, and its excess kurtosis."""
    as_whole("n", n, 2)
    as_whole("flipped", flipped, 0, n - 1)
    from scipy.stats import binom

    sums = np.arange(-(n - 1), n, 2, dtype=float)
    share = binom.pmf(np.arange(n), n - 1, 0.5)
    own = np.array([float(n - 1 - 2 * flipped)])
    signal = float((separation(own + 1) - separation(own - 1))[0])
    if not signal > 0:
        return math.inf, 0.0
    parts = (separation(sums + 1) - separation(sums - 1)) / signal
    variance = float(share @ parts**2)
    return variance, float(share @ parts**4) / variance**2 - 3
