// Run in the document that is to be printed: what is too wide for the paper is made smaller, as a whole.
() => {
  const WIDE = ".pst-scrollable-table-container > table, .bs-numbers table, div.math, .bs-view";
  for (const node of document.querySelectorAll(WIDE)) {
    const room = node.parentElement.getBoundingClientRect().width;
    const needed = Math.max(node.scrollWidth, node.getBoundingClientRect().width);
    if (room > 0 && needed > room + 1) node.style.zoom = Math.max(0.4, room / needed);
  }
}
