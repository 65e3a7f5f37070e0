// Question-Formation as a distribution over lines: what may come after the words so far, and what that costs. The grammar
// itself, its words and its weights come from Python (corpora/grammar.py); corpora/language.py has the same mathematics.
//
// A sentence is one of 272 forms, strings of categories, and independent uniform words. So the words read so far leave some
// forms possible, each with a weight, and the probabilities of the next word are a mean over those.

export const END = "<end>";

/** All trees below a symbol, {symbol, parts}, in the order of Python's itertools.product: the last part changes first. */
export function derivations(productions, symbol = "S") {
  if (!(symbol in productions)) return [{ symbol, parts: [] }];
  return productions[symbol].flatMap(([, right]) => {
    let found = [[]];
    for (const part of right.split(" ")) {
      const below = derivations(productions, part);
      found = found.flatMap((before) => below.map((tree) => [...before, tree]));
    }
    return found.map((parts) => ({ symbol, parts }));
  });
}

/** The categories of a tree's words, from left to right. */
export function leaves({ symbol, parts }) {
  return parts.length ? parts.flatMap(leaves) : [symbol];
}

/** A sentence's tree with its main auxiliary, the first word of the verb phrase, at the front, and another mark at the end. */
function asQuestion({ symbol, parts: [subject, predicate] }, mark) {
  const [auxiliary, ...rest] = predicate.parts;
  return { symbol, parts: [auxiliary, subject, { symbol: predicate.symbol, parts: rest }, { symbol: mark, parts: [] }] };
}

/** One form of a line: slots of a category each. `place`: of the word in the sentence, −1 for a mark or task; `copies`: the
 * earlier slot that it repeats, or −1. The first `given` slots are read, not predicted. */
function lineForm(tree, task, mark, part) {
  const sentence = leaves(tree).map((category, place, all) => ({ category, copies: -1, place: place + 1 < all.length ? place : -1 }));
  if (part === "sentence") return { tree, task: "", slots: sentence, given: 0 };
  const main = leaves(tree.parts[0]).length;
  const body = sentence.slice(0, -1);
  const moved = task === "quest" ? [body[main], ...body.filter((slot) => slot.place !== main)] : body;
  const end = { category: mark, copies: -1, place: -1 };
  if (part === "question") return { tree: asQuestion(tree, mark), task: "", slots: [...moved, end], given: 0 };
  const output = moved.map(({ category, place }) => ({ category, copies: place, place }));
  const slots = [...sentence, { category: task, copies: -1, place: -1 }, ...output, end];
  return { tree, task, slots, given: part === "answer" ? sentence.length + 1 : 0 };
}

/**
 * The forms of a part of the lines, their probabilities adding up to 1, and where they come from.
 * @param {{productions: Object, tasks: Object<string, string>}} grammar tasks: the task's word -> the mark that ends its output
 * @param {Object<string, number[]>} weights task -> probability of every derivation of a sentence, in their order
 * @param {"line" | "sentence" | "question" | "answer"} part as in Python's Variant
 * @returns {{forms: {tree, task, slots, given, probability}[], sources: {form, sentence: string[], probability}[]}} sources: one
 *   for each task and derivation of a whole line, with its form in this part, or null if the part has no such line
 */
export function lineForms({ productions, tasks }, weights, part) {
  const trees = derivations(productions);
  const named = new Map();
  const sources = [];
  for (const [task, mark] of Object.entries(tasks)) {
    trees.forEach((tree, number) => {
      const probability = weights[task][number];
      if (!(probability > 0)) return;
      let form = null;
      if (part !== "question" || task === "quest") {
        const found = lineForm(tree, task, mark, part);
        const name = found.slots.map(({ category }) => category).join(" ");
        if (!named.has(name)) named.set(name, { ...found, probability: 0 });
        form = named.get(name);
        form.probability += probability;
      }
      sources.push({ form, sentence: leaves(tree).slice(0, -1), probability });
    });
  }
  const forms = [...named.values()];
  const total = forms.reduce((sum, form) => sum + form.probability, 0);
  for (const form of forms) form.probability /= total;
  return { forms, sources };
}

