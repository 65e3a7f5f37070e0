"""``python -m beyond_scaling.bookbuild.finish FOLDER``: run every step on the book built there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import finish
from .site import Site


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="finish", description=__doc__)
    parser.add_argument("folder", help="where the built book's index.html is")
    parser.add_argument("--chromium", help="the browser's path; $CHROMIUM, or else Playwright's own")
    args = parser.parse_args(argv)
    try:
        finish(Site(args.folder, args.chromium))
    except (OSError, ValueError) as problem:
        print(f"finish: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
