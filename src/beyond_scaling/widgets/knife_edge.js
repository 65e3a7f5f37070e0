// How many patterns make Z = 1, over the dimension, for balls of radius kappa sqrt(n): exponentially many, or about
// sqrt(n), or none, and the one value of kappa between.
import { amend, haloed, hatching, listen, markKey, plotBox, report, stroke, styled, verdicts } from "./curves.js";
import { axesWith, powerTicks } from "./log_axis.js";
import { UNIT_INTEGRAL_RATIO, logBallIntegral, logBallVolume, paperRadius, patternRate, volumeRadius } from "./special.js";
import { button, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, slider, svg } from "./ui.js";

const RATIOS = [0.2, 0.32];
const DIMENSIONS = [0, 6]; // log10 n
const EXPONENTS = [-6, 18]; // log10 d
const RATES = [-0.14, 0.24];
const MARGIN = { left: 50, right: 14, top: 30, bottom: 40 };
const SAMPLES = 240;
const PAPER_RATIO = paperRadius(1);

const whole = (n) => n.toLocaleString("en-US");
/** log d / n for large n, if the ball counted with its whole volume. */
const upperRate = (kappa) => -Math.log(kappa / PAPER_RATIO);
const NAMES = { integral: "true integral", upper: "upper bound", printed: "equation 12 as printed" };

