// Which values of a trait a link may set. Python says it for our own widgets (widget_modules.py); for others whatever has the
// form of the value at the start.

const LARGEST = 1e15; // of a number
const LONGEST = 100; // of a text, in characters
const MANY = 16; // of a list, in entries, if it was not longer at the start

function accepts(domain, value, initial) {
  if (domain === "like") return alike(value, initial);
  if (domain === "boolean") return typeof value === "boolean";
  if (domain.among) return domain.among.includes(value);
  if (domain.list) {
    return Array.isArray(value) && value.length >= domain.least && value.length <= domain.most
      && value.every((entry) => accepts(domain.list, entry));
  }
  if (domain.shape) return (value === null && domain.none === true) || shaped(value, domain.shape, domain);
  return typeof value === "number" && value >= domain.from && value <= domain.to
    && (!domain.whole || Number.isInteger(value)) && (!domain.step || value % domain.step === 0);
}

function shaped(value, [length, ...rest], { from, to, rising }) {
  if (length === undefined) return typeof value === "number" && value >= from && value <= to;
  return Array.isArray(value) && (length === null ? value.length >= 1 && value.length <= MANY : value.length === length)
    && value.every((entry) => shaped(entry, rest, { from, to }))
    && (!rising || value.every((entry, i) => i % 2 === 0 || entry > value[i - 1]));
}

function alike(value, initial) {
  if (initial === null || value === null || typeof value !== typeof initial) return value === initial;
  if (typeof value === "number") return Math.abs(value) <= LARGEST;
  if (typeof value === "string") return value.length <= LONGEST;
  if (typeof value === "boolean") return true;
  if (!Array.isArray(value) || !Array.isArray(initial)) return false;
  return value.length <= Math.max(MANY, initial.length) && (initial.length > 0) === (value.length > 0)
    && value.every((entry) => alike(entry, initial[0]));
}

/** The traits of a control that a reader moves. */
const MOVED = { FloatSliderModel: ["value"], IntSliderModel: ["value"], CheckboxModel: ["value"], DropdownModel: ["index"] };
const NOT_SHARED = new Set(["summary", "layout", "tabbable", "tooltip"]);

/** What a link may set in a model: trait to domain. */
function sharedTraits(model) {
  if (model.name !== "AnyModel") return Object.fromEntries((MOVED[model.name] ?? []).map((name) => [name, "like"]));
  const known = globalThis.bsModules?.[model.initial._module]?.traits;
  const names = Object.keys(model.initial).filter((name) => !name.startsWith("_") && !NOT_SHARED.has(name));
  return Object.fromEntries(names.filter((name) => !known || Object.hasOwn(known, name)).map((name) => [name, known?.[name] ?? "like"]));
}

/** What of a model differs from the start and can be put into a link. */
function difference(model) {
  return Object.fromEntries(Object.entries(sharedTraits(model))
    .filter(([name, domain]) => !same(model.state[name], model.initial[name]) && accepts(domain, model.state[name], model.initial[name]))
    .map(([name]) => [name, model.state[name]]));
}

/** Sort what a link says of a model into what may be set and whether anything else was there. */
function sift(model, values) {
  const traits = sharedTraits(model);
  const good = Object.entries(values).filter(([name, value]) => Object.hasOwn(traits, name) && accepts(traits[name], value, model.initial[name]));
  return { values: Object.fromEntries(good), whole: good.length === Object.keys(values).length };
}
