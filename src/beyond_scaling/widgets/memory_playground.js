// A memory to play with: images to store, one to spoil, and the zoo's networks that retrieve it side by side.
import { listen, report } from "./curves.js";
import { memoryCard } from "./memory_card.js";
import { imageGallery, imagePad, pixelPainter } from "./memory_pad.js";
import { countedEnds, endOf, endWords, plural } from "./memory_words.js";
import { ZOO } from "./memory_zoo.js";
import { networkKits } from "./network_kits.js";
import { outcomeOf } from "./outcomes.js";
import { BLANK, PIXELS, damageOf, damagedImage, decodeImage, encodeImage, randomCodes } from "./pixels.js";
import { MOST_STEPS, advanceRun, startRun } from "./race.js";
import { button, checkbox, fixed, frame, html, inTurn, onPaper, onPrint, onTheme, onWidth, palette, reducedMotion, saver, segmented, slider } from "./ui.js";

const MOST = 100;
const STEP_MS = 120;
/** Networks start when the reader's hand rests. */
const REST_MS = 350;
const LOG_BETA = [-2, Math.log10(4)];
/** Networks that change entries one after another: a step is shown as it goes over the image. */
const SWEEPS = new Set(["hebb", "pseudo-inverse", "graded", "dense", "exponential"]);
const DAMAGE = ["noise", "seed", "painted", "erased"];
const QUESTION = ["patterns", "names", "stored", "target", ...DAMAGE, "clamped", "beta", "degree", "networks"];
const UNDAMAGED = { noise: 0, painted: Array(PIXELS).fill(0), erased: [] };
const BRUSHES = [["erase", "erase"], ["ink", "ink"], ["paper", "paper"]];

const KEY = "Curve: the energy, step by step, red where it rises. Number at the end: overlap with the image, 1 if it is the image itself. Orange frame: a flipped pixel; hatched: an erased one, which networks get as 0.";

const betaText = (v) => String(Number(v.toPrecision(2)));

