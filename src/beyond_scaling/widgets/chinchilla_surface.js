// Eq 1 over log N and log D: a map of the loss with a point to drag, and what N ~ D^p costs as compute grows.
import { amend, answerAfter, contourPath, haloed, markKey, plotBox, report, shown, stroke, styled } from "./curves.js";
import { extent, fieldPainter } from "./field.js";
import { alongPower, balancedSize, lawEfficiency, lawLoss, lawOptimum, lawTerms } from "./scaling.js";
import { button, fixed, frame, handle, html, linear, onTheme, onWidth, palette, pathOf, repainter, saver, segmented, slider, svg, uniqueId } from "./ui.js";

const POWERS = [[1, "D", "2 4"], [2, "D²", "9 4"], [4, "D⁴", "9 3 2 3"]];
const COLOURS = { 1: "var(--bs-energy)", 2: "var(--bs-bad)", 4: "var(--bs-mchn)" };
const LEVELS = [1.8, 2, 2.25, 2.5, 3, 4, 5];
const MARGIN = { left: 44, right: 10, top: 22, bottom: 38 };
const AHEAD = 1000;
const MOST = 6;
/** Where the name of a model of Table 2 stands beside its mark: [dx, dy, anchor]. */
const NAMES = { Chinchilla: [-9, 4, "end"], "PaLM 2": [-9, 4, "end"], Transformer: [-9, 4, "end"], Nanotron: [9, 8, "start"] };
const SUPERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const power10 = (k) => `10${String(k).replace("-", "⁻").replace(/\d/g, (digit) => SUPERS[digit])}`;
/** 70 B, 1.4 T: as Table 2 writes sizes. */
function count(v) {
  const [unit, name] = [[1e12, " T"], [1e9, " B"], [1e6, " M"], [1, ""]].find(([least]) => v >= 0.9995 * least) ?? [1, ""];
  const scaled = v / unit;
  return `${fixed(scaled, scaled < 9.95 ? 2 : scaled < 99.5 ? 1 : 0)}${name}`;
}
const wholes = ([lo, hi]) => Array.from({ length: Math.floor(hi + 1e-9) - Math.ceil(lo - 1e-9) + 1 }, (_, i) => Math.ceil(lo - 1e-9) + i);
const percent = (v) => (v > 0 && v < 0.0005 ? "<0.1%" : `${fixed(100 * v, 100 * v < 9.95 ? 1 : 0)}%`);
function scientific(v) {
  const k = Math.floor(Math.log10(v) + 1e-12);
  return `${fixed(v / 10 ** k, 2)} × ${power10(k)}`;
}

