// A histogram that changes with the unit of length, beside a prediction that does not.

import { axes, button, fixed, frame, key, linear, onWidth, repainter, slider, svg } from "./ui.js";
import { logBallVolume } from "./special.js";

function render({ model, el }) {
  const edges = model.get("edges");
  const counts = model.get("counts");
  const n = model.get("n");
  const median = model.get("median");
  const predicted = 2 * Math.sqrt(n / (2 * Math.PI * Math.E));
  const highest = Math.max(...counts);
  const height = 250;

  const { root, stage, controls, readout, say } = frame(el, {
    title: "Choose your unit of length",
    hint: "Slide the gain. No output of the model changes; every distance does.",
  });
  const board = svg("svg", { height, role: "img", "aria-label": "Histogram of nearest-neighbour distances and the predicted distance" });
  const grid = svg("g");
  const bars = svg("path", { opacity: 0.75 });
  const theory = svg("line", { "stroke-width": 3, "stroke-dasharray": "7 4" });
  const theoryText = svg("text", { "text-anchor": "middle" });
  const mark = svg("line", { "stroke-width": 2.5 });
  board.append(grid, bars, mark, theory, theoryText);
  const plot = document.createElement("div");
  plot.className = "bs-plot";
  plot.append(board);
  stage.append(plot, key([
    ["measured distances, rescaled", "var(--bs-energy)", undefined, "area"], ["their median", "var(--bs-ink)"],
    ["predicted, 2√(n/2πe)", "var(--bs-mchn)", "7 4"]]));

  const gain = slider({
    label: "Gain × s", min: -1, max: 1, step: 0.005, value: Math.log10(model.get("scale")),
    format: () => `s = ${fixed(model.get("scale"), 2)}`, onInput: (v) => set(10 ** v),
  });
  controls.append(gain.node,
    button({ label: "Make the theory right", onClick: () => set(predicted / median) }),
    button({ label: "Back to the model's unit", onClick: () => set(1) }));
  for (const line of [bars]) line.style.fill = "var(--bs-energy)";
  theory.style.stroke = "var(--bs-mchn)";
  mark.style.stroke = "var(--bs-ink)";

  let width = 600;
  const draw = () => {
    const s = model.get("scale");
    const right = Math.max(predicted * 1.35, edges.at(-1) * s * 1.05);
    const x = linear([0, right], [14, width - 14]);
    const y = linear([0, highest * 1.15], [height - 40, 26]);
    board.setAttribute("viewBox", `0 0 ${width} ${height}`);
    axes(grid, x, y, { xLabel: "distance to the nearest neighbour", yTicks: 0.5, xTicks: width < 450 ? 4 : 8 });
    let d = "";
    counts.forEach((count, i) => {
      const left = x(edges[i] * s);
      d += `M${left.toFixed(1)},${y(0)}V${y(count).toFixed(1)}H${x(edges[i + 1] * s).toFixed(1)}V${y(0)}Z`;
    });
    bars.setAttribute("d", d);
    for (const [line, at] of [[theory, predicted], [mark, median * s]]) {
      line.setAttribute("x1", x(at));
      line.setAttribute("x2", x(at));
      line.setAttribute("y1", y(0));
      line.setAttribute("y2", 26);
    }
    theoryText.textContent = "predicted";
    theoryText.setAttribute("x", Math.min(Math.max(x(predicted), 40), width - 40));
    theoryText.setAttribute("y", 18);

    const volume = logBallVolume(n, (median * s) / 2);
    readout([
      ["Median distance", fixed(median * s, 2)], ["Predicted, n = " + n, fixed(predicted, 2)],
      ["Ratio", fixed((median * s) / predicted, 3)], ["log volume of a ball", fixed(volume, 1)]]);
    say(`With the gain multiplied by ${fixed(s, 2)}, the median distance is ${fixed(median * s, 2)} against ${fixed(predicted, 2)} predicted. ` +
      `A ball whose radius is half that distance has a volume of e to the ${fixed(volume, 0)}. The model's outputs are the same.`);
    return { median: median * s, predicted, log_volume: volume };
  };
  const repaint = repainter(root, () => {
    const summary = draw();
    model.set("summary", summary);
    model.save_changes();
  });
  function set(scale) {
    model.set("scale", Math.min(10, Math.max(0.1, scale)));
    model.save_changes();
    changed();
  }
  const changed = () => { gain.set(Math.log10(model.get("scale"))); repaint(); };
  model.on("change:scale", changed);
  const stops = [onWidth(plot, (w) => { width = w; repaint(); })];
  return () => { model.off("change:scale", changed); repaint.stop(); stops.forEach((stop) => stop()); };
}

export default { render };
