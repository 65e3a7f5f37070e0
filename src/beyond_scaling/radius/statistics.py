"""What a set of nearest-neighbour distances and the cloud it comes from look like, in numbers.

Every interval here is a 95% bootstrap interval for what another sample of as many vectors would give. Distances of one
sample are not independent: two vectors that are each other's nearest share one distance, and a vector that is nearest
to many ("hubs", common in high dimension) moves all of their distances together. `describe` sees the first from the
values alone; `dependence` measures both from the vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

LEVEL = 0.95
RESAMPLES = 1000
PAIRS = 100_000
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_DRAWN = 1 << 14  # units drawn for one resample; of more, a part is drawn and its deviation scaled
_BLOCK = 1 << 21  # numbers in one block of temporaries


def describe(values: Any, *, seed: int = 0, inflation: float | None = None) -> dict[str, Any]:
    """Mean, median, quantiles of `values` (m,), the first two with 95% intervals; in the values' own unit.

    The mean's interval is a percentile bootstrap (1,000 resamples); the median's comes from order statistics, with
    ranks that a fair coin would leave in 2.5% of cases. Both are about drawing all m vectors anew. Equal values are
    taken for pairs of mutual nearest neighbours, and a pair counts as one observation (three or more equal values,
    such as zeros, as pairs and a rest). Coverage by simulation, 400 vectors: 0.89 to 0.99 for uniform cubes of 1 to 20
    dimensions and Gaussians of 2 to 20 (0.82 to 0.98 without the pairs), but 0.76 for a Gaussian of 200, which has
    hubs. With `inflation` from `dependence` in its place it is 0.94 or more in all of these.

    Args:
        values: (m,) finite numbers, m at least 2.
        seed: of the resampling.
        inflation: how many times wider the intervals are than for independent values; in its place, no pairs are
            looked for. 1 for independent values, such as norms.

    Returns:
        `count`, `mean`, `median`, `sd` (divisor m - 1), `min`, `q05`, `q25`, `q75`, `q95`, `max`, `zeros` (how many
        are exactly 0), `mean_low`, `mean_high`, `median_low`, `median_high`.

    Raises:
        ValueError: wrong shape, fewer than two values, values that are not finite, a seed or an inflation that is
            negative.
    """
    data = numbers(values, "values")
    if len(data) < 2:
        raise ValueError(f"values has shape {data.shape}; expected (m,) with m at least 2")
    generator = np.random.default_rng(check_seed(seed))
    if inflation is not None and not (isinstance(inflation, Real) and 0 < float(inflation) < math.inf):
        raise ValueError(f"inflation is {inflation!r}; expected a positive number or None")
    ordered = np.sort(data)
    units = pair_up(data) if inflation is None else np.arange(len(data))
    factor = 1.0 if inflation is None else float(inflation)
    mean_low, mean_high = _mean_interval(data, units, factor, generator)
    if ordered[0] >= 0:  # a mean of lengths is none below 0, though a widened interval of a few may reach there
        mean_low = max(mean_low, 0.0)
    # sum of squared sizes: the variance of the number of values under the median, were all units fair coins
    effective = len(data) ** 2 / (float((np.bincount(units) ** 2).sum()) * factor**2)
    median_low, median_high = _median_interval(ordered, effective)
    low, first, median, third, high = np.quantile(ordered, _QUANTILES).tolist()
    return {
        "count": len(data),
        "mean": float(data.mean()),
        "median": median,
        "sd": float(data.std(ddof=1)),
        "min": float(ordered[0]),
        "q05": low,
        "q25": first,
        "q75": third,
        "q95": high,
        "max": float(ordered[-1]),
        "zeros": int((data == 0).sum()),
        "mean_low": mean_low,
        "mean_high": mean_high,
        "median_low": median_low,
        "median_high": median_high,
    }


def pair_up(values: np.ndarray) -> np.ndarray:
    """(m,) labels 0...: equal values share a label, two by two."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    place = np.arange(len(values))
    within = place - np.maximum.accumulate(np.where(fresh, place, 0))  # place among its equals
    labels = np.empty(len(values), dtype=np.int64)
    labels[order] = np.cumsum(fresh | (within % 2 == 0)) - 1
    return labels


