// The mathematics of every widget: distances, the two energies, their derivatives, retrieval, bounds, thresholds.
// Pure functions of arrays; the same formulas as beyond_scaling.energy and beyond_scaling.bounds, compared with them in
// a real browser by tests/browser/test_energy_js.py. A point is an array of n numbers, patterns an array of d points.

import { meanMapAt, meanMapSearch, polish } from "./stationary.js";

/** @typedef {ArrayLike<number>} Vector */
/** @typedef {{value: number, printed: [number, number], corrected: [number, number]}} Bands */
/** @typedef {{x: number[], value: number, eigenvalues: number[], kind: "minimum"|"saddle"|"maximum"|"degenerate"}} StationaryPoint */

/** log sum_i exp(y_i), accurate also where one term outweighs the rest. @param {Vector} y @returns {number} */
export function logSumExp(y) {
  let k = 0;
  for (let i = 1; i < y.length; i += 1) if (y[i] > y[k]) k = i;
  const top = y[k];
  if (!Number.isFinite(top)) return top;
  let rest = 0;
  for (let i = 0; i < y.length; i += 1) if (i !== k) rest += Math.exp(y[i] - top);
  return top + Math.log1p(rest);
}

/** exp(y_i) / sum_j exp(y_j). @param {Vector} y @returns {number[]} */
export function softmax(y) {
  const top = largest(y);
  const w = Array.from(y, (v) => Math.exp(v - top));
  let total = 0;
  for (const v of w) total += v;
  return w.map((v) => v / total);
}

function largest(y) {
  let top = -Infinity;
  for (let i = 0; i < y.length; i += 1) if (y[i] > top) top = y[i];
  return top;
}

function smallest(y) {
  let low = Infinity;
  for (let i = 0; i < y.length; i += 1) if (y[i] < low) low = y[i];
  return low;
}

function dot(u, v) {
  let sum = 0;
  for (let k = 0; k < u.length; k += 1) sum += u[k] * v[k];
  return sum;
}

/** |x - rho_i|^2 for every pattern. @param {Vector} x @param {Vector[]} P @returns {number[]} */
export function squaredDistances(x, P) {
  return P.map((rho) => {
    let sum = 0;
    for (let k = 0; k < x.length; k += 1) sum += (x[k] - rho[k]) ** 2;
    return sum;
  });
}

/** The paper's g, equation 3: the smallest squared distance. @param {Vector} x @param {Vector[]} P @returns {number} */
export function nearestDistance(x, P) {
  return smallest(squaredDistances(x, P));
}

/** max_j |rho_j|^2 - |rho_i|^2 for every pattern, without subtracting two squares. @param {Vector[]} P @returns {number[]} */
export function normDefects(P) {
  const m = P.reduce((best, rho) => (dot(rho, rho) > dot(best, best) ? rho : best), P[0]);
  const defects = P.map((rho) => apartDot(m, rho, (k) => m[k] + rho[k]));
  const least = smallest(defects);
  return defects.map((v) => v - least);
}

/** sum_k (u_k - v_k) w(k). */
function apartDot(u, v, w) {
  let sum = 0;
  for (let k = 0; k < u.length; k += 1) sum += (u[k] - v[k]) * w(k);
  return sum;
}

/**
 * Patterns ranked at a point: weights are proportional to exp(-gaps), the best pattern's gap is 0.
 * @typedef {{base: number, gaps: number[], best: number}} Ranking base: the energy if only the best pattern were stored
 */

/** Move base and gaps to the pattern that the exact gaps call best. `slope`: energy = base + gap / slope. @returns {Ranking} */
function rankingOf(base, gaps, slope) {
  let best = 0;
  for (let i = 1; i < gaps.length; i += 1) if (gaps[i] < gaps[best]) best = i;
  const least = gaps[best];
  return { base: base + least / slope, gaps: gaps.map((v) => v - least), best };
}

/** E's gaps |x - rho_i|^2 - g and its base g; far away without the cancellation of two large squares. @returns {Ranking} */
function rankByDistance(x, P) {
  const s = squaredDistances(x, P);
  const base = smallest(s);
  const m = P[s.indexOf(base)];
  const far = base > 64;
  return rankingOf(base, s.map((v, i) => (far ? apartDot(m, P[i], (k) => (x[k] - m[k]) + (x[k] - P[i][k])) : v - base)), 1);
}

