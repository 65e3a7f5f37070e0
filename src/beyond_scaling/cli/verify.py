"""`verify`: whether the records say what they hold, and whether their inputs are still the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import results
from .common import folder


def add(commands: Any) -> None:
    """Add the command to the parser."""
    verify = commands.add_parser(
        "verify",
        allow_abbrev=False,
        help="check result records",
        description=(
            "Check result records: their form, the hash of their columns, and that every number of the summary that"
            " follows from the columns does. With --data also hash every input again, which a record knows by"
            " name and SHA-256. Exit code 1 if a record is not sound, with one line a problem."
        ),
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="records to check (default: all)")
    verify.add_argument("--out", type=folder, metavar="DIR", help="folder of the records")
    verify.add_argument(
        "--data",
        type=folder,
        metavar="DIR",
        help="hash the inputs again: files of their names anywhere under DIR (default: inputs are not looked for)",
    )
    verify.set_defaults(run=_verify)


def _verify(options: argparse.Namespace, given: Sequence[str]) -> int:
    root = options.out if options.out is not None else results.reading_root()
    for option, place in (("--out", options.out), ("--data", options.data)):
        if place is not None and not place.is_dir():
            raise ValueError(f"{option} {place}: no such folder")
    # without its record.json a folder is no record to results.names, yet somebody measured it
    chosen = options.names or sorted({*results.names(root), *_folders(root)})
    if not chosen:
        print(f"no records in {root}")
    if missing := [name for name in chosen if not results.exists(name, root)]:
        raise results.RecordError(
            f"no record {missing[0]!r} (records there: {', '.join(results.names(root)) or 'none'})"
        )
    broken = 0
    for name in chosen:
        problems, words = _problems(name, root, options.data)
        broken += bool(problems)
        print(*problems, sep="\n", file=sys.stderr) if problems else print(f"{name}: sound{words}")
    return 1 if broken else 0


def _problems(name: str, root: Path, data: Path | None) -> tuple[list[str], str]:
    """What is wrong with a record, a line each, and a word on its inputs if they were hashed."""
    from .. import published, radius, run_costs
    from ..hopfield import capacity
    from ..training import history, repeated

    try:
        record = results.verify(name, root)
        if record.kind == radius.KIND:
            radius.check(record)
        elif record.kind in (published.LAW, published.SIZES):
            published.check(record)
        elif record.kind == repeated.KIND:
            repeated.check(record)
        elif record.kind == capacity.KIND:
            capacity.check(record)
        elif record.kind == run_costs.KIND:
            run_costs.check(record)
        elif record.kind == history.KIND:
            from ..training.check import check  # with torch, which the others do without

            check(record)
    except ValueError as error:
        return str(error).splitlines(), ""
    if data is None:
        return [], ""
    inputs = f"{len(record.inputs)} input{'s' if len(record.inputs) > 1 else ''}"
    return [f"record {name!r}: {problem}" for problem in results.verify_inputs(record, data)], f", {inputs} the same"


def _folders(root: Path) -> list[str]:
    return [path.name for path in root.glob("*/") if not path.name.startswith(".")]
