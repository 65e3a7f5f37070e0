"""The chunks of a measurement: drawn once, by the first process, and kept in the work folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..processes import rank, shared, together, world
from .settings import Settings
from .work import Piece, Work

if TYPE_CHECKING:
    from ..corpora import Chunks, Documents
    from ..models.load import Tokenizer

CHUNKS = "chunks"


@dataclass(frozen=True)
class Drawn:
    """`chunks`, the `inputs` that they come from, and how many `seconds` drawing them took."""

    chunks: Chunks
    inputs: tuple[Mapping[str, Any], ...]
    seconds: float


def kept_chunks(
    work: Work, source: Documents, tokenizer: Tokenizer, settings: Settings, *, progress: bool = False
) -> Drawn:
    """The chunks of the work folder, drawn before if they are not there yet.

    Raises:
        ValueError: as `random_chunks`; work of another measurement.
    """

    def draw() -> Drawn | None:
        """In the first process; the others, of which there may be many, read the file."""
        drawn = _recall(work)
        if drawn is None:
            drawn = _draw(source, tokenizer, settings, progress)
            work.keep(CHUNKS, _packed(drawn))
        own.append(drawn)
        return None

    own: list[Drawn] = []
    shared(draw)
    if world() > 1 and rank() > 0:
        together(lambda: own.append(_required(work)))
    elif world() > 1:
        together(lambda: None)
    return own[0]


def _draw(source: Documents, tokenizer: Tokenizer, settings: Settings, progress: bool) -> Drawn:
    from .. import corpora

    started = time.monotonic()
    chunks = corpora.random_chunks(
        source, tokenizer, settings.chunks, settings.length, settings.seed, progress=progress
    )
    return Drawn(chunks, tuple(source.inputs), time.monotonic() - started)


def _packed(drawn: Drawn) -> Piece:
    values = {field.name: getattr(drawn.chunks, field.name) for field in dataclasses.fields(drawn.chunks)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    rest = {name: value for name, value in values.items() if name not in arrays}
    return Piece({"chunks": rest, "inputs": [dict(item) for item in drawn.inputs], "seconds": drawn.seconds}, arrays)


def _recall(work: Work) -> Drawn | None:
    from ..corpora import Chunks

    piece = work.recall(CHUNKS)
    if piece is None:
        return None
    fields: dict[str, Any] = {**piece.arrays, **piece.document["chunks"]}
    chunks = Chunks(**fields)
    return Drawn(chunks, tuple(piece.document["inputs"]), float(piece.document["seconds"]))


def _required(work: Work) -> Drawn:
    drawn = _recall(work)
    if drawn is None:
        raise ValueError(f"work folder {work.folder}: no chunks there; expected a folder that all processes share")
    return drawn
