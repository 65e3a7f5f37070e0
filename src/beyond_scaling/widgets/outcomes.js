// Where a network ended: at a stored image, at the inverse of one, between some, or at none of them.
import { cholesky, choleskySolve, inner, rowProducts, timesVector, total, weightedRows } from "./linear_algebra.js";

/** A state this small in the root mean square is no image. */
const FAINT = 0.1;
/** A state this near to what a few images span is their mixture. */
const WITHIN = 0.98;

/** The cosine between a state and an image. @param {ArrayLike<number>} x @param {number[]} image */
export function overlapWith(x, image) {
  const size = inner(x, x);
  return size > 0 ? inner(x, image) / Math.sqrt(size * inner(image, image)) : 0;
}

const sameSigns = (x, image, sign) => image.every((v, k) => sign * x[k] * v > 0);

/** Whether x, or its signs, is a sum of the three images it overlaps with most. */
function mixesThree(x, images, overlaps) {
  const order = images.map((_, i) => i).sort((i, j) => Math.abs(overlaps[j]) - Math.abs(overlaps[i])).slice(0, 3);
  const few = order.map((i) => images[i]);
  if (few.length < 2) return false;
  const factor = cholesky(rowProducts(few, few));
  if (!factor) return false; // two of them are the same image
  const c = choleskySolve(factor, timesVector(few, x)); // the best approximation of x by these
  if (c.filter((v) => Math.abs(v) > 0.05).length < 2) return false;
  const sum = weightedRows(few, c);
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
  const size = Math.sqrt(inner(x, x) / x.length);
  if (size < FAINT) return end("blank");
  for (const sign of [1, -1]) {
    const found = images.findIndex((image) => sameSigns(x, image, sign));
    if (found < 0) continue;
    if (sign < 0) return end("inverse", found);
    return end(wanted && sameSigns(x, wanted, 1) ? "right" : "other", found);
  }
  if (weights) {
    return end("mixture", null, total(weights) ** 2 / inner(weights, weights));
  }
  return mixesThree(x, images, overlaps) ? end("mixture", null, 3) : end("spurious");
}
