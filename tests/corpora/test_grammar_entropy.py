"""Exact information theory, held against enumeration of a smaller language and against samples."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.corpora.coding import Coding
from beyond_scaling.corpora.grammar import PRODUCTIONS, words
from beyond_scaling.corpora.grammar_entropy import (
    entropy,
    entropy_of,
    entropy_tree,
    log_probability,
    memorised_floor,
    sample_loss,
)
from beyond_scaling.corpora.grammar_profile import next_tokens, profile, profile_of
from beyond_scaling.corpora.language import Language, language
from beyond_scaling.corpora.question_formation import generate
from beyond_scaling.corpora.variant import Variant

PARTS = ("line", "sentence", "output", "question", "answer")
FEW = {name: listed[:1] for name, listed in words().items()} | {
    "N_sg": ("newt", "tyrannosaurus"), "Aux_sg": ("does", "doesn't"), "Aux_pl": ("do", "don't"),
}  # fmt: skip
VARIANTS = st.builds(
    Variant,
    part=st.sampled_from(PARTS),
    nouns=st.integers(1, 2),
    units=st.sampled_from(["words", "characters"]),
    order=st.sampled_from(["grammar", "shuffled"]),
)


# --- a language small enough to list --------------------------------------------------------------------------


def derived(symbol: str):
    """(words, probability, place of the main auxiliary) of everything below a symbol, straight from the productions."""
    if symbol not in PRODUCTIONS:
        for word in FEW[symbol]:
            yield (word,), 1 / len(FEW[symbol]), None
        return
    total = sum(weight for weight, _ in PRODUCTIONS[symbol])
    for weight, right in PRODUCTIONS[symbol]:
        for parts in product(*(list(derived(part)) for part in right.split())):
            told = tuple(word for part in parts for word in part[0])
            main = len(parts[0][0]) if symbol == "S" else None
            yield told, weight / total * math.prod(part[1] for part in parts), main


def asked(told: tuple[str, ...], main: int) -> tuple[str, ...]:
    return (told[main], *told[:main], *told[main + 1 : -1], "?")


def text(variant: Variant, told: tuple[str, ...], task: str, output: tuple[str, ...]) -> str:
    if variant.part == "sentence":
        return " ".join(told)
    if variant.part in ("output", "question"):
        return " ".join(output)
    return " ".join((*told, task)) + "\t" + " ".join(output)


@pytest.fixture(scope="module")
def whole() -> dict[tuple[tuple[str, ...], str, tuple[str, ...]], float]:
    """Every line of the training split in few words, with its probability under the grammar's weights."""
    found = defaultdict(float)
    for told, probability, main in derived("S"):
        found[told, "decl", told] += probability
        if not {"who", "that"} & {*told[:main]}:
            found[told, "quest", asked(told, main)] += probability
    total = sum(found.values())
    return {line: probability / total for line, probability in found.items()}


def listed(whole, variant: Variant, longest: int = 99) -> dict[str, float]:
    """Line -> probability of a variant in few words; sentences of at most so many words, full stop included."""
    found = defaultdict(float)
    for (told, task, output), probability in whole.items():
        if len(told) > longest or (variant.part == "question" and task != "quest"):
            continue
        if variant.order == "grammar":
            found[text(variant, told, task, output)] += probability
            continue
        orders = [list(permutations(half[:-1])) for half in (told, output)]
        some = {"sentence": (orders[0], [()]), "output": ([()], orders[1]), "question": ([()], orders[1])}
        pairs = list(product(*some.get(variant.part, orders)))
        for first, second in pairs:
            line = text(variant, (*first, told[-1]), task, (*second, output[-1]))
            found[line] += probability / len(pairs)
    total = sum(found.values())
    return {line: probability / total for line, probability in found.items()}


def in_few_words(variant: Variant, longest: int = 99) -> Language:
    """Our language in the same few words."""
    known = Language.of("train", "uniform", variant, FEW)
    alone = variant.part in ("sentence", "output", "question")
    kept = {form: p for form, p in known.forms.items() if (len(form.slots) if alone else form.sentence) <= longest}
    total = sum(kept.values())
    return Language(variant, {form: p / total for form, p in kept.items()}, FEW)


def given_before(lines: dict[str, float]) -> dict[str, float]:
    """Line -> log probability of what follows the tab given what stands before."""
    before = defaultdict(float)
    for line, probability in lines.items():
        before[line.partition("\t")[0]] += probability
    return {line: math.log(probability / before[line.partition("\t")[0]]) for line, probability in lines.items()}


