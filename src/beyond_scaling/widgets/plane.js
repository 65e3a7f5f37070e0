// One landscape over the plane: the coloured field, its stationary points, the patterns as handles, a query and its way.
import { amend, shown, stationaryMark, styled } from "./curves.js";
import { contourLevels, extent, fieldPainter, rampGradient } from "./field.js";
import { curvatureGrid, landscapeGrid } from "./grid.js";
import { axes, fixed, handle, html, linear, svg, uniqueId } from "./ui.js";

const PLANE_MARGIN = { left: 30, right: 3, top: 4, bottom: 20 };
const LEVELS = 13;
/** CSS pixels between grid points; the hatched region needs fewer. */
const STEP = { field: 2.5, curvature: 5 };
export const MARK_COLOURS = { minimum: "var(--bs-good)", saddle: "var(--bs-ink)", maximum: "var(--bs-muted)", degenerate: "var(--bs-bad)" };

/**
 * A panel. All callbacks are given plane coordinates.
 * @param {{name: string, tabbable: boolean, onPattern: (i: number, x: number, y: number) => void,
 *   onNudge: (i: number, dx: number, dy: number) => void, onRemove: (i: number) => void, onTouch: (i: number) => void,
 *   onQuery: (x: number, y: number, dropped: boolean) => void, onQueryNudge: (dx: number, dy: number) => void,
 *   onQueryDrop: () => void, onQueryRemove: () => void, onAdd: (x: number, y: number) => void,
 *   where: (i: number) => string}} options where: the position of pattern i (-1: the query) in words
 */
