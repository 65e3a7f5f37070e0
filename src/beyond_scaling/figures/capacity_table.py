"""Table 1 beside the measurement: of each network the law printed, the law in theory, and what was measured."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..hopfield.capacity import FAMILIES, family
from ..hopfield.capacity.record import curves
from ..results import Record
from .capacity_parts import about, check_kind, fitted, grown, interval, names, number, theory

EMPTY = "–"
_QUALIFIED = re.compile(r"; | (?=\[)| (?=at n = )|, (?=d = )")  # where a cell breaks into two lines
_POWER = re.compile(r"\^(?:\((?P<bracket>[^()]*(?:\([^()]*\)[^()]*)*)\)|(?P<number>-?\d+(?:\.\d+)?))")


@dataclass(frozen=True)
class Row:
    """A series of a family, in words. ``first``: whether it is the family's first, which names it."""

    title: str
    series: str
    printed: str
    theory: str
    measured: str
    first: bool


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """As HTML in a page, with a caption, and as plain text elsewhere."""

    rows: tuple[Row, ...]
    level: float

    def caption(self) -> str:
        """What the table shows, in words."""
        return (
            "How the number of patterns that a network retrieves grows with their dimension n: as Table 1 prints it, as"
            f" theory has it for large n, and as measured, with {self.level:.0%} intervals from seeds. Exponents and"
            " rates are slopes over the n measured, which are small; “here” is the slope of theory’s own critical d"
            " over the same n. Where nothing is fitted, the critical d of the largest n is given."
        )

    def _columns(self) -> list[str]:
        """The heads of the columns; that of Table 1 only if it has any of these networks."""
        return [*(["Table 1"] if any(row.printed != EMPTY for row in self.rows) else []), "theory", "measured"]

    def _cells(self, row: Row) -> list[str]:
        return [row.printed, row.theory, row.measured][-len(self._columns()) :]

    def __repr__(self) -> str:
        columns = self._columns()
        lines = [["network", "series", *columns]]
        lines += [[row.title if row.first else "", row.series, *self._cells(row)] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def _repr_html_(self) -> str:
        columns = self._columns()
        head = "".join(f'<th scope="col">{name}</th>' for name in ("network", *columns))
        body = []
        for row in self.rows:
            if row.first:
                body.append(f'<tr><th scope="colgroup" colspan="{1 + len(columns)}">{html.escape(row.title)}</th></tr>')
            cells = "".join(f"<td>{_cell(text)}</td>" for text in self._cells(row))
            body.append(f'<tr><th scope="row">{html.escape(row.series)}</th>{cells}</tr>')
        return (
            '<figure class="bs-numbers bs-named">'
            '<div role="group" aria-label="Capacities, printed and measured" tabindex="0">'
            f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
            f"<figcaption>{html.escape(self.caption())}</figcaption></figure>"
        )


def table(records: Mapping[str, Record]) -> Table:
    """The table of the records, by family, in the order of the zoo.

    Raises:
        ValueError: no record, one of another kind, or of a family that is not in the zoo.
    """
    if not records:
        raise ValueError("no record, expected one for a family at least")
    if unknown := sorted(set(records) - set(FAMILIES)):
        raise ValueError(f"no family {unknown[0]!r} (there are {', '.join(FAMILIES)})")
    rows = []
    for name in FAMILIES:
        if name in records:
            check_kind(records[name])
            rows += [_row(records[name], series, place == 0) for place, series in enumerate(names(records[name]))]
    return Table(tuple(rows), float(next(iter(records.values())).parameters["interval"]))


def _row(record: Record, series: str, first: bool) -> Row:
    zoo = family(str(record.parameters["family"]))
    kind, told = about(record, series, "law"), record.summary["series"][series]
    known = theory(record, series)
    told_by_theory = [
        words + grown(kind, {"value": known[key]})
        for key, words in (("expected", ""), ("fit", "here "))
        if kind != "none" and key in known
    ]
    return Row(
        title=zoo.title,
        series=series,
        printed=_printed(zoo.printed, series) or EMPTY,
        theory="; ".join(told_by_theory) or EMPTY,
        measured=_measured(record, series, kind, told),
        first=first,
    )


def _printed(law: str, series: str) -> str:
    """Of a dense memory's degree the degree."""
    words = series.replace(",", "").split()
    return law.replace("^r", f"^{words[1]}") if words[0] == "degree" else law


def _measured(record: Record, series: str, kind: str, told: Mapping[str, object]) -> str:
    if (found := fitted(record, series)) is not None:
        return grown(kind, found)
    sizes: Mapping[str, Mapping[str, float]] = told["n"]  # type: ignore[assignment]
    if sizes:
        n, last = list(sizes.items())[-1]
        ends = interval(last)
        return f"{number(last['critical'])}{f' [{ends}]' if ends else ''} at n = {n}"
    here = record.columns["series"] == series
    d, level = record.columns["d"][here], float(about(record, series, "level"))
    means = np.concatenate([each.mean for each in curves(record.columns, series, about(record, series, "criterion"))])
    side = "below the level" if (means < level).all() else "above it" if (means >= level).all() else "no crossing"
    return f"{side}, d = {d.min():,} to {d.max():,}"


def _cell(text: str) -> str:
    """Escaped and raised, all that qualifies the value (an interval, n, d, theory at these n) on a line of its own."""
    first, *more = (_raised(part) for part in _QUALIFIED.split(text, maxsplit=1))
    return first + "".join(f"<br><small>{part}</small>" for part in more)


def _raised(text: str) -> str:
    """Escaped, with what follows ^ raised: a number, or a bracket."""
    return _POWER.sub(lambda found: f"<sup>{found['bracket'] or found['number']}</sup>", html.escape(text))
