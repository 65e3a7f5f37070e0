// One slider from the identity to the maximum: a spoilt image, the weights of all stored ones, the blend and its sign, and what
// becomes of every stored image along the whole ladder.
import { amend, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch } from "./curves.js";
import { FAMILIES, TOP, beginsAt, blendOf, ladderOf, rungOf, separated, shares, signOf, similaritiesOf, steepnessAt, takingPart, wrongPixels } from "./ladder.js";
import { axesWith } from "./log_axis.js";
import { PIXELS, SIDE, damagedImage, decodeImage } from "./pixels.js";
import { button, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg } from "./ui.js";

const STEP = 0.25; // between the rungs of the curves
const RUNGS = Array.from({ length: TOP / STEP + 1 }, (_, i) => i * STEP);
const HALF = 0.5;
const MOST = 100; // patterns
const HEIGHT = 380;
const MARGIN = { left: 44, right: 14, top: 44, bottom: 40 };
const BARS = 176;
const COLOUR = { power: "energy", exponential: "mchn" };
// Whose separation function it is: the steepness, the family, and the name at the top of the plot, in one of two lines.
const NAMED = [
  { r: 1, family: "power", name: "Hopfield 1982", button: "Hopfield 1982", line: 0 },
  { r: 2, family: "power", name: "degree 3", button: "Dense memory, degree 3", line: 1 },
  { r: Math.sqrt(PIXELS), family: "exponential", name: "β = 1/√n", button: "Attention, β = 1/√n", line: 0 },
  { r: PIXELS, family: "exponential", name: "Demircigil", button: "Demircigil: β = 1", line: 1 },
  { r: Infinity, family: null, name: "nearest", button: "Nearest pattern", line: 0 },
];

const clamp = (v, [low, high]) => Math.min(Math.max(v, low), high);
const steepText = (r) => (r === Infinity ? "max" : r < 10 ? String(Number(r.toFixed(1))) : Math.round(r).toLocaleString("en-US"));
const percent = (share, digits = 0) => `${fixed(100 * share, digits)}%`;
const pixelText = (count) => `${count} ${count === 1 ? "pixel" : "pixels"}`;

