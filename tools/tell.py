"""Open an issue about a workflow that failed, or add to the one that is open: ``python tools/tell.py TITLE``.

Through GitHub's own ``gh``, which reads its token from ``$GH_TOKEN``; the run is the one that ``$GITHUB_RUN_ID`` names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence


def gh(*arguments: str) -> str:
    """What ``gh`` prints.

    Raises:
        ValueError: it is not there, or it failed.
    """
    try:
        done = subprocess.run(["gh", *arguments], capture_output=True, text=True)
    except OSError as error:
        raise ValueError(f"gh cannot be run: {error.strerror}") from None
    if done.returncode:
        raise ValueError(f"gh {' '.join(arguments[:2])}: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return done.stdout


def run_address(environment: Mapping[str, str]) -> str:
    """Where the run can be read.

    Raises:
        ValueError: this is no run of a workflow.
    """
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise ValueError(f"{', '.join(missing)} not set; expected to run in a workflow")
    server, repository, number = (environment[name] for name in names)
    return f"{server}/{repository}/actions/runs/{number}"


def tell(title: str, address: str) -> str:
    """Open an issue or comment on the open one of the same title; its address or number."""
    said = f"It failed: {address}"
    issues = json.loads(gh("issue", "list", "--state", "open", "--limit", "200", "--json", "number,title"))
    for issue in issues:
        if issue["title"] == title:
            gh("issue", "comment", str(issue["number"]), "--body", said)
            return f"issue {issue['number']} is told"
    return gh("issue", "create", "--title", title, "--body", said).strip()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tell", description="Open an issue about a workflow that failed.")
    parser.add_argument("title")
    args = parser.parse_args(arguments)
    try:
        print(tell(args.title, run_address(os.environ)))
    except ValueError as problem:
        print(f"tell: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
