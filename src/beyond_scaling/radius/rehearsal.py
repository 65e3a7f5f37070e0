"""Something to measure where there is no model: a tiny GPT-2 of random weights and a text of random words.

For trying a measurement's commands from end to end, in seconds and with no network, before they meet real models. The
numbers that come out mean nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

MODEL, TEXT = "model", "text.txt"
VOCABULARY, CONTEXT = 300, 64
_STREAM = 1 << 20  # other weights than those of the untrained control with the same seed
_SYLLABLES = ("ba", "do", "fe", "gu", "ki", "lo", "ma", "ne", "pu", "ra", "se", "ti", "vo", "wa", "zu")


def prepare(folder: str | os.PathLike[str], *, seed: int = 0, words: int = 20_000) -> tuple[Path, Path]:
    """Write a model folder, as `save_pretrained` does, and a plain text below `folder`; gives (model, text).

    The model has the architecture of GPT-2, 4 layers, width 32, a byte-level BPE of 300 entries and a context of 64
    tokens; half a megabyte in all.

    Args:
        folder: is made if it is not there. seed: of the weights and the words. words: in the text, at least 1,000.

    Raises:
        ValueError: fewer than 1,000 words.
    """
    if words < 1000:
        raise ValueError(f"words {words!r}: expected at least 1,000")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    text = place / TEXT
    prose = random_prose(words, seed)
    text.write_text(prose, encoding="utf-8")
    model = place / MODEL
    _tokenizer(prose, model)
    _model(model, seed)
    return model, text


def random_prose(words: int, seed: int = 0) -> str:
    """Sentences of made-up words, in lines."""
    generator = np.random.default_rng(seed)
    lexicon = ["".join(generator.choice(_SYLLABLES, size=generator.integers(1, 4))) for _ in range(400)]
    ranks = np.arange(1, len(lexicon) + 1)
    drawn = generator.choice(lexicon, size=words, p=(1 / ranks) / (1 / ranks).sum())  # as often as words of a language
    ends = generator.random(words)
    return "".join(
        f"{word}.\n" if end < 0.02 else f"{word}. " if end < 0.1 else f"{word} "
        for word, end in zip(drawn, ends, strict=True)
    )


def _tokenizer(prose: str, folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(prose.splitlines(), trainer)
    PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token="<|endoftext|>").save_pretrained(folder)


def _model(folder: Path, seed: int) -> None:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=32,
        n_layer=4,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.3,  # with GPT-2's own 0.02 the last token would be nearly all that counts
    )
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(_STREAM + seed)
        model = GPT2LMHeadModel(config)
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # for half a megabyte
    try:
        model.save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()
