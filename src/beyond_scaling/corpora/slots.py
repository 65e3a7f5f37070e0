"""Chunks drawn from documents that can be had by number: only those drawn are cut into tokens.

A document of s bytes has s + 1 tokens at most, so s + 2 - L places at most for a chunk of L tokens: so many slots it
gets. A slot is drawn uniformly from those of all documents, and its document, cut into tokens, tells whether a place
is there. So every place of the corpus is equally likely, exactly; the rest of the slots (about three in four, of
English) are drawn in vain. Slots come from the seed in an order of their own; the first K distinct places are taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..progress import bar
from .encoding import Encoder, encoded

BLOCK = 256  # slots drawn at a time, each block from a generator of its own
SLOTS_A_PLACE = 5  # about as many as it takes to meet a place, of English in a vocabulary of 50,000
SLOTS_AT_MOST = 64  # for each place asked for; where places are rarer than that, reading everything is as good


@runtime_checkable
class ByNumber(Protocol):
    """Documents that can be had by number: `Documents` of local files, for one."""

    @property
    def by_number(self) -> bool: ...

    def about_bytes(self) -> int: ...

    def sizes(self, *, progress: bool = False) -> np.ndarray: ...

    def at(self, numbers: np.ndarray) -> Iterator[str]: ...


@dataclass(frozen=True)
class Drawn:
    """`tokens` (K, L), `document` (K,), `offset` (K,) in the order drawn, and an estimate of the corpus' tokens."""

    tokens: np.ndarray
    document: np.ndarray
    offset: np.ndarray
    estimate: float
    error: float


def share_read(sizes: np.ndarray, count: int, length: int) -> float:
    """The share of the text (0...1) that drawing `count` chunks is expected to cut into tokens."""
    slots = _slots(sizes, length)
    total = int(slots.sum())
    if total == 0:
        return 1.0
    met = -np.expm1(-SLOTS_A_PLACE * count * (slots / total))
    return float((sizes * met).sum() / sizes.sum())


def draw(
    documents: ByNumber,
    sizes: np.ndarray,
    tokenizer: Encoder,
    count: int,
    length: int,
    seed: int,
    *,
    progress: bool = False,
) -> Drawn | None:
    """`count` distinct places, uniformly at random; None if places are too rare or a document breaks the bound.

    Args:
        sizes: bytes of every document, as `documents.sizes` says.

    What None depends on besides the corpus is chance alone, alike for all places, so reading everything in its place
    keeps all places equally likely. (A tokenizer that makes more than s + 1 tokens of s bytes breaks the bound; only
    documents that are drawn can show it.)
    """
    edges = np.cumsum(_slots(sizes, length))
    total = int(edges[-1]) if len(edges) else 0
    if total == 0:
        return None
    kept: dict[tuple[int, int], np.ndarray] = {}  # (document, offset) -> tokens, in the order drawn
    density: list[np.ndarray] = []  # tokens of the document over its slots, of every slot drawn
    blocks, hits, wanted = 0, 0, 4 * count
    while len(kept) < count:
        fresh = range(blocks, blocks + math.ceil(wanted / BLOCK))
        blocks = fresh.stop
        slots = np.concatenate([np.random.default_rng([seed, block]).integers(0, total, BLOCK) for block in fresh])
        found = _look(documents, sizes, edges, slots, tokenizer, length, progress)
        if found is None:
            return None
        document, offset, tokens, lengths = found
        density.append(lengths / _slots(sizes[document], length))
        hits += len(tokens)
        for row in sorted(tokens):
            if len(kept) < count:
                kept.setdefault((int(document[row]), int(offset[row])), tokens[row])
        drawn = blocks * BLOCK
        wanted = math.ceil(1.1 * (count - len(kept)) * drawn / max(hits, 1))
        if len(kept) < count and drawn + wanted > SLOTS_AT_MOST * count + BLOCK:
            return None
    ratio = np.concatenate(density)
    scale = total * float(sizes.sum()) / float(sizes[_slots(sizes, length) > 0].sum())  # the short ones alike
    return Drawn(
        tokens=np.stack(list(kept.values())),
        document=np.array([document for document, _ in kept], dtype=np.int32),
        offset=np.array([offset for _, offset in kept], dtype=np.int32),
        estimate=float(ratio.mean()) * scale,
        error=float(ratio.std(ddof=1)) * scale / math.sqrt(len(ratio)),
    )


def _slots(sizes: np.ndarray, length: int) -> np.ndarray:
    return np.maximum(0, sizes.astype(np.int64) + 2 - length)


def _look(
    documents: ByNumber,
    sizes: np.ndarray,
    edges: np.ndarray,
    slots: np.ndarray,
    tokenizer: Encoder,
    length: int,
    progress: bool,
) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray], np.ndarray] | None:
    """Of slots (s,): document (s,), offset (s,), {slot: tokens (L,)} of those with a place, the document's tokens (s,).

    None if a document has more tokens than its bytes allow.
    """
    document = np.searchsorted(edges, slots, side="right")
    offset = slots - np.concatenate([[0], edges])[document]
    order = np.argsort(document, kind="stable")
    numbers, starts = np.unique(document[order], return_index=True)
    rows_of = np.split(order, starts[1:])
    tokens: dict[int, np.ndarray] = {}
    lengths = np.zeros(len(slots), dtype=np.int64)
    pieces = encoded(documents.at(numbers), tokenizer)
    shown = bar(zip(numbers, rows_of, pieces, strict=True), show=progress, total=len(numbers), desc="reading")
    for number, rows, piece in shown:
        if len(piece) > sizes[number] + 1:
            return None
        lengths[rows] = len(piece)
        for row in rows.tolist():
            if offset[row] + length <= len(piece):
                tokens[row] = piece[offset[row] : offset[row] + length].copy()
    return document, offset, tokens, lengths
