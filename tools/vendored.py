"""What the book carries from others: ``python tools/vendored.py list | verify [SITE] | refresh NAME VERSION``.

The list is ``book/_assets/vendor/manifest.json``: under ``carried``, files in this repository, with their SHA-256;
under ``packages``, what the built site takes from Python packages, whose versions ``requirements.txt`` pins. ``verify``
compares the carried files with their sums and, given a built site, accounts for every file in its ``_static``: it is
ours, or carried, or one of a package's own files byte for byte, or made by that package when the book was built.
``refresh`` takes another version from npm (through npm itself, as it is configured) and writes the new sums.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = Path("book/_assets/vendor/manifest.json")
VENDOR = MANIFEST.parent
ASSETS = "book/_assets/"  # what is there is _static/ in the site


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def load(root: Path) -> dict[str, Any]:
    return json.loads((root / MANIFEST).read_text(encoding="utf-8"))


def pins(root: Path) -> dict[str, str]:
    """Version by package, from requirements.txt."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (root / "requirements.txt").read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def carried_problems(root: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Carried files that are missing, changed or not in the list."""
    listed: set[str] = set()
    for entry in manifest["carried"]:
        for name, about in entry["files"].items():
            listed.add(name)
            path = root / name
            if not path.is_file():
                yield f"{name}: missing"
            elif (found := sha256(path.read_bytes())) != about["sha256"]:
                yield f"{name}: SHA-256 {found}, expected {about['sha256']}"
    for path in sorted((root / VENDOR).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in listed and not _fits(name.replace(ASSETS, "_static/"), manifest["ours"]):
            yield f"{name}: not in {MANIFEST.as_posix()}"


def own_files(package: str) -> dict[str, set[str]]:
    """SHA-256 sums of an installed package's files, by their last name."""
    sums: dict[str, set[str]] = {}
    for file in metadata.files(package) or ():
        path = Path(str(file.locate()))
        if path.suffix not in {".py", ".pyc", ".mo", ".po"} and path.is_file():
            sums.setdefault(path.name, set()).add(sha256(path.read_bytes()))
    return sums


def site_problems(site: Path, root: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Files of a built site's ``_static`` that nobody accounts for, or that are not what their package has."""
    carried = {
        name.replace(ASSETS, "_static/"): about["sha256"]
        for entry in manifest["carried"]
        for name, about in entry["files"].items()
        if name.startswith(ASSETS)
    }
    pinned = pins(root)
    sums: dict[str, dict[str, set[str]]] = {}
    for entry in manifest["packages"]:
        package = entry["package"]
        if (version := metadata.version(package)) != pinned.get(package):
            yield f"{package}: version {version} is installed, expected {pinned.get(package)} as in requirements.txt"
        sums[package] = own_files(package)
    for path in sorted((site / "_static").rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(site).as_posix()
        if name in carried:
            if sha256(path.read_bytes()) != carried[name]:
                yield f"{name}: not the file that is carried"
            continue
        if _fits(name, manifest["ours"]):
            continue
        owners = [entry for entry in manifest["packages"] if _fits(name, entry["files"] + entry["made"])]
        if not owners:
            yield f"{name}: whose is it? add it to {MANIFEST.as_posix()}"
        elif not any(
            _fits(name, entry["made"]) or sha256(path.read_bytes()) in sums[entry["package"]].get(path.name, ())
            for entry in owners
        ):
            yield f"{name}: not a file of {' or '.join(entry['package'] for entry in owners)}"


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def told(root: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """The list, a line each."""
    pinned = pins(root)
    for entry in manifest["carried"]:
        yield f"{entry['name']} {entry['version']} ({entry['licence']}): {entry['source']}; {entry['why']}"
        yield from (f"  {name}  {about['sha256']}" for name, about in entry["files"].items())
        yield f"  to refresh: {_command(entry)}"
    for entry in manifest["packages"]:
        yield f"{entry['name']} ({entry['licence']}): from {entry['package']} {pinned[entry['package']]}"


def _command(entry: dict[str, Any]) -> str:
    return f"python tools/vendored.py refresh {entry['npm']} VERSION" if "npm" in entry else entry["by"]


def refresh(root: Path, manifest: dict[str, Any], name: str, version: str) -> list[str]:
    """Take a version from npm: files and manifest are written; a line for each file.

    Raises:
        ValueError: not a package of the list, no such version, or a file that it lacks.
    """
    entries = {entry["npm"]: entry for entry in manifest["carried"] if "npm" in entry}
    if name not in entries:
        raise ValueError(f"no npm package {name!r} in the list; there is {', '.join(entries)}")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"version is {version!r}; expected something like 4.1.1")
    entry = entries[name]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", f"--pack-destination={folder}", f"{name}@{version}"],
            capture_output=True, text=True,
        )  # fmt: skip
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise ValueError(f"npm pack {name}@{version}: {(done.stderr.strip() or 'no archive').splitlines()[-1]}")
        contents = {}
        with tarfile.open(archives[0]) as archive:
            for target, about in entry["files"].items():
                try:
                    member = archive.extractfile(f"package/{about['from']}")
                except KeyError:
                    member = None
                if member is None:
                    raise ValueError(f"{name}@{version} has no file {about['from']}")
                contents[target] = member.read()
    for target, content in contents.items():
        (root / target).write_bytes(content)
        entry["files"][target]["sha256"] = sha256(content)
    entry["version"] = version
    save(root, manifest)
    return [f"{target}: {len(content):,} bytes, SHA-256 {sha256(content)}" for target, content in contents.items()]


def save(root: Path, manifest: dict[str, Any]) -> None:
    (root / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="vendored", description="What the book carries from others.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="say what there is")
    verify = commands.add_parser("verify", help="compare with the list")
    verify.add_argument("site", nargs="?", type=Path, help="a built book, all of whose files are accounted for as well")
    renew = commands.add_parser("refresh", help="take another version from npm")
    renew.add_argument("name")
    renew.add_argument("version")
    args = parser.parse_args(arguments)
    manifest = load(root)
    try:
        if args.command == "list":
            print("\n".join(told(root, manifest)))
            return 0
        if args.command == "refresh":
            print("\n".join(refresh(root, manifest, args.name, args.version)))
            return 0
        if args.site is not None and not (args.site / "_static").is_dir():
            raise ValueError(f"{args.site}: no _static there; name the folder of a built book")
    except (OSError, ValueError) as problem:
        print(f"vendored: {problem}", file=sys.stderr)
        return 2
    problems = list(carried_problems(root, manifest))
    if args.site is not None:
        problems += site_problems(args.site, root, manifest)
    sound = f"{sum(len(entry['files']) for entry in manifest['carried'])} carried files are as listed"
    if args.site is not None:
        sound += f", and every file of {args.site / '_static'} is accounted for"
    print("\n".join(problems) or sound)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
