"""What theory says of capacity: curves and limits to hold measurements against.

Random patterns throughout. n is the dimension, d the number of patterns, r the degree of a dense memory. A rate is the
limit of log d* / n, natural logarithm. NumPy; SciPy where a function needs it.

Sources: the replica-symmetric curve is Amit, Gutfreund & Sompolinsky (1985) at zero temperature; the counts without any
error are McEliece et al. (1987); powers of n are Krotov & Hopfield (2016) and Gardner (1987); exponential memories are
Demircigil et al. (2017) and Lucibello & Mezard (2024). Every formula is derived again in its docstring.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np

_ITERATIONS = 60  # of a mean-field map

Separation = Callable[[np.ndarray], np.ndarray]
"""F of a dense memory's energy -sum_j F(rho_j . x), on an array of overlaps."""


# --- classical: Hebb's rule -------------------------------------------------------------------------------------


def hebb_overlap(load: Any) -> np.ndarray:
    """The overlap m of the retrieved state with its pattern at load alpha = d/n, in the limit of large n.

    Replica-symmetric at zero temperature: m = erf(y) where erf(y) = y (sqrt(2 alpha) + (2/sqrt(pi)) exp(-y^2)), the
    solution of largest y. 1 at load 0; above `hebb_critical` there is none and m is 0.

    Raises:
        ValueError: a load below 0.
    """
    from scipy.special import erf

    loads = np.asarray(load, dtype=float)
    if not (loads >= 0).all():
        raise ValueError(f"load is {load!r}, expected numbers from 0 on")
    least, critical, _ = _hebb_branch()
    y = np.linspace(least, 6.0, 20001)  # the load falls along this branch
    there = loads <= critical
    return np.where(there, erf(np.interp(np.minimum(loads, critical), _hebb_load(y)[::-1], y[::-1])), 0.0)


def hebb_critical() -> tuple[float, float]:
    """(alpha_c, m): the largest load with a state of retrieval, 0.1379, and its overlap, 0.967."""
    _, critical, overlap = _hebb_branch()
    return critical, overlap


def hebb_without_error(n: Any, *, all_patterns: bool) -> np.ndarray:
    """The d at which patterns stop being fixed points, to leading order.

    A bit of a pattern is unstable with probability Q(sqrt(n/d)), about exp(-n/(2 d)). With n bits the expected number
    of errors is 1 at d = n/(2 log n); with n d bits (``all_patterns``) at about n/(4 log n). The logarithms hide large
    corrections at any n one can simulate.
    """
    sizes = np.asarray(n, dtype=float)
    if not (sizes >= 2).all():
        raise ValueError(f"n is {n!r}, expected numbers from 2 on")
    return sizes / ((4 if all_patterns else 2) * np.log(sizes))


def hebb_fixed(n: int, *, all_patterns: bool) -> float:
    """The same at finite n, to the last error: the d at which with probability 1/2 no bit of one pattern (of any of the
    d) is unstable, bits independent and each wrong with probability Q(sqrt((n - 1)/(d - 1))).

    With a zero diagonal the signal is (n - 1)/n and the noise has variance (n - 1)(d - 1)/n^2.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    _check_count("n", n, 3)

    def log_odds(log_others: float) -> float:
        others = math.exp(log_others)
        bits = n * (others + 1 if all_patterns else 1)
        return bits * math.log1p(-float(ndtr(-math.sqrt((n - 1) / others)))) + math.log(2)

    return 1 + math.exp(brentq(log_odds, math.log(1e-3), math.log(10 * n)))


# --- dense memories: any separation F ---------------------------------------------------------------------------


def power(degree: int, *, rectified: bool = False) -> Separation:
    """F(s) = s^r, or max(s, 0)^r."""
    _check_count("degree", degree, 2)
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
    _check_count("degree", degree, 2)
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

    _check_count("degree", degree, 3)
    if not 0 <= flipped < 0.5:
        raise ValueError(f"flipped is {flipped}, expected a share from 0 to below 1/2")

    def load(m: float) -> float:
        return float(m ** (2 * degree - 2) / (2 * erfinv(m) ** 2))

    best = float(minimize_scalar(lambda m: -load(m), (0.7, 0.9, 0.99), method="brent").x)
    return load(min(best, 1 - 2 * flipped)), best


# --- exponential memories ---------------------------------------------------------------------------------------


def sign_rate(overlap: float) -> float:
    """I(u) = ((1 + u) log(1 + u) + (1 - u) log(1 - u)) / 2: a random sign pattern has overlap u n or more with
    probability exp(-n I(u)), for u >= 0."""
    _check_overlap(overlap)
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

    _check_count("n", n, 3)
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

    _check_count("n", n, 1)
    _check_count("flipped", flipped, 0, n)
    return 1 + math.log(2) / float(binom.cdf(flipped, n, 0.5))


# --- modern networks: patterns on a sphere ----------------------------------------------------------------------


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
    _check_overlap(overlap)
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

    _check_count("n", n, 2)
    _check_overlap(overlap)
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

    _check_count("n", n, 2)
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

    _check_count("n", n, 2)
    _check_overlap(overlap)
    tail = float(beta.sf((1 + overlap) / 2, (n - 1) / 2, (n - 1) / 2))
    return 1 + math.log(2) / tail if tail > 0 else math.inf


# --- inside -----------------------------------------------------------------------------------------------------


def _noise(separation: Separation, n: int, flipped: int) -> tuple[float, float]:
    """Variance of one other pattern's part over the signal squared, and its excess kurtosis."""
    _check_count("n", n, 2)
    _check_count("flipped", flipped, 0, n - 1)
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


def _hebb_load(y: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return (erf(y) / y - 2 / math.sqrt(math.pi) * np.exp(-(y**2))) ** 2 / 2


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


@cache
def _hebb_branch() -> tuple[float, float, float]:
    """y, alpha and m where the load along y is largest."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda y: -float(_hebb_load(np.asarray(y))), (1.0, 1.5, 3.0), method="brent")
    return float(found.x), float(-found.fun), math.erf(float(found.x))


def _check_count(name: str, value: Any, least: int, most: int | None = None) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or int(value) < least or (most is not None and int(value) > most):
        words = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} is {value!r}, expected an integer {words}")


def _check_overlap(overlap: float) -> None:
    if isinstance(overlap, bool) or not isinstance(overlap, Real) or not 0 <= overlap <= 1:
        raise ValueError(f"overlap is {overlap!r}, expected a number from 0 to 1")
