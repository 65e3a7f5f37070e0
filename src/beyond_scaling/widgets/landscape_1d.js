// Figure 1, right: E, g and MCHN at two inverse temperatures over patterns on a line that can be dragged.
import { amend, haloed, hatching, listen, markKey, plotBox, report, shown, signChange, stationaryMark, stroke, styled, swatch } from "./curves.js";
import { convexityThreshold, energy, stationaryPoints } from "./energy.js";
import { lineCurvature, lineGrid } from "./grid.js";
import { patternMark } from "./plane.js";
import {
  axes, button, checkbox, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, slider, svg, uniqueId,
} from "./ui.js";

const MOST_PATTERNS = 20;
const NUDGE = 0.05;
const BETAS = [0.1, 8];
const MARGIN = { left: 34, right: 8, top: 12, bottom: 24 };
const STRIP = { height: 62, left: 12, right: 12, line: 34 };
const POINTS = 321;
/** Curves far above the picture are cut off here, in pixels, so that paths stay short. */
const ABOVE = -60;
const PRESETS = {
  "Figure 1's set": [-2, 0, 1],
  "Two wells": [-1, 1],
  "Four in a row": [-3.2, -1.4, 0.4, 2.2],
};
const CURVES_1D = {
  E: { colour: "var(--bs-energy)", width: 3 },
  g: { colour: "var(--bs-nearest)", width: 1.8, dash: "2 4" },
  MCHN: { colour: "var(--bs-mchn)", width: 2.4 },
  MCHN_2: { colour: "var(--bs-mchn)", width: 2.4, dash: "9 4" },
};

