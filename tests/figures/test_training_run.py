"""The figure of one run, and its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beyond_scaling.figures.training_run import training_run, write_page
from beyond_scaling.results import Record


def run(kind: str = "training") -> Record:
    steps = np.arange(1, 201)
    loss = (1 + 3 * np.exp(-steps / 40)).astype(np.float32)
    validation = np.where(steps % 50 == 0, loss + 0.1, np.nan).astype(np.float32)
    return Record(
        name="r", title="A run", kind=kind, command="c", seed=0, parameters={}, inputs=(), duration_s=1.0,
        columns={"step": steps, "tokens": 10 * steps, "train_loss": loss, "validation_loss": validation},
        summary={
            "train": {"last": float(loss[-10:].mean())},
            "sets": {"validation": {"last": float(validation[-1])}},
            "predictions": {"entropy": 0.99, "floor": 0.5, "validation_error": 0.01},
        },
    )  # fmt: skip


def test_it_shows_what_was_measured_and_what_was_known() -> None:
    figure = training_run(run())
    training, validation = figure.data
    assert training.y[-1] == pytest.approx(run().columns["train_loss"][-1], abs=0.02)
    assert list(validation.x) == [50, 100, 150, 200]
    np.testing.assert_allclose(validation.y, run().columns["validation_loss"][49::50])
    assert [note.text for note in figure.layout.annotations] == [
        "entropy of the source 0.990",
        "all lines by heart 0.500",
    ]
    assert "A run: training loss 1.02" in figure.layout.meta["alt"]


def test_its_page_stands_alone(tmp_path: Path) -> None:
    write_page(run(), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script src=" not in text
    assert "A run" in text


def test_another_kind_of_record() -> None:
    with pytest.raises(ValueError, match="'radius'; expected 'training'"):
        training_run(run("radius"))