def dependence(vectors: Any, *, seed: int = 0, sample: int = 2048) -> float:
    """How many times wider the interval of a mean nearest-neighbour distance is than for independent distances.

    Measured on `sample` of the vectors drawn at random (all, if there are no more): the jackknife's standard error,
    over that of independent values, and at least 1. Leaving out vector i takes away its own distance, and every vector
    whose nearest was i falls back on its second. The jackknife errs on the wide side (Efron and Stein 1981): by
    simulation its standard error is 0.98 to 1.5 times the true one (2 times for points on a line). Hubs grow with the
    number of vectors, so that a sample of them says a little too little.

    Args:
        vectors: (m, n), a NumPy array (memory-mapped will do) or a torch tensor.

    Raises:
        ValueError: as `cloud`; sample below 3.
    """
    source = Rows(vectors)
    if isinstance(sample, bool) or not isinstance(sample, Integral) or sample < 3:
        raise ValueError(f"sample is {sample!r}; expected an integer of at least 3")
    generator = np.random.default_rng(check_seed(seed))
    count = min(int(sample), source.count)
    if count < 3:
        return 1.0
    data = source.take(np.sort(generator.choice(source.count, count, replace=False)))  # (s, n)
    data = data - data.mean(axis=0)
    largest = float(np.abs(data).max())
    if largest == 0.0:
        return 1.0
    data /= largest
    squares = np.einsum("ij,ij->i", data, data)
    nearest, two = np.empty(count, dtype=np.int64), np.empty((count, 2))
    step = max(1, _BLOCK // count)
    for start in range(0, count, step):
        block = squares[start : start + step, None] + squares - 2 * data[start : start + step] @ data.T  # (b, s)
        rows = np.arange(len(block))
        block[rows, rows + start] = np.inf
        index = np.argpartition(block, 1, axis=1)[:, :2]  # (b, 2)
        found = np.linalg.norm(data[start : start + step, None] - data[index], axis=2)
        first = found.argmin(axis=1)
        nearest[start : start + step] = index[rows, first]
        two[start : start + step] = np.sort(found, axis=1)
    own = two[:, 0]
    influence = own - np.bincount(nearest, two[:, 1] - own, minlength=count)
    plain = float(own.std())
    return max(1.0, float(influence.std()) / plain) if plain else 1.0


def cloud(vectors: Any, *, seed: int = 0) -> dict[str, float]:
    """Lengths and shape of the cloud of `vectors` (m, n), whatever its offset from the origin.

    Two passes over blocks of rows in float64; memory is n² numbers and a few blocks, so that the vectors may be a
    memory-mapped file. A tensor is worked on where it is.

    Returns:
        `rms_norm`, the root mean square of |x|; `spread`, that of |x - mean|; `effective_dimension`,
        (tr C)² / tr C² of the covariance C, from 1 to n (0 if all vectors are equal); `median_pair`, the median
        distance of two different vectors: over all pairs if there are at most 100,000, else over as many at random.

    Raises:
        ValueError: wrong rank or dtype, rows that are not finite, fewer than two vectors, a negative seed.
    """
    source = Rows(vectors)
    generator = np.random.default_rng(check_seed(seed))
    if source.count < 2:
        raise ValueError(f"vectors has {source.count} rows; expected at least 2")
    origin = source.block(0, 1)  # from it equal vectors are exactly zero, and an offset takes no digits
    largest = 0.0
    for a, b in source.blocks():
        largest = max(largest, float(abs(source.block(a, b)).max()))
    scale = power_of_two(largest)
    squares, total = 0.0, 0.0 * origin[0]
    for a, b in source.blocks():
        block = source.block(a, b) / scale
        squares += float((block * block).sum())
        total = total + (block - origin / scale).sum(0)
    mean = total / source.count  # (n,) from the origin
    products: Any = 0.0
    for a, b in source.blocks():
        block = (source.block(a, b) / scale - origin / scale) - mean
        products = products + block.T @ block  # (n, n)
    trace = float(products.diagonal().sum()) / source.count
    return {
        "rms_norm": scale * math.sqrt(squares / source.count),
        "spread": scale * math.sqrt(trace),
        "effective_dimension": (trace * source.count) ** 2 / float((products * products).sum()) if trace else 0.0,
        "median_pair": _median_pair(source, generator, scale),
    }


def scale_free(described: Mapping[str, Any], cloud: Mapping[str, float]) -> dict[str, float]:
    """The mean and median distance over a length of the cloud itself: numbers that no change of unit can move.

    Args:
        described: from `describe`. cloud: from `cloud`.

    Returns:
        `mean_over_rms_norm`, `median_over_rms_norm`, `mean_over_pair`, `median_over_pair`, each with `..._low` and
        `..._high`. The intervals are the distance's own; the length it is divided by, far better known, is taken as
        it is. A length of 0 leaves its entries out.
    """
    found = {}
    for place, length in (("rms_norm", "rms_norm"), ("pair", "median_pair")):
        if not cloud[length] > 0:
            continue
        for statistic in ("median", "mean"):
            for end in ("", "_low", "_high"):
                found[f"{statistic}_over_{place}{end}"] = described[statistic + end] / cloud[length]
    return found


class Rows:
    """Blocks of rows of an array or tensor in float64: on its own device, or taken out as NumPy."""

    def __init__(self, vectors: Any, *, name: str = "vectors") -> None:
        self.tensor = not isinstance(vectors, np.ndarray) and type(vectors).__module__.split(".")[0] == "torch"
        self.data = vectors.detach() if self.tensor else np.asanyarray(vectors)
        shape = tuple(self.data.shape)
        if len(shape) != 2 or shape[0] < 1 or shape[1] < 1:
            raise ValueError(f"{name} has shape {shape}; expected (m, n), both at least 1")
        real = self._is_real_tensor() if self.tensor else self.data.dtype.kind in "fiu"
        if not real:
            raise ValueError(f"{name} has dtype {self.data.dtype}; expected real numbers")
        self.name = name
        self.count, self.width = shape
        self.step = max(1, _BLOCK // self.width)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of blocks that cover all rows."""
        for start in range(0, self.count, self.step):
            yield start, min(start + self.step, self.count)

    def block(self, start: int, stop: int) -> Any:
        """(stop - start, n) float64, NumPy or a tensor on the data's device."""
        rows = self.data[start:stop]
        if self.tensor:
            rows = rows.double()
            finite = bool(rows.isfinite().all())
        else:
            rows = np.asarray(rows, dtype=np.float64)
            finite = bool(np.isfinite(rows).all())
        if not finite:
            raise ValueError(f"{self.name}: rows {start}...{stop - 1} hold NaN or infinity; expected finite numbers")
        return rows

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(k, n) float64 NumPy copies of the given rows."""
        if self.tensor:
            import torch

            index = torch.from_numpy(np.ascontiguousarray(rows)).to(self.data.device)
            found = self.data[index].double().cpu().numpy()
        else:
            found = np.asarray(self.data[rows], dtype=np.float64)
        if not np.isfinite(found).all():
            row = int(rows[np.flatnonzero(~np.isfinite(found).all(axis=1))[0]])
            raise ValueError(f"{self.name}: row {row} holds NaN or infinity; expected finite numbers")
        return found

    def _is_real_tensor(self) -> bool:
        tensor: torch.Tensor = self.data
        return not (tensor.is_complex() or str(tensor.dtype).endswith("bool"))


def power_of_two(largest: float) -> float:
    """The power of two just above `largest`: dividing by it changes no digit and keeps squares in range."""
    return math.ldexp(1.0, min(math.frexp(largest)[1], 1023)) if largest else 1.0


def check_seed(seed: int) -> int:
    """The seed, if it is one; ValueError otherwise."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected an integer of at least 0")
    return int(seed)


def numbers(values: Any, name: str) -> np.ndarray:
    """(m,) float64 from an array, tensor or sequence of finite real numbers; ValueError, with `name`, otherwise."""
    if hasattr(values, "detach"):
        values = values.detach().double().cpu().numpy()
    data = np.asarray(values)
    if data.ndim != 1 or data.dtype.kind not in "fiu":
        raise ValueError(f"{name} has shape {data.shape}, dtype {data.dtype}; expected (m,) real numbers")
    data = data.astype(np.float64)
    if not np.isfinite(data).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    return data


def _mean_interval(
    data: np.ndarray, units: np.ndarray, factor: float, generator: np.random.Generator
) -> tuple[float, float]:
    """Percentile interval of the mean, whole units being drawn with replacement."""
    mean = float(data.mean())
    sizes = np.bincount(units).astype(np.float64)  # (c,)
    sums = np.bincount(units, data - mean)  # (c,) from the mean: no digits lost to a common offset
    drawn = min(len(sizes), _MOST_DRAWN)
    deviations = np.empty(RESAMPLES)
    step = max(1, _BLOCK // drawn)
    for start in range(0, RESAMPLES, step):
        index = generator.integers(len(sizes), size=(min(step, RESAMPLES - start), drawn))
        deviations[start : start + step] = sums[index].sum(axis=1) / sizes[index].sum(axis=1)
    deviations *= factor * math.sqrt(drawn / len(sizes))
    low, high = np.quantile(deviations, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    return mean + min(low, 0.0), mean + max(high, 0.0)


def _median_interval(ordered: np.ndarray, effective: float) -> tuple[float, float]:
    """Values at the ranks that leave 2.5% on either side of a fair coin tossed `effective` times."""
    from scipy.stats import binom

    coins = max(1, int(effective))
    share = max(0.0, float(binom.ppf((1 - LEVEL) / 2, coins, 0.5)) / coins)
    count = len(ordered)
    rank = min(max(math.floor(share * count), 1), (count + 1) // 2)  # 1-based
    return float(ordered[rank - 1]), float(ordered[count - rank])


def _median_pair(source: Rows, generator: np.random.Generator, scale: float) -> float:
    count = source.count
    if count * (count - 1) // 2 <= PAIRS:
        left, right = np.triu_indices(count, 1)
    else:
        left = generator.integers(count, size=PAIRS)
        right = (left + generator.integers(1, count, size=PAIRS)) % count  # never left itself
    order = np.argsort(left, kind="stable")  # a file is then read forwards
    left, right = left[order], right[order]
    found = np.empty(len(left))
    step = max(1, _BLOCK // source.width)
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        found[part] = np.linalg.norm((source.take(left[part]) - source.take(right[part])) / scale, axis=1)
    return scale * float(np.median(found))
