"""What is done to a built book before it is read: whatever a browser can work out once, no reader's browser should.

Sphinx writes pages that set their formulas, draw their figures and widgets, and are whole. Each step here takes work
off them or adds what needs all pages at once; without these steps the pages work too. ``python -m
beyond_scaling.bookbuild.finish _build/html`` runs them all, in the order of :data:`STEPS`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .site import Site

Step = Callable[[Site], str]

# Modules of this package with a function run(site), which returns a line on what it did. Their order matters: figures
# and stills see formulas that are set, and the policy allows the scripts that are there in the end.
STEPS: tuple[str, ...] = ("maths", "figures", "stills", "tips", "theme", "bundle", "policy")


def steps() -> dict[str, Step]:
    """The steps by name, in order."""
    return {name: import_module(f".{name}", __package__).run for name in STEPS}


def finish(site: Site, *, say: Callable[[str], None] = print) -> None:
    """Run every step on a built book.

    Args:
        site: changed in place. One that is finished already is refused: its pages no longer have what the steps read.
        say: called with a line for each step.

    Raises:
        ValueError: no book there, or one that is finished already.
    """
    site.begin()
    with site:
        for name, run in steps().items():
            say(f"{name}: {run(site)}")
    site.end()
