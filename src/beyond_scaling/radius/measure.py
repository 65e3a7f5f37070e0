"""The radius experiment (Appendix F.1): text, chunks, activations, nearest-neighbour distances, record.

The model's own vectors and its controls are measured alike (`variants`, `site`); `check` reads the record again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__, provenance
from ..processes import world
from ..results import Record
from .activations import AFTER, check_model, site_names
from .chunks import CHUNKS, kept_chunks
from .settings import CONTROLS, FACTOR, KIND, SIDES, Settings, hypothesised_distance
from .variants import CHANGE, MODEL, Variants, clear_variant, piece_name
from .volumes import reference_radii
from .work import Work, clear_pieces

if TYPE_CHECKING:
    from ..corpora import Chunks, Documents
    from ..models.load import LoadedModel


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
    nearest other vector of that subset (missing where the chunk is not in it). The summary holds for every site and
    every control what `site.summarise` says.

    Under torchrun every process calls this with the same arguments and gets the record.

    Args:
        work: folder for work in progress; a run with the same inputs and settings goes on from what it holds. Several
            processes need one that all of them see.

    Raises:
        ValueError: as `random_chunks`, `record_activations` and `nearest_distances` do.
        Interrupted: Ctrl-C while the model runs; what is done is kept in `work`.
    """
    check_model(loaded.model, settings.length)  # reading the text may take hours
    sites = site_names(loaded.model, settings.layers)
    if world() > 1 and work is None:
        raise ValueError(f"work is None; {world()} processes need a folder that they share")
    place = Work(work, _identity(loaded, source, settings))
    drawn = kept_chunks(place, source, loaded.tokenizer, settings, progress=progress)
    run = Variants(loaded, settings, place, drawn.chunks.tokens, progress=progress)
    model = run.sites(MODEL, sites)
    controls = {name: run.sites(name, (AFTER,) if name == "rescaled" else sites) for name in settings.controls}
    columns: dict[str, Any] = {"document": drawn.chunks.document, "offset": drawn.chunks.offset}
    for side in SIDES:
        columns |= {f"{side}_{key}": column for key, column in model[side].columns.items()}
    summary: dict[str, Any] = {
        "dimension": run.width,
        "hypothesis": hypothesised_distance(run.width),
        "unit_integral": 2 * reference_radii(run.width)["unit_integral"],
        "vectors": settings.chunks,
        "documents": drawn.chunks.documents,
        **_corpus_tokens(drawn.chunks),
        "sites": {site: found.summary for site, found in model.items()},
        "controls": {
            name: {site: found.summary for site, found in measured.items()} for name, measured in controls.items()
        },
    }
    if "rescaled" in controls:
        summary["function_change"] = run.function_change()
    return Record(
        name=name,
        title=title,
        kind=KIND,
        command=command,
        seed=settings.seed,
        parameters=_parameters(loaded, source, settings, sites)
        | {"sampling": drawn.chunks.method, "batch_size": run.batch_size},
        inputs=(*loaded.inputs, *drawn.inputs),
        columns=columns,
        summary=summary,
        duration_s=round(drawn.seconds + run.seconds, 1),
        hardware=provenance.hardware(str(loaded.model.device)),
    )


def clear_work(work: Path) -> None:
    """Remove what measuring kept in a work folder, and the folder if nothing else is in it."""
    names = [path.stem for path in work.glob("*.npz")]
    for variant in (MODEL, *CONTROLS):
        clear_variant(work / variant)
        clear_pieces(work, [name for name in names if name.removeprefix("new-").startswith(piece_name(variant, ""))])
    clear_pieces(work, [CHUNKS, CHANGE])


def _corpus_tokens(chunks: Chunks) -> dict[str, float]:
    """How many tokens the corpus has: counted, or estimated with a standard error where only a part was read."""
    if chunks.corpus_tokens is not None:
        return {"corpus_tokens": chunks.corpus_tokens}
    if chunks.tokens_estimate is None or chunks.tokens_error is None:
        return {}
    return {"corpus_tokens": round(chunks.tokens_estimate), "corpus_tokens_error": float(chunks.tokens_error)}


def _identity(loaded: LoadedModel, source: Documents, settings: Settings) -> str:
    """What every number of the measurement depends on, but for the sites, controls and the batch size."""
    return json.dumps(
        {
            "version": __version__,
            "model": list(loaded.inputs),
            "dtype": str(loaded.model.dtype),
            "text": source.identity,
            "chunks": [settings.chunks, settings.length, settings.seed],
        },
        sort_keys=True,
    )


def _parameters(
    loaded: LoadedModel, source: Documents, settings: Settings, sites: Sequence[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": loaded.name,
        "architecture": type(loaded.model).__name__,
        "text": source.name,
        "chunks": settings.chunks,
        "length": settings.length,
        "fractions": list(settings.fractions),
        "sites": list(sites),
        "controls": list(settings.controls),
        "dtype": str(loaded.model.dtype).removeprefix("torch."),
        "device": loaded.model.device.type,
        "processes": world(),
    }
    if "rescaled" in settings.controls:
        found["factor"] = FACTOR
    if loaded.revision:
        found["revision"] = loaded.revision
    if source.limit is not None:
        found["documents"] = source.limit
    return found
