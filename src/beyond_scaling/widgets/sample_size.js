// The mean distance to the nearest of m vectors over m, by Weibull's law; the paper's four histograms at the m chosen.
import { amend, answerAfter, haloed, listen, markKey, plotBox, report, shown, stroke, styled } from "./curves.js";
import { axesWith, powerTicks } from "./log_axis.js";
import { logGamma, paperRadius } from "./special.js";
import { button, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, slider, svg, ticks } from "./ui.js";

const SIZES = [1, 12]; // log10 m
const DIMENSIONS = [1, 200];
const SHARES = [0.4, 0.6, 0.8, 1];
const DASHES = ["2 3", "7 3 2 3", "8 4", undefined];
const MARGIN = { left: 44, right: 14, top: 30, bottom: 40 };
const CURVE = 160;
const TEXT_TOKENS = 9e9; // OpenWebText, one activation a token

/** The mean distance at m vectors, given that `vectors` vectors have the mean `distance`. */
export function meanAt(m, { distance, vectors, k }) {
  return distance * Math.exp(-Math.log(m / vectors) / k);
}

/** Weibull's quantile: the distance below which a share u of the vectors has its nearest neighbour. */
export function quantileAt(u, mean, k) {
  return Math.exp(Math.log(mean) - logGamma(1 + 1 / k) + Math.log(-Math.log1p(-u)) / k);
}

/** Weibull's density at its quantile u, times the mean, so that it has no unit. */
function densityAt(u, mean, k) {
  const t = -Math.log1p(-u);
  return (k * t * (1 - u) * mean) / quantileAt(u, mean, k);
}

