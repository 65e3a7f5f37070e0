"""What a line of Question-Formation can look like: its forms with their probabilities, for a split, weighting and part.

A form is a list of slots. A slot takes a new word of its category, or repeats an earlier slot, or (in the split
``gen``) takes the auxiliary that an earlier slot has not. So a line is a form and a few independent uniform words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from .grammar import TASKS
from .released import RELEASED, Counts
from .sentence_forms import CLAUSES, MODIFIERS, OBJECTS, SentenceForm, sentence_forms
from .variant import Part

Split = Literal["train", "dev", "test", "gen"]
Weighting = Literal["uniform", "released"]


@dataclass(frozen=True)
class Slot:
    """One word of a line.

    Attributes:
        category: whose words it takes.
        copies: the position of the earlier word that it repeats, if it does.
        differs: the position of the earlier word of the same category that it must not be, if there is one.
    """

    category: str
    copies: int | None = None
    differs: int | None = None

    def choices(self, categories: Mapping[str, tuple[str, ...]]) -> int:
        """Between how many words it chooses, all equally likely, given the ones before."""
        return 1 if self.copies is not None else len(categories[self.category]) - (self.differs is not None)


@dataclass(frozen=True)
class LineForm:
    """A form of a line.

    Attributes:
        slots: one for each word.
        sentence: how many of them are the sentence, its full stop among them; 0 if the line is an output alone.
        task: the word between sentence and output; empty if only one of the two is there.
    """

    slots: tuple[Slot, ...]
    sentence: int
    task: str

    @property
    def halves(self) -> tuple[slice, ...]:
        """Where the words of the sentence and of the output are, without their marks."""
        sentence, output = slice(0, self.sentence - 1), slice(self.sentence + bool(self.task), len(self.slots) - 1)
        return tuple(half for half in (sentence, output) if half.start < half.stop)

    def joined(self, told: Sequence[str]) -> str:
        """The line that its words make, with a tab after the task."""
        if not self.task:
            return " ".join(told)
        middle = self.sentence + 1
        return " ".join(told[:middle]) + "\t" + " ".join(told[middle:])


def line_forms(split: Split, weighting: Weighting, part: Part) -> tuple[tuple[LineForm, ...], tuple[float, ...]]:
    """The forms of a part of the lines and their probabilities, which add up to 1.

    Raises:
        ValueError: no such split or weighting.
    """
    for name, value, allowed in (("split", split, Split), ("weighting", weighting, Weighting)):
        if value not in get_args(allowed):
            raise ValueError(f"{name} is {value!r}, expected one of {', '.join(get_args(allowed))}")
    return _line_forms(split, weighting, part)


@cache
def _line_forms(split: Split, weighting: Weighting, part: Part) -> tuple[tuple[LineForm, ...], tuple[float, ...]]:
    found: dict[LineForm, float] = defaultdict(float)
    for (task, form), probability in _weights(split, weighting).items():
        if part == "question" and task != "quest":
            continue
        found[_line(form, task, part, split == "gen")] += probability
    total = sum(found.values())
    return tuple(found), tuple(probability / total for probability in found.values())


def admits(split: Split, task: str, form: SentenceForm) -> bool:
    """Whether a split has such lines.

    A question in training, development and test has no relative clause on its subject. The generalisation split has
    only questions with one, none on the object, and a first auxiliary that is the other one of the main one's number.
    """
    if split != "gen":
        return task == "decl" or form.subject != "RC"
    agree = form.categories[form.first] == form.categories[form.main]
    return task == "quest" and form.subject == "RC" and form.object != "RC" and agree


@cache
def _weights(split: Split, weighting: Weighting) -> dict[tuple[str, SentenceForm], float]:
    """Probability of every task and form that the split admits."""
    own = {
        (task, form): float(form.probability) / len(TASKS)
        for task in TASKS
        for form in sentence_forms()
        if admits(split, task, form)
    }
    if weighting == "released":
        counted = RELEASED[split]
        kinds: dict[tuple[object, ...], float] = defaultdict(float)
        for (task, form), weight in own.items():
            kinds[_kind(task, form)] += weight
        own = {key: weight / kinds[_kind(*key)] * _share(counted, *key) for key, weight in own.items()}
        own = {key: weight for key, weight in own.items() if weight > 0}
    total = sum(own.values())
    return {key: weight / total for key, weight in own.items()}


def _kind(task: str, form: SentenceForm) -> tuple[object, ...]:
    return task, form.subject, form.object, form.subject_clause, form.object_clause


def _share(counted: Counts, task: str, form: SentenceForm) -> float:
    """Of a kind of sentence: the count of its row and column, times the shares of its kinds of clauses."""
    table = counted.quest if task == "quest" else counted.decl
    share = float(table[MODIFIERS.index(form.subject)][OBJECTS.index(form.object)])
    for clause, kinds in ((form.subject_clause, counted.subject_clauses), (form.object_clause, counted.object_clauses)):
        if clause is not None:
            share *= kinds[CLAUSES.index(clause)] / max(sum(kinds), 1)
    return share


def _line(form: SentenceForm, task: str, part: Part, other: bool) -> LineForm:
    """The slots of a part of a line. ``other``: the first and the main auxiliary are not the same word."""
    length = len(form.categories)
    body = list(range(length - 1))  # positions in the sentence, without its full stop
    moved = [form.main, *(place for place in body if place != form.main)]
    output: list[int | str] = [*moved, "?"] if task == "quest" else [*body, "."]
    sentence: list[int | str] = [*body, "."]
    order = {"sentence": sentence, "output": output, "question": output}.get(part, [*sentence, task, *output])
    slots: list[Slot] = []
    seen: dict[int, int] = {}  # position in the sentence -> in the line
    for word in order:
        if isinstance(word, str):
            slots.append(Slot(word))
            continue
        category = form.categories[word]
        pair = {form.main: form.first, form.first: form.main}.get(word) if other else None
        slots.append(Slot(category, seen.get(word), seen.get(pair) if word not in seen and pair is not None else None))
        seen.setdefault(word, len(slots) - 1)
    sentences = 0 if part in ("output", "question") else length
    return LineForm(tuple(slots), sentences, task if part in ("line", "answer") else "")
