"""A radius record as plain text, at most 100 columns wide: what was measured, and what to hold it against."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..results import Record
from .volumes import reference_radii

WIDTH = 100
_CONTROLS = {
    "gaussian": "Gaussian of the same mean and covariance",
    "untrained": "untrained weights",
    "shuffled": "tokens of every chunk shuffled",
    "rescaled": "final norm rescaled",
}


def report(record: Record) -> str:
    """The tables of a radius record; ranges in brackets are 95% intervals.

    Raises:
        KeyError: a record of another kind or of an older version.
    """
    summary = record.summary
    sites: Mapping[str, Any] = summary["sites"]
    lines = [
        record.title,
        f"{summary['vectors']:,} vectors of width n = {summary['dimension']}; ranges in brackets are 95% intervals",
    ]
    for title, table in (
        ("Distance to the nearest other vector, at each share of the vectors", _distances(sites)),
        ("What it is held against: distances, twice a radius", _references(summary)),
        ("All vectors: median distance over two lengths of the cloud, whatever its unit", _scale_free(sites)),
        ("How many dimensions the cloud has", _dimensions(sites)),
        ("As vectors are added: mean distance = C m^(-1/k), followed to more vectors", _growth(sites)),
        (
            f"How many vectors would bring the mean down to the hypothesis, {_number(summary['hypothesis'])}",
            _meeting(sites),
        ),
        ("log Z, if each vector has a ball of its own with half the median distance as radius", _log_z(sites)),
        ("Controls: median distance of all vectors", _controls(summary, absolute=True)),
        ("Controls: median distance over the root-mean-square norm", _controls(summary, absolute=False)),
    ):
        if table:
            lines += ["", title, *_aligned(table)]
    if summary["controls"]:
        lines += [""] + [f"  {name}: {_CONTROLS[name]}" for name in summary["controls"]]
    if "function_change" in summary:
        lines.append(
            f"  rescaled by {record.parameters['factor']:g}: no log-probability moves by more than"
            f" {summary['function_change']:.2g} nats"
        )
    return "\n".join(lines)


def _distances(sites: Mapping[str, Any]) -> list[list[str]]:
    rows = [["site", "share", "mean", "", "median", "", "5% to 95%"]]
    for site, found in sites.items():
        fractions = sorted(found["distance"], key=float)
        # of layers the largest share will do: the others are in the record
        for fraction in fractions if site in ("before", "after") else fractions[-1:]:
            numbers = found["distance"][fraction]
            spread = f"{_number(numbers['q05'])} to {_number(numbers['q95'])}"
            share = f"{100 * float(fraction):g}%"
            rows.append([site, share, *_with_range(numbers, "mean"), *_with_range(numbers, "median"), spread])
    return rows


def _references(summary: Mapping[str, Any]) -> list[list[str]]:
    radii = reference_radii(summary["dimension"])
    return [
        ["hypothesis 2 sqrt(n / (2 pi e))", _number(summary["hypothesis"])],
        ["the ball's volume is exactly 1", _number(2 * radii["unit_volume"])],
        ["the ball's integral of exp(-|y|^2) is exactly 1", _number(summary["unit_integral"])],
    ]


def _scale_free(sites: Mapping[str, Any]) -> list[list[str]]:
    rows = [["site", "over norm", "", "over pair", "", "rms norm", "median pair"]]
    for site, found in sites.items():
        ratios, cloud = found["scale_free"], found["cloud"]
        rows.append(
            [
                site,
                *_with_range(ratios, "median_over_rms_norm"),
                *_with_range(ratios, "median_over_pair"),
                _number(cloud["rms_norm"]),
                _number(cloud["median_pair"]),
            ]
        )
    return rows


def _dimensions(sites: Mapping[str, Any]) -> list[list[str]]:
    rows = [["site", "two-nn", "", "mle", "", "effective", "duplicates"]]
    for site, found in sites.items():
        dimension = found["dimension"]
        rows.append(
            [
                site,
                *_with_range(dimension.get("two_nn", {}), "estimate", ends=("low", "high")),
                *_with_range(dimension.get("mle", {}), "estimate", ends=("low", "high")),
                _number(found["cloud"]["effective_dimension"]),
                f"{dimension['duplicates']:,}",
            ]
        )
    return rows


def _growth(sites: Mapping[str, Any]) -> list[list[str]]:
    counts = sorted({count for found in sites.values() for count in found["growth"].get("at", {})}, key=int)
    if not any(found["growth"] for found in sites.values()):
        return []
    rows = [["site", "k", "", *(f"mean at {_power(int(count))}" for count in counts)]]
    for site, found in sites.items():
        growth = found["growth"]
        means = [growth.get("at", {}).get(count, {}).get("mean") for count in counts]
        rows.append(
            [
                site,
                *_with_range(growth.get("dimension", {}), "estimate", ends=("low", "high")),
                *("-" if mean is None else _number(mean) for mean in means),
            ]
        )
    return rows


def _meeting(sites: Mapping[str, Any]) -> list[list[str]]:
    if not any(found["growth"] for found in sites.values()):
        return []
    rows = [["site", "vectors", ""]]
    for site, found in sites.items():
        meeting = found["growth"].get("reaches_hypothesis", {})
        ends = f"[{_power(meeting.get('low'))}, {_power(meeting.get('high'))}]" if meeting else ""
        rows.append([site, _power(meeting["vectors"]) if "vectors" in meeting else "-", ends])
    return rows


def _log_z(sites: Mapping[str, Any]) -> list[list[str]]:
    rows = [["site", "radius", "log Z", "log Z as printed", "log volume", "log of the vectors for Z = 1"]]
    for site, found in sites.items():
        told = found["log_partition"]["median"]
        keys = ("radius", "corrected", "printed", "log_volume", "log_patterns_for_unit")
        rows.append([site, *(_number(told[key]) if key in told else "-" for key in keys)])
    return rows


def _controls(summary: Mapping[str, Any], *, absolute: bool) -> list[list[str]]:
    controls = summary["controls"]
    if not controls:
        return []
    rows = [["site", "model", *controls]]
    for site, found in summary["sites"].items():
        cells = [site, _median(found, absolute)]
        cells += [_median(each[site], absolute) if site in each else "-" for each in controls.values()]
        rows.append(cells)
    return rows


def _median(found: Mapping[str, Any], absolute: bool) -> str:
    if absolute:
        return _number(found["distance"][max(found["distance"], key=float)]["median"])
    ratio = found["scale_free"].get("median_over_rms_norm")
    return "-" if ratio is None else _number(ratio)


def _with_range(
    numbers: Mapping[str, Any], key: str, *, ends: tuple[str, str] | None = None
) -> tuple[str, str]:
    """A number and its interval, a cell each; a dash where there is none."""
    low, high = ends or (f"{key}_low", f"{key}_high")
    if key not in numbers:
        return "-", ""
    told = [_number(numbers[end]) if end in numbers else "?" for end in (low, high)]
    return _number(numbers[key]), f"[{told[0]}, {told[1]}]"


def _number(value: float) -> str:
    """Four digits."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _power(count: float | None) -> str:
    """A number of vectors, such as 20,000, 1e6 or 3e17."""
    if count is None:
        return "?"
    if count < 1e5:
        return f"{count:,.0f}"
    exponent = math.floor(math.log10(count))
    return f"{count / 10.0**exponent:.2g}e{exponent}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, ranges too, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 or cell.startswith("[") else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
