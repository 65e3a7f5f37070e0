// The figures' files made in the page: SVG and PNG as the figure stands, in the colours of now, on a solid ground.
(() => {
  "use strict";

  const { colours, collected } = window.bsFigures;
  const SHARP = 2; // pixels of a PNG for each pixel of the figure

  /** The figure by itself: an SVG document that needs neither the page's style sheet nor its colours. */
  function standalone(stage) {
    const live = stage.dataset.drawn === "live" ? stage.querySelector(".bs-live") : null;
    const still = [...stage.querySelectorAll(".bs-still > svg")].find((svg) => svg.getClientRects().length);
    const svg = live ? collected(live, "p") : still?.cloneNode(true);
    if (!svg) throw new Error("this figure is not drawn yet");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const now = colours();
    svg.removeAttribute("aria-hidden");
    for (const [name, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height, role: "img" })) svg.setAttribute(name, value);
    svg.setAttribute("font-family", getComputedStyle(stage).fontFamily);
    const ground = document.createElementNS(svg.namespaceURI, "rect");
    for (const [name, value] of Object.entries({ width, height, fill: now.ground })) ground.setAttribute(name, value);
    const words = document.createElementNS(svg.namespaceURI, "title");
    words.textContent = stage.getAttribute("aria-label");
    svg.prepend(words, ground);
    const text = new XMLSerializer().serializeToString(svg).replace(/var\(--bs-(\w+)\)/g, (_, name) => now[name]);
    return { text, width, height };
  }

  /** The same as a bitmap. */
  async function bitmap({ text, width, height }) {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    try {
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: SHARP * width, height: SHARP * height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return await new Promise((resolve, reject) => {
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("this browser makes no PNG of it"))), "image/png");
      });
    } finally {
      URL.revokeObjectURL(image.src);
    }
  }

  function save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // some browsers read it after the click
  }

  const MAKE = {
    svg: async (drawn) => new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${drawn.text}\n`], { type: "image/svg+xml" }),
    png: bitmap,
  };

  for (const button of document.querySelectorAll(".bs-figure-tools button[data-save]")) {
    const stage = button.closest(".bs-figure").querySelector(".bs-figure-stage");
    const kind = button.dataset.save;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        save(await MAKE[kind](standalone(stage)), `${button.dataset.name}.${kind}`);
      } catch (error) {
        button.title = error.message;
        reportError(error);
      }
    });
  }
})();
