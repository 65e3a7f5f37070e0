// Where images are seen and made: a gallery of stored ones to choose from, and a pad of 8 x 8 pixels to paint on.
import { amend } from "./curves.js";
import { PIXELS, SIDE, decodeImage } from "./pixels.js";
import { html, rgb } from "./ui.js";

/** A painter of 8 x 8 canvases: paper is the ground's colour, ink the text's, and what lies between lies between. */
export function pixelPainter() {
  const shades = new Uint32Array(256);
  const sheet = new ImageData(SIDE, SIDE);
  const words = new Uint32Array(sheet.data.buffer);
  const bytes = new Uint8Array(4);
  const word = new Uint32Array(bytes.buffer);
  return {
    /** Take the colours of the theme. */
    dye({ ground, ink }) {
      const [low, high] = [rgb(ground), rgb(ink)];
      for (let i = 0; i < 256; i += 1) {
        low.forEach((c, k) => { bytes[k] = c + ((high[k] - c) * i) / 255; });
        bytes[3] = 255;
        shades[i] = word[0];
      }
    },
    /** @param {CanvasRenderingContext2D} context @param {ArrayLike<number>} image values, -1 paper to 1 ink, cut there */
    paint(context, image) {
      for (let k = 0; k < PIXELS; k += 1) {
        const level = (image[k] + 1) * 127.5;
        words[k] = shades[level <= 0 ? 0 : level >= 255 ? 255 : Math.round(level)];
      }
      context.putImageData(sheet, 0, 0);
    },
  };
}

/** An 8 x 8 canvas, drawn large by its style. */
export function pixelCanvas(attrs = {}) {
  return html("canvas", { width: SIDE, height: SIDE, ...attrs });
}

/**
 * The images, as a list to choose one from: those that are stored, and faintly those that are not.
 * @param {{painter, onChoose: (i: number) => void, onRemove: (i: number) => void, nameOf: (i: number) => string}} options
 * @returns {{node, set(codes: string[], stored: number, chosen: number), repaint()}}
 */
export function imageGallery({ painter, onChoose, onRemove, nameOf }) {
  const node = html("div", { class: "bs-gallery", role: "listbox", "aria-label": "Images" });
  let tiles = [];
  let state = { codes: [], stored: 0, chosen: -1 };
  const tile = (i) => {
    const canvas = pixelCanvas({ "aria-hidden": "true" });
    const option = html("div", { class: "bs-tile", role: "option", onclick: () => { onChoose(i); option.focus(); } }, canvas);
    return { option, context: canvas.getContext("2d"), code: "" };
  };
  node.addEventListener("keydown", (event) => {
    const at = tiles.findIndex(({ option }) => option === document.activeElement);
    if (at < 0) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      onRemove(at);
      tiles[Math.min(at, tiles.length - 1)]?.option.focus();
      return;
    }
    // Rows are as long as the width allows.
    const top = tiles[0].option.offsetTop;
    const row = Math.max(1, tiles.findIndex(({ option }) => option.offsetTop > top)) || tiles.length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row, Home: -at, End: tiles.length - 1 - at }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(at + step, 0), tiles.length - 1);
    tiles[next].option.focus();
    onChoose(next);
  });
  function set(codes, stored, chosen) {
    if (codes.length !== tiles.length) {
      const focused = tiles.some(({ option }) => option === document.activeElement);
      while (tiles.length < codes.length) tiles.push(tile(tiles.length));
      tiles = tiles.slice(0, codes.length);
      node.replaceChildren(...tiles.map(({ option }) => option));
      if (focused) tiles[Math.max(0, chosen)]?.option.focus();
    }
    state = { codes, stored, chosen };
    tiles.forEach((each, i) => {
      if (each.code !== codes[i]) {
        each.code = codes[i];
        painter.paint(each.context, decodeImage(codes[i]));
      }
      const [kind, words_] = i < stored ? ["bs-tile", "stored"] : ["bs-tile bs-is-left-out", "not stored"];
      amend(each.option, { class: kind, "aria-label": `${nameOf(i)}, ${words_}` });
      amend(each.option, { "aria-selected": String(i === chosen), tabindex: i === Math.max(chosen, 0) ? "0" : "-1" });
    });
  }
  const repaint = () => {
    for (const each of tiles) each.code = "";
    set(state.codes, state.stored, state.chosen);
  };
  return { node, set, repaint };
}

