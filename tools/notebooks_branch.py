"""Push the chapters' notebooks to a branch that has nothing else: ``python tools/notebooks_branch.py FOLDER``.

Colab and Kaggle open a notebook by its place in a repository; the book's sources are text, so the notebooks that the
build writes go to the branch ``bookbuild.publication.NOTEBOOKS``. The branch is one commit, made anew, without history:
everything in it can be built again. Nothing is pushed if the branch has the same files already.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from beyond_scaling.bookbuild.publication import NOTEBOOKS

AUTHOR = {
    "GIT_AUTHOR_NAME": "github-actions[bot]",
    "GIT_AUTHOR_EMAIL": "41898282+github-actions[bot]@users.noreply.github.com",
}


def credentials(server: str, token: str) -> dict[str, str]:
    """What lets git push to a server with a token, in the environment: neither a file nor a command shows it."""
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server.rstrip('/')}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"Authorization: basic {basic}",
    }


def push(folder: Path, remote: str, environment: Mapping[str, str]) -> str:
    """Make the branch of the remote equal to the folder's notebooks; what was done, in a line.

    Raises:
        ValueError: no notebooks there, or git failed.
    """
    notebooks = sorted(folder.rglob("*.ipynb"))
    if not notebooks:
        raise ValueError(f"{folder}: no notebook there; run `make book` first")
    with tempfile.TemporaryDirectory() as scratch:
        committer = {name.replace("AUTHOR", "COMMITTER"): value for name, value in AUTHOR.items()}
        base = {key: value for key, value in environment.items() if not key.startswith("GIT_")}
        settings = {**base, **AUTHOR, **committer, "GIT_DIR": scratch, "GIT_WORK_TREE": str(folder.resolve()),
                    "GIT_TERMINAL_PROMPT": "0"}  # fmt: skip
        settings |= credentials(environment.get("GITHUB_SERVER_URL", ""), environment.get("GH_TOKEN", ""))

        def git(*arguments: str) -> str:
            done = subprocess.run(["git", *arguments], env=settings, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise ValueError(f"git {arguments[0]}: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
            return done.stdout.strip()

        git("init", "--quiet")
        git("add", "--force", "--", *(path.relative_to(folder).as_posix() for path in notebooks))
        tree = git("write-tree")
        if git("ls-remote", remote, f"refs/heads/{NOTEBOOKS}"):
            git("fetch", "--quiet", "--depth=1", remote, f"refs/heads/{NOTEBOOKS}")
            if git("rev-parse", "FETCH_HEAD^{tree}") == tree:
                return f"{len(notebooks)} notebooks are on branch {NOTEBOOKS} already"
        commit = git("commit-tree", tree, "-m", "The chapters as notebooks, built from the book's sources")
        git("push", "--quiet", "--force", remote, f"{commit}:refs/heads/{NOTEBOOKS}")
    return f"{len(notebooks)} notebooks pushed to branch {NOTEBOOKS}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="notebooks_branch", description="Push the chapters' notebooks to a branch.")
    parser.add_argument("folder", type=Path, help="of the built notebooks")
    parser.add_argument("--remote", help="the repository's address; from $GITHUB_SERVER_URL and $GITHUB_REPOSITORY")
    args = parser.parse_args(arguments)
    try:
        remote = args.remote
        if not remote:
            if not (os.environ.get("GITHUB_SERVER_URL") and os.environ.get("GITHUB_REPOSITORY")):
                raise ValueError("where to? give --remote, or set GITHUB_SERVER_URL and GITHUB_REPOSITORY")
            remote = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
        print(push(args.folder, remote, os.environ))
    except (OSError, ValueError) as problem:
        print(f"notebooks_branch: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
