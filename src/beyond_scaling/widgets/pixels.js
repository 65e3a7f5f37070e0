// Small images of 8 x 8 pixels: codes, noise that can be repeated, and a query made from an image. No mathematics of networks.

export const SIDE = 8;
export const PIXELS = SIDE * SIDE;
/** An empty sheet. */
export const BLANK = "0".repeat(PIXELS / 4);

/** 16 hexadecimal digits as 64 entries: ink 1, paper -1, row by row from the top. @param {string} code @returns {number[]} */
export function decodeImage(code) {
  const image = [];
  for (const digit of code) {
    const nibble = parseInt(digit, 16);
    for (const bit of [8, 4, 2, 1]) image.push(nibble & bit ? 1 : -1);
  }
  return image;
}

/** 64 entries as 16 hexadecimal digits; what is not ink is paper. @param {ArrayLike<number>} image @returns {string} */
export function encodeImage(image) {
  let code = "";
  for (let k = 0; k < PIXELS; k += 4) {
    let nibble = 0;
    for (let j = 0; j < 4; j += 1) nibble = 2 * nibble + (image[k + j] > 0 ? 1 : 0);
    code += nibble.toString(16);
  }
  return code;
}

/** Numbers in [0, 1) from a seed (the 32-bit generator mulberry32): the same in every browser. @returns {() => number} */
function seededNumbers(seed) {
  let state = (seed + 1) * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** All pixels in an order given by the seed. @param {number} seed @returns {number[]} */
export function pixelOrder(seed) {
  const next = seededNumbers(seed);
  const order = Array.from({ length: PIXELS }, (_, k) => k);
  for (let k = PIXELS - 1; k > 0; k -= 1) {
    const j = Math.floor(next() * (k + 1));
    [order[k], order[j]] = [order[j], order[k]];
  }
  return order;
}

/**
 * An image as a network gets it: first noise, then paint, then what is erased.
 * @param {number[]} image 64 entries 1 and -1
 * @param {{noise: number, seed: number, painted: number[], erased: number[]}} damage noise: the share of pixels flipped,
 *   those that come first in the seed's order, so that more noise flips the same ones and others
 * @returns {number[]} 64 entries 1, -1 and 0 (unknown)
 */
export function damagedImage(image, { noise, seed, painted, erased }) {
  const query = [...image];
  const flips = Math.round(noise * PIXELS);
  if (flips) for (const k of pixelOrder(seed).slice(0, flips)) query[k] = -query[k];
  painted.forEach((value, k) => { if (value) query[k] = value; });
  for (const k of erased) query[k] = 0;
  return query;
}

/** How a query differs from its image: pixels flipped, and pixels unknown. */
export function damageOf(query, image) {
  let flipped = 0;
  let unknown = 0;
  query.forEach((value, k) => { if (value === 0) unknown += 1; else if (value !== image[k]) flipped += 1; });
  return { flipped, unknown };
}

/** Codes of images whose pixels are drawn at random, half of them ink. @param {number} count @param {number} seed */
export function randomCodes(count, seed) {
  const next = seededNumbers(1000 + seed);
  return Array.from({ length: count }, () => encodeImage(Array.from({ length: PIXELS }, () => (next() < 0.5 ? 1 : -1))));
}
