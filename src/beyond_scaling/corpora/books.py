"""Books to token files: words by the rules of a corpus or the text as it is, cut into tokens in several processes.

    source = books("books.parquet")
    cut = Cut(rules="spgc", words=180_000_000)
    file = write_tokens(source, "tokens", load_tokenizer("gpt2_bpe"), cut, name="GPT-2's", processes=4)

Documents are cut one by one and written in their order, so the tokens do not depend on the number of processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import provenance
from ..progress import bar
from . import spgc
from .gutenberg import without_header
from .pieces import Encoder
from .spgc_files import spgc_documents
from .text import Documents, documents
from .token_file import TokenFile, writing_tokens

RULES = ("spgc", "plain")
JOINS = {"space": " ", "newline": "\n"}
TRAINED_ON = 100_000_000  # characters; more of them change little in a few thousand merges
BLOCK = 32_000_000  # characters a process is given at a time
FIRST = 4_000_000  # of the first block, which this process cuts alone: others start with what it learnt
FILES = 32  # a manifest names so many inputs one by one


@dataclass(frozen=True)
class Books:
    """A corpus of books. `words`: its documents are words already, one a line."""

    documents: Documents
    words: bool = False


@dataclass(frozen=True)
class Cut:
    """What becomes of a text.

    Attributes:
        rules: "spgc": words as `spgc.words` keeps them, header and footer off; "plain": the text as it is.
        join: of words, before they are cut into tokens: "space" or "newline".
        words: only the first so many of the corpus.
        end_of_text: every document ends with the tokenizer's token for that.
    """

    rules: str = "spgc"
    join: str = "space"
    words: int | None = None
    end_of_text: bool = True

    def __post_init__(self) -> None:
        if self.rules not in RULES:
            raise ValueError(f"rules {self.rules!r}: expected {' or '.join(RULES)}")
        if self.join not in JOINS:
            raise ValueError(f"join {self.join!r}: expected {' or '.join(JOINS)}")
        if self.rules == "plain" and self.join != "space":
            raise ValueError(f"join {self.join!r}: a plain text stays as it is; words are joined with rules spgc only")
        if self.words is not None and self.words < 1:
            raise ValueError(f"words {self.words}: expected at least 1")


def books(
    spec: str | os.PathLike[str],
    *,
    column: str = "text",
    split: str = "train",
    limit: int | None = None,
    language: str | None = None,
) -> Books:
    """The corpus called `spec`: all that `corpora.documents` takes, or token files of SPGC (`PGn_tokens.txt`).

    Args:
        language: of SPGC's token files only those whose metadata.csv says so, such as "en".

    Raises:
        ValueError: as `documents`, an empty file, or a language without metadata.
    """
    found = spgc_documents(spec, limit=limit, language=language)
    words = found is not None
    if found is None:
        if language is not None:
            raise ValueError(f"language {language!r}: only SPGC's token files (PGn_tokens.txt) have metadata for that")
        found = documents(spec, column=column, split=split, limit=limit)
    for path in found.files:
        if not path.stat().st_size:
            raise ValueError(f"{path.name}: is empty")
    return Books(found, words)


class Cutter:
    """Cuts documents as `Cut` says; goes to other processes whole."""

    def __init__(self, cut: Cut, encoder: Encoder, end: int | None, words: bool) -> None:
        self.cut, self.encoder, self.end, self.ready = cut, encoder, end, words

    def __call__(self, texts: list[str]) -> dict[str, list[Any]]:
        """For `datasets`: the tokens of each text as bytes, and how many words it has."""
        found = [self.document(text) for text in texts]
        return {"tokens": [tokens.tobytes() for tokens, _ in found], "words": [words for _, words in found]}

    def document(self, text: str, words: int | None = None) -> tuple[np.ndarray, int]:
        """Tokens (t,) of a document, of its first `words` words if so many are given, and the number of its words."""
        if self.cut.rules == "plain":
            if words is not None:
                text = _first_words(text, words)
            tokens, count = self.encoder.text(text), len(text.split())
        else:
            groups = _groups(text, self.ready)
            if words is not None:
                groups = " ".join(groups).split()[:words]
            tokens, count = self.encoder.words(groups, JOINS[self.cut.join]), spgc.count(groups)
        if self.end is not None and len(tokens):
            tokens = np.append(tokens, self.encoder.dtype.type(self.end))
        return tokens, count


def _groups(text: str, ready: bool) -> list[str]:
    """The words that the rules keep of a document, as `spgc.groups` gives them."""
    return text.split() if ready else spgc.groups(without_header(text))


def training_texts(source: Books, cut: Cut, characters: int = TRAINED_ON) -> Iterator[str]:
    """The first texts as the tokenizer will see them, some `characters` of them: to train it on."""
    left, words = characters, cut.words
    for text in source.documents:
        if cut.rules == "plain":
            found = text if words is None else _first_words(text, words)
            count = len(found.split()) if words is not None else 0
        else:
            kept = " ".join(_groups(text, source.words)).split()[:words]
            found, count = JOINS[cut.join].join(kept), len(kept)
        yield found[:left]
        left -= len(found)
        words = None if words is None else words - count
        if left <= 0 or words == 0:
            return


def write_tokens(
    source: Books,
    folder: str | os.PathLike[str],
    tokenizer: Any,
    cut: Cut | None = None,
    *,
    name: str,
    processes: int = 1,
    replace: bool = False,
    progress: bool = False,
) -> TokenFile:
    """Cut a corpus into a token file, in several processes of `datasets`.

    Args:
        tokenizer: a fast one of transformers (`load_tokenizer`, `train_tokenizer`), saved with the tokens. name: what
            the manifest calls it. processes: the tokens are the same with any number.

    Raises:
        ValueError: a text that cannot be read, no words in it, fewer than `cut.words`, an end of text that the
            tokenizer does not have, a folder that is not to be replaced. TokenFileError: a full disk.
    """
    cut = cut or Cut()
    if processes < 1:
        raise ValueError(f"processes {processes}: expected at least 1")
    end = tokenizer.eos_token_id if cut.end_of_text else None
    if cut.end_of_text and end is None:
        raise ValueError("the tokenizer has no token for the end of a text; expected end_of_text=False")
    cutter = Cutter(cut, Encoder(tokenizer), end, source.words)
    counts = {"documents": 0, "words": 0, "bytes": 0}
    with writing_tokens(folder, len(tokenizer), replace=replace) as writer, _one_thread():
        tokenizer.save_pretrained(writer.folder)
        digest = hashlib.sha256()
        for tokens, words, data in _documents(source, cutter, processes, progress):
            writer.append(tokens)
            counts["documents"] += 1
            counts["words"] += words
            counts["bytes"] += len(data)
            if source.documents.dataset:
                digest.update(data + b"\0")
        if not writer.count:
            raise ValueError(f"{source.documents.name}: no words: the rules keep nothing of it")
        if cut.words is not None and counts["words"] < cut.words:
            raise ValueError(f"{source.documents.name}: has {counts['words']:,} words, fewer than {cut.words:,}")
        text = {
            "rules": cut.rules,
            "words_joined_by": JOINS[cut.join] if cut.rules == "spgc" else None,
            "words_already": source.words,
            "end_of_document": None if end is None else {"token": tokenizer.eos_token, "id": end},
            "first_words": cut.words,
            **counts,
        }
        inputs = _inputs(source, counts["documents"], counts["bytes"], digest.hexdigest())
        writer.describe(text=text, tokenizer=name, inputs=inputs)
    return TokenFile.open(folder)


def _documents(
    source: Books, cutter: Cutter, processes: int, progress: bool
) -> Iterator[tuple[np.ndarray, int, bytes]]:
    """Tokens, number of words and text (UTF-8) of every document, up to the last word that is asked for."""
    left = cutter.cut.words
    total, unit = (source.documents.about_bytes() or None, "B") if left is None else (left, " words")
    with bar(show=progress, total=total, desc="tokens", unit=unit, unit_scale=True) as shown:
        for block in _blocks(source.documents, BLOCK * processes):
            for text, (tokens, words) in zip(block, _cut_block(block, cutter, processes), strict=True):
                if left is not None and words > left:
                    tokens, words = cutter.document(text, left)
                data = text.encode("utf-8", "surrogatepass")
                yield tokens, words, data
                shown.update(len(data) if left is None else words)
                if left is not None:
                    left -= words
                    if not left:
                        return


def _cut_block(block: list[str], cutter: Cutter, processes: int) -> Iterator[tuple[np.ndarray, int]]:
    from datasets import Dataset, Features, Value

    few = sum(map(len, block)) <= FIRST or len(block) == 1
    with _workers():
        mapped = Dataset.from_dict({"text": block}, Features({"text": Value("large_string")})).map(
            cutter,
            input_columns=["text"],
            remove_columns=["text"],
            features=Features({"tokens": Value("large_binary"), "words": Value("int64")}),
            batched=True,
            batch_size=16,
            num_proc=None if processes == 1 or few else min(processes, len(block)),
            keep_in_memory=True,
            load_from_cache_file=False,
            new_fingerprint="tokens",
        )
    for row in mapped:
        yield np.frombuffer(row["tokens"], dtype=cutter.encoder.dtype), row["words"]


def _blocks(texts: Iterable[str], characters: int) -> Iterator[list[str]]:
    """Texts together, as many as make up so many characters; the first block is of `FIRST`."""
    block: list[str] = []
    size, most = 0, FIRST
    for text in texts:
        if block and size + len(text) > most:
            yield block
            block, size, most = [], 0, characters
        block.append(text)
        size += len(text)
    if block:
        yield block


def _first_words(text: str, words: int) -> str:
    parts = text.split(None, words)
    return text if len(parts) <= words else text[: len(text) - len(parts[words])].rstrip()


def _inputs(source: Books, documents: int, size: int, sha256: str) -> Sequence[dict[str, Any]]:
    """What was read: the files, many of them together by a hash of their names and hashes, or a dataset's text."""
    found = source.documents
    if found.dataset:
        name = f"{found.name} ({found.dataset[2]}, text of {documents} documents)"
        return [{"name": name, "sha256": sha256, "bytes": size}]
    # of SPGC's tens of thousands of files only those that were read are hashed, and only now
    inputs = [*map(provenance.file_input, found.files[:documents])] if source.words else found.inputs
    if len(inputs) <= FILES:
        return inputs
    lines = "".join(f"{item['sha256']}  {item['name']}\n" for item in inputs)
    return [
        {
            "name": f"{found.name} ({len(inputs)} files, text of {documents} documents)",
            "sha256": hashlib.sha256(lines.encode()).hexdigest(),
            "bytes": sum(item["bytes"] for item in inputs),
        }
    ]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Within, tokenizers makes no threads (processes do the work, and a fork does not bear them); datasets is quiet."""
    import datasets

    before, shown = os.environ.get("TOKENIZERS_PARALLELISM"), datasets.is_progress_bar_enabled()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
        if before is None:
            os.environ.pop("TOKENIZERS_PARALLELISM", None)
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before


_forks_are_workers = False
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


@contextlib.contextmanager
def _workers() -> Iterator[None]:
    """Within, processes that are forked leave Ctrl-C to this one, and end at SIGTERM, with which it ends them.

    Raises:
        ValueError: one of them was killed.
    """
    import multiprocess  # type: ignore[import-untyped]  # what datasets starts processes with

    global _forks_are_workers
    _forks_are_workers = True
    before = set(multiprocess.active_children())
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:  # datasets ends its processes with errors of its own
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            cause = cause.__context__
        if isinstance(error, RuntimeError) and "subprocesses" in str(error):
            raise ValueError("a process that cut text was killed (out of memory?); try fewer processes") from error
        raise
    finally:
        _forks_are_workers = False
        for left in set(multiprocess.active_children()) - before:  # an interruption while they were started
            left.terminate()
            left.join()


def _in_a_fork() -> None:
    if not _forks_are_workers:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":  # end with this process even if it is killed: they hold the lock of its folder too
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_in_a_fork)
