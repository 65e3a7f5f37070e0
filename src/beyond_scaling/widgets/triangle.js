// Three patterns at equal distance: one minimum, three with a ghost in the middle, or three, as the side grows.
import {
  amend, contourPath, hatching, haloed, listen, markKey, plotBox, report, shown, signChange, stationaryMark, stroke, styled,
  verdicts,
} from "./curves.js";
import { energy, energyHessian, separationThreshold, stationaryPoints, symmetricEigenvalues2 } from "./energy.js";
import {
  axes, fixed, frame, handle, linear, onTheme, onWidth, palette, pathOf, repainter, rgb, saver, slider, svg,
} from "./ui.js";

const SIDES = [1.4, 2.2];
const VIEW = { x: [-1.3, 1.3], y: [-0.9, 1.38] };
const AXIS = [-0.85, 1.45];
const GRID = { fine: 4, coarse: 9 };
const MARGIN = { left: 36, right: 10, top: 10, bottom: 34 };
const STRIP = { left: 12, right: 12, height: 88 };

/** The equilateral triangle around the origin, one pattern at the top. */
function corners(side) {
  const radius = side / Math.sqrt(3);
  return [90, 210, 330].map((degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return [degrees === 90 ? 0 : radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/** The side below which the three share one minimum, and the one above which the centre is no minimum any more. */
function criticalSides() {
  const bend = (side) => symmetricEigenvalues2(energyHessian([0, 0], corners(side)))[0];
  return [separationThreshold(3), signChange(bend, ...SIDES)];
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Three patterns, four minima",
    hint: "Drag the mark on the strip, or the slider, through the narrow middle part.",
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const [firstSide, lastSide] = criticalSides();
  const put = (side) => {
    model.set("side", Math.min(Math.max(Math.round(side * 10000) / 10000, SIDES[0]), SIDES[1]));
    save();
  };

  // --- the landscape
  const field = plotBox({ title: "E over the plane, with its passes", label: "Landscape of E with its stationary points", ratio: 1.02, canvas: true });
  const fieldAxes = svg("g");
  const contours = styled("path", {}, { fill: "none", stroke: ink("muted"), "stroke-width": "0.9px", "stroke-opacity": 0.75 });
  const passHalo = styled("path", {}, { fill: "none", stroke: ink("ground"), "stroke-width": "4px" });
  const pass = styled("path", {}, { fill: "none", stroke: ink("mchn"), "stroke-width": "2px" });
  const clipId = hatching(ink("ink")).fill.slice(5, -1).replace("hatch", "clip");
  const clipBox = svg("rect");
  const axisLine = styled("line", { "stroke-dasharray": "2 4" }, { stroke: ink("accent"), "stroke-width": "1.5px" });
  const dots = corners(1).map(() => styled("rect", { width: 10, height: 10 },
    { fill: ink("ground"), stroke: ink("ink"), "stroke-width": "2px" }));
  const fieldMarks = markPool();
  field.board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clipBox)),
    svg("g", { "clip-path": `url(#${clipId})` }, contours, passHalo, pass, axisLine), fieldAxes, ...dots, fieldMarks.node);

  // --- the profile through one memory and the centre, and its middle under a magnifying glass
  const profile = plotBox({ title: "Along the dotted line", label: "Profile of E through the centre and the top pattern", ratio: 2.3 });
  const lens = plotBox({ title: " ", label: "The profile around the centre, magnified", ratio: 2.6 });
  const views = [profile, lens].map((box) => {
    const parts = {
      box, axes: svg("g"), line: styled("path", {}, { fill: "none", stroke: ink("energy"), "stroke-width": "2.4px" }), marks: markPool(),
      xs: new Float64Array(181), ys: new Float64Array(181), key: "",
    };
    box.board.append(parts.axes, parts.line, parts.marks.node);
    return parts;
  });
  const right = document.createElement("div");
  right.className = "bs-stack";
  right.append(profile.node, lens.node);
  const pair = document.createElement("div");
  pair.className = "bs-stage bs-two";
  pair.append(field.node, right);

  // --- the strip of regimes over the side
  const strip = plotBox({ title: "What E remembers, over the side", label: "The three regimes over the side, with the current side", height: STRIP.height });
  const hatch = hatching(ink("mchn"), { gap: 6, width: 1.4 });
  const lone = hatching(ink("muted"), { gap: 9, width: 1, angle: -45 });
  const stripAxis = svg("g");
  const zones = [
    styled("rect", {}, { fill: lone.fill, "fill-opacity": 0.7, stroke: ink("muted") }),
    styled("rect", {}, { fill: hatch.fill, "fill-opacity": 0.8, stroke: ink("mchn"), "stroke-width": "1.5px" }),
    styled("rect", {}, { fill: ink("good"), "fill-opacity": 0.16, stroke: ink("good") }),
  ];
  const zoneTexts = [haloed("", { "text-anchor": "middle" }, ink("muted")), haloed("", { "text-anchor": "middle" }, ink("mchn")),
    haloed("", { "text-anchor": "middle" }, ink("good"))];
  const needle = styled("line", { y1: 22, y2: 66 }, { stroke: ink("accent"), "stroke-width": "2.5px" });
  const knob = handle(strip.board, {
    label: () => `Side of the triangle, ${fixed(model.get("side"), 3)}`, colour: ink("accent"), shape: "diamond", radius: 7,
    horizontal: true, onMove: (px) => put(scales.side.invert(px)), onKey: (dx) => put(model.get("side") + 0.01 * dx),
  });
  strip.board.append(hatch.node, lone.node, ...zones, stripAxis, ...zoneTexts, needle, knob.node);
  const verdict = verdicts();
  ui.stage.append(pair, markKey([
    ["minimum", stationaryMark("minimum", ink("good"))], ["ghost minimum", ghostMark()], ["saddle (pass)", stationaryMark("saddle")],
    ["maximum", stationaryMark("maximum", ink("muted"))],
    ["pattern", styled("rect", { x: -5, y: -5, width: 10, height: 10 }, { fill: ink("ground"), stroke: ink("ink"), "stroke-width": "2px" })],
    ["level of the passes", stroke(ink("mchn"), { width: 2 })],
  ]), verdict.node, strip.node);
  const side = slider({
    label: "Side", min: SIDES[0], max: SIDES[1], step: 0.001, value: model.get("side"), format: (v) => fixed(v, 3), onInput: put,
  });
  ui.controls.append(side.node);

  /** A ring around the mark of a minimum: no pattern made this one. */
  function ghostMark() {
    const mark = stationaryMark("minimum", ink("bad"));
    mark.append(styled("circle", { r: 10.5, "stroke-dasharray": "3 2.5" }, { fill: "none", stroke: ink("bad"), "stroke-width": "1.8px" }));
    return mark;
  }

  /** Marks made once and moved, at most seven of each kind. */
  function markPool() {
    const node = svg("g", { "aria-hidden": "true" });
    const pools = {};
    const make = { ghost: ghostMark, minimum: () => stationaryMark("minimum", ink("good")),
      maximum: () => stationaryMark("maximum", ink("muted")) };
    return {
      node,
      set(list) {
        const used = {};
        for (const [kind, px, py, size = 1] of list) {
          const pool = (pools[kind] ??= []);
          const at = used[kind] ?? 0;
          used[kind] = at + 1;
          if (!pool[at]) {
            pool[at] = (make[kind] ?? (() => stationaryMark(kind)))();
            node.append(pool[at]);
          }
          shown(pool[at], true);
          amend(pool[at], { transform: `translate(${px.toFixed(1)},${py.toFixed(1)}) scale(${size})` });
        }
        for (const [kind, pool] of Object.entries(pools)) pool.slice(used[kind] ?? 0).forEach((mark) => shown(mark, false));
      },
    };
  }

  const scales = {};
  let sizeKey = "";
  function layout() {
    const [w, h] = [field.box.clientWidth, field.box.clientHeight];
    const key = [w, h, profile.box.clientWidth, strip.box.clientWidth].join();
    if (key === sizeKey) return;
    sizeKey = key;
    fieldKey = "";
    const [left, rightEdge, bottom] = [MARGIN.left, w - MARGIN.right, h - MARGIN.bottom];
    const unit = Math.min((rightEdge - left) / (VIEW.x[1] - VIEW.x[0]), (bottom - MARGIN.top) / (VIEW.y[1] - VIEW.y[0]));
    const middle = (VIEW.y[0] + VIEW.y[1]) / 2;
    const reach = [(rightEdge - left) / 2 / unit, (bottom - MARGIN.top) / 2 / unit];
    scales.x = linear([-reach[0], reach[0]], [left, rightEdge]);
    scales.y = linear([middle - reach[1], middle + reach[1]], [bottom, MARGIN.top]);
    axes(fieldAxes, scales.x, scales.y, { grid: false });
    amend(clipBox, { x: left, y: MARGIN.top, width: rightEdge - left, height: bottom - MARGIN.top });
    amend(axisLine, { x1: scales.x(0), x2: scales.x(0), y1: scales.y(AXIS[0]), y2: scales.y(AXIS[1]) });

    const span = strip.box.clientWidth;
    scales.side = linear(SIDES, [STRIP.left, span - STRIP.right]);
    axes(stripAxis, scales.side, linear([0, 1], [66, 28]), { xTicks: span < 480 ? 4 : 8, yTicks: 1, grid: false });
    stripAxis.querySelectorAll('text[text-anchor="end"], .bs-axis').forEach((node) => node.remove());
    const edges = [SIDES[0], firstSide, lastSide, SIDES[1]].map(scales.side);
    const wide = span >= 560;
    [wide ? "one minimum for all three" : "1 minimum", wide ? "3 memories + 1 ghost" : "3 + ghost",
      wide ? "three memories" : "3 memories"].forEach((text, i) => {
      amend(zones[i], { x: edges[i], width: edges[i + 1] - edges[i], y: 28, height: 32 });
      // The middle zone is too narrow for its words: they stand above it.
      amend(zoneTexts[i], { x: (edges[i] + edges[i + 1]) / 2, y: i === 1 ? 18 : 48, text });
    });
    strip.setTitle(`Critical sides: ${fixed(firstSide, 3)} and ${fixed(lastSide, 3)}`);
  }

  let fieldKey = "";
  let themeStale = true;
  let colours = null;
  const sheet = document.createElement("canvas");
  function paintField(patterns, points, coarse) {
    const [left, rightEdge] = scales.x.range;
    const [bottom, top] = scales.y.range;
    const cell = coarse ? GRID.coarse : GRID.fine;
    const nx = Math.ceil((rightEdge - left) / cell) + 1;
    const ny = Math.ceil((bottom - top) / cell) + 1;
    const px = (i) => left + ((rightEdge - left) * i) / (nx - 1);
    const py = (j) => top + ((bottom - top) * j) / (ny - 1);
    const values = new Float64Array(nx * ny);
    const x = [0, 0];
    const half = (nx - 1) / 2;
    for (let j = 0; j < ny; j += 1) {
      x[1] = scales.y.invert(py(j));
      // The triangle is its own mirror image, and so is the grid.
      for (let i = 0; i <= half; i += 1) {
        x[0] = scales.x.invert(px(i));
        values[j * nx + i] = energy(x, patterns);
        values[j * nx + (nx - 1 - i)] = values[j * nx + i];
      }
    }
    const lowest = Math.min(...points.map((p) => p.value));
    // Steps that grow like a cube: the passes are shallow, the rim is steep.
    const level = (t) => lowest + 1.6 * t ** 3;
    if (themeStale) { colours = palette(ui.root); themeStale = false; }
    const [from, to] = [rgb(colours.energy), rgb(colours.ground)];
    const image = new ImageData(nx, ny);
    for (let k = 0; k < nx * ny; k += 1) {
      const t = Math.cbrt(Math.max(values[k] - lowest, 0) / 1.6);
      const mix = 0.3 + 0.7 * Math.min(t, 1);
      for (let c = 0; c < 3; c += 1) image.data[4 * k + c] = from[c] + (to[c] - from[c]) * mix;
      image.data[4 * k + 3] = 255;
    }
    sheet.width = nx;
    sheet.height = ny;
    sheet.getContext("2d").putImageData(image, 0, 0);
    const scale = Math.min(devicePixelRatio || 1, 2);
    const { canvas } = field;
    const [w, h] = [field.box.clientWidth, field.box.clientHeight].map((v) => Math.round(v * scale));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, w, h);
    context.save();
    context.beginPath();
    context.rect(left, top, rightEdge - left, bottom - top);
    context.clip();
    const [cw, ch] = [(rightEdge - left) / (nx - 1), (bottom - top) / (ny - 1)];
    context.drawImage(sheet, left - cw / 2, top - ch / 2, rightEdge - left + cw, bottom - top + ch);
    context.restore();
    let d = "";
    for (let k = 2; k <= 12; k += 1) d += contourPath(values, nx, ny, level(k / 11), px, py);
    amend(contours, { d });
    const passes = points.filter((p) => p.kind === "saddle");
    const line = passes.length ? contourPath(values, nx, ny, passes[0].value, px, py) : "";
    amend(pass, { d: line });
    amend(passHalo, { d: line });
  }

  function drawProfile(view, patterns, [from, to], [lo, hi], marks, labels) {
    const [w, h] = [view.box.box.clientWidth, view.box.box.clientHeight];
    const x = linear([from, to], [52, w - 10]);
    const y = linear([lo, hi], [h - 32, 24]);
    for (let k = 0; k < view.xs.length; k += 1) {
      const t = from + ((to - from) * k) / (view.xs.length - 1);
      const v = energy([0, t], patterns);
      view.xs[k] = x(t);
      view.ys[k] = v > hi || v < lo ? NaN : y(v);
    }
    amend(view.line, { d: pathOf(view.xs, view.ys) });
    const key = [w, h, from.toFixed(3), to.toFixed(3), lo.toPrecision(4), hi.toPrecision(4)].join();
    if (key !== view.key) {
      view.key = key;
      axes(view.axes, x, y, { ...labels, xTicks: 5, yTicks: 3 });
    }
    const on = marks.filter((p) => Math.abs(p.x[0]) < 1e-6 && p.x[1] >= from && p.x[1] <= to && p.value >= lo && p.value <= hi);
    view.marks.set(on.map((p) => [p.face, x(p.x[1]), y(p.value)]));
  }

  let resting = 0;
  let begun = false; // the field comes a frame after all that is quickly drawn
  function draw(coarse = true) {
    const s = Math.min(Math.max(model.get("side"), SIDES[0]), SIDES[1]);
    const patterns = corners(s);
    const points = stationaryPoints(patterns).map((p) => ({
      ...p, face: p.kind === "minimum" && Math.hypot(...p.x) < 1e-3 && s > firstSide ? "ghost" : p.kind,
    }));
    const count = (face) => points.filter((p) => p.face === face).length;
    const ghosts = count("ghost");
    const minima = count("minimum") + ghosts;
    const memories = s > firstSide ? count("minimum") : 0;
    const regime = s <= firstSide ? "merged" : ghosts ? "ghost" : "separate";

    if (field.box.clientWidth) {
      layout();
      const key = [s, sizeKey, coarse].join();
      if (!begun) {
        begun = true;
        repaint();
      } else if (key !== fieldKey || themeStale) {
        fieldKey = key;
        paintField(patterns, points, coarse);
      }
      dots.forEach((dot, i) => amend(dot, { x: scales.x(patterns[i][0]) - 5, y: scales.y(patterns[i][1]) - 5 }));
      // Ghost and passes crowd together: they are drawn smaller than the rest.
      fieldMarks.set(points.map((p) => [p.face, scales.x(p.x[0]), scales.y(p.x[1]), p.face === "saddle" || p.face === "ghost" ? 0.7 : 1]));
      const lowest = Math.min(...points.map((p) => p.value));
      const centre = energy([0, 0], patterns);
      const passes = points.filter((p) => p.kind === "saddle");
      const rise = Math.max(Math.max(centre, ...passes.map((p) => p.value)) - lowest, 0.004);
      drawProfile(views[0], patterns, AXIS, [lowest - 0.25 * rise, lowest + 2.2 * rise], points, { yLabel: "E" });
      // The lens takes in the pass between the centre and the memory, on either side of which the energy falls.
      const near = passes.filter((p) => Math.abs(p.x[0]) < 1e-6).map((p) => Math.abs(p.x[1]));
      const reach = Math.min(Math.max(1.7 * Math.max(0.03, ...near), 0.12), 0.6);
      const middle = [];
      for (let k = 0; k <= 40; k += 1) middle.push(energy([0, reach * (k / 20 - 1)], patterns));
      const [lo, hi] = [Math.min(...middle, centre), Math.max(...middle.slice(14), centre)];
      const room = Math.max(hi - lo, 1e-7);
      lens.setTitle(`Its middle, heights × ${Math.round((2.45 * rise) / (1.5 * room)).toLocaleString("en-US")}`);
      drawLens([-reach, reach], [lo - 0.25 * room, hi + 0.25 * room], patterns, points, centre);
      const at = scales.side(s);
      amend(needle, { x1: at, x2: at });
      knob.place(at, 66);
      knob.relabel();
    }
    side.set(s);
    const text = {
      merged: "One minimum in the centre: none of the three patterns is remembered on its own",
      ghost: "4 minima for 3 patterns: three memories and one ghost in the centre",
      separate: "3 minima for 3 patterns: each keeps its own, and the centre keeps none",
    }[regime];
    verdict.set([[text, regime === "separate"]]);
    ui.readout([
      ["side", fixed(s, 3)], ["minima", String(minima)], ["of them memories", String(memories)], ["of them ghosts", String(ghosts)],
      ["saddles", String(count("saddle"))], ["maxima", String(count("maximum"))],
      ["ghost on sides", `[${fixed(firstSide, 3)}, ${fixed(lastSide, 3)}]`],
    ]);
    ui.say(`Side ${fixed(s, 3)}: ${text.charAt(0).toLowerCase()}${text.slice(1)}.`);
    const told = report(model, "summary", {
      minima, saddles: count("saddle"), maxima: count("maximum"), memories, ghost: ghosts > 0, regime, thresholds: [firstSide, lastSide],
    });
    if (told) save();
  }

  /** Heights above the centre: the lens shows differences of a hundred-thousandth. */
  function drawLens(range, heights, patterns, points, centre) {
    const view = views[1];
    const [w, h] = [lens.box.clientWidth, lens.box.clientHeight];
    const x = linear(range, [60, w - 10]);
    const y = linear(heights.map((v) => v - centre), [h - 32, 24]);
    for (let k = 0; k < view.xs.length; k += 1) {
      const t = range[0] + ((range[1] - range[0]) * k) / (view.xs.length - 1);
      const v = energy([0, t], patterns);
      view.xs[k] = x(t);
      view.ys[k] = v > heights[1] || v < heights[0] ? NaN : y(v - centre);
    }
    amend(view.line, { d: pathOf(view.xs, view.ys) });
    const key = [w, h, range[1].toFixed(3), heights[0].toPrecision(9), heights[1].toPrecision(9)].join();
    if (key !== view.key) {
      view.key = key;
      axes(view.axes, x, y, { yLabel: "E − E(centre)", xTicks: 5, yTicks: 3 });
    }
    const on = points.filter((p) => Math.abs(p.x[0]) < 1e-6 && Math.abs(p.x[1]) <= range[1]);
    view.marks.set(on.map((p) => [p.face, x(p.x[1]), y(p.value - centre)]));
  }

  const repaint = repainter(ui.root, () => {
    // Coarse while it moves, fine once it rests.
    draw(true);
    clearTimeout(resting);
    resting = setTimeout(() => draw(false), 140);
  });
  const stops = [
    listen(model, ["side"], repaint),
    onTheme(() => { themeStale = true; repaint(); }),
    onWidth(ui.stage, () => repaint()),
    () => repaint.stop(),
    () => save.stop(),
    () => clearTimeout(resting),
  ];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
