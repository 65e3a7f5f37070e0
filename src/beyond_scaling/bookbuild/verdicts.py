"""The verdict on a claim, as a badge: a sign and words, so that nothing hangs on colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import ReferenceRole

if TYPE_CHECKING:
    from sphinx.application import Sphinx

VERDICTS = {
    "holds": "Holds",
    "corrected": "Holds, corrected",
    "fails": "Fails",
    "assumption": "Assumption",
    "unsettled": "Unsettled",
}


class VerdictRole(ReferenceRole):
    """``{verdict}`fails```, or with words of one's own ``{verdict}`fails for n ≥ 21 <fails>```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if self.target not in VERDICTS:
            message = self.inliner.reporter.error(
                f"no verdict {self.target!r}; there are {', '.join(VERDICTS)}", line=self.lineno
            )
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        text = self.title if self.has_explicit_title else VERDICTS[self.target]
        return [nodes.inline(self.rawtext, text, classes=["bs-verdict", f"bs-verdict-{self.target}"])], []


def setup(app: Sphinx) -> None:
    app.add_role("verdict", VerdictRole())
