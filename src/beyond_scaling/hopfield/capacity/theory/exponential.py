"""The exponential memory of signs: rates from other patterns that are near, and numbers at finite n."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._whole import as_whole
from ._overlap import check_overlap


def sign_rate(overlap: float) -> float:
    """I(u) = ((1 + u) log(1 + u) + (1 - u) log(1 - u)) / 2: a random sign pattern has overlap u n or more with
    probability exp(-n I(u)), for u >= 0."""
    check_overlap(overlap)
    return sum((1 + s * overlap) * math.log1p(s * overlap) / 2 for s in (-1, 1) if 1 + s * overlap > 0)


def exponential_rate(flipped: float = 0.0, *, all_patterns: bool = False) -> float:
    """log d* / n of the exponential memory of signs, from a share ``flipped`` of wrong bits.

    A typical pattern is retrieved while no other one is nearer to the query than it: rate I(1 - 2 rho). Only near
    rho = 0, above an overlap of tanh(2), is it noise that decides: the sum of d terms exp(s) is then ruled by overlaps
    about tanh(2) n, of which there are plenty, and its variance d cosh(2)^n passes the signal exp(2 n (1 - 2 rho)) at
    rate 2 (1 - 2 rho) - log cosh 2, which is log(2 / (1 + e^-4)) = 0.675 for rho = 0.

    ``all_patterns``: that no pattern at all fails. Pairs count, so d^2 takes the place of d: I(1 - 2 rho) / 2, the
    bound of Demircigil et al. (2017), and log(2) / 2 for fixed points: two patterns that differ in one bit tie there.
    """
    if not 0 <= flipped < 0.5:
        raise ValueError(f"flipped is {flipped}, expected a share from 0 to below 1/2")
    overlap = 1 - 2 * flipped
    if all_patterns:
        return sign_rate(overlap) / 2
    if overlap <= math.tanh(2.0):
        return sign_rate(overlap)
    return 2 * overlap - math.log(math.cosh(2.0))


def birthday_capacity(n: Any) -> np.ndarray:
    """The d at which with probability 1/2 two of the d random sign patterns differ in exactly one bit.

    There are d^2/2 pairs and n/2^n of them differ so: d = sqrt(2 log(2) 2^n / n).
    """
    sizes = np.asarray(n, dtype=float)
    return np.sqrt(2 * math.log(2) * np.exp2(sizes) / sizes)


def exponential_fixed(n: int) -> float:
    """The d at which with probability 1/2 a typical pattern of the exponential memory is a fixed point, at finite n.

    Two things unsettle a bit. Another pattern that differs in this bit alone ties with the pattern, and what all others
    add decides: wrong half of the time; d n / 2^n such neighbours are expected. And the sum over the other patterns,
    taken to be Gaussian. The first rules at any n that can be simulated, although its rate, log 2, is the larger one.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr
    from scipy.stats import binom

    as_whole("n", n, 3)
    sums = np.arange(-(n - 1), n - 1, 2, dtype=float)  # all but the neighbours
    share = binom.pmf(np.arange(n - 1), n - 1, 0.5)
    noise = float(share @ np.exp(2 * (sums - (n - 1))))  # over the signal squared; 2 sinh(1) cancels

    def log_odds(log_others: float) -> float:
        others = math.exp(log_others)
        wrong = float(ndtr(-1 / math.sqrt(others * noise)))
        return n * math.log1p(-wrong) - others * n / 2 ** (n + 1) + math.log(2)

    return 1 + math.exp(brentq(log_odds, math.log(1e-6), n * math.log(2.0) + 5))


def competitor_capacity(n: int, flipped: int) -> float:
    """The d at which with probability 1/2 another sign pattern is as near to the query as its own, ``flipped`` bits
    off.

    Exact: log(2) / P(a random pattern differs from the query in at most ``flipped`` bits), plus the pattern itself.
    """
    from scipy.stats import binom

    as_whole("n", n, 1)
    as_whole("flipped", flipped, 0, n)
    return 1 + math.log(2) / float(binom.cdf(flipped, n, 0.5))
