"""Token files: a corpus cut into tokens once, then read as a memory map, with all that says what it is.

A token file is a folder:

    tokens.bin       the tokens, little-endian uint16 (vocabularies up to 65,536) or uint32, one document after another
    manifest.json    their number, type and SHA-256; the text, its rules and how words were joined; tokenizer, versions
    tokenizer.json   and what else the tokenizer has: AutoTokenizer.from_pretrained(folder) loads it

The last 5 % of the tokens are held out, the first D of the others are the training set of D tokens (the paper's
Section 6).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import provenance
from ..durable import held, sync, sync_folder, unfinished
from ..errors import first_line

SCHEMA = 1
TOKENS, MANIFEST = "tokens.bin", "manifest.json"
HELD_OUT = 0.05  # of the tokens, the last ones
_DTYPES: dict[str, np.dtype[Any]] = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}
_BLOCK = 1 << 22  # tokens looked at together
_ENTRIES: dict[str, type] = {
    "vocabulary": int,
    "dtype": str,
    "tokens": int,
    "training_tokens": int,
    "held_out": float,
    "bytes": int,
    "sha256": str,
    "text": dict,
    "tokenizer": dict,
    "inputs": list,
    "versions": dict,
}


class TokenFileError(ValueError):
    """A token file that is not there, not whole or not what its manifest says; names the file."""


def dtype_of(vocabulary: int) -> np.dtype[Any]:
    """The type that tokens of a vocabulary of this size are kept in."""
    if not 1 <= vocabulary <= 1 << 32:
        raise ValueError(f"vocabulary {vocabulary}: expected 1...{1 << 32}")
    return _DTYPES["uint16" if vocabulary <= 1 << 16 else "uint32"]


@dataclass(frozen=True, eq=False)
class TokenFile:
    """Tokens on disk; everything here is a view of one memory map, nothing is copied.

    Attributes:
        folder: where it is. manifest: what `manifest.json` says.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @staticmethod
    def open(folder: str | os.PathLike[str]) -> TokenFile:
        """The token file in a folder, once its manifest and the sizes of its files agree; nothing is hashed.

        Raises:
            TokenFileError: no such folder; a file that is missing, empty, cut off or not what the manifest says.
        """
        place = Path(folder).expanduser()
        if not place.is_dir():
            raise TokenFileError(f"{place.name}: no such folder of tokens")
        manifest = _manifest(place)
        _check_sizes(place, manifest)
        return TokenFile(place, manifest)

    @cached_property
    def tokens(self) -> np.memmap:
        """(tokens,) uint16 or uint32, read-only, in the order of the documents."""
        return np.memmap(self.folder / TOKENS, dtype=_DTYPES[self.manifest["dtype"]], mode="r")

    @property
    def vocabulary(self) -> int:
        """How many different tokens there can be; every token is below it."""
        return int(self.manifest["vocabulary"])

    @property
    def inputs(self) -> tuple[dict[str, Any], ...]:
        """What a record of a measurement on these tokens names: tokens, tokenizer and the texts they came from."""
        own = {"name": TOKENS, "sha256": self.manifest["sha256"], "bytes": self.manifest["bytes"]}
        files = [own, *self.manifest["tokenizer"]["files"]]
        name = Path(os.path.abspath(self.folder)).name
        return (*({**item, "name": f"{name}/{item['name']}"} for item in files), *map(dict, self.manifest["inputs"]))

    def training(self, tokens: int | None = None) -> np.ndarray:
        """The first `tokens` tokens of the training part, or all of it.

        Raises:
            ValueError: under 1, or more than there are.
        """
        there = int(self.manifest["training_tokens"])
        if tokens is not None and not 1 <= tokens <= there:
            raise ValueError(f"{tokens:,} training tokens: {self.folder.name} has 1...{there:,}")
        return self.tokens[: there if tokens is None else tokens]

    def validation(self) -> np.ndarray:
        """The held-out last 5 % of the tokens."""
        return self.tokens[int(self.manifest["training_tokens"]) :]

    def verify(self) -> None:
        """Hash every file again and look at every token.

        Raises:
            TokenFileError: a file that differs from the manifest, or a token outside of the vocabulary.
        """
        name = self.folder.name
        entries = [{"name": TOKENS, "sha256": self.manifest["sha256"]}, *self.manifest["tokenizer"]["files"]]
        for entry in entries:
            found = provenance.file_input(self.folder / entry["name"])["sha256"]
            if found != entry["sha256"]:
                raise TokenFileError(f"{name}/{entry['name']}: has SHA-256 {found}, {MANIFEST} says {entry['sha256']}")
        for first in range(0, len(self.tokens), _BLOCK):
            largest = int(self.tokens[first : first + _BLOCK].max())
            if largest >= self.vocabulary:
                raise TokenFileError(f"{name}/{TOKENS}: holds token {largest}, vocabulary {self.vocabulary:,}")

    def __reduce__(self) -> tuple[Any, ...]:
        return TokenFile.open, (self.folder,)  # to another process goes the name, not the tokens


