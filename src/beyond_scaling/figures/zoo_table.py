"""The zoo in a table: what each network promises of its energy, and what it does with spoilt digits, computed live."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..hopfield.digits import digits
from .zoo_networks import KINDS, Kind, retrieved

ROUNDING = 1e-9  # of the largest energy met: a rise below it is none
MAX_STEPS = 200
TOLERANCE = 1e-6  # of a pixel; much below it, rounding decides how many steps a network takes
_HEADS = ("network", "states", "E falls", "largest rise", "retrieved", "completed", "steps")


@dataclass(frozen=True)
class ZooRow:
    """One network and what it did.

    Attributes:
        kind: which network, with its settings. title, source, domain: of its class.
        descends: whether theory says that no update raises the energy.
        rise: the largest rise of the energy in an update, over all queries, in its own units; 0 if within rounding.
        retrieved: share of the noisy queries that ended at the signs of their digit, all pixels.
        completed: share of the queries with the lower half hidden and the upper half known that did.
        steps: the mean number of updates that moved a noisy query.
        settled: share of the noisy queries that came to rest.
    """

    kind: Kind
    title: str
    source: str
    domain: str
    descends: bool
    rise: float
    retrieved: float
    completed: float
    steps: float
    settled: float

    @property
    def particulars(self) -> str:
        """The source and the setting, in small print."""
        return f"{self.source}; {self.kind.setting}" if self.kind.setting else self.source

    def texts(self) -> list[str]:
        """What the columns after the name print."""
        more = "" if self.settled == 1 else "+"
        return [
            self.domain, "yes" if self.descends else "no", _rise(self.rise), _share(self.retrieved),
            _share(self.completed), f"{self.steps:.1f}{more}",
        ]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ZooTable:
    """As HTML in a page, with a caption, and as plain text elsewhere.

    Attributes:
        rows: a network each. stored: digits. queries: of each sort. flipped: pixels of a noisy one.
    """

    rows: tuple[ZooRow, ...]
    stored: int
    queries: int
    flipped: int

    def __repr__(self) -> str:
        lines = [list(_HEADS), *([f"{row.title} ({row.particulars})", *row.texts()] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        told = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*told, self.caption()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in _HEADS)
        body = "".join(_line(row) for row in self.rows)
        return (
            '<figure class="bs-numbers bs-named">'
            '<div role="group" aria-label="The zoo, measured on digits" tabindex="0">'
            f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            f"<figcaption>{html.escape(self.caption())}</figcaption></figure>"
        )

    def caption(self) -> str:
        """What was done, and what the columns mean."""
        more = " +: some had not come to rest." if any(row.settled < 1 for row in self.rows) else ""
        return (
            f"{self.stored} digits of 64 pixels are stored. Retrieved: the share of {self.queries} queries with"
            f" {self.flipped} pixels flipped that end at the signs of their digit. Completed: the same for"
            f" {self.queries} queries whose lower half is unknown and whose upper half is held. E falls: whether theory"
            " says that no update raises the energy. Largest rise: in one update of a noisy query, in each energy's own"
            f" unit; 0 within rounding. Steps: updates that moved a noisy query, on average.{more}"
        )


def zoo_table(stored: int = 10, queries: int = 64, flipped: int = 6, seed: int = 0) -> ZooTable:
    """Every network of `KINDS` on the same digits and the same queries.

    Args:
        stored: how many digits are stored, the first ones.
        queries: how many queries, made from the digits in turn.
        flipped: pixels of each that are flipped, 0 to 64.
        seed: of which they are.

    Raises:
        ValueError: a number of digits, queries or pixels out of range.
    """
    if queries < 1:
        raise ValueError(f"queries is {queries!r}, expected one or more")
    if not 0 <= flipped <= 64:
        raise ValueError(f"flipped is {flipped!r}, expected 0 to 64 pixels")
    patterns = digits(stored)  # (d, n)
    meant = patterns[np.arange(queries) % stored]  # (q, n)
    rng = np.random.default_rng(seed)
    noisy = np.where(rng.random(meant.shape).argsort(axis=1) < flipped, -meant, meant)
    return ZooTable(tuple(_measured(kind, patterns, meant, noisy) for kind in KINDS), stored, queries, flipped)


def _measured(kind: Kind, patterns: np.ndarray, meant: np.ndarray, noisy: np.ndarray) -> ZooRow:
    memory = kind.make(patterns)
    limits: dict[str, Any] = {"max_steps": MAX_STEPS, "tolerance": TOLERANCE}
    found = memory.retrieve(noisy, path=True, **limits)
    energies = found.energies  # (s + 1, q)
    assert energies is not None
    rise = float(np.max(np.diff(energies, axis=0), initial=0.0))
    known = np.arange(patterns.shape[1]) < patterns.shape[1] // 2
    completed = memory.retrieve(np.where(known, meant, 0.0), known=known, **limits).state
    return ZooRow(
        kind, memory.title, memory.source, memory.domain, memory.descends,
        rise if rise > ROUNDING * np.abs(energies).max() else 0.0,
        float(retrieved(found.state, meant).mean()), float(retrieved(completed, meant).mean()),
        float(found.steps.mean()), float(found.settled.mean()),
    )  # fmt: skip


def _line(row: ZooRow) -> str:
    name = f"{html.escape(row.title)}<br><small>{html.escape(row.particulars)}</small>"
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{html.escape(text)}</td>" for text in row.texts())}</tr>'


def _rise(value: float) -> str:
    return "0" if value == 0 else f"{value:.2g}"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"
