// Small repairs that only the browser can make.
(() => {
  "use strict";

  // Summaries of search results are fetched, which a page opened from a folder may not do.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  /** What scrolls sideways must be reachable by keyboard; what does not should not be a stop. */
  const SCROLLERS = ".highlight pre, .output pre, div.math, .pst-scrollable-table-container, mjx-container[display='true']";
  const SLICE = 8; // milliseconds at a time: to look at a block far down the page is to lay it out
  let round = 0;
  async function markScrollers() {
    const mine = ++round;
    let since = performance.now();
    for (const node of document.querySelectorAll(SCROLLERS)) {
      if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible") node.tabIndex = 0;
      else if (node.tabIndex === 0) node.removeAttribute("tabindex");
      if (performance.now() - since > SLICE) {
        await new Promise((later) => { setTimeout(later); });
        if (mine !== round) return;
        since = performance.now();
      }
    }
  }
  addEventListener("load", () => {
    markScrollers();
    new ResizeObserver(markScrollers).observe(document.querySelector("article") ?? document.body);
  });
})();
