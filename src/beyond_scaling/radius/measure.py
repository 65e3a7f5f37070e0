"""The radius experiment (Appendix F.1): text, chunks, activations, nearest-neighbour distances, record.

Beside the measured vectors stands a control: as many vectors drawn from the Gaussian of the same mean and
covariance.
"""

from __future__ import annotations

import json
import math
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..results import Record
from .activations import AFTER, BEFORE, MANIFEST, check_model, record_activations, unfinished
from .neighbours import nearest_distances, subset_rows, subset_size

if TYPE_CHECKING:
    from ..corpora import Chunks, Documents
    from ..models.load import LoadedModel

KIND = "radius"
FRACTIONS = (0.4, 0.6, 0.8, 1.0)
SIDES = ("before", "after")  # of the final norm
CHUNKS_FILE = "chunks.npz"
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Settings:
    """What to measure: `chunks` of `length` tokens, drawn with `seed`; distances at each fraction of them."""

    chunks: int
    length: int
    seed: int = 0
    batch_size: int = 16
    fractions: tuple[float, ...] = FRACTIONS
    controls: bool = True

    def __post_init__(self) -> None:
        for name, least in (("chunks", 2), ("length", 1), ("seed", 0), ("batch_size", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} {value!r}: expected an integer of at least {least}")
        keys = {(f"{fraction:g}", column_name("", fraction)) for fraction in self.fractions}
        if not self.fractions or any(len(set(names)) < len(self.fractions) for names in zip(*keys, strict=True)):
            raise ValueError(f"fractions {list(self.fractions)}: expected numbers in (0, 1], distinct in six digits")
        object.__setattr__(self, "fractions", tuple(sorted(self.fractions)))
        for fraction in self.fractions:
            if not 0 < fraction <= 1 or subset_size(self.chunks, fraction) < 2:
                raise ValueError(
                    f"fraction {fraction} of {self.chunks} chunks: expected in (0, 1], and to keep at least 2"
                )


def hypothesised_distance(width: int) -> float:
    """2 sqrt(n / (2 pi e)): the nearest-neighbour distance expected at width n (Section 5, eq 14)."""
    return 2 * math.sqrt(width / (2 * math.pi * math.e))


def column_name(side: str, fraction: float) -> str:
    """Name of the column with the distances of one side of the norm at one fraction, such as `before_40`."""
    return f"{side}_{round(100 * fraction, 6):g}"


def measure_radius(
    loaded: LoadedModel,
    source: Documents,
    settings: Settings,
    *,
    name: str,
    title: str,
    command: str,
    work: Path | None = None,
    progress: bool = False,
) -> Record:
    """Measure and return the record, unsaved.

    Columns, one row a chunk in the order of (document, offset): `document`, `offset` (in tokens),
    `before_norm` and `after_norm` (Euclidean norms), and `before_40`... `after_100`, the distance to the
    nearest other vector of that subset (missing where the chunk is not in it). The summary holds mean,
    median, quantiles, and the control's.

    Args:
        work: folder for work in progress; a run with the same inputs and settings goes on from what it holds.

    Raises:
        ValueError: as `random_chunks`, `record_activations` and `nearest_distances` do.
        Interrupted: Ctrl-C while the model runs; what is done is kept in `work`.
    """
    from .. import corpora

    check_model(loaded.model, settings.length)  # reading the text may take hours
    started = time.monotonic()
    identity = {"model": list(loaded.inputs), "dtype": str(loaded.model.dtype)}
    files = {"corpus": source.identity, "tokenizer": _hashes(loaded.inputs)}
    chunks: Chunks | None = None
    inputs: tuple[Mapping[str, Any], ...] = source.inputs
    wanted = json.dumps([files, settings.chunks, settings.length, settings.seed], sort_keys=True)
    if work is not None:
        chunks, inputs = _kept_chunks(work, wanted, inputs)
    if chunks is None:
        chunks = corpora.random_chunks(
            source, loaded.tokenizer, settings.chunks, settings.length, settings.seed, progress=progress
        )
        inputs = source.inputs
        if work is not None:
            _keep_chunks(work, wanted, chunks, inputs)
    sampling = time.monotonic() - started
    found = record_activations(
        loaded.model,
        chunks.tokens,
        batch_size=settings.batch_size,
        work=work,
        identity=identity,
        progress=progress,
    )
    started = time.monotonic()
    device = str(loaded.model.device)
    columns: dict[str, np.ndarray] = {"document": chunks.document, "offset": chunks.offset}
    controls: dict[str, Any] = {}
    for side, vectors in zip(SIDES, (found.before, found.after), strict=True):
        columns.update(_side_columns(side, vectors, settings, device, progress))
        if settings.controls:
            stream = [settings.seed, 1 + SIDES.index(side)]
            controls[f"gaussian_{side}"] = _control(vectors, settings, stream, device, progress)
    width = found.before.shape[1]
    summary = {
        "dimension": width,
        "hypothesis": hypothesised_distance(width),
        "vectors": settings.chunks,
        "documents": chunks.documents,
        "corpus_tokens": chunks.corpus_tokens,
        **{side: _cloud(vectors) for side, vectors in zip(SIDES, (found.before, found.after), strict=True)},
        **controls,
    }
    for side in SIDES:
        summary[side] |= summarise(columns, side, settings.fractions)
    return Record(
        name=name,
        title=title,
        kind=KIND,
        command=command,
        seed=settings.seed,
        parameters=_parameters(loaded, source, settings),
        inputs=(*loaded.inputs, *inputs),
        columns=columns,
        summary=summary,
        duration_s=round(sampling + found.seconds + time.monotonic() - started, 1),
        hardware=provenance.hardware(device),
    )


def summarise(columns: Mapping[str, np.ndarray], side: str, fractions: Sequence[float]) -> dict[str, Any]:
    """`{"norm": statistics, "distance": {"0.4": statistics, ...}}` of one side of the norm, from columns."""
    distance = {}
    for fraction in fractions:
        values = columns[column_name(side, fraction)]
        distance[f"{fraction:g}"] = _statistics(values[~np.isnan(values)])
    return {"norm": _statistics(columns[f"{side}_norm"]), "distance": distance}


def check(record: Record) -> None:
    """Compare a radius record's summary and parameters with its columns.

    The spread, the effective dimension and the control cannot follow from the columns: they have to be there.

    Raises:
        ValueError: a column is missing, unknown or not what its name says, or a number of the summary is
            missing, unknown or does not follow from the columns.
    """
    problem = next(_problems(record), None)
    if problem is not None:
        raise ValueError(f"record {record.name!r}: {problem}")


def _problems(record: Record) -> Iterator[str]:
    total: Any
    length: Any
    fractions: Any
    total, length, fractions = (record.parameters.get(key) for key in ("chunks", "length", "fractions"))
    try:
        Settings(total, length, fractions=tuple(fractions))
    except (TypeError, ValueError) as error:
        yield f"parameters: {error}"
        return
    for key in ("model", "text"):
        if not isinstance(record.parameters.get(key), str):
            yield f"parameters.{key} is {record.parameters.get(key)!r}; expected a string"
    counts = {key: record.summary.get(key) for key in ("vectors", "dimension", "documents", "corpus_tokens")}
    for key, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            yield f"summary.{key} is {count!r}; expected a whole number of at least 1"
            return
    if counts["vectors"] != total:
        yield f"summary.vectors is {counts['vectors']}; its parameters say {total} chunks"
    sizes = {column_name(side, fraction): subset_size(total, fraction) for side in SIDES for fraction in fractions}
    sizes |= dict.fromkeys(("document", "offset", *(f"{side}_norm" for side in SIDES)), total)
    yield from _column_problems(record, sizes)
    for side in SIDES:
        again = dict(_leaves(summarise(record.columns, side, fractions), side))
        told = dict(_leaves(record.summary.get(side, {}), side))
        for place, value in again.items():
            if not math.isclose(value, told.get(place, math.nan), rel_tol=1e-6, abs_tol=1e-12):
                yield f"summary.{place} is {told.get(place, 'missing')}; its columns give {value}"
        distances = {place for place in again if ".distance." in place}
        yield from _place_problems(told, {*again, f"{side}.spread", f"{side}.effective_dimension"})
        if f"gaussian_{side}" in record.summary:
            control = dict(_leaves(record.summary[f"gaussian_{side}"], f"gaussian_{side}"))
            yield from _place_problems(control, {f"gaussian_{place}" for place in distances})
    expected_distance = hypothesised_distance(record.summary["dimension"])
    hypothesis = record.summary.get("hypothesis", math.nan)
    if not isinstance(hypothesis, float) or not math.isclose(hypothesis, expected_distance, rel_tol=1e-12):
        yield f"hypothesis {hypothesis}; expected {expected_distance}"
    controls = {f"gaussian_{side}" for side in SIDES}
    if (given := controls & set(record.summary)) and given != controls:
        yield f"summary.{(controls - given).pop()} is missing"
    if unknown := sorted(set(record.summary) - {*SIDES, *controls, *counts, "hypothesis"}):
        yield f"unknown entries in the summary: {', '.join(unknown)}"


def _column_problems(record: Record, sizes: Mapping[str, int]) -> Iterator[str]:
    """Of the columns that ``sizes`` says how many numbers each must hold."""
    if missing := [name for name in sizes if name not in record.columns]:
        yield f"column {missing[0]} is missing"
    if unknown := [name for name in record.columns if name not in sizes]:
        yield f"column {unknown[0]} is unknown"
    for name, size in sizes.items():
        column = record.columns[name]
        if column.dtype.kind not in "iuf":
            yield f"column {name} holds {column.dtype}; expected numbers"
        elif (count := int((~np.isnan(column)).sum())) != size:
            yield f"column {name} has {count} {'numbers' if size == len(column) else 'distances'}; expected {size}"
        elif (column < 0).any():
            yield f"column {name} holds negative numbers"


def _place_problems(told: Mapping[str, float], expected: set[str]) -> Iterator[str]:
    if missing := sorted(expected - set(told)):
        yield f"summary.{missing[0]} is missing"
    if unknown := sorted(set(told) - expected):
        yield f"summary.{unknown[0]} is unknown"
    if negative := sorted(place for place, value in told.items() if value < 0):
        yield f"summary.{negative[0]} is {told[negative[0]]}; expected at least 0"


def clear_work(work: Path) -> None:
    """Remove what measuring kept in a work folder, and the folder if nothing else is in it."""
    for file in (CHUNKS_FILE, MANIFEST, BEFORE, AFTER, unfinished(CHUNKS_FILE), unfinished(MANIFEST)):
        (work / file).unlink(missing_ok=True)
    if work.is_dir() and not any(work.iterdir()):
        work.rmdir()


def _side_columns(
    side: str, vectors: np.ndarray, settings: Settings, device: str, progress: bool
) -> Iterator[tuple[str, np.ndarray]]:
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    yield f"{side}_norm", norms.astype(np.float32)
    distances = nearest_distances(vectors, settings.fractions, device, seed=settings.seed, progress=progress)
    for fraction in settings.fractions:
        column = np.full(len(vectors), np.nan, dtype=np.float32)
        column[subset_rows(len(vectors), fraction, seed=settings.seed)] = distances[fraction]
        yield column_name(side, fraction), column


def _control(vectors: np.ndarray, settings: Settings, stream: list[int], device: str, progress: bool) -> dict[str, Any]:
    """The same distances for as many draws from the Gaussian of the vectors' mean and covariance."""
    drawn = gaussian_like(vectors, np.random.default_rng(stream))
    found = nearest_distances(drawn, settings.fractions, device, seed=settings.seed, progress=progress)
    return {"distance": {f"{fraction:g}": _statistics(found[fraction]) for fraction in settings.fractions}}


def gaussian_like(vectors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """(m, n) draws from the Gaussian with the mean and covariance of `vectors` (m, n), in its dtype."""
    data = vectors.astype(np.float64)
    mean = data.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(data, rowvar=False).reshape(data.shape[1], data.shape[1]))
    root = axes * np.sqrt(values.clip(min=0))  # (n, n), root @ root.T is the covariance
    return (mean + generator.standard_normal(data.shape) @ root.T).astype(vectors.dtype)


def _cloud(vectors: np.ndarray) -> dict[str, float]:
    """Root-mean-square distance from the mean, and effective dimension (tr C)^2 / tr C^2."""
    data = vectors.astype(np.float64)
    values = np.linalg.eigvalsh(np.cov(data, rowvar=False).reshape(data.shape[1], data.shape[1])).clip(min=0)
    total = float(values.sum())
    return {
        "spread": math.sqrt(total * (len(data) - 1) / len(data)),
        "effective_dimension": total**2 / float((values**2).sum()) if total else 0.0,
    }


def _statistics(values: np.ndarray) -> dict[str, float]:
    values = values.astype(np.float64)
    low, first, median, third, high = np.quantile(values, _QUANTILES).tolist()
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "median": median,
        "sd": float(values.std(ddof=1)),
        "min": float(values.min()),
        "q05": low,
        "q25": first,
        "q75": third,
        "q95": high,
        "max": float(values.max()),
        "zeros": int((values == 0).sum()),
    }


