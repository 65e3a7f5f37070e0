"""What axe-core finds wrong with a page; its script is read into each page once, however often it is asked."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# The rules whose answer depends on colours: enough for a page that has been looked at in other ones.
COLOURS = ("color-contrast", "link-in-text-block")

RUN = """async ({ within, rules }) => {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const found = await axe.run(within ?? document, { resultTypes: ["violations"], preload: false, ...only });
  return found.violations;
}"""

# Axe walks through every element; four in five of a page are boxes of glyphs without text, role or name.
LIGHTEN = """() => {
  const formulas = [...document.querySelectorAll("mjx-container")].map((formula) => {
    const { width, height } = (formula.querySelector("mjx-math") ?? formula).getBoundingClientRect();
    const spoken = (formula.querySelector("mjx-assistive-mml") ?? formula).textContent;
    return { formula, width, height, spoken };
  });
  for (const { formula, width, height, spoken } of formulas) {
    const room = document.createElement("span");
    room.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px; overflow: hidden`;
    room.textContent = spoken.trim() || "formula";
    formula.replaceChildren(room);
  }
  for (const drawing of document.querySelectorAll(".bs-figure-stage > *")) drawing.style.display = "none";
}"""


def violations(page: Page, within: str | None = None, rules: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """The rules that the page, or the part of it that a selector names, breaks: ``id``, and ``nodes`` that break it.

    Args:
        rules: only these; all of them by default.
    """
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(RUN, {"within": within, "rules": rules})


def lighten(page: Page) -> None:
    """Replace each formula by its words in a box as large, and hide what is inside a picture with a text of its own.

    Axe then takes a third of its time. The page is of no other use afterwards.
    """
    page.evaluate(LIGHTEN)