class TokenWriter:
    """Takes tokens as they come; made by `writing_tokens`.

    Attributes:
        folder: where the files lie until they are whole; the tokenizer's files are to be saved there too.
        count: tokens so far.
    """

    def __init__(self, folder: Path, vocabulary: int) -> None:
        self.folder, self.vocabulary, self.count = folder, vocabulary, 0
        self._dtype = dtype_of(vocabulary)
        self._digest = hashlib.sha256()
        self._file = (folder / TOKENS).open("wb")
        self._description: dict[str, Any] | None = None

    def append(self, tokens: np.ndarray) -> None:
        """Write more tokens, (m,) integers.

        Raises:
            ValueError: one outside of the vocabulary. TokenFileError: the disk is full or cannot be written.
        """
        if not len(tokens):
            return
        least, largest = int(tokens.min()), int(tokens.max())
        if least < 0 or largest >= self.vocabulary:
            raise ValueError(f"token {min(least, 0) or largest}: expected 0...{self.vocabulary - 1}")
        data = np.ascontiguousarray(tokens, dtype=self._dtype).data.cast("B")
        self._digest.update(data)
        with _written(TOKENS):
            self._file.write(data)
        self.count += len(tokens)

    def describe(self, *, text: Mapping[str, Any], tokenizer: str, inputs: Iterable[Mapping[str, Any]]) -> None:
        """What the manifest is to say: the text and its rules, the tokenizer's name, the inputs (name, hash, bytes)."""
        self._description = {"text": dict(text), "tokenizer": tokenizer, "inputs": [dict(item) for item in inputs]}

    def finish(self) -> None:
        """Put everything onto the disk, in the folder that is not yet in its place.

        Raises:
            ValueError: no tokens, or no description. TokenFileError: the disk is full or cannot be written.
        """
        if self._description is None:
            raise ValueError("tokens without a description: describe() is to be called first")
        if not self.count:
            raise ValueError("no tokens: the text holds nothing that its rules keep")
        with _written(MANIFEST):
            self._file.close()
            files = sorted(path for path in self.folder.iterdir() if path.name != TOKENS)
            manifest = {
                "schema": SCHEMA,
                "vocabulary": self.vocabulary,
                "dtype": self._dtype.name,
                "tokens": self.count,
                "training_tokens": self.count - int(self.count * HELD_OUT),
                "held_out": HELD_OUT,
                "bytes": self.count * self._dtype.itemsize,
                "sha256": self._digest.hexdigest(),
                **self._description,
                "tokenizer": {
                    "name": self._description["tokenizer"],
                    "files": [provenance.file_input(path) for path in files],
                },
                "versions": provenance.versions(),
            }
            words = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
            (self.folder / MANIFEST).write_text(words + "\n", encoding="utf-8")
            for path in self.folder.iterdir():
                with path.open("rb+") as file:
                    sync(file)
            sync_folder(self.folder)

    def close(self) -> None:
        """Give up: close the file, which nobody will read."""
        with contextlib.suppress(OSError):
            self._file.close()


