"""Tiny models, tokenizers and files of the real kinds, made on the spot with fixed seeds."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "bird",
    "sat",
    "ran",
    "flew",
    "on",
    "under",
    "over",
    "mat",
    "hill",
    "tree",
    "and",
    "then",
    "it",
    "was",
    "glad",
    "old",
    "new",
    "red",
]


def prose(words: int, seed: int = 0) -> str:
    """Text of random words in sentences."""
    generator = np.random.default_rng(seed)
    drawn = generator.choice(WORDS, size=words)
    stops = generator.random(words) < 0.15
    return " ".join(f"{word}." if stop else str(word) for word, stop in zip(drawn, stops, strict=True))


def save_tokenizer(folder: Path, vocabulary: int = 300) -> Any:
    """A byte-level BPE trained on `prose`, saved as `save_pretrained` does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<end>"], initial_alphabet=alphabet)
    words.train_from_iterator([prose(500, seed) for seed in range(5)], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", model_max_length=32)
    fast.save_pretrained(folder)
    return fast


def model(kind: str = "gpt2") -> Any:
    """An untrained model of two layers, width 16, vocabulary 300 and context 32."""
    import torch
    import transformers as t

    size = {"vocab_size": 300, "num_attention_heads": 2, "num_hidden_layers": 2, "hidden_size": 16}
    torch.manual_seed(0)
    if kind == "gpt2":
        config = t.GPT2Config(vocab_size=300, n_positions=32, n_embd=16, n_layer=2, n_head=2)
        built = t.GPT2LMHeadModel(config)
    elif kind == "llama":
        config = t.LlamaConfig(**size, num_key_value_heads=1, intermediate_size=24, max_position_embeddings=32)
        built = t.LlamaForCausalLM(config)
    elif kind == "opt":
        config = t.OPTConfig(**size, ffn_dim=24, max_position_embeddings=32, word_embed_proj_dim=16)
        built = t.OPTForCausalLM(config)
    else:
        config = t.GPTNeoXConfig(**size, intermediate_size=24, max_position_embeddings=32)
        built = t.GPTNeoXForCausalLM(config)
    with torch.no_grad():  # norms that do something: gains and shifts away from 1 and 0
        for name, parameter in built.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter)) if "norm" in name or "ln" in name else None
    return built.eval()


def save_model(folder: Path, kind: str = "gpt2") -> Path:
    """Model and tokenizer in one folder."""
    model(kind).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def llama2c_arrays(shape: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Random float32 arrays of a llama2.c model, by name."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for name, size in shape.arrays():
        scale = 1.0 if name == "embedding" else 0.3
        drawn = scale * generator.standard_normal(size)
        arrays[name] = (1 + drawn if name.endswith("norm") else drawn).astype("<f4")
    return arrays


def write_llama2c(path: Path, shape: Any, arrays: dict[str, np.ndarray]) -> Path:
    """The `.bin` file of a shape and its arrays."""
    vocab = shape.vocab if shape.tied else -shape.vocab
    header = (shape.dim, shape.hidden, shape.layers, shape.heads, shape.kv_heads, vocab, shape.context)
    path.write_bytes(struct.pack("<7i", *header) + b"".join(arrays[name].tobytes() for name, _ in shape.arrays()))
    return path


def llama2c_pieces(extra: list[bytes]) -> tuple[list[bytes], list[float]]:
    """The format's first 259 pieces and then `extra`, whose scores fall as llama2.c's do."""
    pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n", *(b"<0x%02X>" % byte for byte in range(256))]
    return pieces + extra, [0.0] * len(pieces) + [-float(rank) for rank in range(len(extra))]


def write_llama2c_tokenizer(path: Path, extra: list[bytes]) -> Path:
    """The tokenizer `.bin` file of `llama2c_pieces(extra)`."""
    pieces, scores = llama2c_pieces(extra)
    parts = [struct.pack("<i", max(map(len, pieces)))]
    parts += [struct.pack("<fi", score, len(piece)) + piece for piece, score in zip(pieces, scores, strict=True)]
    path.write_bytes(b"".join(parts))
    return path