/** MCHN's gaps beta (max_j rho_j.x - rho_i.x) and its base. `origin`: x and P are given relative to it. @returns {Ranking} */
function rankByOverlap(x, P, beta, origin = null) {
  const place = origin ? Array.from(x, (v, k) => v + origin[k]) : x;
  const m = P.reduce((best, rho) => (dot(rho, place) > dot(best, place) ? rho : best), P[0]);
  const gaps = P.map((rho) => beta * (apartDot(m, rho, (k) => x[k]) + (origin ? apartDot(m, rho, (k) => origin[k]) : 0)));
  const base = (apartDot(x, m, (k) => x[k] - m[k]) + normDefects(P)[P.indexOf(m)]) / 2;
  return rankingOf(base, gaps, beta);
}

/** The sum of exp(-gap) over all patterns but the best, without the 1 that would swallow it. @param {Ranking} r */
function restOf(r) {
  let sum = 0;
  for (let i = 0; i < r.gaps.length; i += 1) if (i !== r.best) sum += Math.exp(-r.gaps[i]);
  return sum;
}

/** log sum_i exp(-gap_i), in [0, log d]. @param {Ranking} r */
function excessOf(r) {
  return Math.log1p(restOf(r));
}

/** log d - excess, accurate also where all patterns weigh nearly the same. @param {Ranking} r */
function deficitOf(r) {
  const d = r.gaps.length;
  if (largest(r.gaps) >= 0.5) return Math.log(d) - excessOf(r);
  let sum = 0;
  for (const v of r.gaps) sum += Math.expm1(-v);
  return -Math.log1p(sum / d);
}

/** softmax(-gaps). @param {Ranking} r @returns {number[]} */
function weightsOf(r) {
  const total = 1 + restOf(r);
  return r.gaps.map((v) => Math.exp(-v) / total);
}

/** Equation 4: E(x) = -log sum_i exp(-|x - rho_i|^2). @param {Vector} x @param {Vector[]} P @returns {number} */
export function energy(x, P) {
  const r = rankByDistance(x, P);
  return r.base - excessOf(r);
}

/**
 * The modern continuous Hopfield energy -(1/beta) log sum_i exp(beta rho_i.x) + |x|^2/2 + log(d)/beta + max|rho|^2/2.
 * @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number}
 */
export function mchnEnergy(x, P, beta) {
  const r = rankByOverlap(x, P, beta);
  return r.base + deficitOf(r) / beta;
}

/** Figure 1a: -(1/beta) log sum_i exp(beta rho_i.x). @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number} */
export function negativeLse(x, P, beta) {
  const r = rankByOverlap(x, P, beta);
  return -dot(P[r.best], x) - excessOf(r) / beta;
}

/** Figure 1b: |x|^2/2 + log(d)/beta + max|rho|^2/2. @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number} */
export function mchnRegulariser(x, P, beta) {
  return dot(x, x) / 2 + (Math.log(P.length) / beta + largest(P.map((rho) => dot(rho, rho))) / 2);
}

/** softmax_i(-|x - rho_i|^2). @param {Vector} x @param {Vector[]} P @returns {number[]} */
export function posterior(x, P) {
  return weightsOf(rankByDistance(x, P));
}

/** softmax_i(beta rho_i.x). @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number[]} */
export function mchnPosterior(x, P, beta) {
  return weightsOf(rankByOverlap(x, P, beta));
}

/** sum_i w_i (rho_i - rho_m), m the best pattern: what the mean lies away from it. */
function shiftOf(r, w, P) {
  const m = P[r.best];
  return Array.from(m, (base, k) => {
    let pull = 0;
    for (let i = 0; i < w.length; i += 1) pull += w[i] * (P[i][k] - base);
    return pull;
  });
}

/** sum_i w_i rho_i. */
function meanOf(r, P) {
  const shift = shiftOf(r, weightsOf(r), P);
  return shift.map((v, k) => P[r.best][k] + v);
}

