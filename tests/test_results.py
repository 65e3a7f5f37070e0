"""Result records: they come back as they were, refuse to be damaged or overwritten, and say what is wrong."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling import provenance, results
from beyond_scaling.results import Record, RecordError

SHA = "ab" * 32


def make(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "name": "toy",
        "title": "A toy",
        "kind": "test",
        "command": "beyond-scaling toy --text some/words.txt",
        "seed": 3,
        "parameters": {"chunks": 1200, "fractions": [0.4, 1.0], "model": "someone/model", "exact": True},
        "inputs": ({"name": "words.txt", "sha256": SHA, "bytes": 12345},),
        "columns": {
            "document": np.array([0, 1, 5], dtype=np.int32),
            "distance": np.array([0.5, np.nan, 1.25], dtype=np.float32),
        },
        "summary": {"mean": 0.875, "count": 2, "deep": {"median": np.float64(0.875)}},
        "duration_s": 12.5,
        "created": "2025-01-31T12:00:00Z",
        "commit": {"hash": "c" * 40, "dirty": False},
        "versions": {"python": "3.11.1", "numpy": "2.4.6"},
        "hardware": {"cpu": "A Processor", "cores": 2, "threads": 1, "memory_gib": 23.4, "gpu": None},
    }
    return Record(**(fields | changes))


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = make()
    folder = results.save(record, tmp_path)
    assert folder == tmp_path / "toy"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["columns.parquet", "record.json", "toy"]
    for loaded in (results.load("toy", tmp_path), results.verify("toy", tmp_path)):
        for entry in dataclasses.fields(Record):
            if entry.name != "columns":
                assert getattr(loaded, entry.name) == getattr(record, entry.name), entry.name
        assert list(loaded.columns) == ["document", "distance"]
        for name, column in record.columns.items():
            np.testing.assert_array_equal(loaded.columns[name], column)
            assert loaded.columns[name].dtype == column.dtype
    assert results.names(tmp_path) == ["toy"]
    assert results.exists("toy", tmp_path)
    assert not results.exists("other", tmp_path)


def test_provenance_tells_everything_in_order() -> None:
    rows = make().provenance()
    assert rows == [
        ("Command", "beyond-scaling toy --text some/words.txt"),
        ("Measured", "2025-01-31 12:00:00 UTC"),
        ("Code", "commit cccccccccccc"),
        ("Seed", "3"),
        ("Parameters", "chunks 1,200, fractions 0.4 / 1.0, model someone/model, exact yes"),
        ("Versions", "python 3.11.1, numpy 2.4.6"),
        ("Hardware", "A Processor, 2 cores, 1 thread used, 23.4 GiB of memory, no GPU"),
        ("Duration", "12.5 s"),
        ("Input", f"words.txt, 12,345 bytes, SHA-256 {SHA[:16]}…"),
    ]
    words = dict(make(commit={"hash": "c" * 40, "dirty": True}, duration_s=7384.0).provenance())
    assert words["Code"] == "commit cccccccccccc, with uncommitted changes in src"
    assert words["Duration"] == "2 h 3 min"
    assert dict(make(commit={"hash": None, "dirty": None}).provenance())["Code"] == "not from a git checkout"


def test_a_record_knows_this_code_and_machine() -> None:
    record = Record("toy", "A toy", "test", "x", 0, {}, ({"name": "a", "sha256": SHA, "bytes": 1},), {}, {}, 1.0)
    assert record.versions["numpy"] == np.__version__
    assert {"cpu", "cores", "threads", "memory_gib", "gpu"} == set(record.hardware)
    assert record.created.endswith("Z")
    assert set(record.commit) == {"hash", "dirty"}


def test_what_was_measured_is_never_overwritten_unasked(tmp_path: Path) -> None:
    results.save(make(), tmp_path)
    with pytest.raises(RecordError, match="'toy' exists already; nothing was overwritten"):
        results.save(make(title="Another"), tmp_path)
    assert results.verify("toy", tmp_path).title == "A toy"
    results.save(make(title="Another"), tmp_path, overwrite=True)
    assert results.verify("toy", tmp_path).title == "Another"
    assert [path.name for path in tmp_path.iterdir()] == ["toy"], "nothing is left beside it"


@pytest.mark.parametrize("failing", ["write", "swap"])
def test_a_failed_save_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    results.save(make(), tmp_path)
    with monkeypatch.context() as patch:
        if failing == "write":

            def full(*_: object, **__: object) -> None:
                raise OSError(28, "no space left on device")

            patch.setattr("pyarrow.parquet.write_table", full)
        else:
            rename = Path.rename

            def broken(self: Path, target: Path) -> Path:
                if ".new-" in self.name:
                    raise OSError(28, "no space left on device")
                return rename(self, target)

            patch.setattr(Path, "rename", broken)
        with pytest.raises(RecordError, match=f"record 'toy' cannot be written to {tmp_path}: no space"):
            results.save(make(title="Another"), tmp_path, overwrite=True)
    assert results.verify("toy", tmp_path).title == "A toy"
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_a_save_cut_off_between_its_renames_is_mended(tmp_path: Path) -> None:
    folder = results.save(make(), tmp_path)
    folder.rename(tmp_path / ".toy.previous")
    assert results.names(tmp_path) == ["toy"]
    assert results.load("toy", tmp_path).title == "A toy"
    assert folder.is_dir()


def test_data_that_was_made_needs_no_input(tmp_path: Path) -> None:
    made = make(inputs=(), parameters={"sha256 of lines": SHA})
    assert results.verify(results.save(made, tmp_path).name, tmp_path).inputs == ()
    with pytest.raises(RecordError, match="inputs is empty"):
        results.save(make(name="other", inputs=(), parameters={"sha256 of lines": "abc"}), tmp_path)


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        raw = json.loads((folder / "record.json").read_text())
        change(raw)
        (folder / "record.json").write_text(json.dumps(raw))

    return spoil


def cut_columns(folder: Path) -> None:
    path = folder / "columns.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def store_columns(**columns: list[float]) -> Callable[[Path], None]:
    """Other columns, with a record that knows their hash."""

    def spoil(folder: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), folder / "columns.parquet")
        stored = provenance.file_input(folder / "columns.parquet")
        edit(lambda raw: raw["columns"].update(sha256=stored["sha256"], bytes=stored["bytes"]))(folder)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "record.json").unlink(), r"no record 'toy' \(records there: none\)"),
        (lambda folder: (folder / "record.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "record.json").write_text("[]"), "must hold an object, not list"),
        (lambda folder: (folder / "record.json").write_text("[" * 100_000), "cannot be read"),
        (lambda folder: (folder / "record.json").write_text('{"seed": ' + "9" * 5000 + "}"), "cannot be read"),
        (lambda folder: (folder / "record.json").write_bytes(b"\xff"), "cannot be read"),
        (edit(lambda raw: raw.update(duration_s=10**400)), "duration_s is 10+; expected a number of seconds"),
        (edit(lambda raw: raw["summary"].update(count=10**400)), "summary.count is 10+; expected a finite number"),
        (edit(lambda raw: raw["columns"].update(bytes=1)), r"columns.parquet has \d+ bytes, the record says 1"),
        (edit(lambda raw: raw["commit"].update(dirty="no")), "commit.dirty is 'no'"),
        (edit(lambda raw: raw["versions"].clear()), "versions is empty"),
        (edit(lambda raw: raw["versions"].update(numpy=2)), "versions.numpy is 2; expected a string"),
        (edit(lambda raw: raw["hardware"].update(cores=[2])), r"hardware.cores is \[2\]"),
        (edit(lambda raw: raw["parameters"].update(exact={"a": 1})), "parameters.exact is {'a': 1}"),
        (edit(lambda raw: raw["inputs"][0].update(bytes=-1)), r"inputs\[0\] \(words.txt\) has bytes -1"),
        (edit(lambda raw: raw["inputs"][0].update(name=None)), r"inputs\[0\] has name None"),
        (edit(lambda raw: raw.pop("seed")), "seed is missing; expected an integer"),
        (edit(lambda raw: raw.update(seed="3")), "seed is '3'; expected an integer"),
        (edit(lambda raw: raw.update(mood="good")), "unknown entries: mood"),
        (edit(lambda raw: raw.update(schema=99)), "schema 99 is not the one"),
        (edit(lambda raw: raw.update(name="other")), "name 'other' differs from its folder 'toy'"),
        (edit(lambda raw: raw.update(created="yesterday")), "created is 'yesterday'"),
        (edit(lambda raw: raw["commit"].update(hash="abc")), "commit is .*40 hex digits"),
        (
            edit(lambda raw: raw["inputs"][0].update(sha256="abc")),
            r"inputs\[0\] \(words.txt\) has sha256 'abc'",
        ),
        (edit(lambda raw: raw["inputs"].clear()), "inputs is empty"),
        (
            edit(lambda raw: raw["summary"].update(mean=float("nan"))),
            "summary.mean is nan; expected a finite",
        ),
        (edit(lambda raw: raw["summary"]["deep"].update(median="big")), "summary.deep.median is 'big'"),
        (edit(lambda raw: raw["columns"].update(rows=4)), "3 rows .* the record says 4"),
        (edit(lambda raw: raw["columns"].update(file="else.parquet")), "columns.file is 'else.parquet'"),
        (
            edit(lambda raw: raw.update(command="run /home/someone/x.txt")),
            "command holds a path of this machine",
        ),
        (lambda folder: (folder / "columns.parquet").unlink(), "columns.parquet is missing"),
        (cut_columns, "columns.parquet has SHA-256 .* the record says"),
        (lambda folder: (folder / "notes.txt").touch(), "unknown files beside the record: notes.txt"),
        (
            store_columns(document=[0, 1, 5], distance=[0.5, float("nan"), 1.0]),
            "distance holds NaN or infinity",
        ),
        (store_columns(document=[0, 1, 5], distance=[0.5, float("inf"), 1.0]), "distance holds .*infinity"),
    ],
)
def test_damage_is_found_and_named(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    folder = results.save(make(), tmp_path)
    spoil(folder)
    with pytest.raises(RecordError, match=words) as error:
        results.verify("toy", tmp_path)
    assert "'toy'" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {}}, "columns is empty"),
        ({"columns": {"a": np.zeros(2), "b": np.zeros(3)}}, "of one length"),
        ({"columns": {"a": np.zeros((2, 2))}}, "1-D"),
        ({"columns": {"a": np.array([1.0, np.inf])}}, "column a holds infinity"),
        ({"summary": {"mean": float("inf")}}, "summary.mean is inf"),
        ({"command": "beyond-scaling --text '/data/x/words.txt'"}, "command holds a path"),
        ({"parameters": {"text": "~/words.txt"}}, "parameters.text holds a path"),
        ({"duration_s": float("nan")}, "duration_s is nan"),
    ],
)
def test_unsound_records_are_not_saved(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordError, match=words):
        results.save(make(**changes), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "../up", "Upper", ".hidden", "a/b", "a b", "a" * 101])
def test_names_stay_inside_the_root(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordError, match="expected lower-case letters"):
        results.load(name, tmp_path)


def test_a_missing_record_names_those_there_are(tmp_path: Path) -> None:
    results.save(make(), tmp_path)
    with pytest.raises(RecordError, match=r"no record 'other' \(records there: toy\)"):
        results.load("other", tmp_path)


def test_the_root_is_the_variable_or_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(results.ROOT_VARIABLE, str(tmp_path))
    assert results.default_root() == tmp_path
    monkeypatch.delenv(results.ROOT_VARIABLE)
    assert results.default_root() == Path(results.__file__).parents[2] / "book" / "results"
    monkeypatch.setattr(provenance, "checkout", lambda: None)
    with pytest.raises(RecordError, match=r"no folder of results: .*set \$BEYOND_SCALING_RESULTS"):
        results.load("toy")


def test_an_installed_package_reads_the_records_that_it_carries_and_saves_none_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.save(make(), tmp_path)
    monkeypatch.delenv(results.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(provenance, "checkout", lambda: None)
    monkeypatch.setattr(results, "PACKAGED", tmp_path)
    assert results.names() == ["toy"]
    assert results.verify("toy").name == "toy"
    with pytest.raises(RecordError, match="no folder of results"):
        results.save(make(), overwrite=True)
    monkeypatch.setenv(results.ROOT_VARIABLE, str(tmp_path / "mine"))
    assert results.names() == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["--text", "/data/prose/words.txt"], "run --text words.txt"),
        (["--text=/data/prose/words.txt"], "run --text=words.txt"),
        (["--text", "~/words.txt", "--out", "../../results"], "run --text words.txt --out results"),
        (["--model", "openai-community/gpt2-medium"], "run --model openai-community/gpt2-medium"),
        (["train", "run.toml", "--set", "data.path=/data/tokens"], "run train run.toml --set data.path=tokens"),
        (["--set", "run.steps=3", "--set", "data.file=~/a"], "run --set run.steps=3 --set data.file=a"),
        (["--text", "prose/a b.txt", "--fractions", "0.4"], "run --text 'prose/a b.txt' --fractions 0.4"),
    ],
)
def test_commands_are_kept_without_the_machines_paths(given: list[str], kept: str) -> None:
    assert provenance.public_command("run", given) == kept


def inputs(root: Path, *names: str) -> tuple[dict[str, Any], ...]:
    """Files of these names, made with other bytes each, as a record keeps them."""
    found = []
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * 100)
        found.append(provenance.file_input(path, name))
    return tuple(found)


def test_inputs_are_found_at_any_depth_and_hashed_again(tmp_path: Path) -> None:
    kept = inputs(tmp_path / "far" / "away", "words.txt", "part/a.parquet", "config.json")
    inputs(tmp_path / "another" / "model", "config.json")  # of the same name, with other bytes
    assert results.verify_inputs(make(inputs=kept), tmp_path) == []
    (tmp_path / "far" / "away" / "part" / "a.parquet").rename(tmp_path / "a.parquet")
    assert results.verify_inputs(make(inputs=kept), tmp_path) == ["part/a.parquet: not found"]


def test_inputs_that_are_not_what_they_were_are_named(tmp_path: Path) -> None:
    kept = inputs(tmp_path, "same.txt", "other.txt", "longer.txt", "gone.txt", "dangling.txt", "twice.txt")
    (tmp_path / "other.txt").write_bytes(b"x" * 100)
    (tmp_path / "longer.txt").write_bytes(b"x" * 2000)
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "dangling.txt").unlink()
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nowhere")
    for place in ("", "copy"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "twice.txt").write_bytes(b"y")
    dataset = {"name": "someone/prose:small (train, text of 5 documents)", "sha256": SHA, "bytes": 50}
    odd = [{"name": name, "sha256": SHA, "bytes": 1} for name in (".", "../same.txt", "/same.txt")]
    problems = results.verify_inputs(make(inputs=(*kept, dataset, *odd)), tmp_path)
    other = provenance.file_input(tmp_path / "other.txt")["sha256"]
    assert problems == [
        f"other.txt: other.txt has SHA-256 {other}, the record says {kept[1]['sha256']}",
        "longer.txt: longer.txt has 2,000 bytes, the record says 100",
        "gone.txt: not found",
        "dangling.txt: dangling.txt cannot be read: No such file or directory",
        "twice.txt: copy/twice.txt has 1 bytes, the record says 100; none of 2 files of that name agrees",
        "someone/prose:small (train, text of 5 documents): cannot be hashed again: the text of a dataset,"
        " which is no file",
        ".: not found",
        "../same.txt: not found",
        "/same.txt: not found",
    ]
    with pytest.raises(RecordError, match="no such folder to look for inputs in"):
        results.verify_inputs(make(), tmp_path / "nowhere")


def test_a_dataset_of_corpora_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import datasets

    from beyond_scaling.corpora import documents

    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: iter([{"text": "a"}, {"text": "b"}]))
    source = documents("someone/prose")
    assert list(source) == ["a", "b"]
    (problem,) = results.verify_inputs(make(inputs=source.inputs), tmp_path)
    assert "cannot be hashed again" in problem


def test_a_folder_that_cannot_be_read_is_named_where_an_input_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = inputs(tmp_path, "shut/words.txt", "open.txt")
    scan = os.scandir

    def shut(place: Any) -> Any:
        if Path(place).name == "shut":
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", shut)
    assert results.verify_inputs(make(inputs=kept[1:]), tmp_path) == []
    assert results.verify_inputs(make(inputs=kept), tmp_path) == [
        "shut/words.txt: not found",
        "shut: folder cannot be read",
    ]


def test_every_record_of_the_book_is_sound() -> None:
    root = Path(results.__file__).parents[2] / "book" / "results"
    names = results.names(root)
    assert names
    for name in names:
        record = results.verify(name, root)
        assert record.commit["dirty"] is False
        assert sum(path.stat().st_size for path in (root / name).iterdir()) < 4_000_000
