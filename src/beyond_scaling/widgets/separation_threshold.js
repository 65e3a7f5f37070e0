// How far apart d equidistant patterns must lie to keep a minimum each, against their number; and the ghost at the centre.
import {
  amend, areaPath, hatching, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch, verdicts,
} from "./curves.js";
import { separationThreshold } from "./energy.js";
import { axes, fixed, frame, handle, linear, onWidth, pathOf, repainter, saver, slider, svg } from "./ui.js";

const MOST = 9;
const HEIGHTS = [0, 8];
const SEPARATIONS = [0.5, 8];
const MARGIN = { left: 40, right: 16, top: 26, bottom: 40 };
const TICKS = [[2, "2"], [10, "10"], [100, "100"], [1e3, "10³"], [1e4, "10⁴"], [1e5, "10⁵"], [1e6, "10⁶"], [1e7, "10⁷"], [1e8, "10⁸"], [1e9, "10⁹"]];

/** A whole number as readers write it. */
const whole = (d) => d.toLocaleString("en-US");
const asymptote = (d) => Math.sqrt(Math.log(d) + Math.log(Math.log(d)));

function render({ model, el }) {
  const ui = frame(el, {
    title: "How far apart must memories lie?",
    hint: "Drag the point, or use the sliders: d patterns, all at the same distance δ from each other.",
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const put = (d, separation) => {
    model.set("n_patterns", Math.min(Math.max(Math.round(d), 2), 10 ** MOST));
    model.set("separation", Math.min(Math.max(Math.round(separation * 1000) / 1000, SEPARATIONS[0]), SEPARATIONS[1]));
    save();
  };

  const plot = plotBox({ label: "Separation against the number of patterns, with the threshold", height: 380 });
  const hatch = hatching(ink("bad"), { gap: 9, width: 1.2 });
  const frameAxes = svg("g");
  const tickMarks = svg("g", { "aria-hidden": "true" });
  const lost = styled("path", {}, { fill: hatch.fill, "fill-opacity": 0.55 });
  const ghost = styled("path", {}, { fill: ink("energy"), "fill-opacity": 0.13 });
  const threshold = styled("path", {}, { fill: "none", stroke: ink("ink"), "stroke-width": "2.8px" });
  const simple = styled("path", { "stroke-dasharray": "8 4" }, { fill: "none", stroke: ink("mchn"), "stroke-width": "2px" });
  const centre = styled("path", { "stroke-dasharray": "2 4" }, { fill: "none", stroke: ink("energy"), "stroke-width": "2.6px" });
  const texts = {
    lost: haloed("too close: only the centre is left", { "text-anchor": "end" }, ink("bad")),
    ghost: haloed("every pattern kept, and a ghost at the centre", { "text-anchor": "end" }, ink("energy")),
    free: haloed("kept, no ghost", {}, ink("good")),
  };
  const across = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.4px" });
  const down = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.4px" });
  const point = handle(plot.board, {
    label: () => `${whole(model.get("n_patterns"))} patterns at mutual distance ${fixed(model.get("separation"), 2)}`, colour: ink("accent"),
    onMove: (px, py) => put(10 ** x.invert(px), y.invert(py)),
    onKey: (dx, dy) => {
      const d = model.get("n_patterns");
      // A tenth of a decade per step, and at least one pattern.
      const next = dx ? Math.max(Math.round(d * 10 ** (dx * 0.1)), dx > 0 ? d + 1 : 2) : d;
      put(dx < 0 ? Math.min(next, d - 1) : next, model.get("separation") + 0.1 * dy);
    },
  });
  plot.board.append(hatch.node, lost, ghost, frameAxes, tickMarks, simple, centre, threshold, across, down, ...Object.values(texts), point.node);
  ui.stage.append(plot.node, markKey([
    ["threshold for memories", stroke(ink("ink"), { width: 2.8 })], ["√(log d + log log d)", stroke(ink("mchn"), { dash: "8 4", width: 2 })],
    ["√d: below it the centre is a minimum too", stroke(ink("energy"), { dash: "2 4" })],
    ["ghost", swatch(ink("energy"), ink("energy"), { opacity: 0.13 })],
  ]));
  const verdict = verdicts();
  ui.stage.append(verdict.node);

  const number = slider({
    label: "Patterns d", min: Math.log10(2), max: MOST, step: "any", value: Math.log10(model.get("n_patterns")),
    format: (v) => whole(Math.round(10 ** v)), onInput: (v) => put(10 ** v, model.get("separation")),
  });
  number.node.querySelector("output").style.minWidth = "7.2em";
  const separation = slider({
    label: "Separation δ", min: SEPARATIONS[0], max: SEPARATIONS[1], step: 0.01, value: model.get("separation"),
    onInput: (v) => put(model.get("n_patterns"), v),
  });
  ui.controls.append(number.node, separation.node);

  let x = null;
  let y = null;
  let drawnAt = "";
  const samples = [2, 3, 4, 5, 6, 7, 8, 9];
  for (let k = 0; k <= 8 * 20; k += 1) samples.push(Math.round(10 ** (1 + k / 20)));
  let thresholds = null;

  /** The curves and regions: they change with the size alone. */
  function drawFurniture(size) {
    drawnAt = size;
    const [w, h] = [plot.box.clientWidth, plot.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    x = linear([Math.log10(2), MOST], [left, right]);
    y = linear(HEIGHTS, [bottom, MARGIN.top]);
    thresholds ??= samples.map((d) => separationThreshold(d));
    axes(frameAxes, x, y, { xLabel: "number of patterns d", yLabel: "mutual distance δ", xTicks: 1, yTicks: 8 });
    // The horizontal axis is logarithmic: its ticks are powers of ten, not ui.js's round numbers.
    frameAxes.querySelectorAll('.bs-tick[text-anchor="middle"]').forEach((node) => node.remove());
    const sparse = w < 480;
    tickMarks.replaceChildren(...TICKS.filter((_, i) => !sparse || i % 2 === 1).flatMap(([d, text]) => {
      const px = x(Math.log10(d));
      return [svg("line", { class: "bs-gridline", x1: px, x2: px, y1: bottom, y2: MARGIN.top }),
        svg("text", { class: "bs-tick", x: px, y: bottom + 15, "text-anchor": "middle", text })];
    }));
    const px = samples.map((d) => x(Math.log10(d)));
    const pc = thresholds.map(y);
    amend(threshold, { d: pathOf(px, pc) });
    amend(simple, { d: pathOf(px, samples.map((d) => y(asymptote(d)))) });
    const roots = [];
    const top = Math.log10(HEIGHTS[1] ** 2);
    for (let k = 0; k <= 60; k += 1) roots.push(Math.log10(2) + ((top - Math.log10(2)) * k) / 60);
    amend(centre, { d: pathOf(roots.map(x), roots.map((v) => y(10 ** (v / 2)))) });
    amend(lost, { d: areaPath(px, pc, px.map(() => bottom)) });
    const upper = samples.map((d) => y(Math.min(Math.sqrt(d), HEIGHTS[1])));
    amend(ghost, { d: areaPath(px, upper, pc) });
    amend(texts.lost, { x: right - 10, y: y(sparse ? 1.2 : 1.6) });
    amend(texts.ghost, { x: right - 10, y: y(6.4), text: sparse ? "kept, and a ghost" : "every pattern kept, and a ghost at the centre" });
    // Beside √d there is room for it only where the plot is wide; the key says the same.
    amend(texts.free, { x: left + 10, y: y(7.2) });
    shown(texts.free, !sparse);
  }

  function draw() {
    const size = `${plot.box.clientWidth}x${plot.box.clientHeight}`;
    if (size !== drawnAt && plot.box.clientWidth) drawFurniture(size);
    const d = Math.min(Math.max(Math.round(model.get("n_patterns")), 2), 10 ** MOST);
    const s = model.get("separation");
    const critical = separationThreshold(d);
    const root = Math.sqrt(d);
    const memories = s > critical;
    const ghostly = s < root;
    if (x) {
      const [px, py] = [x(Math.log10(d)), y(s)];
      amend(across, { x1: x.range[0], x2: px, y1: py, y2: py });
      amend(down, { x1: px, x2: px, y1: y.range[0], y2: py });
      point.place(px, py);
      point.relabel();
    }
    number.set(Math.log10(d));
    separation.set(s);
    const kept = memories ? "Each pattern keeps its own minimum" : "The patterns are lost: one minimum for all";
    const centreText = !memories ? "The centre is the only minimum" : ghostly
      ? "The centre is a minimum too: a ghost" : "No ghost: the centre is not a minimum";
    verdict.set([[kept, memories], [centreText, !ghostly]]);
    ui.readout([
      ["patterns d", whole(d)], ["separation δ", fixed(s, 2)], ["threshold", fixed(critical, 4)],
      ["√(log d + log log d)", fixed(asymptote(d), 4)], ["√d", fixed(root, root < 1000 ? 3 : 0)],
    ]);
    ui.say(`${whole(d)} patterns at distance ${fixed(s, 2)}; threshold ${fixed(critical, 3)}. ${kept}. ${centreText}.`);
    const told = report(model, "summary", {
      threshold: critical, asymptote: asymptote(d), centre_threshold: root, memories, ghost: memories && ghostly,
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [listen(model, ["n_patterns", "separation"], repaint), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
