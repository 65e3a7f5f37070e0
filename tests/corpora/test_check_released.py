"""The script that holds released pairs against the grammar, on pairs made here."""

from __future__ import annotations

import importlib.util

import pytest

from beyond_scaling.corpora.question_formation import generate

from ..conftest import ROOT

GOOD = {split: generate(1500, 0, split, "released", distinct=True) for split in ("train", "gen")}


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("check", ROOT / "tools" / "check_question_formation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder, **files):
    for split, lines in files.items():
        (folder / f"question.{split}").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_good_pairs_pass(tool, tmp_path, capsys):
    write(tmp_path, train20k=GOOD["train"], gen=GOOD["gen"])
    assert tool.main([str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "question.train20k: 1,500 lines, 0 repeated, 68 words, 0 violations" in told
    assert "question.gen: 1,500 lines, 0 repeated, 67 words, 0 violations" in told
    assert "0.99326 expected" in told
    assert told.endswith("2 files: no violation\n")


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ([GOOD["train"][0].replace("\t", " ")], "no line of 'train'"),
        (GOOD["gen"][:1], "1 violations of the grammar or the filter of 'train'"),
        (GOOD["train"][:1], "lines that repeat"),
        (["the wombat does sleep . decl\tthe wombat does sleep ."], "words ['wombat'] too many or missing"),
        (generate(500, 1, "dev", distinct=True), "kinds of lines are not those of released.py"),
    ],
)
def test_bad_pairs_do_not(tool, tmp_path, capsys, spoilt, message):
    write(tmp_path, train=[*GOOD["train"], *spoilt])
    assert tool.main([str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert message in told
    assert "no violation" not in told


def test_splits_that_share_lines_do_not(tool, tmp_path, capsys):
    write(tmp_path, train=GOOD["train"], dev=GOOD["train"][:7])
    assert tool.main([str(tmp_path)]) == 1
    assert "question.dev and question.train have 7 lines in common" in capsys.readouterr().out


def test_nothing_to_check(tool, tmp_path, capsys):
    (tmp_path / "question.txt").write_text("", encoding="utf-8")
    assert tool.main([str(tmp_path)]) == 2
    assert "no file question.train" in capsys.readouterr().err
    (tmp_path / "question.dev").write_bytes(b"\xff\n")
    assert tool.main([str(tmp_path)]) == 2
    (tmp_path / "question.dev").write_bytes(b"")
    assert tool.main([str(tmp_path)]) == 1
