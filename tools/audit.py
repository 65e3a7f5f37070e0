"""Known vulnerabilities of the pinned packages: ``python tools/audit.py [requirements.txt]``.

pip-audit asks for the advisories; it counts a package that it could not ask about as sound, so its answers are read
here: a package without an answer is no success. ``tools/audit.toml`` lists advisories that do not concern this book,
each with its reason and the day on which to look again.

Status 0 if every package was asked about and nothing is open, 1 if something is, 2 if the advisories are out of reach.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = ROOT / "tools" / "audit.toml"
AUDITOR = "pip-audit@2.10.1"  # as a tool of its own: its dependencies are not the book's


def answers(requirements: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each package.

    Raises:
        ValueError: it could not be run, or the advisories are out of reach.
    """
    command = [sys.executable, "-m", "uv", "tool", "run", AUDITOR, "--requirement", str(requirements), "--no-deps",
               "--disable-pip", "--format", "json", "--desc", "off", "--progress-spinner", "off"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise ValueError(f"{AUDITOR} ended with status {done.returncode}: {last}") from None


def exceptions(path: Path) -> dict[str, dict[str, Any]]:
    """The explained advisories, by id.

    Raises:
        ValueError: an entry lacks something, or has something else.
    """
    found = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("exception", []):
        if set(entry) != {"id", "package", "reason", "until"} or type(entry["until"]) is not date:
            raise ValueError(f"{path.name}: {entry}: expected id, package, reason and until = YYYY-MM-DD")
        found[entry["id"]] = entry
    return found


def problems(packages: Sequence[dict[str, Any]], explained: dict[str, dict[str, Any]], today: date) -> Iterator[str]:
    """What is open: advisories nobody has explained, explanations that have run out or explain nothing."""
    seen = set()
    for package in packages:
        for advisory in package.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            known = sorted(names & set(explained))
            seen.update(known)
            what = f"{package['name']} {package['version']}: {advisory['id']}"
            if not known:
                fixed = ", ".join(advisory.get("fix_versions", ())) or "no version yet"
                yield f"{what}; mended in {fixed}"
            elif explained[known[0]]["until"] < today:
                yield f"{what}: look again, the exception ran until {explained[known[0]]['until']}"
    for name in sorted(set(explained) - seen):
        yield f"{name} ({explained[name]['package']}): no pinned package has it; take the exception out"


def main(arguments: Sequence[str] | None = None, today: date | None = None) -> int:
    parser = argparse.ArgumentParser(prog="audit", description="Known vulnerabilities of the pinned packages.")
    parser.add_argument("requirements", nargs="?", type=Path, default=ROOT / "requirements.txt")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS, help="explained advisories (%(default)s)")
    args = parser.parse_args(arguments)
    try:
        explained = exceptions(args.exceptions)
        if not args.requirements.is_file():
            raise ValueError(f"{args.requirements}: no such file")
        packages = answers(args.requirements)
    except (OSError, ValueError) as problem:
        print(f"audit: {problem}", file=sys.stderr)
        return 2
    unasked = [package["name"] for package in packages if "skip_reason" in package]
    if unasked or not packages:
        print(f"audit: no answer about {len(unasked)} of {len(packages)} packages ({', '.join(unasked[:5])}...):"
              " the advisories are out of reach from here", file=sys.stderr)  # fmt: skip
        return 2
    open_ = list(problems(packages, explained, today or datetime.now(UTC).date()))
    print("\n".join(open_) or f"{len(packages)} packages: nothing is open, {len(explained)} explained")
    return 1 if open_ else 0


if __name__ == "__main__":
    raise SystemExit(main())
