"""A training run as a result record: a row a step, and what is said of the whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import provenance
from ..results import MADE, Record
from .build import Task
from .config import Config
from .history import KIND, column, recent_loss
from .loop import Trained


def to_record(
    config: Config,
    task: Task,
    trained: Trained,
    *,
    name: str,
    title: str,
    command: str,
    device: str,
    inputs: tuple[Mapping[str, Any], ...] = (),
) -> Record:
    """The record of a run that has ended.

    Args:
        device: the run's, for the hardware's description. inputs: more files than the task's, such as the
            configuration's.
    """
    columns = trained.history.rows()
    parameters: dict[str, Any] = {
        **flat(config),
        "precision": trained.precision,
        "device": device.partition(":")[0],
        "processes": trained.processes,
        "vocabulary": task.vocabulary,
        "context": task.context,
        "stopped": trained.stopped,
        **{f"{MADE}{what}": digest for what, digest in task.made.items()},
    }
    summary = summarise(columns, tuple(task.sets)) | {
        "model": counted(trained.model),
        "targets": {name: chosen.count for name, chosen in task.sets.items()},
        "predictions": dict(task.predictions),
        "tokens_per_second": float(columns["tokens"][-1] / trained.training_s),
    }
    return Record(
        name=name,
        title=title,
        kind=KIND,
        command=command,
        seed=config.run.seed,
        parameters=parameters,
        inputs=(*task.inputs, *inputs),
        columns=columns,
        summary=summary,
        duration_s=trained.training_s,
        hardware=provenance.hardware(device),
    )


def flat(config: Config) -> dict[str, Any]:
    """A configuration as {"section.key": value}; of files and folders only the names, as records have no paths."""
    values = {f"{section}.{key}": value for section, pairs in config.sections().items() for key, value in pairs.items()}
    return {
        name: Path(os.path.abspath(value)).name if name in ("data.path", "data.file") else value
        for name, value in values.items()
    }


def summarise(columns: Mapping[str, np.ndarray], sets: tuple[str, ...]) -> dict[str, Any]:
    """What a record's columns say: steps, tokens, the training loss over the last 5 % of steps, and of every
    evaluation set its last loss, its least one and the step of that."""
    return {
        "steps": len(columns["step"]),
        "tokens": int(columns["tokens"][-1]),
        "train": {"last": recent_loss(columns), "least": float(columns["train_loss"].min())},
        "sets": {name: _looked_at(columns["step"], columns[column(name)]) for name in sets},
    }


def counted(model: Any) -> dict[str, int]:
    """Parameters of a model: of its blocks (the paper's N), of its embeddings, in all."""
    from ..models.sizes import parameters

    return {key: int(value) for key, value in parameters(model.config).items()}


def _looked_at(steps: np.ndarray, losses: np.ndarray) -> dict[str, Any]:
    there = np.flatnonzero(~np.isnan(losses))
    least = there[losses[there].argmin()]
    return {
        "last": float(losses[there[-1]]),
        "least": float(losses[least]),
        "least_step": int(steps[least]),
    }
