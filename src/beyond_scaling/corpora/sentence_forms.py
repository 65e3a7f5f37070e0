"""The 272 forms of a sentence of the Question-Formation grammar: its categories in order, and what they are parts of.

The grammar does not recurse, so it unfolds into finitely many strings of categories. No two derivations give the same
one, and no word is in two categories: a sentence tells its form, and given the form its words are independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

from .grammar import PRODUCTIONS, START

Tree = tuple[str, tuple["Tree", ...]]  # a symbol and what it was rewritten as; nothing for a category

MODIFIERS = ("PP", "RC", "plain")  # of a noun: a prepositional phrase, a relative clause, nothing
OBJECTS = ("PP", "RC", "none", "plain")  # of the object; "none" is an intransitive verb
CLAUSES = ("intransitive", "object gap", "transitive")  # kinds of relative clause


@dataclass(frozen=True)
class SentenceForm:
    """One form.

    Attributes:
        categories: of every word, the full stop last.
        productions: used to derive it, each a symbol and what it was rewritten as.
        main: position of the main auxiliary, which a question moves to its front.
        probability: under the grammar's own weights.
        subject, object: how each is modified, of ``MODIFIERS`` and of ``OBJECTS``.
        subject_clause, object_clause: kind of its relative clause, of ``CLAUSES``; None if there is none.
    """

    categories: tuple[str, ...]
    productions: tuple[tuple[str, str], ...]
    main: int
    probability: Fraction
    subject: str
    object: str
    subject_clause: str | None
    object_clause: str | None

    @property
    def first(self) -> int:
        """Position of the first auxiliary of the sentence: the main one, or one within the subject."""
        return next(place for place, category in enumerate(self.categories) if category.startswith("Aux"))


@cache
def sentence_forms() -> tuple[SentenceForm, ...]:
    """All forms; their probabilities add up to 1."""
    return tuple(_form(tree, probability) for tree, probability in _derivations(START))


def _derivations(symbol: str) -> Iterator[tuple[Tree, Fraction]]:
    """Every tree below a symbol with its probability."""
    if symbol not in PRODUCTIONS:
        yield (symbol, ()), Fraction(1)
        return
    total = sum(weight for weight, _ in PRODUCTIONS[symbol])
    for weight, right in PRODUCTIONS[symbol]:
        for parts in product(*(tuple(_derivations(part)) for part in right.split())):
            probability = Fraction(weight, total)
            for _, share in parts:
                probability *= share
            yield (symbol, tuple(tree for tree, _ in parts)), probability


def _form(tree: Tree, probability: Fraction) -> SentenceForm:
    subject, verb_phrase, _ = tree[1]
    object_ = next((part for part in verb_phrase[1] if part[0] == "NP_O"), None)
    modified, clause = _modifier(subject)
    object_modified, object_clause = _modifier(object_) if object_ else ("none", None)
    return SentenceForm(
        categories=tuple(_leaves(tree)),
        productions=tuple(_productions(tree)),
        main=len(list(_leaves(subject))),
        probability=probability,
        subject=modified,
        object=object_modified,
        subject_clause=clause,
        object_clause=object_clause,
    )


def _leaves(tree: Tree) -> Iterator[str]:
    symbol, parts = tree
    if not parts:
        yield symbol
    for part in parts:
        yield from _leaves(part)


def _productions(tree: Tree) -> Iterator[tuple[str, str]]:
    symbol, parts = tree
    if parts:
        yield symbol, " ".join(part[0] for part in parts)
    for part in parts:
        yield from _productions(part)


def _modifier(noun_phrase: Tree) -> tuple[str, str | None]:
    """How a noun phrase is modified, and the kind of its relative clause."""
    last = noun_phrase[1][-1]
    if last[0] == "PP":
        return "PP", None
    if not last[0].startswith("RC"):
        return "plain", None
    inner = [part[0] for part in last[1]]
    return "RC", "object gap" if inner[1] == "Det" else "intransitive" if inner[-1] == "V_intr" else "transitive"