@contextlib.contextmanager
def writing_tokens(folder: str | os.PathLike[str], vocabulary: int, *, replace: bool = False) -> Iterator[TokenWriter]:
    """A token file in the making: in its place when the block ends well, not there when it does not.

        with writing_tokens(folder, vocabulary=4096) as writer:
            tokenizer.save_pretrained(writer.folder)
            for tokens in corpus:
                writer.append(tokens)
            writer.describe(text={...}, tokenizer="...", inputs=documents.inputs)

    It is made in a folder beside its place; what a process that was killed left of one is removed by the next.

    Args:
        replace: put it in the place of a token file that is there already, which stays until then.

    Raises:
        ValueError: something lies in its place already, and `replace` is not set or it is no token file.
        WorkError: another process is making it, or its folder cannot be made.
        TokenFileError: the disk is full or cannot be written.
    """
    place = Path(os.path.abspath(Path(folder).expanduser()))
    refuse(place, replace=replace)
    dtype_of(vocabulary)
    fresh = place.with_name(unfinished(place.name))
    with held(fresh):
        try:
            with _written(fresh.name):
                for left in fresh.iterdir():
                    left.unlink()
                writer = TokenWriter(fresh, vocabulary)
            try:
                yield writer
                writer.finish()
            finally:
                writer.close()
            with _written(place.name):
                _swap(fresh, place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def refuse(folder: Path, *, replace: bool) -> None:
    """Raise ValueError if a token file cannot be made there: something is, and may not be replaced."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() and not replace:
        raise ValueError(f"{folder.name}: exists already, and nothing was overwritten")
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder.name}: no token file (there is no {MANIFEST}), so it is not replaced by one")


def _swap(fresh: Path, place: Path) -> None:
    before = place.with_name(f".{place.name}.previous")
    shutil.rmtree(before, ignore_errors=True)
    if place.exists():
        place.rename(before)
    try:
        fresh.rename(place)
    except BaseException:
        if before.exists():
            before.rename(place)
        raise
    sync_folder(place.parent)
    shutil.rmtree(before, ignore_errors=True)


@contextlib.contextmanager
def _written(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TokenFileError(
            f"{what}: cannot be written: {error.strerror or error}; nothing was kept of it: make room and start again"
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    name = f"{folder.name}/{MANIFEST}"
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TokenFileError(f"{name}: missing, so {folder.name} is no token file") from None
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, not JSON, endless brackets
        raise TokenFileError(f"{name}: cannot be read: {first_line(error)}") from error
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise TokenFileError(f"{name}: not of schema {SCHEMA}, the one this version reads")
    for key, kind in _ENTRIES.items():
        if not isinstance(raw.get(key), kind) or isinstance(raw[key], bool):
            raise TokenFileError(f"{name}: {key} is {raw.get(key)!r}, expected {kind.__name__}")
    files = raw["tokenizer"].get("files")
    if not isinstance(files, list) or not all(map(_is_input, [*files, *raw["inputs"]])):
        raise TokenFileError(f"{name}: tokenizer.files or inputs are not lists of name, sha256 and bytes")
    if raw["dtype"] not in _DTYPES or raw["bytes"] != raw["tokens"] * _DTYPES[raw["dtype"]].itemsize:
        raise TokenFileError(f"{name}: dtype, tokens and bytes do not agree")
    if not 0 <= raw["training_tokens"] <= raw["tokens"] or not 1 <= raw["vocabulary"] <= 1 << 32:
        raise TokenFileError(f"{name}: training_tokens or vocabulary out of range")
    return raw


def _is_input(item: Any) -> bool:
    return isinstance(item, dict) and set(item) == {"name", "sha256", "bytes"}


def _check_sizes(folder: Path, manifest: Mapping[str, Any]) -> None:
    for entry in [{"name": TOKENS, "bytes": manifest["bytes"]}, *manifest["tokenizer"]["files"]]:
        name = f"{folder.name}/{entry['name']}"
        try:
            size = (folder / entry["name"]).stat().st_size
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise TokenFileError(f"{name}: {'missing' if missing else error.strerror}") from None
        if size != entry["bytes"]:
            state = "empty" if not size else "truncated" if size < entry["bytes"] else "too long"
            raise TokenFileError(f"{name}: {state}: {size:,} bytes, {MANIFEST} says {entry['bytes']:,}")
