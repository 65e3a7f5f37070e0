"""How fast the built book is: every page in a real Chromium, over http, nothing cached, files sent compressed.

Run: ``python benchmarks/pages.py [PAGE ...]`` after ``make book`` (or with ``$BOOK_HTML`` naming a book elsewhere).

Each page is visited ``--visits`` times (3) and scrolled through to its end; of times the least counts, for other work
on the machine can only add to them. "kB": transferred before the reader points at anything. "paint", "largest": until
the first and the largest thing is painted. "widget": until the first widget can be used. "task": the longest time in
which the page could not answer, in processor time. "shift": cumulative layout shift, at a width of 1300 and of 390. A
number over its budget has a ``!``.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from beyond_scaling.bookbuild.loading import BUDGET, NARROW, Load, load, served, site_bytes

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import chromium  # noqa: E402

HEAD = (
    f"{'page':40}{'kB':>7}{'files':>7}{'paint':>8}{'largest':>9}{'widget':>9}"
    f"{'task':>8}{'shift':>9}{'at 390':>9}{'nodes':>8}"
)


def marked(value: float | None, budget: float, digits: int = 0) -> str:
    """A number, with a sign if it is over its budget; its own budget does not break it."""
    return "-" if value is None else f"{value:.{digits}f}{'!' if value > budget else ' '}"


def row(page: str, wide: list[Load], narrow: list[Load]) -> str:
    widgets = [one.widget for one in wide if one.widget is not None]
    return (
        f"{page:40}"
        f"{marked(wide[0].bytes / 1000, BUDGET.page_bytes / 1000):>7}"
        f"{wide[0].requests:>7}"
        f"{min(one.first_paint for one in wide):>8.0f}"
        f"{min(one.largest_paint for one in wide):>9.0f}"
        f"{marked(min(widgets, default=None), BUDGET.widget_ms):>9}"
        f"{marked(min(one.task for one in wide), BUDGET.task_ms):>8}"
        f"{marked(max(one.shift for one in wide), BUDGET.shift, 3):>9}"
        f"{marked(max(one.shift for one in narrow), BUDGET.shift, 3):>9}"
        f"{wide[0].nodes:>8}"
    )


def measured(browser: Browser, base: str, page: str, visits: int) -> str:
    load(browser, f"{base}/{page}")  # the server compresses each file at its first visit
    wide = [load(browser, f"{base}/{page}") for _ in range(visits)]
    return row(page, wide, [load(browser, f"{base}/{page}", NARROW)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="such as theory/attention.html; all pages by default")
    parser.add_argument("--visits", type=int, default=3, help="how often each page is visited (3)")
    args = parser.parse_args()
    folder = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
    pages = args.pages or sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    missing = [page for page in pages if not (folder / page).is_file()]
    if missing or not pages:
        sys.exit(f"pages: no {', '.join(missing) or 'page'} in {folder}; build the book first (make book)")
    path = chromium.find()  # may start Playwright itself, so before ours
    if path is None:
        sys.exit("pages: no Chromium; `make browser` installs one")
    print(HEAD)
    with served(folder) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            print(measured(browser, base, page, args.visits), flush=True)
        browser.close()
    print(f"the whole site: {marked(site_bytes(folder) / 1e6, BUDGET.site_bytes / 1e6, 1)} MB on disk")


if __name__ == "__main__":
    main()
