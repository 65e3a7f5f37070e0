"""How large our models are: the paper's three OpenELMs, a family of lighter ones, parameters and operations.

OpenELM gives deeper layers more heads and wider feed-forward layers (Mehta et al. 2024, section 2, "layer-wise
scaling"): multipliers go up evenly from the first layer to the last, and width times multiplier is rounded by
`make_divisible`. The paper of this book lists widths and heads, and multipliers of heads (0.5 to 1) from which those
heads follow at other widths only (569 to 600, and 612 to 661 for Model 3). It does not list feed-forward widths. So the
lists here are explicit (`PAPER`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PAPER: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "model-1": {
            "hidden_size": 954,
            "query_heads": (6, 6, 6, 6, 8, 8, 8, 10),
            "ffn_widths": (512, 768, 1024, 1280, 1280, 1536, 1792, 2048),
        },
        "model-2": {
            "hidden_size": 1216,
            "query_heads": (6, 6, 6, 6, 8, 8, 8, 10),
            "ffn_widths": (512, 1024, 1280, 1536, 1536, 2048, 2304, 2560),
        },
        "model-2-printed": {
            "hidden_size": 1280,
            "query_heads": (6, 6, 6, 6, 8, 8, 8, 10),
            "ffn_widths": (512, 1024, 1280, 1536, 1536, 1792, 2048, 2304),
        },
        "model-3": {
            "hidden_size": 1440,
            "query_heads": (6, 6, 6, 8, 8, 8, 10, 10),
            "ffn_widths": (768, 1024, 1536, 1792, 1792, 2304, 2560, 2816),
        },
    }
)
"""The paper's Models 1-3 (Appendix G.1), heads of size 64, half as many key-value heads as query heads.

Only the sums of the feed-forward widths are known, from the printed N: 40, 50 and 57 times 256. Model 1's widths are a
rounded even climb from 0.5 n to 2.2 n; the others' are the same climb, scaled. N is 39,947,866 (39.95M printed) and
80,204,704 (80.20M) for Models 1 and 3. Model 2 is printed with width 1280 and 60.26M, which no feed-forward widths
in multiples of 16 give: "model-2-printed" has that width and the nearest N in multiples of 256, 60,479,744; "model-2"
is a conjecture, width 1216, which gives 60,257,472.
"""

QUERY_MULTIPLIERS, FFN_MULTIPLIERS = (0.5, 1.0), (0.5, 4.0)
"""First and last layer's multipliers of the published OpenELMs, and of the lighter family."""


