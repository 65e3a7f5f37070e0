"""A corpus cut into pieces that lie in random order: any part of it is then a fair sample of the whole.

The first D tokens of a collection of books are its first few books, and the last 5 % are others. Where D is the length
of one book, a model trained on it is held out on another author, and no amount of that book closes the gap between the
two losses. In pieces of some hundred tokens, in random order, training and held-out tokens come from the same books.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .token_file import HELD_OUT


class Mixed(NamedTuple):
    """Training tokens (D,) and held-out ones, each piece after piece."""

    training: np.ndarray
    held_out: np.ndarray


def mixed(tokens: np.ndarray, length: int, seed: int, count: int | None = None, held_out: int | None = None) -> Mixed:
    """Pieces of `length` tokens in an order drawn from the seed: the last 5 % are held out, the others trained on.

    Less training data is the beginning of more, and what is held out does not depend on how much is trained on.

    Args:
        tokens: (m,) integers, as a memory map if need be; what is left over after the last whole piece is not used.
        count: D, of the training part (all of it, if None). held_out: so many tokens, at least, of the held-out part
            (all, if None, or if there are fewer).

    Raises:
        ValueError: as `training_pieces`.
    """
    trained = training_pieces(len(tokens), length, count)
    order = np.random.default_rng(seed).permutation(len(tokens) // length)
    kept = order[len(order) - int(len(order) * HELD_OUT) :]
    if held_out is not None:
        kept = kept[: -(-held_out // length)]
    return Mixed(_joined(tokens, length, order[:trained])[:count], _joined(tokens, length, kept))


def training_pieces(tokens: int, length: int, count: int | None = None) -> int:
    """How many pieces of `length` out of so many tokens hold the first `count` tokens trained on; all, if None.

    Raises:
        ValueError: a length under 1, too few tokens for 20 pieces, or fewer than `count` to train on.
    """
    if length < 1:
        raise ValueError(f"pieces of {length} tokens, expected at least 1")
    pieces = tokens // length
    there = pieces - int(pieces * HELD_OUT)
    if there == pieces:
        raise ValueError(f"{tokens:,} tokens are {pieces} pieces of {length:,}, expected at least {1 / HELD_OUT:g}")
    if count is None:
        return there
    if not 1 <= count <= there * length:
        raise ValueError(f"{count:,} training tokens: in pieces of {length:,} there are 1...{there * length:,}")
    return -(-count // length)


def _joined(tokens: np.ndarray, length: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([tokens[piece * length : (piece + 1) * length] for piece in order])
