// Draws the page's plotly figures: after the first paint, in the page's colours, and again when these change.
(() => {
  "use strict";

  const COLOURS = ["ground", "panel", "ink", "muted", "line", "grid", "energy", "mchn", "nearest", "good", "bad", "accent"];
  const LIBRARY = new URL("../vendor/plotly/plotly-cartesian.min.js", document.currentScript.src);
  const CONFIG = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset" };

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--bs-${name}`).trim()]));
  }

  /** A copy of a figure with "bs:name" replaced by the page's colour of that name. */
  function recoloured(value, now) {
    if (typeof value === "string") return value.startsWith("bs:") ? now[value.slice(3)] : value;
    if (Array.isArray(value)) return value.map((item) => recoloured(item, now));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recoloured(v, now)]));
    return value;
  }

  /** Defaults for whatever a figure leaves open. */
  function template(now, layout) {
    const axis = {
      gridcolor: now.grid, linecolor: now.muted, zerolinecolor: now.line, tickcolor: now.line, automargin: true, showline: true,
      ticks: "outside", ticklen: 4, title: { standoff: 8, font: { size: 13 } },
    };
    return {
      layout: {
        font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: now.ink },
        title: { font: { size: 15 }, x: 0, xref: "paper", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: 8 }, automargin: true },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        colorway: ["energy", "mchn", "good", "accent", "nearest", "bad"].map((name) => now[name]),
        xaxis: axis, yaxis: axis,
        // Above the plot: beside it, a narrow page would have no room left.
        legend: { bgcolor: "rgba(0,0,0,0)", title: { font: { size: 13 } }, orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" },
        hoverlabel: { bgcolor: now.panel, bordercolor: now.line, font: { color: now.ink } },
        shapedefaults: { line: { color: now.muted } },
        annotationdefaults: { font: { color: now.ink }, arrowcolor: now.muted },
        margin: { l: 55, r: 15, t: layout.title ? 70 : 40, b: 45 },
      },
    };
  }

  /** A legend below the plot goes to the figure's foot, which grows with the legend's lines and never covers the axis. */
  function settled(legend) {
    return legend?.y < 0 ? { ...legend, yref: "container", y: 0, yanchor: "bottom" } : legend;
  }

  async function draw(stage, source) {
    const now = colours();
    const { data, layout, frames } = recoloured(source, now);
    const figure = { data, layout: { ...layout, height: stage.clientHeight, legend: settled(layout.legend), template: template(now, layout), autosize: true }, config: CONFIG, frames };
    await (stage.dataset.drawn ? Plotly.react(stage, figure) : Plotly.newPlot(stage, figure));
    stage.dataset.drawn = "true";
  }

  function load() {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`could not load ${LIBRARY}`));
      document.head.append(script);
    });
  }

  async function start() {
    const figures = [...document.querySelectorAll(".bs-figure")].map((figure) => ({
      stage: figure.querySelector(".bs-figure-stage"),
      source: JSON.parse(figure.querySelector('script[type="application/json"]').textContent),
    }));
    await load();
    const drawAll = async () => { for (const { stage, source } of figures) await draw(stage, source); };
    await drawAll();
    matchMedia("(max-width: 600px)").addEventListener("change", drawAll); // the stage has another height then
    new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  const soon = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));
  if (document.readyState === "complete") soon(start);
  else addEventListener("load", () => soon(start));
})();
