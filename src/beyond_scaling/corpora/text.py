"""Documents from plain files, Parquet files, a folder of them, or a dataset of the hub, one after another.

A plain file is one document, a row of a Parquet file or of a dataset is one document. Local files are taken
in the order of their names, and their documents can be had by number too. Nothing is held but what is at hand.
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

import numpy as np

from .. import provenance
from ..errors import first_line
from ..progress import bar
from . import files as local
from .files import PARQUET, PLAIN

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
    _parts: list[tuple[int, Path, int]] = field(default_factory=list, repr=False)  # first document, file, part of it
    _count: int = field(default=0, repr=False)

    def __iter__(self) -> Iterator[str]:
        yield from self._stream() if self.dataset else itertools.islice(self._local(), self.limit)

    def _local(self) -> Iterator[str]:
        for path in self.files:
            yield from local.texts(path, self.column)

    @property
    def by_number(self) -> bool:
        """Whether single documents can be had (`sizes`, `at`): of files they can, of a dataset's stream not."""
        return bool(self.files)

    def about_bytes(self) -> int:
        """Bytes of text in all the files, about, by a look at each; 0 of a dataset."""
        return sum(local.about_bytes(path, self.column) for path in self.files)

    def sizes(self, *, progress: bool = False) -> np.ndarray:
        """Bytes (UTF-8) of every document, (documents,) int64; reads the files, but holds no text.

        Raises:
            ValueError: a file that cannot be read; a dataset, whose stream would have to be read to its end.
        """
        if not self.by_number:
            raise ValueError(f"dataset {self.name}: a stream; its documents have no numbers")
        found = [np.empty(0, dtype=np.int64)]
        self._parts, self._count = [], 0
        for path in bar(self.files, desc="sizes", unit=" files", show=progress):
            for part, sizes in enumerate(local.sizes(path, self.column)):
                self._parts.append((self._count, path, part))
                found.append(sizes)
                self._count += len(sizes)
                if self.limit is not None and self._count >= self.limit:
                    self._count = self.limit
                    return np.concatenate(found)[: self.limit]
        return np.concatenate(found)

    def at(self, numbers: np.ndarray) -> Iterator[str]:
        """The documents of these numbers, ascending and distinct, from 0; parts of files without any are not read.

        Raises:
            ValueError: numbers that are no such documents, a file that cannot be read or has changed.
        """
        if not self._parts:
            self.sizes()
        if len(numbers) and not 0 <= numbers[0] <= numbers[-1] < self._count:
            raise ValueError(f"documents {numbers[0]}...{numbers[-1]}: {self.name} has 0...{self._count - 1}")
        starts = [first for first, _, _ in self._parts]
        # of parts that start alike all but the last are empty
        where = np.searchsorted(starts, numbers, side="right") - 1
        for place in np.unique(where):
            first, path, part = self._parts[place]
            yield from local.pick(path, self.column, part, numbers[where == place] - first)

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
                if hasattr(rows, "reshard"):  # of Parquet every row group can be gone to, not only every file
                    rows = rows.reshard()
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
        limit: read this many documents at most: of files the first ones. A dataset's stream is first shuffled with
            `seed`: the order of its Parquet row groups (of its files, if it has no Parquet or datasets is older than
            5) over the whole dataset, then its documents in a buffer of 10,000. Every row group is as likely, so
            a document is too where they are alike in size; but documents of a row group come together. What lies
            elsewhere is not fetched. Without a limit a dataset is read to its end. (Downloaded, its Parquet files
            are local ones, of which `random_chunks` draws uniformly without cutting all into tokens.)

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
    return Documents(Path(os.path.abspath(path)).name, identity, files, column, limit=limit, seed=seed, inputs=inputs)


def _hub(spec: str, column: str, split: str, limit: int | None, seed: int) -> Documents:
    name, _, configuration = spec.partition(":")
    if not _HUB_ID.fullmatch(name) or Path(name).suffix in PLAIN + PARQUET:
        raise ValueError(f"{spec}: no such file or folder")
    identity = {"dataset": spec, "split": split, "column": column, "limit": limit, "seed": seed}
    return Documents(
        spec, identity, column=column, dataset=(name, configuration or None, split), limit=limit, seed=seed
    )
