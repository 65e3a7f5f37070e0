// What assistive technology is told of a widget: not the whole line, but what the reader's last action changed in it.

/** Milliseconds without a further change before anything is announced. */
const PAUSE_MS = 250;
/** So many characters are announced at most, in whole clauses; what is left can be read on the line. */
const ENOUGH = 150;
/** And so many of the readout, where the words stay as they were. */
const FEW = 80;

/** A text's clauses, up to a point, a colon or a semicolon. A point inside a number ends none. */
function clausesOf(text) {
  return text.match(/\S.*?(?:[.!?]+[”"’)]*(?=\s+[^a-z]|\s*$)|[;:](?=\s)|$)/gsu) ?? [];
}

/** Whole parts of a list, as many as fit, as one text; the first in any case. */
function fitting(parts, most) {
  let told = parts[0] ?? "";
  for (const part of parts.slice(1)) {
    if (told.length + part.length > most) break;
    told += ` ${part}`;
  }
  return closed(told);
}

/** A clause without its colon or semicolon, where what followed it is left out. */
const closed = (clause) => clause.replace(/[;:]$/u, ".");

const numbersIn = (text) => text.match(/[\d.,]*\d/gu) ?? [];

/**
 * The clauses of a text that the listener has not heard.
 * @param {string} text @param {string} before what was last known
 * @param {string} place what was just told: an introduction whose numbers are all in it says nothing new
 */
export function newsIn(text, before, place = "") {
  const known = new Set(clausesOf(before));
  const told = new Set(numbersIn(place));
  const repeats = (clause) => clause.endsWith(":") && numbersIn(clause).length > 0 && numbersIn(clause).every((v) => told.has(v));
  const old = (clause) => known.has(clause) || repeats(clause);
  const clauses = clausesOf(text);
  return fitting(clauses.map((clause, i) => (old(clauses[i + 1] ?? clause) ? closed(clause) : clause)).filter((_, i) => !old(clauses[i])), ENOUGH);
}

/** The rows of a readout whose value is another one than before, as words. */
function newRows(rows, before) {
  const known = new Map(before);
  return fitting(rows.filter(([name, value]) => known.get(name) !== value).map(([name, value]) => `${name}: ${value}.`), FEW);
}

/**
 * Tells `region`, a live region, what changed, once the reader pauses; nothing before the reader has acted.
 * @param {HTMLElement} root the widget, on which the reader acts
 * @param {HTMLElement} line the visible line, which keeps the whole text
 * @param {HTMLElement} region the live region, which nobody sees
 * @returns {{say(text: string), rows(rows: [string, string][])}} `say` sets the line's text, `rows` what the readout shows
 */
export function announcer(root, line, region) {
  let acted = false;
  let moved = null; // the point that the reader moved with the keyboard
  let heard = { text: null, rows: [] };
  let now = { text: "", rows: [] };
  let timer = 0;

  const act = () => { acted = true; };
  for (const kind of ["keydown", "pointerdown", "input", "change"]) root.addEventListener(kind, act, true);
  root.addEventListener("bs-moved", (event) => { moved = event.target; later(); });

  function tell() {
    timer = 0;
    if (line.textContent !== now.text) line.textContent = now.text;
    const place = moved?.getAttribute("aria-label") ?? "";
    moved = null;
    const news = newsIn(now.text, heard.text ?? now.text, place) || newRows(now.rows, heard.rows);
    heard = { ...now };
    const told = [place && `${place}.`, news].filter(Boolean).join(" ");
    if (acted && told) region.textContent = told;
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(tell, PAUSE_MS);
  }
  return {
    say(text) {
      const first = heard.text === null;
      now = { ...now, text };
      // The first text stands at once, and is no news.
      if (first) { line.textContent = text; heard = { ...now }; } else later();
    },
    rows(rows) {
      now = { ...now, rows: rows.map(([name, value]) => [name, value]) };
      if (!acted) heard.rows = now.rows;
    },
  };
}
