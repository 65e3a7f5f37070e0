"""Documents: every kind of source, in order, with its inputs; and what cannot be read says why."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beyond_scaling.corpora import documents


def write_parquet(path: Path, **columns: list) -> Path:  # type: ignore[type-arg]
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_a_plain_file_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("Ein Satz.\r\nÉtude\n", encoding="utf-8", newline="")
    source = documents(path)
    assert list(source) == ["Ein Satz.\r\nÉtude\n"]
    assert list(source) == list(source), "every iteration begins anew"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert source.inputs == ({"name": "one.txt", "sha256": digest, "bytes": path.stat().st_size},)


def test_parquet_rows_are_documents_of_the_chosen_column(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "rows.parquet", text=["a", None, "b", "c", ""], body=list("vwxyz"))
    assert list(documents(path)) == ["a", "b", "c", ""]
    assert list(documents(path, column="body", limit=3)) == ["v", "w", "x"]


def test_a_folder_is_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.md").write_text("second")
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "notes.csv").write_text("never")
    write_parquet(tmp_path / "deep" / "c.parquet", text=["third", "fourth"])
    source = documents(tmp_path)
    assert list(source) == ["first", "second", "third", "fourth"]
    assert [item["name"] for item in source.inputs] == ["a.txt", "b.md", "deep/c.parquet"]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "table.csv").write_text("a,b")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    write_parquet(tmp_path / "rows.parquet", title=["a"], number=[1])
    for name, words in [
        ("missing.txt", r"missing\.txt: no such file"),
        ("missing.parquet", r"missing\.parquet: no such file"),
        ("no/such/place", "no/such/place: no such file"),
        ("empty", r"empty: no \.txt"),
        ("table.csv", r"table\.csv: unknown kind"),
        ("latin.txt", r"latin\.txt: not UTF-8 at byte 3"),
        ("broken.parquet", r"broken\.parquet: "),
        ("rows.parquet", r"rows\.parquet: no column 'text'; it has title, number"),
    ]:
        with pytest.raises(ValueError, match=words):
            list(documents(tmp_path / name))
    with pytest.raises(ValueError, match="'number' holds int64"):
        list(documents(tmp_path / "rows.parquet", column="number"))
    with pytest.raises(ValueError, match="limit 0"):
        documents(tmp_path / "latin.txt", limit=0)


class Hub:
    """Stands for the hub: `datasets.load_dataset` with its own streams, made of `rows`."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        rows: list[dict[str, object]],
        fail_at: int | None = None,
        script: bool = False,
    ) -> None:
        import datasets

        def generate():  # type: ignore[no-untyped-def]
            for number, row in enumerate(rows):
                if number == fail_at:
                    raise ConnectionError("the line is dead")
                yield row

        def load(name: str, configuration: str | None, **options: object) -> object:
            self.asked = (name, configuration, options)
            if script and "revision" not in options:
                raise RuntimeError(f"Dataset scripts are no longer supported, but found {name}.py")
            return datasets.IterableDataset.from_generator(generate)

        monkeypatch.setattr(datasets, "load_dataset", load)


def test_a_dataset_is_streamed_and_hashed_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, [{"text": f"document {i}"} for i in range(5)])
    source = documents("someone/prose:small", split="test")
    assert list(source) == [f"document {i}" for i in range(5)]
    assert hub.asked == ("someone/prose", "small", {"split": "test", "streaming": True})
    digest = hashlib.sha256(b"".join(f"document {i}".encode() + b"\0" for i in range(5))).hexdigest()
    name = "someone/prose:small (test, text of 5 documents)"
    assert source.inputs == ({"name": name, "sha256": digest, "bytes": 50},)


def test_a_dataset_made_by_a_script_is_read_from_the_hubs_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, [{"text": "a"}, {"text": "b"}], script=True)
    source = documents("prose")
    assert list(source) == ["a", "b"]
    assert hub.asked[2]["revision"] == "refs/convert/parquet"
    assert source.inputs[0]["name"] == "prose (train, refs/convert/parquet, text of 2 documents)"


def test_a_limited_dataset_is_shuffled_with_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    Hub(monkeypatch, [{"text": str(i)} for i in range(50)])
    first, again, other = (list(documents("prose", limit=20, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 20
    assert first != [str(i) for i in range(20)]
    source = documents("prose", limit=20, seed=1)
    list(source)
    assert source.inputs[0]["name"] == "prose (train, text of 20 documents)"


def test_a_limited_dataset_of_parquet_is_drawn_from_all_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    from beyond_scaling.corpora import text

    files = []
    for number in range(3):  # 3 files of 12 row groups of 5 documents
        files.append(str(tmp_path / f"{number}.parquet"))
        pq.write_table(pa.table({"text": [f"{number} {row}" for row in range(60)]}), files[-1], row_group_size=5)
    load = datasets.load_dataset
    monkeypatch.setattr(
        datasets, "load_dataset", lambda *_, **__: load("parquet", data_files=files, split="train", streaming=True)
    )
    monkeypatch.setattr(text, "SHUFFLE_BUFFER", 10)
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0, raising=False)  # 5 s, for slow networks
    found = list(documents("prose", limit=30, seed=1))
    assert len(set(found)) == 30
    assert {name.split()[0] for name in found} == {"0", "1", "2"}
    rows = [int(name.split()[1]) for name in found]
    assert max(rows) >= 40
    assert min(rows) < 20


def test_datasets_that_break_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    Hub(monkeypatch, [{"text": "a"}, {"text": "b"}, {"text": "c"}], fail_at=2)
    with pytest.raises(ValueError, match=r"dataset prose: reading broke off after 2 documents: .*dead"):
        list(documents("prose"))
    Hub(monkeypatch, [{"body": "a", "number": 1}])
    with pytest.raises(ValueError, match=r"no text column 'text'; it has body \(str\), number \(int\)"):
        list(documents("prose"))

    import datasets

    def missing(*_: object, **__: object) -> None:
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'prose' doesn't exist on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", missing)
    with pytest.raises(ValueError, match=r"dataset prose: cannot be opened: .*doesn't exist"):
        list(documents("prose"))
