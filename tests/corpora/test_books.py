"""Books to token files: every kind of source, any number of processes, and what cannot be read is named."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beyond_scaling.corpora import books as module
from beyond_scaling.corpora import spgc
from beyond_scaling.corpora.books import Cut, books, training_texts, write_tokens
from beyond_scaling.corpora.token_file import TokenFile
from beyond_scaling.corpora.tokenizer import train_tokenizer

SENTENCES = [
    "It was Mr. Smith who came at last.",
    '"I don\'t know," said Anna, "why you cannot stay!"',
    "They walked on--slowly--to the sea.",
    "Nobody had seen John's hat since 1894.",
]


def prose(seed: int, sentences: int = 40) -> str:
    generator = np.random.default_rng(seed)
    return "\n\n".join(SENTENCES[place] for place in generator.integers(0, len(SENTENCES), sentences))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer([prose(0), prose(1)], 300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain file with Gutenberg's header, and a Parquet file of twelve books, one of them empty."""
    place = tmp_path_factory.mktemp("library")
    header = "*** START OF THE PROJECT GUTENBERG EBOOK ***\n"
    footer = "*** END OF THE PROJECT GUTENBERG EBOOK ***\nfooter\n"
    (place / "a.txt").write_text(header + prose(2, 80) + "\n" + footer)
    rows = [prose(seed, 5 * seed) for seed in range(1, 12)]
    pq.write_table(pa.table({"text": [*rows[:4], "", *rows[4:]]}), place / "b.parquet")
    return place


def words_of(folder: Path) -> list[list[str]]:
    book = "\n".join((folder / "a.txt").read_text().split("\n")[1:-3])
    rows = pq.read_table(folder / "b.parquet")["text"].to_pylist()
    return [spgc.words(text) for text in [book, *rows]]


def write(source: str | Path, out: Path, tokenizer: Any, cut: Cut | None = None, **options: Any) -> TokenFile:
    return write_tokens(books(source), out, tokenizer, cut, name="made here", **options)


