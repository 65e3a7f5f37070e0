"""Random patterns and the queries that start near them. Whatever computes, NumPy makes the numbers: a cell has the same
data on every device, in every process and in any order."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

KINDS = ("signs", "sphere", "gaussian", "clusters", "tokens 1", "tokens 4")


@dataclass(frozen=True)
class Start:
    """How far from its pattern a query starts.

    Attributes:
        flipped: share of the bits that are turned, rounded to whole bits (``signs``).
        overlap: q, the cosine of query and pattern, the query as long as its pattern; 1 is the pattern itself (others).
        hidden: share of the coordinates that are unknown: they start at 0, and the others are held.
    """

    flipped: float = 0.0
    overlap: float = 1.0
    hidden: float = 0.0

    def bits(self, n: int) -> int:
        """How many bits are turned."""
        return round(self.flipped * n)


def generator(kind: str, n: int, d: int, seed: int) -> np.random.Generator:
    """The random numbers of a cell: the same for all networks, so that they are compared on the same data."""
    digest = hashlib.sha256(f"{kind}/{n}/{d}/{seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def patterns(kind: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Random patterns (d, n) of mean squared length n.

    ``signs``: entries -1 and 1. ``sphere``: uniform on the sphere of radius sqrt(n). ``gaussian``: standard normal
    entries, so that norms differ. ``clusters``: on that sphere, in groups of four with a cosine of about 0.8.
    ``tokens 1``, ``tokens 4``: so many tokens side by side, each of mean 0 and variance 1.

    Raises:
        ValueError: another kind.
    """
    if kind == "signs":
        return 2.0 * rng.integers(0, 2, (d, n)) - 1
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    drawn = rng.standard_normal((d, n))
    if kind == "gaussian":
        return drawn
    if kind == "clusters":
        centres = rng.standard_normal((-(-d // 4), n))
        drawn = math.sqrt(0.8) * centres[np.arange(d) // 4] + math.sqrt(0.2) * drawn
    if kind.startswith("tokens"):
        tokens = drawn.reshape(d, int(kind.split()[1]), -1)
        tokens = (tokens - tokens.mean(axis=2, keepdims=True)) / tokens.std(axis=2, keepdims=True)
        return tokens.reshape(d, n)
    return math.sqrt(n) * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def queries(
    kind: str, stored: np.ndarray, start: Start, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(targets (q,), queries (q, n), known (q, n) or None): as many patterns as there are, ``count`` at most."""
    d, n = stored.shape
    targets = np.arange(d) if count >= d else np.sort(rng.choice(d, count, replace=False))
    own = stored[targets]  # (q, n)
    if kind == "signs":
        turned = _some(len(own), n, start.bits(n), rng)
        cues = np.where(turned, -own, own)
    elif start.overlap < 1:
        length = np.linalg.norm(own, axis=1, keepdims=True)
        across = rng.standard_normal(own.shape)
        across -= (np.vecdot(across, own) / length[:, 0] ** 2)[:, None] * own  # what is left is orthogonal
        across *= length / np.linalg.norm(across, axis=1, keepdims=True)
        cues = start.overlap * own + math.sqrt(1 - start.overlap**2) * across
    else:
        cues = own.copy()
    if not start.hidden:
        return targets, cues, None
    unknown = _some(len(own), n, round(start.hidden * n), rng)
    return targets, np.where(unknown, 0.0, cues), ~unknown


def _some(rows: int, n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(rows, n) booleans, ``count`` of them true in every row."""
    return rng.permuted(np.broadcast_to(np.arange(n) < count, (rows, n)), axis=1)
