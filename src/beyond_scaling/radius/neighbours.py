"""Exact nearest-neighbour distances inside nested random subsets (Appendix F.1, Figure 2 top).

Short codes of the vectors give lower bounds of all distances by matrix products; wherever a bound does not rule a
pair out, its distance is computed from direct differences of the vectors. Every reported distance is such a
one, so no cancellation reaches the result, and no neighbour is missed. On a CPU that is done by compiled loops
(`_cpu_search`), elsewhere by tensor operations (`_device_search`).
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .subsets import Levels, check_fractions, check_order, subset_order, subset_rows, subset_size

if TYPE_CHECKING:
    import torch

    from ._pairs import Engine
    from ._points import Points

__all__ = ["nearest_distances", "subset_order", "subset_rows", "subset_size"]


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
        vectors: (m, n), a NumPy array (memory-mapped will do, and may be larger than memory) or a torch tensor;
            any real dtype.
        fractions: each in (0, 1]; several cost hardly more than one.
        device: where to compute; by default the tensor's own device, or the CPU.
        seed: of the permutation. order: a permutation (m,) instead.
        progress: show a progress bar.

    Returns:
        {fraction: distances (ceil(f m),)}, float64, NumPy for NumPy and torch (on the input's device) for
        torch; within 1e-5 relative of float64 brute force on a GPU, and equal to it up to rounding on a CPU.
        Exact duplicates are at distance exactly 0. Extra memory on a CPU is a few fixed blocks, whatever m.

    Raises:
        ValueError: wrong rank or dtype, rows that are not finite, a fraction outside (0, 1], a subset of
            fewer than two vectors, an `order` that is no permutation, a device other than CPU and CUDA.
    """
    import torch

    from ._pairs import search
    from ._points import Points

    tensor_given = isinstance(vectors, torch.Tensor)
    data, place = check_vectors(vectors), place_for(vectors, device)
    count = len(data)
    fractions = check_fractions(fractions, count)
    levels = Levels(check_order(order, count, seed), fractions)
    with plainly(place):
        points = Points(data)
        engine = engine_for(points, levels.rows, place)
        found = torch.as_tensor(search(engine, points, levels, progress)) * points.unit  # (levels, p)
    distances = {}
    for fraction, level in zip(fractions, levels.of, strict=True):
        values = found[level][torch.from_numpy(levels.in_row_order(level)).to(found.device)]
        distances[fraction] = values.to(data.device) if tensor_given else values.cpu().numpy()
    return distances


def engine_for(points: Points, rows: np.ndarray, place: torch.device) -> Engine:
    """The search for `rows` of `points` at a place."""
    if place.type == "cpu" and compiled():
        from . import _cpu_search

        return _cpu_search.engine(points, rows)
    from . import _device_search

    return _device_search.engine(points, place)


def compiled() -> bool:
    """Whether numba is there: without it a CPU takes the way of a GPU, several times slower."""
    return importlib.util.find_spec("numba") is not None


@contextlib.contextmanager
def plainly(place: torch.device) -> Iterator[None]:
    """Arithmetic as written, whatever the caller has switched on: gradients, autocast, a default device."""
    import torch

    with torch.inference_mode(), torch.autocast(place.type, enabled=False), torch.device("cpu"):
        yield


def place_for(vectors: Any, device: str | torch.device | None) -> torch.device:
    """Where to compute; ValueError for a device that torch does not know, or neither a CPU nor a GPU with float64."""
    import torch

    place = vectors.device if device is None and isinstance(vectors, torch.Tensor) else device or "cpu"
    try:
        found = torch.device(place)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device is {device!r}; expected one that torch knows, such as cpu or cuda") from error
    if found.type not in ("cpu", "cuda"):
        raise ValueError(f"device {found}: exact distances need float64 and products of known rounding: cpu or cuda")
    return found


def check_vectors(vectors: Any, least: int = 2) -> Any:
    """The vectors (m, n) as an array or a tensor; ValueError for another rank, no numbers, fewer than `least` rows."""
    import torch

    data = vectors.detach() if isinstance(vectors, torch.Tensor) else np.asanyarray(vectors)
    if data.ndim != 2 or data.shape[1] < 1:
        raise ValueError(f"vectors has shape {tuple(data.shape)}; expected (m, n) with n at least 1")
    kind = str(data.dtype)
    numeric = (
        data.dtype.kind in "fiu" if isinstance(data, np.ndarray) else not (data.is_complex() or kind.endswith("bool"))
    )
    if not numeric:
        raise ValueError(f"vectors has dtype {kind} ({type(vectors).__name__}); expected real numbers")
    if data.shape[0] < least:
        raise ValueError(f"vectors has {data.shape[0]} rows; expected at least {least}")
    return data
