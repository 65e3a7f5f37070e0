"""The work folder: what is done stays done, so that an interrupted measurement goes on from there.

A piece of work is one file, JSON beside arrays, whole or not there. It names the measurement that it belongs to; a
folder with another's work is refused.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_DOCUMENT = "_document"  # names that no array has
_WANTED = "_wanted"
_FRESH = "new-"  # a file's name begins with it until the file is whole


@dataclass(frozen=True)
class Piece:
    """What one step of the measurement found: `document` is JSON, `arrays` are NumPy's."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """The work folder of a measurement, or None to keep nothing; `identity` says which measurement it is."""

    folder: Path | None
    identity: str

    def recall(self, name: str, *more: Any) -> Piece | None:
        """The piece of that name, or None if it is not there yet.

        Raises:
            ValueError: it is damaged, or is of another measurement (`more` belongs to the identity).
        """
        if self.folder is None or not (path := self.folder / f"{name}.npz").is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                wanted = str(kept[_WANTED])
                document = json.loads(str(kept[_DOCUMENT]))
                arrays = {key: kept[key] for key in kept.files if key not in (_WANTED, _DOCUMENT)}
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"work folder {self.folder}: {path.name} is damaged; remove that file") from error
        if wanted != self._wanted(more):
            raise ValueError(
                f"work folder {self.folder} holds another measurement; choose another folder or remove it"
            )
        return Piece(document, arrays)

    def keep(self, name: str, piece: Piece, *more: Any) -> None:
        """Write a piece, in place of one of that name."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"{_FRESH}{name}.npz"
        texts = {_WANTED: np.array(self._wanted(more)), _DOCUMENT: np.array(json.dumps(piece.document))}
        try:
            with fresh.open("wb") as file:
                np.savez(file, **piece.arrays, **texts)  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise ValueError(f"work folder {self.folder}: cannot be written: {error.strerror}") from error
        fresh.replace(self.folder / f"{name}.npz")

    def part(self, name: str) -> Path | None:
        """A folder inside it."""
        return None if self.folder is None else self.folder / name

    def _wanted(self, more: tuple[Any, ...]) -> str:
        return json.dumps([self.identity, *more], sort_keys=True)


def clear_pieces(folder: Path, names: Sequence[str]) -> None:
    """Remove pieces by name, whole or not, and the folder if nothing else is in it."""
    for name in names:
        for start in ("", _FRESH):
            (folder / f"{start}{name}.npz").unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
