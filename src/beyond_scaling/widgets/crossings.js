// Where a row of errors falls below a threshold, and the exponent of N ~ D*^p over several rows: as training/crossing.py
// and training/dstar.py. Errors are squares, in nats^2; a gap below 0 has a negative square. No drawing here.
import { feasibleRange, fittedSlope } from "./exponents.js";

/** An exponent of two sizes is a line through two points. */
export const LEAST_SIZES = 3;

/** @typedef {{d: number | null, low: number, high: number, side: "inside" | "below" | "above"}} Crossing it lies in (low, high] */

/** Means over the seeds that are there. @param {(number | null)[][]} values by seed and D */
export function overSeeds(values) {
  return values[0].map((_, k) => {
    const there = values.map((row) => row[k]).filter((v) => v !== null);
    return there.reduce((sum, v) => sum + v, 0) / there.length;
  });
}

/** The isotonic regression of a row: the nearest one in least squares that never rises. */
export function falling(row) {
  const sums = [0];
  for (const v of row) sums.push(sums.at(-1) + v);
  const mean = (from, to) => (sums[to + 1] - sums[from]) / (to - from + 1);
  // min over starts up to k of the max over ends from k on (Robertson, Wright and Dykstra 1988)
  return row.map((_, k) => {
    let least = Infinity;
    for (let from = 0; from <= k; from += 1) {
      let most = -Infinity;
      for (let to = k; to < row.length; to += 1) most = Math.max(most, mean(from, to));
      least = Math.min(least, most);
    }
    return least;
  });
}

/**
 * What is interpolated: the row as logarithms, made to fall; a row that reaches 0 or less has none, and signed square
 * roots stand in for it. @returns {{heights: number[], of: (level: number) => number, back: (height: number) => number}}
 */
export function heightsOf(values) {
  const positive = values.every((v) => v > 0);
  return positive ? { heights: falling(values.map(Math.log)), of: Math.log, back: Math.exp }
    : { heights: falling(values.map((v) => Math.sign(v) * Math.sqrt(Math.abs(v)))), of: Math.sqrt, back: (h) => Math.sign(h) * h * h };
}

function crossing(data, first, place) {
  if (first === 0) return { d: null, low: 0, high: data[0], side: "below" };
  if (first === data.length) return { d: null, low: data.at(-1), high: Infinity, side: "above" };
  return { d: place(first), low: data[first - 1], high: data[first], side: "inside" };
}

/** The paper's rule: the least D whose value is under the threshold. @returns {Crossing} */
export function onGrid(data, values, sigma2) {
  const found = values.findIndex((v) => v < sigma2);
  return crossing(data, found < 0 ? values.length : found, (first) => data[first]);
}

/** Where a falling row comes down to the threshold, between two D. @returns {Crossing} */
export function between(data, values, sigma2) {
  const { heights, of } = heightsOf(values);
  const level = of(sigma2);
  return crossing(data, heights.filter((h) => h >= level).length, (first) => {
    const share = (heights[first - 1] - level) / (heights[first - 1] - heights[first]);
    const [from, to] = [Math.log(data[first - 1]), Math.log(data[first])];
    return Math.exp(from + share * (to - from));
  });
}

/** The D and values of one seed, where it was run. */
export function ofSeed(row, values, seed) {
  const mine = values[row.seeds.indexOf(seed)] ?? [];
  const there = mine.map((v, k) => [row.D[k], v]).filter(([, v]) => v !== null);
  return [there.map(([d]) => d), there.map(([, v]) => v)];
}

/**
 * The exponent over the rows whose crossing lies inside their grid.
 * @param {number[]} sizes of the rows, rising @param {Crossing[]} stars
 * @returns {{sizes: number, p: number | null, at: [number, number] | null, cells: [number, number] | null}} p, and the means of
 *   log D* and log N through which its line goes: null under three sizes; cells: the exponents that the grid's cells allow
 */
export function exponentOf(sizes, stars) {
  const on = stars.map((_, i) => i).filter((i) => stars[i].d !== null);
  const [n, d] = [on.map((i) => sizes[i]), on.map((i) => stars[i].d)];
  const enough = on.length >= LEAST_SIZES && d.some((v) => v !== d[0]);
  const fit = enough ? fittedSlope(n, d) : null;
  return {
    sizes: on.length, p: fit ? fit.slope : null, at: fit ? fit.at : null,
    cells: on.length >= LEAST_SIZES ? feasibleRange(n, on.map((i) => [stars[i].low, stars[i].high])) : null,
  };
}

/** The widest of some intervals, null for those that are not there. @param {([number, number] | null)[]} intervals */
export function widestOf(intervals) {
  const there = intervals.filter((ends) => ends !== null);
  return there.length ? [Math.min(...there.map(([low]) => low)), Math.max(...there.map(([, high]) => high))] : null;
}

/**
 * Student's interval of an exponent that exponentOf() found: how far the sizes lie off one line.
 * @param {number[]} quantiles of Student's t, of 1, 2, ... degrees of freedom
 */
export function lineInterval(sizes, stars, fit, quantiles) {
  if (fit.p === null) return null;
  const on = stars.map((_, i) => i).filter((i) => stars[i].d !== null);
  const x = on.map((i) => Math.log(stars[i].d) - fit.at[0]);
  const rest = on.reduce((sum, i, k) => sum + (Math.log(sizes[i]) - fit.at[1] - fit.p * x[k]) ** 2, 0);
  const free = on.length - 2;
  const half = quantiles[Math.min(free, quantiles.length) - 1] * Math.sqrt(rest / free / x.reduce((sum, v) => sum + v * v, 0));
  return [fit.p - half, fit.p + half];
}

/** Student's interval of the mean of one number a seed; null for fewer than two. */
export function meanInterval(values, quantiles) {
  const k = values.length;
  if (k < 2) return null;
  const mean = values.reduce((sum, v) => sum + v, 0) / k;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (k - 1));
  const half = (quantiles[Math.min(k - 1, quantiles.length) - 1] * deviation) / Math.sqrt(k);
  return [mean - half, mean + half];
}

/**
 * The exponent of every seed, over the sizes whose mean crosses inside its grid, as far as the seed does too.
 * @param {{seeds: number[]}[]} rows @param {Crossing[]} stars of the means @param {(i: number, seed: number) => Crossing | null} starOf
 */
export function seedExponents(rows, sizes, stars, starOf) {
  const seeds = [...new Set(rows.flatMap((row) => row.seeds))].sort((a, b) => a - b);
  return seeds.flatMap((seed) => {
    const mine = rows.map((_, i) => (stars[i].d === null ? null : starOf(i, seed))).map((star) => star ?? { d: null });
    const { p } = exponentOf(sizes, mine);
    return p === null ? [] : [p];
  });
}

/** A function given at rising places, read between them on a straight line; null outside, or beside a null. */
export function readAt(places, values, at) {
  const k = places.findIndex((place) => place >= at * (1 - 1e-12));
  if (k < 0) return null;
  if (Math.abs(places[k] - at) <= 1e-12 * Math.abs(at)) return values[k];
  if (k === 0 || values[k - 1] === null || values[k] === null) return null;
  return values[k - 1] + ((values[k] - values[k - 1]) * (at - places[k - 1])) / (places[k] - places[k - 1]);
}
