"""Work in progress on disk: activations in shards, each with its receipt, and one manifest.

A shard is a `.npy` file of (T, rows, n) float32: the rows start...stop of the T recorded places. It is written under
another name, synced, renamed; only then its receipt (its size, its SHA-256, the run it belongs to) is written the same
way. A process killed anywhere leaves whole shards, or files that nothing refers to. Any number of processes may write
to one folder, as long as they write other rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..durable import WorkError, sync, sync_folder, unfinished, write_file, writing

MANIFEST = "activations.json"
VERSION = 2


@dataclass(frozen=True)
class Run:
    """What a work folder holds: hashes of tokens and of what else the numbers depend on, places, shape, batch."""

    tokens: str
    identity: str
    places: tuple[str, ...]
    chunks: int
    length: int
    width: int
    batch_size: int

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all but the batch size."""
        rest = {key: value for key, value in asdict(self).items() if key != "batch_size"}
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Receipt:
    """Of a shard: rows start...stop (stop excluded), its file, and how long the model ran for them."""

    run: str
    start: int
    stop: int
    size: int
    sha256: str
    seconds: float
    batch_size: int

    @property
    def stem(self) -> str:
        return f"rows-{self.start:010d}-{self.stop:010d}"

    @property
    def shard(self) -> str:
        return self.stem + ".npy"

    @property
    def name(self) -> str:
        return self.stem + ".json"


def open_run(work: Path, run: Run) -> tuple[Run, list[Receipt]]:
    """Take up the run that `work` holds, or begin `run` there: the run with the batch size to use, and what is done.

    Raises:
        WorkError: the folder holds another run, cannot be written or has no room for the rest, its manifest or a
            receipt is damaged, or a shard is missing, cut short or not the one that was written.
    """
    with writing(work, "the manifest"):
        work.mkdir(parents=True, exist_ok=True)
    kept = _read_manifest(work)
    receipts = list(_receipts(work))
    if kept is not None and kept.fingerprint != run.fingerprint:
        raise WorkError(_another(work, _differences(kept, run), covered(receipts), kept.chunks))
    if strange := [receipt for receipt in receipts if receipt.run != run.fingerprint]:
        if kept is None:
            raise WorkError(_another(work, "", covered(receipts), None))
        raise WorkError(
            f"work folder {work}: {_listed([each.shard for each in strange])} of another measurement; remove"
            f" {_listed([each.stem + '.*' for each in strange])} and give the same command again"
        )
    _check_shards(work, run, receipts)
    if kept is None:  # the receipts tell the batch size when the manifest was removed
        used = max((receipt.batch_size for receipt in receipts), default=run.batch_size)
        kept = Run(**{**asdict(run), "batch_size": used})
    _check_room(work, run, covered(receipts))
    if not (work / MANIFEST).exists():
        write_file(work, MANIFEST, _json({"version": VERSION, **asdict(kept)}))
    return kept, receipts


def covered(receipts: Iterable[Receipt]) -> int:
    """How many rows the shards hold."""
    done = end = 0
    for receipt in sorted(receipts, key=lambda each: (each.start, each.stop)):
        done += max(0, receipt.stop - max(receipt.start, end))
        end = max(end, receipt.stop)
    return done


def missing(receipts: Iterable[Receipt], total: int) -> Iterator[tuple[int, int]]:
    """The ranges of rows 0...total that no shard holds."""
    end = 0
    for receipt in sorted(receipts, key=lambda each: (each.start, each.stop)):
        if receipt.start > end:
            yield end, receipt.start
        end = max(end, receipt.stop)
    if end < total:
        yield end, total


def write_shard(work: Path, run: Run, start: int, rows: np.ndarray, seconds: float, batch_size: int) -> Receipt:
    """Write `rows` (T, r, n) as the shard of rows start...start + r, and its receipt.

    Raises:
        WorkError: the disk is full or the folder cannot be written; what was there before is as it was.
    """
    stop = start + rows.shape[1]
    receipt = Receipt(run.fingerprint, start, stop, 0, "", round(seconds, 6), batch_size)
    size, digest = write_file(work, receipt.shard, lambda file: np.lib.format.write_array(file, rows, (1, 0), False))
    receipt = Receipt(**{**asdict(receipt), "size": size, "sha256": digest})
    write_file(work, receipt.name, _json(asdict(receipt)))
    return receipt


def read_shards(work: Path, run: Run, receipts: Sequence[Receipt]) -> Iterator[tuple[int, np.ndarray]]:
    """First row and values (T, r, n) of the shards in order, without the rows that an earlier one brought.

    Raises:
        WorkError: a shard is not what its receipt says.
    """
    end = 0
    for receipt in sorted(receipts, key=lambda each: (each.start, each.stop)):
        if receipt.stop <= end:
            continue
        _check_shards(work, run, [receipt])
        values = np.load(work / receipt.shard, mmap_mode="r", allow_pickle=False)
        first = max(end, receipt.start)
        yield first, values[:, first - receipt.start :]
        end = receipt.stop


