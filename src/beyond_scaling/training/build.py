"""From a configuration to what the loop needs: a model's maker, batches, evaluation sets, predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import provenance
from .batches import Batches, EpochLines, EvaluationSet, RandomChunks, evaluation_chunks, evaluation_lines
from .config import Config, Model, OpenELMShape, QuestionFormation, TokenChunks, VanillaShape

VALIDATION, TRAINING = "validation", "training"
if TYPE_CHECKING:
    from ..corpora.variant import Variant

_HELD_OUT_SEED = 1 << 32  # held-out lines come from other seeds than any that trains


@dataclass(frozen=True)
class Task:
    """What a run trains, on what, and what is known of it beforehand.

    `sets` are evaluated: "validation" is held out, "training" is part of what is trained on. `made` has SHA-256 of
    lines that were made rather than read. `predictions` are nats a target. `tokenizer` is the folder of the tokenizer
    that made the tokens, if one did.
    """

    new_model: Callable[[], Any]
    batches: Batches
    sets: Mapping[str, EvaluationSet]
    vocabulary: int
    context: int
    inputs: tuple[Mapping[str, Any], ...]
    made: Mapping[str, str] = field(default_factory=dict)
    predictions: Mapping[str, float] = field(default_factory=dict)
    tokenizer: Path | None = None


def build(config: Config) -> Task:
    """The task of a configuration.

    Raises:
        ValueError: data that is not there or too small, a shape that no model has; naming what.
    """
    data = config.data
    return _lines(config, data) if isinstance(data, QuestionFormation) else _chunks(config, data)


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
    from ..corpora.grammar_entropy import entropy, memorised_floor, sample_loss
    from ..corpora.variant import Variant

    variant = Variant(data.part, data.nouns, data.units, data.order)  # type: ignore[arg-type]
    coding = Coding(variant)
    lines, held_out, inputs = _released(data, variant) if data.file else _generated(data, variant)
    shown = lines[: data.held_out]
    sequences, skipped = [coding.encode(line) for line in lines], [coding.ignored(line) for line in lines]
    others, others_skipped = [coding.encode(line) for line in held_out], [coding.ignored(line) for line in held_out]
    context = max(map(len, (*sequences, *others)))
    known = {"weighting": data.weighting, "variant": variant}
    new = sample_loss(held_out, **known) if len(held_out) > 1 else None  # type: ignore[arg-type]
    predictions = {
        "entropy": entropy(**known).per_target,  # type: ignore[arg-type]
        "floor": memorised_floor(lines, variant),
        **({VALIDATION: new.value, "validation_error": new.error} if new else {}),
        **({TRAINING: sample_loss(shown, **known).value} if len(shown) > 1 else {}),  # type: ignore[arg-type]
    }
    return Task(
        partial(_new_model, model_config(config.model, coding.rows, context)),
        EpochLines(sequences, config.run.batch, config.run.seed, skipped, data.window),
        {
            VALIDATION: evaluation_lines(others, others_skipped),
            TRAINING: evaluation_lines(sequences[: len(shown)], skipped[: len(shown)]),
        },
        coding.rows,
        context,
        inputs,
        made={"lines": _digest(lines), "held_out": _digest(held_out)},
        predictions=predictions,
    )


def _generated(data: QuestionFormation, variant: Variant) -> tuple[list[str], list[str], tuple[Mapping[str, Any], ...]]:
    """Lines to train on, held-out ones, and no file; either drawn independently of the other."""
    from ..corpora.question_formation import generate

    lines, held_out = (
        generate(count, seed, weighting=data.weighting, variant=variant)
        for count, seed in ((data.lines, data.seed), (data.held_out, _HELD_OUT_SEED + data.seed))
    )
    return lines, held_out, ()


def _released(data: QuestionFormation, variant: Variant) -> tuple[list[str], list[str], tuple[Mapping[str, Any], ...]]:
    """The first lines of a file of released pairs, the ones after them as held out, and the file."""
    assert data.file is not None
    path = Path(data.file).expanduser()
    if variant != type(variant)():
        raise ValueError(f"data.file: released pairs are whole lines of words; {variant} can only be made")
    if data.weighting != "released":
        raise ValueError("data.file: set data.weighting to released, the frequencies of those pairs")
    try:
        found = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    wanted = data.lines + data.held_out
    if len(found) < wanted:
        raise ValueError(f"{path.name}: {len(found):,} lines, but {wanted:,} are asked for (lines and held_out)")
    return found[: data.lines], found[data.lines : wanted], (provenance.file_input(path),)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _chunks(config: Config, data: TokenChunks) -> Task:
    from ..corpora.mixed import mixed
    from ..corpora.token_file import TokenFile

    file = TokenFile.open(Path(data.path).expanduser())
    if data.pieces is None:
        training, held_out = file.training(data.tokens), file.validation()
    else:
        seed = config.run.seed if data.seed is None else data.seed
        training, held_out = mixed(file.tokens, data.pieces, seed, data.tokens, data.held_out * data.context + 1)
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