/** scale * (x - sum_i w_i rho_i), from differences. */
function pullOf(r, x, P, scale) {
  const shift = shiftOf(r, weightsOf(r), P);
  return shift.map((v, k) => scale * ((x[k] - P[r.best][k]) - v));
}

/** scale * (I - b Cov_w), from centred differences. @returns {number[][]} */
function hessianOf(r, P, b, scale) {
  const w = weightsOf(r);
  const shift = shiftOf(r, w, P);
  const m = P[r.best];
  const centred = P.map((rho) => shift.map((v, k) => (rho[k] - m[k]) - v));
  return shift.map((_, j) => shift.map((__, k) => {
    let cov = 0;
    for (let i = 0; i < w.length; i += 1) cov += w[i] * centred[i][j] * centred[i][k];
    return scale * ((j === k ? 1 : 0) - b * cov);
  }));
}

/** Gradient of E: 2 (x - sum_i p_i rho_i). @param {Vector} x @param {Vector[]} P @returns {number[]} */
export function energyGradient(x, P) {
  return pullOf(rankByDistance(x, P), x, P, 2);
}

/** Hessian of E: 2 I - 4 Cov_p, as rows. @param {Vector} x @param {Vector[]} P @returns {number[][]} */
export function energyHessian(x, P) {
  return hessianOf(rankByDistance(x, P), P, 2, 2);
}

/** Gradient of MCHN: x - sum_i w_i rho_i. @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number[]} */
export function mchnGradient(x, P, beta) {
  return pullOf(rankByOverlap(x, P, beta), x, P, 1);
}

/** Hessian of MCHN: I - beta Cov_w, as rows. @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number[][]} */
export function mchnHessian(x, P, beta) {
  return hessianOf(rankByOverlap(x, P, beta), P, beta, 1);
}

/** One retrieval step of E: the posterior mean of the patterns. @param {Vector} x @param {Vector[]} P @returns {number[]} */
export function update(x, P) {
  return meanOf(rankByDistance(x, P), P);
}

/** One retrieval step of MCHN: M softmax(beta M^T x). @param {Vector} x @param {Vector[]} P @param {number} beta @returns {number[]} */
export function mchnUpdate(x, P, beta) {
  return meanOf(rankByOverlap(x, P, beta), P);
}

/** exp(g - E): how many patterns count as nearest, 1 to d. @param {Vector} x @param {Vector[]} P @returns {number} */
export function effectiveNeighbours(x, P) {
  return 1 + restOf(rankByDistance(x, P));
}

/**
 * Iterate the update until a step is no longer than `tolerance`, or than the arithmetic resolves.
 * @param {Vector} x start @param {Vector[]} P patterns @param {number|null} beta null for E, else MCHN
 * @param {{tolerance?: number, maxSteps?: number}} options tolerance: Euclidean, in the patterns' units
 * @returns {{points: number[][], energies: number[], stopped: "converged"|"max_steps"}} points[0] is the start
 */
export function retrieve(x, P, beta = null, { tolerance = 1e-12, maxSteps = 10000 } = {}) {
  // Around the centroid a step is resolved to the patterns' spread, not to their distance from the origin.
  const centre = Array.from(P[0], (_, k) => P.reduce((sum, rho) => sum + rho[k], 0) / P.length);
  const local = P.map((rho) => centre.map((c, k) => rho[k] - c));
  const radius = Math.sqrt(largest(local.map((rho) => dot(rho, rho))));
  const floor = Math.max(tolerance, 8 * Number.EPSILON * radius);
  const step = (z) => meanOf(beta === null ? rankByDistance(z, local) : rankByOverlap(z, local, beta, centre), local);
  const way = [centre.map((c, k) => x[k] - c)];
  let stopped = "max_steps";
  while (way.length <= maxSteps) {
    const here = way.at(-1);
    const next = step(here);
    way.push(next);
    if (Math.hypot(...next.map((v, k) => v - here[k])) <= floor) { stopped = "converged"; break; }
  }
  const points = way.map((z, i) => (i === 0 ? Array.from(x) : z.map((v, k) => v + centre[k])));
  const energies = way.map((z, i) => (beta === null ? energy(z, local) : mchnEnergy(points[i], P, beta)));
  return { points, energies, stopped };
}

