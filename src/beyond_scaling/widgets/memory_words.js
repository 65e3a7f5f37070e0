// What the playground says of networks that have ended: short on their cards, and counted aloud.
import { fixed } from "./ui.js";

/** From so many images on a mixture is a blur. */
const BLUR = 9.5;
/** Ends in the order in which they are told, with the words that follow a number. */
const ENDS = [["right", "found it"], ["other", "found another image"], ["inverse", "ended at an inverse"], ["mixture", "ended in a mixture"],
  ["spurious", "ended in a spurious state"], ["blank", "found nothing"], ["wrong", "filled it in wrongly"], ["idle", "had nothing to fill in"]];

/** "1 step", "2 steps". @param {number} count @param {string} one */
export const plural = (count, one) => `${count} ${count === 1 ? one : `${one}s`}`;

/**
 * What an outcome counts as. A network that completes fills in, and does not claim to know.
 * @param {string} kind of outcomeOf @param {boolean} completes the network does @param {boolean} erased there was something to fill in
 */
export function endOf(kind, completes, erased) {
  if (!completes || !["spurious", "mixture"].includes(kind)) return kind;
  return erased ? "wrong" : "idle";
}

/**
 * Words for a card, and whether the network did well.
 * @param {string} end of endOf
 * @param {{among: number|null, name: string|null, stored: boolean, twin: boolean}} about how many images a mixture is of; the name of the
 *   image that was found; whether the one asked for is stored; whether another one of its name was found
 * @returns {[string, "good"|"bad"|undefined]}
 */
export function endWords(end, { among, name, stored, twin }) {
  return {
    right: ["found it", "good"],
    other: stored ? [`${twin ? "another" : "found"} ${name}`, "bad"] : [`finds ${name}`, undefined],
    inverse: [`inverse of ${name ?? "it"}`, "bad"],
    mixture: [among > BLUR ? `blur of ${fixed(among, 0)}` : `mixture of ${fixed(Math.max(among, 2), 0)}`, "bad"],
    spurious: ["spurious state", "bad"],
    blank: ["nothing: blank", "bad"],
    wrong: ["filled in wrongly", "bad"],
    idle: ["nothing to fill in", undefined],
  }[end];
}

/** "3 found it, 1 ended in a mixture". @param {string[]} ends of endOf */
export function countedEnds(ends) {
  return ENDS.map(([end, words]) => [ends.filter((other) => other === end).length, words])
    .filter(([times]) => times).map(([times, words]) => `${times} ${words}`).join(", ");
}
