// Separation functions from the identity to the maximum, after Millidge et al. 2022: similarity, separation, projection.
// Patterns and queries have entries 1 and -1, so a similarity s = rho . x / n is one of n + 1 numbers, and what depends on s
// alone is worked out once for each.

const LAST_POWER = 8; // the rung of steepness 256
const LEAST_LOG = -46; // a weight of 1e-20 is less than rounding, even a hundred of them
const ROUNDING = 1e-12; // of a blend whose largest weight is about 1
export const TOP = 9; // the rung of the maximum
export const FAMILIES = ["power", "exponential"];

/** The steepness r = d log F / d log s at s = 1: 2^rung up to rung 8, then 256 / (9 - rung), infinite at the end. */
export function steepnessAt(rung) {
  if (rung <= LAST_POWER) return 2 ** rung;
  return rung < TOP ? 2 ** LAST_POWER / (TOP - rung) : Infinity;
}

/** The rung of a steepness from 1 on. */
export function rungOf(steepness) {
  return steepness <= 2 ** LAST_POWER ? Math.log2(steepness) : TOP - 2 ** LAST_POWER / steepness;
}

/**
 * log F(s), up to a constant: r log s (minus infinity where s is not positive) or r s.
 * @param {"power" | "exponential"} family @param {number} steepness r, finite
 */
export function logSeparation(family, steepness, s) {
  if (family === "exponential") return steepness * s;
  return s > 0 ? steepness * Math.log(s) : -Infinity;
}

/**
 * F(s) over its value at the best similarity; at the maximum 1 for the first of the best, and 0 for all others. If no
 * similarity is positive, a power tells none of them apart.
 * @param {ArrayLike<number>} similarities @returns {Float64Array}
 */
export function separated(family, steepness, similarities) {
  let first = 0;
  for (let i = 1; i < similarities.length; i += 1) if (similarities[i] > similarities[first]) first = i;
  const out = new Float64Array(similarities.length);
  if (steepness === Infinity) { out[first] = 1; return out; }
  const best = logSeparation(family, steepness, similarities[first]);
  if (best === -Infinity) return out.fill(1);
  for (let i = 0; i < out.length; i += 1) out[i] = Math.exp(logSeparation(family, steepness, similarities[i]) - best);
  return out;
}

/** Weights as shares of their sum. @returns {Float64Array} */
export function shares(weights) {
  const sum = weights.reduce((a, b) => a + b, 0);
  return Float64Array.from(weights, (w) => w / sum);
}

/** exp of the entropy of shares p: how many patterns take part, 1 to d. */
export function takingPart(p) {
  return Math.exp(-p.reduce((sum, v) => (v > 0 ? sum + v * Math.log(v) : sum), 0));
}

/** s_i = rho_i . x / n for every pattern. @returns {Float64Array} */
export function similaritiesOf(patterns, x) {
  return Float64Array.from(patterns, (pattern) => {
    let sum = 0;
    for (let k = 0; k < x.length; k += 1) sum += pattern[k] * x[k];
    return sum / x.length;
  });
}

/** The projection sum_i p_i rho_i. @returns {Float64Array} */
export function blendOf(patterns, p) {
  const out = new Float64Array(patterns[0].length);
  patterns.forEach((pattern, i) => { for (let k = 0; k < out.length; k += 1) out[k] += p[i] * pattern[k]; });
  return out;
}

/** Ink or paper, 1 or -1: what stands out above 0 is ink. Two patterns that cancel leave nothing but rounding. */
export function signOf(v) {
  return v > ROUNDING ? 1 : -1;
}

/** How many pixels of the blend's sign are not the pattern's. */
export function wrongPixels(blend, pattern) {
  let wrong = 0;
  for (let k = 0; k < blend.length; k += 1) if (signOf(blend[k]) !== pattern[k]) wrong += 1;
  return wrong;
}

/**
 * What becomes of every query, wherever on the ladder.
 * @param {number[][]} patterns (d, n) @param {number[][]} queries (d, n), the i-th one made from pattern i
 * @returns {(family, steepness) => {whole: number, wrong: number}} the share of queries without a wrong pixel, and the
 *   mean share of wrong pixels
 */
export function ladderOf(patterns, queries) {
  const n = patterns[0].length;
  // Patterns of equal similarity to a query have equal weights: their sum is enough, and the first for the maximum.
  const sorted = queries.map((x) => {
    const levels = new Map();
    patterns.forEach((pattern) => {
      let dot = 0;
      for (let k = 0; k < n; k += 1) dot += pattern[k] * x[k];
      if (!levels.has(dot)) levels.set(dot, { s: dot / n, first: pattern, sum: new Float64Array(n) });
      const { sum } = levels.get(dot);
      for (let k = 0; k < n; k += 1) sum[k] += pattern[k];
    });
    return [...levels.values()].sort((a, b) => b.s - a.s);
  });
  const blend = new Float64Array(n);
  return (family, steepness) => {
    let whole = 0;
    let wrong = 0;
    sorted.forEach((levels, i) => {
      const best = logSeparation(family, steepness, levels[0].s);
      blend.fill(0);
      for (const { s, sum, first } of levels) {
        if (steepness === Infinity) { blend.set(first); break; }
        const log = best === -Infinity ? 0 : logSeparation(family, steepness, s) - best;
        if (log < LEAST_LOG) break; // and so are all that follow
        const weight = Math.exp(log);
        for (let k = 0; k < n; k += 1) blend[k] += weight * sum[k];
      }
      const missed = wrongPixels(blend, patterns[i]);
      wrong += missed;
      if (!missed) whole += 1;
    });
    return { whole: whole / queries.length, wrong: wrong / (n * queries.length) };
  };
}

/**
 * The least rung from which on the values stay at `level` or above, straight between the rungs given; null if the last one
 * is below it.
 */
export function beginsAt(rungs, values, level) {
  let k = values.length - 1;
  if (values[k] < level) return null;
  while (k > 0 && values[k - 1] >= level) k -= 1;
  if (k === 0) return rungs[0];
  return rungs[k - 1] + ((level - values[k - 1]) / (values[k] - values[k - 1])) * (rungs[k] - rungs[k - 1]);
}
