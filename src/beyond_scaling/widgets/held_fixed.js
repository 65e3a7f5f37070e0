// "What is held fixed?": equation 2 and a balance n(d), solved for the exponent of N against D by linear algebra on logarithms.
import { amend, haloed, listen, markKey, plotBox, report, stroke, styled } from "./curves.js";
import { axes, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg } from "./ui.js";

const UNKNOWNS = ["T", "d_emb", "l", "A"];
const DECADES = [2, 12]; // of data and of model size in the plot
const MARGIN = { left: 50, right: 68, top: 26, bottom: 40 };
const TINY = 1e-9;
const NAMES = {
  printed: "as printed", experiment: "width", activation: "width, n = d_emb", width: "context", ratio: "width + context",
  depth: "width + depth", own: "my own way",
};
const LAWS = { "upper-bound": "upper bound", "printed-integral": "printed integral", "true-integral": "true integral" };
const LAW_TEXT = { "upper-bound": "n = d²/π", "printed-integral": "n ≈ 2πe (log d)²", "true-integral": "n ≈ 2πe log d" };

/**
 * Growth of T, d_emb, l and A as powers of n, where n itself grows with power 1.
 * @param {{powers: Object<string, number>, right: number}[]} rows each: a product of the four grows as n^right
 * @returns {Object<string, number>} Gauss-Jordan elimination with the largest pivot; an Error if the rows do not fix all four
 */
export function growthInN(rows) {
  const table = rows.map(({ powers, right }) => [...UNKNOWNS.map((name) => powers[name] ?? 0), right]);
  const size = UNKNOWNS.length;
  for (let column = 0; column < size; column += 1) {
    let best = column;
    for (let i = column; i < table.length; i += 1) if (Math.abs(table[i][column]) > Math.abs(table[best]?.[column] ?? 0)) best = i;
    if (!table[best] || Math.abs(table[best][column]) < TINY) throw new Error(`what is held fixed leaves ${UNKNOWNS[column]} open`);
    [table[column], table[best]] = [table[best], table[column]];
    const lead = table[column][column];
    table[column] = table[column].map((v) => v / lead);
    table.forEach((row, i) => {
      if (i !== column) table[i] = row.map((v, k) => v - row[column] * table[column][k]);
    });
  }
  return Object.fromEntries(UNKNOWNS.map((name, i) => [name, table[i][size] + 0]));
}

/**
 * How N grows with D: N ~ D^power (log D)^logPower.
 * @param {Object<string, number>} growth of T, d_emb, l, A in n @param {[number, number]} balance n ~ d^power (log d)^logPower
 */
export function sizeAgainstData(growth, [power, logPower]) {
  const size = growth.A + growth.l + 2 * growth.d_emb; // N = A l d_emb²
  // D = T d: where n is a power of d so is T; where it is a power of log d, log D and log d are alike.
  return power > 0 ? { power: size / (growth.T + 1 / power), logPower: 0, size } : { power: 0, logPower: size * logPower, size };
}

/** log of the factor by which n grows, for log d = start + more. */
const dimensionGrowth = ([power, logPower], start, more) => power * more + logPower * Math.log(1 + more / start);

/**
 * log of the factor by which N grows when D grows by e^logFactor, from `patterns` sequences on: exact for the balance's
 * leading law, also where that law is a logarithm.
 */
export function sizeFactor(growth, balance, patterns, logFactor) {
  const start = Math.log(patterns);
  const { size } = sizeAgainstData(growth, balance);
  // log D = log T + log d rises with log d: bisection.
  let [low, high] = [0, logFactor];
  for (let k = 0; k < 100 && high > low; k += 1) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (growth.T * dimensionGrowth(balance, start, middle) + middle < logFactor) low = middle; else high = middle;
  }
  return size * dimensionGrowth(balance, start, low + (high - low) / 2);
}

const isZero = (v) => Math.abs(v) < TINY;

/** A power as readers write it: 2, 1/2, −1, 0.37. */
export function powerText(v) {
  for (const below of [1, 2, 3, 4, 5, 6]) {
    const above = v * below;
    if (Math.abs(above - Math.round(above)) < 1e-6) {
      const text = `${Math.abs(Math.round(above))}${below > 1 ? `/${below}` : ""}`;
      return above < -TINY ? `−${text}` : text;
    }
  }
  return fixed(v, 2);
}

