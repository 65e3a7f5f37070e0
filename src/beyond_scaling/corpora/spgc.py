"""Words as the Standardized Project Gutenberg Corpus keeps them (Gerlach and Font-Clos 2020).

There a book goes through NLTK: Punkt (Kiss and Strunk 2006) finds its sentences, the Penn Treebank's rules cut each
into tokens, tokens for which `str.isalpha` holds are kept, in lower case. So `don't` leaves `do`, `Mr.` nothing, a
hyphenated word nothing, and a sentence's last word stays although a full stop touches it.

Here the same is done, but for some words in a million, by chunks, which is what lies between white space: a book has
millions of them, but few different ones, and what a chunk leaves follows from the chunk alone, except for three things
that a look at its neighbours decides. Each different chunk is cut once.

1. Whether a full stop at its end closes a sentence. Punkt says yes, unless the word is an abbreviation or an initial;
   then it asks the next word. Of Punkt's statistics of next words only the frequent ones are here.
2. A clitic or quotation mark before a line's end stays at its word (`John's` at a line's end leaves nothing): the
   Treebank's rules ask for a space after it.
3. 'tis and 'twas after a line's end likewise.
"""

from __future__ import annotations

import contextlib
import functools
import re

from .slices import SLICE, slices

CHUNKS = 1_000_000  # different ones that are kept at most; some 200 MB

# Abbreviations of Punkt's English model, but those with an inner dot, which are never kept. It learnt them from
# newspapers: of titles it knows Prof. but not Rev., and takes the sick, who are ill., for Illinois
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms messrs dr prof st jr sr adm col gen lt maj rep reps sen bros cie co corp cos inc ltd ala ariz calif colo
    conn fla ga ill kan ky mich minn nev okla ore pa tenn va vt wash wis jan feb aug sep sept oct nov dec fri tues wed
    ave chg ct ft mg ok sw vs yr
    """.split()  # noqa: SIM905
)
_LETTERS = frozenset("cdefghklmnprstvw")  # that it takes for abbreviations; the others may stand for a name
# Frequent words with which it lets a sentence begin, written with a capital after an abbreviation ...
_AFTER_ABBREVIATIONS = frozenset(
    """
    above according accordingly almost already although among being besides better between beyond both but certainly
    does either even few he her here hence however i if in indeed instead it many meanwhile moreover most neither
    nevertheless nor nothing presently probably since so some sometimes soon still such suddenly surely the there
    therefore these they this though through thus under upon very when whether which while within without yes yet your
    """.split()  # noqa: SIM905
)
# ... and after an initial: that is, if it has seen them written small
_AFTER_INITIALS = (
    _AFTER_ABBREVIATIONS
    | frozenset(
        """
        a about after again all an and another any are as at because before by can could did do don each every for from
        had has have his how is its just later let like may my never not now of on once one only or other our perhaps
        she should than that their then those to two until up was we well were what where who why will with would you
        """.split()  # noqa: SIM905
    )
) - {"i"}

# What the Treebank's rules always cut off
_APART = re.compile(r"""--|\.\.\.|``|''|["\[\](){}<>;@#$%&?!]|[:,](?!\d)""")
_QUOTE = re.compile(r"(?<=[^'])'$")
_CLITICS = re.compile(r"(?<=[^'])'[sSmMdD]$"), re.compile(r"(?<=[^'])(?:'ll|'LL|'re|'RE|'ve|'VE|n't|N'T)$")
_JOINED = frozenset(["cannot", "gimme", "gonna", "gotta", "lemme", "wanna"])
_CONTRACTIONS = re.compile(
    r"\b(can)(not)\b|\b(d)('ye)\b|\b(gim)(me)\b|\b(gon)(na)\b|\b(got)(ta)\b|\b(lem)(me)\b|\b(more)('n)\b"
    r"|\b(wan)(na)$|^('t)(is|was)\b",
    re.IGNORECASE,
)
# What Punkt takes for a token of its own right after a sentence's end, and the last place of a chunk where one may be
_NEXT = r"""[)";}\]*:@'({\[!?]"""
_LAST_STOP = re.compile(rf"(?s:.*)[.?!](?=$|{_NEXT})")
_WORD_BEFORE = re.compile(r"""[^"(`{\[:;&#*@)}\],!?]*$""")
_WORD_AFTER = re.compile(r"[\w-]+")  # up to an apostrophe: of "Don't" it sees "Don"
_STOPS_WITHIN = re.compile(rf"[?!].|[^.]\.(?={_NEXT}|,$|,{_NEXT}|--)")  # ends of sentences with more after them
# A mark that makes no word of what it is put to, where the Treebank's rules find no space, or not the sentence's end
_MARK = "\0"
_BEFORE_LINE_END = re.compile(r"'(?:[sSmMdDtT]|ll|LL|re|RE|ve|VE)?(?=[^\S ])")
_AFTER_LINE_END = re.compile(r"(?<=[^\S ])'(?=t(?:is|was)\b)", re.IGNORECASE)
_BEFORE_CLOSING = re.compile(r"""\.(?=\s+["')\]}]+(?:\s|--|$))""")
_ASK = "?"  # no chunk leaves this
_AROUND = '",;:!?()'  # cut off wherever they are, if no digit follows


