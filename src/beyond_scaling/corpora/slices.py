"""Long texts in slices, so that a book of gigabytes takes no more memory than one of megabytes while it is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

SLICE = 4_000_000  # characters
_WITHIN = re.compile("(?<=[a-z]) (?=[a-z])")


def slices(text: str, length: int = SLICE) -> Iterator[str]:
    """A text in pieces of `length` characters or a little more, cut before a space between two small letters.

    There no rule of `spgc` and no piece of GPT-2's pattern reaches across, so each slice may be cut alone.
    """
    start = 0
    while len(text) - start > length and (space := _WITHIN.search(text, start + length)):
        yield text[start : space.start()]
        start = space.start()
    yield text[start:] if start else text
