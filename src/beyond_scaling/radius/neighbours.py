"""Exact nearest-neighbour distances inside nested random subsets (Appendix F.1, Figure 2 top).

Candidates come from float64 matrix products of the centred vectors; every reported distance is then computed
from direct differences of the original ones, so no cancellation reaches the result. Error bounds of the
products say where the two best candidates do not settle the matter; there every vector within the bound is
compared directly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ..progress import bar

if TYPE_CHECKING:
    import torch

BLOCK_BYTES = 1 << 25  # of float64 temporaries in one block; allocators keep blocks of this size for the next one
ROWS = 1024  # queries in one block
SLACK = 1e-10  # relative slack of a squared distance below which a tie is as good as exact


def subset_size(count: int, fraction: float) -> int:
    """ceil(fraction * count), safe against the rounding of the product."""
    return math.ceil(round(fraction * count, 9))


def subset_order(count: int, seed: int = 0) -> np.ndarray:
    """The seeded permutation (count,) whose first ceil(f * count) entries are the subset of fraction f."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected an integer of at least 0")
    return np.random.default_rng(int(seed)).permutation(count)


def subset_rows(
    count: int, fraction: float, *, seed: int = 0, order: Sequence[int] | np.ndarray | None = None
) -> np.ndarray:
    """Ascending row numbers of the subset of fraction f, in whose order its distances come."""
    chosen = subset_order(count, seed) if order is None else np.asarray(order)
    return np.sort(chosen[: subset_size(count, fraction)])


def nearest_distances(
    vectors: Any,
    fractions: Sequence[float] = (1.0,),
    device: str | torch.device | None = None,
    *,
    seed: int = 0,
    order: Sequence[int] | np.ndarray | None = None,
    progress: bool = False,
) -> dict[float, Any]:
    """Euclidean distance (not squared) of every vector of a subset to its nearest other one in the subset.

    The subsets are nested: fraction f holds the first ceil(f m) entries of one permutation of the rows,
    `order` if given and `subset_order(m, seed)` otherwise. Distances come in the order of the rows of
    `vectors`, subset by subset: entry k of fraction f belongs to row
    `subset_rows(m, f, seed=seed, order=order)[k]`. At f = 1 that is row k.

    Args:
        vectors: (m, n), a NumPy array (memory-mapped will do) or a torch tensor; any real dtype, computed in
            float64.
        fractions: each in (0, 1].
        device: where to compute; by default the tensor's own device, or the CPU.
        seed: of the permutation. order: a permutation (m,) instead.
        progress: show a progress bar.

    Returns:
        {fraction: distances (ceil(f m),)}, float64, NumPy for NumPy and torch (on the input's device) for
        torch. Exact duplicates are at distance exactly 0. Extra memory is a fixed few blocks, whatever m.

    Raises:
        ValueError: wrong rank or dtype, rows that are not finite, a fraction outside (0, 1], a subset of
            fewer than two vectors, an `order` that is no permutation, a device without float64.
    """
    import torch

    tensor_given = isinstance(vectors, torch.Tensor)
    data = vectors.detach() if tensor_given else np.asarray(vectors)
    if device is not None:
        try:
            place = torch.device(device)
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"device is {device!r}; expected one that torch knows, such as cpu or cuda") from error
    else:
        place = vectors.device if isinstance(vectors, torch.Tensor) else torch.device("cpu")
    if place.type == "mps":
        raise ValueError(f"device {place}: exact distances need float64, which it does not have; use cpu or cuda")
    count = _check(data, vectors)
    wanted = _check_fractions(fractions, count)
    permutation = _check_order(order, count, seed)
    sizes = sorted({subset_size(count, fraction) for fraction in wanted})
    with torch.no_grad():
        found = _search(_Source(data, permutation, place), sizes, progress)
    distances = {}
    for fraction in wanted:
        size = subset_size(count, fraction)
        values = found[sizes.index(size)][:size]
        in_row_order = torch.from_numpy(np.argsort(permutation[:size])).to(values.device)
        result = values[in_row_order]
        distances[fraction] = result.to(data.device) if tensor_given else result.cpu().numpy()
    return distances


