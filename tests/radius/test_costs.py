"""What exact search costs: the formulas against a count, and every number of the page against the formulas."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from beyond_scaling.radius import costs
from beyond_scaling.radius.costs import (
    BF16_RATES,
    DAY,
    HOUR,
    NETWORK_RATE,
    as_dear_as_the_model,
    cost,
    fill,
    graph_seconds,
    inverted_lists,
    most_vectors,
    pruned,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "nearest-neighbours.md"


def test_operations_are_counted_pair_by_pair():
    found = cost(50, 7, rate=1.0)
    assert found.flop == sum(2 * 7 for i in range(50) for j in range(i))
    assert cost(50, 7, rate=4.0, processors=5).seconds == found.flop / 20
    assert cost(50, 7, rate=1.0, products=3).flop == 3 * found.flop


@pytest.mark.parametrize("processors", [1, 2, 3, 5, 8])
def test_half_a_ring_shows_every_pair_of_shares_to_someone(processors):
    steps = cost(80, 3, rate=1.0, processors=processors).ring_steps
    met = {frozenset((rank, (rank - step) % processors)) for step in range(steps + 1) for rank in range(processors)}
    assert met == {frozenset((one, other)) for one in range(processors) for other in range(processors)}
    if steps:
        fewer = {frozenset((rank, (rank - step) % processors)) for step in range(steps) for rank in range(processors)}
        assert fewer != met


def test_bytes():
    found = cost(1000, 16, rate=1.0, processors=4, number_bytes=4)
    assert found.input_bytes == 1000 * 16 * 4
    assert found.bytes_per_processor == 3 * 250 * 16 * 4
    assert found.ring_bytes == 2 * 250 * 16 * 4
    assert found.tile_bytes == pytest.approx(8 * 1000 * 999 / 2 / 4)
    alone = cost(1000, 16, rate=1.0)
    assert (alone.bytes_per_processor, alone.ring_bytes) == (1000 * 16 * 2, 0)


def test_most_vectors_take_the_time_they_are_given():
    count = most_vectors(HOUR, 1024, rate=785e12, processors=8)
    assert cost(int(count), 1024, rate=785e12, processors=8).seconds == pytest.approx(HOUR, rel=1e-6)


def test_the_floor_of_the_benchmark():
    assert cost(100_000, 1024, rate=790e12).seconds == pytest.approx(0.013, abs=1e-4)  # 13 ms


def test_alternatives():
    assert pruned(384, 128, 0.02) == pytest.approx(1 / 3 + 0.02)
    assert inverted_lists(10**6, 1000, 1000) == pytest.approx(2.002)  # all lists: both halves of the pairs
    assert graph_seconds(10, 4, visits=3, memory_rate=2.0) == 10 * 3 * 4 * 2 / 2.0


def test_the_page_shows_what_the_formulas_give():
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page) == page
    assert page.count("\n| 1,000,000,000 |") == 2


def test_the_numbers_in_the_pages_sentences_follow_too():
    words = " ".join(PAGE.read_text(encoding="utf-8").split())
    million = 1e6
    assert f"{as_dear_as_the_model(12 * 24 * 1024**2, 256, 1024) / million:.0f} million vectors" in words
    assert f"that is {9e9 / 256 / million:.0f} million chunks" in words
    assert f"{costs.OPENWEBTEXT:,}" in words
    gpus = [2 * 1e9 * NETWORK_RATE / (2 * rate) for rate in BF16_RATES]
    assert min(gpus) > 60_000
    assert "more than 60,000 GPUs" in words
    streamed = max(2 * rate / (2 * 1e7 * NETWORK_RATE) for rate in BF16_RATES)
    assert 0.001 < streamed < 0.002
    assert "under 0.2%" in words
    assert f"{pruned(384, 128, 0.02):.2f} of the work" in words
    hour, day = (most_vectors(time, 1024, rate=BF16_RATES[0]) for time in (HOUR, DAY))
    assert hour > 50e6 > costs.OPENWEBTEXT
    assert day > 250e6
    assert cost(10**9, 1024, rate=BF16_RATES[0], processors=64).seconds < DAY
    assert most_vectors(HOUR, 1024, rate=0.3e12) == pytest.approx(1e6, rel=0.05)
    assert f"at least {100 * 0.05 / 20:.2f}%" in words
    assert f"is {100 * 0.3 / 1e5**0.5:.1f}%" in words
    assert f"falls by {100 * (1 - 0.4 ** (1 / 20)):.1f}% at k = 20" in words


def test_the_page_is_filled_by_the_command(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(re.sub(r"^\|.*\n", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")
    command = [sys.executable, "-m", "beyond_scaling.radius.costs", str(page)]
    subprocess.run(command, check=True, timeout=120)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="places for tables"):
        fill("no tables here")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cost(0, 5, rate=1.0), "vectors is 0"),
        (lambda: cost(5, 5, rate=0.0), "rate is 0.0"),
        (lambda: cost(5, 5, rate=1.0, processors=1.5), "processors is 1.5"),
        (lambda: most_vectors(-1.0, 5, rate=1.0), "seconds is -1.0"),
        (lambda: pruned(5, 6, 0.1), "leading is 6"),
        (lambda: pruned(5, 5, 1.1), "left is 1.1"),
        (lambda: inverted_lists(10, 2, 3), "probes is 3"),
        (lambda: graph_seconds(10, 2, visits=0, memory_rate=1.0), "visits is 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
