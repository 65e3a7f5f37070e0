"""What is measured: a family of series for every network of the zoo, `full` or `small`."""

from __future__ import annotations

from collections.abc import Callable

from ..series import Family
from . import classical, continuous, dense, others

_FAMILIES: dict[str, Callable[[], Family]] = {
    "classical": classical.classical,
    "graded": classical.graded,
    "dense": dense.dense,
    "exponential": dense.exponential,
    "modern": continuous.modern,
    "distance": continuous.distance,
    "clustering": others.clustering,
    "universal": others.universal,
    "sparse": continuous.sparse,
    "kernelised": others.kernelised,
    "outlier": continuous.outlier,
    "hierarchical": others.hierarchical,
    "energy-transformer": others.energy_transformer,
    "predictive": others.predictive,
}
FAMILIES = tuple(_FAMILIES)
PRESETS = ("full", "small")


def family(name: str, preset: str = "full") -> Family:
    """A family by its name.

    Raises:
        ValueError: no family or no preset of that name.
    """
    if name not in _FAMILIES:
        raise ValueError(f"family {name!r}: expected one of {', '.join(FAMILIES)}")
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r}: expected one of {', '.join(PRESETS)}")
    found = _FAMILIES[name]()
    return found if preset == "full" else found.small()
