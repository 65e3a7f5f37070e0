"""What a training run is: model, data, optimiser, schedule and run, from a TOML file or from Python.

    [model]                     # one kind of model and its shape
    kind = "vanilla"
    layers = 6

    [data]                      # one kind of data
    kind = "question-formation"

    [optimiser]
    learning_rate = 1e-3

    [schedule]
    kind = "linear"

    [run]
    steps = 20000
    batch = 64

Every value has a type and a default, or is asked for. A single value can be set over a file's: `run.seed=3`.
"""

from __future__ import annotations

import copy
import math
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from . import typed

SECTIONS = ("model", "data", "optimiser", "schedule", "run")


@dataclass(frozen=True)
class VanillaShape:
    """The vanilla Transformer of Murty et al. (2023): post-LN, sinusoidal positions (`models.vanilla`)."""

    kind: Literal["vanilla"]
    layers: int = 6
    width: int = 512
    heads: int = 8
    feed_forward: int | None = None
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _at_least("model", self, layers=1, width=1, heads=1, feed_forward=1)
        _within("model", self, "dropout", 0.0, 1.0)


@dataclass(frozen=True)
class OpenELMShape:
    """An OpenELM (`models.openelm`): one of the paper's by `name`, or a lighter one by `width`."""

    kind: Literal["openelm"]
    name: str | None = None
    width: int | None = None
    layers: int = 8
    head_dim: int | None = None

    def __post_init__(self) -> None:
        if (self.name is None) == (self.width is None):
            raise ValueError("model: expected either name (model-1, model-2, model-3) or width")
        if self.name is not None and (self.layers, self.head_dim) != (8, None):
            raise ValueError(f"model: {self.name} has its own shape; layers and head_dim go with width")
        _at_least("model", self, width=1, layers=1, head_dim=2)


@dataclass(frozen=True)
class QuestionFormation:
    """Lines of the Question-Formation grammar (`corpora.question_formation`), made anew from the seed.

    `lines` are trained on, epoch by epoch; `held_out` more are evaluated. `part`, `nouns`, `units` and `order` choose
    the variant. `file` takes the first `lines` lines of released pairs instead of making them. `window` batches are
    drawn together and sorted by length (`batches.EpochLines`); 1 is plain.
    """

    kind: Literal["question-formation"]
    lines: int = 100_000
    held_out: int = 2_000
    seed: int = 0
    weighting: Literal["uniform", "released"] = "uniform"
    part: str = "line"
    nouns: int = 1
    units: str = "words"
    order: str = "grammar"
    file: str | None = None
    window: int = 1

    def __post_init__(self) -> None:
        _at_least("data", self, lines=1, held_out=1, seed=0, nouns=1, window=1)


@dataclass(frozen=True)
class TokenChunks:
    """Random chunks of a token file (`corpora.token_file`): `context` inputs and the tokens that follow them.

    `tokens` D: the first D of the training part (all, if None). `held_out` chunks, evenly spaced over the held-out
    part, are evaluated, and as many of the training part. `pieces` cuts the corpus into pieces of so many tokens, in an
    order drawn from `seed` (the run's, if None), before anything is held out (`corpora.mixed`). `shuffled` puts all
    tokens of either part into random order: a text to learn by heart, with nothing else to learn but frequencies.
    """

    kind: Literal["tokens"]
    path: str
    context: int = 1024
    tokens: int | None = None
    held_out: int = 64
    shuffled: bool = False
    pieces: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        _at_least("data", self, context=1, tokens=2, held_out=1, pieces=1, seed=0)
        if self.pieces is None and self.seed is not None:
            raise ValueError("data.seed orders the pieces of the corpus; set data.pieces too")


@dataclass(frozen=True)
class Optimiser:
    """AdamW (Loshchilov and Hutter 2019); matrices decay, vectors (gains and biases) do not.

    `clip` bounds the gradient's 2-norm (0: not at all); `z_loss` weighs the mean of log² Z, added to the objective.
    """

    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.95
    eps: float = 1e-8
    weight_decay: float = 0.1
    clip: float = 1.0
    z_loss: float = 0.0

    def __post_init__(self) -> None:
        _within("optimiser", self, "learning_rate", 0.0, math.inf)
        for name in ("beta_1", "beta_2"):
            _within("optimiser", self, name, 0.0, 1.0)
        for name in ("eps", "weight_decay", "clip", "z_loss"):
            _within("optimiser", self, name, 0.0, math.inf)


@dataclass(frozen=True)
class Schedule:
    """The learning rate: a linear warm-up of `warmup` steps, then `kind`, to `final` of its peak at the end."""

    kind: Literal["constant", "linear", "cosine"] = "cosine"
    warmup: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        _at_least("schedule", self, warmup=0)
        _within("schedule", self, "final", 0.0, math.inf)


@dataclass(frozen=True)
class Run:
    """How long, how much at a time, how often looked at.

    `batch` sequences a step in all, over all processes, in `accumulate` pieces. `steps` at most; earlier if `patience`
    evaluations in a row bring no new least validation loss, if the validation loss reaches `target`, or after `minutes`
    of training (all of them None: never). `precision` auto: bfloat16 on a GPU, float32 elsewhere.
    """

    steps: int
    batch: int = 64
    accumulate: int = 1
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    evaluate_every: int = 500
    patience: int | None = None
    target: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        _at_least("run", self, steps=1, batch=1, accumulate=1, seed=0, evaluate_every=1, patience=1)
        if self.minutes is not None:
            _within("run", self, "minutes", 0.0, math.inf)


