"""Runs on Question-Formation beside what was said of them beforehand: Proposition 4's value, and the entropy.

A run either meets new lines, or learns few lines by heart. On new lines it is held against the loss that the grammar
itself has on the very lines held out. By heart, it is held against the floor of its lines: their entropy as a multiset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..corpora.variant import Variant
from ..loss import printed_loss
from .config import Config, QuestionFormation
from .history import VALIDATION
from .seeds import Group, Spread, spread

MANY = 10  # passes from which lines are learnt by heart, if nothing keeps the model from it


@dataclass(frozen=True)
class Case:
    """One kind of run; losses are nats per target.

    Attributes:
        words: what it is, such as ``6 layers``, ``1,000 lines by heart`` or ``sentence``.
        by_heart: whether few lines are read so often that they can be learnt by heart.
        paper: Proposition 4's least loss.
        entropy: the least loss there is: the entropy of the grammar's lines, or the floor of the lines learnt by heart.
        training: per seed, on all the lines after the last step, if the run looked at all of them; else of the last 5 %
            of the steps.
        source, source_error: the grammar's own loss on the held-out lines, and its standard error as an estimate.
        held_out: the models' loss on them after the last step, per seed.
        lines: how many are trained on. passes: how often each is read.
    """

    words: str
    by_heart: bool
    paper: float
    entropy: float
    training: Spread
    source: float
    source_error: float
    held_out: Spread
    lines: int
    passes: float

    @property
    def predicted(self) -> float:
        """What entropy says of `measured`."""
        return self.entropy if self.by_heart else self.source

    @property
    def measured(self) -> Spread:
        """The loss to hold against both predictions: in training if lines are learnt by heart, else on new lines."""
        return self.training if self.by_heart else self.held_out


def cases(groups: Iterable[Group]) -> list[Case]:
    """The groups that have records: new lines in their order, then lines by heart, the fewest first.

    Raises:
        ValueError: runs on other data than lines of the grammar.
    """
    found = [case(group) for group in groups if group.records]
    return sorted(found, key=lambda found: (found.by_heart, found.lines if found.by_heart else 0))


def case(group: Group) -> Case:
    """One group, which has records.

    Raises:
        ValueError: it has none, or runs on other data than lines of the grammar.
    """
    if not group.records:
        raise ValueError(f"{words(group.config)}: no records of {', '.join(group.missing)}")
    known = [record.summary["predictions"] for record in group.records]
    summaries = [record.summary for record in group.records]
    data, heart = _lines(group.config), by_heart(group.config)
    whole = data.lines <= data.held_out  # as many lines are evaluated in training as are held out
    return Case(
        words=words(group.config),
        by_heart=heart,
        paper=float(printed_loss(0.0)),
        entropy=known[0]["floor" if heart else "entropy"],
        training=spread([s["sets"]["training"]["last"] if whole else s["train"]["last"] for s in summaries]),
        source=known[0][VALIDATION],
        source_error=known[0]["validation_error"],
        held_out=spread([summary["sets"][VALIDATION]["last"] for summary in summaries]),
        lines=data.lines,
        passes=group.passes,
    )


def words(config: Config) -> str:
    """What a run is, in a few words: its variant if it has one, else its lines if they are few, else its depth.

    Of lines not learnt by heart it is said how often they are read, if that is twice or more.

    Raises:
        ValueError: a run on other data than lines of the grammar.
    """
    data = _lines(config)
    variant = Variant(data.part, data.nouns, data.units, data.order)  # type: ignore[arg-type]
    if by_heart(config):
        return f"{data.lines:,} lines by heart"
    said = f"{config.model.layers} layers"
    if variant != Variant():
        said = str(variant).removeprefix("line, ").replace("2x", "twice the").replace("x nouns", " times the nouns")
    return said if _passes(config) < 2 else f"{said}, {_passes(config):.0f} readings"


def by_heart(config: Config) -> bool:
    """Whether a run reads its lines so often, and without dropout, that it may learn them by heart.

    Raises:
        ValueError: a run on other data than lines of the grammar.
    """
    return _passes(config) >= MANY and getattr(config.model, "dropout", 0.0) == 0.0


def _passes(config: Config) -> float:
    return config.run.steps * config.run.batch / _lines(config).lines


def _lines(config: Config) -> QuestionFormation:
    if not isinstance(config.data, QuestionFormation):
        raise ValueError(f"data.kind is {config.data.kind!r}, expected 'question-formation'")
    return config.data
