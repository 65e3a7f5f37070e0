"""A Transformer as in 2017, as a causal language model: that of Murty et al. 2023, trained on a grammar.

"Grokking of Hierarchical Structure in Vanilla Transformers". Per block: x = norm(x + attention(x)), then
x = norm(x + W_2 relu(W_1 x + b_1) + b_2), with LayerNorm after each addition (post-norm) and none at the end. Attention
has no biases. Embeddings are multiplied by sqrt(n) and sinusoidal positions added. Dropout on that sum, on attention's
weights, inside the feed-forward layer and on whatever is added to x. The output layer has its own matrix, and a bias.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig
from transformers import initialization as init

from .causal import Backbone, CausalLM, attend
from .linear import Linear


class VanillaConfig(PreTrainedConfig):
    """The shape of a vanilla Transformer; by default that of Murty et al. with 6 layers (they also have 10).

    Args:
        vocab_size: 71 there: 68 words, padding, begin and end.
        hidden_size: n; even, and a multiple of the heads.
        intermediate_size: width of the feed-forward layers; 4 n if None.
        max_position_embeddings: longest line; the table of positions is made, not learned.
        dropout: probability, of all four kinds.

    Raises:
        ValueError: numbers that do not fit together.
    """

    model_type = "beyond_vanilla"
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["past_key_values"]

    def __init__(
        self,
        vocab_size: int = 71,
        hidden_size: int = 512,
        num_hidden_layers: int = 6,
        num_attention_heads: int = 8,
        intermediate_size: int | None = None,
        max_position_embeddings: int = 512,
        dropout: float = 0.1,
        layer_norm_eps: float = 1e-5,
        tie_word_embeddings: bool = False,
        **options: Any,
    ) -> None:
        self.vocab_size, self.hidden_size, self.num_hidden_layers = vocab_size, hidden_size, num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = 4 * hidden_size if intermediate_size is None else intermediate_size
        self.max_position_embeddings = max_position_embeddings
        self.dropout, self.layer_norm_eps = float(dropout), float(layer_norm_eps)
        for name in (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; expected an integer of at least 1")
        if hidden_size % num_attention_heads or hidden_size % 2:
            raise ValueError(
                f"hidden_size is {hidden_size}; expected an even multiple of num_attention_heads, {num_attention_heads}"
            )
        if not 0 <= self.dropout < 1 or not self.layer_norm_eps > 0:
            raise ValueError(
                f"dropout {self.dropout} and layer_norm_eps {self.layer_norm_eps}; expected in [0, 1) and above 0"
            )
        if tie_word_embeddings:
            raise ValueError("tie_word_embeddings is true; expected false, for the output layer has its own matrix")
        super().__init__(**(options | {"tie_word_embeddings": False}))


class Xavier(Linear):
    """A matrix and how it starts: of how many matrices it is made, and by what its numbers are multiplied."""

    def __init__(self, inputs: int, outputs: int, bias: bool, stacked: int = 1, gain: float = 1.0) -> None:
        self.stacked, self.gain = stacked, gain
        super().__init__(inputs, outputs, bias)


class Attention(nn.Module):
    """Multi-head attention without biases; queries, keys and values from one matrix."""

    def __init__(self, config: VanillaConfig, layer: int) -> None:
        super().__init__()
        n = config.hidden_size
        self.layer, self.heads, self.dropout = layer, config.num_attention_heads, config.dropout
        self.qkv_proj = Xavier(n, 3 * n, bias=False, stacked=3)
        self.o_proj = Linear(n, n, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None, cache: Any) -> Tensor:
        batch, length, _ = x.shape
        heads = self.qkv_proj(x).view(batch, length, 3, self.heads, -1)
        q, k, v = (part.transpose(1, 2) for part in heads.unbind(dim=2))  # (B, H, T, h) each
        y = attend(q, k, v, mask, cache, self.layer, self.dropout if self.training else 0.0)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    """W_2 relu(W_1 x + b_1) + b_2, with dropout between."""

    def __init__(self, config: VanillaConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.up_proj = Xavier(config.hidden_size, config.intermediate_size, bias=True, gain=math.sqrt(2))  # for ReLU
        self.down_proj = Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.up_proj(x), inplace=True)
        return self.down_proj(functional.dropout(inner, self.dropout, self.training))


class Block(nn.Module):
    """One layer: attention, then feed-forward; each added, then normalised."""

    def __init__(self, config: VanillaConfig, layer: int) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.self_attn = Attention(config, layer)
        self.self_attn_layer_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.mlp = FeedForward(config)
        self.final_layer_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, x: Tensor, places: None, mask: Tensor | None, cache: Any) -> Tensor:
        y = self.self_attn(x, mask, cache)
        x = self.self_attn_layer_norm(x + functional.dropout(y, self.dropout, self.training))
        return self.final_layer_norm(x + functional.dropout(self.mlp(x), self.dropout, self.training))


class VanillaModel(Backbone):
    """The Transformer without its output layer."""

    config_class = VanillaConfig
    positions: Tensor

    def __init__(self, config: VanillaConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        table = sinusoids(config.max_position_embeddings, config.hidden_size)
        self.register_buffer("positions", table, persistent=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(module, self.config)

    def embed(self, x: Tensor, past: int, position_ids: Tensor | None) -> tuple[Tensor, None]:
        where = slice(past, past + x.shape[1]) if position_ids is None else position_ids
        table = self.positions
        if x.dtype == torch.float64:
            table = sinusoids(table.shape[0], table.shape[1], torch.float64)
        x = x * math.sqrt(self.config.hidden_size) + table[where].to(x.dtype)
        return functional.dropout(x, self.config.dropout, self.training), None


class VanillaForCausalLM(CausalLM):
    """The Transformer as a language model."""

    config_class = VanillaConfig

    def __init__(self, config: VanillaConfig) -> None:
        super().__init__(config)
        self.model = VanillaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(module, self.config)


def _initialise(module: nn.Module, config: Any) -> None:
    """Xavier's uniform distribution (Glorot and Bengio 2010) for every matrix; biases 0."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        out, inputs = module.weight.shape
        gain, stacked = (module.gain, module.stacked) if isinstance(module, Xavier) else (1.0, 1)
        bound = gain * math.sqrt(6 / (inputs + out / stacked))
        init.uniform_(module.weight, -bound, bound)
        if isinstance(module, nn.Linear) and module.bias is not None:
            init.zeros_(module.bias)
    elif isinstance(module, nn.LayerNorm):
        init.ones_(module.weight)
        init.zeros_(module.bias)
    elif isinstance(module, VanillaModel):
        init.copy_(module.positions, sinusoids(config.max_position_embeddings, config.hidden_size))


def sinusoids(length: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Sine and cosine, in turn, of position / 10000^(2i/width): (length, width). Vaswani et al. 2017, section 3.5."""
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), rates)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).to(dtype)
