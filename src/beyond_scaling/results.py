"""Result records: what was measured, together with everything needed to measure it again.

A record is one folder `<root>/<name>/` with two files:

`record.json`
    schema version, name, title, kind of experiment, command line, date (UTC), git commit, seed, versions,
    hardware, duration, parameters, inputs (name, SHA-256, bytes), the columns' file (SHA-256, bytes, rows,
    names), and the summary numbers.
`columns.parquet`
    the measured columns, all of one length. A missing value is a Parquet null and reads as NaN; a stored NaN
    or infinity is an error.

The root is `book/results` of the checkout the package runs from, or `$BEYOND_SCALING_RESULTS`. Without either, the
book's own records are read from the installed package, which carries them; nothing is written there. Records hold no
path of the machine they were made on: inputs are known by file name and hash.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from . import provenance

SCHEMA = 1
RECORD_FILE, COLUMNS_FILE = "record.json", "columns.parquet"
ROOT_VARIABLE = "BEYOND_SCALING_RESULTS"
PACKAGED = Path(__file__).with_name("book_results")  # in an installed package, the book's records
MADE = "sha256 of "  # begins the names of parameters that know data which was made, not read

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_MACHINE_PATH = re.compile(r"(?:^|[\s='\"])(?:/[\w.-]+/|~/|[A-Za-z]:[\\/])")
_DATASET = re.compile(r", text of \d+ documents\)$")  # how `corpora` names the text of a dataset
# field -> (types allowed, what is expected, in words)
_SCHEMA: dict[str, tuple[tuple[type, ...], str]] = {
    "schema": ((int,), f"the number {SCHEMA}"),
    "name": ((str,), "a string"),
    "title": ((str,), "a string"),
    "kind": ((str,), "a string"),
    "command": ((str,), "a string"),
    "created": ((str,), "a UTC date such as 2025-01-31T12:00:00Z"),
    "commit": ((dict,), "an object with hash and dirty"),
    "seed": ((int,), "an integer"),
    "versions": ((dict,), "an object of strings"),
    "hardware": ((dict,), "an object"),
    "duration_s": ((int, float), "a number of seconds"),
    "parameters": ((dict,), "an object"),
    "inputs": ((list,), "a list of objects with name, sha256 and bytes"),
    "columns": ((dict,), "an object with file, sha256, bytes, rows and names"),
    "summary": ((dict,), "an object of numbers"),
}


class RecordError(ValueError):
    """A record that is missing, damaged, or would be overwritten; the message names it and what is wrong."""


@dataclass(frozen=True)
class Record:
    """One measurement: `columns` maps names to 1-D arrays of one length, `summary` nests finite numbers."""

    name: str
    title: str
    kind: str
    command: str
    seed: int
    parameters: Mapping[str, Any]
    inputs: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, np.ndarray]
    summary: Mapping[str, Any]
    duration_s: float
    created: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    commit: Mapping[str, Any] = field(default_factory=provenance.commit)
    versions: Mapping[str, str] = field(default_factory=provenance.versions)
    hardware: Mapping[str, Any] = field(default_factory=provenance.hardware)

    def provenance(self) -> list[tuple[str, str]]:
        """Ordered rows (label, text) for the caption under a figure: how, when, with what, on what."""
        rows = [
            ("Command", self.command),
            ("Measured", self.created.replace("T", " ").replace("Z", " UTC")),
            ("Code", _commit_words(self.commit)),
            ("Seed", str(self.seed)),
            ("Parameters", ", ".join(f"{key} {_words(value)}" for key, value in self.parameters.items())),
            ("Versions", ", ".join(f"{package} {version}" for package, version in self.versions.items())),
            ("Hardware", _hardware_words(self.hardware)),
            ("Duration", _duration_words(self.duration_s)),
        ]
        for item in self.inputs:
            rows.append(("Input", f"{item['name']}, {item['bytes']:,} bytes, SHA-256 {item['sha256'][:16]}…"))
        return rows


def default_root() -> Path:
    """The folder of the records, to which new ones are saved.

    Raises:
        RecordError: the package runs outside a checkout and `$BEYOND_SCALING_RESULTS` is not set.
    """
    if chosen := os.environ.get(ROOT_VARIABLE):
        return Path(chosen).expanduser()
    if checkout := provenance.checkout():
        return checkout / "book" / "results"
    raise RecordError(
        f"no folder of results: the package does not run from a checkout of the book; set ${ROOT_VARIABLE}"
        " or name one (--out)"
    )


def reading_root() -> Path:
    """The folder in which records are looked for: `default_root()`, or the one that an installed package carries.

    Raises:
        RecordError: there is neither.
    """
    elsewhere = os.environ.get(ROOT_VARIABLE) or provenance.checkout() is not None
    return PACKAGED if not elsewhere and PACKAGED.is_dir() else default_root()


def names(root: str | os.PathLike[str] | None = None) -> list[str]:
    """Names of all records under `root`, sorted."""
    folder = reading_root() if root is None else Path(root)
    for left in folder.glob(".*.previous"):
        _mend(folder / left.name[1 : -len(".previous")])
    found = (path.parent.name for path in folder.glob(f"*/{RECORD_FILE}"))
    return sorted(name for name in found if _NAME.fullmatch(name))


def check_name(name: str) -> None:
    """Raise RecordError unless a record may be called `name`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RecordError(
            f"name {name!r}: expected lower-case letters, digits, '.', '_' and '-', a letter or digit first,"
            " 100 at most"
        )


