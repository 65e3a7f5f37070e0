"""Whether a training record says what it holds: every number that follows from others is computed again.

From the parameters follow the configuration, from that the learning rate of every step, when losses are looked at,
how many parameters the model has, and the entropy of the lines; from the columns all that is told of losses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..agreement import close, differences, key_problems
from ..results import Record
from . import config as configuration
from .build import TRAINING, VALIDATION, model_config
from .config import Config, QuestionFormation
from .history import COLUMNS, KIND, column
from .record import summarise
from .schedule import rate

_TOLD = {"model", "targets", "predictions", "tokens_per_second"}  # of a summary: what no column tells
_FOLLOWS = {"steps", "tokens", "train", "sets"}
_COUNTS = ("processes", "vocabulary", "context")  # of parameters beside the configuration


def check(record: Record) -> None:
    """Compare a training record's summary and columns with its configuration and with each other.

    Raises:
        ValueError: naming the first number, column or parameter that is missing, unknown, out of order, or does not
            follow from what it should follow from.
    """
    problem = next(_problems(record), None)
    if problem is not None:
        raise ValueError(f"record {record.name!r}: {problem}")


def _problems(record: Record) -> Iterator[str]:
    if record.kind != KIND:
        yield f"kind is {record.kind!r}; expected {KIND!r}"
        return
    try:
        config = configuration.from_flat(record.parameters)
    except ValueError as error:
        yield f"parameters: {error}"
        return
    if record.seed != config.run.seed:
        yield f"seed is {record.seed}; its parameters say run.seed {config.run.seed}"
    for key in _COUNTS:
        if not _is_count(record.parameters.get(key)):
            yield f"parameters.{key} is {record.parameters.get(key)!r}; expected a whole number of at least 1"
            return
    yield from key_problems("summary", record.summary, _TOLD | _FOLLOWS)
    yield from key_problems("summary.sets", record.summary.get("sets"), {VALIDATION, TRAINING})
    problems = list(_column_problems(record, config))
    yield from problems
    if problems:
        return
    told = {key: record.summary[key] for key in _FOLLOWS}
    yield from differences("summary", told, summarise(record.columns, (VALIDATION, TRAINING)), "its columns give")
    yield from _end_problems(record, config)
    yield from _told_problems(record, config)


def _column_problems(record: Record, config: Config) -> Iterator[str]:
    """Which columns there must be, of which types, and what is wrong in one of them."""
    kinds: dict[str, Any] = {"step": np.int32, **COLUMNS}
    kinds |= {column(name): np.float32 for name in (VALIDATION, TRAINING)}
    if missing := [name for name in kinds if name not in record.columns]:
        yield f"column {missing[0]} is missing"
        return
    if unknown := [name for name in record.columns if name not in kinds]:
        yield f"column {unknown[0]} is unknown"
    for name, kind in kinds.items():
        if record.columns[name].dtype != kind:
            yield f"column {name} holds {record.columns[name].dtype}; expected {np.dtype(kind)}"
            return
    steps = record.columns["step"]
    if not np.array_equal(steps, np.arange(1, len(steps) + 1)):
        yield f"column step: expected 1, 2, ..., {len(steps)}"
        return
    if len(steps) > config.run.steps:
        yield f"column step goes to {len(steps)}; its parameters say run.steps {config.run.steps}"
        return
    if (np.diff(record.columns["tokens"], prepend=0) < 1).any():
        yield "column tokens: expected a number that grows with every step"
    for name in ("train_loss", "gradient_norm"):
        if not (np.isfinite(record.columns[name]).all() and (record.columns[name] >= 0).all()):
            yield f"column {name}: expected finite numbers of at least 0"
    rates = [
        rate(config.schedule, config.optimiser.learning_rate, step, config.run.steps) for step in range(len(steps))
    ]
    if wrong := np.flatnonzero(~np.isclose(record.columns["learning_rate"], rates, rtol=1e-6, atol=0)).tolist():
        found, expected = record.columns["learning_rate"][wrong[0]], rates[wrong[0]]
        yield f"column learning_rate is {found:g} at step {wrong[0] + 1}; its schedule gives {expected:g}"
    looked_at = (steps % config.run.evaluate_every == 0) | (steps == len(steps))
    for name in map(column, (VALIDATION, TRAINING)):
        values = record.columns[name]
        if not np.array_equal(~np.isnan(values), looked_at):
            yield f"column {name}: expected a loss every {config.run.evaluate_every} steps and at the end, no others"
        elif not (np.isfinite(values[looked_at]).all() and (values[looked_at] >= 0).all()):
            yield f"column {name}: expected finite losses of at least 0"


def _end_problems(record: Record, config: Config) -> Iterator[str]:
    """Whether the run ended when it says that it did."""
    steps, words = len(record.columns["step"]), record.parameters.get("stopped")
    whole = f"{config.run.steps} steps"
    if not isinstance(words, str) or (words == whole) != (steps == config.run.steps):
        yield f"parameters.stopped is {words!r} after {steps} of {config.run.steps} steps"
    speed = record.summary["tokens_per_second"]
    if record.duration_s > 0 and not close(speed, record.summary["tokens"] / record.duration_s):
        expected = record.summary["tokens"] / record.duration_s
        yield f"summary.tokens_per_second is {speed}; its tokens and duration give {expected}"


def _told_problems(record: Record, config: Config) -> Iterator[str]:
    """What no column tells: the model's size, the sizes of the sets, and what was known beforehand."""
    from ..models.sizes import parameters

    summary = record.summary
    shape = model_config(config.model, record.parameters["vocabulary"], record.parameters["context"])
    yield from differences("summary.model", summary["model"], parameters(shape), "its configuration gives")
    yield from key_problems("summary.targets", summary["targets"], {VALIDATION, TRAINING})
    if isinstance(summary["targets"], Mapping):
        for name, count in summary["targets"].items():
            if not _is_count(count):
                yield f"summary.targets.{name} is {count!r}; expected a whole number of at least 1"
    yield from _prediction_problems(summary["predictions"], config)


def _prediction_problems(found: Any, config: Config) -> Iterator[str]:
    place, data = "summary.predictions", config.data
    if not isinstance(data, QuestionFormation):
        yield from key_problems(place, found, set())
        return
    from ..corpora.grammar_entropy import entropy
    from ..corpora.variant import Variant

    needed = {"entropy", "floor"}
    needed |= {VALIDATION, "validation_error"} if data.held_out > 1 else set()
    needed |= {TRAINING} if min(data.lines, data.held_out) > 1 else set()
    wrong = list(key_problems(place, found, needed))
    yield from wrong
    if wrong:
        return
    for key, value in found.items():
        if not (isinstance(value, (int, float)) and 0 <= value < math.inf):
            yield f"{place}.{key} is {value!r}; expected a finite number of at least 0"
    variant = Variant(data.part, data.nouns, data.units, data.order)  # type: ignore[arg-type]
    again = entropy(weighting=data.weighting, variant=variant).per_target
    if not close(found["entropy"], again):
        yield f"{place}.entropy is {found['entropy']}; the grammar gives {again}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
