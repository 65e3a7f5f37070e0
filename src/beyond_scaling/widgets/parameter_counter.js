// GPT-2's parameters by part, as bars, and the constant A of N = A l d^2 on a dial. The counts are those of
// models/parameters.py; the browser test holds the two together.
import { amend, haloed, listen, markKey, plotBox, report, styled, swatch, verdicts } from "./curves.js";
import { button, fixed, frame, html, linear, onWidth, repainter, saver, slider, svg } from "./ui.js";

const VOCABULARY = 50257;
const CONTEXT = 1024;
const SHAPES = { small: [768, 12], medium: [1024, 24], large: [1280, 36], XL: [1600, 48] };
const PARTS = [
  ["attention", "attention", "var(--bs-energy)", 0.9], ["feed-forward", "feed-forward", "var(--bs-mchn)", 0.85],
  ["norms", "layer norms", "var(--bs-good)", 0.9], ["tokens", "token embedding", "var(--bs-nearest)", 0.55],
  ["positions", "position embedding", "var(--bs-accent)", 0.8],
];
const DIAL = [4, 21]; // A = 4 + 2 d_FF/d and 13/d or so more
const whole = (v) => v.toLocaleString("en-US");
const millions = (v) => `${fixed(v / 1e6, v < 1e9 ? 1 : 0)}M`;

/** Counts by module and by Appendix E's formula, for width d, depth l and feed-forward width f. */
export function gpt2Counts(d, l, f) {
  const attention = d * 3 * d + 3 * d + d * d + d;
  const feedForward = d * f + f + f * d + d;
  const perBlock = attention + feedForward + 4 * d;
  const parts = {
    attention: l * attention, "feed-forward": l * feedForward, norms: l * 4 * d + 2 * d, tokens: VOCABULARY * d, positions: CONTEXT * d,
  };
  const paper = { attention: l * 3 * d * d + l * (d * d + 2 * d), "feed-forward": l * (2 * d * f + d + f) };
  const paperTotal = paper.attention + paper["feed-forward"];
  return {
    parts, perBlock, blocks: l * perBlock, total: l * perBlock + 2 * d + (VOCABULARY + CONTEXT) * d, constant: perBlock / (d * d),
    paper, paperTotal, paperConstant: paperTotal / (l * d * d),
  };
}

