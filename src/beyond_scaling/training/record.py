"""A training run as a result record: a row a step, and what is said of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import provenance
from ..results import Record
from .build import Task
from .config import Config
from .history import column, recent_loss
from .loop import Trained

KIND = "training"


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
        "config": config.sections(),
        "precision": trained.precision,
        "device": device.partition(":")[0],
        "processes": trained.processes,
        "vocabulary": task.vocabulary,
        "context": task.context,
        **({"made": dict(task.made)} if task.made else {}),
    }
    summary = summarise(columns, tuple(task.sets)) | {
        "model": counted(trained.model),
        "targets": {name: chosen.count for name, chosen in task.sets.items()},
        "predictions": dict(task.predictions),
        "tokens_per_second": float(columns["tokens"][-1] / trained.training_s),
        "stopped": trained.stopped,
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