function render({ model, el }) {
  const ui = frame(el, {
    title: "Energy landscapes on a line",
    hint: "Drag the patterns along the line; double-click to add one.",
  });
  ui.root.classList.add("bs-landscape");
  const traits = ["patterns", "beta", "beta_2", "curves", "view"];
  const opened = Object.fromEntries(traits.map((name) => [name, model.get(name)]));
  const save = saver(model);
  const put = (name, value) => { model.set(name, value); save(); };
  const tidy = (v) => Math.round(v * 1000) / 1000;
  const tidyBeta = (v) => Math.min(BETAS[1], Math.max(BETAS[0], Number(v.toPrecision(3))));
  let fitted = null;
  let fittedView = [];
  const all = (state) => {
    fitted = null;
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    save();
  };
  let x = linear([0, 1], [0, 1]);
  let y = linear([0, 1], [0, 1]);
  let touched = model.get("patterns").length - 1;
  const betaOf = (name) => ({ E: null, g: null, MCHN: model.get("beta"), MCHN_2: model.get("beta_2") })[name];

  const inside = (v) => tidy(Math.min(Math.max(v, x.domain[0]), x.domain[1]));
  const setPattern = (i, v) => put("patterns", model.get("patterns").map((p, k) => (k === i ? inside(v) : p)));
  function addPattern(place) {
    const P = model.get("patterns");
    if (P.length >= MOST_PATTERNS) return;
    put("patterns", [...P, inside(place ?? widestGap(P))]);
    touched = P.length;
    if (place === null) { draw(); handles[touched].node.focus(); }
  }
  function removePattern(i) {
    const P = model.get("patterns");
    if (P.length === 1) return;
    put("patterns", P.filter((_, k) => k !== i));
    touched = Math.min(i, P.length - 2);
  }
  /** The middle of the widest gap, the ends of the view counting as neighbours. */
  function widestGap(P) {
    const stops = [x.domain[0], ...[...P].sort((u, v) => u - v), x.domain[1]];
    let best = 1;
    for (let i = 1; i < stops.length; i += 1) if (stops[i] - stops[i - 1] > stops[best] - stops[best - 1]) best = i;
    return (stops[best] + stops[best - 1]) / 2;
  }

  // --- the plot
  const plot = plotBox({ label: "Curves of the energies over the line, with the patterns", height: 320 });
  const clipId = uniqueId("clip");
  const clip = svg("rect");
  const ground = svg("rect", { class: "bs-plane-ground" });
  const hatch = hatching("var(--bs-energy)", { gap: 9, width: 1.1 });
  const convexArea = svg("path", { "aria-hidden": "true" });
  convexArea.style.fill = hatch.fill;
  convexArea.style.fillOpacity = "0.42";
  const axisLayer = svg("g");
  const base = styled("line", {}, { stroke: "var(--bs-muted)", "stroke-width": "1.2px" });
  const threads = styled("path", {}, { fill: "none", stroke: "var(--bs-energy)", "stroke-width": "1.3px", "stroke-dasharray": "3 3" });
  const lines = Object.fromEntries(Object.entries(CURVES_1D).map(([name, { colour, width, dash }]) => {
    const halo = styled("path", {}, { fill: "none", stroke: "var(--bs-ground)", "stroke-width": `${width + 3}px` });
    const line = styled("path", {}, { fill: "none", stroke: colour, "stroke-width": `${width}px`, "stroke-dasharray": dash ?? "none", "stroke-linejoin": "round" });
    return [name, { halo, line }];
  }));
  const handleLayer = svg("g");
  const marks = svg("g", { class: "bs-marks", "aria-hidden": "true" });
  const inPlot = svg("g", { "clip-path": `url(#${clipId})`, "aria-hidden": "true" }, convexArea, base, threads,
    ...["g", "MCHN_2", "MCHN", "E"].flatMap((name) => [lines[name].halo, lines[name].line]));
  plot.board.classList.add("bs-plane");
  plot.board.append(hatch.node, svg("defs", {}, svg("clipPath", { id: clipId }, clip)), axisLayer, inPlot,
    ground, handleLayer, marks);
  ground.addEventListener("dblclick", (event) => {
    event.preventDefault();
    addPattern(x.invert(event.clientX - plot.board.getBoundingClientRect().left));
  });

  // --- the strip of beta
  const strip = plotBox({ label: "Inverse temperatures on a scale from 0.1 to 8, with the convexity threshold", height: STRIP.height });
  const stripHatch = hatching("var(--bs-mchn)", { gap: 7, width: 1.3 });
  const convexBetas = styled("rect", { y: STRIP.line - 8, height: 16 }, { fill: stripHatch.fill, "fill-opacity": 0.6, stroke: "none" });
  const stripLine = styled("rect", { y: STRIP.line - 8, height: 16, rx: 3 }, { fill: "none", stroke: "var(--bs-muted)", "stroke-width": "1px" });
  const limit = styled("line", { y1: STRIP.line - 15, y2: STRIP.line + 11 }, { stroke: "var(--bs-mchn)", "stroke-width": "2.5px" });
  const limitText = haloed("", { y: STRIP.line - 19 }, "var(--bs-ink)");
  const stripTicks = svg("g", { "aria-hidden": "true" });
  let betaScale = linear([-1, 1], [0, 1]);
  const knob = (name, shape) => handle(strip.board, {
    label: () => `${name === "beta" ? "β₁" : "β₂"}, ${fixed(model.get(name), 2)}`, colour: "var(--bs-mchn)", shape, radius: 8, horizontal: true,
    onMove: (px) => put(name, tidyBeta(10 ** betaScale.invert(px))), onKey: (dx, dy) => put(name, tidyBeta(model.get(name) * 1.05 ** (dx + dy))),
  });
  const knobs = { beta: knob("beta", "circle"), beta_2: knob("beta_2", "diamond") };
  strip.board.append(stripHatch.node, convexBetas, stripLine, stripTicks, limit, limitText, knobs.beta.node, knobs.beta_2.node);
  ui.stage.append(plot.node);
  const minimumOf = (name) => stationaryMark("minimum", CURVES_1D[name].colour);
  ui.stage.append(markKey([
    ...Object.entries(CURVES_1D).map(([name, { colour, dash, width }]) => [
      { E: "E", g: "g", MCHN: "MCHN at β₁", MCHN_2: "MCHN at β₂" }[name], stroke(colour, { dash, width })]),
    ["pattern", patternMark()], ["minimum", minimumOf("E")], ["where E is convex", swatch(hatch.fill, "var(--bs-energy)")],
  ]), strip.node);

  // --- controls
  const betaSlider = (name, text) => slider({
    label: text, min: Math.log10(BETAS[0]), max: Math.log10(BETAS[1]), step: "any", value: Math.log10(model.get(name)),
    format: (v) => fixed(10 ** v, 2), onInput: (v) => put(name, tidyBeta(10 ** v)),
  });
  const sliders = { beta: betaSlider("beta", "β₁"), beta_2: betaSlider("beta_2", "β₂") };
  const toThreshold = button({ label: "Set β₁ to the threshold", onClick: () => put("beta", Math.min(BETAS[1], Math.max(BETAS[0], threshold))) });
  const boxes = Object.fromEntries(Object.keys(CURVES_1D).map((name) => [name, checkbox({
    label: { E: "E", g: "g", MCHN: "MCHN at β₁", MCHN_2: "MCHN at β₂" }[name], value: true,
    onChange: (on) => put("curves", Object.keys(CURVES_1D).filter((other) => (other === name ? on : model.get("curves").includes(other)))),
  })]));
  const add = button({ label: "Add a pattern", onClick: () => addPattern(null) });
  const remove = button({ label: "Remove pattern 3", onClick: () => removePattern(touched) });
  const presets = Object.entries(PRESETS).map(([text, patterns]) => button({ label: text, onClick: () => all({ patterns }) }));
  const reset = button({ label: "Reset", onClick: () => all(opened) });
  ui.controls.append(sliders.beta.node, sliders.beta_2.node, toThreshold,
    html("div", { class: "bs-buttons bs-checks", role: "group", "aria-label": "Curves shown" }, ...Object.values(boxes).map((b) => b.node)),
    html("div", { class: "bs-buttons" }, add, remove),
    html("div", { class: "bs-buttons", role: "group", "aria-label": "Sets of patterns" }, ...presets, reset));

  // --- what follows from the state
  let facts = null;
  let threshold = 1;
  let minima = {};
  function work() {
    const numbers = model.get("patterns");
    const P = numbers.map((v) => [v]);
    const key = JSON.stringify([numbers, model.get("beta"), model.get("beta_2"), x.domain]);
    if (facts === key) return;
    facts = key;
    threshold = convexityThreshold(P);
    const points = Object.fromEntries(["E", "MCHN", "MCHN_2"].map((name) => [name, stationaryPoints(P, betaOf(name))]));
    minima = Object.fromEntries(Object.entries(points).map(([name, list]) => [name,
      list.filter((p) => p.kind !== "maximum").map((p) => ({ x: p.x[0], value: p.value }))]));
    threadsTo = numbers.map((v) => retrievedFrom(v, points.E));
    apart = threadsTo.map((end, i) => threadsTo.every((other, k) => k === i || other !== end));
    convexOn = convexStretches(numbers, x.domain);
  }
  /** Where retrieval under E from v ends: on a line it goes downhill without passing a stationary point. */
  function retrievedFrom(v, points) {
    const peaks = points.filter((p) => p.kind === "maximum").map((p) => p.x[0]);
    if (peaks.includes(v)) return v;
    const low = Math.max(-Infinity, ...peaks.filter((u) => u < v));
    const high = Math.min(Infinity, ...peaks.filter((u) => u > v));
    const below = points.filter((p) => p.kind !== "maximum" && p.x[0] > low && p.x[0] < high);
    return (below.find((p) => p.kind === "minimum") ?? below[0]).x[0];
  }
  let apart = [];
  let threadsTo = [];
  let convexOn = [];
  /** The stretches of [low, high] on which E'' > 0. */
  function convexStretches(numbers, [low, high]) {
    const bend = (v) => lineCurvature(numbers, v);
    const edges = [low];
    let before = bend(low);
    const startsConvex = before > 0;
    for (let i = 1; i <= 600; i += 1) {
      const v = low + ((high - low) * i) / 600;
      const here = bend(v);
      if ((here > 0) !== (before > 0)) edges.push(signChange(bend, low + ((high - low) * (i - 1)) / 600, v));
      before = here;
    }
    edges.push(high);
    const stretches = [];
    for (let i = startsConvex ? 0 : 1; i + 1 < edges.length; i += 2) stretches.push([edges[i], edges[i + 1]]);
    return stretches;
  }

  let handles = [];
  function makeHandles(d) {
    if (handles.length === d) return;
    const focused = handles.findIndex((h) => h.node === document.activeElement);
    handles = Array.from({ length: d }, (_, i) => {
      const h = handle(plot.board, {
        label: () => `Pattern ${i + 1}, at ${fixed(model.get("patterns")[i], 2)}`, colour: "var(--bs-ink)", radius: 8.5, text: String(i + 1), horizontal: true,
        onMove: (px) => setPattern(i, x.invert(px)), onKey: (dx) => setPattern(i, model.get("patterns")[i] + NUDGE * dx), onRemove: () => removePattern(i),
      });
      amend(h.node.querySelector("text"), { y: 24 });
      h.node.addEventListener("focus", () => { touched = i; showControls(); });
      return h;
    });
    handleLayer.replaceChildren(...handles.map((h) => h.node));
    if (focused >= 0) handles[Math.min(focused, d - 1)].node.focus();
  }
  const pool = [];
  function setMarks() {
    let k = 0;
    for (const name of ["MCHN_2", "MCHN", "E"]) {
      if (!model.get("curves").includes(name)) continue;
      for (const point of minima[name]) {
        const py = y(point.value);
        if (py < MARGIN.top || py > y.range[0]) continue;
        if (!pool[k]) { pool[k] = stationaryMark("minimum"); marks.append(pool[k]); }
        shown(pool[k], true);
        pool[k].lastChild.style.fill = CURVES_1D[name].colour;
        amend(pool[k], { transform: `translate(${x(point.x).toFixed(1)},${(py - 8).toFixed(1)})` });
        k += 1;
      }
    }
    for (; k < pool.length; k += 1) shown(pool[k], false);
  }

  let width = 0;
  const xs = new Float64Array(POINTS);
  const px = new Float64Array(POINTS);
  const values = Object.fromEntries(Object.keys(CURVES_1D).map((name) => [name, new Float64Array(POINTS)]));
  let axisKey = "";
  function arrange() {
    const height = Math.round(width >= 560 ? Math.min(0.46 * width, 400) : 0.85 * width);
    plot.box.style.height = `${height}px`;
    const view = model.get("view");
    const P = model.get("patterns");
    if (!fitted || view.some((v, k) => v !== fittedView[k]) || P.some((v) => v < fitted[0] || v > fitted[1])) {
      fittedView = view;
      const [least, most] = [Math.min(...P), Math.max(...P)];
      const room = 0.06 * (Math.max(view[1], most) - Math.min(view[0], least));
      fitted = [least < view[0] ? least - room : view[0], most > view[1] ? most + room : view[1]];
    }
    x = linear(fitted, [MARGIN.left, width - MARGIN.right]);
    for (let i = 0; i < POINTS; i += 1) {
      xs[i] = fitted[0] + ((fitted[1] - fitted[0]) * i) / (POINTS - 1);
      px[i] = x(xs[i]);
    }
    return height;
  }
  /** Heights shown: all of the curves between the outermost patterns, in steps of a half so that the picture stands still. */
  function heights(P) {
    const [low, high] = [Math.min(...P), Math.max(...P)];
    let bottom = 0;
    let top = 2.2;
    for (const name of model.get("curves")) {
      for (let i = 0; i < POINTS; i += 1) {
        if (values[name][i] < bottom) bottom = values[name][i];
        if (xs[i] >= low && xs[i] <= high && values[name][i] > top) top = values[name][i];
      }
    }
    return [Math.floor(2 * bottom - 0.6) / 2, Math.ceil(2 * top + 0.4) / 2];
  }

  function draw() {
    const height = arrange();
    work();
    const numbers = model.get("patterns");
    const P = numbers.map((v) => [v]);
    const curves = model.get("curves");
    for (const name of curves) {
      lineGrid(name === "MCHN_2" ? "MCHN" : name, numbers, betaOf(name), xs, values[name]);
    }
    y = linear(heights(numbers), [height - MARGIN.bottom, MARGIN.top]);
    const key = [width, height, ...x.domain, ...y.domain].join();
    if (key !== axisKey) {
      axisKey = key;
      axes(axisLayer, x, y, { xTicks: Math.max(4, width / 80), yTicks: 5 });
      for (const rect of [clip, ground]) amend(rect, { x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom });
      amend(base, { x1: x.range[0], x2: x.range[1], y1: y(0), y2: y(0) });
    }
    for (const [name, { halo, line }] of Object.entries(lines)) {
      const on = curves.includes(name);
      for (const node of [halo, line]) shown(node, on);
      if (!on) continue;
      const d = pathOf(px, Array.from(values[name], (v) => Math.max(y(v), ABOVE)));
      amend(halo, { d });
      amend(line, { d });
    }
    amend(convexArea, { d: curves.includes("E") ? convexOn.map(([u, v]) => `M${x(u).toFixed(1)},${MARGIN.top}H${x(v).toFixed(1)}V${y.range[0]}H${x(u).toFixed(1)}Z`).join("") : "" });
    amend(threads, { d: curves.includes("E") ? numbers.map((v, i) => `M${x(v).toFixed(1)},${y(0).toFixed(1)}L${x(threadsTo[i]).toFixed(1)},${y(energy([threadsTo[i]], P)).toFixed(1)}`).join("") : "" });
    makeHandles(numbers.length);
    numbers.forEach((v, i) => handles[i].place(x(v), y(0)));
    setMarks();
    drawStrip();
    showReadout();
    showControls();
  }
  let stripKey = "";
  function drawStrip() {
    betaScale = linear(BETAS.map(Math.log10), [STRIP.left, width - STRIP.right]);
    const at = (beta) => betaScale(Math.log10(Math.min(BETAS[1], Math.max(BETAS[0], beta))));
    if (stripKey !== String(width)) {
      stripKey = String(width);
      amend(stripLine, { x: STRIP.left, width: width - STRIP.left - STRIP.right });
      stripTicks.replaceChildren(...(width < 420 ? [0.1, 0.5, 1, 2, 8] : [0.1, 0.2, 0.5, 1, 2, 4, 8]).map((beta) =>
        svg("text", { class: "bs-tick", x: at(beta), y: STRIP.height - 4, "text-anchor": beta === 0.1 ? "start" : beta === 8 ? "end" : "middle", text: `${beta === 0.1 ? "β = " : ""}${beta}` })));
    }
    const px0 = at(threshold);
    amend(convexBetas, { x: STRIP.left, width: Math.max(0, px0 - STRIP.left) });
    amend(limit, { x1: px0, x2: px0 });
    const words = threshold === Infinity ? "MCHN is convex for every β" : `MCHN is convex up to β = ${fixed(threshold, 3)}`;
    const half = 98;
    amend(limitText, { text: words, x: Math.min(Math.max(px0, half), width - half), "text-anchor": "middle" });
    for (const [name, k] of Object.entries(knobs)) k.place(at(model.get(name)), STRIP.line);
  }
  function showControls() {
    const d = model.get("patterns").length;
    touched = Math.min(touched, d - 1);
    const text = `Remove pattern ${touched + 1}`;
    if (remove.textContent !== text) remove.textContent = text;
    remove.disabled = d === 1;
    add.disabled = d >= MOST_PATTERNS;
    toThreshold.disabled = !(threshold >= BETAS[0] && threshold <= BETAS[1]);
  }
  const number = (name) => minima[name].length;
  function showReadout() {
    const d = model.get("patterns").length;
    const kept = apart.filter(Boolean).length;
    const verdict = (n) => (n < d ? "bad" : "good");
    ui.readout([
      ["Patterns", String(d)],
      ["Minima of E", String(number("E")), verdict(number("E"))],
      ["Patterns E keeps apart", String(kept), verdict(kept)],
      ["Minima of MCHN at β₁", String(number("MCHN")), verdict(number("MCHN"))],
      ["Minima of MCHN at β₂", String(number("MCHN_2")), verdict(number("MCHN_2"))],
      ["MCHN convex up to β", fixed(threshold, 3)],
    ]);
  }
  const places = (name) => minima[name].map((p) => fixed(p.x, 2)).join(", ");
  function spoken() {
    const merged = apart.flatMap((alone, i) => (alone ? [] : [i + 1]));
    const several = (name) => `${number(name) === 1 ? "one minimum" : `${number(name)} minima`} (${places(name)})`;
    return [
      `E has ${several("E")}${merged.length ? `; patterns ${merged.join(", ")} do not keep one of their own.` : "; every pattern keeps its own."}`,
      `MCHN has ${several("MCHN")} at β = ${fixed(model.get("beta"), 2)}${model.get("beta") <= threshold ? ", where it is convex," : ""} and ${several("MCHN_2")} at β = ${fixed(model.get("beta_2"), 2)}.`,
    ].join(" ");
  }
  let restTimer = 0;
  function settle() {
    for (const h of [...handles, ...Object.values(knobs)]) h.relabel();
    ui.say(spoken());
    const summary = {
      patterns: model.get("patterns").length,
      minima: Object.fromEntries(Object.entries(minima).map(([name, list]) => [name, list.map((p) => p.x)])),
      kept_apart: apart, convexity_threshold: threshold === Infinity ? null : threshold, convex: convexOn,
    };
    if (report(model, "summary", summary)) save();
  }
  function showState() {
    for (const name of ["beta", "beta_2"]) sliders[name].set(Math.log10(model.get(name)));
    for (const name of Object.keys(CURVES_1D)) boxes[name].set(model.get("curves").includes(name));
  }
  let settled = false;
  const repaint = repainter(ui.root, () => {
    draw();
    if (!settled) { settled = true; settle(); }
  });
  const stops = [
    listen(model, traits, () => {
      showState();
      // A view that nobody has seen yet has no size: its first width draws it.
      if (!width) return;
      clearTimeout(restTimer);
      restTimer = setTimeout(settle, 120);
      repaint();
    }),
    onWidth(ui.stage, (w) => { width = w; repaint(); }),
  ];
  showState();
  return () => {
    repaint.stop();
    clearTimeout(restTimer);
    for (const stop of stops) stop();
    save.stop();
  };
}

export default { render };
