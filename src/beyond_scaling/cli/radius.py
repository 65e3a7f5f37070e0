"""`radius`: nearest-neighbour distances of a language model's activations."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import results
from .common import (
    PROGRAM,
    check_writable,
    folder,
    fraction,
    natural,
    new_record,
    positive,
    speaks,
    terminable,
    words,
)

PRESETS: dict[str, dict[str, Any]] = {
    # Appendix F.1; 400,000 documents are a twentieth of OpenWebText, drawn from all over it
    "paper": {
        "model": "openai-community/gpt2-medium",
        "text": "Skylion007/openwebtext",
        "chunks": 100_000,
        "length": 256,
        "documents": 400_000,
        "name": "radius-gpt2-medium",
        "title": "Nearest-neighbour distances of GPT-2 medium on OpenWebText",
    },
}
DEFAULTS: dict[str, Any] = {"chunks": 10_000, "length": 256, "documents": None}
BOX: dict[str, Any] = {"chunks": 2_000, "length": 64}  # of the text in the box, which is short
BOX_NAME, BOX_RESULTS = "radius-default", "results"  # of a run on model and text in the box
CONTROLS = ("gaussian", "untrained", "shuffled", "rescaled")  # as in radius.settings, which is not loaded for --help
_EXAMPLES = """\
examples:
  nothing at hand: the small model and the short book that come with the package, in seconds:
    beyond-scaling radius
    beyond-scaling radius --layers all --controls all --name radius-all

  a model folder and a text of your own:
    beyond-scaling radius --model my-model --text prose.txt --chunks 20000

  every layer, and every control that tells structure from noise:
    beyond-scaling radius --model my-model --text corpus.parquet --layers all --controls all

  the paper's setting, on a machine with a GPU and a way to the hub:
    beyond-scaling radius --preset paper --dtype bfloat16 --controls all

  the same on four GPUs (the work folder has to be one that all processes see):
    torchrun --nproc-per-node=4 -m beyond_scaling radius --preset paper --dtype bfloat16

  afterwards: is the record sound, and are its inputs still the same?
    beyond-scaling verify radius-my-model --data the/folder/of/the/inputs
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "radius",
        allow_abbrev=False,
        help="nearest-neighbour distances of a language model's activations",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=(
            f"{PROGRAM} radius [--model MODEL] [--text TEXT] [options]\n"
            f"       {PROGRAM} radius --preset paper [options]"
        ),
        description=(
            "Take random chunks of text, record the activation for the next token of each, before and\n"
            "after the final norm and at any layer, compute every vector's exact distance to its nearest\n"
            "other one in nested random subsets, measure controls in the same way, print a report and\n"
            "write a result record. Interrupted or killed, it goes on where it was when the same command\n"
            "is given again."
        ),
        epilog=_EXAMPLES,
    )
    _model_options(parser)
    _text_options(parser)
    _measuring_options(parser)
    _output_options(parser)
    parser.set_defaults(run=_run)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        help="paper: GPT-2 medium on OpenWebText, 100,000 chunks of 256 tokens; further options override it",
    )
    option = parser.add_argument_group("model").add_argument
    option(
        "--model",
        metavar="MODEL",
        help="hub id, folder, or llama2.c .bin; weights as safetensors (default: the one in the box, an OpenELM of"
        " 440,288 parameters trained on public-domain books)",
    )
    option("--tokenizer", metavar="T", help="hub id, folder, or llama2.c tokenizer .bin (default: the model's own)")
    option(
        "--dtype",
        default="float32",
        choices=("float32", "bfloat16", "float16"),
        help="of the model (default: float32)",
    )
    option("--device", default="auto", help="cpu, cuda, cuda:1... (default: auto, the GPU if there is one)")


