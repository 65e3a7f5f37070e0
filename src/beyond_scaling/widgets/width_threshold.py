"""Width against data as the threshold moves: D* of every size, the exponent of N against D*, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import traitlets

from ..training.analysis import families
from ..training.dstar import DRAWS, Size
from ..training.gap import Cell, Cells
from ..training.rows import MEASURES, Row, rows
from ..training.sigma import swept
from .base import BookWidget
from .ranges import Real

RULES = ("interpolated", "grid")
MOST_FREEDOM = 30  # degrees of it for which the browser has Student's quantiles
ENDLESS = 1e6  # stands for an exponent without limit, which JSON has no word for


class WidthThreshold(BookWidget):
    """The squared gap against D for every size, a threshold to drag, and what follows: D*, a line, an exponent p.

    D* and p are worked out in the browser, as ``training.dstar`` does, and Student's intervals of the line and of
    single seeds; those from resampled seeds come from ``training.sigma.swept``, at 41 thresholds for each measure and
    size. Sizes whose D* lies beyond their grid are left out of the line, and named.

    Args:
        cells: of a sweep (``training.gap.cells``), of which the main grid is taken; or a sequence of those to show.
        draws: of resampled seeds, for the intervals.

    Attributes:
        sigma2: the threshold, nats², 0.01 to 1; the paper's is 0.04.
        rule: ``"grid"``, the paper's: the least D tried that passes; ``"interpolated"``: between two of them.
        measure: ``"mse"``, the mean squared gap, with the noise of single steps; ``"gap"``, the square of the mean gap;
            ``"at_minimum"``, that of the gap between both evaluated losses at the minimum.
        size: ``"N"``, parameters of the blocks, or ``"total"``, with the embeddings.
        predict: whether D* of all but the smallest size is kept back until the reader asks, or moves something.
        guess: the reader's exponent, 0.5 to 8.
        left_out: names of runs that ended within their window, read-only.
        summary: read-only, written by the browser: ``d_star`` (tokens, one a size, None if censored), ``side`` (of
            each: ``"inside"``, ``"below"`` or ``"above"`` its grid), ``sizes`` (how many are inside), ``p`` (None under
            three), ``interval`` (from resampled seeds, or for the paper's rule the exponents that the grid's cells
            allow; None if there is none, and 1,000,000 for an end without limit) and ``widest`` (of three intervals, as
            ``training.dstar.Exponent.widest``; None for the paper's rule). Empty until the widget is shown.

    Raises:
        ValueError: no run that can be used, two runs of one size, D and seed, or an argument outside its range.
    """

    source = "width_threshold.js"
    shown = ("sigma2", "rule", "measure", "size")

    sigma2 = Real(0.04, 0.01, 1.0).tag(sync=True)
    rule = traitlets.Enum(list(RULES), default_value="interpolated").tag(sync=True)
    measure = traitlets.Enum(list(MEASURES), default_value="mse").tag(sync=True)
    size = traitlets.Enum(list(get_args(Size)), default_value="N").tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    guess = Real(2.0, 0.5, 8.0).tag(sync=True)
    rows: traitlets.List[dict[str, Any]] = traitlets.List(read_only=True).tag(sync=True)
    bands = traitlets.Dict(read_only=True).tag(sync=True)
    quantiles: traitlets.List[float] = traitlets.List(read_only=True).tag(sync=True)
    left_out: traitlets.List[str] = traitlets.List(read_only=True)

    def __init__(self, cells: Cells | Sequence[Cell], *, draws: int = DRAWS, **kwargs: Any) -> None:
        chosen = families(cells.cells).width if isinstance(cells, Cells) else tuple(cells)
        tables = {measure: rows(chosen, measure) for measure in MEASURES}
        if not tables["mse"]:
            raise ValueError(f"cells: {len(chosen)} runs, none with its whole window; expected one at least")
        super().__init__(**kwargs)
        self.set_trait("rows", [_told([tables[measure][i] for measure in MEASURES]) for i in range(len(tables["mse"]))])
        self.set_trait("left_out", [name for row in tables["mse"] for name in row.left_out])
        self.set_trait("bands", _bands(tables, draws))
        self.set_trait("quantiles", _quantiles())


def _told(of_measures: Sequence[Row]) -> dict[str, Any]:
    """A size, and what was measured of it: values by seed and D."""
    row = of_measures[0]
    values = {one.measure: [_plain(seed) for seed in one.values] for one in of_measures}
    return {
        "N": row.N, "total": row.total, "width": row.width, "layers": row.layers, "D": row.D.tolist(),
        "seeds": list(row.seeds), "values": values,
    }  # fmt: skip


def _bands(tables: dict[Any, tuple[Row, ...]], draws: int) -> dict[str, Any]:
    """The intervals of p from resampled seeds: {"sigma2": (T,), measure: {size: {"low": (T,), "high": (T,)}}}."""
    found: dict[str, Any] = {}
    for measure, table in tables.items():
        found[measure] = {}
        for size in get_args(Size):
            sweep = swept(table, size=size, draws=draws)
            found["sigma2"] = sweep.sigma2.tolist()
            ends = (np.clip(end, -ENDLESS, ENDLESS) for end in (sweep.low, sweep.high))
            found[measure][size] = dict(zip(("low", "high"), map(_plain, ends), strict=True))
    return found


def _quantiles() -> list[float]:
    """Of Student's t at the two-sided 95%, with 1, 2, ... degrees of freedom."""
    from scipy.stats import t

    return [float(t.ppf(0.975, free)) for free in range(1, MOST_FREEDOM + 1)]


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]
