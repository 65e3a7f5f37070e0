"""Generated lines, looked at without the generator's own notions: filters, agreement, frequencies."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from beyond_scaling.corpora.grammar import words
from beyond_scaling.corpora.line_forms import line_forms
from beyond_scaling.corpora.question_formation import generate
from beyond_scaling.corpora.released import RELEASED
from beyond_scaling.corpora.variant import Variant

SINGULAR, PLURAL = ("does", "doesn't"), ("do", "don't")
AUXILIARIES = (*SINGULAR, *PLURAL)
RELATIVE = ("who", "that")
SPLITS, WEIGHTINGS = ("train", "dev", "test", "gen"), ("uniform", "released")


def taken_apart(line: str) -> tuple[list[str], str, list[str]]:
    """Sentence, task and output of a line."""
    (before, after), count = line.split("\t"), line.count("\t")
    *sentence, task = before.split(" ")
    assert count == 1
    return sentence, task, after.split(" ")


def check(line: str, split: str) -> None:
    """What facts say of the splits, by looking at auxiliaries and relative pronouns alone."""
    sentence, task, output = taken_apart(line)
    places = [place for place, word in enumerate(sentence) if word in AUXILIARIES]
    clauses = [place for place, word in enumerate(sentence) if word in RELATIVE]
    on_subject = bool(clauses) and clauses[0] < places[0]
    assert sentence[-1] == "."
    assert "." not in sentence[:-1]
    if split == "gen":
        assert task == "quest"
        assert on_subject
        assert len(clauses) == 1
        assert len(places) == 2
        first, second = (sentence[place] for place in places)
        assert {first, second} in ({*SINGULAR}, {*PLURAL})
    main = places[1] if on_subject else places[0]  # a clause on the subject has one auxiliary, before the main one
    assert (sentence[main] in PLURAL) == sentence[1].endswith("s") if sentence[1] not in ("tyrannosaurus", "walrus") \
        else sentence[main] in SINGULAR
    if task == "decl":
        assert output == sentence
    else:
        assert task == "quest"
        assert split == "gen" or not on_subject
        assert output == [sentence[main], *sentence[:main], *sentence[main + 1 : -1], "?"]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("split", SPLITS)
def test_lines_pass_their_split(split, weighting):
    lines = generate(3000, 1, split, weighting)
    for line in lines:
        check(line, split)
    told = {word for line in lines for word in line.replace("\t", " ").split(" ")}
    everything = {word for listed in words().values() for word in listed}
    assert told == everything - ({"decl"} if split == "gen" else set())
    # Nothing is left out that a split may have: declaratives with clauses on both sides.
    both = [s for s, task, _ in map(taken_apart, lines) if sum(word in RELATIVE for word in s) == 2]
    assert bool(both) == (split != "gen")


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("split", ["train", "test", "gen"])
def test_forms_occur_as_often_as_they_should(split, weighting):
    category = {word: name for name, listed in words().items() for word in listed}
    lines = generate(30_000, 2, split, weighting)
    seen = Counter(tuple(category[word] for word in line.replace("\t", " ").split(" ")) for line in lines)
    forms, probabilities = line_forms(split, weighting, "line")
    expected = {tuple(slot.category for slot in form.slots): p for form, p in zip(forms, probabilities, strict=True)}
    assert set(seen) <= set(expected)
    assert sum(probabilities) == pytest.approx(1)
    often = {form for form, p in expected.items() if p * len(lines) >= 5}
    observed = [seen[form] for form in sorted(often)]
    wanted = [expected[form] * len(lines) for form in sorted(often)]
    rest = len(lines) - sum(wanted)
    if rest > 5:
        observed, wanted = [*observed, len(lines) - sum(observed)], [*wanted, rest]
    else:
        wanted = [count * sum(observed) / sum(wanted) for count in wanted]
    assert len(wanted) > 40
    assert chisquare(observed, wanted).pvalue > 0.001


def test_words_are_uniform_and_independent():
    lines = generate(20_000, 3)
    counted = Counter(word for line in lines for word in taken_apart(line)[0])
    for name, listed in words().items():
        if len(listed) > 1:
            assert chisquare([counted[word] for word in listed]).pvalue > 0.001, name
    pairs = Counter(tuple(taken_apart(line)[0][:2]) for line in lines)
    assert len(pairs) == 6 * 26
    assert chisquare(list(pairs.values())).pvalue > 0.001


def test_tasks_of_the_grammars_own_weights():
    """Half and half, until questions with a clause on the subject, a third, are dropped."""
    share = np.mean([taken_apart(line)[1] == "quest" for line in generate(30_000, 4)])
    assert share == pytest.approx(0.4, abs=0.01)


def test_kinds_of_the_released_weighting():
    """Subject and object kinds come as they were counted, told here by the words alone."""
    lines, counted = generate(40_000, 5, weighting="released"), RELEASED["train"]
    intransitive = {*["giggle", "smile", "sleep", "swim", "wait", "move", "change", "read", "eat"]}
    plain = [
        task
        for sentence, task, _ in map(taken_apart, lines)
        if len(sentence) == 5 and sentence[-2] in intransitive
    ]  # Det N Aux V .
    told = Counter(plain)
    total = sum(sum(row) for table in (counted.quest, counted.decl) for row in table)
    for task, table in (("quest", counted.quest), ("decl", counted.decl)):
        expected = table[2][2] / total
        assert told[task] / len(lines) == pytest.approx(expected, abs=4 * (expected / len(lines)) ** 0.5)


def test_fewer_lines_come_first_among_more():
    assert generate(70_000, 6)[:100] == generate(100, 6)
    assert generate(300, 6, distinct=True)[:100] == generate(100, 6, distinct=True)
    shuffled = Variant(order="shuffled")
    assert generate(300, 6, variant=shuffled)[:100] == generate(100, 6, variant=shuffled)


def test_seeds_and_splits_are_drawn_apart():
    assert generate(50, 7) == generate(50, 7)
    assert generate(50, 7) != generate(50, 8)
    assert len({*generate(50, 7), *generate(50, 7, "dev"), *generate(50, 7, "test")}) > 120


def test_distinct_lines_are_distinct():
    lines = generate(20_000, 9, distinct=True)
    assert len(set(lines)) == len(lines) == 20_000
    assert len(set(generate(20_000, 9))) < 20_000  # as chance has it, they are not


def test_parts_of_a_line():
    for line, sentence in zip(generate(200, 0), generate(200, 0, variant=Variant("answer")), strict=True):
        assert line == sentence  # an answer differs in its targets alone
    assert all(line.endswith(" .") and "\t" not in line for line in generate(200, 0, variant=Variant("sentence")))
    outputs = generate(500, 0, variant=Variant("output"))
    assert {line[-1] for line in outputs} == {".", "?"}
    assert all((line.split(" ")[0] in AUXILIARIES) == line.endswith("?") for line in outputs)
    assert {line[-1] for line in generate(200, 0, variant=Variant("question"))} == {"?"}


def test_shuffled_words_are_the_same_words():
    first_places = Counter()
    for line in generate(4000, 0, variant=Variant(order="shuffled")):
        sentence, task, output = taken_apart(line)
        assert sentence[-1] == "."
        assert output[-1] == ("?" if task == "quest" else ".")
        assert sorted(sentence[:-1]) == sorted(output[:-1])
        if len(sentence) == 5:
            first_places["sentence", sum(word in AUXILIARIES for word in sentence[:1])] += 1
            first_places["output", sum(word in AUXILIARIES for word in output[:1])] += 1
    for half in ("sentence", "output"):  # the auxiliary of four words comes first every fourth time
        first, other = first_places[half, 1], first_places[half, 0]
        assert chisquare([first, other], [(first + other) / 4, 3 * (first + other) / 4]).pvalue > 0.001


def test_more_nouns_are_used():
    told = {word for line in generate(2000, 0, variant=Variant(nouns=3)) for word in line.split(" ")}
    assert {"yak", "aardvark", "lobsters"} <= told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0, "seed": 0}, "count is 0, expected a whole number of at least 1"),
        ({"count": 2.0, "seed": 0}, "count is 2.0"),
        ({"count": True, "seed": 0}, "count is True"),
        ({"count": 1, "seed": -1}, "seed is -1, expected a whole number of at least 0"),
        ({"count": 1, "seed": 0, "split": "valid"}, "split is 'valid', expected one of train, dev, test, gen"),
        ({"count": 1, "seed": 0, "weighting": "own"}, "weighting is 'own', expected one of uniform, released"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        generate(**arguments)


def test_distinct_lines_may_run_out(monkeypatch):
    from beyond_scaling.corpora import question_formation

    few = {name: listed[:2] if name.startswith("Aux") else listed[:1] for name, listed in words().items()}
    monkeypatch.setattr(question_formation, "words", lambda nouns: few)
    with pytest.raises(ValueError, match="count is 100000, but hardly any line is new after"):
        generate(100_000, 0, distinct=True)