/** R = max|rho|^2 - min|rho|^2. @param {Vector[]} P @returns {number} */
export function normSpread(P) {
  return largest(normDefects(P));
}

/** 2 MCHN_2 - log d - E = -log sum_i p_i exp(|rho_i|^2 - xi^2), without cancellation or underflow. @param {Ranking} r */
function energyDifference(r, P) {
  const defects = normDefects(P);
  if (largest(defects) < 0.5) {
    let sum = 0;
    weightsOf(r).forEach((w, i) => { sum += w * Math.expm1(-defects[i]); });
    return -Math.log1p(sum);
  }
  return logSumExp(r.gaps.map((v) => -v)) - logSumExp(r.gaps.map((v, i) => -v - defects[i]));
}

/** Proposition 1: g - log d <= E <= g; the value is E. @param {Vector} x @param {Vector[]} P @returns {Bands} */
export function proposition1(x, P) {
  const r = rankByDistance(x, P);
  const band = [r.base - Math.log(P.length), r.base];
  return { value: r.base - excessOf(r), printed: band, corrected: [...band] };
}

/** Proposition 2: the value 2 MCHN_2 - log d - E, printed in [-R, R], in truth in [0, R]. @param {Vector} x @param {Vector[]} P @returns {Bands} */
export function proposition2(x, P) {
  const R = normSpread(P);
  return { value: energyDifference(rankByDistance(x, P), P), printed: [-R, R], corrected: [0, R] };
}

/** Proposition 3: the value g - 2 MCHN_2, printed in [-R, R + log d], in truth in [-R - log d, 0]. @param {Vector} x @param {Vector[]} P @returns {Bands} */
export function proposition3(x, P) {
  const R = normSpread(P);
  const logD = Math.log(P.length);
  const r = rankByDistance(x, P);
  return { value: -(deficitOf(r) + energyDifference(r, P)), printed: [-R, R + logD], corrected: [-R - logD, 0] };
}

/** Eigenvalues of a symmetric matrix of order 2, small first. @param {number[][]} H @returns {[number, number]} */
export function symmetricEigenvalues2(H) {
  const middle = (H[0][0] + H[1][1]) / 2;
  const reach = Math.hypot((H[0][0] - H[1][1]) / 2, H[0][1]);
  return [middle - reach, middle + reach];
}

/** Eigenvalues of a Hessian of order 1 or 2. @param {number[][]} H @returns {number[]} */
export function hessianEigenvalues(H) {
  return H.length === 1 ? [H[0][0]] : symmetricEigenvalues2(H);
}

/** The patterns about their centroid, as the search wants them; one dimension is a plane without width. */
function meanMap(P, beta) {
  const n = P[0].length;
  if (n > 2) throw new RangeError(`stationary points: patterns have ${n} coordinates, expected 1 or 2`);
  const mean = (k) => P.reduce((sum, rho) => sum + rho[k] / P.length, 0);
  const cx = mean(0);
  const cy = n === 2 ? mean(1) : 0;
  const px = Float64Array.from(P, (rho) => rho[0] - cx);
  const py = Float64Array.from(P, (rho) => (n === 2 ? rho[1] - cy : 0));
  const b = beta === null ? 2 : beta;
  const c = px.map((u, i) => (beta === null ? -(u * u + py[i] * py[i]) : beta * (u * cx + py[i] * cy)));
  return { n, cx, cy, px, py, b, c };
}

/** A point the search found, in the caller's coordinates. @returns {StationaryPoint} */
function describe(map, [u, v], P, beta, degenerate) {
  const { jxx, jxy, jyy } = meanMapAt(map.px, map.py, map.b, map.c, u, v);
  const k = beta === null ? 2 : 1;
  const eigenvalues = map.n === 1 ? [k * jxx] : symmetricEigenvalues2([[k * jxx, k * jxy], [k * jxy, k * jyy]]);
  const x = map.n === 1 ? [u + map.cx] : [u + map.cx, v + map.cy];
  const value = beta === null ? energy(x, P) : mchnEnergy(x, P, beta);
  const kind = degenerate ? "degenerate" : eigenvalues[0] > 0 ? "minimum" : eigenvalues.at(-1) < 0 ? "maximum" : "saddle";
  return { x, value, eigenvalues, kind };
}

