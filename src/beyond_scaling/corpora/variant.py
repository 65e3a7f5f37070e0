"""Variants of Question-Formation: other parts, words, units and orders of the same lines, each of known entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from .grammar import TASKS, words

Part = Literal["line", "sentence", "output", "question", "answer"]
Units = Literal["words", "characters"]
Order = Literal["grammar", "shuffled"]


@dataclass(frozen=True)
class Variant:
    """What a model is shown of the lines, and what it is asked to predict.

    Attributes:
        part: ``"line"``, all of ``SENTENCE . quest|decl<TAB>OUTPUT``; ``"sentence"``, the sentence alone, up to its
            full stop; ``"output"``, the output alone, of both tasks; ``"question"``, the output alone, of the task
            quest only; ``"answer"``, the whole line to read, but only what follows the task counts as a target.
        nouns: how many times the data's 13 nouns, from 1 to 4.
        units: what a token is.
        order: ``"shuffled"`` puts the words of the sentence in random order, and those of the output in another; marks
            and task stay where they are.

    Raises:
        ValueError: a field is none of these.
    """

    part: Part = "line"
    nouns: int = 1
    units: Units = "words"
    order: Order = "grammar"

    def __post_init__(self) -> None:
        words(self.nouns)
        for field, allowed in (("part", Part), ("units", Units), ("order", Order)):
            value = getattr(self, field)
            if value not in get_args(allowed):
                raise ValueError(f"{field} is {value!r}, expected one of {', '.join(get_args(allowed))}")

    def __str__(self) -> str:
        """A short name, such as ``line`` or ``sentence, 2x nouns, shuffled``."""
        told: list[str] = [self.part]
        told += [f"{self.nouns}x nouns"] if self.nouns > 1 else []
        told += [self.units] if self.units != "words" else []
        told += [self.order] if self.order != "grammar" else []
        return ", ".join(told)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word that can occur, each once, sorted."""
        listed = {word for category in words(self.nouns).values() for word in category}
        if self.part == "sentence":
            listed -= {*TASKS, "?"}
        elif self.part in ("output", "question"):
            listed -= {*TASKS, *((".",) if self.part == "question" else ())}
        return tuple(sorted(listed))
