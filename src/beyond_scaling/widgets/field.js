// A landscape as a picture: colour, contour lines, hatching. Canvas only; it knows grids, not energies.

// Lightness changes steadily along each map, so that it reads without colour too. Wells are the deep end in the light
// theme and the glowing end in the dark one.
const MAPS = {
  light: ["#0c2350", "#20447f", "#3f6898", "#6d8fab", "#9fb4b8", "#cbd0bd", "#e8e2c3", "#f7f0d9"],
  dark: ["#d9f0f2", "#a5cfdd", "#74a8c4", "#4f7fa5", "#3a5b80", "#2d405c", "#232d40", "#1b2029"],
};
const STEPS = 512;
const tables = new Map();

/** The colour map as STEPS packed pixels, low values first. @returns {Uint32Array} */
function colourTable(dark) {
  const name = dark ? "dark" : "light";
  if (!tables.has(name)) {
    const stops = MAPS[name].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
    const bytes = new Uint8ClampedArray(4 * STEPS);
    for (let i = 0; i < STEPS; i += 1) {
      const at = (i / (STEPS - 1)) * (stops.length - 1);
      const k = Math.min(Math.floor(at), stops.length - 2);
      for (let c = 0; c < 3; c += 1) bytes[4 * i + c] = stops[k][c] + (at - k) * (stops[k + 1][c] - stops[k][c]);
      bytes[4 * i + 3] = 255;
    }
    tables.set(name, new Uint32Array(bytes.buffer));
  }
  return tables.get(name);
}

/** The colour map as a CSS gradient from low to high. */
export function rampGradient(dark) {
  return `linear-gradient(to right, ${MAPS[dark ? "dark" : "light"].join(", ")})`;
}

/** Contour levels evenly spaced on the scale of the colours: t^(1/power) with power 2 resolves wells, 1 is plain. */
export function contourLevels(low, high, count, power = 2) {
  return Array.from({ length: count }, (_, i) => low + (high - low) * ((i + 0.5) / count) ** power);
}