Model = VanillaShape | OpenELMShape
Data = QuestionFormation | TokenChunks
_KINDS: dict[str, dict[str, type[Any]]] = {
    "model": {"vanilla": VanillaShape, "openelm": OpenELMShape},
    "data": {"question-formation": QuestionFormation, "tokens": TokenChunks},
}
_PLAIN: dict[str, type[Any]] = {"optimiser": Optimiser, "schedule": Schedule, "run": Run}


@dataclass(frozen=True)
class Config:
    """A whole training run."""

    model: Model
    data: Data
    run: Run
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        if self.schedule.warmup > self.run.steps:
            raise ValueError(f"schedule.warmup is {self.schedule.warmup}, more than run.steps {self.run.steps}")

    def sections(self) -> dict[str, dict[str, Any]]:
        """{section: {key: value}}, of plain values; what is None is left out."""
        return {name: typed.plain(getattr(self, name)) for name in SECTIONS}

    def with_values(self, assignments: Iterable[str] | Mapping[str, Any]) -> Config:
        """The same run but for some values, as `section.key=value`."""
        return from_sections(assigned(self.sections(), assignments))


def from_sections(sections: Mapping[str, Any]) -> Config:
    """A run from {section: {key: value}}.

    Raises:
        ValueError: naming `section.key`: unknown, missing, of another type or out of range.
    """
    if "runs" in sections:
        raise ValueError("a sweep of several runs ([[runs]]), expected a single one; `beyond-scaling sweep` takes it")
    if unknown := sorted(set(sections) - set(SECTIONS)):
        raise ValueError(f"[{unknown[0]}]: unknown section; expected {', '.join(SECTIONS)}")
    found = {}
    for name in SECTIONS:
        values = sections.get(name, {})
        if not isinstance(values, Mapping):
            raise ValueError(f"{name} is {values!r}, expected a section [{name}]")
        found[name] = typed.build(_kind(name, values), values, name)
    return Config(**found)


def from_flat(values: Mapping[str, Any]) -> Config:
    """A run from {"section.key": value}, as records keep it; names without a section of ours are passed over.

    Raises:
        ValueError: as `from_sections`.
    """
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for name, value in values.items():
        section, dot, key = name.partition(".")
        if dot and section in sections:
            sections[section][key] = value
    return from_sections(sections)


def load(source: str | os.PathLike[str], assignments: Iterable[str] | Mapping[str, Any] = ()) -> Config:
    """A run from a TOML file, or from a preset by its name, and values set over it.

    Raises:
        ValueError: as `from_sections`, or a file that is not there or no TOML; naming it.
    """
    sections = read_toml(source)
    try:
        return from_sections(assigned(sections, assignments))
    except ValueError as error:
        raise ValueError(f"{Path(source).name}: {error}") from error


def presets() -> list[str]:
    """Names of the runs and sweeps that the package brings."""
    files = resources.files(__package__).joinpath("presets").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_toml(source: str | os.PathLike[str]) -> dict[str, Any]:
    """The sections of a TOML file or of a preset.

    Raises:
        ValueError: naming it: no such file or preset, or no TOML.
    """
    path = Path(source)
    if not path.suffix and str(source) in presets():
        text = resources.files(__package__).joinpath("presets", f"{source}.toml").read_text(encoding="utf-8")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ValueError(f"{path.name}: {why}; expected a TOML file or one of {', '.join(presets())}") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: no TOML: {error}") from error


def assigned(sections: Mapping[str, Any], assignments: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the sections with values set over them: `section.key=value`, or {"section.key": value}.

    Raises:
        ValueError: an assignment of another form.
    """
    result = copy.deepcopy(dict(sections))
    for name, value in pairs(assignments).items():
        section, dot, key = name.partition(".")
        if not (dot and key) or section not in SECTIONS:
            raise ValueError(f"{name}: expected section.key, with a section of {', '.join(SECTIONS)}")
        if not isinstance(result.setdefault(section, {}), dict):
            raise ValueError(f"{section} is {result[section]!r}, expected a section [{section}]")
        if key == "kind" and result[section].get("kind") != value:
            result[section] = {}  # the keys of one kind are not another's
        result[section][key] = value
    return result


def pairs(assignments: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    """{"section.key": value} of assignments of either form; ValueError for one without an equals sign."""
    return dict(assignments.items() if isinstance(assignments, Mapping) else map(_pair, assignments))


def _pair(assignment: str) -> tuple[str, Any]:
    name, equals, text = assignment.partition("=")
    if not equals:
        raise ValueError(f"{assignment!r}: expected section.key=value")
    return name.strip(), typed.read(text.strip())


def _kind(section: str, values: Mapping[str, Any]) -> type[Any]:
    if section in _PLAIN:
        return _PLAIN[section]
    kinds, kind = _KINDS[section], values.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"{section}.kind is {kind!r}, expected one of {', '.join(kinds)}")
    return kinds[kind]


def _at_least(place: str, section: Any, **least: int) -> None:
    for name, bound in least.items():
        value = getattr(section, name)
        if value is not None and value < bound:
            raise ValueError(f"{place}.{name} is {value}, expected at least {bound}")


def _within(place: str, section: Any, name: str, low: float, high: float) -> None:
    value = getattr(section, name)
    if not low <= value < high:
        ends = f"at least {low:g}" + (f" and under {high:g}" if high < math.inf else "")
        raise ValueError(f"{place}.{name} is {value}, expected {ends}")
