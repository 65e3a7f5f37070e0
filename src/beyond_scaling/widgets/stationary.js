// All solutions of x = sum_i w_i(x) rho_i in the plane, w = softmax(b rho_i.x + c_i), by branch and prune.
// Both energies are of this kind: E with b = 2, c_i = -|rho_i|^2, and MCHN with b = beta, c_i = 0.
//
// A solution is a mean of patterns, so it lies in their bounding box. A box is dropped when an enclosure of x - mu(x)
// over it excludes zero, is a single solution when the Krawczyk operator maps it into itself, and is halved otherwise.
// Enclosures are evaluated in ordinary floating point: their rounding is 1e-16 beside widths of 1e-6 and more.

/** Boxes smaller than this part of the patterns' spread, still undecided, surround a degenerate point. */
const SIZE_LIMIT = 1e-6;
/** A box is tested a little larger than it is, so that a solution on its edge is inside one of the tests. */
const INFLATION = 1.1;
/** After so many boxes the limit doubles, and again after each further PATIENCE: some sets, such as many patterns on a
 *  circle, have a whole curve of points that no arithmetic tells apart. */
const PATIENCE = 20000;
/** Newton starts in the boxes left undecided. */
const SEEDS = 1000;

/**
 * Weights, mean and covariance of the patterns at one point.
 * @param {ArrayLike<number>} px first coordinates  @param {ArrayLike<number>} py second coordinates
 * @param {number} b slope of the logits  @param {ArrayLike<number>} c their offsets
 * @returns {{fx: number, fy: number, jxx: number, jxy: number, jyy: number}} x - mu(x) and its Jacobian I - b Cov_w(x)
 */
export function meanMapAt(px, py, b, c, x, y) {
  const d = px.length;
  let top = -Infinity;
  for (let i = 0; i < d; i += 1) top = Math.max(top, b * (px[i] * x + py[i] * y) + c[i]);
  let total = 0; let fx = 0; let fy = 0;
  const w = new Float64Array(d);
  for (let i = 0; i < d; i += 1) {
    w[i] = Math.exp(b * (px[i] * x + py[i] * y) + c[i] - top);
    total += w[i];
    fx += w[i] * (x - px[i]);
    fy += w[i] * (y - py[i]);
  }
  fx /= total;
  fy /= total;
  let cxx = 0; let cxy = 0; let cyy = 0;
  for (let i = 0; i < d; i += 1) {
    const dx = px[i] - x + fx;
    const dy = py[i] - y + fy;
    cxx += w[i] * dx * dx;
    cxy += w[i] * dx * dy;
    cyy += w[i] * dy * dy;
  }
  const k = b / total;
  return { fx, fy, jxx: 1 - k * cxx, jxy: -k * cxy, jyy: 1 - k * cyy };
}

/**
 * Newton's method on x - mu(x) = 0 from a start near a solution.
 * @returns {[number, number] | null} the solution, or null when the steps do not shrink to rounding
 */
export function polish(px, py, b, c, x, y, spread) {
  let before = Infinity;
  for (let step = 0; step < 40; step += 1) {
    const { fx, fy, jxx, jxy, jyy } = meanMapAt(px, py, b, c, x, y);
    const det = jxx * jyy - jxy * jxy;
    if (det === 0) return null;
    const dx = (jyy * fx - jxy * fy) / det;
    const dy = (jxx * fy - jxy * fx) / det;
    const size = Math.hypot(dx, dy);
    if (!(size < spread)) return null;
    x -= dx;
    y -= dy;
    // Once below 1e-9 the next step is rounding; stop as soon as the steps no longer shrink there.
    if (size <= 1e-16 * spread || (size < 1e-9 * spread && size >= before)) return [x, y];
    before = size;
  }
  return before < 1e-9 * spread ? [x, y] : null;
}

/** Newton's method for a point where the Jacobian is singular: short steps, as many as linear convergence needs. */
function descend(px, py, b, c, x, y, longest) {
  for (let step = 0; step < 60; step += 1) {
    const { fx, fy, jxx, jxy, jyy } = meanMapAt(px, py, b, c, x, y);
    const det = jxx * jyy - jxy * jxy;
    if (det === 0) break;
    const dx = (jyy * fx - jxy * fy) / det;
    const dy = (jxx * fy - jxy * fx) / det;
    const size = Math.hypot(dx, dy);
    if (!Number.isFinite(size)) break;
    const k = Math.min(1, longest / (size || 1));
    x -= k * dx;
    y -= k * dy;
  }
  return [x, y];
}

