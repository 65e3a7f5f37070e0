// Volumes of balls, in logarithms.

/** log Gamma(z) for z > 0: Stirling's series after shifting z above 10; relative error below 1e-14. */
export function logGamma(z) {
  let shift = 0;
  let w = z;
  while (w < 10) { shift += Math.log(w); w += 1; }
  const v = 1 / (w * w);
  const series = (1 / 12 - v * (1 / 360 - v * (1 / 1260 - v * (1 / 1680 - v * (1 / 1188 - v * (691 / 360360)))))) / w;
  return (w - 0.5) * Math.log(w) - w + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Natural log of the volume of a ball of radius r in n dimensions. */
export function logBallVolume(n, r) {
  return (n / 2) * Math.log(Math.PI) + n * Math.log(r) - logGamma(1 + n / 2);
}
