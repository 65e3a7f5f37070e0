"""The whole book to read offline, as one zip: the finished site with its notebooks, the package, pinned versions.

``python tools/archive.py make`` writes ``_build/energy-memory-and-scale-VERSION.zip`` and a ``.sha256`` beside it;
``python tools/archive.py verify FILE`` checks every file in an archive against its manifest. The same sources and site
give the same bytes: files in order, one time for all (``$SOURCE_DATE_EPOCH``, or else the commit's), fixed rights.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NAME = "energy-memory-and-scale"
MANIFEST = "MANIFEST.json"
EARLIEST = 315_532_800  # 1980, where a zip's calendar begins
README = """\
Energy, Memory and Scale {version}: the whole book to read offline

site/index.html     open it in a browser; no server and no network are needed
site/downloads/     the chapters as notebooks, and more
{wheel}
                    the package; a notebook's first cell finds it here and installs it
requirements.txt    the versions that this edition was built and tested with
MANIFEST.json       every file with its bytes and its SHA-256

To run the chapters: python3 -m venv env && env/bin/pip install jupyterlab {wheel}
then env/bin/jupyter lab site/downloads/notebooks (Python 3.11 or newer).
"""


class ArchiveError(ValueError):
    """What is wrong with an archive or what it is made of, in one line."""


def epoch() -> int:
    """The one time of all files, in seconds since 1970.

    Raises:
        ArchiveError: ``$SOURCE_DATE_EPOCH`` is no whole number, or is not set and there is no commit.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        given = done.stdout.strip()
        if done.returncode:
            raise ArchiveError("no commit to take the time from; set SOURCE_DATE_EPOCH to seconds since 1970")
    if not given.isdigit():
        raise ArchiveError(f"SOURCE_DATE_EPOCH is {given!r}; expected whole seconds since 1970")
    return max(int(given), EARLIEST)


def build_wheel(folder: Path, seconds: int) -> Path:
    """The package's wheel, made from this checkout without the network.

    Raises:
        ArchiveError: pip cannot build it.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]  # fmt: skip
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("beyond_scaling-*.whl"))
    if done.returncode or not wheels:
        raise ArchiveError(f"no wheel: {(done.stderr or done.stdout).strip().splitlines()[-1:] or 'pip said nothing'}")
    return wheels[0]


def site_files(site: Path) -> Iterator[tuple[str, bytes]]:
    """(name in the archive, contents) of every file of a built book.

    Raises:
        ArchiveError: it is none, or it is not finished.
    """
    if not (site / "index.html").is_file():
        raise ArchiveError(f"{site}: no index.html there; run `make book` first")
    if not (site / "_static" / "bs" / "finished").exists():
        raise ArchiveError(f"{site}: the book there is not finished; run `make book`")
    for path in sorted(site.rglob("*")):
        relative = path.relative_to(site)
        if path.is_file() and relative.name not in (".buildinfo", ".DS_Store"):
            yield f"site/{relative.as_posix()}", path.read_bytes()


def make(site: Path, target: Path, wheel: Path | None = None) -> Path:
    """Write an archive and its checksum.

    Args:
        site: a finished book.
        target: the folder that the zip is written to.
        wheel: the package; built here if None.

    Returns:
        The zip's path.

    Raises:
        ArchiveError: there is no finished book, or no wheel can be built.
    """
    seconds = epoch()
    files = dict(site_files(site))
    with tempfile.TemporaryDirectory() as scrap:
        built = wheel or build_wheel(Path(scrap), seconds)
        files[built.name] = built.read_bytes()
    version = built.name.split("-")[1]
    files["requirements.txt"] = (ROOT / "requirements.txt").read_bytes()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files["README.txt"] = README.format(version=version, wheel=built.name).encode()
    listed = [{"path": name, "bytes": len(data), "sha256": digest(data)} for name, data in sorted(files.items())]
    manifest = {"name": NAME, "version": version, "files": listed}
    files[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()

    stem = f"{NAME}-{version}"
    path = target / f"{stem}.zip"
    target.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{stem}/{name}", time.gmtime(seconds)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)
    checksum = f"{digest(buffer.getvalue())}  {path.name}\n"
    path.with_name(path.name + ".sha256").write_text(checksum, encoding="utf-8")
    return path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def verify(path: Path) -> int:
    """Check an archive: its checksum file if it lies beside it, and each file against the manifest.

    Returns:
        How many files were checked.

    Raises:
        ArchiveError: naming what is wrong: a file that differs, is missing or is not listed; no archive of this book.
    """
    try:
        raw = path.read_bytes()
    except OSError as reason:
        raise ArchiveError(f"{path}: cannot be read: {reason.strerror}") from reason
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            checked = _check(path, archive, names)
    except zipfile.BadZipFile as reason:
        raise ArchiveError(f"{path}: damaged, or no zip file: {reason}") from reason
    beside = path.with_name(path.name + ".sha256")
    if beside.is_file() and beside.read_text(encoding="utf-8").split()[:1] != [digest(raw)]:
        raise ArchiveError(f"{path}: its SHA-256 is not the one in {beside.name}")
    return checked


def _check(path: Path, archive: zipfile.ZipFile, names: Sequence[str]) -> int:
    tops = {PurePosixPath(name).parts[0] for name in names}
    manifest_name = f"{min(tops, default='')}/{MANIFEST}"
    if len(tops) != 1 or manifest_name not in names:
        raise ArchiveError(f"{path}: no archive of this book: expected one folder with {MANIFEST}")
    listed = _listed(path, archive.read(manifest_name))
    present = {name.partition("/")[2] for name in names} - {MANIFEST}
    if missing := sorted(set(listed) - present):
        raise ArchiveError(f"{path}: {missing[0]} is in {MANIFEST} and not in the archive")
    if strange := sorted(present - set(listed)):
        raise ArchiveError(f"{path}: {strange[0]} is in the archive and not in {MANIFEST}")
    if len(names) != len(set(names)):
        raise ArchiveError(f"{path}: a file is in the archive twice")
    for name, (size, sha) in listed.items():
        try:
            data = archive.read(f"{min(tops)}/{name}")
        except zipfile.BadZipFile as reason:
            raise ArchiveError(f"{path}: {name} is damaged: {reason}") from reason
        if len(data) != size or digest(data) != sha:
            raise ArchiveError(f"{path}: {name} differs from {MANIFEST}: {len(data):,} bytes, SHA-256 {digest(data)}")
    return len(listed)


def _listed(path: Path, raw: bytes) -> dict[str, tuple[int, str]]:
    """name -> (bytes, SHA-256), from a manifest."""
    try:
        manifest: Any = json.loads(raw)
        return {entry["path"]: (entry["bytes"], entry["sha256"]) for entry in manifest["files"]}
    except (ValueError, KeyError, TypeError) as reason:
        raise ArchiveError(f"{path}: {MANIFEST} cannot be read: {reason!r}") from reason


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="archive", description=__doc__.split("\n\n")[0] if __doc__ else None)
    actions = parser.add_subparsers(dest="action", required=True)
    making = actions.add_parser("make", help="write the archive of the finished book")
    making.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    making.add_argument("--out", type=Path, default=ROOT / "_build", help="folder for the zip")
    checking = actions.add_parser("verify", help="check an archive against its manifest")
    checking.add_argument("file", type=Path)
    args = parser.parse_args(argv)
    try:
        if args.action == "verify":
            print(f"{args.file}: {verify(args.file):,} files, all as in {MANIFEST}")
        else:
            path = make(args.site, args.out)
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; its SHA-256 is in {path.name}.sha256")
    except (OSError, ArchiveError) as problem:
        print(f"archive: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
