"""Where in a line the entropy is: the exact distribution of every next token, given the tokens before it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from .coding import Coding
from .language import END_WORD, Language, language
from .line_forms import Split, Weighting
from .variant import Variant


@dataclass(frozen=True)
class Position:
    """One target of a line.

    Attributes:
        token: the target; ``<end>`` for the last.
        surprisal: -log of its probability given the tokens before, in nats; over a line they add up to -log p(line).
        entropy: of the next token, given the tokens before: the mean of the surprisal over what might have come.
        counts: whether the loss counts it (of an answer, not what is only read).
    """

    token: str
    surprisal: float
    entropy: float
    counts: bool


def next_tokens(
    prefix: str = "", split: Split = "train", weighting: Weighting = "uniform", variant: Variant | None = None
) -> dict[str, float]:
    """Probabilities of the next word after some words of a line (``""``: of the first), of ``<end>`` at its end.

    Words whatever the variant's units; the prefix is separated by spaces, or by a tab after the task.

    Raises:
        ValueError: no line begins like that.
    """
    reader = _Reader(language(split, weighting, variant))
    for word in prefix.replace("\t", " ").split():
        reader.read(word)
    return reader.following


def profile(
    line: str, split: Split = "train", weighting: Weighting = "uniform", variant: Variant | None = None
) -> tuple[Position, ...]:
    """Surprisal and entropy of every target of a line, the end among them, in the units of the variant.

    Raises:
        ValueError: the line is not in the language.
    """
    known = language(split, weighting, variant)
    if math.isinf(known.log_probability(line)):
        raise ValueError(f"{line!r} is no line of split {split!r} with weighting {weighting!r}, {known.variant}")
    return profile_of(known, line)


def profile_of(known: Language, line: str) -> tuple[Position, ...]:
    """The same for a line of any language."""
    coding = Coding(known.variant)
    reader = _Reader(known)
    told: list[tuple[str, dict[str, float]]] = []  # token, probabilities of what might have come
    for word in [*line.replace("\t", " ").split(" "), END_WORD]:
        if coding.variant.units == "words":
            told.append((word, reader.following))
        elif word != END_WORD:  # spelt with its word
            told += _spelling(word, reader)
        reader.read(word)
    ignored = coding.ignored(line)
    return tuple(
        Position(token, -math.log(chances[token]), _entropy(chances), place >= ignored)
        for place, (token, chances) in enumerate(told)
    )


class _Reader:
    """Reads a line word by word and knows what may follow."""

    def __init__(self, known: Language) -> None:
        self.known = known
        self.told: list[str] = []
        self._forms = dict(known.forms)  # that fit so far, with their probabilities

    @property
    def following(self) -> dict[str, float]:
        """Probabilities of the next word."""
        total = sum(self._forms.values())
        chances: dict[str, float] = defaultdict(float)
        for form, weight in self._forms.items():
            for word, chance in self.known.next_words(form, self.told).items():
                chances[word] += weight / total * chance
        return dict(chances)

    def read(self, word: str) -> None:
        if word == END_WORD:
            return
        weighed = {
            form: weight * self.known.next_words(form, self.told).get(word, 0.0) for form, weight in self._forms.items()
        }
        self._forms = {form: weight for form, weight in weighed.items() if weight}
        if not self._forms:
            raise ValueError(f"no line begins with {' '.join([*self.told, word])!r}")
        self.told.append(word)

    def ends_after(self, word: str) -> bool:
        """Whether a line ends after that next word; all that may follow agree on it."""
        other = _Reader(self.known)
        other._forms, other.told = self._forms, list(self.told)
        other.read(word)
        return END_WORD in other.following


def _spelling(word: str, reader: _Reader) -> list[tuple[str, dict[str, float]]]:
    """The characters of the next word, and of the space or end after it, with the probabilities of what might come."""
    following = reader.following
    ends = {other for other in (".", "?") if other in following and reader.ends_after(other)}
    spelt = {other: (*other, END_WORD if other in ends else " ") for other in following}
    target = spelt[word]
    told = []
    for place, character in enumerate(target):
        alike = {other: chance for other, chance in following.items() if spelt[other][:place] == target[:place]}
        total = sum(alike.values())
        chances: dict[str, float] = defaultdict(float)
        for other, chance in alike.items():
            chances[spelt[other][place]] += chance / total
        told.append((character, dict(chances)))
    return told


def _entropy(chances: dict[str, float]) -> float:
    return -sum(chance * math.log(chance) for chance in chances.values())