/** A frame with labels at the powers of ten along x, and with `yTicks`, [value, text], along y. */
function decades(group, x, y, { xLabel, yLabel, sparse, yTicks }) {
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  group.replaceChildren(
    ...wholes(x.domain).filter((k) => !sparse || k % 2 === 0).map((k) => svg("text", { class: "bs-tick", x: x(k), y: bottom + 15, "text-anchor": "middle", text: power10(k) })),
    ...yTicks.map(([k, text]) => svg("text", { class: "bs-tick", x: left - 6, y: y(k) + 4, "text-anchor": "end", text })),
    svg("rect", { class: "bs-axis", x: left, y: top, width: right - left, height: bottom - top }),
    svg("text", { x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle", text: xLabel }),
    svg("text", { x: left - 34, y: top - 9, "text-anchor": "start", text: yLabel }));
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Eq 1 as a landscape",
    hint: "Drag the point. Which way of growing stays near the best that the compute can buy?",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const bounds = model.get("bounds");
  const models = model.get("models");
  const law = () => model.get("laws")[model.get("law")];
  const answer = answerAfter(model, ["n_params", "n_tokens", "law"], () => repaint());
  const clamp = (v, [lo, hi]) => Math.min(Math.max(v, lo), hi);
  const put = (n, d) => {
    model.set("n_params", clamp(n, bounds.n));
    model.set("n_tokens", clamp(d, bounds.d));
    save();
  };
  /** To two decimals of the logarithm: what a hand can mean. */
  const round = (logarithm) => 10 ** (Math.round(logarithm * 100) / 100);
  const logs = () => [Math.log10(model.get("n_tokens")), Math.log10(model.get("n_params"))];

  // --- the map
  const map = plotBox({ title: "Predicted loss, over data and size", label: "Map of the predicted loss over tokens and parameters, with a draggable point", ratio: 1, canvas: true });
  const painter = fieldPainter(map.canvas);
  const clipId = uniqueId("clip");
  const clip = svg("rect");
  const ground = styled("rect", {}, { fill: "transparent", cursor: "crosshair" });
  const mapAxes = svg("g", { "aria-hidden": "true" });
  const contours = svg("g", { "aria-hidden": "true" });
  const inside = svg("g", { "clip-path": `url(#${clipId})`, "aria-hidden": "true" });
  const names = svg("g", { "aria-hidden": "true" });
  const labels = svg("g", { "aria-hidden": "true" });
  const twice = (colour, width, dash) => {
    const halo = styled("path", {}, { fill: "none", stroke: ink("ground"), "stroke-width": `${width + 2.4}px`, "stroke-opacity": 0.75 });
    const line = styled("path", { "stroke-dasharray": dash }, { fill: "none", stroke: colour, "stroke-width": `${width}px` });
    inside.append(halo, line);
    return (d) => { amend(halo, { d }); amend(line, { d }); };
  };
  const balance = twice(ink("good"), 2.6);
  const isoline = twice(ink("ink"), 1.2, "1 4");
  const ways = Object.fromEntries(POWERS.map(([p, , dash]) => [p, twice(COLOURS[p], 2.1, dash)]));
  const wayNames = Object.fromEntries(POWERS.map(([p, text]) => [p, haloed(text, {}, COLOURS[p])]));
  const bestMark = styled("path", { d: "M0,-7L7,0L0,7L-7,0Z" }, { fill: ink("good"), stroke: ink("ground"), "stroke-width": "2px" });
  labels.append(...Object.values(wayNames));
  const point = handle(map.board, {
    label: () => `Model of ${count(model.get("n_params"))} parameters on ${count(model.get("n_tokens"))} tokens`,
    colour: ink("accent"), radius: 8,
    onMove: (px, py) => put(round(scales.n.invert(py)), round(scales.d.invert(px))),
    onKey: (dx, dy) => { const [d, n] = logs(); put(round(n + 0.1 * dy), round(d + 0.1 * dx)); },
  });
  ground.addEventListener("click", (event) => {
    const box = map.board.getBoundingClientRect();
    put(round(scales.n.invert(event.clientY - box.top)), round(scales.d.invert(event.clientX - box.left)));
  });
  map.board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clip)), mapAxes, contours, ground, inside, names, bestMark, labels, point.node);

  // --- what each way costs
  const race = plotBox({ title: "Share of the compute the best would need", label: "Share of the compute that the best split would need for the same loss, along three ways of growing", ratio: 1 });
  const raceAxes = svg("g", { "aria-hidden": "true" });
  const raceClip = svg("rect");
  const raceClipId = uniqueId("clip");
  const raceLines = svg("g", { "clip-path": `url(#${raceClipId})`, "aria-hidden": "true" });
  const raceGrid = svg("g", { "aria-hidden": "true" });
  const bestLine = styled("path", {}, { fill: "none", stroke: ink("good"), "stroke-width": "3px" });
  const raceNames = Object.fromEntries(POWERS.map(([p]) => [p, haloed("", { "text-anchor": "end" }, COLOURS[p])]));
  const raceWays = Object.fromEntries(POWERS.map(([p, , dash]) => [p, styled("path", { "stroke-dasharray": dash }, { fill: "none", stroke: COLOURS[p], "stroke-width": "2.2px" })]));
  const later = haloed("Predict, then move the point.", { "text-anchor": "middle" }, ink("muted"));
  const now = styled("circle", { r: 6 }, { fill: ink("accent"), stroke: ink("ground"), "stroke-width": "2px" });
  raceLines.append(bestLine, ...Object.values(raceWays));
  race.board.append(svg("defs", {}, svg("clipPath", { id: raceClipId }, raceClip)), raceGrid, raceAxes, raceLines, ...Object.values(raceNames), later, now);
  ui.stage.append(map.node, race.node);

  // --- legend and controls
  const legend = markKey([
    ["the law's own best split", stroke(ink("good"), { width: 2.6 })],
    ...POWERS.map(([p, text, dash]) => [`N ~ ${text}`, stroke(COLOURS[p], { dash, width: 2.1 })]),
    ["same compute", stroke(ink("ink"), { dash: "1 4", width: 1.2 })],
    ["Table 2", styled("rect", { x: -4.5, y: -4.5, width: 9, height: 9 }, { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" })],
  ]);
  ui.stage.after(legend);
  const range = ([lo, hi]) => ({ min: Math.log10(lo), max: Math.log10(hi), step: 0.01 });
  const size = slider({
    label: "Parameters N", ...range(bounds.n), value: logs()[1], format: () => count(model.get("n_params")),
    onInput: (v) => put(round(v), model.get("n_tokens")),
  });
  const data = slider({
    label: "Tokens D", ...range(bounds.d), value: logs()[0], format: () => count(model.get("n_tokens")),
    onInput: (v) => put(model.get("n_params"), round(v)),
  });
  const toBest = button({ label: "Best split of this compute", onClick: () => put(...lawOptimum(law(), 6 * model.get("n_params") * model.get("n_tokens"))) });
  const choice = segmented({
    label: "Law", options: Object.keys(model.get("laws")).map((name) => [name, name]), value: model.get("law"),
    onChange: (name) => { model.set("law", name); save(); },
  });
  const rows = html("div", { class: "bs-buttons", role: "group", "aria-label": "Models of Table 2" },
    ...models.map(({ name, n, d }) => button({ label: name, onClick: () => put(n, d) })));
  ui.controls.append(size.node, data.node, toBest, choice.node, rows);

  const scales = {};
  let drawn = "";
  let dark = null;
  const steps = { x: 0, y: 0 };
  let grid = new Float64Array(0);

  /** What depends on the law and the size alone: field, contours, names, the law's balance. */
  function drawFurniture() {
    const [w, h] = [map.box.clientWidth, map.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    const current = law();
    scales.d = linear(bounds.d.map(Math.log10), [left, right]);
    scales.n = linear(bounds.n.map(Math.log10), [bottom, MARGIN.top]);
    const area = { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top };
    for (const node of [clip, ground]) amend(node, area);
    Object.assign(map.canvas.style, { left: `${area.x}px`, top: `${area.y}px`, right: "auto", bottom: "auto", width: `${area.width}px`, height: `${area.height}px`, borderRadius: "0" });
    steps.x = Math.max(2, Math.round(area.width / 4));
    steps.y = Math.max(2, Math.round(area.height / 4));
    grid = new Float64Array(steps.x * steps.y);
    const nAt = (j) => scales.n.domain[1] + ((scales.n.domain[0] - scales.n.domain[1]) * j) / (steps.y - 1);
    const dAt = (i) => scales.d.domain[0] + ((scales.d.domain[1] - scales.d.domain[0]) * i) / (steps.x - 1);
    for (let j = 0; j < steps.y; j += 1) {
      for (let i = 0; i < steps.x; i += 1) grid[j * steps.x + i] = Math.log(lawLoss(current, 10 ** nAt(j), 10 ** dAt(i)) - current.E);
    }
    painter.resize(area.width, area.height);
    const [low, high] = extent(grid);
    painter.colours(grid, steps.x, steps.y, low, high, dark, 1);
    const px = (i) => scales.d.range[0] + (area.width * i) / (steps.x - 1);
    const py = (j) => scales.n.range[1] + (area.height * j) / (steps.y - 1);
    const lines = [];
    for (const level of LEVELS) {
      if (level <= current.E) continue;
      const d = contourPath(grid, steps.x, steps.y, Math.log(level - current.E), px, py);
      if (!d) continue;
      lines.push(styled("path", { d }, { fill: "none", stroke: ink("ground"), "stroke-width": "1.2px", "stroke-opacity": 0.85 }));
      // The label stands where the line leaves through the right side, or else through the top.
      const text = fixed(level, (level * 10) % 1 ? 2 : 1);
      const room = level - current.E - lawTerms(current, 1, bounds.d[1]).data;
      const side = room > 0 ? Math.log10(current.A / room) / current.alpha : Infinity;
      const above = level - current.E - lawTerms(current, bounds.n[1], 1).size;
      const top = above > 0 ? Math.log10(current.B / above) / current.beta : Infinity;
      if (side > scales.n.domain[0] + 0.1 && side < scales.n.domain[1] - 0.2) {
        lines.push(haloed(text, { x: right - 4, y: scales.n(side) + 4, "text-anchor": "end" }, ink("ink"), 500));
      } else if (top > scales.d.domain[0] + 0.2 && top < scales.d.domain[1] - 0.3) {
        lines.push(haloed(text, { x: scales.d(top), y: MARGIN.top + 13, "text-anchor": "middle" }, ink("ink"), 500));
      }
    }
    contours.replaceChildren(...lines);
    const sparse = w < 330;
    decades(mapAxes, scales.d, scales.n, { xLabel: "tokens D", yLabel: "parameters N", sparse, yTicks: wholes(scales.n.domain).map((k) => [k, power10(k)]) });
    names.replaceChildren(...models.flatMap(({ name, n, d }) => {
      const [x, y] = [scales.d(Math.log10(d)), scales.n(Math.log10(n))];
      const [dx, dy, anchor] = NAMES[name] ?? [9, 4, "start"];
      const text = haloed(name, { x: x + dx, y: y + dy, "text-anchor": anchor }, ink("ink"), 500);
      text.style.fontSize = "11px";
      return [styled("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }, { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" }), text];
    }));
    // A mark is a target for the mouse; the buttons below do the same for everyone.
    names.style.pointerEvents = "none";
    balance(pathOf(bounds.d.map((d) => scales.d(Math.log10(d))), bounds.d.map((d) => scales.n(Math.log10(balancedSize(current, d))))));

    const [rw, rh] = [race.box.clientWidth, race.box.clientHeight];
    scales.growth = linear([0, MOST], [MARGIN.left, rw - MARGIN.right]);
    scales.share = linear([0, 1.08], [rh - MARGIN.bottom, MARGIN.top]);
    amend(raceClip, { x: MARGIN.left, y: MARGIN.top, width: rw - MARGIN.left - MARGIN.right, height: rh - MARGIN.top - MARGIN.bottom });
    const shares = [0, 0.25, 0.5, 0.75, 1];
    decades(raceAxes, scales.growth, scales.share, {
      xLabel: "compute, times what your point has", yLabel: "for the same loss", sparse: rw < 300, yTicks: shares.map((v) => [v, percent(v).replace("0.0%", "0%")]),
    });
    raceGrid.replaceChildren(
      ...shares.map((v) => svg("line", { class: "bs-gridline", x1: MARGIN.left, x2: rw - MARGIN.right, y1: scales.share(v), y2: scales.share(v) })),
      ...wholes(scales.growth.domain).map((k) => svg("line", { class: "bs-gridline", x1: scales.growth(k), x2: scales.growth(k), y1: scales.share.range[0], y2: MARGIN.top })));
    amend(bestLine, { d: pathOf(scales.growth.range, [1, 1].map(scales.share)) });
  }

  function draw() {
    const current = law();
    const [n, d] = [model.get("n_params"), model.get("n_tokens")];
    const [logD, logN] = logs();
    const isDark = palette(ui.root).dark;
    const key = [map.box.clientWidth, race.box.clientWidth, model.get("law"), isDark, globalThis.devicePixelRatio].join();
    if (map.box.clientWidth && key !== drawn) {
      drawn = key;
      dark = isDark;
      drawFurniture();
    }
    const terms = lawTerms(current, n, d);
    const loss = terms.floor + terms.size + terms.data;
    const compute = 6 * n * d;
    const [bestN, bestD] = lawOptimum(current, compute);
    const best = lawLoss(current, bestN, bestD);
    const share = lawEfficiency(current, n, d);
    const ahead = {};
    for (const [p] of POWERS) ahead[p] = lawEfficiency(current, ...alongPower(n, d, p, AHEAD));
    if (scales.d) {
      const [x0, y0] = [scales.d(logD), scales.n(logN)];
      for (const [p] of POWERS) {
        const line = scales.d.domain.map((v) => logN + p * (v - logD));
        ways[p](pathOf(scales.d.range, line.map((v) => scales.n(v))));
        // Its name stands where the line leaves the map upwards, or to the right; the steeper to the left of it.
        const exit = Math.min(logD + (scales.n.domain[1] - logN) / p, scales.d.domain[1]);
        const [ex, ey] = [scales.d(exit), scales.n(logN + p * (exit - logD))];
        shown(wayNames[p], Math.hypot(ex - x0, ey - y0) > 50);
        const last = p === POWERS.at(-1)[0];
        amend(wayNames[p], {
          x: clamp(ex + (last || exit === scales.d.domain[1] ? -10 : 2), [scales.d.range[0] + 20, scales.d.range[1] - 4]), y: Math.max(ey + 16, MARGIN.top + 16),
          "text-anchor": last || exit === scales.d.domain[1] ? "end" : "start",
        });
      }
      isoline(pathOf(scales.d.range, scales.d.domain.map((v) => scales.n(logN - (v - logD)))));
      const reach = Math.log10(bestN) <= scales.n.domain[1] && Math.log10(bestN) >= scales.n.domain[0]
        && Math.log10(bestD) <= scales.d.domain[1] && Math.log10(bestD) >= scales.d.domain[0];
      shown(bestMark, reach);
      amend(bestMark, { transform: `translate(${scales.d(Math.log10(bestD)).toFixed(1)},${scales.n(Math.log10(bestN)).toFixed(1)})` });
      point.place(x0, y0);
      point.relabel();
      const growth = Array.from({ length: 61 }, (_, k) => (MOST * k) / 60);
      const ends = [];
      for (const [p, text] of POWERS) {
        const line = growth.map((g) => scales.share(lawEfficiency(current, ...alongPower(n, d, p, 10 ** g))));
        amend(raceWays[p], { d: pathOf(growth.map(scales.growth), line) });
        ends.push([p, text, line.at(-1)]);
        for (const node of [raceWays[p], raceNames[p]]) shown(node, answer.open());
      }
      // Names at the right end, each above its line unless a lower one stands there.
      let floor = scales.share.range[0] + 13;
      for (const [p, text, end] of ends.sort((a, b) => b[2] - a[2])) {
        floor = Math.min(Math.max(end - 9, MARGIN.top + 12), floor - 17);
        amend(raceNames[p], { x: scales.growth.range[1] - 5, y: floor, text: `N ~ ${text}` });
      }
      shown(later, !answer.open());
      amend(later, { x: (scales.growth.range[0] + scales.growth.range[1]) / 2, y: scales.share(0.55) });
      amend(now, { cx: scales.growth(0), cy: scales.share(share) });
    }
    size.set(logN);
    data.set(logD);
    choice.set(model.get("law"));
    const met = models.find((row) => row.n === n && row.d === d);
    ui.readout([
      ["predicted loss", fixed(loss, 3)], ["= floor E", fixed(terms.floor, 3)], ["+ size term", fixed(terms.size, 3)], ["+ data term", fixed(terms.data, 3)],
      ["tokens a parameter", d / n >= 1 ? fixed(d / n, d / n < 10 ? 1 : 0) : fixed(d / n, 4)], ["compute", scientific(compute)],
      ["best loss for it", fixed(best, 3)], ["at N, D", `${count(bestN)}, ${count(bestD)}`], ["share needed", percent(share)],
    ]);
    const reported = met ? `Table 2 reports ${fixed(met.loss, 1)} for ${met.name}, ${fixed(Math.abs(met.loss - loss), 2)} ${met.loss < loss ? "below" : "above"} this law. ` : "";
    ui.say(`${count(n)} parameters on ${count(d)} tokens: ${fixed(loss, 3)} nats a token. ${reported}The best split reaches that with ${percent(share)} of the compute`
      + (!answer.open() ? "." : `; after a thousand times more, with ${POWERS.map(([p, text]) => `${percent(ahead[p])} along N ~ ${text}`).join(", ")}.`));
    const told = report(model, "summary", {
      loss, terms, compute, best: { n_params: bestN, n_tokens: bestD, loss: best }, share, ahead,
    });
    if (told) save();
  }
  const repaint = repainter(ui.root, draw);
  const stops = [
    answer.stop, onWidth(ui.stage, () => repaint()), onTheme(() => repaint()),
    () => repaint.stop(), () => save.stop(),
  ];
  repaint();
  return () => stops.forEach((stop) => stop());
}

export default { render };