/** 10^v as readers write it, for any v. */
function powerText(v) {
  if (v < 0) return "none";
  if (v < 6) return 10 ** v < 100 ? fixed(10 ** v, 1) : whole(Math.round(10 ** v));
  const digits = v < 1e4 ? 1 : 0;
  return `10^${v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** A relative difference as readers write it: +7.4%, −0.8%, 0%. */
const percentText = (v) => (Math.abs(v) < 5e-6 ? "0%" : `${v > 0 ? "+" : ""}${fixed(100 * v, Math.abs(v) < 0.01 ? 2 : 1)}%`);

/** What a rate of growth means. */
function regimeOf(rate) {
  return Math.abs(rate) < 1e-9 ? "square root" : rate > 0 ? "exponential" : "none";
}

const WORDS = {
  exponential: "exponential in n", "square root": "like √n, the paper's law", "one pattern": "one, in every dimension",
  none: "none, Z > 1 at large n",
};

function render({ model, el }) {
  const ui = frame(el, {
    title: "The knife edge",
    hint: "Slide κ = r/√n: where does d grow like √n, as the paper's law has it?",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi);
  const putKappa = (kappa) => { model.set({ rule: "ratio", kappa: clamp(kappa, ...RATIOS) }); save(); };
  const putN = (n) => { model.set("n", clamp(Math.round(n), 1, 10 ** DIMENSIONS[1])); save(); };
  const dimension = () => clamp(Math.round(model.get("n")), 1, 10 ** DIMENSIONS[1]);
  const radiusAt = (n) => (model.get("rule") === "volume" ? volumeRadius(n) : model.get("kappa") * Math.sqrt(n));
  const line = (name, style, dash) => styled("path", { "stroke-dasharray": dash }, { fill: "none", stroke: ink(name), ...style });

  // --- the rate over kappa
  const rates = plotBox({ title: "Growth: log d per dimension, for large n", label: "Rate of growth over kappa with the current kappa", height: 340 });
  const rateAxes = svg("g");
  const zero = styled("line", {}, { stroke: ink("ink"), "stroke-width": "1.2px" });
  const rateTrue = line("energy", { "stroke-width": "2.8px" });
  const rateUpper = line("mchn", { "stroke-width": "2.2px" }, "8 4");
  const edges = [[PAPER_RATIO, "mchn", "0.2420, r*"], [UNIT_INTEGRAL_RATIO, "energy", "0.2587"]].map(([at, colour, text]) => ({
    at, dot: styled("circle", { r: 5 }, { fill: ink("ground"), stroke: ink(colour), "stroke-width": "2.4px" }),
    text: haloed(text, { "text-anchor": "start" }, ink(colour)),
  }));
  const now = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.4px" });
  const grow = haloed("exponential", { "text-anchor": "end" }, ink("muted"), 500);
  const fall = haloed("none", { "text-anchor": "start" }, ink("muted"), 500);
  const kappaHandle = handle(rates.board, {
    label: () => `Kappa, ${fixed(radiusAt(dimension()) / Math.sqrt(dimension()), 4)}`, colour: ink("accent"), horizontal: true,
    onMove: (px) => putKappa(Number(scales.kappa.invert(px).toFixed(4))),
    onKey: (dx, dy) => putKappa(Number((radiusAt(dimension()) / Math.sqrt(dimension()) + 0.001 * (dx + dy)).toFixed(4))),
  });
  rates.board.append(rateAxes, zero, rateUpper, rateTrue, now, grow, fall, ...edges.flatMap(({ dot, text }) => [dot, text]), kappaHandle.node);

  // --- the number of patterns over n
  const numbers = plotBox({ title: "Patterns d that make Z = 1", label: "Number of patterns over the dimension, with the current n", height: 340 });
  const hatch = hatching(ink("muted"), { gap: 9, width: 1 });
  const numberAxes = svg("g");
  const nothing = styled("rect", {}, { fill: hatch.fill, "fill-opacity": 0.5 });
  const nothingText = haloed("Z > 1 with a single pattern", { "text-anchor": "middle" }, ink("muted"), 500);
  const law = line("nearest", { "stroke-width": "1.4px" }, "2 4");
  const lawText = haloed("√(πn)", { "text-anchor": "end" }, ink("nearest"), 500);
  const clip = svg("rect");
  const clipId = `bs-edge-${Math.random().toString(36).slice(2, 9)}`;
  const curves = {
    printed: line("accent", { "stroke-width": "1.8px" }, "3 3"), upper: line("mchn", { "stroke-width": "2.2px" }, "8 4"),
    integral: line("energy", { "stroke-width": "2.8px" }),
  };
  const here = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.4px" });
  const inside = svg("g", { "clip-path": `url(#${clipId})` });
  inside.append(law, ...Object.values(curves), here);
  const numberHandle = handle(numbers.board, {
    label: () => `Dimension ${whole(dimension())}`, colour: ink("energy"), horizontal: true,
    onMove: (px) => putN(10 ** scales.n.invert(px)),
    onKey: (dx, dy) => {
      const [n, step] = [dimension(), dx + dy];
      putN(step > 0 ? Math.max(n + 1, n * 2 ** (step / 4)) : Math.min(n - 1, n * 2 ** (step / 4)));
    },
  });
  numbers.board.append(hatch.node, svg("defs", {}, svg("clipPath", { id: clipId }, clip)), numberAxes, nothing, inside, nothingText,
    lawText, numberHandle.node);
  ui.stage.append(rates.node, numbers.node);

  // --- controls
  const legend = markKey([
    [NAMES.integral, stroke(ink("energy"), { width: 2.8 })], [`${NAMES.upper} d V`, stroke(ink("mchn"), { dash: "8 4", width: 2.2 })],
    [NAMES.printed, stroke(ink("accent"), { dash: "3 3", width: 1.8 })],
  ]);
  const verdict = verdicts();
  const kappa = slider({
    label: "κ = r/√n", min: RATIOS[0], max: RATIOS[1], step: 0.0001, value: model.get("kappa"), format: () => fixed(radiusAt(dimension()) / Math.sqrt(dimension()), 4), onInput: putKappa,
  });
  const number = slider({
    label: "Dimension n", min: DIMENSIONS[0], max: DIMENSIONS[1], step: "any", value: Math.log10(model.get("n")),
    format: () => whole(dimension()), onInput: (v) => putN(10 ** v),
  });
  const jumps = html("div", { class: "bs-control bs-jumps" },
    button({ label: "The paper's r*", onClick: () => putKappa(PAPER_RATIO) }),
    button({ label: "Volume exactly 1", onClick: () => { model.set("rule", "volume"); save(); } }),
    button({ label: "κ = 0.2587", onClick: () => putKappa(UNIT_INTEGRAL_RATIO) }));
  ui.controls.append(kappa.node, number.node, jumps);
  ui.controls.before(legend, verdict.node);

  const scales = {};
  let size = "";
  function layOut() {
    const [w, h] = [rates.box.clientWidth, rates.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    scales.kappa = linear(RATIOS, [left, right]);
    scales.rate = linear(RATES, [bottom, MARGIN.top]);
    scales.n = linear(DIMENSIONS, [left, right]);
    scales.d = linear(EXPONENTS, [bottom, MARGIN.top]);
    const text = (v, digits) => [v, fixed(v, digits)];
    axesWith(rateAxes, scales.kappa, scales.rate, {
      xTicks: [0.2, 0.22, 0.24, 0.26, 0.28, 0.3, 0.32].filter((_, i) => w > 330 || i % 2 === 0).map((v) => text(v, 2)),
      yTicks: [-0.1, 0, 0.1, 0.2].map((v) => text(v, 1)), xLabel: "κ = r/√n", yLabel: "φ(κ)",
    });
    axesWith(numberAxes, scales.n, scales.d, { xTicks: powerTicks(DIMENSIONS), yTicks: powerTicks([0, EXPONENTS[1]], 3), xLabel: "n", yLabel: "d" });
    amend(zero, { x1: left, x2: right, y1: scales.rate(0), y2: scales.rate(0) });
    const places = [];
    for (let k = 0; k <= 60; k += 1) places.push(RATIOS[0] + ((RATIOS[1] - RATIOS[0]) * k) / 60);
    const px = places.map(scales.kappa);
    const shownRate = (v) => (v < RATES[0] ? NaN : scales.rate(v));
    amend(rateTrue, { d: pathOf(px, places.map((v) => shownRate(patternRate(v)))) });
    amend(rateUpper, { d: pathOf(px, places.map((v) => shownRate(upperRate(v)))) });
    edges.forEach(({ at, dot, text: words }, i) => {
      amend(dot, { cx: scales.kappa(at), cy: scales.rate(0) });
      amend(words, { x: scales.kappa(at) + (i ? 10 : -6), y: scales.rate(0) + (i ? -10 : 20), "text-anchor": i ? "start" : "end" });
    });
    amend(grow, { x: right - 8, y: scales.rate(0.15), text: "above 0: exponential in n" });
    amend(fall, { x: left + 8, y: scales.rate(-0.1), text: "below 0: none" });
    amend(nothing, { x: left, y: scales.d(0), width: right - left, height: bottom - scales.d(0) });
    amend(nothingText, { x: (left + right) / 2, y: (scales.d(0) + bottom) / 2 + 4 });
    amend(law, { d: pathOf(scales.n.range, DIMENSIONS.map((v) => scales.d(0.5 * Math.log10(Math.PI * 10 ** v)))) });
    amend(lawText, { x: right - 6, y: scales.d(3.25) - 6 });
    amend(clip, { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top });
  }

  /** log10 of the patterns needed, three ways. */
  const needed = (n, r) => ({
    integral: -logBallIntegral(n, r) / Math.LN10, upper: -logBallVolume(n, r) / Math.LN10, printed: -logBallIntegral(n, r, "printed") / Math.LN10,
  });

  function drawCurves() {
    const places = [];
    for (let k = 0; k <= SAMPLES; k += 1) places.push(DIMENSIONS[0] + ((DIMENSIONS[1] - DIMENSIONS[0]) * k) / SAMPLES);
    const rows = places.map((v) => needed(10 ** v, radiusAt(10 ** v)));
    const px = places.map(scales.n);
    // Far outside the frame a point would only make the path's numbers long.
    const [low, high] = [EXPONENTS[0] - 30, EXPONENTS[1] + 30];
    for (const [name, path] of Object.entries(curves)) amend(path, { d: pathOf(px, rows.map((row) => scales.d(clamp(row[name], low, high)))) });
  }

  let drawn = "";
  function draw() {
    const n = dimension();
    const r = radiusAt(n);
    const ratio = r / Math.sqrt(n);
    const byVolume = model.get("rule") === "volume";
    const [w, h] = [rates.box.clientWidth, rates.box.clientHeight];
    const d = needed(n, r);
    if (w) {
      if (`${w}x${h}` !== size) { size = `${w}x${h}`; drawn = ""; layOut(); }
      const key = JSON.stringify([model.get("rule"), byVolume || model.get("kappa")]);
      if (key !== drawn) { drawn = key; drawCurves(); }
      const px = scales.kappa(clamp(ratio, ...RATIOS));
      amend(now, { x1: px, x2: px, y1: scales.rate.range[0], y2: scales.rate.range[1] });
      kappaHandle.place(px, scales.rate(clamp(patternRate(clamp(ratio, ...RATIOS)), ...RATES)));
      const at = scales.n(Math.log10(n));
      amend(here, { x1: at, x2: at, y1: scales.d.range[0], y2: scales.d.range[1] });
      numberHandle.place(at, scales.d(clamp(d.integral, ...EXPONENTS)));
      for (const h2 of [kappaHandle, numberHandle]) h2.relabel();
    }
    kappa.set(ratio);
    number.set(Math.log10(n));
    // At volume 1 the ratio falls to r*'s as n grows, so that the integral's rate is the one there.
    const rate = patternRate(byVolume ? PAPER_RATIO : ratio);
    const rateOfBound = byVolume ? 0 : upperRate(ratio);
    const regime = regimeOf(rate);
    const regimeUpper = byVolume ? "one pattern" : regimeOf(rateOfBound);
    verdict.set([[`True integral: ${WORDS[regime]}`, regime === "square root"], [`Upper bound: ${WORDS[regimeUpper]}`, regimeUpper === "square root"]]);
    ui.readout([
      ["r", fixed(r, 4)], ["r against r*", percentText(r / paperRadius(n) - 1)], ["κ", fixed(ratio, 4)], ["φ, true integral", fixed(rate, 5)], ["φ, upper bound", fixed(rateOfBound, 5)],
      ["d, true integral", powerText(d.integral)], ["d, printed equation", powerText(d.printed)],
      ["d, upper bound", powerText(Math.abs(d.upper) < 1e-12 ? 0 : d.upper)], ["√(πn)", fixed(Math.sqrt(Math.PI * n), 1)],
    ]);
    const spoken = (v) => (v < 0 ? "no pattern" : `${powerText(v).replace("^", " to the ")} patterns`);
    ui.say(`At n = ${whole(n)} and r = ${fixed(r, 3)}, Z = 1 needs ${spoken(d.integral)} by the true integral, ` +
      `${spoken(Math.abs(d.upper) < 1e-12 ? 0 : d.upper)} by the upper bound. True integral: ${WORDS[regime]}. Upper bound: ${WORDS[regimeUpper]}.`);
    const told = report(model, "summary", {
      kappa: ratio, r, rate, rate_upper: rateOfBound, log_patterns: d.integral * Math.LN10, upper: d.upper * Math.LN10,
      printed: d.printed * Math.LN10, regime, regime_upper: regimeUpper,
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [listen(model, ["kappa", "n", "rule"], repaint), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
