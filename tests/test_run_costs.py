"""What commands cost: measured, added up and estimated; and the records of measurements."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from beyond_scaling import cli, commands, results, run_costs
from beyond_scaling.commands import Command, Cost
from beyond_scaling.models.parameters import gpt2_parameters
from beyond_scaling.results import RecordError

from .conftest import ROOT

BOX = Command("box", "laptop", "The radius.", "beyond-scaling radius", Cost("record"))
GRAMMAR = dataclasses.replace(
    BOX, id="grammar", records=("grammar-100-lines-*",), cost=Cost("records", short="beyond-scaling sweep x")
)
SAMPLES = [(0.0, 10, 1), (1.0, 3_000_000_000, 2), (2.0, 20, 1)]
BOOK = ROOT / "book" / "results"


def made_summary(**changes: float) -> dict[str, float]:
    return {"wall_s": 2.5, "cpu_s": 24.0, "peak_bytes": 3_000_000_000, "load": 0.5} | changes


def made(command: Command = BOX, root: Path | None = None) -> results.Record:
    record = run_costs.make(command, samples=SAMPLES, wall_s=2.5, cpu_s=24.0, load=0.5, how="python tools/costs.py box")
    if root is not None:
        results.save(record, root, overwrite=True)
    return record


def test_a_measurement_is_a_record_that_verifies(tmp_path: Path) -> None:
    made(root=tmp_path)
    assert cli.main(["verify", "--out", str(tmp_path)]) == 0
    told = run_costs.told(BOX, tmp_path)
    assert (told.seconds, told.bytes) == ((24.0,), 3_000_000_000)
    assert told.words() == "24 seconds of one core and 3.0 GB of memory, measured."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"summary": made_summary(peak_bytes=5)}, "summary.peak_bytes is 5; its columns give 3000000000"),
        ({"duration_s": 9.0}, "summary.wall_s is 2.5; it took 9.0"),
        ({"summary": {"wall_s": 2.5}}, "summary.cpu_s is missing"),
        ({"kind": "radius"}, "kind is 'radius'; expected 'run-cost'"),
    ],
)
def test_a_measurement_that_is_not_sound(change: dict[str, object], words: str) -> None:
    with pytest.raises(RecordError, match=re.escape(words)):
        run_costs.check(dataclasses.replace(made(), **change))


def test_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="command 'box': no sample of its memory"):
        run_costs.make(BOX, samples=[], wall_s=1, cpu_s=1, load=0, how="x")


def test_a_measurement_of_a_command_that_has_changed_is_refused(tmp_path: Path) -> None:
    made(root=tmp_path)
    changed = dataclasses.replace(BOX, run="beyond-scaling radius --chunks 3")
    with pytest.raises(RecordError, match=re.escape("measure it again: python tools/costs.py box")):
        run_costs.told(changed, tmp_path)


def test_durations_are_added_up_and_memory_is_of_a_short_run(tmp_path: Path) -> None:
    names = run_costs.matching(GRAMMAR.records, results.names(BOOK))
    assert len(names) >= 3
    for name in names:
        results.save(results.load(name, BOOK), tmp_path)
    total = sum(results.load(name, BOOK).duration_s for name in names)
    told = run_costs.told(GRAMMAR, tmp_path)
    assert (told.kind, told.seconds, told.bytes, told.runs) == ("records", (total,), None, len(names))
    made(GRAMMAR, tmp_path)
    assert run_costs.told(GRAMMAR, tmp_path).bytes == 3_000_000_000
    assert "; 3.0 GB of memory, by a short run of the same size." in run_costs.told(GRAMMAR, tmp_path).words()
    as_written = dataclasses.replace(GRAMMAR, id="again", cost=Cost("record"))
    assert run_costs.told(as_written, tmp_path).words().endswith(f" for {len(names)} runs, by their records.")
    assert run_costs.told(BOX, tmp_path).words() == "Not measured."


def test_the_radius_is_estimated_as_its_notebook_does() -> None:
    cost = Cost("radius", values={"chunks": 100_000, "length": 256, "sites": 6, "processors": 4})
    told = run_costs.told(dataclasses.replace(BOX, place="gpus", cost=cost))
    n, layers, width = gpt2_parameters().blocks, 24, 1024
    one = 2 * n * 1e5 * 256 + 4 * layers * width * 1e5 * 256**2
    expected = 4 * one + 25 * width * 1e5 * (1e5 - 1)
    assert told.operations == pytest.approx(expected, rel=1e-9)
    assert told.seconds == pytest.approx([expected / 4e14, expected / 4e13])
    words = "An estimate, not a measurement: 6.5 · 10¹⁶ operations, so 2.7 minutes at 100 TFLOP/s"
    assert told.words().startswith(words)


def test_a_sweep_is_estimated_without_its_tokens() -> None:
    from beyond_scaling.models.sizes import flops_per_token
    from beyond_scaling.training.build import model_config
    from beyond_scaling.training.plan import load

    cost = Cost("training", values={"sweep": "cpu-light", "vocabulary": 512})
    told = run_costs.told(dataclasses.replace(BOX, cost=cost))
    runs = load("cpu-light")
    expected = sum(
        run.config.run.steps * run.config.run.batch * 64 * flops_per_token(model_config(run.config.model, 512, 64), 64)
        for run in runs
    )
    assert told.operations == pytest.approx(expected)
    assert told.runs == len(runs)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 seconds"), (24, "24 seconds"), (91, "1.5 minutes"), (3600, "60 minutes"), (12_960, "3.6 hours"),
     (1e6, "12 days")],
)  # fmt: skip
def test_times_in_words(seconds: float, words: str) -> None:
    assert run_costs.in_time(seconds) == words


def test_the_books_measurements_are_of_its_commands() -> None:
    """From clean code, and none left over."""
    known = commands.load(ROOT / "book" / commands.FILE)
    told = run_costs.all_told(known, BOOK)
    assert set(told) == set(known)
    names = [name for name in results.names(BOOK) if name.startswith(run_costs.PREFIX)]
    assert names
    for name in names:
        assert run_costs.is_measured(known[name.removeprefix(run_costs.PREFIX)])
        assert results.load(name, BOOK).commit["dirty"] is False
