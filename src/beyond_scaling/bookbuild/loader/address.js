// A widget's configuration in the page's address: #w=2~W3siYmV0YSI6M31d is the page's second widget with, of each of its models
// in order, the traits that differ from the start, as JSON in base64url. Several are joined by "&"; #w=2 is the widget itself.

const MOST_CHARACTERS = 8000;

function packed(states) {
  if (states.every((state) => Object.keys(state).length === 0)) return "";
  const bytes = new TextEncoder().encode(JSON.stringify(states));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `~${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** The states of `packed`; null if it is none. */
function unpacked(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const states = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const plain = (state) => typeof state === "object" && state !== null && !Array.isArray(state);
    return Array.isArray(states) && states.every(plain) ? states : null;
  } catch {
    return null;
  }
}

/**
 * What an address's fragment says of widgets: [{n, states}], n from 1, `states` null where it cannot be read; none for the
 * fragments of others.
 */
function readFragment(fragment) {
  const parts = fragment.replace(/^#/, "").slice(0, 4 * MOST_CHARACTERS).split("&").filter((part) => part.startsWith("w="));
  const found = new Map();
  for (const part of parts) {
    const [, digits, , text] = /^w=(\d{1,3})(~(.*))?$/.exec(part) ?? [null, "1", null, "?"];
    const n = Number(digits);
    if (!found.has(n)) found.set(n, { n, states: text === undefined ? [] : fragment.length > MOST_CHARACTERS ? null : unpacked(text) });
  }
  return [...found.values()];
}

/** The fragment for a widget's states; what the address says of other widgets stays, behind it. */
function writeFragment(n, states) {
  const others = location.hash.replace(/^#/, "").split("&").filter((part) => /^w=\d{1,3}(~|$)/.test(part) && !new RegExp(`^w=${n}(~|$)`).test(part));
  return `#${[`w=${n}${packed(states)}`, ...others].join("&")}`;
}
