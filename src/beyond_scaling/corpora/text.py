"""Documents from plain files, Parquet files, a folder of them, or a dataset of the hub, one after another.

A plain file is one document, a row of a Parquet file or of a dataset is one document. Local files are taken
in the order of their names. Nothing is held but the document at hand.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import provenance
from ..errors import first_line

PLAIN, PARQUET = (".txt", ".md"), (".parquet",)
SHUFFLE_BUFFER = 10_000  # documents, of a stream that is not read to its end
PARQUET_COPY = "refs/convert/parquet"  # branch of the hub
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass
class Documents:
    """A corpus, iterated document by document; every iteration begins anew.

    `identity` says before reading which corpus this is (hashes of files, or the dataset's id, split and
    limit); `inputs` says afterwards what was read: (name, SHA-256, bytes) of the files, or, of a dataset, of
    the text read.
    """

    name: str
    identity: dict[str, Any]
    files: tuple[Path, ...] = ()
    column: str = "text"
    dataset: tuple[str, str | None, str] | None = None  # id, configuration, split
    limit: int | None = None
    seed: int = 0
    inputs: tuple[dict[str, Any], ...] = field(default=())

    def __iter__(self) -> Iterator[str]:
        yield from self._stream() if self.dataset else itertools.islice(self._local(), self.limit)

    def _local(self) -> Iterator[str]:
        for path in self.files:
            yield from _plain(path) if path.suffix in PLAIN else _parquet(path, self.column)

    def _open(self) -> tuple[Any, str]:
        """The dataset's stream, and a word on where it comes from if that is not its main branch."""
        from datasets import load_dataset

        assert self.dataset is not None
        name, configuration, split = self.dataset
        try:
            return load_dataset(name, configuration, split=split, streaming=True), ""
        except RuntimeError as error:
            if "scripts are no longer supported" not in str(error):
                raise
        # of a dataset made by a script the hub keeps a copy as plain Parquet
        copy = load_dataset(name, configuration, split=split, streaming=True, revision=PARQUET_COPY)
        return copy, f", {PARQUET_COPY}"

    def _stream(self) -> Iterator[str]:
        assert self.dataset is not None
        name, _, split = self.dataset
        try:
            rows, place = self._open()
            if self.limit is not None:  # the first documents of a stream are not a fair sample of it
                rows = rows.shuffle(seed=self.seed, buffer_size=SHUFFLE_BUFFER)
            rows = iter(rows)
        except Exception as error:  # the library raises its own and its transports' errors, of no common class
            raise ValueError(f"dataset {name}: cannot be opened: {first_line(error)}") from error
        digest, size, count = hashlib.sha256(), 0, 0
        while True:
            if self.limit is not None and count >= self.limit:
                break
            try:
                row = next(rows)
            except StopIteration:
                break
            except Exception as error:
                raise ValueError(
                    f"dataset {name}: reading broke off after {count:,} documents: {first_line(error)}"
                ) from error
            text = row.get(self.column)
            if not isinstance(text, str):
                kinds = ", ".join(f"{key} ({type(value).__name__})" for key, value in row.items())
                raise ValueError(f"dataset {name}: no text column {self.column!r}; it has {kinds}")
            data = text.encode("utf-8", "surrogatepass")
            digest.update(data + b"\0")
            size, count = size + len(data), count + 1
            yield text
        self.inputs = (
            {
                "name": f"{self.name} ({split}{place}, text of {count} documents)",
                "sha256": digest.hexdigest(),
                "bytes": size,
            },
        )


def documents(
    spec: str | os.PathLike[str],
    *,
    column: str = "text",
    split: str = "train",
    limit: int | None = None,
    seed: int = 0,
) -> Documents:
    """The corpus called `spec`: a plain or Parquet file, a folder of them, or a dataset `id[:configuration]`.

    Args:
        column: of Parquet files and datasets, where the text is. split: of a dataset.
        limit: read this many documents at most: of files the first ones; a dataset's stream is first shuffled
            (the order of its files, and a buffer of 10,000 documents) with `seed`.

    Raises:
        ValueError: nothing there, no file of a known kind, a limit under 1; while iterating: text that is not
            UTF-8, a missing column, a dataset that cannot be read.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"documents limit {limit}: expected at least 1")
    path = Path(spec).expanduser()
    if path.is_dir():
        files = tuple(sorted(p for p in path.rglob("*") if p.suffix in PLAIN + PARQUET and p.is_file()))
        if not files:
            raise ValueError(f"{path.name}: no {', '.join(PLAIN + PARQUET)} file in that folder")
        inputs = tuple(provenance.file_input(p, p.relative_to(path).as_posix()) for p in files)
    elif path.is_file():
        if path.suffix not in PLAIN + PARQUET:
            raise ValueError(f"{path.name}: unknown kind of text file; expected {', '.join(PLAIN + PARQUET)}")
        files, inputs = (path,), (provenance.file_input(path),)
    else:
        return _hub(str(spec), column, split, limit, seed)
    identity = {"files": list(inputs), "column": column, "limit": limit}
    return Documents(path.resolve().name, identity, files, column, limit=limit, seed=seed, inputs=inputs)


def _hub(spec: str, column: str, split: str, limit: int | None, seed: int) -> Documents:
    name, _, configuration = spec.partition(":")
    if not _HUB_ID.fullmatch(name) or Path(name).suffix in PLAIN + PARQUET:
        raise ValueError(f"{spec}: no such file or folder")
    identity = {"dataset": spec, "split": split, "column": column, "limit": limit, "seed": seed}
    return Documents(
        spec, identity, column=column, dataset=(name, configuration or None, split), limit=limit, seed=seed
    )


def _plain(path: Path) -> Iterator[str]:
    try:
        yield path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: not UTF-8 at byte {error.start}") from error


def _parquet(path: Path, column: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        if column not in schema.names:
            raise ValueError(f"no column {column!r}; it has {', '.join(schema.names)}")
        kind = schema.field(column).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise ValueError(f"column {column!r} holds {kind}, not text")
        for batch in file.iter_batches(batch_size=256, columns=[column]):
            yield from (text for text in batch.column(0).to_pylist() if text is not None)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {first_line(error)}") from error
