// The furniture every widget shares: frame, controls, axes, draggable points, theme, one repaint per frame.
// Nothing here knows any mathematics; energy.js holds that.
import { announcer } from "./speech.js";

const SVG_NS = "http://www.w3.org/2000/svg";

/** Create an HTML element. `attrs` are attributes, except `text` and `on<event>` listeners. */
export function html(tag, attrs = {}, ...children) {
  return fill(document.createElement(tag), attrs, children);
}

/** Create an SVG element, with the same conventions as html(). */
export function svg(tag, attrs = {}, ...children) {
  return fill(document.createElementNS(SVG_NS, tag), attrs, children);
}

function fill(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

let nextId = 0;
/** An id no other element of the page has. */
export function uniqueId(prefix) {
  nextId += 1;
  return `bs-${prefix}-${nextId}-${Math.random().toString(36).slice(2, 8)}`;
}

/**
 * The frame of a widget: title, hint, stage, controls, readout and a line of words.
 * @param {HTMLElement} el where the widget is shown
 * @param {{title: string, hint: string, two?: boolean}} options two: the stage holds two plots side by side
 * @returns {{root, stage, controls, readout, say}} `readout(rows)` shows rows of [name, value, "good"|"bad"|undefined];
 *   `say(text)` sets the line, of which assistive technology announces what changed, once the reader has paused.
 */
export function frame(el, { title, hint, two = false }) {
  const titleId = uniqueId("title");
  const stage = html("div", { class: two ? "bs-stage bs-two" : "bs-stage" });
  const controls = html("div", { class: "bs-controls" });
  const list = html("dl", { class: "bs-readout" });
  const line = html("p", { class: "bs-live" });
  const spoken = html("p", { class: "bs-spoken", role: "status" });
  const root = html(
    // A group, not a landmark: a page may hold the same widget twice.
    "div", { class: "bs-widget", role: "group", "aria-labelledby": titleId },
    html("div", { class: "bs-head" },
      html("p", { class: "bs-title", id: titleId, text: title }), html("p", { class: "bs-hint", text: hint })),
    stage, controls, list, line, spoken);
  root.addEventListener("keydown", keepToItself);
  root.style.visibility = "hidden"; // until it is drawn
  el.replaceChildren(root);

  const speech = announcer(root, line, spoken);
  const cells = new Map();
  const readout = (rows) => {
    speech.rows(rows);
    if (rows.length !== cells.size || rows.some(([name]) => !cells.has(name))) {
      cells.clear();
      list.replaceChildren(...rows.map(([name]) => {
        const value = html("dd");
        cells.set(name, value);
        return html("div", {}, html("dt", { text: name }), value);
      }));
    }
    for (const [name, value, verdict] of rows) {
      const cell = cells.get(name);
      if (cell.textContent !== value) cell.textContent = value;
      cell.className = verdict ? `bs-is-${verdict}` : "";
    }
  };

  return { root, stage, controls, readout, say: speech.say };
}

/**
 * Stop a key pressed in a widget from reaching the page around it: JupyterLab's command mode would move to another cell,
 * cut it or delete it. Combinations with Ctrl, Alt or Cmd, Tab and Escape are the page's own and pass.
 */
function keepToItself(event) {
  const pageOwns = event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab" || event.key === "Escape";
  if (!pageOwns) event.stopPropagation();
}

/** A labelled slider. `format` turns its value into the text shown and spoken. Returns {node, input, set(value)}. */
export function slider({ label, min, max, step, value, format = (v) => fixed(v, 2), onInput }) {
  const id = uniqueId("slider");
  const input = html("input", { type: "range", id, min, max, step, value });
  // No live region: the slider itself says its value.
  const output = html("output", { for: id, "aria-live": "off" });
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { show(); onInput(Number(input.value)); });
  show();
  const node = html("div", { class: "bs-control" }, html("label", { for: id, text: label }), input, output);
  return { node, input, set(v) { if (Number(input.value) !== v) input.value = v; show(); } };
}

/** One choice among a few, as a radio group of buttons. `options`: [[value, text], ...]. Returns {node, set(value)}. */
export function segmented({ label, options, value, onChange }) {
  const id = uniqueId("choice");
  const buttons = options.map(([key, text]) =>
    html("button", { type: "button", role: "radio", text, onclick: () => choose(key, true) }));
  const group = html("div", { class: "bs-segmented", role: "radiogroup", "aria-labelledby": id }, ...buttons);
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = (at + step + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(options[next][0], true);
  });
  function choose(key, tell) {
    options.forEach(([other], i) => {
      buttons[i].setAttribute("aria-checked", String(other === key));
      buttons[i].tabIndex = other === key ? 0 : -1;
    });
    if (tell) onChange(key);
  }
  choose(value, false);
  const node = html("div", { class: "bs-control" }, html("span", { id, text: label }), group);
  return { node, set: (key) => choose(key, false) };
}

