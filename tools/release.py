"""Is this a release, and what is new in it: ``python tools/release.py check [TAG]``, ``python tools/release.py notes``.

A version has one home, ``pyproject.toml``; ``CITATION.cff``, ``CHANGELOG.md`` and the tag must agree with it, and the
day in ``CITATION.cff`` with the changelog's.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
_SECTION = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<day>\d{4}-\d{2}-\d{2}))?\s*$", re.MULTILINE)


def sections(changelog: str) -> dict[str, tuple[str, str]]:
    """Day and text of each version in the changelog, the newest first; "Unreleased" has no day."""
    found = list(_SECTION.finditer(changelog))
    ends = [match.start() for match in found[1:]] + [len(changelog)]
    return {
        match["version"]: (match["day"] or "", changelog[match.end() : end].strip())
        for match, end in zip(found, ends, strict=True)
    }


def problems(root: Path, tag: str = "") -> Iterator[str]:
    """What keeps this tree from being the release that it says it is."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    changes = sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    zenodo = json.loads((root / ".zenodo.json").read_text(encoding="utf-8"))
    if tag and tag != f"v{version}":
        yield f"the tag is {tag!r}, but pyproject.toml says version {version}; expected 'v{version}'"
    if citation["version"] != version:
        yield f"CITATION.cff says version {citation['version']}, pyproject.toml {version}"
    day = str(citation["date-released"])
    try:
        date.fromisoformat(day)
    except ValueError:
        yield f"CITATION.cff: date-released is {day!r}; expected YYYY-MM-DD"
    if version not in changes:
        yield f"CHANGELOG.md has no section [{version}]"
    else:
        if changes[version][0] != day:
            yield f"CHANGELOG.md dates {version} {changes[version][0] or 'nowhere'}, CITATION.cff {day}"
        if not changes[version][1]:
            yield f"CHANGELOG.md says nothing of {version}"
    if tag and changes.get("Unreleased", ("", ""))[1]:
        yield f"CHANGELOG.md has changes under [Unreleased]; move them to [{version}]"
    if "version" in zenodo or "publication_date" in zenodo:
        yield ".zenodo.json: Zenodo takes version and date from the release; take them out"
    if zenodo.get("title") != citation["title"]:
        yield f".zenodo.json is titled {zenodo.get('title')!r}, CITATION.cff {citation['title']!r}"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="release", description="Check a release, and say what is new in it.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="do version, citation, changelog and tag agree?")
    check.add_argument("tag", nargs="?", default="", help="such as v0.1.0")
    commands.add_parser("notes", help="what the changelog says of this version")
    args = parser.parse_args(arguments)
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        if args.command == "notes":
            changes = sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))
            if version not in changes:
                raise ValueError(f"CHANGELOG.md has no section [{version}]")
            print(changes[version][1])
            return 0
        found = list(problems(root, args.tag))
    except (OSError, ValueError, KeyError) as problem:
        print(f"release: {problem}", file=sys.stderr)
        return 2
    print("\n".join(found) or f"version {version}: pyproject.toml, CITATION.cff and CHANGELOG.md agree")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
