"""Text whose order is lost: the same tokens of every chunk, in a random order."""

from __future__ import annotations

import numpy as np


def shuffled(tokens: np.ndarray, seed: int) -> np.ndarray:
    """`tokens` (K, L) with every row permuted on its own; a new array of the same dtype.

    Every permutation of a row is equally likely. The last place, whose activation is measured, gets any token too.

    Raises:
        ValueError: tokens that are not integers (K, L), or a negative seed.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
        raise ValueError(f"tokens has shape {tokens.shape}, dtype {tokens.dtype}; expected integers (K, L)")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed {seed!r}: expected an integer of at least 0")
    return np.random.default_rng(seed).permuted(tokens, axis=1)
