"""`tokens`: a corpus of books to a token file, to train on."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .common import PROGRAM, check_writable, folder, positive, terminable

_EXAMPLES = """\
examples:
  words by SPGC's rules and GPT-2's tokenizer, the paper's first 180 million words:
    beyond-scaling tokens SPGC-tokens --out books-spgc --tokenizer openai-community/gpt2 --words 180,000,000

  the same rules over books of your own, with a tokenizer of 4,096 entries trained on them:
    beyond-scaling tokens my-books --out my-tokens --tokenizer train:4096 --processes 4

  the text as it is, punctuation and all:
    beyond-scaling tokens books.parquet --out plain --rules plain --tokenizer train:1024

  then train on it:
    beyond-scaling train default-model --set data.path=plain
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "tokens",
        allow_abbrev=False,
        help="books to a token file, to train on",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"{PROGRAM} tokens SOURCE --out FOLDER --tokenizer TOKENIZER [options]",
        description=(
            "Cut books into tokens: words as the Standardized Project Gutenberg Corpus keeps them, or the\n"
            "text as it is, by GPT-2's BPE, any other fast tokenizer, or one trained here. Writes a folder\n"
            "with the tokens as a memory map, a manifest that says where they come from, and the tokenizer.\n"
            "It is there once it is whole: a run that is interrupted or killed leaves no token file."
        ),
        epilog=_EXAMPLES,
    )
    option = parser.add_argument
    option(
        "source",
        metavar="SOURCE",
        help="plain or Parquet file, folder of them, SPGC's PGn_tokens.txt or a folder of them, or dataset"
        " id[:configuration]",
    )
    option = parser.add_argument_group("text").add_argument
    option("--column", default="text", help="where the text is in Parquet files and datasets (default: text)")
    option("--split", default="train", help="of a dataset (default: train)")
    option("--language", metavar="CODE", help="of SPGC's books, as metadata.csv has it, such as en (default: any)")
    option("--documents", type=positive, metavar="N", help="read N documents at most")
    option("--words", type=positive, metavar="N", help="the first N words (the paper: 180,000,000; default: all)")
    option = parser.add_argument_group("rules").add_argument
    option(
        "--rules",
        default="spgc",
        choices=("spgc", "plain"),
        help="spgc: words of letters in lower case, Gutenberg's header and footer off; plain: the text as it is"
        " (default: spgc)",
    )
    option(
        "--join",
        default="space",
        choices=("space", "newline"),
        help="what stands between words before they are cut into tokens (default: space)",
    )
    option("--no-end-of-text", action="store_true", help="no token for the end of a text after each document")
    option = parser.add_argument_group("tokenizer").add_argument
    option(
        "--tokenizer",
        required=True,
        metavar="TOKENIZER",
        help="train:N, a byte-level BPE of N entries trained on this text; or a folder (tokenizer.json, or vocab.json"
        " and merges.txt), a tokenizer.json, or a hub id",
    )
    option(
        "--train-on",
        type=positive,
        default=100,
        metavar="M",
        help="train a tokenizer on the first M million characters (default: 100)",
    )
    option = parser.add_argument_group("output").add_argument
    option("--out", type=folder, required=True, metavar="FOLDER", help="of the token file")
    option("--force", action="store_true", help="replace a token file that is there")
    option("--processes", type=positive, default=1, metavar="K", help="the tokens are the same with any (default: 1)")
    option("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    from ..corpora.token_file import refuse

    size = _trained_size(options.tokenizer)
    refuse(options.out, replace=options.force)
    check_writable("folder", options.out.parent)
    _quiet_libraries()
    from ..corpora.books import Cut, books, write_tokens
    from ..corpora.tokenizer import load_tokenizer

    cut = Cut(options.rules, options.join, options.words, not options.no_end_of_text)
    with terminable():
        try:
            tokenizer, name = (None, "") if size else (load_tokenizer(options.tokenizer), _name(options.tokenizer))
            source = books(
                options.source,
                column=options.column,
                split=options.split,
                limit=options.documents,
                language=options.language,
            )
            if size:
                tokenizer, name = _trained(source, cut, size, options)
            start = time.perf_counter()
            file = write_tokens(
                source,
                options.out,
                tokenizer,
                cut,
                name=name,
                processes=options.processes,
                replace=options.force,
                progress=not options.quiet,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("no token file was written; the same command starts again") from None
    seconds = time.perf_counter() - start
    text = file.manifest["text"]
    print(f"{source.documents.name}: {text['documents']:,} documents, {text['words']:,} words, {text['bytes']:,} bytes")
    print(
        f"{len(file.tokens):,} tokens of a vocabulary of {file.vocabulary:,}, {len(file.tokens) / text['words']:.3f} a"
        f" word; {len(file.validation()):,} held out; {text['bytes'] / seconds / 1e6:.1f} MB of text a second"
    )
    print(f"token file: {options.out}")
    return 0


def _trained(source: Any, cut: Any, size: int, options: argparse.Namespace) -> tuple[Any, str]:
    """A tokenizer of that size trained on the first text, and what to call it."""
    from ..corpora.books import training_texts
    from ..corpora.tokenizer import train_tokenizer
    from ..progress import bar

    with bar(show=not options.quiet, desc="tokenizer", unit=" characters", unit_scale=True) as shown:
        read = 0

        def texts() -> Iterator[str]:
            nonlocal read
            for text in training_texts(source, cut, options.train_on * 1_000_000):
                yield text
                read += len(text)
                shown.update(len(text))

        tokenizer = train_tokenizer(texts(), size)
        return tokenizer, f"byte-level BPE of {size}, trained on the first {read:,} characters"


def _trained_size(spec: str) -> int | None:
    """The vocabulary of `train:N`, None of anything else."""
    kind, colon, number = spec.partition(":")
    if kind != "train" or not colon:
        return None
    try:
        return positive(number)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"--tokenizer {spec}: {error}; expected such as train:4096") from None


def _name(spec: str) -> str:
    """What to call a tokenizer: no path of this machine."""
    return Path(spec).expanduser().resolve().name if Path(spec).expanduser().exists() else spec


def _quiet_libraries() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
