// Propositions 1, 2 and 3 at a point to drag: a map, a section through the point, and a gauge with both bands.
import {
  amend, areaPath, contourPath, hatching, haloed, listen, markKey, plotBox, pointText, report, shown, stroke, styled,
  swatch, verdicts,
} from "./curves.js";
import { effectiveNeighbours, energy, mchnEnergy, nearestDistance, proposition1, proposition2, proposition3 } from "./energy.js";
import {
  axes, button, fixed, frame, handle, html, linear, onTheme, onWidth, palette, pathOf, repainter, rgb, saver, segmented, svg,
} from "./ui.js";

const PLANE = [[-2, -0.5], [0.2, -0.3], [1.5, 1.5]];
const LINE = [-2, 0, 1];
const PROPOSITIONS = {
  1: { band: proposition1, value: "E", map: "Blue: where several neighbours count" },
  2: { band: proposition2, value: "2 MCHN − log d − E", map: "The bluer, the higher the value" },
  3: { band: proposition3, value: "g − 2 MCHN", map: "Hatched: outside the printed band" },
};
const SAMPLES = 241;
const CELL = 3;
const HATCH = 3;
const MARGIN = { left: 40, right: 12, top: 26, bottom: 36 };
const GAUGE = { left: 74, right: 18, height: 112 };

/** How far `value` lies outside [lo, hi]; 0 inside or within rounding of the ends. */
function outsideBy(value, [lo, hi], scale) {
  const miss = Math.max(lo - value, value - hi, 0);
  return miss <= 1e-12 * Math.max(1, scale) ? 0 : miss;
}

/** The point of the plane as far from all three patterns, or null where there is none. */
function equidistantPoint(patterns) {
  if (patterns.length !== 3 || patterns[0].length !== 2) return null;
  const [[ax, ay], [bx, by], [cx, cy]] = patterns;
  const [ux, uy, vx, vy] = [bx - ax, by - ay, cx - ax, cy - ay];
  const cross = 2 * (ux * vy - uy * vx);
  if (Math.abs(cross) < 1e-9 * (ux * ux + uy * uy + vx * vx + vy * vy)) return null;
  const [u, v] = [ux * ux + uy * uy, vx * vx + vy * vy];
  return [ax + (vy * u - uy * v) / cross, ay + (ux * v - vx * u) / cross];
}

/** The window that shows the patterns with room around, the point included. */
function windowAround(patterns, point, plane) {
  const side = [];
  const axesOf = plane ? [0, 1] : [0];
  for (const k of axesOf) {
    const values = patterns.map((p) => p[k]);
    side.push([Math.min(...values), Math.max(...values)]);
  }
  const reach = Math.max(...side.map(([lo, hi]) => hi - lo)) * (plane ? 0.62 : 1.1) + (plane ? 2 : 1.8);
  return side.map(([lo, hi], k) => {
    const middle = (lo + hi) / 2;
    return [Math.min(middle - reach, point[k] - 0.5), Math.max(middle + reach, point[k] + 0.5)];
  });
}

