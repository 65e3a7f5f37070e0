"""Byte-level BPE tokenizers: GPT-2's, any other of a folder or the hub, or one trained here.

All come as transformers' fast tokenizers, so that what is saved with a token file loads with AutoTokenizer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import first_line

END_OF_TEXT = "<|endoftext|>"
LEAST = 257  # the 256 bytes and the end of a text
_WHOLE, _VOCABULARY, _MERGES = "tokenizer.json", "vocab.json", "merges.txt"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE (Sennrich et al. 2016; GPT-2's pieces) of `vocabulary` entries, the first one the end of a text.

    The same texts give the same tokenizer.

    Raises:
        ValueError: a vocabulary under 257, or too little text for that many entries.
    """
    if vocabulary < LEAST:
        raise ValueError(f"vocabulary {vocabulary}: expected at least {LEAST}, the bytes and {END_OF_TEXT}")
    from tokenizers import pre_tokenizers, trainers

    backend = _byte_level()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[END_OF_TEXT],
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    if backend.get_vocab_size() < vocabulary:
        raise ValueError(
            f"vocabulary {vocabulary}: the text has pieces for {backend.get_vocab_size()} only; expected more text"
        )
    return _for_transformers(backend)


def load_tokenizer(spec: str | os.PathLike[str]) -> Any:
    """A fast tokenizer: a folder (vocab.json and merges.txt, or one of transformers), a tokenizer.json, or a hub id.

    Raises:
        ValueError: nothing of that name, or a tokenizer that cannot be read; naming it.
    """
    path = Path(spec).expanduser()
    name = path.name or str(spec)
    if path.is_dir():
        from transformers import PreTrainedTokenizerFast

        if (path / _VOCABULARY).is_file() and not (path / _WHOLE).is_file():
            return _read(f"{name}/{_VOCABULARY} and {_MERGES}", lambda: _for_transformers(_byte_level(path)))
        if not (path / _WHOLE).is_file():
            raise ValueError(f"{name}: no tokenizer in it: expected {_WHOLE}, or {_VOCABULARY} and {_MERGES}")
        return _read(f"{name}/{_WHOLE}", lambda: PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True))
    if path.is_file():
        from tokenizers import Tokenizer

        return _read(name, lambda: _for_transformers(Tokenizer.from_file(str(path))))
    if path.suffix or path.is_absolute() or str(spec).count("/") > 1 or not str(spec):
        raise ValueError(f"{spec}: no such tokenizer: expected a folder, a {_WHOLE} or a hub id")
    from transformers import AutoTokenizer

    found = _read(str(spec), lambda: AutoTokenizer.from_pretrained(str(spec), trust_remote_code=False))
    if not getattr(found, "is_fast", False):
        raise ValueError(f"{spec}: not a fast tokenizer; expected one with a {_WHOLE}")
    return found


def _byte_level(folder: Path | None = None) -> Any:
    """GPT-2's way to cut text into bytes of pieces; with its merges if a folder has them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    model = models.BPE() if folder is None else models.BPE.from_file(str(folder / _VOCABULARY), str(folder / _MERGES))
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _for_transformers(backend: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    ends = {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT} if backend.token_to_id(END_OF_TEXT) is not None else {}
    return PreTrainedTokenizerFast(tokenizer_object=backend, clean_up_tokenization_spaces=False, **ends)


def _read(name: str, how: Any) -> Any:
    try:
        return how()
    except Exception as error:  # the libraries' errors have no class in common
        raise ValueError(f"{name}: no tokenizer that can be read: {first_line(error)}") from error
