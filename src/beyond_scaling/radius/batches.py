"""How many chunks a pass takes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .forward import Passes

CPU_TOKENS = 2048  # enough rows for the matrix products, few enough for the caches: benchmarks/activations.py
GPU_TOKENS = 1 << 16  # enough to fill any GPU
GPU_SHARE = 0.6  # of the free memory


def automatic_batch(passes: Passes, tokens: np.ndarray) -> int:
    """A power of two for chunks (K, L): `CPU_TOKENS` tokens on a CPU, what fits on a GPU.

    On a GPU, `GPU_SHARE` of the free memory holds a batch; a chunk needs what a pass of two takes beyond one of one.
    """
    import torch

    count, length = tokens.shape
    device = passes.model.device
    if device.type != "cuda":
        return power_below(max(1, CPU_TOKENS // length), count)
    most = max(1, GPU_TOKENS // length)
    if count == 1 or most == 1:
        return 1
    try:
        peaks = [_peak(passes, tokens[:size], device) for size in (1, 1, 2)]  # the first also loads kernels
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return 1  # or `Passes.over` will say that not even that fits
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = torch.cuda.mem_get_info(device)[0] + held
    return power_below(min(most, fitting(free, peaks[2] - peaks[1])), count)


def fitting(free: int, each: int) -> int:
    """How many chunks of `each` bytes `GPU_SHARE` of the free memory holds; at least 1."""
    return max(1, int(GPU_SHARE * free) // max(1, each))


def power_below(most: int, count: int) -> int:
    """The largest power of two of at most `most`, and no larger than it takes to hold `count` at once."""
    size = 1
    while 2 * size <= most and size < count:
        size *= 2
    return size


def _peak(passes: Passes, tokens: np.ndarray, device: Any) -> int:
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    passes.run(tokens)
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device))
