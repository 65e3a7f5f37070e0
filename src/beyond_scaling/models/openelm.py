"""OpenELM: a Transformer whose layers differ in their numbers of heads and in their feed-forward widths.

Mehta et al. 2024, "OpenELM: An Efficient Language Model Family with Open Training and Inference Framework". Per block,
of width n, with q query heads and g key-value heads of size h and a feed-forward layer of width f:

    x + W_o attention(rope(norm(W_q x̂)), rope(norm(W_k x̂)), W_v x̂),   x̂ = norm(x)
    x + W_2 (silu(a) · b),   (a, b) = W_1 norm(x)

norm is RMSNorm (in float32, with a gain; over a head's h numbers for queries and keys), rope turns numbers i and
i + h/2 of a head by position · 10000^(-2i/h). No biases; input and output embeddings are one matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig
from transformers import initialization as init

from .causal import Backbone, CausalLM, attend
from .fused import queries_and_keys, rms_norm, swiglu
from .linear import Linear


class OpenELMConfig(PreTrainedConfig):
    """The shape of an OpenELM, layer by layer.

    Args:
        query_heads: number of query heads of every layer.
        kv_heads: number of key-value heads of every layer; divides the query heads.
        ffn_widths: width of the feed-forward layer, of every layer.
        hidden_size: n.
        head_dim: size of a head; even. Heads times head_dim need not be n.
        max_position_embeddings: the context.
        attention_dropout, embedding_dropout: probabilities of dropping a weight of attention and a number of an
            embedding; 0 in the published OpenELMs, 0.1 in the table of the paper of this book.

    Raises:
        ValueError: lists of unequal length, or numbers that do not fit together.
    """

    model_type = "beyond_openelm"
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["past_key_values"]

    def __init__(
        self,
        vocab_size: int = 50257,
        hidden_size: int = 954,
        query_heads: Sequence[int] = (6, 6, 6, 6, 8, 8, 8, 10),
        kv_heads: Sequence[int] = (3, 3, 3, 3, 4, 4, 4, 5),
        ffn_widths: Sequence[int] = (512, 768, 1024, 1280, 1280, 1536, 1792, 2048),
        head_dim: int = 64,
        max_position_embeddings: int = 1024,
        rope_theta: float = 10000.0,
        rms_norm_eps: float = 1e-6,
        attention_dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        tie_word_embeddings: bool = True,
        **options: Any,
    ) -> None:
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.query_heads, self.kv_heads, self.ffn_widths = list(query_heads), list(kv_heads), list(ffn_widths)
        self.head_dim, self.max_position_embeddings = head_dim, max_position_embeddings
        self.rope_theta, self.rms_norm_eps = float(rope_theta), float(rms_norm_eps)
        self.attention_dropout, self.embedding_dropout = float(attention_dropout), float(embedding_dropout)
        layers = options.pop("num_hidden_layers", len(self.query_heads))
        self._check(layers)
        self.num_hidden_layers = layers
        super().__init__(**(options | {"tie_word_embeddings": tie_word_embeddings}))

    def _check(self, layers: int) -> None:
        for name in ("query_heads", "kv_heads", "ffn_widths"):
            values = getattr(self, name)
            if len(values) != layers or layers < 1:
                raise ValueError(f"{name} has {len(values)} numbers; expected one for each of {layers} layers")
            for value in values:
                _positive(f"{name} holds", value)
        for name in ("vocab_size", "hidden_size", "head_dim", "max_position_embeddings"):
            _positive(f"{name} is", getattr(self, name))
        if self.head_dim % 2:
            raise ValueError(f"head_dim is {self.head_dim}; expected an even number, for positions turn pairs")
        for query, kv in zip(self.query_heads, self.kv_heads, strict=True):
            if query % kv:
                raise ValueError(f"{query} query heads over {kv} key-value heads; expected a multiple")
        for name in ("attention_dropout", "embedding_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected in [0, 1)")
        if not self.rms_norm_eps > 0 or not self.rope_theta > 1:
            raise ValueError(
                f"rms_norm_eps {self.rms_norm_eps} and rope_theta {self.rope_theta}; expected above 0 and above 1"
            )


class RMSNorm(nn.Module):
    """x / sqrt(mean of x² + eps) · gain over the last axis, in float32; written in the type products are done in."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)