def exists(name: str, root: str | os.PathLike[str] | None = None) -> bool:
    """Whether there is a record (or anything else in its place) called `name`."""
    return _folder(name, root).exists()


def load(name: str, root: str | os.PathLike[str] | None = None) -> Record:
    """Read a record, checking its schema and the hash of its columns.

    Raises:
        RecordError: there is no such record, or it is damaged; the message says which and how.
    """
    folder = _folder(name, root)
    raw = _read_json(folder, name)
    problems = list(_schema_problems(raw, name))
    if problems:
        raise _broken(name, problems)
    columns = _read_columns(folder, name, raw["columns"])
    fields = {key: raw[key] for key in raw if key not in ("schema", "columns", "inputs")}
    return Record(**fields, inputs=tuple(raw["inputs"]), columns=columns)


def verify(name: str, root: str | os.PathLike[str] | None = None) -> Record:
    """Read a record and check everything in it: schema, hashes, columns, and that every number is finite.

    Raises:
        RecordError: naming everything that is wrong, one problem a line.
    """
    folder = _folder(name, root)
    record = load(name, root)
    problems = list(_value_problems(record))
    stray = sorted(path.name for path in folder.iterdir() if path.name not in (RECORD_FILE, COLUMNS_FILE))
    if stray:
        problems.append(f"unknown files beside the record: {', '.join(stray)}")
    problems += [f"column {column} holds NaN or infinity" for column in _stored_not_finite(folder)]
    if problems:
        raise _broken(name, problems)
    return record


