// Tips: what a symbol means or a link leads to, beside it; on hover, on keyboard focus and at a first tap. Escape closes.
// Without this script the links work all the same.
(() => {
  "use strict";

  const LINK = "a[aria-describedby^='bs-tip-']";
  const GAP = 6; // CSS pixels between link and tip, and between tip and the window's edge
  const PAUSE = 90; // milliseconds that the pointer must rest: it may only be passing
  const LINGER = 220; // milliseconds for the pointer to cross from the link to its tip

  let open = null; // { link, tip } that are shown
  let timer = 0; // until the pointer's next tip is shown, or this one hidden
  let tapped = null; // the link that a finger has just touched for the first time
  let dismissed = null; // the link under the pointer whose tip was closed by Escape

  /** Tips lie at the end of the text: blocks that contain their layout would cut them off. */
  function layer() {
    const there = document.querySelector(".bs-tips");
    if (there) return there;
    const made = Object.assign(document.createElement("div"), { className: "bs-tips" });
    (document.querySelector(".bd-article") ?? document.body).append(made);
    return made;
  }

  function show(link) {
    clearTimeout(timer);
    if (open?.link === link) return;
    hide();
    const tip = document.getElementById(link.getAttribute("aria-describedby"));
    if (!tip) return;
    layer().append(tip);
    tip.hidden = false;
    open = { link, tip };
    place();
    // What scrolls can be reached by keyboard; the tip itself takes the focus of a click, and so stays.
    for (const part of [tip, ...tip.querySelectorAll("mjx-container")]) {
      const scrolls = part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1;
      if (scrolls && getComputedStyle(part).overflowX !== "visible") part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
    if (!tip.hasAttribute("tabindex")) tip.tabIndex = -1;
  }

  function hide() {
    clearTimeout(timer);
    if (open) open.tip.hidden = true;
    open = null;
  }

  /** Below the link, or above where there is more room; never beyond the window. */
  function place() {
    if (!open) return;
    const { link, tip } = open;
    const at = link.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const height = window.innerHeight;
    if (at.bottom < 0 || at.top > height) { hide(); return; }
    tip.style.maxHeight = "";
    const [above, below] = [at.top - 2 * GAP, height - at.bottom - 2 * GAP];
    const under = tip.offsetHeight <= below || below >= above;
    tip.style.maxHeight = `${Math.max(under ? below : above, 0)}px`;
    tip.style.left = `${Math.max(GAP, Math.min(at.left, width - tip.offsetWidth - GAP))}px`;
    tip.style.top = `${under ? at.bottom + GAP : at.top - GAP - tip.offsetHeight}px`;
  }

  const focused = () => open && (open.link.matches(":focus-visible") || open.tip.contains(document.activeElement));
  const stops = (tip) => [tip, ...tip.querySelectorAll("a[href], [tabindex]")].filter((node) => node.tabIndex === 0);

  function leave() {
    clearTimeout(timer);
    dismissed = null;
    if (open) timer = setTimeout(() => { if (!focused()) hide(); }, LINGER);
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const link = event.target.closest(LINK);
    if (link && !open?.tip.contains(link)) {
      clearTimeout(timer);
      if (link !== open?.link && link !== dismissed) timer = setTimeout(show, PAUSE, link);
    } else if (open?.tip.contains(event.target)) clearTimeout(timer);
    else leave();
  });
  document.documentElement.addEventListener("pointerleave", leave);

  document.addEventListener("focusin", (event) => {
    const link = event.target.closest(LINK);
    if (link?.matches(":focus-visible") && !open?.tip.contains(link)) show(link);
  });
  document.addEventListener("focusout", (event) => {
    if (!open || (event.target !== open.link && !open.tip.contains(event.target))) return;
    const next = event.relatedTarget;
    if (!next || (next !== open.link && !open.tip.contains(next))) hide();
  });

  // A finger cannot hover: the first tap shows the tip, the second follows the link.
  document.addEventListener("pointerdown", (event) => {
    const link = event.target.closest(LINK);
    const inside = open && (open.tip.contains(event.target) || open.link === link);
    tapped = event.pointerType === "touch" && link && !inside ? link : null;
    if (open && !inside) hide();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(LINK);
    if (!tapped || tapped !== link) return;
    tapped = null;
    event.preventDefault();
    show(link);
  });

  document.addEventListener("keydown", (event) => {
    if (!open) { if (event.key === "Escape") clearTimeout(timer); return; }
    const { link, tip } = open;
    if (event.key === "Escape") {
      if (tip.contains(document.activeElement)) link.focus({ preventScroll: true });
      dismissed = link;
      hide();
    } else if (event.key === "Tab" && focused()) {
      // The tip's own links come after the link, though they stand at the end of the text.
      const within = stops(tip);
      const at = within.indexOf(document.activeElement);
      if (event.shiftKey ? at > 0 : at < within.length - 1 && (at >= 0 || document.activeElement === link)) {
        event.preventDefault();
        within[at + (event.shiftKey ? -1 : 1)].focus();
      } else if (tip.contains(document.activeElement)) {
        link.focus({ preventScroll: true }); // from where the browser goes on
        if (event.shiftKey) event.preventDefault();
        else hide();
      }
    }
  });

  addEventListener("scroll", (event) => { if (!open?.tip.contains(event.target)) place(); }, { passive: true, capture: true });
  addEventListener("resize", place);
})();
