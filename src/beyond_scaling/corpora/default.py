"""The text in the box: a short public-domain book that the model in the box was not trained on.

What `beyond-scaling radius` measures on if no text is named. The note beside it (README.md) names its source.
"""

from __future__ import annotations

from pathlib import Path

NAME = "flatland.txt"


def default_text() -> Path:
    """The file of the text in the box, for `corpora.documents`: UTF-8, one document."""
    return Path(__file__).parent / "excerpt" / NAME
