// What the page of search results says and shows, and how its marks are taken off the page that was found.
(() => {
  "use strict";

  // Summaries of search results are fetched, which a page opened from a folder may not do.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  const AROUND = 120; // letters before the word that was found, and after it
  const UNREAD = "script, style, summary, pre, .headerlink, .toctree-wrapper, .prev-next-area, .bd-header-article, .bs-tools, .bs-figure-foot, .bs-tip";
  /** A paragraph around what was found, of what is read on that page, from the beginning of a word. */
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
    // Sphinx's link that unmarks them is a script in an address, which no page here runs.
    const unmark = document.querySelector("#searchbox .highlight-link a");
    if (!unmark) return;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Unmark the words searched for" });
    button.addEventListener("click", () => {
      SphinxHighlight.hideSearchWords();
      for (const ground of document.querySelectorAll("rect.highlighted")) ground.remove(); // which it leaves in drawings
    });
    unmark.replaceWith(button);
  });
})();
