"""From the arguments to a command, and from whatever happens to an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import __version__
from . import capacity, points, radius, sweep, tokens, train, verify
from .common import PROGRAM, Parser, complain, speaks

_LESS = {
    "radius": "; try a smaller --batch-size or fewer --chunks",
    "scaling-law": "; try a smaller --bootstrap",
    "train": "; try a larger run.accumulate or a smaller run.batch",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        return int(options.run(options, given))
    except KeyboardInterrupt as stop:
        reason = str(stop)
        if speaks():
            print(f"{PROGRAM}: interrupted{': ' + reason if reason else ''}", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        complain(str(error) or type(error).__name__, alone=getattr(error, "alone", False))
        return 2
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "out of memory" not in str(error).lower():
            raise
        complain("out of memory" + _LESS.get(options.command, ""))
        return 2


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description="Measurements for 'Energy, Memory and Scale'.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (radius, tokens, train, sweep, points, capacity, verify):
        module.add(commands)
    return parser