def _leaves(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _leaves(entry, f"{place}.{key}")
    else:
        yield place, value


def _parameters(loaded: LoadedModel, source: Documents, settings: Settings) -> dict[str, Any]:
    found = {
        "model": loaded.name,
        "architecture": type(loaded.model).__name__,
        "text": source.name,
        "chunks": settings.chunks,
        "length": settings.length,
        "fractions": list(settings.fractions),
        "batch_size": settings.batch_size,
        "dtype": str(loaded.model.dtype).removeprefix("torch."),
        "device": loaded.model.device.type,
    }
    if loaded.revision:
        found["revision"] = loaded.revision
    if source.limit is not None:
        found["documents"] = source.limit
    return found


def _hashes(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [item["sha256"] for item in inputs]


def _keep_chunks(work: Path, wanted: str, chunks: Chunks, inputs: Sequence[Mapping[str, Any]]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    fresh = work / unfinished(CHUNKS_FILE)
    with fresh.open("wb") as file:
        np.savez(
            file,
            tokens=chunks.tokens,
            document=chunks.document,
            offset=chunks.offset,
            wanted=np.array(wanted),
            counts=np.array([chunks.documents, chunks.corpus_tokens, chunks.places]),
            inputs=np.array(json.dumps(list(inputs))),
        )
    fresh.replace(work / CHUNKS_FILE)


def _kept_chunks(
    work: Path, wanted: str, inputs: tuple[Mapping[str, Any], ...]
) -> tuple[Chunks | None, tuple[Mapping[str, Any], ...]]:
    from ..corpora import Chunks

    path = work / CHUNKS_FILE
    if not path.is_file():
        return None, inputs
    try:
        with np.load(path, allow_pickle=False) as kept:
            matches = str(kept["wanted"]) == wanted
            counts = [int(count) for count in kept["counts"]]
            chunks = Chunks(kept["tokens"], kept["document"], kept["offset"], *counts)
            inputs = tuple(json.loads(str(kept["inputs"])))
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"work folder {work}: {CHUNKS_FILE} is damaged; remove the folder") from error
    if not matches:
        raise ValueError(f"work folder {work} holds another measurement; choose another folder or remove it")
    return chunks, inputs
