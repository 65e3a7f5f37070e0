"""What exact nearest neighbours of m vectors cost: operations, bytes, hours; formulas, and nothing measured.

``docs/nearest-neighbours.md`` explains every formula and shows the tables, which are written into it by

    python -m beyond_scaling.radius.costs docs/nearest-neighbours.md

Rates are given, not known here: operations a second of the matrix product, bytes a second of a memory or a link. One
multiplication and addition are two operations. Bytes are counted in units of 1000.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from numbers import Integral, Real

HOUR, DAY = 3600.0, 86400.0
# One H200: matrix product of bfloat16 and copy within its memory as measured, memory and links by its data sheet.
BF16_RATES = (770e12, 800e12)
MEMORY_RATE = 4.3e12
MEMORY_BYTES = 141e9
NETWORK_RATE = 50e9  # of one 400 Gbit/s port, one for each GPU
OPENWEBTEXT = 35 * 10**6  # chunks of 256 that do not overlap, in the paper's 9e9 tokens


@dataclass(frozen=True)
class Cost:
    """Exact search among `vectors` of `width` on `processors` alike, each pair once."""

    vectors: int
    width: int
    processors: int
    rate: float
    flop: float  # of the products: 2 width for each pair
    seconds: float  # of the products alone, at `rate` on every processor
    input_bytes: float  # of all vectors
    bytes_per_processor: float  # its own share, the visitor's, and the next visitor's
    ring_steps: int  # how often a processor's share moves on
    ring_bytes: float  # sent by each processor
    tile_bytes: float  # moved by each processor if every product went to memory and back


def cost(
    vectors: int,
    width: int,
    *,
    rate: float,
    processors: int = 1,
    number_bytes: int = 2,
    products: int = 1,
) -> Cost:
    """Cost of the exact search by its formulas.

    Args:
        rate: operations a second of one processor's matrix product, in the format of the candidates.
        processors: GPUs (or CPUs) in the ring, each with an equal share of the vectors.
        number_bytes: of one component: 2 for bfloat16 or float16, 4 for float32.
        products: matrix products for each pair; 3 where float32 is split in bfloat16 parts, say.

    Raises:
        ValueError: an argument that is not a positive number, or not an integer where one is meant.
    """
    counts = {"vectors": vectors, "width": width, "processors": processors, "number_bytes": number_bytes}
    for name, value in {**counts, "products": products}.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected an integer of at least 1")
    _positive("rate", rate)
    pairs = vectors * (vectors - 1) / 2
    flop = 2.0 * width * products * pairs
    share = math.ceil(vectors / processors) * width * number_bytes
    steps = processors // 2
    return Cost(
        vectors=vectors,
        width=width,
        processors=processors,
        rate=float(rate),
        flop=flop,
        seconds=flop / (processors * rate),
        input_bytes=float(vectors) * width * number_bytes,
        bytes_per_processor=float(share * min(processors, 3)),
        ring_steps=steps,
        ring_bytes=float(steps * share),
        tile_bytes=2 * 4 * pairs / processors,
    )


def most_vectors(seconds: float, width: int, *, rate: float, processors: int = 1, products: int = 1) -> float:
    """How many vectors an exact search manages in so many seconds: sqrt(seconds rate processors / (width products))."""
    for name, value in {"seconds": seconds, "rate": rate, "width": width, "processors": processors}.items():
        _positive(name, value)
    _positive("products", products)
    return math.sqrt(seconds * rate * processors / (width * products))


def pruned(width: int, leading: int, left: float) -> float:
    """Work with pruning over work without: leading/width for the bounds, and the share `left` of the pairs in full.

    Args:
        leading: components (after a rotation) that the lower bound reads, from 1 to width.
        left: share of pairs, or of tiles if whole tiles are computed, that the bound does not rule out, from 0 to 1.
    """
    if not 1 <= leading <= width:
        raise ValueError(f"leading is {leading!r}; expected from 1 to the width, {width!r}")
    if not 0 <= left <= 1:
        raise ValueError(f"left is {left!r}; expected a share from 0 to 1")
    return leading / width + left


def inverted_lists(vectors: int, lists: int, probes: int) -> float:
    """Work of an IVF self-join over that of the exact one: assignment to lists, then `probes` of them for each vector.

    (2 n m lists + 2 n m (m / lists) probes) / (n m²), for lists of one size.
    """
    if not 1 <= probes <= lists:
        raise ValueError(f"probes is {probes!r}; expected from 1 to the number of lists, {lists!r}")
    _positive("vectors", vectors)
    return 2 * lists / vectors + 2 * probes / lists


def graph_seconds(vectors: int, width: int, *, visits: int, memory_rate: float, number_bytes: int = 2) -> float:
    """Seconds to fetch, for every vector, `visits` others from memory: the least that a graph search takes."""
    for name, value in {"vectors": vectors, "width": width, "visits": visits, "memory_rate": memory_rate}.items():
        _positive(name, value)
    return vectors * visits * width * number_bytes / memory_rate


def as_dear_as_the_model(parameters: float, length: int, width: int) -> float:
    """The number of vectors at which comparing them takes as many operations as making them: 2 N L / n.

    A forward pass over a chunk of L tokens takes about 2 N L operations, N parameters of matrices apart from
    embeddings; a search takes n m² for m vectors.
    """
    for name, value in {"parameters": parameters, "length": length, "width": width}.items():
        _positive(name, value)
    return 2.0 * parameters * length / width


def tables(width: int = 1024, vectors: int = 10**9, rates: tuple[float, float] = BF16_RATES) -> dict[str, str]:
    """The tables of the page, as Markdown: `sizes`, `machines`, `reach` and `alternatives`."""

    def between(count: int, processors: int = 1) -> str:
        return _span(*(cost(count, width, rate=rate, processors=processors).seconds for rate in reversed(rates)))

    sizes = ["| vectors | operations | on one GPU | kept as bfloat16 | kept as float32 |", "|---:|---:|---:|---:|---:|"]
    for count in (10**5, 10**6, 10**7, OPENWEBTEXT, 10**8, vectors):
        half, single = (cost(count, width, rate=rates[0], number_bytes=size) for size in (2, 4))
        sizes.append(
            f"| {count:,} | {half.flop:.2e} | {between(count)} | {_bytes(half.input_bytes)}"
            f" | {_bytes(single.input_bytes)} |"
        )
    machines = [
        "| GPUs | the products take | bfloat16 on each | each sends | at 50 GB/s | tiles through memory would add |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for processors in (1, 8, 64, 512, 4096):
        one = cost(vectors, width, rate=rates[0], processors=processors)
        room = "" if one.bytes_per_processor <= MEMORY_BYTES else " (does not fit)"
        sending = _seconds(one.ring_bytes / NETWORK_RATE) if one.ring_bytes else "-"
        machines.append(
            f"| {processors:,} | {between(vectors, processors)} | {_bytes(one.bytes_per_processor)}{room}"
            f" | {_bytes(one.ring_bytes)} | {sending} | {_seconds(one.tile_bytes / MEMORY_RATE)} |"
        )
    reach = ["| on one GPU within | at most so many vectors |", "|---|---:|"]
    for name, seconds in (("a minute", 60.0), ("an hour", HOUR), ("a day", DAY), ("a week", 7 * DAY)):
        few, many = (most_vectors(seconds, width, rate=rate) for rate in rates)
        reach.append(f"| {name} | {few / 1e6:,.1f} to {many / 1e6:,.1f} million |")
    return {
        name: "\n".join(lines) + "\n"
        for name, lines in {
            "sizes": sizes,
            "machines": machines,
            "reach": reach,
            "alternatives": _alternatives(width, rates),
        }.items()
    }


def fill(page: str) -> str:
    """The page with its tables written anew: each between ``<!-- costs: name -->`` and ``<!-- end -->``.

    Raises:
        ValueError: the page asks for a table that there is none of, or lacks one.
    """
    written = tables()
    asked = re.findall(r"^<!-- costs: (\w+) -->$", page, flags=re.MULTILINE)
    if sorted(asked) != sorted(written):
        raise ValueError(f"the page has places for tables {asked}; expected {list(written)}, each once")
    return re.sub(
        r"^<!-- costs: (\w+) -->\n.*?^<!-- end -->$",
        lambda found: f"<!-- costs: {found[1]} -->\n\n{written[found[1]]}\n<!-- end -->",
        page,
        flags=re.MULTILINE | re.DOTALL,
    )


def _alternatives(width: int, rates: tuple[float, float]) -> list[str]:
    lines = ["| vectors | exact | IVF: lists, probes | the same products | graph: visits | to fetch them |"]
    lines.append("|---:|---:|---:|---:|---:|---:|")
    for count, lists, probes, visits in ((10**7, 2**14, 64, 500), (10**8, 2**16, 64, 500), (10**9, 2**18, 64, 500)):
        exact = [cost(count, width, rate=rate).seconds for rate in reversed(rates)]
        share = inverted_lists(count, lists, probes)
        fetch = graph_seconds(count, width, visits=visits, memory_rate=MEMORY_RATE)
        lines.append(
            f"| {count:,} | {_span(*exact)} | {lists:,}, {probes} | {_span(*(share * one for one in exact))}"
            f" | {visits} | {_seconds(fetch)} |"
        )
    return lines


def _positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} is {value!r}; expected a positive number")


def _span(least: float, most: float) -> str:
    first, last = _seconds(least), _seconds(most)
    number, unit = first.split(" ")
    if first == last:
        return first
    return f"{number} to {last}" if last.split(" ")[1] == unit else f"{first} to {last}"


def _seconds(seconds: float) -> str:
    for name, size in (("days", DAY), ("hours", HOUR), ("minutes", 60.0), ("s", 0.5)):
        if seconds >= 2 * size:
            return f"{seconds / (size if size > 1 else 1):.3g} {name}"
    return f"{1000 * seconds:.3g} ms"


def _bytes(count: float) -> str:
    for name, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {name}"
    return f"{count:.0f} bytes" if count else "-"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    for name in sys.argv[1:]:
        Path(name).write_text(fill(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
    if not sys.argv[1:]:
        print("\n".join(tables().values()), end="")
