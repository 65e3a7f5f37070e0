"""Compiled loops of the search on a CPU (numba): codes, the scan of a tile, exact distances.

Half the squared distance of two codes comes out of a matrix product as bfloat16 or float32. Its bits, read as
a signed integer, keep the order of positive numbers and put negative ones below them, so that one comparison
of integers serves both kinds. `shift` is the number of bits that bfloat16 drops: 16, or 0 for float32.
All loops release the GIL; the caller splits rows among threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

STRIDE = 64  # columns looked at together: most hold no survivor
CHUNK = 128  # terms of a sum of squares between two looks at the limit
FLUSHED = 2.0**-100  # more than what a product loses where matrix units take numbers under 2^-126 for 0
TINY = 1e-280  # a sum of squares below it may have lost digits to underflow
_SUMS = {"reassoc", "contract", "nsz"}  # lets sums use vector registers; differences stay as they are


@njit(cache=True, nogil=True, fastmath=_SUMS)
def centre_rows(raw: Any, places: Any, centre: Any, scale: float, out: Any, squares: Any) -> None:
    """`out` (b, n) float64: rows `places` of `raw` minus `centre`, times `scale`; `squares` (b,): their squared
    lengths."""
    for i in range(len(places)):
        row, square = raw[places[i]], 0.0
        for c in range(len(row)):
            value = (np.float64(row[c]) - centre[c]) * scale
            out[i, c] = value
            square += value * value
        squares[i] = square


@njit(cache=True, nogil=True, fastmath=_SUMS)
def encode(values: Any, shift: int, codes: Any, errors: Any, squares: Any) -> None:
    """Round `values` (b, k) float64 to `codes`, the bits of bfloat16 (uint16) or float32 (uint32).

    `errors` (b,) gains the length of what rounding changed; `squares` (b,): squared length of the rounded row.
    """
    single = np.empty(1, np.float32)
    word = single.view(np.uint32)
    half = np.uint32(0x7FFF if shift else 0)
    mask = np.uint32(0xFFFF0000 if shift else 0xFFFFFFFF)
    for i in range(values.shape[0]):
        error, square = 0.0, 0.0
        for c in range(values.shape[1]):
            single[0] = values[i, c]
            if shift:  # to the nearest, ties to even
                word[0] = (word[0] + half + ((word[0] >> np.uint32(16)) & np.uint32(1))) & mask
            codes[i, c] = word[0] >> np.uint32(shift)
            rounded = np.float64(single[0])
            gap = values[i, c] - rounded
            error += gap * gap
            square += rounded * rounded
        errors[i] += np.sqrt(error)
        squares[i] = square


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _sum_of_squares(left: Any, right: Any, limit: float) -> float:
    total = 0.0
    for start in range(0, len(left), CHUNK):
        part = 0.0
        for c in range(start, min(start + CHUNK, len(left))):
            gap = np.float64(left[c]) - np.float64(right[c])
            part += gap * gap
        total += part
        if total > limit:
            return np.inf
    return total


@njit(cache=True, nogil=True)
def distance(left: Any, right: Any, limit: float) -> float:
    """Euclidean distance of two rows (n,) by float64 differences; infinite once it is sure to exceed `limit`."""
    total = _sum_of_squares(left, right, limit * limit * (1 + 1e-12) + TINY)
    if total > TINY:
        return np.sqrt(total)
    largest, ratio = 0.0, 0.0
    for c in range(len(left)):
        largest = max(largest, abs(np.float64(left[c]) - np.float64(right[c])))
    if largest == 0.0:
        return 0.0
    for c in range(len(left)):
        gap = (np.float64(left[c]) - np.float64(right[c])) / largest
        ratio += gap * gap
    return largest * np.sqrt(ratio)


@njit(cache=True, nogil=True)
def _threshold(reach: float, length: float, unit: float, shift: int, single: Any, word: Any) -> int:
    if reach < 0:  # a duplicate is found: nothing can matter any more
        return -32768 if shift else -2147483648
    single[0] = min(0.5 * reach * reach + unit * length * length + FLUSHED, 3e38)
    return (word[0] >> shift) + 2  # rounding is monotone: what is under the bound stays at most one step above


@njit(cache=True, nogil=True)
def _reach(best: float, error: float, scale: float) -> float:
    """The largest distance of codes at which a pair may still improve `best`."""
    return best * scale * (1 + 1e-9) + error if best > 0.0 else -1.0


@njit(cache=True, nogil=True)
def thresholds(
    best: Any, errors: Any, lengths: Any, other_error: float, other_length: float, scale: float, unit: float,
    shift: int, out: Any,
) -> None:
    """`out` (b,): the bits under which half a squared code distance must lie for a pair to matter to a row.

    Distances of codes (in units of 1 / `scale`) differ from true ones by at most the sum of both sides'
    `errors`, and the product is off by at most `unit` times the squared sum of the codes' `lengths`, and FLUSHED.
    """
    single = np.empty(1, np.float32)
    word = single.view(np.int32)
    for i in range(len(best)):
        reach = _reach(best[i], errors[i] + other_error, scale)
        out[i] = _threshold(reach, lengths[i] + other_length, unit, shift, single, word)


@njit(cache=True, nogil=True)
def seed(
    tile: Any, first: int, last: int, left: Any, left_places: Any, best: Any, level: int
) -> None:
    """Start `best` (levels, b) of rows first...last of a diagonal tile with the exact distance to the nearest code."""
    for i in range(first, last):
        row = tile[i]
        where = 1 if i == 0 else 0
        least = row[where]
        for j in range(tile.shape[1]):
            if row[j] < least and i != j:
                least, where = row[j], j
        gap = distance(left[left_places[i]], left[left_places[where]], np.inf)
        for above in range(level, best.shape[0]):
            best[above, i] = min(best[above, i], gap)


@njit(cache=True, nogil=True)
def _any_below(row: Any, column_thresholds: Any, mine: Any) -> bool:
    """Whether any of STRIDE entries is under its threshold: a loop of fixed length, for vector registers."""
    hit = np.uint8(0)
    for j in range(STRIDE):
        hit |= np.uint8(row[j] < max(mine, column_thresholds[j]))
    return hit != 0


@njit(cache=True, nogil=True)
def scan(
    tile: Any, diagonal: bool, first: int, last: int,
    left: Any, left_places: Any, right: Any, right_places: Any, level: int,
    row_best: Any, row_errors: Any, row_lengths: Any, row_thresholds: Any,
    column_best: Any, column_thresholds: Any,
    other_error: float, other_length: float, scale: float, unit: float, shift: int,
    found_column: Any, found: Any, counts: Any,
) -> None:
    """Exact distances of all pairs of rows first...last of a tile that may matter to either side.

    `tile` (b, b'): bits of half the squared code distances; of a diagonal one the part right of the diagonal.
    `row_best` (levels, b) is brought up to date; the columns' (levels, b') is shared among threads and only
    read: what may improve it goes into `found_column`, `found`. `counts`: number found, number computed.
    """
    single = np.empty(1, np.float32)
    word = single.view(np.int32)
    width, count, computed = tile.shape[1], 0, 0
    for i in range(first, last):
        row, mine = tile[i], left[left_places[i]]
        for begin in range((i + 1) // STRIDE * STRIDE if diagonal else 0, width, STRIDE):
            end = min(begin + STRIDE, width)
            window = max(end - STRIDE, 0)  # the last one reaches back
            if width >= STRIDE and not _any_below(
                row[window : window + STRIDE], column_thresholds[window : window + STRIDE], row_thresholds[i]
            ):
                continue
            for j in range(max(begin, i + 1) if diagonal else begin, end):
                if not row[j] < max(row_thresholds[i], column_thresholds[j]):
                    continue
                limit = max(row_best[level, i], column_best[level, j])
                gap = distance(mine, right[right_places[j]], limit)
                computed += 1
                if gap < row_best[level, i]:
                    for above in range(level, row_best.shape[0]):
                        row_best[above, i] = min(row_best[above, i], gap)
                    reach = _reach(gap, row_errors[i] + other_error, scale)
                    row_thresholds[i] = _threshold(reach, row_lengths[i] + other_length, unit, shift, single, word)
                if gap < column_best[level, j]:
                    found_column[count], found[count] = j, gap
                    count += 1
    counts[0], counts[1] = count, computed


@njit(cache=True, nogil=True)
def settle(best: Any, level: int, found_column: Any, found: Any, count: int) -> None:
    """Bring the columns' `best` (levels, b') up to date with what `scan` found."""
    for at in range(count):
        for above in range(level, best.shape[0]):
            best[above, found_column[at]] = min(best[above, found_column[at]], found[at])