def combine(work: Path, run: Run, receipts: Sequence[Receipt]) -> None:
    """Write one `.npy` file (K, n) for each place, from the shards: one shard at a time is in memory.

    Raises:
        WorkError: a shard is not what its receipt says, or the files cannot be written.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": (run.chunks, run.width)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(writing(work, "the combined arrays", [unfinished(_combined(p)) for p in run.places]))
        files = [stack.enter_context((work / unfinished(_combined(place))).open("wb")) for place in run.places]
        for file in files:
            np.lib.format.write_array_header_1_0(file, header)
        for _, values in read_shards(work, run, receipts):
            for file, rows in zip(files, values, strict=True):
                file.write(np.ascontiguousarray(rows).data)
        for file, place in zip(files, run.places, strict=True):
            sync(file)
            os.replace(work / unfinished(_combined(place)), work / _combined(place))
        sync_folder(work)


def open_combined(work: Path, run: Run) -> list[np.ndarray]:
    """The arrays (K, n) of `combine`, memory-mapped; writing to them changes no file."""
    return [np.load(work / _combined(place), mmap_mode="c", allow_pickle=False) for place in run.places]


def clear(work: Path) -> None:
    """Remove what recording kept in a work folder; other files, and the folder, stay."""
    names = {MANIFEST, "before.npy", "after.npy"}
    for pattern in ("rows-*-*.npy", "rows-*-*.json", "layer-*.npy"):
        names |= {path.name.removeprefix(unfinished("")) for path in work.glob(pattern)}
        names |= {path.name.removeprefix(unfinished("")) for path in work.glob(unfinished(pattern))}
    for name in names:
        for path in (work / name, work / unfinished(name)):
            path.unlink(missing_ok=True)


def _read_manifest(work: Path) -> Run | None:
    try:
        kept = json.loads((work / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WorkError(_damaged(work, MANIFEST)) from error
    if isinstance(kept, dict) and kept.get("version") != VERSION and "fingerprint" in kept:
        raise WorkError(
            f"work folder {work} was written by an earlier version; choose another folder or remove it"
        )
    found = _parsed(Run, kept)
    if found is None or found.batch_size < 1:
        raise WorkError(_damaged(work, MANIFEST))
    return found


def _receipts(work: Path) -> Iterator[Receipt]:
    for path in sorted(work.glob("rows-*-*.json")):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = None
        found = _parsed(Receipt, kept)
        if found is None or found.name != path.name or not 0 <= found.start < found.stop:
            raise WorkError(_damaged(work, path.name))
        yield found


def _parsed(kind: type[Any], kept: Any) -> Any:
    """The dataclass `kind` from JSON, or None unless every field is there and of its type."""
    types: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "tuple[str, ...]": list}
    if not isinstance(kept, Mapping):
        return None
    values = {}
    for field in fields(kind):
        value = kept.get(field.name)
        if isinstance(value, bool) or not isinstance(value, types[str(field.type)]):
            return None
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _check_shards(work: Path, run: Run, receipts: Sequence[Receipt]) -> None:
    problems = {receipt: words for receipt in receipts if (words := _problem(work, run, receipt))}
    if not problems:
        return
    told = "; ".join(f"{receipt.shard} {words}" for receipt, words in list(problems.items())[:3])
    more = f" (and {len(problems) - 3} more)" if problems.keys() - set(list(problems)[:3]) else ""
    raise WorkError(
        f"work folder {work}: shard {told}{more}; remove {_listed([each.stem + '.*' for each in problems])} and give"
        " the same command again: the other shards are kept"
    )


def _problem(work: Path, run: Run, receipt: Receipt) -> str:
    """What is wrong with a shard, or nothing."""
    path = work / receipt.shard
    if receipt.stop > run.chunks:
        return f"is of rows up to {receipt.stop} of {run.chunks}"
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != receipt.size:
                state = "is cut short" if size < receipt.size else "is too long"
                return f"{state} ({size:,} of {receipt.size:,} bytes)"
            if hashlib.file_digest(file, "sha256").hexdigest() != receipt.sha256:
                return "is not the one that was written (its SHA-256 differs)"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _check_room(work: Path, run: Run, done: int) -> None:
    """A disk that is too small is better met now than after hours."""
    needed = 4 * (run.chunks - done) * run.width * len(run.places)
    if needed > (free := shutil.disk_usage(work).free):
        raise WorkError(
            f"work folder {work}: {needed:,} bytes are still to be written, {free:,} are free; make room or choose"
            " another folder"
        )


def _differences(kept: Run, run: Run) -> str:
    words = {
        "tokens": "other tokens", "chunks": "other tokens", "length": "other tokens",
        "identity": "another model or dtype", "width": "another model or dtype", "places": "other sites",
    }
    found = dict.fromkeys(word for key, word in words.items() if getattr(kept, key) != getattr(run, key))
    return " and ".join(found)


def _another(work: Path, differences: str, done: int, total: int | None) -> str:
    of = f" of {total:,}" if total is not None else ""
    why = f", of {differences}" if differences else ""
    return (
        f"work folder {work} holds another measurement{why} ({done:,}{of} chunks of it);"
        " choose another folder or remove it"
    )


def _damaged(work: Path, name: str) -> str:
    return f"work folder {work} is damaged: {name} cannot be read; remove {name}: whole shards are kept"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _combined(place: str) -> str:
    return place + ".npy"


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()