function render({ model, el }) {
  const ui = frame(el, { title: "Count GPT-2", hint: "Change the shape. What moves the dial, and what does not?" });
  ui.root.classList.add("bs-roomy");
  const save = saver(model);
  const put = (traits) => { model.set(traits); save(); };

  const bars = plotBox({ title: " ", label: "Parameters by part, counted by module and by Appendix E", height: 128 });
  const rows = ["by module", "Appendix E"].map((text) => ({
    name: haloed(text, { "text-anchor": "start" }), total: haloed("", { "text-anchor": "start" }, "var(--bs-ink)"),
    pieces: PARTS.map(([, , colour, opacity]) => styled("rect", { height: 26, rx: 2 }, { fill: colour, "fill-opacity": opacity, stroke: "var(--bs-ground)", "stroke-width": "1px" })),
  }));
  const bracket = styled("path", {}, { fill: "none", stroke: "var(--bs-muted)", "stroke-width": "1.4px" });
  const bracketText = svg("text", { class: "bs-tick", "text-anchor": "middle", text: "N: the blocks" });
  bars.board.append(bracket, bracketText, ...rows.flatMap(({ name, total, pieces }) => [...pieces, name, total]));

  const dial = plotBox({ title: "A in N = A l d²", label: "The constant A, with Appendix E's and GPT-2 medium's marked", height: 92 });
  const dialAxis = svg("g", { "aria-hidden": "true" });
  const pointer = styled("path", { d: "M0,0L-7,-13H7Z" }, { fill: "var(--bs-ink)" });
  const pointerText = haloed("", { "text-anchor": "middle" });
  const marks = [
    ["Appendix E", gpt2Counts(1024, 24, 3072).paperConstant, "var(--bs-mchn)", "end"],
    ["GPT-2 medium", gpt2Counts(1024, 24, 4096).constant, "var(--bs-energy)", "start"],
  ].map(([name, value, colour, anchor]) => ({
    value, anchor, mark: styled("path", { d: "M0,0L-6,11H6Z" }, { fill: colour }),
    text: haloed(`${name} ${fixed(value, 3)}`, { "text-anchor": anchor }, colour),
  }));
  dial.board.append(dialAxis, ...marks.flatMap(({ mark, text }) => [mark, text]), pointer, pointerText);
  ui.stage.append(bars.node, markKey(PARTS.map(([, text, colour, opacity]) => [text, swatch(colour, colour, { opacity })])), dial.node);

  const verdict = verdicts();
  const sizes = Object.entries(SHAPES).map(([name, [d, l]]) => [name, button({ label: name, onClick: () => put({ d_emb: d, layers: l, ratio: 4 }) })]);
  const published = html("div", { class: "bs-control bs-jumps", role: "group", "aria-label": "Published GPT-2s" },
    html("span", { text: "GPT-2", "aria-hidden": "true" }), ...sizes.map(([, node]) => node));
  const width = slider({
    label: "Width d", min: 64, max: 4096, step: 64, value: model.get("d_emb"), format: (v) => whole(v), onInput: (v) => put({ d_emb: v }),
  });
  const depth = slider({
    label: "Layers l", min: 1, max: 96, step: 1, value: model.get("layers"), format: (v) => String(v), onInput: (v) => put({ layers: v }),
  });
  const ratio = slider({
    label: "d_FF ÷ d", min: 1, max: 8, step: 0.5, value: model.get("ratio"), format: (v) => fixed(v, 1), onInput: (v) => put({ ratio: v }),
  });
  ui.controls.append(published, width.node, depth.node, ratio.node, html("div", { class: "bs-control bs-jumps" },
    button({ label: "As in Appendix E: d_FF = 3072", onClick: () => put({ d_emb: 1024, layers: 24, ratio: 3 }) })));
  ui.controls.before(verdict.node);

  function drawBars(counts, w) {
    const most = Math.max(counts.total, counts.paperTotal);
    const x = linear([0, most], [6, w - 66]);
    const lists = [PARTS.map(([name]) => counts.parts[name]), PARTS.map(([name]) => counts.paper[name] ?? 0)];
    rows.forEach((row, i) => {
      const top = 20 + i * 72;
      let from = 0;
      row.pieces.forEach((piece, j) => {
        amend(piece, { x: x(from), y: top, width: Math.max(0, x(from + lists[i][j]) - x(from)) });
        from += lists[i][j];
      });
      amend(row.name, { x: 6, y: top - 6 });
      amend(row.total, { x: x(from) + 6, y: top + 18, text: millions(from) });
    });
    const [left, right] = [x(0), x(counts.blocks)];
    amend(bracket, { d: `M${left},50V55H${right.toFixed(1)}V50` });
    amend(bracketText, { x: Math.max((left + right) / 2, 40), y: 68 });
  }

  function drawDial(counts, w) {
    const x = linear(DIAL, [24, w - 24]);
    const middle = 36;
    dialAxis.replaceChildren(svg("line", { class: "bs-axis", x1: x(DIAL[0]), x2: x(DIAL[1]), y1: middle, y2: middle }),
      ...Array.from({ length: DIAL[1] - DIAL[0] + 1 }, (_, k) => DIAL[0] + k).flatMap((v) => [
        svg("line", { class: "bs-axis", x1: x(v), x2: x(v), y1: middle - 4, y2: middle + 4 }),
        ...(v % 2 === 0 ? [svg("text", { class: "bs-tick", x: x(v), y: middle + 50, "text-anchor": "middle", text: String(v) })] : [])]));
    for (const { value, anchor, mark, text } of marks) {
      amend(mark, { transform: `translate(${x(value).toFixed(1)},${middle + 2})` });
      amend(text, { x: x(value) + (anchor === "end" ? 4 : -4), y: middle + 30 });
    }
    amend(pointer, { transform: `translate(${x(counts.constant).toFixed(1)},${middle - 2})` });
    amend(pointerText, { x: Math.min(Math.max(x(counts.constant), 44), w - 44), y: middle - 20, text: `A = ${fixed(counts.constant, 3)}` });
  }

  function draw() {
    const [d, l, share] = [model.get("d_emb"), model.get("layers"), model.get("ratio")];
    const f = Math.round(share * d);
    const counts = gpt2Counts(d, l, f);
    const [barWidth, dialWidth] = [bars.box.clientWidth, dial.box.clientWidth];
    if (barWidth) { drawBars(counts, barWidth); drawDial(counts, dialWidth); }
    const known = Object.entries(SHAPES).find(([, shape]) => shape[0] === d && shape[1] === l)?.[0];
    const real = known && share === 4;
    bars.setTitle(`Width ${whole(d)}, ${l} layers, feed-forward width ${whole(f)}`);
    for (const [name, node] of sizes) node.setAttribute("aria-pressed", String(Boolean(real) && name === known));
    width.set(d);
    depth.set(l);
    ratio.set(share);
    verdict.set([[real ? `This is GPT-2 ${known}: ${millions(counts.total)} parameters`
      : known ? `Not GPT-2 ${known}: its feed-forward width is ${whole(4 * d)}` : "Not one of the four published GPT-2s", Boolean(real)]]);
    ui.readout([
      ["all", whole(counts.total)], ["N, blocks", whole(counts.blocks)], ["N, App. E", whole(counts.paperTotal)],
      ["A", fixed(counts.constant, 4)], ["A, App. E", fixed(counts.paperConstant, 4)],
    ]);
    ui.say(`Width ${whole(d)}, ${l} layers, feed-forward width ${whole(f)}: ${whole(counts.total)} parameters, ${whole(counts.blocks)} of them in the blocks; ` +
      `A is ${fixed(counts.constant, 3)}, by Appendix E ${fixed(counts.paperConstant, 3)}.`);
    const told = report(model, "summary", {
      total: counts.total, blocks: counts.blocks, per_block: counts.perBlock, constant: counts.constant, paper_total: counts.paperTotal,
      paper_constant: counts.paperConstant, parts: counts.parts,
    });
    if (told) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [listen(model, ["d_emb", "layers", "ratio"], repaint), onWidth(ui.stage, () => repaint()), () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
