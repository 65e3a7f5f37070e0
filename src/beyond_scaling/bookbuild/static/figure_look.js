// How a plotly figure of the book looks, and its picture as one plain SVG. Loaded by the pages and by the build's own browser
// (bookbuild/finish/figures.py), so that what is drawn beforehand and what is drawn live are the same.
(() => {
  "use strict";

  const COLOURS = ["ground", "panel", "ink", "muted", "line", "grid", "energy", "mchn", "nearest", "good", "bad", "accent"];

  /** The page's colours of now, by name. */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--bs-${name}`).trim()]));
  }

  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  /** A colour written "bs:name" or "bs:name/opacity" as the page's colour of that name; any other as it is. */
  function recolour(value, now) {
    const [, name, opacity] = /^bs:(\w+)(?:\/([\d.]+))?$/.exec(value) ?? [];
    if (!name) return value;
    return opacity === undefined ? now[name] : `rgba(${[...channels(now[name]), opacity].join(", ")})`;
  }

  function recoloured(value, now) {
    if (typeof value === "string") return recolour(value, now);
    if (Array.isArray(value)) return value.map((item) => recoloured(item, now));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recoloured(v, now)]));
    return value;
  }

  /** Defaults for whatever a figure leaves open. */
  function template(now, layout, font) {
    const axis = {
      gridcolor: now.grid, linecolor: now.muted, zerolinecolor: now.line, tickcolor: now.line, automargin: true, showline: true,
      ticks: "outside", ticklen: 4, title: { standoff: 8, font: { size: 13 } },
    };
    return {
      layout: {
        font: { family: font, size: 13, color: now.ink },
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

  /** What plotly is given: a figure of the page at a size, in some colours and a font. */
  function drawing(source, { width, height, now, font, still = false }) {
    const { data, layout, frames } = recoloured(source, now);
    // A finger that moves over a figure scrolls the page.
    const touch = matchMedia("(pointer: coarse)").matches ? { dragmode: false } : {};
    return {
      data, frames,
      layout: { ...touch, ...layout, width, height, legend: settled(layout.legend), template: template(now, layout, font), autosize: false },
      config: { displayModeBar: false, responsive: false, showTips: false, doubleClick: "reset", staticPlot: still },
    };
  }

  const shorter = (text, digits) => text.replace(/-?\d*\.\d+(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(digits))));
  const DIGITS = { d: 1, points: 1, transform: 2, x: 2, y: 2, x1: 2, x2: 2, y1: 2, y2: 2, width: 2, height: 2 };
  /** Curves that are straight, as plotly writes the lines of contours, as lines. */
  const straightened = (path) => path.replace(/(?<=([-\d.]+,[-\d.]+))C\1 ([-\d.]+,[-\d.]+) \2/g, "L$2");
  const LAYERS = ".draglayer, .hoverlayer, .zoomlayer, .menulayer, .legendtoggle, .scrollbox > rect, .scrollbar"; // for pointers
  const OURS = /^(font-family|pointer-events|white-space|cursor|user-select|vector-effect|transition)$/; // the page's, or no one's

  /** A style without what is so anyway: these are 1 unless they or an element around them say otherwise, and none does. */
  function leaner(style) {
    return [...style.split(";")].map((rule) => rule.split(/:\s*/).map((side) => side.trim()))
      .filter(([name, value]) => name && !OURS.test(name) && !(/^((fill-|stroke-)?opacity)$/.test(name) && value === "1") && name !== "stroke-miterlimit")
      .map((sides) => sides.join(":")).join(";");
  }

  const unseen = (part) => /^(rect|path)$/.test(part.tagName) && (part.style.fillOpacity === "0" || part.style.fill === "none" || part.style.fill === "transparent")
    && (!part.style.stroke || part.style.stroke === "none" || part.style.strokeOpacity === "0" || parseFloat(part.style.strokeWidth) === 0);

  /** Neighbours of one style in a group that has it: a hundred marks say it once. Opacity would be another thing on a group. */
  function share(svg) {
    for (const parent of [svg, ...svg.querySelectorAll("g")]) {
      let run = [];
      for (const child of [...parent.children, null]) {
        const style = child?.getAttribute("style");
        if (style && run[0]?.getAttribute("style") === style && !/(^|;)opacity/.test(style)) { run.push(child); continue; }
        if (run.length > 2) {
          const group = document.createElementNS(svg.namespaceURI, "g");
          group.setAttribute("style", run[0].getAttribute("style"));
          run[0].before(group);
          group.append(...run);
          run.forEach((part) => part.removeAttribute("style"));
        }
        run = style ? [child] : [];
      }
    }
  }

  /** All layers of a drawn plot as one SVG: ids that begin with `prefix`, no class, no data, no font of its own. */
  function collected(plot, prefix) {
    const { width, height } = plot._fullLayout;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const layer of plot.querySelectorAll("svg.main-svg")) svg.append(...[...layer.children].map((child) => child.cloneNode(true)));
    svg.querySelectorAll(LAYERS).forEach((part) => part.remove());
    for (const part of svg.querySelectorAll("rect, path")) {
      if (!part.closest("clipPath") && (unseen(part) || (part.tagName === "path" && !part.getAttribute("d")))) part.remove();
    }
    const ids = new Map();
    const renamed = (id) => { if (!ids.has(id)) ids.set(id, `${prefix}${ids.size}`); return ids.get(id); };
    for (const part of svg.querySelectorAll("*")) {
      for (const { name, value } of [...part.attributes]) {
        if (name === "class" || name.startsWith("data-") || name === "pointer-events") { part.removeAttribute(name); continue; }
        let now = value.replace(/url\(["']?[^#"')]*#([^"')]+)["']?\)/g, (_, id) => `url(#${renamed(id)})`);
        if (name === "style") now = leaner(now);
        else if (name in DIGITS) now = shorter(now, DIGITS[name]);
        if (name === "d") now = straightened(now);
        if (now !== value) part.setAttribute(name, now);
        if (!now) part.removeAttribute(name);
      }
    }
    for (const part of svg.querySelectorAll("[id]")) {
      if (ids.has(part.id)) part.id = ids.get(part.id);
      else if (part.tagName !== "defs" && part.closest("defs")) part.remove();
      else part.removeAttribute("id");
    }
    // From the innermost: groups that hold nothing go, and so do those that say nothing.
    for (const part of [...svg.querySelectorAll("g, defs, clipPath")].reverse()) {
      if (!part.firstElementChild) part.remove();
      else if (part.tagName === "g" && !part.attributes.length) part.replaceWith(...part.childNodes);
    }
    share(svg);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-hidden", "true"); // the stage around it has the words
    return svg;
  }

  window.bsFigures = { colours, drawing, collected, COLOURS };
})();