class ToStream(Linear):
    """A matrix whose output is added to the stream; it starts smaller than others."""


class Attention(nn.Module):
    """Grouped-query attention with normalised queries and keys."""

    def __init__(self, config: OpenELMConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.head_dim, self.dropout = layer, config.head_dim, config.attention_dropout
        self.queries, self.groups = config.query_heads[layer], config.kv_heads[layer]
        self.qkv_proj = Linear(config.hidden_size, (self.queries + 2 * self.groups) * self.head_dim, bias=False)
        self.o_proj = ToStream(self.queries * self.head_dim, config.hidden_size, bias=False)
        self.q_norm = RMSNorm(self.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(self.head_dim, config.rms_norm_eps)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor | None, cache: Any) -> Tensor:
        batch, length, _ = x.shape
        heads = self.qkv_proj(x).view(batch, length, -1, self.head_dim)  # (B, T, H + 2G, h)
        q, k, v = queries_and_keys(
            heads, (self.q_norm.weight, self.k_norm.weight), (self.queries, self.groups), self.q_norm.eps, *turns
        )
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        y = attend(q, k, v, mask, cache, self.layer, self.dropout if self.training else 0.0)  # (B, H, T, h)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    """SwiGLU: W_2 (silu(a) · b), both halves from one matrix W_1."""

    def __init__(self, config: OpenELMConfig, layer: int) -> None:
        super().__init__()
        width = config.ffn_widths[layer]
        self.gate_up_proj = Linear(config.hidden_size, 2 * width, bias=False)
        self.down_proj = ToStream(width, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(swiglu(self.gate_up_proj(x)))  # (B, T, 2f) between


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to the stream that its norm reads."""

    def __init__(self, config: OpenELMConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config, layer)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor | None, cache: Any) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), turns, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class OpenELMModel(Backbone):
    """OpenELM without its output layer."""

    config_class = OpenELMConfig
    cos: Tensor
    sin: Tensor

    def __init__(self, config: OpenELMConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        cos, sin = rotations(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(module, self.config)

    def embed(self, x: Tensor, past: int, position_ids: Tensor | None) -> tuple[Tensor, Any]:
        where = slice(past, past + x.shape[1]) if position_ids is None else position_ids
        tables = self.cos, self.sin
        if x.dtype == torch.float64:
            tables = rotations(self.config, torch.float64)
        x = functional.dropout(x, self.config.embedding_dropout, self.training)
        return x, tuple(table[where].unsqueeze(-2) for table in tables)  # (T, 1, h/2) or (B, T, 1, h/2) each

    def finish(self, x: Tensor) -> Tensor:
        return self.norm(x)


class OpenELMForCausalLM(CausalLM):
    """OpenELM as a language model."""

    config_class = OpenELMConfig
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012 - as transformers has it

    def __init__(self, config: OpenELMConfig) -> None:
        super().__init__(config)
        self.model = OpenELMModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(module, self.config)


def _initialise(module: nn.Module, config: Any) -> None:
    """Normal with variance 1 / inputs; smaller by the 2 L additions for what is added to the stream."""
    n, additions = config.hidden_size, 2 * config.num_hidden_layers
    if isinstance(module, ToStream):
        init.normal_(module.weight, std=1 / math.sqrt(n * additions))
    elif isinstance(module, (nn.Linear, nn.Embedding)):  # all of them read n numbers
        init.normal_(module.weight, std=1 / math.sqrt(n))
    elif isinstance(module, RMSNorm):
        init.ones_(module.weight)
    elif isinstance(module, OpenELMModel):
        for table, values in zip((module.cos, module.sin), rotations(config), strict=True):
            init.copy_(table, values)


def rotations(config: Any, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Cosines and sines of position · theta^(-2i/h): two tables (context, h/2)."""
    rates = config.rope_theta ** (-torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim)
    angles = torch.outer(torch.arange(config.max_position_embeddings, dtype=torch.float64), rates)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _positive(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{what} {value!r}; expected an integer of at least 1")
