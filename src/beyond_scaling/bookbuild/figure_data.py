"""The numbers of a plotly figure as CSV, in long form: a row for each point of each trace, at full precision.

Columns, those that are empty throughout left out: ``panel`` (1, 2, ... in the order in which the traces come),
``x_axis`` and ``y_axis`` (their titles), ``trace`` (its name), ``x``, ``y``, ``z`` (or what the kind of trace has in
their place), ``x_minus``, ``x_plus``, ``y_minus``, ``y_plus`` (lengths of error bars) and ``text``.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

SPACE = ("x", "y", "z", "a", "b", "c", "labels", "values")
COLUMNS = ("panel", "x_axis", "y_axis", "trace", *SPACE, "x_minus", "x_plus", "y_minus", "y_plus", "text")

Row = dict[str, Any]


def as_csv(figure: dict[str, Any]) -> str:
    """The figure's points, a header line first."""
    rows = list(_rows(figure))
    several = len({row["panel"] for row in rows}) > 1
    columns = [
        name
        for name in COLUMNS
        if (several or name != "panel") and any(row.get(name) not in (None, "") for row in rows)
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def numbers(value: Any) -> list[Any]:
    """A trace's array as a list: plotly writes those of NumPy as base64 with their type. Nested if it has two axes."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]).newbyteorder("<"))
        shape = [int(part) for part in str(value.get("shape", flat.size)).split(",")]
        return list(flat.reshape(shape))
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else []


def _rows(figure: dict[str, Any]) -> Iterator[Row]:
    layout = figure.get("layout", {})
    panels: dict[tuple[str, str], int] = {}
    for place, trace in enumerate(figure.get("data", []), 1):
        axes = (str(trace.get("xaxis", "x")), str(trace.get("yaxis", "y")))
        head: Row = {
            "panel": panels.setdefault(axes, len(panels) + 1),
            "x_axis": _title(layout.get(axes[0].replace("x", "xaxis"), {})),
            "y_axis": _title(layout.get(axes[1].replace("y", "yaxis"), {})),
            "trace": plain(str(trace.get("name") or trace.get("legendgroup") or f"trace {place}")),
        }
        points = _field(trace) if trace.get("type") in {"contour", "heatmap"} else _points(trace)
        for point in points:
            yield head | point


def _points(trace: dict[str, Any]) -> Iterator[Row]:
    columns = {name: numbers(trace.get(name)) for name in SPACE}
    text = trace.get("text")
    columns["text"] = [plain(str(item)) for item in text] if isinstance(text, list) else []
    for axis in ("x", "y"):
        error = trace.get(f"error_{axis}") or {}
        if error.get("visible", True) and "array" in error:
            columns[f"{axis}_plus"] = numbers(error["array"])
            columns[f"{axis}_minus"] = numbers(error.get("arrayminus", error["array"]))
    present = {name: values for name, values in columns.items() if len(values)}
    for values in zip_longest(*present.values()):
        yield dict(zip(present, values, strict=True))


def _field(trace: dict[str, Any]) -> Iterator[Row]:
    """Values on a grid: a row of ``z`` for each ``y``."""
    z = numbers(trace.get("z"))
    x = numbers(trace.get("x")) or range(len(z[0]) if z else 0)
    y = numbers(trace.get("y")) or range(len(z))
    for at, line in zip(y, z, strict=True):
        for across, value in zip(x, line, strict=True):
            yield {"x": across, "y": at, "z": value}


def plain(text: str) -> str:
    """Text without plotly's few tags."""
    return html.unescape(" ".join(re.sub(r"<(br)?[^>]*>", lambda tag: " " if tag[1] else "", text).split()))


def _title(axis: dict[str, Any]) -> str:
    title = axis.get("title", "")
    return plain(str(title.get("text") or "") if isinstance(title, dict) else str(title or ""))


def _written(value: Any) -> str:
    return "" if value is None else str(value)
