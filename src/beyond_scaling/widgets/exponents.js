// The exponent p of N ~ D^p from a few points, and the exponents that their cells allow: as exponents.py. No drawing here.

const EXACT = 1e-9; // of what rounding may do to two equal ends

/** Least-squares slope of log N on log D and the point of means; null for fewer than two points. */
export function fittedSlope(sizes, data) {
  if (sizes.length < 2) return null;
  const mean = (v) => v.reduce((sum, u) => sum + u, 0) / v.length;
  const x = data.map(Math.log);
  const y = sizes.map(Math.log);
  const [mx, my] = [mean(x), mean(y)];
  const across = x.reduce((sum, u) => sum + (u - mx) ** 2, 0);
  const slope = x.reduce((sum, u, i) => sum + (u - mx) * (y[i] - my), 0) / across;
  return { slope, at: [mx, my] };
}

/**
 * The exponents p for which one power law N = c D^p passes through every cell; sizes must rise.
 * For a fixed p each cell allows an interval of log c, and intervals share a point as soon as every two of them do.
 * @param {number[]} sizes N of each row @param {number[][]} cells [lowest, highest] D of each row
 * @returns {[number, number] | null} the upper end may be Infinity; null if there is none
 */
export function feasibleRange(sizes, cells) {
  let [low, high] = [0, Infinity];
  for (let i = 0; i < sizes.length; i += 1) {
    for (let j = i + 1; j < sizes.length; j += 1) {
      const rise = Math.log(sizes[j] / sizes[i]);
      if (cells[j][1] <= cells[i][0]) return null; // the larger model in a cell below the smaller one's
      low = Math.max(low, rise / Math.log(cells[j][1] / cells[i][0]));
      if (cells[j][0] > cells[i][1]) high = Math.min(high, rise / Math.log(cells[j][0] / cells[i][1]));
    }
  }
  return low <= high * (1 + EXACT) ? [low, high] : null;
}