/** "n" to a power, for typeset(): "1", "n", "n^{1/2}". */
const powered = (base, v) => (isZero(v) ? "1" : isZero(v - 1) ? base : `${base}^{${powerText(v)}}`);

/** Nodes for a line such as "N = A l d_{emb}^{2}": ^{...} raised, _{...} lowered. */
function typeset(text) {
  return text.split(/([_^]\{[^}]*\})/).filter(Boolean).map((part) => {
    const found = /^([_^])\{(.*)\}$/.exec(part);
    // Raised and lowered text must not push the lines apart.
    return found ? html(found[1] === "^" ? "sup" : "sub", { text: found[2], style: "line-height:0" }) : document.createTextNode(part);
  });
}

/** A factor as readers write it: 10, 1,000, 10^{7}. */
function factorText(log10) {
  if (log10 > 6.0001) {
    const power = Math.floor(log10 + 1e-9);
    const lead = 10 ** (log10 - power);
    return `${lead < 1.005 ? "" : `${fixed(lead, 1)} · `}10^{${power}}`;
  }
  const value = 10 ** log10;
  return value < 100 ? fixed(value, value < 10 && Math.abs(value - Math.round(value)) > 0.004 ? 2 : 0) : Math.round(value).toLocaleString("en-US");
}
const SUPERSCRIPT = { 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹", "/": "ᐟ", ".": "·", "−": "⁻" };
const superscript = (v) => flat(`^{${powerText(v)}}`);
/** The same on one line of plain text, for readouts and svg. */
const flat = (text) => text.replace(/\^\{([^}]*)\}/g, (_, power) => [...power].map((c) => SUPERSCRIPT[c] ?? c).join("")).replace(/_\{([^}]*)\}/g, "_$1");

