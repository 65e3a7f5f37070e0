"""Text: where documents come from, and random chunks of tokens out of them."""

from .chunks import Chunks, random_chunks
from .shuffle import shuffled
from .text import Documents, documents

__all__ = ["Chunks", "Documents", "documents", "random_chunks", "shuffled"]
