"""Files that are whole or not there, whatever happens to process, disk or power."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class WorkError(ValueError):
    """A work folder that cannot be used as it is, or not be written to; says what to do."""


class InUseError(WorkError):
    """A work folder in which another command works."""


def unfinished(name: str) -> str:
    """The name of a file of the work folder until it is whole."""
    return "new-" + name


def write_file(work: Path, name: str, content: bytes | Callable[[Any], object]) -> tuple[int, str]:
    """Write a file whole or not at all, and onto the disk: its size and SHA-256.

    Raises:
        WorkError: the disk is full or the folder cannot be written.
    """
    fresh = work / unfinished(name)
    with writing(work, name, [fresh.name]):
        with fresh.open("wb") as file:
            hashing = _Hashing(file)
            if callable(content):
                content(hashing)
            else:
                hashing.write(content)
            sync(file)
        os.replace(fresh, work / name)
        sync_folder(work)
    return hashing.size, hashing.digest.hexdigest()


@contextlib.contextmanager
def held(work: Path) -> Iterator[None]:
    """Within, no other command that asks for it works in the folder, which is made if need be.

    The lock is the system's, and ends with the process however that ends. File systems and systems that know no such
    lock give none.

    Raises:
        InUseError: another command holds it. WorkError: the folder cannot be made.
    """
    made = not work.exists()
    with writing(work, "the folder"):
        work.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            number = os.open(work, os.O_RDONLY)
            stack.callback(os.close, number)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUseError(f"work folder {work} is in use by another command; wait for its end") from None
            except OSError:  # such as a network's file system without locks
                pass
        try:
            yield
        finally:
            if made:
                with contextlib.suppress(OSError):
                    work.rmdir()  # if nothing was kept there


class _Hashing:
    """A file to write to that takes the SHA-256 along."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.digest = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self.file.write(data)


@contextlib.contextmanager
def writing(work: Path, what: str, half: Sequence[str] = ()) -> Iterator[None]:
    """Make an OSError within a WorkError that says what to do, and remove the files that it left half written."""
    try:
        yield
    except OSError as error:
        for name in half:
            with contextlib.suppress(OSError):
                (work / name).unlink(missing_ok=True)
        raise WorkError(
            f"work folder {work}: {what} cannot be written: {error.strerror or error}; what was written before is"
            " kept: make room and give the same command again"
        ) from error


def sync(file: BinaryIO) -> None:
    """Put what was written to a file onto the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put the names of a folder's files onto the disk: without that a rename may not survive a power cut."""
    if os.name == "posix":  # others cannot open a folder
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
