"""What a run costs, before it is run: parameters, tokens, floating-point operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .build import TRAINING, build, model_config
from .config import Config, Data, QuestionFormation, TokenChunks

_SAMPLE = 1_000  # lines whose mean length stands for all


@dataclass(frozen=True)
class Cost:
    """N, without embeddings; targets trained on, if the run is not ended early; FLOP of all passes, forth and back.

    ``weights``: all parameters, embeddings and output layer included.
    """

    parameters: int
    tokens: int
    flop: float
    weights: int


def costs(configs: Sequence[Config], vocabulary: int | None = None) -> list[Cost]:
    """The cost of every run. Tokens of lines are estimated, from the mean length of the first 1,000.

    Args:
        vocabulary: of the token file, which then need not be there.

    Raises:
        ValueError: data that are not there, or a shape that no model has.
    """
    known: dict[Data, tuple[int, float]] = {}
    if vocabulary is not None:
        known = {c.data: (vocabulary, float(c.data.context)) for c in configs if isinstance(c.data, TokenChunks)}
    return [_cost(config, known) for config in configs]


def _cost(config: Config, known: dict[Data, tuple[int, float]]) -> Cost:
    from ..models.sizes import flops_per_token, parameters

    if config.data not in known:
        known[config.data] = _measured(config)
    vocabulary, length = known[config.data]
    tokens = round(config.run.steps * config.run.batch * length)
    model = model_config(config.model, vocabulary, max(1, round(length)))
    size = parameters(model)
    return Cost(size["blocks"], tokens, tokens * flops_per_token(model, max(1, round(length))), size["total"])


def _measured(config: Config) -> tuple[int, float]:
    """Vocabulary, and mean number of targets of a sequence."""
    if isinstance(config.data, QuestionFormation):
        lines = min(config.data.lines, _SAMPLE)
        task = build(replace(config, data=replace(config.data, lines=lines, held_out=lines)))
        return task.vocabulary, task.sets[TRAINING].count / len(task.sets[TRAINING].inputs)
    from ..corpora.mixed import training_pieces
    from ..corpora.token_file import TokenFile

    file = TokenFile.open(config.data.path)
    if config.data.pieces is None:
        file.training(config.data.tokens)  # are there so many?
    else:
        training_pieces(len(file.tokens), config.data.pieces, config.data.tokens)
    return file.vocabulary, float(config.data.context)
