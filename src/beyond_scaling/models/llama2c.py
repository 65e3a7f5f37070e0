"""Models and tokenizers of karpathy/llama2.c, read into transformers.

The model file (its first layout) is seven int32, `dim hidden layers heads kv_heads vocab context`, then
float32 arrays; a negative vocab says that the output matrix is not the embedding. The tokenizer file is one
int32, the longest piece's length, then for every piece a float32 score, an int32 length and its bytes.
"""

from __future__ import annotations

import heapq
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

HEADER = struct.Struct("<7i")
NORM_EPS, ROPE_THETA = 1e-5, 10_000.0
BOS, EOS, FIRST_BYTE = 1, 2, 3  # token numbers fixed by the format; byte b is token FIRST_BYTE + b


@dataclass(frozen=True)
class Shape:
    """The header of a model file; `tied` says that the output matrix is the embedding."""

    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocab: int
    context: int
    tied: bool

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    def arrays(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the arrays, in the order of the file."""
        kv = self.kv_heads * self.head_dim
        yield "embedding", (self.vocab, self.dim)
        yield "attention_norm", (self.layers, self.dim)
        yield "wq", (self.layers, self.dim, self.dim)  # every matrix is (out, in)
        yield "wk", (self.layers, kv, self.dim)
        yield "wv", (self.layers, kv, self.dim)
        yield "wo", (self.layers, self.dim, self.dim)
        yield "ffn_norm", (self.layers, self.dim)
        yield "w1", (self.layers, self.hidden, self.dim)
        yield "w2", (self.layers, self.dim, self.hidden)
        yield "w3", (self.layers, self.hidden, self.dim)
        yield "final_norm", (self.dim,)
        yield "rope_cos", (self.context, self.head_dim // 2)
        yield "rope_sin", (self.context, self.head_dim // 2)
        if not self.tied:
            yield "output", (self.vocab, self.dim)


def read_weights(path: Path) -> tuple[Shape, dict[str, np.ndarray]]:
    """Header and float32 arrays of a model file.

    Raises:
        ValueError: naming the file, when it is cut short, too long, or no such model.
    """
    data = path.read_bytes()
    if len(data) < HEADER.size:
        raise ValueError(f"{path.name}: {len(data)} bytes; a llama2.c model has a header of {HEADER.size}")
    dim, hidden, layers, heads, kv_heads, vocab, context = HEADER.unpack_from(data)
    shape = Shape(dim, hidden, layers, heads, kv_heads, abs(vocab), context, tied=vocab > 0)
    sane = all(0 < value < 1 << 24 for value in (dim, hidden, layers, heads, kv_heads, abs(vocab), context))
    if not sane or dim % heads or heads % kv_heads or shape.head_dim % 2:
        raise ValueError(f"{path.name}: header {HEADER.unpack_from(data)} is not one of a llama2.c model")
    expected = HEADER.size + 4 * sum(math.prod(size) for _, size in shape.arrays())
    if len(data) != expected:
        state = "cut short" if len(data) < expected else "too long"
        raise ValueError(f"{path.name}: {state}: {len(data):,} bytes, its header asks for {expected:,}")
    arrays, offset = {}, HEADER.size
    for name, size in shape.arrays():
        count = math.prod(size)
        arrays[name] = np.frombuffer(data, dtype="<f4", count=count, offset=offset).reshape(size)
        offset += 4 * count
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{path.name}: array {name} holds NaN or infinity")
    return shape, arrays


def _rotate_half(weight: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows of (heads * head_dim, dim) from pairs (2i, 2i + 1) to pairs (i, i + head_dim / 2)."""
    rows, dim = weight.shape
    pairs = weight.reshape(rows // head_dim, head_dim // 2, 2, dim)  # (heads, head_dim / 2, 2, dim)
    return pairs.swapaxes(1, 2).reshape(rows, dim)


def load_llama2c(path: Path) -> LlamaForCausalLM:
    """The model of a llama2.c file as a float32 `LlamaForCausalLM` in evaluation mode.

    Raises:
        ValueError: naming the file, when it is cut short, too long, or no such model.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape, arrays = read_weights(path)
    config = LlamaConfig(
        vocab_size=shape.vocab,
        hidden_size=shape.dim,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        hidden_act="silu",
        max_position_embeddings=shape.context,
        rms_norm_eps=NORM_EPS,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=shape.tied,
        attention_bias=False,
        mlp_bias=False,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=None,
    )
    state = {"model.embed_tokens.weight": arrays["embedding"], "model.norm.weight": arrays["final_norm"]}
    state["lm_head.weight"] = arrays["embedding" if shape.tied else "output"]
    for layer in range(shape.layers):
        start = f"model.layers.{layer}."
        state[start + "input_layernorm.weight"] = arrays["attention_norm"][layer]
        state[start + "self_attn.q_proj.weight"] = _rotate_half(arrays["wq"][layer], shape.head_dim)
        state[start + "self_attn.k_proj.weight"] = _rotate_half(arrays["wk"][layer], shape.head_dim)
        state[start + "self_attn.v_proj.weight"] = arrays["wv"][layer]
        state[start + "self_attn.o_proj.weight"] = arrays["wo"][layer]
        state[start + "post_attention_layernorm.weight"] = arrays["ffn_norm"][layer]
        state[start + "mlp.gate_proj.weight"] = arrays["w1"][layer]
        state[start + "mlp.down_proj.weight"] = arrays["w2"][layer]
        state[start + "mlp.up_proj.weight"] = arrays["w3"][layer]
    # drawing random weights only to overwrite them would move the caller's generator
    with torch.random.fork_rng(devices=[]):
        model = LlamaForCausalLM(config).float()
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
    return model.eval()


class Llama2cTokenizer:
    """The tokenizer of a llama2.c file: BPE that merges the best-scored neighbours first, else bytes.

    `encode` does what `encode` of llama2.c's run.c does, the leading space it puts before any text included.
    """

    def __init__(self, pieces: Sequence[bytes], scores: Sequence[float]) -> None:
        """Pieces and scores by token number; ValueError unless there are as many of both, 259 at least."""
        if len(pieces) != len(scores) or len(pieces) < FIRST_BYTE + 256:
            raise ValueError(
                f"{len(pieces)} pieces, {len(scores)} scores; expected as many, {FIRST_BYTE + 256} at least"
            )
        self.pieces, self.scores = list(pieces), list(scores)
        self._ids: dict[bytes, int] = {}
        for token, piece in enumerate(self.pieces):
            self._ids.setdefault(piece, token)
        self._cache: dict[str, list[int]] = {}
        inside: set[tuple[str, str]] = set()
        for piece in self.pieces[FIRST_BYTE + 256 :]:
            text = piece.decode("utf-8", errors="replace")
            inside.update(pairwise(text))
        # pairs of neighbouring characters as one number; no merge crosses any other pair
        self._inside = np.array(sorted((ord(a) << 32) | ord(b) for a, b in inside), dtype=np.int64)

    @classmethod
    def from_file(cls, path: Path) -> Llama2cTokenizer:
        """Read a tokenizer file; ValueError naming the file when it is cut short or no such tokenizer."""
        data = path.read_bytes()
        if len(data) < 4:
            raise ValueError(
                f"{path.name}: {len(data)} bytes; a llama2.c tokenizer begins with its longest piece's length"
            )
        (longest,) = struct.unpack_from("<i", data)
        pieces: list[bytes] = []
        scores: list[float] = []
        offset = 4
        while offset < len(data):
            if offset + 8 > len(data):
                raise ValueError(f"{path.name}: cut short inside piece {len(pieces)}")
            score, length = struct.unpack_from("<fi", data, offset)
            offset += 8
            if not 0 <= length <= longest or not np.isfinite(score):
                raise ValueError(
                    f"{path.name}: piece {len(pieces)} has length {length} and score {score};"
                    f" expected 0...{longest} and a finite number"
                )
            if offset + length > len(data):
                raise ValueError(f"{path.name}: cut short inside piece {len(pieces)}")
            pieces.append(data[offset : offset + length])
            scores.append(score)
            offset += length
        try:
            return cls(pieces, scores)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Token numbers of `text`, with the begin token first if `add_special_tokens`."""
        tokens = [BOS] if add_special_tokens else []
        for part in self._parts(" " + text) if text else ():
            known = self._cache.get(part)
            if known is None:
                known = self._merge(part)
                if len(self._cache) < 1 << 20:
                    self._cache[part] = known
            tokens += known
        return tokens

    def decode(self, tokens: Iterable[int], skip_special_tokens: bool = True) -> str:
        """The text of token numbers, less the space after a begin token; broken UTF-8 becomes U+FFFD."""
        out = bytearray()
        previous = BOS
        for token in tokens:
            if FIRST_BYTE <= token < FIRST_BYTE + 256:
                piece = bytes([token - FIRST_BYTE])
            elif token in (BOS, EOS) and skip_special_tokens:
                piece = b""
            else:
                piece = self.pieces[token]
                piece = piece[1:] if previous == BOS and piece.startswith(b" ") else piece
            out += piece
            previous = token
        return out.decode("utf-8", errors="replace")

    def _parts(self, text: str) -> Iterator[str]:
        """Cut where no piece joins the two characters: no merge crosses, so the parts are independent."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
        pairs = (codes[:-1] << 32) | codes[1:]
        cuts = [0, *(np.flatnonzero(~np.isin(pairs, self._inside)) + 1).tolist(), len(text)]
        for start, stop in pairwise(cuts):
            yield text[start:stop]

    def _merge(self, part: str) -> list[int]:
        tokens: list[int] = []
        for character in part:
            piece = character.encode("utf-8", "replace")
            token = self._ids.get(piece)
            tokens += [token] if token is not None else [FIRST_BYTE + byte for byte in piece]
        # linked list of live tokens and a heap of merges, best score first and leftmost among equals
        after = [*range(1, len(tokens)), -1]
        before = list(range(-1, len(tokens) - 1))
        heap: list[tuple[float, int, int, int, int]] = []

        def offer(left: int) -> None:
            right = after[left]
            if right >= 0:
                merged = self._ids.get(self.pieces[tokens[left]] + self.pieces[tokens[right]])
                if merged is not None:
                    heapq.heappush(heap, (-self.scores[merged], left, tokens[left], tokens[right], merged))

        for left in range(len(tokens) - 1):
            offer(left)
        while heap:
            _, left, first, second, merged = heapq.heappop(heap)
            right = after[left]
            if tokens[left] != first or right < 0 or tokens[right] != second:
                continue  # one of the two has been merged since
            tokens[left], tokens[right] = merged, -1
            after[left] = after[right]
            if after[right] >= 0:
                before[after[right]] = left
            offer(left)
            if before[left] >= 0:
                offer(before[left])
        return [token for token in tokens if token >= 0]