/**
 * The search behind stationaryPoints, in slices that fit between two frames.
 * @param {Vector[]} P patterns in one or two dimensions @param {number|null} beta null for E, else MCHN
 * @returns {{advance: (boxes: number) => boolean, points: () => StationaryPoint[]}} `advance` treats at most so many
 *   boxes and says whether all are done; `points` may then be called
 */
export function stationarySearch(P, beta = null) {
  const map = meanMap(P, beta);
  const search = meanMapSearch(map.px, map.py, map.b, map.c);
  return {
    advance: (boxes) => search.advance(boxes),
    points() {
      const all = [
        ...search.solutions.map((p) => describe(map, p, P, beta, false)),
        ...search.degenerate.map((p) => describe(map, p, P, beta, true))];
      // Poincare-Hopf: the energy grows in all directions, so the indices sum to one.
      const indices = { minimum: 1, maximum: map.n === 1 ? -1 : 1, saddle: -1 };
      const sum = all.reduce((total, p) => total + indices[p.kind], 0);
      if (!search.degenerate.length && sum !== 1) throw new Error(`stationary points: the indices sum to ${sum}, expected 1`);
      return all.sort((p, q) => p.x[0] - q.x[0] || p.x[1] - q.x[1] || 0);
    },
  };
}

/**
 * All stationary points of E (beta null) or MCHN, for patterns in one or two dimensions, sorted by coordinates.
 * @param {Vector[]} P @param {number|null} beta @returns {StationaryPoint[]}
 */
export function stationaryPoints(P, beta = null) {
  const search = stationarySearch(P, beta);
  search.advance(Infinity);
  return search.points();
}

/**
 * Where stationary points went after the patterns moved a little: Newton's method from each; those lost are left out.
 * @param {StationaryPoint[]} points @param {Vector[]} P the patterns now @param {number|null} beta @returns {StationaryPoint[]}
 */
export function followStationaryPoints(points, P, beta = null) {
  const map = meanMap(P, beta);
  const spread = Math.max(largest(map.px) - smallest(map.px), largest(map.py) - smallest(map.py), 1e-300);
  const kept = [];
  for (const { x } of points) {
    const u = x[0] - map.cx;
    const v = map.n === 2 ? x[1] - map.cy : 0;
    const found = polish(map.px, map.py, map.b, map.c, u, v, spread);
    if (!found || Math.hypot(found[0] - u, found[1] - v) > 0.25 * spread) continue;
    const point = describe(map, found, P, beta, false);
    if (!kept.some((q) => Math.hypot(...q.x.map((c, k) => c - point.x[k])) < 1e-6 * spread)) kept.push(point);
  }
  return kept;
}

/**
 * The smallest mutual distance at which d equidistant patterns each keep a minimum of E. At a point where one pattern
 * weighs e^s times each other, s = delta^2 (p - q); the distance is the least over s > 0.
 * @param {number} d number of patterns, at least 2 @returns {number}
 */
export function separationThreshold(d) {
  if (!(d >= 2)) throw new RangeError(`separationThreshold: d is ${d}, expected at least 2`);
  const squared = (s) => (s * (1 + (d - 1) * Math.exp(-s))) / -Math.expm1(-s);
  if (d === 2) return Math.SQRT2;
  // The derivative has the sign of e^s + d - 2 - (d - 1) e^-s - d s: negative up to the least distance, positive after.
  const rising = (s) => Math.exp(s) + d - 2 - (d - 1) * Math.exp(-s) - d * s > 0;
  let lo = 0;
  let hi = 2 * Math.log(d) + 4;
  // From the right: near zero both signs are rounding.
  while (hi - lo > 1e-15 * hi) {
    const s = (lo + hi) / 2;
    if (s <= lo || s >= hi) break;
    if (rising(s)) hi = s; else lo = s;
  }
  return Math.sqrt(squared(hi));
}

/**
 * The minimum m >= 0 of the energy of two patterns at +-a: m = a tanh(2 a m) for E, m = a tanh(beta a m) for MCHN.
 * @param {number} a half the distance, > 0 @param {number|null} beta null for E @returns {number} 0 once they have merged
 */
