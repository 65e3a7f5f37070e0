// A language model of two dimensions, computed here: its activations grow and shrink, its probabilities stay.
import { amend, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch, verdicts } from "./curves.js";
import { paperRadius } from "./special.js";
import { axes, button, fixed, frame, handle, linear, onWidth, repainter, saver, segmented, slider, svg } from "./ui.js";

const LIMITS = [0.3, 3];
const REACH = 5.6; // what the plane shows, to all sides
const NAMES = { after: "after the norm", before: "before the norm" };

/** gain · h / sqrt(mean(h²) + ε), the norm of Llama's family. */
export function rmsNorm(h, gain, epsilon) {
  const size = Math.sqrt(h.reduce((sum, v) => sum + v * v, 0) / h.length + epsilon);
  return h.map((v, i) => (gain[i] * v) / size);
}

/** softmax(W y). */
export function nextToken(unembedding, y) {
  const logits = unembedding.map((row) => row.reduce((sum, w, i) => sum + w * y[i], 0));
  const most = Math.max(...logits);
  const shares = logits.map((v) => Math.exp(v - most));
  const total = shares.reduce((sum, v) => sum + v, 0);
  return shares.map((v) => v / total);
}

/** For every vector, the index of its nearest other vector and the distance to it. */
export function nearestOthers(vectors) {
  return vectors.map((a, i) => vectors.reduce((best, b, j) => {
    const distance = Math.hypot(a[0] - b[0], a[1] - b[1]);
    return j !== i && distance < best[1] ? [j, distance] : best;
  }, [-1, Infinity]));
}

/** The model rescaled by s at one side of its norm: what enters the norm, what leaves it, the unembedding, the probabilities. */
export function rescaled({ vectors, gain, unembedding, epsilon }, where, s) {
  const before = where === "before" ? vectors.map((h) => h.map((v) => v * s)) : vectors;
  const gains = where === "after" ? gain.map((v) => v * s) : gain;
  const heads = where === "after" ? unembedding.map((row) => row.map((v) => v / s)) : unembedding;
  const after = before.map((h) => rmsNorm(h, gains, epsilon));
  return { before, after, heads, probabilities: after.map((y) => nextToken(heads, y)) };
}

