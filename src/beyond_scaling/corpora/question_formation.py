"""Lines of Question-Formation, made by the grammar: ``SENTENCE . quest|decl<TAB>OUTPUT``, as in the released files.

>>> generate(2, seed=0)     # doctest: +SKIP
['the yaks do sleep . quest\tdo the yaks sleep ?', ...]
"""

from __future__ import annotations

from collections import defaultdict
from typing import get_args

import numpy as np

from .coding import Coding
from .grammar import words
from .line_forms import LineForm, Split, Weighting, line_forms
from .variant import Variant

__all__ = ["Coding", "Split", "Variant", "Weighting", "generate"]

_BLOCK = 65_536  # lines made at a time


def generate(
    count: int,
    seed: int,
    split: Split = "train",
    weighting: Weighting = "uniform",
    variant: Variant | None = None,
    *,
    distinct: bool = False,
) -> list[str]:
    """Lines drawn independently; those of a smaller count come first among those of a larger one.

    Args:
        count: how many, at least 1.
        seed: not negative; the splits of one seed are drawn apart.
        split: whose filter the lines pass (`line_forms.admits`).
        weighting: ``"uniform"``, the grammar's own weights; ``"released"``, the frequencies of the released split.
        variant: what is shown of a line; None for all of it.
        distinct: leave out a line that came before, as the released data do. (Short ones then get rarer.)

    Raises:
        ValueError: an argument is out of range, or there are not that many distinct lines at hand.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
    variant = variant if variant is not None else Variant()
    forms, probabilities = line_forms(split, weighting, variant.part)
    categories = words(variant.nouns)
    edges = np.cumsum(probabilities)
    columns = max(len(form.slots) for form in forms)
    rng = np.random.default_rng([int(seed), get_args(Split).index(split)])
    found: list[str] = []
    seen: set[str] = set()
    while len(found) < count:
        size = _BLOCK if distinct else min(_BLOCK, count - len(found))
        shuffles = 1 if variant.order == "grammar" else 2
        drawn = rng.random((size, 1 + shuffles * columns))
        lines = _lines(forms, edges, categories, drawn, columns, variant.order == "shuffled")
        if distinct:
            before = len(seen)
            lines = [line for line in lines if line not in seen and not seen.add(line)]  # type: ignore[func-returns-value]
            if len(seen) - before < size // 1000:
                raise ValueError(f"count is {count}, but hardly any line is new after {len(seen)} distinct ones")
        found += lines
    return found[:count]


def _lines(
    forms: tuple[LineForm, ...],
    edges: np.ndarray,
    categories: dict[str, tuple[str, ...]],
    drawn: np.ndarray,
    columns: int,
    shuffled: bool,
) -> list[str]:
    """Lines from uniform numbers (lines, 1 + columns, or 1 + 2 columns to shuffle): the form, the words, the order."""
    chosen = np.minimum(np.searchsorted(edges, drawn[:, 0], side="right"), len(forms) - 1)
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, form in enumerate(chosen.tolist()):
        rows_of[form].append(row)
    lines = [""] * len(drawn)
    for number, rows in rows_of.items():
        form = forms[number]
        numbers = drawn[rows]
        picked: list[np.ndarray] = []  # of every slot: the word's number in its category, (rows,)
        for place, slot in enumerate(form.slots):
            if slot.copies is not None:
                picked.append(picked[slot.copies])
                continue
            pick = (numbers[:, 1 + place] * slot.choices(categories)).astype(np.int64)
            if slot.differs is not None:
                pick += pick >= picked[slot.differs]
            picked.append(pick)
        told = [
            [categories[slot.category][pick] for pick in picks.tolist()]
            for slot, picks in zip(form.slots, picked, strict=True)
        ]
        for row, line in zip(rows, zip(*told, strict=True), strict=True):
            if shuffled:
                line = _shuffled(form, line, drawn[row, 1 + columns :])
            lines[row] = form.joined(line)
    return lines


def _shuffled(form: LineForm, line: tuple[str, ...], keys: np.ndarray) -> tuple[str, ...]:
    """The words of the sentence and those of the output in orders of their own; marks and task stay."""
    order = list(range(len(line)))
    for half in form.halves:
        order[half] = (half.start + np.argsort(keys[half])).tolist()
    return tuple(line[place] for place in order)
