"""The file of commands is read strictly: what is wrong is said in a line that names it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from beyond_scaling import commands, provenance
from beyond_scaling.commands import load, program
from beyond_scaling.strict_yaml import FormError

from .conftest import ROOT

GOOD: dict[str, Any] = {
    "id": "one", "makes": "Something.", "run": "beyond-scaling radius --out mine", "leaves": ["mine/radius-default"],
    "cost": "record",
}  # fmt: skip


def written(folder: Path, *entries: dict[str, Any], place: str = "laptop") -> Path:
    path = folder / "commands.yml"
    path.write_text(yaml.safe_dump([{"place": place, "commands": list(entries)}]))
    return path


def test_a_command_as_it_stands(tmp_path: Path) -> None:
    two = GOOD | {"id": "two", "after": ["one"], "preset": "beyond-scaling radius --chunks 3", "preset_leaves": ["a/b"]}
    three = GOOD | {"id": "three", "after": ["two"], "preset": two["preset"], "preset_after": ["one"]}
    found = load(written(tmp_path, GOOD, two, three))
    assert list(found) == ["one", "two", "three"]
    assert found["one"].tested == ("beyond-scaling radius --out mine", ("mine/radius-default",))
    assert found["two"].tested == ("beyond-scaling radius --chunks 3", ("a/b",))
    assert [each.id for each in found["three"].before(found)] == ["one", "two"]
    assert [each.id for each in found["three"].before(found, test=True)] == ["one", "two"]
    assert (found["one"].anchor, found["one"].place, found["one"].cost.kind) == ("run-one", "laptop", "record")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "One"}, "id is 'One', expected lower-case words"),
        ({"run": "  "}, "run is '  ', expected text"),
        ({"run": "beyond-scaling 'radius"}, "run is no shell line: No closing quotation"),
        ({"run": "# nothing"}, "run has nothing to run"),
        ({"leaves": []}, "leaves is [], expected a list with at least one entry"),
        ({"leaves": ["/root/x"]}, "leaves has '/root/x', expected a path below"),
        ({"leaves": ["a/../../x"]}, "expected a path below the folder it runs in"),
        ({"records": ["A record"]}, "records has 'A record', expected the name of a record"),
        ({"checkout": "yes"}, "checkout is 'yes', expected true or false"),
        ({"after": ["none"]}, "is after 'none', which is not above it"),
        ({"preset": "beyond-scaling sweep tiny-sweep"}, "the preset runs 'beyond-scaling sweep', not 'beyond-scaling"),
        ({"preset_leaves": ["mine/x"]}, "preset_leaves and no preset"),
        ({"cost": "cheap"}, "cost is 'cheap', expected 'record', or one of records, training, radius, said"),
        ({"cost": {"records": {"short": "true"}}}, "cost is that of its records, and it has no records"),
        ({"cost": {"training": {"sweep": "x", "vocabulary": 0}}}, "vocabulary is 0, expected a whole number"),
        ({"cost": {"radius": {"chunks": 3}}}, "missing length, sites"),
        ({"cost": {"said": ""}}, "cost, said is '', expected text"),
        ({"price": 3}, "unknown price; there are id, makes"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(FormError) as error:
        load(written(tmp_path, GOOD | change))
    assert words in str(error.value)
    assert str(error.value).startswith("commands.yml: command ")
    assert "\n" not in str(error.value)


def test_the_books_own_from_a_checkout_and_from_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ROOT / "book" / commands.FILE
    assert load() == load(own)
    monkeypatch.setattr(provenance, "checkout", lambda: None)
    monkeypatch.setattr(commands, "PACKAGED", written(tmp_path, GOOD))
    assert list(load()) == ["one"]
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["book/commands.yml"] == "beyond_scaling/book_commands.yml"


def test_of_the_file_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="command 'one' stands there twice"):
        load(written(tmp_path, GOOD, GOOD))
    with pytest.raises(FormError, match="place 'moon', expected one of start, laptop"):
        load(written(tmp_path, GOOD, place="moon"))
    with pytest.raises(FormError, match="which is measured on a laptop; expected an estimate"):
        load(written(tmp_path, GOOD, place="gpu"))
    with pytest.raises(FormError, match="missing cost"):
        load(written(tmp_path, {key: value for key, value in GOOD.items() if key != "cost"}))
    path = written(tmp_path, GOOD)
    path.write_text(path.read_text() * 2)
    with pytest.raises(FormError, match="place 'laptop' stands there twice"):
        load(path)
    path.write_text("a: [")
    with pytest.raises(FormError, match=r"commands\.yml: not YAML"):
        load(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("beyond-scaling sweep cpu-light --out mine", "beyond-scaling sweep"),
        ("torchrun --nproc-per-node 4 -m beyond_scaling radius --preset paper", "torchrun beyond-scaling radius"),
        ("A=1 beyond-scaling \\\n  radius", "beyond-scaling radius"),
        ("make --dry-run book", "make book"),
        ("make book", "make book"),
    ],
)
def test_what_a_line_runs(line: str, words: str) -> None:
    assert " ".join(program(line)) == words
