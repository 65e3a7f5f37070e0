"""Which numbers of a vector are worth comparing first: all of it, or leading components and what they leave out.

Real activations have a few large components and many small ones. With axes P the sketch (P x, |x - P^T P x|)
has distances that never exceed the true ones, at k + 1 numbers a vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _kernels
from ._points import Points

SAMPLE, QUERIES = 2048, 128
WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
PAIR_SECONDS, TERM_SECONDS, SCAN_SECONDS = 6e-8, 1.2e-10, 6e-11  # rough, of one core; they decide speed, never answers


@dataclass(frozen=True)
class Sketch:
    """What of a centred, scaled vector is compared: all n, or components along `axes` (n, k) and the rest's length."""

    centre: np.ndarray
    scale: float
    axes: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Numbers in a sketch."""
        return len(self.centre) if self.axes is None else self.axes.shape[1] + 1


def choose(points: Points, rows: np.ndarray, rate: float, threads: int) -> Sketch:
    """The sketch with which comparing all pairs of `rows` should take least time, judged by a sample.

    `rate`: operations a second of the matrix product that compares sketches.
    """
    whole = Sketch(points.centre, points.scale)
    count, n = len(rows), points.width
    if count < 4 * max(n, 512) or n < 2 * WIDTHS[0]:
        return whole  # finding axes would cost more than they save
    chosen = np.sort(np.random.default_rng(0).choice(count, min(count, SAMPLE), replace=False))
    raw, places = points.take(rows[chosen])
    sample, squares = np.empty((len(chosen), n)), np.empty(len(chosen))
    _kernels.centre_rows(raw, places, points.centre, points.scale, sample, squares)
    if _effective_dimension(sample[:: max(1, len(sample) // 512)]) > n / 4:
        return whole
    axes = np.linalg.eigh(sample.T @ sample)[1][:, ::-1]  # (n, n), the largest component first
    queries = np.linspace(0, len(sample) - 1, QUERIES).astype(int)
    turned = sample @ axes
    own = np.arange(len(queries))
    exact = _square_distances(turned[queries], turned)
    exact[own, queries] = np.inf
    # the nearest of all is nearer than the nearest of a sample; what may matter to either side counts
    limit = exact.min(axis=1)[:, None]
    best_width, best_cost = n, _cost(n, 0.0, n, rate, threads)
    for width in (w for w in WIDTHS if w < n):
        kept = np.column_stack([turned[:, :width], np.sqrt((turned[:, width:] ** 2).sum(axis=1))])
        bound = _square_distances(kept[queries], kept)
        bound[own, queries] = np.inf
        cost = _cost(width + 1, 2 * float((bound < limit).mean()), n, rate, threads)
        if cost < best_cost:
            best_width, best_cost = width, cost
    return whole if best_width == n else Sketch(points.centre, points.scale, np.ascontiguousarray(axes[:, :best_width]))


def _cost(width: int, share: float, n: int, rate: float, threads: int) -> float:
    """Seconds a pair: product, scan, and the exact distance of a share of the pairs."""
    return 2 * width / rate + (SCAN_SECONDS + share * (PAIR_SECONDS + TERM_SECONDS * n)) / threads


def _effective_dimension(sample: np.ndarray) -> float:
    """(tr C)^2 / tr C^2, the second without the bias of a small sample: from products of different rows."""
    gram = sample @ sample.T
    squares = np.diagonal(gram)
    others = (gram**2).sum() - (squares**2).sum()
    count = len(sample)
    trace_of_square = others / (count * (count - 1))
    return float(squares.mean() ** 2 / trace_of_square) if trace_of_square > 0 else float(sample.shape[1])


def _square_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
