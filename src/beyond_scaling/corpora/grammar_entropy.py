"""Exact information theory of Question-Formation: probability and entropy of a line, entropy per target, floors.

All in nats. The training loss is the cross-entropy summed over the targets that count, over their number, so the least
that a model can reach on new lines is E[-log p(line)] / E[targets] (`entropy`), and on m given lines the entropy of
drawing one of them, log m if no two are alike, over their mean number of targets (`memorised_floor`).

By the chain rule the entropy of a line is that of its form, and log k for each of its words that is one of k.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .coding import Coding
from .grammar import START, as_tree
from .language import Language, language
from .line_forms import LineForm, Split, Weighting
from .variant import Variant

__all__ = ["Entropy", "Estimate", "entropy", "entropy_tree", "log_probability", "memorised_floor", "sample_loss"]


@dataclass(frozen=True)
class Entropy:
    """Nats of a line, and its expected number of targets."""

    nats: float
    targets: float

    @property
    def per_target(self) -> float:
        """Nats per target: the least loss on new lines."""
        return self.nats / self.targets

    @property
    def bits_per_target(self) -> float:
        return self.per_target / math.log(2)


@dataclass(frozen=True)
class Estimate:
    """A mean over lines and its standard error, in nats per target."""

    value: float
    error: float
    lines: int


def log_probability(
    line: str, split: Split = "train", weighting: Weighting = "uniform", variant: Variant | None = None
) -> float:
    """Log probability of a line in nats, -inf if it is not in the language; of an answer, given what it answers.

    Raises:
        ValueError: no such split or weighting.
    """
    return language(split, weighting, variant).log_probability(line)


def entropy(split: Split = "train", weighting: Weighting = "uniform", variant: Variant | None = None) -> Entropy:
    """Entropy of a line and expected number of its targets, exact; of an answer, given what it answers.

    Raises:
        ValueError: no such split or weighting.
    """
    return entropy_of(language(split, weighting, variant))


def entropy_of(lines: Language) -> Entropy:
    """Entropy and expected targets of any language whose lines each fit one form only, as all of ours do."""
    nats = targets = 0.0
    for form, probability in lines.forms.items():
        nats += probability * _nats(lines, form, probability)
        targets += probability * _targets(lines, form)
    return Entropy(nats, targets)


def _nats(lines: Language, form: LineForm, probability: float) -> float:
    """Mean of -log p over the lines of a form."""
    shuffled, answer = lines.variant.order == "shuffled", lines.variant.part == "answer"
    repeated = len(form.halves) == 2
    nats = 0.0
    if not answer:
        nats += -math.log(probability) + sum(math.log(slot.choices(lines.categories)) for slot in form.slots)
    if not shuffled:
        return nats
    half = form.slots[form.halves[0]]
    counts = Counter(slot.category for slot in half)
    orders = math.lgamma(len(half) + 1)
    if not answer:
        nats += orders - sum(math.lgamma(count + 1) for count in counts.values())
    if repeated:
        apart = {slot.category for slot in half if slot.differs is not None}
        nats += orders - sum(
            _repetitions(count, len(lines.categories[category]))
            for category, count in counts.items()
            if category not in apart  # there no word comes twice
        )
    return nats


@cache
def _repetitions(count: int, words: int) -> float:
    """E[log ∏_w m_w!], m_w being how often each of so many words occurs in ``count`` uniform draws."""
    if words == 1:
        return math.lgamma(count + 1)
    chance = 1 / words
    return words * sum(
        math.comb(count, often) * chance**often * (1 - chance) ** (count - often) * math.lgamma(often + 1)
        for often in range(2, count + 1)
    )


def _targets(lines: Language, form: LineForm) -> float:
    """Mean number of targets that count over the lines of a form."""
    slots = form.slots[form.sentence + 1 :] if lines.variant.part == "answer" else form.slots
    if lines.variant.units == "words":
        return len(slots) + 1
    return sum(float(np.mean([len(word) + 1 for word in lines.categories[slot.category]])) for slot in slots)


def memorised_floor(lines: Sequence[str], variant: Variant | None = None) -> float:
    """The least training loss on these lines and no others, in nats per target.

    That of a model which has learnt them by heart and gives each the share it has among them: their entropy as a
    multiset, over their mean number of targets. For answers, the entropy of the answer given what it answers.

    Raises:
        ValueError: no lines, or one that the variant's coding does not know.
    """
    coding = Coding(variant)
    told = list(lines)
    if not told:
        raise ValueError("lines is empty, expected at least one")
    for line in set(told):
        coding.encode(line)
    nats = _multiset_nats(told)
    if coding.variant.part == "answer":
        nats -= _multiset_nats([line.partition("\t")[0] for line in told])
    return nats / (sum(coding.counted(line) for line in told) / len(told))


def _multiset_nats(told: Sequence[str]) -> float:
    counts = np.array(list(Counter(told).values()), dtype=np.float64)
    return math.log(len(told)) - float(counts @ np.log(counts)) / len(told)


def sample_loss(
    lines: Sequence[str],
    split: Split = "train",
    weighting: Weighting = "uniform",
    variant: Variant | None = None,
) -> Estimate:
    """The loss on some lines of a model that knows the language exactly, and its standard error as an estimate.

    The loss is a ratio of sums, -log p over targets; its error is that of the ratio, to first order in 1/lines.

    Raises:
        ValueError: fewer than two lines, or one that is not in the language.
    """
    if len(lines) < 2:
        raise ValueError(f"lines has {len(lines)}, expected at least two")
    known, coding = language(split, weighting, variant), Coding(variant)
    nats = -np.array([known.log_probability(line) for line in lines])
    if not np.isfinite(nats).all():
        stranger = lines[int(np.argmax(nats))]
        raise ValueError(f"{stranger!r} is no line of split {split!r} with weighting {weighting!r}, {known.variant}")
    targets = np.array([coding.counted(line) for line in lines], dtype=np.float64)
    value = float(nats.sum() / targets.sum())
    error = float(np.std(nats - value * targets, ddof=1) / targets.mean() / math.sqrt(len(lines)))
    return Estimate(value, error, len(lines))


def entropy_tree(symbol: str = START, nouns: int = 1, task: str | None = None) -> dict[str, Any]:
    """`grammar.as_tree` with numbers at every node, by the chain rule over productions.

    Every node gets "choice", the entropy of its own choice in nats; "entropy", of all its words; "length", how
    many there are on average. No two derivations give the same words: the entropy of a derivation is that of its words.

    Raises:
        ValueError: no such symbol or task, or ``nouns`` out of range.
    """
    return _with_entropy(as_tree(symbol, nouns, task))


def _with_entropy(node: Mapping[str, Any]) -> dict[str, Any]:
    if "words" in node:
        nats = math.log(len(node["words"]))
        return {"symbol": node["symbol"], "choice": nats, "entropy": nats, "length": 1.0, "words": node["words"]}
    options = [
        {"probability": option["probability"], "parts": [_with_entropy(part) for part in option["parts"]]}
        for option in node["options"]
    ]
    choice = -sum(option["probability"] * math.log(option["probability"]) for option in options)
    below, length = (
        sum(option["probability"] * sum(part[key] for part in option["parts"]) for option in options)
        for key in ("entropy", "length")
    )
    return {
        "symbol": node["symbol"],
        "choice": choice,
        "entropy": choice + below,
        "length": length,
        "options": options,
    }
