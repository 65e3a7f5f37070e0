"""The command line on tiny models, as real processes: measuring, refusing, interrupting, resuming."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beyond_scaling import cli, results
from beyond_scaling.cli.radius import CONTROLS, record_name
from beyond_scaling.durable import held
from beyond_scaling.models.llama2c import Shape
from beyond_scaling.radius import check

from .models import tiny

SHAPE = Shape(dim=8, hidden=8, layers=1, heads=2, kv_heads=1, vocab=290, context=16, tied=True)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny models and text of every kind."""
    folder = tmp_path_factory.mktemp("bench")
    tiny.save_model(folder / "gpt2", "gpt2")
    tiny.save_model(folder / "llama", "llama")
    tiny.write_llama2c(folder / "small.bin", SHAPE, tiny.llama2c_arrays(SHAPE))
    tiny.write_llama2c_tokenizer(folder / "words.bin", [bytes([c]) for c in b" abcdefghinortuw."] + [b" t", b"he"])
    (folder / "prose.txt").write_text(tiny.prose(2000))
    (folder / "texts").mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / "texts" / name).write_text(tiny.prose(1000))
    rows = [tiny.prose(300, seed) for seed in range(6)]
    pq.write_table(pa.table({"body": rows, "number": list(range(6))}), folder / "rows.parquet")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "BEYOND_SCALING_RESULTS": str(folder / "results"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


def run(bench: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beyond_scaling.cli", *arguments]
    return subprocess.run(
        command, cwd=bench, env=environment(folder), capture_output=True, text=True, timeout=300, check=False
    )


def call(monkeypatch: pytest.MonkeyPatch, bench: Path, folder: Path, *arguments: str) -> int:
    """The same in this process, which has torch loaded already."""
    monkeypatch.chdir(bench)
    for key in ("BEYOND_SCALING_RESULTS", "XDG_CACHE_HOME", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(key, environment(folder)[key])
    try:
        return cli.main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


def test_a_gpt2_folder_is_measured_and_verified(bench: Path, tmp_path: Path) -> None:
    options = ["--model", "gpt2", "--text", str(bench / "rows.parquet"), "--column", "body"]
    options += ["--chunks", "80", "--length", "16"]
    done = run(bench, tmp_path, "radius", *options, "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "80 vectors of width n = 16" in done.stdout
    assert "activations" in done.stderr, "the progress bar"
    record = results.verify("radius-gpt2", tmp_path / "results")
    check(record)
    assert record.command == (
        "beyond-scaling radius --model gpt2 --text rows.parquet --column body --chunks 80 --length 16 --seed 7"
    )
    assert record.seed == 7
    assert (np.diff(record.columns["document"]) >= 0).all()
    assert not list((tmp_path / "cache").rglob("*.np[yz]")), "work in progress is cleared"
    sound = run(bench, tmp_path, "verify")
    assert (sound.returncode, sound.stdout) == (0, "radius-gpt2: sound\n")
    same = run(bench, tmp_path, "verify", "--data", str(bench))
    assert same.returncode == 0, same.stderr
    assert same.stdout == f"radius-gpt2: sound, {len(record.inputs)} inputs the same\n"
    (tmp_path / "results" / "radius-gpt2" / "columns.parquet").write_bytes(b"no")
    broken = run(bench, tmp_path, "verify", "radius-gpt2")
    assert broken.returncode == 1
    assert "columns.parquet has SHA-256" in broken.stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("radius-llama", "--model llama --text prose.txt --length 12 --dtype bfloat16 --layers 1 --controls all"),
        ("mine", "--model small.bin --tokenizer words.bin --text prose.txt --length 12 --name mine"),
        ("halves", "--model gpt2 --text texts --length 32 --name halves --fractions 0.5 1 --no-controls --documents 1"),
    ],
)
def test_other_models_and_texts(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: str
) -> None:
    out = tmp_path / "elsewhere"
    given = ["radius", *options.split(), "--chunks", "40", "--quiet", "--out", str(out)]
    assert call(monkeypatch, bench, tmp_path, *given) == 0
    record = results.verify(name, out)
    check(record)
    assert not (tmp_path / "results").exists()
    assert str(tmp_path) not in record.command
    if name == "radius-llama":
        assert record.parameters["dtype"] == "bfloat16"
        assert record.parameters["sites"] == ["layer-1", "before", "after"]
        assert set(record.summary["controls"]) == {"gaussian", "untrained", "shuffled", "rescaled"}
        assert record.summary["function_change"] == 0.0, "a power of two changes no digit"
        assert record.command.endswith("--layers 1 --controls all --chunks 40 --quiet --out elsewhere")
    if name == "halves":
        assert list(record.summary["sites"]["before"]["distance"]) == ["0.5", "1"]
        assert record.summary["controls"] == {}
        assert record.parameters["documents"] == record.summary["documents"] == 1


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(bench: Path, tmp_path: Path, blow: signal.Signals) -> None:
    line = "radius --model gpt2 --text prose.txt --chunks 3600 --length 32 --controls none --name long"
    options = shlex.split(line)
    slowly = [*options, "--batch-size", "1", "--quiet"]
    command = [sys.executable, "-m", "beyond_scaling.cli", *slowly]
    process = subprocess.Popen(
        command,
        cwd=bench,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        # A suite started in the background may itself ignore Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(blow, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 200
    while not list((tmp_path / "cache").rglob("activations.json")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(blow)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "of 3,600 chunks are done; the same command goes on from there" in errors
    assert "Traceback" not in errors
    done = int(errors.partition("interrupted: ")[2].partition(" of")[0].replace(",", ""))
    assert 0 < done < 3600
    assert not (tmp_path / "results").exists()
    if blow == signal.SIGTERM:
        return
    again = run(bench, tmp_path, *options)
    assert again.returncode == 0, again.stderr
    assert f"{done}/3600" in again.stderr, "it begins where it was"
    check(results.verify("long", tmp_path / "results"))


def test_what_was_measured_stays_unless_forced(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    options = [
        "radius",
        "--model",
        "gpt2",
        "--text",
        "prose.txt",
        "--chunks",
        "20",
        "--length",
        "8",
        "--quiet",
    ]
    assert call(monkeypatch, bench, tmp_path, *options) == 0
    before = results.verify("radius-gpt2", tmp_path / "results")
    capsys.readouterr()
    assert call(monkeypatch, bench, tmp_path, *options, "--seed", "1") == 2
    assert "record 'radius-gpt2' exists already; give --force" in capsys.readouterr().err
    assert results.verify("radius-gpt2", tmp_path / "results").created == before.created
    shutil.copytree(bench / "gpt2", tmp_path / "gpt2")
    (tmp_path / "gpt2" / "model.safetensors").unlink()
    spoiled = ["radius", "--model", str(tmp_path / "gpt2"), *options[3:], "--force"]
    assert call(monkeypatch, bench, tmp_path, *spoiled) == 2
    assert results.verify("radius-gpt2", tmp_path / "results").seed == 0, "a failed run replaces nothing"
    assert call(monkeypatch, bench, tmp_path, *options, "--seed", "1", "--force") == 0
    assert results.verify("radius-gpt2", tmp_path / "results").seed == 1


@pytest.mark.parametrize("options", [{"--out": "prose.txt"}, {"--work": "prose.txt"}, {"--title": "in ~/x"}])
def test_what_would_fail_at_the_end_fails_at_the_start(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, options: dict[str, str]
) -> None:
    monkeypatch.setattr("beyond_scaling.radius.measure.measure_radius", None)  # calling it would be a TypeError
    given = [part for pair in (GOOD | options).items() for part in pair]
    assert call(monkeypatch, bench, tmp_path, "radius", "--quiet", *given) == 2
    assert capsys.readouterr().err.startswith("beyond-scaling: error: ")
    assert not list((tmp_path).rglob("*.npz"))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("facebook/opt-1.3b", "radius-opt-1.3b"),
        ("Qwen/Qwen2.5-0.5B", "radius-qwen2.5-0.5b"),
        ("models/stories260K.bin", "radius-stories260k"),
        ("my models/A b", "radius-a-b"),
    ],
)
def test_the_records_name_is_the_models(model: str, name: str) -> None:
    assert record_name(model) == name


def test_a_folder_that_lost_its_record_is_not_passed_over(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "results").mkdir()
    assert call(monkeypatch, bench, tmp_path, "verify") == 0
    assert capsys.readouterr().out.startswith("no records in ")
    (tmp_path / "results" / "lost").mkdir()
    (tmp_path / "results" / "lost" / "columns.parquet").write_bytes(b"PAR1")
    assert call(monkeypatch, bench, tmp_path, "verify") == 1
    assert "no record 'lost'" in capsys.readouterr().err


def test_an_interrupt_while_saving_keeps_the_work(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    given = ["radius", "--quiet", *(part for pair in GOOD.items() for part in pair)]

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results, "save", stop)
        assert call(monkeypatch, bench, tmp_path, *given) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert call(monkeypatch, bench, tmp_path, *given) == 0
    check(results.verify("radius-gpt2", tmp_path / "results"))


def test_what_cannot_be_saved_is_kept(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    given = ["radius", "--quiet", *(part for pair in GOOD.items() for part in pair), "--work", str(tmp_path / "work")]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", full)
        assert call(monkeypatch, bench, tmp_path, *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "record 'radius-gpt2' cannot be written to" in line
    assert "No space left on device; what was measured is kept in" in line
    assert call(monkeypatch, bench, tmp_path, *given) == 0
    assert not (tmp_path / "work").exists()


def test_one_command_at_a_time_works_in_a_folder(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    given = ["radius", "--quiet", *(part for pair in GOOD.items() for part in pair), "--work", str(tmp_path / "work")]
    with held(tmp_path / "work"):
        assert call(monkeypatch, bench, tmp_path, *given) == 2
        assert "work is in use by another command" in capsys.readouterr().err
    assert not (tmp_path / "work").exists(), "it was empty"
    assert call(monkeypatch, bench, tmp_path, *given) == 0


GOOD = {"--model": "gpt2", "--text": "prose.txt", "--chunks": "20", "--length": "8"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--model": "nowhere/at/all"}, "nowhere/at/all: no such file or folder"),
        ({"--model": "prose.txt", "--tokenizer": "words.bin"}, "prose.txt: "),
        ({"--model": "small.bin"}, "small.bin: a llama2.c model brings no tokenizer"),
        ({"--tokenizer": "rows.parquet"}, "rows.parquet: "),
        ({"--text": "missing.txt"}, "missing.txt: no such file or folder"),
        ({"--text": "rows.parquet"}, "rows.parquet: no column 'text'; it has body, number"),
        ({"--chunks": "1000000"}, "too little text: 1 documents"),
        ({"--chunks": "none"}, "--chunks: 'none' is not a whole number"),
        ({"--chunks": "0"}, "--chunks: '0' is not a whole number of at least 1"),
        ({"--chunks": "2"}, "fraction 0.4 of 2 chunks"),
        ({"--length": "33"}, "chunks of 33 tokens are longer than the model's context of 32"),
        ({"--seed": "-1"}, "--seed"),
        ({"--layers": "most"}, "--layers: 'most': expected `all` or whole numbers such as 0,3,6"),
        ({"--layers": "1,"}, "--layers: '1,'"),
        ({"--layers": "3"}, "layer 3: expected a number in 0...2"),
        ({"--controls": "gaussian,noise"}, "--controls: 'noise': expected all, none, or some of gaussian,"),
        ({"--batch-size": "0"}, "--batch-size: '0' is not a whole number of at least 1"),
        ({"--batch-size": "most"}, "--batch-size: 'most' is not a whole number of at least 1"),
        ({"--fractions": "1.5"}, "--fractions: '1.5' is not a number in (0, 1]"),
        ({"--device": "nowhere"}, "device 'nowhere' is not available"),
        ({"--dtype": "int4"}, "--dtype: invalid choice"),
        ({"--name": "../up"}, "name '../up'"),
        ({"--name": ""}, "name ''"),
        ({"--work": "prose.txt"}, "work folder prose.txt: cannot be written"),
        ({"--out": "prose.txt"}, "folder of results prose.txt: cannot be written"),
        ({"--out": "prose.txt/deeper"}, "folder of results prose.txt/deeper: cannot be written"),
        ({"--out": ""}, "--out: expected a folder"),
        ({"--title": "GPT-2 on /data/prose"}, "title holds a path of this machine"),
        ({"--documents": "9" * 30}, "--documents: a number of 30 digits is too large"),
        ({"--chunks": "9" * 5000}, "--chunks: a number of 5000 digits is too large"),
        ({"--device": "meta"}, "device 'meta' is not available"),
        ({"--colour": "red"}, "unrecognized arguments"),
        ({"--preset": "other"}, "--preset: invalid choice"),
    ],
)
def test_bad_input_is_one_line(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    changes: dict[str, str | None], words: str,
) -> None:  # fmt: skip
    options = [part for pair in (GOOD | changes).items() if pair[1] is not None for part in pair]
    assert call(monkeypatch, bench, tmp_path, "radius", "--quiet", *options) == 2
    captured = capfd.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("beyond-scaling: error: ")
    assert words in line
    assert captured.out == ""
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "required"),
        ("measure", "invalid choice"),
        ("verify nothing", "no record 'nothing'"),
        ("verify --out nowhere", "--out nowhere: no such folder"),
        ("verify --data nowhere", "--data nowhere: no such folder"),
        ("radius --model no-such-model --text prose.txt", "no-such-model: no such file or folder here"),
        ("radius --model gpt2 --text no-such-dataset --length 8 --quiet", "dataset no-such-dataset: cannot be opened"),
    ],
)
def test_bad_input_of_a_real_process(bench: Path, tmp_path: Path, arguments: str, words: str) -> None:
    done = run(bench, tmp_path, *arguments.split())  # without a hub, whose libraries look at the start for one
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("beyond-scaling: error: ")
    assert words in line
    assert done.stdout == ""


def test_the_preset_is_the_papers_and_yields_to_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bench: Path
) -> None:
    asked: dict[str, Any] = {}

    def stop(loaded: Any, source: Any, settings: Any, **options: Any) -> None:
        asked.update(options, source=source, settings=settings)
        raise ValueError("far enough")

    real = "beyond_scaling.models.load.load_model"
    monkeypatch.setattr(real, lambda spec, *_: asked.update(spec=spec) or tiny_loaded(bench))
    monkeypatch.setattr("beyond_scaling.radius.measure.measure_radius", stop)
    assert call(monkeypatch, bench, tmp_path, "radius", "--preset", "paper") == 2
    assert asked["spec"] == "openai-community/gpt2-medium"
    assert asked["source"].dataset == ("Skylion007/openwebtext", None, "train")
    assert (asked["settings"].chunks, asked["settings"].length) == (100_000, 256)
    assert asked["settings"].fractions == (0.4, 0.6, 0.8, 1.0)
    assert asked["settings"].controls == ("gaussian",)
    assert asked["settings"].batch_size is None
    assert asked["name"] == "radius-gpt2-medium"
    assert call(monkeypatch, bench, tmp_path, "radius", "--preset", "paper", "--chunks", "500", "--name", "quick") == 2
    assert (asked["settings"].chunks, asked["name"]) == (500, "quick")


def tiny_loaded(bench: Path) -> Any:
    from beyond_scaling.models.load import LoadedModel

    return LoadedModel(tiny.model(), tiny.save_tokenizer(bench / "words"), "gpt2-medium", ())


def test_inputs_that_changed_or_are_gone_are_told_line_by_line(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    data = tmp_path / "data"
    shutil.copytree(bench / "gpt2", data / "models" / "gpt2")
    shutil.copy(bench / "prose.txt", data)
    given = ["radius", "--quiet", *(part for pair in GOOD.items() for part in pair)]
    assert call(monkeypatch, bench, tmp_path, *given) == 0
    assert call(monkeypatch, bench, tmp_path, "verify", "--data", str(data)) == 0
    (data / "prose.txt").write_text("other words")
    (data / "models" / "gpt2" / "config.json").unlink()
    capsys.readouterr()
    assert call(monkeypatch, bench, tmp_path, "verify", "--data", str(data)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert len(lines) == 2
    for name in ("prose.txt", "config.json"):
        assert sum(name in line for line in lines) == 1
    assert all(line.startswith("record 'radius-gpt2': ") for line in lines)
    assert call(monkeypatch, bench, tmp_path, "verify") == 0, "inputs are not looked for unless asked"


@pytest.mark.parametrize(
    ("given", "controls", "layers", "batch"),
    [
        ("", ("gaussian",), None, None),
        ("--controls --layers all --batch-size auto", CONTROLS, "all", None),
        ("--controls all --layers 2,0,2 --batch-size 8", CONTROLS, (0, 2), 8),
        ("--controls none", (), None, None),
        ("--no-controls", (), None, None),
        ("--controls rescaled,gaussian", ("gaussian", "rescaled"), None, None),
    ],
)
def test_layers_controls_and_batch_are_understood(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    given: str, controls: tuple[str, ...], layers: Any, batch: int | None,
) -> None:  # fmt: skip
    asked: dict[str, Any] = {}

    def stop(loaded: Any, source: Any, settings: Any, **options: Any) -> None:
        asked["settings"] = settings
        raise ValueError("far enough")

    monkeypatch.setattr("beyond_scaling.models.load.load_model", lambda *_: tiny_loaded(bench))
    monkeypatch.setattr("beyond_scaling.radius.measure.measure_radius", stop)
    options = [part for pair in GOOD.items() for part in pair]
    assert call(monkeypatch, bench, tmp_path, "radius", *options, *given.split()) == 2
    settings = asked["settings"]
    assert (settings.controls, settings.layers, settings.batch_size) == (controls, layers, batch)


def test_help_reads_well(capsys: Any) -> None:
    from beyond_scaling.radius import settings

    with pytest.raises(SystemExit):
        cli.main(["radius", "--help"])
    text = capsys.readouterr().out
    for part in ("model:", "text:", "measuring:", "controls:", "output:", "examples:"):
        assert f"\n{part}\n" in text
    assert "torchrun --nproc-per-node=" in text
    assert max(map(len, text.splitlines())) <= 100
    assert CONTROLS == settings.CONTROLS


def torchrun(bench: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--rdzv-backend=c10d"]
    command = [sys.executable, *launch, "--rdzv-endpoint=localhost:0", "-m", "beyond_scaling", *arguments]
    return subprocess.run(
        command, cwd=bench, env=environment(folder), capture_output=True, text=True, timeout=300, check=False
    )


def test_two_processes_measure_what_one_does(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["radius", *(part for pair in GOOD.items() for part in pair), "--controls", "all", "--batch-size", "4"]
    done = torchrun(bench, tmp_path, *options, "--layers", "all", "--name", "two", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("record: ") == 1, "one of them speaks"
    two = results.verify("two", tmp_path / "results")
    check(two)
    assert call(monkeypatch, bench, tmp_path, *options, "--layers", "all", "--name", "one", "--quiet") == 0
    one = results.verify("one", tmp_path / "results")
    assert two.summary == one.summary
    for name, column in one.columns.items():
        np.testing.assert_array_equal(two.columns[name], column)
    assert (one.parameters["processes"], two.parameters["processes"]) == (1, 2)
    assert not list((tmp_path / "cache").rglob("*.np[yz]")), "work in progress is cleared"


def test_an_error_of_several_processes_is_one_line(bench: Path, tmp_path: Path) -> None:
    options = [part for pair in (GOOD | {"--chunks": "1000000"}).items() for part in pair]
    done = torchrun(bench, tmp_path, "radius", *options, "--quiet")
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("beyond-scaling: ")]
    assert len(lines) == 1
    assert lines[0].startswith("beyond-scaling: error: too little text: 1 documents")
    assert "exitcode  : 2" in done.stderr, "and torchrun ends the others"


@pytest.mark.parametrize(("number", "lines"), [("0", 1), ("1", 0)])
def test_of_several_processes_the_first_speaks(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, number: str, lines: int
) -> None:
    """Unless another alone knows what is wrong."""
    monkeypatch.setenv("RANK", number)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert call(monkeypatch, bench, tmp_path, "radius", "--chunks", "none") == 2
    assert len(capsys.readouterr().err.splitlines()) == lines
    options = [part for pair in GOOD.items() for part in pair]
    assert call(monkeypatch, bench, tmp_path, "radius", *options, "--device", "cuda:1") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("beyond-scaling: error: device 'cuda:1': under torchrun expected auto")