/** Random numbers in [0, 1), the same for the same seed (mulberry32, its seed scrambled). */
export function randomNumbers(seed) {
  let a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  a ^= a >>> 16;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Entropy of the next token, and surprisal of the one that came, in nats, from weights of the options. */
export function cost(options, token) {
  // What is certain costs nothing, not the rounding of a sum.
  if (options.size === 1) return { entropy: 0, surprisal: options.has(token) ? 0 : Infinity };
  let total = 0;
  for (const weight of options.values()) total += weight;
  let entropy = 0;
  for (const weight of options.values()) entropy -= (weight / total) * Math.log(weight / total);
  return { entropy, surprisal: -Math.log((options.get(token) ?? 0) / total) };
}

/**
 * A word spelled: the cost of each character given all before it, the space that follows the word included.
 * @param {Map<string, number>} options weight of every word that could stand here
 * @param {boolean} last whether the line ends with the word, so that no space follows
 * @returns {{character: string, entropy: number, surprisal: number}[]}
 */
export function spell(options, word, last) {
  const close = last ? "" : " ";
  let left = [...options].map(([other, weight]) => [other + close, weight]);
  return [...(word + close)].map((character, place) => {
    const next = new Map();
    for (const [other, weight] of left) next.set(other[place], (next.get(other[place]) ?? 0) + weight);
    left = left.filter(([other]) => other[place] === character);
    return { character, ...cost(next, character) };
  });
}

/**
 * The lines of a part as a distribution.
 * @param {{grammar: Object, categories: Object<string, string[]>, weights: Object<string, number[]>, part: string}} options as for
 *   lineForms(); categories: the words of each
 */
export function language({ grammar, categories, weights, part }) {
  const { forms, sources } = lineForms(grammar, weights, part);
  const categoryOf = new Map(Object.entries(categories).flatMap(([category, words]) => words.map((word) => [word, category])));
  const choices = ({ category, copies }) => (copies < 0 ? categories[category].length : 1);
  const edges = new Float64Array(sources.length);
  sources.reduce((sum, { probability }, k) => { edges[k] = sum + probability; return edges[k]; }, 0);

  /** The number of the first edge above u. */
  function above(u) {
    let [low, high] = [0, edges.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] > u) high = middle; else low = middle + 1;
    }
    return low;
  }

  /** The source of the line of a number, and the random numbers that choose its words. */
  function choose(seed) {
    const random = randomNumbers(seed);
    let source = sources[above(random())];
    while (!source.form) source = sources[above(random())];
    return { source, random };
  }

  /** The line of a number: {form, words}. A number has the same sentence in every part that has it. */
  function draw(seed) {
    const { source: { form, sentence }, random } = choose(seed);
    const told = sentence.map((category) => categories[category][Math.floor(random() * categories[category].length)]);
    return { form, words: form.slots.map(({ category, place }) => (place < 0 ? category : told[place])) };
  }

  /** What could stand at each place of a line, its end included: a Map from word to probability for each. */
  function read(words) {
    let alive = forms.map((form) => ({ form, weight: form.probability }));
    const steps = [];
    for (let place = 0; place <= words.length; place += 1) {
      const options = new Map();
      const fresh = new Map();
      const add = (map, key, weight) => map.set(key, (map.get(key) ?? 0) + weight);
      for (const { form, weight } of alive) {
        const slot = form.slots[place];
        if (!slot) add(options, END, weight);
        else if (slot.copies < 0) add(fresh, slot.category, weight / choices(slot));
        else add(options, words[slot.copies], weight);
      }
      for (const [category, weight] of fresh) for (const word of categories[category]) add(options, word, weight);
      const total = alive.reduce((sum, { weight }) => sum + weight, 0);
      for (const [word, weight] of options) options.set(word, weight / total);
      steps.push(options);
      const word = words[place];
      alive = alive.filter(({ form }) => {
        const slot = form.slots[place];
        return slot && (slot.copies < 0 ? categoryOf.get(word) === slot.category : words[slot.copies] === word);
      }).map(({ form, weight }) => ({ form, weight: weight / choices(form.slots[place]) }));
    }
    return steps;
  }

  /** Entropy in nats of as many first words of a form as `count` says; words before and after the split tell the form. */
  function entropyOf(count) {
    const groups = new Map();
    for (const form of forms) {
      const slots = form.slots.slice(0, count(form));
      const name = slots.map(({ category, copies }) => `${category}${copies}`).join(" ");
      const group = groups.get(name) ?? { probability: 0, words: slots.reduce((sum, slot) => sum + Math.log(choices(slot)), 0) };
      group.probability += form.probability;
      groups.set(name, group);
    }
    return [...groups.values()].reduce((sum, { probability, words }) => sum + probability * (words - Math.log(probability)), 0);
  }
  // Given the words that are read: no cost of theirs.
  const nats = Math.max(0, entropyOf(({ slots }) => slots.length) - (forms[0].given ? entropyOf(({ given }) => given) : 0));

  /** Targets of a line on average. units: "words" or "characters"; end: whether the end of the line is one. */
  function targets(units, end) {
    const length = Object.fromEntries(Object.entries(categories)
      .map(([category, words]) => [category, words.reduce((sum, word) => sum + word.length, 0) / words.length]));
    return Number(end) + forms.reduce((sum, { slots, given, probability }) => {
      const predicted = slots.slice(given);
      const characters = predicted.reduce((all, { category }) => all + length[category], predicted.length - 1);
      return sum + probability * (units === "characters" ? characters : predicted.length);
    }, 0);
  }

  return { forms, sources, categories, categoryOf, choose, draw, read, nats, targets };
}

