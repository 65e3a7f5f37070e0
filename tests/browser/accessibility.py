"""What axe-core finds wrong with a page; its script is read into each page once, however often it is asked."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = """async (within) => {
  const found = await axe.run(within ?? document, { resultTypes: ["violations"] });
  return found.violations;
}"""


def violations(page: Page, within: str | None = None) -> list[dict[str, Any]]:
    """The rules that the page, or the part of it that a selector names, breaks: ``id``, and ``nodes`` that break it."""
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(RUN, within)