const CELL_WORDS = { "-1": "paper", 0: "erased", 1: "ink" };

/**
 * Pixels to paint on, with mouse, touch, pen or keys (arrows move, Shift and arrows paint on the way, Space paints).
 * @param {{label: string, onPaint: (pixels: number[]) => void}} options onPaint: the brush went over these
 * @returns {{node, set(query: number[], image: number[])}} `set` shows a query, and marks where it differs from its image
 */
export function imagePad({ label, onPaint }) {
  const cells = Array.from({ length: PIXELS }, (_, k) => html("div", { role: "gridcell", tabindex: k === 0 ? 0 : -1 }));
  const rows = Array.from({ length: SIDE }, (_, r) => html("div", { role: "row" }, ...cells.slice(SIDE * r, SIDE * (r + 1))));
  const node = html("div", { class: "bs-pad", role: "grid", "aria-label": label }, ...rows);
  const was = cells.map(() => "");
  function focusOn(k, preventScroll = false) {
    for (const [i, cell] of cells.entries()) cell.tabIndex = i === k ? 0 : -1;
    cells[k].focus({ preventScroll });
  }
  node.addEventListener("keydown", (event) => {
    const at = cells.indexOf(document.activeElement);
    if (at < 0) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      onPaint([at]);
      return;
    }
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    const [column, row] = [(at % SIDE) + dx, Math.floor(at / SIDE) + dy];
    if (column < 0 || column >= SIDE || row < 0 || row >= SIDE) return;
    focusOn(SIDE * row + column);
    if (event.shiftKey) onPaint([at, SIDE * row + column]);
  });

  let held = null;
  let last = null;
  /** The pixel under the pointer, as fractional column and row. */
  const under = (event) => {
    const box = node.getBoundingClientRect();
    const clip = (v) => Math.min(Math.max(v, 0), SIDE - 1e-6);
    return [clip((SIDE * (event.clientX - box.left)) / box.width), clip((SIDE * (event.clientY - box.top)) / box.height)];
  };
  /** All pixels between the last place and this one: a fast hand leaves no gaps. */
  function sweep(to) {
    const from = last ?? to;
    const count = Math.ceil(4 * Math.hypot(to[0] - from[0], to[1] - from[1])) || 1;
    const pixels = new Set();
    for (let i = 0; i <= count; i += 1) {
      const [column, row] = [0, 1].map((j) => Math.floor(from[j] + ((to[j] - from[j]) * i) / count));
      pixels.add(SIDE * row + column);
    }
    last = to;
    onPaint([...pixels]);
  }
  node.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || held !== null) return;
    event.preventDefault();
    held = event.pointerId;
    node.setPointerCapture(held);
    const place = under(event);
    focusOn(SIDE * Math.floor(place[1]) + Math.floor(place[0]), true);
    last = null;
    sweep(place);
  });
  node.addEventListener("pointermove", (event) => { if (event.pointerId === held) sweep(under(event)); });
  const release = (event) => { if (event.pointerId === held) held = null; };
  node.addEventListener("pointerup", release);
  node.addEventListener("pointercancel", release);

  function set(query, image) {
    for (let k = 0; k < PIXELS; k += 1) {
      const flipped = query[k] !== 0 && image !== null && query[k] !== image[k];
      const look = `bs-is-${CELL_WORDS[query[k]]}${flipped ? " bs-is-flipped" : ""}`;
      if (was[k] === look) continue;
      was[k] = look;
      cells[k].className = look;
      cells[k].setAttribute("aria-label", `row ${Math.floor(k / SIDE) + 1}, column ${(k % SIDE) + 1}: ${CELL_WORDS[query[k]]}${flipped ? ", flipped" : ""}`);
    }
  }
  return { node, set };
}
