"""A whole run, from its configuration to its record and its model's folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import processes, results
from ..errors import first_line
from . import checkpoint
from .build import Task, build
from .config import Config
from .loop import AfterStep, Keeping, Trained, train
from .record import to_record


def run(
    config: Config,
    *,
    name: str,
    title: str,
    command: str,
    device: str = "cpu",
    keeping: Keeping | None = None,
    root: str | os.PathLike[str] | None = None,
    save: Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
    after_step: AfterStep | None = None,
    inputs: tuple[Mapping[str, Any], ...] = (),
) -> tuple[results.Record, Path, Trained]:
    """Train, write the record, save the model; then the checkpoints are removed.

    Args:
        root: folder of the records. save: folder for the model as `save_pretrained` writes it, with its tokenizer.
        overwrite: replace a record of that name. inputs: files to name in the record besides those of the task.

    Returns:
        The record, its folder, and what was trained.

    Raises:
        ValueError: as `build`, `train` and `results.save`; the work folder keeps what was trained.
    """
    keeping = keeping or Keeping()
    task = processes.together(lambda: build(config))
    trained = train(config, task, device=device, keeping=keeping, progress=progress, after_step=after_step)
    record = to_record(config, task, trained, name=name, title=title, command=command, device=device, inputs=inputs)

    def write() -> Path:
        try:
            if save is not None:
                save_model(trained.model, task, save)
            return results.save(record, root, overwrite=overwrite)
        except (ValueError, OSError) as error:
            kept = "" if keeping.work is None else f"; what was trained is kept in {keeping.work}"
            raise results.RecordError(f"{first_line(error)}{kept}") from error

    folder = processes.shared(write)
    if keeping.work is not None:
        processes.shared(lambda: checkpoint.clear(keeping.work))  # type: ignore[arg-type]
    return record, folder, trained


def save_model(model: Any, task: Task, folder: Path) -> None:
    """Write a model as `save_pretrained` does, with its tokenizer if it has one; whole or not at all.

    Raises:
        ValueError: the folder is there already and is no empty one.
    """
    from transformers.utils import logging

    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.new-", dir=folder.parent) as beside:
            fresh = Path(beside) / folder.name
            model.save_pretrained(fresh)
            for file in fresh.iterdir():
                file.chmod(0o644)  # safetensors leaves weights to their owner alone
            if task.tokenizer is not None:
                from transformers import AutoTokenizer

                AutoTokenizer.from_pretrained(task.tokenizer, local_files_only=True).save_pretrained(fresh)
            if folder.is_dir():
                folder.rmdir()
            fresh.replace(folder)
    finally:
        if shown:
            logging.enable_progress_bar()


def check_free(folder: Path) -> None:
    """Raise ValueError unless nothing is there, or an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder.name}: exists already; name another folder for the model, or remove it")