def _text_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument_group("text").add_argument
    option(
        "--text",
        metavar="TEXT",
        help="plain or Parquet file, folder of them, or dataset id[:configuration], which is streamed (default: the"
        " one in the box, Abbott's Flatland)",
    )
    option("--column", default="text", help="where the text is in Parquet files and datasets (default: text)")
    option("--split", default="train", help="of a dataset (default: train)")
    option(
        "--documents",
        type=positive,
        metavar="N",
        help="read N documents at most (a dataset is then shuffled first)",
    )
    option(
        "--chunks",
        type=positive,
        metavar="K",
        help=f"how many random chunks (default: {DEFAULTS['chunks']:,}; from the text in the box {BOX['chunks']:,})",
    )
    option(
        "--length",
        type=positive,
        metavar="L",
        help=f"tokens in a chunk (default: {DEFAULTS['length']}; from the text in the box {BOX['length']})",
    )
    option("--seed", type=natural, default=0, help="of the chunks, the subsets and the controls (default: 0)")


def _measuring_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument_group("measuring").add_argument
    option(
        "--layers",
        type=_layers,
        metavar="K,...",
        help="also what enters the first block (0) and leaves block K; `all` for every one (default: only"
        " before and after the final norm)",
    )
    option(
        "--fractions",
        type=fraction,
        nargs="+",
        metavar="F",
        help="of the vectors (default: 0.4 0.6 0.8 1.0)",
    )
    option(
        "--batch-size",
        type=_batch,
        metavar="B",
        help="chunks at a time, or `auto`, what suits the memory (default: auto)",
    )
    option = parser.add_argument_group(
        "controls",
        "gaussian: as many vectors from the Gaussian of the same mean and covariance; untrained: new\n"
        "weights; shuffled: the tokens of every chunk in random order; rescaled: the same function with\n"
        "the final norm's gain doubled.",
    ).add_argument
    option(
        "--controls",
        type=_controls,
        nargs="?",
        const=CONTROLS,
        default=("gaussian",),
        metavar="NAME,...",
        help="some of them, `all` (also if no name follows) or `none` (default: gaussian)",
    )
    option("--no-controls", dest="controls", action="store_const", const=(), help="the same as --controls none")


def _output_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument_group("output").add_argument
    option("--name", help=f"of the record (default: radius-<model>; for model and text in the box {BOX_NAME})")
    option("--title", type=words, help="of the record, for readers")
    option(
        "--out",
        type=folder,
        metavar="DIR",
        help="folder of the records (default: book/results of the checkout; for model and text in the box"
        f" ./{BOX_RESULTS})",
    )
    option("--force", action="store_true", help="replace a record of the same name")
    option("--work", type=folder, metavar="DIR", help="folder for work in progress (default: in the user's cache)")
    option("--quiet", action="store_true", help="no progress bars")


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    chosen = _chosen(options)
    name = chosen["name"]
    # a title for now: what the record's name, folder and command can be refused for is refused first
    root, texts = new_record(name, chosen.get("title") or name, given, chosen.get("out"), options.force)

    from .. import processes
    from ..radius.settings import FRACTIONS, Settings

    settings = Settings(
        chunks=chosen["chunks"],
        length=chosen["length"],
        seed=options.seed,
        batch_size=options.batch_size or None,
        fractions=tuple(chosen.get("fractions") or FRACTIONS),
        layers=options.layers,
        controls=options.controls,
    )
    _quiet_libraries()
    with terminable(), processes.joined(options.device) as device:
        return _measure(options, chosen, settings, device, root, texts)


