"""Random chunks of exactly L tokens, every place of the corpus equally likely.

A place is a run of L tokens inside one document. There are two ways to draw K of them, both uniform without
replacement and both set by the seed alone, but not the same places:

one pass
    Each place of the corpus draws a number, and the K places with the least numbers are taken. Every document is
    read and cut into tokens. Document i draws from its own generator, seeded by (seed, i).
random access
    Only documents that are drawn are cut into tokens (`slots.py`). It needs documents that can be had by number,
    which those of local files can, and pays where the corpus is large and K small.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..progress import bar
from .encoding import Encoder, encoded
from .slots import ByNumber, draw, share_read

ONE_PASS, RANDOM_ACCESS = "one pass", "random access"
LARGE = 1 << 28  # bytes of text; less is read in one pass, within minutes
SHARE = 0.5  # of the text; where random access would cut more of it into tokens, one pass does as well


@dataclass(frozen=True)
class Chunks:
    """K chunks of L tokens by document and place: `tokens` (K, L), `document` (K,), `offset` (K,) in tokens.

    `documents`, `corpus_tokens` and `places` count what they were drawn from, and `method` says how ("one pass" or
    "random access"). By random access not everything was cut into tokens: then `corpus_tokens` and `places` are None,
    and `tokens_estimate` is an estimate of the corpus' tokens, of standard error `tokens_error` (None otherwise).
    """

    tokens: np.ndarray
    document: np.ndarray
    offset: np.ndarray
    documents: int
    corpus_tokens: int | None
    places: int | None
    method: str = ONE_PASS
    tokens_estimate: float | None = None
    tokens_error: float | None = None


def random_chunks(
    documents: Iterable[str],
    tokenizer: Encoder,
    count: int,
    length: int,
    seed: int = 0,
    *,
    method: str = "auto",
    progress: bool = False,
) -> Chunks:
    """`count` chunks of exactly `length` tokens, uniformly at random, never crossing documents.

    Documents are encoded without special tokens. Two chunks may overlap but never begin at the same place. They come
    in the order of (document, offset). With one seed and one method, more chunks are those of fewer and others.

    Args:
        method: "one pass", "random access", or "auto": by random access if the documents can be had by number, are
            more than 256 MiB of text, and less than half of it is expected to be cut into tokens; in one pass
            otherwise. That depends on the corpus, `count` and `length` alone. Where random access finds places too
            rare (under one in 64 slots), or a document of more tokens than bytes, one pass takes its place, and
            `method` of the result says so.

    Raises:
        ValueError: count or length under 1, an unknown method, random access to documents without numbers, or a
            corpus with fewer than `count` places, saying how many it has.
    """
    if count < 1 or length < 1:
        raise ValueError(f"count {count}, length {length}: expected at least 1")
    if method not in ("auto", ONE_PASS, RANDOM_ACCESS):
        raise ValueError(f"method {method!r}: expected auto, {ONE_PASS} or {RANDOM_ACCESS}")
    source = documents if isinstance(documents, ByNumber) and documents.by_number else None
    if method == RANDOM_ACCESS and source is None:
        raise ValueError(f"method {method!r}: these documents cannot be had by number; expected those of local files")
    if source is not None and (method == RANDOM_ACCESS or (method == "auto" and source.about_bytes() >= LARGE)):
        sizes = source.sizes(progress=progress)
        large = sizes.sum() >= LARGE and share_read(sizes, count, length) < SHARE
        if method == RANDOM_ACCESS or large:
            drawn = draw(source, sizes, tokenizer, count, length, seed, progress=progress)
            if drawn is not None:
                order = np.lexsort((drawn.offset, drawn.document))
                return Chunks(
                    tokens=drawn.tokens[order],
                    document=drawn.document[order],
                    offset=drawn.offset[order],
                    documents=len(sizes),
                    corpus_tokens=None,
                    places=None,
                    method=RANDOM_ACCESS,
                    tokens_estimate=drawn.estimate,
                    tokens_error=drawn.error,
                )
    return _one_pass(documents, tokenizer, count, length, seed, progress)


def _one_pass(
    documents: Iterable[str], tokenizer: Encoder, count: int, length: int, seed: int, progress: bool
) -> Chunks:
    kept: list[tuple[float, int, int, np.ndarray]] = []  # a heap with the greatest number on top, negated
    number, tokens_seen, places_seen = 0, 0, 0
    for tokens in encoded(bar(documents, desc="reading", unit=" documents", show=progress), tokenizer):
        places = max(0, len(tokens) - length + 1)
        draws = np.random.default_rng([seed, number]).random(places)
        chosen = np.flatnonzero(draws < -kept[0][0]) if len(kept) == count else np.arange(places)
        for place in chosen[np.argsort(draws[chosen], kind="stable")][:count].tolist():
            item = (-float(draws[place]), -number, -place, tokens[place : place + length].copy())
            if len(kept) < count:
                heapq.heappush(kept, item)
            elif item[:3] > kept[0][:3]:
                heapq.heapreplace(kept, item)
        number, tokens_seen, places_seen = number + 1, tokens_seen + len(tokens), places_seen + places
    if places_seen < count:
        raise ValueError(
            f"too little text: {number:,} documents of {tokens_seen:,} tokens have {places_seen:,} places for"
            f" a chunk of {length} tokens; {count:,} are asked for"
        )
    kept.sort(key=lambda item: (-item[1], -item[2]))
    return Chunks(
        tokens=np.stack([item[3] for item in kept]),
        document=np.array([-item[1] for item in kept], dtype=np.int32),
        offset=np.array([-item[2] for item in kept], dtype=np.int32),
        documents=number,
        corpus_tokens=tokens_seen,
        places=places_seen,
    )
