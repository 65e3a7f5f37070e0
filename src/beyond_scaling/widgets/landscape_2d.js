// Figure 1, left: E beside MCHN, or one of its four landscapes, over patterns in the plane that can be dragged.
import { listen, markKey, pointText, report, stationaryMark } from "./curves.js";
import {
  energyHessian, followStationaryPoints, mchnHessian, nearestDistance, normSpread, retrieve, squaredDistances,
  stationarySearch, symmetricEigenvalues2,
} from "./energy.js";
import { endMark, MARK_COLOURS, patternMark, planePanel, queryMark } from "./plane.js";
import {
  button, checkbox, fixed, frame, html, onTheme, onWidth, palette, reducedMotion, repainter, saver, segmented, slider,
} from "./ui.js";

const MOST_PATTERNS = 20;
const NUDGE = 0.05;
const ENERGIES = ["E", "MCHN"];
const VIEWS = [["both", "E beside MCHN"], ["-LSE", "(a) −LSE"], ["regulariser", "(b) regulariser"], ["MCHN", "(c) MCHN"], ["E", "(d) E"]];
const RETRIEVAL = { tolerance: 1e-10, maxSteps: 2000 };
const onCircle = [20, 80, 150, 215, 310].map((degrees) => {
  const angle = (degrees * Math.PI) / 180;
  return [1.8 * Math.cos(angle), 1.8 * Math.sin(angle)];
});
const PRESETS = {
  "Figure 1's set": { patterns: [[-2, -0.5], [0.2, -0.3], [1.5, 1.5]], query: [0, 0], beta: 2 },
  "On a circle": { patterns: onCircle, query: [0.35, -0.15], beta: 2 },
  "Two wells": { patterns: [[-1, 0], [1, 0]], query: [0.25, 1.2], beta: 2 },
};

/** A search for stationary points in slices of a few milliseconds between frames, for the latest patterns asked for. */
function backgroundSearch(onFound) {
  let wanted = null;
  let running = null;
  let timer = 0;
  function slice() {
    timer = 0;
    if (!running) {
      running = wanted && { ...wanted, search: stationarySearch(wanted.P, wanted.beta) };
      wanted = null;
      if (!running) return;
    }
    const until = performance.now() + 5;
    let done = false;
    while (!done && performance.now() < until) done = running.search.advance(32);
    if (done) {
      const { key, search } = running;
      running = null;
      onFound(key, search.points());
    }
    if (running || wanted) timer = setTimeout(slice, 0);
  }
  return {
    ask(key, P, beta) {
      wanted = { key, P, beta };
      timer ||= setTimeout(slice, 0);
    },
    stop() { clearTimeout(timer); },
  };
}