/** A small number as readers write it: 0, 2 · 10⁻¹⁶, 0.0003. */
function smallText(v) {
  if (v === 0) return "0";
  if (v >= 1e-4) return fixed(v, 5);
  const power = Math.floor(Math.log10(v));
  return `${fixed(v / 10 ** power, 0)} · 10⁻${[...String(-power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Same model, another radius",
    hint: "Slide s. Watch the activations, then the predictions. Drag the ring to ask about another context.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const parts = Object.fromEntries(["vectors", "gain", "unembedding", "epsilon"].map((name) => [name, model.get(name)]));
  const tokens = model.get("tokens");
  const original = rescaled(parts, "after", 1);
  const radius = paperRadius(2);
  const count = parts.vectors.length;
  const mean = (rows) => rows.reduce((sum, [, distance]) => sum + distance, 0) / rows.length;
  const put = (s) => { model.set("scale", Math.min(Math.max(s, LIMITS[0]), LIMITS[1])); save(); };
  const choose = (i) => { model.set("context", ((i % count) + count) % count); save(); };

  // --- the activations
  const plane = plotBox({ title: "", label: "Activations of twenty contexts in two dimensions", ratio: 1 });
  const heading = styled("text", { x: 4, y: 14 }, { "font-weight": "600" });
  const grid = svg("g");
  const discs = parts.vectors.map(() => styled("circle", {}, { fill: ink("mchn"), "fill-opacity": 0.14, stroke: ink("mchn"), "stroke-width": "1.2px" }));
  const links = styled("path", {}, { fill: "none", stroke: ink("muted"), "stroke-width": "1.6px" });
  const dots = parts.vectors.map(() => styled("circle", { r: 3.4 }, { fill: ink("energy") }));
  const arrows = tokens.map((token) => ({
    line: styled("path", {}, { fill: "none", stroke: ink("accent"), "stroke-width": "1.8px" }), text: haloed(token, { "text-anchor": "middle" }, ink("accent"), 500),
  }));
  const clip = svg("rect");
  const clipId = `bs-rescale-${Math.random().toString(36).slice(2, 9)}`;
  const inside = svg("g", { "clip-path": `url(#${clipId})` });
  inside.append(...discs, links, ...arrows.flatMap(({ line, text }) => [line, text]), ...dots);
  const ring = handle(plane.board, {
    label: () => `Context ${model.get("context") + 1} of ${count}`, colour: "transparent", radius: 9,
    onMove: (px, py) => {
      const at = (i) => Math.hypot(places[i][0] - px, places[i][1] - py);
      choose(places.reduce((best, _, i) => (at(i) < at(best) ? i : best), 0));
    },
    onKey: (dx, dy) => choose(model.get("context") + Math.sign(dx + dy)),
  });
  ring.node.querySelector(".bs-ring").style.stroke = ink("ink");
  plane.board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clip)), grid, heading, inside, ring.node);

  // --- the probabilities
  const bars = plotBox({ title: "", label: "Probabilities of the next token", ratio: 1 });
  const question = styled("text", { x: 4, y: 14 }, { "font-weight": "600" });
  const rows = tokens.map((token) => ({
    name: styled("text", { x: 46, "text-anchor": "end", text: token }, { "font-weight": "600" }),
    bar: styled("rect", { x: 54, height: 28, rx: 3 }, { fill: ink("energy") }),
    first: styled("rect", { x: 54, height: 36, rx: 3, "stroke-dasharray": "5 3" }, { fill: "none", stroke: ink("ink"), "stroke-width": "1.6px" }),
    value: haloed("", {}, ink("ink"), 600),
  }));
  bars.board.append(question, ...rows.flatMap(({ name, bar, first, value }) => [name, bar, first, value]));
  ui.stage.append(plane.node, bars.node);

  // --- controls
  const disc = styled("circle", { r: 7 }, { fill: ink("mchn"), "fill-opacity": 0.14, stroke: ink("mchn"), "stroke-width": "1.2px" });
  const verdict = verdicts();
  ui.controls.before(markKey([
    ["activations", styled("circle", { r: 4 }, { fill: ink("energy") })], ["to the nearest other", stroke(ink("muted"), { width: 1.6 })],
    ["the theory’s balls", disc], ["unembedding", stroke(ink("accent"), { width: 1.8 })],
    ["probabilities at s = 1", swatch("none", ink("ink"), { dash: "5 3" })],
  ]), verdict.node);
  const gain = slider({
    label: "Rescale × s", min: Math.log10(LIMITS[0]), max: Math.log10(LIMITS[1]), step: "any", value: Math.log10(model.get("scale")),
    format: () => `s = ${fixed(model.get("scale"), 2)}`, onInput: (v) => put(Number((10 ** v).toPrecision(3))),
  });
  const side = segmented({
    label: "Look", options: Object.entries(NAMES), value: model.get("where"), onChange: (where) => { model.set("where", where); save(); },
  });
  const unit = (where) => mean(nearestOthers(original[where]));
  ui.controls.append(gain.node, side.node,
    button({ label: "Make the theory right", onClick: () => put((2 * radius) / unit(model.get("where"))) }),
    button({ label: "Back to s = 1", onClick: () => put(1) }));

  let places = [];
  let size = "";
  const scales = {};
  function layOut() {
    const [w, h] = [plane.box.clientWidth, plane.box.clientHeight];
    scales.x = linear([-REACH, REACH], [26, w - 4]);
    scales.y = linear([-REACH, REACH], [h - 22, 24]);
    axes(grid, scales.x, scales.y, { xTicks: 6, yTicks: 6 });
    amend(clip, { x: 26, y: 24, width: w - 30, height: h - 46 });
    scales.p = linear([0, 1], [54, bars.box.clientWidth - 58]);
    rows.forEach(({ name, bar, first, value }, i) => {
      const middle = 24 + ((i + 0.5) * (bars.box.clientHeight - 46)) / rows.length;
      amend(name, { y: middle + 4 });
      amend(value, { y: middle + 4 });
      amend(bar, { y: middle - 14 });
      amend(first, { y: middle - 18 });
    });
  }

  function draw() {
    const s = model.get("scale");
    const where = model.get("where");
    const chosen = model.get("context");
    const now = rescaled(parts, where, s);
    const points = now[where];
    const near = nearestOthers(points);
    const distance = mean(near);
    const probabilities = now.probabilities[chosen];
    const change = Math.max(...now.probabilities.flatMap((row, i) => row.map((v, j) => Math.abs(v - original.probabilities[i][j]))));
    if (plane.box.clientWidth) {
      const wanted = [plane.box.clientWidth, plane.box.clientHeight, bars.box.clientWidth].join();
      if (wanted !== size) { size = wanted; layOut(); }
      places = points.map(([a, b]) => [scales.x(a), scales.y(b)]);
      const unitPixels = scales.x(1) - scales.x(0);
      places.forEach(([cx, cy], i) => {
        amend(dots[i], { cx, cy });
        amend(discs[i], { cx, cy, r: radius * unitPixels });
      });
      amend(links, { d: near.map(([j], i) => `M${places[i].map((v) => v.toFixed(1))}L${places[j].map((v) => v.toFixed(1))}`).join("") });
      const lengths = points.map((point) => Math.hypot(...point));
      const [inner, outer] = [Math.min(...lengths) - radius, Math.max(...lengths) + radius]; // of the cloud with its balls
      arrows.forEach(({ line, text }, i) => {
        const [a, b] = now.heads[i];
        const [x0, y0, x1, y1] = [scales.x(0), scales.y(0), scales.x(a), scales.y(b)];
        const turn = Math.atan2(y1 - y0, x1 - x0);
        const wing = (angle) => `${(x1 - 7 * Math.cos(turn + angle)).toFixed(1)},${(y1 - 7 * Math.sin(turn + angle)).toFixed(1)}`;
        amend(line, { d: `M${x0.toFixed(1)},${y0.toFixed(1)}L${x1.toFixed(1)},${y1.toFixed(1)}M${wing(0.5)}L${x1.toFixed(1)},${y1.toFixed(1)}L${wing(-0.5)}` });
        const [left, right] = scales.x.range;
        // At the arrow's end; where that is among the balls, beyond them.
        const tip = Math.hypot(a, b);
        const among = tip * unitPixels + 24 > inner * unitPixels && tip < outer;
        const away = (among ? Math.max(outer - tip, 0) * unitPixels : 0) + 14;
        const [tx, ty] = [x1 + (away + 6 * Math.abs(Math.cos(turn))) * Math.cos(turn), y1 + away * Math.sin(turn) + 4];
        amend(text, { x: Math.min(Math.max(tx, left + 18), right - 18), y: Math.min(Math.max(ty, 36), scales.y.range[0] - 6) });
        // The unembedding acts on what leaves the norm; beside what enters it, it would mean nothing.
        for (const node of [line, text]) shown(node, where === "after");
      });
      ring.place(...places[chosen]);
      ring.relabel();
      amend(heading, { text: `Activations ${NAMES[where]}` });
      amend(question, { text: `Next token after context ${chosen + 1}` });
      rows.forEach(({ bar, first, value }, i) => {
        const end = scales.p(probabilities[i]);
        amend(bar, { width: Math.max(end - 54, 1) });
        amend(first, { width: Math.max(scales.p(original.probabilities[chosen][i]) - 54, 1) });
        amend(value, { x: end + 8, text: `${fixed(100 * probabilities[i], 1)}%` });
      });
    }
    gain.set(Math.log10(s));
    side.set(where);
    const still = change < 1e-12;
    verdict.set([[still ? `No probability has moved: largest change ${smallText(change)}` : `Largest change of a probability, by the norm’s ε: ${smallText(change)}`, true]]);
    ui.readout([
      ["mean distance", fixed(distance, 3)], ["predicted, n = 2", fixed(2 * radius, 3)], ["ratio", fixed(distance / (2 * radius), 3)],
      ["largest change", smallText(change)],
    ]);
    ui.say(`${where === "after" ? "Gain times s, unembedding over s" : "What enters the norm times s"}. At s = ${fixed(s, 2)} the mean distance is ${fixed(distance, 2)} `
      + `against ${fixed(2 * radius, 2)} predicted. The model predicts what it predicted before.`);
    if (report(model, "summary", { distance, predicted: 2 * radius, probabilities, largest_change: change })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["scale", "where", "context"], repaint), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
