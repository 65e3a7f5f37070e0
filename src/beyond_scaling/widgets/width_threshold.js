// Width against data as the threshold moves: where each size's error falls below it, the line of N against D*, and its slope.
import { between, exponentOf, heightsOf, lineInterval, meanInterval, ofSeed, onGrid, overSeeds, readAt, seedExponents, widestOf } from "./crossings.js";
import { amend, answerAfter, areaPath, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch } from "./curves.js";
import { axesWith } from "./log_axis.js";
import { button, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg, uniqueId } from "./ui.js";
import { countText, thousands, twoFigures } from "./width_words.js";

const PAPER = 0.04; // its sigma squared
const LEVELS = [-2, 0]; // log10 sigma^2
const MOST = 5; // the exponent axis ends here
const ENDLESS = 1e6; // an end without limit, as Python sends it
const HEIGHT = 330;
const MARGIN = { left: 46, right: 14, top: 26, bottom: 40 };
const SWEPT = 241; // thresholds of the lower curve
const POWERS = [[1, "D", "2 4"], [2, "D²", "9 4"], [4, "D⁴", "9 3 2 3"]];
const SHAPES = ["M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z", "M-4.5,-4.5h9v9h-9Z", "M0,-6.4L6.4,0L0,6.4L-6.4,0Z", "M0,-6L5.8,4.6H-5.8Z", "M0,6L5.8,-4.6H-5.8Z"];
const MEASURES = [["mse", "mean squared gap"], ["gap", "mean gap, squared"], ["at_minimum", "gap at the minimum, squared"]];

const clamp = (v, [low, high]) => Math.min(Math.max(v, low), high);
const levelText = (v) => String(Number(v.toPrecision(3)));
/** 1, 2 or 5 times a power of ten as ticks of a logarithmic axis, at most `most` of them. */
function niceTicks([low, high], most, text) {
  for (const leads of [[1, 2, 5], [1, 3], [1]]) {
    const found = [];
    for (let k = Math.floor(low); k <= high; k += 1) for (const lead of leads) {
      const at = k + Math.log10(lead);
      if (at >= low - 1e-9 && at <= high + 1e-9) found.push([at, text(lead * 10 ** k)]);
    }
    if (found.length <= most || leads.length === 1) return found;
  }
  return [];
}
const limitText = (v) => (Math.abs(v) >= ENDLESS || !Number.isFinite(v) ? "∞" : fixed(v, 2));
const intervalText = (ends) => (!ends ? "none" : Math.abs(ends[1]) >= ENDLESS || !Number.isFinite(ends[1]) ? `${limitText(ends[0])} and up` : `${limitText(ends[0])} to ${limitText(ends[1])}`);

