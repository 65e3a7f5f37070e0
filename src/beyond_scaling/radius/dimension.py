"""How many dimensions a cloud of vectors has, from distances to its nearest neighbours: two estimates.

If the vectors lie on a k-dimensional surface, smooth and evenly filled at the scale of neighbouring vectors, the ratio
of distances to two neighbours knows k and nothing else: neither the unit of length nor the density.

    two_nn   Facco, d'Errico, Rodriguez and Laio (2017), Scientific Reports 7:12140. The ratio of second to first
             distance is Pareto with exponent k. Here by maximum likelihood, the largest 10% of the ratios being known
             only to be large (the paper leaves out as many and fits a line instead).
    mle      Levina and Bickel (2004), NIPS 17, with the average over vectors of MacKay and Ghahramani (2005): the
             inverse of the mean of log(T_k / T_j), over vectors and j < k = 20, where T_j is the
             distance to neighbour j.

Both look at the cloud through its own neighbour distances, so they are about that scale; both fall short in high
dimension, where no neighbour is near. Uniform cubes of dimension 5, 10 and 20 with 10,000 vectors give about 4.9, 8.6
and 16.5 for `two_nn` and 4.6, 8.4 and 15.3 for `mle`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .statistics import LEVEL, RESAMPLES, Rows, check_seed, power_of_two

NEIGHBOURS = 20
CENSORED = 0.1
_SPARE = 12  # candidates beyond the neighbours wanted
_ROUNDING = 64 * float(np.finfo(float).eps)  # of squared distances from products: times n^(1/2) and squared lengths


def intrinsic_dimension(vectors: Any, *, seed: int = 0, queries: int = 2000) -> dict[str, Any]:
    """Two estimates of the dimension of the cloud of `vectors` (m, n), with 95% intervals.

    Exact nearest neighbours, among all vectors, of `queries` vectors drawn at random. Vectors that are equal count as
    one: at distance 0 there is no ratio. The intervals are a bootstrap over the queries, widened by what queries with
    neighbours in common have in common; they tell the sampling error, not the bias. Coverage of the average estimate
    by simulation, 600 and 3,000 vectors, some or all as queries: 0.93 to 0.99 (flat tori of 2 and 5 dimensions, a
    Gaussian of 20, a power-law spectrum).

    Args:
        vectors: a NumPy array (memory-mapped will do) or a torch tensor, worked on where it is; computed in float64.
        seed: of the queries and of the bootstrap.
        queries: at most so many; all distinct vectors if there are no more.

    Returns:
        `two_nn` {`estimate`, `low`, `high`}, `mle` {`estimate`, `low`, `high`, `neighbours`}, `queries` (how many) and
        `duplicates` (vectors that equal an earlier one). `neighbours` is 20, or as many as there are. Fewer than 4
        distinct vectors, or all neighbours at one distance, have no dimension to be told: that estimate is left out.

    Raises:
        ValueError: wrong rank or dtype, rows that are not finite, queries below 1, a negative seed.
    """
    source = Rows(vectors)
    generator = np.random.default_rng(check_seed(seed))
    if isinstance(queries, bool) or not isinstance(queries, int | np.integer) or queries < 1:
        raise ValueError(f"queries is {queries!r}; expected an integer of at least 1")
    distinct = distinct_rows(source)
    found: dict[str, Any] = {
        "queries": min(int(queries), len(distinct)),
        "duplicates": source.count - len(distinct),
    }
    if len(distinct) < 4:
        return found
    chosen = np.sort(generator.choice(len(distinct), found["queries"], replace=False))
    neighbours = min(NEIGHBOURS, len(distinct) - 1)
    distances, where = neighbour_distances(source, distinct, chosen, neighbours)  # (q, k) each, nearest first
    with np.errstate(divide="ignore"):
        logs = np.log(distances)
    told = np.isfinite(logs).all(axis=1)  # others are distinct, yet so close that the square is no float
    logs, sets = logs[told], np.concatenate([chosen[told, None], where[told]], axis=1)  # (q, k), (q, 1 + k)
    weights = _weights(len(logs), generator)
    ratios = logs[:, 1] - logs[:, 0]
    order = np.argsort(ratios)
    largest = ratios[order[_observed(len(ratios)) - 1]] if len(ratios) else 0.0
    two_nn = _interval(
        lambda w: _two_nn(ratios[order], w), weights, _overlap(np.minimum(ratios, largest), sets[:, :3])
    )
    means = (logs[:, -1:] - logs[:, :-1]).mean(axis=1)  # (q,)
    mle = _interval(lambda w: _inverse(w @ means, w.sum(axis=1)), weights, _overlap(means, sets))
    if two_nn:
        found["two_nn"] = two_nn
    if mle:
        found["mle"] = {**mle, "neighbours": neighbours}
    return found


def distinct_rows(source: Rows) -> np.ndarray:
    """(d,) ascending numbers of the rows that equal no earlier row."""
    seen: set[bytes] = set()
    kept = []
    for start, stop in source.blocks():
        rows = source.take(np.arange(start, stop)) + 0.0  # -0 becomes 0
        for row, values in enumerate(rows, start=start):
            key = _digest(values)
            if key not in seen:
                seen.add(key)
                kept.append(row)
    return np.array(kept, dtype=np.int64)


def neighbour_distances(
    source: Rows, distinct: np.ndarray, chosen: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Exact distances (q, k), ascending, of rows `distinct[chosen]` to their k nearest others, and which of `distinct`.

    Candidates come from float64 matrix products of the centred vectors, a few more than wanted; their distances from
    direct differences. Where rounding of the products could have hidden a nearer one, all vectors are gone through.
    """
    origin, scale = _frame(source, distinct)
    queries = (source.take(distinct[chosen]) - origin) / scale  # (q, n)
    lengths = np.einsum("ij,ij->i", queries, queries)
    wanted = min(neighbours + _SPARE, len(distinct) - 1)
    best = np.full((len(chosen), wanted), np.inf)
    where = np.zeros((len(chosen), wanted), dtype=np.int64)
    place = _Products(source, queries)
    longest = 0.0
    step = max(256, min(source.step, (1 << 23) // len(chosen)))
    for start in range(0, len(distinct), step):
        rows = distinct[start : start + step]
        squares, products = place.against(rows, origin, scale)
        longest = max(longest, float(squares.max()))
        near = lengths[:, None] + squares - 2 * products  # (q, b)
        own = np.flatnonzero((chosen >= start) & (chosen < start + len(rows)))
        near[own, chosen[own] - start] = np.inf
        hopeful = np.flatnonzero((near < best[:, -1:]).any(axis=1))
        if len(hopeful):
            both = np.concatenate([best[hopeful], near[hopeful]], axis=1)
            index = np.concatenate(
                [where[hopeful], np.broadcast_to(np.arange(start, start + len(rows)), (len(hopeful), len(rows)))],
                axis=1,
            )
            keep = np.argpartition(both, wanted - 1, axis=1)[:, :wanted]
            kept = np.take_along_axis(both, keep, axis=1)
            order = np.argsort(kept, axis=1)
            best[hopeful] = np.take_along_axis(kept, order, axis=1)
            where[hopeful] = np.take_along_axis(np.take_along_axis(index, keep, axis=1), order, axis=1)
    found, nearest = np.empty((len(chosen), neighbours)), np.empty((len(chosen), neighbours), dtype=np.int64)
    bound = _ROUNDING * np.sqrt(source.width) * (lengths + longest)
    batch = max(1, (1 << 21) // (wanted * source.width))
    for start in range(0, len(chosen), batch):
        part = slice(start, min(start + batch, len(chosen)))
        others = source.take(distinct[where[part]].ravel()).reshape(-1, wanted, source.width)
        own_rows = source.take(distinct[chosen[part]])[:, None]
        exact = np.linalg.norm((others - own_rows) / scale, axis=2)
        order = np.argsort(exact, axis=1)[:, :neighbours]
        found[part] = np.take_along_axis(exact, order, axis=1)
        nearest[part] = np.take_along_axis(where[part], order, axis=1)
    complete = wanted == len(distinct) - 1
    open_queries = np.array([], dtype=int) if complete else np.flatnonzero(found[:, -1] ** 2 > best[:, -1] - bound)
    for query in open_queries:
        found[query], nearest[query] = _directly(source, distinct, int(chosen[query]), neighbours, scale)
    return scale * found, nearest


class _Products:
    """Squared lengths of rows and their products with the queries, on the device of the data."""

    def __init__(self, source: Rows, queries: np.ndarray) -> None:
        self.source: Rows = source
        self.queries: Any = queries
        if source.tensor:
            import torch

            self.queries = torch.from_numpy(queries).to(source.data.device)

    def against(self, rows: np.ndarray, origin: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """(b,) and (q, b), NumPy float64."""
        if not self.source.tensor:
            block = (self.source.take(rows) - origin) / scale
            return np.einsum("ij,ij->i", block, block), self.queries @ block.T
        import torch

        data = self.source.data
        tensor = data[torch.from_numpy(rows).to(data.device)].double()
        tensor = (tensor - torch.from_numpy(origin).to(data.device)) / scale
        return (tensor * tensor).sum(1).cpu().numpy(), (self.queries @ tensor.T).cpu().numpy()


def _frame(source: Rows, distinct: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean row (n,) and a power of two: (row - mean) / power has no component far beyond 1."""
    largest, total = 0.0, np.zeros(source.width)
    first = source.take(distinct[:1])[0]
    for start in range(0, len(distinct), source.step):
        rows = source.take(distinct[start : start + source.step])
        total += ((rows - first) / len(distinct)).sum(axis=0)
    mean = first + total
    for start in range(0, len(distinct), source.step):
        largest = max(largest, float(np.abs(source.take(distinct[start : start + source.step]) - mean).max()))
    return mean, power_of_two(largest)


def _directly(
    source: Rows, distinct: np.ndarray, query: int, neighbours: int, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(k,) the smallest distances of one row to all others, from differences; and to which."""
    own = source.take(distinct[query : query + 1])
    nearest, where = np.empty(0), np.empty(0, dtype=np.int64)
    for start in range(0, len(distinct), source.step):
        rows = distinct[start : start + source.step]
        found = np.linalg.norm((source.take(rows) - own) / scale, axis=1)
        if start <= query < start + len(rows):
            found[query - start] = np.inf
        nearest = np.concatenate([nearest, found])
        where = np.concatenate([where, np.arange(start, start + len(rows))])
        order = np.argsort(nearest)[:neighbours]
        nearest, where = nearest[order], where[order]
    return nearest, where


def _digest(values: np.ndarray) -> bytes:
    import hashlib

    return hashlib.blake2b(values.tobytes(), digest_size=16).digest()


def _weights(count: int, generator: np.random.Generator) -> np.ndarray:
    """(1 + RESAMPLES, q): how often each query is there, first as measured, then resampled."""
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) if count else np.empty((0, 0))
    return np.concatenate([np.ones((1, count)), drawn.reshape(-1, count)]) if count else np.ones((1, 0))


def _overlap(values: np.ndarray, sets: np.ndarray) -> float:
    """How many times wider than for independent queries: two of them vary together by the share of vectors they share.

    Args:
        values: (q,) of which the estimate is a mean. sets: (q, s) vectors that each of them depends on.
    """
    centred = values - values.mean() if len(values) else values
    alone = float(centred @ centred)
    if not alone:
        return 1.0
    _, place = np.unique(sets, return_inverse=True)
    together = np.bincount(place.ravel(), np.repeat(centred, sets.shape[1]))
    return max(1.0, float(np.sqrt(together @ together / sets.shape[1] / alone)))


def _interval(estimator: Any, weights: np.ndarray, widen: float) -> dict[str, float]:
    """Estimate and percentile interval, widened, from `estimator(weights)`; empty if there is no finite estimate."""
    if weights.shape[1] == 0:
        return {}
    values = estimator(weights)
    if not (np.isfinite(values) & (values > 0)).all():
        return {}
    estimate = float(values[0])
    low, high = np.quantile(np.log(values[1:] / estimate), ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    return {
        "estimate": estimate,
        "low": estimate * float(np.exp(widen * min(low, 0.0))),
        "high": estimate * float(np.exp(widen * max(high, 0.0))),
    }


def _observed(count: Any) -> Any:
    """How many of the ratios are looked at: all but the largest 10%."""
    return np.maximum(1, np.ceil((1 - CENSORED) * count - 1e-9)).astype(np.int64)


def _two_nn(logs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(b,) Pareto exponents from ascending log ratios (q,), each (b, q) times: the last 10% censored.

    With r of q ratios observed, k = r / (their sum + (q - r) times the largest of them).
    """
    total = weights.sum(axis=1)
    observed = _observed(total)
    running = np.cumsum(weights, axis=1)
    last = (running < observed[:, None]).sum(axis=1)  # place of the largest observed ratio
    counted = np.minimum(weights, np.maximum(0.0, observed[:, None] - (running - weights)))
    return _inverse(counted @ logs + (total - observed) * logs[last], observed)


def _inverse(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return counts / sums
