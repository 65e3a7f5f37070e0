// Width against data, run by run: the sweep as a table, each cell a run, and the curves that its number is made of.
import { amend, areaPath, haloed, hatching, listen, markKey, plotBox, report, shown, stroke, styled, swatch } from "./curves.js";
import { axes, button, checkbox, fixed, frame, html, linear, onWidth, pathOf, repainter, saver, segmented, svg, uniqueId } from "./ui.js";
import { countText, twoFigures, thousands } from "./width_words.js";

const MARGIN = { left: 40, right: 12, top: 24, bottom: 38 };
const SLOT = { least: 29, most: 64, height: 34, upright: 25, broad: 132 }; // pixels of a cell
const HEAD = { wide: 76, narrow: 44, top: 22, upright: 38 }; // of the table's headings
const DARKEST = 100; // times sigma^2, from which on a cell is as dark as can be
const NEAR = 1.15; // steps of D that differ by less than this share of their logarithm are one step, rounded
const CURVES = 316; // height of the plots in pixels

/** Running sums: what was packed as differences. */
export function summed(differences) {
  let total = 0;
  return differences.map((step) => (total += step));
}

/** The steps at which `count` blocks of the steps from `from` to `to` end, the first one `from` itself. */
export function blockEnds(from, to, count) {
  return Array.from({ length: count + 1 }, (_, i) => from + (count ? Math.floor((i * (to - from)) / count) : 0));
}

/**
 * A run's curves, as Python packed them (width_curves.py).
 * @returns {{x, mean, low, high, at, validation, ends, squares}} x: the middles of the blocks of steps; ends: of the window's
 */
export function unpacked(run, [lossUnit, bandUnit, squareUnit]) {
  const [before, after] = run.blocks;
  const ends = [...blockEnds(0, run.step, before), ...blockEnds(run.step, run.steps, after).slice(1)];
  const mean = summed(run.train).map((v) => v / lossUnit);
  return {
    x: mean.map((_, i) => (ends[i] + ends[i + 1] + 1) / 2), mean,
    low: mean.map((v, i) => v - run.below[i] / bandUnit), high: mean.map((v, i) => v + run.above[i] / bandUnit),
    at: summed(run.at), validation: summed(run.validation).map((v) => v / lossUnit),
    ends: blockEnds(0, run.window, run.squares.length), squares: run.squares.map((v) => v / squareUnit),
  };
}

