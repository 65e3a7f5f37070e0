"""The energies of the zoo's networks on the way from one stored digit to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..hopfield import Memory
from ..hopfield.digits import digit_labels, digits
from .style import BLUE, ORANGE, titled
from .zoo_networks import KINDS, Kind, retrieved
from .zoo_table import ZooTable, zoo_table

__all__ = ["Profile", "ZooTable", "energies_on_a_line", "profiles", "zoo_table"]

BEYOND = 0.25  # of the way, drawn past either digit
NEAR = 0.1  # of the way: a valley so near a digit is the digit's own
COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Profile:
    """The energy of one network on the way from pattern A to pattern B.

    Attributes:
        kind: which network.
        binary: whether the way leads through states of -1 and 1, else it is straight.
        way: (p,), 0 at A and 1 at B.
        energy: (p,), in the network's own units.
        kept: of A and of B, whether retrieval from the pattern itself ends at its signs.
    """

    kind: Kind
    binary: bool
    way: np.ndarray
    energy: np.ndarray
    kept: tuple[bool, bool]

    @property
    def valleys(self) -> tuple[bool, bool]:
        """Whether the energy on the way has its own valley at A, and at B: at the pattern's corner, or near it."""
        return self._valley(0.0), self._valley(1.0)

    def _valley(self, end: float) -> bool:
        away = np.abs(self.way - end)
        if self.binary:
            at = int(np.argmin(away))
            return bool(self.energy[at] < min(self.energy[at - 1], self.energy[at + 1]))
        near = np.flatnonzero(away <= NEAR + 1e-9)
        lowest = int(near[np.argmin(self.energy[near])])
        # At the rim of what was looked at the energy goes on falling, unless no states are beyond.
        return lowest not in (near[0], near[-1]) or lowest in (0, len(self.way) - 1)


def profiles(stored: int = 10, between: tuple[int, int] = (3, 8), steps: int = 96, seed: int = 0) -> list[Profile]:
    """The energies of one network of each family, all made of the same digits, between two of these.

    A network of binary states is followed from corner to corner, one differing pixel after another (in an order drawn
    by ``seed``), and on past either digit by pixels in which both agree; a network of real states along the straight
    line.

    Args:
        stored: how many digits, the first ones.
        between: which two of them, from 0.
        steps: of a straight line from one to the other, 10 or more.

    Raises:
        ValueError: two digits that are not two of those stored, or too few steps.
    """
    patterns = digits(stored)
    if len(set(between)) != 2 or not all(0 <= one < stored for one in between):
        raise ValueError(f"between is {between!r}, expected two different ones of the {stored} stored digits")
    if steps < 10:
        raise ValueError(f"steps is {steps!r}, expected 10 or more")
    ends = patterns[list(between)]  # (2, n)
    past = round(BEYOND * steps)
    straight = np.arange(-past, steps + past + 1) / steps
    corners = _corners(ends[0], ends[1], np.random.default_rng(seed))
    found = []
    for kind in KINDS:
        if kind.twin:
            continue
        memory = kind.make(patterns)
        way, states = corners if memory.domain == "binary" else (straight, _line(ends, straight))
        if kind.bounded:
            way, states = way[inside := np.abs(states).max(axis=1) <= 1], states[inside]
        found.append(Profile(kind, memory.domain == "binary", way, memory.energy(states), _kept(memory, ends)))
    return found


