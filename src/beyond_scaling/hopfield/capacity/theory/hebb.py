"""Hebb's rule: how well it retrieves, and when its patterns stop being fixed points."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..._whole import as_whole


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

    as_whole("n", n, 3)

    def log_odds(log_others: float) -> float:
        others = math.exp(log_others)
        bits = n * (others + 1 if all_patterns else 1)
        return bits * math.log1p(-float(ndtr(-math.sqrt((n - 1) / others)))) + math.log(2)

    return 1 + math.exp(brentq(log_odds, math.log(1e-3), math.log(10 * n)))


def _hebb_load(y: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return (erf(y) / y - 2 / math.sqrt(math.pi) * np.exp(-(y**2))) ** 2 / 2


@cache
def _hebb_branch() -> tuple[float, float, float]:
    """y, alpha and m where the load along y is largest."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda y: -float(_hebb_load(np.asarray(y))), (1.0, 1.5, 3.0), method="brent")
    return float(found.x), float(-found.fun), math.erf(float(found.x))
