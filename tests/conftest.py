"""Shared by all tests: the reference numbers, Figure 1's pattern sets, and hypothesis without chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """Reference numbers computed with 50 digits (tests/golden.json)."""
    return json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def figure_1() -> dict[str, np.ndarray]:
    """The pattern sets of the paper's Figure 1: D1 in one dimension, D2 in two."""
    return {
        "D1": np.array([[-2.0], [0.0], [1.0]]),
        "D2": np.array([[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]),
    }
