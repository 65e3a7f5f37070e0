"""The model and its controls: for each, the vectors at every site and what is measured of them.

    model      the model itself
    gaussian   as many vectors drawn from the Gaussian of the same mean and covariance
    untrained  a model of the same configuration with weights as they are before training
    shuffled   the same model on the same chunks, the tokens of each in random order
    rescaled   the same function at another radius: the final norm times a factor, the output matrix over it

What is found at a site of a variant is a piece of the work folder; a variant that is whole is not run again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..processes import rank, shared, together
from .activations import Activations, clear, record_activations
from .gaussian import drawn, moments_of
from .settings import FACTOR, SIDES, Settings
from .site import Site, measure_site
from .work import Piece, Work

if TYPE_CHECKING:
    from ..models.load import LoadedModel

MODEL = "model"
CHANGE = "function-change"  # a piece of the work folder
COMPARED = 16  # chunks on which the rescaled model's function is compared with the model's
_WORDS = {
    MODEL: "the model itself",
    "gaussian": "control: a Gaussian of the same mean and covariance",
    "untrained": "control: untrained weights",
    "shuffled": "control: shuffled tokens",
    "rescaled": "control: the final norm rescaled",
}


def piece_name(variant: str, site: str) -> str:
    """Of the work folder: what was found at a site of a variant."""
    return f"{variant}.{site}"


def clear_variant(folder: Path) -> None:
    """Remove the activations that a variant kept in its part of the work folder, and the part if it is empty."""
    if folder.is_dir():
        clear(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


class Variants:
    """All variants of one measurement, on the chunks `tokens` (K, L).

    `seconds` is what they took so far, in all sittings; `width` and `batch_size` are known once the model was measured.
    """

    def __init__(
        self, loaded: LoadedModel, settings: Settings, work: Work, tokens: np.ndarray, *, progress: bool = False
    ) -> None:
        self.loaded, self.settings, self.work, self.tokens = loaded, settings, work, tokens
        self.progress = progress
        self.device = str(loaded.model.device)
        self.seconds = 0.0
        self.width = self.batch_size = 0
        self._model: Activations | None = None
        self._all_sites: tuple[str, ...] = ()

    def sites(self, variant: str, sites: Sequence[str]) -> dict[str, Site]:
        """What is measured at each site of a variant; the model itself comes first.

        Raises:
            ValueError: as `record_activations` and `nearest_distances`.
            Interrupted: Ctrl-C while the model runs.
        """
        if variant == MODEL:
            self._all_sites = tuple(sites)
        found: dict[str, Piece] = shared(lambda: self._recalled(variant, sites))
        if missing := [site for site in sites if site not in found]:
            if self.progress and rank() == 0:
                print(f"{_WORDS[variant]}: {', '.join(missing)}", file=sys.stderr)
            self._measure(variant, sites, found)
        self.seconds += sum(piece.document["seconds"] for piece in found.values())
        self.seconds += max(piece.document["model_seconds"] for piece in found.values())
        if variant == MODEL:
            first = found[sites[0]].document
            self.width, self.batch_size = first["width"], first["batch_size"]
        return {site: Site(found[site].document["summary"], found[site].arrays) for site in sites}

    def function_change(self) -> float:
        """The largest change of a log-probability (nats) by rescaling, on a few chunks."""
        from ..models import controls

        def compare() -> float:
            kept = self.work.recall(CHANGE, FACTOR)
            if kept is None:
                started = time.monotonic()
                model = self.loaded.model
                rows = np.unique(np.linspace(0, len(self.tokens) - 1, COMPARED).round().astype(int))
                change = controls.largest_change(model, controls.rescaled(model, FACTOR), self.tokens[rows])
                kept = Piece({"change": change, "seconds": time.monotonic() - started}, {})
                self.work.keep(CHANGE, kept, FACTOR)
            self.seconds += kept.document["seconds"]
            return float(kept.document["change"])

        return shared(compare)

    def _recalled(self, variant: str, sites: Sequence[str]) -> dict[str, Piece]:
        pieces = {site: self.work.recall(piece_name(variant, site), *self._more(variant)) for site in sites}
        return {site: piece for site, piece in pieces.items() if piece is not None}

    def _more(self, variant: str) -> tuple[Any, ...]:
        """What a variant's numbers depend on besides the measurement's identity."""
        return (list(self.settings.fractions), FACTOR if variant == "rescaled" else None)

    def _measure(self, variant: str, sites: Sequence[str], found: dict[str, Piece]) -> None:
        """Add to `found` the sites that it lacks."""
        # the Gaussian's vectors come from the model's, which were recorded at all sites in one pass
        ran = self._activations(variant, self._all_sites if variant == "gaussian" else sites)
        seen: dict[int, str] = {}  # "layer-L" is "before": one array under two names, and is measured under the latter
        for site in sorted(sites, key=lambda name: name not in SIDES):
            vectors = ran.sites[site]
            twin = seen.setdefault(id(vectors), site)
            if site in found:
                continue
            if twin in found:
                piece = Piece({**found[twin].document, "seconds": 0.0}, {})
                shared(lambda name=site, each=piece: self._keep(variant, name, each))  # type: ignore[misc]
                found[site] = piece
            else:
                found[site] = self._one(variant, site, vectors, ran)
        if variant not in (MODEL, "gaussian") and (part := self.work.part(variant)) is not None:
            del ran
            shared(lambda: clear_variant(part))

    def _one(self, variant: str, site: str, vectors: np.ndarray, ran: Activations) -> Piece:
        started = time.monotonic()
        data = vectors
        if variant == "gaussian":
            moments = shared(lambda: moments_of(vectors))  # eigenvectors have no sign that all machines agree on
            generator = np.random.default_rng([self.settings.seed, _stream(site)])
            data = together(lambda: drawn(moments, vectors, generator))

        def measure() -> Piece | None:
            measured = measure_site(data, self.settings, self.device, progress=self.progress and rank() == 0)
            if measured is None:
                return None
            document = {
                "summary": measured.summary,
                "seconds": time.monotonic() - started,
                "model_seconds": ran.seconds if variant != "gaussian" else 0.0,
                "width": int(vectors.shape[1]),
                "batch_size": ran.batch_size,
            }
            piece = Piece(document, measured.columns if variant == MODEL and site in SIDES else {})
            self._keep(variant, site, piece)
            return piece

        own = together(measure)
        piece = shared(lambda: own)
        assert piece is not None
        return piece

    def _keep(self, variant: str, site: str, piece: Piece) -> None:
        self.work.keep(piece_name(variant, site), piece, *self._more(variant))

    def _activations(self, variant: str, sites: Sequence[str]) -> Activations:
        if variant in (MODEL, "gaussian") and self._model is not None:
            return self._model
        folder = MODEL if variant == "gaussian" else variant
        model, tokens = self._model_and_tokens(folder)
        ran = record_activations(
            model,
            tokens,
            sites=tuple(sites),
            batch_size=self.settings.batch_size,
            work=self.work.part(folder),
            identity={"measurement": self.work.identity, "variant": folder, "factor": FACTOR},
            progress=self.progress and rank() == 0,
        )
        if folder == MODEL:
            self._model = ran
        return ran

    def _model_and_tokens(self, variant: str) -> tuple[Any, np.ndarray]:
        from ..corpora import shuffled
        from ..models import controls

        model, seed = self.loaded.model, self.settings.seed
        if variant == "untrained":
            return controls.untrained(model, seed), self.tokens
        if variant == "shuffled":
            return model, shuffled(self.tokens, seed)
        if variant == "rescaled":
            return controls.rescaled(model, FACTOR), self.tokens
        return model, self.tokens


def _stream(site: str) -> int:
    """The number of a site's random generator."""
    return 1 + SIDES.index(site) if site in SIDES else 1 + len(SIDES) + int(site.removeprefix("layer-"))
