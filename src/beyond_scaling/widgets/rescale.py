"""One function, any radius: a model of two dimensions whose activations are rescaled while its predictions stay."""

from __future__ import annotations

from typing import Any

import traitlets

from .base import BookWidget
from .ranges import Real, Whole

_TOKENS = ("sun", "rain", "wind", "night", "snow")
# (5, 2) and (20, 2): an unembedding and what enters the final norm for twenty contexts, four near each token.
_UNEMBEDDING = ((1.9, 0.5), (0.1, 1.8), (-1.7, 0.8), (-1.1, -1.6), (1.2, -1.5))
_VECTORS = (
    (0.95, 0.31), (1.42, 0.12), (0.71, 0.52), (1.13, -0.18),
    (0.12, 0.82), (-0.21, 1.31), (0.38, 1.12), (-0.02, 1.66),
    (-1.02, 0.61), (-1.51, 0.42), (-0.72, 0.71), (-1.23, -0.05),
    (-0.51, -0.83), (-0.92, -0.74), (-0.22, -1.21), (-1.12, -0.42),
    (0.52, -0.74), (0.93, -0.61), (0.18, -1.02), (1.31, -1.24),
)  # fmt: skip


class Rescale(BookWidget):
    """A language model of two dimensions: its activations, its predictions, and a slider that moves only the former.

    What enters the final norm, h, gives y = gain · h / sqrt(mean(h²) + ε), and the unembedding W the probabilities
    softmax(W y). After the norm, the slider multiplies the gain by s and divides W by s; before it, it multiplies h,
    which the norm divides out again, up to ε. Either way every distance between the activations looked at is multiplied
    by s. The discs around them are the theory's balls, of radius sqrt(n / (2πe)) at n = 2, which know no s.

    Args:
        scale: the factor s, 0.3 to 3.
        where: ``"after"`` or ``"before"``: which activations are looked at and rescaled.
        context: which of the twenty contexts' probabilities are shown, 0 to 19.

    Attributes:
        tokens, vectors, gain, unembedding, epsilon: the model, read-only: 5 words; (20, 2); (2,); (5, 2); ε.
        summary: read-only, written by the browser: ``distance`` (mean over the contexts of the distance to the nearest
            other one, as rescaled), ``predicted`` (twice the theory's radius), ``probabilities`` (of the context's next
            token) and ``largest_change`` (of any probability of any context, against s = 1). Empty until the widget
            is shown.

    Raises:
        ValueError: if an argument is outside its range.
    """

    source = "rescale.js"
    shown = ("scale", "where", "context")

    scale = Real(1.0, 0.3, 3.0).tag(sync=True)
    where = traitlets.Enum(["after", "before"], default_value="after").tag(sync=True)
    context = Whole(4, 0, len(_VECTORS) - 1).tag(sync=True)
    tokens = traitlets.List(list(_TOKENS), read_only=True).tag(sync=True)
    vectors = traitlets.List([list(row) for row in _VECTORS], read_only=True).tag(sync=True)
    gain = traitlets.List([1.25, 0.8], read_only=True).tag(sync=True)
    unembedding = traitlets.List([list(row) for row in _UNEMBEDDING], read_only=True).tag(sync=True)
    epsilon = traitlets.Float(1e-5, read_only=True).tag(sync=True)

    def __init__(self, scale: float = 1.0, where: str = "after", context: int = 4, **kwargs: Any) -> None:
        if where not in ("after", "before"):
            raise ValueError(f"where: expected 'after' or 'before', got {where!r}")
        super().__init__(scale=scale, where=where, context=context, **kwargs)
