"""`train` as real processes: whole, killed, interrupted, short of disk, in parallel; and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import cli, results

from .training import tiny

ROOT = Path(__file__).parents[1]
LONG: dict[str, Any] = {"run__steps": 24, "run__evaluate_every": 7}


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with the records of runs that went through trouble, and what was seen of them."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "run.toml").write_text(tiny.toml(**LONG))
    script = Path(__file__).parent / "training" / "training_processes.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        capture_output=True, text=True, env=environment(), timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def same(one: str, other: str, root: Path) -> None:
    a, b = results.verify(one, root), results.verify(other, root)
    for name in a.columns:
        np.testing.assert_array_equal(a.columns[name], b.columns[name], err_msg=name)
    for key in ("sets", "train", "predictions", "steps"):
        assert a.summary[key] == b.summary[key]


def test_killed_at_any_moment_the_losses_are_those_of_a_whole_run(killed: tuple[Path, dict[str, Any]]) -> None:
    folder, seen = killed
    assert seen["whole"] == seen["killed"] == 0
    assert seen["kills"] == sorted(set(seen["kills"])), "each run went on from the last one's checkpoints"
    assert 0 < seen["kills"][0] < seen["kills"][-1] < 24
    assert not seen["left"], "a finished run leaves no work"
    same("whole", "killed", folder / "results")


def test_interrupted_it_says_where_it_is_and_goes_on(killed: tuple[Path, dict[str, Any]]) -> None:
    folder, seen = killed
    for blow in ("SIGINT", "SIGTERM"):
        assert seen[blow]["code"] == 130
        assert seen[blow]["errors"].startswith(f"beyond-scaling: interrupted: after step {seen[blow]['step']} of 24;")
        assert len(seen[blow]["errors"].splitlines()) == 1
    assert seen["resumed"] == 0
    same("whole", "sigint", folder / "results")


def test_a_full_disk_is_said_and_costs_nothing(killed: tuple[Path, dict[str, Any]]) -> None:
    folder, seen = killed
    assert seen["full"] == 2
    assert seen["room"] == 0
    same("whole", "full", folder / "results")


def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(tiny.toml(model__dropout=0.0, run__batch=6, run__accumulate=2))
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--rdzv-backend=c10d"]
    launch += ["--rdzv-endpoint=localhost:0", "-m", "beyond_scaling"]
    for name, start in (("one", ["-m", "beyond_scaling"]), ("two", launch)):
        options = ["train", "run.toml", "--name", name, "--out", "results", "--work", f"work-{name}", "--quiet"]
        done = subprocess.run(
            [sys.executable, *start, *options, "--device", "cpu", "--figure", "none", "--save", f"model-{name}"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("record:") == 1, "one process speaks"
    one, two = (results.verify(name, tmp_path / "results") for name in ("one", "two"))
    assert (one.parameters["processes"], two.parameters["processes"]) == (1, 2)
    assert one.columns["train_loss"].tolist() != []
    for name in ("train_loss", "gradient_norm", "validation_loss", "training_loss"):
        np.testing.assert_allclose(one.columns[name], two.columns[name], atol=1e-4, rtol=1e-4, err_msg=name)


def test_a_record_and_a_model_that_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    import torch

    from beyond_scaling.models.own import introduce
    from beyond_scaling.training.batches import IGNORED
    from beyond_scaling.training.build import build

    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(tiny.toml())
    given = ["train", "mine.toml", "--set", "run.seed=4", "--out", "results", "--work", "work", "--save", "model"]
    assert cli.main(given) == 0
    shown = capsys.readouterr()
    assert "known beforehand: entropy" in shown.out
    assert "12/12" in shown.err, "the progress bar"
    assert shown.out.endswith("figure: mine.html\n")
    assert "Plotly.newPlot" in Path("mine.html").read_text(encoding="utf-8")
    record = results.verify("mine", "results")
    assert (record.seed, record.kind, record.command) == (4, "training", "beyond-scaling " + " ".join(given))
    assert [item["name"] for item in record.inputs] == ["mine.toml"]
    assert record.parameters["stopped"] == "12 steps"
    introduce("beyond_vanilla")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("model").eval()
    chosen = build(tiny.config(run__seed=4)).sets["validation"]
    with torch.inference_mode():
        _, nll = model.token_losses(*(torch.from_numpy(a.astype(np.int64)) for a in (chosen.inputs, chosen.targets)))
    assert record.summary["sets"]["validation"]["last"] == pytest.approx(
        nll.item() / (chosen.targets != IGNORED).sum(), abs=1e-5
    )
    assert record.summary["targets"]["validation"] == chosen.count
    assert sum(p.numel() for p in model.parameters()) == record.summary["model"]["total"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["no.toml"], "no.toml: No such file or directory; expected a TOML file or one of "),
        (["mine.toml", "--set", "run.stepz=3"], "mine.toml: run.stepz: unknown; [run] knows steps, batch"),
        (["mine.toml", "--set", "run.steps=ten"], "mine.toml: run.steps is 'ten', expected a whole number"),
        (["mine.toml", "--set", "run"], "mine.toml: 'run': expected section.key=value"),
        (["mine.toml", "--name", "A b"], "name 'A b': expected lower-case letters"),
        (["mine.toml", "--device", "cuda:9"], "device 'cuda:9' is not available"),
        (["mine.toml", "--save", "taken"], "taken: exists already"),
        (["mine.toml", "--set", "data.file=none.txt", "--set", "data.weighting=released"], "none.txt: No such file"),
        (["mine.toml", "--set", "model.heads=3"], "hidden_size is 16; expected an even multiple"),
        (["tokens.toml"], "nowhere: no such folder of tokens"),
        (["mine.toml", "--figure", "mine.png"], "expected a file that ends in .html, or none"),
        (["mine.toml", "--threads", "0"], "is not a whole number of at least 1"),
    ],
)
def test_one_line_for_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(tiny.toml())
    Path("tokens.toml").write_text(
        '[model]\nkind = "openelm"\nwidth = 32\n[data]\nkind = "tokens"\npath = "nowhere"\n[run]\nsteps = 1\n'
    )
    Path("taken").mkdir()
    Path("taken/note").touch()
    try:
        code = cli.main(["train", *options, "--out", "results", "--work", "work", "--quiet"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    shown = capsys.readouterr()
    assert code == 2, shown
    assert len(shown.err.splitlines()) == 1, shown.err
    assert shown.err.startswith("beyond-scaling: error: ")
    assert words in shown.err
    assert not Path("results").exists()
    assert not Path("work").exists()


def test_another_configuration_in_the_same_work_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(tiny.toml())
    given = ["train", "mine.toml", "--out", "results", "--work", "work", "--quiet"]
    Path("results").mkdir()
    Path("results").chmod(0o755)
    monkeypatch.setattr(results, "save", lambda *a, **k: (_ for _ in ()).throw(results.RecordError("no room")))
    assert cli.main(given) == 2
    assert "no room; what was trained is kept in work" in capsys.readouterr().err
    assert cli.main([*given, "--set", "run.seed=1"]) == 2
    assert "work folder work holds another run: run.seed is 0 there, 1 here" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert cli.main(given) == 0, "and the first one has nothing left to train"
    assert not Path("work").exists()
