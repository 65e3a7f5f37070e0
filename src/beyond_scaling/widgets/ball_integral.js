// The integral of exp(-|y|^2) over a ball against its volume: true, as equation 12 has it, and the two lower bounds.
import { amend, areaPath, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch, verdicts } from "./curves.js";
import { axesWith, powerTicks } from "./log_axis.js";
import { logBallIntegral, logBallVolume, logVolumeOverIntegral, paperRadius } from "./special.js";
import { button, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg } from "./ui.js";

const DIMENSIONS = [0, 6]; // log10 n
const RADII = [-1, 2]; // log10 r
const RATIOS = [0.05, 0.7]; // r / sqrt(n)
const DEPTHS = [-2, 5]; // log10 of log(V / .)
const MARGIN = { left: 52, right: 14, top: 30, bottom: 40 };
const SAMPLES = 240;

/** log(V / .) of the four curves at (n, r). */
const depths = (n, r) => ({
  integral: logVolumeOverIntegral(n, r), printed: logVolumeOverIntegral(n, r, "printed"), printedLower: r, correctedLower: r * r,
});
const fails = (n, r) => logVolumeOverIntegral(n, r) > r;
const whole = (n) => n.toLocaleString("en-US");
/** A factor, given by its logarithm, as readers write it: 1.03, or a power of e behind `power`. */
const timesText = (log, power) => (Math.abs(log) < 4 ? fixed(Math.exp(log), 2) : `${power}${fixed(log, 2)}`);

/** The radius at n under a rule. */
function radiusAt(n, { rule, ratio, radius }) {
  return rule === "paper" ? paperRadius(n) : rule === "ratio" ? ratio * Math.sqrt(n) : radius;
}

