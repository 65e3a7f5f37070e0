"""Whether a radius record says what it holds: every number that follows from others is computed again.

From the columns follow, for the sites before and after the final norm, norms, distances with their intervals, the
fit of growth, the scale-free ratios and log Z. Elsewhere the columns are not kept: ratios, log Z and what the fitted
line leads to follow from what is told of distances and exponent, and the rest has to be there and in order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ..agreement import REL, close, differences, key_problems, leaves
from ..results import Record
from .growth import LARGEST
from .neighbours import subset_size
from .settings import AT, FACTOR, KIND, SIDES, Settings, column_name, fraction_name, hypothesised_distance, percent_name
from .site import derived, summarise
from .volumes import reference_radii

_TOLD = ("dependence", "cloud", "dimension")  # of a site: what no column tells
_DERIVED = ("scale_free", "log_partition")
_GROWTH = {"exponent", "low", "high", "dimension", "at"}  # with at least two sizes and a mean above 0
_COUNTS = ("dimension", "vectors", "documents", "corpus_tokens")
_SITE = re.compile(r"before|after|layer-(0|[1-9]\d*)")


def check(record: Record) -> None:
    """Compare a radius record's summary and parameters with its columns and with each other.

    Raises:
        ValueError: a column is missing, unknown or not what its name says; a number of the summary is missing,
            unknown, out of order, or does not follow from what it should follow from; a record of an older version.
    """
    problem = next(_problems(record), None)
    if problem is not None:
        raise ValueError(f"record {record.name!r}: {problem}")


def _problems(record: Record) -> Iterator[str]:
    if record.kind != KIND:
        yield f"kind is {record.kind!r}; expected {KIND!r}"
        return
    if "sites" not in record.summary and "before" in record.summary:
        yield "measured by an older version: measure again"
        return
    settings = None
    try:
        settings = _settings(record)
    except (TypeError, ValueError) as error:
        yield f"parameters: {error}"
        return
    for key in ("model", "text"):
        if not isinstance(record.parameters.get(key), str):
            yield f"parameters.{key} is {record.parameters.get(key)!r}; expected a string"
    for key in _COUNTS:
        count = record.summary.get(key)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            yield f"summary.{key} is {count!r}; expected a whole number of at least 1"
            return
    if record.summary["vectors"] != settings.chunks:
        yield f"summary.vectors is {record.summary['vectors']}; its parameters say {settings.chunks} chunks"
    problems = list(_column_problems(record, settings))
    yield from problems
    if not problems:
        yield from _corpus_problems(record, settings)
        yield from _reference_problems(record.summary)
        yield from _layout_problems(record, settings)
        yield from _site_problems(record, settings)


def _settings(record: Record) -> Settings:
    """The settings that the parameters tell, if they tell any."""
    found = record.parameters
    sites = found["sites"] if isinstance(found.get("sites"), (list, tuple)) else None
    if sites is None or not set(SIDES) <= set(sites) or not all(_SITE.fullmatch(str(site)) for site in sites):
        raise ValueError(f"sites {found.get('sites')!r}: expected before, after and layers such as layer-3")
    if not isinstance(found.get("controls"), (list, tuple)):
        raise ValueError(f"controls {found.get('controls')!r}: expected a list of names")
    if "rescaled" in found["controls"] and found.get("factor") != FACTOR:
        raise ValueError(f"factor {found.get('factor')!r}: expected {FACTOR}")
    return Settings(
        found.get("chunks"),  # type: ignore[arg-type]
        found.get("length"),  # type: ignore[arg-type]
        seed=record.seed,
        batch_size=found.get("batch_size"),
        fractions=tuple(found.get("fractions")),  # type: ignore[arg-type]
        controls=tuple(found["controls"]),
    )


def _column_problems(record: Record, settings: Settings) -> Iterator[str]:
    """How many numbers each column must hold, and that there is no other."""
    total = settings.chunks
    sizes = dict.fromkeys(("document", "offset", *(f"{side}_norm" for side in SIDES)), total)
    sizes |= {column_name(s, f): subset_size(total, f) for s in SIDES for f in settings.fractions}
    if missing := [name for name in sizes if name not in record.columns]:
        yield f"column {missing[0]} is missing"
        return
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


def _corpus_problems(record: Record, settings: Settings) -> Iterator[str]:
    """Documents and tokens that there must be for the chunks to lie in."""
    least = {"documents": int(record.columns["document"].max()) + 1}
    if "corpus_tokens_error" not in record.summary:  # an estimate may be anything
        least["corpus_tokens"] = int(record.columns["offset"].max()) + settings.length
    for key, value in least.items():
        if record.summary[key] < value:
            yield f"summary.{key} is {record.summary[key]}; its columns know of at least {value}"


def _reference_problems(summary: Mapping[str, Any]) -> Iterator[str]:
    width = summary["dimension"]
    expected = {
        "hypothesis": hypothesised_distance(width),
        "unit_integral": 2 * reference_radii(width)["unit_integral"],
    }
    for key, value in expected.items():
        if not close(summary.get(key), value, 1e-12):
            yield f"{key} {summary.get(key)}; expected {value}"


def _layout_problems(record: Record, settings: Settings) -> Iterator[str]:
    """Which sites, controls and other entries there must be."""
    summary, sites = record.summary, list(record.parameters["sites"])
    known = {*_COUNTS, "hypothesis", "unit_integral", "sites", "controls"}
    if "rescaled" in settings.controls:
        known.add("function_change")
        change = summary.get("function_change")
        if not isinstance(change, (int, float)) or isinstance(change, bool) or not 0 <= change < math.inf:
            yield f"summary.function_change is {change!r}; expected a number of at least 0"
    if "corpus_tokens_error" in summary:  # where the corpus was not read to its end
        known.add("corpus_tokens_error")
        if not 0 <= summary["corpus_tokens_error"] < math.inf:
            yield f"summary.corpus_tokens_error is {summary['corpus_tokens_error']}; expected at least 0"
    yield from key_problems("summary", summary, known)
    yield from key_problems("summary.sites", summary.get("sites"), set(sites))
    yield from key_problems("summary.controls", summary.get("controls"), set(settings.controls))
    if isinstance(summary.get("controls"), Mapping):
        for name, found in summary["controls"].items():
            wanted = {"after"} if name == "rescaled" else set(sites)
            yield from key_problems(f"summary.controls.{name}", found, wanted)


def _site_problems(record: Record, settings: Settings) -> Iterator[str]:
    summary = record.summary
    for place, found, columns in _places(record, settings):
        if problem := next(_part_problems(place, found, settings), None):
            yield problem
            continue
        try:
            yield from _derived_problems(place, found, columns, record, settings)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            yield f"{place}: {error}"
    if "rescaled" in settings.controls:
        own = summary["sites"]["after"]["distance"]
        other = summary["controls"]["rescaled"]["after"]["distance"]
        for fraction, numbers in own.items():
            # the rounding of half precision is as large as this
            if not close(other[fraction]["mean"], FACTOR * numbers["mean"], 1e-2):
                yield (
                    f"summary.controls.rescaled.after.distance.{fraction}.mean is {other[fraction]['mean']};"
                    f" expected {FACTOR:g} times the model's {numbers['mean']}"
                )


def _places(record: Record, settings: Settings) -> Iterator[tuple[str, Any, dict[str, np.ndarray] | None]]:
    """Every site of the model and of the controls: its place in the summary, its summary, its columns if any."""
    for site, found in record.summary["sites"].items():
        columns = None
        if site in SIDES:
            keys = ["norm", *(percent_name(fraction) for fraction in settings.fractions)]
            columns = {key: record.columns[f"{site}_{key}"] for key in keys}
        yield f"summary.sites.{site}", found, columns
    for name, measured in record.summary["controls"].items():
        for site, found in measured.items():
            yield f"summary.controls.{name}.{site}", found, None


def _part_problems(place: str, found: Any, settings: Settings) -> Iterator[str]:
    """What a site's summary is made of, as far as it does not depend on the numbers."""
    parts = {"norm", "distance", "growth", *_TOLD, *_DERIVED}
    yield from key_problems(place, found, parts)
    if not isinstance(found, Mapping) or set(found) != parts:
        return
    yield from key_problems(f"{place}.distance", found["distance"], {fraction_name(f) for f in settings.fractions})
    cloud = {"rms_norm", "spread", "effective_dimension", "median_pair"}
    yield from key_problems(f"{place}.cloud", found["cloud"], cloud)
    if not isinstance(found["dependence"], (int, float)) or not found["dependence"] >= 1:
        yield f"{place}.dependence is {found['dependence']!r}; expected a number of at least 1"
    for key, value in leaves(found["cloud"], f"{place}.cloud"):
        if not isinstance(value, (int, float)) or not value >= 0:
            yield f"{key} is {value!r}; expected at least 0"
    optional = {"two_nn": {"estimate", "low", "high"}, "mle": {"estimate", "low", "high", "neighbours"}}
    dimension = found["dimension"]
    yield from key_problems(f"{place}.dimension", dimension, {"queries", "duplicates"}, set(optional))
    for key, entries in optional.items():
        if isinstance(dimension, Mapping) and key in dimension:
            yield from key_problems(f"{place}.dimension.{key}", dimension[key], entries)
    for key, entry in _intervals(found, place):
        if not entry["low"] <= entry["estimate"] <= entry["high"]:
            yield f"{key}: {entry['estimate']} lies outside {entry['low']}...{entry['high']}"