/** D*: the least D whose error is below the threshold; null if there is none. @param {[number, number | null][]} row D and error */
export function leastBelow(row, sigma2) {
  const below = row.filter(([, error]) => error !== null && error < sigma2).map(([d]) => d);
  return below.length ? Math.min(...below) : null;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
/** Whether a run counts: it is there, and went on for its whole window. */
const usable = (run) => run.there && run.complete && run.mse !== null;
const average = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

function render({ model, el }) {
  const ui = frame(el, {
    title: "One run, one cell",
    hint: "Pick a cell. Its number is the mean of the squared gap that its curves leave.",
    two: true,
  });
  ui.root.classList.add("bs-roomy", "bs-runs");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const put = (traits) => { model.set(traits); save(); };
  const runs = model.get("runs");
  const units = model.get("units");
  const tables = model.get("families");
  const curvesOf = new Map();
  const curves = (run) => {
    if (!curvesOf.has(run.name)) curvesOf.set(run.name, unpacked(run, units));
    return curvesOf.get(run.name);
  };

  // --- a table: its cells by row, each with its runs in the order of their seeds
  const laid = new Map();
  function layout(table) {
    if (laid.has(table.name)) return laid.get(table.name);
    const along = table.name === "again" ? (v) => v : Math.log;
    const cells = new Map();
    for (const [row, place, index] of table.places) {
      const key = `${row}/${place}`;
      if (!cells.has(key)) cells.set(key, { row, place, key, runs: [] });
      cells.get(key).runs.push(runs[index]);
    }
    const all = [...cells.values()];
    const places = [...new Set(all.map(({ place }) => place))].sort((a, b) => a - b);
    const rows = table.rows.map((_, row) => all.filter((cell) => cell.row === row).sort((a, b) => a.place - b.place));
    // A cell is as wide as the smallest step of any row, so that equal ratios of D are equal distances.
    const steps = rows.flatMap((row) => row.slice(1).map((cell, i) => along(cell.place) - along(row[i].place)));
    const slot = steps.length ? average(steps.filter((step) => step < NEAR * Math.min(...steps))) : 1;
    const at = (place) => (along(place) - along(places[0])) / slot;
    const seeds = [...new Set(all.flatMap((cell) => cell.runs.map((run) => run.seed)))].sort((a, b) => a - b);
    const found = { table, rows, places, at, length: at(places.at(-1)) + 1, seeds, cells: all, seen: new Set() };
    laid.set(table.name, found);
    return found;
  }

  const holds = (table, name) => table.places.some(([, , index]) => runs[index].name === name);
  /** The chosen run, the table it is shown in, and its cell there. */
  function choice() {
    const run = runs.find(({ name }) => name === model.get("chosen"));
    const table = [...tables].sort((a) => (a.name === model.get("family") ? -1 : 1)).find((one) => holds(one, run.name));
    const lay = layout(table);
    return { run, lay, cell: lay.cells.find((cell) => cell.runs.includes(run)) };
  }

  let told = false; // whether the reader asked for the whole table
  const open = (lay, cell) => told || !model.get("predict") || lay.seen.has(cell.key);
  /** A cell's number: the chosen seed's, or the mean over the seeds that are there; null without one. */
  function numberOf(cell, seed) {
    const there = cell.runs.filter(usable);
    if (model.get("mean") || cell.runs.length === 1) return there.length ? average(there.map((run) => run.mse)) : null;
    return there.find((run) => run.seed === seed)?.mse ?? null;
  }
  const pick = (cell, seed) => put({ chosen: (cell.runs.find((run) => run.seed === seed) ?? cell.runs[0]).name });

  // --- the table
  const grid = html("div", { class: "bs-table", role: "grid", "aria-label": "Mean squared gap of every run" });
  const heads = html("div", { class: "bs-table-heads", "aria-hidden": "true" });
  const sheet = html("div", { class: "bs-sheet" }, heads, grid);
  const caption = html("p", { class: "bs-plot-title" });
  ui.stage.before(html("div", { class: "bs-sheet-box" }, caption, sheet));
  let drawnTable = "";
  let nodes = new Map(); // cell key -> node
  const states = new WeakMap(); // node -> what it shows
  function drawTable(lay, room) {
    const wide = (room - HEAD.wide) / lay.length >= SLOT.least;
    const key = [lay.table.name, room].join();
    if (key === drawnTable || !room) return;
    drawnTable = key;
    const seeds = lay.table.name === "again";
    const step = wide ? Math.min((room - HEAD.wide) / lay.length, SLOT.most) : SLOT.upright;
    const across = wide ? SLOT.height : Math.min((room - HEAD.narrow) / lay.rows.length, SLOT.broad);
    const origin = wide ? [HEAD.wide, HEAD.top] : [HEAD.narrow, HEAD.upright];
    const box = (row, place) => (wide ? { x: origin[0] + place * step, y: origin[1] + row * across, w: step, h: across }
      : { x: origin[0] + row * across, y: origin[1] + place * step, w: across, h: step });
    const set = (node, { x, y, w, h }) => Object.assign(node.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
    sheet.style.height = `${wide ? origin[1] + lay.rows.length * across + 2 : origin[1] + lay.length * step + 2}px`;
    sheet.classList.toggle("bs-is-upright", !wide);
    nodes = new Map();
    grid.replaceChildren(...lay.rows.map((cells, row) => {
      const { N, width, layers } = lay.table.rows[row];
      const named = lay.table.name === "depth" ? `${layers} layer${layers === 1 ? "" : "s"}` : `width ${width}`;
      const head = html("div", { role: "rowheader", class: "bs-row-head" }, html("b", { text: N === null ? named : thousands(N) }), html("span", { text: N === null ? "no runs" : named }));
      set(head, wide ? { x: 0, y: origin[1] + row * across, w: origin[0] - 8, h: across } : { x: origin[0] + row * across, y: 0, w: across, h: origin[1] });
      return html("div", { role: "row" }, head, ...cells.map((cell) => {
        const node = html("div", { role: "gridcell", class: "bs-cell", tabindex: -1, onclick: () => { focusOn(node); pick(cell, seedNow()); } }, html("span"));
        set(node, box(row, lay.at(cell.place)));
        node.addEventListener("keydown", (event) => walk(event, lay, cell, wide));
        nodes.set(cell.key, node);
        return node;
      }));
    }));
    // Headings of the training sets, as many as have room.
    const size = wide ? 28 : 15;
    let last = -Infinity;
    heads.replaceChildren(...[lay.places].flat().filter((place) => {
      const at = (lay.at(place) + 0.5) * step;
      if (at - last < size) return false;
      last = at;
      return true;
    }).map((place) => {
      const node = html("span", { class: "bs-column-head", text: seeds ? `seed ${place}` : countText(place) });
      set(node, wide ? { x: origin[0] + lay.at(place) * step, y: 0, w: step, h: origin[1] } : { x: 0, y: origin[1] + lay.at(place) * step, w: origin[0] - 6, h: step });
      return node;
    }));
  }
  const focusOn = (node) => node?.focus({ preventScroll: true });
  const seedNow = () => choice().run.seed;

  /** Arrow keys go to the neighbour in their direction, in the next row to the cell nearest along it. */
  function walk(event, lay, cell, wide) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    const ends = { Home: 0, End: -1 };
    const row = lay.rows[cell.row];
    let to = null;
    if (event.key in ends) to = row.at(ends[event.key]);
    else {
      const [along, across] = wide ? [dx, dy] : [dy, dx];
      if (along) to = row[row.indexOf(cell) + along];
      else if (across) {
        const others = lay.rows[cell.row + across] ?? [];
        to = [...others].sort((a, b) => Math.abs(lay.at(a.place) - lay.at(cell.place)) - Math.abs(lay.at(b.place) - lay.at(cell.place)))[0];
      } else return;
    }
    event.preventDefault();
    if (!to) return;
    pick(to, seedNow());
    focusOn(nodes.get(to.key));
  }

  /** D* of every row of a table, as far as its cells are open: {place, sure}. */
  function crossings(lay, seed, sigma2) {
    return lay.rows.map((cells) => {
      const place = leastBelow(cells.map((cell) => [cell.place, numberOf(cell, seed)]), sigma2);
      const at = cells.findIndex((cell) => cell.place === place);
      // The first that passes is known as such once the one before it has been seen too.
      return at < 0 ? null : { place, first: at === 0, known: open(lay, cells[at]) && (at === 0 || open(lay, cells[at - 1])) };
    });
  }

  function fillTable({ run, lay, cell }, stars) {
    const sigma2 = model.get("sigma2");
    const useStar = lay.table.name !== "again";
    for (const one of lay.cells) {
      const node = nodes.get(one.key);
      if (!node) continue;
      const number = numberOf(one, run.seed);
      const seen = open(lay, one);
      const passes = number !== null && number < sigma2;
      const star = useStar && stars[one.row]?.known && stars[one.row].place === one.place;
      const gone = number === null;
      const cut = gone && one.runs.some((each) => each.there && (each.seed === run.seed || model.get("mean")));
      const partly = model.get("mean") && !gone && !one.runs.every(usable);
      const names = ["bs-cell", gone && (cut ? "bs-is-cut" : "bs-is-missing"), partly && "bs-is-partly", seen && passes && "bs-is-below", star && "bs-is-star", one === cell && "bs-is-here", !seen && !gone && "bs-is-unseen"];
      const text = cut ? "cut" : gone ? "" : seen ? twoFigures(number) : "?";
      const shade = seen && number !== null && !passes ? Math.min(1, 0.12 + (0.88 * Math.log(number / sigma2)) / Math.log(DARKEST)) : 0;
      const where = lay.table.name === "again" ? `seed ${one.place}` : `${thousands(one.place)} tokens`;
      const label = `${where}: ${cut ? "window cut short" : gone ? "not run yet" : !seen ? "not looked at" : `${twoFigures(number)}${star ? ", D star" : passes ? ", below" : ""}`}`;
      const name = names.filter(Boolean).join(" ");
      const state = [name, text, shade, label].join();
      if (states.get(node) === state) continue; // a cell is touched only if it changes
      states.set(node, state);
      node.className = name;
      node.style.setProperty("--bs-shade", `${Math.round(42 * shade)}%`);
      node.firstChild.textContent = text;
      node.tabIndex = one === cell ? 0 : -1;
      node.setAttribute("aria-selected", String(one === cell));
      node.setAttribute("aria-label", label);
    }
  }

  // --- the curves
  const plot = plotBox({ title: "Loss, nats a token", label: "Training and validation loss of the chosen run over the step", height: CURVES });
  const plotAxes = svg("g");
  const clip = svg("rect");
  const clipId = uniqueId("clip");
  const inside = svg("g", { "clip-path": `url(#${clipId})`, "aria-hidden": "true" });
  const windowArea = styled("rect", {}, { fill: ink("accent"), "fill-opacity": 0.09 });
  const others = svg("g");
  const band = styled("path", {}, { fill: ink("energy"), "fill-opacity": 0.2 });
  const between = styled("path", {}, { fill: ink("accent"), "fill-opacity": 0.34 });
  const train = styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "2.2px" });
  const validation = styled("path", {}, { fill: "none", stroke: ink("mchn"), "stroke-width": "1.6px" });
  const squaresOf = styled("path", {}, { fill: ink("mchn") });
  const leastLine = styled("line", { "stroke-dasharray": "6 4" }, { stroke: ink("mchn"), "stroke-width": "1.8px" });
  const leastMark = styled("circle", { r: 5.5 }, { fill: ink("ground"), stroke: ink("mchn"), "stroke-width": "2.4px" });
  const leastText = haloed("", {}, ink("mchn"));
  const windowText = haloed("", { "text-anchor": "middle" }, ink("accent"), 600);
  const later = haloed("", { "text-anchor": "middle" }, ink("muted"));
  inside.append(windowArea, others, band, between, train, validation, squaresOf, leastLine);
  plot.board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clip)), plotAxes, inside, leastMark, leastText, windowText, later);

  // --- the window
  const squared = plotBox({ title: "In the window: the gap squared, nats²", label: "Squared gap over the steps of the window, its mean and the threshold", height: CURVES });
  const squaredAxes = svg("g");
  const bars = styled("path", {}, { fill: ink("accent"), "fill-opacity": 0.34 });
  const otherMeans = svg("g", { "aria-hidden": "true" });
  const meanLine = styled("line", {}, { stroke: ink("ink"), "stroke-width": "2.2px" });
  const meanText = haloed("", { "text-anchor": "end" }, ink("ink"), 700);
  const level = styled("line", { "stroke-dasharray": "7 4" }, { stroke: ink("good"), "stroke-width": "2px" });
  const levelText = haloed("", { "text-anchor": "start" }, ink("good"));
  squared.board.append(squaredAxes, bars, otherMeans, level, meanLine, levelText, meanText);
  ui.stage.append(plot.node, squared.node);
  const hatch = hatching(ink("muted"), { gap: 6, width: 1.2 });
  const square = styled("path", { d: "M-3.5,-3.5h7v7h-7Z" }, { fill: ink("mchn") });
  ui.controls.before(markKey([
    ["training loss, and eight of ten steps", svg("g", {}, styled("rect", { x: -12, y: -6, width: 24, height: 12 }, { fill: ink("energy"), "fill-opacity": 0.2 }), stroke(ink("energy"), { width: 2.2 }))],
    ["validation loss", svg("g", {}, stroke(ink("mchn"), { width: 1.6 }), square)], ["its least value", stroke(ink("mchn"), { dash: "6 4", width: 1.8 })],
    ["the gap that is squared", swatch(ink("accent"), "none", { opacity: 0.34 })], ["threshold σ²", stroke(ink("good"), { dash: "7 4", width: 2 })],
    ["no record", svg("g", {}, hatch.node, swatch(hatch.fill, ink("muted"), { dash: "3 2" }))],
  ]));

  // --- controls
  const familyChoice = tables.length > 1 ? segmented({
    label: "Runs", options: tables.map(({ name, title }) => [name, title]), value: model.get("family"), onChange: (name) => toFamily(name),
  }) : null;
  const lastOf = new Map(); // family -> the run last chosen in it
  function toFamily(name) {
    const lay = layout(tables.find((table) => table.name === name));
    const { run } = choice();
    const kept = holds(lay.table, run.name) ? run.name : lastOf.get(name);
    const there = lay.cells.flatMap((cell) => cell.runs);
    const first = [...there].filter((one) => one.there).sort((a, b) => a.seed - b.seed || distance(a) - distance(b))[0] ?? there[0];
    put({ family: name, chosen: kept ?? first.name });
  }
  const distance = (run) => (model.get("predict") && !told ? run.D : Math.abs(Math.log((run.mse ?? 1e9) / model.get("sigma2"))));
  const seedBox = html("div", { class: "bs-seed-box" });
  let seedChoice = null;
  let seedsOf = "";
  function drawSeeds({ run, lay, cell }) {
    const key = lay.table.name;
    if (key !== seedsOf) {
      seedsOf = key;
      seedChoice = segmented({ label: "Seed", options: lay.seeds.map((seed) => [seed, String(seed)]), value: run.seed, onChange: (seed) => {
        const here = choice();
        const other = here.lay.table.name === "again" ? here.lay.cells.find(({ place }) => place === seed) : here.cell;
        const found = other.runs.find((one) => one.seed === seed);
        if (found) put({ chosen: found.name }); else seedChoice.set(here.run.seed);
      } });
      seedBox.replaceChildren(seedChoice.node);
    }
    seedChoice.set(run.seed);
    shown(meanBox.node, key !== "again" && cell.runs.length > 1);
  }
  const meanBox = checkbox({ label: "mean of the seeds", value: model.get("mean"), onChange: (v) => put({ mean: v }) });
  const reveal = button({ label: "Show the whole table", onClick: () => { told = true; repaint(); } });
  ui.stage.parentNode.querySelector(".bs-sheet-box").before(html("div", { class: "bs-controls bs-switches" }, familyChoice?.node, seedBox, meanBox.node, reveal));
  const gone = html("details", { class: "bs-missing" }, html("summary"), html("p"));
  ui.root.append(gone);

  /** From the least training loss of some runs to where their validation ends: what the gap is to be seen in. */
  function extent(these) {
    let [low, high] = [Infinity, -Infinity];
    for (const run of these) {
      const { low: lows, at, validation: losses } = curves(run);
      low = Math.min(low, ...lows);
      high = Math.max(high, run.least + 0.45, ...losses.filter((_, i) => at[i] >= run.step));
    }
    return low < high ? [low - 0.05, high + 0.08] : [0, 1];
  }

  /** The runs that differ from a cell's in their seed alone, its own among them. */
  const besides = (lay, cell) => (lay.table.name === "again" ? lay.cells.flatMap((one) => one.runs) : cell.runs);

  function drawCurves({ run, lay, cell }, w) {
    const h = CURVES;
    const there = besides(lay, cell).filter((one) => one.there);
    const x = linear([0, Math.max(...there.map(({ steps }) => steps), 100)], [MARGIN.left, w - MARGIN.right]);
    const y = linear(extent(there), [h - MARGIN.bottom, MARGIN.top]);
    axes(plotAxes, x, y, { xLabel: "step", xTicks: w < 360 ? 4 : 6, yTicks: 6 });
    amend(clip, { x: MARGIN.left, y: MARGIN.top, width: w - MARGIN.left - MARGIN.right, height: h - MARGIN.top - MARGIN.bottom });
    others.replaceChildren(...there.filter((one) => one !== run).flatMap((one) => {
      const c = curves(one);
      const thin = (colour, xs, ys) => styled("path", { d: pathOf(xs.map(x), ys.map(y)) }, { fill: "none", stroke: colour, "stroke-width": "1.3px", "stroke-opacity": 0.42 });
      const least = styled("circle", { cx: x(one.step), cy: y(one.least), r: 3.4 }, { fill: ink("ground"), stroke: ink("mchn"), "stroke-width": "1.4px", "stroke-opacity": 0.7 });
      return [thin(ink("energy"), c.x, c.mean), thin(ink("mchn"), c.at, c.validation), least];
    }));
    const parts = [windowArea, band, between, train, validation, squaresOf, leastLine, leastMark, leastText, windowText];
    for (const part of parts) shown(part, run.there);
    shown(later, !run.there);
    amend(later, { x: (x.range[0] + x.range[1]) / 2, y: (y.range[0] + y.range[1]) / 2, text: "No record of this run yet" });
    if (!run.there) return;
    const c = curves(run);
    const px = c.x.map(x);
    amend(train, { d: pathOf(px, c.mean.map(y)) });
    amend(band, { d: areaPath(px, c.high.map(y), c.low.map(y)) });
    amend(validation, { d: pathOf(c.at.map(x), c.validation.map(y)) });
    amend(squaresOf, { d: c.at.map((step, i) => `M${(x(step) - 2.6).toFixed(1)},${(y(c.validation[i]) - 2.6).toFixed(1)}h5.2v5.2h-5.2Z`).join("") });
    const [from, to] = [x(run.step), x(run.step + run.window)];
    const least = y(run.least);
    amend(windowArea, { x: from, width: Math.max(to - from, 1), y: MARGIN.top, height: h - MARGIN.top - MARGIN.bottom });
    const inWindow = c.x.map((step, i) => [step, i]).filter(([step]) => step > run.step && step <= run.step + run.window).map(([, i]) => i);
    shown(between, inWindow.length > 0);
    if (inWindow.length) amend(between, { d: areaPath([from, ...inWindow.map((i) => px[i]), to], inWindow.concat(0, 0).map(() => least), [inWindow[0], ...inWindow, inWindow.at(-1)].map((i) => y(c.mean[i]))) });
    amend(leastLine, { x1: x.range[0], x2: x.range[1], y1: least, y2: least });
    amend(leastMark, { cx: from, cy: least });
    const roomLeft = from - x.range[0] > 150;
    amend(leastText, { x: roomLeft ? x.range[0] + 6 : from + 9, y: least + (roomLeft ? 15 : -9), "text-anchor": "start", text: `least, ${fixed(run.least, 3)}` });
    const middle = Math.min((from + to) / 2, x.range[1] - 27);
    amend(windowText, { x: middle, y: MARGIN.top + 14, text: to - from > 80 ? `${thousands(run.window)} steps` : "window" });
  }

  function drawWindow({ run, lay, cell }, w) {
    const h = CURVES;
    const sigma2 = model.get("sigma2");
    const drawn = run.there && run.mse !== null;
    const c = drawn ? curves(run) : { ends: [0], squares: [] };
    const most = Math.max(...c.squares, drawn ? run.mse : 0, sigma2 * 1.3) * 1.12;
    const x = linear([0, drawn ? run.window : 1], [MARGIN.left + 6, w - MARGIN.right]);
    const y = linear([0, most], [h - MARGIN.bottom, MARGIN.top]);
    axes(squaredAxes, x, y, { xLabel: "steps after the least validation loss", xTicks: drawn ? 4 : 1e-9, yTicks: 6 });
    let d = drawn ? `M${x(0).toFixed(1)},${y(0).toFixed(1)}` : "";
    c.squares.forEach((v, i) => { d += `L${x(c.ends[i]).toFixed(1)},${y(v).toFixed(1)}H${x(c.ends[i + 1]).toFixed(1)}`; });
    amend(bars, { d: drawn ? `${d}V${y(0).toFixed(1)}Z` : "" });
    otherMeans.replaceChildren(...besides(lay, cell).filter((one) => one !== run && one.there && one.mse !== null && one.mse < most).map((one) => styled("line", {
      x1: x.range[0], x2: x.range[1], y1: y(one.mse), y2: y(one.mse) }, { stroke: ink("muted"), "stroke-width": "1.2px", "stroke-opacity": 0.7 })));
    amend(level, { x1: x.range[0], x2: x.range[1], y1: y(sigma2), y2: y(sigma2) });
    // Each text stands on its line's far side from the other line, as far as there is room.
    const above = !drawn || run.mse < sigma2;
    amend(levelText, { x: x.range[0] + 5, y: y(sigma2) + (above || y(sigma2) + 18 > y.range[0] ? -6 : 15), text: `σ² = ${Number(sigma2.toPrecision(3))}` });
    for (const node of [meanLine, meanText]) shown(node, drawn);
    if (!drawn) return;
    const at = y(run.mse);
    amend(meanLine, { x1: x.range[0], x2: x.range[1], y1: at, y2: at });
    amend(meanText, { x: x.range[1] - 4, y: at + (above ? 15 : -6), text: `mean ${twoFigures(run.mse)}` });
  }

  const rowWords = (lay, row) => (lay.table.name === "depth" ? `${lay.table.rows[row].layers} layers` : `width ${lay.table.rows[row].width}`);

  /** The first D of a row may pass because a smaller one would. */
  const starWords = ({ place, first }) => `${first ? "at most " : ""}${thousands(place)}`;

  function draw() {
    const here = choice();
    const { run, lay, cell } = here;
    const sigma2 = model.get("sigma2");
    lay.seen.add(cell.key);
    lastOf.set(lay.table.name, run.name);
    const stars = crossings(lay, run.seed, sigma2);
    // All sizes are read before anything is written, or the page would be laid out between.
    const [room, left, right] = [sheet, plot.box, squared.box].map((node) => node.clientWidth);
    drawTable(lay, room);
    fillTable(here, stars);
    if (left) { drawCurves(here, left); drawWindow(here, right); }
    familyChoice?.set(lay.table.name);
    drawSeeds(here);
    meanBox.set(model.get("mean"));
    const hiding = model.get("predict") && !told && lay.seen.size < lay.cells.length;
    shown(reveal, model.get("predict"));
    reveal.disabled = !hiding;
    const all = lay.cells.flatMap((one) => one.runs);
    const missing = all.filter(({ there }) => !there);
    caption.textContent = lay.table.name === "again" ? `Mean squared gap, nats²: one model, one training set, ${lay.seeds.length} seeds`
      : `Mean squared gap, nats²: ${sheet.classList.contains("bs-is-upright") ? "N along, D down" : "N down, D along"}, ${model.get("mean") ? "mean of the seeds" : `seed ${run.seed}`}`;
    shown(gone, missing.length > 0);
    gone.firstChild.textContent = `${missing.length} of these ${all.length} runs ${missing.length === 1 ? "has" : "have"} no record yet`;
    const listed = missing.map(({ name }) => name).join(", ");
    if (gone.lastChild.textContent !== listed) gone.lastChild.textContent = listed;

    const star = stars[cell.row];
    const starText = lay.table.name === "again" ? "–" : star?.known ? starWords(star) : hiding ? "?" : "beyond the table";
    const N = lay.table.rows[cell.row].N;
    const number = (v, digits) => (v === null || v === undefined ? "–" : fixed(v, digits));
    const passes = usable(run) ? run.mse < sigma2 : null;
    ui.readout([
      ["N, in the blocks", N === null ? "–" : thousands(N)], ["D, tokens", thousands(run.D)],
      ["least validation loss", number(run.least, 3)], ["at step", run.there ? thousands(run.step) : "–"], ["passes over D", run.there ? fixed(run.epochs, 1) : "–"],
      ["mean squared gap", run.there && run.mse !== null ? twoFigures(run.mse) : "–", passes ? "good" : undefined], ["noise of steps in it", run.there && run.noise !== null ? twoFigures(run.noise) : "–"],
      ["mean gap", number(run.gap, 3)], ["D* of this row", starText],
    ]);
    const named = `${capital(rowWords(lay, cell.row))}, ${thousands(run.D)} tokens, seed ${run.seed}`;
    const looked = hiding ? ` You have looked at ${lay.seen.size} of ${lay.cells.length} cells.` : "";
    const sentence = !run.there ? `${named}: there is no record ${run.name} yet.`
      : `${named}: validation is least at step ${thousands(run.step)}, ${fixed(run.least, 3)}. In the ${thousands(run.window)} steps after it`
        + `${run.complete ? "" : " (cut short)"} training loss lies ${fixed(Math.abs(run.gap ?? 0), 3)} ${run.gap < 0 ? "above" : "below"} on average; mean squared gap ${run.mse === null ? "unknown" : twoFigures(run.mse)}, ${passes ? "below" : "not below"} σ².`;
    ui.say(sentence + (star?.known ? ` D* of this row${model.get("mean") && cell.runs.length > 1 ? ", by the mean of the seeds," : ""} is ${starWords(star)}.` : "") + looked);
    const found = {
      family: lay.table.name, chosen: run.name, mse: run.mse ?? null, gap: run.gap ?? null, noise: run.noise ?? null, passes,
      d_star: lay.table.name === "again" ? [null] : stars.map((one) => (one?.known ? one.place : null)), seen: model.get("predict") && !told ? lay.seen.size : lay.cells.length,
    };
    if (report(model, "summary", found)) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["chosen", "family", "mean", "sigma2"], repaint), listen(model, ["predict"], () => { told = false; for (const lay of laid.values()) lay.seen.clear(); repaint(); }),
    onWidth(ui.root, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
