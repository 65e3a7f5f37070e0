"""`scaling-law`, `best-sizes` and `repeated-data`: what published runs say, from a CSV of theirs."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import results
from .common import above_zero, folder, fraction, names, natural, new_record, positive, where, words


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    law = commands.add_parser(
        "scaling-law",
        allow_abbrev=False,
        help="Chinchilla's law fitted to published points",
        description=(
            "Fit L = E + A/N^alpha + B/D^beta to the points of a CSV, resample the points for intervals, and write a"
            " result record. The record holds the fits, not the points."
        ),
    )
    option = _options(law)
    columns = law.add_mutually_exclusive_group(required=True)
    columns.add_argument("--tokens", metavar="COLUMN", help="tokens D")
    columns.add_argument("--flop", metavar="COLUMN", help="training compute C; then D = C/(6 N)")
    option("--once", metavar="COLUMN", help="distinct tokens: leave out runs that read more tokens than that")
    option("--drop-highest", type=natural, default=0, metavar="K", help="leave out the K points of highest loss")
    option("--bootstrap", type=positive, default=1000, metavar="B", help="resamples (default: 1000)")
    option("--seed", type=natural, default=0, help="of the resamples (default: 0)")
    option("--quiet", action="store_true", help="no progress bar")
    law.set_defaults(run=_law)
    sizes = commands.add_parser(
        "best-sizes",
        allow_abbrev=False,
        help="the best model size at each budget of published runs, and its exponent",
        description=(
            "Find the size of least loss at every budget of a CSV of runs, fit N ~ D^p in every series, and write a"
            " result record. The record holds the best sizes, not the runs."
        ),
    )
    option = _options(sizes)
    columns = sizes.add_mutually_exclusive_group(required=True)
    columns.add_argument("--flop", metavar="COLUMN", help="the budget is training compute; then D = C/(6 N)")
    columns.add_argument("--data", metavar="COLUMN", help="the budget is distinct tokens D")
    option("--by", type=names, default=(), metavar="COLUMN,...", help="columns that name a series (default: one)")
    option("--least", type=positive, default=3, metavar="K", help="leave out budgets with fewer sizes (default: 3)")
    sizes.set_defaults(run=_sizes)
    again = commands.add_parser(
        "repeated-data",
        allow_abbrev=False,
        help="published runs that read their data more than once: least losses by size, and what repetition costs",
        description=(
            "For every amount of distinct data in a CSV of runs, find the least loss of each size; compare runs with"
            " others of their size and tokens whose data were all distinct, and fit how that excess depends on N and D."
            " Write a result record, which holds these losses, not the runs."
        ),
    )
    option = _options(again, rows=False)
    option("--tokens", required=True, metavar="COLUMN", help="tokens read")
    option("--unique", required=True, metavar="COLUMN", help="distinct tokens among them")
    option("--least", type=positive, default=3, metavar="K", help="leave out data with fewer sizes (default: 3)")
    option(
        "--near", type=above_zero, default=3.0, metavar="F", help="how close tokens must be tried (default: 3 times)"
    )
    option("--floor", type=above_zero, default=0.01, metavar="NATS", help="excesses to fit are above (default: 0.01)")
    again.set_defaults(run=_repeated)


def _options(command: argparse.ArgumentParser, rows: bool = True) -> Callable[..., argparse.Action]:
    """The arguments that every command on a CSV of published points has; `rows`: it may be told to take some only."""
    option = command.add_argument
    option("points", type=Path, metavar="POINTS.csv", help="with a header")
    option("--size", required=True, metavar="COLUMN", help="parameters N")
    option("--loss", required=True, metavar="COLUMN", help="loss, nats a token")
    if rows:
        option(
            "--where",
            type=where,
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help="only rows with this value (may be given again)",
        )
    option("--level", type=fraction, default=0.95, help="of the intervals (default: 0.95)")
    option("--name", required=True, help="of the record")
    option("--title", type=words, required=True, help="of the record, for readers")
    option("--out", type=folder, metavar="DIR", help="folder of the records (default: book/results of the checkout)")
    option("--force", action="store_true", help="replace a record of the same name")
    return option


def _law(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..progress import bar
    from ..published import LawSettings, law_record

    settings = LawSettings(
        size=options.size,
        loss=options.loss,
        tokens=options.tokens,
        flop=options.flop,
        where=tuple(options.where),
        once=options.once,
        drop_highest=options.drop_highest,
        bootstrap=options.bootstrap,
        level=options.level,
        seed=options.seed,
    )
    root, texts = new_record(options.name, options.title, given, options.out, options.force)
    with contextlib.ExitStack() as shown:
        bars: list[Any] = []

        def advance(done: int) -> None:
            if not bars:  # only now: what is wrong with the file is told before any bar stands there
                new = bar(show=not options.quiet, total=options.bootstrap, desc="resamples")
                bars.append(shown.enter_context(new))
            bars[0].update()

        record = law_record(options.points, settings, **texts, progress=advance)
    law, intervals = record.summary["law"], record.summary["intervals"]
    print(f"{record.title}: {record.summary['points']} points, residuals of log L {record.summary['rms']:.3g} rms")
    for key, value in law.items():
        print(f"{key:>16} {value:.4g}  [{intervals[key]['low']:.4g}, {intervals[key]['high']:.4g}]")
    print(f"record: {results.save(record, root, overwrite=options.force)}")
    return 0


def _sizes(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..published import SizeSettings, sizes_record

    settings = SizeSettings(
        size=options.size,
        loss=options.loss,
        flop=options.flop,
        data=options.data,
        by=options.by,
        where=tuple(options.where),
        least=options.least,
        level=options.level,
    )
    root, texts = new_record(options.name, options.title, given, options.out, options.force)
    record = sizes_record(options.points, settings, **texts)
    print(f"{record.title}: the p of N ~ D^p")
    for series, numbers in record.summary["series"].items():
        ends = ", ".join(f"{numbers[key]:.4g}" if key in numbers else "unbounded" for key in ("low", "high"))
        print(f"{series}: {numbers['exponent']:.4g} [{ends}], best sizes at {numbers['best']} of {numbers['budgets']}")
    print(f"record: {results.save(record, root, overwrite=options.force)}")
    return 0


def _repeated(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..training.repeated import EXCESS, HELD_FIXED, LEAST, RepeatedSettings, repeated_record

    settings = RepeatedSettings(
        size=options.size,
        tokens=options.tokens,
        unique=options.unique,
        loss=options.loss,
        least=options.least,
        near=options.near,
        floor=options.floor,
        level=options.level,
    )
    root, texts = new_record(options.name, options.title, given, options.out, options.force)
    record = repeated_record(options.points, settings, **texts)
    print(f"{record.title}: {record.summary['runs']} runs")
    for unique, numbers in record.summary[LEAST].items():
        resolved = f"least loss resolved for {numbers['resolved']} of {numbers['sizes']} sizes"
        line = f"{int(unique):,} distinct tokens: {resolved}"
        if "worse_by" in numbers:
            line += f"; {numbers['largest']:.4g} parameters {numbers['worse_by']:+.4f} nats from {numbers['best']:.4g}"
        print(line)
    for held in HELD_FIXED:
        if (numbers := record.summary.get(EXCESS, {}).get(held)) is not None:
            ends = ", ".join(f"{numbers[key]:.4g}" if key in numbers else "unbounded" for key in ("low", "high"))
            print(f"excess over N and D, {held} fixed: p of N ~ D^p {numbers.get('p', float('inf')):.4g} [{ends}]")
    print(f"record: {results.save(record, root, overwrite=options.force)}")
    return 0
