"""What our causal language models share: positions and masks, the cache of generation, and the losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .cross_entropy import linear_cross_entropy


class CausalModel(PreTrainedModel):
    """Base of both halves: our models know scaled dot-product attention and nothing else."""

    base_model_prefix = "model"
    _supports_sdpa = True
    _no_split_modules = ["Block"]  # noqa: RUF012 - as transformers has it
    _skip_keys_device_placement = ["past_key_values"]  # noqa: RUF012


class Backbone(CausalModel):
    """Embedding, blocks and what follows them; subclasses give `embed`, `layers` and `finish`."""

    layers: torch.nn.ModuleList

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.embed_tokens

    def set_input_embeddings(self, value: torch.nn.Module) -> None:
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool = False,
        output_hidden_states: bool = False,
    ) -> BaseModelOutputWithPast:
        """Hidden states (B, T, n) of tokens (B, T), as the output layer reads them.

        Args:
            input_ids: (B, T) int64; or inputs_embeds, (B, T, n).
            attention_mask: (B, past + T), 0 where a line is padded (on the left, for generation), else 1.
            position_ids: (B, T); by default they go on where the cache ends, and padding takes no position.
            past_key_values: a transformers cache; one is made if use_cache.

        Raises:
            ValueError: both or neither of input_ids and inputs_embeds, another mask, or more positions than the
                model's context.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("expected either input_ids or inputs_embeds")
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds  # (B, T, n)
        if use_cache and past_key_values is None:
            from transformers import DynamicCache

            past_key_values = DynamicCache()
        past = int(past_key_values.get_seq_length()) if past_key_values is not None else 0
        context, (_, length, _) = self.config.max_position_embeddings, x.shape
        if past + length > context:
            raise ValueError(f"{past + length} tokens; expected at most {context}, the model's context")
        mask, padded = _mask(attention_mask, past, length, x.device)
        if position_ids is None and padded is not None:
            position_ids = (padded.long().cumsum(dim=1) - 1).clamp(min=0)[:, past:]
        x, places = self.embed(x, past, position_ids)
        states = []
        for layer in self.layers:
            if output_hidden_states:
                states.append(x)
            x = layer(x, places, mask, past_key_values)
        x = self.finish(x)
        return BaseModelOutputWithPast(
            last_hidden_state=x,
            past_key_values=past_key_values,
            hidden_states=(*states, x) if output_hidden_states else None,
        )

    def embed(self, x: Tensor, past: int, position_ids: Tensor | None) -> tuple[Tensor, Any]:
        """What enters the first block, and what every block has to know of positions."""
        raise NotImplementedError

    def finish(self, x: Tensor) -> Tensor:
        """What the output layer reads, of what the last block wrote."""
        return x


class CausalLM(CausalModel, GenerationMixin):
    """A backbone, `model`, and its output layer, `lm_head`."""

    model: Backbone
    lm_head: torch.nn.Linear

    def token_losses(self, inputs: Tensor, targets: Tensor, z_loss: float = 0.0) -> tuple[Tensor, Tensor]:
        """Sums over the targets that are not -100: (objective, nll), 0-d float32, in nats.

        objective = nll + z_loss · sum of logZ² carries the gradient; nll is detached. The logits never exist all at
        once (`models/cross_entropy.py`). Lines of unequal length are padded on the right: no mask is needed.

        Args:
            inputs: (B, T) int64.
            targets: (B, T) int64, -100 where none.
        """
        table, embedded = self.model.embed_tokens.weight, None
        if table is self.lm_head.weight and not torch.compiler.is_compiling():
            # only the rows that were read: they are added to the output layer's gradient, where that lies
            embedded = torch.nn.functional.embedding(inputs, table, sparse=True)
        hidden = self.model(inputs if embedded is None else None, inputs_embeds=embedded).last_hidden_state  # (B, T, n)
        return linear_cross_entropy(
            hidden.flatten(0, 1), self.lm_head.weight, targets.flatten(), self.lm_head.bias, z_loss
        )

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool = False,
        output_hidden_states: bool = False,
        return_dict: bool = True,
        logits_to_keep: int | Tensor = 0,
    ) -> Any:
        """Logits (B, T, V), and with labels (B, T) the mean cross-entropy of each token given those before it.

        As transformers' causal models do: label t is the token at t, so logits at t - 1 are scored; -100 is ignored.
        The other arguments are the backbone's; logits_to_keep: how many last positions, or which, get logits.
        """
        found = self.model(
            input_ids, attention_mask, position_ids, past_key_values, inputs_embeds, use_cache, output_hidden_states
        )
        hidden = found.last_hidden_state
        where = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(hidden[:, where])
        loss = None
        if labels is not None:
            next_labels = labels[:, 1:].flatten()
            total, _ = linear_cross_entropy(
                hidden[:, :-1].flatten(0, 1), self.lm_head.weight, next_labels, self.lm_head.bias
            )
            loss = total / (next_labels != -100).sum()
        output = CausalLMOutputWithPast(
            loss=loss, logits=logits, past_key_values=found.past_key_values, hidden_states=found.hidden_states
        )
        return output if return_dict else output.to_tuple()


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, cache: Any, layer: int, dropout: float = 0.0
) -> Tensor:
    """Scaled dot-product attention. q (B, H, T, d), k and v (B, G, T, d) with G dividing H; (B, H, T, d).

    Without a mask it is causal: position t reads positions up to t. Heads of queries share keys and values in groups
    of H / G neighbours.
    """
    if cache is not None:
        k, v = cache.update(k, v, layer)
    causal, grouped = mask is None and q.shape[2] > 1, q.shape[1] != k.shape[1]
    return torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal, enable_gqa=grouped
    )


def _mask(
    attention_mask: Tensor | None, past: int, length: int, device: torch.device
) -> tuple[Tensor | None, Tensor | None]:
    """(mask for `attend`, True where it may read, or None for plain causal; the 2-D mask if it hides anything)."""
    padded = None
    if attention_mask is not None:
        if attention_mask.ndim != 2 or attention_mask.shape[1] != past + length:
            raise ValueError(
                f"attention_mask has shape {tuple(attention_mask.shape)}; expected (B, {past + length}), one number per"
                " token of the cache and of the input"
            )
        padded = None if bool(attention_mask.all()) else attention_mask.bool()
    if padded is None and (past == 0 or length == 1):
        return None, None
    key = torch.arange(past + length, device=device)
    allowed = key <= key[past:, None]  # (T, past + T)
    if padded is None:
        return allowed, None
    # a padded position reads itself, for no row may be empty
    allowed = (allowed & padded[:, None, :]) | (key == key[past:, None])  # (B, T, past + T)
    return allowed[:, None], padded
