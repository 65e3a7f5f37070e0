r"""The Sphinx extension that makes the book: figures and widgets alive in a static page, and the chapters' own words.

What a chapter may write, beyond ordinary MyST:

Equations carry the paper's numbers. ``\tag`` says what is shown, the label says how to refer to it::

    $$
    E(x) = -\log \sum_i \exp(-d(x, \rho^i)) \tag{4}
    $$ (paper-4)

``{eq}`paper-4``` links to it and shows "(4)". The tag is taken out of the LaTeX and written as text beside the
equation, so it may be of any form, several lines included. A labelled equation without a tag fails the build, for it
would be numbered by its place in the book; equations that nobody refers to need neither.

``{verdict}`prop-4``` is a badge with the verdict on that claim, in words and not by colour alone, linked to the claim's
entry in the ledger; ``{verdict}`fails as printed <prop-4>``` says it in other words. Claims and verdicts are in
``ledger.yml`` (see ``beyond_scaling.ledger``), from which ``{ledger}``, ``{findings}`` and ``{verdict-counts}`` are
written too. A verdict's own word, ``{verdict}`fails```, is for the legend on the front page.

A cell that ends in a plotly figure becomes a figure of the page. ``layout.meta["alt"]`` says what it shows, with
numbers from its data, and can be unfolded below it; ``layout.meta["caption"]`` stands below it; ``layout.height`` (and
``layout.meta["narrow_height"]`` on a phone) is reserved before it is drawn. Its numbers are a file of the site,
``downloads/data/PAGE-1.csv`` for the first of a page. The page sets fonts, axes and grounds, light and dark; the
colours of ``plotly_renderer.PALETTE`` follow the page too.

A cell that ends in a widget (an anywidget, alone or in boxes, linked or not) stays alive with no kernel. Its picture,
its words for a page without JavaScript and the room that it needs are taken from itself when the book is finished.

``{provenance} name`` folds "How this was measured" under a figure, from the result record ``name``. The build fails
if there is no such record or if it does not verify.

Links to equations, references and claims show what they lead to (``finish.tips``); formulas are set when the book is
finished (``finish.maths``), so none may define a macro.

``{sym}`rho``` is a symbol of ``notation.yml`` with a tip that says what it means, linked to its entry;
``{sym}`\rho^3 <rho>``` shows other maths with the same tip. Not in headings. ``{notation}`` lists all symbols, and with
``:overloaded:`` the signs that the paper uses for several things.

``{downloads}``, ``{execution}`` and ``{environment}`` are for the page of downloads: what can be taken away, how long
each notebook took, and what it ran on.

``{commands} laptop`` lists the commands of ``commands.yml`` that run in that place, to copy, with what each makes and
costs.

``{renumbering}`` is a table of the claims that stand elsewhere in the paper's second version, from the ledger.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


# Modules of this package that register something of their own.
PARTS = (
    "assets",
    "colophon",
    "commands",
    "downloads",
    "equations",
    "ledger",
    "links",
    "notebooks",
    "page_menu",
    "provenance",
    "renumbering",
    "repairs",
    "sanitise",
    "symbols",
    "verdicts",
    "widget_views",
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    for name in PARTS:
        import_module(f".{name}", __package__).setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
