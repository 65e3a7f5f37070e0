"""Published runs on repeated data: made-up CSVs whose answers are known, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from beyond_scaling import cli, results
from beyond_scaling.training.repeated import (
    EXCESS,
    LEAST,
    RepeatedSettings,
    check,
    excess_collapse,
    repeated_record,
    summary_of,
)

SETTINGS = RepeatedSettings("N", "T", "U", "loss")
COMMON = {"name": "made", "title": "Made runs", "command": "beyond-scaling"}
SIZES = (1e8, 2e8, 4e8, 8e8)


def least(size: float) -> float:
    """The least loss of a size: the second is the best."""
    return 3 + 0.05 * math.log2(size / 2e8) ** 2


def write(path: Path, rows: list[tuple[float, float, float, float]]) -> Path:
    lines = ["N,T,U,loss", *(",".join(map(repr, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def parabolas(tmp_path: Path) -> Path:
    """Sizes on one U whose losses are parabolas in log T; the last is tried far apart, another U has two sizes."""
    rows = []
    for size in SIZES:
        for factor in (0.125, 1, 8) if size == 8e8 else (0.5, 0.9, 1.62):
            rows.append((size, 5e9 * factor, 1e8, least(size) + 0.1 * math.log(factor) ** 2))
    rows += [(1e8, 4e9, 2e9, 2.9), (2e8, 4e9, 2e9, 2.8)]
    rows += [(1e8, 9e9, 3e9, 2.0), (1e8, 9e9, 3e9, 2.2)]  # the same run twice
    return write(tmp_path / "runs.csv", rows)


def excesses(path: Path, held: str, p: float = 2.0, noise: float = 0.05) -> Path:
    """Runs that read their data over and over, and their like with all data distinct: excess = x^1.2 T^0.7 (or
    (T/U)^0.7), x = N^(1/p)/U."""
    rng = np.random.default_rng(0)
    rows = []
    for size in np.geomspace(1e8, 1e10, 7).tolist():
        for tokens in np.geomspace(1e10, 1e11, 3).tolist():
            once = 2 + (1e8 / size) ** 0.3
            rows.append((size, tokens, tokens, once))
            for unique in np.geomspace(1e8, 5e9, 4).tolist():
                third = tokens / unique / 10 if held == "epochs" else tokens / 1e11
                x = (size / 1e10) ** (1 / p) * 1e9 / unique
                rows.append(
                    (size, tokens, unique, once + x**1.2 * third**0.7 * math.exp(noise * rng.standard_normal()))
                )
    return write(path, rows)


def test_least_losses_of_every_size(parabolas: Path) -> None:
    record = repeated_record(parabolas, SETTINGS, **COMMON)
    rows = record.columns["table"] == LEAST
    assert rows.sum() == 4
    np.testing.assert_array_equal(record.columns["size"][rows], SIZES)
    np.testing.assert_allclose(record.columns["bottom"][rows], [least(size) for size in SIZES])
    np.testing.assert_allclose(record.columns["tokens"][rows], [4.5e9, 4.5e9, 4.5e9, 5e9])
    np.testing.assert_allclose(record.columns["after"][rows], [8.1e9, 8.1e9, 8.1e9, 40e9])
    (numbers,) = record.summary[LEAST].values()
    assert list(record.summary[LEAST]) == ["100000000"]
    assert (numbers["sizes"], numbers["resolved"]) == (4, 3)  # a size tried 8 times apart may have a lower loss between
    assert (numbers["best"], numbers["largest"], numbers["larger"]) == (2e8, 4e8, 1)
    assert numbers["worse_by"] == pytest.approx(0.05)
    assert numbers["bottom_worse_by"] == pytest.approx(0.05)
    assert record.summary["noise"]["groups"] == 1
    assert record.summary["noise"]["pooled"] == pytest.approx(math.sqrt(0.02))
    assert EXCESS not in record.summary


def test_settings_choose_sizes(parabolas: Path) -> None:
    far = repeated_record(parabolas, dataclasses.replace(SETTINGS, near=8.5), **COMMON)
    (numbers,) = far.summary[LEAST].values()
    assert (numbers["resolved"], numbers["largest"]) == (4, 8e8)
    assert numbers["worse_by"] == pytest.approx(0.2 - 0.1 * math.log(0.9) ** 2)
    two = repeated_record(parabolas, dataclasses.replace(SETTINGS, least=2), **COMMON)
    assert two.summary[LEAST]["2000000000"] == {"sizes": 2, "resolved": 0}


@pytest.mark.parametrize("held", ["epochs", "tokens"])
def test_excesses_collapse_with_what_is_held_fixed(tmp_path: Path, held: str) -> None:
    record = repeated_record(excesses(tmp_path / "runs.csv", held), SETTINGS, **COMMON)
    numbers = record.summary[EXCESS]
    assert numbers["points"] == 7 * 3 * 4
    assert 0 < numbers["above"] < numbers["points"]
    assert numbers[held]["p"] == pytest.approx(2.0, abs=0.15)
    assert numbers[held]["low"] < 2.0 < numbers[held]["high"]
    assert numbers[held]["sizes"] == 7
    # b (log U - q log N) + c log T = (b - c) (log U - q b/(b - c) log N) + c log(T/U), and the other way round
    other = {"epochs": 2.0 * (1.2 + 0.7) / 1.2, "tokens": 2.0 * (1.2 - 0.7) / 1.2}[held]
    which = {"epochs": "tokens", "tokens": "epochs"}[held]
    assert numbers[which]["p"] == pytest.approx(other, rel=0.1)
    best = max(numbers[held]["compared"].items(), key=lambda item: item[1]["held_out"])
    assert best[0] in ("free", "N/D^2")
    assert numbers[held]["compared"]["N/D"]["lead"] < -10
    assert "lead" not in numbers[held]["compared"]["free"]
    fit = excess_collapse(record.columns, held)
    assert fit.p == pytest.approx(numbers[held]["p"])
    with pytest.raises(ValueError, match="held is 'steps', expected one of epochs, tokens"):
        excess_collapse(record.columns, "steps")


def test_a_record_is_kept_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = excesses(tmp_path / "runs.csv", "tokens")
    options = ["--size", "N", "--tokens", "T", "--unique", "U", "--loss", "loss", "--least", "2"]
    words = ["--name", "made", "--title", "Made runs", "--out", str(tmp_path / "out")]
    assert cli.main(["repeated-data", str(path), *options, *words]) == 0
    told = capsys.readouterr().out
    assert "Made runs: 105 runs" in told
    assert "100,000,000 distinct tokens: least loss resolved for 0 of 7 sizes" in told
    assert "tokens fixed: p of N ~ D^p 2." in told or "tokens fixed: p of N ~ D^p 1.9" in told
    assert cli.main(["verify", "made", "--out", str(tmp_path / "out")]) == 0
    record = results.verify("made", tmp_path / "out")
    assert record.parameters["unique"] == "U"
    assert record.inputs[0]["name"] == "runs.csv"
    assert "runs.csv" in record.command
    again = summary_of(record.columns, record.parameters)
    assert again[EXCESS]["above"] == record.summary[EXCESS]["above"]
    assert cli.main(["repeated-data", str(path), *options, *words]) == 2  # it is there already
    assert "made" in capsys.readouterr().err


def test_a_changed_number_is_noticed(tmp_path: Path, parabolas: Path) -> None:
    records = [
        (repeated_record(parabolas, SETTINGS, **COMMON), (LEAST, "100000000", "worse_by")),
        (repeated_record(excesses(tmp_path / "e.csv", "tokens"), SETTINGS, **COMMON), (EXCESS, "tokens", "p")),
    ]
    for record, place in records:
        check(record)
        summary = json.loads(json.dumps(record.summary))
        entry = summary
        for key in place[:-1]:
            entry = entry[key]
        entry[place[-1]] *= 1.1
        with pytest.raises(ValueError, match=r"\.".join(place)):
            check(dataclasses.replace(record, summary=summary))
        columns = {key: values for key, values in record.columns.items() if key != "tokens"}
        with pytest.raises(ValueError, match="is incomplete: 'tokens'"):
            check(dataclasses.replace(record, columns=columns))
    with pytest.raises(ValueError, match="is of kind 'best-sizes'; expected 'repeated-data'"):
        check(dataclasses.replace(records[0][0], kind="best-sizes"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(1e8, 1e9, 2e9, 3.0)], "a run read 1e+09 tokens, 2e+09 distinct ones among them"),
        ([(1e8, 1e9, 1e9, -3.0)], "column 'loss' holds '-3.0', expected positive numbers"),
        ([(1e8, 1e9, 1e9, 3.0)], "no 3 sizes on the same data, and no run to compare another with"),
    ],
)
def test_files_that_say_nothing(tmp_path: Path, rows: list[tuple[float, ...]], words: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        repeated_record(write(tmp_path / "runs.csv", rows), SETTINGS, **COMMON)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"least": 1}, "least is 1, expected at least 2 sizes"),
        ({"near": 1.0}, "near is 1.0, expected a number above 1"),
        ({"floor": 0.0}, "floor is 0.0, expected a positive number"),
        ({"level": 1.0}, "level is 1.0, expected a number between 0 and 1"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(SETTINGS, **change)
