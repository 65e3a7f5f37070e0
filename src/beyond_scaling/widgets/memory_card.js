// One network at work: its image now, its energy so far, and how it ended.
import { pixelCanvas } from "./memory_pad.js";
import { html } from "./ui.js";

const SPARK_STEPS = 6; // the energy's axis is at least so long

/**
 * @param {{name: string, source: string, painter, onGuess: (yes: boolean) => void}} options
 * @returns {{node, image(values), spark(energies, colours), outcome({text, verdict, foot, spoken}), guess(open, yes)}}
 */
export function memoryCard({ name, source, painter, onGuess }) {
  const picture = pixelCanvas({ class: "bs-net-image", role: "img", "aria-label": `${name}: the query` });
  const context = picture.getContext("2d");
  const curve = html("canvas", { class: "bs-net-spark", "aria-hidden": "true" });
  const pen = curve.getContext("2d");
  const title = html("p", { class: "bs-net-name", text: name });
  const words = html("p", { class: "bs-net-outcome" });
  const foot = html("p", { class: "bs-net-foot" });
  const will = html("button", { type: "button", text: "finds it?", "aria-label": `${name} will find it`, onclick: () => onGuess(will.getAttribute("aria-pressed") !== "true") });
  const node = html("li", { class: "bs-net" },
    html("div", { class: "bs-net-head" }, title, html("p", { class: "bs-net-source", text: source })),
    html("div", { class: "bs-net-look" }, picture, curve),
    html("div", { class: "bs-net-end" }, words, foot, will));

  /** The energy after each step, from the greatest at the top to the least; a rise is drawn in another colour. */
  function spark(energies, colours) {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [curve.clientWidth, curve.clientHeight];
    if (!w) return;
    if (curve.width !== Math.round(w * ratio)) curve.width = Math.round(w * ratio);
    if (curve.height !== Math.round(h * ratio)) curve.height = Math.round(h * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    if (!energies.length) return;
    const high = Math.max(...energies);
    const low = Math.min(...energies);
    const span = high - low;
    const steps = Math.max(SPARK_STEPS, energies.length - 1);
    const px = (k) => 4 + ((w - 8) * k) / steps;
    const py = (v) => (span > 0 ? 5 + ((h - 10) * (high - v)) / span : h / 2);
    pen.lineWidth = 1;
    pen.strokeStyle = colours.grid;
    pen.beginPath();
    pen.moveTo(4, h - 2.5);
    pen.lineTo(w - 4, h - 2.5);
    pen.stroke();
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    for (let k = 1; k < energies.length; k += 1) {
      pen.strokeStyle = energies[k] > energies[k - 1] + 1e-9 * Math.max(1, Math.abs(high), Math.abs(low)) ? colours.bad : colours.energy;
      pen.beginPath();
      pen.moveTo(px(k - 1), py(energies[k - 1]));
      pen.lineTo(px(k), py(energies[k]));
      pen.stroke();
    }
    pen.fillStyle = colours.ink;
    pen.beginPath();
    pen.arc(px(energies.length - 1), py(energies[energies.length - 1]), 2.8, 0, 7);
    pen.fill();
  }

  const put = (where, text) => { if (where.textContent !== text) where.textContent = text; };
  return {
    node, spark,
    image: (values) => painter.paint(context, values),
    rename: (text) => put(title, text),
    outcome({ text, verdict, foot: below, spoken }) {
      put(words, text);
      put(foot, below);
      const look = `bs-net-outcome${verdict ? ` bs-is-${verdict}` : ""}`;
      if (words.className !== look) words.className = look;
      const label = `${title.textContent}: ${spoken}`;
      if (picture.getAttribute("aria-label") !== label) picture.setAttribute("aria-label", label);
    },
    /** Ask for a guess instead of telling how it ended. */
    guess(asked, yes) {
      will.hidden = !asked;
      words.hidden = foot.hidden = asked;
      will.setAttribute("aria-pressed", String(yes));
      put(will, yes ? "finds it ✓" : "finds it?");
    },
  };
}
