// Small repairs that only the browser can make.
(() => {
  "use strict";

  // Paper is white: what is printed is the light page.
  const { dataset } = document.documentElement;
  addEventListener("beforeprint", () => {
    if (dataset.theme !== "dark") return;
    dataset.theme = "light";
    addEventListener("afterprint", () => { dataset.theme = "dark"; }, { once: true });
  });

  const SLICE = 8; // milliseconds of work at a time
  const pause = () => new Promise((later) => {
    if (window.requestIdleCallback) requestIdleCallback(later, { timeout: 200 });
    else setTimeout(later);
  });

  /** Work through a list in slices, so that the page can be used meanwhile; stops when `stale` says so. */
  async function inSlices(list, work, stale = () => false) {
    let since = performance.now();
    for (const item of list) {
      work(item);
      if (performance.now() - since < SLICE) continue;
      await pause();
      if (stale()) return;
      since = performance.now();
    }
  }

  /** Sections and blocks that book.css leaves out of the first layout join it soon: with all heights known, links lead where they should. */
  const LATER = ".bd-article > section section, .bd-article section > p, .bd-article div.admonition, .bs-claim";
  const join = (block) => { block.style.contentVisibility = "visible"; };
  const fresh = "fresh" in document.documentElement.dataset; // opened at its top: set before the first paint
  const joinAll = () => inSlices(document.querySelectorAll(LATER), (block) => { join(block); block.getBoundingClientRect(); });

  /** What scrolls sideways must be reachable by keyboard; what does not should not be a stop. */
  const SCROLLERS = ".highlight pre, .output pre, div.math, .pst-scrollable-table-container, .bs-figure, mjx-container[display='true']";
  let round = 0;
  function markScrollers() {
    const mine = ++round;
    return inSlices(document.querySelectorAll(SCROLLERS), (node) => {
      if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible") node.tabIndex = 0;
      else if (node.tabIndex === 0) node.removeAttribute("tabindex");
    }, () => mine !== round);
  }
  window.bsLaid = new Promise((resolve) => {
    addEventListener("load", async () => {
      if (fresh) await joinAll();
      await markScrollers();
      document.documentElement.dataset.laid = "out"; // book.css and tests wait for it
      new ResizeObserver(markScrollers).observe(document.querySelector("article") ?? document.body);
      resolve();
    }, { once: true });
  });
})();