/** The least n at which the printed lower bound fails, or null. At a fixed radius the excess grows with n. */
function firstFailure(rule) {
  const failsAt = (n) => fails(n, radiusAt(n, rule));
  if (rule.rule !== "fixed") {
    // Both sides cross where r is a little above 1, long before this.
    for (let n = 1; n <= 2000; n += 1) if (failsAt(n)) return n;
    return null;
  }
  let [low, high] = [0, 10 ** DIMENSIONS[1]];
  if (!failsAt(high)) return null;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (failsAt(middle)) high = middle; else low = middle;
  }
  return high;
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "A ball's integral and its bounds",
    hint: "Drag the blue points, or slide n: when does the true integral leave the printed band?",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi);
  const putN = (n) => { model.set("n", clamp(Math.round(n), 1, 10 ** DIMENSIONS[1])); save(); };
  const putR = (r) => {
    model.set({ rule: "fixed", radius: clamp(Number(r.toPrecision(4)), 10 ** RADII[0], 10 ** RADII[1]) });
    save();
  };
  const putRatio = (ratio) => { model.set({ rule: "ratio", ratio: clamp(Number(ratio.toFixed(4)), ...RATIOS) }); save(); };
  const ruleNow = () => ({ rule: model.get("rule"), ratio: model.get("ratio"), radius: model.get("radius") });
  const here = () => {
    const n = clamp(Math.round(model.get("n")), 1, 10 ** DIMENSIONS[1]);
    return { n, r: radiusAt(n, ruleNow()) };
  };

  /** One of the two plots: its curves, the marks at the current point, and a handle. */
  function panel(title, label, handleOptions) {
    const plot = plotBox({ title, label, height: 330 });
    const parts = {
      axes: svg("g"),
      band: styled("path", {}, { fill: ink("nearest"), "fill-opacity": 0.11 }),
      broken: styled("path", {}, { fill: ink("bad"), "fill-opacity": 0.2 }),
      correctedLower: styled("path", { "stroke-dasharray": "2 4" }, { fill: "none", stroke: ink("good"), "stroke-width": "2.6px" }),
      printed: styled("path", { "stroke-dasharray": "8 4" }, { fill: "none", stroke: ink("mchn"), "stroke-width": "2px" }),
      holds: styled("path", {}, { fill: "none", stroke: ink("nearest"), "stroke-width": "2px" }),
      fails: styled("path", {}, { fill: "none", stroke: ink("bad"), "stroke-width": "3px" }),
      integral: styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "2.8px" }),
      now: styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.4px" }),
      first: haloed("", { "text-anchor": "middle" }, ink("bad")),
      cross: styled("circle", { r: 5 }, { fill: ink("ground"), stroke: ink("bad"), "stroke-width": "2.4px" }),
    };
    const clip = svg("clipPath", { id: `bs-ball-${Math.random().toString(36).slice(2, 9)}` }, svg("rect"));
    const inside = svg("g", { "clip-path": `url(#${clip.id})` });
    inside.append(parts.band, parts.broken, parts.correctedLower, parts.printed, parts.holds, parts.fails, parts.integral, parts.now);
    const point = handle(plot.board, { colour: ink("energy"), horizontal: true, ...handleOptions });
    plot.board.append(svg("defs", {}, clip), parts.axes, inside, parts.cross, parts.first, point.node);
    return { plot, parts, point, clip: clip.firstChild };
  }

  const overN = panel("Over the dimension n", "Depth below the volume over the dimension, with a draggable point", {
    label: () => `Dimension ${whole(model.get("n"))}`,
    onMove: (px) => putN(10 ** scales.n.invert(px)),
    onKey: (dx, dy) => {
      const n = model.get("n");
      const step = dx + dy;
      // An eighth of the way to double, and at least one.
      putN(step > 0 ? Math.max(n + 1, n * 2 ** (step / 8)) : Math.min(n - 1, n * 2 ** (step / 8)));
    },
  });
  const overR = panel(" ", "Depth below the volume over the radius, with a draggable point", {
    label: () => `Radius ${fixed(here().r, 3)}`,
    onMove: (px) => putR(10 ** scales.r.invert(px)),
    onKey: (dx, dy) => putR(here().r * 1.03 ** (dx + dy)),
  });
  const onwards = haloed("drag on →", { "text-anchor": "end" }, ink("muted"));
  overN.plot.board.append(onwards);
  ui.stage.append(overN.plot.node, overR.plot.node);

  const legend = markKey([
    ["true integral", stroke(ink("energy"), { width: 2.8 })],
    ["equation 12 as printed", stroke(ink("mchn"), { dash: "8 4", width: 2 })],
    ["printed lower bound V e⁻ʳ: true", stroke(ink("nearest"), { width: 2 })],
    ["the same: false", stroke(ink("bad"), { width: 3 })],
    ["corrected, V e^(−r²)", stroke(ink("good"), { dash: "2 4" })],
    ["what the printed bounds allow", swatch(ink("nearest"), ink("nearest"), { opacity: 0.11 })],
  ]);
  const verdict = verdicts();
  const number = slider({
    label: "Dimension n", min: DIMENSIONS[0], max: DIMENSIONS[1], step: "any", value: Math.log10(model.get("n")),
    format: () => whole(model.get("n")), onInput: (v) => putN(10 ** v),
  });
  const choice = segmented({
    label: "Radius", options: [["paper", "r* = √(n/2πe)"], ["ratio", "κ√n"], ["fixed", "fixed r"]], value: model.get("rule"),
    onChange: (rule) => {
      // The radius that is shown goes on under the new rule, as far as it can.
      if (rule === "fixed") putR(here().r); else if (rule === "ratio") putRatio(here().r / Math.sqrt(here().n)); else { model.set("rule", rule); save(); }
    },
  });
  const ratio = slider({
    label: "κ", min: RATIOS[0], max: RATIOS[1], step: 0.001, value: model.get("ratio"),
    format: () => fixed(here().r / Math.sqrt(here().n), 3), onInput: putRatio,
  });
  const radius = slider({
    label: "r", min: RADII[0], max: RADII[1], step: "any", value: Math.log10(model.get("radius")),
    format: () => fixed(here().r, 3), onInput: (v) => putR(10 ** v),
  });
  const jump = (label, n) => button({ label, onClick: () => { model.set("rule", "paper"); putN(n); } });
  // The two that give the answer away come last, so that nothing moves when they appear.
  const [last, failing] = [jump("n = 20", 20), jump("n = 21", 21)];
  const jumps = html("div", { class: "bs-control bs-jumps" }, jump("GPT-2 medium, n = 1024", 1024), last, failing);
  ui.controls.append(number.node, choice.node, ratio.node, radius.node, jumps);
  ui.controls.before(legend, verdict.node);

  const scales = {};
  let size = "";
  function layOut() {
    const [w, h] = [overN.plot.box.clientWidth, overN.plot.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    scales.n = linear(DIMENSIONS, [left, right]);
    scales.r = linear(RADII, [left, right]);
    scales.depth = linear(DEPTHS, [MARGIN.top, bottom]);
    const yTicks = powerTicks(DEPTHS);
    axesWith(overN.parts.axes, scales.n, scales.depth, { xTicks: powerTicks(DIMENSIONS), yTicks, xLabel: "n", yLabel: "log(V ÷ curve): deeper is smaller" });
    axesWith(overR.parts.axes, scales.r, scales.depth, { xTicks: powerTicks(RADII), yTicks, xLabel: "r", yLabel: "log(V ÷ curve)" });
    for (const { clip } of [overN, overR]) amend(clip, { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top });
  }

  /**
   * Draw the curves of one panel. `at` maps a position on the horizontal scale to (n, r); `crossings` are the places where
   * truth and printed lower bound change sides, `startsFalse` says whether the bound is false left of the first.
   */
  function drawCurves({ parts }, x, at, { crossings, startsFalse }) {
    const places = [...crossings];
    for (let k = 0; k <= SAMPLES; k += 1) places.push(x.domain[0] + ((x.domain[1] - x.domain[0]) * k) / SAMPLES);
    places.sort((a, b) => a - b);
    const rows = places.map((v) => depths(...at(v)));
    const px = places.map(x);
    const py = (name) => rows.map((row) => scales.depth(Math.log10(Math.max(row[name], 1e-4))));
    const [truth, bound] = [py("integral"), py("printedLower")];
    amend(parts.integral, { d: pathOf(px, truth) });
    amend(parts.printed, { d: pathOf(px, py("printed")) });
    amend(parts.correctedLower, { d: pathOf(px, py("correctedLower")) });
    amend(parts.band, { d: areaPath(px, px.map(() => scales.depth.range[0]), bound) });
    // Pieces between crossings, which are samples themselves, so that both colours end there.
    const ends = [0, ...crossings.map((v) => places.indexOf(v)), places.length - 1];
    const pieces = { holds: "", fails: "", broken: "" };
    for (let i = 0; i + 1 < ends.length; i += 1) {
      const cut = (list) => list.slice(ends[i], ends[i + 1] + 1);
      const isFalse = (i % 2 === 1) !== startsFalse;
      pieces[isFalse ? "fails" : "holds"] += pathOf(cut(px), cut(bound));
      if (isFalse) pieces.broken += areaPath(cut(px), cut(bound), cut(truth));
    }
    for (const name of ["holds", "fails", "broken"]) amend(parts[name], { d: pieces[name] });
  }

  /** Where truth and printed lower bound change sides on a panel's horizontal scale. */
  function crossingsOf(x, at) {
    const isFalse = (v) => fails(...at(v));
    const steps = 300;
    const place = (k) => x.domain[0] + ((x.domain[1] - x.domain[0]) * k) / steps;
    const crossings = [];
    for (let k = 1; k <= steps; k += 1) {
      let [low, high] = [place(k - 1), place(k)];
      const was = isFalse(low);
      if (isFalse(high) === was) continue;
      for (let i = 0; i < 45; i += 1) {
        const middle = (low + high) / 2;
        if (isFalse(middle) === was) low = middle; else high = middle;
      }
      crossings.push(high);
    }
    return { crossings, startsFalse: isFalse(place(0)) };
  }

  /** The ring at the first crossing, and the words beside it. */
  function label({ parts }, x, at, { crossings }, text) {
    for (const node of [parts.cross, parts.first]) shown(node, crossings.length > 0);
    if (!crossings.length) return;
    const [px, py] = [x(crossings[0]), scales.depth(Math.log10(at(crossings[0])[1]))];
    amend(parts.cross, { cx: px, cy: py });
    const late = px > (x.range[0] + x.range[1]) / 2;
    // Between six and seven pixels a letter, and not beyond the frame.
    const room = x.range[1] + MARGIN.right - 6.5 * text.length;
    amend(parts.first, { x: late ? px - 12 : Math.min(px + 12, room), y: py - (late ? -20 : 12), "text-anchor": late ? "end" : "start", text });
  }

  function mark({ parts, point }, x, v, depth) {
    const px = clamp(x(v), ...x.range);
    const py = clamp(scales.depth(Math.log10(Math.max(depth, 1e-4))), ...scales.depth.range);
    amend(parts.now, { x1: px, x2: px, y1: scales.depth.range[0], y2: scales.depth.range[1] });
    point.place(px, py);
    point.relabel();
  }

  // Where the page asks for a prediction, the curves over n grow with the reader's n until the bound has failed.
  let open = !model.get("predict");
  let farthest = 1;
  function unveil(n, rule, holds) {
    farthest = Math.max(farthest, n);
    open ||= !holds || rule.rule !== "paper";
    for (const node of [last, failing]) node.style.visibility = open ? "" : "hidden";
    if (!scales.n) return;
    const [left, right] = scales.n.range;
    amend(overN.clip, { width: (open ? right : scales.n(Math.log10(farthest)) + 1) - left });
    for (const node of [overN.parts.cross, overN.parts.first]) node.style.visibility = open ? "" : "hidden";
    shown(onwards, !open && farthest < 1e5);
    amend(onwards, { x: right - 10, y: scales.depth(0.5) });
  }

  let drawnN = "";
  let drawnR = "";
  let first = null;
  function draw() {
    const rule = ruleNow();
    const { n, r } = here();
    const depth = depths(n, r);
    const ruleKey = JSON.stringify([rule.rule, rule.rule === "ratio" && rule.ratio, rule.rule === "fixed" && rule.radius]);
    const [w, h] = [overN.plot.box.clientWidth, overN.plot.box.clientHeight];
    const sized = w > 0 && `${w}x${h}`;
    if (sized && sized !== size) { size = sized; drawnN = drawnR = ""; layOut(); }
    if (drawnN.slice(1) !== ruleKey) first = firstFailure(rule);
    if (sized) {
      if (drawnN !== `+${ruleKey}`) {
        const at = (v) => [10 ** v, radiusAt(10 ** v, rule)];
        const found = crossingsOf(scales.n, at);
        drawCurves(overN, scales.n, at, found);
        label(overN, scales.n, at, found, `false from n = ${first === null ? "" : whole(first)}`);
        drawnN = `+${ruleKey}`;
      }
      if (drawnR !== String(n)) {
        const at = (v) => [n, 10 ** v];
        const found = crossingsOf(scales.r, at);
        drawCurves(overR, scales.r, at, found);
        const [from, to] = found.crossings.map((v) => 10 ** v);
        label(overR, scales.r, at, found, `false from r = ${fixed(from, 3)}${to ? ` to ${fixed(to, 1)}` : ""}`);
        drawnR = String(n);
      }
      mark(overN, scales.n, Math.log10(n), depth.integral);
      mark(overR, scales.r, Math.log10(r), depth.integral);
    } else drawnN = `-${ruleKey}`;
    overR.plot.setTitle(`Over the radius r, at n = ${whole(n)}`);
    number.set(Math.log10(n));
    choice.set(rule.rule);
    ratio.set(r / Math.sqrt(n));
    radius.set(Math.log10(r));
    const volume = logBallVolume(n, r);
    const integral = logBallIntegral(n, r);
    const printed = logBallIntegral(n, r, "printed");
    const holds = !fails(n, r);
    unveil(n, rule, holds);
    const gap = Math.abs(depth.integral - r);
    verdict.set([
      [holds ? `Printed lower bound: below the truth by ${fixed(gap, 3)}` : `Printed lower bound: above the truth by ${fixed(gap, 3)}`, holds],
      [`Corrected lower bound: below the truth by ${fixed(r * r - depth.integral, 3)}`, true],
    ]);
    ui.readout([
      ["n", whole(n)], ["r", fixed(r, 3)], ["log V", fixed(volume, 3)], ["log I, true", fixed(integral, 3), "good"],
      ["log I, printed", fixed(printed, 3)], ["printed ÷ true", timesText(printed - integral, "e^")],
      ["printed lower", fixed(volume - r, 3), holds ? undefined : "bad"], ["corrected lower", fixed(volume - r * r, 3)],
    ]);
    ui.say(`n = ${whole(n)}, r = ${fixed(r, 3)}: the printed lower bound is ${holds ? "true" : "false"} here` +
      `${first === null || !open ? "." : `; it fails from n = ${whole(first)} on.`} Equation 12 as printed is ${timesText(printed - integral, "e to the ")} times the true integral.`);
    const told = report(model, "summary", {
      n, r, volume, integral, printed, printed_lower: volume - r, corrected_lower: volume - r * r, holds, first_failure: first,
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["n", "rule", "ratio", "radius"], repaint),
    listen(model, ["predict"], () => { open = !model.get("predict"); farthest = 1; repaint(); }), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop(),
  ];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
