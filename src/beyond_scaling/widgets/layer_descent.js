// A particle that goes through layers of patterns on a line, over the global energy and the surrogate of its next step.

import {
  amend, answerAfter, haloed, hatching, listen, markKey, plotBox, report, shown, stationaryMark, stroke, styled, swatch, verdicts,
} from "./curves.js";
import {
  ballsOverlap, globalEnergy, layerEnergies, layerNearest, layerPath, layerStep, layerWeights, logLayerPartitions,
  majoriseStep, parallelSurrogate,
} from "./layers.js";
import {
  axes, button, fixed, frame, handle, html, linear, onWidth, pathOf, reducedMotion, repainter, saver, segmented, slider, svg, uniqueId,
} from "./ui.js";

const MARGIN = { left: 40, right: 12, top: 24, bottom: 34 };
const LANE = 34;
const MOST = { layers: 3, patterns: 12, steps: 12 };
const LIMIT = 1000;
const NUDGE = 0.05;
const PLAY_MS = 750;
const POINTS = 361;
const VIEW = [-3.4, 2.6];
/** A difference of energies below this is none. */
const SAME = 1e-9;
const LOOKS = [
  { colour: "var(--bs-energy)", shape: "circle", radius: 8 },
  { colour: "var(--bs-mchn)", shape: "square", radius: 7 },
  { colour: "var(--bs-accent)", shape: "diamond", radius: 8 },
];
const RULES = [["literal", "Eₜ as printed"], ["repaired", "Eₜ repaired"], ["majorise", "All layers at once"]];
const SCENES = {
  "A step uphill": { layers: [[-2], [0, 1]], start: 1, delta: 0.09, radius: 0.4, rule: "repaired", steps: 0 },
  "One pattern": { layers: [[0]], start: 0.3, delta: 0.04, radius: 0.4, rule: "literal", steps: 0 },
  "Three layers": { layers: [[-2.4], [-0.6, 1.6], [0.4]], start: -1.3, delta: 0.25, radius: 0.4, rule: "repaired", steps: 0 },
};
const TRAITS = ["layers", "start", "radius", "delta", "rule", "steps"];