function render({ model, el }) {
  const ui = frame(el, {
    title: "What is held fixed?",
    hint: "Choose; the derivation and its exponent follow. Drag the point: how much model do more data need?",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const readings = model.get("readings");
  const balances = model.get("balances");

  const rowsOf = (name) => (name === "own"
    ? [
      { powers: { T: 1, d_emb: 1 }, right: 1 }, { powers: { A: 1 }, right: 0 }, { powers: { T: 1 }, right: model.get("context_share") },
      { powers: { l: 1, d_emb: -model.get("depth_power") }, right: 0 }]
    : [{ powers: readings[name].dimension, right: 1 }, ...readings[name].held.map((powers) => ({ powers, right: 0 }))]);
  const presets = Object.fromEntries(Object.keys(readings).map((name) => [name, growthInN(rowsOf(name))]));
  const growthNow = () => (model.get("held_fixed") === "own" ? growthInN(rowsOf("own")) : presets[model.get("held_fixed")]);

  const set = (name, value) => { model.set(name, value); save(); };
  /** What the two sliders show for a reading. */
  const sliders = (growth) => ({ context_share: growth.T, depth_power: isZero(growth.d_emb) ? 0 : growth.l / growth.d_emb });
  const own = (name, value) => {
    // From the reading that is shown, so that the other slider stays where it is.
    if (model.get("held_fixed") !== "own") model.set(sliders(growthNow()));
    model.set("held_fixed", "own");
    set(name, Math.round(value * 1000) / 1000);
  };
  const putFactor = (log10) => set("factor", 10 ** Math.min(Math.max(log10, 0), DECADES[0]));

  // --- what grows
  const bars = plotBox({ title: "What grows when n grows", label: "Growth of context, width, depth, prefactor and parameters as powers of n", height: 170 });
  const barScale = { x: null };
  const zero = styled("line", {}, { stroke: ink("muted"), "stroke-width": "1px" });
  const ROWS = [["T", "context T"], ["d_emb", "width d_{emb}"], ["l", "depth l"], ["A", "prefactor A"], ["N", "parameters N"]];
  const barRows = ROWS.map(([name, text], i) => ({
    name,
    label: styled("text", { x: 0, y: 26 + i * 32, text: flat(text) }, { "font-weight": 600 }),
    middle: 22 + i * 32,
    bar: styled("rect", { height: 18, rx: 3 }, { fill: ink(name === "N" ? "energy" : "nearest"), "fill-opacity": name === "N" ? 1 : 0.75 }),
    words: haloed("", {}, ink("ink"), 500),
  }));
  bars.board.append(zero, ...barRows.flatMap((row) => [row.label, row.bar, row.words]));
  const lines = html("ol", { "aria-label": "Derivation", style: "margin:0.5rem 0 0;padding:0;list-style:none;display:grid;gap:0.2rem;font-size:0.95rem;line-height:1.55" });
  const left = html("div", { class: "bs-stack" }, bars.node, lines);

  // --- N against D
  const plot = plotBox({ title: "N against D, as growth factors", label: "Growth of the model against growth of the data, logarithmic", ratio: 0.92 });
  const grid = svg("g", { "aria-hidden": "true" });
  const printedLine = styled("path", { "stroke-dasharray": "7 4" }, { fill: "none", stroke: ink("mchn"), "stroke-width": "2px" });
  const others = styled("path", {}, { fill: "none", stroke: ink("muted"), "stroke-opacity": 0.55, "stroke-width": "1.4px" });
  const otherTexts = svg("g", { "aria-hidden": "true" });
  const curve = styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "3.6px" });
  const guide = styled("path", { "stroke-dasharray": "2 4" }, { fill: "none", stroke: ink("accent"), "stroke-width": "1.4px" });
  const point = handle(plot.board, {
    label: () => `Data times ${fixed(model.get("factor"), 1)}`, colour: ink("accent"), horizontal: true,
    onMove: (px) => putFactor(scales.x.invert(px)),
    onKey: (dx, dy) => putFactor(Math.log10(model.get("factor")) + 0.05 * (dx || dy)),
  });
  plot.board.append(grid, others, curve, printedLine, guide, otherTexts, point.node);
  ui.stage.append(left, plot.node);
  ui.controls.before(markKey([
    ["what you chose", stroke(ink("energy"), { width: 3.6 })], ["the printed N ∝ D²", stroke(ink("mchn"), { dash: "7 4", width: 2 })],
    ["other choices", styled("line", { x1: -12, x2: 12, y1: 0, y2: 0 }, { stroke: ink("muted"), "stroke-opacity": 0.55, "stroke-width": "1.4px" })],
  ]));

  // --- controls
  const choice = segmented({
    label: "Let n grow by", options: [...Object.keys(readings), "own"].map((name) => [name, NAMES[name] ?? name]), value: model.get("held_fixed"),
    onChange: (name) => {
      model.set("held_fixed", name);
      if (name !== "own") model.set(sliders(presets[name]));
      save();
    },
  });
  const balance = segmented({
    label: "Balance", options: Object.keys(LAWS).filter((name) => name in balances).map((name) => [name, LAWS[name] ?? name]), value: model.get("balance"),
    onChange: (name) => set("balance", name),
  });
  const share = slider({
    label: "T’s share", min: 0, max: 1, step: 0.01, value: model.get("context_share"), onInput: (v) => own("context_share", v),
  });
  const depth = slider({
    label: "Power of depth", min: -1, max: 1, step: 0.01, value: model.get("depth_power"), onInput: (v) => own("depth_power", v),
  });
  const data = slider({
    label: "Data D ×", min: 0, max: DECADES[0], step: 0.01, value: Math.log10(model.get("factor")), format: (v) => fixed(10 ** v, 10 ** v < 9.95 ? 1 : 0),
    onInput: putFactor,
  });
  ui.stage.before(choice.node, balance.node);
  for (const node of [choice.node, balance.node]) node.style.margin = "0 0 0.5rem";
  ui.controls.append(data.node, share.node, depth.node);

  const scales = {};
  let drawnAt = "";
  function drawFurniture(size) {
    drawnAt = size;
    const [w, h] = [plot.box.clientWidth, plot.box.clientHeight];
    const [x0, x1, bottom, top] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom, MARGIN.top];
    scales.x = linear([0, DECADES[0]], [x0, x1]);
    scales.y = linear([0, DECADES[1]], [bottom, top]);
    axes(grid, scales.x, scales.y, { xLabel: "data D, × as much", yLabel: "model N, × as much", xTicks: 2, yTicks: 6 });
    // Powers of ten for their exponents.
    grid.querySelectorAll(".bs-tick").forEach((node) => { node.textContent = flat(factorLabel(Number(node.textContent.replace("−", "-")))); });
    // The names have a column of their own, or a bar that shrinks would run through them.
    barScale.x = linear([-1, 3], [96, bars.box.clientWidth - 4]);
    amend(zero, { x1: barScale.x(0), x2: barScale.x(0), y1: 6, y2: 166 });
  }
  const factorLabel = (v) => (v < 3 ? `${10 ** Math.round(v)}` : `10^{${Math.round(v)}}`);

  const samples = Array.from({ length: 61 }, (_, k) => (k / 60) * DECADES[0]);
  /** Pixels of a law, up to where it leaves the plot. */
  function trace(growth, law) {
    const xs = [];
    const ys = [];
    for (const v of samples) {
      const height = sizeFactor(growth, law, model.get("patterns"), v * Math.LN10) / Math.LN10;
      if (height > DECADES[1]) {
        const before = ys.length ? scales.y.invert(ys[ys.length - 1]) : 0;
        const k = (DECADES[1] - before) / (height - before);
        const from = xs.length ? xs[xs.length - 1] : scales.x(0);
        xs.push(from + k * (scales.x(v) - from));
        ys.push(scales.y(DECADES[1]));
        break;
      }
      xs.push(scales.x(v));
      ys.push(scales.y(height));
    }
    return { d: pathOf(xs, ys), end: [xs[xs.length - 1], ys[ys.length - 1]] };
  }

  /** The state of a quantity in words. */
  function state(name, growth) {
    const v = growth[name];
    if (name === "N") return isZero(v) ? "fixed" : `∝ ${powered("n", v)}`;
    if (isZero(v)) return "fixed";
    if (name === "l") return `tied: ∝ ${powered("d_{emb}", v / growth.d_emb)}`;
    if (name === "A") return `∝ ${powered("n", v)}`;
    return `free: ∝ ${powered("n", v)}`;
  }

  function derivation(name, growth, law, key, result) {
    const { T, size } = { ...growth, size: result.size };
    const dimension = name === "activation" ? "n = d_{emb}" : "n = T d_{emb}";
    const moves = [isZero(T) ? null : `T ∝ ${powered("n", T)}`, isZero(growth.d_emb) ? null : `d_{emb} ∝ ${powered("n", growth.d_emb)}`]
      .filter(Boolean).join(", ");
    const [power, logPower] = law;
    const dataLine = power > 0
      ? `D = T d ∝ ${isZero(T) ? "" : `${powered("n", T)} · ${powered("n", 1 / power)} = `}${powered("n", T + 1 / power)}`
      : `D = T d: log D ≈ log d ∝ ${powered("n", 1 / logPower)}`;
    const last = power > 0
      ? isZero(size) ? "N does not grow with D" : `N ∝ D^{${powerText(size)} ÷ ${powerText(T + 1 / power)}} = ${powered("D", result.power)}`
      : isZero(size) ? "N does not grow with D" : `N ∝ ${powered("(log D)", result.logPower)}`;
    return [`${dimension}: ${moves}`, `N = A l d_{emb}^{2} ∝ ${powered("n", size)}`, `Z_{t} = 1: ${LAW_TEXT[key] ?? key}`, dataLine, last];
  }

  let shownLines = "";
  function draw() {
    const size = [plot.box.clientWidth, plot.box.clientHeight].join();
    if (size !== drawnAt && plot.box.clientWidth) drawFurniture(size);
    const name = model.get("held_fixed");
    const key = model.get("balance");
    const law = balances[key];
    const growth = growthNow();
    const result = sizeAgainstData(growth, law);
    const all = { ...growth, N: result.size };
    const factor = Math.min(Math.max(model.get("factor"), 1), 10 ** DECADES[0]);
    const logModel = sizeFactor(growth, law, model.get("patterns"), Math.log(factor)) / Math.LN10;
    const told = law[0] > 0 ? powered("D", result.power) : powered("(log D)", result.logPower);
    const lawText = told === "1" ? "N ∝ 1 (no growth)" : `N ∝ ${told}`;

    const text = derivation(name, growth, law, key, result);
    if (text.join("|") !== shownLines) {
      shownLines = text.join("|");
      lines.replaceChildren(...text.map((line, i) => html("li", { style: i === text.length - 1
        ? "font-weight:700;color:var(--bs-energy);margin:0" : "margin:0" }, ...typeset(line))));
    }
    if (scales.x) {
      barRows.forEach((row) => {
        const v = Math.min(Math.max(all[row.name], -1), 3);
        const [from, to] = [barScale.x(Math.min(v, 0)), barScale.x(Math.max(v, 0))];
        amend(row.bar, { x: from, y: row.middle - 9, width: Math.max(to - from, 0) });
        const far = v > 1.5;
        amend(row.words, { x: far ? to - 8 : Math.max(to, barScale.x(0)) + 8, y: row.middle + 4, "text-anchor": far ? "end" : "start", text: flat(state(row.name, all)) });
        row.words.style.fill = far ? ink("ground") : ink("ink");
        row.words.style.stroke = far ? "none" : ink("ground");
      });
      const chosen = trace(growth, law);
      amend(curve, { d: chosen.d });
      amend(printedLine, { d: trace(presets.printed, balances["upper-bound"]).d });
      const seen = new Set([flat(told)]);
      const ends = [];
      const paths = Object.values(presets).map((other) => {
        const { d, end } = trace(other, law);
        const { power, logPower } = sizeAgainstData(other, law);
        const label = flat(law[0] > 0 ? powered("D", power) : powered("(log D)", logPower));
        if (!seen.has(label)) { seen.add(label); ends.push([law[0] > 0 ? `D${superscript(power)}` : label, end]); }
        return d;
      });
      amend(others, { d: paths.join("") });
      ends.push([law[0] > 0 ? `D${superscript(result.power)}` : flat(told), chosen.end, true]);
      // From below upwards, a line of text apart: the logarithms' ends lie close together.
      ends.sort((a, b) => b[1][1] - a[1][1]);
      let floor = Infinity;
      otherTexts.replaceChildren(...ends.map(([label, [px, py], mine]) => {
        const y = Math.min(py + 4, floor - 14);
        floor = y;
        const top = py <= scales.y.range[1] + 1;
        return haloed(label, { x: top ? px : px + 7, y: top ? py - 6 : y, "text-anchor": top ? "middle" : "start" }, mine ? ink("energy") : ink("muted"), mine ? 700 : 500);
      }));
      const [px, py] = [scales.x(Math.log10(factor)), scales.y(Math.min(logModel, DECADES[1]))];
      amend(guide, { d: `M${px.toFixed(1)},${scales.y.range[0]}V${py.toFixed(1)}H${scales.x.range[0]}` });
      point.place(px, py);
      point.relabel();
    }
    choice.set(name);
    balance.set(key);
    share.set(sliders(growth).context_share);
    // With no width to follow, any power of it is fixed depth.
    depth.set(name === "own" ? model.get("depth_power") : sliders(growth).depth_power);
    data.set(Math.log10(factor));
    const words = name === "own" ? "a mixture of your own" : readings[name].words;
    ui.readout([
      ["growth", flat(lawText)], ["data ×", fixed(factor, factor < 9.95 ? 1 : 0)], ["model ×", flat(factorText(logModel))],
      ["printed D² says ×", flat(factorText(2 * Math.log10(factor)))],
    ]);
    ui.say(`${words[0].toUpperCase()}${words.slice(1)}. With the ${LAWS[key]}, ${flat(lawText)}: `
      + `${fixed(factor, factor < 9.95 ? 1 : 0)} times the data, ${isZero(logModel) ? "the same model" : `${flat(factorText(logModel))} times the model`}.`);
    const summary = {
      power: result.power, log_power: result.logPower, growth: all, model_factor: 10 ** logModel,
    };
    if (report(model, "summary", summary)) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["held_fixed", "balance", "context_share", "depth_power", "factor"], repaint), onWidth(ui.stage, () => repaint()),
    () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
