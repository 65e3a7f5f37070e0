"""Made-up records of runs of a width on the first D tokens of a text: loss curves with a known minimum and gap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from beyond_scaling.results import Record
from beyond_scaling.training import config as configuration
from beyond_scaling.training.config import Config

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