/**
 * A search that can be carried on in slices.
 * @returns {{advance: (boxes: number) => boolean, solutions: [number, number][], degenerate: [number, number][]}}
 *   `advance` treats at most so many boxes and says whether the search is complete; then the two lists are final.
 */
export function meanMapSearch(px, py, b, c) {
  const d = px.length;
  const bounds = (v) => [Math.min(...v), Math.max(...v)];
  const [x0, x1] = bounds(px);
  const [y0, y1] = bounds(py);
  const spread = Math.max(x1 - x0, y1 - y0);
  const search = { advance: () => true, solutions: [], degenerate: [] };
  if (spread === 0) {
    search.solutions.push([px[0], py[0]]);
    return search;
  }
  let limit = SIZE_LIMIT * spread;
  const byX = order(px);
  const byY = order(py);
  const slot = () => new Float64Array(d);
  const [a, w, r, lo, hi, plus, minus, afterPlus, afterMinus, along] = Array.from({ length: 10 }, slot);
  const stack = [[(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2 + 1e-3 * spread, (y1 - y0) / 2 + 1e-3 * spread]];
  const undecided = [];
  let treated = 0;

  /** Fill lo and hi with bounds of every weight over the box, w with the weights at its centre; their mean in mean. */
  const mean = [0, 0];
  function encloseWeights(cx, cy, hx, hy) {
    let top = -Infinity;
    for (let i = 0; i < d; i += 1) {
      a[i] = b * (px[i] * cx + py[i] * cy) + c[i];
      if (a[i] > top) top = a[i];
    }
    let total = 0; let mx = 0; let my = 0;
    for (let i = 0; i < d; i += 1) {
      w[i] = Math.exp(a[i] - top);
      total += w[i];
      mx += w[i] * px[i];
      my += w[i] * py[i];
    }
    mean[0] = mx / total;
    mean[1] = my / total;
    // The logits are linear: over the box each moves by at most r_i against the mean pattern.
    let topPlus = -Infinity; let topMinus = -Infinity;
    for (let i = 0; i < d; i += 1) {
      w[i] /= total;
      r[i] = b * (Math.abs(px[i] - mean[0]) * hx + Math.abs(py[i] - mean[1]) * hy);
      if (a[i] + r[i] > topPlus) topPlus = a[i] + r[i];
      if (a[i] - r[i] > topMinus) topMinus = a[i] - r[i];
    }
    let sumPlus = 0; let sumMinus = 0;
    for (let i = d - 1; i >= 0; i -= 1) {
      afterPlus[i] = sumPlus;
      afterMinus[i] = sumMinus;
      sumPlus += plus[i] = Math.exp(a[i] + r[i] - topPlus);
      sumMinus += minus[i] = Math.exp(a[i] - r[i] - topMinus);
    }
    let beforePlus = 0; let beforeMinus = 0;
    for (let i = 0; i < d; i += 1) {
      const othersPlus = beforePlus + afterPlus[i];
      const othersMinus = beforeMinus + afterMinus[i];
      // Zero times infinity is a weight of one: no other pattern counts.
      lo[i] = othersPlus === 0 ? (d === 1 ? 1 : 1 / (1 + Math.exp(topPlus - 745 - a[i] + r[i])))
        : 1 / (1 + othersPlus * Math.exp(topPlus - a[i] + r[i]));
      hi[i] = othersMinus === 0 ? 1 : 1 / (1 + othersMinus * Math.exp(topMinus - a[i] - r[i]));
      beforePlus += plus[i];
      beforeMinus += minus[i];
    }
  }

  /** Largest sum of w_i v_i over weights between lo and hi that sum to one; `up` lists v from small to large. */
  function largestMean(v, up) {
    let left = 1; let sum = 0;
    for (let i = 0; i < d; i += 1) { left -= lo[i]; sum += lo[i] * v[i]; }
    for (let k = d - 1; k >= 0 && left > 0; k -= 1) {
      const take = Math.min(left, hi[up[k]] - lo[up[k]]);
      sum += take * v[up[k]];
      left -= take;
    }
    return sum;
  }
  function smallestMean(v, up) {
    let left = 1; let sum = 0;
    for (let i = 0; i < d; i += 1) { left -= lo[i]; sum += lo[i] * v[i]; }
    for (let k = 0; k < d && left > 0; k += 1) {
      const take = Math.min(left, hi[up[k]] - lo[up[k]]);
      sum += take * v[up[k]];
      left -= take;
    }
    return sum;
  }

  /** Whether x - mu(x) keeps one sign across the direction in which the patterns in play spread least. */
  function excludedAcross(cx, cy, hx, hy) {
    let total = 0; let mx = 0; let my = 0;
    for (let i = 0; i < d; i += 1) { total += hi[i]; mx += hi[i] * px[i]; my += hi[i] * py[i]; }
    mx /= total;
    my /= total;
    let cxx = 0; let cxy = 0; let cyy = 0;
    for (let i = 0; i < d; i += 1) {
      const dx = px[i] - mx; const dy = py[i] - my;
      cxx += hi[i] * dx * dx; cxy += hi[i] * dx * dy; cyy += hi[i] * dy * dy;
    }
    const angle = 0.5 * Math.atan2(2 * cxy, cxx - cyy) + Math.PI / 2;
    const ux = Math.cos(angle); const uy = Math.sin(angle);
    for (let i = 0; i < d; i += 1) along[i] = ux * px[i] + uy * py[i];
    const up = order(along);
    const at = ux * cx + uy * cy;
    const reach = Math.abs(ux) * hx + Math.abs(uy) * hy;
    return at - reach > largestMean(along, up) || at + reach < smallestMean(along, up);
  }

  // Rounding: of the terms of x - mu(x), and of the logits, whose errors move the mean.
  const [c0, c1] = bounds(c);
  const slack = Number.EPSILON * spread * (8 + 4 * (b * spread * spread + c1 - c0));
  const big = (u, v) => Math.max(Math.abs(u), Math.abs(v));

  /**
   * What a box's enclosure says: the part of the plane, [left, right, low, high], in which all its solutions lie (null:
   * there are none), and Krawczyk's image, centre (kx, ky) and half-widths (rx, ry), where its preconditioner exists.
   */
  function examine(cx, cy, hx, hy) {
    encloseWeights(cx, cy, hx, hy);
    const [mx0, mx1, my0, my1] = [smallestMean(px, byX), largestMean(px, byX), smallestMean(py, byY), largestMean(py, byY)];
    let [left, right, low, high] = [Math.max(cx - hx, mx0), Math.min(cx + hx, mx1), Math.max(cy - hy, my0), Math.min(cy + hy, my1)];
    if (left > right + slack || low > high + slack || excludedAcross(cx, cy, hx, hy)) return null;

    // Covariance at the centre, and how far each entry can move over the box.
    let cxx = 0; let cxy = 0; let cyy = 0; let fx = 0; let fy = 0;
    for (let i = 0; i < d; i += 1) {
      const dx = px[i] - mean[0]; const dy = py[i] - mean[1];
      cxx += w[i] * dx * dx; cxy += w[i] * dx * dy; cyy += w[i] * dy * dy;
      fx += w[i] * (cx - px[i]); fy += w[i] * (cy - py[i]);
    }
    let axx = 0; let bxx = 0; let axy = 0; let bxy = 0; let ayy = 0; let byy = 0;
    for (let i = 0; i < d; i += 1) {
      const dx = px[i] - mean[0]; const dy = py[i] - mean[1];
      const down = lo[i] - w[i]; const rise = hi[i] - w[i];
      const vxx = dx * dx - cxx; const vxy = dx * dy - cxy; const vyy = dy * dy - cyy;
      if (vxx > 0) { bxx += rise * vxx; axx += down * vxx; } else { bxx += down * vxx; axx += rise * vxx; }
      if (vxy > 0) { bxy += rise * vxy; axy += down * vxy; } else { bxy += down * vxy; axy += rise * vxy; }
      if (vyy > 0) { byy += rise * vyy; ayy += down * vyy; } else { byy += down * vyy; ayy += rise * vyy; }
    }
    // Cov = second moment about the centre's mean, less the square of how far the mean itself moves.
    const [sx0, sx1, sy0, sy1] = [mx0 - mean[0], mx1 - mean[0], my0 - mean[1], my1 - mean[1]];
    const sxx = Math.max(sx0 * sx0, sx1 * sx1); const syy = Math.max(sy0 * sy0, sy1 * sy1);
    const most = Math.max(0, sx0 * sy0, sx0 * sy1, sx1 * sy0, sx1 * sy1);
    const least = Math.min(0, sx0 * sy0, sx0 * sy1, sx1 * sy0, sx1 * sy1);
    const jxx = 1 - b * cxx; const jxy = -b * cxy; const jyy = 1 - b * cyy;
    const exx = b * big(bxx, axx - sxx); const exy = b * big(bxy - least, axy - most); const eyy = b * big(byy, ayy - syy);

    // Mean-value form without a preconditioner.
    if (Math.abs(fx) > (Math.abs(jxx) + exx) * hx + (Math.abs(jxy) + exy) * hy + slack
      || Math.abs(fy) > (Math.abs(jxy) + exy) * hx + (Math.abs(jyy) + eyy) * hy + slack) return null;

    const det = jxx * jyy - jxy * jxy;
    if (!(Math.abs(det) > 1e-14 * (jxx * jxx + jyy * jyy + jxy * jxy))) return { left, right, low, high, image: null };
    const yxx = jyy / det; const yxy = -jxy / det; const yyy = jxx / det;
    const kx = cx - yxx * fx - yxy * fy;
    const ky = cy - yxy * fx - yyy * fy;
    // |I - Y J| over the box, entry by entry: the centre's part is zero, so only the deviations count, and rounding.
    const ux = exx * hx + exy * hy + slack; const uy = exy * hx + eyy * hy + slack;
    const rx = Math.abs(yxx) * ux + Math.abs(yxy) * uy;
    const ry = Math.abs(yxy) * ux + Math.abs(yyy) * uy;
    left = Math.max(left, kx - rx); right = Math.min(right, kx + rx);
    low = Math.max(low, ky - ry); high = Math.min(high, ky + ry);
    if (left > right + slack || low > high + slack) return null;
    const single = kx - rx > cx - hx && kx + rx < cx + hx && ky - ry > cy - hy && ky + ry < cy + hy;
    return { left, right, low, high, image: { kx, ky, single } };
  }

  function treat(cx, cy, hx, hy) {
    for (let round = 0; round < 30; round += 1) {
      const box = examine(cx, cy, hx * INFLATION, hy * INFLATION);
      if (!box) return;
      if (box.image?.single) {
        const found = polish(px, py, b, c, box.image.kx, box.image.ky, spread);
        if (found) { search.solutions.push(found); return; }
      }
      if (Math.max(hx, hy) < limit) { undecided.push([cx, cy, hx, hy]); return; }
      // A solution in the box lies in what remains of it; go on with that while it shrinks well.
      const left = Math.max(box.left, cx - hx); const right = Math.min(box.right, cx + hx);
      const low = Math.max(box.low, cy - hy); const high = Math.min(box.high, cy + hy);
      if (left > right + slack || low > high + slack) return;
      const nhx = Math.max((right - left) / 2, limit / 4); const nhy = Math.max((high - low) / 2, limit / 4);
      const shrunk = nhx < 0.7 * hx || nhy < 0.7 * hy;
      cx = (left + right) / 2;
      cy = (low + high) / 2;
      hx = Math.min(hx, nhx);
      hy = Math.min(hy, nhy);
      if (!shrunk) break;
    }
    if (hx >= hy) stack.push([cx - hx / 2, cy, hx / 2, hy], [cx + hx / 2, cy, hx / 2, hy]);
    else stack.push([cx, cy - hy / 2, hx, hy / 2], [cx, cy + hy / 2, hx, hy / 2]);
  }

  /** Newton's method finds what boxes could not tell apart; a solution counts once a box around it is mapped into itself. */
  function settle() {
    const seeds = undecided.length <= SEEDS ? undecided
      : Array.from({ length: SEEDS }, (_, k) => undecided[Math.floor((k * undecided.length) / SEEDS)]);
    const candidates = seeds.map(([x, y]) => polish(px, py, b, c, x, y, spread)).filter(Boolean);
    for (const p of distinct(candidates, 1e-7 * spread)) {
      for (let size = 1e-2 * spread; size > 1e-11 * spread; size /= 4) {
        if (!examine(...p, size, size)?.image?.single) continue;
        search.solutions.push(p);
        break;
      }
    }
    search.solutions = distinct(search.solutions, 1e-8 * spread);
    let indices = 0;
    for (const p of search.solutions) {
      const { jxx, jxy, jyy } = meanMapAt(px, py, b, c, ...p);
      indices += Math.sign(jxx * jyy - jxy * jxy);
    }
    // Far away x - mu(x) points outwards, so the indices of all solutions sum to one: with those found, or not.
    const near = 4 * limit + 1e-3 * Math.min(spread, 1 / (b * spread));
    for (const group of clusters(undecided, 8 * limit)) {
      const known = search.solutions.some(([x, y]) => group.some(([u, v]) => Math.hypot(x - u, y - v) < near));
      const point = known && indices === 1 ? null : flattest(group);
      if (point && !search.solutions.some(([x, y]) => Math.hypot(x - point[0], y - point[1]) < near / 100)) search.degenerate.push(point);
    }
  }

  /** Where x - mu(x) vanishes to rounding in a group of boxes, nearest to its middle; null if nowhere. */
  function flattest(group) {
    const middle = [0, 1].map((axis) => group.reduce((sum, box) => sum + box[axis], 0) / group.length);
    const step = Math.ceil(group.length / 200);
    let best = null;
    let away = Infinity;
    for (const start of [middle, ...group.filter((_, k) => k % step === 0)]) {
      const [x, y] = descend(px, py, b, c, start[0], start[1], limit);
      const { fx, fy } = meanMapAt(px, py, b, c, x, y);
      if (Math.hypot(fx, fy) > 1e-12 * spread + slack) continue;
      if (!group.some(([u, v]) => Math.hypot(x - u, y - v) < 64 * limit)) continue;
      const distance = Math.hypot(x - middle[0], y - middle[1]);
      if (distance < away) { away = distance; best = [x, y]; }
    }
    return best;
  }

  search.advance = (boxes) => {
    for (let k = 0; k < boxes && stack.length; k += 1) {
      treat(...stack.pop());
      treated += 1;
      if (treated % PATIENCE === 0) limit *= 2;
    }
    if (stack.length) return false;
    settle();
    search.advance = () => true;
    return true;
  };
  return search;
}

/** Indices that sort v from small to large. */
function order(v) {
  const up = Array.from({ length: v.length }, (_, i) => i);
  return up.sort((i, j) => v[i] - v[j]);
}

function distinct(points, tolerance) {
  const kept = [];
  for (const p of points) if (!kept.some((q) => Math.hypot(p[0] - q[0], p[1] - q[1]) <= tolerance)) kept.push(p);
  return kept;
}

/** The groups that boxes form when those closer than about `reach` belong together. */
function clusters(boxes, reach) {
  const cells = new Map();
  const keyAt = (i, j) => `${i},${j}`;
  const cellOf = ([x, y]) => [Math.floor(x / reach), Math.floor(y / reach)];
  for (const box of boxes) {
    const key = keyAt(...cellOf(box));
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push(box);
  }
  const groups = [];
  for (const key of [...cells.keys()]) {
    if (!cells.has(key)) continue;
    const group = [];
    const wave = [key];
    while (wave.length) {
      const here = wave.pop();
      if (!cells.has(here)) continue;
      group.push(...cells.get(here));
      const [i, j] = cellOf(cells.get(here)[0]);
      cells.delete(here);
      for (const di of [-1, 0, 1]) for (const dj of [-1, 0, 1]) wave.push(keyAt(i + di, j + dj));
    }
    groups.push(group);
  }
  return groups;
}