/** Smallest and largest value of a grid. @returns {[number, number]} */
export function extent(values) {
  let low = Infinity; let high = -Infinity;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

/**
 * A painter for one canvas. Its grid covers the canvas; rows run from the top.
 * @param {HTMLCanvasElement} canvas
 */
export function fieldPainter(canvas) {
  const ctx = canvas.getContext("2d");
  const small = document.createElement("canvas");
  const mask = document.createElement("canvas");
  const stripes = document.createElement("canvas");
  let image = null;
  let width = 0;
  let height = 0;
  let ratio = 1;

  return {
    /** Set the size in CSS pixels. */
    resize(w, h) {
      width = w;
      height = h;
      ratio = Math.min(2, globalThis.devicePixelRatio || 1);
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    },

    /** Colour the grid `values` (nx columns, ny rows) between low and high; power as for contourLevels. */
    colours(values, nx, ny, low, high, dark, power = 2) {
      if (!image || image.width !== nx || image.height !== ny) {
        small.width = nx;
        small.height = ny;
        image = new ImageData(nx, ny);
      }
      const table = colourTable(dark);
      const pixels = new Uint32Array(image.data.buffer);
      const scale = 1 / (high - low || 1);
      for (let i = 0; i < values.length; i += 1) {
        const t = (values[i] - low) * scale;
        pixels[i] = table[t <= 0 ? 0 : t >= 1 ? STEPS - 1 : ((power === 2 ? Math.sqrt(t) : t) * (STEPS - 1) + 0.5) | 0];
      }
      small.getContext("2d").putImageData(image, 0, 0);
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.imageSmoothingEnabled = true;
      ctx.imageSmoothingQuality = "medium";
      // Grid points sit at the canvas's edges: half a cell of the picture falls outside on each side.
      const cw = canvas.width / (nx - 1);
      const ch = canvas.height / (ny - 1);
      ctx.drawImage(small, -cw / 2, -ch / 2, cw * nx, ch * ny);
    },

    /** Contour lines; those in the deep third are drawn in the other colour, or they would vanish there. */
    contours(values, nx, ny, levels, low, high, dark, power = 2) {
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      const split = low + (high - low) * 0.4 ** power;
      const deep = levels.filter((v) => v < split);
      const upper = levels.filter((v) => v >= split);
      ctx.lineWidth = 1;
      ctx.strokeStyle = dark ? "rgba(8, 16, 28, 0.55)" : "rgba(255, 255, 255, 0.55)";
      strokeLevels(ctx, values, nx, ny, deep, width, height);
      ctx.strokeStyle = dark ? "rgba(214, 230, 245, 0.3)" : "rgba(16, 34, 66, 0.34)";
      strokeLevels(ctx, values, nx, ny, upper, width, height);
    },

    /** Hatch where the grid is positive and outline that region. */
    hatch(values, nx, ny, dark) {
      mask.width = nx;
      mask.height = ny;
      const shade = new ImageData(nx, ny);
      for (let i = 0; i < values.length; i += 1) shade.data[4 * i + 3] = values[i] > 0 ? 255 : 0;
      mask.getContext("2d").putImageData(shade, 0, 0);
      stripes.width = canvas.width;
      stripes.height = canvas.height;
      const pen = stripes.getContext("2d");
      pen.setTransform(1, 0, 0, 1, 0, 0);
      const cw = canvas.width / (nx - 1);
      const ch = canvas.height / (ny - 1);
      pen.drawImage(mask, -cw / 2, -ch / 2, cw * nx, ch * ny);
      pen.globalCompositeOperation = "source-in";
      pen.fillStyle = hatchPattern(pen, ratio, dark ? "rgba(240, 246, 252, 0.36)" : "rgba(12, 24, 48, 0.34)",
        dark ? "rgba(6, 12, 22, 0.30)" : "rgba(255, 255, 255, 0.42)");
      pen.fillRect(0, 0, stripes.width, stripes.height);
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.drawImage(stripes, 0, 0);
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      ctx.lineWidth = 3.5;
      ctx.strokeStyle = dark ? "rgba(10, 16, 26, 0.7)" : "rgba(255, 255, 255, 0.8)";
      strokeLevels(ctx, values, nx, ny, [0], width, height);
      ctx.lineWidth = 1.4;
      ctx.strokeStyle = dark ? "#f4f7fb" : "#0b1a33";
      strokeLevels(ctx, values, nx, ny, [0], width, height);
    },
  };
}

/** Diagonal lines, one dark and one light beside it, so that they show on every colour of the field. */
export function hatchPattern(ctx, ratio, dark, light) {
  const size = Math.round(9 * ratio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  pen.lineWidth = 1.1 * ratio;
  for (const [colour, shift] of [[light, ratio], [dark, 0]]) {
    pen.strokeStyle = colour;
    pen.beginPath();
    for (const k of [-1, 0, 1]) {
      pen.moveTo(k * size - size / 2 + shift, size * 1.5);
      pen.lineTo(k * size + size * 1.5 + shift, -size / 2);
    }
    pen.stroke();
  }
  return ctx.createPattern(tile, "repeat");
}

/** Stroke all level lines of a grid that covers width x height: marching squares, linear along the cells' edges. */
function strokeLevels(ctx, values, nx, ny, levels, width, height) {
  if (!levels.length) return;
  const sx = width / (nx - 1);
  const sy = height / (ny - 1);
  ctx.beginPath();
  for (let i = 0; i < ny - 1; i += 1) {
    for (let j = 0; j < nx - 1; j += 1) {
      const at = i * nx + j;
      const a = values[at]; const b = values[at + 1];
      const c = values[at + nx + 1]; const d = values[at + nx];
      const low = Math.min(a, b, c, d);
      const high = Math.max(a, b, c, d);
      for (let k = 0; k < levels.length; k += 1) {
        const v = levels[k];
        if (v <= low || v > high) continue;
        // Crossings of the top, right, bottom and left edges, in that order; two or four of them.
        const top = (a < v) !== (b < v); const right = (b < v) !== (c < v);
        const bottom = (d < v) !== (c < v); const left = (a < v) !== (d < v);
        const tx = (j + (v - a) / (b - a)) * sx; const ry = (i + (v - b) / (c - b)) * sy;
        const bx = (j + (v - d) / (c - d)) * sx; const ly = (i + (v - a) / (d - a)) * sy;
        const x0 = j * sx; const x1 = x0 + sx; const y0 = i * sy; const y1 = y0 + sy;
        if (top && right && bottom && left) {
          // A saddle cell: the middle decides which corners belong together.
          if (((a + b + c + d) / 4 < v) === (a < v)) {
            ctx.moveTo(tx, y0); ctx.lineTo(x1, ry); ctx.moveTo(bx, y1); ctx.lineTo(x0, ly);
          } else {
            ctx.moveTo(tx, y0); ctx.lineTo(x0, ly); ctx.moveTo(bx, y1); ctx.lineTo(x1, ry);
          }
        } else if (top) {
          ctx.moveTo(tx, y0);
          if (right) ctx.lineTo(x1, ry); else if (bottom) ctx.lineTo(bx, y1); else ctx.lineTo(x0, ly);
        } else if (right) {
          ctx.moveTo(x1, ry);
          if (bottom) ctx.lineTo(bx, y1); else ctx.lineTo(x0, ly);
        } else {
          ctx.moveTo(bx, y1);
          ctx.lineTo(x0, ly);
        }
      }
    }
  }
  ctx.stroke();
}
