"""Tables of the paper that are not about scaling: capacities (Table 1) and configurations (Appendix G.1 in v1)."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log2

import pytest

from beyond_scaling.models.sizes import PAPER, make_divisible, multipliers


def patterns_per_bit_error(n: int, r: int) -> Fraction:
    """Signal²/noise² of one bit of a stored pattern, times the number of patterns: exact, for random ±1 patterns.

    The energy is -Σ_μ (ρ^μ·x)^r. Flipping one bit of a stored pattern changes its own term by n^r - (n-2)^r; another
    pattern's term changes by (1 + S)^r - (S - 1)^r up to sign, S the sum of n - 1 independent signs.
    """
    signal = n**r - (n - 2) ** r
    sums = ((2 * k - (n - 1), comb(n - 1, k)) for k in range(n))
    noise = Fraction(sum(count * ((s + 1) ** r - (s - 1) ** r) ** 2 for s, count in sums), 2 ** (n - 1))
    return signal**2 / noise


@pytest.mark.parametrize("r", [2, 3, 4, 5])
def test_table_1(r: int):
    """Doubling n multiplies the number of patterns by 2^(r-1), not by 2^r as the table has it."""
    growth = log2(patterns_per_bit_error(1024, r) / patterns_per_bit_error(512, r))
    assert growth == pytest.approx(r - 1, abs=0.05)


def openelm_parameters(width: int, query_heads: tuple[int, ...], feed_forward: int, head: int = 64) -> int:
    """Queries and outputs, half as many keys and values, feed-forward layers; norms of blocks, heads, the end."""
    layers = len(query_heads)
    return width * (3 * head * sum(query_heads) + 3 * feed_forward + 2 * layers + 1) + 2 * head * layers


def test_openelm_config():
    """Each printed N leaves at most a sum of feed-forward widths; Model 2's leaves none that OpenELM could have."""
    first, last = (6, 6, 6, 6, 8, 8, 8, 10), (6, 6, 6, 8, 8, 8, 10, 10)
    printed = {"model-1": (39.95, 954, first), "model-2": (60.26, 1280, first), "model-3": (80.20, 1440, last)}
    fits = {}
    for name, (millions, width, query) in printed.items():
        sums = [s for s in range(20_000) if round(openelm_parameters(width, query, s) / 1e6, 2) == millions]
        # OpenELM's widths are multiples of 256: how many times 256, and the largest power of 2 that divides any sum.
        fits[name] = [s // 256 for s in sums if s % 256 == 0], max(s & -s for s in sums)
    assert fits == {"model-1": ([40], 2048), "model-2": ([], 8), "model-3": ([57], 256)}
    assert [width % 64 for _, width, _ in printed.values()] == [58, 0, 32]
    # The printed multipliers of heads, 0.5 to 1, give the printed heads, but at none of the printed widths.
    for query, expected in ((first, (569, 600)), (last, (612, 661))):
        widths = [width for width in range(64, 2000) if heads(width) == query]
        assert (widths[0], widths[-1], len(widths)) == (*expected, expected[1] - expected[0] + 1)
    # The models of this book: Models 1 and 3 as printed, the nearest to Model 2, and a width with which it fits.
    ours = {
        name: (shape["hidden_size"], shape["query_heads"], sum(shape["ffn_widths"])) for name, shape in PAPER.items()
    }
    assert {name: round(openelm_parameters(*shape) / 1e6, 2) for name, shape in ours.items()} == {
        "model-1": 39.95, "model-2": 60.26, "model-2-printed": 60.48, "model-3": 80.20}  # fmt: skip
    assert {name: shape[0] for name, shape in ours.items()} == {
        "model-1": 954, "model-2": 1216, "model-2-printed": 1280, "model-3": 1440}  # fmt: skip


def heads(width: int) -> tuple[int, ...]:
    """Query heads of size 64, in pairs that share keys, by OpenELM's rule."""
    return tuple(make_divisible(width * m, 128) // 64 for m in multipliers(0.5, 1.0, 8))
