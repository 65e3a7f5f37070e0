"""A variant of Question-Formation as a distribution over lines: exact probabilities, of lines and of each next word.

A line is one of a few hundred forms (`line_forms`) and uniform words. So the probability of a line is a sum over the
forms that its categories fit (in fact one), and that of a next word is a mean over the forms that the words so far fit.

In shuffled order the words of a half are in random order. Words of a category are exchangeable, so only how many there
are of each category tells forms apart. With n_c of category c among n words, each one of k_c, a first half has
probability ∏_c n_c! / k_c^{n_c} / n! given these counts, whatever its words; a second half, the same words in another
random order, has ∏_w m_w! / n! given the first, with m_w how often word w occurs.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from .coding import END, SPECIAL
from .grammar import words
from .line_forms import LineForm, Slot, Split, Weighting, line_forms
from .variant import Variant

END_WORD = SPECIAL[END]


@dataclass(frozen=True, eq=False)
class Language:
    """A distribution over lines.

    Attributes:
        variant: what the lines are.
        forms: with their probabilities; in shuffled order one stands for all that are alike.
        categories: the words of every category.
    """

    variant: Variant
    forms: Mapping[LineForm, float]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        split: Split,
        weighting: Weighting,
        variant: Variant,
        categories: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Language:
        """The language of a split and weighting; ``categories``, if given, in place of the variant's words."""
        forms: dict[LineForm, float] = defaultdict(float)
        for form, probability in zip(*line_forms(split, weighting, variant.part), strict=True):
            forms[_in_order(form) if variant.order == "shuffled" else form] += probability
        return cls(variant, dict(forms), categories if categories is not None else words(variant.nouns))

    def log_probability(self, line: str) -> float:
        """Log probability of a line in nats, -inf if it is not in the language.

        Of an answer: of what follows the task, given all before.
        """
        told = line.replace("\t", " ").split(" ")
        if not all(word in self.category_of for word in told):
            return -math.inf
        chances = {
            form: self.forms[form] * self._chance(form, told)
            for form in self._by_categories.get(self._key(self.category_of[word] for word in told), ())
            if form.joined(told) == line
        }
        total = sum(chances.values())
        if total == 0:
            return -math.inf
        if self.variant.part != "answer":
            return math.log(total)
        return -log_orders(told[next(iter(chances)).halves[-1]]) if self.variant.order == "shuffled" else 0.0

    def next_words(self, form: LineForm, told: Sequence[str]) -> dict[str, float]:
        """Probabilities of the next word after the first words of a line, given its form; at its end, of the end."""
        place = len(told)
        if place == len(form.slots):
            return {END_WORD: 1.0}
        half = self._shuffled_half(form, place)
        if half is None:
            slot = form.slots[place]
            if slot.copies is not None:
                return {told[slot.copies]: 1.0}
            options = self._options(slot.category, () if slot.differs is None else (told[slot.differs],))
            return dict.fromkeys(options, 1 / len(options))
        used, left = told[half.start :], half.stop - place
        if form.slots[half.start].copies is not None:
            counts = Counter(told[form.halves[0]])
            counts.subtract(used)
            return {word: count / left for word, count in counts.items() if count}
        wanted = Counter(slot.category for slot in form.slots[half])
        wanted.subtract(self.category_of[word] for word in used)
        apart = {slot.category for slot in form.slots[half] if slot.differs is not None}
        chances: dict[str, float] = {}
        for category, count in wanted.items():
            if count:
                options = self._options(category, used if category in apart else ())
                chances |= dict.fromkeys(options, count / left / len(options))
        return chances

    @cached_property
    def category_of(self) -> dict[str, str]:
        """The category of every word."""
        return {word: category for category, listed in self.categories.items() for word in listed}

    def _options(self, category: str, but: Sequence[str]) -> tuple[str, ...]:
        listed = self.categories[category]
        return tuple(word for word in listed if word not in but) if but else listed

    def _shuffled_half(self, form: LineForm, place: int) -> slice | None:
        if self.variant.order == "grammar":
            return None
        return next((half for half in form.halves if half.start <= place < half.stop), None)

    def _chance(self, form: LineForm, told: Sequence[str]) -> float:
        """Probability of the words of a line, given its form."""
        chance = 1.0
        for place, word in enumerate(told):
            chance *= self.next_words(form, told[:place]).get(word, 0.0)
            if chance == 0:
                break
        return chance

    def _key(self, categories: Iterator[str]) -> tuple[str, ...]:
        return tuple(categories) if self.variant.order == "grammar" else tuple(sorted(categories))

    @cached_property
    def _by_categories(self) -> dict[tuple[str, ...], list[LineForm]]:
        found: dict[tuple[str, ...], list[LineForm]] = defaultdict(list)
        for form in self.forms:
            found[self._key(slot.category for slot in form.slots)].append(form)
        return dict(found)


@cache
def language(split: Split = "train", weighting: Weighting = "uniform", variant: Variant | None = None) -> Language:
    """The language of a split, weighting and variant.

    Raises:
        ValueError: no such split or weighting.
    """
    return Language.of(split, weighting, variant if variant is not None else Variant())


def log_orders(told: Sequence[str]) -> float:
    """Log of the number of different orders of some words, n! / ∏ m_w!."""
    return math.lgamma(len(told) + 1) - sum(math.lgamma(count + 1) for count in Counter(told).values())


def _in_order(form: LineForm) -> LineForm:
    """The form with the slots of its sentence in alphabetical order, and those of its output in the same."""
    slots = list(form.slots)
    first, *others = form.halves
    apart = {slot.category for slot in slots[first] if slot.differs is not None}
    listed = sorted(slot.category for slot in slots[first])
    slots[first] = [
        Slot(category, differs=first.start + place - 1 if category in apart and listed[place - 1] == category else None)
        for place, category in enumerate(listed)
    ]
    for half in others:
        slots[half] = [Slot(category, copies=first.start + place) for place, category in enumerate(listed)]
    return LineForm(tuple(slots), form.sentence, form.task)