def _derived_problems(
    place: str, found: Mapping[str, Any], columns: dict[str, np.ndarray] | None, record: Record, settings: Settings
) -> Iterator[str]:
    width = record.summary["dimension"]
    if columns is not None:
        told = {key: found[key] for key in _TOLD}
        again = summarise(columns, told, width=width, fractions=settings.fractions, seed=settings.seed)
        yield from differences(place, found, again, "its columns give")
        norms = columns["norm"].astype(np.float64)
        rms = math.sqrt(float((norms**2).mean()))
        if not close(found["cloud"]["rms_norm"], rms, 1e-5):
            yield f"{place}.cloud.rms_norm is {found['cloud']['rms_norm']}; its columns give {rms}"
        return
    for fraction in settings.fractions:
        numbers, name = found["distance"][fraction_name(fraction)], f"{place}.distance.{fraction_name(fraction)}"
        yield from _described_problems(name, numbers, subset_size(settings.chunks, fraction))
    yield from _described_problems(f"{place}.norm", found["norm"], settings.chunks)
    again = derived(found["distance"], found["cloud"], width)
    for key in _DERIVED:
        yield from differences(f"{place}.{key}", found[key], again[key], "its distances give")
    if found["growth"]:
        mean = found["distance"][fraction_name(settings.fractions[-1])]["mean"]
        size = subset_size(settings.chunks, settings.fractions[-1])
        yield from _growth_problems(f"{place}.growth", found["growth"], size, mean, record.summary["hypothesis"])


