// Small dense matrices as rows of numbers: what a memory needs once when its images change, not at every step.

/** The sum of numbers. @param {ArrayLike<number>} values */
export function total(values) {
  let sum = 0;
  for (let k = 0; k < values.length; k += 1) sum += values[k];
  return sum;
}

/** u.v @param {ArrayLike<number>} u @param {ArrayLike<number>} v */
export function inner(u, v) {
  let sum = 0;
  for (let k = 0; k < u.length; k += 1) sum += u[k] * v[k];
  return sum;
}

/** Rows of zeros. @param {number} m @param {number} n @returns {Float64Array[]} */
export function zeroMatrix(m, n) {
  return Array.from({ length: m }, () => new Float64Array(n));
}

/** A x. @param {ArrayLike<number>[]} A (m, n) @param {ArrayLike<number>} x (n,) @returns {Float64Array} (m,) */
export function timesVector(A, x) {
  const y = new Float64Array(A.length);
  for (let i = 0; i < A.length; i += 1) {
    const row = A[i];
    let sum = 0;
    for (let k = 0; k < x.length; k += 1) sum += row[k] * x[k];
    y[i] = sum;
  }
  return y;
}

/** A^T w = sum_i w_i A_i. @param {ArrayLike<number>[]} A (m, n) @param {ArrayLike<number>} w (m,) @returns {Float64Array} (n,) */
export function weightedRows(A, w) {
  const y = new Float64Array(A[0].length);
  for (let i = 0; i < A.length; i += 1) {
    const [row, share] = [A[i], w[i]];
    if (share === 0) continue;
    for (let k = 0; k < y.length; k += 1) y[k] += share * row[k];
  }
  return y;
}

/** A B^T, the products of rows. @param {ArrayLike<number>[]} A (m, n) @param {ArrayLike<number>[]} B (p, n) @returns {Float64Array[]} (m, p) */
export function rowProducts(A, B) {
  return A.map((row) => timesVector(B, row));
}

/** A^T B = sum_i A_i B_i^T. @param {ArrayLike<number>[]} A (d, m) @param {ArrayLike<number>[]} B (d, n) @returns {Float64Array[]} (m, n) */
export function columnProducts(A, B) {
  const out = zeroMatrix(A[0].length, B[0].length);
  for (let i = 0; i < A.length; i += 1) {
    for (let j = 0; j < out.length; j += 1) {
      const [row, share] = [out[j], A[i][j]];
      if (share === 0) continue;
      for (let k = 0; k < row.length; k += 1) row[k] += share * B[i][k];
    }
  }
  return out;
}

/** An orthonormal basis of what the rows span: Gram and Schmidt, the longest rest first, each direction cleaned twice. */
export function rowBasis(A) {
  const rest = A.map((row) => Float64Array.from(row));
  const norm = (v) => Math.sqrt(v.reduce((sum, entry) => sum + entry * entry, 0));
  const floor = 1e-10 * Math.max(...rest.map(norm));
  const basis = [];
  const clean = (v, e) => {
    let share = 0;
    for (let k = 0; k < v.length; k += 1) share += v[k] * e[k];
    for (let k = 0; k < v.length; k += 1) v[k] -= share * e[k];
  };
  while (basis.length < Math.min(A.length, A[0].length)) {
    let best = 0;
    const lengths = rest.map(norm);
    for (let i = 1; i < rest.length; i += 1) if (lengths[i] > lengths[best]) best = i;
    if (!(lengths[best] > floor)) break;
    const direction = Float64Array.from(rest[best]);
    for (const e of basis) clean(direction, e);
    const size = norm(direction);
    const unit = direction.map((v) => v / size);
    basis.push(unit);
    for (const row of rest) clean(row, unit);
    rest[best].fill(0);
  }
  return basis;
}

/** The lower triangle L of A = L L^T, or null if A is not positive definite. @param {ArrayLike<number>[]} A symmetric */
export function cholesky(A) {
  const n = A.length;
  const L = zeroMatrix(n, n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = A[i][j];
      const [p, q] = [L[i], L[j]];
      for (let k = 0; k < j; k += 1) sum -= p[k] * q[k];
      if (i === j) {
        if (!(sum > 0)) return null;
        p[i] = Math.sqrt(sum);
      } else p[j] = sum / q[j];
    }
  }
  return L;
}

/** x with L L^T x = b. @param {Float64Array[]} L @param {ArrayLike<number>} b @returns {Float64Array} */
export function choleskySolve(L, b) {
  const n = L.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i += 1) {
    for (let k = 0; k < i; k += 1) x[i] -= L[i][k] * x[k];
    x[i] /= L[i][i];
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < n; k += 1) x[i] -= L[k][i] * x[k];
    x[i] /= L[i][i];
  }
  return x;
}

/**
 * The singular values and right singular vectors of a square matrix (one-sided Jacobi rotations), in no order: A V has orthogonal
 * columns. A generator that pauses, of the matrix's rows W = A V (as columns, transposed) and V, both transposed.
 * @param {ArrayLike<number>[]} A (n, n) @returns {Generator<undefined, {columns: Float64Array[], vectors: Float64Array[]}>}
 */
export function* orthogonalised(A) {
  const n = A.length;
  const columns = Array.from({ length: n }, (_, k) => Float64Array.from(A, (row) => row[k]));
  const vectors = zeroMatrix(n, n);
  vectors.forEach((v, k) => { v[k] = 1; });
  for (let sweep = 0, turned = true; turned && sweep < 40; sweep += 1) {
    turned = false;
    for (let p = 0; p < n; p += 1) {
      for (let q = p + 1; q < n; q += 1) {
        const [u, v] = [columns[p], columns[q]];
        const [uu, vv, uv] = [inner(u, u), inner(v, v), inner(u, v)];
        if (Math.abs(uv) <= 1e-15 * Math.sqrt(uu * vv)) continue;
        turned = true;
        const zeta = (vv - uu) / (2 * uv);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        for (const [a, b] of [[u, v], [vectors[p], vectors[q]]]) {
          for (let k = 0; k < n; k += 1) [a[k], b[k]] = [c * (a[k] - t * b[k]), c * (t * a[k] + b[k])];
        }
      }
      if (p % 8 === 7) yield;
    }
  }
  return { columns, vectors };
}

/** The largest eigenvalue of a positive semidefinite matrix: power iteration, from a vector with no symmetry. */
export function largestEigenvalue(A, steps = 60) {
  let v = Float64Array.from(A, (_, k) => 1 + ((k * 0.618) % 1));
  let size = 0;
  for (let s = 0; s < steps; s += 1) {
    const w = timesVector(A, v);
    size = Math.sqrt(w.reduce((sum, entry) => sum + entry * entry, 0));
    if (size === 0) return 0;
    v = w.map((entry) => entry / size);
  }
  return size;
}