def words(text: str) -> list[str]:
    """The words that the corpus' rules keep of a text (header and footer already off), in order, in lower case."""
    return " ".join(groups(text)).split()


def groups(text: str) -> list[str]:
    """What each chunk of a text leaves: one word, several with spaces between, or nothing."""
    return [group for part in slices(text) for group in _groups(part)] if len(text) > SLICE else _groups(text)


def _groups(text: str) -> list[str]:
    if "'" in text:
        text = _BEFORE_LINE_END.sub(r"\g<0>" + _MARK, text)
        text = _AFTER_LINE_END.sub(_unless_first, text)
    chunks = _BEFORE_CLOSING.sub("." + _MARK, text).split()
    if len(_kept) > CHUNKS:
        _kept.clear()
    kept = list(map(_kept.__getitem__, chunks))
    place = -1
    with contextlib.suppress(ValueError):  # none left
        while True:
            place = kept.index(_ASK, place + 1)
            kept[place] = _cut(chunks[place], _ends_sentence(chunks, place))
    return kept


def count(groups: list[str]) -> int:
    """How many words these are."""
    return len(groups) - groups.count("") + "".join(groups).count(" ")


class _Kept(dict[str, str]):
    """What each chunk leaves; `_ASK` where the next chunk has to be looked at."""

    def __missing__(self, chunk: str) -> str:
        core, stopped = chunk.strip(_AROUND), False
        if core.endswith(".") and chunk.endswith("."):
            core, stopped = core[:-1], True
        if core.isalpha() and core.lower() not in _JOINED and not (stopped and _kind(core)):
            found = core.lower()  # most chunks: a word and its punctuation
        elif chunk.endswith(".") and _kind(chunk[:-1]):
            found = _ASK
        else:
            found = _cut(chunk, True)
        self[chunk] = found
        return found


_kept = _Kept()


def _unless_first(quote: re.Match[str]) -> str:
    """A mark before 'tis at a line's beginning, unless it begins a sentence."""
    before = quote.string[max(0, quote.start() - 20) : quote.start()].rstrip()
    begins = before[-1:] in (*".?!\"')]", "") and not before.endswith("..")
    return quote[0] if begins else _MARK + quote[0]


def _kind(before: str) -> str:
    """What stands before a full stop: "abbreviation", "letter", "initial", or "" for a word."""
    found = _WORD_BEFORE.search(before)
    word = found[0].rpartition("--")[2].lower() if found else ""
    if len(word) == 1 and word.isalpha():
        return "letter" if word in _LETTERS else "initial"
    return "abbreviation" if word.rpartition("-")[2] in _ABBREVIATIONS else ""


def _ends_sentence(chunks: list[str], place: int) -> bool:
    """Whether the full stop of a chunk there, an abbreviation or an initial, ends its sentence: Punkt's second pass."""
    if place + 1 == len(chunks):
        return True
    kind, following = _kind(chunks[place][:-1]), chunks[place + 1]
    for stop in _STOPS_WITHIN.finditer(following):  # Punkt looks for an end of a sentence in both together
        if stop[0][-1] != "." or not _kind(following[: stop.end() - 1]):
            return True
    if kind == "letter":
        return False
    if following[0].isupper():
        found = _WORD_AFTER.match(following)
        starters = _AFTER_INITIALS if kind == "initial" else _AFTER_ABBREVIATIONS
        return found is not None and found[0].lower() in starters
    return kind == "initial" and not following[0].islower() and following[0] not in ";:,.!?"


def _closes(chunk: str, place: int, ends: bool) -> bool:
    """Whether a sentence ends with the full stop at a place of a chunk, so that its word stands free of it."""
    if chunk[place] != "." or chunk[place - 1 : place] in ("", "."):
        return False
    kind, after = _kind(chunk[:place]), chunk[place + 1 : place + 2]
    if not after:
        return ends or not kind
    return not kind or (kind == "initial" and after not in ";:!?")


@functools.lru_cache(1 << 16)
def _cut(chunk: str, ends: bool) -> str:
    """What a chunk leaves. `ends`: whether a full stop at its end, of an abbreviation or initial, ends the sentence."""

    if (found := _LAST_STOP.match(chunk)) and _closes(chunk, found.end() - 1, ends):
        chunk = chunk[: found.end() - 1] + " " + chunk[found.end() :]
    kept = []
    for piece in _APART.sub(" ", chunk).split():
        if not piece.isalpha():
            piece = _QUOTE.sub("", piece)
            for clitic in _CLITICS:
                piece = clitic.sub("", piece)
        piece = _CONTRACTIONS.sub(lambda found: " ".join(filter(None, found.groups())), piece)
        kept += [token.lower() for token in piece.split() if token.isalpha()]
    return " ".join(kept)
