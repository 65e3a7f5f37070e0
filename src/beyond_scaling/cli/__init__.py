"""The command line: `radius`, `scaling-law` and `best-sizes` measure, `verify` checks the records.

Exit codes: 0 done, 1 a record does not verify, 2 bad input (one line on stderr), 130 interrupted.
"""

from .main import main

__all__ = ["main"]