export function planePanel(options) {
  const title = html("span", { class: "bs-panel-name" });
  const count = html("span", { class: "bs-panel-count" });
  const canvas = html("canvas", { "aria-hidden": "true" });
  const board = svg("svg", { class: "bs-fill bs-plane", role: "group" });
  const box = html("div", { class: "bs-plot" }, canvas, board);
  const [low, high] = [html("span"), html("span")];
  const ramp = html("span", { class: "bs-ramp-bar" });
  const node = html("div", { class: "bs-panel" }, html("p", { class: "bs-plot-title" }, title, count), box,
    html("p", { class: "bs-ramp" }, low, ramp, high));
  const painter = fieldPainter(canvas);

  const clipId = uniqueId("clip");
  const clip = svg("rect");
  const ground = svg("rect", { class: "bs-plane-ground" });
  const axisLayer = svg("g");
  const wayHalo = styled("path", {}, { fill: "none", stroke: "var(--bs-ground)", "stroke-width": "5.5px", "stroke-linejoin": "round", "stroke-linecap": "round" });
  const wayLine = styled("path", {}, { fill: "none", stroke: "var(--bs-accent)", "stroke-width": "2.6px", "stroke-linejoin": "round", "stroke-linecap": "round" });
  const wayDots = styled("path", {}, { fill: "none", stroke: "var(--bs-accent)", "stroke-width": "7px", "stroke-linecap": "round" });
  const wayEnd = styled("circle", { r: 13 }, { fill: "none", stroke: "var(--bs-accent)", "stroke-width": "2.6px" });
  const wayEndHalo = styled("circle", { r: 13 }, { fill: "none", stroke: "var(--bs-ground)", "stroke-width": "5.5px" });
  const way = svg("g", { "clip-path": `url(#${clipId})`, "aria-hidden": "true" }, wayHalo, wayDots, wayLine, wayEndHalo, wayEnd);
  const handles = svg("g");
  const marks = svg("g", { class: "bs-marks", "aria-hidden": "true" });
  board.append(svg("defs", {}, svg("clipPath", { id: clipId }, clip)), axisLayer, ground, way, handles, marks);

  let x = linear([0, 1], [0, 1]);
  let y = linear([0, 1], [0, 1]);
  let patternHandles = [];
  let queryHandle = null;
  const pools = {};
  let size = "";
  let xs = new Float64Array(0);
  let ys = xs;
  let values = xs;
  let coarseXs = xs;
  let coarseYs = xs;
  let curvature = xs;

  // A single click drops the query, a double click adds a pattern: the first waits to see whether a second comes.
  let pending = 0;
  const at = (event) => {
    const frame = board.getBoundingClientRect();
    return [x.invert(event.clientX - frame.left), y.invert(event.clientY - frame.top)];
  };
  ground.addEventListener("click", (event) => {
    clearTimeout(pending);
    if (event.detail > 1) return;
    const place = at(event);
    pending = setTimeout(() => options.onQuery(...place, true), 260);
  });
  ground.addEventListener("dblclick", (event) => {
    event.preventDefault();
    clearTimeout(pending);
    options.onAdd(...at(event));
  });

  function keepTabs(h) {
    if (!options.tabbable) h.node.setAttribute("tabindex", "-1");
    return h;
  }

  function makeHandles(d) {
    if (patternHandles.length === d) return;
    const focused = patternHandles.findIndex((h) => h.node === document.activeElement);
    patternHandles = Array.from({ length: d }, (_, i) => {
      const h = keepTabs(handle(board, {
        label: () => `Pattern ${i + 1} in ${options.name}, at ${options.where(i)}`, colour: "var(--bs-ink)", radius: 9, text: String(i + 1),
        onMove: (px, py) => options.onPattern(i, x.invert(px), y.invert(py)),
        onKey: (dx, dy) => options.onNudge(i, dx, dy), onRemove: () => options.onRemove(i),
      }));
      // The number stands beside the point, where a mark above it does not hide it.
      amend(h.node.querySelector("text"), { x: 11, y: -9, "text-anchor": "start" });
      h.node.addEventListener("focus", () => options.onTouch(i));
      return h;
    });
    handles.replaceChildren(...patternHandles.map((h) => h.node), ...(queryHandle ? [queryHandle.node] : []));
    // A removed pattern must not drop the keyboard's place.
    if (focused >= 0) patternHandles[Math.min(focused, d - 1)].node.focus();
  }

  function makeQuery(there) {
    if (!there) {
      if (queryHandle?.node === document.activeElement) patternHandles[0]?.node.focus();
      queryHandle?.node.remove();
      queryHandle = null;
    } else if (!queryHandle) {
      queryHandle = keepTabs(handle(board, {
        label: () => `Query in ${options.name}, at ${options.where(-1)}`, colour: "var(--bs-accent)", radius: 8, shape: "diamond",
        onMove: (px, py) => options.onQuery(x.invert(px), y.invert(py), false),
        onKey: options.onQueryNudge, onDrop: options.onQueryDrop, onRemove: options.onQueryRemove,
      }));
      handles.append(queryHandle.node);
    }
  }

  function setMarks(points) {
    const used = {};
    for (const { kind, x: [u, v] } of points) {
      const pool = (pools[kind] ??= []);
      const k = used[kind] ?? 0;
      used[kind] = k + 1;
      if (!pool[k]) {
        pool[k] = stationaryMark(kind, MARK_COLOURS[kind]);
        marks.append(pool[k]);
      }
      shown(pool[k], true);
      amend(pool[k], { transform: `translate(${x(u).toFixed(1)},${y(v).toFixed(1)})${kind === "minimum" ? " scale(0.8)" : ""}` });
    }
    for (const [kind, pool] of Object.entries(pools)) {
      for (let k = used[kind] ?? 0; k < pool.length; k += 1) shown(pool[k], false);
    }
  }

  function setWay(points) {
    shown(way, points);
    if (!points) return;
    const px = points.map(([u, v]) => [x(u), y(v)]);
    let line = "";
    let dots = "";
    let last = null;
    for (const [u, v] of px) {
      if (last && Math.hypot(u - last[0], v - last[1]) < 1) continue;
      line += `${last ? "L" : "M"}${u.toFixed(1)},${v.toFixed(1)}`;
      if (last) dots += `M${u.toFixed(1)},${v.toFixed(1)}h0`;
      last = [u, v];
    }
    amend(wayHalo, { d: line });
    amend(wayLine, { d: line });
    amend(wayDots, { d: dots });
    const [u, v] = px.at(-1);
    for (const ring of [wayEnd, wayEndHalo]) amend(ring, { cx: u, cy: v });
  }

  return {
    node,
    box,
    /** Reserve the height before anything is drawn. */
    reserve(height) { box.style.height = `${height}px`; },
    /** The part of the plane that is visible, [x low, x high, y low, y high]. */
    get domain() { return [...x.domain, ...y.domain]; },

    /** Fit at least `view` into the box as it is now, one unit as long in x as in y. */
    layout(view) {
      const w = box.clientWidth - PLANE_MARGIN.left - PLANE_MARGIN.right;
      const h = box.clientHeight - PLANE_MARGIN.top - PLANE_MARGIN.bottom;
      const next = [w, h, ...view, globalThis.devicePixelRatio].join();
      if (w < 10 || next === size) return;
      size = next;
      const unit = Math.min(w / (view[1] - view[0]), h / (view[3] - view[2]));
      const [cx, cy] = [(view[0] + view[1]) / 2, (view[2] + view[3]) / 2];
      x = linear([cx - w / unit / 2, cx + w / unit / 2], [PLANE_MARGIN.left, PLANE_MARGIN.left + w]);
      y = linear([cy - h / unit / 2, cy + h / unit / 2], [PLANE_MARGIN.top + h, PLANE_MARGIN.top]);
      Object.assign(canvas.style, { inset: `${PLANE_MARGIN.top}px auto auto ${PLANE_MARGIN.left}px`, width: `${w}px`, height: `${h}px` });
      painter.resize(w, h);
      for (const rect of [clip, ground]) amend(rect, { x: PLANE_MARGIN.left, y: PLANE_MARGIN.top, width: w, height: h });
      axes(axisLayer, x, y, { grid: false, xTicks: Math.max(3, w / 60), yTicks: Math.max(3, h / 55) });
      const lattice = (scale, count) => Float64Array.from({ length: count }, (_, i) =>
        scale[0] + ((scale[1] - scale[0]) * i) / (count - 1));
      const counts = (step) => [Math.ceil(w / step) + 1, Math.ceil(h / step) + 1];
      const [nx, ny] = counts(STEP.field);
      const [mx, my] = counts(STEP.curvature);
      // Rows run from the top.
      const down = [y.domain[1], y.domain[0]];
      xs = lattice(x.domain, nx);
      ys = lattice(down, ny);
      values = new Float64Array(nx * ny);
      coarseXs = lattice(x.domain, mx);
      coarseYs = lattice(down, my);
      curvature = new Float64Array(mx * my);
    },

    /** Paint everything that follows from the patterns, the query and the landscape's name. */
    draw({ name, heading, P, beta, query, steps, convexity, dark }) {
      if (!values.length) return;
      landscapeGrid(name, P, beta, xs, ys, values);
      const [bottom, top] = extent(values);
      // -LSE has no wells to resolve.
      const power = name === "-LSE" ? 1 : 2;
      painter.colours(values, xs.length, ys.length, bottom, top, dark, power);
      painter.contours(values, xs.length, ys.length, contourLevels(bottom, top, LEVELS, power), bottom, top, dark, power);
      if (convexity) {
        curvatureGrid(name, P, beta, coarseXs, coarseYs, curvature);
        painter.hatch(curvature, coarseXs.length, coarseYs.length, dark);
      }
      amend(low, { text: `low ${fixed(bottom, 2)}` });
      amend(high, { text: `${fixed(top, 2)} high` });
      if (ramp.dataset.dark !== String(dark)) {
        ramp.dataset.dark = String(dark);
        ramp.style.background = rampGradient(dark);
      }
      amend(title, { text: heading });
      if (board.getAttribute("aria-label") !== heading) board.setAttribute("aria-label", heading);
      makeHandles(P.length);
      P.forEach(([u, v], i) => patternHandles[i].place(x(u), y(v)));
      makeQuery(Boolean(query));
      if (query) queryHandle.place(x(query[0]), y(query[1]));
      setWay(steps);
    },

    /** Show the stationary points, and how many there are in words. */
    points(list, words) {
      setMarks(list);
      amend(count, { text: words });
    },

    relabel() {
      for (const h of patternHandles) h.relabel();
      queryHandle?.relabel();
    },

    /** Let the way be drawn from its start, in half a second. */
    replay() {
      const length = wayLine.getTotalLength();
      if (!length) return;
      const draw = [{ strokeDasharray: `${length} ${length}`, strokeDashoffset: length }, { strokeDasharray: `${length} ${length}`, strokeDashoffset: 0 }];
      for (const line of [wayLine, wayHalo]) line.animate(draw, { duration: 500, easing: "ease-in-out" });
      for (const late of [wayDots, wayEnd, wayEndHalo]) late.animate([{ opacity: 0 }, { opacity: 0, offset: 0.7 }, { opacity: 1 }], { duration: 550 });
    },

    focusPattern(i) { patternHandles[i]?.node.focus(); },
    stop() { clearTimeout(pending); },
  };
}

/** A pattern as the legend shows it. */
export function patternMark() {
  return styled("circle", { r: 7 }, { fill: "var(--bs-ink)", stroke: "var(--bs-ground)", "stroke-width": "2px" });
}

/** The query as the legend shows it. */
export function queryMark() {
  return styled("path", { d: "M0,-9L9,0L0,9L-9,0Z" }, { fill: "var(--bs-accent)", stroke: "var(--bs-ground)", "stroke-width": "2px" });
}

/** The place a retrieval ends as the legend shows it. */
export function endMark() {
  return styled("circle", { r: 7 }, { fill: "none", stroke: "var(--bs-accent)", "stroke-width": "2.4px" });
}
