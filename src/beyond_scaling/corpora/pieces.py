"""Text to tokens by the piece: GPT-2's BPE never merges across pieces, and a corpus has few different ones.

A piece is what GPT-2's pattern finds: ` ?` and letters, or numbers, or other signs; a contraction; white space. Every
piece is cut into tokens once, by the tokenizer itself, and looked up after that. The tokens are those of the
tokenizer; where a text has something that the lookup is not made for, the tokenizer does it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

import numpy as np

from .slices import slices
from .token_file import dtype_of

PIECES = 1_000_000  # kept at most; some 200 MB


def _ranges(codes: Iterable[int]) -> str:
    """A regular expression's class of characters, without its brackets."""
    runs = [[code for _, code in run] for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
    return "".join(f"\\u{run[0]:04x}-\\u{run[-1]:04x}" for run in runs)


# Python's \w and \d and \s are not quite the pattern's \p{L}, \p{N} and \s: \w has numbers that are no decimal digits,
# \s has four separators of files
_NUMBERS = _ranges(code for code in range(0x10000) if unicodedata.category(chr(code)) in ("Nl", "No"))
_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_PIECE = re.compile(
    r"'(?:[sdmt]|ll|ve|re)"
    rf"| ?[^\W\d_{_NUMBERS}]++"
    rf"| ?[\d{_NUMBERS}]++"
    rf"| ?(?:[^\w{_SPACE}]|_)++"
    rf"|[{_SPACE}]+(?![^{_SPACE}])"
    rf"|[{_SPACE}]+"
)
# Characters that Unicode 3.2 does not know: Python and the tokenizer may have different later versions of it. And those
# beyond the Basic Multilingual Plane, which has all the numbers named above
_NEW = _ranges(code for code in range(0x10000) if unicodedata.ucd_3_2_0.category(chr(code)) == "Cn")
_RARE = re.compile(f"[{_NEW}\U00010000-\U0010ffff]")


def pieces(text: str) -> list[str]:
    """A text of characters that are not too rare cut by GPT-2's pattern; joined they are the text."""
    return _PIECE.findall(text)


_known: dict[str, dict[str, bytes]] = {}  # by tokenizer and use; a process that is forked goes on with it


class Encoder:
    """Cuts texts and words into a tokenizer's tokens, without special tokens.

    Args:
        tokenizer: a fast one of transformers; of another kind than GPT-2's it is asked every time.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._backend = tokenizer.backend_tokenizer
        self.dtype = dtype_of(len(tokenizer))
        self._added = [str(token) for token in self._backend.get_added_tokens_decoder().values()]
        self.by_piece = _cuts_like_gpt2(self._backend)
        self._key = hashlib.sha256(self._backend.to_str().encode()).hexdigest()

    def text(self, text: str) -> np.ndarray:
        """(tokens,) uint16 or uint32."""
        if not self.by_piece or _RARE.search(text) or any(token in text for token in self._added):
            return self._asked(text)
        return np.concatenate([self._looked_up(pieces(part), "text", str) for part in slices(text)])

    def words(self, groups: list[str], joined_by: str) -> np.ndarray:
        """Tokens of words joined by a space or a newline, (tokens,) uint16 or uint32.

        Args:
            groups: each a word of letters, several with a space between, or none (`spgc.groups`).
        """
        if not self.by_piece:
            return self._asked(joined_by.join(" ".join(groups).split()))
        first = next((place for place, group in enumerate(groups) if group), len(groups))
        head = self._asked(joined_by.join("".join(groups[first : first + 1]).split()))
        if first + 1 >= len(groups):
            return head

        def text(group: str) -> str:
            return "".join(joined_by + word for word in group.split())

        return np.concatenate([head, self._looked_up(groups[first + 1 :], f"words {joined_by!r}", text)])

    def _asked(self, text: str) -> np.ndarray:
        return np.array(self._backend.encode(text, add_special_tokens=False).ids, dtype=self.dtype)

    def _looked_up(self, keys: list[str], use: str, text: Callable[[str], str]) -> np.ndarray:
        """The tokens of the texts that keys stand for, one after another."""
        known = _known.setdefault(f"{self._key} {use}", {})
        found = list(map(known.get, keys))
        places, place = [], -1
        with contextlib.suppress(ValueError):  # none left
            while True:
                places.append(place := found.index(None, place + 1))
        if places:
            fresh = list({keys[place]: None for place in places})
            if len(known) + len(fresh) > PIECES:
                known.clear()
            encodings = self._backend.encode_batch_fast([text(key) for key in fresh], add_special_tokens=False)
            for key, encoding in zip(fresh, encodings, strict=True):
                known[key] = np.array(encoding.ids, dtype=self.dtype).tobytes()
            for place in places:
                found[place] = known[keys[place]]
        return np.frombuffer(b"".join(found), dtype=self.dtype)  # type: ignore[arg-type]


def _cuts_like_gpt2(backend: Any) -> bool:
    """Whether a tokenizer cuts text by GPT-2's pattern, and each piece alone."""
    parts = json.loads(backend.to_str())
    before = parts["pre_tokenizer"] or {}
    return (
        parts["normalizer"] is None
        and before.get("type") == "ByteLevel"
        and before.get("use_regex", True)
        and not before.get("add_prefix_space", True)
        and parts["model"].get("type") == "BPE"
        and not parts["model"].get("dropout")
        and not any(parts["model"].get(key) for key in ("continuing_subword_prefix", "end_of_word_suffix"))
        and parts.get("truncation") is None
        and parts.get("padding") is None
    )