function plural(n, one, many) {
  return `${n} ${n === 1 ? one : many}`;
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "Energy landscapes in the plane",
    hint: "Drag a pattern or the query. Click the ground to drop the query there, double-click to add a pattern.",
    two: true,
  });
  ui.root.classList.add("bs-landscape");
  const opened = Object.fromEntries(["patterns", "function", "compare", "beta", "query", "show_convexity", "view"].map((name) => [name, model.get(name)]));
  const save = saver(model);
  const put = (name, value) => { model.set(name, value); save(); };
  const all = (state) => {
    fitted = null;
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    save();
  };
  const tidy = (v) => Math.round(v * 1000) / 1000;
  let touched = model.get("patterns").length - 1;

  /** Patterns and query stay inside what is visible. */
  const inside = ([u, v]) => {
    const [x0, x1, y0, y1] = panels[0].domain;
    return [Math.min(Math.max(tidy(u), x0), x1), Math.min(Math.max(tidy(v), y0), y1)].map(tidy);
  };
  const setPattern = (i, place) => put("patterns", model.get("patterns").map((p, k) => (k === i ? inside(place) : p)));
  function addPattern(place) {
    const P = model.get("patterns");
    if (P.length >= MOST_PATTERNS) return;
    put("patterns", [...P, inside(place ?? emptiestPlace(P))]);
    touched = P.length;
    if (!place) { draw(); panels[0].focusPattern(touched); }
  }
  function removePattern(i) {
    const P = model.get("patterns");
    if (P.length === 1) return;
    put("patterns", P.filter((_, k) => k !== i));
    touched = Math.min(i, P.length - 2);
  }
  /** The place of a lattice that is farthest from all patterns. */
  function emptiestPlace(P) {
    const [x0, x1, y0, y1] = model.get("view");
    let best = [0, 0];
    let far = -1;
    for (let i = 1; i < 12; i += 1) {
      for (let j = 1; j < 12; j += 1) {
        const place = [x0 + ((x1 - x0) * i) / 12, y0 + ((y1 - y0) * j) / 12];
        const distance = nearestDistance(place, P);
        if (distance > far) { far = distance; best = place; }
      }
    }
    return best;
  }
  const setQuery = (place) => put("query", place && inside(place));

  const panels = ENERGIES.map((name, k) => planePanel({
    get name() { return shownName(k); },
    tabbable: k === 0,
    where: (i) => pointText(i < 0 ? model.get("query") ?? [NaN, NaN] : model.get("patterns")[i] ?? [NaN, NaN]),
    onPattern: (i, u, v) => { touch(i); setPattern(i, [u, v]); },
    onNudge: (i, dx, dy) => { const [u, v] = model.get("patterns")[i]; setPattern(i, [u + NUDGE * dx, v + NUDGE * dy]); },
    onRemove: removePattern,
    onTouch: (i) => touch(i),
    onQuery: (u, v, dropped) => { setQuery([u, v]); if (dropped) replay(); },
    onQueryNudge: (dx, dy) => { const [u, v] = model.get("query"); setQuery([u + NUDGE * dx, v + NUDGE * dy]); },
    onQueryDrop: () => replay(),
    onQueryRemove: () => setQuery(null),
    onAdd: (u, v) => addPattern([u, v]),
  }));
  ui.stage.append(...panels.map((p) => p.node));
  ui.stage.after(markKey([
    ["pattern", patternMark()], ["minimum", stationaryMark("minimum", MARK_COLOURS.minimum)],
    ["saddle", stationaryMark("saddle", MARK_COLOURS.saddle)], ["maximum", stationaryMark("maximum", MARK_COLOURS.maximum)],
    ["query", queryMark()], ["where retrieval ends", endMark()],
  ]));
  function shownName(k) {
    return model.get("compare") ? ENERGIES[k] : model.get("function");
  }
  function touch(i) {
    if (touched === i) return;
    touched = i;
    showButtons();
  }
  function replay() {
    if (reducedMotion()) return;
    draw();
    for (const panel of panels) panel.replay();
  }

  const viewChoice = segmented({
    label: "Show", options: VIEWS, value: "both",
    onChange: (key) => {
      model.set("compare", key === "both");
      if (key !== "both") model.set("function", key);
      save();
    },
  });
  const betaSlider = slider({
    label: "β of MCHN", min: Math.log10(0.1), max: Math.log10(8), step: "any", value: Math.log10(model.get("beta")),
    format: (v) => fixed(10 ** v, 2), onInput: (v) => put("beta", Math.min(8, Math.max(0.1, Number((10 ** v).toPrecision(3))))),
  });
  const convexity = checkbox({ label: "Hatch where the Hessian is positive definite", value: model.get("show_convexity"), onChange: (v) => put("show_convexity", v) });
  const add = button({ label: "Add a pattern", onClick: () => addPattern(null) });
  const remove = button({ label: "Remove pattern 3", onClick: () => removePattern(Math.min(touched, model.get("patterns").length - 1)) });
  const drop = button({
    label: "Remove the query",
    onClick: () => {
      const [x0, x1, y0, y1] = model.get("view");
      const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
      const origin = x0 < 0 && x1 > 0 && y0 < 0 && y1 > 0;
      setQuery(model.get("query") ? null : origin ? [0, 0] : middle);
      replay();
    },
  });
  const presets = Object.entries(PRESETS).map(([label, state]) => button({
    label, onClick: () => { all(state); replay(); },
  }));
  const reset = button({ label: "Reset", onClick: () => { all(opened); } });
  ui.controls.append(viewChoice.node, betaSlider.node, convexity.node,
    html("div", { class: "bs-buttons" }, add, remove, drop),
    html("div", { class: "bs-buttons", role: "group", "aria-label": "Sets of patterns" }, ...presets, reset));

  function showButtons() {
    const d = model.get("patterns").length;
    touched = Math.min(touched, d - 1);
    const text = `Remove pattern ${touched + 1}`;
    if (remove.textContent !== text) remove.textContent = text;
    remove.disabled = d === 1;
    add.disabled = d >= MOST_PATTERNS;
    const word = model.get("query") ? "Remove the query" : "Drop a query";
    if (drop.textContent !== word) drop.textContent = word;
  }

  // --- stationary points: followed from frame to frame, searched for anew behind the frames
  const betaOf = (name) => (name === "E" ? null : model.get("beta"));
  const keyOf = (name) => JSON.stringify([model.get("patterns"), betaOf(name)]);
  const found = {};
  const searches = Object.fromEntries(ENERGIES.map((name) => [name, backgroundSearch((key, points) => {
    found[name] = { key, complete: key, points };
    follow(name);
    showPoints();
    if (atRest && ENERGIES.every((other) => found[other].complete === keyOf(other))) settle();
  })]));
  function follow(name) {
    const key = keyOf(name);
    const state = found[name];
    if (state.key !== key) found[name] = { ...state, key, points: followStationaryPoints(state.points, model.get("patterns"), betaOf(name)) };
    if (state.complete !== key) searches[name].ask(key, model.get("patterns"), betaOf(name));
  }
  function counts(name) {
    const number = { minimum: 0, saddle: 0, maximum: 0, degenerate: 0 };
    for (const { kind } of found[name].points) number[kind] += 1;
    return number;
  }
  function inWords(name) {
    const n = counts(name);
    return [plural(n.minimum, "minimum", "minima"), plural(n.saddle, "saddle", "saddles"),
      n.maximum && plural(n.maximum, "maximum", "maxima"), n.degenerate && `${n.degenerate} degenerate`].filter(Boolean).join(", ");
  }
  function showPoints() {
    panels.forEach((panel, k) => {
      const name = shownName(k);
      // A search that outlasts the drag says so rather than show a count that may be wrong.
      const waiting = atRest && ENERGIES.includes(name) && found[name].complete !== keyOf(name);
      if (ENERGIES.includes(name)) panel.points(found[name].points, waiting ? "counting …" : inWords(name));
      else panel.points([], name === "-LSE" ? "concave: no minimum" : "one bowl, whatever is stored");
    });
    showReadout();
  }

  // --- retrieval
  let ways = null;
  let waysKey = "";
  function retrieveBoth() {
    const query = model.get("query");
    const P = model.get("patterns");
    const key = JSON.stringify([query, P, model.get("beta")]);
    if (key === waysKey) return;
    waysKey = key;
    ways = query && Object.fromEntries(ENERGIES.map((name) => {
      const { points, stopped } = retrieve(query, P, betaOf(name), RETRIEVAL);
      const distances = squaredDistances(points.at(-1), P);
      return [name, { points, stopped, reached: distances.indexOf(Math.min(...distances)) }];
    }));
  }
  function endText({ points, reached, stopped }) {
    return `pattern ${reached + 1} ${pointText(points.at(-1))}${stopped === "converged" ? "" : ", still moving"}`;
  }
  function showReadout() {
    const query = model.get("query");
    const P = model.get("patterns");
    const [e, m] = ENERGIES.map(counts);
    const rows = [
      ["Patterns", String(P.length)],
      ["Query", query ? pointText(query) : "none"],
      ["Minima of E", String(e.minimum), e.minimum < P.length ? "bad" : "good"],
      ["Minima of MCHN", String(m.minimum), m.minimum < P.length ? "bad" : "good"],
      ["E leads to", ways ? endText(ways.E) : "–"],
      ["MCHN leads to", ways ? endText(ways.MCHN) : "–"],
      ["λmin of ∇²E at the query", query ? fixed(symmetricEigenvalues2(energyHessian(query, P))[0], 3) : "–"],
      ["λmin of ∇²MCHN", query ? fixed(symmetricEigenvalues2(mchnHessian(query, P, model.get("beta")))[0], 3) : "–"],
    ];
    ui.readout(rows);
  }
  function spoken() {
    const P = model.get("patterns");
    const beta = fixed(model.get("beta"), 2);
    const parts = [`${plural(P.length, "pattern", "patterns")}: E has ${inWords("E")}; MCHN at β = ${beta} has ${inWords("MCHN")}.`];
    if (ways) {
      const [e, m] = ENERGIES.map((name) => ways[name].reached + 1);
      const from = `From ${pointText(model.get("query"))}`;
      parts.push(e === m ? `${from} both lead to pattern ${e}.` : `${from} E leads to pattern ${e}, MCHN to pattern ${m}: different memories.`);
    }
    if (P.length > 1 && normSpread(P) < 1e-9 && model.get("beta") === 2) {
      parts.push("All norms are equal and β = 2: 2·MCHN − log d is E itself.");
    }
    return parts.join(" ");
  }

  // --- painting
  let atRest = true;
  let restTimer = 0;
  function settle() {
    for (const panel of panels) panel.relabel();
    ui.say(spoken());
    const each = (f) => Object.fromEntries(ENERGIES.map((name) => [name, f(name)]));
    const summary = {
      patterns: model.get("patterns").length,
      minima: each((name) => counts(name).minimum), saddles: each((name) => counts(name).saddle),
      maxima: each((name) => counts(name).maximum), degenerate: each((name) => counts(name).degenerate),
      points: each((name) => found[name].points),
      query_ends: ways && each((name) => ways[name].points.at(-1)),
      reached: ways && each((name) => ways[name].reached), steps: ways && each((name) => ways[name].points.length - 1),
    };
    if (report(model, "summary", summary)) save();
  }
  function rest() {
    atRest = true;
    if (ENERGIES.every((name) => found[name].complete === keyOf(name))) settle();
    else showPoints();
  }

  let colours = null;
  let width = 0;
  function arrange() {
    const compare = model.get("compare");
    ui.stage.classList.toggle("bs-two", compare);
    panels[1].node.hidden = !compare;
    const beside = compare && width >= 560;
    const height = beside ? Math.min(Math.max(0.43 * width, 250), 430) : width >= 560 ? Math.min(0.5 * width, 430) : 0.82 * width;
    for (const panel of panels) panel.reserve(Math.round(height));
    // Nothing that Python put outside the view is out of reach; what the reader drags stays inside it anyway.
    const view = model.get("view");
    const points = [...model.get("patterns"), ...(model.get("query") ? [model.get("query")] : [])];
    const lay = () => { for (const panel of panels) if (!panel.node.hidden) panel.layout(fitted); };
    if (!fitted || view.some((v, k) => v !== fittedView[k])) {
      fittedView = view;
      fitted = widened(view, points);
    }
    lay();
    const [x0, x1, y0, y1] = panels[0].domain;
    if (points.some(([u, v]) => u < x0 || u > x1 || v < y0 || v > y1)) {
      fitted = widened(view, points);
      lay();
    }
  }
  let fitted = null;
  let fittedView = [];
  function widened([x0, x1, y0, y1], points) {
    const widen = (low, high, v) => {
      const [least, most] = [Math.min(...v), Math.max(...v)];
      const room = 0.08 * (Math.max(high, most) - Math.min(low, least));
      return [least < low ? least - room : low, most > high ? most + room : high];
    };
    return [...widen(x0, x1, points.map((p) => p[0])), ...widen(y0, y1, points.map((p) => p[1]))];
  }
  let begun = false; // the second plane comes a frame after the first
  function draw() {
    arrange();
    retrieveBoth();
    ENERGIES.forEach(follow);
    const beta = model.get("beta");
    panels.forEach((panel, k) => {
      if (panel.node.hidden || (k && !begun)) return;
      const name = shownName(k);
      const letter = { E: "d", MCHN: "c", "-LSE": "a", regulariser: "b" }[name];
      const text = { E: "E", MCHN: `MCHN, β = ${fixed(beta, 2)}`, "-LSE": `−LSE, β = ${fixed(beta, 2)}`, regulariser: `Regulariser, β = ${fixed(beta, 2)}` }[name];
      panel.draw({
        name, heading: `(${letter}) ${text}`, P: model.get("patterns"), beta, query: model.get("query"),
        steps: ways && ways[name] ? ways[name].points : null, convexity: model.get("show_convexity"), dark: colours.dark,
      });
    });
    if (!begun) { begun = true; repaint(); }
    showPoints();
    showButtons();
  }
  let settled = false;
  const repaint = repainter(ui.root, () => {
    draw();
    if (!settled) { settled = true; rest(); }
  });
  function changed() {
    viewChoice.set(model.get("compare") ? "both" : model.get("function"));
    betaSlider.set(Math.log10(model.get("beta")));
    convexity.set(model.get("show_convexity"));
    // A view that nobody has seen yet has no size: its first width draws it.
    if (!width) return;
    atRest = false;
    clearTimeout(restTimer);
    restTimer = setTimeout(rest, 120);
    repaint();
  }
  function resized(to) {
    width = to;
    // An element outside the document has no style: its colours are known when it comes in.
    colours = palette(ui.root);
    repaint();
  }

  for (const name of ENERGIES) {
    const search = stationarySearch(model.get("patterns"), betaOf(name));
    search.advance(Infinity);
    found[name] = { key: keyOf(name), complete: keyOf(name), points: search.points() };
  }
  viewChoice.set(model.get("compare") ? "both" : model.get("function"));
  const stops = [
    listen(model, ["patterns", "function", "compare", "beta", "query", "show_convexity", "view"], changed),
    onTheme(() => { if (width) { colours = palette(ui.root); repaint(); } }),
    onWidth(ui.stage, resized),
  ];
  return () => {
    repaint.stop();
    clearTimeout(restTimer);
    for (const name of ENERGIES) searches[name].stop();
    for (const panel of panels) panel.stop();
    for (const stop of stops) stop();
    save.stop();
  };
}

export default { render };
