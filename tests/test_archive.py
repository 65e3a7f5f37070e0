"""The offline archive: the same bytes from the same site, and no change to it goes unnoticed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import archive
import pytest

TOP = "energy-memory-and-scale-0.0.1"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A very small finished book."""
    folder = tmp_path / "html"
    for name, text in {
        "index.html": "<h1>Book</h1>",
        "theory/one.html": "<p>E</p>",
        "downloads/notebooks/theory/one.ipynb": "{}",
        "_static/bs/finished": "",
        ".buildinfo": "what only Sphinx reads",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "beyond_scaling-0.0.1-py3-none-any.whl"
    path.write_bytes(b"a wheel")
    return path


@pytest.fixture
def made(site: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return archive.make(site, tmp_path / "out", wheel)


def changed(path: Path, **changes: bytes | None) -> Path:
    """The archive again with some files changed, or taken away; a dot in a name is written ``__``."""
    files = {f"{TOP}/{name.replace('__', '.')}": data for name, data in changes.items()}
    other = path.with_name("other.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in [*old.namelist(), *(set(files) - set(old.namelist()))]:
            data = files[name] if name in files else old.read(name)
            if data is not None:
                new.writestr(name, data)
    return other


def test_it_holds_the_site_the_wheel_and_a_manifest_of_all(made: Path) -> None:
    with zipfile.ZipFile(made) as zipped:
        names = {name.removeprefix(f"{TOP}/") for name in zipped.namelist()}
        manifest = json.loads(zipped.read(f"{TOP}/MANIFEST.json"))
        readme = zipped.read(f"{TOP}/README.txt").decode()
    assert {"site/index.html", "site/downloads/notebooks/theory/one.ipynb", "requirements.txt", "LICENSE"} <= names
    assert "beyond_scaling-0.0.1-py3-none-any.whl" in names
    assert "beyond_scaling-0.0.1-py3-none-any.whl" in readme
    assert "site/.buildinfo" not in names
    assert {entry["path"] for entry in manifest["files"]} == names - {"MANIFEST.json"}
    one = next(entry for entry in manifest["files"] if entry["path"] == "site/theory/one.html")
    assert one == {"path": "site/theory/one.html", "bytes": 8, "sha256": hashlib.sha256(b"<p>E</p>").hexdigest()}
    assert archive.verify(made) == len(manifest["files"])


def test_the_same_site_gives_the_same_bytes(made: Path, site: Path, wheel: Path, tmp_path: Path) -> None:
    for path in site.rglob("*"):
        path.touch()
    again = archive.make(site, tmp_path / "again", wheel)
    assert again.read_bytes() == made.read_bytes()
    words = made.with_name(made.name + ".sha256").read_text(encoding="utf-8")
    assert words == f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made.name}\n"


def test_a_change_is_named(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tampered = changed(made, **{"site/index__html": b"<h1>Bock</h1>"})
    assert archive.main(["verify", str(tampered)]) == 2
    said = capsys.readouterr().err
    assert "site/index.html differs from MANIFEST.json" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"site/theory/one__html": None}, "site/theory/one.html is in MANIFEST.json and not in the archive"),
        ({"site/extra__js": b"alert(1)"}, "site/extra.js is in the archive and not in MANIFEST.json"),
        ({"MANIFEST__json": b"[]"}, "MANIFEST.json cannot be read"),
        ({"MANIFEST__json": None}, "no archive of this book"),
    ],
)
def test_other_changes_are_named(made: Path, change: dict[str, bytes | None], words: str) -> None:
    with pytest.raises(archive.ArchiveError, match=words):
        archive.verify(changed(made, **change))


def test_a_damaged_file_and_a_wrong_checksum_are_noticed(made: Path) -> None:
    raw = made.read_bytes()
    made.write_bytes(raw[:200])
    with pytest.raises(archive.ArchiveError, match="damaged, or no zip file"):
        archive.verify(made)
    made.write_bytes(raw)
    made.with_name(made.name + ".sha256").write_text("0" * 64 + "  it\n", encoding="utf-8")
    with pytest.raises(archive.ArchiveError, match="SHA-256 is not the one in"):
        archive.verify(made)


def test_what_cannot_be_archived_is_refused(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive.main(["make", "--site", str(tmp_path), "--out", str(tmp_path)]) == 2
    (site / "_static/bs/finished").unlink()
    assert archive.main(["make", "--site", str(site), "--out", str(tmp_path)]) == 2
    assert archive.main(["verify", str(tmp_path / "none.zip")]) == 2
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert archive.main(["make", "--site", str(site), "--out", str(tmp_path)]) == 2
    first, second, third, fourth = capsys.readouterr().err.splitlines()
    assert "no index.html there" in first
    assert "not finished" in second
    assert "none.zip: cannot be read" in third
    assert "'yesterday'; expected whole seconds" in fourth
