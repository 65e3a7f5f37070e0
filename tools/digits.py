"""Choose the digits in the box: ``python tools/digits.py DIGITS_CSV [--check]``.

DIGITS_CSV is ``digits.csv.gz`` as scikit-learn brings it (``sklearn/datasets/data``): the test set of UCI's "Optical
Recognition of Handwritten Digits", a line an image, 64 greys from 0 to 16 and the label. Of each class the first ones
in the file's order are taken, leaving out any that equals an earlier one as +-1; the classes take turns. ``--check``
writes nothing, and says whether the file in the package is what would be written.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

from beyond_scaling.hopfield.digits import FILE, INK, LEVELS

SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"  # of digits.csv.gz
EACH = 20  # of every class


def chosen(table: np.ndarray) -> list[int]:
    """Rows of the table (D, 65) in the order in which they are stored."""
    seen: set[bytes] = set()
    of_class: list[list[int]] = [[] for _ in range(10)]
    for row, (*grey, label) in enumerate(table.tolist()):
        binary = (np.array(grey) >= INK).tobytes()
        if binary not in seen:
            seen.add(binary)
            of_class[label].append(row)
    return [of_class[label][k] for k in range(EACH) for label in range(10)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Choose the handwritten digits that the package brings.")
    parser.add_argument("csv", type=Path, metavar="DIGITS_CSV")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package, and write nothing")
    args = parser.parse_args()
    found = hashlib.sha256(args.csv.read_bytes()).hexdigest()
    if found != SHA256:
        print(f"{args.csv.name} has SHA-256 {found}, expected {SHA256}", file=sys.stderr)
        return 2
    table = np.loadtxt(args.csv, delimiter=",").astype(np.int64)
    lines = [f"{table[row, 64]} {''.join(LEVELS[grey] for grey in table[row, :64])}" for row in chosen(table)]
    text = "".join(f"{line}\n" for line in lines)
    if args.check:
        same = FILE.read_text(encoding="ascii") == text
        print(f"{FILE.name} is {'the same' if same else 'another'}")
        return 0 if same else 1
    FILE.write_text(text, encoding="ascii")
    print(f"{FILE.name}: {len(lines)} digits, SHA-256 {hashlib.sha256(text.encode()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
