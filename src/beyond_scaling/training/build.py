"""From a configuration to what the loop needs: a model's maker, batches, evaluation sets, predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from .batches import Batches, EpochLines, EvaluationSet, RandomChunks, evaluation_chunks, evaluation_lines
from .config import Config, Model, OpenELMShape, QuestionFormation, TokenChunks, VanillaShape

VALIDATION, TRAINING = "validation", "training"
_HELD_OUT_SEED = 1 << 32  # held-out lines come from other seeds than any that trains


@dataclass(frozen=True)
class Task:
    """What a run trains, on what, and what is known of it beforehand.

    `sets` are evaluated: "validation" is held out, "training" is part of what is trained on. `predictions` are nats a
    target. `tokenizer` is the folder of the tokenizer that made the tokens, if one did.
    """

    new_model: Callable[[], Any]
    batches: Batches
    sets: Mapping[str, EvaluationSet]
    vocabulary: int
    context: int
    inputs: tuple[Mapping[str, Any], ...]
    predictions: Mapping[str, float] = field(default_factory=dict)
    tokenizer: Path | None = None


def build(config: Config) -> Task:
    """The task of a configuration.

    Raises:
        ValueError: data that is not there or too small, a shape that no model has; naming what.
    """
    data = config.data
    made = _lines(config, data) if isinstance(data, QuestionFormation) else _chunks(config, data)
    return made


def model_config(shape: Model, vocabulary: int, context: int) -> Any:
    """The configuration of a model (a transformers configuration) of a shape, for a vocabulary and a context."""
    if isinstance(shape, VanillaShape):
        from ..models.vanilla import VanillaConfig

        return VanillaConfig(
            vocab_size=vocabulary,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.feed_forward or 4 * shape.width,
            dropout=shape.dropout,
            max_position_embeddings=context,
        )
    return _openelm_config(shape, vocabulary, context)


def _openelm_config(shape: OpenELMShape, vocabulary: int, context: int) -> Any:
    from ..models import sizes

    if shape.name is not None:
        return sizes.named(shape.name, vocabulary=vocabulary, context=context)
    assert shape.width is not None
    options = {} if shape.head_dim is None else {"head_dim": shape.head_dim}
    return sizes.openelm_light(shape.width, layers=shape.layers, vocabulary=vocabulary, context=context, **options)


def _new_model(settings: Any) -> Any:
    from ..models.openelm import OpenELMConfig, OpenELMForCausalLM
    from ..models.vanilla import VanillaForCausalLM

    return OpenELMForCausalLM(settings) if isinstance(settings, OpenELMConfig) else VanillaForCausalLM(settings)


def _lines(config: Config, data: QuestionFormation) -> Task:
    from ..corpora.coding import Coding
    from ..corpora.question_formation import generate
    from ..corpora.variant import Variant

    variant = Variant(data.part, data.nouns, data.units, data.order)  # type: ignore[arg-type]
    coding = Coding(variant)
    seeds = data.seed, _HELD_OUT_SEED + data.seed
    lines, held_out = (
        generate(count, seed, weighting=data.weighting, variant=variant)
        for count, seed in zip((data.lines, data.held_out), seeds, strict=True)
    )
    sequences, others = ([coding.encode(line) for line in some] for some in (lines, held_out))
    skipped, others_skipped = ([coding.ignored(line) for line in some] for some in (lines, held_out))
    context = max(map(len, (*sequences, *others)))
    shown = min(data.held_out, data.lines)
    return Task(
        partial(_new_model, model_config(config.model, coding.rows, context)),
        EpochLines(sequences, config.run.batch, config.run.seed, skipped, data.window),
        {
            VALIDATION: evaluation_lines(others, others_skipped),
            TRAINING: evaluation_lines(sequences[:shown], skipped[:shown]),
        },
        coding.rows,
        context,
        (),
    )


def _chunks(config: Config, data: TokenChunks) -> Task:
    from ..corpora.token_file import TokenFile

    file = TokenFile.open(Path(data.path).expanduser())
    training, held_out = file.training(data.tokens), file.validation()
    if data.shuffled:
        import numpy as np

        # once for all, so that there is a text, if one without order, that can be learnt by heart
        training, held_out = (np.random.default_rng([config.run.seed, n]).permutation(part)
                              for n, part in enumerate((training, held_out)))  # fmt: skip
    return Task(
        partial(_new_model, model_config(config.model, file.vocabulary, data.context)),
        RandomChunks(training, data.context, config.run.batch, config.run.seed),
        {
            VALIDATION: evaluation_chunks(held_out, data.context, data.held_out),
            TRAINING: evaluation_chunks(training, data.context, data.held_out),
        },
        file.vocabulary,
        data.context,
        file.inputs,
        tokenizer=file.folder,
    )