function render({ model, el }) {
  const ui = frame(el, {
    title: "A walk through the layers",
    hint: "Drag the start along the curve, patterns along or across the lanes; then step.",
  });
  ui.root.classList.add("bs-landscape");
  const save = saver(model);
  const tidy = (v) => Math.round(v * 1000) / 1000;
  const put = (state) => {
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    save();
  };
  const opened = Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
  let x = linear(VIEW, [0, 1]);
  let y = linear([0, 1], [1, 0]);
  const inside = (v) => tidy(Math.min(Math.max(v, x.domain[0], -LIMIT), x.domain[1], LIMIT));

  // The step to come is shown once one has been taken.
  const answer = answerAfter(model, ["steps"], () => repaint());

  // --- the patterns, which live in lanes
  let touched = { t: 0, j: 0 };
  const flat = () => model.get("layers").flatMap((layer, t) => layer.map((v, j) => ({ t, j, v })));
  const lanes = () => Math.min(MOST.layers, model.get("layers").length + 1);
  const laneY = (t) => plotBottom + 44 + LANE * t;
  let plotBottom = 0;
  function setPattern({ t, j }, v) {
    put({ layers: model.get("layers").map((layer, s) => (s === t ? layer.map((u, k) => (k === j ? inside(v) : u)) : layer)) });
  }
  /** Put a pattern into another lane; a layer left empty is no layer. Returns where it is now, or null if it stays. */
  function moveTo({ t, j }, lane) {
    const layers = model.get("layers").map((layer) => [...layer]);
    if (lane === t || lane < 0 || lane >= lanes() || (lane === layers.length && layers[t].length === 1)) return null;
    const [v] = layers[t].splice(j, 1);
    if (lane === layers.length) layers.push([]);
    layers[lane].push(v);
    const at = { t: lane - (layers[t].length === 0 && t < lane ? 1 : 0), j: layers[lane].length - 1 };
    put({ layers: layers.filter((layer) => layer.length) });
    return at;
  }
  function removePattern({ t, j }) {
    if (flat().length === 1) return;
    const layers = model.get("layers").map((layer, s) => (s === t ? layer.filter((_, k) => k !== j) : layer));
    put({ layers: layers.filter((layer) => layer.length) });
  }
  /** Add to the last layer, in the widest gap of all. */
  function addPattern() {
    const places = [x.domain[0], ...flat().map((p) => p.v).sort((u, v) => u - v), x.domain[1]];
    let best = 1;
    for (let i = 1; i < places.length; i += 1) if (places[i] - places[i - 1] > places[best] - places[best - 1]) best = i;
    const layers = model.get("layers");
    put({ layers: layers.map((layer, t) => (t === layers.length - 1 ? [...layer, inside((places[best] + places[best - 1]) / 2)] : layer)) });
  }

  // --- the plot
  const plot = plotBox({ title: " ", label: "The global energy over the line, the surrogate of the next step, and the patterns in lanes, one per layer", height: 380 });
  const clipId = uniqueId("clip");
  const clip = svg("rect");
  const axisLayer = svg("g");
  const hatch = hatching("var(--bs-bad)", { gap: 6, width: 2 });
  const reach = styled("rect", {}, { fill: "var(--bs-now)", "fill-opacity": 0.13 });
  const below = styled("path", {}, { fill: hatch.fill });
  const globalLine = styled("path", {}, { fill: "none", stroke: "var(--bs-ink)", "stroke-width": "2.6px", "stroke-linejoin": "round" });
  const surrogateLine = styled("path", { "stroke-dasharray": "7 4" }, { fill: "none", stroke: "var(--bs-now)", "stroke-width": "2.2px" });
  const surrogateReach = styled("path", {}, { fill: "none", stroke: "var(--bs-now)", "stroke-width": "3.4px" });
  const hops = svg("g");
  const goal = svg("g", {}, stationaryMark("minimum", "var(--bs-now)"));
  const now = svg("g", {}, styled("circle", { r: 7.5 }, { fill: "var(--bs-ink)", stroke: "var(--bs-ground)", "stroke-width": "2.5px" }));
  const laneLayer = svg("g", { "aria-hidden": "true" });
  const handleLayer = svg("g");
  const startHandle = handle(plot.board, {
    label: () => `Start of the particle, at ${fixed(model.get("start"), 2)}`, colour: "var(--bs-ground)", shape: "circle", radius: 8, horizontal: true,
    onMove: (px) => { held(); put({ start: inside(x.invert(px)) }); },
    onKey: (dx) => { held(); put({ start: inside(model.get("start") + NUDGE * dx) }); },
  });
  Object.assign(startHandle.node.querySelector(".bs-ring").style, { stroke: "var(--bs-ink)", strokeWidth: "3" });
  const startText = haloed("start", { "text-anchor": "middle" });
  const goneText = haloed("");
  const inPlot = svg("g", { "clip-path": `url(#${clipId})`, "aria-hidden": "true" }, reach, below, globalLine, surrogateLine, surrogateReach);
  plot.board.classList.add("bs-plane");
  plot.board.append(hatch.node, svg("defs", {}, svg("clipPath", { id: clipId }, clip)), axisLayer, inPlot, laneLayer, hops, goal,
    startHandle.node, startText, now, goneText, handleLayer);
  for (const node of [hops, goal, now, startText, goneText]) Object.assign(node.style, { pointerEvents: "none" });

  // --- the staircase
  const stairs = plotBox({ title: "The global energy, step by step", label: "The global energy after each step", height: 170 });
  const stairAxes = svg("g", { "aria-hidden": "true" });
  const stairLines = svg("g", { "aria-hidden": "true" });
  stairs.board.append(stairAxes, stairLines);
  const legend = markKey([
    ["E_global", stroke("var(--bs-ink)", { width: 2.6 })],
    ["surrogate of the next step", stroke("var(--bs-now)", { dash: "7 4", width: 2.2 })],
    ["its minimum: the next place", stationaryMark("minimum", "var(--bs-now)")],
    ["where it is no majoriser", swatch(hatch.fill, "var(--bs-bad)")],
    ["where the step may go", swatch("var(--bs-now)", "none", { opacity: 0.2 })],
    ["balls of radius r", stroke("var(--bs-muted)", { width: 7 })],
  ]);
  ui.stage.append(plot.node, stairs.node);
  const verdict = verdicts();
  verdict.node.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(100%, 13rem), 1fr))";
  verdict.node.style.alignContent = "start";
  ui.controls.before(legend, verdict.node);

  // --- controls
  const rule = segmented({ label: "Step", options: RULES, value: model.get("rule"), onChange: (value) => { stop(); put({ rule: value }); } });
  const forth = button({ label: "Step through layer 1", onClick: () => { stop(); go(1); } });
  const back = button({ label: "Back", onClick: () => { stop(); go(-1); } });
  const play = button({ label: "Play", onClick: () => (timer ? stop() : start()) });
  const again = button({ label: "Restart", onClick: () => { stop(); fitted = null; put({ steps: 0 }); } });
  const stride = slider({
    label: "Step length √δ", min: 0.05, max: 2, step: 0.05, value: Math.sqrt(model.get("delta")),
    onInput: (v) => put({ delta: Number((v * v).toPrecision(12)) }),
  });
  const radius = slider({ label: "Ball radius r", min: 0.05, max: 2, step: 0.05, value: model.get("radius"), onInput: (v) => put({ radius: v }) });
  const add = button({ label: "Add a pattern", onClick: addPattern });
  const remove = button({ label: "Remove pattern", onClick: () => removePattern(touched) });
  const scenes = Object.entries(SCENES).map(([text, state]) => button({ label: text, onClick: () => { stop(); fitted = null; put(state); } }));
  const reset = button({ label: "Reset", onClick: () => { stop(); fitted = null; put(opened); } });
  ui.controls.append(rule.node, html("div", { class: "bs-buttons", role: "group", "aria-label": "Steps" }, forth, back, play, again),
    stride.node, radius.node, html("div", { class: "bs-buttons" }, add, remove),
    html("div", { class: "bs-buttons", role: "group", "aria-label": "Scenes" }, ...scenes, reset));

  function go(by) {
    // Steps glide; whatever is dragged follows the hand at once.
    now.style.transition = reducedMotion() ? "none" : "transform 0.3s ease-in-out";
    const steps = Math.min(Math.max(model.get("steps") + by, 0), MOST.steps);
    put({ steps });
    return steps;
  }
  function held() {
    stop();
    now.style.transition = "none";
  }
  let timer = 0;
  function start() {
    if (model.get("steps") >= MOST.steps) put({ steps: 0 });
    if (reducedMotion()) { put({ steps: MOST.steps }); return; }
    timer = setInterval(() => { if (go(1) >= MOST.steps) stop(); }, PLAY_MS);
    play.textContent = "Pause";
    go(1);
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }

  // --- what follows from the state
  let f = {};
  function work() {
    const [layers, r, delta, rule_, steps] = ["layers", "radius", "delta", "rule", "steps"].map((name) => model.get(name));
    const logZ = logLayerPartitions(layers, r);
    const form = rule_ === "literal" ? "literal" : "repaired";
    const path = layerPath(model.get("start"), layers, r, delta, rule_, steps);
    const height = (v) => globalEnergy(v, layers, logZ, form);
    const energies = path.map(height);
    const at = path[steps];
    const turn = steps % layers.length;
    const parallel = rule_ === "majorise";
    const own = parallel ? parallelSurrogate(at, layers, logZ) : (v) => layerEnergies(v, layers, logZ, form)[turn];
    // Sun et al.: the surrogate may be moved by a constant, so that it touches at the present place.
    const shift = energies[steps] - own(at);
    const surrogate = (v) => own(v) + shift;
    const span = Math.sqrt(delta);
    const limits = parallel ? x.domain : [at - span, at + span];
    let worst = 0;
    for (let i = 0; i <= 400; i += 1) {
      const v = limits[0] + ((limits[1] - limits[0]) * i) / 400;
      worst = Math.min(worst, surrogate(v) - height(v));
    }
    const before = path.slice(0, -1);
    f = {
      layers, logZ, form, path, height, energies, at, turn, parallel, surrogate, limits, worst,
      next: parallel ? majoriseStep(at, layers, logZ) : layerStep(at, layers[turn], delta, form),
      rises: before.map((_, k) => energies[k + 1] > energies[k] + SAME),
      falls: before.map((_, k) => energies[k + 1] < energies[k] - SAME),
      nearest: before.map((v, k) => (parallel ? null
        : [v, path[k + 1]].map((place) => layerNearest(place, layers)[k % layers.length]))),
      weights: layerWeights(at, layers, logZ, form), overlap: ballsOverlap(layers, r),
    };
  }

  // --- drawing
  let handles = [];
  let handleKey = "";
  function makeHandles() {
    const patterns = flat();
    const key_ = patterns.map((p) => `${p.t}.${p.j}`).join();
    if (key_ === handleKey) return;
    const focused = handles.findIndex((h) => h.node === document.activeElement);
    handleKey = key_;
    handles = patterns.map((p) => {
      const look = LOOKS[p.t];
      const cross = (lane) => {
        const to = moveTo(p, lane);
        if (to) { touched = to; draw(); handles[flat().findIndex((q) => q.t === to.t && q.j === to.j)]?.node.focus(); }
      };
      let lane = p.t;
      const h = handle(plot.board, {
        label: () => `Pattern of layer ${p.t + 1}, at ${fixed(model.get("layers")[p.t]?.[p.j] ?? 0, 2)}`, ...look,
        onMove: (px, py) => { held(); lane = Math.round((py - laneY(0)) / LANE); setPattern(p, x.invert(px)); hint(lane); },
        onDrop: () => { hint(null); if (lane !== p.t) cross(lane); },
        onKey: (dx, dy) => { held(); if (dy) cross(p.t - Math.sign(dy)); else setPattern(p, model.get("layers")[p.t][p.j] + NUDGE * dx); },
        onRemove: () => removePattern(p),
      });
      h.node.addEventListener("focus", () => { touched = { t: p.t, j: p.j }; });
      return h;
    });
    handleLayer.replaceChildren(...handles.map((h) => h.node));
    if (focused >= 0) handles[Math.min(focused, handles.length - 1)].node.focus();
  }
  let aimed = null;
  const hint = (lane) => { aimed = lane; repaint(); };

  let width = 0;
  let fitted = null;
  const xs = Array.from({ length: POINTS }, () => 0);
  function fit() {
    const places = [...flat().map((p) => p.v), model.get("start")];
    const [least, most] = [Math.min(...places), Math.max(...places)];
    // A particle that flees is followed for a while, not for ever.
    const path = layerPath(model.get("start"), model.get("layers"), model.get("radius"), model.get("delta"), model.get("rule"), model.get("steps"));
    const [low, high] = [Math.max(Math.min(...path), least - 3), Math.min(Math.max(...path), most + 3)];
    if (fitted && Math.min(least, low) >= fitted[0] && Math.max(most, high) <= fitted[1]) return;
    // It only grows, so that nothing moves under the reader's hand.
    fitted = [Math.min(VIEW[0], least - 1, low - 0.3, fitted?.[0] ?? 0), Math.max(VIEW[1], most + 1, high + 0.3, fitted?.[1] ?? 0)];
  }
  function laneShapes(w) {
    const parts = [];
    for (let t = 0; t < lanes(); t += 1) {
      const used = t < f.layers.length;
      const acts = used && !f.parallel && t === f.turn;
      const box = styled("rect", { x: MARGIN.left, width: w - MARGIN.left - MARGIN.right, y: laneY(t) - LANE / 2 + 2, height: LANE - 4, rx: 5 }, {
        fill: used ? LOOKS[t].colour : "none", "fill-opacity": acts || aimed === t ? 0.2 : 0.06,
        stroke: used ? LOOKS[t].colour : "var(--bs-muted)", "stroke-opacity": acts ? 1 : 0.35, "stroke-width": "1px",
        "stroke-dasharray": used ? "none" : "4 4",
      });
      parts.push(box, styled("text", { class: "bs-tick", x: MARGIN.left - 6, y: laneY(t) + 4, "text-anchor": "end", text: used ? `t=${t + 1}` : "new" }, {}));
      if (!used) continue;
      for (const v of f.layers[t]) {
        const [p, q] = [v - model.get("radius"), v + model.get("radius")].map((u) => Math.min(Math.max(x(u), MARGIN.left), w - MARGIN.right));
        parts.push(styled("rect", { x: p, width: q - p, y: laneY(t) - 4, height: 8, rx: 4 }, { fill: LOOKS[t].colour, "fill-opacity": 0.45 }));
      }
    }
    laneLayer.replaceChildren(...parts);
  }
  function heights(curve) {
    const [low, high] = [Math.min(...curve), Math.max(...curve)];
    const goalHeight = f.surrogate(f.next);
    const step = f.form === "literal" ? 0.25 : 1;
    const bottom = Math.min(low, Math.max(goalHeight, low - (high - low)));
    return [Math.floor((bottom - 0.08 * (high - low)) / step) * step, Math.ceil((high + 0.02 * (high - low)) / step) * step];
  }
  function hopShapes(board) {
    const parts = [];
    f.path.slice(0, -1).forEach((v, k) => {
      const colour = f.rises[k] ? "var(--bs-bad)" : f.falls[k] ? "var(--bs-good)" : "var(--bs-muted)";
      const [x0, y0, x1, y1] = board(k);
      parts.push(styled("path", { d: `M${x0},${y0}Q${(x0 + x1) / 2},${Math.min(y0, y1) - 16} ${x1},${y1}` }, { fill: "none", stroke: colour, "stroke-width": "2.4px" }),
        styled("circle", { cx: x0, cy: y0, r: k ? 3.6 : 0 }, { fill: colour }));
    });
    return parts;
  }
  function draw() {
    if (!width) return;
    const wide = width >= 600;
    ui.stage.style.gridTemplateColumns = wide ? "minmax(0, 1.9fr) minmax(0, 1fr)" : "";
    const w = plot.box.clientWidth;
    fit();
    const area = wide ? 300 : 250;
    plotBottom = area - MARGIN.bottom + MARGIN.top;
    // Room for three lanes whatever the number, so that nothing jumps.
    plot.box.style.height = `${plotBottom + 44 + LANE * MOST.layers - LANE / 2 + 4}px`;
    verdict.node.style.minHeight = wide ? "2.2rem" : "7.9rem";
    stairs.box.style.height = wide ? plot.box.style.height : "170px";
    drawPlot(w);
    drawStairs();
    showControls();
    for (const h of [...handles, startHandle]) h.relabel();
    settle();
  }
  function drawPlot(w) {
    x = linear(fitted, [MARGIN.left, w - MARGIN.right]);
    work();
    for (let i = 0; i < POINTS; i += 1) xs[i] = fitted[0] + ((fitted[1] - fitted[0]) * i) / (POINTS - 1);
    const curve = xs.map(f.height);
    y = linear(heights(curve), [plotBottom, MARGIN.top]);
    axes(axisLayer, x, y, { yLabel: f.form === "literal" ? "energy, Eₜ as printed" : "energy", xTicks: w < 450 ? 4 : 7 });
    amend(clip, { x: MARGIN.left, y: MARGIN.top, width: w - MARGIN.left - MARGIN.right, height: plotBottom - MARGIN.top });
    const cut = (v) => Math.min(Math.max(y(v), -400), 2000);
    amend(globalLine, { d: pathOf(xs.map(x), curve.map(cut)) });
    ui.root.style.setProperty("--bs-now", f.parallel ? "var(--bs-good)" : LOOKS[f.turn].colour);
    amend(surrogateLine, { d: pathOf(xs.map(x), xs.map((v) => cut(f.surrogate(v)))) });
    const near = Array.from({ length: 121 }, (_, i) => f.limits[0] + ((f.limits[1] - f.limits[0]) * i) / 120);
    const [upper, lower] = [f.height, f.surrogate].map((g) => near.map((v) => cut(g(v))));
    amend(surrogateReach, { d: pathOf(near.map(x), lower) });
    shown(reach, !f.parallel);
    amend(reach, { x: x(f.limits[0]), width: x(f.limits[1]) - x(f.limits[0]), y: MARGIN.top, height: plotBottom - MARGIN.top });
    let d = "";
    for (let i = 0; i < 120; i += 1) {
      if (lower[i] <= upper[i] + 0.05 && lower[i + 1] <= upper[i + 1] + 0.05) continue;
      const [p, q] = [x(near[i]), x(near[i + 1])];
      d += `M${p.toFixed(1)},${upper[i].toFixed(1)}L${q.toFixed(1)},${upper[i + 1].toFixed(1)}V${Math.max(lower[i + 1], upper[i + 1]).toFixed(1)}L${p.toFixed(1)},${Math.max(lower[i], upper[i]).toFixed(1)}Z`;
    }
    amend(below, { d });
    for (const node of [below, goal]) shown(node, answer.open());
    laneShapes(w);
    makeHandles();
    flat().forEach((p, i) => handles[i].place(x(p.v), laneY(p.t)));
    const edge = (v) => Math.min(Math.max(x(v), MARGIN.left), w - MARGIN.right);
    const level = (v) => Math.min(Math.max(y(v), MARGIN.top), plotBottom);
    const at = (k) => [edge(f.path[k]), level(f.energies[k])];
    hops.replaceChildren(...hopShapes((k) => [...at(k), ...at(k + 1)]));
    amend(goal, { transform: `translate(${edge(f.next).toFixed(1)},${(level(f.surrogate(f.next)) - 9).toFixed(1)})` });
    const [px, py] = at(0);
    startHandle.place(px, py);
    shown(startText, f.path.length === 1 || Math.hypot(at(f.path.length - 1)[0] - px, at(f.path.length - 1)[1] - py) > 30);
    amend(startText, { x: px, y: py - 15 });
    const [qx, qy] = at(f.path.length - 1);
    now.style.transform = `translate(${qx.toFixed(1)}px,${qy.toFixed(1)}px)`;
    const gone = f.at < fitted[0] ? -1 : f.at > fitted[1] ? 1 : 0;
    shown(goneText, gone !== 0);
    amend(goneText, { x: qx - 14 * gone, y: qy - 14, "text-anchor": gone > 0 ? "end" : "start", text: gone > 0 ? `at ${fixed(f.at, 1)} →` : `← at ${fixed(f.at, 1)}` });
    shown(now, f.path.length > 1);
  }
  function drawStairs() {
    const w = stairs.box.clientWidth;
    const h = stairs.box.clientHeight;
    const count = Math.max(6, f.path.length - 1);
    const [low, high] = [Math.min(...f.energies), Math.max(...f.energies)];
    const room = Math.max(high - low, 0.2);
    const middle = (low + high) / 2;
    // Counted from 1, so that no tick of the axis falls where the names of the steps stand.
    const place = linear([0.6, count + 1.4], [MARGIN.left + 4, w - MARGIN.right]);
    const sx = (k) => place(k + 1);
    const sy = linear([middle - 0.65 * room, middle + 0.75 * room], [h - MARGIN.bottom, 14]);
    axes(stairAxes, place, sy, { xTicks: 0.001, yTicks: 4 });
    const parts = [];
    for (let k = 0; k <= count; k += 1) {
      const text = k === 0 ? "start" : f.parallel ? "all" : `t=${((k - 1) % f.layers.length) + 1}`;
      const colour = k === 0 || f.parallel ? "var(--bs-muted)" : LOOKS[(k - 1) % f.layers.length].colour;
      parts.push(styled("text", { class: "bs-tick", x: sx(k), y: h - MARGIN.bottom + 16, "text-anchor": "middle", text: count > 6 && w < 420 ? text.replace("t=", "").replace("start", "0") : text }, { fill: colour }));
    }
    f.energies.forEach((v, k) => {
      if (k) {
        const bad = f.rises[k - 1];
        const colour = bad ? "var(--bs-bad)" : f.falls[k - 1] ? "var(--bs-good)" : "var(--bs-muted)";
        parts.push(styled("path", { d: `M${sx(k - 1)},${sy(f.energies[k - 1])}L${sx(k)},${sy(v)}`, "stroke-dasharray": bad ? "5 3" : null }, { fill: "none", stroke: colour, "stroke-width": "3px" }));
        if (bad) parts.push(haloed("▲", { x: (sx(k - 1) + sx(k)) / 2, y: (sy(f.energies[k - 1]) + sy(v)) / 2 - 7, "text-anchor": "middle" }, "var(--bs-bad)"));
      }
    });
    f.energies.forEach((v, k) => parts.push(styled("circle", { cx: sx(k), cy: sy(v), r: k === f.energies.length - 1 ? 6 : 4 }, { fill: "var(--bs-ink)", stroke: "var(--bs-ground)", "stroke-width": "2px" })));
    stairLines.replaceChildren(...parts);
  }
  function showControls() {
    rule.set(model.get("rule"));
    stride.set(Math.sqrt(model.get("delta")));
    radius.set(model.get("radius"));
    stride.input.disabled = f.parallel;
    forth.textContent = f.parallel ? "Step" : `Step through layer ${f.turn + 1}`;
    const steps = model.get("steps");
    forth.disabled = steps >= MOST.steps;
    back.disabled = again.disabled = steps === 0;
    add.disabled = flat().length >= MOST.patterns;
    remove.disabled = flat().length === 1;
    touched = flat().find((p) => p.t === touched.t && p.j === touched.j) ?? flat().at(-1);
    remove.textContent = `Remove pattern ${fixed(touched.v, 2)}`;
  }
  /** What happened in the last step and what the next one stands on: [short, good, spoken]. */
  function sentences() {
    if (!answer.open()) return [];
    const dips = f.worst < -SAME;
    const rows = [dips
      ? ["Next: no majoriser", false,
        `The next surrogate dips below the global energy within reach, by ${f.worst < -0.0005 ? fixed(-f.worst, 3) : "a hair"}, so it is no majoriser`]
      : ["Next: a majoriser", true, "The next surrogate stays on or above the global energy, so it is a majoriser"]];
    const k = f.path.length - 2;
    if (k < 0) return rows;
    const who = f.parallel ? "All layers together" : `Layer ${(k % f.layers.length) + 1}`;
    const size = Math.abs(f.energies[k + 1] - f.energies[k]);
    const [change, spoken] = size < 0.00005 ? ["< 0.0001", "less than 0.0001"] : [fixed(size, 4), fixed(size, 4)];
    rows.push(f.rises[k] ? [`E_global rose by ${change}`, false, `${who} raised the global energy by ${spoken}`]
      : f.falls[k] ? [`E_global fell by ${change}`, true, `${who} lowered the global energy by ${spoken}`]
        : ["E_global as before", true, `${who} left the global energy as it was`]);
    if (!f.parallel) {
      const [from, to] = f.nearest[k];
      const way = `${fixed(from, 2)} to ${fixed(to, 2)}`;
      const short = way.replace(" to ", " → ");
      const g = `g${"₁₂₃"[k % f.layers.length]}`;
      rows.push(to > from + SAME ? [`${g} rose: ${short}`, false, `It was driven away from its patterns: the squared distance rose from ${way}`]
        : to < from - SAME ? [`${g} fell: ${short}`, true, `It was pulled nearer to a pattern: the squared distance fell from ${way}`]
          : [`${g} as before: ${fixed(to, 2)}`, true, "It stayed where it was"]);
    }
    return rows;
  }
  function settle() {
    const rows = sentences();
    verdict.set(rows.map(([short, good]) => [short, good]));
    verdict.wait(rows.length ? "" : "What a step did is told here, once it is made.");
    const name = { literal: "eq 6, Eₜ as printed", repaired: "eq 6, Eₜ repaired", majorise: "all layers at once" }[model.get("rule")];
    plot.setTitle(`Step ${f.path.length - 1}: ${name}`);
    const clash = f.overlap.flatMap((yes, t) => (yes ? [t + 1] : []));
    const changed = f.energies.length > 1 ? f.energies.at(-1) - f.energies[0] : 0;
    ui.readout([
      ["Start → now", `${fixed(f.path[0], 2)} → ${fixed(f.at, 4)}`],
      ["E_global", fixed(f.energies.at(-1), 4)],
      ["Change since the start", fixed(changed, 4), changed > SAME ? "bad" : changed < -SAME ? "good" : undefined],
      ["Weights of the layers", f.weights.map((v) => fixed(v, 3)).join(" · ")],
      ["log Zₜ", f.logZ.map((v) => fixed(v, 3)).join(" · ")],
      ["Balls overlap", clash.length ? `layer ${clash.join(", ")}` : "none", clash.length ? "bad" : undefined],
    ]);
    ui.say(rows.length ? `${[...rows.slice(1), rows[0]].map((row) => row[2]).join(". ")}.` : "Predict, then step.");
    const summary = {
      path: f.path, energies: f.energies, rises: f.rises, nearest: f.nearest, weights: f.weights, majorises: f.worst >= -SAME,
      overlap: f.overlap,
    };
    if (report(model, "summary", summary)) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, TRAITS, () => repaint()), answer.stop,
    onWidth(ui.stage, (w) => { width = w; repaint(); }),
  ];
  return () => {
    stop();
    repaint.stop();
    for (const each of stops) each();
    save.stop();
  };
}

export default { render };
