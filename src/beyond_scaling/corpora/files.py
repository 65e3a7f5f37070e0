"""Documents of local files: a plain file is one, a row of a Parquet file's text column is one (nulls are none).

A file is read in parts, a plain file whole and a Parquet file by row groups, so that single documents can be had
without the parts they are not in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line

PLAIN, PARQUET = (".txt", ".md"), (".parquet",)
_ROWS = 256  # of a Parquet file at a time


def texts(path: Path, column: str) -> Iterator[str]:
    """Every document of a file, in order; ValueError naming the file if it cannot be read as text."""
    if path.suffix in PLAIN:
        yield _plain(path)
        return
    with _opened(path, column) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=[column]):
            yield from batch.column(0).drop_null().to_pylist()


def about_bytes(path: Path, column: str) -> int:
    """Bytes of text in a file, about, without reading the text: a Parquet file may keep repeated ones once."""
    if path.suffix in PLAIN:
        return path.stat().st_size
    with _opened(path, column) as file:
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        chunks = (group.column(place) for group in groups for place in range(group.num_columns))
        return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema == column)


def sizes(path: Path, column: str) -> Iterator[np.ndarray]:
    """Bytes (UTF-8) of every document, one array for each part of the file."""
    if path.suffix in PLAIN:
        yield np.array([path.stat().st_size], dtype=np.int64)
        return
    import pyarrow.compute as pc

    with _opened(path, column) as file:
        for group in range(file.num_row_groups):
            batches = file.iter_batches(batch_size=_ROWS, row_groups=[group], columns=[column])
            lengths = [pc.binary_length(batch.column(0).drop_null()).to_numpy() for batch in batches]
            yield np.concatenate([np.empty(0, np.int64), *lengths]).astype(np.int64)


def pick(path: Path, column: str, part: int, numbers: np.ndarray) -> Iterator[str]:
    """Documents by their numbers (ascending, from 0) within a part of the file.

    Raises:
        ValueError: the part has fewer documents than that: the file has changed.
    """
    if path.suffix in PLAIN:
        yield _plain(path)
        return
    first, found = 0, 0
    with _opened(path, column) as file:
        for batch in file.iter_batches(batch_size=_ROWS, row_groups=[part], columns=[column]):
            rows = batch.column(0).drop_null()
            last = np.searchsorted(numbers, first + len(rows))
            yield from rows.take(numbers[found:last] - first).to_pylist() if last > found else ()
            first, found = first + len(rows), int(last)
            if found == len(numbers):
                return
    raise ValueError(f"{path.name}: has changed while it was read")


def _plain(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: not UTF-8 at byte {error.start}") from error


@contextmanager
def _opened(path: Path, column: str) -> Iterator[Any]:
    """The Parquet file, its column of text being there; what goes wrong while it is open names the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if column not in schema.names:
                raise ValueError(f"no column {column!r}; it has {', '.join(schema.names)}")
            kind = schema.field(column).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise ValueError(f"column {column!r} holds {kind}, not text")
            yield file
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {first_line(error)}") from error
