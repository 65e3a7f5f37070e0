"""Random chunks of exactly L tokens, every place of the corpus equally likely.

A place is a run of L tokens inside one document. Each place of the corpus draws a number, and the K places
with the least numbers are taken: a uniform sample without replacement, in one pass, whatever the corpus'
length. Document i draws from its own generator, seeded by (seed, i), so the sample depends on nothing else.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..progress import bar


class Encoder(Protocol):
    """What cutting text into chunks asks of a tokenizer."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]: ...


@dataclass(frozen=True)
class Chunks:
    """K chunks of L tokens by document and place: `tokens` (K, L), `document` (K,), `offset` (K,) in tokens.

    `documents`, `corpus_tokens` and `places` count what they were drawn from.
    """

    tokens: np.ndarray
    document: np.ndarray
    offset: np.ndarray
    documents: int
    corpus_tokens: int
    places: int


def random_chunks(
    documents: Iterable[str],
    tokenizer: Encoder,
    count: int,
    length: int,
    seed: int = 0,
    *,
    progress: bool = False,
) -> Chunks:
    """`count` chunks of exactly `length` tokens, uniformly at random, never crossing documents.

    Documents are encoded without special tokens. Two chunks may overlap but never begin at the same place.

    Raises:
        ValueError: count or length under 1, or a corpus with fewer than `count` places, saying how many it
            has.
    """
    if count < 1 or length < 1:
        raise ValueError(f"count {count}, length {length}: expected at least 1")
    _be_quiet_about_length(tokenizer)
    kept: list[tuple[float, int, int, np.ndarray]] = []  # a heap with the greatest number on top, negated
    number, tokens_seen, places_seen = 0, 0, 0
    for text in bar(documents, desc="reading", unit=" documents", show=progress):
        tokens = np.asarray(tokenizer.encode(text, add_special_tokens=False), dtype=np.int32)
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


def _be_quiet_about_length(tokenizer: object) -> None:
    """A document longer than a model's context is no mistake here; transformers would warn of it."""
    if isinstance(getattr(tokenizer, "deprecation_warnings", None), dict):
        tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True  # type: ignore[attr-defined]