@pytest.mark.parametrize(
    ("variant", "longest"),
    [(Variant(part), 99) for part in PARTS] + [(Variant(part, order="shuffled"), 5) for part in PARTS]
    + [(Variant("sentence", order="shuffled"), 7)],
    ids=str,
)  # fmt: skip
def test_a_small_language_line_by_line(whole, variant, longest):
    """Probabilities, their sum, entropy and targets are those of the list."""
    lines, known = listed(whole, variant, longest), in_few_words(variant, longest)
    assert len(lines) > 50
    logs = given_before(lines) if variant.part == "answer" else {line: math.log(p) for line, p in lines.items()}
    some = list(lines)[:: max(1, len(lines) // 1500)]
    for line in some:
        assert known.log_probability(line) == pytest.approx(logs[line], abs=1e-9)
    if variant.part != "answer" and len(lines) < 3000:
        assert sum(math.exp(known.log_probability(line)) for line in lines) == pytest.approx(1)
    found = entropy_of(known)
    assert found.nats == pytest.approx(-sum(lines[line] * logs[line] for line in lines), abs=1e-9)
    coding = Coding(variant)
    assert found.targets == pytest.approx(sum(p * coding.counted(line) for line, p in lines.items()))
    letters = Variant(variant.part, units="characters", order=variant.order)
    spelt, coding = entropy_of(in_few_words(letters, longest)), Coding(letters)
    assert spelt.nats == pytest.approx(found.nats)
    assert spelt.targets == pytest.approx(sum(p * coding.counted(line) for line, p in lines.items()))


@pytest.mark.parametrize("units", ["words", "characters"])
@pytest.mark.parametrize(
    ("part", "order"), [*product(PARTS, ["grammar"]), ("answer", "shuffled"), ("line", "shuffled")]
)
def test_every_next_token_of_a_small_language(whole, part, units, order):
    """Surprisal and entropy at every position are those of the list of all lines."""
    variant = Variant(part, units=units, order=order)
    longest = {"grammar": 10 if units == "words" else 8, "shuffled": 5}[order]
    lines, known, coding = listed(whole, variant, longest), in_few_words(variant, longest), Coding(variant)
    tokens = {line: (*coding.tokens(line), "<end>") for line in lines}
    beginning, following = defaultdict(float), defaultdict(Counter)
    for line, probability in lines.items():
        for place, token in enumerate(tokens[line]):
            beginning[tokens[line][:place]] += probability
            following[tokens[line][:place]][token] += probability
    for line in list(lines)[:: max(1, len(lines) // 25)]:
        told = profile_of(known, line)
        assert tuple(position.token for position in told) == tokens[line]
        assert [position.counts for position in told] == [n >= coding.ignored(line) for n in range(len(told))]
        for place, position in enumerate(told):
            prefix = tokens[line][:place]
            chances = np.array(list(following[prefix].values())) / beginning[prefix]
            assert position.entropy == pytest.approx(-(chances * np.log(chances)).sum(), abs=1e-9)
            chance = following[prefix][position.token] / beginning[prefix]
            assert position.surprisal == pytest.approx(-math.log(chance), abs=1e-9)


# --- the language itself --------------------------------------------------------------------------------------


@given(VARIANTS, st.integers(0, 10**6), st.sampled_from(["train", "gen"]), st.sampled_from(["uniform", "released"]))
def test_every_generated_line_has_a_probability(variant, seed, split, weighting):
    (line,) = generate(1, seed, split, weighting, variant)
    assert -math.inf < log_probability(line, split, weighting, variant) <= 0
    told = profile(line, split, weighting, variant)
    total = sum(position.surprisal for position in told if position.counts)
    assert total == pytest.approx(-log_probability(line, split, weighting, variant))


@given(st.sampled_from(["line", "answer"]), st.sampled_from(["grammar", "shuffled"]), st.integers(0, 10**6), st.data())
def test_a_corrupted_line_has_none(part, order, seed, data):
    """A word left out, said twice or put for another: the halves of the line, or its tab, no longer agree."""
    variant = Variant(part, order=order)
    (line,) = generate(1, seed, variant=variant)
    told = line.split(" ")
    place = data.draw(st.integers(0, len(told) - 1))
    others = {*variant.vocabulary} - {told[place]}
    spoilt = [told[:place] + told[place + 1 :], told[: place + 1] + told[place:]]
    spoilt += [[*told[:place], other, *told[place + 1 :]] for other in sorted(others)]
    for some in spoilt:
        assert log_probability(" ".join(some), variant=variant) == -math.inf


@pytest.mark.parametrize(
    "line",
    [
        "",
        "the yak",
        "the yak does sleep .",  # a sentence is no whole line
        "the yak does sleep . decl the yak does sleep .",  # no tab
        "the yak does sleep .\tdecl the yak does sleep .",  # at the wrong place
        "the yak does sleep . decl\tthe yak does sleep . ",
        "the yak does sleep . decl\tthe yak does sleep ?",
        "the yak does sleep . quest\tthe yak does sleep .",
        "the yak does sleep . decl\tthe yak doesn't sleep .",  # another word
        "the yak do sleep . decl\tthe yak do sleep .",  # no agreement
        "the wombat does sleep . decl\tthe wombat does sleep .",  # no such word
        "the yak who does sleep does wait . quest\tdoes the yak who does sleep wait ?",  # filtered
        "The yak does sleep . decl\tThe yak does sleep .",
    ],
)
def test_what_is_no_line(line):
    assert log_probability(line) == -math.inf


def test_what_is_no_line_of_the_generalisation_split():
    told = "the yak who {} sleep {} wait . quest\t{} the yak who {} sleep wait ?"
    assert math.isfinite(log_probability(told.format("does", "doesn't", "doesn't", "does"), "gen"))
    assert log_probability(told.format("does", "does", "does", "does"), "gen") == -math.inf
    assert log_probability(told.format("doesn't", "does", "doesn't", "does"), "gen") == -math.inf  # the first one moved
    other = "the yak that the newts do admire doesn't wait . quest\tdoesn't the yak that the newts do admire wait ?"
    assert log_probability(other, "gen") == -math.inf  # the first auxiliary has the other number


@pytest.mark.parametrize("weighting", ["uniform", "released"])
@pytest.mark.parametrize("split", ["train", "dev", "test", "gen"])
@pytest.mark.parametrize("part", PARTS)
def test_no_line_has_two_forms(split, weighting, part):
    """What the closed form of the entropy rests on: categories tell the form, in every split and part."""
    forms = language(split, weighting, Variant(part)).forms
    assert sum(forms.values()) == pytest.approx(1)
    assert len({tuple(slot.category for slot in form.slots) for form in forms}) == len(forms)
    shuffled = language(split, weighting, Variant(part, order="shuffled")).forms
    assert len({tuple(slot.category for slot in form.slots) for form in shuffled}) == len(shuffled) < len(forms)


@pytest.mark.parametrize("weighting", ["uniform", "released"])
@pytest.mark.parametrize("split", ["train", "test", "gen"])
@pytest.mark.parametrize("order", ["grammar", "shuffled"])
@pytest.mark.parametrize("part", PARTS)
def test_samples_agree(split, weighting, part, order):
    """Within four standard errors, which are told with the estimate."""
    variant = Variant(part, order=order)
    found = sample_loss(generate(400, 11, split, weighting, variant), split, weighting, variant)
    expected = entropy(split, weighting, variant).per_target
    assert abs(found.value - expected) <= 4 * found.error + 1e-12
    assert found.lines == 400
    assert (found.error > 0) == (variant.part != "answer" or variant.order == "shuffled")


def test_standard_errors_are_right():
    """Means over many small samples scatter as each of them says."""
    lines = generate(10_000, 12)
    found = [sample_loss(lines[first : first + 100]) for first in range(0, 10_000, 100)]
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.error for estimate in found]) == pytest.approx(scatter, rel=0.25)


# --- known numbers --------------------------------------------------------------------------------------------


def test_the_chain_rule_over_productions(golden):
    """The trees of both tasks and the choice between them give the entropy of a line."""
    told = golden["question_formation_entropy"]["pcfg"]
    declared, question = entropy_tree(), entropy_tree(task="quest")
    assert declared["entropy"] == pytest.approx(told["entropy_nats"], rel=1e-12)
    assert declared["length"] == pytest.approx(told["expected_len"])
    assert declared["entropy"] / declared["length"] == pytest.approx(told["per_token"])
    choice = -0.4 * math.log(0.4) - 0.6 * math.log(0.6)
    found = entropy()
    assert found.nats == pytest.approx(choice + 0.6 * declared["entropy"] + 0.4 * question["entropy"], rel=1e-12)
    assert found.targets == pytest.approx(2 + 2 * (0.6 * declared["length"] + 0.4 * question["length"]))
    more = entropy(variant=Variant(nouns=2))
    assert more.nats == pytest.approx(choice + 0.6 * entropy_tree(nouns=2)["entropy"]
                                      + 0.4 * entropy_tree(nouns=2, task="quest")["entropy"])  # fmt: skip


def test_the_reference_is_an_upper_bound_close_above(golden):
    """A weighted grammar estimated from the held-out lines, subject and object apart, leaves 0.9996; jointly, less."""
    reference = golden["question_formation_entropy"]["test"]["per_token_LM_whole_with_eos"]
    exact = entropy("test", "released").per_target
    assert reference - 0.004 < exact < reference
    assert entropy().per_target == pytest.approx(0.98690, abs=1e-5)
    assert entropy(weighting="released").per_target == pytest.approx(0.99326, abs=1e-5)
    assert exact == pytest.approx(0.99605, abs=1e-5)


def test_variants_of_the_reference(golden):
    told = golden["qf_variants"]
    sentence, letters = Variant("sentence"), Variant(units="characters")
    assert entropy("test", "released", sentence).per_target == pytest.approx(told["only_first_half"], rel=0.005)
    assert entropy("test", "released", letters).per_target == pytest.approx(told["nats_per_character"], rel=0.005)
    assert entropy("test", "released").bits_per_target == pytest.approx(told["bits_per_token"], rel=0.005)
    for split in ("train", "test", "gen"):
        assert entropy(split, "released", Variant("answer")).nats == told["only_question_given_declarative"] == 0


def test_floors_of_memorised_lines(golden):
    tokens = golden["question_formation_floors"]["tokens_per_line"] + 1
    for count, floor in golden["qf_memorise_floor_by_lines"].items():
        assert math.log(int(count)) / tokens == pytest.approx(floor)
        if int(count) <= 10_000:
            lines = generate(int(count), 0, "test", "released", distinct=True)
            targets = np.mean([len(line.split()) + 1 for line in lines])
            found = memorised_floor(lines)
            assert found == pytest.approx(math.log(int(count)) / targets)
            assert found == pytest.approx(floor, rel=0.06)
            assert found < entropy("test", "released").per_target


def test_floors_of_lines_that_repeat():
    first, second = "my yaks do sleep .", "our newt doesn't read ."
    sentence = Variant("sentence")
    assert memorised_floor([first], sentence) == 0
    assert memorised_floor([first, first], sentence) == pytest.approx(0, abs=1e-15)
    assert memorised_floor([first, first, second], sentence) == pytest.approx((math.log(3) - math.log(4) / 3) / 6)
    lines = generate(500, 0)
    assert memorised_floor([*lines, *lines]) == pytest.approx(memorised_floor(lines))
    letters = Variant(units="characters")
    mean = np.mean([len(line) + 1 for line in lines])
    assert memorised_floor(lines, letters) == pytest.approx(
        memorised_floor(lines) * np.mean([len(line.split()) + 1 for line in lines]) / mean
    )


def test_floors_of_answers():
    assert memorised_floor(generate(500, 0), Variant("answer")) == 0
    two = ["my yaks do sleep . decl\tmy yaks do sleep .", "my yaks do sleep . decl\tmy do sleep yaks ."]
    assert memorised_floor(two, Variant("answer", order="shuffled")) == pytest.approx(math.log(2) / 6)


def test_next_tokens():
    assert next_tokens() == pytest.approx(dict.fromkeys(words()["Det"], 1 / 6))
    assert sum(next_tokens("the yak").values()) == pytest.approx(1)
    assert next_tokens("the yak does sleep .") == pytest.approx({"quest": 0.5, "decl": 0.5})
    assert next_tokens("the yak who does sleep does wait .") == {"decl": 1.0}
    assert next_tokens("the yak does sleep . quest\tdoes the") == {"yak": 1.0}
    assert next_tokens("the yak does sleep . decl\tthe yak does sleep .") == {"<end>": 1.0}
    with pytest.raises(ValueError, match="no line begins with 'the sleep'"):
        next_tokens("the sleep")
    with pytest.raises(ValueError, match="no line begins with 'the yak do'"):
        next_tokens("the yak do sleep")


def test_the_output_costs_nothing():
    line = "the yaks near her newt don't comfort my zebra . quest\tdon't the yaks near her newt comfort my zebra ?"
    told = profile(line)
    assert [position.entropy for position in told[11:]] == [0.0] * 11
    assert min(position.entropy for position in told[:9]) > 0.5


@pytest.mark.parametrize("call", [entropy, sample_loss, log_probability, profile])
def test_no_such_split_or_weighting(call):
    lines = {entropy: (), sample_loss: (generate(2, 0),)}.get(call, (generate(1, 0)[0],))
    with pytest.raises(ValueError, match="split is 'valid', expected one of train, dev, test, gen"):
        call(*lines, split="valid")
    with pytest.raises(ValueError, match="weighting is 'own', expected one of uniform, released"):
        call(*lines, weighting="own")


def test_bad_lines():
    with pytest.raises(ValueError, match="lines is empty"):
        memorised_floor([])
    with pytest.raises(ValueError, match="'wombat' is not in the vocabulary"):
        memorised_floor(["the wombat does sleep ."])
    with pytest.raises(ValueError, match="lines has 1, expected at least two"):
        sample_loss(["x"])
    with pytest.raises(ValueError, match="'the yak' is no line of split 'train' with weighting 'uniform', line"):
        sample_loss([*generate(2, 0), "the yak"])
    with pytest.raises(ValueError, match="'the yak' is no line of split 'gen' with weighting 'uniform', sentence"):
        profile("the yak", "gen", variant=Variant("sentence"))
