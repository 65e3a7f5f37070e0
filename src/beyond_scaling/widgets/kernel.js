// A linear kernel learnt by spreading patterns apart (Wu et al. 2024), in slices that fit between frames.
// The same descent as beyond_scaling.hopfield.kernelised.learn_kernel from the identity.
import { cholesky, columnProducts, inner, largestEigenvalue, orthogonalised, rowProducts, zeroMatrix } from "./linear_algebra.js";

/** W is kept this far from singular, or it would wipe out what all patterns have in common. */
const FLATTEST = 1e-2;
const HALVINGS = 40;

/** How far one step moves an entry of W at most: squares after it stay finite. */
const FARTHEST = Number.MAX_VALUE ** 0.25;

/** The nearest matrix whose singular values are no less than FLATTEST of the largest; null if W is singular. */
function* keptFromSingular(W) {
  const G = columnProducts(W, W);
  const least = FLATTEST ** 2 * largestEigenvalue(G) * 1.1; // the power iteration may fall short
  yield;
  // Mostly there is nothing to do, which is cheaper to see than the singular values.
  if (cholesky(G.map((row, i) => row.map((v, k) => (i === k ? v - least : v))))) return W;
  const { columns, vectors } = yield* orthogonalised(W);
  const sizes = columns.map((u) => Math.sqrt(inner(u, u)));
  const floor = FLATTEST * Math.max(...sizes);
  if (sizes.some((size) => size === 0)) return null; // no direction to lengthen
  const kept = W.map((row) => Float64Array.from(row));
  sizes.forEach((size, j) => {
    if (size >= floor) return;
    kept.forEach((row, i) => { for (let k = 0; k < row.length; k += 1) row[k] += (floor / size - 1) * columns[j][i] * vectors[j][k]; });
  });
  return kept;
}

/** max |A_ij| */
function largestEntry(A) {
  return A.reduce((most, row) => row.reduce((sofar, v) => Math.max(sofar, Math.abs(v)), most), 0);
}

/** The mapped patterns on the unit sphere, their lengths before, and all products of two. */
function mappedTo(W, P) {
  const mapped = rowProducts(P, W); // (d, m)
  const lengths = mapped.map((u) => Math.sqrt(u.reduce((sum, v) => sum + v * v, 0)));
  const unit = mapped.map((u, i) => u.map((v) => v / lengths[i]));
  return { unit, lengths, products: rowProducts(unit, unit) };
}

/** log mean_{i<j} exp(-t |u_i - u_j|^2), and each pair's share in it (d, d), zero from the diagonal down. */
function repulsion({ products }, t) {
  const d = products.length;
  let least = Infinity;
  for (let i = 0; i < d; i += 1) for (let j = i + 1; j < d; j += 1) least = Math.min(least, 2 - 2 * products[i][j]);
  const share = zeroMatrix(d, d);
  let total = 0;
  for (let i = 0; i < d; i += 1) {
    for (let j = i + 1; j < d; j += 1) {
      share[i][j] = Math.exp(-t * (2 - 2 * products[i][j] - least));
      total += share[i][j];
    }
  }
  for (const row of share) for (let j = 0; j < d; j += 1) row[j] /= total;
  return { loss: Math.log(total / ((d * (d - 1)) / 2)) - t * least, share };
}

/** The gradient of the repulsion in W, (m, n). */
function repulsionSlope({ unit, lengths }, share, P, t) {
  const d = unit.length;
  const across = unit.map((u, i) => {
    const along = new Float64Array(u.length);
    for (let j = 0; j < d; j += 1) {
      const weight = 2 * t * (share[i][j] + share[j][i]);
      for (let k = 0; k < u.length; k += 1) along[k] += weight * unit[j][k];
    }
    let radial = 0;
    for (let k = 0; k < u.length; k += 1) radial += along[k] * u[k];
    // Only a turn changes a unit vector.
    return along.map((v, k) => (v - radial * u[k]) / lengths[i]);
  });
  return columnProducts(across, P);
}

/**
 * W (n, n) under which the patterns are far apart; a generator that pauses often and returns W.
 * @param {number[][]} P (d, n) with d >= 2 @param {{steps?: number, rate?: number, t?: number}} options
 * @returns {Generator<undefined, Float64Array[]>}
 */
export function* learningKernel(P, { steps = 100, rate = 1, t = 2 } = {}) {
  const n = P[0].length;
  const unit = 2 ** Math.floor(Math.log2(largestEntry(P) || 1)); // exact, and no scale makes squares vanish
  P = P.map((rho) => rho.map((v) => v / unit));
  let W = zeroMatrix(n, n);
  W.forEach((row, i) => { row[i] = 1; });
  let at = mappedTo(W, P);
  let { loss, share } = repulsion(at, t);
  learning: for (let s = 0; s < steps; s += 1) {
    const slope = repulsionSlope(at, share, P, t);
    yield;
    for (let h = 0, length = Math.min(rate, FARTHEST / (1 + largestEntry(slope))); ; h += 1, length /= 2) {
      if (h === HALVINGS) break learning; // nothing falls any more
      const moved = yield* keptFromSingular(W.map((row, i) => row.map((v, k) => v - length * slope[i][k])));
      if (moved === null) continue;
      const there = mappedTo(moved, P);
      const next = repulsion(there, t);
      yield;
      if (next.loss < loss) {
        [W, at, loss, share] = [moved, there, next.loss, next.share];
        break;
      }
    }
  }
  // At the scale that keeps the patterns' mean square length.
  const size = P.reduce((sum, rho) => sum + rho.reduce((part, v) => part + v * v, 0), 0);
  const scale = Math.sqrt(size / at.lengths.reduce((sum, v) => sum + v * v, 0));
  return W.map((row) => row.map((v) => v * scale));
}
