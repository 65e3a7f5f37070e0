"""Lines of Question-Formation as numbers, as Murty et al. (2023) train on them.

The tab becomes a space, a start token comes first, and an end token is the last target. A line of k tokens is k + 2
numbers: the model reads the first k + 1 and predicts the last k + 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .grammar import TASKS
from .variant import Variant

PAD, START, END = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<end>")
IGNORED = -100  # a target that does not count


class Coding:
    """Numbers for the tokens of a variant: 71 for the data's 68 words and pad, start and end.

    Attributes:
        symbols: the token of every number, the special ones first.
        rows: how many there are, the rows of an embedding.
    """

    def __init__(self, variant: Variant | None = None) -> None:
        self.variant = variant if variant is not None else Variant()
        tokens = self.variant.vocabulary
        if self.variant.units == "characters":
            tokens = tuple(sorted({*"".join(tokens), " "}))
        self.symbols: tuple[str, ...] = (*SPECIAL, *tokens)
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols) if number >= len(SPECIAL)}

    @property
    def rows(self) -> int:
        return len(self.symbols)

    def tokens(self, line: str) -> list[str]:
        """The tokens of a line, without start and end."""
        text = line.replace("\t", " ")
        return list(text) if self.variant.units == "characters" else text.split(" ")

    def encode(self, line: str) -> np.ndarray:
        """A line's numbers, start and end included: (tokens + 2,) int64.

        Raises:
            ValueError: a token is not in the vocabulary.
        """
        try:
            numbers = [self._numbers[token] for token in self.tokens(line)]
        except KeyError as unknown:
            raise ValueError(f"{line!r}: {unknown.args[0]!r} is not in the vocabulary of {self.rows} tokens") from None
        return np.array([START, *numbers, END], dtype=np.int64)

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The line that `encode` made numbers of; padding after the end is left out.

        Raises:
            ValueError: no start, no end, a number out of range, or a special token in between.
        """
        listed = [int(number) for number in numbers]
        while listed and listed[-1] == PAD:
            listed.pop()
        if len(listed) < 2 or listed[0] != START or listed[-1] != END:
            raise ValueError(f"numbers {listed}: expected {START} (start) first and {END} (end) last")
        for number in listed[1:-1]:
            if not len(SPECIAL) <= number < self.rows:
                raise ValueError(f"number {number} is no token of a line, expected {len(SPECIAL)} ... {self.rows - 1}")
        joint = "" if self.variant.units == "characters" else " "
        line = joint.join(self.symbols[number] for number in listed[1:-1])
        for task in TASKS:  # the tab that the data has after the task
            line = line.replace(f" {task} ", f" {task}\t")
        return line

    def example(self, line: str) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a line, (tokens + 1,) int64 each; targets that do not count are -100."""
        numbers = self.encode(line)
        targets = numbers[1:].copy()
        targets[: self.ignored(line)] = IGNORED
        return numbers[:-1], targets

    def ignored(self, line: str) -> int:
        """How many of a line's first targets do not count.

        With ``part="answer"`` all up to the task (and, of characters, the space after it), else none.

        Raises:
            ValueError: the line of an answer has no tab.
        """
        if self.variant.part != "answer":
            return 0
        read, tab, _ = line.partition("\t")
        if not tab:
            raise ValueError(f"{line!r}: no tab between the task and the output")
        return len(read) + 1 if self.variant.units == "characters" else len(read.split(" "))

    def counted(self, line: str) -> int:
        """How many of a line's targets count, the end among them."""
        return len(self.tokens(line)) + 1 - self.ignored(line)

    def batch(self, lines: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of several lines, (lines, longest + 1) int64 each, padded on the right with pad and -100.

        Raises:
            ValueError: no line at all.
        """
        examples = [self.example(line) for line in lines]
        if not examples:
            raise ValueError("lines is empty, expected at least one")
        width = max(len(inputs) for inputs, _ in examples)
        inputs = np.full((len(examples), width), PAD, dtype=np.int64)
        targets = np.full((len(examples), width), IGNORED, dtype=np.int64)
        for row, (read, predicted) in enumerate(examples):
            inputs[row, : len(read)], targets[row, : len(predicted)] = read, predicted
        return inputs, targets