export function twoWellMinimum(a, beta = null) {
  const c = (beta === null ? 2 : beta) * a * a;
  // No more than rounding a and beta may have added counts as merged.
  if (c - 1 <= 2 * Number.EPSILON) return 0;
  // u - tanh(c u) is convex for u > 0: Newton's method from the right comes down to the root without crossing it.
  let u = 1;
  for (let step = 0; step < 200; step += 1) {
    const t = Math.tanh(c * u);
    const next = u - (u - t) / (1 - c * (1 - t * t));
    if (!(next < u)) break;
    u = next;
  }
  return a * u;
}

/**
 * The largest beta for which MCHN is convex: 1 / sup of the largest eigenvalue of Cov_w over all tilts w ~ exp(theta.rho_i),
 * the limits at infinity, where one edge of the hull keeps all weight, included. For one or two dimensions.
 * In the plane tilts are searched up to 30 + 1.1 d of the patterns' widths, then polished by Newton's method.
 * @param {Vector[]} P @returns {number} Infinity when all patterns coincide
 */
export function convexityThreshold(P) {
  if (P[0].length > 2) throw new RangeError(`convexityThreshold: patterns have ${P[0].length} coordinates, expected 1 or 2`);
  const plane = P.map((rho) => [rho[0] - P[0][0], rho.length === 2 ? rho[1] - P[0][1] : 0]);
  return 1 / largestTiltedVariance(plane);
}

/** sup over tilts of the variance of numbers; the tilt that reaches it is within 1.1 d of their width. */
function largestTiltedVarianceOnLine(values) {
  const low = smallest(values);
  const width = largest(values) - low;
  if (width === 0) return 0;
  const u = values.map((v) => (v - low) / width);
  const at = (theta) => {
    const w = softmax(u.map((v) => theta * v));
    const mean = dot(w, u);
    let k2 = 0; let k3 = 0; let k4 = 0;
    u.forEach((v, i) => { const c = v - mean; k2 += w[i] * c * c; k3 += w[i] * c ** 3; k4 += w[i] * c ** 4; });
    return { value: k2, slope: k3, curvature: k4 - 3 * k2 * k2 };
  };
  // Between two tilts no more than t apart every variance differs by a factor of e^t at most.
  const reach = 1.1 * u.length + 1;
  let boxes = [[0, reach, at(0)]];
  let best = boxes[0][2].value;
  for (let half = reach; half > 1e-3; half /= 2) {
    boxes = boxes.flatMap(([mid]) => [mid - half / 2, mid + half / 2].map((m) => [m, half / 2, at(m)]));
    best = boxes.reduce((top, [, , s]) => Math.max(top, s.value), best);
    boxes = boxes.filter(([, h, s]) => s.value * Math.exp(h) >= best);
  }
  for (const [start] of startsAmong(boxes.map(([m, , s]) => [[m], s.value]))) {
    let theta = start[0];
    let here = at(theta);
    for (let step = 0; step < 60; step += 1) {
      let move = here.curvature < 0 ? -here.slope / here.curvature : Math.sign(here.slope) * 0.1;
      move = Math.max(-0.5, Math.min(0.5, move));
      let there = at(theta + move);
      while (there.value < here.value && Math.abs(move) > 1e-12) { move /= 2; there = at(theta + move); }
      if (!(there.value > here.value)) break;
      theta += move;
      here = there;
    }
    best = Math.max(best, here.value);
  }
  return best * width * width;
}

/** From [place, value] pairs, the best of each neighbourhood of one unit, at most 24 of them. */
function startsAmong(pairs) {
  const best = new Map();
  for (const pair of pairs) {
    const cell = pair[0].map((v) => Math.floor(v)).join();
    if (!best.has(cell) || best.get(cell)[1] < pair[1]) best.set(cell, pair);
  }
  return [...best.values()].sort((p, q) => q[1] - p[1]).slice(0, 24);
}

