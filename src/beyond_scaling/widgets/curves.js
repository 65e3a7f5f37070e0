// Plots of curves and bands: a box to draw in, hatching, marks whose shape tells them apart, contour lines, verdicts.
import { html, svg, uniqueId, fixed } from "./ui.js";

/**
 * A plot that fills the width it gets and reserves its height before anything is drawn.
 * @param {{title?: string, label: string, ratio?: number, height?: number, canvas?: boolean}} options label: what
 *   assistive technology calls the picture; ratio: width by height, or height: a fixed one in pixels
 * @returns {{node, board, canvas, box, setTitle}} board: the svg in CSS pixels; box: the element whose size counts
 */
export function plotBox({ title, label, ratio, height, canvas = false }) {
  const board = svg("svg", { class: "bs-fill", role: "group", "aria-label": label });
  const sheet = canvas ? html("canvas", { "aria-hidden": "true" }) : null;
  const box = html("div", { class: "bs-plot" }, sheet, board);
  if (ratio) box.style.aspectRatio = String(ratio);
  else box.style.height = `${height}px`;
  const heading = title ? html("p", { class: "bs-plot-title", text: title }) : null;
  return {
    node: html("div", {}, heading, box), board, canvas: sheet, box,
    setTitle(text) { if (heading.textContent !== text) heading.textContent = text; },
  };
}

