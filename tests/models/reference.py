"""Our two models written down again from their equations: NumPy, float64, one line of text, position by position.

Nothing is shared with `src`: weights come in by name, and everything else is loops over heads and positions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]


def openelm_logits(weights: Weights, config: Any, tokens: list[int]) -> np.ndarray:
    """(T, V) for T tokens."""
    table = weights["model.embed_tokens.weight"]
    stream = [table[token].copy() for token in tokens]
    for layer in range(config.num_hidden_layers):
        read = {name: weights[f"model.layers.{layer}.{name}.weight"] for name in OPENELM_BLOCK}
        q, g = config.query_heads[layer], config.kv_heads[layer]
        entered = [rms(x, read["input_layernorm"], config.rms_norm_eps) for x in stream]
        made = [read["self_attn.qkv_proj"] @ x for x in entered]
        heads = [vector.reshape(q + 2 * g, config.head_dim) for vector in made]
        queries = [[turned(rms(h, read["self_attn.q_norm"], config.rms_norm_eps), t) for h in all_[:q]]
                   for t, all_ in enumerate(heads)]  # fmt: skip
        keys = [[turned(rms(h, read["self_attn.k_norm"], config.rms_norm_eps), t) for h in all_[q : q + g]]
                for t, all_ in enumerate(heads)]  # fmt: skip
        values = [all_[q + g :] for all_ in heads]
        for t in range(len(tokens)):
            parts = []
            for head in range(q):
                group = head // (q // g)
                parts.append(average(queries[t][head], [keys[s][group] for s in range(t + 1)],
                                     [values[s][group] for s in range(t + 1)]))  # fmt: skip
            stream[t] = stream[t] + read["self_attn.o_proj"] @ np.concatenate(parts)
        for t, x in enumerate(stream):
            inner = read["mlp.gate_up_proj"] @ rms(x, read["post_attention_layernorm"], config.rms_norm_eps)
            a, b = inner[: len(inner) // 2], inner[len(inner) // 2 :]
            stream[t] = x + read["mlp.down_proj"] @ (a / (1 + np.exp(-a)) * b)
    return np.stack([table @ rms(x, weights["model.norm.weight"], config.rms_norm_eps) for x in stream])


OPENELM_BLOCK = (
    "input_layernorm",
    "self_attn.qkv_proj",
    "self_attn.q_norm",
    "self_attn.k_norm",
    "self_attn.o_proj",
    "post_attention_layernorm",
    "mlp.gate_up_proj",
    "mlp.down_proj",
)


def vanilla_logits(weights: Weights, config: Any, tokens: list[int]) -> np.ndarray:
    """(T, V) for T tokens, without dropout."""
    n, heads = config.hidden_size, config.num_attention_heads
    size = n // heads
    stream = []
    for t, token in enumerate(tokens):
        position = np.empty(n)
        for i in range(n // 2):
            position[2 * i] = math.sin(t / 10000 ** (2 * i / n))
            position[2 * i + 1] = math.cos(t / 10000 ** (2 * i / n))
        stream.append(math.sqrt(n) * weights["model.embed_tokens.weight"][token] + position)
    for layer in range(config.num_hidden_layers):
        at = f"model.layers.{layer}."
        made = [weights[at + "self_attn.qkv_proj.weight"] @ x for x in stream]
        q, k, v = ([vector[part * n : (part + 1) * n].reshape(heads, size) for vector in made] for part in range(3))
        after = []
        for t in range(len(tokens)):
            parts = [
                average(q[t][head], [k[s][head] for s in range(t + 1)], [v[s][head] for s in range(t + 1)])
                for head in range(heads)
            ]
            added = stream[t] + weights[at + "self_attn.o_proj.weight"] @ np.concatenate(parts)
            after.append(layer_norm(added, weights, at + "self_attn_layer_norm", config.layer_norm_eps))
        for t, x in enumerate(after):
            inner = weights[at + "mlp.up_proj.weight"] @ x + weights[at + "mlp.up_proj.bias"]
            out = weights[at + "mlp.down_proj.weight"] @ np.maximum(inner, 0) + weights[at + "mlp.down_proj.bias"]
            stream[t] = layer_norm(x + out, weights, at + "final_layer_norm", config.layer_norm_eps)
    return np.stack([weights["lm_head.weight"] @ x + weights["lm_head.bias"] for x in stream])


def average(query: np.ndarray, keys: list[np.ndarray], values: list[np.ndarray]) -> np.ndarray:
    """Values weighted by exp(query · key / sqrt(size))."""
    scores = np.array([query @ key for key in keys]) / math.sqrt(len(query))
    shares = np.exp(scores - scores.max())
    return sum(share * value for share, value in zip(shares / shares.sum(), values, strict=True))


def rms(x: np.ndarray, gain: np.ndarray, eps: float) -> np.ndarray:
    return x / math.sqrt(float(np.mean(x * x)) + eps) * gain


def layer_norm(x: np.ndarray, weights: Weights, name: str, eps: float) -> np.ndarray:
    centred = x - x.mean()
    unit = centred / math.sqrt(float(np.mean(centred * centred)) + eps)
    return unit * weights[name + ".weight"] + weights[name + ".bias"]


def turned(head: np.ndarray, position: int) -> np.ndarray:
    """Rotary positions: (x_i, x_(i + h/2)) turned by position · 10000^(-2i/h)."""
    out, half = np.empty_like(head), len(head) // 2
    for i in range(half):
        angle = position * 10000.0 ** (-2 * i / len(head))
        out[i] = head[i] * math.cos(angle) - head[i + half] * math.sin(angle)
        out[i + half] = head[i + half] * math.cos(angle) + head[i] * math.sin(angle)
    return out


def loss(logits: np.ndarray, targets: list[int], z_loss: float = 0.0) -> float:
    """Sum of -log p(target) + z_loss logZ²; targets below 0 are left out."""
    total = 0.0
    for row, target in zip(logits, targets, strict=True):
        if target >= 0:
            top = row.max()
            log_z = top + math.log(float(np.exp(row - top).sum()))
            total += log_z - row[target] + z_loss * log_z**2
    return total