def test_words_by_the_rules_of_spgc(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    file = write(folder, tmp_path / "tokens", tokenizer)
    file.verify()
    texts = tokenizer.decode(file.tokens.tolist()).split(tokenizer.eos_token)
    expected = words_of(folder)
    assert texts == [" ".join(words) for words in expected if words] + [""]
    assert file.manifest["text"] == {
        "rules": "spgc",
        "words_joined_by": " ",
        "words_already": False,
        "end_of_document": {"token": "<|endoftext|>", "id": 0},
        "first_words": None,
        "documents": 13,
        "words": sum(map(len, expected)),
        "bytes": (folder / "a.txt").stat().st_size
        + sum(len(text) for text in pq.read_table(folder / "b.parquet")["text"].to_pylist()),
    }
    assert file.manifest["tokenizer"]["name"] == "made here"
    names = ["tokens/tokens.bin", "tokens/tokenizer.json", "tokens/tokenizer_config.json", "a.txt", "b.parquet"]
    assert [item["name"] for item in file.inputs] == names
    assert file.inputs[3]["sha256"] == hashlib.sha256((folder / "a.txt").read_bytes()).hexdigest()


def test_words_joined_by_newlines_make_more_tokens(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    spaces = write(folder, tmp_path / "spaces", tokenizer, Cut(end_of_text=False))
    lines = write(folder, tmp_path / "lines", tokenizer, Cut(join="newline", end_of_text=False))
    expected = "".join("\n".join(words) for words in words_of(folder))
    assert tokenizer.decode(lines.tokens.tolist()) == expected
    assert lines.manifest["text"]["words_joined_by"] == "\n"
    assert lines.manifest["text"]["end_of_document"] is None
    assert len(lines.tokens) > 1.2 * len(spaces.tokens)


def test_plain_keeps_the_text(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    file = write(folder / "b.parquet", tmp_path / "tokens", tokenizer, Cut(rules="plain"))
    rows = pq.read_table(folder / "b.parquet")["text"].to_pylist()
    assert tokenizer.decode(file.tokens.tolist()).split(tokenizer.eos_token) == [text for text in rows if text] + [""]
    assert file.manifest["text"]["words_joined_by"] is None
    assert file.manifest["text"]["words"] == len(" ".join(rows).split())


@pytest.mark.parametrize("rules", ["spgc", "plain"])
def test_any_number_of_processes_gives_the_same_tokens(
    folder: Path, tmp_path: Path, tokenizer: Any, rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST", 3000)  # so that not all is cut in the first block
    cut = Cut(rules=rules, words=2500)
    one = write(folder, tmp_path / "one", tokenizer, cut)
    monkeypatch.setattr(module, "BLOCK", 4000)
    two = write(folder, tmp_path / "two", tokenizer, cut, processes=2)
    for key in ("sha256", "text", "inputs", "tokenizer", "training_tokens"):
        assert one.manifest[key] == two.manifest[key]
    assert one.manifest["text"]["words"] == 2500


@pytest.mark.parametrize("rules", ["spgc", "plain"])
@pytest.mark.parametrize("words", [1, 7, 900])
def test_the_first_words_are_a_beginning(folder: Path, tmp_path: Path, tokenizer: Any, rules: str, words: int) -> None:
    whole = write(folder, tmp_path / "whole", tokenizer, Cut(rules, end_of_text=False))
    some = write(folder, tmp_path / "some", tokenizer, Cut(rules, words=words, end_of_text=False))
    np.testing.assert_array_equal(some.tokens, whole.tokens[: len(some.tokens)])
    assert some.manifest["text"]["words"] == words
    if words < 100:
        assert len(tokenizer.decode(some.tokens.tolist()).split()) == words
    texts = list(training_texts(books(folder), Cut(rules, words=words)))
    assert len(" ".join(texts).split()) == words, "a tokenizer is trained on the same words"


def test_a_tokenizer_is_trained_on_the_first_text_as_it_will_see_it(folder: Path) -> None:
    whole = "".join(training_texts(books(folder), Cut()))
    assert whole == "".join(" ".join(words) for words in words_of(folder))
    assert "".join(training_texts(books(folder), Cut(), 1234)) == whole[:1234]
    assert "\n" in next(training_texts(books(folder), Cut(join="newline")))
    assert "".join(training_texts(books(folder), Cut("plain"), 999)) == (folder / "a.txt").read_text()[:999]


# --- SPGC's own files -------------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    place = tmp_path / "SPGC-tokens"
    place.mkdir()
    for number in (11, 2, 100):
        (place / f"PG{number}_tokens.txt").write_text("\n".join([f"book{'abc'[number % 3]}", "of", "words"]) + "\n")
    (place / "PG2_counts.txt").write_text("of\t1\n")
    (tmp_path / "metadata.csv").write_text(
        "id,title,language\nPG2,Two,['en']\nPG11,Eleven,\"['fr', 'en']\"\nPG100,Hundred,['fr']\nPG7,None,\n"
    )
    return place


def test_spgcs_files_are_taken_as_they_are_in_the_order_of_their_numbers(
    corpus: Path, tmp_path: Path, tokenizer: Any
) -> None:
    file = write(corpus, tmp_path / "tokens", tokenizer)
    text = "bookc of words<|endoftext|>bookc of words<|endoftext|>bookb of words<|endoftext|>"
    assert tokenizer.decode(file.tokens.tolist()) == text
    assert file.manifest["text"]["words_already"] is True
    names = ["PG2_tokens.txt", "PG11_tokens.txt", "PG100_tokens.txt"]
    assert [item["name"] for item in file.manifest["inputs"]] == names
    one = write(corpus / "PG11_tokens.txt", tmp_path / "one", tokenizer)
    assert one.manifest["text"]["words"] == 3


def test_only_files_that_were_read_are_inputs_and_many_are_told_together(
    corpus: Path, tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = write(corpus, tmp_path / "some", tokenizer, Cut(words=4))
    assert [item["name"] for item in some.manifest["inputs"]] == ["PG2_tokens.txt", "PG11_tokens.txt"]
    monkeypatch.setattr(module, "FILES", 2)
    file = write(corpus, tmp_path / "all", tokenizer)
    lines = "".join(
        f"{hashlib.sha256((corpus / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("PG2_tokens.txt", "PG11_tokens.txt", "PG100_tokens.txt")
    )
    assert file.manifest["inputs"] == [
        {
            "name": "SPGC-tokens (3 files, text of 3 documents)",
            "sha256": hashlib.sha256(lines.encode()).hexdigest(),
            "bytes": 45,
        }
    ]


def test_a_language_is_chosen_by_the_metadata(corpus: Path) -> None:
    assert [path.name for path in books(corpus, language="en").documents.files] == ["PG2_tokens.txt", "PG11_tokens.txt"]
    assert len(books(corpus, language="fr", limit=1).documents.files) == 1
    with pytest.raises(ValueError, match="SPGC-tokens: no book in language 'de'"):
        books(corpus, language="de")
    metadata = corpus.parent / "metadata.csv"
    for content, words in [
        (b"id,title\n", "no columns id and language"),
        (b"id,language\nPG2,\xff\n", "cannot be read"),
    ]:
        metadata.write_bytes(content)
        with pytest.raises(ValueError, match=rf"metadata\.csv: cannot be read.*{words}|metadata\.csv: {words}"):
            books(corpus, language="en")
    metadata.unlink()
    with pytest.raises(ValueError, match=r"SPGC-tokens: no metadata\.csv"):
        books(corpus, language="en")
    with pytest.raises(ValueError, match="language 'en': only SPGC"):
        books(corpus.parent / "x", language="en")


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_named_and_nothing_is_left(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "blank.txt").write_text(" 12 -- ")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    data = (folder / "b.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "none.parquet").write_bytes(b"")
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "body.parquet")
    before = sorted(tmp_path.iterdir())
    for name, words in [
        ("empty.txt", r"empty\.txt: is empty"),
        ("latin.txt", r"latin\.txt: not UTF-8 at byte 3"),
        ("cut.parquet", r"cut\.parquet: "),
        ("none.parquet", r"none\.parquet: "),
        ("body.parquet", r"body\.parquet: no column 'text'; it has body"),
        ("missing.parquet", r"missing\.parquet: no such file"),
        ("blank.txt", r"blank\.txt: no words"),
    ]:
        with pytest.raises(ValueError, match=words):
            write(tmp_path / name, tmp_path / "tokens", tokenizer)
    with pytest.raises(ValueError, match=r"library\d*: has [\d,]+ words, fewer than 1,000,000"):
        write(folder, tmp_path / "tokens", tokenizer, Cut(words=1_000_000))
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_asked_for(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    for options, words in [
        ({"rules": "some"}, "rules 'some'"),
        ({"join": "tab"}, "join 'tab'"),
        ({"rules": "plain", "join": "newline"}, "a plain text stays"),
        ({"words": 0}, "words 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            Cut(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="processes 0"):
        write(folder, tmp_path / "tokens", tokenizer, processes=0)
    endless = train_tokenizer([prose(0)], 257)
    endless.eos_token = None
    with pytest.raises(ValueError, match="no token for the end of a text"):
        write(folder, tmp_path / "tokens", endless)
    assert not list(tmp_path.iterdir())


def test_a_datasets_text_is_an_input(tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    rows = [{"text": prose(seed, 2)} for seed in range(5)]
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    file = write("someone/books", tmp_path / "tokens", tokenizer, Cut(words=30))
    read = file.manifest["text"]["documents"]
    assert 1 < read < 5
    digest = hashlib.sha256(b"".join(row["text"].encode() + b"\0" for row in rows[:read])).hexdigest()
    name = f"someone/books (train, text of {read} documents)"
    assert file.manifest["inputs"] == [{"name": name, "sha256": digest, "bytes": file.manifest["text"]["bytes"]}]
