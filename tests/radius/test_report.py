"""The printed report: every number is the record's, and it fits a terminal."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from beyond_scaling.corpora import documents
from beyond_scaling.models.load import load_model
from beyond_scaling.radius import CONTROLS, Settings, measure_radius
from beyond_scaling.radius.report import WIDTH, report
from beyond_scaling.results import Record

from ..models import tiny


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "prose.txt").write_text(tiny.prose(1000))
    settings = Settings(chunks=60, length=10, seed=4, layers=(0, 1), controls=CONTROLS)
    loaded = load_model(tiny.save_model(folder / "tiny"))
    return measure_radius(loaded, documents(folder / "prose.txt"), settings, name="toy", title="A toy", command="toy")


def table(text: str, title: str) -> list[list[str]]:
    """The rows of a table of the report, split at runs of blanks."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(title))
    rows = []
    for line in lines[start + 1 :]:
        if not line:
            break
        rows.append(line.split("  "))
    return [[cell.strip() for cell in row if cell.strip()] for row in rows]


def test_it_fits_and_tells_all_tables(record: Record) -> None:
    text = report(record)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.startswith("A toy\n60 vectors of width n = 16")
    assert "nan" not in text
    assert "inf" not in text
    for title in ("Distance", "What it is", "All vectors", "How many", "As vectors", "log Z", "Controls"):
        assert any(line.startswith(title) for line in text.splitlines()), title


def test_its_numbers_are_the_records(record: Record) -> None:
    text = report(record)
    rows = table(text, "Distance to the nearest")
    for site in ("before", "after"):
        for fraction, numbers in record.summary["sites"][site]["distance"].items():
            (row,) = [row for row in rows if row[:2] == [site, f"{100 * float(fraction):g}%"]]
            assert float(row[2]) == pytest.approx(numbers["mean"], rel=1e-3)
            low, high = row[3].strip("[]").split(", ")
            assert [float(low), float(high)] == pytest.approx([numbers["mean_low"], numbers["mean_high"]], rel=1e-3)
            assert float(row[4]) == pytest.approx(numbers["median"], rel=1e-3)
    assert len([row for row in rows if row[0] == "layer-0"]) == 1, "of a layer the whole sample alone"
    references = {row[0]: float(row[1]) for row in table(text, "What it is held against")}
    assert references["hypothesis 2 sqrt(n / (2 pi e))"] == pytest.approx(record.summary["hypothesis"], rel=1e-3)
    controls = table(text, "Controls: median distance of all")
    assert controls[0] == ["site", "model", *CONTROLS]
    (after,) = [row for row in controls if row[0] == "after"]
    for name, cell in zip(CONTROLS, after[2:], strict=True):
        median = record.summary["controls"][name]["after"]["distance"]["1"]["median"]
        assert float(cell) == pytest.approx(median, rel=1e-3)
    (before,) = [row for row in controls if row[0] == "before"]
    assert before[-1] == "-", "the rescaled norm is not before itself"
    assert "rescaled by 2: no log-probability moves" in text


def test_what_is_not_there_is_a_dash(record: Record) -> None:
    summary = copy.deepcopy(dict(record.summary))
    summary["controls"] = {}
    del summary["function_change"]
    for found in summary["sites"].values():
        found["growth"], found["scale_free"] = {}, {}
        found["dimension"].pop("two_nn", None)
        found["log_partition"]["median"].pop("corrected", None)
    text = report(dataclasses.replace(record, summary=summary))
    assert "Controls" not in text
    assert "As vectors are added" not in text
    assert all(row[1] == "-" for row in table(text, "All vectors: median")[1:])
    assert all(row[1] == "-" for row in table(text, "How many dimensions")[1:])
    assert "How many vectors" not in text
    assert all(row[2] == "-" for row in table(text, "log Z")[1:])


def test_it_fits_also_with_the_widest_numbers(record: Record) -> None:
    summary = copy.deepcopy(dict(record.summary))
    for found in summary["sites"].values():
        found["growth"]["reaches_hypothesis"] = {"vectors": 1.234e137, "low": 9.87e111, "high": 8.76e222}
        found["growth"]["dimension"] = {"estimate": 123.456, "low": 100.23, "high": 234.56}
        for numbers in found["distance"].values():
            numbers |= {key: 1234.567 for key in numbers if key != "count"}
    text = report(dataclasses.replace(record, summary=summary))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert ["before", "1.2e137", "[9.9e111, 8.8e222]"] in table(text, "How many vectors would bring")
