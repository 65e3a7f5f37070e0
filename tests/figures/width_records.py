"""Made-up records of runs of a width on the first D tokens of a text: loss curves with a known minimum and gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from beyond_scaling.results import Record
from beyond_scaling.training import config as configuration
from beyond_scaling.training.analysis import Analysis, families, grid
from beyond_scaling.training.config import Config
from beyond_scaling.training.gap import Cell, cell
from beyond_scaling.training.least_loss import least_losses
from beyond_scaling.training.sigma import SIGMA2

EVERY, PATIENCE = 10, 4  # a window of 40 steps


def config(*, width: int = 16, layers: int = 2, tokens: int = 1000, seed: int = 0, **more: Any) -> Config:
    """The configuration of a made-up run; more of it as `data__shuffled=True`."""
    sections = {
        "model": {"kind": "openelm", "width": width, "layers": layers, "head_dim": 8},
        "data": {"kind": "tokens", "path": "toy", "context": 8, "tokens": tokens, "held_out": 4, "pieces": 16},
        "schedule": {"kind": "constant", "warmup": 1},
        "run": {"steps": 100_000, "batch": 4, "seed": seed, "evaluate_every": EVERY, "patience": PATIENCE},
    }
    return configuration.from_sections(
        configuration.assigned(sections, {name.replace("__", "."): value for name, value in more.items()})
    )


def record(
    least: float = 4.0, step: int = 100, gap: float = 0.2, noise: float = 0.0, name: str = "", **values: Any
) -> Record:
    """A run whose validation loss has its minimum `least` at `step`, and whose training loss ends `gap` below it.

    Args:
        noise: of the training loss of single steps, to both sides in turn.
        values: as of `config`.
    """
    made = config(**values)
    steps = np.arange(1, step + EVERY * PATIENCE + 1)
    train = least - gap + 2 * np.exp(-8 * steps / step)
    evaluated = steps % EVERY == 0
    validation = np.where(evaluated, least + 0.1 * np.log(steps / step) ** 2, math.nan)
    flat = {f"{section}.{key}": value for section, keys in made.sections().items() for key, value in keys.items()
            if value is not None}  # fmt: skip
    model, data, run = made.model, made.data, made.run
    blocks = 10 * model.layers * model.width**2
    return Record(
        name=name or f"toy-{model.layers}-{model.width}-{data.tokens}-{run.seed}",  # type: ignore[union-attr]
        title="A toy", kind="training", command="toy", seed=run.seed, parameters=flat, inputs=(), duration_s=1.0,
        columns={
            "step": steps, "tokens": steps * run.batch * 8,
            "train_loss": (train + noise * (-1.0) ** steps).astype(np.float32),
            "validation_loss": validation.astype(np.float32),
            "training_loss": np.where(evaluated, train, math.nan).astype(np.float32),
        },
        summary={"model": {"blocks": blocks, "embeddings": 64 * model.width, "total": blocks + 64 * model.width}},
        commit={}, versions={}, hardware={},
    )  # fmt: skip


WIDTHS, SHARES, SEEDS = (16, 32, 64), (0.5, 0.8, 1.1, 1.5, 2.0, 2.6, 3.4), (0, 1)
MISSING = ("toy-2-64-2200-1",)


def swept(*widths: int, **values: Any) -> list[Record]:
    """Runs whose gap falls under 0.2, that is their mean squared error under 0.04, where N is 0.512 (D/100)²."""
    found = []
    for width in widths:
        for share in SHARES:
            for seed in SEEDS:
                tokens = round(share * 62.5 * width)
                gap = 0.2 * (0.98 + 0.04 * seed) * share**-0.7
                found.append(
                    record(least=4.5 - 0.2 * math.log(tokens / 1000) + 0.001 * (width - 32) + 0.01 * seed, gap=gap,
                           step=100, width=width, tokens=tokens, seed=seed, **values)
                )  # fmt: skip
    return found


@cache
def cells(part: str = "all") -> tuple[Cell, ...]:
    """Of the widths, and of "all" parts also two depths more, shuffled text and seeds of one configuration."""
    found = [each for each in swept(*WIDTHS) if each.name not in MISSING]
    if part == "all":
        found += swept(32, layers=1) + swept(32, layers=4) + swept(*WIDTHS, data__shuffled=True)
        found += [record(width=32, tokens=3000, seed=seed, data__seed=0) for seed in (0, 1, 2)]
    return tuple(cell(each) for each in found)


@cache
def analysed(part: str = "all") -> Analysis:
    """The analysis of `cells`."""
    return analysis(cells(part), MISSING)


def analysis(runs: Sequence[Cell], missing: Sequence[str] = (), draws: int = 40) -> Analysis:
    """As `analyse`, with fewer draws and without the law, which no figure here shows."""
    found = families(runs)
    width, depth, shuffled = (grid(part, draws=draws) for part in (found.width, found.depth, found.shuffled))
    return Analysis(found, (*missing,), width, depth, shuffled, least_losses(found.width), None, "left out", SIGMA2)


NOTHING = analysis((), MISSING)