/** A labelled tick box. Returns {node, set(checked)}. */
export function checkbox({ label, value, onChange }) {
  const id = uniqueId("check");
  const input = html("input", { type: "checkbox", id, onchange: () => onChange(input.checked) });
  input.checked = value;
  const node = html("div", { class: "bs-control" }, input, html("label", { for: id, text: label }));
  return { node, set(v) { input.checked = v; } };
}

/** A push button. */
export function button({ label, onClick }) {
  return html("button", { type: "button", text: label, onclick: onClick });
}

/** A legend: rows of [text, colour, dash pattern or undefined, "line" | "dot" | "area"]. */
export function key(rows) {
  return html("ul", { class: "bs-key" }, ...rows.map(([text, colour, dash, kind = "line"]) => {
    const mark = kind === "line"
      ? svg("line", { x1: 1, x2: 25, y1: 6, y2: 6, "stroke-width": 2.5, "stroke-dasharray": dash })
      : kind === "dot" ? svg("circle", { cx: 13, cy: 6, r: 5 }) : svg("rect", { x: 2, y: 1, width: 22, height: 10, opacity: 0.35 });
    mark.style[kind === "line" ? "stroke" : "fill"] = colour;
    return html("li", {}, svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, mark), html("span", { text }));
  }));
}

