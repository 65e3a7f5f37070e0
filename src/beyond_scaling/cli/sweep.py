"""`sweep`: many training runs from one file, each to a record of its own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .common import above_zero, check_writable, natural, positive
from .train import add_output_options, add_run_options, config_inputs, warned, work_folder

_EXAMPLES = """\
examples:
  what a sweep would run, and what that costs:
    beyond-scaling sweep tiny-sweep --dry-run --speed 4e10

  two seeds of it, on Ray on this machine, two cores for each run:
    beyond-scaling sweep tiny-sweep --only '*-seed-[01]' --cpus-per-run 2

  on a cluster that is there, a quarter of a GPU for each run:
    beyond-scaling sweep my-sweep.toml --address 10.0.0.1:6379 --gpus-per-run 0.25 --work /shared/my-sweep

On a cluster the work folder and the data have to lie where all nodes see them under the same name, and the
package has to be installed on all; records are written by this command alone.

exit codes: 0 every run has a record; 1 some run failed, the others have one; 2 nothing could be begun;
130 interrupted, and kept: the same command goes on.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sweep",
        allow_abbrev=False,
        help="train many models, on Ray or one after another",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Run every training run of a TOML file: a base as of `train`, and tables [[runs]] with a name and a\n"
            'title for each record (such as "grammar-{model.layers}-seed-{run.seed}"), `set` and `grid`. A run\n'
            "whose record is there already is left as it is. One that fails goes on from its checkpoint; when\n"
            "the same command is given again, so does the sweep."
        ),
        epilog=_EXAMPLES,
    )
    parser.add_argument("source", metavar="FILE", help="a TOML file, or the name of a sweep that the package brings")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="runs of such names (may be given again)"
    )
    parser.add_argument("--dry-run", action="store_true", help="list the runs, their parameters, tokens and FLOP")
    parser.add_argument(
        "--speed", type=above_zero, metavar="S", help="FLOP a second, such as 4e10; then --dry-run gives hours too"
    )
    add_run_options(parser, threads="--cpus-per-run on Ray, else torch's own choice")
    option = parser.add_argument_group("many runs").add_argument
    option("--on", choices=("auto", "ray", "serial"), default="auto", help="(default: auto, Ray if it is installed)")
    option("--address", help="of a Ray cluster (default: $RAY_ADDRESS, else this machine alone)")
    option("--cpus-per-run", type=positive, default=1, metavar="K", help="cores that Ray gives a run (default: 1)")
    option(
        "--gpus-per-run",
        type=float,
        metavar="G",
        help="GPUs that Ray gives a run; under 1: several runs share one (default: 1 if there are any)",
    )
    option("--retries", type=natural, default=2, metavar="R", help="of a run that failed (default: 2)")
    add_output_options(
        parser.add_argument_group("output").add_argument,
        force="replace records of these names that are of other runs; what is done is not done again",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    from .. import provenance, results
    from ..training import sweep
    from .common import PROGRAM, terminable

    chosen = sweep.Options(
        on=options.on,
        address=options.address,
        cpus=options.cpus_per_run,
        gpus=options.gpus_per_run,
        device=options.device,
        threads=options.threads,
        retries=options.retries,
        minutes=float(options.checkpoint_minutes),
        keep=options.keep,
    )
    runs = sweep.select(sweep.load(options.source, options.values), options.only)
    root = options.out if options.out is not None else results.default_root()
    work = options.work if options.work is not None else work_folder(Path(options.source).stem, "sweep")
    if options.dry_run:
        print("\n".join(_plan(runs, root, work, options.force, options.speed)))
        return 0
    if options.speed is not None:
        raise ValueError("--speed: only with --dry-run, which it gives hours")
    check_writable("folder of results", root)
    check_writable("work folder", work)
    with warned(), terminable():
        outcomes = sweep.run_all(
            runs,
            work=work,
            root=root,
            options=chosen,
            command=provenance.public_command(PROGRAM, _without_only(given)),
            overwrite=options.force,
            progress=not options.quiet,
            inputs=config_inputs(options.source),
        )
    failed = sum(outcome.record is None for outcome in outcomes)
    print("\n".join(_report(outcomes)))
    print(f"{len(outcomes) - failed} of {len(outcomes)} runs have records in {root}")
    return 1 if failed else 0


def _plan(runs: Sequence[Any], root: Path, work: Path, force: bool, speed: float | None) -> Iterator[str]:
    """The runs as a table: what is done, what is kept, what each costs if nothing ends it early."""
    from ..training.checkpoint import step_kept
    from ..training.costs import costs
    from ..training.recorded import done

    there, needed = done(runs, root, overwrite=force), costs([run.config for run in runs])
    rows = [("run", "steps", "parameters", "tokens", "FLOP", "")]
    for run, cost in zip(runs, needed, strict=True):
        kept = 0 if run.name in there else step_kept(work / run.name)
        state = "done" if run.name in there else f"{kept:,} steps done" if kept else ""
        steps = f"{run.config.run.steps:,}"
        rows.append((run.name, steps, f"{cost.parameters:,}", f"{cost.tokens:,}", f"{cost.flop:.3g}", state))
    yield from _table(rows)
    left = [cost for run, cost in zip(runs, needed, strict=True) if run.name not in there]
    for words, chosen in ((f"{len(runs)} runs", needed), (f"{len(left)} to run", left)):
        flop = sum(cost.flop for cost in chosen)
        yield f"{words}, {flop:.3g} FLOP" + ("" if speed is None else f", {flop / speed / 3600:.3g} hours")


def _report(outcomes: Sequence[Any]) -> Iterator[str]:
    """What became of the runs, as a table, nats a token; and why some failed."""
    rows = [("run", "", "steps", "training loss", "least validation loss")]
    for outcome in outcomes:
        if outcome.record is None:
            tried = f"failed ({outcome.attempts} attempt{'s' if outcome.attempts > 1 else ''})"
            rows.append((outcome.planned.name, tried, "", "", ""))
            continue
        summary = outcome.record.summary
        least = summary["sets"].get("validation", {}).get("least")
        rows.append(
            (
                outcome.planned.name,
                "done" if outcome.attempts else "done before",
                f"{summary['steps']:,}",
                f"{summary['train']['last']:.4f}",
                "" if least is None else f"{least:.4f}",
            )
        )
    yield from _table(rows)
    for outcome in outcomes:
        if outcome.record is None:
            yield f"{outcome.planned.name}: {outcome.failure}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of equal length as lines: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.ljust(width) if not text[:1].isdigit() or number == 0 else text.rjust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _without_only(given: Sequence[str]) -> list[str]:
    """The arguments without the choice of runs: each record names its own."""
    kept: list[str] = []
    arguments = iter(given)
    for argument in arguments:
        if argument == "--only":
            next(arguments)
        elif not argument.startswith("--only="):
            kept.append(argument)
    return kept
