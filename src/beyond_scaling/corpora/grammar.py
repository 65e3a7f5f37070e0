"""The grammar of the Question-Formation sentences (McCoy, Frank & Linzen 2020), as plain data.

A weighted context-free grammar without recursion: `PRODUCTIONS` rewrites a symbol, each way with a weight. A symbol
that has no productions is a category of words, all equally likely (`words`). Categories and phrases that come in two
numbers end in `_sg` and `_pl`; what agrees shares the ending.

After the sentence stands the task, `quest` or `decl`, each as likely as the other, and then the output: for `decl` the
sentence again; for `quest` the question, whose main auxiliary (the first word of the verb phrase) moves to the front
and whose full stop becomes `?`. Training has no question about a subject with a relative clause (`productions`).
"""

from __future__ import annotations

from typing import Any

START = "S"

PRODUCTIONS: dict[str, tuple[tuple[int, str], ...]] = {
    "S": ((1, "NP_sg VP_sg ."), (1, "NP_pl VP_pl .")),
    "NP_sg": ((1, "Det N_sg"), (1, "Det N_sg PP"), (1, "Det N_sg RC_sg")),
    "NP_pl": ((1, "Det N_pl"), (1, "Det N_pl PP"), (1, "Det N_pl RC_pl")),
    "VP_sg": ((1, "Aux_sg V_intr"), (1, "Aux_sg V_tr NP_O")),
    "VP_pl": ((1, "Aux_pl V_intr"), (1, "Aux_pl V_tr NP_O")),
    "NP_O": (
        (1, "Det N_sg"),
        (1, "Det N_pl"),
        (1, "Det N_sg PP"),
        (1, "Det N_pl PP"),
        (1, "Det N_sg RC_sg"),
        (1, "Det N_pl RC_pl"),
    ),
    "PP": ((1, "Prep Det N"),),
    "N": ((1, "N_sg"), (1, "N_pl")),
    "RC_sg": (
        (2, "Rel Aux_sg V_intr"),
        (1, "Rel Det N_sg Aux_sg V_tr"),
        (1, "Rel Det N_pl Aux_pl V_tr"),
        (2, "Rel Aux_sg V_tr Det N"),
    ),
    "RC_pl": (
        (2, "Rel Aux_pl V_intr"),
        (1, "Rel Det N_sg Aux_sg V_tr"),
        (1, "Rel Det N_pl Aux_pl V_tr"),
        (2, "Rel Aux_pl V_tr Det N"),
    ),
}

TASKS = {"quest": "?", "decl": "."}  # the task's word -> the mark that ends its output

# The 13 nouns of the data, n to z, and more of their kind for variants with a larger vocabulary.
NOUNS: tuple[str, ...] = (
    "newt orangutan peacock quail raven salamander tyrannosaurus unicorn vulture walrus xylophone yak zebra",
    "aardvark badger camel dolphin elephant falcon gazelle heron iguana jackal kangaroo lemur meerkat",
    "antelope beaver cheetah dingo emu ferret gorilla hamster impala jaguar koala lobster macaw",
    "alligator buffalo crocodile dragon eagle flamingo giraffe hedgehog ibis kitten llama manatee nightingale",
)

_CLOSED = {
    "Det": "the some my your our her",
    "V_intr": "giggle smile sleep swim wait move change read eat",
    "V_tr": "entertain amuse high_five applaud confuse admire accept remember comfort",
    "Aux_sg": "does doesn't",
    "Aux_pl": "do don't",
    "Prep": "around near with upon by behind above below",
    "Rel": "who that",
}


def words(nouns: int = 1) -> dict[str, tuple[str, ...]]:
    """The words of every category, marks and tasks among them; no word is in two categories.

    Args:
        nouns: how many times as many nouns as the data's 13, from 1 to 4. With 1 there are the data's 68 words.

    Raises:
        ValueError: ``nouns`` is none of these.
    """
    if isinstance(nouns, bool) or not isinstance(nouns, int) or not 1 <= nouns <= len(NOUNS):
        raise ValueError(f"nouns is {nouns!r}, expected a whole number from 1 to {len(NOUNS)}, times the data's 13")
    singular = tuple(" ".join(NOUNS[:nouns]).split())
    categories = {category: tuple(listed.split()) for category, listed in _CLOSED.items()}
    categories |= {"N_sg": singular, "N_pl": tuple(noun + ("es" if noun.endswith("s") else "s") for noun in singular)}
    return categories | {word: (word,) for word in (*TASKS, *TASKS.values())}


def productions(task: str | None = None) -> dict[str, tuple[tuple[int, str], ...]]:
    """The productions of the sentences that training has for a task; None: of all sentences, as for ``decl``.

    Raises:
        ValueError: no such task.
    """
    if task not in (None, *TASKS):
        raise ValueError(f"task is {task!r}, expected one of {', '.join(TASKS)}")
    if task != "quest":
        return PRODUCTIONS
    subjects = {
        subject: tuple(option for option in PRODUCTIONS[subject] if "RC" not in option[1])
        for subject in ("NP_sg", "NP_pl")
    }
    return PRODUCTIONS | subjects


def as_tree(symbol: str = START, nouns: int = 1, task: str | None = None) -> dict[str, Any]:
    """The grammar unfolded below a symbol, ready for JSON.

    Returns:
        {"symbol", "words": [...]} for a category; else {"symbol", "options": [{"probability", "parts": [...]}, ...]},
        every part being such a tree again.

    Raises:
        ValueError: no such symbol or task, or ``nouns`` out of range.
    """
    categories, rules = words(nouns), productions(task)

    def unfold(name: str) -> dict[str, Any]:
        if name not in rules:
            return {"symbol": name, "words": list(categories[name])}
        total = sum(weight for weight, _ in rules[name])
        options = [
            {"probability": weight / total, "parts": [unfold(part) for part in right.split()]}
            for weight, right in rules[name]
        ]
        return {"symbol": name, "options": options}

    if symbol not in {*rules, *categories}:
        raise ValueError(f"symbol is {symbol!r}, expected one of {', '.join((*rules, *categories))}")
    return unfold(symbol)
