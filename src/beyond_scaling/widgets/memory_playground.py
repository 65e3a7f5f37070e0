"""A memory to play with: store small images, spoil one, and watch every network of the zoo retrieve it."""

from __future__ import annotations

from typing import Any

import traitlets

from ..hopfield.digits import digit_labels, digits
from .base import BookWidget
from .images import MOST, PIXELS, Images, Pixels, Strokes, code
from .ranges import Real, Whole

NETWORKS = (
    "hebb", "pseudo-inverse", "graded", "dense", "exponential", "modern", "distance", "sparse", "entmax", "outlier",
    "kernelised", "universal", "hierarchical", "transformer", "predictive",
)  # fmt: skip


class _Networks(traitlets.List[str]):
    """Some of the networks, at least one, each once, in the order of the zoo."""

    def validate(self, obj: Any, value: Any) -> list[str]:
        chosen: list[str] = super().validate(obj, value) or []
        unknown = [name for name in chosen if name not in NETWORKS]
        if unknown or (not chosen and self.name == "networks"):
            least = "at least one of" if self.name == "networks" else "some of"
            raise traitlets.TraitError(f"{self.name} is {chosen!r}; expected {least} {', '.join(NETWORKS)}")
        return [name for name in NETWORKS if name in chosen]


class MemoryPlayground(BookWidget):
    """Images of 8 x 8 pixels, a query made from one of them, and the zoo's networks retrieving it side by side.

    The query is a function of the traits: the image ``target`` with a share ``noise`` of its pixels flipped, then
    ``painted``, then ``erased``. Every network starts from it and updates, as the classes of
    ``beyond_scaling.hopfield`` do, until no pixel moves by more than 0.001, or 100 updates have moved it.

    Attributes:
        patterns: 1 to 100 images of 64 pixels, ink 1 and paper -1; an array (d, 64) or (d, 8, 8). Default: digits.
        names: what images are called, by their code (:meth:`code`); those of the digits are there.
        stored: how many of the images the networks store, the first ones; 1 to 100. If there are fewer, all.
        target: which image the query is made from, from 0; -1 for an empty sheet. It need not be stored.
        noise: share of the query's pixels that are flipped, 0 to 0.5; an eighth, to begin with.
        seed: which pixels, 0 to 9999. More noise of the same seed flips the same ones and others.
        painted: 64 entries, 1 ink and -1 paper where a brush went over the query, else 0.
        erased: numbers of the pixels that are unknown, 0 in the query; a mask of 64 or 8 x 8 booleans will do.
        clamped: whether the pixels that are not erased are known to be right, so that all networks keep them.
            Predictive coding always does.
        beta: β, the inverse temperature of the networks that have one, 0.01 to 4.
        degree: r of the dense memory, 2 to 10.
        networks: which networks are shown, of ``NETWORKS``.
        predict: whether the outcomes are kept back until the reader has guessed, and plays.
        guesses: the networks that the reader expects to find the image.
        summary: read-only, written by the browser: ``stored`` (how many), ``target``, ``query`` (64 entries 1, -1 and
            0), and for each network in ``networks``: ``outcome`` ("right", "other", "inverse", "mixture", "spurious",
            "blank", "moving", or "none" where these images make no such network), ``found`` (the number of the image,
            or None), ``steps``, ``settled``, ``overlap`` (cosine with the target, or with the nearest image if there is
            none) and ``energy``, both None where there is no state. Empty until the widget is shown.

    Raises:
        ValueError: (a TraitError as well) for images, pixels or numbers out of range.
        traitlets.TraitError: for an unknown network.
    """

    source = "memory_playground.js"
    shown = ("stored", "target", "noise", "beta", "degree")

    patterns = Images()
    names: traitlets.Dict[str, str] = traitlets.Dict(
        value_trait=traitlets.Unicode(), key_trait=traitlets.Unicode()
    ).tag(sync=True)
    stored = Whole(10, 1, MOST).tag(sync=True)
    target = Whole(3, -1, MOST - 1).tag(sync=True)
    noise = Real(0.125, 0.0, 0.5).tag(sync=True)
    seed = Whole(0, 0, 9999).tag(sync=True)
    painted = Strokes().tag(sync=True)
    erased = Pixels().tag(sync=True)
    clamped = traitlets.Bool(False).tag(sync=True)
    beta = Real(0.5, 0.01, 4.0).tag(sync=True)
    degree = Whole(3, 2, 10).tag(sync=True)
    networks = _Networks(list(NETWORKS)).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    guesses = _Networks([]).tag(sync=True)

    @staticmethod
    def code(image: Any) -> str:
        """The key of an image, 64 entries, in ``names``: 16 hexadecimal digits."""
        return code(image)

    @traitlets.default("patterns")
    def _default_patterns(self) -> Any:
        return digits(MOST).astype(int).tolist()

    @traitlets.default("names")
    def _default_names(self) -> dict[str, str]:
        return {code(image): str(label) for image, label in zip(digits(MOST), digit_labels(MOST), strict=True)}

    @traitlets.default("painted")
    def _default_painted(self) -> list[int]:
        return [0] * PIXELS

    @traitlets.default("erased")
    def _default_erased(self) -> list[int]:
        return []
