"""What the commands of book/commands.yml need, made up: a text, a folder of books, and tables of published runs.

``python tools/materials.py FOLDER`` lays it all out there. The tables have the columns of the published ones, with
points on a law of their own; nothing that is made from them says anything about anybody's models.
"""

from __future__ import annotations

import csv
import itertools
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from beyond_scaling.corpora.default import default_text
from beyond_scaling.scaling_law import BESIROGLU

BOOKS = 13  # copies of the text in the box, enough tokens for every preset


def lay(folder: Path) -> None:
    """Lay the materials out in a folder; what is there already stays as it is."""
    text = default_text()
    if not (folder / "my-text.txt").exists():
        shutil.copyfile(text, folder / "my-text.txt")
    if not (folder / "BOOKS").exists():
        (folder / "BOOKS").mkdir()
        for number in range(BOOKS):
            shutil.copyfile(text, folder / "BOOKS" / f"book-{number:02}.txt")
    for name, rows in (
        ("epoch_chinchilla_svg_extracted_data.csv", _points()),
        ("datablations_val_losses.csv", _repeated()),
        ("formll_isoflop_loss.csv", _budgets()),
    ):
        if not (folder / name).exists():
            _write(folder / name, list(rows))


def _points() -> Iterable[dict[str, Any]]:
    rng = np.random.default_rng(4)
    for size, tokens in np.exp(rng.uniform(18, 23, (40, 2))).tolist():
        yield {"Model Size": size, "Training FLOP": 6 * size * tokens, "loss": float(BESIROGLU.loss(size, tokens))}


def _repeated() -> Iterable[dict[str, Any]]:
    """Twelve sizes on several amounts of distinct data U, read up to sixteen times; sizes far above U are worse."""
    sizes, amounts = np.geomspace(1e7, 3e9, 12).tolist(), np.geomspace(1e8, 1e10, 4).tolist()
    for size, unique, times in itertools.product(sizes, amounts, (1, 2, 4, 16)):
        loss = float(BESIROGLU.loss(size, unique * times)) + 0.1 * times**0.5 * size / (unique / 5)
        yield {"params": size, "tokens": unique * times, "unique_tokens": unique, "val_loss": loss}


def _budgets() -> Iterable[dict[str, Any]]:
    series = dict.fromkeys(("dataset", "hparams", "warmup", "decay", "param_count", "split"), "made")
    for compute in np.geomspace(1e18, 1e20, 5).tolist():
        best, _ = BESIROGLU.optimum(compute)
        for size in (best * np.geomspace(0.2, 5, 9)).tolist():
            yield series | {"flops": compute, "N": size, "loss": float(BESIROGLU.loss(size, compute / (6 * size)))}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print("materials: expected one argument, a folder that exists", file=sys.stderr)
        raise SystemExit(2)
    lay(Path(sys.argv[1]))
