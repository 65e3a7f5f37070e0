// Run in a page of the book that is to be printed: everything drawn and unfolded, then its text as HTML that can stand
// beside that of other pages. Ids get the page's prefix; links to other pages of the book become links within it.
async ({ slug, title, slugs, site }) => {
  const MOST = 4; // inputs, and runs, of a measurement
  // A frame, or what one would take: on a busy machine they come late, and there are many.
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const frame = () => Promise.race([new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))), pause(60)]);
  for (const details of document.querySelectorAll("details")) details.open = true;
  if (window.bsMountAll) await window.bsMountAll();
  const UNDRAWN = ".bs-view:not([data-ready]), .bs-figure-stage:not([data-drawn]):not(:has(.bs-still))";
  const waiting = () => [...document.querySelectorAll(UNDRAWN)];
  for (const node of waiting()) { // those that are drawn when seen
    node.scrollIntoView({ block: "center" });
    await frame();
  }
  for (let tries = 0; waiting().length && tries < 200; tries++) await pause(50);
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await pause(100); // widgets answer to what has moved them

  const article = document.querySelector("article.bd-article");
  for (const input of article.querySelectorAll("input")) {
    input.setAttribute("value", input.value);
    input.toggleAttribute("checked", input.checked);
  }
  for (const option of article.querySelectorAll("option")) option.toggleAttribute("selected", option.selected);
  for (const canvas of article.querySelectorAll("canvas")) { // its pixels are not in the HTML
    if (canvas.width && canvas.height) canvas.style.background = `url(${canvas.toDataURL()}) 0 0 / 100% 100% no-repeat`;
  }

  const copy = article.cloneNode(true);
  const LEFT_OUT = "script, style, noscript, button, a.headerlink, .bs-figure-tools, .bs-ledger-filter, .bs-tip, [hidden]";
  for (const node of copy.querySelectorAll(LEFT_OUT)) node.remove();
  for (const live of copy.querySelectorAll(".bs-figure-stage:has(> .bs-still) > .bs-live")) live.remove();
  for (const narrow of copy.querySelectorAll(".bs-still-narrow")) narrow.remove();
  // On paper nobody copies sums or commands by the hundred: a long list of what was measured ends with their number.
  const KINDS = { Inputs: (term) => term.textContent.trim() === "Input", Runs: (term) => /^\s*Command /.test(term.nextElementSibling.textContent) };
  for (const list of copy.querySelectorAll(".bs-provenance dl")) {
    for (const [name, isOne] of Object.entries(KINDS)) {
      const terms = [...list.querySelectorAll("dt")].filter(isOne);
      if (terms.length <= MOST) continue;
      for (const term of terms.slice(MOST)) { term.nextElementSibling.remove(); term.remove(); }
      terms[MOST - 1].nextElementSibling.insertAdjacentHTML("afterend", `<dt>${name}</dt><dd><p>${terms.length} in all; the record has each</p></dd>`);
    }
  }
  const heading = copy.querySelector("h1");
  if (title) heading.textContent = title;

  const prefixed = (id) => `${slug}--${id}`;
  const ids = new Set([...copy.querySelectorAll("[id]")].map((node) => node.id));
  for (const node of copy.querySelectorAll("*")) {
    for (const { name, value } of [...node.attributes]) {
      if (name === "id") node.id = prefixed(value);
      else if (["for", "headers", "list"].includes(name) || (name.startsWith("aria-") && value.split(" ").every((id) => ids.has(id)))) {
        node.setAttribute(name, value.split(" ").map((id) => (ids.has(id) ? prefixed(id) : id)).join(" "));
      } else if (/^(xlink:)?href$/.test(name) && value.startsWith("#") && node.localName !== "a") {
        node.setAttribute(name, `#${prefixed(value.slice(1))}`);
      } else if (value.includes("url(")) {
        node.setAttribute(name, value.replace(/url\((["']?)(?!data:)[^#)]*#([^"')]+)\1\)/g, (_, quote, id) => `url(#${prefixed(id)})`));
      }
    }
  }
  for (const link of copy.querySelectorAll("a[href]")) {
    const address = new URL(link.getAttribute("href"), location.href);
    if (address.protocol !== "file:") continue;
    const anchor = decodeURIComponent(address.hash.slice(1));
    const other = slugs[decodeURIComponent(address.pathname.slice(new URL(site).pathname.length))];
    if (other) link.setAttribute("href", anchor ? `#${other}--${anchor}` : `#${other}`);
    else link.removeAttribute("href"); // a file beside the page: there is none beside the PDF
  }

  const styles = [...document.querySelectorAll("link[rel~=stylesheet], style")].map((node) => node.localName === "link"
    ? { href: node.href }
    : { text: [...(node.sheet?.cssRules ?? [])].map((rule) => rule.cssText).join("\n") });
  return { title: heading.textContent, html: copy.innerHTML, styles, undrawn: waiting().length };
}
