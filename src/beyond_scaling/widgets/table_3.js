// Table 3 of the paper with its grid: three models, each with a data size known to one cell of the sweep, and the range of
// exponents that leaves.
import { amend, answerAfter, haloed, hatching, markKey, plotBox, report, shown, stroke, styled, swatch } from "./curves.js";
import { feasibleRange, fittedSlope } from "./exponents.js";
import { axes, button, checkbox, fixed, frame, handle, html, linear, onWidth, pathOf, repainter, saver, slider, svg } from "./ui.js";

const PRINTED = 0.04; // the sigma squared of Table 3
const ROUNDING = 0.005; // its errors are printed with two decimals
const MOST = 8; // the exponent axis ends here
const MARGIN = { left: 46, right: 14, top: 26, bottom: 38 };
const TINY = 1e-9;

/** Where the power law of exponent p, an end of the feasible range, meets each row inside its cell. */
export function pointsOn(p, sizes, cells) {
  // log c lies between these two, which meet at an end of the range.
  const least = Math.max(...sizes.map((n, i) => Math.log(n) - p * Math.log(cells[i][1])));
  const most = Math.min(...sizes.map((n, i) => Math.log(n) - p * Math.log(cells[i][0])));
  const c = (least + most) / 2;
  return sizes.map((n, i) => Math.min(Math.max(Math.exp((Math.log(n) - c) / p), cells[i][0]), cells[i][1]));
}

/**
 * Which D* a threshold gives a row, from what is printed: errors rounded to two decimals, and the authors' own choice.
 * @param {{d_star: number, mse: [number, number | null][]}} row
 * @returns {{first: number | null, last: number | null, early: boolean}} indices into row.mse: D* is at the earliest
 *   `first`, at the latest `last`; null: after the printed columns. early: nothing printed rules out a smaller D*.
 */
export function thresholdColumns(row, sigma2) {
  const chosen = row.mse.findIndex(([d]) => d === row.d_star);
  const bounds = row.mse.map(([, error], i) => {
    let [low, high] = error === null ? [0, Infinity] : [error - ROUNDING, error + ROUNDING];
    // What the paper chose at 0.04 says on which side of it the unrounded error lies.
    if (i < chosen) low = Math.max(low, PRINTED);
    if (i === chosen) high = Math.min(high, PRINTED);
    return [low, high];
  });
  const found = (test) => { const i = bounds.findIndex(test); return i < 0 ? null : i; };
  const first = found(([low]) => low < sigma2 - TINY);
  return { first, last: found(([, high]) => high <= sigma2 + TINY), early: first === 0 };
}

/** The cell of the grid below column `at`, in tokens; one more cell on either side if `wide`, as far as the sweep goes. */
function cellBelow(grid, at, wide) {
  const column = (i) => grid[Math.min(Math.max(i, 0), grid.length - 1)];
  return wide ? [column(at - 2), column(at + 1)] : [column(at - 1), column(at)];
}

const millions = (tokens, digits = 1) => `${fixed(tokens / 1e6, digits)}M`;
const shiftText = (shifts) => (shifts.length
  ? `${[...new Set([Math.min(...shifts), Math.max(...shifts)].map((v) => fixed(v, 0)))].join("–")}%` : "–");
const percent = (share) => `${fixed(100 * share, 1)}%`;

