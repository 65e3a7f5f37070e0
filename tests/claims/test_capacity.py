"""Table 1, measured: how the number of patterns that come back grows with their dimension, in each of its four rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from beyond_scaling import results
from beyond_scaling.hopfield import ramsauer_capacity
from beyond_scaling.results import Record

RECORDS = Path(__file__).resolve().parents[2] / "book" / "results"


def measured(family: str) -> Record:
    return results.load(f"capacity-{family}", RECORDS)


def fit(family: str, series: str) -> dict[str, Any]:
    """value, low and high of the slope fitted to critical d."""
    return measured(family).summary["series"][series]["fit"]


def test_table_1_classical_is_linear() -> None:
    """d* = 0.138 n from the pattern itself, once extrapolated; with no error anywhere it grows more slowly than n."""
    load = fit("classical", "Hebb, from the pattern")
    assert load["low"] < 0.138 < load["high"]
    assert fit("classical", "Hebb, all patterns are fixed")["high"] < 1


@pytest.mark.parametrize("r", [3, 4, 5])
def test_table_1_dense_has_one_power_less(r: int) -> None:
    """The printed n^r is outside the interval by far; n^(r-1) is within a fifth of a power."""
    slope = fit("dense", f"degree {r}, one step")
    assert slope["high"] < r - 0.4
    assert slope["value"] == pytest.approx(r - 1, abs=0.2)


def test_table_1_exponential_depends_on_what_stored_means() -> None:
    """2^(n/2), up to a power of n, if every pattern is to be stored; a typical one lasts far beyond."""
    every, typical = (fit("exponential", name) for name in ("all patterns are fixed", "a pattern is fixed"))
    assert every["high"] < math.log(2) / 2 < typical["low"]
    # The pairs at distance 1: sqrt(2^n/n), whose slope over the measured n is below its limit.
    theory = measured("exponential").summary["theory"]["all patterns are fixed"]["fit"]
    assert every["value"] == pytest.approx(theory, abs=0.03)


def test_table_1_modern_is_a_lower_bound() -> None:
    """Exponential, and faster than the c^((n-1)/4) that Ramsauer et al. prove for these patterns, which is no Theta."""
    series = measured("modern").summary["series"]["sphere, from the pattern"]
    rate = series["fit"]["low"]
    assert rate > 0.3
    for n, found in series["n"].items():
        bound = ramsauer_capacity(int(n), math.sqrt(int(n) / (int(n) - 1)), 1.0, 0.5)
        assert math.log(found["critical"]) > bound.log_patterns
    few, many = (ramsauer_capacity(n, 1.0, 1.0, 0.5).log_patterns for n in (1000, 2000))
    assert rate > 2 * (many - few) / 1000