def _growth_problems(place: str, growth: Mapping[str, Any], size: int, mean: float, hypothesis: float) -> Iterator[str]:
    """Of a fit whose distances are not kept: what follows from its exponent, and from the last mean it goes through."""
    wrong = list(key_problems(place, growth, _GROWTH, {"curvature", "reaches_hypothesis"}))
    yield from wrong
    if wrong:
        return
    exponent = growth["exponent"]
    line: dict[str, Any] = {"dimension": {}, "at": {}}
    for key, end in (("estimate", "exponent"), ("low", "high"), ("high", "low")):
        if growth[end] > 0:
            line["dimension"][key] = 1 / growth[end]
    for count in AT:
        height = math.log(mean) - exponent * math.log(count / size)
        line["at"][str(count)] = {"mean": math.exp(height)} if abs(height) < math.log(LARGEST) else {}
    told: dict[str, Any] = {"dimension": growth["dimension"], "at": {}}
    for count, numbers in growth["at"].items():
        told["at"][count] = {"mean": numbers["mean"]} if "mean" in numbers else {}
        if not numbers.get("low", 0.0) <= numbers.get("mean", math.inf) <= numbers.get("high", math.inf):
            yield f"{place}.at.{count}: {dict(numbers)}; expected low, mean and high in rising order"
    meeting = growth.get("reaches_hypothesis", {})
    if not meeting.get("low", 0.0) <= meeting.get("vectors", math.inf) <= meeting.get("high", math.inf):
        yield f"{place}.reaches_hypothesis: {dict(meeting)}; expected low, vectors and high in rising order"
    logs = math.log(size) + math.log(mean / hypothesis) / exponent if exponent > 0 else 0.0
    if math.log(2) < logs < math.log(LARGEST):
        told["reaches_hypothesis"] = {"vectors": meeting.get("vectors")}
        line["reaches_hypothesis"] = {"vectors": math.exp(logs)}
    elif meeting:
        yield f"{place}.reaches_hypothesis is {dict(meeting)}; its line does not meet it there"
    yield from differences(place, told, line, "its line gives")
    if not growth["low"] <= exponent <= growth["high"]:
        yield f"{place}: exponent {exponent} lies outside {growth['low']}...{growth['high']}"


def _described_problems(place: str, numbers: Any, count: int) -> Iterator[str]:
    """Of statistics whose values are not kept: complete, and in order."""
    rising = ("min", "q05", "q25", "median", "q75", "q95", "max")
    ends = ("mean_low", "mean", "mean_high"), ("median_low", "median", "median_high")
    yield from key_problems(place, numbers, {"count", "sd", "zeros", *rising, *ends[0], *ends[1]})
    if not isinstance(numbers, Mapping):
        return
    if numbers["count"] != count:
        yield f"{place}.count is {numbers['count']}; expected {count}"
    if not (numbers["sd"] >= 0 and numbers["min"] >= 0 and 0 <= numbers["zeros"] <= count):
        yield f"{place}: sd {numbers['sd']}, min {numbers['min']}, zeros {numbers['zeros']}; expected at least 0"
    for keys in (rising, *ends):
        values = [numbers[key] for key in keys]
        if any(b < a - REL * abs(a) for a, b in pairwise(values)):
            yield f"{place}: {', '.join(keys)} are {values}; expected in rising order"


def _intervals(value: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry that has an estimate and both ends, numbers all."""
    if not isinstance(value, Mapping):
        return
    if all(isinstance(value.get(key), (int, float)) for key in ("estimate", "low", "high")):
        yield place, value
    for key, entry in value.items():
        yield from _intervals(entry, f"{place}.{key}")
