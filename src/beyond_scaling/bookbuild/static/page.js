// Small repairs that only the browser can make.
(() => {
  "use strict";

  // Summaries of search results are fetched, which a page opened from a folder may not do.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
  /** What the page of results says, and its excerpts: of what is read there, from the beginning of a word. */
  const AROUND = 120; // letters before the word that was found, and after it
  const UNREAD = "script, style, summary, pre, .headerlink, .toctree-wrapper, .prev-next-area, .bd-header-article, .bs-tools, .bs-figure-foot, .bs-tip";
  function excerpt(html, words, anchor) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const read = (anchor && page.querySelector(`[role="main"] ${anchor}`)) || page.querySelector(".bd-article") || page.querySelector('[role="main"]');
    if (!read) return null;
    for (const node of read.querySelectorAll(UNREAD)) node.remove();
    const text = read.textContent.replace(/\s+/g, " ").trim();
    const places = [...words].map((word) => text.toLowerCase().indexOf(word.toLowerCase())).filter((place) => place >= 0);
    const found = places.pop() ?? 0;
    const from = found > AROUND ? text.indexOf(" ", found - AROUND) + 1 : 0;
    const to = found + AROUND < text.length ? text.lastIndexOf(" ", found + AROUND) : text.length;
    const paragraph = document.createElement("p");
    paragraph.className = "context";
    paragraph.textContent = `${from ? "… " : ""}${text.slice(from, to)}${to < text.length ? " …" : ""}`;
    return paragraph;
  }
  if (typeof Documentation !== "undefined") {
    Documentation.TRANSLATIONS["Search finished, found ${resultCount} page(s) matching the search query."] = "Pages found: ${resultCount}";
    Documentation.TRANSLATIONS["Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories."]
      = "No page has all these words.";
  }
  addEventListener("DOMContentLoaded", () => {
    if (typeof Search !== "undefined") Search.makeSearchSummary = excerpt;
    // Sphinx marks what was searched for on the page that was found; its link is a script in an address, which no page here runs.
    const unmark = document.querySelector("#searchbox .highlight-link a");
    if (!unmark) return;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Unmark the words searched for" });
    button.addEventListener("click", () => SphinxHighlight.hideSearchWords());
    unmark.replaceWith(button);
  });

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
