// The landscapes over a whole grid at once. Both energies are sums of products of a function of x and a function of y,
// so a grid of N points and d patterns costs N d multiplications, not N d exponentials.

import { energy, energyHessian, hessianEigenvalues, mchnEnergy, mchnHessian, normDefects } from "./energy.js";

/** @typedef {"E" | "MCHN" | "-LSE" | "regulariser"} Landscape the four pictures of Figure 1 (left): d, c, a, b */

// Below this a sum of products may have lost terms to underflow; such points are computed one by one.
const SAFE = 1e-280;

/** exp(-k (v - r_i)^2) for every pattern's coordinate and every grid value: row i holds pattern i. */
function factors(coordinates, values, k) {
  const out = new Float64Array(coordinates.length * values.length);
  coordinates.forEach((r, i) => {
    for (let j = 0; j < values.length; j += 1) out[i * values.length + j] = Math.exp(-k * (values[j] - r) ** 2);
  });
  return out;
}

function gridWeights(P, beta) {
  const defects = beta === null ? null : normDefects(P);
  const k = beta === null ? 1 : beta / 2;
  return { k, scale: P.map((_, i) => (defects ? Math.exp(-k * defects[i]) : 1)) };
}

/**
 * A landscape's values at all (xs[j], ys[i]), row by row.
 * @param {Landscape} name @param {number[][]} P patterns in the plane @param {number} beta unused by E
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys
 * @param {Float64Array} out of length xs.length * ys.length, filled and returned
 */
export function landscapeGrid(name, P, beta, xs, ys, out) {
  const nx = xs.length;
  const constant = Math.log(P.length);
  const xi2 = P.reduce((top, [u, v]) => Math.max(top, u * u + v * v), 0);
  if (name === "regulariser") {
    for (let i = 0; i < ys.length; i += 1) {
      for (let j = 0; j < nx; j += 1) out[i * nx + j] = (xs[j] ** 2 + ys[i] ** 2 + xi2) / 2 + constant / beta;
    }
    return out;
  }
  const b = name === "E" ? null : beta;
  const { k, scale } = gridWeights(P, b);
  const fx = factors(P.map((p) => p[0]), xs, k);
  const fy = factors(P.map((p) => p[1]), ys, k);
  const row = new Float64Array(nx);
  for (let i = 0; i < ys.length; i += 1) {
    row.fill(0);
    for (let p = 0; p < P.length; p += 1) {
      const factor = fy[p * ys.length + i] * scale[p];
      const at = p * nx;
      for (let j = 0; j < nx; j += 1) row[j] += factor * fx[at + j];
    }
    for (let j = 0; j < nx; j += 1) {
      let value;
      if (row[j] > SAFE) value = b === null ? -Math.log(row[j]) : (constant - Math.log(row[j])) / beta;
      else value = b === null ? energy([xs[j], ys[i]], P) : mchnEnergy([xs[j], ys[i]], P, beta);
      // -LSE is MCHN without its regulariser.
      out[i * nx + j] = name === "-LSE" ? value - (xs[j] ** 2 + ys[i] ** 2 + xi2) / 2 - constant / beta : value;
    }
  }
  return out;
}

/**
 * The smallest Hessian eigenvalue of a landscape at all (xs[j], ys[i]), row by row: positive where it is convex.
 * @param {Landscape} name @param {number[][]} P @param {number} beta
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {Float64Array} out filled and returned
 */
export function curvatureGrid(name, P, beta, xs, ys, out) {
  if (name === "regulariser") return out.fill(1);
  const nx = xs.length;
  const b = name === "E" ? null : beta;
  const { k, scale } = gridWeights(P, b);
  // E = |x|^2 + ... : Hessian 2 (I - 2 Cov); MCHN: I - beta Cov; -LSE: -beta Cov.
  const outer = name === "E" ? 2 : 1;
  const slope = b === null ? 2 : beta;
  const identity = name === "-LSE" ? 0 : 1;
  const mean = (axis) => P.reduce((sum, p) => sum + p[axis] / P.length, 0);
  const cx = mean(0);
  const cy = mean(1);
  const fx = factors(P.map((p) => p[0]), xs, k);
  const fy = factors(P.map((p) => p[1]), ys, k);
  for (let i = 0; i < ys.length; i += 1) {
    for (let j = 0; j < nx; j += 1) {
      let total = 0; let sx = 0; let sy = 0; let sxx = 0; let sxy = 0; let syy = 0;
      for (let p = 0; p < P.length; p += 1) {
        const w = scale[p] * fy[p * ys.length + i] * fx[p * nx + j];
        const u = P[p][0] - cx;
        const v = P[p][1] - cy;
        total += w; sx += w * u; sy += w * v;
        sxx += w * u * u; sxy += w * u * v; syy += w * v * v;
      }
      if (total > SAFE) {
        const mx = sx / total; const my = sy / total;
        const vx = sxx / total - mx * mx; const vy = syy / total - my * my; const vxy = sxy / total - mx * my;
        const largest = (vx + vy) / 2 + Math.hypot((vx - vy) / 2, vxy);
        out[i * nx + j] = outer * (identity - slope * largest);
      } else {
        const H = b === null ? energyHessian([xs[j], ys[i]], P) : mchnHessian([xs[j], ys[i]], P, beta);
        out[i * nx + j] = hessianEigenvalues(H)[0] - (1 - identity);
      }
    }
  }
  return out;
}

/**
 * A curve's values at all xs for patterns on a line: "E", "g" or "MCHN".
 * @param {"E" | "g" | "MCHN"} name @param {number[]} numbers the patterns @param {number} beta used by MCHN only
 * @param {ArrayLike<number>} xs @param {Float64Array} out filled and returned
 */
export function lineGrid(name, numbers, beta, xs, out) {
  const defects = normDefects(numbers.map((v) => [v]));
  const k = name === "MCHN" ? beta / 2 : 1;
  for (let j = 0; j < xs.length; j += 1) {
    let least = Infinity;
    for (let i = 0; i < numbers.length; i += 1) {
      const cost = k * ((xs[j] - numbers[i]) ** 2 + (name === "MCHN" ? defects[i] : 0));
      if (cost < least) least = cost;
    }
    if (name === "g") { out[j] = least; continue; }
    let sum = 0;
    for (let i = 0; i < numbers.length; i += 1) {
      sum += Math.exp(least - k * ((xs[j] - numbers[i]) ** 2 + (name === "MCHN" ? defects[i] : 0)));
    }
    out[j] = name === "E" ? least - Math.log(sum) : (Math.log(numbers.length) + least - Math.log(sum)) / beta;
  }
  return out;
}

/** E''(x) for patterns on a line: 2 - 4 Var_p. @param {number[]} numbers @param {number} x @returns {number} */
export function lineCurvature(numbers, x) {
  let least = Infinity;
  for (const v of numbers) least = Math.min(least, (x - v) ** 2);
  let total = 0; let first = 0; let second = 0;
  for (const v of numbers) {
    const w = Math.exp(least - (x - v) ** 2);
    total += w;
    first += w * (v - x);
    second += w * (v - x) ** 2;
  }
  return 2 - 4 * (second / total - (first / total) ** 2);
}