/** A small picture of 8 x 8 pixels with a caption. `draw(values, marked, label)`: values -1 (paper) to 1 (ink); marked: numbers of pixels. */
function picture(name) {
  const ink = "var(--bs-ink)";
  const cells = Array.from({ length: PIXELS }, (_, k) => styled("rect", { x: k % SIDE, y: Math.floor(k / SIDE), width: 1, height: 1, "shape-rendering": "crispEdges" }, { fill: ink }));
  const dots = Array.from({ length: PIXELS }, (_, k) => styled("circle", { cx: (k % SIDE) + 0.5, cy: Math.floor(k / SIDE) + 0.5, r: 0.24 },
    { fill: "var(--bs-bad)", stroke: "var(--bs-ground)", "stroke-width": "0.12px" }));
  let last = []; // as drawn
  let marks = new Set();
  for (const dot of dots) shown(dot, false);
  const board = svg("svg", { viewBox: `-0.1 -0.1 ${SIDE + 0.2} ${SIDE + 0.2}`, role: "img", class: "bs-little" },
    styled("rect", { x: -0.05, y: -0.05, width: SIDE + 0.1, height: SIDE + 0.1 }, { fill: "var(--bs-panel)", stroke: "var(--bs-line)", "stroke-width": "0.1px" }),
    ...cells, ...dots);
  const caption = html("p", { class: "bs-caption" });
  return {
    node: html("div", {}, html("p", { class: "bs-plot-title", text: name }), board, caption),
    draw(values, marked, label, words) {
      const set = new Set(marked);
      for (let k = 0; k < PIXELS; k += 1) {
        if (values[k] !== last[k]) cells[k].style.fillOpacity = String((values[k] + 1) / 2);
        if (set.has(k) !== marks.has(k)) shown(dots[k], set.has(k));
      }
      [last, marks] = [values, set];
      amend(board, { "aria-label": label });
      amend(caption, { text: words });
    },
  };
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "How sharp must the separation be?",
    hint: "Drag from a blur of everything stored to the nearest image.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const put = (traits) => { model.set(traits); save(); };
  const putRung = (v) => {
    // Whole rungs, those of the named networks among them, are easy to hit.
    const rung = clamp(v, [0, TOP]);
    put({ rung: Math.abs(rung - Math.round(rung)) < 0.04 ? Math.round(rung) : Number(rung.toFixed(2)) });
  };
  const putGuess = (v) => put({ guess: Number(clamp(v, [0, TOP]).toFixed(1)) });
  const nameOf = (i) => model.get("labels")[i] ?? String(i + 1);
  let told = false; // whether the reader asked for the curves
  const open = () => told || !model.get("predict");

  // --- what is stored, and what is asked
  let imagesOf = null;
  let images = [];
  function stored() {
    const codes = model.get("patterns");
    if (codes !== imagesOf) { imagesOf = codes; images = codes.map(decodeImage); }
    return images.slice(0, model.get("count"));
  }
  const queryOf = (patterns, i) => damagedImage(patterns[i], { noise: model.get("noise"), seed: MOST * model.get("seed") + i, painted: [], erased: [] });
  let sweepOf = "";
  let sweep = null;
  /** Both families over the whole ladder, and a function for any place on it. */
  function sweepNow(patterns) {
    const key = [model.get("patterns").join(), patterns.length, model.get("noise"), model.get("seed")].join();
    if (key === sweepOf) return sweep;
    sweepOf = key;
    const at = ladderOf(patterns, patterns.map((_, i) => queryOf(patterns, i)));
    sweep = { at };
    for (const family of FAMILIES) {
      const values = RUNGS.map((rung) => at(family, steepnessAt(rung)));
      const begins = beginsAt(RUNGS, values.map(({ whole }) => whole), HALF);
      sweep[family] = { values, begins };
    }
    return sweep;
  }
  const beginsText = (rung) => (rung === null ? "nowhere" : `r = ${steepText(steepnessAt(rung))}`);

  // --- left: the images, and the weights
  const pictures = ["Query", "Blend", "Its sign", "Stored"].map(picture);
  const bars = plotBox({ title: "Weights: their shares of the whole, and one by one", label: "The weights of all stored images, most similar first", height: BARS });
  const barAxes = svg("g");
  const strip = svg("g", { "aria-hidden": "true" });
  const others = styled("path", {}, {});
  const right = styled("path", {}, { fill: ink("good") });
  const rightMark = styled("path", { d: "M0,0L-5,-8H5Z" }, { fill: ink("good"), stroke: ink("ground"), "stroke-width": "1px" });
  const stripOthers = styled("path", {}, {});
  const stripRight = styled("path", {}, { fill: ink("good") });
  strip.append(stripOthers, stripRight);
  bars.board.append(barAxes, others, right, rightMark, strip);

  // --- right: the ladder
  const plot = plotBox({ title: "All stored images as queries", label: "Share of queries that come back whole, and of wrong pixels, over the steepness", height: HEIGHT });
  const plotAxes = svg("g");
  const names = NAMED.map(({ name, r, family }) => ({
    tick: styled("line", {}, { stroke: ink(family ? COLOUR[family] : "ink"), "stroke-width": "1.4px" }),
    text: haloed(name, { "text-anchor": r === Infinity ? "end" : "start", class: "bs-tick" }, ink(family ? COLOUR[family] : "ink"), 600),
  }));
  const halfLine = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("muted"), "stroke-width": "1.3px" });
  const curves = Object.fromEntries(FAMILIES.map((family) => [family, {
    whole: styled("path", {}, { fill: "none", stroke: ink(COLOUR[family]) }),
    wrong: styled("path", { "stroke-dasharray": "6 4" }, { fill: "none", stroke: ink(COLOUR[family]) }),
    half: styled("circle", { r: 5 }, { fill: ink("ground"), stroke: ink(COLOUR[family]), "stroke-width": "2.4px" }),
  }]));
  const now = styled("line", {}, { stroke: ink("ink"), "stroke-width": "1.4px" });
  const wrongDot = styled("circle", { r: 5 }, { stroke: ink("ground"), "stroke-width": "1.6px" });
  const guess = handle(plot.board, {
    label: () => `Your guess: half come back whole from steepness ${steepText(steepnessAt(model.get("guess")))} on`, colour: ink("accent"),
    horizontal: true, shape: "diamond", radius: 7, onMove: (px) => putGuess(scales.x.invert(px)),
    onKey: (dx, dy) => putGuess(model.get("guess") + 0.5 * (dx + dy)),
  });
  const guessText = haloed("your guess", { "text-anchor": "middle" }, ink("accent"));
  const place = handle(plot.board, {
    label: () => `Steepness: ${steepText(steepnessAt(model.get("rung")))}`, colour: ink("ink"), horizontal: true, radius: 6.5,
    onMove: (px) => putRung(scales.x.invert(px)), onKey: (dx, dy) => putRung(model.get("rung") + 0.25 * (dx + dy)),
  });
  plot.board.append(plotAxes, ...names.flatMap(({ tick, text }) => [tick, text]), halfLine,
    ...FAMILIES.flatMap((family) => [curves[family].wrong, curves[family].whole]), ...FAMILIES.map((family) => curves[family].half),
    now, wrongDot, guessText, guess.node, place.node);
  ui.stage.append(html("div", { class: "bs-stack" }, html("div", { class: "bs-quartet" }, ...pictures.map(({ node }) => node)), bars.node), plot.node);
  ui.controls.before(markKey([
    ["power: sʳ", stroke(ink("energy"), { width: 2.8 })], ["exponential: exp(r s)", stroke(ink("mchn"), { width: 2.8 })],
    ["come back whole", stroke(ink("muted"), { width: 2.4 })], ["pixels wrong", stroke(ink("muted"), { dash: "6 4", width: 2 })],
    ["the right image", swatch(ink("good"), "none")],
    ["half come back whole", styled("circle", { r: 5 }, { fill: ink("ground"), stroke: ink("muted"), "stroke-width": "2.4px" })],
    ["a wrong pixel", styled("circle", { r: 4 }, { fill: ink("bad") })],
  ]));

  // --- controls
  const ladder = slider({
    label: "Steepness r", min: 0, max: TOP, step: 0.05, value: model.get("rung"), format: () => steepText(steepnessAt(model.get("rung"))), onInput: putRung,
  });
  ladder.node.classList.add("bs-wide");
  const family = segmented({
    label: "Separation", options: [["power", "power sʳ"], ["exponential", "exponential exp(r s)"]], value: model.get("separation"),
    onChange: (v) => put({ separation: v }),
  });
  const noise = slider({
    label: "Pixels flipped", min: 0, max: 0.5, step: 1 / PIXELS, value: model.get("noise"), format: (v) => percent(v), onInput: (v) => put({ noise: v }),
  });
  const count = slider({
    label: "Images stored", min: 2, max: model.get("patterns").length, step: 1, value: model.get("count"), format: (v) => String(v), onInput: (v) => put({ count: v }),
  });
  const digit = slider({
    label: "Asked for", min: 0, max: model.get("patterns").length - 1, step: 1, value: model.get("digit"),
    format: (v) => `${nameOf(v)}, number ${v + 1}`, onInput: (v) => put({ digit: v }),
  });
  const again = button({ label: "Other noise", onClick: () => put({ seed: (model.get("seed") + 1) % 10000 }) });
  const ask = button({ label: "Show the whole ladder", onClick: () => { told = true; repaint(); } });
  const jumps = html("div", { class: "bs-control bs-jumps" }, ...NAMED.map(({ r, family: of, button: label }) => button({
    label, onClick: () => put(of ? { rung: rungOf(r), separation: of } : { rung: TOP }),
  })));
  ui.controls.append(ladder.node, ask, family.node, jumps, noise.node, again, count.node, digit.node);

  const scales = {};
  let furniture = "";
  function layOut() {
    const key = [plot.box.clientWidth, bars.box.clientWidth].join();
    if (key === furniture) return;
    furniture = key;
    const [left, end] = [MARGIN.left, plot.box.clientWidth - MARGIN.right];
    const [bottom, top] = [HEIGHT - MARGIN.bottom, MARGIN.top];
    scales.x = linear([0, TOP], [left, end]);
    scales.share = linear([0, 1], [bottom, top]);
    const every = end - left < 260 ? 2 : 1;
    const xTicks = RUNGS.filter((rung) => rung % every === 0 && rung < TOP).map((rung) => [rung, String(2 ** rung)]);
    axesWith(plotAxes, scales.x, scales.share, {
      xTicks: [...xTicks, [TOP, "max"]], yTicks: [0, 0.25, 0.5, 0.75, 1].map((v) => [v, percent(v)]), xLabel: "steepness r of the separation",
    });
    names.forEach(({ tick, text }, i) => {
      const { r, line } = NAMED[i];
      const x = scales.x(rungOf(r));
      amend(tick, { x1: x, x2: x, y1: line ? 22 : 6, y2: top });
      amend(text, { x: r === Infinity ? x - 5 : x + 5, y: line ? 33 : 15 });
    });
    amend(halfLine, { x1: left, x2: end, y1: scales.share(HALF), y2: scales.share(HALF) });
    amend(now, { y1: bottom, y2: top });
  }

  function drawWeights(p, order, mine, colour) {
    const [left, end] = [MARGIN.left, bars.box.clientWidth - MARGIN.right];
    const [bottom, top] = [BARS - MARGIN.bottom, 46];
    const most = Math.max(...p);
    const width = (end - left) / p.length;
    const gap = Math.min(1.5, width / 4);
    const y = linear([0, most], [bottom, top]);
    const mid = most / 2;
    const digits = most < 0.1 ? 1 : 0;
    axesWith(barAxes, linear([0, p.length], [left, end]), y, {
      xTicks: [], yTicks: [[0, "0%"], [mid, percent(mid, mid < 0.1 ? 1 : 0)], [most, percent(most, digits)]], xLabel: "stored images, most similar first",
    });
    let bar = "";
    let slice = "";
    let from = left;
    let [rightBar, rightSlice] = ["", ""];
    order.forEach((i, rank) => {
      const x = left + rank * width;
      const height = bottom - y(p[i]);
      const one = height > 0.05 ? `M${(x + gap / 2).toFixed(2)},${bottom}v${(-height).toFixed(2)}h${(width - gap).toFixed(2)}v${height.toFixed(2)}Z` : "";
      const part = p[i] * (end - left);
      const piece = part > 0.05 ? `M${from.toFixed(2)},16h${Math.max(part - Math.min(1, part / 3), 0.05).toFixed(2)}v14H${from.toFixed(2)}Z` : "";
      from += part;
      if (i === mine) { [rightBar, rightSlice] = [one, piece]; amend(rightMark, { transform: `translate(${(x + width / 2).toFixed(1)},${(y(p[i]) - 2).toFixed(1)})` }); } else { bar += one; slice += piece; }
    });
    amend(others, { d: bar });
    amend(right, { d: rightBar });
    amend(stripOthers, { d: slice });
    amend(stripRight, { d: rightSlice });
    for (const node of [others, stripOthers]) node.style.fill = colour;
  }

  let curvesOf = null;
  function drawCurves(found, chosen, known) {
    const key = [sweepOf, furniture, chosen, known].join();
    if (key === curvesOf) return;
    curvesOf = key;
    for (const each of FAMILIES) {
      const { whole, wrong, half } = curves[each];
      const { values, begins } = found[each];
      const mine = each === chosen;
      amend(whole, { d: pathOf(RUNGS.map(scales.x), values.map((v) => scales.share(v.whole))) });
      amend(wrong, { d: pathOf(RUNGS.map(scales.x), values.map((v) => scales.share(v.wrong))) });
      whole.style.strokeWidth = mine ? "3px" : "1.6px";
      wrong.style.strokeWidth = mine ? "2.2px" : "1.3px";
      for (const node of [whole, wrong]) { shown(node, known); node.style.strokeOpacity = mine ? "1" : "0.7"; }
      shown(half, known && begins !== null);
      if (begins !== null) amend(half, { cx: scales.x(begins), cy: scales.share(Math.max(HALF, begins === 0 ? values[0].whole : HALF)) });
    }
  }

  function drawLadder(found, here, chosen) {
    const known = open();
    drawCurves(found, chosen, known);
    const x = scales.x(model.get("rung"));
    amend(now, { x1: x, x2: x });
    place.place(x, scales.share(known ? here.whole : 0.08));
    place.relabel();
    shown(wrongDot, known);
    amend(wrongDot, { cx: x, cy: scales.share(here.wrong) });
    wrongDot.style.fill = ink(COLOUR[chosen]);
    const asked = model.get("predict");
    shown(guess.node, asked);
    shown(guessText, asked);
    if (asked) {
      const at = scales.x(model.get("guess"));
      guess.place(at, scales.share(HALF));
      guess.relabel();
      amend(guessText, { x: clamp(at, [scales.x.range[0] + 34, scales.x.range[1] - 34]), y: scales.share(HALF) - 14 });
    }
  }

  let begun = false; // the sweep over the ladder has a frame of its own
  function draw() {
    const patterns = stored();
    if (!begun) {
      begun = true;
      sweepNow(patterns);
      repaint();
      return;
    }
    const chosen = model.get("separation");
    const r = steepnessAt(model.get("rung"));
    const mine = Math.min(model.get("digit"), patterns.length - 1);
    const query = queryOf(patterns, mine);
    const s = similaritiesOf(patterns, query);
    const p = shares(separated(chosen, r, s));
    const order = patterns.map((_, i) => i).sort((a, b) => s[b] - s[a] || a - b);
    const blend = blendOf(patterns, p);
    const answer = Array.from(blend, signOf);
    const missed = wrongPixels(blend, patterns[mine]);
    const flipped = query.filter((v, k) => v !== patterns[mine][k]).length;
    const found = sweepNow(patterns);
    const here = found.at(chosen, r);
    const known = open();
    const part = takingPart(p);
    const name = nameOf(mine);

    const differs = (values) => values.map((v, k) => (v === patterns[mine][k] ? -1 : k)).filter((k) => k >= 0);
    const part1 = part < 10 ? fixed(part, 1) : fixed(part, 0);
    const partText = part < 1.05 ? "one image" : `${part1} images`;
    pictures[0].draw(query, [], `Query: the image ${name} with ${pixelText(flipped)} flipped`, `${flipped} flipped`);
    pictures[1].draw(blend, [], `Blend of the stored images by their weights, about ${partText}`, partText);
    pictures[2].draw(answer, differs(answer), `Sign of the blend: ${missed ? `${pixelText(missed)} wrong` : "all pixels right"}`, missed ? `${missed} wrong` : "all right");
    pictures[3].draw(patterns[mine], [], `The stored image ${name}`, `number ${mine + 1}`);
    if (plot.box.clientWidth) {
      layOut();
      drawWeights(p, order, mine, ink(COLOUR[chosen]));
      drawLadder(found, here, chosen);
    }
    ladder.set(model.get("rung"));
    family.set(chosen);
    noise.set(model.get("noise"));
    // A range clamps its value, so its end goes first.
    count.input.max = imagesOf.length;
    digit.input.max = patterns.length - 1;
    count.set(patterns.length);
    digit.set(mine);
    shown(ask, model.get("predict"));
    ask.disabled = known;

    const other = FAMILIES.find((each) => each !== chosen);
    const hidden = (text) => (known ? text : "?");
    ui.readout([
      ["steepness r", steepText(r)], ["as β for ρ·x", chosen === "power" && r !== Infinity ? "–" : r === Infinity ? "∞" : String(Number((r / PIXELS).toPrecision(2)))],
      ["images taking part", `${part1} of ${patterns.length}`], ["weight of the right", percent(p[mine], 1)],
      ["pixels wrong", `${missed} of ${PIXELS}`, missed ? "bad" : "good"], [`of all ${patterns.length}: whole`, hidden(percent(here.whole))],
      ["of all: pixels wrong", hidden(percent(here.wrong, 1))], ["half whole: power", hidden(beginsText(found.power.begins))],
      ["half whole: exp.", hidden(beginsText(found.exponential.begins))],
    ]);
    const answered = missed ? `${pixelText(missed)} of the ${name} ${missed === 1 ? "is" : "are"} wrong` : `the ${name} comes back whole`;
    const from = (each) => (found[each].begins === null ? "nowhere on it" : `from ${beginsText(found[each].begins)} on`);
    ui.say(`${r === Infinity ? "At the maximum" : `At steepness ${steepText(r)}`} ${r === Infinity ? "" : "about "}${partText} of ${patterns.length} ${part < 1.05 ? "takes" : "take"} part, and ${answered}. `
      + (known ? `Of all ${patterns.length} queries ${percent(here.whole)} come back whole; half do ${from(chosen)} (${other}: ${from(other)}).`
        + (model.get("predict") ? ` You guessed r = ${steepText(steepnessAt(model.get("guess")))}.` : "")
        : "Predict from where on half of all queries come back whole: drag the diamond, then ask."));
    const finite = (v) => (Number.isFinite(v) ? v : null);
    const begins = Object.fromEntries(FAMILIES.map((each) => [each, found[each].begins === null ? null : finite(steepnessAt(found[each].begins))]));
    if (report(model, "summary", {
      steepness: finite(r), weight: p[mine], taking_part: part, wrong: missed / PIXELS, nearest: order[0], whole: here.whole, wrong_of_all: here.wrong, begins,
    })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["patterns", "labels", "rung", "separation", "noise", "count", "digit", "seed", "guess"], repaint),
    listen(model, ["predict"], () => { told = false; repaint(); }), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
