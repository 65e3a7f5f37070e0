"""A model class that transformers does not know, as the package's own are: a Llama under another name."""

from __future__ import annotations

from transformers import LlamaConfig, LlamaForCausalLM


class Config(LlamaConfig):
    model_type = "tiny-of-ours"

    def __init__(self, **options: object) -> None:
        size = {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
        super().__init__(**(size | {"num_attention_heads": 2, "num_key_value_heads": 1} | options))


class Model(LlamaForCausalLM):
    config_class = Config
