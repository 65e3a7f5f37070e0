"""What is said of one cloud of vectors: those of one site of the model, or a control's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..processes import rank, shared, world
from .dimension import intrinsic_dimension
from .growth import fit_growth
from .neighbours import nearest_distances, subset_rows
from .settings import AT, Settings, fraction_name, hypothesised_distance, percent_name
from .statistics import cloud, dependence, describe, scale_free
from .volumes import log_partitions

_BLOCK = 1 << 22  # numbers of float64 at a time


@dataclass(frozen=True)
class Site:
    """`summary` as the record has it; `columns` by what follows the site in their names: `norm`, `40`, ..., `100`.

    The distance columns have one number a vector, NaN where the subset leaves it out.
    """

    summary: dict[str, Any]
    columns: dict[str, np.ndarray]


def measure_site(vectors: Any, settings: Settings, device: str, *, progress: bool = False) -> Site | None:
    """Distances of `vectors` (m, n) at every fraction, and everything that follows from them.

    Where several processes measure together all of them call this with the same vectors and share the search; the first
    has the answer, the others None.
    """
    found = _search(vectors, settings, device, progress)
    if rank() != 0:
        return None
    columns = {"norm": _norms(vectors)}
    for fraction in settings.fractions:
        column = np.full(len(vectors), np.nan, dtype=np.float32)
        column[subset_rows(len(vectors), fraction, seed=settings.seed)] = found[fraction]
        columns[percent_name(fraction)] = column
    placed = _placed(vectors, device)
    told = {
        "dependence": dependence(placed, seed=settings.seed),
        "cloud": cloud(placed, seed=settings.seed),
        "dimension": intrinsic_dimension(placed, seed=settings.seed),
    }
    summary = summarise(columns, told, width=vectors.shape[1], fractions=settings.fractions, seed=settings.seed)
    return Site(summary, columns)


def summarise(
    columns: Mapping[str, np.ndarray], told: Mapping[str, Any], *, width: int, fractions: Sequence[float], seed: int
) -> dict[str, Any]:
    """The summary of a site from its columns (`Site`) and from what only the vectors tell.

    Args:
        told: `dependence`, `cloud` and `dimension`.
    """
    distances = {fraction: columns[percent_name(fraction)] for fraction in fractions}
    distance = {
        fraction_name(fraction): describe(present(column), seed=seed, inflation=told["dependence"])
        for fraction, column in distances.items()
    }
    return {
        "norm": describe(columns["norm"], seed=seed, inflation=1.0),
        "distance": distance,
        "dependence": told["dependence"],
        "cloud": dict(told["cloud"]),
        **derived(distance, told["cloud"], width),
        "dimension": dict(told["dimension"]),
        "growth": fit_growth(
            distances,
            len(columns["norm"]),
            hypothesis=hypothesised_distance(width),
            at=AT,
            seed=seed,
            inflation=told["dependence"],
        ),
    }


def derived(distance: Mapping[str, Any], cloud_: Mapping[str, float], width: int) -> dict[str, Any]:
    """`scale_free` and `log_partition` at the largest fraction: numbers that follow from others of the summary."""
    whole = distance[max(distance, key=float)]
    return {
        "scale_free": scale_free(whole, cloud_),
        "log_partition": {
            statistic: log_partitions(whole[statistic] / 2, width, whole["count"]) for statistic in ("mean", "median")
        },
    }


def present(column: np.ndarray) -> np.ndarray:
    """The numbers of a column, float64, without the vectors that its subset leaves out."""
    return column[~np.isnan(column)].astype(np.float64)


def _search(vectors: Any, settings: Settings, device: str, progress: bool) -> dict[float, np.ndarray]:
    """Nearest-neighbour distances at every fraction; several processes take a share of the rows each."""
    if world() == 1:
        return nearest_distances(vectors, settings.fractions, device, seed=settings.seed, progress=progress)
    if len(vectors) < world():
        return shared(lambda: nearest_distances(vectors, settings.fractions, device, seed=settings.seed))
    from .ring import nearest_distances_across

    start, stop = (len(vectors) * end // world() for end in (rank(), rank() + 1))
    return nearest_distances_across(
        vectors[start:stop], settings.fractions, device, seed=settings.seed, progress=progress
    )


def _norms(vectors: Any) -> np.ndarray:
    found = np.empty(len(vectors), dtype=np.float32)
    rows = max(1, _BLOCK // vectors.shape[1])
    for start in range(0, len(vectors), rows):
        block = np.asarray(vectors[start : start + rows], dtype=np.float64)
        found[start : start + rows] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return found


def _placed(vectors: Any, device: str) -> Any:
    """The vectors on the GPU, if there is one to be used with room for them."""
    if not device.startswith("cuda"):
        return vectors
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    if 4 * vectors.nbytes > free:
        return vectors
    return torch.from_numpy(np.ascontiguousarray(vectors)).to(device)