/** Everything the widget says about one point. */
function factsAt(x, patterns, proposition) {
  const { value, printed, corrected } = PROPOSITIONS[proposition].band(x, patterns);
  const g = nearestDistance(x, patterns);
  const scale = Math.max(g, Math.abs(value), ...printed.map(Math.abs), ...corrected.map(Math.abs));
  const outside = { printed: outsideBy(value, printed, scale), corrected: outsideBy(value, corrected, scale) };
  return {
    value, printed, corrected, outside, g,
    energy: energy(x, patterns), mchn: mchnEnergy(x, patterns, 2), neighbours: effectiveNeighbours(x, patterns),
  };
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Three propositions, one point",
    hint: "Drag the point, or press its arrow keys (Shift: finer).",
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);

  // --- state: all of it in the model; the window alone is derived, and only grows until the patterns change
  const patternsNow = () => model.get("patterns").map((p) => (Array.isArray(p) ? p : [p]));
  let patterns = [];
  let plane = true;
  let view = null;
  let dragging = false;
  let mapStale = true;
  // Readable values: steps of a power of ten finer than a pixel or two.
  const decimals = () => Math.min(Math.max(Math.ceil(-Math.log10((view[0][1] - view[0][0]) / 500) - 1e-9), 0), 12);
  const round = (v, extra = 0) => Number(v.toFixed(decimals() + extra));
  const written = (x) => pointText(x, Math.max(2, view ? decimals() : 2));
  const put = (x) => {
    model.set("point", x);
    save();
  };
  const jump = (x, set) => {
    if (set) model.set("patterns", set);
    view = null;
    put(x);
  };

  // --- controls
  const choice = segmented({
    label: "Proposition", options: [[1, "1"], [2, "2"], [3, "3"]], value: model.get("proposition"),
    onChange: (value) => { model.set("proposition", value); save(); },
  });
  const equidistant = button({
    label: "Equidistant point",
    onClick: () => (equidistantPoint(patterns) ? jump(equidistantPoint(patterns)) : jump(equidistantPoint(PLANE), PLANE)),
  });
  ui.controls.append(
    choice.node,
    html("div", { class: "bs-control bs-jumps", role: "group", "aria-label": "Telling points" },
      button({ label: "Stored pattern (0.2, −0.3)", onClick: () => jump([0.2, -0.3], PLANE) }),
      button({ label: "(3, −6)", onClick: () => jump([3, -6], PLANE) }),
      equidistant,
      button({ label: "On a line: −2, 0, 1 with x = 6", onClick: () => jump([6], LINE) })));

  // --- the map (a line for 1-D patterns)
  const map = plotBox({ title: " ", label: "Map of the patterns with the point to drag", ratio: 1.2, canvas: true });
  const mapAxes = svg("g");
  const edge = styled("path", {}, { fill: "none", stroke: ink("bad"), "stroke-width": "1.6px", "stroke-dasharray": "5 3" });
  const sectionLine = styled("line", {}, { stroke: ink("accent"), "stroke-width": "1.5px", "stroke-dasharray": "2 4" });
  const marks = svg("g");
  const mapPoint = handle(map.board, {
    label: () => `Point x at ${written(model.get("point"))}`, colour: ink("accent"), text: "x",
    onMove: (px, py) => { dragging = true; put(fromMap(px, py)); },
    onKey: (dx, dy) => put(nudge(dx, dy)),
  });
  map.board.append(mapAxes, edge, sectionLine, marks, mapPoint.node);

  // --- the section along the horizontal line through the point
  const section = plotBox({ title: " ", label: "The value along the horizontal line through the point, with its bands", ratio: 1.2 });
  const hatch = hatching(ink("mchn"));
  const sectionAxes = svg("g");
  const clipId = hatch.fill.slice(5, -1).replace("hatch", "clip");
  const clipBox = svg("rect");
  const clip = svg("clipPath", { id: clipId }, clipBox);
  const printedArea = styled("path", { "stroke-dasharray": "6 4" },
    { fill: hatch.fill, "fill-opacity": 0.55, stroke: ink("mchn"), "stroke-width": "1.5px" });
  const correctedArea = styled("path", {}, { fill: ink("good"), "fill-opacity": 0.2, stroke: ink("good"), "stroke-width": "1.5px" });
  const curve = styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "2.6px" });
  const violation = styled("path", { "stroke-linecap": "round" }, { fill: "none", stroke: ink("bad"), "stroke-width": "6px" });
  const violationCore = styled("path", { "stroke-dasharray": "1 5" }, { fill: "none", stroke: ink("ground"), "stroke-width": "2.4px" });
  const drop = styled("line", {}, { stroke: ink("accent"), "stroke-width": "1.5px", "stroke-dasharray": "2 4" });
  const storedTicks = svg("g");
  const captions = {
    printed: haloed("printed band", {}, ink("mchn")), corrected: haloed("corrected band", {}, ink("good")),
    empty: haloed("the value never enters this half", { "text-anchor": "end" }, ink("muted"), 500),
    miss: haloed("outside ↓", { "text-anchor": "end" }, ink("bad")),
  };
  const sectionPoint = handle(section.board, {
    label: () => `Point x along the section, first coordinate ${written([model.get("point")[0]])}`, colour: ink("accent"),
    shape: "diamond", radius: 7, horizontal: true,
    onMove: (px) => { dragging = true; put(alongSection(px)); },
    onKey: (dx) => put(nudge(dx, 0)),
  });
  section.board.append(hatch.node, svg("defs", {}, clip), sectionAxes,
    svg("g", { "clip-path": `url(#${clipId})` }, printedArea, correctedArea, violation, violationCore, curve, drop, storedTicks),
    ...Object.values(captions), sectionPoint.node);

  // --- the gauge: the value at the point, and nothing else
  const gauge = plotBox({ label: "The value at the point against its bands", height: GAUGE.height });
  const gaugeHatch = hatching(ink("mchn"));
  const gaugeParts = {
    printed: styled("rect", { y: 42, height: 16, rx: 2, "stroke-dasharray": "6 4" },
      { fill: gaugeHatch.fill, "fill-opacity": 0.55, stroke: ink("mchn"), "stroke-width": "1.5px" }),
    corrected: styled("rect", { y: 66, height: 16, rx: 2 },
      { fill: ink("good"), "fill-opacity": 0.2, stroke: ink("good"), "stroke-width": "1.5px" }),
    miss: styled("line", { y1: 50, y2: 50 }, { stroke: ink("bad"), "stroke-width": "3px", "stroke-dasharray": "4 3" }),
    pin: styled("line", { y1: 26, y2: 90 }, { stroke: ink("accent"), "stroke-width": "2.5px" }),
    head: styled("path", {}, { fill: ink("accent") }),
  };
  const gaugeText = {
    printed: haloed("printed", { x: GAUGE.left - 8, y: 54, "text-anchor": "end" }, ink("mchn")),
    corrected: haloed("corrected", { x: GAUGE.left - 8, y: 78, "text-anchor": "end" }, ink("good")),
    value: haloed("", { y: 14, "text-anchor": "middle" }, ink("accent"), 700),
  };
  const gaugeTicks = svg("g", { "aria-hidden": "true" });
  gauge.board.append(gaugeHatch.node, gaugeTicks, gaugeParts.printed, gaugeParts.corrected, gaugeParts.miss, gaugeParts.pin,
    gaugeParts.head, ...Object.values(gaugeText));

  const verdict = verdicts();
  const legend = markKey([
    ["value", stroke(ink("energy"))],
    ["pattern", styled("rect", { x: -5, y: -5, width: 10, height: 10 }, { fill: ink("ink") })],
    ["corrected band", swatch(ink("good"), ink("good"), { opacity: 0.2 })],
    ["printed band", swatch(swatchHatch(ui.root), ink("mchn"), { opacity: 0.55, dash: "4 3" })],
  ]);
  const pair = html("div", { class: "bs-stage bs-two" }, map.node, section.node);
  ui.stage.append(pair, legend, gauge.node, verdict.node);

  /** The hatching for the legend, whose svg is not the section's; it lives in an svg of its own. */
  function swatchHatch(root) {
    const own = hatching(ink("mchn"), { gap: 5 });
    root.append(svg("svg", { width: 0, height: 0, class: "bs-offstage", "aria-hidden": "true" }, own.node));
    return own.fill;
  }

  // --- geometry
  let mapX = null;
  let mapY = null;
  let secX = null;
  let secY = null;
  const bounded = (v, [lo, hi]) => Math.min(Math.max(v, lo), hi);
  const fromMap = (px, py) => {
    const x = [round(bounded(mapX.invert(px), mapX.domain))];
    if (plane) x.push(round(bounded(mapY.invert(py), mapY.domain)));
    // A pattern within a fingertip's reach catches the point: the telling places are exact.
    const near = patterns.find((p) => Math.hypot(mapX(p[0]) - px, plane ? mapY(p[1]) - py : 0) < 6);
    return near ? [...near] : x;
  };
  const alongSection = (px) => {
    const [, ...rest] = model.get("point");
    const near = patterns.find((p) => Math.abs(secX(p[0]) - px) < 5 && p.slice(1).every((v, k) => v === rest[k]));
    return [near ? near[0] : round(bounded(secX.invert(px), secX.domain)), ...rest];
  };
  const nudge = (dx, dy) => model.get("point").map((v, k) => round(v + (k ? dy : dx) * 10 ** (1 - decimals()), 1));

  function layout() {
    const [w, h] = [map.box.clientWidth, map.box.clientHeight];
    const [left, right, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    if (plane) {
      // The same scale on both axes: distances are what this is about.
      const top = MARGIN.top;
      const unit = Math.min((right - left) / (view[0][1] - view[0][0]), (bottom - top) / (view[1][1] - view[1][0]));
      const [cx, cy] = view.map(([lo, hi]) => (lo + hi) / 2);
      const [rx, ry] = [(right - left) / 2 / unit, (bottom - top) / 2 / unit];
      mapX = linear([cx - rx, cx + rx], [left, right]);
      mapY = linear([cy - ry, cy + ry], [bottom, top]);
    } else {
      mapX = linear(view[0], [left, right]);
      mapY = linear([0, 1], [bottom, 8]);
    }
    secX = linear(mapX.domain, [MARGIN.left, section.box.clientWidth - MARGIN.right]);
  }

  // --- the map's shading: a picture that changes with the patterns, the proposition, the window or the theme only
  let mapKey = "";
  function shadeMap() {
    const [w, h] = [map.box.clientWidth, map.box.clientHeight];
    const [left, right] = mapX.range;
    const [bottom, top] = mapY.range;
    const scale = Math.min(devicePixelRatio || 1, 2);
    const canvas = map.canvas;
    canvas.width = Math.round(w * scale);
    canvas.height = Math.round(h * scale);
    const context = canvas.getContext("2d");
    if (!plane) { amend(edge, { d: "" }); return; }
    const nx = Math.max(2, Math.ceil((right - left) / CELL) + 1);
    const ny = Math.max(2, Math.ceil((bottom - top) / CELL) + 1);
    const px = (i) => left + ((right - left) * i) / (nx - 1);
    const py = (j) => top + ((bottom - top) * j) / (ny - 1);
    const shade = new Float64Array(nx * ny);
    const excess = new Float64Array(nx * ny);
    const number = model.get("proposition");
    const at = PROPOSITIONS[number].band;
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1) {
        const { value, printed, corrected } = at([mapX.invert(px(i)), mapY.invert(py(j))], patterns);
        const width = corrected[1] - corrected[0];
        const t = width > 0 ? (value - corrected[0]) / width : Number(number === 1);
        shade[j * nx + i] = number === 1 ? 1 - t : t;
        excess[j * nx + i] = Math.max(printed[0] - value, value - printed[1]);
      }
    }
    const colours = palette(ui.root);
    const [from, to] = [rgb(colours.ground), rgb(colours.energy)];
    const image = new ImageData(nx, ny);
    for (let k = 0; k < nx * ny; k += 1) {
      const t = 0.62 * bounded(shade[k], [0, 1]);
      for (let c = 0; c < 3; c += 1) image.data[4 * k + c] = from[c] + (to[c] - from[c]) * t;
      image.data[4 * k + 3] = 255;
    }
    const small = Object.assign(document.createElement("canvas"), { width: nx, height: ny });
    small.getContext("2d").putImageData(image, 0, 0);
    context.scale(scale, scale);
    context.imageSmoothingEnabled = true;
    // Cell centres fall on the plot's edges, hence half a cell more on every side, clipped.
    const [half, tall] = [(right - left) / (nx - 1), (bottom - top) / (ny - 1)];
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.drawImage(small, left - half / 2, top - tall / 2, (right - left) + half, (bottom - top) + tall);
    if (number === 3) {
      // Hatch, cell by cell, what lies outside the printed band.
      context.strokeStyle = colours.bad;
      context.lineWidth = 1.3;
      context.beginPath();
      for (let j = 0; j < ny; j += 1) {
        for (let i = 0; i < nx; i += 1) {
          if (excess[j * nx + i] <= 0 || (i + j) % HATCH) continue;
          context.moveTo(px(i) - half / 2, py(j) + tall / 2);
          context.lineTo(px(i) + half / 2, py(j) - tall / 2);
        }
      }
      context.stroke();
    }
    amend(edge, { d: number === 3 ? contourPath(excess, nx, ny, 0, px, py) : "" });
  }

  let marksKey = "";
  function placeMarks() {
    marks.replaceChildren(...patterns.map((p, i) => {
      const [px, py] = [mapX(p[0]), plane ? mapY(p[1]) : mapY(0.5)];
      return svg("g", { "aria-hidden": "true" },
        styled("rect", { x: px - 5, y: py - 5, width: 10, height: 10 },
          { fill: ink("ink"), stroke: ink("ground"), "stroke-width": "1.5px" }),
        patterns.length <= 8 ? haloed(`ρ${"₁₂₃₄₅₆₇₈"[i]}`, { x: px + 9, y: py + 14 }) : "");
    }));
  }

  let axesKey = "";
  const xs = new Float64Array(SAMPLES);
  const lines = Object.fromEntries(["value", "pLow", "pHigh", "cLow", "cHigh", "bad"].map((n) => [n, new Float64Array(SAMPLES)]));

  function drawSection(number, point, facts) {
    const [left, right] = secX.range;
    const bottom = section.box.clientHeight - MARGIN.bottom;
    const { band } = PROPOSITIONS[number];
    const x = [...point];
    const rows = [];
    for (let k = 0; k < SAMPLES; k += 1) {
      xs[k] = left + ((right - left) * k) / (SAMPLES - 1);
      x[0] = secX.invert(xs[k]);
      rows.push(band(x, patterns));
    }
    let [lo, hi] = [Infinity, -Infinity];
    if (number === 1) {
      // g grows like a square: show what lies within reach of the point's own value.
      for (const row of rows) lo = Math.min(lo, row.corrected[0]);
      hi = Math.max(lo + 7, facts.corrected[1] + 1);
      lo -= 0.5;
    } else {
      [lo, hi] = [Math.min(facts.printed[0], facts.corrected[0]), Math.max(facts.printed[1], facts.corrected[1])];
      if (hi - lo < 1e-6) { lo -= 0.5; hi += 0.5; }
      const pad = 0.09 * (hi - lo);
      lo -= pad;
      hi += pad;
    }
    secY = linear([lo, hi], [bottom, MARGIN.top]);
    rows.forEach(({ value, printed, corrected }, k) => {
      lines.value[k] = secY(value);
      lines.pLow[k] = secY(printed[0]);
      lines.pHigh[k] = secY(printed[1]);
      lines.cLow[k] = secY(corrected[0]);
      lines.cHigh[k] = secY(corrected[1]);
      lines.bad[k] = outsideBy(value, printed, facts.g) > 0 ? lines.value[k] : NaN;
    });
    const key = [number, lo.toFixed(3), hi.toFixed(3), secX.domain, secX.range, bottom].join();
    if (key !== axesKey) {
      axesKey = key;
      axes(sectionAxes, secX, secY, { xLabel: plane ? "first coordinate of x" : "x", yLabel: PROPOSITIONS[number].value, xTicks: 7 });
      amend(clipBox, { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top });
    }
    shown(printedArea, number !== 1);
    if (number !== 1) amend(printedArea, { d: areaPath(xs, lines.pHigh, lines.pLow) });
    amend(correctedArea, { d: areaPath(xs, lines.cHigh, lines.cLow) });
    amend(curve, { d: pathOf(xs, lines.value) });
    const bad = pathOf(xs, lines.bad);
    amend(violation, { d: bad });
    amend(violationCore, { d: bad });
    const here = secX(point[0]);
    amend(drop, { x1: here, x2: here, y1: bottom, y2: MARGIN.top });
    sectionPoint.place(here, bounded(secY(facts.value), [MARGIN.top, bottom]));

    // Words on the areas themselves; the key below repeats them.
    shown(captions.printed, number !== 1);
    const inside = (v) => bounded(v, [MARGIN.top + 14, bottom - 6]);
    amend(captions.printed, {
      x: left + 8, y: number === 3 ? inside(secY(facts.printed[1]) + 16) : inside(secY(facts.printed[0]) - 8),
    });
    amend(captions.corrected, {
      x: left + 8, text: number === 1 ? "band, printed and corrected alike" : "corrected band",
      y: number === 1 ? MARGIN.top + 16 : number === 3 ? inside(secY(facts.corrected[0]) - 8) : inside(secY(facts.corrected[1]) + 16),
    });
    shown(captions.empty, number === 2);
    if (number === 2) amend(captions.empty, { x: right - 8, y: inside(secY(facts.printed[0] / 2)) });
    shown(captions.miss, facts.value < facts.printed[0] && facts.outside.printed > 0);
    amend(captions.miss, { x: right - 8, y: inside(secY(facts.printed[0]) - 8) });
    shown(storedTicks, !plane);
    const ticksKey = plane ? "" : `${secX.domain}|${secX.range}|${bottom}|${patterns}`;
    if (storedTicks.dataset.key !== ticksKey) {
      storedTicks.dataset.key = ticksKey;
      storedTicks.replaceChildren(...(plane ? [] : patterns.map((p) => styled("rect",
        { x: secX(p[0]) - 5, y: bottom - 12, width: 10, height: 10 }, { fill: ink("ink"), stroke: ink("ground") }))));
    }
  }

  let gaugeKey = "";
  function drawGauge(number, facts) {
    const width = gauge.box.clientWidth;
    // Proposition 1's band moves with g: measured from g it stands still, and its length counts neighbours.
    const shift = number === 1 ? facts.g : 0;
    const [p, c] = [facts.printed.map((v) => v - shift), facts.corrected.map((v) => v - shift)];
    let [lo, hi] = [Math.min(p[0], c[0]), Math.max(p[1], c[1])];
    const pad = hi - lo < 1e-6 ? 0.5 : 0.05 * (hi - lo);
    [lo, hi] = [lo - pad, hi + pad];
    const scale = linear([lo, hi], [GAUGE.left, width - GAUGE.right]);
    const key = [number, lo.toFixed(4), hi.toFixed(4), width].join();
    if (key !== gaugeKey) {
      gaugeKey = key;
      const y = linear([0, 1], [GAUGE.height - 20, GAUGE.height - 21]);
      axes(gaugeTicks, scale, y, { xTicks: width < 480 ? 4 : 8, yTicks: 1, grid: false });
      gaugeTicks.querySelectorAll('text[text-anchor="end"]').forEach((node) => node.remove());
      if (number === 1) {
        const d = patterns.length;
        const counts = Array.from({ length: d }, (_, k) => k + 1).filter((m) => d <= 5 || [1, 2, 3, 5, 10, 20, 50].includes(m) || m === d);
        for (const m of counts) {
          const px = scale(-Math.log(m));
          gaugeTicks.append(styled("line", { x1: px, x2: px, y1: 34, y2: 60 }, { stroke: ink("muted"), "stroke-width": "1px" }),
            svg("text", { class: "bs-tick", x: px, y: 74, "text-anchor": "middle", text: String(m) }));
        }
        gaugeTicks.append(svg("text", { class: "bs-tick", x: GAUGE.left - 8, y: 74, "text-anchor": "end", text: "neighbours" }),
          svg("text", { class: "bs-tick", x: GAUGE.left - 8, y: GAUGE.height - 5, "text-anchor": "end", text: "E − g" }));
      }
      const span = ([a, b]) => ({ x: scale(a), width: Math.max(1.5, scale(b) - scale(a)) });
      amend(gaugeParts.printed, span(p));
      amend(gaugeParts.corrected, { ...span(c), y: number === 1 ? 38 : 66, height: number === 1 ? 18 : 16 });
      amend(gaugeText.corrected, { text: number === 1 ? "band" : "corrected", y: number === 1 ? 52 : 78 });
      for (const node of [gaugeParts.printed, gaugeText.printed]) shown(node, number !== 1);
    }
    const at = scale(facts.value - shift);
    amend(gaugeParts.pin, { x1: at, x2: at, y2: number === 1 ? 60 : 90 });
    amend(gaugeParts.head, { d: `M${(at - 6).toFixed(1)},19h12l-6,9Z` });
    const text = number === 1
      ? `E − g = ${fixed(facts.value - shift, 3)}` : fixed(facts.value, 3);
    const half = text.length * 3.6;
    amend(gaugeText.value, { x: bounded(at, [half + 2, width - half - 2]), text });
    const miss = facts.outside.printed > 0;
    shown(gaugeParts.miss, miss);
    if (miss) amend(gaugeParts.miss, { x1: at, x2: scale(facts.value < facts.printed[0] ? p[0] : p[1]) });
  }

  function words(number, facts) {
    const d = patterns.length;
    const by = (form) => `by ${fixed(facts.outside[form], 3)}`;
    const inside = (form) => (facts.outside[form] > 0
      ? [`Outside the ${form} band ${by(form)}`, false] : [`Inside the ${form} band`, true]);
    if (number === 1) {
      const slack = facts.corrected[1] - facts.value;
      const count = facts.neighbours;
      return [[facts.outside.corrected > 0 ? `Outside the band ${by("corrected")}`
        : `Inside the band. Slack g − E = ${fixed(slack, 3)} = log ${fixed(count, 3)}: ${fixed(count, 2)} of ${d} patterns `
          + "count as near", facts.outside.corrected === 0]];
    }
    if (number === 2) return [inside("printed"), [`${inside("corrected")[0]}: never below 0`, inside("corrected")[1]]];
    return [inside("printed"), inside("corrected")];
  }

  let begun = false; // the map's ground comes a frame after all that is quickly drawn
  function draw() {
    const number = Number(model.get("proposition"));
    const fresh = patternsNow();
    const changed = JSON.stringify(fresh) !== JSON.stringify(patterns);
    patterns = fresh;
    plane = patterns[0].length === 2;
    const point = model.get("point");
    // New patterns of another dimension and their point come one after the other: wait for the second.
    if (point.length !== patterns[0].length) return;
    if (changed) view = null;
    const before = view;
    if (!before) view = windowAround(patterns, point, plane);
    else if (!dragging && point.some((v, k) => v < before[k][0] || v > before[k][1])) {
      view = windowAround(patterns, point, plane).map(([lo, hi], k) => [Math.min(lo, before[k][0]), Math.max(hi, before[k][1])]);
    }
    const facts = factsAt(point, patterns, number);

    if (pair.classList.contains("bs-two") !== plane) {
      pair.classList.toggle("bs-two", plane);
      map.box.style.aspectRatio = plane ? "1.2" : "";
      map.box.style.height = plane ? "" : "84px";
      section.box.style.aspectRatio = plane ? "1.2" : "2.2";
      section.box.style.minHeight = plane ? "" : "260px";
    }
    map.setTitle(plane ? PROPOSITIONS[number].map : "The line of patterns");
    section.setTitle(plane ? "Along the dotted line" : "Along the line");
    if (map.box.clientWidth) {
      layout();
      const size = [map.box.clientWidth, map.box.clientHeight].join();
      const nextMap = `${size}|${view}|${JSON.stringify(patterns)}`;
      if (nextMap !== marksKey) {
        marksKey = nextMap;
        if (plane) axes(mapAxes, mapX, mapY, { grid: false, xTicks: 7, yTicks: 6, xLabel: "first coordinate of x", yLabel: "second coordinate of x" });
        else {
          axes(mapAxes, mapX, mapY, { grid: false, yTicks: 1 });
          mapAxes.querySelectorAll('text[text-anchor="end"]').forEach((node) => node.remove());
        }
        placeMarks();
      }
      if (!begun) {
        begun = true;
        repaint();
      } else if (mapStale || `${nextMap}|${number}` !== mapKey) {
        mapKey = `${nextMap}|${number}`;
        mapStale = false;
        shadeMap();
      }
      const [px, py] = [mapX(point[0]), plane ? mapY(point[1]) : mapY(0.5)];
      amend(sectionLine, { x1: mapX.range[0], x2: mapX.range[1], y1: py, y2: py });
      mapPoint.place(px, py);
      drawSection(number, point, facts);
      drawGauge(number, facts);
    }
    if (!dragging) { mapPoint.relabel(); sectionPoint.relabel(); }
    choice.set(number);
    // Proposition 1's two bands are one.
    shown(legend.lastElementChild, number !== 1);
    legend.children[2].lastElementChild.textContent = number === 1 ? "band" : "corrected band";

    const say = words(number, facts);
    verdict.set(say);
    const pairOf = ([lo, hi]) => `[${fixed(lo, 3)}, ${fixed(hi, 3)}]`;
    ui.readout([
      ["x", written(point)],
      ...(number === 1 ? [] : [[PROPOSITIONS[number].value, fixed(facts.value, 4)]]),
      ["printed band", pairOf(facts.printed), facts.outside.printed > 0 ? "bad" : undefined],
      ["corrected band", pairOf(facts.corrected)],
      ["g", fixed(facts.g, 4)], ["E", fixed(facts.energy, 4)], ["MCHN, β = 2", fixed(facts.mchn, 4)],
      ["effective neighbours", fixed(facts.neighbours, 3)], ["log of it, g − E", fixed(Math.log(facts.neighbours), 3)],
    ]);
    ui.say(`Proposition ${number}. At x = ${written(point)}: ${PROPOSITIONS[number].value} = ${fixed(facts.value, 3)}. `
      + `${say.map(([text]) => text).join(". ")}.`);
    const told = report(model, "summary", {
      value: facts.value, printed: facts.printed, corrected: facts.corrected,
      holds: { printed: facts.outside.printed === 0, corrected: facts.outside.corrected === 0 },
      outside: facts.outside, effective_neighbours: facts.neighbours, slack: facts.corrected[1] - facts.value,
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const release = () => { if (dragging) { dragging = false; repaint(); } };
  for (const board of [map.board, section.board]) {
    board.addEventListener("pointerup", release);
    board.addEventListener("pointercancel", release);
  }
  const stops = [
    listen(model, ["patterns", "point", "proposition"], repaint),
    onTheme(() => { mapStale = true; repaint(); }),
    onWidth(ui.stage, () => repaint()),
    () => repaint.stop(),
    () => save.stop(),
  ];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
