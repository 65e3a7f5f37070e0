"""What is known of a loss before anything is trained: Proposition 4's value beside the entropy of the lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..loss import printed_loss
from .coding import Coding
from .grammar_entropy import entropy, memorised_floor
from .line_forms import Split, Weighting
from .question_formation import generate
from .variant import Variant

_SEED = 0  # of the lines to learn by heart


@dataclass(frozen=True)
class Prediction:
    """Two predictions of the loss on one kind of lines, in nats per target.

    Attributes:
        variant: what the lines are.
        lines: how many distinct lines are learnt by heart; None: none are, the lines are new.
        paper: Proposition 4's least loss, the same for all.
        entropy: the least loss there is: the entropy of new lines, or of a draw among the given ones.
        uniform: the loss of guessing: the log of the number of tokens, the end among them.
    """

    variant: Variant
    lines: int | None
    paper: float
    entropy: float
    uniform: float

    @property
    def name(self) -> str:
        """A short name, such as ``sentence`` or ``line, 1,000 by heart``."""
        return f"{self.variant}" if self.lines is None else f"{self.variant}, {self.lines:,} by heart"


def predictions(
    variants: Iterable[Variant],
    memorised: Sequence[int] = (),
    split: Split = "train",
    weighting: Weighting = "uniform",
) -> list[Prediction]:
    """For every variant the entropy of new lines, then the floor for each number of lines learnt by heart.

    The lines to learn are distinct ones, generated from a fixed seed.

    Raises:
        ValueError: no such split or weighting; more lines to learn than are at hand.
    """
    paper = float(printed_loss(0.0))  # log Z + 1/Z is least where Z = 1
    rows = []
    for variant in variants:
        uniform = math.log(Coding(variant).rows - 2)  # neither pad nor start is ever a target
        rows.append(Prediction(variant, None, paper, entropy(split, weighting, variant).per_target, uniform))
        for count in memorised:
            floor = memorised_floor(generate(count, _SEED, split, weighting, variant, distinct=True), variant)
            rows.append(Prediction(variant, count, paper, floor, uniform))
    return rows
