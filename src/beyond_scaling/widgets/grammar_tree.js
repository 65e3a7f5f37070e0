// A line of the Question-Formation grammar: its derivation, the entropy of every choice in it, and the loss to expect. The
// paper's prediction is 1 nat per token for every variant; the entropy's is another number for each.
import { amend, answerAfter, haloed, listen, markKey, plotBox, report, shown, stroke, styled, swatch } from "./curves.js";
import { END, cost, language, memory, spell } from "./grammar.js";
import { axesWith, powerOfTen } from "./log_axis.js";
import { button, checkbox, fixed, frame, handle, html, linear, onWidth, repainter, saver, segmented, slider, svg } from "./ui.js";

const PAPER = 1; // Proposition 4: nats per token
const RATES = [0, 3]; // nats per token in the upper plot
const NATS = [0, 5]; // nats per choice
const SPELT = 2.8; // nats per character, of a cell's height
const TREE = 418; // height of the tree in pixels
const TOP = 22;
const ROW = [17, 44]; // least and greatest height of its rows
const DEPTH = 4; // S, VP, NP, RC
const LANES = { paper: 17, entropy: 43, line: 67, guess: 90 };
const LEAST_LINES = 2; // log10
const MOST_LINES = 5;
const LONGEST = 16; // characters of a word and the space after it
const LISTED = 13; // words of a category that are written out
const SLICE = 8; // milliseconds that a frame may draw lines to memorise

const PARTS = [["line", "whole line"], ["sentence", "sentence only"], ["question", "question only"], ["answer", "output, given the sentence"]];
const TITLES = {
  line: "A sentence, as the grammar derives it", sentence: "A sentence, as the grammar derives it", question: "A question, as the grammar derives it",
  answer: "The sentence: only read here, not predicted",
};
const CATEGORIES = {
  Det: "determiner", N_sg: "noun, singular", N_pl: "noun, plural", Aux_sg: "auxiliary", Aux_pl: "auxiliary", Prep: "preposition",
  Rel: "relative pronoun", V_intr: "verb without object", V_tr: "verb with object", ".": "full stop", "?": "question mark",
  quest: "task: ask", decl: "task: repeat", [END]: "end of the line",
};

const whole = (v) => v.toLocaleString("en-US");
/** A symbol without its number or role, as it is drawn: NP_sg is NP. */
const bare = (symbol) => symbol.split("_")[0];
const times = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;

/** A tree without the nodes that have but one part, and with its words numbered: {symbol, parts, row}. */
function numbered(tree, counter = { row: 0 }) {
  if (tree.parts.length === 1) return numbered(tree.parts[0], counter);
  if (!tree.parts.length) { counter.row += 1; return { symbol: tree.symbol, parts: [], row: counter.row - 1 }; }
  return { symbol: tree.symbol, parts: tree.parts.map((part) => numbered(part, counter)) };
}