function render({ model, el }) {
  const ui = frame(el, {
    title: "Does the exponent depend on the threshold?",
    hint: "Drag the level σ². Each curve's crossing is a D*; N against D* gives the exponent.",
    two: true,
  });
  ui.root.classList.add("bs-roomy", "bs-threshold");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const put = (traits) => { model.set(traits); save(); };
  const rows = model.get("rows");
  const bands = model.get("bands");
  const colours = rows.map((_, i) => `color-mix(in oklab, ${ink("energy")}, ${ink("mchn")} ${rows.length > 1 ? Math.round((100 * i) / (rows.length - 1)) : 0}%)`);
  const shape = (i, scale = 1) => styled("path", { d: SHAPES[i % SHAPES.length], transform: `scale(${scale})` }, { fill: colours[i], stroke: ink("ground"), "stroke-width": "1.4px" });

  const answer = answerAfter(model, ["sigma2", "rule", "measure", "size"], () => repaint());
  let told = false; // whether the reader asked for the answer
  const open = () => told || answer.open();

  // --- what the threshold makes of the rows
  const sizesNow = () => rows.map((row) => row[model.get("size")]);
  const tables = new Map(); // measure -> [{row, mean, heights}]
  function tableOf(measure) {
    if (!tables.has(measure)) tables.set(measure, rows.map((row) => {
      const mean = overSeeds(row.values[measure]);
      return { row, mean, ...heightsOf(mean) };
    }));
    return tables.get(measure);
  }
  const crossing = (data, values, sigma2) => (model.get("rule") === "grid" ? onGrid : between)(data, values, sigma2);
  const starsAt = (sigma2) => tableOf(model.get("measure")).map(({ row, mean }) => crossing(row.D, mean, sigma2));
  /** The interval of p: what the seeds leave open, or, for the paper's rule, the cells of its grid. */
  function intervalAt(sigma2, fit) {
    if (model.get("rule") === "grid") return fit.p === null || !fit.cells ? null : fit.cells.map((v) => Math.min(v, ENDLESS));
    const band = bands[model.get("measure")][model.get("size")];
    const logs = bands.sigma2.map(Math.log10);
    const ends = [band.low, band.high].map((values) => readAt(logs, values, Math.log10(sigma2)));
    return fit.p === null || ends.includes(null) ? null : ends;
  }
  const seedStar = (i, seed, sigma2) => {
    const [data, values] = ofSeed(rows[i], rows[i].values[model.get("measure")], seed);
    return data.length ? crossing(data, values, sigma2) : null;
  };
  /** The widest of the seeds' interval, that of the exponents of single seeds, and that of the line; null for the paper's rule. */
  function widestAt(sigma2, stars, fit, interval) {
    if (model.get("rule") === "grid" || fit.p === null) return null;
    const quantiles = model.get("quantiles");
    const bySeed = seedExponents(rows, sizesNow(), stars, (i, seed) => (rows[i].seeds.includes(seed) ? seedStar(i, seed, sigma2) : null));
    const found = widestOf([interval, meanInterval(bySeed, quantiles), lineInterval(sizesNow(), stars, fit, quantiles)]);
    return found && found.map((v) => clamp(v, [-ENDLESS, ENDLESS]));
  }
  let sweepOf = "";
  let sweep = null;
  /** p and its interval over all thresholds: at those of the intervals and between them. */
  function sweepNow() {
    const key = ["rule", "measure", "size"].map((name) => model.get(name)).join();
    if (key === sweepOf) return sweep;
    sweepOf = key;
    const at = Array.from({ length: SWEPT }, (_, i) => LEVELS[0] + ((LEVELS[1] - LEVELS[0]) * i) / (SWEPT - 1));
    sweep = at.map((log) => {
      const stars = starsAt(10 ** log);
      const fit = exponentOf(sizesNow(), stars);
      const interval = intervalAt(10 ** log, fit);
      return { log, stars, ...fit, interval, widest: widestAt(10 ** log, stars, fit, interval) };
    });
    return sweep;
  }

  // --- left: the errors
  const putLevel = (log) => {
    const v = 10 ** clamp(log, LEVELS);
    // The paper's own value is easy to hit.
    put({ sigma2: Math.abs(Math.log10(v / PAPER)) < 0.008 ? PAPER : clamp(Number(v.toPrecision(3)), [0.01, 1]) });
  };
  const ids = { left: uniqueId("clip"), right: uniqueId("clip"), below: uniqueId("clip") };
  const clips = { left: svg("rect"), right: svg("rect"), below: svg("rect") };
  const errorsBox = plotBox({ title: " ", label: "The squared gap of every size over the tokens D, with the threshold", height: HEIGHT });
  const errorAxes = svg("g");
  const inside = svg("g", { "clip-path": `url(#${ids.left})`, "aria-hidden": "true" });
  const lines = rows.map((_, i) => styled("path", {}, { fill: "none", stroke: colours[i], "stroke-width": "2.2px" }));
  const seedDots = rows.map((_, i) => styled("path", {}, { fill: colours[i], "fill-opacity": 0.5 }));
  const means = rows.map(() => svg("g"));
  inside.append(...seedDots, ...lines, ...means);
  const level = styled("line", { "stroke-dasharray": "7 4" }, { stroke: ink("good"), "stroke-width": "2.2px" });
  const levelLabel = haloed("", { "text-anchor": "start" }, ink("good"), 700);
  const drops = rows.map((_, i) => styled("line", { "stroke-dasharray": "2 4" }, { stroke: colours[i], "stroke-width": "1.5px" }));
  const cells = rows.map((_, i) => styled("rect", { height: 9, rx: 3 }, { fill: colours[i], "fill-opacity": 0.4 }));
  const marks = rows.map((_, i) => styled("circle", { r: 5.5 }, { fill: ink("ground"), stroke: colours[i], "stroke-width": "2.6px" }));
  const levelHandle = handle(errorsBox.board, {
    label: () => `Threshold sigma squared: ${levelText(model.get("sigma2"))}`, colour: ink("good"), shape: "diamond", radius: 7,
    onMove: (px, py) => putLevel(scales.value.invert(py)),
    onKey: (dx, dy) => putLevel(Math.log10(model.get("sigma2")) + 0.05 * (dx + dy)),
  });
  errorsBox.board.append(svg("defs", {}, svg("clipPath", { id: ids.left }, clips.left)), errorAxes, inside, level, ...drops, ...cells, ...marks, levelLabel, levelHandle.node);

  // --- right: N against D*
  const lawBox = plotBox({ title: "Model size N against D*", label: "Model size against D star on logarithmic axes, with the fitted line", height: HEIGHT });
  const lawAxes = svg("g");
  const lawInside = svg("g", { "clip-path": `url(#${ids.right})`, "aria-hidden": "true" });
  const fan = styled("path", {}, { fill: ink("ink"), "fill-opacity": 0.1 });
  const slopes = POWERS.map(([, , dash]) => styled("path", { "stroke-dasharray": dash }, { fill: "none", stroke: ink("muted"), "stroke-width": "1.5px" }));
  const slopeNames = POWERS.map(([, name]) => haloed(name, { "text-anchor": "middle" }, ink("muted"), 600));
  const fitLine = styled("path", {}, { fill: "none", stroke: ink("ink"), "stroke-width": "2.6px" });
  const guessLine = styled("path", { "stroke-dasharray": "5 3" }, { fill: "none", stroke: ink("accent"), "stroke-width": "2.2px" });
  lawInside.append(fan, ...slopes, guessLine, fitLine);
  const reach = rows.map((_, i) => styled("line", {}, { stroke: colours[i], "stroke-width": "6px", "stroke-opacity": 0.35 }));
  const seedStars = rows.map((_, i) => styled("path", {}, { fill: colours[i], "fill-opacity": 0.6 }));
  const points = rows.map((_, i) => { const g = svg("g", { "aria-hidden": "true" }); g.append(shape(i, 1.25)); return g; });
  const arrows = rows.map((_, i) => styled("path", {}, { fill: "none", stroke: colours[i], "stroke-width": "2.4px" }));
  const pText = haloed("", { "text-anchor": "end" }, ink("ink"), 700);
  const lawWords = haloed("", { "text-anchor": "start" }, ink("muted"));
  const guessText = haloed("", { "text-anchor": "end" }, ink("accent"));
  const guess = handle(lawBox.board, {
    label: () => `Your guess: N grows as D to the power ${fixed(model.get("guess"), 1)}`, colour: ink("accent"), horizontal: true, shape: "diamond", radius: 7,
    onMove: (px) => putGuess(rise() / Math.max(scales.x.invert(px) - anchor()[0], 1e-6)),
    onKey: (dx, dy) => putGuess(model.get("guess") + 0.1 * (dy - dx)),
  });
  const putGuess = (v) => put({ guess: Math.round(10 * clamp(v, [0.5, 8])) / 10 });
  lawBox.board.append(svg("defs", {}, svg("clipPath", { id: ids.right }, clips.right)), lawAxes, lawInside, ...slopeNames, ...reach, ...seedStars, ...arrows, ...points, pText, lawWords, guessText, guess.node);
  ui.stage.append(errorsBox.node, lawBox.node);

  // --- below: p over the threshold
  const sweepBox = plotBox({ title: "Exponent p over the threshold", label: "The exponent and its interval over the threshold sigma squared", height: 200 });
  const sweepAxes = svg("g");
  const sweepInside = svg("g", { "clip-path": `url(#${ids.below})`, "aria-hidden": "true" });
  const refs = POWERS.map(([, , dash]) => styled("line", { "stroke-dasharray": dash }, { stroke: ink("muted"), "stroke-width": "1.5px" }));
  const refNames = POWERS.map(([, name]) => haloed(`N ∝ ${name}`, { "text-anchor": "start" }, ink("muted"), 600));
  const wide = styled("path", {}, { fill: ink("ink"), "fill-opacity": 0.1 });
  const band = styled("path", {}, { fill: ink("ink"), "fill-opacity": 0.16 });
  const curve = styled("path", {}, { fill: "none", stroke: ink("ink"), "stroke-width": "2.6px" });
  const thin = styled("path", { "stroke-dasharray": "2 3" }, { fill: "none", stroke: ink("ink"), "stroke-width": "1.8px" });
  const paperLine = styled("line", { "stroke-dasharray": "1 4" }, { stroke: ink("good"), "stroke-width": "1.6px" });
  const paperText = haloed("the paper’s 0.04", { "text-anchor": "start" }, ink("good"), 500);
  const now = styled("line", {}, { stroke: ink("good"), "stroke-width": "2px" });
  const sweepWords = haloed("", { "text-anchor": "middle" }, ink("muted"));
  const sweepHandle = handle(sweepBox.board, {
    label: () => `Threshold sigma squared: ${levelText(model.get("sigma2"))}`, colour: ink("good"), horizontal: true, shape: "diamond", radius: 7,
    onMove: (px) => putLevel(scales.level.invert(px)),
    onKey: (dx, dy) => putLevel(Math.log10(model.get("sigma2")) + 0.05 * (dx + dy)),
  });
  sweepInside.append(wide, band, ...refs, paperLine, thin, curve);
  sweepBox.board.append(svg("defs", {}, svg("clipPath", { id: ids.below }, clips.below)), sweepAxes, sweepInside, ...refNames, paperText, now, sweepWords, sweepHandle.node);

  // --- controls and legend
  const rule = segmented({
    label: "D*", options: [["interpolated", "interpolated"], ["grid", "first that passes"]], value: model.get("rule"), onChange: (v) => put({ rule: v }),
  });
  const size = segmented({
    label: "N", options: [["N", "in the blocks"], ["total", "with embeddings"]], value: model.get("size"), onChange: (v) => put({ size: v }),
  });
  const measure = segmented({ label: "Compared with σ²", options: MEASURES, value: model.get("measure"), onChange: (v) => put({ measure: v }) });
  const threshold = slider({
    label: "Threshold σ²", min: LEVELS[0], max: LEVELS[1], step: 0.01, value: Math.log10(model.get("sigma2")), format: () => levelText(model.get("sigma2")),
    onInput: putLevel,
  });
  const toPaper = button({ label: "the paper’s 0.04", onClick: () => put({ sigma2: PAPER }) });
  const ask = button({ label: "Show D* and p", onClick: () => { told = true; repaint(); } });
  const legend = html("div");
  let legendOf = "";
  function drawLegend() {
    const grid = model.get("rule") === "grid";
    const key = [grid, model.get("size")].join();
    if (key === legendOf) return;
    legendOf = key;
    legend.replaceChildren(markKey([
      ...rows.map((row, i) => [`N = ${thousands(row[model.get("size")])}`, svg("g", {}, stroke(colours[i], { width: 2 }), shape(i))]),
      ["single seeds", svg("g", {}, ...[-7, 0, 7].map((cx) => styled("circle", { cx, r: 2.2 }, { fill: ink("muted") })))],
      ["fitted line", stroke(ink("ink"), { width: 2.6 })],
      [grid ? "exponents that the grid allows" : "95% interval, from the seeds", swatch(ink("ink"), "none", { opacity: grid ? 0.16 : 0.25 })],
      ...(grid ? [] : [["widest of three intervals", swatch(ink("ink"), "none", { opacity: 0.1 })]]),
      ["N ∝ D, D², D⁴", stroke(ink("muted"), { dash: "9 4", width: 1.5 })],
      ["fewer sizes", stroke(ink("ink"), { dash: "2 3", width: 1.8 })],
    ]));
  }
  ui.stage.after(sweepBox.node, legend);
  sweepBox.node.classList.add("bs-sweep");
  ui.stage.before(html("div", { class: "bs-controls bs-switches" }, threshold.node, toPaper, ask));
  ui.controls.append(rule.node, size.node, measure.node);

  const scales = {};
  const logD = rows.flatMap((row) => [row.D[0], row.D.at(-1)]).map(Math.log10);
  const span = [Math.min(...logD), Math.max(...logD)];
  const domainX = [span[0] - 0.07, span[1] + 0.07];
  const heightText = (v) => (v >= 1 ? fixed(v, 0) : v >= 0.1 ? fixed(v, 1) : v >= 0.01 ? fixed(v, 2) : fixed(v, 3));
  const anchor = () => [Math.log10(starNow[0]?.d ?? rows[0].D[Math.floor(rows[0].D.length / 2)]), Math.log10(sizesNow()[0])];
  const rise = () => Math.log10(sizesNow().at(-1)) - Math.log10(sizesNow()[0]);
  let starNow = [];
  let furniture = "";

  function layOut() {
    const measureNow = model.get("measure");
    const key = [errorsBox.box.clientWidth, lawBox.box.clientWidth, sweepBox.box.clientWidth, measureNow, model.get("size"), model.get("rule"), open()].join();
    if (key === furniture) return;
    furniture = key;
    const w = errorsBox.box.clientWidth;
    const frameOf = (box, height) => ({ left: MARGIN.left, right: box.clientWidth - MARGIN.right, bottom: height - MARGIN.bottom, top: MARGIN.top });
    const place = (clip, f) => amend(clip, { x: f.left, y: f.top, width: f.right - f.left, height: f.bottom - f.top });
    const a = frameOf(errorsBox.box, HEIGHT);
    const table = tableOf(measureNow);
    const values = table.flatMap(({ row }) => row.values[measureNow].flat()).filter((v) => v !== null && v > 0);
    const domain = [Math.min(-2.05, Math.max(-3, Math.log10(Math.min(...values)) - 0.1)), Math.max(0.05, Math.log10(Math.max(...values)) + 0.12)];
    scales.x = linear(domainX, [a.left, a.right]);
    scales.value = linear(domain, [a.bottom, a.top]);
    place(clips.left, a);
    const xTicks = niceTicks(domainX, Math.floor((a.right - a.left) / 42), countText);
    axesWith(errorAxes, scales.x, scales.value, { xTicks, yTicks: niceTicks(domain, 12, heightText), xLabel: "tokens D", yLabel: "nats²" });
    const px = (d) => scales.x(Math.log10(d));
    const py = (v) => scales.value(v > 0 ? Math.log10(v) : domain[0] - 0.2);
    table.forEach(({ row, mean, heights, back }, i) => {
      const visible = open() || i === 0;
      for (const node of [lines[i], seedDots[i], means[i]]) shown(node, visible);
      amend(lines[i], { d: pathOf(row.D.map(px), heights.map((h) => py(back(h)))) });
      amend(seedDots[i], { d: row.values[measureNow].flatMap((seed) => seed.map((v, k) => (v === null ? "" : `M${px(row.D[k]).toFixed(1)},${py(v).toFixed(1)}m-2.2,0a2.2,2.2 0 1 0 4.4,0a2.2,2.2 0 1 0 -4.4,0`))).join("") });
      means[i].replaceChildren(...mean.map((v, k) => {
        const g = svg("g", { transform: `translate(${px(row.D[k]).toFixed(1)},${py(v).toFixed(1)})` });
        g.append(shape(i, 0.85));
        return g;
      }));
    });

    const b = frameOf(lawBox.box, HEIGHT);
    const logN = sizesNow().map(Math.log10);
    const room = Math.max(0.12, 0.16 * (logN.at(-1) - logN[0]));
    const domainN = [logN[0] - room, logN.at(-1) + room];
    const found = sweepNow().flatMap(({ stars }) => stars.map(({ d }) => d)).filter((d) => d !== null).map(Math.log10);
    const domainStar = found.length ? [Math.min(...found) - 0.12, Math.max(...found) + 0.12] : domainX;
    scales.lawX = linear(domainStar, [b.left, b.right]);
    scales.n = linear(domainN, [b.bottom, b.top]);
    place(clips.right, b);
    axesWith(lawAxes, scales.lawX, scales.n, { xTicks: niceTicks(domainStar, Math.floor((b.right - b.left) / 42), countText), yTicks: niceTicks(domainN, 9, countText), xLabel: "D*, tokens", yLabel: "N" });

    const c = frameOf(sweepBox.box, 200);
    scales.level = linear(LEVELS, [c.left, c.right]);
    scales.p = linear([0, MOST], [c.bottom, c.top]);
    place(clips.below, c);
    axesWith(sweepAxes, scales.level, scales.p, { xTicks: niceTicks(LEVELS, w < 340 ? 5 : 7, (v) => String(Number(v.toPrecision(1)))), yTicks: [0, 1, 2, 3, 4, 5].map((v) => [v, String(v)]), xLabel: "threshold σ², nats²", yLabel: "p" });
    POWERS.forEach(([p], i) => {
      amend(refs[i], { x1: c.left, x2: c.right, y1: scales.p(p), y2: scales.p(p) });
      amend(refNames[i], { x: c.left + 5, y: scales.p(p) - 5 });
    });
    const paperAt = scales.level(Math.log10(PAPER));
    amend(paperLine, { x1: paperAt, x2: paperAt, y1: c.bottom, y2: c.top });
    amend(paperText, { x: paperAt + 5, y: c.top + 13 });
  }

  function drawErrors(stars, sigma2) {
    const y = scales.value(Math.log10(sigma2));
    const [left, right] = scales.x.range;
    const bottom = scales.value.range[0];
    amend(level, { x1: left, x2: right, y1: y, y2: y });
    amend(levelLabel, { x: left + 6, y: y + (y + 18 > bottom ? -7 : 16), text: `σ² = ${levelText(sigma2)}` });
    levelHandle.place(right, y);
    levelHandle.relabel();
    const grid = model.get("rule") === "grid";
    stars.forEach(({ d, low, high }, i) => {
      const visible = d !== null && (open() || i === 0);
      for (const node of [drops[i], marks[i]]) shown(node, visible);
      shown(cells[i], visible && grid);
      if (!visible) return;
      const x = scales.x(Math.log10(d));
      amend(drops[i], { x1: x, x2: x, y1: y, y2: bottom });
      amend(marks[i], { cx: x, cy: y });
      if (grid) amend(cells[i], { x: scales.x(Math.log10(low)), width: x - scales.x(Math.log10(low)), y: y - 4.5 });
    });
  }

  function drawLaw(stars, fit, interval, sigma2) {
    const { lawX: x, n: y } = scales;
    const sizes = sizesNow().map(Math.log10);
    const known = open();
    const [left, right] = x.range;
    const [bottom, top] = y.range;
    const grid = model.get("rule") === "grid";
    stars.forEach(({ d, low, high, side }, i) => {
      const visible = known || i === 0;
      const py = y(sizes[i]);
      shown(points[i], visible && d !== null);
      shown(arrows[i], visible && d === null);
      shown(reach[i], visible && d !== null && grid);
      shown(seedStars[i], visible);
      if (d !== null) {
        amend(points[i], { transform: `translate(${x(Math.log10(d)).toFixed(1)},${py.toFixed(1)})` });
        if (grid) amend(reach[i], { x1: x(Math.log10(low)), x2: x(Math.log10(high)), y1: py, y2: py });
      } else {
        const at = clamp(x(Math.log10(side === "below" ? high : low)), [left + 18, right - 18]);
        const to = side === "below" ? -1 : 1;
        amend(arrows[i], { d: `M${at.toFixed(1)},${py.toFixed(1)}h${16 * to}m${-5 * to},-5l${5 * to},5l${-5 * to},5M${at.toFixed(1)},${(py - 5).toFixed(1)}v10` });
      }
      const seeds = rows[i].seeds.map((seed) => seedStar(i, seed, sigma2)?.d ?? null).filter((v) => v !== null);
      amend(seedStars[i], { d: seeds.map((v) => `M${x(Math.log10(v)).toFixed(1)},${py.toFixed(1)}m-2.4,0a2.4,2.4 0 1 0 4.8,0a2.4,2.4 0 1 0 -4.8,0`).join("") });
    });
    // Lines through the centre of what is fitted or, without a fit, of the middle of the picture.
    const centre = fit.at ? fit.at.map((v) => v / Math.LN10) : [(x.domain[0] + x.domain[1]) / 2, (y.domain[0] + y.domain[1]) / 2];
    const through = (p, [cx, cy]) => pathOf(x.range, x.domain.map((v) => y(cy + p * (v - cx))));
    POWERS.forEach(([p], i) => {
      shown(slopes[i], known && fit.p !== null);
      shown(slopeNames[i], known && fit.p !== null);
      amend(slopes[i], { d: through(p, centre) });
      // Its name stands where the line leaves the picture upwards, or to the right.
      const exit = Math.min(centre[0] + (y.domain[1] - centre[1]) / p, x.domain[1]);
      const at = [x(exit), y(centre[1] + p * (exit - centre[0]))];
      amend(slopeNames[i], { x: clamp(at[0], [left + 14, right - 14]), y: Math.max(at[1] - 5, top - 5) });
    });
    shown(fitLine, known && fit.p !== null);
    if (fit.p !== null) amend(fitLine, { d: through(fit.p, centre) });
    shown(fan, known && interval !== null);
    if (interval) {
      const [lowP, highP] = interval.map((p) => clamp(p, [-1e4, 1e4]));
      const far = x.domain[1] - x.domain[0];
      const corner = (p, side) => `${x(centre[0] + side * far).toFixed(1)},${y(centre[1] + side * p * far).toFixed(1)}`;
      const middle = `${x(centre[0]).toFixed(1)},${y(centre[1]).toFixed(1)}`;
      amend(fan, { d: [1, -1].map((side) => `M${middle}L${corner(lowP, side)}L${corner(highP, side)}Z`).join("") });
    }
    shown(pText, known && fit.p !== null);
    amend(pText, { x: right - 8, y: bottom - 12, text: fit.p === null ? "" : `p = ${fixed(fit.p, 2)}` });
    const words = !known ? "Where are the larger models?" : fit.p === null ? `${fit.sizes} of ${rows.length} sizes cross: no p` : "";
    shown(lawWords, words !== "");
    amend(lawWords, { x: left + 8, y: top + 44, text: words }); // under the label of the guess
    const asked = model.get("predict");
    for (const node of [guess.node, guessText, guessLine]) shown(node, asked);
    if (asked) {
      const from = anchor();
      const p = model.get("guess");
      amend(guessLine, { d: through(p, from) });
      const px = clamp(x(from[0] + rise() / p), [left, right]);
      guess.place(px, y(sizes.at(-1)));
      guess.relabel();
      amend(guessText, { x: px - 12, y: y(sizes.at(-1)) - 8, text: `your p = ${fixed(p, 1)}` });
      amend(guessText, px - left < 90 ? { x: px + 12, "text-anchor": "start" } : { "text-anchor": "end" });
    }
  }

  let curveOf = "";
  function drawSweep(fit, sigma2) {
    const known = open();
    for (const node of [wide, band, curve, thin]) shown(node, known);
    shown(sweepWords, !known);
    amend(sweepWords, { x: (scales.level.range[0] + scales.level.range[1]) / 2, y: scales.p(3) + 4, text: "Predict, then ask, or drag." });
    const key = [sweepBox.box.clientWidth, model.get("rule"), model.get("measure"), model.get("size"), known].join();
    if (key !== curveOf && known) {
      curveOf = key;
      const swept = sweepNow();
      const most = Math.max(...swept.map(({ sizes }) => sizes));
      const xs = swept.map(({ log }) => scales.level(log));
      const py = (v) => scales.p(clamp(v, [-MOST, 3 * MOST]));
      // A step of the grid rule is a jump; a change of sizes starts another line.
      const path = (test) => pathOf(xs, swept.map((one) => (one.p !== null && test(one) ? py(one.p) : NaN)));
      amend(curve, { d: path(({ sizes }) => sizes === most) });
      amend(thin, { d: path(({ sizes }) => sizes < most) });
      const area = (ends) => {
        const runs = [];
        swept.forEach((one, k) => {
          if (!ends(one)) { runs.push(null); return; }
          const last = runs.at(-1);
          if (last && last.sizes === one.sizes) last.at.push(k); else runs.push({ sizes: one.sizes, at: [k] });
        });
        return runs.filter((run) => run && run.at.length > 1)
          .map(({ at }) => areaPath(at.map((k) => xs[k]), at.map((k) => py(ends(swept[k])[1])), at.map((k) => py(ends(swept[k])[0])))).join("");
      };
      amend(band, { d: area(({ interval }) => interval) });
      amend(wide, { d: area(({ widest }) => widest) });
    }
    const x = scales.level(Math.log10(sigma2));
    amend(now, { x1: x, x2: x, y1: scales.p.range[0], y2: scales.p.range[1] });
    sweepHandle.place(x, known && fit.p !== null ? scales.p(clamp(fit.p, [0, MOST])) : scales.p(0.5));
    sweepHandle.relabel();
  }

  /** A D* in words; where a row is censored, on which side. */
  const starText = ({ d, low, high, side }) => (side === "below" ? `below ${thousands(high)}` : side === "above" ? `above ${thousands(low)}` : thousands(Math.round(d)));

  let begun = false; // the sweep over thresholds has a frame of its own
  function draw() {
    if (!begun) {
      begun = true;
      sweepNow();
      repaint();
      return;
    }
    const sigma2 = model.get("sigma2");
    const stars = starsAt(sigma2);
    starNow = stars;
    const fit = exponentOf(sizesNow(), stars);
    const interval = intervalAt(sigma2, fit);
    const widest = widestAt(sigma2, stars, fit, interval);
    const known = open();
    if (errorsBox.box.clientWidth) {
      layOut();
      drawErrors(stars, sigma2);
      drawLaw(stars, fit, widest ?? interval, sigma2);
      drawSweep(fit, sigma2);
    }
    drawLegend();
    errorsBox.setTitle(`${MEASURES.find(([name]) => name === model.get("measure"))[1]} against D`.replace(/^./, (first) => first.toUpperCase()));
    threshold.set(Math.log10(sigma2));
    rule.set(model.get("rule"));
    size.set(model.get("size"));
    measure.set(model.get("measure"));
    toPaper.disabled = sigma2 === PAPER;
    shown(ask, model.get("predict"));
    ask.disabled = known;
    const grid = model.get("rule") === "grid";
    const whole = widest ?? interval;
    const held = whole ? POWERS.filter(([p]) => p >= whole[0] && p <= whole[1]).map(([p]) => String(p)) : [];
    const holds = !whole ? "–" : held.length ? held.join(", ") : "none";
    ui.readout([
      ["exponent p", !known ? "?" : fit.p === null ? "–" : fixed(fit.p, 2)], [grid ? "the grid allows" : "95%, by seeds", !known ? "?" : fit.p === null || (!interval && !grid) ? "–" : intervalText(interval)],
      ["widest of three", !known ? "?" : widest ? intervalText(widest) : "–"], ["of 1, 2 and 4 it holds", known ? holds : "?"], ["sizes that cross", known ? `${fit.sizes} of ${rows.length}` : "?"],
      ...rows.map((row, i) => [`D* of N = ${countText(row[model.get("size")])}`, known || i === 0 ? starText(stars[i]) : "?"]),
    ]);
    const out = ["above", "below"].map((side) => [side, sizesNow().filter((_, i) => stars[i].side === side).map(thousands)]).filter(([, names]) => names.length)
      .map(([side, names]) => `N = ${names.join(", ").replace(/, ([\d,]+)$/, " and $1")}, D* ${side} ${names.length > 1 ? "their grids" : "its grid"}`);
    const said = fit.p === null ? `${fit.sizes} of ${rows.length} sizes cross inside their grids: too few for an exponent.`
      : `N grows as D* to the power ${fixed(fit.p, 2)}${interval ? `, ${grid ? "the grid allows" : "95% interval from the seeds"} ${intervalText(interval)}` : ""}`
        + `${widest ? `, widest of three intervals ${intervalText(widest)}` : ""}.`
        + (whole ? ` Of 1, 2 and 4 it holds ${holds.replace(/, (\d)$/, " and $1")}.` : grid ? " No one line passes through all cells." : "");
    ui.say(!known ? `At σ² = ${levelText(sigma2)} D* of the smallest model is ${starText(stars[0])}. Predict the others: tilt the line, then ask.`
      : `At σ² = ${levelText(sigma2)}: ${said}${out.length ? ` Left out: ${out.join("; ")}.` : ""}${model.get("predict") ? ` You guessed ${fixed(model.get("guess"), 1)}.` : ""}`);
    if (report(model, "summary", { d_star: stars.map(({ d }) => d), side: stars.map(({ side }) => side), sizes: fit.sizes, p: fit.p, interval, widest })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    answer.stop, listen(model, ["guess"], repaint), listen(model, ["predict"], () => { told = false; }), onWidth(ui.stage, () => repaint()),
    () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
