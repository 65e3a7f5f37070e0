"""llama2.c files: the model against a forward pass of our own, the tokenizer against llama2.c's algorithm."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.models.llama2c import BOS, Llama2cTokenizer, Shape, load_llama2c, read_weights

from . import tiny

SHAPES = [
    Shape(dim=24, hidden=20, layers=2, heads=6, kv_heads=2, vocab=40, context=16, tied=True),
    Shape(dim=16, hidden=12, layers=1, heads=2, kv_heads=2, vocab=33, context=9, tied=False),
]
EXTRA = [bytes([c]) for c in b" abcdeht.,"] + [
    b"th",
    b"the",
    b" t",
    b" the",
    b"he",
    b"ab",
    b"aa",
    b"aaa",
    b"bab",
    b" a",
    "é".encode(),
]


def forward(shape: Shape, w: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """Logits (T, vocab) in float64, with llama2.c's own pairing (2i, 2i + 1) in the rotary embedding."""
    w = {name: array.astype(np.float64) for name, array in w.items()}

    def norm(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
        return gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)

    def rotate(x: np.ndarray) -> np.ndarray:  # (T, heads, head_dim)
        out = np.empty_like(x)
        for position in range(len(x)):
            for i in range(0, shape.head_dim, 2):
                angle = position * 10_000.0 ** (-i / shape.head_dim)
                a, b = x[position, :, i], x[position, :, i + 1]
                out[position, :, i] = a * np.cos(angle) - b * np.sin(angle)
                out[position, :, i + 1] = a * np.sin(angle) + b * np.cos(angle)
        return out

    length, group = len(tokens), shape.heads // shape.kv_heads
    x = w["embedding"][tokens]  # (T, dim)
    for layer in range(shape.layers):
        h = norm(x, w["attention_norm"][layer])
        q = rotate((h @ w["wq"][layer].T).reshape(length, shape.heads, shape.head_dim))
        k = rotate((h @ w["wk"][layer].T).reshape(length, shape.kv_heads, shape.head_dim))
        v = (h @ w["wv"][layer].T).reshape(length, shape.kv_heads, shape.head_dim)
        mixed = np.empty_like(q)
        for head in range(shape.heads):
            scores = q[:, head] @ k[:, head // group].T / np.sqrt(shape.head_dim)  # (T, T)
            scores[np.triu_indices(length, 1)] = -np.inf
            p = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, head] = p / p.sum(axis=1, keepdims=True) @ v[:, head // group]
        x = x + mixed.reshape(length, shape.dim) @ w["wo"][layer].T
        h = norm(x, w["ffn_norm"][layer])
        a = h @ w["w1"][layer].T
        x = x + (a / (1 + np.exp(-a)) * (h @ w["w3"][layer].T)) @ w["w2"][layer].T
    return norm(x, w["final_norm"]) @ w["embedding" if shape.tied else "output"].T


@pytest.mark.parametrize("shape", SHAPES, ids=["tied, grouped", "untied"])
def test_logits_are_those_of_our_own_forward_pass(tmp_path: Path, shape: Shape) -> None:
    import torch

    arrays = tiny.llama2c_arrays(shape)
    model = load_llama2c(tiny.write_llama2c(tmp_path / "small.bin", shape, arrays))
    tokens = np.random.default_rng(1).integers(shape.vocab, size=shape.context).tolist()
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0].numpy()
    expected = forward(shape, arrays, tokens)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_loading_leaves_the_random_generator_alone(tmp_path: Path) -> None:
    import torch

    path = tiny.write_llama2c(tmp_path / "small.bin", SHAPES[0], tiny.llama2c_arrays(SHAPES[0]))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_llama2c(path)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:20], "header"),
        (lambda data: data[:-4], "cut short"),
        (lambda data: data + b"\0\0\0\0", "too long"),
        (lambda _: struct.pack("<7i", 1 << 21, 1 << 23, 1 << 19, 2, 2, 300, 64), "cut short: 28"),
        (lambda data: struct.pack("<7i", 24, 20, 2, 5, 2, 40, 16) + data[28:], "header"),
        (lambda data: struct.pack("<7i", -24, 20, 2, 6, 2, 40, 16) + data[28:], "header"),
        (lambda data: data[:28] + struct.pack("<f", float("nan")) + data[32:], "embedding holds NaN"),
    ],
)
def test_damaged_model_files_are_named(tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tiny.write_llama2c(tmp_path / "small.bin", SHAPES[0], tiny.llama2c_arrays(SHAPES[0]))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"small\.bin: .*{words}"):
        read_weights(path)


def reference_encode(pieces: list[bytes], scores: list[float], text: str) -> list[int]:
    """llama2.c's encode as it stands in run.c: merge the best-scored neighbours until none are left."""
    known: dict[bytes, int] = {}
    for token, piece in enumerate(pieces):
        known.setdefault(piece, token)
    tokens: list[int] = []
    for character in " " + text if text else "":
        piece = character.encode()
        tokens += [known[piece]] if piece in known else [3 + byte for byte in piece]
    while True:
        best, place = -1e10, -1
        for i in range(len(tokens) - 1):
            merged = known.get(pieces[tokens[i]] + pieces[tokens[i + 1]])
            if merged is not None and scores[merged] > best:
                best, place = scores[merged], i
        if place < 0:
            return [BOS, *tokens]
        tokens[place : place + 2] = [known[pieces[tokens[place]] + pieces[tokens[place + 1]]]]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(alphabet="aabbth e.,\né🙂", max_size=40))
def test_encoding_is_that_of_llama2c_and_decodes_back(text: str) -> None:
    pieces, scores = tiny.llama2c_pieces(EXTRA)
    words = Llama2cTokenizer(pieces, scores)
    tokens = words.encode(text)
    assert tokens == reference_encode(pieces, scores, text)
    assert words.encode(text) == tokens, "the second time comes from the cache"
    assert words.encode(text, add_special_tokens=False) == tokens[1:]
    assert words.decode(tokens) == text


def test_tokenizer_files_round_trip_and_damage_is_named(tmp_path: Path) -> None:
    path = tiny.write_llama2c_tokenizer(tmp_path / "words.bin", EXTRA)
    words = Llama2cTokenizer.from_file(path)
    assert len(words) == 259 + len(EXTRA)
    assert words.pieces[259:] == EXTRA
    assert words.decode(words.encode("the bab")) == "the bab"
    assert words.decode([BOS, 3 + 0xFF, words.pieces.index(b"the")]) == "\ufffdthe"
    whole = path.read_bytes()
    for data, reason in [
        (whole[:2], "begins with"),
        (whole[:-1], "cut short inside piece"),
        (whole[:9], "cut short inside piece 0"),
        (struct.pack("<i", 1) + whole[4:], "piece 0 has length 5"),
        (whole[: 44 + 14 * 11], "14 pieces, 14 scores"),
    ]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=rf"words\.bin: .*{reason}"):
            Llama2cTokenizer.from_file(path)