function render({ model, el }) {
  const ui = frame(el, {
    title: "What does a token cost?",
    hint: "Flip a switch. One of the two bars will not move.",
    two: true,
  });
  ui.root.classList.add("bs-roomy", "bs-grammar");
  const ink = (name) => `var(--bs-${name})`;
  const save = saver(model);
  const put = (traits) => { model.set(traits); save(); };
  const VARIANT = ["part", "units", "nouns", "weighting", "memorised", "end"];

  // --- what is hidden until the reader has guessed
  const answer = answerAfter(model, VARIANT, () => repaint());
  let told = false; // whether the reader asked for the answer
  const known = () => told || answer.open();

  // --- state: the language of a variant, its table of memorised lines, the line shown
  const grammar = { productions: model.get("productions"), tasks: model.get("tasks") };
  const allWords = model.get("words");
  let lines = null;
  let table = null;
  let linesName = "";
  let line = null; // {form, words, steps}
  let lineName = "";
  function prepare() {
    const [part, nouns, weighting] = ["part", "nouns", "weighting"].map((name) => model.get(name));
    const name = [part, nouns, weighting].join();
    if (name !== linesName) {
      linesName = name;
      const count = nouns * (allWords.N_sg.length / 4);
      const categories = { ...allWords, N_sg: allWords.N_sg.slice(0, count), N_pl: allWords.N_pl.slice(0, count) };
      lines = language({ grammar, categories, weights: model.get("weights")[weighting], part });
      table = memory(lines);
    }
    const shownName = `${name},${model.get("seed")}`;
    if (shownName !== lineName) {
      lineName = shownName;
      line = lines.draw(model.get("seed"));
      line.steps = lines.read(line.words);
    }
  }

  /** What every token of the line costs, as a language or a table of memorised lines has it. */
  function account() {
    const { words, form } = line;
    const units = model.get("units");
    const end = model.get("end");
    const m = model.get("memorised");
    const ready = m === 0 || table.fill(m, SLICE);
    // Until there are as many lines as were asked for, those that there are stand for them.
    const learnt = m === 0 ? null : table.read(words, ready ? m : table.size(), form.given);
    const steps = learnt ? learnt.steps : line.steps;
    const rows = [...words, END].map((word, place) => {
      const last = place === words.length - 1;
      const row = { word, options: steps[place], read: place < form.given, ...cost(steps[place], word) };
      if (units === "characters" && word !== END) row.characters = spell(steps[place], word, last);
      return row;
    });
    const counted = rows.filter(({ word, read }) => !read && (word !== END || end));
    const tokens = counted.flatMap((row) => row.characters ?? [{ character: row.word, entropy: row.entropy, surprisal: row.surprisal }]);
    const nats = !learnt ? lines.nats : form.given ? 0 : Math.log(m);
    const targets = (learnt ?? lines).targets(units, end);
    const total = tokens.reduce((sum, { surprisal }) => sum + surprisal, 0);
    return { rows, tokens, total, nats, targets, predicted: nats / targets, ready, m };
  }

  // --- the two predictions
  const rates = plotBox({ title: "Loss to expect, nats per token", label: "What the paper and what the entropy predict, in nats per token", height: 112 });
  const guessLabel = styled("text", { x: 0, y: LANES.guess + 4, text: "your guess" }, { fill: ink("accent"), "font-weight": 600 });
  const rateAxes = svg("g");
  const lane = (name, text, colour, height, opacity = 1) => {
    const bar = styled("rect", { y: LANES[name] - height / 2, height, rx: 3 }, { fill: colour, "fill-opacity": opacity });
    const label = styled("text", { x: 0, y: LANES[name] + 4, text }, { "font-weight": name === "line" ? 400 : 600 });
    const value = haloed("", { y: LANES[name] + 4 }, name === "line" ? ink("muted") : colour, 650);
    bar.classList.add("bs-glide");
    value.classList.add("bs-glide");
    return { bar, label, value };
  };
  const lanes = {
    paper: lane("paper", "the paper", ink("mchn"), 16), entropy: lane("entropy", "entropy", ink("energy"), 16),
    line: lane("line", "this line", ink("energy"), 7, 0.55),
  };
  const visits = svg("g", { "aria-hidden": "true" });
  const fresh = styled("rect", { y: LANES.entropy - 8, height: 16, rx: 3, "stroke-dasharray": "3 3" }, { fill: "none", stroke: ink("energy"), "stroke-width": "1.4px" });
  const guess = handle(rates.board, {
    label: () => `Your guess: ${fixed(model.get("guess"), 2)} nats per token`, colour: ink("accent"), horizontal: true, shape: "diamond", radius: 7,
    onMove: (px) => putGuess(scales.rate.invert(px)),
    onKey: (dx, dy) => putGuess(model.get("guess") + 0.1 * (dx + dy)),
  });
  const putGuess = (v) => put({ guess: Math.round(100 * Math.min(Math.max(v, RATES[0]), RATES[1])) / 100 });
  const guessText = haloed("", { y: LANES.guess + 4 }, ink("accent"));
  rates.board.append(rateAxes, visits, fresh, ...Object.values(lanes).flatMap(({ bar, label, value }) => [bar, label, value]), guessLabel, guessText, guess.node);

  // --- the tree
  const tree = plotBox({ title: " ", label: "The derivation of the words shown, with the entropy of the choice at each", height: TREE });
  const branches = svg("g", { "aria-hidden": "true" });
  const grid = svg("g", { "aria-hidden": "true" });
  const bars = svg("g");
  const mark = styled("rect", { rx: 5 }, { fill: ink("panel"), stroke: ink("line"), "stroke-width": "1px" });
  tree.board.append(mark, grid, branches, bars);
  tree.board.style.cursor = "pointer";
  tree.board.addEventListener("click", (event) => {
    const place = Math.floor((event.clientY - tree.board.getBoundingClientRect().top - TOP) / scales.row);
    if (place >= 0 && place < rowsInTree()) put({ position: place });
  });
  const wordKey = markKey([
    ["entropy of the choice", swatch(ink("energy"), "none", { opacity: 0.8 })],
    ["cost of the word that came, −log p", styled("circle", { r: 4.5 }, { fill: ink("accent"), stroke: ink("ground"), "stroke-width": "1.5px" })],
    ["the paper’s mean", stroke(ink("mchn"), { dash: "5 3", width: 1.8 })],
  ]);
  const letterKey = markKey([["entropy of the next character, up to 2.8 nats", swatch(ink("energy"), "none", { opacity: 0.42 })]]);
  const left = html("div", {}, tree.node, html("div", { class: "bs-keys" }, wordKey, letterKey));

  // --- what comes after the tree, and the choice at one word
  const restTitle = html("p", { class: "bs-plot-title" });
  const rest = html("div", { class: "bs-words" });
  const place = slider({
    label: "Word", min: 0, max: 40, step: 1, value: model.get("position"), format: (v) => (line ? `${v + 1} of ${line.words.length + 1}` : ""),
    onInput: (v) => put({ position: v }),
  });
  const before = html("p", { class: "bs-before" });
  const choiceText = html("p", { class: "bs-choice-text" });
  const choices = html("div", { class: "bs-choices" });
  const right = html("div", { class: "bs-stack" }, html("div", { class: "bs-rest" }, restTitle, rest),
    html("div", { class: "bs-choice" }, html("p", { class: "bs-plot-title", text: "What could stand here?" }), place.node, before, choiceText, choices));
  ui.stage.append(left, right);

  // --- switches
  const part = segmented({ label: "Tokens to predict", options: PARTS, value: model.get("part"), onChange: (v) => put({ part: v }) });
  const units = segmented({
    label: "A token is a", options: [["words", "word"], ["characters", "character"]], value: model.get("units"), onChange: (v) => put({ units: v }),
  });
  const nouns = segmented({
    label: "Nouns", options: [1, 2, 3, 4].map((k) => [k, String((k * allWords.N_sg.length) / 4)]), value: model.get("nouns"), onChange: (v) => put({ nouns: v }),
  });
  const weighting = segmented({
    label: "Frequencies", options: [["uniform", "the grammar’s"], ["released", "the data’s"]], value: model.get("weighting"), onChange: (v) => put({ weighting: v }),
  });
  const linesText = (m) => (m === 0 ? "none" : Number.isInteger(Math.log10(m)) ? powerOfTen(Math.log10(m)) : whole(m));
  const memorised = slider({
    label: "Lines memorised", min: LEAST_LINES - 0.1, max: MOST_LINES, step: 0.05, value: LEAST_LINES - 0.1, format: () => linesText(model.get("memorised")),
    onInput: (v) => put({ memorised: v < LEAST_LINES - 0.01 ? 0 : Number((10 ** v).toPrecision(2)) }),
  });
  const end = checkbox({ label: "Count the line’s end", value: model.get("end"), onChange: (v) => put({ end: v }) });
  ui.stage.before(html("div", { class: "bs-controls bs-switches" }, part.node, units.node, nouns.node, end.node, weighting.node, memorised.node), rates.node, ui.controls);
  const back = button({ label: "Line before", onClick: () => put({ seed: Math.max(0, model.get("seed") - 1) }) });
  const reveal = button({ label: "Show the entropies", onClick: () => { told = true; repaint(); } });
  ui.controls.classList.add("bs-switches");
  ui.controls.append(button({ label: "Another line", onClick: () => put({ seed: (model.get("seed") + 1) % 2 ** 31 }) }), back, reveal);

  /** Rows of the tree: the words that are chosen, and the task; an output's words are only repeated. */
  const rowsInTree = () => (line.form.task ? line.words.indexOf(line.form.task) + 1 : line.words.length);
  const scales = {};

  // --- drawing
  let rateSize = "";
  const visited = new Map(); // variant -> nats per token
  function drawRates({ predicted, total, tokens, m }) {
    const w = rates.box.clientWidth;
    const narrow = w < 420;
    const asked = model.get("predict");
    const bottom = asked ? 104 : 80;
    if ([w, asked].join() !== rateSize) {
      rateSize = [w, asked].join();
      rates.box.style.height = `${bottom + 32}px`;
      scales.rate = linear(RATES, [76, w - (narrow ? 12 : 54)]);
      const ticks = Array.from({ length: 7 }, (_, k) => k / 2).filter((v) => !narrow || Number.isInteger(v));
      axesWith(rateAxes, scales.rate, linear([0, 1], [bottom, 4]), { xTicks: ticks.map((v) => [v, fixed(v, narrow ? 0 : 1)]), yTicks: [] });
    }
    const hidden = !known();
    const values = { paper: PAPER, entropy: predicted, line: tokens.length ? total / tokens.length : 0 };
    for (const [name, { bar, value }] of Object.entries(lanes)) {
      const to = scales.rate(Math.min(values[name], RATES[1]));
      amend(bar, { x: scales.rate(0) });
      bar.style.width = `${Math.max(to - scales.rate(0), 1.5).toFixed(1)}px`;
      value.style.transform = `translateX(${(to + 7).toFixed(1)}px)`;
      amend(value, { text: name === "paper" ? String(PAPER) : fixed(values[name], name === "entropy" ? 3 : 2) });
      for (const node of [bar, value]) shown(node, name === "paper" || !hidden);
    }
    // Where the bar would be with every line new.
    shown(fresh, m > 0 && !hidden);
    if (m > 0) amend(fresh, { x: scales.rate(0), width: scales.rate(lines.nats / lines.targets(model.get("units"), model.get("end"))) - scales.rate(0) });
    if (!hidden) visited.set(VARIANT.filter((name) => name !== "memorised").map((name) => model.get(name)).join() + (m > 0), predicted);
    const marks = visited.size > 1 ? [...visited.values()] : [];
    visits.replaceChildren(...marks.map((v) => styled("line", { x1: scales.rate(v), x2: scales.rate(v), y1: LANES.entropy - 11, y2: LANES.entropy + 11 },
      { stroke: ink("energy"), "stroke-width": "1.6px", "stroke-opacity": 0.45 })));
    const notes = [m > 0 ? "dashed: new lines" : "", marks.length && !narrow ? "marks: tried before" : ""].filter(Boolean);
    rates.setTitle(`Loss to expect, nats per token${hidden || !notes.length ? "" : ` (${notes.join("; ")})`}`);
    for (const node of [guess.node, guessText, guessLabel]) shown(node, asked);
    if (asked) {
      const at = scales.rate(model.get("guess"));
      guess.place(at, LANES.guess);
      guess.relabel();
      const room = scales.rate.range[1] - at > 50;
      amend(guessText, { x: room ? at + 14 : at - 14, "text-anchor": room ? "start" : "end", text: fixed(model.get("guess"), 2) });
    }
  }

  let treeName = "";
  function drawBranches(w) {
    const spelt = model.get("units") === "characters" && known();
    const name = [lineName, w, spelt].join();
    if (name === treeName) return;
    treeName = name;
    const narrow = w < 400;
    const count = rowsInTree();
    scales.row = Math.min(Math.max((TREE - TOP) / count, ROW[0]), ROW[1]);
    const pitch = narrow ? 21 : 31;
    const from = 8;
    const root = numbered(line.form.tree);
    // Room for the deepest of all trees, so that the words of every line stand in the same column.
    const category = from + DEPTH * pitch + (narrow ? 4 : 8);
    scales.word = category + (narrow ? 0 : 34);
    scales.bars = linear(NATS, [scales.word + (narrow ? 106 : 112), w - 40]);
    const middle = (row) => TOP + (row + 0.5) * scales.row;
    const parts = [];
    const texts = [];
    const place = (node, depth) => {
      if (!node.parts.length) return middle(node.row);
      const heights = node.parts.map((next) => place(next, depth + 1));
      const y = (heights[0] + heights.at(-1)) / 2;
      const x = from + depth * pitch;
      const label = bare(node.symbol);
      const spine = x + pitch / 2;
      const start = x + 3.6 * label.length + (narrow ? 1 : 3);
      parts.push(`M${start.toFixed(1)},${y.toFixed(1)}H${spine.toFixed(1)}`);
      node.parts.forEach((next, k) => {
        const to = next.parts.length ? x + pitch - 3.6 * bare(next.symbol).length - 3 : category - 5 + (next.symbol === "." || next.symbol === "?" ? scales.word - category : 0);
        const rise = heights[k] - y;
        const bend = Math.min(5, Math.abs(rise)) * Math.sign(rise);
        parts.push(`M${spine.toFixed(1)},${y.toFixed(1)}V${(heights[k] - bend).toFixed(1)}q0,${bend.toFixed(1)} ${Math.abs(bend).toFixed(1)},${bend.toFixed(1)}H${to.toFixed(1)}`);
      });
      texts.push(haloed(label, { x, y: y + 4, "text-anchor": "middle", class: "bs-symbol" }, ink("ink"), 650));
      return y;
    };
    place(root, 0);
    const words = line.words.slice(0, count);
    words.forEach((word, row) => {
      const y = middle(row) + 4;
      const named = word === line.form.task ? "task" : bare(lines.categoryOf.get(word));
      if (!narrow && named !== word) texts.push(svg("text", { x: category, y, class: "bs-tick", text: named }));
      if (!spelt) texts.push(styled("text", { x: scales.word, y, text: word, class: "bs-word" }, { "font-weight": 600 }));
    });
    branches.replaceChildren(styled("path", { d: parts.join("") }, { fill: "none", stroke: ink("muted"), "stroke-width": "1.2px", "stroke-opacity": 0.75 }), ...texts);
  }

  function drawBars({ rows }) {
    const count = rowsInTree();
    const hidden = !known();
    const x = scales.bars;
    const bottom = TOP + count * scales.row;
    const spelt = model.get("units") === "characters";
    const position = Math.min(model.get("position"), rows.length - 1);
    shown(mark, position < count);
    amend(mark, { x: scales.word - 6, width: tree.box.clientWidth - scales.word + 5, y: TOP + position * scales.row + 0.5, height: scales.row - 1 });
    // Both legends keep their room, so that nothing below moves.
    wordKey.style.visibility = spelt ? "hidden" : "";
    letterKey.style.visibility = spelt ? "" : "hidden";
    grid.replaceChildren(
      svg("text", { class: "bs-tick", x: tree.box.clientWidth - 5, y: TOP - 8, "text-anchor": "end", text: "nats" }),
      ...(spelt ? [] : [0, 1, 2, 3, 4, 5]).flatMap((v) => [
        styled("line", { x1: x(v), x2: x(v), y1: TOP, y2: bottom }, v === PAPER
          ? { stroke: ink("mchn"), "stroke-width": "1.6px", "stroke-dasharray": "5 3" } : { stroke: ink(v ? "grid" : "line"), "stroke-width": "1px" }),
        svg("text", { class: "bs-tick", x: x(v), y: TOP - 8, "text-anchor": "middle", text: String(v) })]));
    const half = Math.min(scales.row * 0.29, 7);
    const middle = (row) => TOP + (row + 0.5) * scales.row;
    branches.querySelectorAll(".bs-word").forEach((node, row) => { node.style.fill = ink(rows[row].read ? "muted" : "ink"); });
    bars.replaceChildren(...rows.slice(0, count).flatMap((row, k) => {
      const y = middle(k);
      const number = (v) => svg("text", { class: "bs-tick", x: tree.box.clientWidth - 5, y: y + 4, "text-anchor": "end", text: v });
      if (row.read && spelt && !hidden) return [...spelling(row.characters.map(({ character }) => ({ character, entropy: 0, surprisal: 0 })), y), number("read")];
      if (row.read) return [number("read")];
      if (hidden) return [];
      if (spelt) return [...spelling(row.characters, y), number(fixed(row.characters.reduce((sum, { entropy }) => sum + entropy, 0), 2))];
      return [
        styled("rect", { x: x(0), y: y - half, width: Math.max(x(row.entropy) - x(0), 1.5), height: 2 * half, rx: 2.5 }, { fill: ink("energy"), "fill-opacity": 0.8 }),
        styled("circle", { cx: x(Math.min(row.surprisal, NATS[1])), cy: y, r: 4.2 }, { fill: ink("accent"), stroke: ink("ground"), "stroke-width": "1.5px" }),
        number(fixed(row.entropy, 2))];
    }));
  }

  /** A word's letters in place of it, behind each a bar as high as its entropy. */
  function spelling(characters, y) {
    const step = Math.min(11, (tree.box.clientWidth - 38 - scales.word) / LONGEST);
    const full = Math.min(scales.row - 3, 24);
    return characters.flatMap(({ character, entropy, surprisal }, k) => {
      const x = scales.word + (k + 0.5) * step;
      const height = Math.max((full * Math.min(entropy, SPELT)) / SPELT, 1);
      return [
        styled("rect", { x: x - step * 0.44, width: step * 0.88, y: y + full / 2 - height, height, rx: 1.5 }, { fill: ink("energy"), "fill-opacity": 0.42 }),
        styled("text", { x, y: y + 4, "text-anchor": "middle", class: "bs-tick bs-letter", text: character === " " ? "␣" : character },
          { fill: ink(surprisal > 0 ? "ink" : "muted"), "font-weight": surprisal > 0 ? 650 : 400, "font-size": "12px" })];
    });
  }

  function drawRest({ rows }) {
    const count = rowsInTree();
    const position = Math.min(model.get("position"), rows.length - 1);
    const hidden = !known();
    const after = rows.slice(count).filter(({ word }) => word !== END || model.get("end"));
    const nats = after.flatMap((row) => row.characters ?? [row]).reduce((sum, { surprisal }) => sum + surprisal, 0);
    const targets = after.reduce((sum, row) => sum + (row.characters?.length ?? 1), 0);
    restTitle.textContent = line.form.task
      ? `Then the output: ${times(targets, "target")}, ${hidden ? "?" : fixed(nats, 0)} nats` : after.length ? `Then the end: 1 target, ${hidden ? "?" : fixed(nats, 0)} nats` : "Nothing after it";
    rest.replaceChildren(...after.map((row, k) => html("span", {
      class: `bs-chip${count + k === position ? " bs-is-here" : ""}${row.word === END ? " bs-is-end" : ""}`, onclick: () => put({ position: count + k }),
    }, row.word === END ? "end" : row.word, html("span", { class: "bs-track" }, html("span", { style: `width:${hidden ? 0 : (100 * Math.min(row.entropy, NATS[1])) / NATS[1]}%` })))));
  }

  function drawChoice({ rows, m, ready }) {
    const position = Math.min(model.get("position"), rows.length - 1);
    const row = rows[position];
    const hidden = !known();
    place.input.max = rows.length - 1;
    place.set(position);
    const words = rows.slice(Math.max(0, position - 4), position).map(({ word }) => word);
    before.replaceChildren(html("span", { text: `${position > 4 ? "… " : ""}${words.join(" ")} ` }), html("b", { text: row.word === END ? "end" : row.word }));
    let total = 0;
    const groups = new Map();
    for (const [word, weight] of row.options) {
      total += weight;
      const category = word === END ? END : lines.categoryOf.get(word);
      if (!groups.has(category)) groups.set(category, { words: [], weight: 0 });
      groups.get(category).words.push(word);
      groups.get(category).weight += weight;
    }
    const soFar = rows.slice(0, position + 1).filter(({ read, word }) => !read && (word !== END || model.get("end")));
    const tokensSoFar = soFar.flatMap((one) => one.characters ?? [one]);
    const spent = tokensSoFar.reduce((sum, { surprisal }) => sum + surprisal, 0);
    const alike = m > 0 && ready ? `${whole(total)} of the ${whole(m)} lines ${total === 1 ? "begins" : "begin"} so. ` : "";
    const choice = row.options.size === 1 ? "Only this, so it costs nothing."
      : hidden ? `${times(row.options.size, "word")}.` : `${times(row.options.size, "word")}: ${fixed(row.entropy, 2)} nats, and ${fixed(row.surprisal, 2)} for this one.`;
    const paid = hidden ? "" : ` So far ${fixed(spent, 2)} nats in ${times(tokensSoFar.length, "target")}.`;
    choiceText.textContent = alike + choice + paid;
    const sorted = [...groups].sort(([, a], [, b]) => b.weight - a.weight);
    choices.replaceChildren(...sorted.map(([category, { words: options, weight }]) => {
      const listed = options.slice(0, LISTED);
      if (options.includes(row.word) && !listed.includes(row.word)) listed[LISTED - 1] = row.word;
      const more = options.length - listed.length;
      return html("div", {},
        html("div", { class: "bs-option" }, html("span", { text: CATEGORIES[category] ?? category }), html("span", { class: "bs-track" },
          html("span", { style: `width:${(100 * weight) / total}%` })), html("span", { class: "bs-share", text: `${fixed((100 * weight) / total, 1)}%` })),
        html("p", {}, ...listed.flatMap((word, k) => [k ? " " : "", word === row.word ? html("b", { text: word === END ? "end" : word }) : document.createTextNode(word)]).filter(Boolean),
          more > 0 ? document.createTextNode(` … ${more} more`) : null));
    }));
  }

  let drawn = null; // the variant as last drawn
  function draw() {
    prepare();
    const found = account();
    const { predicted, nats, targets, total, tokens, m, ready } = found;
    const hidden = !known();
    // A bar glides when a switch is flipped; under a slider it must keep up.
    const variant = Object.fromEntries(VARIANT.map((name) => [name, model.get(name)]));
    const dragged = drawn === null || (drawn.memorised > 0 && m > 0 && drawn.memorised !== m) || !ready;
    ui.root.classList.toggle("bs-still", dragged);
    drawn = variant;

    if (tree.box.clientWidth) {
      drawRates(found);
      drawBranches(tree.box.clientWidth);
      drawBars(found);
    }
    drawRest(found);
    drawChoice(found);
    tree.setTitle(TITLES[variant.part]);
    part.set(variant.part);
    units.set(variant.units);
    nouns.set(variant.nouns);
    weighting.set(variant.weighting);
    memorised.set(m === 0 ? LEAST_LINES - 0.1 : Math.max(LEAST_LINES, Number(Math.log10(m).toFixed(4))));
    end.set(variant.end);
    back.disabled = model.get("seed") === 0;
    shown(reveal, model.get("predict"));
    reveal.disabled = !hidden;

    const number = (v, digits) => (hidden ? "?" : fixed(v, digits));
    ui.readout([
      ["entropy predicts", number(predicted, 4)], ["the paper predicts", String(PAPER)], ["nats per line", number(nats, 2)], ["targets per line", fixed(targets, 2)],
      ["this line, nats", number(total, 2)], ["this line, targets", String(tokens.length)], ["this line, per target", number(tokens.length ? total / tokens.length : 0, 3)],
    ]);
    const what = { line: "line", sentence: "sentence", question: "question", answer: "line" }[variant.part];
    const subject = variant.part === "answer" ? "Once its sentence and task are read, an output" : m === 0 ? `A new ${what}` : `One of ${whole(m)} memorised ${what}s`;
    ui.say(hidden ? "Predict: how many nats per token will it be? Drag the diamond, then ask."
      : `${subject} costs ${fixed(nats, 2)} nats over ${fixed(targets, 1)} targets on average: ${fixed(predicted, 3)} nats per token. The paper says ${PAPER}.`
        + (model.get("predict") ? ` You guessed ${fixed(model.get("guess"), 2)}.` : ""));
    if (!ready) { repaint(); return; }
    const summary = {
      nats, targets, predicted, line: line.words.join(" "), tokens: tokens.map(({ character }) => character), entropy: tokens.map(({ entropy }) => entropy),
      surprisal: tokens.map(({ surprisal }) => surprisal), line_nats: total, line_targets: tokens.length,
    };
    if (report(model, "summary", summary)) save();
  }

  const repaint = repainter(ui.root, draw);
  const stops = [
    answer.stop, listen(model, ["seed", "position", "guess"], repaint), listen(model, ["predict"], () => { told = false; }), onWidth(ui.stage, () => repaint()),
    () => repaint.stop(), () => save.stop()];
  repaint();
  return () => { for (const stop of stops) stop(); };
}

export default { render };