/** sup over tilts of the largest eigenvalue of the patterns' covariance in the plane. */
function largestTiltedVariance(points) {
  const d = points.length;
  const mean = [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / d);
  const moment = (j, k) => points.reduce((sum, p) => sum + (p[j] - mean[j]) * (p[k] - mean[k]), 0);
  const angle = 0.5 * Math.atan2(2 * moment(0, 1), moment(0, 0) - moment(1, 1));
  const ca = Math.cos(angle);
  const sa = Math.sin(angle);
  const x = points.map((p) => ca * (p[0] - mean[0]) + sa * (p[1] - mean[1]));
  const y = points.map((p) => ca * (p[1] - mean[1]) - sa * (p[0] - mean[0]));
  const wide = largest(x) - smallest(x);
  const high = largest(y) - smallest(y);
  if (wide === 0) return 0;
  if (high <= 1e-14 * wide) return largestTiltedVarianceOnLine(x);

  // No direction has a larger variance than a quarter of the diameter squared; two patterns alone on an edge reach it.
  let diameter2 = 0;
  for (const p of points) diameter2 = Math.max(diameter2, ...points.map((q) => (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2));
  let best = 0;
  const edges = hullEdges(x, y, 1e-13 * wide);
  for (const edge of edges) {
    const along = edge.map((i) => ((x[i] - x[edge[0]]) * (x[edge.at(-1)] - x[edge[0]])
      + (y[i] - y[edge[0]]) * (y[edge.at(-1)] - y[edge[0]])) / Math.hypot(x[edge.at(-1)] - x[edge[0]], y[edge.at(-1)] - y[edge[0]]));
    best = Math.max(best, largestTiltedVarianceOnLine(along));
  }
  if (best >= diameter2 / 4 * (1 - 1e-15)) return Math.min(best, diameter2 / 4);

  const u = x.map((v) => v / wide);
  const v = y.map((t) => t / high);
  const w = new Float64Array(d);
  /** Largest eigenvalue at the tilt (s, t), with its gradient and Hessian in s and t when asked. */
  const at = (s, t, derivatives = false) => {
    let top = -Infinity;
    for (let i = 0; i < d; i += 1) top = Math.max(top, s * u[i] + t * v[i]);
    let total = 0; let mx = 0; let my = 0;
    for (let i = 0; i < d; i += 1) {
      total += w[i] = Math.exp(s * u[i] + t * v[i] - top);
      mx += w[i] * x[i];
      my += w[i] * y[i];
    }
    mx /= total; my /= total;
    let cxx = 0; let cxy = 0; let cyy = 0;
    for (let i = 0; i < d; i += 1) {
      w[i] /= total;
      const dx = x[i] - mx; const dy = y[i] - my;
      cxx += w[i] * dx * dx; cxy += w[i] * dx * dy; cyy += w[i] * dy * dy;
    }
    const gap = Math.hypot(cxx - cyy, 2 * cxy);
    const value = (cxx + cyy + gap) / 2;
    if (!derivatives) return { value };
    const turn = 0.5 * Math.atan2(2 * cxy, cxx - cyy);
    const c = Math.cos(turn); const q = Math.sin(turn);
    let ks = 0; let kt = 0; let os = 0; let ot = 0; let mss = 0; let mst = 0; let mtt = 0;
    let ss = 0; let st = 0; let tt = 0; let ps = 0; let pt = 0;
    for (let i = 0; i < d; i += 1) {
      const dx = x[i] - mx; const dy = y[i] - my;
      const e = c * dx + q * dy; const f = c * dy - q * dx;
      const du = dx / wide; const dv = dy / high;
      ks += w[i] * e * e * du; kt += w[i] * e * e * dv;
      os += w[i] * e * f * du; ot += w[i] * e * f * dv;
      mss += w[i] * e * e * du * du; mst += w[i] * e * e * du * dv; mtt += w[i] * e * e * dv * dv;
      ss += w[i] * du * du; st += w[i] * du * dv; tt += w[i] * dv * dv;
      ps += w[i] * e * du; pt += w[i] * e * dv;
    }
    const k = gap > 1e-12 * value ? 2 / gap : 0;
    return {
      value, slope: [ks, kt],
      hessian: [mss - value * ss - 2 * ps * ps + k * os * os, mst - value * st - 2 * ps * pt + k * os * ot,
        mtt - value * tt - 2 * pt * pt + k * ot * ot],
    };
  };

  const mine = new Float64Array(d);
  const least = new Float64Array(d);
  /** The largest eigenvalue at (s, t), and an upper bound of it over the box of half-width h around. */
  const boundAround = (s, t, h) => {
    const value = at(s, t).value; // leaves the weights in w
    let mu = 0; let mv = 0;
    for (let i = 0; i < d; i += 1) { mu += w[i] * u[i]; mv += w[i] * v[i]; }
    let others = 0;
    for (let i = 0; i < d; i += 1) {
      const r = h * (Math.abs(u[i] - mu) + Math.abs(v[i] - mv));
      mine[i] = w[i] * Math.exp(r);
      others += least[i] = w[i] * Math.exp(-r);
    }
    let xx = 0; let xy = 0; let yy = 0;
    const mx = dot(w, x); const my = dot(w, y);
    for (let i = 0; i < d; i += 1) {
      const most = mine[i] / (mine[i] + Math.max(0, others - least[i]) || 1);
      xx += most * (x[i] - mx) ** 2; xy += most * (x[i] - mx) * (y[i] - my); yy += most * (y[i] - my) ** 2;
    }
    // No weight ratio moves by more than e^(2h); and the variance is at most the second moment about any centre.
    return [value, Math.min(value * Math.exp(2 * h), (xx + yy + Math.hypot(xx - yy, 2 * xy)) / 2)];
  };
  const reach = 30 + 1.1 * d;
  let boxes = [[[0, 0], 0]];
  for (let half = reach; half > 0.25; half /= 2) {
    const h = half / 2;
    const next = [];
    for (const [[s, t]] of boxes) {
      for (const p of [[s - h, t - h], [s - h, t + h], [s + h, t - h], [s + h, t + h]]) {
        const [value, bound] = boundAround(...p, h);
        if (value > best) best = value;
        if (bound >= best) next.push([p, value, bound]);
      }
    }
    boxes = next.filter(([, , bound]) => bound >= best);
  }
  for (const [start] of startsAmong(boxes)) best = Math.max(best, climb(at, start));
  return Math.min(best, diameter2 / 4);
}

/** The value of the local maximum above a start: Newton's method where the surface is concave, else uphill. */
function climb(at, [s, t]) {
  let here = at(s, t, true);
  for (let step = 0; step < 100; step += 1) {
    const [gs, gt] = here.slope;
    const [a, b, c] = here.hessian;
    const det = a * c - b * b;
    const concave = a < 0 && det > 0;
    const steep = Math.hypot(gs, gt) || 1;
    let ds = concave ? -(c * gs - b * gt) / det : (0.2 * gs) / steep;
    let dt = concave ? -(a * gt - b * gs) / det : (0.2 * gt) / steep;
    const long = Math.hypot(ds, dt);
    if (long > 1) { ds /= long; dt /= long; }
    let there = at(s + ds, t + dt, true);
    while (there.value < here.value && Math.hypot(ds, dt) > 1e-10) {
      ds /= 2;
      dt /= 2;
      there = at(s + ds, t + dt, true);
    }
    if (!(there.value > here.value * (1 + 4e-16))) break;
    s += ds;
    t += dt;
    here = there;
  }
  return here.value;
}

/** The edges of the convex hull, each with the indices of all points on it, in order along it. */
function hullEdges(x, y, tolerance) {
  const up = Array.from(x, (_, i) => i).sort((i, j) => x[i] - x[j] || y[i] - y[j]);
  const turn = (o, a, b) => (x[a] - x[o]) * (y[b] - y[o]) - (y[a] - y[o]) * (x[b] - x[o]);
  const chain = (indices) => {
    const hull = [];
    for (const i of indices) {
      while (hull.length >= 2 && turn(hull.at(-2), hull.at(-1), i) <= 0) hull.pop();
      hull.push(i);
    }
    return hull.slice(0, -1);
  };
  const corners = [...chain(up), ...chain(up.slice().reverse())];
  return corners.map((from, k) => {
    const to = corners[(k + 1) % corners.length];
    const length = Math.hypot(x[to] - x[from], y[to] - y[from]);
    const at = (i) => (x[i] - x[from]) * (x[to] - x[from]) + (y[i] - y[from]) * (y[to] - y[from]);
    return up.filter((i) => Math.abs(turn(from, to, i)) <= tolerance * length).sort((i, j) => at(i) - at(j));
  });
}
