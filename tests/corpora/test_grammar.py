"""The grammar as data: its words, its productions, its tree."""

from __future__ import annotations

import json

import pytest

from beyond_scaling.corpora.grammar import NOUNS, PRODUCTIONS, TASKS, as_tree, productions, words
from beyond_scaling.corpora.sentence_forms import sentence_forms


def test_the_words_of_the_data(golden):
    told = [word for listed in words().values() for word in listed]
    assert len(told) == len(set(told)) == golden["question_formation_entropy"]["test"]["vocab"] == 68
    assert len(set(told) - {*TASKS, "?"}) == golden["question_formation_entropy"]["pcfg"]["terminals"]


@pytest.mark.parametrize("nouns", range(1, len(NOUNS) + 1))
def test_more_nouns_are_new_words_with_plurals(nouns):
    listed = words(nouns)
    assert len(listed["N_sg"]) == len(listed["N_pl"]) == 13 * nouns
    told = [word for category in listed.values() for word in category]
    assert len(told) == len(set(told)) == 68 + 26 * (nouns - 1)
    assert listed["N_sg"][:13] == words()["N_sg"]


def test_plurals():
    plural = dict(zip(words(4)["N_sg"], words(4)["N_pl"], strict=True))
    assert plural["yak"] == "yaks"
    assert {plural[noun] for noun in plural if noun.endswith("s")} == {"tyrannosauruses", "walruses", "ibises"}


def test_every_symbol_is_a_phrase_or_a_category():
    symbols = {part for options in PRODUCTIONS.values() for _, right in options for part in right.split()}
    assert symbols - set(PRODUCTIONS) <= set(words())
    assert set(words()) - symbols == {*TASKS, "?"}  # what stands outside the sentence


def test_a_question_has_no_clause_on_its_subject():
    asked = productions("quest")
    assert [right for _, right in asked["NP_sg"]] == ["Det N_sg", "Det N_sg PP"]
    assert asked["NP_O"] == PRODUCTIONS["NP_O"]
    assert productions("decl") == productions() == PRODUCTIONS


def test_the_tree_is_the_grammar(golden):
    tree = as_tree()
    assert json.loads(json.dumps(tree)) == tree

    def sentences(node):  # how many there are below a node
        if "words" in node:
            return len(node["words"])
        total = 0
        for option in node["options"]:
            product = 1
            for part in option["parts"]:
                product *= sentences(part)
            total += product
        return total

    phrase = 78 + 78 * 8 * 156 + 78 * 2 * (2 * 9 + 2 * 78 * 2 * 9 + 2 * 9 * 156)  # Det N, its PP, its four RCs
    assert sentences(tree) == 2 * phrase * 2 * (9 + 9 * 2 * phrase)
    assert as_tree("PP") == {
        "symbol": "PP",
        "options": [{"probability": 1.0, "parts": [as_tree("Prep"), as_tree("Det"), as_tree("N")]}],
    }
    assert as_tree(task="quest") != tree


def test_forms_of_a_sentence(golden):
    """272, no two alike, so no sentence has two derivations; and their length is the reference's."""
    forms = sentence_forms()
    assert len(forms) == len({form.categories for form in forms}) == 2 * 8 * (1 + 2 * 8)
    assert sum(form.probability for form in forms) == 1
    length = float(sum(form.probability * len(form.categories) for form in forms))
    assert length == pytest.approx(golden["question_formation_entropy"]["pcfg"]["expected_len"])
    for form in forms:
        assert form.categories[form.main].startswith("Aux")
        assert form.categories[form.main + 1] == ("V_intr" if form.object == "none" else "V_tr")
        assert (form.first < form.main) == (form.subject == "RC")
        assert ("S", "NP_sg VP_sg .") in form.productions or ("S", "NP_pl VP_pl .") in form.productions


@pytest.mark.parametrize("nouns", [0, 5, 1.0, True, "2"])
def test_no_such_list_of_nouns(nouns):
    with pytest.raises(ValueError, match="expected a whole number from 1 to 4"):
        words(nouns)


def test_no_such_symbol_or_task():
    with pytest.raises(ValueError, match="symbol is 'VP', expected one of S, NP_sg"):
        as_tree("VP")
    with pytest.raises(ValueError, match="task is 'question', expected one of quest, decl"):
        productions("question")
