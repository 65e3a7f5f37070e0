"""Whether a record holds what a run of a sweep is to measure."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import provenance, results
from ..errors import first_line
from ..results import Record
from . import config as configuration
from .config import Data, TokenChunks
from .differences import differences
from .plan import Planned

_PLACES = ("path", "file")  # of [data]; what lies there is known by its hash


def done(
    runs: Sequence[Planned], root: str | os.PathLike[str], *, overwrite: bool = False
) -> dict[str, results.Record]:
    """Records of the runs that are done, by name. Data that are not there any more are taken to be the same.

    Args:
        overwrite: records of other runs, or damaged ones, stand for nothing, and are to be replaced.

    Raises:
        ValueError: a record has another configuration or other data than the run of that name, or is damaged.
    """
    files: dict[Data, tuple[Mapping[str, Any], ...]] = {}
    found: dict[str, results.Record] = {}
    for run in runs:
        if not results.exists(run.name, root):
            continue
        data = run.config.data
        if data not in files:
            files[data] = _data_files(data)
        try:
            record = results.load(run.name, root)
            if words := apart(run, record, files[data]):
                raise results.RecordError(f"record {run.name!r} is of another run: {'; '.join(words[:3])}")
            found[run.name] = record
        except results.RecordError as error:
            if not overwrite:
                raise results.RecordError(f"{first_line(error)}; --force replaces it") from error
    return found


def apart(planned: Planned, record: Record, files: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """In what a record is not the run's, in words: its configuration, or its data's files; nothing if it is done."""
    from .record import KIND

    if record.kind != KIND:
        return [f"its kind is {record.kind}"]
    wanted = planned.config.sections()
    kept: dict[str, dict[str, Any]] = {section: {} for section in wanted}
    for name, value in record.parameters.items():
        section, _, key = name.partition(".")
        if key and section in kept:
            kept[section][key] = value
    kept["data"] |= {key: wanted["data"][key] for key in _PLACES if key in wanted["data"]}
    with contextlib.suppress(ValueError):  # options that came later had their defaults
        kept = configuration.from_sections(kept).sections()
    found = differences(kept, json.loads(json.dumps(wanted)))
    there = {(item["name"], item["sha256"]) for item in record.inputs}
    return found + [f"{item['name']} is another file" for item in files if (item["name"], item["sha256"]) not in there]


def _data_files(data: Data) -> tuple[Mapping[str, Any], ...]:
    """The files of a run's data as records name them."""
    try:
        if isinstance(data, TokenChunks):
            from ..corpora.token_file import TokenFile

            return TokenFile.open(data.path).inputs
        return () if data.file is None else (provenance.file_input(Path(data.file).expanduser()),)
    except (ValueError, OSError):
        return ()
