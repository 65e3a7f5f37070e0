"""The tokens command, as a real process and in this one: a token file, refusals in one line, interruptions."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from beyond_scaling import cli
from beyond_scaling.corpora import spgc
from beyond_scaling.corpora.token_file import MANIFEST, TokenFile, writing_tokens
from beyond_scaling.corpora.tokenizer import train_tokenizer

from .models import tiny


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books, and all that may be wrong with them."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "books").mkdir()
    (folder / "books" / "a.txt").write_text(tiny.prose(3000))
    rows = [tiny.prose(1000, seed) + "\n\nMr. Day doesn't mind." for seed in range(4)]
    pq.write_table(pa.table({"text": rows}), folder / "books" / "b.parquet")
    whole = (folder / "books" / "b.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.txt").write_text("")
    (folder / "latin.txt").write_bytes(b"caf\xe9 noir")
    (folder / "damaged.json").write_text("{")
    train_tokenizer(rows, 300).save_pretrained(folder / "tokenizer")
    return folder


def start(library: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    # a small first block, so that a small corpus keeps several processes busy
    # Ctrl-C is heard, whatever started the tests: behind a shell's "&" it is ignored
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from beyond_scaling import cli; from beyond_scaling.corpora import books; books.FIRST = 3000; "
    command = [sys.executable, "-c", code + "raise SystemExit(cli.main())", "tokens", *arguments]
    return subprocess.Popen(
        command, cwd=library, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def call(monkeypatch: pytest.MonkeyPatch, library: Path, *arguments: str) -> int:
    monkeypatch.chdir(library)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    try:
        return cli.main(["tokens", *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def test_books_become_a_token_file(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "tokens"
    given = ["books", "--out", str(out), "--tokenizer", "train:300", "--words", "5,000", "--processes", "2"]
    process = start(library, *given)
    printed, shown = process.communicate(timeout=120)
    assert process.returncode == 0, shown
    assert "4 documents, 5,000 words" in printed
    assert f"token file: {out}" in printed
    assert "tokenizer:" in shown, "progress bars"
    assert "tokens:" in shown
    file = TokenFile.open(out)
    file.verify()
    assert str(library) not in (out / MANIFEST).read_text()
    assert str(tmp_path) not in (out / MANIFEST).read_text()
    assert file.manifest["tokenizer"]["name"].startswith("byte-level BPE of 300, trained on the first ")
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert len(tokenizer) == file.vocabulary == 300
    first = tokenizer.decode(file.tokens[:2000].tolist())
    words = " ".join(spgc.words((library / "books" / "a.txt").read_text()))
    assert words.startswith(first[: first.find("<|endoftext|>")])
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_the_same_command_makes_the_same_file(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["books", "--tokenizer", "tokenizer", "--rules", "plain", "--no-end-of-text", "--quiet"]
    assert call(monkeypatch, library, *given, "--out", str(tmp_path / "one")) == 0
    assert call(monkeypatch, library, *given, "--out", str(tmp_path / "two")) == 0
    assert capsys.readouterr().err == ""
    one, two = (TokenFile.open(tmp_path / name) for name in ("one", "two"))
    np.testing.assert_array_equal(one.tokens, two.tokens)
    assert one.manifest == two.manifest
    assert one.manifest["tokenizer"]["name"] == "tokenizer"
    assert call(monkeypatch, library, *given, "--out", str(tmp_path / "one")) == 2
    assert capsys.readouterr().err == "beyond-scaling: error: one: exists already, and nothing was overwritten\n"
    assert call(monkeypatch, library, *given, "--words", "10", "--out", str(tmp_path / "one"), "--force") == 0
    assert TokenFile.open(tmp_path / "one").manifest["text"]["words"] == 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("empty.txt", "empty.txt: is empty"),
        ("latin.txt", "latin.txt: not UTF-8 at byte 3"),
        ("nowhere.txt", "nowhere.txt: no such file or folder"),
        ("books/b.parquet --column body", "b.parquet: no column 'body'; it has text"),
        ("books --words 9,999,999", "books: has 6,969 words, fewer than 9,999,999"),
        ("books --words 0", "'0' is not a whole number of at least 1"),
        ("books --language en", "language 'en': only SPGC's token files"),
        ("books --rules plain --join newline", "join 'newline': a plain text stays as it is"),
        ("books --tokenizer train:12", "vocabulary 12: expected at least 257"),
        ("books --tokenizer train:many", "--tokenizer train:many: 'many' is not a whole number"),
        ("books --tokenizer train:60000", "vocabulary 60000: the text has pieces for"),
        ("books --tokenizer damaged.json", "damaged.json: no tokenizer that can be read"),
        ("books --tokenizer nobody.json", "nobody.json: no such tokenizer"),
        ("books --out empty.txt/tokens", "folder empty.txt: cannot be written: Not a directory"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: str,
    words: str,
) -> None:
    given = ["--tokenizer", "tokenizer", "--out", str(tmp_path / "tokens"), "--quiet", *options.split()]
    assert call(monkeypatch, library, *given) == 2
    error = capsys.readouterr().err
    assert error.startswith("beyond-scaling: error: ")
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_truncated_parquet_file_ends_the_process_with_2(library: Path, tmp_path: Path) -> None:
    process = start(library, "cut.parquet", "--tokenizer", "tokenizer", "--out", str(tmp_path / "tokens"))
    printed, shown = process.communicate(timeout=120)
    assert process.returncode == 2
    assert printed == ""
    lines = [line for line in shown.replace("\r", "\n").splitlines() if line.strip()]
    assert lines[-1].startswith("beyond-scaling: error: cut.parquet: ")
    assert "Traceback" not in shown
    assert not list(tmp_path.iterdir())


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def children(process: subprocess.Popen[str]) -> list[int]:
    place = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in place.read_text().split()] if place.exists() else []


def wait_until(what: str, condition: object, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, f"it ended before {what}"
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for a process' children")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_with_its_processes_it_leaves_no_token_file(library: Path, tmp_path: Path, number: int) -> None:
    text = tiny.prose(20_000)
    pq.write_table(pa.table({"text": [text] * (20_000_000 // len(text))}), tmp_path / "long.parquet")
    out = tmp_path / "out" / "tokens"
    given = [str(tmp_path / "long.parquet"), "--out", str(out), "--processes", "2"]
    process = start(library, *given, "--tokenizer", "tokenizer", "--quiet")
    with ended(process):
        wait_until("its processes were there", lambda: len(children(process)) >= 3, process)
        workers = children(process)
        time.sleep(0.1)  # while a process forks, Python may lose a signal
        process.send_signal(number)
        printed, shown = process.communicate(timeout=60)  # they hold its pipes: so they have ended too
    assert printed == ""
    assert not out.exists()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert shown == "beyond-scaling: interrupted: no token file was written; the same command starts again\n"
        assert not out.parent.exists() or not list(out.parent.iterdir())
        assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    else:
        with writing_tokens(out, 300) as writer:  # nobody holds the folder any more
            writer.append(np.arange(300))
            writer.describe(text={}, tokenizer="any", inputs=[])
        assert [path.name for path in out.parent.iterdir()] == ["tokens"]