def _chosen(options: argparse.Namespace) -> dict[str, Any]:
    """What is measured: what is asked for, over the preset, over what is in the box, over the defaults."""
    from ..corpora.default import default_text
    from ..models.default import default_model

    given = {key: value for key, value in vars(options).items() if value is not None}
    preset = PRESETS.get(options.preset, {})
    if {"model", "text"} & set(given):  # then its name and title would tell of another measurement
        preset = {key: value for key, value in preset.items() if key not in ("name", "title")}
    asked = {**preset, **given}
    for key in ("model", "text"):
        if asked.get(key) == "":  # such as a shell variable that is not set
            raise ValueError(f"--{key} is empty; expected a name (left out, it is the one in the box)")
    if "tokenizer" in asked and "model" not in asked:
        raise ValueError("--tokenizer goes with --model: the model in the box has its own")
    box: dict[str, Any] = {}
    if "text" not in asked:
        box |= {"text": str(default_text()), **BOX}
    if "model" not in asked:
        box |= {"model": str(default_model())}
    if {"model", "text"} <= set(box):
        box |= {"name": BOX_NAME}
        if not os.environ.get(results.ROOT_VARIABLE):
            box |= {"out": Path(BOX_RESULTS)}  # a trial, which has no place among the book's records
    chosen = {**DEFAULTS, **box, **asked}
    return {"name": record_name(chosen["model"])} | chosen


def _measure(
    options: argparse.Namespace,
    chosen: dict[str, Any],
    settings: Any,
    device: str,
    root: Path,
    texts: dict[str, str],
) -> int:
    from .. import processes
    from ..corpora import documents
    from ..durable import held
    from ..models.load import load_model
    from ..radius import measure
    from ..radius.activations import Interrupted
    from ..radius.report import report

    source, loaded = processes.together(
        lambda: (
            documents(
                chosen["text"],
                column=options.column,
                split=options.split,
                limit=chosen["documents"],
                seed=options.seed,
            ),
            load_model(chosen["model"], options.tokenizer, options.dtype, device),
        )
    )
    if not chosen.get("title"):
        texts = {**texts, "title": f"Nearest-neighbour distances of {loaded.name} on {source.name}"}
        results.refuse_paths(title=texts["title"])
    work = options.work if options.work is not None else _work_folder(texts["name"], loaded, source, settings)
    processes.shared(lambda: check_writable("work folder", work))

    def save() -> Path:
        try:
            return results.save(record, root, overwrite=options.force)
        except results.RecordError as error:
            raise results.RecordError(f"{error}; what was measured is kept in {work}") from error

    with contextlib.ExitStack() as stack:
        processes.shared(lambda: stack.enter_context(held(work)))  # of several processes the first holds it for all
        try:
            record = measure.measure_radius(loaded, source, settings, **texts, work=work, progress=not options.quiet)
            saved = processes.shared(save)
        except KeyboardInterrupt as stop:
            some = work.is_dir() and any(work.iterdir())
            kept = f"the same command goes on from there (kept in {work})" if some else "nothing was kept"
            where = str(stop) if isinstance(stop, Interrupted) else "before or after the model ran"
            raise KeyboardInterrupt(f"{where}; {kept}") from None
        processes.shared(lambda: measure.clear_work(work))
    if speaks():
        print(report(record))
        print(f"record: {saved}")
    return 0


def record_name(model: str) -> str:
    """`radius-` and the last part of the model's name; what follows a dot is no suffix in `opt-1.3b`."""
    last = Path(model).name.lower().removesuffix(".bin")
    return "radius-" + re.sub(r"[^a-z0-9._-]+", "-", last).strip("-._")


def _work_folder(name: str, loaded: Any, source: Any, settings: Any) -> Path:
    """One folder for each set of inputs and settings, so that different runs of one name never meet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parts = [
        loaded.inputs,
        str(loaded.model.dtype),
        source.identity,
        settings.chunks,
        settings.length,
        settings.seed,
        settings.layers,
        settings.fractions,
    ]
    return cache / PROGRAM / f"{name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def _quiet_libraries() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


# --- types of options -------------------------------------------------------------------------------------


def _layers(text: str) -> tuple[int, ...] | str:
    if text == "all":
        return text
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: expected `all` or whole numbers such as 0,3,6")
    return tuple(int(part) for part in parts)


def _controls(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return CONTROLS if text == "all" else ()
    chosen = text.split(",")
    if unknown := [name for name in chosen if name not in CONTROLS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}: expected all, none, or some of {','.join(CONTROLS)}")
    return tuple(chosen)


def _batch(text: str) -> int:
    return 0 if text == "auto" else positive(text)
