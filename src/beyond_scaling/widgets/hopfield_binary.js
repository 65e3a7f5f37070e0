// The networks of binary patterns: Hopfield 1982 and 1984, Krotov & Hopfield 2016, Demircigil et al. 2017. The same
// formulas, constants and rules as the classes of beyond_scaling.hopfield, compared with them by
// tests/browser/test_hopfield_js.py. A network is as in hopfield.js; entries of a state are 1, -1 and 0 (unknown).
import { logSumExp } from "./energy.js";
import { columnProducts, inner, rowBasis, timesVector, total } from "./linear_algebra.js";

/** A drive below so many roundings of what it is the sum of counts as zero: the entry stays as it is. */
const ROUNDINGS = 8 * Number.EPSILON;

/** A projection has no entries this small but by rounding. */
const NO_VOTE = 1e-13;

/** P^T P (Hebb), or the projection on what the patterns span; diagonal zero. W = matrix / scale. */
function couplingsOf(P, rule) {
  const n = P[0].length;
  let matrix = null;
  if (rule === "hebb") matrix = columnProducts(P, P);
  else {
    const basis = rowBasis(P);
    if (basis.length === n) throw new RangeError(`patterns span all ${n} dimensions, expected fewer than ${n} independent patterns`);
    // What is left of a zero by rounding is no vote.
    matrix = columnProducts(basis, basis).map((row) => row.map((v) => (Math.abs(v) < NO_VOTE ? 0 : v)));
  }
  for (let i = 0; i < n; i += 1) matrix[i][i] = 0;
  return { matrix, scale: rule === "hebb" ? n : 1 };
}

/** Hopfield 1982, one entry after another. @param {number[][]} P entries 1 and -1 @param {"hebb"|"pseudo-inverse"} rule */
export function classicalHopfield(P, rule = "hebb") {
  const { matrix, scale } = couplingsOf(P, rule);
  const zero = ROUNDINGS * Math.max(...matrix.map((row) => total(row.map(Math.abs))));
  return {
    energy: (x) => -inner(x, timesVector(matrix, x)) / (2 * scale),
    update(x, known) {
      const next = Float64Array.from(x);
      const field = timesVector(matrix, next);
      for (let i = 0; i < next.length; i += 1) {
        if (known?.[i] || Math.abs(field[i]) <= zero) continue;
        const change = Math.sign(field[i]) - next[i];
        if (change === 0) continue;
        next[i] += change;
        const row = matrix[i];
        for (let k = 0; k < field.length; k += 1) field[k] += change * row[k];
      }
      return next;
    },
  };
}

/**
 * A binary network whose energy falls with sum_mu F(rho_mu.x). `compared(overlaps)` gives slope (d,), bend and zero: the drive
 * of entry i is slope.rho_i + x_i bend, and nothing below zero; `guessed` the same for an unknown entry.
 */
function separableMemory(P, energyOf, compared, guessed) {
  const columns = P[0].map((_, i) => Float64Array.from(P, (rho) => rho[i]));
  return {
    energy: (x) => energyOf(timesVector(P, x)),
    update(x, known) {
      const next = Float64Array.from(x);
      const overlaps = timesVector(P, next);
      let terms = compared(overlaps);
      for (let i = 0; i < next.length; i += 1) {
        if (known?.[i]) continue;
        const { slope, bend, zero } = next[i] === 0 ? guessed(overlaps) : terms;
        const drive = inner(slope, columns[i]) + next[i] * bend;
        if (Math.abs(drive) <= zero) continue;
        const change = Math.sign(drive) - next[i];
        if (change === 0) continue;
        next[i] += change;
        for (let mu = 0; mu < overlaps.length; mu += 1) overlaps[mu] += change * columns[i][mu];
        terms = compared(overlaps);
      }
      return next;
    },
  };
}

/** z^r by products alone, exact where the result is. */
function wholePower(z, r) {
  let result = 1;
  for (let k = 0; k < r; k += 1) result *= z;
  return result;
}

/** Krotov & Hopfield 2016, F(z) = z^r. @param {number[][]} P entries 1 and -1 @param {number} r a whole number from 1 to 32 */
export function denseMemory(P, r) {
  const n = P[0].length;
  // Divided by a power of two no overlap exceeds, so that powers of whole numbers, and ties between them, stay exact.
  const unitOf = (overlaps) => {
    let largest = 0;
    for (const s of overlaps) largest = Math.max(largest, Math.abs(s));
    let unit = 1;
    while (unit < largest + 2) unit *= 2;
    return unit;
  };
  function compared(overlaps) {
    const unit = unitOf(overlaps);
    const slope = new Float64Array(overlaps.length);
    let [bend, size] = [0, 0];
    for (let mu = 0; mu < overlaps.length; mu += 1) {
      const below = wholePower((overlaps[mu] - 2) / unit, r);
      const above = wholePower((overlaps[mu] + 2) / unit, r);
      slope[mu] = (above - below) / 2;
      bend += wholePower(overlaps[mu] / unit, r) - (above + below) / 2;
      size += Math.abs(above) + Math.abs(below);
    }
    return { slope, bend, zero: ROUNDINGS * size };
  }
  function guessed(overlaps) {
    const unit = unitOf(overlaps);
    const slope = new Float64Array(overlaps.length);
    let size = 0;
    for (let mu = 0; mu < overlaps.length; mu += 1) {
      const below = wholePower((overlaps[mu] - 1) / unit, r);
      const above = wholePower((overlaps[mu] + 1) / unit, r);
      slope[mu] = above - below;
      size += Math.abs(above) + Math.abs(below);
    }
    return { slope, bend: 0, zero: ROUNDINGS * size };
  }
  const energyOf = (overlaps) => -n * total(overlaps.map((s) => wholePower(s / n, r)));
  return separableMemory(P, energyOf, compared, guessed);
}

/** Demircigil et al. 2017, F = exp, with the logarithm of the sum. @param {number[][]} P entries 1 and -1 */
export function exponentialMemory(P) {
  const relative = (overlaps) => {
    const top = Math.max(...overlaps);
    return overlaps.map((s) => Math.exp(s - top));
  };
  const [near, far] = [[Math.sinh(1), Math.cosh(1)], [Math.sinh(2), Math.cosh(2)]];
  function compared(overlaps) {
    const w = relative(overlaps);
    const sum = total(w);
    return { slope: w.map((v) => far[0] * v), bend: (1 - far[1]) * sum, zero: ROUNDINGS * 2 * far[1] * sum };
  }
  function guessed(overlaps) {
    const w = relative(overlaps);
    return { slope: w.map((v) => 2 * near[0] * v), bend: 0, zero: ROUNDINGS * 2 * near[1] * total(w) };
  }
  return separableMemory(P, (overlaps) => -logSumExp(overlaps), compared, guessed);
}

// --- graded states: 1984 -------------------------------------------------------------------------------------------------------

const xLogX = (v) => (v > 0 ? v * Math.log(v) : 0);

/** Hopfield 1984: v_i = tanh(beta (W v)_i), one entry after another. @param {number[][]} P entries 1 and -1 */
export function gradedHopfield(P, beta, rule = "hebb") {
  const { matrix, scale } = couplingsOf(P, rule);
  return {
    energy: (v) => total(Array.from(v, (u) => xLogX(1 + u) + xLogX(1 - u))) / (2 * beta) - inner(v, timesVector(matrix, v)) / (2 * scale),
    update(v, known) {
      const next = Float64Array.from(v);
      for (let i = 0; i < next.length; i += 1) if (!known?.[i]) next[i] = Math.tanh((beta * inner(matrix[i], next)) / scale);
      return next;
    },
  };
}
