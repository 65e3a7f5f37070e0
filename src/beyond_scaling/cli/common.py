"""What the commands share: one line for what went wrong, types of options, signals, places to write."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from .. import provenance, results

PROGRAM = "beyond-scaling"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        complain(message)
        raise SystemExit(2)


def complain(message: str, *, alone: bool = False) -> None:
    """One line on stderr. Under torchrun the first process speaks: all are given the same, and errors are shared.

    Args:
        alone: an error that only this process knows of.
    """
    if alone or speaks():
        print(f"{PROGRAM}: error: {' '.join(message.split())}", file=sys.stderr)


def speaks() -> bool:
    """Whether this process prints and saves: the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within, SIGTERM (a cluster ends its jobs with it) interrupts as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def new_record(
    name: str, title: str, given: Sequence[str], out: Path | None, force: bool
) -> tuple[Path, dict[str, str]]:
    """The folder of the records, and name, title and command of a new one, all fit to be saved."""
    root = out if out is not None else results.default_root()
    if results.exists(name, root) and not force:
        raise results.RecordError(f"record {name!r} exists already; give --force to replace it, or another --name")
    command = provenance.public_command(PROGRAM, given)
    # what would fail after hours fails now
    results.refuse_paths(title=title, command=command)
    check_writable("folder of results", root)
    return root, {"name": name, "title": title, "command": command}


def check_writable(what: str, folder: Path) -> None:
    """Raise ValueError unless files can be made in a folder, or in the nearest one above it that exists."""
    place = folder
    try:
        while not place.exists():
            place = place.parent
        with tempfile.TemporaryDirectory(prefix=f".{PROGRAM}-", dir=place):
            pass
    except OSError as error:
        raise ValueError(f"{what} {folder}: cannot be written: {error.strerror}") from error


# --- types of options -------------------------------------------------------------------------------------


def folder(text: str) -> Path:
    if not text:  # such as a shell variable that is not set; it would mean the working folder
        raise argparse.ArgumentTypeError("expected a folder, not an empty name")
    return Path(text).expanduser()


def natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    if len(text) > 18:
        raise argparse.ArgumentTypeError(f"a number of {len(text)} digits is too large")
    return int(text)


def positive(text: str) -> int:
    digits = text.replace(",", "").replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not digits.strip("0"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return natural(digits)


def above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return value


def fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number in (0, 1]")
    return value


def words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty, expected a few words")
    return text


def names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def where(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not (column and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return column, value