/** Diagonal hatching as an SVG fill. Returns {node, fill}: put `node` into the svg, use `fill` as a CSS paint. */
export function hatching(colour, { gap = 7, width = 1.6, angle = 45 } = {}) {
  const id = uniqueId("hatch");
  const line = svg("line", { x1: 0, y1: 0, x2: 0, y2: gap, "stroke-width": width });
  line.style.stroke = colour;
  const pattern = svg("pattern", {
    id, width: gap, height: gap, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${angle})`,
  }, line);
  return { node: svg("defs", {}, pattern), fill: `url(#${id})` };
}

/** An SVG element with CSS properties, so that custom properties such as var(--bs-ink) follow the theme at once. */
export function styled(tag, attrs, style) {
  const node = svg(tag, attrs);
  for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value);
  return node;
}

/** Text in a plot with a halo in the ground's colour, readable over lines and fills. */
export function haloed(text, attrs = {}, colour = "var(--bs-ink)", weight = 600) {
  return styled("text", { "aria-hidden": "true", text, ...attrs }, {
    fill: colour, "font-weight": weight, "paint-order": "stroke", stroke: "var(--bs-ground)", "stroke-width": "3.5px",
    "stroke-linejoin": "round",
  });
}

/** Set attributes that changed, leaving the others alone. */
export function amend(node, attrs) {
  for (const [name, value] of Object.entries(attrs)) {
    const text = typeof value === "number" ? value.toFixed(1) : value;
    if (name === "text") { if (node.textContent !== value) node.textContent = value; } else if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** Show or hide an SVG or HTML element. */
export function shown(node, yes) {
  node.style.display = yes ? "" : "none";
}

/** A closed path around the area between two curves, given in pixels. */
export function areaPath(xs, uppers, lowers) {
  let d = "";
  for (let i = 0; i < xs.length; i += 1) d += `${i ? "L" : "M"}${xs[i].toFixed(1)},${uppers[i].toFixed(1)}`;
  for (let i = xs.length - 1; i >= 0; i -= 1) d += `L${xs[i].toFixed(1)},${lowers[i].toFixed(1)}`;
  return `${d}Z`;
}

const STATIONARY_SHAPES = {
  minimum: "M-7,-5.5H7L0,7Z",
  maximum: "M-7,5.5H7L0,-7Z",
  saddle: "M-5.5,-5.5L5.5,5.5M5.5,-5.5L-5.5,5.5",
  degenerate: "M0,-8L8,0L0,8L-8,0Z",
};

/** The mark of a stationary point: minimum ▼, maximum ▲, saddle ×, degenerate ◇. */
export function stationaryMark(kind, colour = "var(--bs-ink)") {
  const open = kind === "saddle" || kind === "degenerate";
  const d = STATIONARY_SHAPES[kind];
  // A wide line in the ground's colour lifts the mark off whatever lies under it.
  const halo = styled("path", { d }, { stroke: "var(--bs-ground)", "stroke-width": open ? "6px" : "4px", fill: "none" });
  const mark = styled("path", { d }, open
    ? { stroke: colour, "stroke-width": "2.6px", fill: "none" } : { fill: colour, stroke: "none" });
  return svg("g", { "aria-hidden": "true" }, halo, mark);
}

/** A legend of marks: rows of [text, node]; the node is drawn around (0, 0). */
export function markKey(rows) {
  return html("ul", { class: "bs-key" }, ...rows.map(([text, node]) => html("li", {},
    svg("svg", { viewBox: "-13 -9 26 18", class: "bs-key-mark", "aria-hidden": "true" }, node),
    html("span", { text }))));
}

/** A legend's swatch for an area: plain or hatched, with its outline. */
export function swatch(fill, stroke, { opacity = 1, dash } = {}) {
  return svg("g", {},
    styled("rect", { x: -11, y: -6, width: 22, height: 12 }, { fill, "fill-opacity": opacity }),
    styled("rect", { x: -11, y: -6, width: 22, height: 12, "stroke-dasharray": dash },
      { fill: "none", stroke, "stroke-width": "1.5px" }));
}

/** A legend's piece of line. */
export function stroke(colour, { dash, width = 2.5 } = {}) {
  return styled("line", { x1: -12, x2: 12, y1: 0, y2: 0, "stroke-dasharray": dash },
    { stroke: colour, "stroke-width": `${width}px` });
}

const CHECK = "M3.5,8.5L6.8,11.8L12.8,4.6";
const CROSS = "M4.4,4.4L11.6,11.6M11.6,4.4L4.4,11.6";

/**
 * A row of verdicts, each an icon and words. `set([[text, good], ...])` shows them; `wait(words)` keeps their room and says in
 * it what they wait for, `wait("")` uncovers them.
 */
export function verdicts() {
  const waiting = html("p", { class: "bs-waiting" });
  const node = html("div", { class: "bs-verdicts" }, waiting);
  const items = [];
  const set = (rows) => {
    while (items.length < rows.length) {
      const path = svg("path", { fill: "none", "stroke-width": 2.4, "stroke-linecap": "round", "stroke-linejoin": "round" });
      const words = html("span");
      const item = html("p", {}, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
        svg("circle", { cx: 8, cy: 8, r: 8 }), path), words);
      path.style.stroke = "var(--bs-ground)";
      items.push({ item, path, words });
      node.append(item);
    }
    items.forEach(({ item, path, words }, i) => {
      shown(item, i < rows.length);
      if (i >= rows.length) return;
      const [text, good] = rows[i];
      amend(path, { d: good ? CHECK : CROSS });
      item.className = good ? "bs-verdict bs-is-good" : "bs-verdict bs-is-bad";
      if (words.textContent !== text) words.textContent = text;
    });
  };
  const wait = (words) => {
    node.classList.toggle("bs-is-waiting", Boolean(words));
    if (waiting.textContent !== words) waiting.textContent = words;
  };
  return { node, set, wait };
}

/**
 * The line where a function given on a regular grid has the value `level`, as an SVG path (marching squares).
 * @param {Float64Array} values nx * ny values, row by row @param {(i: number) => number} px pixel of column i (may be
 *   fractional) @param {(j: number) => number} py pixel of row j
 */
export function contourPath(values, nx, ny, level, px, py) {
  const parts = [];
  for (let j = 0; j + 1 < ny; j += 1) {
    for (let i = 0; i + 1 < nx; i += 1) {
      const at = j * nx + i;
      const a = values[at] - level;
      const b = values[at + 1] - level;
      const c = values[at + nx + 1] - level;
      const d = values[at + nx] - level;
      const code = (a > 0 ? 1 : 0) | (b > 0 ? 2 : 0) | (c > 0 ? 4 : 0) | (d > 0 ? 8 : 0);
      if (code === 0 || code === 15) continue;
      // Crossing points on the four edges: top, right, bottom, left.
      const top = () => `${px(i + a / (a - b)).toFixed(1)},${py(j).toFixed(1)}`;
      const right = () => `${px(i + 1).toFixed(1)},${py(j + b / (b - c)).toFixed(1)}`;
      const bottom = () => `${px(i + d / (d - c)).toFixed(1)},${py(j + 1).toFixed(1)}`;
      const left = () => `${px(i).toFixed(1)},${py(j + a / (a - d)).toFixed(1)}`;
      const cut = (p, q) => parts.push(`M${p()}L${q()}`);
      switch (code) {
        case 1: case 14: cut(top, left); break;
        case 2: case 13: cut(top, right); break;
        case 3: case 12: cut(left, right); break;
        case 4: case 11: cut(right, bottom); break;
        case 6: case 9: cut(top, bottom); break;
        case 7: case 8: cut(left, bottom); break;
        default: {
          // Two opposite corners above: the mean says whether they touch.
          const joined = a + b + c + d > 0 === (code === 5);
          if (joined) { cut(top, right); cut(left, bottom); } else { cut(top, left); cut(right, bottom); }
        }
      }
    }
  }
  return parts.join("");
}

/** Where `f` changes sign between `lo` and `hi`, by bisection to the last digit. */
export function signChange(f, lo, hi) {
  const negative = f(lo) < 0;
  for (let k = 0; k < 200; k += 1) {
    const middle = lo + (hi - lo) / 2;
    if (middle <= lo || middle >= hi) break;
    if (f(middle) < 0 === negative) lo = middle; else hi = middle;
  }
  return lo + (hi - lo) / 2;
}

/** Write a trait that the browser reports, if it changed. Returns whether it did. */
export function report(model, name, value) {
  if (JSON.stringify(model.get(name)) === JSON.stringify(value)) return false;
  model.set(name, value);
  return true;
}

/** Listen to several traits. Returns the function that stops listening. */
export function listen(model, names, callback) {
  for (const name of names) model.on(`change:${name}`, callback);
  return () => { for (const name of names) model.off(`change:${name}`, callback); };
}

/**
 * Whether the answer may be seen: at once or, where the page asks for a prediction (trait `predict`), from the first change
 * of one of the traits `names` on. `onChange` is called at every change.
 * @returns {{open: () => boolean, stop: () => void}}
 */
export function answerAfter(model, names, onChange) {
  let open = !model.get("predict");
  const stops = [
    listen(model, names, () => { open = true; onChange(); }),
    listen(model, ["predict"], () => { open = !model.get("predict"); onChange(); }),
  ];
  return { open: () => open, stop: () => stops.forEach((stop) => stop()) };
}

/** A point as readers write it: "(0.20, −0.30)", or "0.20" on a line. */
export function pointText(x, digits = 2) {
  return x.length === 1 ? fixed(x[0], digits) : `(${x.map((v) => fixed(v, digits)).join(", ")})`;
}
