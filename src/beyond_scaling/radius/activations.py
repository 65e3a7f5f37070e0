"""The activation for the next token: the last position after the last layer, before and after the final norm.

Work in progress lies in a folder (two memory-mapped arrays and a manifest), so that an interrupted run goes
on where it was.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.final_norm import final_norm, norm_width
from ..progress import bar

if TYPE_CHECKING:
    import torch

MANIFEST, BEFORE, AFTER = "activations.json", "before.npy", "after.npy"
FLUSH_SECONDS = 5.0


@dataclass(frozen=True)
class Activations:
    """`before` and `after` the final norm, each (K, n) float32; `seconds` the model ran, in all sittings."""

    before: np.ndarray
    after: np.ndarray
    seconds: float


class Interrupted(KeyboardInterrupt):
    """Interrupted by the user; `done` of `total` chunks are kept."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done:,} of {total:,} chunks are done")
        self.done, self.total = done, total


def unfinished(name: str) -> str:
    """The name of a file of the work folder until it is whole."""
    return "new-" + name


def check_model(model: Any, length: int) -> None:
    """Raise ValueError unless the model takes chunks of ``length`` tokens and has a final norm (`final_norm`)."""
    _check_length(model, length)
    final_norm(model)


def record_activations(
    model: Any,
    tokens: np.ndarray,
    *,
    batch_size: int = 16,
    work: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Activations:
    """Run `model` over the chunks `tokens` (K, L) and keep the last position's activation of each.

    Args:
        batch_size: chunks at a time; changes memory and speed only.
        work: folder for work in progress; made if need be. Without it everything stays in memory and cannot
            resume.
        identity: what, besides the tokens, this run depends on (model files, dtype...); work of another is
            refused.

    Raises:
        ValueError: chunks longer than the model's context or with tokens it does not have, work of another
            run, activations that are not finite.
        Interrupted: Ctrl-C; what is done is kept in `work`.
    """
    import torch

    _check(model, tokens, batch_size)
    _, norm = final_norm(model)
    count, width = len(tokens), norm_width(model)
    store = _Store(work, _fingerprint(tokens, identity or {}), count, width)
    backbone = model.base_model if norm in set(model.base_model.modules()) else model
    caught: list[torch.Tensor] = []

    def keep(_module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        caught[:] = [inputs[0][:, -1].float().cpu(), output[:, -1].float().cpu()]  # (b, n) each

    hook = norm.register_forward_hook(keep)
    shown = bar(
        total=count,
        initial=store.done,
        desc="activations",
        unit=" chunks",
        show=progress,
    )
    try:
        with torch.inference_mode():
            while store.done < count:
                batch = torch.from_numpy(tokens[store.done : store.done + batch_size].astype(np.int64))  # (b, L)
                backbone(input_ids=batch.to(model.device), use_cache=False)
                before, after = (tensor.numpy() for tensor in caught)
                if not (np.isfinite(before).all() and np.isfinite(after).all()):
                    last = store.done + len(batch) - 1
                    raise ValueError(f"activations of chunks {store.done}...{last} are not finite in {model.dtype}")
                store.add(before, after)
                shown.update(len(batch))
    except KeyboardInterrupt:
        raise Interrupted(store.done, count) from None
    finally:
        hook.remove()
        shown.close()
        store.flush()
    return Activations(store.before, store.after, store.seconds)


class _Store:
    """Rows recorded so far, in memory or in a work folder, where `done` never runs ahead of the arrays."""

    def __init__(self, work: Path | None, fingerprint: str, count: int, width: int) -> None:
        self.work, self.fingerprint, self.shape = work, fingerprint, (count, width)
        self.done, self.seconds, self._since = 0, 0.0, time.monotonic()
        self._written = self._since
        if work is None:
            self.before, self.after = (np.empty(self.shape, dtype=np.float32) for _ in range(2))
            return
        work.mkdir(parents=True, exist_ok=True)
        manifest = work / MANIFEST
        if manifest.is_file():
            self._resume(manifest)
        else:
            self.before, self.after = (
                np.lib.format.open_memmap(work / name, mode="w+", dtype=np.float32, shape=self.shape)
                for name in (BEFORE, AFTER)
            )
            _reserve(work / BEFORE, work / AFTER)
            self.flush()

    def _resume(self, manifest: Path) -> None:
        assert self.work is not None
        damaged = f"work folder {self.work} is damaged"
        try:
            kept = json.loads(manifest.read_text(encoding="utf-8"))
            fingerprint, done, seconds = kept["fingerprint"], int(kept["done"]), float(kept["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{damaged}: {MANIFEST} cannot be read; remove it") from error
        if fingerprint != self.fingerprint:
            raise ValueError(
                f"work folder {self.work} holds another measurement ({done} chunks of it);"
                " choose another folder or remove it"
            )
        try:
            self.before, self.after = (np.load(self.work / name, mmap_mode="r+") for name in (BEFORE, AFTER))
        except (OSError, EOFError, ValueError) as error:
            raise ValueError(f"{damaged}: {error}; remove it") from error
        for array in (self.before, self.after):
            if array.shape != self.shape or array.dtype != np.float32:
                raise ValueError(f"{damaged}: {array.dtype} {array.shape} in place of {self.shape}; remove it")
        if not 0 <= done <= self.shape[0]:
            raise ValueError(f"{damaged}: {done} of {self.shape[0]} chunks done; remove it")
        self.done, self.seconds = done, seconds

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        stop = self.done + len(before)
        self.before[self.done : stop], self.after[self.done : stop] = before, after
        self.done = stop
        if time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        now = time.monotonic()
        self.seconds, self._since, self._written = self.seconds + now - self._since, now, now
        if self.work is None:
            return
        for array in (self.before, self.after):
            if isinstance(array, np.memmap):
                array.flush()
        fresh = self.work / unfinished(MANIFEST)
        document = {
            "fingerprint": self.fingerprint,
            "done": self.done,
            "total": self.shape[0],
            "seconds": round(self.seconds, 3),
        }
        fresh.write_text(json.dumps(document) + "\n", encoding="utf-8")
        os.replace(fresh, self.work / MANIFEST)


def _reserve(*paths: Path) -> None:
    """Take the disk space of new files at once: a full disk met while writing to a memory map kills the process."""
    size = sum(path.stat().st_size for path in paths)
    try:
        for path in paths if hasattr(os, "posix_fallocate") else ():
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # a file system that cannot
            return
        for path in paths:
            path.unlink()
        raise ValueError(f"work folder {paths[0].parent}: no {size:,} bytes to be had: {error.strerror}") from error


def _fingerprint(tokens: np.ndarray, identity: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([list(tokens.shape), identity], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(tokens, dtype="<i4").tobytes())
    return digest.hexdigest()


def _check_length(model: Any, length: int) -> None:
    context = getattr(model.config, "max_position_embeddings", None)
    if context is not None and length > context:
        raise ValueError(f"chunks of {length} tokens are longer than the model's context of {context}")


def _check(model: Any, tokens: np.ndarray, batch_size: int) -> None:
    if tokens.ndim != 2 or 0 in tokens.shape or tokens.dtype.kind not in "iu":
        raise ValueError(f"tokens has shape {tokens.shape}, dtype {tokens.dtype}; expected integers (K, L)")
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size}: expected at least 1")
    _check_length(model, tokens.shape[1])
    rows = model.get_input_embeddings().weight.shape[0]
    if int(tokens.min()) < 0 or int(tokens.max()) >= rows:
        raise ValueError(f"tokens lie in {int(tokens.min())}...{int(tokens.max())}; the model knows 0...{rows - 1}")
