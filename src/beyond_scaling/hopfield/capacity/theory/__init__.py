"""What theory says of capacity: curves and limits to hold measurements against.

Random patterns throughout. n is the dimension, d the number of patterns, r the degree of a dense memory. A rate is the
limit of log d* / n, natural logarithm. NumPy; SciPy where a function needs it.

Sources: the replica-symmetric curve is Amit, Gutfreund & Sompolinsky (1985) at zero temperature; the counts without any
error are McEliece et al. (1987); powers of n are Krotov & Hopfield (2016) and Gardner (1987); exponential memories are
Demircigil et al. (2017) and Lucibello & Mezard (2024). Every formula is derived again in its docstring.
"""

from __future__ import annotations

from .dense import (
    Separation,
    crosstalk,
    dense_critical,
    double_factorial,
    one_step_capacity,
    one_step_error,
    power,
)
from .exponential import (
    birthday_capacity,
    competitor_capacity,
    exponential_fixed,
    exponential_rate,
    sign_rate,
)
from .hebb import (
    hebb_critical,
    hebb_fixed,
    hebb_overlap,
    hebb_without_error,
)
from .modern import (
    gaussian_capacity,
    gaussian_rate,
    modern_capacity,
    modern_overlap,
    modern_rate,
    sphere_competitor_capacity,
)

__all__ = [
    "Separation",
    "birthday_capacity",
    "competitor_capacity",
    "crosstalk",
    "dense_critical",
    "double_factorial",
    "exponential_fixed",
    "exponential_rate",
    "gaussian_capacity",
    "gaussian_rate",
    "hebb_critical",
    "hebb_fixed",
    "hebb_overlap",
    "hebb_without_error",
    "modern_capacity",
    "modern_overlap",
    "modern_rate",
    "one_step_capacity",
    "one_step_error",
    "power",
    "sign_rate",
    "sphere_competitor_capacity",
]
