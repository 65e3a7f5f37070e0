"""A line of the Question-Formation grammar as a tree, what each of its words costs, and what the loss must come to."""

from __future__ import annotations

from typing import Any, get_args

import traitlets

from ..corpora.grammar import NOUNS, PRODUCTIONS, TASKS, words
from ..corpora.line_forms import Split, Weighting, line_forms
from ..corpora.sentence_forms import sentence_forms
from .base import BookWidget
from .ranges import Real, Whole

PARTS = ("line", "sentence", "question", "answer")
MOST_LINES = 100_000
_SPLITS = [split for split in get_args(Split) if split != "gen"]


class GrammarTree(BookWidget):
    """A line drawn from the grammar, its derivation, and the entropy of every choice made in it.

    The paper predicts a loss of 1 nat per token, whatever is read. Entropy predicts another number for every variant:
    nats per line over targets per line or, where m lines are memorised, log m over their targets per line.

    Args:
        split: whose frequencies ``weighting="released"`` follows, ``"train"``, ``"dev"`` or ``"test"``.

    Attributes:
        part: ``"line"``, all of ``SENTENCE . quest|decl OUTPUT``; ``"sentence"``, without task and output;
            ``"question"``, the output of the task quest alone; ``"answer"``, the output, all before it being read only.
        units: ``"words"`` or ``"characters"``: what a token is.
        nouns: how many times the data's 13 nouns, 1 to 4.
        weighting: ``"uniform"``, the grammar's own weights, or ``"released"``, those counted in the data.
        memorised: how many different lines have been learnt by heart, 1 to 100,000; 0: none, and every line is new.
        end: whether the end of a line is a target.
        seed: which line is shown; the same number gives the same one.
        position: which of its words is looked at, 0 the first; one beyond the last is the last.
        guess: the reader's guess, in nats per token, 0 to 3.
        predict: whether to hide the entropies until the reader asks for them or changes the variant.
        productions, tasks, words, weights: the grammar, read-only. ``weights``: of each weighting, for each task, the
            probability of every form of a sentence, in the order of ``corpora.sentence_forms``.
        summary: read-only, written by the browser: ``nats`` and ``targets`` (per line, exact), ``predicted`` (their
            ratio), ``line`` (the words shown), ``tokens``, ``entropy`` and ``surprisal`` (of each of its targets),
            ``line_nats`` and ``line_targets``. Empty until the widget is shown.

    Raises:
        ValueError: if an argument is outside its range.
    """

    source = "grammar_tree.js"
    shown = ("part", "units", "nouns", "weighting", "memorised", "end", "seed")

    part = traitlets.Enum(list(PARTS), default_value="line").tag(sync=True)
    units = traitlets.Enum(["words", "characters"], default_value="words").tag(sync=True)
    nouns = Whole(1, 1, len(NOUNS)).tag(sync=True)
    weighting = traitlets.Enum(list(get_args(Weighting)), default_value="uniform").tag(sync=True)
    memorised = Whole(0, 0, MOST_LINES).tag(sync=True)
    end = traitlets.Bool(True).tag(sync=True)
    seed = Whole(2, 0, 2**31 - 1).tag(sync=True)
    position = Whole(2, 0, 40).tag(sync=True)
    guess = Real(1.0, 0.0, 3.0).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    productions = traitlets.Dict(read_only=True).tag(sync=True)
    tasks = traitlets.Dict(dict(TASKS), read_only=True).tag(sync=True)
    words = traitlets.Dict(read_only=True).tag(sync=True)
    weights = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, *, split: Split = "train", **kwargs: Any) -> None:
        if split not in _SPLITS:
            raise ValueError(f"split: expected one of {', '.join(map(repr, _SPLITS))}, got {split!r}")
        super().__init__(**kwargs)
        self.set_trait("weights", {weighting: _weights(split, weighting) for weighting in get_args(Weighting)})

    @traitlets.default("productions")
    def _productions(self) -> dict[str, list[list[Any]]]:
        return {symbol: [list(way) for way in ways] for symbol, ways in PRODUCTIONS.items()}

    @traitlets.default("words")
    def _words(self) -> dict[str, list[str]]:
        return {category: list(listed) for category, listed in words(len(NOUNS)).items()}


def _weights(split: Split, weighting: Weighting) -> dict[str, list[float]]:
    """Task -> probability of a whole line with that task and each form of its sentence."""
    forms, probabilities = line_forms(split, weighting, "line")
    found = {
        (form.task, tuple(slot.category for slot in form.slots[: form.sentence])): probability
        for form, probability in zip(forms, probabilities, strict=True)
    }
    return {task: [found.get((task, form.categories), 0.0) for form in sentence_forms()] for task in TASKS}
