"""Tests that share something go to one worker; the others go wherever there is room."""

from __future__ import annotations

import pytest

from .workers import group

PAGES = "tests/browser/test_pages.py::test"
WIDGETS = "tests/browser/test_every_widget.py::test"


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (f"{PAGES}_a[http-theory/two-energies.html]", "theory/two-energies.html"),
        (f"{PAGES}_b[390-theory/two-energies.html]", "theory/two-energies.html"),
        (f"{PAGES}_c[theory/two-energies.html]", "theory/two-energies.html"),
        (f"{PAGES}_c[index.html]", "index.html"),
        (f"{PAGES}_search[http]", f"{PAGES}_search[http]"),
        (f"{WIDGETS}_a[line]", f"{WIDGETS}_a[line]"),
        ("tests/claims/test_width.py::test_a", "claims"),
        ("tests/test_ledger.py::test_every_claims_test_ran_and_passed", "claims"),
        ("tests/bookbuild/test_living_page.py::test_a[file]", "bookbuild"),
        ("tests/training/test_loop.py::test_a[x::y]", "tests/training/test_loop.py"),
    ],
)
def test_what_is_shared_stays_together(test: str, expected: str) -> None:
    assert group(test) == expected