def named(name: str, vocabulary: int = 50257, context: int = 1024) -> Any:
    """Configuration (`OpenELMConfig`) of one of the paper's models; ValueError for a name not in `PAPER`."""
    from .openelm import OpenELMConfig

    if name not in PAPER:
        raise ValueError(f"model {name!r}; expected one of {', '.join(PAPER)}")
    shape = PAPER[name]
    kv_heads = [heads // 2 for heads in shape["query_heads"]]
    return OpenELMConfig(
        vocab_size=vocabulary, max_position_embeddings=context, head_dim=64, kv_heads=kv_heads, **shape
    )


def openelm_light(
    width: int, layers: int = 8, head_dim: int | None = None, vocabulary: int = 4096, context: int = 256
) -> Any:
    """Configuration (`OpenELMConfig`) of a lighter model: one shape at every width, so that N goes as width².

    Layers scale as in OpenELM. Query heads: make_divisible(width · multiplier, 2 head_dim) / head_dim, with multipliers
    from 0.5 to 1; key-value heads: half as many. Feed-forward: make_divisible(width · multiplier, 8), from 0.5 to 4.
    With 8 layers and a head_dim of width / 8 the heads are 4, 6, 6, 6, 6, 8, 8, 8 and N = 73.5 width² + norms at every
    width: 0.08M at 32, 0.30M at 64, 1.21M at 128, 4.82M at 256, 8.30M at 336.

    Args:
        width: a multiple of 16, or of 8 where head_dim is given.
        head_dim: width / 8 if None; even.

    Raises:
        ValueError: a width or a number of layers that will not do.
    """
    from .openelm import OpenELMConfig

    step = 16 if head_dim is None else 8
    for what, value, unit in (("width", width, step), ("layers", layers, 1), ("head_dim", head_dim or 2, 2)):
        if isinstance(value, bool) or not isinstance(value, int) or value < unit or value % unit:
            raise ValueError(f"{what} is {value!r}; expected a positive multiple of {unit}")
    size = width // 8 if head_dim is None else head_dim
    query = [make_divisible(width * m, 2 * size) // size for m in multipliers(*QUERY_MULTIPLIERS, layers)]
    return OpenELMConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        query_heads=query,
        kv_heads=[heads // 2 for heads in query],
        ffn_widths=[make_divisible(width * m, 8) for m in multipliers(*FFN_MULTIPLIERS, layers)],
        head_dim=size,
        max_position_embeddings=context,
    )


def multipliers(first: float, last: float, layers: int) -> list[float]:
    """Evenly from first to last, one a layer, rounded to two decimals as OpenELM's are."""
    if layers == 1:
        return [round(first, 2)]
    return [round(first + (last - first) * layer / (layers - 1), 2) for layer in range(layers)]


def make_divisible(value: float, divisor: int) -> int:
    """The multiple of `divisor` nearest to value (halves go up), at least `divisor` and never under 0.9 value."""
    found = max(divisor, int((value + divisor / 2) // divisor) * divisor)
    return found + divisor if found < 0.9 * value else found


def parameters(config: Any) -> dict[str, int]:
    """How many parameters a model of ours has, each counted once.

    Returns:
        "blocks": the paper's N, all blocks and the final norm; "embeddings": the input embedding, and the output layer
        where it is not the same matrix; "total": their sum.

    Raises:
        ValueError: a configuration of another model.
    """
    n, vocabulary = config.hidden_size, config.vocab_size
    if config.model_type == "beyond_openelm":
        norms = (2 * n + 2 * config.head_dim) * config.num_hidden_layers + n
        blocks, matrices = _matrices(config) + norms, 1 if config.tie_word_embeddings else 2
        embeddings = matrices * vocabulary * n
    else:  # two norms with gain and shift, and the feed-forward layer's biases, in every block
        blocks = _matrices(config) + config.num_hidden_layers * (4 * n + config.intermediate_size + n)
        embeddings = 2 * vocabulary * n + vocabulary
    return {"blocks": blocks, "embeddings": embeddings, "total": blocks + embeddings}


def flops_per_token(config: Any, context: int) -> float:
    """Operations of one training step for each of `context` tokens of a line: forward and backward, for MFU.

    6 for every number of a matrix, the output layer's included (a lookup is free), and 12 h for each position that a
    query head of size h reads; with a causal mask a position reads (context + 1) / 2 of them on average, and only those
    are counted. (PaLM's count, Chowdhery et al. 2022, appendix B, has all `context`.) Norms and softmax are left out.

    Raises:
        ValueError: a configuration of another model, or no context.
    """
    if context < 1:
        raise ValueError(f"context is {context}; expected at least 1")
    matrices = _matrices(config) + config.vocab_size * config.hidden_size
    if config.model_type == "beyond_openelm":
        heads = sum(config.query_heads) * config.head_dim
    else:
        heads = config.num_hidden_layers * config.hidden_size
    return 6.0 * matrices + 12.0 * heads * (context + 1) / 2


def _matrices(config: Any) -> int:
    """Numbers of all matrices of all blocks."""
    n = config.hidden_size
    if config.model_type == "beyond_openelm":
        heads = sum(2 * q + 2 * kv for q, kv in zip(config.query_heads, config.kv_heads, strict=True))
        return n * config.head_dim * heads + 3 * n * sum(config.ffn_widths)
    if config.model_type == "beyond_vanilla":
        return config.num_hidden_layers * (4 * n * n + 2 * n * config.intermediate_size)
    raise ValueError(f"a configuration of {config.model_type!r}; expected beyond_openelm or beyond_vanilla")
