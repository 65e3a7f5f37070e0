// Where a network ended: at a stored image, at the inverse of one, between some, or at none of them.

/** A state this small in the root mean square is no image. */
const FAINT = 0.1;
/** A state this near to what a few images span is their mixture. */
const WITHIN = 0.98;

/** The cosine between a state and an image. @param {ArrayLike<number>} x @param {number[]} image */
export function overlapWith(x, image) {
  let [dot_, xx, ii] = [0, 0, 0];
  for (let k = 0; k < image.length; k += 1) { dot_ += x[k] * image[k]; xx += x[k] * x[k]; ii += image[k] * image[k]; }
  return xx > 0 ? dot_ / Math.sqrt(xx * ii) : 0;
}

const sameSigns = (x, image, sign) => image.every((v, k) => sign * x[k] * v > 0);

/** Coefficients of the best approximation of x by a few images: the normal equations, eliminated. */
function coefficientsOf(x, images) {
  const m = images.length;
  const rows = images.map((u) => [...images, x].map((v) => u.reduce((sum, entry, k) => sum + entry * v[k], 0)));
  for (let c = 0; c < m; c += 1) {
    const best = rows.slice(c).reduce((at, row, i) => (Math.abs(row[c]) > Math.abs(rows[at][c]) ? c + i : at), c);
    [rows[c], rows[best]] = [rows[best], rows[c]];
    if (Math.abs(rows[c][c]) < 1e-9) return null; // two of them are the same image
    for (let r = 0; r < m; r += 1) {
      if (r === c) continue;
      const factor = rows[r][c] / rows[c][c];
      rows[r] = rows[r].map((v, k) => v - factor * rows[c][k]);
    }
  }
  return rows.map((row, c) => row[m] / row[c]);
}

/** Whether x, or its signs, is a sum of the three images it overlaps with most. */
function mixesThree(x, images, overlaps) {
  const order = images.map((_, i) => i).sort((i, j) => Math.abs(overlaps[j]) - Math.abs(overlaps[i])).slice(0, 3);
  const few = order.map((i) => images[i]);
  if (few.length < 2) return false;
  const c = coefficientsOf(x, few);
  if (!c || c.filter((v) => Math.abs(v) > 0.05).length < 2) return false;
  const sum = few[0].map((_, k) => few.reduce((total, image, i) => total + c[i] * image[k], 0));
  return overlapWith(x, sum) >= WITHIN || sameSigns(sum, [...x], 1);
}

/**
 * @param {ArrayLike<number>} x the state
 * @param {number[][]} images the stored ones, entries 1 and -1
 * @param {number[]|null} wanted the image that the query was made from
 * @param {number[]|null} weights of the images in the state, where the network has such
 * @returns {{kind: "right"|"other"|"inverse"|"mixture"|"spurious"|"blank", found: number|null, overlap: number, among: number|null}}
 *   found: which stored image; overlap: with the wanted image, or with the nearest if there is none; among: how many
 *   images a mixture is of
 */
export function outcomeOf(x, images, wanted, weights) {
  const overlaps = images.map((image) => overlapWith(x, image));
  const overlap = wanted ? overlapWith(x, wanted) : overlaps.reduce((best, v) => (Math.abs(v) > Math.abs(best) ? v : best), 0);
  const end = (kind, found = null, among = null) => ({ kind, found, overlap, among });
  const size = Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0) / x.length);
  if (size < FAINT) return end("blank");
  for (const sign of [1, -1]) {
    const found = images.findIndex((image) => sameSigns(x, image, sign));
    if (found < 0) continue;
    if (sign < 0) return end("inverse", found);
    return end(wanted && sameSigns(x, wanted, 1) ? "right" : "other", found);
  }
  if (weights) {
    const total = weights.reduce((sum, w) => sum + w, 0);
    return end("mixture", null, 1 / weights.reduce((sum, w) => sum + (w / total) ** 2, 0));
  }
  return mixesThree(x, images, overlaps) ? end("mixture", null, 3) : end("spurious");
}