/** A count as readers write it: 850, 12,000, 1.3 · 10⁷; the power of ten is given, for some counts are beyond all numbers. */
function countText(log10) {
  if (log10 < 5.9995) return Math.round(Number((10 ** log10).toPrecision(3))).toLocaleString("en-US");
  let power = Math.floor(log10);
  let lead = 10 ** (log10 - power);
  if (lead >= 9.95) { lead = 1; power += 1; }
  const raised = [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
  return `${lead < 1.05 ? "" : `${fixed(lead, 1)} · `}10${raised}`;
}

/** A factor likewise, with decimals where it is small. */
const timesText = (log10) => (log10 < 1 ? Number((10 ** log10).toPrecision(3)).toString() : countText(log10));
const dimensionText = (k) => fixed(k, k < 10 && !Number.isInteger(k) ? 1 : 0);

function render({ model, el }) {
  const ui = frame(el, {
    title: "How many do you look at?",
    hint: "Choose the cloud's intrinsic dimension k and drag the number of vectors m.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const clamp = (v, [low, high]) => Math.min(Math.max(v, low), high);
  const measured = model.get("measured");
  const hypothesis = 2 * paperRadius(model.get("n"));
  const [distance, vectors] = [model.get("distance"), model.get("vectors")];
  const top = 1.9 * Math.max(distance, hypothesis);
  const cloud = () => ({ distance, vectors, k: model.get("k") });
  const putK = (k) => { model.set("k", Number(clamp(k, DIMENSIONS).toPrecision(3))); save(); };
  const putM = (log10) => { model.set("m", 10 ** clamp(log10, SIZES)); save(); };
  const answer = answerAfter(model, ["k", "m"], () => repaint());
  let told = false; // whether the reader asked for the answer
  const open = () => told || answer.open();
  const reveal = () => { told = true; repaint(); };

  // --- the mean over m
  const curve = plotBox({ title: "Mean distance to the nearest neighbour", label: "Mean distance over the number of vectors, with the number chosen", height: 320 });
  const curveAxes = svg("g");
  const clip = svg("rect");
  const clipId = `bs-sample-${Math.random().toString(36).slice(2, 9)}`;
  const paperLine = styled("line", { "stroke-dasharray": "8 4" }, { stroke: ink("mchn"), "stroke-width": "2.2px" });
  const paperText = haloed("", { "text-anchor": "start" }, ink("mchn"));
  const law = styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "3px" });
  const seen = styled("rect", {}, { fill: ink("energy"), "fill-opacity": 0.13 });
  const drop = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("mchn"), "stroke-width": "1.4px" });
  const crossing = styled("circle", { r: 6 }, { fill: ink("ground"), stroke: ink("mchn"), "stroke-width": "2.6px" });
  const crossingText = haloed("", {}, ink("mchn"));
  const beyond = haloed("", { "text-anchor": "end" }, ink("muted"), 500);
  const dots = measured.map(() => styled("circle", { r: 4 }, { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" }));
  const source = styled("path", { d: "M-6,-6H6V6H-6Z" }, { fill: ink("ground"), stroke: ink("ink"), "stroke-width": "2.2px" });
  const inside = svg("g", { "clip-path": `url(#${clipId})` });
  inside.append(seen, law);
  const guess = handle(curve.board, {
    label: () => `Your guess: ${countText(Math.log10(model.get("guess")))} vectors`, colour: ink("accent"), horizontal: true, shape: "diamond", radius: 7,
    onMove: (px) => { model.set("guess", 10 ** clamp(scales.m.invert(px), SIZES)); save(); },
    onKey: (dx, dy) => { model.set("guess", 10 ** clamp(Math.log10(model.get("guess")) + 0.25 * (dx + dy), SIZES)); save(); },
  });
  const guessText = haloed("your guess", { "text-anchor": "middle" }, ink("accent"));
  const mHandle = handle(curve.board, {
    label: () => `Vectors looked at: ${countText(Math.log10(model.get("m")))}`, colour: ink("energy"), horizontal: true,
    onMove: (px) => putM(scales.m.invert(px)),
    onKey: (dx, dy) => putM(Math.log10(model.get("m")) + 0.1 * (dx + dy)),
  });
  curve.board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clip)), curveAxes, paperLine, inside, drop, paperText, beyond, crossing,
    crossingText, source, ...dots, guessText, guess.node, mHandle.node);

  // --- the four histograms
  const bells = plotBox({ title: "", label: "Distribution of the distances at 40, 60, 80 and 100% of the vectors", height: 320 });
  bells.node.prepend(html("p", { class: "bs-plot-title", text: "The distances, as the paper draws them" }));
  const bellAxes = svg("g");
  const bellLine = styled("line", { "stroke-dasharray": "8 4" }, { stroke: ink("mchn"), "stroke-width": "2.2px" });
  const shapes = SHARES.map((_, i) => ({
    path: styled("path", { "stroke-dasharray": DASHES[i] }, {
      fill: i === 3 ? ink("energy") : "none", "fill-opacity": 0.12, stroke: ink("energy"), "stroke-width": i === 3 ? "2.8px" : "1.7px",
    }),
    mean: styled("line", {}, { stroke: ink("energy"), "stroke-width": i === 3 ? "2.8px" : "1.7px" }),
  }));
  const bellClip = svg("rect");
  const within = svg("g", { "clip-path": `url(#${clipId}-bells)` });
  within.append(...shapes.map(({ path }) => path));
  bells.board.append(svg("defs", {}, svg("clipPath", { id: `${clipId}-bells` }, bellClip)), bellAxes, bellLine, within, ...shapes.map(({ mean }) => mean));
  ui.stage.append(curve.node, bells.node);

  const square = styled("path", { d: "M-6,-6H6V6H-6Z" }, { fill: ink("ground"), stroke: ink("ink"), "stroke-width": "2.2px" });
  const dot = styled("circle", { r: 4 }, { fill: ink("ink") });
  ui.controls.before(markKey([
    ...SHARES.map((share, i) => [`${100 * share}% of m`, stroke(ink("energy"), { dash: DASHES[i], width: i === 3 ? 2.8 : 1.7 })]),
    ["hypothesis 2√(n/2πe)", stroke(ink("mchn"), { dash: "8 4", width: 2.2 })], ["the measurement it starts from", square],
    ...(measured.length ? [["measured means", dot]] : []),
  ]));

  const kSlider = slider({
    label: "Intrinsic dimension k", min: Math.log10(DIMENSIONS[0]), max: Math.log10(DIMENSIONS[1]), step: "any", value: Math.log10(model.get("k")),
    format: () => dimensionText(model.get("k")), onInput: (v) => putK(10 ** v >= 10 ? Math.round(10 ** v) : Number((10 ** v).toFixed(1))),
  });
  const mSlider = slider({
    label: "Vectors m", min: SIZES[0], max: SIZES[1], step: "any", value: Math.log10(model.get("m")),
    format: () => countText(Math.log10(model.get("m"))), onInput: putM,
  });
  const jumps = html("div", { class: "bs-control bs-jumps" },
    button({ label: "As measured", onClick: () => putM(Math.log10(vectors)) }),
    button({ label: "Every token of OpenWebText", onClick: () => putM(Math.log10(TEXT_TOKENS)) }));
  const ask = button({ label: "Show where it crosses", onClick: reveal });
  ui.controls.append(kSlider.node, mSlider.node, jumps, ask);

  const scales = {};
  let size = "";
  function layOut() {
    const [w, h] = [curve.box.clientWidth, curve.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    scales.m = linear(SIZES, [left, right]);
    scales.y = linear([0, top], [bottom, MARGIN.top]);
    scales.x = linear([0, top], [left - 26, right]);
    scales.density = linear([0, 1.12], [bottom, MARGIN.top]);
    const numbers = (domain, count) => {
      const found = ticks(domain, count);
      const digits = found[1] < 1 ? 1 : 0;
      return found.map((v) => [v, fixed(v, digits)]);
    };
    axesWith(curveAxes, scales.m, scales.y, { xTicks: powerTicks(SIZES, w < 330 ? 3 : 2), yTicks: numbers([0, top], 6), xLabel: "vectors m", yLabel: "distance" });
    axesWith(bellAxes, scales.x, scales.density, { xTicks: numbers([0, top], w < 330 ? 4 : 7), yTicks: [], xLabel: "distance to the nearest neighbour", yLabel: "share of the vectors" });
    amend(clip, { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top });
    amend(bellClip, { x: left - 26, y: MARGIN.top, width: right - left + 26, height: bottom - MARGIN.top + 1 });
    amend(paperLine, { x1: left, x2: right, y1: scales.y(hypothesis), y2: scales.y(hypothesis) });
    amend(paperText, { x: left + 6, y: scales.y(hypothesis) + 16, text: fixed(hypothesis, 2) });
    amend(bellLine, { x1: scales.x(hypothesis), x2: scales.x(hypothesis), y1: bottom, y2: MARGIN.top });
    amend(source, { transform: `translate(${scales.m(Math.log10(vectors)).toFixed(1)},${scales.y(distance).toFixed(1)})` });
    measured.forEach(([count, mean], i) => amend(dots[i], { cx: scales.m(clamp(Math.log10(count), SIZES)), cy: scales.y(Math.min(mean, top)) }));
  }

  function drawBells(m) {
    const { k } = cloud();
    const means = SHARES.map((share) => meanAt(share * m, cloud()));
    const us = Array.from({ length: CURVE + 1 }, (_, i) => 0.5 - 0.49998 * Math.cos((Math.PI * i) / CURVE));
    const rows = means.map((mean) => us.map((u) => densityAt(u, mean, k) / mean));
    const highest = Math.max(...rows.flat());
    shapes.forEach(({ path, mean }, i) => {
      const px = us.map((u) => scales.x(quantileAt(u, means[i], k)));
      const py = rows[i].map((v) => scales.density(v / highest));
      // Down to the axis at both ends, so that the area under the curve is filled, and no further to the right than is seen.
      const far = px.map((v) => Math.min(v, 2 * scales.x.range[1]));
      amend(path, { d: pathOf([far[0], ...far, far.at(-1)], [scales.density(0), ...py, scales.density(0)]) });
      const at = scales.x(means[i]);
      amend(mean, { x1: at, x2: at, y1: scales.density(0), y2: scales.density(0) - 9 });
      shown(mean, at <= scales.x.range[1]);
    });
  }

  function draw() {
    const m = 10 ** clamp(Math.log10(model.get("m")), SIZES);
    const k = model.get("k");
    const [w, h] = [curve.box.clientWidth, curve.box.clientHeight];
    const mean = meanAt(m, cloud());
    const median = quantileAt(0.5, mean, k);
    const fall = Math.exp(Math.log(SHARES[0]) / k);
    const log10Factor = (k * Math.log(distance / hypothesis)) / Math.LN10;
    const log10Reached = Math.log10(vectors) + log10Factor;
    const known = open();
    if (w) {
      if (`${w}x${h}` !== size) { size = `${w}x${h}`; layOut(); }
      const end = known ? SIZES[1] : Math.max(Math.log10(vectors), SIZES[0] + 0.01);
      const places = Array.from({ length: CURVE + 1 }, (_, i) => SIZES[0] + ((end - SIZES[0]) * i) / CURVE);
      amend(law, { d: pathOf(places.map(scales.m), places.map((v) => scales.y(Math.min(meanAt(10 ** v, cloud()), 3 * top)))) });
      const [from, to] = [Math.log10(SHARES[0] * m), Math.log10(m)].map((v) => scales.m(clamp(v, SIZES)));
      amend(seen, { x: from, width: Math.max(to - from, 1), y: scales.y.range[1], height: scales.y.range[0] - scales.y.range[1] });
      const inFrame = log10Reached >= SIZES[0] && log10Reached <= SIZES[1];
      for (const node of [crossing, crossingText, drop]) shown(node, known && inFrame);
      shown(beyond, known && !inFrame);
      if (inFrame) {
        const at = scales.m(log10Reached);
        amend(crossing, { cx: at, cy: scales.y(hypothesis) });
        amend(drop, { x1: at, x2: at, y1: scales.y(hypothesis), y2: scales.y.range[0] });
        const room = scales.m.range[1] - at;
        amend(crossingText, { x: room > 90 ? at + 8 : at - 8, y: scales.y.range[0] - 8, "text-anchor": room > 90 ? "start" : "end", text: `m = ${countText(log10Reached)}` });
      } else {
        amend(beyond, { x: scales.m.range[1] - 6, y: scales.y(hypothesis) + 16, text: log10Reached > SIZES[1] ? `crosses at ${countText(log10Reached)} →` : `← crossed below ${countText(SIZES[0])}` });
      }
      const asked = model.get("predict");
      shown(guess.node, asked);
      shown(guessText, asked);
      if (asked) {
        const at = scales.m(clamp(Math.log10(model.get("guess")), SIZES));
        guess.place(at, scales.y(hypothesis));
        guess.relabel();
        const room = scales.m.range[1] - at > 80;
        amend(guessText, { x: room ? at + 12 : at - 12, y: scales.y(hypothesis) + 18, "text-anchor": room ? "start" : "end" });
      }
      mHandle.place(scales.m(Math.log10(m)), scales.y(Math.min(mean, top)));
      mHandle.relabel();
      drawBells(m);
    }
    ask.disabled = known;
    shown(ask, model.get("predict"));
    kSlider.set(Math.log10(k));
    mSlider.set(Math.log10(m));
    const hidden = (text) => (known ? text : "?");
    const falls = `−${fixed(100 * (1 - fall), 1)}%`;
    ui.readout([
      ["m", countText(Math.log10(m))], ["mean", fixed(mean, 2)], ["median", fixed(median, 2)], ["from 40% to 100% of m", falls],
      [`mean is ${fixed(hypothesis, 2)} at m =`, hidden(countText(log10Reached))], ["times the measured m", hidden(timesText(log10Factor))],
    ]);
    const across = log10Factor > 0 ? `It reaches the hypothesis at ${timesText(log10Factor)} times as many vectors as were measured, and goes on falling.`
      : `It passed the hypothesis at ${countText(log10Reached)} vectors, and goes on falling.`;
    ui.say(!known ? `The mean is ${fixed(mean, 2)}. Predict where it reaches ${fixed(hypothesis, 2)}: drag the diamond, then ask.`
      : `In ${dimensionText(k)} dimensions the mean falls by ${falls.slice(1)} between 40% and 100% of the vectors. ${across}`
        + (model.get("predict") ? ` You guessed ${countText(Math.log10(model.get("guess")))}.` : ""));
    if (report(model, "summary", { hypothesis, mean, median, fall, log10_factor: log10Factor, log10_reached: log10Reached })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    answer.stop, listen(model, ["guess"], repaint), listen(model, ["predict"], () => { told = false; }), onWidth(ui.stage, () => repaint()),
    () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