def verify_inputs(record: Record, root: str | os.PathLike[str]) -> list[str]:
    """Look every input of a record up by name under `root`, hash it again, and say what does not agree.

    An input may lie at any depth; one called `part/a.parquet` lies in a folder `part`. Where several files have its
    name, one of the recorded bytes is enough.

    Returns:
        One line for every input that is missing, differs, cannot be read, or cannot be hashed again (the text of a
        dataset, which is no file); none if all are sound.

    Raises:
        RecordError: `root` is no folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise RecordError(f"{root}: no such folder to look for inputs in")
    unread: list[str] = []
    wanted = {PurePosixPath(item["name"]).name for item in record.inputs if not _DATASET.search(item["name"])}
    files: dict[str, list[Path]] = {name: [] for name in wanted}
    for place, folders, names in os.walk(folder, onerror=lambda error: unread.append(str(error.filename))):
        folders.sort()
        for name in wanted.intersection(names):
            files[name].append(Path(place) / name)
    problems = [problem for item in record.inputs if (problem := _input_problem(item, files, folder))]
    if problems:  # what is missing may lie there
        problems += [f"{Path(place).relative_to(folder).as_posix()}: folder cannot be read" for place in sorted(unread)]
    return problems


def _input_problem(item: Mapping[str, Any], files: Mapping[str, list[Path]], root: Path) -> str | None:
    name = item["name"]
    if _DATASET.search(name):
        return f"{name}: cannot be hashed again: the text of a dataset, which is no file"
    parts = PurePosixPath(name).parts
    same = files.get(PurePosixPath(name).name, [])
    found = [path for path in same if path.relative_to(root).parts[-len(parts) :] == parts]
    problem = f"{name}: not found"
    for path in found:
        place = path.relative_to(root).as_posix()
        try:
            size = path.stat().st_size
            if size != item["bytes"]:
                problem = f"{name}: {place} has {size:,} bytes, the record says {item['bytes']:,}"
                continue
            stored = provenance.file_input(path)
        except OSError as error:
            problem = f"{name}: {place} cannot be read: {error.strerror}"
            continue
        if stored["sha256"] == item["sha256"]:
            return None
        problem = f"{name}: {place} has SHA-256 {stored['sha256']}, the record says {item['sha256']}"
    return problem if len(found) < 2 else f"{problem}; none of {len(found)} files of that name agrees"


def refuse_paths(**texts: str) -> None:
    """Raise RecordError, naming the text, if one holds a path of this machine: a record with it is not saved."""
    for place, text in texts.items():
        if _MACHINE_PATH.search(text):
            raise RecordError(f"{place} holds a path of this machine, which no record may: {text!r}")


def save(record: Record, root: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
    """Write a record and return its folder.

    The record is written beside its place and moved there when whole. What was measured before is left as it
    is unless `overwrite` is set, and is removed only after the new record stands in its place.

    Raises:
        RecordError: a record of that name exists and `overwrite` is not set, the record itself is not
            sound, or it cannot be written (a full disk, no rights).
    """
    folder = _folder(record.name, default_root() if root is None else root)
    if folder.exists() and not overwrite:
        raise RecordError(f"record {record.name!r} exists already; nothing was overwritten")
    problems = list(_value_problems(record))
    if problems:
        raise _broken(record.name, problems)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{record.name}.new-", dir=folder.parent))
        try:
            _write(record, fresh)
            if schema := list(_schema_problems(_read_json(fresh, record.name), record.name)):
                raise _broken(record.name, schema)
            fresh.chmod(0o755)
            _swap(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        why = error.strerror or error
        raise RecordError(f"record {record.name!r} cannot be written to {folder.parent}: {why}") from error
    return folder


def _swap(fresh: Path, folder: Path) -> None:
    previous = _previous(folder)
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    try:
        fresh.rename(folder)
    except BaseException:
        if previous.exists():
            previous.rename(folder)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _folder(name: str, root: str | os.PathLike[str] | None) -> Path:
    check_name(name)
    folder = (reading_root() if root is None else Path(root)) / name
    _mend(folder)
    return folder


def _mend(folder: Path) -> None:
    """Put a record back that a save, cut off between its two renames, left aside."""
    if not folder.exists() and _previous(folder).exists():
        _previous(folder).rename(folder)


def _write(record: Record, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {}
    for name, column in record.columns.items():
        values = np.asarray(column)
        missing = np.isnan(values) if values.dtype.kind == "f" else None
        arrays[name] = pa.array(values, mask=missing)
    path = folder / COLUMNS_FILE
    pq.write_table(
        pa.table(arrays),
        path,
        compression="zstd",
        use_dictionary=False,
        use_byte_stream_split=[name for name, array in arrays.items() if pa.types.is_floating(array.type)],
    )
    stored = provenance.file_input(path)
    document: dict[str, Any] = {"schema": SCHEMA}
    for entry in dataclasses.fields(record):
        if entry.name != "columns":
            document[entry.name] = getattr(record, entry.name)
    document["columns"] = {
        "file": COLUMNS_FILE,
        "sha256": stored["sha256"],
        "bytes": stored["bytes"],
        "rows": _rows(record),
        "names": list(record.columns),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
    for file in (path, folder / RECORD_FILE):
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (tuple, np.ndarray)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be kept in a record: {value!r}")


def _rows(record: Record) -> int:
    return len(next(iter(record.columns.values()), ()))


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / RECORD_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names(folder.parent)) or "none"
        raise RecordError(f"no record {name!r} (records there: {known})") from None
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, not JSON, endless digits or brackets
        raise RecordError(f"record {name!r}: {RECORD_FILE} cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise RecordError(f"record {name!r}: {RECORD_FILE} must hold an object, not {type(raw).__name__}")
    return raw


def _read_columns(folder: Path, name: str, entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    import pyarrow.parquet as pq

    path = folder / COLUMNS_FILE
    if not path.is_file():
        raise _broken(name, [f"{COLUMNS_FILE} is missing"])
    stored = provenance.file_input(path)
    if stored["sha256"] != entry["sha256"]:
        raise _broken(name, [f"{COLUMNS_FILE} has SHA-256 {stored['sha256']}, the record says {entry['sha256']}"])
    if stored["bytes"] != entry["bytes"]:
        raise _broken(name, [f"{COLUMNS_FILE} has {stored['bytes']} bytes, the record says {entry['bytes']!r}"])
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise _broken(name, [f"{COLUMNS_FILE} cannot be read: {error}"]) from error
    if table.column_names != entry["names"] or table.num_rows != entry["rows"]:
        found = f"{table.num_rows} rows of {table.column_names}"
        raise _broken(name, [f"{COLUMNS_FILE} holds {found}, the record says {entry['rows']} of {entry['names']}"])
    return {column: table[column].to_numpy() for column in table.column_names}


def _stored_not_finite(folder: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(folder / COLUMNS_FILE)
    for name in table.column_names:
        column = table[name]
        if pa.types.is_floating(column.type) and pc.all(pc.is_finite(column)).as_py() is False:
            yield name


def _schema_problems(raw: Mapping[str, Any], name: str) -> Iterator[str]:
    for key, (types, words) in _SCHEMA.items():
        if key not in raw:
            yield f"{key} is missing; expected {words}"
        elif not isinstance(raw[key], types) or isinstance(raw[key], bool):
            yield f"{key} is {raw[key]!r}; expected {words}"
    if unknown := sorted(set(raw) - set(_SCHEMA)):
        yield f"unknown entries: {', '.join(unknown)}"
    if raw.get("schema") != SCHEMA:
        yield f"schema {raw.get('schema')!r} is not the one this version reads ({SCHEMA})"
    if raw.get("name") != name:
        yield f"name {raw.get('name')!r} differs from its folder {name!r}"
    entry = raw.get("columns")
    if isinstance(entry, dict):
        if set(entry) != {"file", "sha256", "bytes", "rows", "names"}:
            yield f"columns has entries {sorted(entry)}; expected file, sha256, bytes, rows and names"
        elif entry["file"] != COLUMNS_FILE:
            yield f"columns.file is {entry['file']!r}; expected {COLUMNS_FILE!r}"


def _value_problems(record: Record) -> Iterator[str]:
    try:
        if not record.created.endswith("Z"):
            raise ValueError
        datetime.fromisoformat(record.created)
    except ValueError:
        yield f"created is {record.created!r}; expected a UTC date such as 2025-01-31T12:00:00Z"
    sha = record.commit.get("hash", "")
    if set(record.commit) != {"hash", "dirty"} or not (sha is None or re.fullmatch("[0-9a-f]{40}", str(sha))):
        yield f"commit is {dict(record.commit)!r}; expected hash (40 hex digits or null) and dirty"
    elif record.commit["dirty"] is not None and not isinstance(record.commit["dirty"], bool):
        yield f"commit.dirty is {record.commit['dirty']!r}; expected true, false or null"
    if not (_finite(record.duration_s) and record.duration_s >= 0):
        yield f"duration_s is {record.duration_s!r}; expected a number of seconds"
    if not record.versions:
        yield "versions is empty; expected at least Python's"
    for package, version in record.versions.items():
        if not isinstance(version, str) or not version:
            yield f"versions.{package} is {version!r}; expected a string"
    for place, entries in (("hardware", record.hardware), ("parameters", record.parameters)):
        for key, value in entries.items():
            parts = value if place == "parameters" and isinstance(value, (list, tuple)) else (value,)
            if not all(part is None or isinstance(part, (str, bool)) or _finite(part) for part in parts):
                yield f"{place}.{key} is {value!r}; expected a string, a finite number, true, false or null"
    for index, item in enumerate(record.inputs):
        if not isinstance(item, Mapping) or set(item) != {"name", "sha256", "bytes"}:
            yield f"inputs[{index}] is {item!r}; expected name, sha256 and bytes"
        elif not isinstance(item["name"], str) or not item["name"]:
            yield f"inputs[{index}] has name {item['name']!r}; expected a string"
        elif not re.fullmatch("[0-9a-f]{64}", str(item["sha256"])):
            yield f"inputs[{index}] ({item['name']}) has sha256 {item['sha256']!r}; expected 64 hex digits"
        elif isinstance(item["bytes"], bool) or not isinstance(item["bytes"], int) or item["bytes"] < 0:
            yield f"inputs[{index}] ({item['name']}) has bytes {item['bytes']!r}; expected a whole number"
    if not record.inputs and not _made(record.parameters):
        yield "inputs is empty; a measurement has at least one, or parameters 'sha256 of ...' of data that it made"
    if not record.columns:
        yield "columns is empty; a measurement has at least one"
    shapes = {name: np.shape(column) for name, column in record.columns.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        yield f"columns must be 1-D and of one length, not {shapes}"
    for name, column in record.columns.items():
        if np.asarray(column).dtype.kind == "f" and np.isinf(column).any():
            yield f"column {name} holds infinity"
    yield from _not_finite(record.summary, "summary")
    for place, text in _strings(record):
        if _MACHINE_PATH.search(text):
            yield f"{place} holds a path of this machine: {text!r}"


def _made(parameters: Mapping[str, Any]) -> bool:
    """Whether the parameters tell data that was made, not read: by a hash, as inputs are known."""
    return any(
        key.startswith(MADE) and re.fullmatch("[0-9a-f]{64}", str(value)) is not None
        for key, value in parameters.items()
    )


def _not_finite(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _not_finite(entry, f"{place}.{key}")
    elif isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        yield f"{place} is {value!r}; expected a number"
    elif not _finite(value):
        yield f"{place} is {value!r}; expected a finite number"


def _finite(value: Any) -> bool:
    """Whether it is a number that float64 can hold; JSON knows larger integers."""
    try:
        return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value)
    except OverflowError:
        return False


def _strings(record: Record) -> Iterator[tuple[str, str]]:
    yield "title", record.title
    yield "command", record.command
    for key, value in record.parameters.items():
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(text, str):
                yield f"parameters.{key}", text
    for index, item in enumerate(record.inputs):
        if isinstance(item, Mapping):
            yield f"inputs[{index}].name", str(item.get("name"))


def _broken(name: str, problems: list[str]) -> RecordError:
    return RecordError("\n".join(f"record {name!r}: {problem}" for problem in problems))


def _words(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, (list, tuple)):
        return " / ".join(_words(entry) for entry in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _commit_words(commit: Mapping[str, Any]) -> str:
    if commit["hash"] is None:
        return "not from a git checkout"
    state = {True: ", with uncommitted changes in src", False: "", None: ", state of src unknown"}[commit["dirty"]]
    return f"commit {commit['hash'][:12]}{state}"


def _hardware_words(hardware: Mapping[str, Any]) -> str:
    parts = [str(hardware["cpu"])] if hardware.get("cpu") else []
    if cores := hardware.get("cores"):
        parts.append(f"{cores} core{'s' if cores > 1 else ''}")
    if threads := hardware.get("threads"):
        parts.append(f"{threads} thread{'s' if threads > 1 else ''} used")
    if hardware.get("memory_gib"):
        parts.append(f"{hardware['memory_gib']:g} GiB of memory")
    parts.append(f"GPU: {hardware['gpu']}" if hardware.get("gpu") else "no GPU")
    return ", ".join(parts)


def _duration_words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
