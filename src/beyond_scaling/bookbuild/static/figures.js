// Brings the page's plotly figures to life. A finished page has them drawn already: plotly.js comes when a reader points at one,
// touches or focuses it. On an unfinished page each is drawn when it comes near the window.
(() => {
  "use strict";

  const { colours, drawing } = window.bsFigures;
  const LIBRARY = new URL("../vendor/plotly/plotly-cartesian.min.js", document.currentScript.src);
  const REST = 120; // ms
  let library = null;

  /** plotly.js, asked for once; again after a failure. */
  function load() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.onload = resolve;
      script.onerror = () => { library = null; script.remove(); reject(new Error(`could not load ${LIBRARY}`)); };
      document.head.append(script);
    });
    return library;
  }

  /** The size for which the stage's layout is made, wide or narrow: the style sheet chooses. */
  function design(stage) {
    const [width, height] = getComputedStyle(stage).aspectRatio.split("/").map(Number);
    return { width, height };
  }

  /** A figure drawn live over its still one, as large as that: made for one size and scaled, as the still one is. */
  class Live {
    constructor(stage, source) {
      this.stage = stage;
      this.source = source;
      this.plot = document.createElement("div");
      this.plot.className = "bs-live";
    }
    async draw() {
      const size = design(this.stage);
      this.width = size.width;
      const font = getComputedStyle(this.stage).fontFamily;
      if (!this.plot.parentElement) this.stage.append(this.plot);
      this.fit();
      const figure = drawing(this.source, { ...size, now: colours(), font });
      await (this.stage.dataset.drawn === "live" ? Plotly.react(this.plot, figure) : Plotly.newPlot(this.plot, figure));
      this.stage.dataset.drawn = "live";
    }
    fit() {
      if (design(this.stage).width !== this.width) return false;
      this.plot.style.transform = `scale(${this.stage.clientWidth / this.width})`;
      return true;
    }
    watch() {
      new ResizeObserver(() => { if (!this.fit()) this.draw(); }).observe(this.stage);
      new MutationObserver(() => this.draw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    }
  }

  const begun = new Set();

  async function enliven(stage) {
    if (begun.has(stage)) return;
    begun.add(stage);
    const script = stage.parentElement.querySelector('script[type="application/json"]');
    try {
      await load();
      const live = new Live(stage, JSON.parse(script.textContent));
      await live.draw();
      live.watch();
    } catch (error) {
      begun.delete(stage); // the still picture stays
      stage.querySelector(".bs-live")?.remove();
      console.warn(`This figure stays as it is: ${error.message}`);
    }
  }

  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) { near.unobserve(target); enliven(target); }
  }, { rootMargin: "400px" });

  function start() {
    for (const stage of document.querySelectorAll(".bs-figure-stage")) {
      if (!stage.dataset.drawn) { near.observe(stage); continue; }
      const figure = stage.parentElement;
      // A mouse has to stay: scrolling moves figures below it that nobody points at.
      let waiting;
      stage.addEventListener("pointerenter", (event) => { waiting = setTimeout(enliven, event.pointerType === "mouse" ? REST : 0, stage); });
      stage.addEventListener("pointerleave", () => clearTimeout(waiting));
      stage.addEventListener("pointerdown", () => enliven(stage));
      figure.addEventListener("focusin", () => enliven(stage));
    }
  }

  // After the first paint; a figure of an unfinished page keeps it busy for a while.
  const soon = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));
  if (document.readyState === "complete") soon(start);
  else addEventListener("load", () => soon(start));
})();