class _Source:
    """Blocks of the permuted vectors, scaled by a power of two and centred: float64, bounded memory."""

    def __init__(self, data: Any, permutation: np.ndarray, device: torch.device) -> None:
        self.data, self.permutation, self.device = data, permutation, device
        self.count, self.width = data.shape
        self.columns = max(256, BLOCK_BYTES // (8 * (self.width + ROWS)))
        largest, total = 0.0, None
        for start in range(0, self.count, self.columns):
            block = self._raw(np.arange(start, min(start + self.columns, self.count)))
            if not bool(block.isfinite().all()):
                row = start + int((~block.isfinite()).any(dim=1).nonzero()[0])
                raise ValueError(f"vectors: row {row} holds NaN or infinity; expected finite numbers")
            largest = max(largest, float(block.abs().max()))
        # a power of two changes no digit, and keeps squares away from overflow and underflow
        self.scale = math.ldexp(1.0, min(math.frexp(largest)[1], 1023)) if largest else 1.0
        for start in range(0, self.count, self.columns):
            block = self._raw(np.arange(start, min(start + self.columns, self.count))) / self.scale
            total = block.sum(dim=0) if total is None else total + block.sum(dim=0)
        assert total is not None
        self.centre = total / self.count
        # the spread may be tiny beside the offset: scale once more, to the centred size
        spread = max(float(self.centred(a, b).abs().max()) for a, b in self.blocks(0, self.count))
        self.spread = 2.0 ** max(math.frexp(spread)[1], -1000) if spread else 1.0

    def _raw(self, rows: np.ndarray) -> torch.Tensor:
        import torch

        if isinstance(self.data, torch.Tensor):
            index = torch.from_numpy(rows).to(self.data.device)
            return self.data[index].to(device=self.device, dtype=torch.float64)
        return torch.from_numpy(np.ascontiguousarray(self.data[rows], dtype=np.float64)).to(self.device)

    def rows(self, places: torch.Tensor | slice) -> torch.Tensor:
        """(len, n) original vectors at places of the permutation, over `scale`."""
        index = places if isinstance(places, slice) else places.cpu().numpy()
        return self._raw(self.permutation[index]) / self.scale

    def centred(self, start: int, stop: int) -> torch.Tensor:
        return self.rows(slice(start, stop)) - self.centre

    def block(self, start: int, stop: int) -> torch.Tensor:
        """(stop - start, n) centred vectors at most about 1 in every entry."""
        return self.centred(start, stop) / self.spread

    def blocks(self, start: int, stop: int, step: int | None = None) -> Iterator[tuple[int, int]]:
        size = step or self.columns
        for first in range(start, stop, size):
            yield first, min(first + size, stop)

    def direct(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """(p,) distances between places `left` and `right`, by differences, in units of scale * spread."""
        import torch

        out = torch.empty(len(left), dtype=torch.float64, device=self.device)
        for a, b in self.blocks(0, len(left)):
            difference = (self.rows(left[a:b]) - self.rows(right[a:b])) / self.spread  # (b - a, n)
            out[a:b] = torch.linalg.vector_norm(difference, dim=1)
        return out


def _search(source: _Source, sizes: list[int], progress: bool) -> list[torch.Tensor]:
    """Per subset size: distances (sizes[-1],) in permuted order, of which the first `size` are set."""
    import torch

    total, device = sizes[-1], source.device
    squares = torch.cat([source.block(a, b).square().sum(dim=1) for a, b in source.blocks(0, total)])  # (total,)
    largest = squares.sqrt().max()
    # |computed - true| of |x|^2 + |y|^2 - 2 x.y, by the usual bound of a sum of n products
    unit = (source.width + 8) * torch.finfo(torch.float64).eps
    found = [torch.full((total,), torch.inf, dtype=torch.float64, device=device) for _ in sizes]
    starts = list(source.blocks(0, total, ROWS))
    for first, last in bar(starts, show=progress, desc="distances", unit=" blocks"):
        queries = source.block(first, last)  # (q, n)
        bound = unit * (squares[first:last].sqrt() + largest).square()  # (q,)
        best = torch.full((last - first, 2), torch.inf, dtype=torch.float64, device=device)
        where = torch.zeros((last - first, 2), dtype=torch.int64, device=device)
        begin = 0
        for level, size in enumerate(sizes):  # only the columns that this subset adds
            for a, b in source.blocks(begin, size):
                products = _squared(source, queries, squares, first, a, b)  # (q, b - a)
                values, places = products.topk(min(2, b - a), dim=1, largest=False)
                values, keep = torch.cat([best, values], dim=1).topk(2, dim=1, largest=False)
                best, where = values, torch.cat([where, places + a], dim=1).gather(1, keep)
            begin = size
            inside = torch.arange(first, max(first, min(last, size)), device=device)  # queries in this subset
            if len(inside):
                rows = inside - first
                distance = _settle(source, queries, squares, bound, best[rows], where[rows], inside, first, size)
                found[level][inside] = distance * (source.spread * source.scale)
    return found


def _squared(source: _Source, queries: torch.Tensor, squares: torch.Tensor, first: int, a: int, b: int) -> torch.Tensor:
    """(q, b - a) squared distances from queries at places first... to places a...b; infinite to itself."""
    import torch

    others = source.block(a, b)  # (b - a, n)
    out = torch.addmm(squares[a:b], queries, others.T, alpha=-2)
    out += squares[first : first + len(queries), None]
    low, high = max(first, a), min(first + len(queries), b)
    if low < high:
        own = torch.arange(low, high, device=out.device)
        out[own - first, own - a] = torch.inf
    return out


def _settle(
    source: _Source,
    queries: torch.Tensor,
    squares: torch.Tensor,
    bound: torch.Tensor,
    best: torch.Tensor,
    where: torch.Tensor,
    inside: torch.Tensor,
    first: int,
    size: int,
) -> torch.Tensor:
    """(p,) exact distances of the queries `inside`: to their two best candidates or all that may tie."""
    import torch

    distance = source.direct(inside, where[:, 0])
    second = best[:, 1].isfinite()
    distance[second] = torch.minimum(distance[second], source.direct(inside[second], where[second, 1]))
    # everyone else is at least best[:, 1] - bound away
    margin = bound[inside - first]
    open_rows = ((distance > 0) & (best[:, 1] - margin < distance.square() * (1 - SLACK))).nonzero()[:, 0]
    for a, b in source.blocks(0, size) if len(open_rows) else ():
        rows = inside[open_rows] - first  # (o,)
        near = _squared(source, queries, squares, first, a, b)[rows]  # (o, b - a)
        reach = distance[open_rows].square() + margin[open_rows]
        left, right = (near <= reach[:, None]).nonzero(as_tuple=True)
        exact = source.direct(inside[open_rows[left]], right + a)
        distance.scatter_reduce_(0, open_rows[left], exact, reduce="amin")
    return distance


def _check(data: Any, given: Any) -> int:
    if data.ndim != 2 or data.shape[1] < 1:
        raise ValueError(f"vectors has shape {tuple(data.shape)}; expected (m, n) with n at least 1")
    kind = str(data.dtype)
    numeric = (
        data.dtype.kind in "fiu" if isinstance(data, np.ndarray) else not (data.is_complex() or kind.endswith("bool"))
    )
    if not numeric:
        raise ValueError(f"vectors has dtype {kind} ({type(given).__name__}); expected real numbers")
    if data.shape[0] < 2:
        raise ValueError(f"vectors has {data.shape[0]} rows; expected at least 2")
    return int(data.shape[0])


def _check_fractions(fractions: Sequence[float], count: int) -> list[float]:
    wanted = list(fractions) if isinstance(fractions, Iterable) else []
    if not wanted:
        raise ValueError(f"fractions is {fractions!r}; expected a sequence of numbers in (0, 1]")
    for fraction in wanted:
        number = isinstance(fraction, (int, float, np.floating)) and not isinstance(fraction, bool)
        if not number or not 0 < fraction <= 1:
            raise ValueError(f"fractions holds {fraction!r}; expected numbers in (0, 1]")
        size = subset_size(count, fraction)
        if size < 2:
            raise ValueError(
                f"fraction {fraction} of {count} vectors is {size}; a nearest other vector needs at least 2"
            )
    return wanted


def _check_order(order: Sequence[int] | np.ndarray | None, count: int, seed: int) -> np.ndarray:
    if order is None:
        return subset_order(count, seed)
    permutation = np.asarray(order)
    if (
        permutation.shape != (count,)
        or permutation.dtype.kind not in "iu"
        or not np.array_equal(np.sort(permutation), np.arange(count))
    ):
        raise ValueError(
            f"order has shape {permutation.shape}, dtype {permutation.dtype}; expected a permutation of 0...{count - 1}"
        )
    return permutation.astype(np.int64)
