"""A made-up sweep of width against data whose law is known: the mean gap is about 0.2 D*/D, with D* ~ √N, so p = 2.

Three widths of two layers on seven D each around D*, three seeds, which move D* by a few per cent; the same by depth
and on shuffled text, smaller; four repeats of one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from beyond_scaling.results import Record
from beyond_scaling.training import gap
from beyond_scaling.training.plan import Planned
from beyond_scaling.widgets import WidthRuns, WidthThreshold

from .figures import width_records

SIGMA2 = 0.04
NOISE = 0.03  # of single steps, nats
DRAWS = 60
LUCK = {0: 0.95, 1: 1.06, 2: 0.97, 3: 1.02}  # of a seed, times D*


def d_star(blocks: int) -> float:
    """Where the mean gap of a model of so many parameters squares to SIGMA2."""
    return 1000 * (blocks / 5120) ** 0.5


def _tokens(width: int, layers: int, steps: Iterable[int]) -> list[int]:
    return [round(d_star(10 * layers * width**2) * 1.25**k) for k in steps]


def _cases() -> Iterator[tuple[str, dict]]:
    for width in (16, 32, 64):
        for tokens in _tokens(width, 2, range(-3, 4)):
            for seed in (0, 1, 2):
                yield f"toy-width-{width}-{tokens}-{seed}", {"width": width, "tokens": tokens, "seed": seed}
    for tokens in _tokens(32, 4, (-2, 0, 2)):
        for seed in (0, 1):
            yield f"toy-depth-4-{tokens}-{seed}", {"width": 32, "layers": 4, "tokens": tokens, "seed": seed}
    for width in (16, 32):
        for tokens in _tokens(width, 2, (-4, -1, 2)):
            name = f"toy-shuffled-{width}-{tokens}-0"
            yield name, {"width": width, "tokens": tokens, "seed": 0, "data__shuffled": True}
    for seed in range(4):
        yield f"toy-again-{seed}", {"width": 32, "tokens": 2000, "seed": seed, "data__seed": 0}


@cache
def planned() -> tuple[Planned, ...]:
    """All runs, 79."""
    return tuple(Planned(name, f"Toy {name}", width_records.config(**values)) for name, values in _cases())


@cache
def _records() -> tuple[Record, ...]:
    made = []
    for name, values in _cases():
        blocks = 10 * values.get("layers", 2) * values["width"] ** 2
        mean = (SIGMA2 - NOISE**2) ** 0.5 * d_star(blocks) * LUCK[values["seed"]] / values["tokens"]
        step = 60 + 10 * (values["tokens"] // 400)
        made.append(width_records.record(3.5 + 0.01 * values["seed"], step, mean, NOISE, name, **values))
    return tuple(made)


def records(without: str = " ") -> list[Record]:
    """Of all runs, but for those whose name holds a text."""
    return [record for record in _records() if without not in record.name]


def cells(without: str = " ") -> gap.Cells:
    """Of all runs, but for those whose name holds a text, which are missing."""
    missing = tuple(run.name for run in planned() if without in run.name)
    return gap.Cells(tuple(gap.cell(record) for record in records(without)), missing)


def width_runs(without: str = " ", **traits: object) -> WidthRuns:
    return WidthRuns(planned(), records=records(without), **traits)  # type: ignore[arg-type]


def width_threshold(without: str = " ", **traits: object) -> WidthThreshold:
    return WidthThreshold(cells(without), draws=DRAWS, **traits)  # type: ignore[arg-type]
