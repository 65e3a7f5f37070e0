"""Random access: the same uniform sample of places, from the documents that are drawn alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.corpora import Chunks, documents, random_chunks
from beyond_scaling.corpora import chunks as chunks_module
from beyond_scaling.corpora import slots as slots_module

from .test_chunks import Letters, corpus

ACCESS = "random access"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_module, "BLOCK", 16)


class Counting(Letters):
    """Letters, or every so many of them one token, and the number of texts encoded."""

    def __init__(self, letters: int = 1) -> None:
        self.letters, self.calls = letters, 0

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        self.calls += 1
        return super().encode(text[:: self.letters], add_special_tokens)


class Shelf:
    """Documents by number, in memory."""

    by_number = True

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def about_bytes(self) -> int:
        return int(self.sizes().sum())

    def sizes(self, *, progress: bool = False) -> np.ndarray:
        return np.array([len(text.encode()) for text in self.texts], dtype=np.int64)

    def at(self, numbers: np.ndarray) -> Iterator[str]:
        assert (np.diff(numbers) > 0).all()
        return (self.texts[number] for number in numbers)


def positions(chunks: Chunks) -> list[tuple[int, int]]:
    return list(zip(chunks.document.tolist(), chunks.offset.tolist(), strict=True))


def save(path: Path, texts: list[str | None], rows: int) -> Path:
    pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), path, row_group_size=rows)
    return path


@settings(max_examples=80)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=12), st.integers(1, 5), st.integers(0, 3), st.data())
def test_chunks_are_distinct_whole_and_sorted(lengths: list[int], length: int, seed: int, data: st.DataObject) -> None:
    texts = corpus(lengths)
    places = {(d, i) for d, n in enumerate(lengths) for i in range(n - length + 1)}
    count = data.draw(st.integers(1, max(1, len(places))))
    if len(places) < count:
        with pytest.raises(ValueError, match=f"too little text: {len(texts)} documents .* {len(places)} places"):
            random_chunks(Shelf(texts), Letters(), count, length, seed, method=ACCESS)
        return
    chunks = random_chunks(Shelf(texts), Letters(), count, length, seed, method=ACCESS)
    found = positions(chunks)
    assert found == sorted(set(found))
    assert set(found) <= places
    assert chunks.documents == len(texts)
    for (document, offset), tokens in zip(found, chunks.tokens, strict=True):
        assert "".join(map(chr, tokens)) == texts[document][offset : offset + length]


@pytest.mark.parametrize("letters", [1, 3])
def test_every_place_is_equally_likely(letters: int) -> None:
    lengths, length, rounds, count = [90, 9, 6, 1, 0, 36], 3, 3000, 4  # of ASCII and of three bytes a letter
    texts = ["x" * n if i % 2 else "\u4e2d" * n for i, n in enumerate(lengths)]
    tokens = [len(range(0, n, letters)) for n in lengths]
    places = [(d, i) for d, n in enumerate(tokens) for i in range(max(0, n - length + 1))]
    hits, pairs = Counter(), Counter()
    for seed in range(rounds):
        chunks = random_chunks(Shelf(texts), Counting(letters), count, length, seed, method=ACCESS)
        assert chunks.method == ACCESS
        hits.update(found := positions(chunks))
        pairs[len({document for document, _ in found}) == 1] += 1
    assert set(hits) <= set(places)
    p = count / len(places)
    # drawn without replacement, the counts are less spread than a multinomial's: by (1 - p)
    chi_square = sum((hits[place] - rounds * p) ** 2 for place in places) / (rounds * p * (1 - p))
    freedom = len(places) - 1
    assert abs(chi_square - freedom) < 4 * np.sqrt(2 * freedom)
    z = max(abs(hits[place] - rounds * p) for place in places) / np.sqrt(rounds * p * (1 - p))
    assert z < 4.5
    # and places are drawn together as often as chance has it: all four from one document
    from math import comb

    alike = sum(comb(max(0, n - length + 1), count) for n in tokens) / comb(len(places), count)
    assert abs(pairs[True] - rounds * alike) < 4 * np.sqrt(rounds * alike * (1 - alike))


def test_a_sample_depends_on_its_seed_alone_and_grows() -> None:
    shelf = Shelf(corpus([300, 200, 5, 400]))
    small, again, large, other = (
        set(positions(random_chunks(shelf, Letters(), count, 5, seed, method=ACCESS)))
        for count, seed in ((20, 0), (20, 0), (200, 0), (20, 1))
    )
    assert small == again
    assert small < large
    assert small != other


def test_few_documents_are_cut_into_tokens_and_the_rest_is_estimated(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    sizes = generator.integers(0, 400, 3000)
    path = save(tmp_path / "many.parquet", ["ab cd" * int(n // 5) for n in sizes], 100)
    counting = Counting(4)
    chunks = random_chunks(documents(path), counting, 20, 12, method=ACCESS)
    assert counting.calls < 20 * 30
    assert (chunks.method, chunks.documents, chunks.corpus_tokens, chunks.places) == (ACCESS, 3000, None, None)
    everything = random_chunks(documents(path), counting, 20, 12, method="one pass")
    assert everything.method == "one pass"
    assert everything.tokens_estimate is everything.tokens_error is None
    assert chunks.tokens_error < 0.2 * everything.corpus_tokens
    assert abs(chunks.tokens_estimate - everything.corpus_tokens) < 4 * chunks.tokens_error


def test_auto_is_random_access_where_the_corpus_is_large_and_the_sample_small(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(corpus([40] * 500))
    assert random_chunks(shelf, Letters(), 3, 5).method == "one pass"
    monkeypatch.setattr(chunks_module, "LARGE", 10_000)
    assert random_chunks(shelf, Letters(), 3, 5).method == ACCESS
    assert random_chunks(shelf, Letters(), 400, 5).method == "one pass", "most documents would be read"
    one = Shelf(corpus([9000]))
    assert one.about_bytes() > 10_000
    assert random_chunks(one, Letters(), 3, 5).method == "one pass", "a huge document has to be read whole"
    assert random_chunks(list(shelf), Letters(), 3, 5).method == "one pass"


def test_where_the_bound_does_not_hold_or_places_are_rare_everything_is_read() -> None:
    class Stutter(Letters):
        def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
            return 3 * super().encode(text, add_special_tokens)

    texts = ["abc" * 30] * 8
    for tokenizer, length in ((Stutter(), 5), (Counting(30), 3)):  # places: 1 in 30 of 90 - 1, here 1 a document
        chunks = random_chunks(Shelf(texts), tokenizer, 4, length, method=ACCESS)
        plain = random_chunks(texts, tokenizer, 4, length)
        assert chunks.method == plain.method == "one pass"
        assert positions(chunks) == positions(plain)


def test_methods_are_checked() -> None:
    with pytest.raises(ValueError, match="method 'best': expected auto, one pass or random access"):
        random_chunks(["abc"], Letters(), 1, 1, method="best")
    with pytest.raises(ValueError, match="cannot be had by number"):
        random_chunks(["abc"], Letters(), 1, 1, method=ACCESS)


TEXTS = st.lists(st.none() | st.text(max_size=8), max_size=14)


@settings(max_examples=60)
@given(TEXTS, TEXTS, st.integers(1, 5), st.integers(1, 30), st.data())
def test_documents_by_number_are_those_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[str | None],
    second: list[str | None],
    rows: int,
    limit: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    save(folder / "a.parquet", first, rows)
    (folder / "b.txt").write_text("Étude 中\r\n", encoding="utf-8", newline="")
    save(folder / "c.parquet", second, rows)
    source = documents(folder, limit=limit)
    texts = list(source)
    assert source.by_number
    assert source.sizes().tolist() == [len(text.encode()) for text in texts]
    numbers = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))), dtype=np.int64)
    assert list(source.at(numbers)) == [texts[number] for number in numbers]
    for wrong in ([len(texts)], [-1]):
        with pytest.raises(ValueError, match=r"documents .* has 0\.\.\."):
            list(source.at(np.array(wrong)))


def test_a_parquet_file_is_sampled_as_its_texts_are(tmp_path: Path) -> None:
    texts = [None, "", *corpus([30, 2, 0, 55, 8]), None, "中文字" * 9]
    save(tmp_path / "a.parquet", texts[:5], 2)
    save(tmp_path / "b.parquet", texts[5:], 1)
    source = documents(tmp_path)
    by_file = random_chunks(source, Letters(), 9, 4, 3, method=ACCESS)
    by_list = random_chunks(Shelf([t for t in texts if t is not None]), Letters(), 9, 4, 3, method=ACCESS)
    assert by_file.method == ACCESS
    np.testing.assert_array_equal(by_file.tokens, by_list.tokens)
    assert positions(by_file) == positions(by_list)
    assert [item["name"] for item in source.inputs] == ["a.parquet", "b.parquet"]


def test_the_size_of_a_corpus_is_guessed_without_reading_it(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    texts = ["".join(map(chr, generator.integers(97, 123, 200))) for _ in range(200)]
    table = pa.table({"other": texts, "text": texts, "number": np.arange(200)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=50)
    (tmp_path / "b.md").write_text("x" * 1000)
    source = documents(tmp_path)
    assert 41_000 <= source.about_bytes() < 41_000 * 1.1


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    from beyond_scaling.corpora.text import Documents

    pq.write_table(pa.table({"title": ["a"], "number": [1]}), tmp_path / "rows.parquet")
    for ask in (Documents.about_bytes, Documents.sizes):
        with pytest.raises(ValueError, match=r"rows\.parquet: no column 'text'; it has title, number"):
            ask(documents(tmp_path / "rows.parquet"))
        with pytest.raises(ValueError, match="'number' holds int64"):
            ask(documents(tmp_path / "rows.parquet", column="number"))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"latin\.txt: not UTF-8 at byte 3"):
        random_chunks(documents(tmp_path / "latin.txt"), Letters(), 1, 2, method=ACCESS)
    with pytest.raises(ValueError, match=r"dataset prose: a stream"):
        documents("prose").sizes()
    path = save(tmp_path / "short.parquet", ["a", "b", "c"], 3)
    source = documents(path)
    source.sizes()
    save(path, ["a"], 3)
    with pytest.raises(ValueError, match=r"short\.parquet: has changed while it was read"):
        list(source.at(np.array([2])))


def test_a_fast_tokenizer_gives_the_same_tokens_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beyond_scaling.corpora import encoding

    from ..models import tiny

    words = tiny.save_tokenizer(tmp_path)
    texts = ["", tiny.prose(100, 1), "中 ﷺ", *(tiny.prose(n, n) for n in range(12)), ""]
    expected = [words.encode(text, add_special_tokens=False) for text in texts]
    for at_once in (1, 60, 1 << 20):
        monkeypatch.setattr(encoding, "CHARACTERS", at_once)
        found = list(encoding.encoded(texts, words))
        assert [tokens.tolist() for tokens in found] == expected
        assert all(tokens.dtype == np.int32 and tokens.ndim == 1 for tokens in found)
