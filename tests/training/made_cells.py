"""Cells of runs that never ran, whose gap follows a law N ~ D*^p."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from beyond_scaling.training import config as configuration
from beyond_scaling.training.config import Config
from beyond_scaling.training.gap import Cell

SIZES = {16: 5_104, 24: 10_728, 32: 20_880, 48: 42_896, 72: 98_888}
SECTIONS: dict[str, Any] = {
    "model": {"kind": "openelm", "layers": 2, "head_dim": 8, "width": 16},
    "data": {"kind": "tokens", "path": "tokens", "context": 64, "pieces": 1024},
    "run": {"steps": 6000, "batch": 32, "evaluate_every": 50, "patience": 8},
}


def cell(N: int, D: int, seed: int = 0, gap: float = 0.2, **values: Any) -> Cell:
    """One cell; `values` set its other attributes, or (with `__`) its configuration's, as `model__width=24`."""
    given = {name.replace("__", "."): value for name, value in values.items() if "__" in name}
    numbers: dict[str, Any] = {
        "total": N + 30_000,
        "least": 4.0,
        "step": 1000,
        "steps": 1400,
        "epochs": 10.0,
        "window": 400,
        "complete": True,
        "mse": gap**2,
        "gap": gap,
        "noise": 0.0,
        "at_minimum": gap,
    }
    numbers |= {name: value for name, value in values.items() if "__" not in name}
    config = _config(tuple(given.items()))
    config = dataclasses.replace(
        config, data=dataclasses.replace(config.data, tokens=D), run=dataclasses.replace(config.run, seed=seed)
    )
    return Cell(f"made-{N}-{D}-{seed}", config, N, D=D, seed=seed, **numbers)


@functools.cache
def _config(given: tuple[tuple[str, Any], ...]) -> Config:
    return configuration.from_sections(configuration.assigned(SECTIONS, dict(given)))


def data_sizes(N: int, p: float, count: int = 10, step: float = 1.25, shift: float = 0.4) -> list[int]:
    """A grid of D about the D* of σ² = 0.04."""
    middle = d_star(N, p)
    return [round(middle * step ** (k - count // 2 - shift)) for k in range(count)]


def d_star(N: int, p: float) -> float:
    """Where the law's gap is 0.2: D* ~ N^(1/p), 500,000 tokens at the largest size."""
    return 5e5 * (N / SIZES[72]) ** (1 / p)


def law(p: float, noise: float = 0.0, seeds: int = 3, slope: float = 0.8, draw: int = 0, **values: Any) -> list[Cell]:
    """The main grid: gap = 0.2 (D*/D)^slope, times normal noise in its logarithm."""
    rng = np.random.default_rng(draw)
    found = []
    for width, N in SIZES.items():
        for D in data_sizes(N, p):
            for seed in range(seeds):
                gap = 0.2 * (d_star(N, p) / D) ** slope * math.exp(noise * rng.standard_normal())
                found.append(cell(N, D, seed, gap, model__width=width, least=2 + 40 / N**0.3 + 100 / D**0.5, **values))
    return found