def energies_on_a_line(
    stored: int = 10, between: tuple[int, int] = (3, 8), steps: int = 96, seed: int = 0
) -> go.Figure:
    """Small multiples of `profiles`, which has the arguments: each energy from its least to its greatest value."""
    found = profiles(stored, between, steps, seed)
    names = [str(digit_labels(stored)[one]) for one in between]
    rows = -(-len(found) // COLUMNS)
    figure = make_subplots(
        rows, COLUMNS, subplot_titles=[one.kind.name for one in found], shared_xaxes=True, horizontal_spacing=0.04,
        vertical_spacing=0.055,
    )  # fmt: skip
    named: set[str] = set()  # in the legend

    def draw(number: int, name: str, rank: int, **trace: Any) -> None:
        figure.add_trace(
            go.Scatter(name=name, legendgroup=name, legendrank=rank, showlegend=name not in named, **trace),
            row=number // COLUMNS + 1,
            col=number % COLUMNS + 1,
        )
        named.add(name)

    for number, one in enumerate(found):
        colour = ORANGE if one.binary else BLUE
        height = (one.energy - one.energy.min()) / (np.ptp(one.energy) or 1.0)
        draw(
            number, "states of ±1" if one.binary else "real states", 1,
            x=np.round(one.way, 4), y=np.round(height, 4), customdata=np.round(one.energy, 4),
            mode="lines+markers" if one.binary else "lines", marker={"color": colour, "size": 4},
            line={"color": colour, "width": 1.2 if one.binary else 2.5},
            hovertemplate="E = %{customdata:.4g}<extra>" + one.kind.name + "</extra>",
        )  # fmt: skip
        for stays, name, symbol in ((True, "stays", "circle"), (False, "leaves", "circle-open")):
            ends = [end for end, kept in enumerate(one.kept) if kept is stays]
            if ends:
                draw(
                    number, name, 2, x=ends, y=np.interp(ends, one.way, height), mode="markers", hoverinfo="skip",
                    marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 2.5, "color": colour}},
                )  # fmt: skip
    figure.update_xaxes(tickvals=[0, 1], ticktext=[f"the {name}" for name in names], zeroline=False)
    figure.update_yaxes(showticklabels=False, range=[-0.12, 1.1], zeroline=False, showgrid=False)
    figure.update_annotations(font={"size": 12})
    for number in range(len(found) - COLUMNS, len(found)):  # the lowest of each column
        figure.update_xaxes(showticklabels=True, row=number // COLUMNS + 1, col=number % COLUMNS + 1)
    words = _words(found)
    return titled(
        figure, height=140 * rows + 60, title="", margin={"l": 12, "r": 12, "t": 60, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
        alt=f"The energies of {len(found)} networks that store {stored} digits, on the way from the {names[0]} to the"
            f" {names[1]}. {words}",
        caption="Energies on the way from one stored digit to another, each drawn from its least to its greatest value"
                " there. Binary networks go through states of ±1, pixel by pixel, others straight. Filled: retrieval"
                f" from the digit itself stays there, in signs. {words}",
    )  # fmt: skip


def _line(ends: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Points (p, n) of the straight line through both ends (2, n)."""
    return ends[0] + way[:, None] * (ends[1] - ends[0])


def _corners(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """States of -1 and 1 from before ``a`` to past ``b``, one pixel apart: the share of the way (p,), and (p, n)."""
    differ, agree = (rng.permutation(np.flatnonzero(mask)) for mask in (a != b, a == b))
    past = max(1, min(round(BEYOND * len(differ)), len(agree) // 2))
    flips = np.concatenate([agree[:past][::-1], differ, agree[past : 2 * past]])
    start = a.copy()
    start[agree[:past]] *= -1
    signs = np.ones((len(flips) + 1, len(a)))
    for step, pixel in enumerate(flips):
        signs[step + 1 :, pixel] *= -1
    return (np.arange(len(flips) + 1) - past) / len(differ), start * signs


def _kept(memory: Memory, ends: np.ndarray) -> tuple[bool, bool]:
    kept = retrieved(memory.retrieve(ends, max_steps=1000).state, ends)
    return bool(kept[0]), bool(kept[1])


def _words(found: list[Profile]) -> str:
    """Who has valleys at both digits, at one, at neither; and who leaves one all the same."""
    groups = []
    for count, where in ((2, "both digits"), (1, "one of them only"), (0, "neither")):
        names = [one.kind.name for one in found if sum(one.valleys) == count]
        if names:
            groups.append(f"at {where}: {', '.join(names)}")
    said = f"Valleys on this way {'; '.join(groups)}."
    leaves = [one.kind.name for one in found if any(v and not k for v, k in zip(one.valleys, one.kept, strict=True))]
    return f"{said} Retrieval leaves such a valley by another way: {', '.join(leaves)}." if leaves else said
