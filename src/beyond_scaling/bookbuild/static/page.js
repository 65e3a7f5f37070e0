// Small repairs that only the browser can make.
(() => {
  "use strict";

  // Summaries of search results are fetched, which a page opened from a folder may not do.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  /** What scrolls sideways must be reachable by keyboard; what does not should not be a stop. */
  const SCROLLERS = ".highlight pre, .output pre, div.math, .pst-scrollable-table-container, .bs-figure, mjx-container[display='true']";
  function markScrollers() {
    for (const node of document.querySelectorAll(SCROLLERS)) {
      if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible") node.tabIndex = 0;
      else if (node.tabIndex === 0) node.removeAttribute("tabindex");
    }
  }
  addEventListener("load", () => {
    markScrollers();
    new ResizeObserver(markScrollers).observe(document.querySelector("article") ?? document.body);
  });
})();
