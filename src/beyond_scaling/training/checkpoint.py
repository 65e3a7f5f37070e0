"""Checkpoints: everything a run needs to go on, each one file that is whole or not there.

`step-<step>-<hash>.safetensors` holds the weights, the optimiser's moments and the losses so far. The hash is of the
file's own bytes, so a damaged file is known by its name. `run.json` says which run the folder belongs to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise

from ..durable import WorkError, unfinished, write_file
from .differences import differences

RUN = "run.json"
_NAME = re.compile(r"step-(\d{9})-([0-9a-f]{16})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps: `tensors` by name, and `document`, plain values."""

    step: int
    tensors: Mapping[str, torch.Tensor]
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """The newest sound checkpoint, if any, and the names of newer ones that are damaged."""

    checkpoint: Checkpoint | None
    damaged: tuple[str, ...]


def claim(work: Path, identity: Mapping[str, Any]) -> None:
    """Make the work folder this run's.

    Args:
        identity: {section: {key: value}} of plain values; what makes it this run and no other.

    Raises:
        WorkError: the folder holds another run, saying in what it differs; or cannot be written.
    """
    path = work / RUN
    wanted = json.loads(json.dumps(identity))
    if not path.is_file():
        write_file(work, RUN, (json.dumps(wanted, indent=2) + "\n").encode())
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(kept, dict)
    except (OSError, ValueError, AssertionError, RecursionError) as error:
        raise WorkError(
            f"work folder {work}: {RUN} is damaged; remove the folder, or choose another (--work)"
        ) from error
    if found := differences(kept, wanted):
        raise WorkError(
            f"work folder {work} holds another run: {'; '.join(found[:3])}; choose another folder (--work), or"
            " remove that one"
        )


def save(work: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write a checkpoint, then remove all but the last `keep`.

    Raises:
        WorkError: the disk is full or the folder cannot be written; what was kept before is still there.
    """
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in checkpoint.tensors.items()}
    # in memory first: the hash belongs in the name
    data = serialise(tensors, metadata={"document": json.dumps(checkpoint.document)})
    path = work / f"step-{checkpoint.step:09d}-{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    for left in work.glob(unfinished("step-*")):  # by a process that was killed
        left.unlink(missing_ok=True)
    write_file(work, path.name, data)
    for old in _files(work)[keep:]:
        old.unlink(missing_ok=True)
    return path


def newest(work: Path) -> Found:
    """The newest checkpoint whose bytes are what its name says.

    Raises:
        WorkError: there are some, and all are damaged.
    """
    damaged: list[str] = []
    files = _files(work)
    for path in files:
        if (found := _read(path)) is not None:
            return Found(found, tuple(damaged))
        damaged.append(path.name)
    if files:
        raise WorkError(
            f"work folder {work}: {damaged[0]} is damaged, and there is no other checkpoint; remove it to start anew"
        )
    return Found(None, ())


def step_kept(work: Path) -> int:
    """The step of the newest checkpoint, by its name alone; 0 if there is none."""
    return max((int(_NAME.fullmatch(path.name)[1]) for path in _files(work)), default=0)  # type: ignore[index]


def clear(work: Path) -> None:
    """Remove a run's files, and the folder if nothing else is in it."""
    for path in (*_files(work), *work.glob(unfinished("step-*")), work / RUN, work / unfinished(RUN)):
        path.unlink(missing_ok=True)
    if work.is_dir() and not any(work.iterdir()):
        work.rmdir()


def _files(work: Path) -> list[Path]:
    """Checkpoints, the newest first."""
    return sorted((path for path in work.glob("step-*") if _NAME.fullmatch(path.name)), reverse=True)


def _read(path: Path) -> Checkpoint | None:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    try:
        with path.open("rb") as file:
            if not hashlib.file_digest(file, "sha256").hexdigest().startswith(match[2]):
                return None
        with safe_open(path, framework="pt") as stored:
            document = json.loads(stored.metadata()["document"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118, no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return Checkpoint(int(match[1]), tensors, document)
