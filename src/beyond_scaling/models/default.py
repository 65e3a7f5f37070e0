"""The model in the box: a small OpenELM trained on public-domain books, which comes with the package.

What `beyond-scaling radius` measures if no model is named. Its folder is one as `save_pretrained` writes it, with a
tokenizer and a card (README.md); docs/default-model.md tells how it was made.
"""

from __future__ import annotations

from pathlib import Path

NAME = "openelm-440k"
RECORD = "training-default-model"
"""The record of its training, in book/results of the repository."""


def default_model() -> Path:
    """The folder of the model in the box, for `models.load.load_model`."""
    return Path(__file__).parent / NAME
