"""Text to token numbers, several documents at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

TEXTS, CHARACTERS = 256, 1 << 20  # at a time, at most; a longer document goes alone


class Encoder(Protocol):
    """What cutting text into chunks asks of a tokenizer."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]: ...


def encoded(texts: Iterable[str], tokenizer: Encoder) -> Iterator[np.ndarray]:
    """int32 tokens of each text, without special tokens, in order.

    A fast tokenizer of transformers gets several texts at once, which it spreads over the cores.
    """
    _be_quiet_about_length(tokenizer)
    if not getattr(tokenizer, "is_fast", False):
        for text in texts:
            yield np.asarray(tokenizer.encode(text, add_special_tokens=False), dtype=np.int32)
        return
    together: list[str] = []
    size = 0
    for text in texts:
        if together and (len(together) == TEXTS or size + len(text) > CHARACTERS):
            yield from _together(together, tokenizer)
            together, size = [], 0
        together.append(text)
        size += len(text)
    if together:
        yield from _together(together, tokenizer)


def _together(texts: list[str], tokenizer: Any) -> Iterator[np.ndarray]:
    found = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, return_token_type_ids=False)
    for tokens in found["input_ids"]:
        yield np.asarray(tokens, dtype=np.int32)


def _be_quiet_about_length(tokenizer: object) -> None:
    """A document longer than a model's context is no mistake here; transformers would warn of it."""
    if isinstance(getattr(tokenizer, "deprecation_warnings", None), dict):
        tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True  # type: ignore[attr-defined]
