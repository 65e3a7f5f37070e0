"""Rows split among threads: compiled loops release the GIL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch


@functools.cache
def _pool(threads: int, _process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="neighbours")


def split(work: Callable[[int, int, int], None], count: int) -> None:
    """`work(part, first, last)` for consecutive parts of range(count), as many as torch has threads."""
    parts = max(1, min(torch.get_num_threads(), count))
    edges = [count * part // parts for part in range(parts + 1)]
    if parts == 1:
        work(0, 0, count)
        return
    list(_pool(parts, os.getpid()).map(work, range(parts), edges, edges[1:]))
