// Numbers of width against data as readers write them.
import { fixed } from "./ui.js";

/** 98,888 */
export const thousands = (v) => v.toLocaleString("en-US");

/** A number of tokens in three characters or so: 850, 5k, 6.4k, 31k, 1.2M, 214M. */
export function countText(tokens) {
  if (tokens < 1000) return String(tokens);
  const [unit, name] = tokens < 999_500 ? [1e3, "k"] : [1e6, "M"];
  return `${fixed(tokens / unit, tokens < 9.95 * unit ? 1 : 0).replace(".0", "")}${name}`;
}

/** A positive number with two figures and no zero before the point: 1.3, .38, .040; 0 if nothing of it would be seen. */
export function twoFigures(v) {
  if (v >= 9.95) return fixed(v, 0);
  if (v >= 0.995) return fixed(v, 1);
  const text = fixed(v, v >= 0.0995 ? 2 : v >= 0.000995 ? 3 : 4);
  return text.replace(/^0\./, ".");
}