/** The widget's colours as the theme has them now; names as in widgets.css, such as palette(root).energy. */
export function palette(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--bs-${name}`).trim();
  const names = ["ground", "panel", "ink", "muted", "line", "grid", "energy", "mchn", "nearest", "good", "bad", "accent"];
  const colours = Object.fromEntries(names.map((name) => [name, read(name)]));
  const [r, g, b] = rgb(colours.ground);
  return { ...colours, dark: r + g + b < 382 };
}

/** "#rrggbb" as three numbers 0-255. */
export function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** Whether the page is on its way to the printer: no further frame will be drawn, so nothing may wait for one. */
export const onPaper = () => matchMedia("print").matches;

/** Call `callback` when the page goes to the printer, and when it comes back. Returns the function that stops it. */
export function onPrint(callback) {
  const paper = matchMedia("print");
  paper.addEventListener("change", callback);
  return () => paper.removeEventListener("change", callback);
}

/** Call `callback` when the page turns light or dark, or is printed: on paper no ground is dark. Returns the stop function. */
export function onTheme(callback) {
  const observer = new MutationObserver(callback);
  const options = { attributes: true, attributeFilter: ["data-theme", "data-mode", "data-jp-theme-light"] };
  observer.observe(document.documentElement, options);
  if (document.body) observer.observe(document.body, options);
  const unwatch = onPrint(callback);
  return () => { observer.disconnect(); unwatch(); };
}

/** Whether the reader asked for less motion. */
export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

const TURNS = Symbol.for("bs-first-drawings");

/**
 * Run a page's first drawings one a frame, in the order in which they were asked for: a page may hold six widgets, each a
 * module with its own copy of this file, and all of them in one frame would keep the reader waiting. Returns the stop function.
 */
export function inTurn(step) {
  const turns = (globalThis[TURNS] ??= { steps: [], frame: 0 });
  const next = () => {
    turns.frame = turns.steps.length > 1 ? requestAnimationFrame(next) : 0;
    turns.steps.shift()?.();
  };
  turns.steps.push(step);
  turns.frame ||= requestAnimationFrame(next);
  return () => { turns.steps = turns.steps.filter((other) => other !== step); };
}

/**
 * At most one repaint per frame, however many changes ask for it; the first waits for its turn among those of the page, and
 * `root`, a frame's, is seen once nothing more is asked for: half-drawn, its parts would be pushed about. Each is a User
 * Timing measure "bs-repaint", from the first request (or the event's own time) to the end of drawing, so that its cost can
 * be read by anyone.
 */
export function repainter(root, draw) {
  let stop = null;
  let asked = 0;
  let drawn = false;
  const run = () => {
    stop = null;
    drawn = true;
    try { draw(); } finally { if (!stop) root.style.visibility = ""; }
    performance.measure("bs-repaint", { start: asked, end: performance.now() });
  };
  const request = () => {
    if (stop) return;
    asked = performance.now();
    if (onPaper()) {
      stop = () => {};
      while (stop) run();
    } else if (drawn) {
      stop = () => {};
      const frameId = requestAnimationFrame(run);
      if (stop) stop = () => cancelAnimationFrame(frameId); // some draw at once
    } else stop = inTurn(run);
  };
  const unwatch = onPrint(() => { if (stop) { stop(); stop = null; request(); } });
  request.stop = () => { unwatch(); stop?.(); };
  return request;
}

/**
 * Call `callback(width)` with the element's width in CSS pixels, in the next frame, whenever it changes, and when the element
 * is shown again after it was hidden, for what changed meanwhile was not drawn. Returns the stop function.
 */
export function onWidth(node, callback) {
  let last = 0;
  const tell = () => {
    const width = Math.round(node.clientWidth);
    if (width === last) return;
    last = width;
    if (width) callback(width);
  };
  const observer = new ResizeObserver(tell);
  observer.observe(node);
  // Measured when the next frame begins: a widget that is being made would have the whole page laid out in its middle.
  const frameId = requestAnimationFrame(tell);
  const unwatch = onPrint(tell);
  return () => { cancelAnimationFrame(frameId); observer.disconnect(); unwatch(); };
}

/** A linear scale: scale(v) maps the domain to the range, scale.invert(p) back. */
export function linear([d0, d1], [r0, r1]) {
  const k = (r1 - r0) / (d1 - d0);
  const scale = (v) => r0 + (v - d0) * k;
  scale.invert = (p) => d0 + (p - r0) / k;
  scale.domain = [d0, d1];
  scale.range = [r0, r1];
  return scale;
}

/** About `count` round tick values inside the domain. */
export function ticks([lo, hi], count = 5) {
  const raw = (hi - lo) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => power * m >= raw);
  const out = [];
  for (let i = Math.ceil(lo / step); i * step <= hi + 1e-9 * step; i += 1) out.push(i * step);
  return out;
}

/** A number with `digits` decimals, a true minus sign and no "-0". */
export function fixed(v, digits = 2) {
  if (!Number.isFinite(v)) return v > 0 ? "∞" : v < 0 ? "−∞" : "–";
  const text = v.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** Draw axes, grid lines and tick labels into an SVG group (its old content goes). x, y: scales from linear(). */
export function axes(group, x, y, { xLabel = "", yLabel = "", xTicks = 5, yTicks = 5, grid = true } = {}) {
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  const step = (t) => (t.length > 1 ? Math.max(0, -Math.floor(Math.log10(t[1] - t[0]) + 1e-9)) : 0);
  const tx = ticks(x.domain, xTicks);
  const ty = ticks([Math.min(...y.domain), Math.max(...y.domain)], yTicks);
  group.setAttribute("aria-hidden", "true");
  group.replaceChildren(
    ...tx.flatMap((t) => [
      grid && svg("line", { class: "bs-gridline", x1: x(t), x2: x(t), y1: bottom, y2: top }),
      svg("text", { class: "bs-tick", x: x(t), y: bottom + 17, "text-anchor": "middle", text: fixed(t, step(tx)) })]).filter(Boolean),
    ...ty.flatMap((t) => [
      grid && svg("line", { class: "bs-gridline", x1: left, x2: right, y1: y(t), y2: y(t) }),
      svg("text", { class: "bs-tick", x: left - 6, y: y(t) + 4, "text-anchor": "end", text: fixed(t, step(ty)) })]).filter(Boolean),
    svg("rect", { class: "bs-axis", x: left, y: top, width: right - left, height: bottom - top }),
    ...(xLabel ? [svg("text", { x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle", text: xLabel })] : []),
    ...(yLabel ? [svg("text", { x: left, y: top - 8, "text-anchor": "start", text: yLabel })] : []));
}

/** An SVG path through points given as arrays of pixel coordinates; a non-finite one lifts the pen. */
export function pathOf(xs, ys) {
  let d = "";
  let pen = false;
  for (let i = 0; i < xs.length; i += 1) {
    if (!Number.isFinite(ys[i])) { pen = false; continue; }
    d += `${pen ? "L" : "M"}${xs[i].toFixed(1)},${ys[i].toFixed(1)}`;
    pen = true;
  }
  return d;
}

const grabs = new WeakMap();

/**
 * A point to drag with mouse, touch or pen, or to move with the arrow keys (Shift: ten times finer).
 * @param {SVGSVGElement} board the svg, whose user units are CSS pixels
 * @param {{label: () => string, onMove: (px, py) => void, onKey: (dx, dy, event) => void, onRemove?: () => void,
 *   onDrop?: () => void, horizontal?: boolean, colour: string, radius?: number,
 *   shape?: "circle" | "diamond" | "square", text?: string}} options
 *   onMove: pixel position inside the board; onKey: steps of -1, 0, 1 (already scaled by 0.1 with Shift); onDrop: the
 *   pointer let go; colour: CSS.
 * @returns {{node, place(px, py), relabel()}}
 */
export function handle(board, options) {
  const { label, onMove, onKey, onRemove, onDrop, colour, radius = 8, shape = "circle", text = "" } = options;
  const mark = shape === "circle" ? svg("circle", { class: "bs-ring", r: radius })
    : svg("path", { class: "bs-ring", d: shape === "diamond"
      ? `M0,${-radius * 1.3}L${radius * 1.3},0L0,${radius * 1.3}L${-radius * 1.3},0Z`
      : `M${-radius},${-radius}H${radius}V${radius}H${-radius}Z` });
  mark.style.fill = colour;
  mark.style.stroke = "var(--bs-ground)";
  mark.style.strokeWidth = "2";
  const node = svg("g", {
    class: "bs-handle", tabindex: 0, role: "button", "aria-roledescription": "draggable point",
  }, svg("circle", { class: "bs-target", r: 22 }), mark);
  if (text) {
    const caption = svg("text", { y: -radius - 6, "text-anchor": "middle", "aria-hidden": "true", text });
    caption.style.fontWeight = "650";
    caption.style.paintOrder = "stroke";
    caption.style.stroke = "var(--bs-ground)";
    caption.style.strokeWidth = "3px";
    node.append(caption);
  }
  const relabel = () => node.setAttribute("aria-label", label());
  const local = (event) => {
    const box = board.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let grabbed = null;
  let placed = null;
  let hold = [0, 0];
  const grab = (event, px, py) => {
    node.focus();
    node.setPointerCapture(event.pointerId);
    grabbed = event.pointerId;
    // The point stays where it was taken, or it would jump by as much as a finger is wide.
    hold = placed ? [placed[0] - px, placed[1] - py] : [0, 0];
  };
  grabs.set(node, { grab, away: (px, py) => (placed ? Math.hypot(placed[0] - px, placed[1] - py) : Infinity) });
  node.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    event.preventDefault();
    // Where the targets of two points overlap, the nearer point is meant.
    const [px, py] = local(event);
    let nearest = node;
    for (const other of board.querySelectorAll(".bs-handle")) {
      if (other.style.display !== "none" && grabs.get(other)?.away(px, py) < grabs.get(nearest).away(px, py)) nearest = other;
    }
    grabs.get(nearest).grab(event, px, py);
  });
  node.addEventListener("pointermove", (event) => {
    if (event.pointerId !== grabbed) return;
    const [px, py] = local(event);
    onMove(px + hold[0], py + hold[1]);
  });
  const release = () => {
    const held = grabbed !== null;
    grabbed = null;
    relabel();
    if (held && onDrop) onDrop();
  };
  node.addEventListener("pointerup", release);
  node.addEventListener("pointercancel", release);
  node.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (step) {
      event.preventDefault();
      const k = event.shiftKey ? 0.1 : 1;
      onKey(step[0] * k, step[1] * k, event);
      relabel();
      node.dispatchEvent(new CustomEvent("bs-moved", { bubbles: true }));
    } else if (onRemove && (event.key === "Delete" || event.key === "Backspace")) {
      event.preventDefault();
      onRemove();
    }
  });
  relabel();
  const place = (px, py) => {
    placed = [px, py];
    node.setAttribute("transform", `translate(${px.toFixed(1)},${py.toFixed(1)})`);
  };
  return { node, relabel, place };
}

/**
 * Send what the model holds to Python, soon: at most every 60 ms while something is dragged.
 * @returns {(() => void) & {stop: () => void}} asks for it; `stop` sends what is left
 */
export function saver(model) {
  let timer = 0;
  const send = () => { timer = 0; model.save_changes(); };
  const save = () => { timer ||= setTimeout(send, 60); };
  save.stop = () => { if (timer) { clearTimeout(timer); send(); } };
  return save;
}