function render({ model, el }) {
  const ui = frame(el, {
    title: "A memory to play with",
    hint: "Choose an image, spoil it with the brush or with noise, and watch each network look for it.",
  });
  ui.root.classList.add("bs-memory");
  const save = saver(model);
  const put = (state) => {
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    save();
  };
  const opened = Object.fromEntries(QUESTION.map((name) => [name, model.get(name)]));
  const painter = pixelPainter();
  let colours = {};

  // --- what the traits say
  const codes = () => model.get("patterns");
  const stored = () => Math.min(model.get("stored"), codes().length);
  const target = () => Math.min(model.get("target"), codes().length - 1);
  const codeNow = () => (target() < 0 ? BLANK : codes()[target()]);
  const damage = () => Object.fromEntries(DAMAGE.map((name) => [name, model.get(name)]));
  const called = (i) => model.get("names")[codes()[i]];
  const nameOf = (i) => (called(i) === undefined ? `no. ${i + 1}` : `“${called(i)}”`);
  let query = [];
  let known = null;

  // --- images and query
  let brush = "erase";
  const gallery = imageGallery({
    painter, nameOf: (i) => `image ${i + 1}${called(i) === undefined ? "" : `, “${called(i)}”`}`,
    onChoose: (i) => put({ target: i, painted: UNDAMAGED.painted }), onRemove: (i) => remove(i),
  });
  const pad = imagePad({
    label: "The query, 8 by 8 pixels to paint on",
    onPaint: (pixels) => {
      const painted = [...model.get("painted")];
      const erased = new Set(model.get("erased"));
      for (const k of pixels) {
        if (brush === "erase") erased.add(k);
        else { erased.delete(k); painted[k] = brush === "ink" ? 1 : -1; }
      }
      put({ painted, erased: [...erased].sort((i, j) => i - j) });
    },
  });
  function remove(i) {
    if (i < 0 || codes().length === 1) return;
    const count = i < stored() ? Math.max(stored() - 1, 1) : stored();
    put({ patterns: codes().filter((_, k) => k !== i), stored: count, target: Math.min(i < target() ? target() - 1 : target(), codes().length - 2) });
  }
  /** Store what is on the pad, erased pixels as paper; if it is one of the images, that one. */
  function store() {
    const code = encodeImage(query);
    const at = codes().indexOf(code);
    const count = stored();
    if (at >= 0 && at < count) { put({ target: at, ...UNDAMAGED }); return; }
    if (count === MOST) return;
    const others = at < 0 ? codes() : codes().filter((_, k) => k !== at);
    const patterns = [...others.slice(0, count), code, ...others.slice(count)].slice(0, MOST);
    put({ patterns, stored: count + 1, target: count, ...UNDAMAGED });
  }
  let draws = 0;
  const count = slider({
    label: "Stored", min: 1, max: MOST, step: 1, value: stored(), format: (v) => fixed(v, 0), onInput: (v) => put({ stored: v }),
  });
  const removeButton = button({ label: "Remove image", onClick: () => remove(target()) });
  const storeButton = button({ label: "Store it", onClick: store });
  const sheet = button({ label: "Empty sheet", onClick: () => { put({ target: -1, ...UNDAMAGED }); brush = "ink"; brushes.set(brush); } });
  const random = button({
    label: "Random images", onClick: () => { draws += 1; put({ patterns: randomCodes(MOST, draws), target: Math.max(target(), 0), ...UNDAMAGED }); },
  });
  const back = button({ label: "Reset", onClick: () => { put(opened); } });
  const brushes = segmented({ label: "Brush", options: BRUSHES, value: brush, onChange: (v) => { brush = v; } });
  const noise = slider({
    label: "Flipped", min: 0, max: 0.5, step: 1 / PIXELS, value: model.get("noise"), format: (v) => `${fixed(100 * v, 0)}%`, onInput: (v) => put({ noise: v }),
  });
  const others = button({ label: "Other pixels", onClick: () => put({ seed: (model.get("seed") + 1) % 10000, noise: model.get("noise") || 0.125 }) });
  const half = button({ label: "Erase lower half", onClick: () => put({ erased: [...new Set([...model.get("erased"), ...Array.from({ length: PIXELS / 2 }, (_, k) => k + PIXELS / 2)])].sort((i, j) => i - j) }) });
  const whole = button({ label: "Mend", onClick: () => put(UNDAMAGED) });
  const heading = (text) => html("p", { class: "bs-plot-title", text });
  const poolTitle = heading("");
  const padTitle = heading("");

  // --- the networks
  const cards = new Map(Object.entries(ZOO).map(([key, { name, source }]) => [key, memoryCard({
    name, source, painter, onGuess: (yes) => put({ guesses: Object.keys(ZOO).filter((other) => (other === key ? yes : model.get("guesses").includes(other))) }),
  })]));
  const board = html("ul", { class: "bs-nets", "aria-label": "Networks" });
  let listed = "";
  const play = button({ label: "Play", onClick: () => (running ? pause() : start()) });
  const step = button({ label: "Step", onClick: () => { pause(); tell(); advance(); ask(); } });
  const finish = button({ label: "To the end", onClick: () => { pause(); tell(); hurry(); } });
  const again = button({ label: "Back to the query", onClick: () => { pause(); restart(); ask(); } });
  const beta = slider({
    label: "β", min: LOG_BETA[0], max: LOG_BETA[1], step: 0.01, value: Math.log10(model.get("beta")), format: (v) => betaText(10 ** v),
    onInput: (v) => put({ beta: Math.min(4, Math.max(0.01, Number((10 ** v).toPrecision(3)))) }),
  });
  const degree = slider({ label: "Degree r", min: 2, max: 10, step: 1, value: model.get("degree"), format: (v) => fixed(v, 0), onInput: (v) => put({ degree: v }) });
  const clamped = checkbox({ label: "Only erased pixels may change", value: model.get("clamped"), onChange: (v) => put({ clamped: v }) });
  const predict = checkbox({ label: "Guess first", value: model.get("predict"), onChange: (v) => put({ predict: v }) });
  const choices = new Map(Object.entries(ZOO).map(([key, { name }]) => [key, checkbox({
    label: name, value: true, onChange: (yes) => {
      const chosen = Object.keys(ZOO).filter((other) => (other === key ? yes : model.get("networks").includes(other)));
      if (chosen.length) put({ networks: chosen }); else choices.get(key).set(true);
    },
  })]));
  // On a phone the networks stand right below the hand that paints; the images to choose from come after them.
  ui.stage.append(
    html("div", { class: "bs-easel" }, padTitle, html("div", { class: "bs-easel-pad" }, pad.node, html("div", { class: "bs-stack" }, brushes.node,
      html("div", { class: "bs-buttons", role: "group", "aria-label": "Retrieval" }, play, step, finish, again)))),
    html("div", { class: "bs-networks" }, board, html("p", { class: "bs-hint bs-nets-key", text: KEY })),
    html("div", { class: "bs-damage" }, heading("Damage"), html("div", { class: "bs-stack" }, noise.node, html("div", { class: "bs-buttons" }, others, half, whole),
      html("div", { class: "bs-buttons" }, sheet, storeButton))),
    html("div", { class: "bs-images" }, poolTitle, gallery.node,
      html("div", { class: "bs-controls" }, count.node, html("div", { class: "bs-buttons" }, removeButton, random, back))));
  ui.controls.append(beta.node, degree.node, clamped.node, predict.node);
  ui.controls.after(html("details", { class: "bs-missing" }, html("summary", { text: "Which networks" }),
    html("div", { class: "bs-controls bs-checks" }, ...[...choices.values()].map(({ node }) => node))));

  const kits = networkKits({
    settings: (name) => model.get(name), onKit: (key) => begin(key),
    onSlice: () => {
      if (!kits.busy()) { if (hurried) settle(); else if (!running) tellPython(); }
      ask();
    },
  });

  // --- the race
  let runs = new Map(); // name -> run, {network: text} where there is no network, or {network: null} while it is made
  function begin(key) {
    if (!runs.has(key)) return; // no longer shown
    const network = kits.network(key);
    runs.set(key, typeof network === "string" ? { network } : { ...startRun(network, query), outcome: null });
    if (hurried) while (typeof network !== "string" && !runs.get(key).done) advanceRun(runs.get(key), keptBy(key));
  }
  const live = () => [...runs.values()].filter((run) => run.energies);
  const over = () => !kits.busy() && live().every((run) => run.done);
  function restart() {
    answered = !model.get("predict");
    hurried = false;
    runs = new Map(model.get("networks").map((key) => [key, { network: null }]));
    for (const key of runs.keys()) if (kits.ask(key)) begin(key);
  }
  /** All networks make a step. */
  function advance() {
    kits.hasten();
    for (const [key, run] of runs) stepOf(key, run, performance.now());
    if (over()) settle();
  }
  function stepOf(key, run, now) {
    if (!run.energies) return;
    advanceRun(run, keptBy(key));
    run.since = now;
  }
  /** Those whose time has come make a step. */
  function advanceDue(now) {
    const wasOver = over();
    let place = 0;
    for (const [key, run] of runs) {
      // One after another, so that no frame has the work of all.
      const due = run.since === undefined ? startsAt + (STEP_MS * place) / runs.size : run.since + STEP_MS;
      if (now >= due && !run.done) stepOf(key, run, now);
      place += 1;
    }
    if (over() && !wasOver) settle();
  }
  const keptBy = (key) => (key === "predictive" ? query.map((v) => v !== 0) : known);
  function hurry() {
    hurried = true;
    kits.hasten();
    for (let k = 0; k <= MOST_STEPS && !live().every((run) => run.done); k += 1) advance();
    for (const run of live()) run.before = run.x;
    settle();
    ask();
  }
  let running = false;
  let hurried = false; // those that still learn go to the end as soon as they can
  let startsAt = 0; // when the first step may be made
  let answered = !model.get("predict");
  let touched = false; // by the reader, or by Python
  const autoplays = () => touched && answered && !reducedMotion();
  const tell = () => { answered = true; };
  function start() {
    tell();
    if (over()) restart();
    tell();
    if (reducedMotion()) { hurry(); return; }
    running = true;
    startsAt = performance.now();
    ask();
  }
  function pause() {
    running = false;
    for (const run of live()) run.before = run.x;
    ask();
  }

  // --- words
  const wantedNow = () => (target() < 0 ? null : decodeImage(codeNow()));
  function judged(run) {
    const weights = run.network.weights?.(run.x) ?? null;
    const seen = run.network.view?.(run.x) ?? run.x;
    return outcomeOf(seen, kits.images(), wantedNow(), weights);
  }
  const isStored = () => target() >= 0 && kits.images().length > 0 && codes().slice(0, stored()).includes(codeNow());
  const endIn = (key, run) => endOf(run.outcome.kind, key === "predictive", query.includes(0));
  /** Of a network that has ended: short words for its card, and whether it did well. */
  function worded(key, run) {
    const { found, among } = run.outcome;
    const twin = found !== null && target() >= 0 && called(found) !== undefined && called(found) === called(target());
    return endWords(endIn(key, run), { among, name: found === null ? null : nameOf(found), stored: isStored(), twin });
  }
  const foundIt = (run) => run.outcome.kind === "right";
  const guessedRight = (key, run) => model.get("guesses").includes(key) === foundIt(run);
  function cardWords(key, run) {
    if (run.network === null) return ZOO[key].prepare ? { text: "learning …", foot: "", spoken: "learning its kernel" } : { text: "ready", foot: "", spoken: "the query" };
    if (typeof run.network === "string") return { text: "no room", verdict: "bad", foot: run.network, spoken: `none, the ${run.network}` };
    if (!run.done) return { text: run.steps ? `step ${run.steps}` : "ready", foot: "", spoken: run.steps ? `step ${run.steps}` : "the query" };
    run.outcome ??= judged(run);
    const [text, verdict] = worded(key, run);
    const overlap = fixed(run.outcome.overlap, 2);
    const steps = run.settled ? plural(run.steps, "step") : `${run.steps} steps, moving`;
    const guessed = model.get("predict") ? ` · you ${guessedRight(key, run) ? "✓" : "✗"}` : "";
    return { text, verdict, foot: `${steps} · ${overlap}${guessed}`, spoken: `${text}, ${steps}, overlap ${overlap}` };
  }
  function queryWords() {
    if (target() < 0) return "your drawing";
    const { flipped, unknown } = damageOf(query, wantedNow());
    const parts = [flipped ? `${flipped} flipped` : "", unknown ? `${unknown} erased` : ""].filter(Boolean).join(", ");
    return `${nameOf(target())}${isStored() ? "" : ", not stored"}${parts ? `: ${parts}` : ""}`;
  }
  function settle() {
    const done = [...runs].filter(([, run]) => run.done);
    for (const [, run] of done) run.outcome ??= judged(run);
    if (done.length && answered) {
      const ends = countedEnds(done.map(([key, run]) => endIn(key, run)));
      const hits = done.filter(([key, run]) => guessedRight(key, run)).length;
      ui.say(`${queryWords()}. Of ${plural(done.length, "network")}, ${ends}.${model.get("predict") ? ` You were right about ${hits}.` : ""}`);
    }
    tellPython();
  }
  function tellPython() {
    const told = Object.fromEntries([...runs].map(([key, run]) => {
      if (!run.energies) return [key, { outcome: run.network === null ? "moving" : "none", found: null, steps: 0, settled: false, overlap: null, energy: null }];
      const end = run.done ? (run.outcome ??= judged(run)) : { kind: "moving", found: null, overlap: judged(run).overlap };
      const height = run.energies.at(-1) ?? run.network.energy(run.x);
      return [key, { outcome: end.kind, found: end.found, steps: run.steps, settled: run.settled, overlap: end.overlap, energy: height }];
    }));
    if (report(model, "summary", { stored: stored(), target: target(), query, networks: told })) save();
  }

  // --- drawing
  const mixed = new Float64Array(PIXELS);
  /** The image of a run, `part` of the way from the state before its last step to the present one. */
  function seenOf(key, run, part) {
    if (!run.energies) return query;
    const { before, x } = run;
    if (part >= 1 || before === x) mixed.set(x);
    else if (SWEEPS.has(key)) for (let k = 0; k < PIXELS; k += 1) mixed[k] = k < part * PIXELS ? x[k] : before[k];
    else for (let k = 0; k < PIXELS; k += 1) mixed[k] = before[k] + part * (x[k] - before[k]);
    return run.network.view ? run.network.view(mixed) : mixed;
  }
  function paintCards(now) {
    for (const [key, run] of runs) {
      const card = cards.get(key);
      card.image(seenOf(key, run, run.since === undefined ? 1 : (now - run.since) / STEP_MS));
      const height = run.energies ? `${run.energies.length} ${run.energies.at(-1)}` : "";
      if (run.drawn !== height) {
        run.drawn = height;
        card.spark(run.energies ?? [], colours);
      }
      card.outcome(cardWords(key, run));
    }
  }
  let asked = ""; // the question that the runs answer
  function question() {
    const key = JSON.stringify([...QUESTION.filter((name) => name !== "names"), "predict"].map((name) => model.get(name)));
    if (key === asked) return;
    if (asked) touched = true;
    const pressed = running;
    asked = key;
    kits.gather(codes().slice(0, stored()));
    query = damagedImage(decodeImage(codeNow()), damage());
    known = model.get("clamped") ? query.map((v) => v !== 0) : null;
    restart();
    running = false;
    if (autoplays() || (pressed && answered)) {
      running = true;
      startsAt = performance.now() + REST_MS;
    } else tellPython();
    if (!running) ui.say(`Query: ${queryWords()}. ${plural(stored(), "image")} stored.`);
  }
  function showControls() {
    gallery.set(codes(), stored(), target());
    pad.set(query, wantedNow());
    poolTitle.textContent = `Images: ${stored()} of ${codes().length} stored`;
    padTitle.textContent = `Query: ${queryWords()}`;
    count.input.max = String(codes().length);
    count.set(stored());
    noise.set(model.get("noise"));
    beta.set(Math.log10(model.get("beta")));
    degree.set(model.get("degree"));
    clamped.set(model.get("clamped"));
    predict.set(model.get("predict"));
    cards.get("dense").rename(`Dense, r = ${model.get("degree")}`);
    const shown_ = model.get("networks");
    for (const [key, choice] of choices) choice.set(shown_.includes(key));
    if (listed !== shown_.join()) {
      listed = shown_.join();
      board.replaceChildren(...shown_.map((key) => cards.get(key).node));
      for (const run of runs.values()) run.drawn = null;
    }
    const code = encodeImage(query);
    storeButton.disabled = stored() === MOST || codes().slice(0, stored()).includes(code);
    removeButton.disabled = target() < 0 || codes().length === 1;
    const guessing = !answered;
    for (const key of shown_) cards.get(key).guess(guessing, model.get("guesses").includes(key));
  }
  function showEnd() {
    const text = running ? "Pause" : "Play";
    if (play.textContent !== text) play.textContent = text;
    const ends = live().filter((run) => run.done);
    for (const run of ends) run.outcome ??= judged(run);
    const right = ends.filter(foundIt).length;
    ui.readout([
      ["Stored", `${stored()} images`],
      ["Settled", `${ends.length} of ${runs.size}`],
      ["Found it", answered && ends.length ? `${right} of ${runs.size}` : "?"],
    ]);
  }

  // --- one frame
  let frameId = 0;
  let stale = true; // controls and words, not only moving images
  let begun = false; // the networks' images come a frame after the query
  function tick() {
    frameId = 0;
    const started = performance.now();
    if (!begun) {
      begun = true;
      stale = false;
      question();
      showControls();
      showEnd();
      ask();
      return;
    }
    if (stale) { stale = false; question(); showControls(); }
    if (running) {
      advanceDue(started);
      if (over()) running = false;
    }
    paintCards(started);
    showEnd();
    ui.root.style.visibility = "";
    if (running || live().some((run) => started - run.since < STEP_MS)) frameId = requestAnimationFrame(tick);
    performance.measure("bs-repaint", { start: started, end: performance.now() });
  }
  function ask() {
    stale = true;
    if (onPaper()) tick();
    else if (begun) frameId ||= requestAnimationFrame(tick);
  }
  /** Take the theme's colours, and the room there is. */
  function dress() {
    colours = palette(ui.root);
    painter.dye(colours);
    gallery.repaint();
    for (const run of runs.values()) run.drawn = null;
    ask();
  }
  const stops = [
    listen(model, [...QUESTION, "predict", "guesses"], ask),
    onTheme(dress),
    onPrint(ask),
    onWidth(ui.stage, dress),
    inTurn(tick),
  ];
  return () => {
    cancelAnimationFrame(frameId);
    kits.stop();
    for (const each of stops) each();
    save.stop();
  };
}

export default { render };
