"""The radii the theory asks for and log Z at a measured one, against reference numbers of 50 digits."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.radius.volumes import log_partitions, reference_radii


def test_radii_at_the_widths_of_gpt_2(golden):
    for row in golden["radius_predictions"]:
        found = reference_radii(row["n"])
        assert found["paper"] == pytest.approx(row["rstar"], rel=1e-13)
        assert found["unit_integral"] == pytest.approx(row["unit_integral_radius"], rel=1e-13)
    medium = reference_radii(1024)
    assert {name: round(value, 5) for name, value in medium.items()} == {
        "paper": 7.74306,
        "unit_volume": 7.77366,
        "unit_integral": 8.31555,
    }


def test_the_unit_integral_radius_tends_to_its_constant(golden):
    ratio = reference_radii(10**8)["unit_integral"] / 10**4
    assert ratio == pytest.approx(golden["unit_integral_radius"]["c"], rel=1e-6)


def test_log_z_up_to_the_radius_the_paper_measured(golden):
    rows = golden["knife_edge"]["n1024_d1e5"]
    assert rows[-1]["r"] == 10.0
    for row in rows:
        found = log_partitions(row["r"], 1024, 100_000)
        assert found["corrected"] == pytest.approx(row["logZ_exact"], rel=1e-12, abs=1e-11)
        assert found["upper"] == pytest.approx(row["logZ_upper"], rel=1e-12, abs=1e-11)


@given(st.floats(1e-3, 1e3), st.integers(1, 5000), st.integers(1, 10**9))
def test_bounds_and_counts_agree(radius, n, patterns):
    found = log_partitions(radius, n, patterns)
    slack = 1e-9 * max(1.0, abs(found["upper"]))
    assert found["corrected_lower"] - slack <= found["corrected"] <= found["upper"] + slack
    assert found["upper"] == pytest.approx(math.log(patterns) + found["log_volume"], abs=slack)
    assert found["printed_lower"] == pytest.approx(found["upper"] - radius, abs=slack)
    assert found["corrected"] + found["log_patterns_for_unit"] == pytest.approx(math.log(patterns), abs=slack)
    json.dumps(found, allow_nan=False)


def test_at_the_unit_integral_radius_one_pattern_has_log_z_zero():
    radius = reference_radii(64)["unit_integral"]
    assert log_partitions(radius, 64, 1)["corrected"] == pytest.approx(0, abs=1e-11)
    assert log_partitions(reference_radii(64)["unit_volume"], 64, 1)["log_volume"] == pytest.approx(0, abs=1e-11)


def test_a_radius_of_zero_leaves_out_what_is_infinite():
    assert log_partitions(0.0, 5, 10) == {"radius": 0.0}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((-1.0, 5, 10), "r is"), ((1.0, 0, 10), "n is"), ((1.0, 5, 0), "d is"), ((math.nan, 5, 1), "r is")],
)
def test_bad_input_is_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        log_partitions(*arguments)
