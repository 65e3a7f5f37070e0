"""The paper's Table 3 rebuilt from runs: mean squared errors against N and D, and the ratios that should be constant.

A column for every N and a row for every D, the other way round than in print: so it fits a narrow page.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._powers import power_of_ten
from ..training.analysis import Grid
from ..training.crossing import in_words
from ..training.dstar import DStar
from ..training.rows import Row
from .radius_sites import listed
from .width_parts import not_measured

EMPTY = "–"
POWERS = (1, 2, 4)  # of D*, in the ratios N/D*, N/D*² and N/D*⁴
_SIGNS = {1: "", 2: "²", 4: "⁴"}


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """As HTML in a page, with a caption, and as plain text elsewhere.

    Attributes:
        rows: of runs, one for every N. stars: their D*. sigma2: the threshold, nats².
        note: what is missing, in words; "" for nothing.
    """

    rows: tuple[Row, ...]
    stars: tuple[DStar, ...]
    sigma2: float
    note: str = ""

    @property
    def data(self) -> list[int]:
        """Every D, rising."""
        return sorted({tokens for row in self.rows for tokens in row.D.tolist()})

    def seeds(self, row: Row, tokens: int) -> list[float]:
        """The values at a D (nats²), one for every seed that is there."""
        if tokens not in row.D:
            return []
        values = row.values[:, int(np.flatnonzero(tokens == row.D)[0])]
        return values[~np.isnan(values)].tolist()

    def passes(self, star: DStar, tokens: int) -> bool:
        """Whether D* on the grid is this D, which its row marks."""
        return tokens == (star.grid.high if star.grid.side != "above" else math.nan)

    def ratios(self, power: int) -> list[float]:
        """N / D*^power of every N, D* interpolated (tokens); NaN where it is censored."""
        return [star.N / star.interpolated.D**power for star in self.stars]

    def __repr__(self) -> str:
        columns = [["D", *(f"{tokens:,}" for tokens in self.data), "D*, grid", "D*, line", *map(_ratio_name, POWERS)]]
        units = {power: _unit(self.ratios(power)) for power in POWERS}
        for number, (row, star) in enumerate(zip(self.rows, self.stars, strict=True)):
            column = [f"N = {row.N:,}"]
            for tokens in self.data:
                found = self.seeds(row, tokens)
                mark = "*" if self.passes(star, tokens) else " "
                column.append(f"{_number(float(np.mean(found)))}{mark}" if found else f"{EMPTY} ")
            column += [f"{in_words(star.grid)} ", f"{_rounded(star)} "]
            column += [f"{_scaled(self.ratios(power)[number], units[power])} " for power in POWERS]
            columns.append(column)
        columns.append(["", *("" for _ in self.data), "", "", *(_unit_words(units[power]) for power in POWERS)])
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in zip(*columns, strict=True)
        ]
        return "\n".join([*lines, f"* D*, the first D whose mean is under {self.sigma2:g} nats²", *self._notes()])

    def _repr_html_(self) -> str:
        """The table with headers of rows and columns; D* is framed, bold and says so to those who cannot see it."""
        head = "".join(f'<th scope="col">{row.N:,}</th>' for row in self.rows)
        body = "".join(
            f'<tr><th scope="row">{tokens:,}</th>{"".join(self._cells(tokens))}</tr>' for tokens in self.data
        )
        return (
            '<figure class="bs-numbers"><div role="group" aria-label="Table 3, rebuilt" tabindex="0">'
            f'<table class="table"><thead><tr><th scope="col">D \\ N</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody><tfoot>{self._foot()}</tfoot></table></div>"
            f"<figcaption>{html.escape(self.caption())}</figcaption></figure>"
        )

    def caption(self) -> str:
        """What the table shows and what it says, in words and numbers."""
        seeds = max(len(row.seeds) for row in self.rows)
        said = [
            "Mean squared error (nats²) between the training loss after the minimum and the least validation loss, for"
            f" D tokens (rows) and N parameters (columns). Means over {seeds} {'seeds' if seeds > 1 else 'seed'}"
            + (", in small print the least and the greatest of them" if seeds > 1 else "")
            + f". Framed: D*, the first D whose mean is under {self.sigma2:g}."
        ]
        spans = [f"{_ratio_name(power)} by {span:.3g}" for power in POWERS if (span := _span(self.ratios(power)))]
        if spans:
            said.append(f"With D* on a line between neighbours, sizes differ in {listed(spans)} times.")
        return " ".join([*said, *self._notes()])

    def _notes(self) -> list[str]:
        return [self.note] if self.note else []

    def _cells(self, tokens: int) -> list[str]:
        found = []
        for row, star in zip(self.rows, self.stars, strict=True):
            values = self.seeds(row, tokens)
            if not values:
                found.append('<td class="bs-none"><span class="visually-hidden">not run</span></td>')
                continue
            mean, ends = _number(float(np.mean(values))), ""
            if len(values) > 1:
                ends = f"<small>{_number(min(values))}–{_number(max(values))}</small>"
            if self.passes(star, tokens):
                found.append(
                    f'<td class="bs-star"><strong>{mean}<span class="visually-hidden">, D*</span></strong>{ends}</td>'
                )
            else:
                found.append(f"<td>{mean}{ends}</td>")
        return found

    def _foot(self) -> str:
        lines = [
            ("D*, grid", [in_words(star.grid) for star in self.stars]),
            ("D*, line", [_rounded(star) for star in self.stars]),
        ]
        for power in POWERS:
            ratios = self.ratios(power)
            unit = _unit(ratios)
            lines.append((f"{_ratio_name(power)} {_unit_words(unit)}", [_scaled(ratio, unit) for ratio in ratios]))
        return "".join(
            f'<tr><th scope="row">{html.escape(name)}</th>'
            + "".join(f"<td>{html.escape(text)}</td>" for text in texts)
            + "</tr>"
            for name, texts in lines
        )


def table(grid: Grid, missing: Sequence[str] = ()) -> Table:
    """The table of a grid's mean squared errors.

    Args:
        missing: names of runs that have no record.

    Raises:
        ValueError: the grid has no run.
    """
    if not grid.rows:
        raise ValueError(f"the grid has no run ({len(grid.left_out)} cut short), expected one at least")
    there = sum(int((~np.isnan(row.values)).sum()) for row in grid.rows)
    return Table(grid.rows, grid.exponent.stars, grid.exponent.sigma2, not_measured(missing, there).strip())


def _rounded(star: DStar) -> str:
    """An interpolated D* to three digits, which is more than the seeds allow."""
    found = star.interpolated
    return f"{float(f'{found.D:.3g}'):,.0f}" if found.measured else in_words(found)


def _number(value: float) -> str:
    """Two digits that count, as in the paper, and no more."""
    return _digits(value, 2)


def _digits(value: float, count: int) -> str:
    """So many digits that count, the last zeros among them."""
    if value == 0:
        return "0"
    return f"{value:.{max(count - 1 - math.floor(math.log10(abs(value))), 0)}f}".replace("-", "−")


def _ratio_name(power: int) -> str:
    return f"N/D*{_SIGNS[power]}"


def _unit(values: Sequence[float]) -> int:
    """The power of ten under the least of the values that are there."""
    there = [value for value in values if not math.isnan(value)]
    return math.floor(math.log10(min(there))) if there else 0


def _unit_words(unit: int) -> str:
    return f"({power_of_ten(unit)})" if unit else ""


def _scaled(value: float, unit: int) -> str:
    return EMPTY if math.isnan(value) else f"{_digits(value / 10.0**unit, 3)}"


def _span(values: Sequence[float]) -> float | None:
    """The greatest over the least of the values that are there; None for fewer than two."""
    there = [value for value in values if not math.isnan(value)]
    return max(there) / min(there) if len(there) > 1 else None
