"""A ladder of separation functions, from the similarity itself to the nearest pattern: where does retrieval begin?"""

from __future__ import annotations

from typing import Any

import traitlets

from ..hopfield.digits import digit_labels, digits
from .base import BookWidget
from .images import MOST, PIXELS, Images
from .ranges import Real, Whole

SEPARATIONS = ("power", "exponential")
LAST_POWER = 8.0  # the rung of steepness 256
TOP = 9.0  # the rung of the maximum


def steepness(rung: float) -> float:
    """The steepness r at a rung from 0 to 9: 2^rung up to rung 8, then 256 / (9 - rung), which ends at infinity."""
    if not 0 <= rung <= TOP:
        raise ValueError(f"rung is {rung!r}; expected a number from 0 to {TOP:g}")
    if rung <= LAST_POWER:
        return 2.0**rung
    return 2.0**LAST_POWER / (TOP - rung) if rung < TOP else float("inf")


class SeparationLadder(BookWidget):
    """A spoilt image is compared with all stored ones; their similarities are separated, and the images blended.

    As a universal Hopfield network (Millidge et al. 2022): the answer is sum_i p_i rho_i, p_i proportional to F(s_i),
    with the similarity s_i = rho_i . x / n. One slider moves F from the identity to the maximum. Its number is the
    steepness r = d log F / d log s at s = 1, for two families:

    - ``"power"``: s^r, and 0 where s is negative. r = 1 is the field of Hopfield 1982 (with the diagonal kept, and if
      no similarity is negative), r the gradient of Krotov & Hopfield's rectified energy of degree r + 1.
    - ``"exponential"``: exp(r s), a softmax of inverse temperature beta = r / n for the dot product. r = n is the
      field of Demircigil et al. 2017, r = sqrt(n) has the beta = 1 / sqrt(n) of a transformer's attention.

    Both end in the maximum, which takes the first of equals. Each stored image is spoilt in its turn, by a noise of
    its own, and what becomes of all of them is drawn over the whole ladder.

    Attributes:
        patterns: 2 to 100 images of 64 pixels -1 and 1, digits by default.
        labels: what the images are called, one a pattern; the digits' own by default, else numbers from 1.
        rung: where on the ladder, 0 (the identity, r = 1) to 9 (the maximum); :func:`steepness` has r.
        separation: ``"power"`` or ``"exponential"``.
        noise: share of the pixels that are flipped, 0 to 0.5.
        count: how many of the patterns are stored, 2 to 100, the first ones; all if there are fewer.
        digit: which of the stored ones is asked for, from 0; the last one if there are fewer.
        seed: of the noise, 0 to 9999. More noise of one seed flips the same pixels and others.
        predict: whether the curves over the ladder are kept back until the reader asks for them.
        guess: the reader's guess, a rung: from where on half of the queries come back whole.
        summary: read-only, written by the browser: ``steepness`` (None at the maximum); of the query shown ``weight``
            (the share p of the right pattern), ``taking_part`` (exp of the entropy of p), ``wrong`` (share of pixels)
            and ``nearest`` (the most similar pattern, from 0); of all stored ones as queries ``whole`` (the share
            without a wrong pixel) and ``wrong_of_all``; and ``begins``, for both families the least steepness from
            which on half of the queries come back whole, read between rungs a quarter apart (None: nowhere). Empty
            until the widget is shown.

    Raises:
        ValueError: for patterns, labels or numbers that are not as above.
        traitlets.TraitError: for another family.
    """

    source = "separation_ladder.js"
    shown = ("rung", "separation", "noise", "count", "digit")

    patterns = Images()
    labels: traitlets.List[str] = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    rung = Real(1.0, 0.0, TOP).tag(sync=True)
    separation = traitlets.Enum(list(SEPARATIONS), default_value="power").tag(sync=True)
    noise = Real(0.2, 0.0, 0.5).tag(sync=True)
    count = Whole(40, 2, MOST).tag(sync=True)
    digit = Whole(3, 0, MOST - 1).tag(sync=True)
    seed = Whole(0, 0, 9999).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    guess = Real(1.0, 0.0, TOP).tag(sync=True)

    def __init__(self, patterns: Any = None, labels: Any = None, **kwargs: Any) -> None:
        own = patterns is not None
        super().__init__(patterns=patterns if own else digits(MOST), **kwargs)
        stored = len(self.patterns)
        if stored < 2:
            raise ValueError(f"patterns has {stored} image of {PIXELS} pixels; expected at least 2 to tell apart")
        if labels is None:
            labels = range(1, stored + 1) if own else digit_labels(MOST).tolist()
        names = [str(label) for label in labels]
        if len(names) != stored:
            raise ValueError(f"labels has {len(names)} names; expected {stored}, one a pattern")
        self.set_trait("labels", names)
