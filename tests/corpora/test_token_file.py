"""Token files: whole or not there, views of one memory map, and what is wrong with one names the file."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.corpora.token_file import MANIFEST, TOKENS, TokenFile, dtype_of, writing_tokens

INPUT = {"name": "prose.txt", "sha256": "0" * 64, "bytes": 7}


def write(folder: Path, tokens: np.ndarray, vocabulary: int = 4096, pieces: int = 3, replace: bool = False) -> Path:
    with writing_tokens(folder, vocabulary, replace=replace) as writer:
        (writer.folder / "tokenizer.json").write_text("{}")
        for piece in np.array_split(tokens, pieces):
            writer.append(piece)
        writer.describe(text={"rules": "plain"}, tokenizer="made up", inputs=[INPUT])
    return folder


@pytest.fixture
def numbers() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4096, 1003)


def test_what_was_written_is_read(tmp_path: Path, numbers: np.ndarray) -> None:
    file = TokenFile.open(write(tmp_path / "tokens", numbers))
    assert isinstance(file.tokens, np.memmap)
    assert file.tokens.dtype == np.dtype("<u2")
    np.testing.assert_array_equal(file.tokens, numbers)
    assert (file.vocabulary, file.manifest["tokens"], file.manifest["bytes"]) == (4096, 1003, 2006)
    assert [item["name"] for item in file.inputs] == ["tokens/tokens.bin", "tokens/tokenizer.json", "prose.txt"]
    assert all(set(item) == {"name", "sha256", "bytes"} for item in file.inputs)
    file.verify()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokens"]


def test_training_and_validation_are_views_of_the_first_and_last_tokens(tmp_path: Path, numbers: np.ndarray) -> None:
    file = TokenFile.open(write(tmp_path / "tokens", numbers))
    assert len(file.validation()) == 50, "5 % of 1003, rounded down"
    np.testing.assert_array_equal(np.concatenate([file.training(), file.validation()]), numbers)
    np.testing.assert_array_equal(file.training(17), numbers[:17])
    for view in (file.training(), file.training(17), file.validation()):
        assert np.shares_memory(view, file.tokens), "no copy"
        assert not view.flags.writeable
    for wrong in (0, 954):
        with pytest.raises(ValueError, match=r"tokens has 1\.\.\.953"):
            file.training(wrong)


def test_another_process_gets_the_name_not_the_tokens(tmp_path: Path, numbers: np.ndarray) -> None:
    file = TokenFile.open(write(tmp_path / "tokens", numbers))
    np.testing.assert_array_equal(file.tokens, numbers)
    packed = pickle.dumps(file)
    assert len(packed) < 500
    np.testing.assert_array_equal(pickle.loads(packed).tokens, numbers)


@settings(max_examples=20)  # each waits for the disk
@given(
    vocabulary=st.sampled_from([1, 2, 300, 65_536, 65_537, 1 << 32]),
    share=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50),
    pieces=st.integers(1, 7),
)
def test_every_vocabulary_comes_back(
    tmp_path_factory: pytest.TempPathFactory, vocabulary: int, share: list[float], pieces: int
) -> None:
    tokens = np.array([int(part * vocabulary) for part in share], dtype=np.int64)
    file = TokenFile.open(write(tmp_path_factory.mktemp("any") / "tokens", tokens, vocabulary, pieces))
    assert file.tokens.dtype == dtype_of(vocabulary)
    assert file.tokens.dtype.itemsize == (2 if vocabulary <= 65_536 else 4)
    np.testing.assert_array_equal(file.tokens, tokens)
    assert len(file.validation()) == len(tokens) // 20
    file.verify()


@pytest.mark.parametrize("token", [-1, 4096])
def test_a_token_outside_of_the_vocabulary_is_refused(tmp_path: Path, token: int) -> None:
    with pytest.raises(ValueError, match=rf"token {token}: expected 0\.\.\.4095"):
        write(tmp_path / "tokens", np.array([0, token, 5]))
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="vocabulary 0"):
        write(tmp_path / "tokens", np.array([0]), vocabulary=0)


def damage(folder: Path, how: str) -> None:
    tokens, manifest, tokenizer = folder / TOKENS, folder / MANIFEST, folder / "tokenizer.json"
    if how == "truncated":
        tokens.write_bytes(tokens.read_bytes()[:-3])
    elif how == "empty":
        tokens.write_bytes(b"")
    elif how == "longer":
        tokens.write_bytes(tokens.read_bytes() + b"\0\0")
    elif how == "no tokens":
        tokens.unlink()
    elif how == "no manifest":
        manifest.unlink()
    elif how == "no tokenizer":
        tokenizer.unlink()
    elif how == "cut manifest":
        manifest.write_bytes(manifest.read_bytes()[:-40])
    elif how == "latin manifest":
        manifest.write_bytes(b"\xff" + manifest.read_bytes())
    else:
        key, value = how.split("=")
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), key: json.loads(value)}))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", r"tokens/tokens\.bin: truncated: 2,003 bytes, manifest\.json says 2,006"),
        ("empty", r"tokens/tokens\.bin: empty: 0 bytes"),
        ("longer", r"tokens/tokens\.bin: too long: 2,008 bytes"),
        ("no tokens", r"tokens/tokens\.bin: missing"),
        ("no manifest", r"tokens/manifest\.json: missing"),
        ("no tokenizer", r"tokens/tokenizer\.json: missing"),
        ("cut manifest", r"tokens/manifest\.json: cannot be read"),
        ("latin manifest", r"tokens/manifest\.json: cannot be read"),
        ("schema=7", r"manifest\.json: not of schema 1"),
        ('tokens="1003"', r"manifest\.json: tokens is '1003', expected int"),
        ("tokens=1004", r"manifest\.json: dtype, tokens and bytes do not agree"),
        ('dtype="int8"', r"manifest\.json: dtype, tokens and bytes do not agree"),
        ("training_tokens=1004", r"manifest\.json: training_tokens or vocabulary out of range"),
        ("inputs=[1]", r"manifest\.json: tokenizer\.files or inputs are not lists"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, numbers: np.ndarray, how: str, words: str) -> None:
    damage(write(tmp_path / "tokens", numbers), how)
    with pytest.raises(ValueError, match=words):
        TokenFile.open(tmp_path / "tokens")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: no such folder"):
        TokenFile.open(tmp_path / "nowhere")


def test_verify_finds_what_the_sizes_do_not_show(tmp_path: Path, numbers: np.ndarray) -> None:
    folder = write(tmp_path / "tokens", numbers)
    data = (folder / TOKENS).read_bytes()
    (folder / TOKENS).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"tokens/tokens\.bin: has SHA-256"):
        TokenFile.open(folder).verify()
    (folder / TOKENS).write_bytes(data)
    (folder / "tokenizer.json").write_text("[]")
    with pytest.raises(ValueError, match=r"tokens/tokenizer\.json: has SHA-256"):
        TokenFile.open(folder).verify()
    damage(write(folder, numbers, replace=True), f"vocabulary={numbers.max()}")
    with pytest.raises(ValueError, match=rf"tokens\.bin: holds token {numbers.max()}"):
        TokenFile.open(folder).verify()


def test_what_is_there_is_not_overwritten_unless_asked(tmp_path: Path, numbers: np.ndarray) -> None:
    folder = write(tmp_path / "tokens", numbers)
    with pytest.raises(ValueError, match="tokens: exists already"):
        write(folder, numbers[:10])
    assert len(TokenFile.open(folder).tokens) == 1003
    write(folder, numbers[:10], replace=True)
    assert len(TokenFile.open(folder).tokens) == 10
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with pytest.raises(ValueError, match="letters: no token file"):
        write(tmp_path / "letters", numbers, replace=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letters", "tokens"]


def test_an_error_leaves_nothing_and_what_was_there(tmp_path: Path, numbers: np.ndarray) -> None:
    folder = write(tmp_path / "tokens", numbers)

    def broken_off(error: type[BaseException]) -> None:
        with writing_tokens(folder, 10, replace=True) as writer:
            writer.append(np.arange(10))
            raise error

    for error in (KeyboardInterrupt, RuntimeError):
        with pytest.raises(error):
            broken_off(error)
    with pytest.raises(ValueError, match="no tokens"):
        write(folder, numbers[:0], replace=True)
    with pytest.raises(ValueError, match="description"), writing_tokens(folder, 10, replace=True) as writer:
        writer.append(np.arange(10))
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]
    np.testing.assert_array_equal(TokenFile.open(folder).tokens, numbers)


def test_a_killed_process_leaves_no_token_file_and_the_next_one_clears_up(tmp_path: Path, numbers: np.ndarray) -> None:
    code = f"""
        import os, signal
        import numpy as np
        from beyond_scaling.corpora.token_file import writing_tokens
        with writing_tokens({str(tmp_path / "tokens")!r}, 10) as writer:
            (writer.folder / "odd.json").write_text("x")
            writer.append(np.arange(10))
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "tokens").exists()
    assert list(tmp_path.iterdir()), "what it left"
    file = TokenFile.open(write(tmp_path / "tokens", numbers))
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]
    assert sorted(path.name for path in file.folder.iterdir()) == [MANIFEST, "tokenizer.json", TOKENS]


def test_two_at_once_are_refused(tmp_path: Path, numbers: np.ndarray) -> None:
    with pytest.raises(ValueError, match="in use by another command"), writing_tokens(tmp_path / "tokens", 10):
        write(tmp_path / "tokens", numbers)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def full(path: Path, *options: str, **more: object):  # type: ignore[no-untyped-def]
        return real(Path("/dev/full") if path.name == TOKENS else path, *options, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ValueError, match=r"tokens\.bin: cannot be written: No space left"):
        write(tmp_path / "tokens", np.zeros(100_000, dtype=np.int64))
    assert not list(tmp_path.iterdir())
