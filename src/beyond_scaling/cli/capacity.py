"""`capacity`: how many patterns each network of the zoo retrieves, measured."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import results
from .common import PROGRAM, check_writable, folder, names, new_record, positive, terminable

_EXAMPLES = """\
examples:
  everything, a record for each family:
    beyond-scaling capacity

  two families, over the records that are there:
    beyond-scaling capacity --family dense,exponential --force

  a look in seconds, elsewhere:
    beyond-scaling capacity --preset small --out try

A run that is interrupted, or killed, goes on where it was when the same command is given again.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "capacity",
        allow_abbrev=False,
        help="how many patterns the Hopfield networks of the zoo retrieve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Store random patterns in every network of the zoo, start near some of them, and see where retrieval\n"
            "ends: errors against the number of patterns at several dimensions, the number at which it fails, and\n"
            "how that grows. Writes a result record capacity-FAMILY for each family."
        ),
        epilog=_EXAMPLES,
    )
    option = parser.add_argument
    option("--family", type=names, default=(), metavar="NAME,...", help="families to measure (default: all)")
    option("--preset", default="full", help="full or small (default: full)")
    option("--processes", type=positive, default=2, metavar="K", help="that measure, one thread each (default: 2)")
    option("--device", help="compute with torch on this device, such as cpu or cuda (default: with NumPy)")
    option("--work", type=folder, metavar="DIR", help="folder for work in progress (default: in the user's cache)")
    option("--out", type=folder, metavar="DIR", help="folder of the records (default: book/results of the checkout)")
    option("--force", action="store_true", help="replace records of the same names")
    option("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..durable import held
    from ..hopfield.capacity import FAMILIES, Kept, family, record
    from ..hopfield.capacity.record import name

    families = [family(each, options.preset) for each in options.family or FAMILIES]
    if len({each.name for each in families}) < len(families):
        raise ValueError("--family names a family twice")
    if options.device is not None:
        from ..processes import available

        available(options.device)
    root, command = options.out or results.default_root(), ""
    for each in families:
        root, texts = new_record(name(each.name), each.title, given, options.out, options.force)
        command = texts["command"]
    work = options.work or _work_folder(options.preset)
    check_writable("work folder", work)
    with terminable(), held(work):
        kept = Kept(work, options.device)
        try:
            measured, seconds = _measure(families, kept, options)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"the same command goes on from there (kept in {work})") from None
        for each in families:
            made = record(
                each, measured, preset=options.preset, device=options.device, command=command,
                duration_s=seconds[each.name],
            )  # fmt: skip
            print("\n".join(_report(made)))
            results.save(made, root, overwrite=options.force)
        kept.clear()
    print(f"{len(families)} records in {root}")
    return 0


def _measure(
    families: Sequence[Any], kept: Any, options: argparse.Namespace
) -> tuple[dict[Any, Any], dict[str, float]]:
    """What every cell said, and the seconds that the cells of every family took, all processes together."""
    from ..hopfield.capacity import measure_all
    from ..progress import bar

    cells = [cell for each in families for cell in each.cells()]
    there = {cell: found for cell in cells if (found := kept.find(cell)) is not None}
    with bar(show=not options.quiet, total=len(cells), initial=len(there), desc="cells") as shown:
        for cell, found in measure_all(cells, kept, processes=options.processes, device=options.device):
            there[cell] = found
            shown.update()
    seconds = {each.name: sum(there[cell].seconds for cell in each.cells()) for each in families}
    return there, seconds


def _report(made: Any) -> Iterator[str]:
    """Series, law, and what was measured of it."""
    yield f"{made.title}: {made.summary['cells']:,} cells, {made.duration_s:.0f} s"
    for series, kind in zip(made.parameters["series"], made.parameters["law"], strict=True):
        numbers, theory = made.summary["series"][series], made.summary["theory"].get(series, {})
        at = ", ".join(f"{n}: {found['critical']:.4g}" for n, found in numbers["n"].items())
        line = f"  {series}: critical d at n = {at}" if at else f"  {series}: no critical d within the grid"
        if fit := numbers.get("fit"):
            ends = f" [{fit['low']:.4g}, {fit['high']:.4g}]" if "low" in fit else ""
            line += f"; {kind} {fit['value']:.4g}{ends}"
            if "expected" in theory:
                line += f", theory {theory['expected']:.4g}"
            if "fit" in theory:
                line += f" (at these n {theory['fit']:.4g})"
        yield line


def _work_folder(preset: str) -> Path:
    """In the user's cache: one for each preset, so that an interrupted run is found again."""
    with contextlib.suppress(RuntimeError):
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / PROGRAM / f"capacity-{preset}"
    raise ValueError("no home folder to work in: name one (--work)")
