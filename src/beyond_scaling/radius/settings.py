"""What to measure, and the names that a measurement's columns have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .neighbours import subset_size

KIND = "radius"
FRACTIONS = (0.4, 0.6, 0.8, 1.0)  # Appendix F.1
SIDES = ("before", "after")  # of the final norm: the sites whose distances are columns of the record
CONTROLS = ("gaussian", "untrained", "shuffled", "rescaled")
FACTOR = 2.0  # of the rescaled norm: a power of two changes no digit of the model's function
AT = (100_000, 1_000_000, 1_000_000_000)  # vectors at which the fitted growth is told; the first is the paper's number


@dataclass(frozen=True)
class Settings:
    """What to measure: `chunks` of `length` tokens, drawn with `seed`; distances at each fraction of them.

    `layers` are the places of the residual stream besides before and after the final norm: numbers 0...L, "all", or
    None. `controls` are some of `CONTROLS`. `batch_size` None is sized to memory.

    Raises:
        ValueError: on making one, naming what is wrong.
    """

    chunks: int
    length: int
    seed: int = 0
    batch_size: int | None = None
    fractions: tuple[float, ...] = FRACTIONS
    layers: tuple[int, ...] | Literal["all"] | None = None
    controls: tuple[str, ...] = ("gaussian",)

    def __post_init__(self) -> None:
        for name, least in (("chunks", 2), ("length", 1), ("seed", 0), ("batch_size", 1)):
            value = getattr(self, name)
            if name == "batch_size" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} {value!r}: expected an integer of at least {least}")
        object.__setattr__(self, "fractions", _fractions(self.fractions, self.chunks))
        if self.layers is not None and self.layers != "all":
            layers = tuple(self.layers)
            if any(isinstance(layer, bool) or not isinstance(layer, int) or layer < 0 for layer in layers):
                raise ValueError(f"layers {layers}: expected whole numbers of at least 0, 'all' or None")
            object.__setattr__(self, "layers", tuple(sorted(set(layers))))
        if isinstance(self.controls, str) or set(self.controls) - set(CONTROLS):
            raise ValueError(f"controls {self.controls!r}: expected some of {', '.join(CONTROLS)}")
        object.__setattr__(self, "controls", tuple(name for name in CONTROLS if name in self.controls))


def hypothesised_distance(width: int) -> float:
    """2 sqrt(n / (2 pi e)): the nearest-neighbour distance expected at width n (Section 5, eq 14)."""
    return 2 * math.sqrt(width / (2 * math.pi * math.e))


def percent_name(fraction: float) -> str:
    """`40` for 0.4: what a fraction is called in the names of columns."""
    return f"{round(100 * fraction, 6):g}"


def column_name(side: str, fraction: float) -> str:
    """Name of the column with the distances of one side of the norm at one fraction, such as `before_40`."""
    return f"{side}_{percent_name(fraction)}"


def fraction_name(fraction: float) -> str:
    """`0.4` for 0.4: what a fraction is called in the summary."""
    return f"{fraction:g}"


def _fractions(fractions: Sequence[float], chunks: int) -> tuple[float, ...]:
    ordered = tuple(sorted(fractions))
    for kind in (fraction_name, percent_name):
        if not ordered or len({kind(fraction) for fraction in ordered}) < len(ordered):
            raise ValueError(f"fractions {list(ordered)}: expected numbers in (0, 1], distinct in six digits")
    for fraction in ordered:
        if not 0 < fraction <= 1 or subset_size(chunks, fraction) < 2:
            raise ValueError(f"fraction {fraction} of {chunks} chunks: expected in (0, 1], and to keep at least 2")
    return ordered