/**
 * A table of different lines, each as probable as the next: all that a model knows which has memorised them. The first m of
 * its lines are those of draw(0), draw(1), ... without repetitions.
 */
export function memory(lines) {
  const vocabulary = Object.values(lines.categories).flat();
  const numberOf = new Map(vocabulary.map((word, number) => [word, number]));
  const over = vocabulary.length; // the number of the end
  const width = Math.max(...lines.forms.map(({ slots }) => slots.length)) + 1;
  let rows = new Uint8Array(1024 * width);
  let size = 0;
  let next = 0;
  const seen = new Map(); // a line's hash -> its row
  const lengths = { words: [0], characters: [0] }; // targets of the first rows together, ends left out

  // Categories as numbers, so that a line is drawn without a string.
  const first = Object.fromEntries(Object.entries(lines.categories).map(([category, [word]]) => [category, numberOf.get(word)]));
  const plans = new Map(lines.sources.map((source) => [source, {
    starts: Int32Array.from(source.sentence, (category) => first[category]),
    counts: Int32Array.from(source.sentence, (category) => lines.categories[category].length),
    order: source.form && Int32Array.from(source.form.slots, ({ category, place }) => (place < 0 ? -1 - first[category] : place)),
    given: source.form?.given,
  }]));
  const told = new Uint8Array(width);

  const hashAt = (at) => {
    let [a, b] = [0x9e3779b9, 0x85ebca6b];
    for (let place = at; place < at + width; place += 1) {
      a = Math.imul(a ^ rows[place], 0x01000193);
      b = Math.imul(b ^ rows[place], 0x5bd1e995) ^ (b >>> 15);
    }
    return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff);
  };
  /** Targets of `count` numbers of words from a place of the table on, spaces between words counted as characters. */
  function lengthOf(at, count) {
    let characters = count - 1;
    for (let place = at; place < at + count; place += 1) characters += vocabulary[rows[place]].length;
    return { words: count, characters };
  }
  function room() {
    if ((size + 1) * width <= rows.length) return;
    const more = new Uint8Array(2 * rows.length);
    more.set(rows);
    rows = more;
  }

  /** Draw on until there are m lines, for at most so many milliseconds. Returns whether there are. */
  function fill(m, milliseconds = Infinity) {
    const until = performance.now() + milliseconds;
    while (size < m) {
      if (next % 256 === 255 && performance.now() > until) return false;
      room();
      const at = size * width;
      const { source, random } = lines.choose(next);
      const { starts, counts, order, given } = plans.get(source);
      for (let k = 0; k < starts.length; k += 1) told[k] = starts[k] + Math.floor(random() * counts[k]);
      for (let k = 0; k < order.length; k += 1) rows[at + k] = order[k] < 0 ? -1 - order[k] : told[order[k]];
      rows.fill(over, at + order.length, at + width);
      next += 1;
      const name = hashAt(at);
      if (seen.has(name)) continue; // two lines of one hash would cost the second its place, and there are others
      seen.set(name, size);
      const length = lengthOf(at + given, order.length - given);
      for (const units of ["words", "characters"]) lengths[units].push(lengths[units][size] + length[units]);
      size += 1;
    }
    return true;
  }

  /**
   * A line of the table, read: what could stand at each place, its end included, a Map from word to count for each.
   * @param {string[]} words the line; if it is not among the first m, it takes the place of the last of them
   * @param {number} given how many of its words are no targets
   * @returns {{steps: Map<string, number>[], targets: (units: string, end: boolean) => number}} targets: of the m lines, on average
   */
  function read(words, m, given = 0) {
    fill(m);
    room();
    const at = size * width; // after the last row, for the hash
    for (let place = 0; place < width; place += 1) rows[at + place] = place < words.length ? numberOf.get(words[place]) : over;
    const line = rows.slice(at, at + width);
    const among = (seen.get(hashAt(at)) ?? Infinity) < m;
    let left = among ? m : m - 1;
    const own = among ? { words: 0, characters: 0 } : lengthOf(at + given, words.length - given);
    const targets = (units, end) => (lengths[units][among ? m : m - 1] + own[units]) / m + Number(end);
    const alike = new Int32Array(left);
    for (let row = 0; row < left; row += 1) alike[row] = row * width;
    const counts = new Int32Array(over + 1);
    const steps = [];
    for (let place = 0; place <= words.length; place += 1) {
      counts.fill(0);
      let kept = 0;
      for (let k = 0; k < left; k += 1) {
        const number = rows[alike[k] + place];
        counts[number] += 1;
        if (number === line[place]) { alike[kept] = alike[k]; kept += 1; }
      }
      left = kept;
      if (!among) counts[line[place]] += 1;
      const options = new Map();
      counts.forEach((count, number) => { if (count) options.set(number === over ? END : vocabulary[number], count); });
      steps.push(options);
    }
    return { steps, targets };
  }

  return { fill, read, size: () => size };
}
