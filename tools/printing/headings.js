// Run in the document that is to be printed: its headings as words, a formula by the text that screen readers are given.
() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((node) => node.checkVisibility()).map((node) => {
  const copy = node.cloneNode(true);
  for (const maths of copy.querySelectorAll("mjx-container")) {
    maths.replaceWith(maths.querySelector("mjx-assistive-mml")?.textContent ?? maths.getAttribute("aria-label") ?? "");
  }
  return copy.textContent.replace(/\s+/g, " ").trim();
})
