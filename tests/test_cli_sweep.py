"""`sweep`: what it lists, runs, reports and refuses."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from beyond_scaling import cli, results
from beyond_scaling.training import loop

from .training import tiny

SWEEP = '\n[[runs]]\nname = "s-{run.seed}"\ntitle = "Seed {run.seed}"\ngrid.run.seed = [0, 1]\n'
WHERE = ["--out", "results", "--work", "work"]
SERIALLY = [*WHERE, "--on", "serial", "--threads", "1"]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """call(arguments) -> exit code, output, errors; in a folder with s.toml, a sweep, and run.toml, a single run."""
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(tiny.toml() + SWEEP)
    Path("run.toml").write_text(tiny.toml())

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main(["sweep", *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_from_a_list_to_records_and_again(call: Any) -> None:
    code, out, _ = call("s.toml", "--dry-run", *WHERE)
    header, first, *_, total, left = out.splitlines()
    assert code == 0
    assert header.split() == ["run", "steps", "parameters", "tokens", "FLOP"]
    block = 4 * 16 * 16 + 2 * 16 * 64 + (64 + 16) + 4 * 16  # attention, feed-forward and its biases, two norms
    assert first.split()[:3] == ["s-0", "12", f"{2 * block:,}"]
    assert (total.split()[:2], left.split()[:3]) == (["2", "runs,"], ["2", "to", "run,"])
    assert not Path("results").exists()
    flop = float(total.split()[2])
    assert call("s.toml", "--dry-run", "--speed", "1e6", *WHERE)[1].splitlines()[-1] == (
        f"2 to run, {flop:.3g} FLOP, {flop / 3.6e9:.3g} hours"
    )
    assert "--speed: only with --dry-run" in call("s.toml", "--speed", "1e6", *WHERE)[2]
    for wrong in ("0", "inf", "fast"):
        code, _, err = call("s.toml", "--dry-run", f"--speed={wrong}", *WHERE)
        assert (code, f"{wrong!r} is not a finite number above 0" in err) == (2, True)

    code, out, err = call("s.toml", *SERIALLY, "--only", "*-1")
    assert code == 0, err
    assert "0 of 1 runs" in err
    assert "s-1: done" in err
    assert out.splitlines()[-1] == "1 of 1 runs have records in results"
    record = results.verify("s-1", "results")
    assert (record.title, record.seed, record.kind) == ("Seed 1", 1, "training")
    assert record.command == "beyond-scaling sweep s.toml " + " ".join(SERIALLY) + " --only s-1"
    assert [item["name"] for item in record.inputs] == ["s.toml"]

    code, out, err = call("s.toml", *SERIALLY, "--quiet")
    assert (code, err) == (0, "")
    header, *rows, last = out.splitlines()
    assert header.split() == ["run", "steps", "training", "loss", "least", "validation", "loss"]
    assert [row.split()[:2] for row in rows] == [["s-0", "done"], ["s-1", "done"]]
    assert "done before" in rows[1]
    assert f"{results.load('s-0', 'results').summary['train']['last']:.4f}" in rows[0]
    assert last == "2 of 2 runs have records in results"
    assert call("s.toml", "--dry-run", *WHERE)[1].splitlines()[-1] == "0 to run, 0 FLOP"


def test_a_run_that_fails_is_reported_and_the_code_is_1(call: Any) -> None:
    wild = 'set = { "optimiser.learning_rate" = 1e38, "optimiser.clip" = 0.0 }'
    Path("s.toml").write_text(tiny.toml() + SWEEP + f'[[runs]]\nname = "wild"\n{wild}\n')
    code, out, err = call("s.toml", *SERIALLY, "--quiet")
    assert code == 1
    assert err.startswith("beyond-scaling: wild: the ")
    assert len(err.splitlines()) == 1
    assert "wild  failed (1 attempt)" in out
    assert "wild: the " in out
    assert out.splitlines()[-1] == "2 of 3 runs have records in results"


def test_interrupted_it_says_what_is_kept_and_goes_on(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step = loop._step

    def interrupted(*arguments: Any) -> None:
        step(*arguments)
        if arguments[0].run.seed == 1 and arguments[-1] == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop, "LOOK_S", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "_step", interrupted)
        code, out, err = call("s.toml", *SERIALLY, "--quiet")
    assert (code, out) == (130, "")
    assert err == (
        "beyond-scaling: interrupted: 1 of 2 runs have ended; the same command goes on from there (kept in"
        f" {Path('work').absolute()})\n"
    )
    assert "6 steps done" in call("s.toml", "--dry-run", *WHERE)[1]
    assert call("s.toml", *SERIALLY, "--quiet")[0] == 0
    assert not Path("work").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.toml"], "no.toml: No such file or directory; expected a TOML file or one of "),
        (["run.toml"], "run.toml: a single run, expected a sweep with [[runs]]; `beyond-scaling train` takes it"),
        (["s.toml", "--only", "x"], "no run is called 'x'; there are s-0, s-1"),
        (["s.toml", "--set", "run.seed=1"], "[[runs]] 1: run.seed is in the grid, and set to one value as well"),
        (["s.toml", "--set", "model.heads=3"], "hidden_size is 16"),
        (["s.toml", "--set", "run.stepz=3"], "run.stepz: unknown"),
        (["s.toml", "--address", "127.0.0.1:1"], "no Ray cluster at 127.0.0.1:1: Connection refused"),
        (["s.toml", "--address", "here:1", "--on", "serial"], "address here:1: of a Ray cluster"),
        (["s.toml", "--gpus-per-run", "1.5"], "gpus is 1.5, expected a share of one in 0...1, or a whole number"),
        (["s.toml", "--device", "cuda:1", "--on", "ray"], "device 'cuda:1': on Ray expected auto, cpu or cuda"),
        (["s.toml", "--cpus-per-run", "0"], "is not a whole number of at least 1"),
        (["s.toml", "--on", "dask"], "invalid choice: 'dask'"),
        (["s.toml", "--out", "run.toml"], "folder of results run.toml: cannot be written"),
    ],
)  # fmt: skip
def test_one_line_for_what_is_wrong(call: Any, arguments: list[str], words: str) -> None:
    code, out, err = call(*WHERE, *arguments, "--quiet")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1, err
    assert err.startswith("beyond-scaling: error: ")
    assert words in err
    assert not Path("results").exists()
    assert not Path("work").exists()


def test_a_single_run_is_told_from_a_sweep(call: Any, capsys: Any) -> None:
    assert cli.main(["train", "s.toml", *WHERE]) == 2
    assert "s.toml: a sweep of several runs ([[runs]]), expected a single one" in capsys.readouterr().err
