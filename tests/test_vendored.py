"""What the book carries from others is as its list says, and the list is whole."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from .conftest import ROOT

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


vendored = tool("vendored")
PLOTLY = "book/_assets/vendor/plotly/plotly-cartesian.min.js"
NPM = "plotly.js-cartesian-dist-min"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the list and of all it lists."""
    shutil.copytree(ROOT / vendored.VENDOR, tmp_path / vendored.VENDOR)
    shutil.copyfile(ROOT / "requirements.txt", tmp_path / "requirements.txt")
    for entry in vendored.load(ROOT)["carried"]:
        for name in entry["files"]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_carried_files_are_as_listed(capsys: pytest.CaptureFixture[str]):
    assert vendored.main(["verify"]) == 0, capsys.readouterr().out
    assert "carried files are as listed" in capsys.readouterr().out


def test_every_entry_says_whose_it_is_under_which_licence_and_how_to_refresh_it():
    manifest = vendored.load(ROOT)
    for entry in manifest["carried"]:
        assert {"name", "version", "licence", "source", "why", "files"} <= set(entry)
        assert ("npm" in entry) != ("by" in entry)
        assert re.fullmatch(r"[A-Za-z0-9.+-]+", entry["licence"])
    pinned = vendored.pins(ROOT)
    assert [entry["package"] for entry in manifest["packages"] if entry["package"] not in pinned] == []


def test_the_list_is_told_with_versions_and_commands(capsys: pytest.CaptureFixture[str]):
    assert vendored.main(["list"]) == 0
    told = capsys.readouterr().out
    assert f"python tools/vendored.py refresh {NPM} VERSION" in told
    version = vendored.pins(ROOT)["sphinx-mathjax-offline"]
    assert f"MathJax 3 (Apache-2.0): from sphinx-mathjax-offline {version}" in told


@pytest.mark.parametrize("harm", ["changed", "missing", "stranger"])
def test_a_changed_missing_or_unknown_file_is_named(root: Path, harm: str, capsys: pytest.CaptureFixture[str]):
    path = root / PLOTLY
    if harm == "changed":
        path.write_bytes(path.read_bytes() + b" ")
    elif harm == "missing":
        path.unlink()
    else:
        path.with_name("other.js").write_text("1")
    assert vendored.main(["verify"], root) == 1
    messages = {"changed": f"{PLOTLY}: SHA-256", "missing": f"{PLOTLY}: missing", "stranger": "other.js: not in"}
    assert messages[harm] in capsys.readouterr().out


def fake_npm(folder: Path, files: dict[str, bytes], status: int = 0) -> None:
    """An npm that packs these files, or fails."""
    archive = folder / "packed.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    script = f"""#!{sys.executable}
import shutil, sys
if {status}:
    print("npm error 404 no such version", file=sys.stderr)
    raise SystemExit({status})
assert sys.argv[1:4] == ["pack", "--silent", "--ignore-scripts"], sys.argv
assert sys.argv[5] == "{NPM}@4.2.0", sys.argv
shutil.copy({str(archive)!r}, sys.argv[4].partition("=")[2] + "/packed-4.2.0.tgz")
"""
    (folder / "npm").write_text(script)
    (folder / "npm").chmod(0o755)


@pytest.fixture
def npm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def test_another_version_is_taken_with_its_sums(root: Path, npm: Path, capsys: pytest.CaptureFixture[str]):
    fake_npm(npm, {"LICENSE": b"MIT", "plotly-cartesian.min.js": b"new", "package.json": b"{}"})
    assert vendored.main(["refresh", NPM, "4.2.0"], root) == 0, capsys.readouterr().err
    assert (root / PLOTLY).read_bytes() == b"new"
    assert vendored.load(root)["carried"][0]["version"] == "4.2.0"
    assert vendored.main(["verify"], root) == 0


@pytest.mark.parametrize(
    ("name", "version", "files", "status", "message"),
    [
        ("left-pad", "1.0.0", {}, 0, "no npm package 'left-pad' in the list; there is plotly.js-cartesian-dist-min"),
        (NPM, "latest", {}, 0, "version is 'latest'; expected something like 4.1.1"),
        (NPM, "4.2.0", {}, 1, f"npm pack {NPM}@4.2.0: npm error 404 no such version"),
        (NPM, "4.2.0", {"LICENSE": b"MIT"}, 0, f"{NPM}@4.2.0 has no file plotly-cartesian.min.js"),
    ],
)
def test_what_cannot_be_had_leaves_everything_as_it_was(
    root: Path, npm: Path, capsys: pytest.CaptureFixture[str],
    name: str, version: str, files: dict[str, bytes], status: int, message: str,
):  # fmt: skip
    fake_npm(npm, files, status)
    before = json.dumps(vendored.load(root))
    assert vendored.main(["refresh", name, version], root) == 2
    assert capsys.readouterr().err == f"vendored: {message}\n"
    assert json.dumps(vendored.load(root)) == before
    assert vendored.main(["verify"], root) == 0


@pytest.mark.book
def test_every_file_of_the_built_site_is_accounted_for(capsys: pytest.CaptureFixture[str]):
    assert vendored.main(["verify", str(HTML)]) == 0, capsys.readouterr().out


def small_site(folder: Path) -> Path:
    static = folder / "_static"
    (static / "vendor" / "plotly").mkdir(parents=True)
    shutil.copyfile(ROOT / PLOTLY, static / "vendor" / "plotly" / "plotly-cartesian.min.js")
    (static / "bs").mkdir()
    (static / "bs" / "page.js").write_text("1")
    (static / "doctools.js").write_bytes(
        Path(importlib.util.find_spec("sphinx").origin).with_name("themes").joinpath("basic/static/doctools.js").read_bytes()
    )
    return folder


def test_a_site_of_known_files_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert vendored.main(["verify", str(small_site(tmp_path))]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("doctools.js", "_static/doctools.js: not a file of sphinx"),
        ("vendor/plotly/plotly-cartesian.min.js", "not the file that is carried"),
        ("tracker.js", "_static/tracker.js: whose is it?"),
        ("mathjax/extra.js", "_static/mathjax/extra.js: not a file of sphinx-mathjax-offline"),
    ],
)
def test_a_file_of_nobody_or_not_as_its_package_has_it_is_named(
    tmp_path: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
):
    path = small_site(tmp_path) / "_static" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("evil()")
    assert vendored.main(["verify", str(tmp_path)]) == 1
    assert message in capsys.readouterr().out


def test_a_folder_without_a_book_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert vendored.main(["verify", str(tmp_path)]) == 2
    assert "no _static there" in capsys.readouterr().err
