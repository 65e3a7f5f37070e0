"""`train`: one training run, to a record and a model folder."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .common import PROGRAM, check_writable, folder, natural, new_record, positive, speaks, words

_EXAMPLES = """\
examples:
  a run that the package brings, in seconds:
    beyond-scaling train tiny --name my-run

  another seed and a lower learning rate, and the model itself:
    beyond-scaling train my-run.toml --set run.seed=1 --set optimiser.learning_rate=3e-4 --save my-model

  an OpenELM on a token file (see `beyond-scaling tokens`):
    beyond-scaling train default-model --set data.path=my-tokens --set model.width=256

  on four GPUs (the work folder has to be one that all processes see):
    torchrun --nproc-per-node=4 -m beyond_scaling train my-run.toml --set run.compile=true
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        allow_abbrev=False,
        help="train a vanilla Transformer or an OpenELM",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Train a model as a TOML file says, record the training loss of every step and the losses of\n"
            "the evaluation sets, and write a result record. Interrupted or killed, it goes on where it was\n"
            "when the same command is given again."
        ),
        epilog=_EXAMPLES,
    )
    parser.add_argument("config", metavar="CONFIG", help="a TOML file, or the name of a run that the package brings")
    add_run_options(parser)
    option = parser.add_argument_group("output").add_argument
    option("--name", help="of the record (default: the configuration's name)")
    option("--title", type=words, help="of the record, for readers")
    option("--save", type=folder, metavar="DIR", help="folder for the trained model, as transformers loads it")
    option(
        "--figure",
        type=folder,
        metavar="FILE.html",
        help="page with the losses, readable with no network (default: NAME.html here; `none` for none)",
    )
    add_output_options(option)
    parser.set_defaults(run=_run)


def add_run_options(parser: argparse.ArgumentParser, threads: str = "torch's own choice") -> None:
    """The options of one run or of many alike; `threads` is their default in words."""
    parser.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a value over the file's (may be given again)",
    )
    option = parser.add_argument_group("running").add_argument
    option("--device", default="auto", help="cpu, cuda, cuda:1... (default: auto, the GPU if there is one)")
    option("--threads", type=positive, metavar="N", help=f"of the CPU (default: {threads})")
    option(
        "--checkpoint-minutes",
        type=natural,
        default=5,
        metavar="M",
        help="between checkpoints; 0: whenever losses are looked at (default: 5)",
    )
    option("--keep", type=positive, default=2, metavar="K", help="checkpoints kept (default: 2)")


def add_output_options(option: Any, force: str = "replace a record of the same name") -> None:
    """Where results and work in progress go; `force` says what that option does."""
    option("--out", type=folder, metavar="DIR", help="folder of the records (default: book/results of the checkout)")
    option("--force", action="store_true", help=force)
    option("--work", type=folder, metavar="DIR", help="folder for work in progress (default: in the user's cache)")
    option("--quiet", action="store_true", help="no progress bar")


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..training import config as configuration

    config = configuration.load(options.config, options.values)
    name = options.name or Path(options.config).stem
    root, texts = new_record(name, options.title or f"Training run {name}", given, options.out, options.force)
    if options.save is not None:
        from ..training.run import check_free

        check_free(options.save)
        check_writable("folder of the model", options.save.parent)
    figure = options.figure if options.figure is not None else Path(f"{name}.html")
    if figure != Path("none"):
        if figure.suffix != ".html":
            raise ValueError(f"--figure {figure}: expected a file that ends in .html, or none")
        check_writable("folder of the figure", figure.parent)

    from .. import processes

    with processes.joined(options.device) as device:
        return _train(options, config, device, root, texts, figure)


def _train(
    options: argparse.Namespace, config: Any, device: str, root: Path, texts: dict[str, Any], figure: Path
) -> int:
    import torch

    from .. import processes
    from ..training.loop import Keeping
    from ..training.run import run

    if options.threads:
        torch.set_num_threads(options.threads)
    work = options.work if options.work is not None else work_folder(texts["name"])
    processes.shared(lambda: check_writable("work folder", work))
    with warned():
        record, saved, _ = run(
            config,
            **texts,
            device=device,
            keeping=Keeping(work, float(options.checkpoint_minutes), options.keep),
            root=root,
            save=options.save,
            overwrite=options.force,
            progress=not options.quiet,
            inputs=config_inputs(options.config),
        )
    if speaks():
        print(report(record))
        print(f"record: {saved}")
        if figure != Path("none"):
            from ..figures.training_run import write_page

            write_page(record, figure)
            print(f"figure: {figure}")
    return 0


def report(record: Any) -> str:
    """A run in a few lines."""
    summary = record.summary
    sets = ", ".join(f"{name} {numbers['last']:.4f}" for name, numbers in summary["sets"].items())
    lines = [
        f"{record.title}: {summary['model']['blocks']:,} parameters in its blocks",
        f"{summary['steps']:,} steps, {summary['tokens']:,} tokens, {summary['tokens_per_second']:,.0f} a second;"
        f" ended after {record.parameters['stopped']}",
        f"nats a token: training loss {summary['train']['last']:.4f}, evaluated {sets}",
    ]
    if summary["predictions"]:
        known = ", ".join(f"{name} {value:.4f}" for name, value in summary["predictions"].items())
        lines.append(f"known beforehand: {known}")
    return "\n".join(lines)


def work_folder(name: str, command: str = "train") -> Path:
    """Where a run's checkpoints go by default: it is the run's own, and refused to any other of that name."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / PROGRAM / f"{command}-{name}"


def config_inputs(source: str) -> tuple[dict[str, Any], ...]:
    """The configuration's file as an input; a preset belongs to the package, and is no input."""
    from .. import provenance

    path = Path(source)
    return (provenance.file_input(path),) if path.is_file() else ()


@contextlib.contextmanager
def warned() -> Any:
    """Within, what the training says in passing is a line on stderr, above the bars."""
    import logging

    from tqdm import tqdm

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tqdm.write(self.format(record), file=sys.stderr)

    handler = Lines()
    handler.setFormatter(logging.Formatter(f"{PROGRAM}: %(message)s"))
    logger = logging.getLogger("beyond_scaling.training")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
