"""Token files of the Standardized Project Gutenberg Corpus: `PGn_tokens.txt`, one word a line, and `metadata.csv`."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from .text import Documents

_NAME = re.compile(r"PG(\d+)_tokens\.txt")
_METADATA = "metadata.csv"


def spgc_documents(
    spec: str | os.PathLike[str], *, limit: int | None = None, language: str | None = None
) -> Documents | None:
    """The books of a file or folder of SPGC's tokens, in the order of their numbers; None if it is no such thing.

    They are not hashed, so `inputs` is empty: the whole corpus has 17 GB of them.

    Args:
        language: only books with this code in `metadata.csv`, which lies in the folder or beside it.

    Raises:
        ValueError: no metadata, or none with that language; a limit under 1.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        found = [(int(name[1]), file) for file in path.rglob("PG*_tokens.txt") if (name := _NAME.fullmatch(file.name))]
    else:
        name = _NAME.fullmatch(path.name)
        found = [(int(name[1]), path)] if name and path.is_file() else []
    if not found:
        return None
    if limit is not None and limit < 1:
        raise ValueError(f"documents limit {limit}: expected at least 1")
    if language is not None:
        chosen = _of_language(path if path.is_dir() else path.parent, language)
        found = [(number, file) for number, file in found if number in chosen]
        if not found:
            raise ValueError(f"{path.name}: no book in language {language!r}, as {_METADATA} has it")
    files = tuple(file for _, file in sorted(found)[:limit])
    identity = {"files": [file.name for file in files], "limit": limit, "language": language}
    return Documents(Path(os.path.abspath(path)).name, identity, files, limit=limit)


def _of_language(folder: Path, language: str) -> set[int]:
    """Numbers of the books in a language."""
    for place in (folder, folder.parent, folder / "metadata", folder.parent / "metadata"):
        if (place / _METADATA).is_file():
            break
    else:
        raise ValueError(f"{folder.name}: no {_METADATA} in it or beside it, so no language can be chosen")
    try:
        with (place / _METADATA).open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if not {"id", "language"} <= set(rows.fieldnames or ()):
                raise ValueError("no columns id and language")
            # such as PG1342 and ['en']
            return {
                int(row["id"][2:])
                for row in rows
                if re.fullmatch(r"PG\d+", row["id"] or "") and language in re.findall(r"[\w-]+", row["language"] or "")
            }
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ValueError(f"{_METADATA}: cannot be read: {error}") from error
