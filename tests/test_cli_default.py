"""`beyond-scaling radius` with what comes in the box: out of a wheel, in an empty folder, with no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from beyond_scaling import cli, provenance, results
from beyond_scaling.corpora.default import default_text
from beyond_scaling.hopfield import digits
from beyond_scaling.models.default import default_model
from beyond_scaling.radius import check

from .conftest import ROOT
from .models import tiny

ALONE = """\
import socket


def refuse(*_, **__):
    raise OSError("a test of no network asks for one")


socket.socket.connect = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, timeout=100)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, away from any checkout, with a lock on the network."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    (folder / "sitecustomize.py").write_text(ALONE)
    return folder


def test_the_wheel_has_all_that_is_in_the_box_and_stays_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in (default_model(), default_text().parent, digits.FILE.parent):
        inside = f"beyond_scaling/{folder.relative_to(ROOT / 'src' / 'beyond_scaling').as_posix()}/"
        there = sorted(name.removeprefix(inside) for name in names if name.startswith(inside))
        assert there == sorted(path.name for path in folder.iterdir())
    records = sum(info.compress_size for info in zipfile.ZipFile(wheel).infolist() if "/book_results/" in info.filename)
    assert wheel.stat().st_size - records < 4_000_000
    assert records < 12_000_000


def test_no_arguments_no_network_nothing_but_the_package(installed: Path, tmp_path: Path) -> None:
    unwanted = (results.ROOT_VARIABLE, "HF_HUB_OFFLINE")
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    environment |= {"PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    (tmp_path / "empty").mkdir()
    with (tmp_path / "errors").open("w") as errors, (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "beyond_scaling", "radius"],
            cwd=tmp_path / "empty",
            env=environment,
            stdout=printed,
            stderr=errors,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (tmp_path / "errors").read_text()
    assert used.ru_utime + used.ru_stime < 60, "seconds of one core; the rest of the machine may be busy"
    told = (tmp_path / "printed").read_text()
    assert "2,000 vectors of width n = 96" in told
    assert told.splitlines()[-1] == f"record: {Path('results', 'radius-default')}"
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["results"]
    record = results.verify("radius-default", tmp_path / "empty" / "results")
    check(record)
    assert record.command == "beyond-scaling radius"
    assert record.title == "Nearest-neighbour distances of openelm-440k on flatland.txt"
    assert record.commit["hash"] is None, "it ran from the wheel"
    used_files = {item["name"]: item["sha256"] for item in record.inputs}
    for path in (default_model() / "model.safetensors", default_text()):
        assert used_files[path.name] == provenance.file_input(path)["sha256"]


def call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and what was to be measured when the measurement began."""
    asked: dict[str, Any] = {}

    def stop(loaded: Any, source: Any, settings: Any, **options: Any) -> None:
        asked.update(options, model=loaded.name, text=source.name, size=(settings.chunks, settings.length))
        raise ValueError("far enough")

    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setattr("beyond_scaling.radius.measure.measure_radius", stop)
    try:
        return cli.main(["radius", *arguments]), asked
    except SystemExit as end:
        return int(end.code or 0), asked


@pytest.mark.parametrize(
    ("given", "model", "text", "size", "name"),
    [
        ("", "openelm-440k", "flatland.txt", (2000, 64), "radius-default"),
        ("--chunks 90 --length 8", "openelm-440k", "flatland.txt", (90, 8), "radius-default"),
        ("--name mine", "openelm-440k", "flatland.txt", (2000, 64), "mine"),
        ("--model gpt2", "gpt2", "flatland.txt", (2000, 64), "radius-gpt2"),
        ("--text prose.txt", "openelm-440k", "prose.txt", (10_000, 256), "radius-openelm-440k"),
        ("--text prose.txt --model gpt2", "gpt2", "prose.txt", (10_000, 256), "radius-gpt2"),
        ("--preset paper --model gpt2 --text prose.txt", "gpt2", "prose.txt", (100_000, 256), "radius-gpt2"),
    ],
)
def test_the_box_fills_in_what_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, model: str, text: str, size: Any, name: str
) -> None:
    tiny.save_model(tmp_path / "gpt2", "gpt2")
    (tmp_path / "prose.txt").write_text(tiny.prose(100))
    monkeypatch.setenv(results.ROOT_VARIABLE, str(tmp_path / "records"))
    code, asked = call(monkeypatch, tmp_path, *given.split())
    assert code == 2
    assert (asked["model"], asked["text"], asked["size"], asked["name"]) == (model, text, size, name)
    assert asked["title"] == f"Nearest-neighbour distances of {model} on {text}"


def test_only_a_run_on_the_box_alone_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv(results.ROOT_VARIABLE, raising=False)
    (tmp_path / "prose.txt").write_text(tiny.prose(100))
    for folder in ("results", "book", "elsewhere"):
        (tmp_path / folder / "radius-default").mkdir(parents=True)
        (tmp_path / folder / "radius-openelm-440k").mkdir()
    monkeypatch.setattr(results.provenance, "checkout", lambda: None)
    assert call(monkeypatch, tmp_path)[0] == 2
    assert "record 'radius-default' exists already; give --force" in capsys.readouterr().err
    monkeypatch.setenv(results.ROOT_VARIABLE, str(tmp_path / "none-yet"))
    assert call(monkeypatch, tmp_path)[1]["name"] == "radius-default"
    monkeypatch.delenv(results.ROOT_VARIABLE)
    assert call(monkeypatch, tmp_path, "--out", "none-yet")[1]["name"] == "radius-default"
    capsys.readouterr()
    assert call(monkeypatch, tmp_path, "--text", "prose.txt")[0] == 2
    assert "no folder of results" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--model", ""], "--model is empty; expected a name (left out, it is the one in the box)"),
        (["--text", ""], "--text is empty; expected a name (left out, it is the one in the box)"),
        (["--tokenizer", "gpt2"], "--tokenizer goes with --model: the model in the box has its own"),
        (["--chunks", "80000"], "too little text: 1 documents"),
        (["--length", "257"], "chunks of 257 tokens are longer than the model's context of 256"),
        (["--layers", "5"], "layer 5: expected a number in 0...4"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], given: list[str], words: str
) -> None:
    monkeypatch.delenv(results.ROOT_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cli.main(["radius", "--quiet", *given]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("beyond-scaling: error: ")
    assert words in line
    assert not (tmp_path / "results").exists()


def test_the_help_counts_rightly(capsys: Any) -> None:
    from safetensors import safe_open

    with pytest.raises(SystemExit):
        cli.main(["radius", "--help"])
    told = re.search(r"OpenELM\s+of ([\d,]+) parameters", " ".join(capsys.readouterr().out.split()))[1]
    with safe_open(default_model() / "model.safetensors", "np") as weights:
        assert sum(weights.get_tensor(key).size for key in weights.keys()) == int(told.replace(",", ""))  # noqa: SIM118
