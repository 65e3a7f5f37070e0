"""Learning rates: warm-up, then a line, half a cosine, or nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.training.config import Schedule
from beyond_scaling.training.schedule import rate


def test_warm_up_rises_to_the_peak_and_the_end_is_the_final_share() -> None:
    for kind in ("linear", "cosine"):
        schedule = Schedule(kind, warmup=4, final=0.1)  # type: ignore[arg-type]
        rates = [rate(schedule, 2.0, step, 10) for step in range(10)]
        assert rates[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
        assert rates[-1] == pytest.approx(0.2)
        assert all(a > b for a, b in itertools.pairwise(rates[3:]))


def test_half_way_both_are_half_way() -> None:
    for kind in ("linear", "cosine"):
        assert rate(Schedule(kind), 1.0, 4, 10) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert rate(Schedule("linear", final=0.5), 1.0, 4, 10) == pytest.approx(0.75)


@given(st.integers(1, 500), st.integers(0, 500), st.sampled_from(["constant", "linear", "cosine"]))
def test_never_above_the_peak_nor_below_the_end(steps: int, warmup: int, kind: str) -> None:
    schedule = Schedule(kind, warmup=min(warmup, steps), final=0.25)  # type: ignore[arg-type]
    rates = [rate(schedule, 1.0, step, steps) for step in range(steps)]
    assert max(rates) <= 1.0
    assert min(rates[schedule.warmup :], default=1.0) >= 0.25 - 1e-12
    if kind == "constant":
        assert set(rates[schedule.warmup :]) <= {1.0}
