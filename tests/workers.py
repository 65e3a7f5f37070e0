"""What one of several workers runs as a whole, so that whatever its tests share is made once.

Decided by a test's id: with pytest 9.2, xdist 3.8 reads no group from a mark, and says nothing.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# A case of test_pages.py: perhaps a scheme or a width, then the page.
PAGE = re.compile(r"\[(?:(?:http|file|\d+)-)?(?P<page>.+\.html)\]$")


class ByWhatIsShared(LoadScopeScheduling):
    """xdist's scheduler of whole groups, with these groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(test: str) -> str:
    """The group of a test: a page of the book, the claims, the small books, a browser test by itself, else its file."""
    path = test.split("::")[0]
    folder, file = path.split("/")[-2:]
    if file == "test_pages.py" and (page := PAGE.search(test)):
        return page["page"]
    if folder == "claims" or file == "test_ledger.py":
        return "claims"  # the ledger's last test asks how those of the claims went
    if folder == "bookbuild":
        return folder
    return test if folder == "browser" else path
