// Two patterns at plus and minus a: the energy's profile, and the pitchfork of its minima over the distance.
import {
  amend, hatching, haloed, listen, markKey, plotBox, report, shown, signChange, stationaryMark, stroke, styled, verdicts,
} from "./curves.js";
import { energy, energyHessian, mchnEnergy, mchnHessian, twoWellMinimum } from "./energy.js";
import { axes, fixed, frame, handle, linear, onWidth, pathOf, repainter, saver, segmented, slider, svg } from "./ui.js";

const RANGE = [0.5, 3];
const REACH = 2.4;
const MARGIN = { left: 44, right: 14, top: 26, bottom: 38 };

/** The two energies under one face. `beta` is null for E. */
const wells = (a) => [[-a], [a]];
const heightAt = (x, a, beta) => (beta === null ? energy([x], wells(a)) : mchnEnergy([x], wells(a), beta));
const curvatureAtCentre = (a, beta) => (beta === null ? energyHessian([0], wells(a)) : mchnHessian([0], wells(a), beta))[0][0];

/** The distance at which the curvature at the centre changes sign: there the two minima become one. */
function mergeDistance(beta) {
  return signChange((distance) => curvatureAtCentre(distance / 2, beta), 1e-3, 20);
}

/** Heights that hold the profiles of all distances, so that the axis stands still while the distance changes. */
function heightsShown(beta) {
  let [lo, hi] = [Infinity, -Infinity];
  for (let distance = RANGE[0]; distance <= RANGE[1]; distance += 0.25) {
    const a = distance / 2;
    lo = Math.min(lo, heightAt(twoWellMinimum(a, beta), a, beta));
    hi = Math.max(hi, heightAt(0, a, beta));
  }
  const room = Math.max(hi - lo, 0.2);
  return [lo - 0.14 * room, hi + 0.6 * room];
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Two wells, or one",
    hint: "Drag a pattern, the distance in the second picture, or the slider.",
    two: true,
  });
  ui.root.classList.add("bs-roomy");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const threeMarks = () => [...["minimum", "minimum"].map((kind) => stationaryMark(kind, ink("good"))), stationaryMark("maximum", ink("muted"))];
  const betaNow = () => (model.get("energy") === "E" ? null : model.get("beta"));
  const put = (distance) => {
    model.set("distance", Math.min(Math.max(Math.round(distance * 1000) / 1000, RANGE[0]), RANGE[1]));
    save();
  };

  // --- the profile
  const profile = plotBox({ title: " ", label: "Profile of the energy with its minima and two draggable patterns", ratio: 1.25 });
  const profileAxes = svg("g");
  const curve = styled("path", {}, { fill: "none", "stroke-width": "2.6px" });
  const clipped = svg("g");
  const wellMarks = threeMarks();
  const patternHandles = [-1, 1].map((side) => handle(profile.board, {
    label: () => `${side < 0 ? "Left" : "Right"} pattern at ${fixed((side * model.get("distance")) / 2, 2)}`,
    colour: ink("ink"), shape: "square", radius: 7, text: side < 0 ? "−a" : "+a",
    onMove: (px) => put(2 * side * scales.x.invert(px)),
    onKey: (dx) => put(model.get("distance") + 0.1 * side * dx),
  }));
  profile.board.append(profileAxes, curve, clipped, ...wellMarks, ...patternHandles.map((h) => h.node));

  // --- the pitchfork
  const fork = plotBox({ title: "Where the minima lie, over the distance", label: "Pitchfork diagram with the current distance", ratio: 1.25 });
  const hatch = hatching(ink("muted"), { gap: 8, width: 1 });
  const forkAxes = svg("g");
  const mergedZone = styled("rect", {}, { fill: hatch.fill, "fill-opacity": 0.5 });
  const own = styled("path", { "stroke-dasharray": "2 4" }, { fill: "none", stroke: ink("nearest"), "stroke-width": "1.4px" });
  const branch = styled("path", {}, { fill: "none", "stroke-width": "2.6px" });
  const ridge = styled("path", { "stroke-dasharray": "7 4" }, { fill: "none", "stroke-width": "1.8px" });
  const mergeLine = styled("line", {}, { stroke: ink("ink"), "stroke-width": "1.2px" });
  const mergeText = haloed("");
  const oneText = haloed("one minimum", { "text-anchor": "middle" }, ink("muted"), 500);
  const now = styled("line", {}, { stroke: ink("accent"), "stroke-width": "2px", "stroke-dasharray": "2 4" });
  const forkMarks = threeMarks();
  const forkHandle = handle(fork.board, {
    label: () => `Distance of the two patterns, ${fixed(model.get("distance"), 2)}`, colour: ink("accent"), shape: "diamond",
    radius: 7, horizontal: true,
    onMove: (px) => put(scales.distance.invert(px)),
    onKey: (dx) => put(model.get("distance") + 0.1 * dx),
  });
  fork.board.append(hatch.node, mergedZone, forkAxes, own, ridge, branch, mergeLine, now, mergeText, oneText, ...forkMarks,
    forkHandle.node);
  ui.stage.append(profile.node, fork.node);

  // --- controls
  const distance = slider({
    label: "Distance 2a", min: RANGE[0], max: RANGE[1], step: 0.01, value: model.get("distance"), onInput: put,
  });
  const choice = segmented({
    label: "Energy", options: [["E", "E"], ["MCHN", "MCHN"]], value: model.get("energy"),
    onChange: (value) => { model.set("energy", value); save(); },
  });
  const beta = slider({
    label: "β (MCHN)", min: 0.2, max: 8, step: 0.1, value: model.get("beta"),
    onInput: (value) => { model.set("beta", value); save(); },
  });
  ui.controls.append(distance.node, choice.node, beta.node);
  const verdict = verdicts();
  const legend = markKey([
    ["minimum", stationaryMark("minimum", ink("good"))], ["maximum between them", stationaryMark("maximum", ink("muted"))],
    ["patterns ±a", stroke(ink("nearest"), { dash: "2 4", width: 1.4 })],
    ["the centre as a maximum", stroke(ink("muted"), { dash: "7 4", width: 1.8 })],
  ]);
  ui.controls.before(legend, verdict.node);

  const scales = {};
  let shapeKey = "";
  let merge = 0;
  /** What depends on the energy and the size alone, not on the distance. */
  function drawFurniture(b, key) {
    shapeKey = key;
    merge = mergeDistance(b);
    const [w, h] = [profile.box.clientWidth, profile.box.clientHeight];
    const bottom = h - MARGIN.bottom;
    const across = [MARGIN.left, w - MARGIN.right];
    const up = [bottom, MARGIN.top];
    scales.x = linear([-REACH, REACH], across);
    scales.height = linear(heightsShown(b), up);
    scales.distance = linear(RANGE, across);
    scales.place = linear([-1.75, 1.75], up);
    const colour = ink(b === null ? "energy" : "mchn");
    for (const node of [curve, branch, ridge]) node.style.stroke = colour;
    axes(profileAxes, scales.x, scales.height, { xLabel: "x", yLabel: b === null ? "E(x)" : "MCHN(x)" });
    axes(forkAxes, scales.distance, scales.place, { xLabel: "distance 2a", yLabel: "x of the minima" });
    const at = [];
    for (let k = 0; k <= 160; k += 1) at.push(RANGE[0] + ((RANGE[1] - RANGE[0]) * k) / 160);
    // The fork opens like a square root: sample it densely where it opens.
    for (let k = 1; k <= 30; k += 1) at.push(merge + 0.05 * (k / 30) ** 2);
    const distances = at.filter((v) => v >= RANGE[0] && v <= RANGE[1]).sort((p, q) => p - q);
    const opened = [merge, ...distances.filter((v) => v > merge)];
    const places = opened.map((v) => twoWellMinimum(v / 2, b));
    const px = opened.map(scales.distance);
    const closes = scales.distance(Math.min(Math.max(merge, RANGE[0]), RANGE[1]));
    const middle = scales.place(0);
    const inside = merge < RANGE[1];
    amend(branch, {
      d: `M${across[0]},${middle}H${closes.toFixed(1)}${inside && merge > RANGE[0]
        ? pathOf(px, places.map((v) => scales.place(v))) + pathOf(px, places.map((v) => scales.place(-v))) : ""}`,
    });
    amend(ridge, { d: inside ? `M${closes.toFixed(1)},${middle}H${across[1]}` : "" });
    const ends = RANGE.map(scales.distance);
    amend(own, { d: [1, -1].map((s) => pathOf(ends, RANGE.map((v) => scales.place((s * v) / 2)))).join("") });
    amend(mergedZone, { x: across[0], width: closes - across[0], y: up[1], height: up[0] - up[1] });
    for (const node of [mergeLine, mergeText]) shown(node, inside);
    amend(mergeLine, { x1: closes, x2: closes, y1: up[0], y2: up[1] });
    const root = Math.abs(merge - Math.SQRT2) < 1e-9 ? "√2 = " : "";
    const left = closes > (across[0] + across[1]) / 2;
    amend(mergeText, {
      x: closes + (left ? -6 : 6), y: up[1] + 15, "text-anchor": left ? "end" : "start", text: `merge at ${root}${fixed(merge, 4)}`,
    });
    shown(oneText, closes - across[0] > 90);
    amend(oneText, { x: (across[0] + closes) / 2, y: middle - 12 });
  }

  const xs = new Float64Array(241);
  const ys = new Float64Array(241);
  function draw() {
    const b = betaNow();
    const d = Math.min(Math.max(model.get("distance"), RANGE[0]), RANGE[1]);
    const a = d / 2;
    const key = [b, profile.box.clientWidth, profile.box.clientHeight].join();
    if (key !== shapeKey) {
      if (profile.box.clientWidth) drawFurniture(b, key);
      else merge = mergeDistance(b);
    }
    const merged = curvatureAtCentre(a, b) >= 0;
    const m = merged ? 0 : twoWellMinimum(a, b);
    const minima = merged ? [0] : [-m, m];
    const barrier = merged ? 0 : heightAt(0, a, b) - heightAt(m, a, b);
    if (scales.x) {
      const [top, bottom] = [MARGIN.top, scales.height.range[0]];
      for (let k = 0; k < xs.length; k += 1) {
        const x = -REACH + (2 * REACH * k) / (xs.length - 1);
        const y = scales.height(heightAt(x, a, b));
        xs[k] = scales.x(x);
        ys[k] = y < top - 1 ? NaN : y;
      }
      amend(curve, { d: pathOf(xs, ys) });
      const put3 = (marks, at) => {
        shown(marks[1], !merged);
        shown(marks[2], !merged);
        at([...minima, ...(merged ? [0] : []), 0]).forEach(([px, py], i) => amend(marks[i], { transform: `translate(${px.toFixed(1)},${py.toFixed(1)})` }));
      };
      put3(wellMarks, (list) => list.map((x, i) => [scales.x(x), scales.height(heightAt(x, a, b)) + (i === 2 ? 12 : -11)]));
      put3(forkMarks, (list) => list.map((x) => [scales.distance(d), scales.place(x)]));
      patternHandles.forEach((h, i) => h.place(scales.x(i ? a : -a), bottom));
      amend(now, { x1: scales.distance(d), x2: scales.distance(d), y1: bottom, y2: top });
      forkHandle.place(scales.distance(d), bottom);
      for (const h of [...patternHandles, forkHandle]) h.relabel();
    }
    const name = b === null ? "E" : `MCHN, β = ${fixed(b, 1)}`;
    profile.setTitle(`${name} at distance ${fixed(d, 2)}`);
    distance.set(d);
    choice.set(model.get("energy"));
    beta.set(model.get("beta"));
    beta.input.disabled = b === null;
    const text = merged
      ? "The two patterns share one minimum: neither is remembered on its own"
      : "Two minima: each pattern keeps its own";
    verdict.set([[text, !merged]]);
    ui.readout([
      ["distance 2a", fixed(d, 2)], ["minima at", merged ? "0" : `±${fixed(m, 4)}`], ["patterns at", `±${fixed(a, 3)}`],
      ["barrier", fixed(barrier, 4)], ["wells merge at", fixed(merge, 4)],
    ]);
    ui.say(`${name}, distance ${fixed(d, 2)}: ${text.toLowerCase()}. They merge at distance ${fixed(merge, 3)}.`);
    if (report(model, "summary", { minima, merged, merge_distance: merge, barrier })) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    listen(model, ["distance", "energy", "beta"], repaint), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop(),
  ];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
