// Proposition 4's loss beside the loss of the density it speaks of, over the radius of the balls, and that density.
import { amend, answerAfter, haloed, hatching, markKey, plotBox, report, shown, signChange, stroke, styled, swatch, verdicts } from "./curves.js";
import { largestRadius, layeredModel, printedLoss } from "./loss.js";
import { axes, button, fixed, frame, handle, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg } from "./ui.js";

const EXAMPLES = [
  ["one", "one pattern", [[[0]]]],
  ["line", "two layers, a line", [[[-6], [2]], [[-2], [6]]]],
  ["plane", "two layers, a plane", [[[-2, -0.5]], [[0.2, -0.3], [1.5, 1.5]]]],
];
const LEAST = 0.02;
const MOST = 3;
const HEIGHTS = [-3.5, 4.5];
const MARGIN = { left: 40, right: 14, top: 26, bottom: 40 };
const SAMPLES = 561;

/** A path through the patterns with room for a ball at each end: places along it, and the point at a place. */
function pathThrough(layers, r) {
  const stops = layers.flatMap((layer, t) => layer.map((point) => ({ point, layer: t + 1 })))
    .sort((a, b) => a.point[0] - b.point[0]);
  let at = 0;
  stops.forEach((stop, i) => {
    if (i) at += Math.hypot(...stop.point.map((v, k) => v - stops[i - 1].point[k]));
    // On a line the place is the coordinate itself.
    stop.at = stop.point.length === 1 ? stop.point[0] : at;
  });
  const [first, last] = [stops[0], stops.at(-1)];
  const room = Math.max(0.35, 0.5 * r);
  const ends = [first.at - r - room, last.at + r + room];
  const point = (s) => {
    if (first.point.length === 1) return [s];
    let i = stops.findIndex((stop, k) => k > 0 && s <= stop.at);
    if (i < 0) i = stops.length - 1;
    const [a, b] = stops.length > 1 ? [stops[i - 1], stops[i]] : [first, { point: [first.point[0] + 1, first.point[1]], at: first.at + 1 }];
    return a.point.map((v, k) => v + ((b.point[k] - v) * (s - a.at)) / (b.at - a.at));
  };
  return { stops, ends, point };
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Three answers to “what is the loss?”",
    hint: "Drag the diamond, the balls' radius r, or press Z = 1. Then change the unit of length.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const LINES = {
    literal: { colour: ink("energy"), name: "the model with the energy as printed", width: 2.8 },
    printed: { colour: ink("mchn"), name: "Proposition 4: log Z + 1/Z", dash: "7 4", width: 2.4 },
    repaired: { colour: ink("good"), name: "the model with the energy repaired: its loss is log Z", dash: "2 4", width: 2.8 },
  };

  // --- state
  let layers = model.get("layers");
  let most = MOST;
  let family = null; // the curves at s = 1
  let familyKey = "";
  const scales = {};
  const radiusNow = () => Math.min(Math.max(model.get("radius"), LEAST), most);
  /** Volumes grow by s^n, logarithms of volumes by this. */
  const shift = () => layers[0][0].length * Math.log(model.get("unit"));
  function put(r, exact = false) {
    model.set("radius", Math.min(Math.max(exact ? r : Math.round(r * 1000) / 1000, LEAST), most));
    save();
  }
  function setUnit(s) {
    model.set("unit", Math.min(5, Math.max(0.2, Math.abs(Math.log(s)) < 0.004 ? 1 : s)));
    save();
  }

  const answer = answerAfter(model, ["layers", "radius", "unit"], () => repaint());

  // --- the losses over the radius
  const losses = plotBox({ title: "Loss in nats per pattern, over the radius", label: "Three loss curves over the radius, with the current radius", ratio: 0.95 });
  const hatch = hatching(ink("mchn"), { gap: 9, width: 1 });
  const lossAxes = svg("g");
  const ruledOut = styled("rect", {}, { fill: hatch.fill, "fill-opacity": 0.35 });
  const bound = styled("line", {}, { stroke: ink("mchn"), "stroke-width": "1.4px" });
  const boundText = haloed("Proposition 4 rules this out: L < 1", { "text-anchor": "end" }, ink("mchn"));
  const clip = svg("clipPath", { id: `bs-clip-${Math.random().toString(36).slice(2)}` }, svg("rect"));
  const curves = svg("g", { "clip-path": `url(#${clip.id})` });
  const now = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.6px" });
  const marks = svg("g", { "aria-hidden": "true" });
  const grip = handle(losses.board, {
    label: () => `Radius of the balls, ${fixed(radiusNow(), 3)}`, colour: ink("accent"), shape: "diamond", radius: 8, horizontal: true,
    onMove: (px) => scales.r && put(scales.r.invert(px)),
    onKey: (dx) => put(radiusNow() + 0.05 * dx),
  });
  losses.board.append(hatch.node, svg("defs", {}, clip), ruledOut, lossAxes, bound, curves, now, boundText, marks, grip.node);

  // --- the density
  const place = plotBox({ title: " ", label: "The density with the printed and with the repaired energy", ratio: 0.95 });
  const placeAxes = svg("g");
  const balls = svg("g");
  const literalLine = styled("path", {}, { fill: "none", stroke: LINES.literal.colour, "stroke-width": "2.8px" });
  const repairedLine = styled("path", { "stroke-dasharray": LINES.repaired.dash }, { fill: "none", stroke: LINES.repaired.colour, "stroke-width": "2.8px" });
  const stored = svg("g", { "aria-hidden": "true" });
  const later = haloed("Predict, then move the diamond.", { "text-anchor": "middle" }, ink("muted"));
  place.board.append(balls, placeAxes, repairedLine, literalLine, stored, later);
  ui.stage.append(losses.node, place.node);

  // --- controls
  const radius = slider({ label: "Radius r", min: LEAST, max: MOST, step: 0.001, value: model.get("radius"), format: () => fixed(radiusNow(), 3), onInput: (v) => put(v) });
  const unit = slider({
    label: "Unit: lengths × s", min: Math.log(0.2), max: Math.log(5), step: 0.001, value: Math.log(model.get("unit")),
    format: () => `s = ${fixed(model.get("unit"), 2)}`, onInput: (v) => setUnit(Math.exp(v)),
  });
  const atOne = button({ label: "Z = 1", onClick: () => { const r = radiusOfUnitZ(); if (r) put(r, true); } });
  const plainUnit = button({ label: "s = 1", onClick: () => setUnit(1) });
  const exampleNow = () => EXAMPLES.find(([, , layers]) => JSON.stringify(layers) === JSON.stringify(model.get("layers")))?.[0] ?? null;
  const example = segmented({
    label: "Patterns", options: EXAMPLES.map(([id, text]) => [id, text]), value: exampleNow(),
    onChange: (id) => {
      model.set("layers", EXAMPLES.find(([other]) => other === id)[2]);
      save();
    },
  });
  ui.controls.append(radius.node, atOne, unit.node, plainUnit, example.node);
  const verdict = verdicts();
  const legend = markKey([
    ...Object.values(LINES).map(({ name, colour, dash, width }) => [name, stroke(colour, { dash, width })]),
    ["balls around the patterns, and their layers", swatch(ink("nearest"), "none", { opacity: 0.16 })]]);
  ui.controls.before(legend, verdict.node);

  function prepare() {
    const key = JSON.stringify(model.get("layers"));
    if (key === familyKey) return;
    familyKey = key;
    layers = model.get("layers");
    most = Math.min(MOST, Math.max(LEAST, largestRadius(layers) * (1 - 1e-9)));
    // Quadrature in a plane costs more, and more with every pattern.
    const count = layers[0][0].length === 1 ? 110 : Math.max(24, Math.round(64 / Math.max(1, layers.flat().length / 3)));
    // Everything happens at small radii faster: geometric steps first.
    const grid = Array.from({ length: count }, (_, k) => LEAST + (most - LEAST) * (k / (count - 1)) ** 1.7);
    family = grid.map((r) => ({ r, ...layeredModel(layers, r) }));
    radius.input.max = Math.floor(most * 1000) / 1000;
  }

  /** Whether log Z_1, read in the present unit, is 0 somewhere: it grows with the radius. */
  const reachesUnitZ = () => family[0].logZ[0] + shift() <= 0 && family.at(-1).logZ[0] + shift() >= 0;
  /** Where. */
  function radiusOfUnitZ() {
    return reachesUnitZ() ? signChange((r) => layeredModel(layers, r).logZ[0] + shift(), LEAST, most) : null;
  }

  let lossKey = "";
  function drawLosses(moved) {
    const [w, h] = [losses.box.clientWidth, losses.box.clientHeight];
    const key = [familyKey, w, h, moved, answer.open()].join();
    if (key === lossKey) return;
    lossKey = key;
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    scales.r = linear([0, most * 1.02], [left, right]);
    scales.loss = linear(HEIGHTS, [bottom, MARGIN.top]);
    axes(lossAxes, scales.r, scales.loss, { xLabel: "radius r of the balls", yLabel: "L", xTicks: w < 380 ? 4 : 6, yTicks: 8 });
    const one = scales.loss(1);
    amend(bound, { x1: left, x2: right, y1: one, y2: one });
    amend(ruledOut, { x: left, width: right - left, y: one, height: bottom - one });
    amend(boundText, { x: right - 8, y: bottom - 10 });
    amend(clip.firstElementChild, { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top });
    const px = family.map(({ r }) => scales.r(r));
    const path = (of) => pathOf(px, family.map((row) => {
      const y = scales.loss(of(row));
      return y < -9999 ? NaN : y;
    }));
    const drawn = [
      ...layers.map((_, t) => [LINES.printed, path((row) => printedLoss(row.logZ[t] + moved))]),
      ...(answer.open() ? [[LINES.repaired, path((row) => row.repaired + moved)], [LINES.literal, path((row) => row.literal + moved)]] : [])];
    curves.replaceChildren(...drawn.map(([line, d]) => styled("path", { d, "stroke-dasharray": line.dash },
      { fill: "none", stroke: line.colour, "stroke-width": `${line.width}px` })));
  }

  /** Dots where the curves are now, with their values beside them, moved apart where they would collide. */
  function drawMarks(r, rows) {
    const x = scales.r(r);
    const [bottom, top] = scales.loss.range;
    amend(now, { x1: x, x2: x, y1: bottom, y2: top });
    const toLeft = x > (scales.r.range[0] + scales.r.range[1]) / 2;
    const seen = rows.filter(([line, value], i) => !rows.slice(0, i).some(([other, same]) => other === line && fixed(same, 3) === fixed(value, 3)));
    const placed = seen.map(([line, value]) => ({ line, value, y: scales.loss(value) }))
      .map((row) => ({ ...row, text: Math.min(Math.max(row.y, top + 8), bottom - 22) })).sort((a, b) => a.text - b.text);
    for (let i = 1; i < placed.length; i += 1) placed[i].text = Math.max(placed[i].text, placed[i - 1].text + 16);
    // The words at the bottom keep their line.
    placed.reduceRight((room, row) => { row.text = Math.min(row.text, room); return row.text - 16; }, bottom - 32);
    marks.replaceChildren(...placed.flatMap(({ line, value, y, text }) => [
      y >= top && y <= bottom ? styled("circle", { cx: x, cy: y, r: 4.5 }, { fill: line.colour, stroke: ink("ground"), "stroke-width": "1.5px" }) : null,
      // Above a curve that is nearly flat: beside its dot the number would lie on it.
      haloed(fixed(value, 3), { x: x + (toLeft ? -10 : 10), y: text - 5, "text-anchor": toLeft ? "end" : "start" }, line.colour)].filter(Boolean)));
    grip.place(x, bottom);
  }

  const xs = new Float64Array(SAMPLES);
  const ys = { literal: new Float64Array(SAMPLES), repaired: new Float64Array(SAMPLES) };
  function drawDensity(r, found) {
    const s = model.get("unit");
    const scaled = Math.exp(-shift());
    const { stops, ends, point } = pathThrough(layers, r);
    const [w, h] = [place.box.clientWidth, place.box.clientHeight];
    const bottom = h - MARGIN.bottom;
    const x = linear([ends[0] * s, ends[1] * s], [MARGIN.left + 8, w - MARGIN.right]);
    let highest = 0;
    for (let k = 0; k < SAMPLES; k += 1) {
      const at = ends[0] + ((ends[1] - ends[0]) * k) / (SAMPLES - 1);
      xs[k] = x(at * s);
      for (const form of ["literal", "repaired"]) {
        const p = found.density(point(at), form) * scaled;
        ys[form][k] = p;
        highest = Math.max(highest, p);
      }
    }
    // A gap between touching balls, narrower than the samples, is none to the eye.
    for (const p of Object.values(ys)) {
      for (let k = 1; k + 1 < SAMPLES; k += 1) if (p[k] === 0 && p[k - 1] > 0 && p[k + 1] > 0) p[k] = (p[k - 1] + p[k + 1]) / 2;
    }
    const y = linear([0, highest * 1.18], [bottom, MARGIN.top]);
    axes(placeAxes, x, y, {
      xLabel: layers[0][0].length === 1 ? (s === 1 ? "x" : "x in the new unit") : "along the path through the patterns",
      yLabel: "density p(x)", xTicks: w < 380 ? 4 : 7, yTicks: 5,
    });
    amend(literalLine, { d: pathOf(xs, ys.literal.map((p) => y(p))) });
    amend(repairedLine, { d: pathOf(xs, ys.repaired.map((p) => y(p))) });
    for (const node of [literalLine, repairedLine]) shown(node, answer.open());
    shown(later, !answer.open());
    amend(later, { x: (x.range[0] + x.range[1]) / 2, y: (bottom + MARGIN.top) / 2 });
    balls.replaceChildren(...stops.map(({ at }) => styled("rect", {
      x: x((at - r) * s), width: x((at + r) * s) - x((at - r) * s), y: MARGIN.top, height: bottom - MARGIN.top,
    }, { fill: ink("nearest"), "fill-opacity": 0.13 })));
    let named = -Infinity;
    const roomFor = (px) => { const yes = px - named > 46; if (yes) named = px; return yes; };
    stored.replaceChildren(...stops.flatMap(({ at, layer }) => [
      styled("rect", { x: x(at * s) - 5, y: bottom - 5, width: 10, height: 10 }, { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" }),
      layers.length > 1 && roomFor(x(at * s)) ? haloed(`layer ${layer}`, { x: x(at * s), y: bottom - 12, "text-anchor": "middle" }) : null].filter(Boolean)));
  }

  function draw() {
    prepare();
    const r = radiusNow();
    const moved = shift();
    const found = layeredModel(layers, r);
    const logZ = found.logZ.map((v) => v + moved);
    const printed = logZ.map(printedLoss);
    const [literal, repaired] = [found.literal + moved, found.repaired + moved];
    const pattern = layers[0][0];
    const beside = (sign) => pattern.map((v, k) => v + (k ? 0 : sign * r));
    const atPattern = found.density(pattern, "literal") * Math.exp(-moved);
    const atEdge = ((found.density(beside(1), "literal") + found.density(beside(-1), "literal")) / 2) * Math.exp(-moved);

    if (losses.box.clientWidth) {
      drawLosses(moved);
      const answers = answer.open() ? [[LINES.literal, literal], [LINES.repaired, repaired]] : [];
      drawMarks(r, [...answers, ...printed.map((v) => [LINES.printed, v])]);
      drawDensity(r, found);
      grip.relabel();
    }
    place.setTitle(layers.length > 1 || layers[0].length > 1 ? "Where the model puts its probability"
      : `Probability around the pattern${answer.open() && atPattern < atEdge ? ": lowest on it" : ""}`);
    radius.set(r);
    unit.set(Math.log(model.get("unit")));
    example.set(exampleNow());
    atOne.disabled = !reachesUnitZ();
    plainUnit.disabled = model.get("unit") === 1;
    legend.children[2].lastElementChild.textContent = layers.length > 1 ? "the model with the energy repaired" : LINES.repaired.name;

    const off = printed.map((v) => v - literal).reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
    const agrees = Math.abs(off) < 0.005;
    verdict.set([
      [agrees ? "L = log Z + 1/Z: agrees here, by crossing" : `L = log Z + 1/Z: off by ${fixed(Math.abs(off), 3)}`, agrees],
      [literal >= 1 ? `L ≥ 1: so here, L = ${fixed(literal, 3)}` : `L ≥ 1: broken, L = ${fixed(literal, 3)}`, literal >= 1],
    ]);
    verdict.wait(answer.open() ? "" : "Two verdicts wait here for your first move.");
    const each = (values, digits) => values.map((v) => fixed(v, digits)).join(", ");
    const hidden = (v) => (answer.open() ? fixed(v, 3) : "?");
    const several = layers.flat().length > 1;
    ui.readout([
      ["L, as printed", hidden(literal)], [printed.length > 1 ? "log Z + 1/Z, per layer" : "log Z + 1/Z", each(printed, 3)],
      [layers.length > 1 ? "L, repaired" : "L, repaired: log Z", hidden(repaired)],
      [logZ.length > 1 ? "Z, per layer" : "Z", each(logZ.map(Math.exp), 3)], ["n log s", fixed(moved, 3)],
      [several ? "p on the first pattern" : "p on the pattern", hidden(atPattern)], [several ? "p at its ball's edge" : "p at the edge", hidden(atEdge)],
    ]);
    ui.say(!answer.open() ? "Predict, then move the diamond." : `At radius ${fixed(r, 3)} and unit ${fixed(model.get("unit"), 2)} the loss of the density is ${fixed(literal, 3)} as printed and ${fixed(repaired, 3)} `
      + `repaired; Proposition 4 says ${each(printed, 3)}.${atPattern < atEdge ? " As printed, the pattern is less probable than its ball's edge." : ""}`);
    if (report(model, "summary", {
      radius: r, log_z: logZ, literal, printed, repaired, density_at_pattern: atPattern, density_at_edge: atEdge,
    })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    answer.stop,
    onWidth(ui.stage, () => repaint()),
    () => repaint.stop(),
    () => save.stop(),
  ];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
