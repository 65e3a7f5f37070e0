"""SPGC's rules: the words that NLTK's Punkt and Treebank tokenizers leave of written-out texts, and properties of any.

Every expectation of `CASES` was compared with NLTK 3.10.4 and its English Punkt model.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.corpora import spgc
from beyond_scaling.corpora.slices import slices

CASES = [
    # words, case, punctuation
    ("The quick, brown FOX; jumped: over (the) lazy dog!", "the quick brown fox jumped over the lazy dog"),
    ('He said "Go!" and [then] {left} <here>?', "he said go and then left here"),
    ("one--two -- three---four", "one two three"),
    ("Wait... what.... now.. then", "wait what then"),
    ("a,b 1,000 x:y 12:30 b2 3rd", "a b x y"),
    ("50% of $5 & me@home #one", "of me home one"),
    ("``quoted'' text", "quoted text"),
    # what is no word of letters
    ("a well-known _emphasis_ of 1984 and C3PO", "a of and"),
    ("naïve café Straße ÉCOLE", "naïve café straße école"),
    ("“Curly quotes” stay — so do dashes", "stay so do dashes"),
    # contractions
    ("I don't know; you can't, she won't.", "i do know you ca she wo"),
    ("DON'T Don't don'T", "do do"),
    ("it's John's I'm he'd they'll we're I've", "it john i he they we i"),
    ("the dogs' bones and James' hat", "the dogs bones and james hat"),
    (
        "cannot Cannot gimme gonna gotta lemme wanna more'n d'ye",
        "can not can not gim me gon na got ta lem me wan na more d",
    ),
    ("'Tis true and 'twas so", "is true and was so"),
    ("o'clock ma'am 'em th' o' rock'n'roll", "th o"),
    ("'Hello there,' he said. 'I don't'", "there he said do"),
    # a line's end is no space
    ("John's\nbook isn't\nhere, o'\nthe dogs'\nbone", "book here the bone"),
    ("I know\n'tis true. Yes.\n'Tis false", "i know true yes is false"),
    ("A beggar! ...\n'Tis too much!", "a beggar too much"),
    # full stops that end sentences, and those that do not
    ("The end.", "the end"),
    ("He came. She left. It rained.", "he came she left it rained"),
    ("Mr. Smith met Mrs. Jones and Dr. Who.", "smith met jones and who"),
    ("Rev. Green and Capt. Brown left.", "rev green and capt brown left"),
    ("He was ill. Then they came, etc. and so on.", "he was then they came etc and so on"),
    ("He was ill. However, she came.", "he was ill however she came"),
    ('"Is that you, Mr. Holmes?" he said.', "is that you mr holmes he said"),
    ('"I saw Mr. Holmes." He sat.', "i saw mr holmes he sat"),
    ("J. Smith and T. S. Eliot", "smith and eliot"),
    ("It was I. However, he knew. So did I. Don't go.", "it was i however he knew so did i do go"),
    ('said I. "Go away"', "said i go away"),
    ("(The last.) And [another.] end.", "the last and another end"),
    ("the last.; the next.: then last., last", "the last the next then last"),
    ('gone."--Then he.--left', "gone then left"),
    ("see (chap. XXVIII.). All", "see chap all"),
    ("he was saying. ' 'Ad a van", "he was a van"),
    ("in the U.S. and at 5 p.m. today", "in the and at today"),
    ("Jan. 5 and No. 7", "and no"),
    ("vice-adm. Hood said Co. ltd.", "hood said ltd"),
    ("I went to Va. It was far", "i went to va it was far"),
    ("Ph.D. e.g. i.e. this", "this"),
    # nothing
    ("", ""),
    ("... --- 12 !? ''", ""),
]


@pytest.mark.parametrize(("text", "kept"), CASES)
def test_what_nltk_leaves_is_left(text: str, kept: str) -> None:
    assert " ".join(spgc.words(text)) == kept


PARTS = [
    "the",
    "Mr.",
    "don't",
    "I.",
    "word.",
    "'",
    '"',
    "--",
    "\n",
    "\t",
    " ",
    "...",
    "can",
    "not",
    "cannot",
    "'s",
    "(",
    ")",
]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=30).map("".join)


@given(TEXTS)
def test_only_words_in_lower_case_come_out(text: str) -> None:
    words = spgc.words(text)
    for word in words:
        assert word == word.lower()
        assert word
        assert not any(sign.isspace() for sign in word)
        # one letter is written small as two signs, of which the second is no letter by itself
        assert word.replace("i\u0307", "i").isalpha()
    if text.isascii():
        again = spgc.words(" ".join(words))
        assert again == words, "words are kept as they are"


@given(TEXTS)
def test_groups_are_the_same_words(text: str) -> None:
    groups = spgc.groups(text)
    assert " ".join(groups).split() == spgc.words(text)
    assert spgc.count(groups) == len(spgc.words(text))
    assert len(groups) == len(text.split())


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_what_was_seen_before_changes_nothing(texts: list[str]) -> None:
    before = [spgc.words(text) for text in texts]
    spgc._kept.clear()
    spgc._cut.cache_clear()
    assert [spgc.words(text) for text in reversed(texts)] == before[::-1]


def test_the_memory_of_chunks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spgc, "CHUNKS", 10)
    spgc.words(" ".join(f"word{letter}" for letter in "abcdefghijklmn"))
    assert spgc.words("a b.") == ["a", "b"]
    assert len(spgc._kept) == 2


def test_a_long_text_is_cut_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(0)
    text = " ".join(generator.choices([case for case, _ in CASES], k=400))
    whole = spgc.words(text)
    monkeypatch.setattr(spgc, "SLICE", 100)
    monkeypatch.setattr(spgc, "slices", lambda text: slices(text, 100))
    assert spgc.words(text) == whole
    parts = list(slices(text, 100))
    assert "".join(parts) == text
    assert len(parts) > 50
    assert max(map(len, parts)) < 400
    assert list(slices("ABC" * 100, 10)) == ["ABC" * 100], "no place to cut"
