"""The figure of what commands cost: a mark for each that is known, a span for each estimate, and words for both."""

from __future__ import annotations

import pytest

from beyond_scaling.commands import Command, Cost
from beyond_scaling.figures import costs
from beyond_scaling.run_costs import Told

PLACES = {"box": "laptop", "grammar": "laptop", "unknown": "laptop", "large": "gpu", "tiny": "start"}
COMMANDS = {
    name: Command(name, place, "Something.", "beyond-scaling radius", Cost("record")) for name, place in PLACES.items()
}
TOLD = {
    "box": Told("measured", (24.0,), 1.5e9),
    "grammar": Told("records", (3600.0,), None, 21),
    "unknown": Told("unknown"),
    "large": Told("estimate", (600.0, 6000.0), 2e9, operations=6e16),
    "tiny": Told("measured", (0.01,), 1e7),
}


def test_marks_stand_at_the_times_and_spans_from_least_to_most() -> None:
    drawn = costs.figure(COMMANDS, TOLD)
    marks = {trace.name: trace for trace in drawn.data if trace.mode == "markers"}
    assert set(marks) == {"To begin", "On a laptop", "On one GPU (estimates)"}
    assert list(marks["On a laptop"].x) == [24.0, 3600.0]
    rows = dict(zip(drawn.layout.yaxis.ticktext, drawn.layout.yaxis.tickvals, strict=True))
    assert list(rows) == ["box", "grammar", "large", "tiny"], "in the file's order, and none that is not known"
    assert list(marks["On a laptop"].y) == [rows["box"], rows["grammar"]]
    assert rows["box"] > rows["tiny"], "from the top down"
    (span,) = [trace for trace in drawn.data if trace.mode == "lines" and trace.y[0] == rows["large"]]
    assert list(span.x) == [600.0, 6000.0, None]
    low, high = (10**end for end in drawn.layout.xaxis.range)
    assert low < 0.1 < 6000 < high


def test_its_words_have_every_number() -> None:
    drawn = costs.figure(COMMANDS, TOLD)
    alt = drawn.layout.meta["alt"]
    for words in ("box 24 seconds, 1.5 GB", "grammar 60 minutes", "tiny 0.1 seconds, 10 MB",
                  "large 10 minutes to 100 minutes by an estimate, 2.0 GB at least"):  # fmt: skip
        assert words in alt, alt
    assert "unknown" not in alt
    assert "estimates for large" in drawn.layout.meta["caption"]
    assert drawn.data[1].text[0] in alt


def test_nothing_known_is_said() -> None:
    with pytest.raises(ValueError, match="no command with a cost, expected one at least"):
        costs.figure({"unknown": COMMANDS["unknown"]}, TOLD)
