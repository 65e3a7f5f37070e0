"""One line from any error, also from one that says nothing."""

from __future__ import annotations

import pytest

from beyond_scaling.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (OSError("\n  late start \n"), "late start"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line
