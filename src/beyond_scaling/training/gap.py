"""One run of width against data as a cell of the paper's Table 3: its gap between training and validation loss.

The paper (Section 6.3; Appendix F.3 in its second version) takes the step of least validation loss, and over the 1,000
iterations after it the mean squared error between the loss of every training step and that least validation loss.
Losses are in nats a token.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import results
from ..results import Record
from .config import Config, TokenChunks, from_flat
from .history import KIND, VALIDATION, column
from .plan import Planned

WINDOW = 1000  # iterations, where the run was not ended by patience


@dataclass(frozen=True)
class Cell:
    """What one run says about the gap.

    Attributes:
        name: of the record. config: the run's configuration.
        N: parameters of the blocks, the paper's N. total: with the embeddings, each matrix once.
        D: tokens trained on, as distinct places of the text. seed: the run's.
        least: least validation loss. step: of it. steps: of the whole run. epochs: how often D was read until `step`.
        window: steps after `step` that were averaged. complete: whether these are as many as was wanted.
        mse: mean over the window of (training loss - least)², nats²; NaN for an empty window.
        gap: mean over the window of least - training loss, nats. noise: mse - gap², the variance of single steps.
        at_minimum: validation loss - loss on a fixed part of the training set, both at `step`.
    """

    name: str
    config: Config
    N: int
    total: int
    D: int
    seed: int
    least: float
    step: int
    steps: int
    epochs: float
    window: int
    complete: bool
    mse: float
    gap: float
    noise: float
    at_minimum: float


def wanted_window(config: Config) -> int:
    """Iterations after the minimum to average: as many as patience waits for a new one, or the paper's 1,000."""
    run = config.run
    return WINDOW if run.patience is None else run.patience * run.evaluate_every


def cell(record: Record) -> Cell:
    """The cell of a record of training on a token file.

    Raises:
        ValueError: a record of another kind, of other data, or without any validation loss.
    """
    if record.kind != KIND:
        raise ValueError(f"record {record.name!r} is of kind {record.kind!r}; expected {KIND!r}")
    config = from_flat(record.parameters)
    if not isinstance(config.data, TokenChunks) or config.data.tokens is None:
        raise ValueError(f"record {record.name!r} is no training on the first D tokens of a file (data.tokens)")
    columns = record.columns
    train = columns["train_loss"].astype(np.float64)
    if np.isnan(columns[column(VALIDATION)]).all():
        raise ValueError(f"record {record.name!r} has no validation loss of any step")
    row = _least(columns)
    least = float(columns[column(VALIDATION)][row])
    wanted = wanted_window(config)
    after = least - train[row + 1 : row + 1 + wanted]  # row r is step r + 1, so these are the steps after the minimum
    mse, gap = (float((after**2).mean()), float(after.mean())) if len(after) else (math.nan, math.nan)
    return Cell(
        name=record.name,
        config=config,
        N=int(record.summary["model"]["blocks"]),
        total=int(record.summary["model"]["total"]),
        D=config.data.tokens,
        seed=config.run.seed,
        least=least,
        step=row + 1,
        steps=len(train),
        epochs=float(columns["tokens"][row]) / config.data.tokens,
        window=len(after),
        complete=len(after) == wanted,
        mse=mse,
        gap=gap,
        noise=float(after.var()) if len(after) else math.nan,
        at_minimum=least - float(columns[column("training")][row]),
    )


@dataclass(frozen=True)
class Cells:
    """The cells of a sweep that are there, in its order, and the names of those that are not."""

    cells: tuple[Cell, ...]
    missing: tuple[str, ...]


def cells(runs: Sequence[Planned], root: str | os.PathLike[str] | None = None) -> Cells:
    """The cells of planned runs; a record that is missing, or of another configuration, is named as missing.

    Raises:
        RecordError: a record that is damaged.
    """
    found: list[Cell] = []
    missing: list[str] = []
    for run in runs:
        known = cell(results.load(run.name, root)) if results.exists(run.name, root) else None
        if known is None or not same_run(known.config, run.config):
            missing.append(run.name)
        else:
            found.append(known)
    return Cells(tuple(found), tuple(missing))


def _least(columns: Any) -> int:
    losses = columns[column(VALIDATION)]
    there = np.flatnonzero(~np.isnan(losses))
    return int(there[losses[there].argmin()])


def same_run(one: Config, other: Config) -> bool:
    """Whether two configurations are the same but for where their data lie."""
    first, second = one.sections(), other.sections()
    for sections in (first, second):
        sections["data"].pop("path", None)
    return first == second
