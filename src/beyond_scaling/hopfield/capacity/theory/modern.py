"""Networks of softmax: patterns on a sphere, or Gaussian, compared by dot product or by distance."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..._whole import as_whole
from ._overlap import check_overlap

_ITERATIONS = 60  # of a mean-field map


def modern_overlap(sharpness: float) -> float:
    """u* with u/(1 - u^2) = lambda: the overlap that rules the sum of exp(n lambda u) over a sphere."""
    if not sharpness > 0:
        raise ValueError(f"sharpness is {sharpness}, expected a positive number")
    return 2 * sharpness / (1 + math.sqrt(1 + 4 * sharpness**2))


def modern_rate(sharpness: float, overlap: float = 1.0) -> float:
    """log d* / n of softmax retrieval, patterns uniform on a sphere: lambda = beta |rho|^2 / n, query at overlap q.

    The query is on the sphere as well. Its own pattern weighs exp(n lambda q). The other d = exp(alpha n) have overlaps
    u with density exp(n log(1 - u^2) / 2) and weigh exp(n max(alpha + log(1 - u^2)/2 + lambda u)), the maximum over
    those u that occur, alpha + log(1 - u^2)/2 >= 0. It lies at u* if that occurs; else at the largest u that does (the
    sum is frozen), and that passes q at alpha = -log(1 - q^2)/2. So

        alpha_c = lambda (q - u*) - log(1 - u*^2)/2  if q >= u*,   -log(1 - q^2)/2  if q <= u*.

    For q = 1 the sum is never frozen where it matters. Random-energy model; Lucibello & Mezard (2024).
    """
    check_overlap(overlap)
    typical = modern_overlap(sharpness)
    if overlap <= typical:
        return -math.log1p(-(overlap**2)) / 2
    return sharpness * (overlap - typical) - math.log1p(-(typical**2)) / 2


def modern_capacity(n: int, sharpness: float, overlap: float = 1.0) -> float:
    """The d up to which softmax retrieval ends near its pattern, at finite n, the other patterns at their mean.

    Patterns are uniform on the sphere of radius sqrt(n). A state is a rho + b t with t orthogonal to rho and as long,
    and its length over sqrt(n) is s. The others weigh (d - 1) M(n lambda s) together and have the mean
    A(n lambda s) x / s, with M(k) = E exp(k u), u a coordinate of a random unit vector, and A = M'/M. So with w the
    pattern's own weight

        w = exp(n lambda a) / (exp(n lambda a) + (d - 1) M),   x+ = w rho + (1 - w) A x / s,

    which is iterated from a = q, b = sqrt(1 - q^2); the largest d that ends with |x - rho|^2 <= |rho|^2 / 10. Its rate
    is `modern_rate`. Where the sum is frozen, M is ruled by patterns that are not there, and
    `sphere_competitor_capacity` is nearer to the truth.
    """
    from scipy.special import gammaln, ive

    as_whole("n", n, 2)
    check_overlap(overlap)
    modern_overlap(sharpness)  # checks it
    order, constant = n / 2 - 1, float(gammaln(n / 2)) + (n / 2 - 1) * math.log(2.0)

    def others(a: float, s: float) -> tuple[float, float]:
        k = n * sharpness * s
        bessel = float(ive(order, k))
        log_mean = constant - order * math.log(k) + math.log(bessel) + k
        return log_mean - n * sharpness * a, float(ive(n / 2, k)) / bessel / s

    return _mean_field(others, overlap)


def gaussian_rate(beta: float, *, distance: bool) -> float:
    """log d* / n from the pattern itself, patterns with standard normal entries, so that norms differ.

    ``distance``: weights exp(-beta |x - rho_j|^2), the paper's equation 4. A pattern's own is 1, the mean of another's
    is (1 + 2 beta)^(-n/2) exp(-beta |x|^2 / (1 + 2 beta)) with |x|^2 = n: rate log(1 + 2 beta)/2 + beta/(1 + 2 beta).
    The sum is ruled by patterns of rate (sigma^2 + mu^2 - 1 - log sigma^2)/2 with sigma^2 = 1/(1 + 2 beta) and
    mu = 2 beta/(1 + 2 beta), which is less: there are plenty of them, and nothing is frozen.

    Else: weights exp(beta rho_j . x), the modern network. Its own is exp(beta n), another's on average exp(beta^2 n/2):
    rate beta - beta^2/2 up to beta = 1. For larger beta the sum is frozen: the largest product rules, n sqrt(2 alpha),
    and is n at alpha = 1/2. No beta does better than 1/2, for a longer pattern wins over the right one.
    """
    if not beta > 0:
        raise ValueError(f"beta is {beta}, expected a positive number")
    if distance:
        return math.log1p(2 * beta) / 2 + beta / (1 + 2 * beta)
    return beta - beta**2 / 2 if beta <= 1 else 0.5


def gaussian_capacity(n: int, beta: float, *, distance: bool) -> float:
    """The d of `gaussian_rate` at finite n, for a pattern of median length.

    ``distance``: as in `modern_capacity`, the others having the mean 2 beta x / (1 + 2 beta). Else the d at which the
    others weigh as much as the pattern; at beta = 1 their mean is x itself, and nothing moves x on average.
    """
    from scipy.stats import chi2

    as_whole("n", n, 2)
    gaussian_rate(beta, distance=distance)  # checks beta
    squared = float(chi2.median(n))
    if not distance:
        return 1 + math.exp((beta - beta**2 / 2) * squared)

    def others(a: float, s: float) -> tuple[float, float]:
        far, own = s**2 / (1 + 2 * beta), 1 - 2 * a + s**2
        return -n * math.log1p(2 * beta) / 2 - beta * squared * (far - own), 2 * beta / (1 + 2 * beta)

    return _mean_field(others, 1.0)


def sphere_competitor_capacity(n: int, overlap: float) -> float:
    """The d at which with probability 1/2 another pattern on the sphere has a larger overlap with the query than q.

    Exact: log(2) / P(u >= q) with u a coordinate of a random unit vector, plus the pattern itself.
    """
    from scipy.stats import beta

    as_whole("n", n, 2)
    check_overlap(overlap)
    tail = float(beta.sf((1 + overlap) / 2, (n - 1) / 2, (n - 1) / 2))
    return 1 + math.log(2) / tail if tail > 0 else math.inf


def _mean_field(others: Callable[[float, float], tuple[float, float]], overlap: float) -> float:
    """The largest d that retrieves. ``others``: at (a, s), log of another's mean weight over the pattern's own, and the
    factor by which the others' mean shrinks x."""

    def retrieves(log_others: float) -> bool:
        a, b = overlap, math.sqrt(1 - overlap**2)
        for _ in range(_ITERATIONS):
            ratio, factor = others(a, math.hypot(a, b))
            share = 1 / (1 + math.exp(min(log_others + ratio, 700.0)))
            a, b = share + (1 - share) * factor * a, (1 - share) * factor * b
        return (1 - a) ** 2 + b**2 <= 0.1

    low, high = -5.0, 600.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if retrieves(middle) else (low, middle)
    return 1 + math.exp(low)
