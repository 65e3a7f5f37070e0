"""Energy, Memory and Scale: the mathematics, measurements and figures behind the book.

Importing this package is light: torch, transformers and datasets load only where they are used.
"""

__version__ = "0.1.0"