function render({ model, el }) {
  const ui = frame(el, {
    title: "How much does Table 3 know?",
    hint: "Drag a D* inside its grid cell: the sweep cannot tell these positions apart.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const rows = model.get("rows");
  const grid = model.get("grid");
  const sizes = rows.map((row) => row.n_params);
  const colours = ["energy", "mchn", "accent"].map(ink);
  const named = rows.map((row) => `${fixed(row.n_params / 1e6, 0)}M`);

  const answer = answerAfter(model, ["positions", "one_cell_more", "sigma2"], () => repaint());

  /** What the chosen threshold says of every row. */
  function known() {
    const sigma2 = model.get("sigma2");
    const wide = model.get("one_cell_more");
    return rows.map((row) => {
      const { first, last, early } = thresholdColumns(row, sigma2);
      const printed = Math.abs(sigma2 - PRINTED) < TINY;
      const sure = first !== null && first === last && (printed || !early);
      if (!sure) return { sure, first, last, early };
      const d = row.mse[last][0];
      return { sure, d, cell: cellBelow(grid, grid.findIndex((g) => g === d), wide) };
    });
  }
  const inside = (d, [lo, hi]) => Math.min(Math.max(d, lo), hi);
  function put(positions) {
    const at = known();
    const next = positions.map((d, i) => (at[i].sure ? inside(d, at[i].cell) : d));
    model.set("positions", next);
    save();
  }
  const move = (i, d) => put(model.get("positions").map((old, j) => (j === i ? d : old)));
  /** Positions on the grid again, as the threshold chooses them. */
  function toGrid() {
    const at = known();
    put(rows.map((row, i) => (at[i].sure ? at[i].d : row.d_star)));
  }

  // --- the points
  const map = plotBox({ title: "Model size N against data D*, both logarithmic", label: "Three models with draggable data sizes and the fitted power law", ratio: 1.02 });
  const mapGrid = svg("g", { "aria-hidden": "true" });
  const wedge = styled("path", { "stroke-dasharray": "3 4" }, { fill: "none", stroke: ink("muted"), "stroke-width": "1.4px" });
  const fit = styled("path", {}, { fill: "none", stroke: ink("ink"), "stroke-width": "2.4px" });
  const cells = rows.map((_, i) => styled("rect", { height: 18, rx: 4 }, { fill: colours[i], "fill-opacity": 0.28, stroke: colours[i], "stroke-width": "1px" }));
  const errors = svg("g", { "aria-hidden": "true" });
  const points = rows.map((row, i) => handle(map.board, {
    label: () => `D star of the ${named[i]} model: ${millions(model.get("positions")[i])} tokens`,
    colour: colours[i], horizontal: true,
    onMove: (px) => move(i, Math.exp(scales.x.invert(px))),
    onKey: (dx) => move(i, model.get("positions")[i] + dx * 1e6),
  }));
  map.board.append(mapGrid, ...cells, wedge, fit, errors, ...points.map((point) => point.node));

  // --- the exponent
  const dial = plotBox({ title: "Exponent p of N ∝ Dᵖ", label: "The fitted exponent on a line from 0 to 8 with the feasible range", height: 136 });
  const dialAxes = svg("g");
  const hatch = hatching(ink("good"), { gap: 6, width: 1.4 });
  const range = styled("rect", { height: 24, rx: 4 }, { fill: hatch.fill, stroke: ink("good"), "stroke-width": "1.5px" });
  const marks = [[1, "∝ D"], [2, "printed"], [4, "derived"]].map(([p, text]) => ({
    p, line: styled("line", {}, { stroke: ink("ink"), "stroke-width": "1.2px" }), text: haloed(text, { "text-anchor": "middle" }, ink("ink"), 500) }));
  const needle = styled("path", { d: "M0,0L-8,-15H8Z" }, { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" });
  const needleText = haloed("", { "text-anchor": "middle" }, ink("ink"), 700);
  dial.board.append(hatch.node, dialAxes, ...marks.map((m) => m.line), range, ...marks.map((m) => m.text), needle, needleText);

  // --- the ratios
  const ratio = plotBox({ title: "“Constant” ratio N/D*², × 10⁻¹⁰", label: "The ratio N over D squared of each model with the range its cell allows", height: 168 });
  const ratioAxes = svg("g");
  const whiskers = rows.map((_, i) => styled("rect", { height: 12, rx: 3 }, { fill: colours[i], "fill-opacity": 0.28, stroke: colours[i], "stroke-width": "1px" }));
  const dots = rows.map((_, i) => styled("circle", { r: 6 }, { fill: colours[i], stroke: ink("ground"), "stroke-width": "2px" }));
  const dotTexts = rows.map((_, i) => haloed("", {}, colours[i], 650));
  ratio.board.append(ratioAxes, ...whiskers, ...dots, ...dotTexts);
  ui.stage.append(map.node, html("div", { class: "bs-stack" }, dial.node, ratio.node));
  ui.controls.before(markKey([
    ["one grid cell", swatch(ink("energy"), ink("energy"), { opacity: 0.28 })], ["fitted power law", stroke(ink("ink"))],
    ["flattest and steepest through all cells", stroke(ink("muted"), { dash: "3 4", width: 1.4 })],
    ["exponents that the cells allow", swatch(hatch.fill, ink("good"))],
  ]));

  // --- controls
  const threshold = slider({
    label: "Threshold σ²", min: 0.025, max: 0.075, step: 0.005, value: model.get("sigma2"), format: (v) => fixed(v, 3),
    onInput: (v) => { model.set("sigma2", Math.round(v * 1000) / 1000); toGrid(); },
  });
  const wider = checkbox({
    label: "D* may be one cell off", value: model.get("one_cell_more"),
    onChange: (v) => { model.set("one_cell_more", v); put(model.get("positions")); },
  });
  const extreme = (pick) => () => {
    const at = known();
    const on = rows.map((_, i) => i).filter((i) => at[i].sure);
    const limits = feasibleRange(on.map((i) => sizes[i]), on.map((i) => at[i].cell));
    if (on.length < 2 || !limits) return;
    const ends = pointsOn(Math.min(pick(limits), 1e6), on.map((i) => sizes[i]), on.map((i) => at[i].cell));
    const next = [...model.get("positions")];
    on.forEach((i, k) => { next[i] = ends[k]; });
    put(next);
  };
  const buttons = [
    button({ label: "Smallest exponent", onClick: extreme(([low]) => low) }),
    button({ label: "Largest exponent", onClick: extreme(([, high]) => high) }),
    button({ label: "Back to Table 3", onClick: () => { model.set("sigma2", PRINTED); model.set("one_cell_more", false); toGrid(); } }),
  ];
  ui.controls.append(wider.node, threshold.node, html("div", { class: "bs-buttons" }, ...buttons));

  const scales = {};
  let drawnAt = "";
  function drawFurniture(size) {
    drawnAt = size;
    const [w, h] = [map.box.clientWidth, map.box.clientHeight];
    const [left, right, bottom, top] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom, MARGIN.top];
    scales.x = linear([Math.log(149e6), Math.log(352e6)], [left, right]);
    scales.y = linear([Math.log(31e6), Math.log(104e6)], [bottom, top]);
    // Round numbers on logarithmic axes; the sweep's own columns as grid lines.
    const ticksX = [150, 200, 250, 300, 350];
    const ticksY = [40, 60, 80, 100];
    mapGrid.replaceChildren(
      ...grid.map((d) => svg("line", { class: "bs-gridline", x1: scales.x(Math.log(d)), x2: scales.x(Math.log(d)), y1: bottom, y2: top })),
      ...ticksX.flatMap((t) => { const px = scales.x(Math.log(t * 1e6)); return [
        styled("line", { x1: px, x2: px, y1: bottom, y2: bottom + 4 }, { stroke: ink("muted") }),
        svg("text", { class: "bs-tick", x: px, y: bottom + 17, "text-anchor": "middle", text: `${t}M` })]; }),
      ...ticksY.flatMap((t) => { const py = scales.y(Math.log(t * 1e6)); return [
        styled("line", { x1: left - 4, x2: left, y1: py, y2: py }, { stroke: ink("muted") }),
        svg("text", { class: "bs-tick", x: left - 7, y: py + 4, "text-anchor": "end", text: `${t}M` })]; }),
      svg("rect", { class: "bs-axis", x: left, y: top, width: right - left, height: bottom - top }),
      svg("text", { x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle", text: "D*, tokens (grid lines: the sweep)" }),
      svg("text", { x: left, y: top - 8, text: "N; small numbers: printed errors" }));
    errors.replaceChildren(...rows.flatMap((row) => {
      const lost = row.mse.filter(([, error]) => error === null).map(([d]) => Math.log(d));
      const middle = (lost[0] + lost[lost.length - 1]) / 2;
      const texts = row.mse.filter(([, error]) => error !== null).map(([d, error]) => [Math.log(d), fixed(error, 2), d]);
      if (lost.length) texts.push([middle, "errors lost", ""]);
      return texts.map(([x, text, d]) => haloed(text, {
        x: scales.x(x), y: scales.y(Math.log(row.n_params)) + 26, "text-anchor": "middle", class: "bs-tick", "data-cell": `${row.n_params}/${d}`,
      }, ink("muted"), 500));
    }));

    const dw = dial.box.clientWidth;
    scales.p = linear([0, MOST], [18, dw - 18]);
    axes(dialAxes, scales.p, linear([0, 1], [112, 4]), { xTicks: 8, yTicks: 0.5, xLabel: "" });
    dialAxes.querySelectorAll('.bs-tick[text-anchor="end"]').forEach((node) => node.remove());
    for (const { p, line, text } of marks) {
      amend(line, { x1: scales.p(p), x2: scales.p(p), y1: 38, y2: 94 });
      amend(text, { x: scales.p(p), y: 107 });
    }
    amend(range, { y: 50 });
    const rw = ratio.box.clientWidth;
    scales.ratio = linear([6, 18], [18, rw - 18]);
    axes(ratioAxes, scales.ratio, linear([0, 1], [130, 8]), { xTicks: 8, yTicks: 0.5 });
    ratioAxes.querySelectorAll('.bs-tick[text-anchor="end"]').forEach((node) => node.remove());
  }

  const ratioOf = (i, d) => (sizes[i] / d ** 2) * 1e10;
  const column = (row, i) => millions(row.mse[i][0], 2);
  /** What the printed errors say about a row's D*, in words. */
  function story(row, at) {
    if (at.sure) return millions(at.d, 2);
    if (row.mse.filter(([, error]) => error === null).length > 1) return "errors lost";
    if (at.last === null) return at.first === null ? `above ${column(row, row.mse.length - 1)}` : "rounding hides it";
    if (at.early) return `${column(row, at.last)} or less`;
    return `${column(row, at.first)} or ${column(row, at.last)}`;
  }

  function draw() {
    const size = [map.box.clientWidth, map.box.clientHeight, dial.box.clientWidth].join();
    if (size !== drawnAt && map.box.clientWidth) drawFurniture(size);
    const at = known();
    const sigma2 = model.get("sigma2");
    const positions = model.get("positions").map((d, i) => (at[i].sure ? inside(d, at[i].cell) : d));
    const on = rows.map((_, i) => i).filter((i) => at[i].sure);
    const [theirSizes, theirCells] = [on.map((i) => sizes[i]), on.map((i) => at[i].cell)];
    const law = fittedSlope(theirSizes, on.map((i) => positions[i]));
    const finite = law !== null && Number.isFinite(law.slope);
    const limits = on.length > 1 ? feasibleRange(theirSizes, theirCells) : null;
    const ratios = rows.map((_, i) => (at[i].sure ? ratioOf(i, positions[i]) : null));
    const shifts = theirCells.map(([lo, hi]) => 100 * ((hi / lo) ** 2 - 1));
    const shownRatios = ratios.filter((v) => v !== null);
    const mean = shownRatios.reduce((sum, v) => sum + v, 0) / shownRatios.length;
    const spread = shownRatios.length > 1
      ? Math.sqrt(shownRatios.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (shownRatios.length - 1)) / mean : null;

    if (scales.x) {
      // The printed error that the threshold picks stands out.
      const picked = new Set(rows.map((row, i) => (at[i].sure ? `${row.n_params}/${at[i].d}` : "")));
      for (const node of errors.children) {
        const yes = picked.has(node.dataset.cell);
        node.style.fontWeight = yes ? "700" : "500";
        node.style.fill = ink(yes ? "ink" : "muted");
      }
      rows.forEach((row, i) => {
        const py = scales.y(Math.log(row.n_params));
        for (const node of [cells[i], points[i].node, whiskers[i], dots[i], dotTexts[i]]) shown(node, at[i].sure);
        if (!at[i].sure) return;
        const [lo, hi] = at[i].cell;
        const px = scales.x(Math.log(lo));
        amend(cells[i], { x: px, y: py - 9, width: scales.x(Math.log(hi)) - px });
        points[i].place(scales.x(Math.log(positions[i])), py);
        points[i].relabel();
        const ry = 30 + i * 36;
        const [most, least] = [ratioOf(i, lo), ratioOf(i, hi)];
        amend(whiskers[i], { x: scales.ratio(least), y: ry - 6, width: scales.ratio(most) - scales.ratio(least) });
        amend(dots[i], { cx: scales.ratio(ratios[i]), cy: ry });
        shown(whiskers[i], answer.open());
        // Past the end of its bar, or of the frame, the text would leave the picture.
        const end = scales.ratio(answer.open() ? most : ratios[i]) + (answer.open() ? 7 : 11);
        const room = scales.ratio.range[1] - 66;
        amend(dotTexts[i], { x: Math.min(end, room), y: ry + (end > room ? -9 : 4), text: `${named[i]}: ${fixed(ratios[i], 2)}` });
      });
      const [left, right] = scales.x.range;
      const [bottom, top] = scales.y.range;
      const line = (p, [mx, my]) => {
        // The piece of the line inside the box, clipped to the rows' side of it.
        const xs = [scales.x.domain[0], scales.x.domain[1], mx + (scales.y.domain[0] - my) / p, mx + (scales.y.domain[1] - my) / p]
          .filter((x) => x >= scales.x.domain[0] - TINY && x <= scales.x.domain[1] + TINY)
          .filter((x) => { const py = scales.y(my + p * (x - mx)); return py <= bottom + 0.5 && py >= top - 0.5; }).sort((a, b) => a - b);
        const ends = [xs[0], xs[xs.length - 1]];
        return pathOf(ends.map((x) => Math.min(Math.max(scales.x(x), left), right)), ends.map((x) => scales.y(my + p * (x - mx))));
      };
      shown(fit, finite);
      if (finite) amend(fit, { d: line(law.slope, law.at) });
      shown(wedge, limits !== null && answer.open());
      if (limits) {
        amend(wedge, { d: limits.map((p) => {
          const steep = Math.min(p, 1e6);
          const ends = pointsOn(steep, theirSizes, theirCells);
          return line(steep, [Math.log(ends[0]), Math.log(theirSizes[0])]);
        }).join("") });
        const from = scales.p(limits[0]);
        amend(range, { x: from, width: Math.max(scales.p(Math.min(limits[1], MOST)) - from, 2) });
      }
      shown(range, limits !== null && answer.open());
      for (const node of [needle, needleText]) shown(node, finite);
      if (finite) {
        const px = scales.p(Math.min(Math.max(law.slope, 0), MOST));
        amend(needle, { transform: `translate(${px.toFixed(1)},48)` });
        amend(needleText, { x: Math.max(px, 40), y: 26, text: `p = ${fixed(law.slope, 2)}${law.slope > MOST ? " →" : ""}` });
      }
    }
    threshold.set(sigma2);
    wider.set(model.get("one_cell_more"));
    for (const one of buttons.slice(0, 2)) one.disabled = limits === null;
    const upper = limits && fixed(limits[1], 2);
    ui.readout([
      ["exponent p, fitted", finite ? fixed(law.slope, 2) : "open"],
      ["cells allow", !answer.open() ? "?" : limits ? `${fixed(limits[0], 2)}${limits[1] === Infinity ? " and up" : `–${upper}`}` : "–"],
      ["spread of N/D*²", spread === null ? "–" : percent(spread)],
      ["N/D*² per cell", answer.open() ? shiftText(shifts) : "?"],
      ...rows.map((row, i) => [`D* of ${named[i]}`, story(row, at[i]), at[i].sure ? undefined : "bad"]),
    ]);
    const gone = rows.map((row, i) => [i, at[i]]).filter(([, a]) => !a.sure).map(([i, a]) => `${named[i]}: ${story(rows[i], a)}`);
    const reach = !answer.open() ? "" : limits === null ? "; no power law passes through all cells"
      : `; one power law through ${on.length === 3 ? "all three cells" : "both cells"} may have any exponent from ${fixed(limits[0], 2)} ${limits[1] === Infinity ? "upwards" : `to ${upper}`}`;
    ui.say((finite
      ? `Fitted exponent ${fixed(law.slope, 2)}${reach}. `
      : "Fewer than two values of D* are determined: no exponent. ")
      + (spread === null ? "" : `The ratio spreads by ${percent(spread)}. `)
      + (gone.length ? `At σ² = ${fixed(sigma2, 3)} the printed errors do not fix every D*. ${gone.join("; ")}.` : ""));
    const told = report(model, "summary", {
      exponent: finite ? law.slope : null,
      feasible: limits ? limits.map((p) => (Number.isFinite(p) ? p : null)) : null,
      ratios: ratios.map((v) => (v === null ? null : v * 1e-10)), spread, d_star: rows.map((_, i) => (at[i].sure ? positions[i] : null)),
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [answer.stop, onWidth(ui.stage, () => repaint()),
    () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
