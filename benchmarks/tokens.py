"""Books to a token file: ours beside plain ways with Hugging Face datasets and tokenizers, in one run, on one core.

Run: ``python benchmarks/tokens.py``, on made text; ``--text FILE_OR_FOLDER`` on books of your own, ``--megabytes`` of
them. ``--tokenizer`` as for ``beyond-scaling tokens`` (default: trained on the text, 4,096 entries).

Every way has to end with the tokens on disk. "plain" takes the text as it is; "spgc" keeps words of letters in lower
case, where the plain ways split words from signs by a regular expression and ask `str.isalpha` word by word, which is
less than SPGC's rules. Ways take turns, round by round; seconds are medians of CPU time, so that other work on the
machine counts little. "first": what the first round took, in which ours knows no word yet. "same": whether a way's
tokens are ours, of the plain text.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import datasets
import numpy as np

from beyond_scaling.corpora import pieces, spgc
from beyond_scaling.corpora.books import Books, Cut, training_texts, write_tokens
from beyond_scaling.corpora.text import Documents, documents
from beyond_scaling.corpora.tokenizer import load_tokenizer, train_tokenizer

WORD = re.compile(r"\w+|[^\w\s]")


def made_text(megabytes: float, seed: int = 0) -> list[str]:
    """Books of made words: as few different ones as in English (Zipf's law), with its punctuation."""
    generator = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    share = 1 / np.arange(3, 29)
    lengths = 1 + generator.poisson(1 + np.log10(np.arange(1, 100_001)))
    names = ["".join(generator.choice(letters, size=length, p=share / share.sum())) for length in lengths]
    vocabulary = np.array(names)
    signs = np.array([*[" "] * 40, *[", "] * 4, *[". "] * 2, ".\n\n", "; ", "--", "'s ", "n't ", '," '])
    books = []
    for _ in range(max(1, round(2 * megabytes))):
        ranks = np.minimum(generator.zipf(1.15, size=90_000) - 1, len(vocabulary) - 1)
        book = np.char.add(vocabulary[ranks], generator.choice(signs, size=len(ranks)))
        books.append("".join(book.tolist()))
    return books


def some_text(source: str, megabytes: float) -> list[str]:
    texts, left = [], megabytes * 1e6
    for text in documents(source):
        texts.append(text)
        left -= len(text)
        if left <= 0:
            break
    return texts


class Held(Documents):
    """Texts that are at hand already."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__("texts", {}, inputs=({"name": "texts", "sha256": "0" * 64, "bytes": 0},))
        self.texts = texts

    def __iter__(self) -> Any:
        return iter(self.texts)


def ours(texts: list[str], tokenizer: Any, rules: str, place: Path) -> np.ndarray:
    file = write_tokens(Books(Held(texts)), place / "ours", tokenizer, Cut(rules), name="any", replace=True)
    return np.array(file.tokens)


def words(text: str) -> str:
    return " ".join(word.lower() for word in WORD.findall(text) if word.isalpha())


def one_by_one(texts: list[str], tokenizer: Any, rules: str, place: Path) -> np.ndarray:
    """datasets.map with a function of one document."""

    def cut(row: dict[str, Any]) -> dict[str, Any]:
        text = words(row["text"]) if rules == "spgc" else row["text"]
        return {"tokens": [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]}

    return _mapped(texts, cut, place)


def in_batches(texts: list[str], tokenizer: Any, rules: str, place: Path) -> np.ndarray:
    """datasets.map with a function of a batch, which tokenizers cuts together."""

    def cut(rows: dict[str, Any]) -> dict[str, Any]:
        text = [words(text) for text in rows["text"]] if rules == "spgc" else rows["text"]
        return {"tokens": [[*tokens, tokenizer.eos_token_id] for tokens in tokenizer(text)["input_ids"]]}

    return _mapped(texts, cut, place, batched=True, batch_size=16)


def _mapped(texts: list[str], cut: Callable[..., Any], place: Path, **options: Any) -> np.ndarray:
    data = datasets.Dataset.from_dict({"text": texts})
    data = data.map(cut, remove_columns=["text"], load_from_cache_file=False, new_fingerprint="peer", **options)
    data = data.with_format("numpy")
    with (place / "peer.bin").open("wb") as file:
        for row in data:
            row["tokens"].astype(np.uint16).tofile(file)
    return np.fromfile(place / "peer.bin", dtype=np.uint16)


WAYS: dict[str, Callable[..., np.ndarray]] = {
    "ours": ours,
    "datasets.map, batches": in_batches,
    "datasets.map, one by one": one_by_one,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Books to a token file: ours beside plain ways.")
    parser.add_argument("--text", help="plain or Parquet file, or folder of them (default: made text)")
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--tokenizer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="WAY", choices=list(WAYS), help="only these ways")
    options = parser.parse_args()
    datasets.disable_progress_bars()
    texts = some_text(options.text, options.megabytes) if options.text else made_text(options.megabytes)
    size = sum(len(text.encode()) for text in texts) / 1e6
    if options.tokenizer:
        tokenizer = load_tokenizer(options.tokenizer)
    else:
        tokenizer = train_tokenizer(training_texts(Books(Held(texts)), Cut("plain"), 10_000_000), 4096)
    print(f"{len(texts)} documents, {size:.1f} MB; vocabulary {len(tokenizer):,}; one core")
    print(f"{'rules':8s}{'way':28s}{'seconds':>9s}{'MB/s':>8s}{'first MB/s':>12s}{'speed':>8s}{'same':>7s}")
    with tempfile.TemporaryDirectory() as folder:
        for rules in ("spgc", "plain"):
            ways = {name: way for name, way in WAYS.items() if not options.only or name in options.only}
            spent: dict[str, list[float]] = {name: [] for name in ways}
            found: dict[str, np.ndarray] = {}
            spgc._kept.clear()
            pieces._known.clear()
            for _ in range(options.rounds):
                for name, way in ways.items():
                    call = partial(way, texts, tokenizer, rules, Path(folder))
                    start = time.process_time()
                    found[name] = call()
                    spent[name].append(time.process_time() - start)
            slowest = statistics.median(spent[list(ways)[-1]])
            for name, seconds in spent.items():
                same = (
                    "" if rules == "spgc" else "yes" if np.array_equal(found[name], found[next(iter(ways))]) else "no"
                )
                median = statistics.median(seconds)
                print(
                    f"{rules:8s}{name:28s}{median:9.2f}{size / median:8.2f}{size / seconds[0]:12.2f}"
                    f"{slowest / median:8.2f}{same:>7s}",
                    flush=True,
                )
    print("speed: times that of the last way; first: the first round alone")


if __name__ == "__main__":
    main()
