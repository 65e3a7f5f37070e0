"""The records that chapter 12 shows: every family, as designed now, and sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from beyond_scaling import results
from beyond_scaling.hopfield.capacity import FAMILIES, check, family

RECORDS = Path(__file__).resolve().parents[2] / "book" / "results"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_was_measured_as_it_is_designed(name: str) -> None:
    record = results.load(f"capacity-{name}", RECORDS)
    check(record)
    assert list(record.parameters["series"]) == [series.name for series in family(name).series]
    assert len(record.columns["d"]) == len(list(family(name).cells()))
