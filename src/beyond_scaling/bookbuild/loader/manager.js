const REFERENCE = "IPY_MODEL_";
const JUST_MS = 1500;
const HERE = document.currentScript?.src;

/** All models of the page, made when first asked for, and the modules of their widgets. */
class Manager {
  constructor(records) {
    this.records = records;
    this.models = new Map();
    this.modules = new Map();
    this.blobs = new Map();
    this.styles = new Set();
    this.initialised = new Map();
  }
  /** Remember which view the reader, or the page, has just moved. */
  touch(view) {
    this.touched = view;
    this.touchedAt = performance.now();
  }
  justTouched() { return performance.now() - (this.touchedAt ?? -Infinity) < JUST_MS ? this.touched : undefined; }
  model(reference) {
    const id = String(reference).replace(REFERENCE, "").replace(/^anywidget:/, "");
    if (!this.models.has(id)) {
      if (!Object.hasOwn(this.records, id)) throw new Error(`no widget model ${id} in this page`);
      this.models.set(id, new Model(id, this.records[id], this));
    }
    return this.models.get(id);
  }
  async get_model(id) { return this.model(id); }
  /** A model and all that its boxes hold, in order. */
  within(model) {
    return [model, ...(model.initial.children ?? []).flatMap((child) => this.within(this.model(child)))];
  }
  /** jslink and jsdlink: both ends are models of this page. */
  link() {
    for (const [id, record] of Object.entries(this.records)) {
      if (record.model_name !== "LinkModel" && record.model_name !== "DirectionalLinkModel") continue;
      const [source, from] = this.end(record.state.source);
      const [target, to] = this.end(record.state.target);
      const forth = () => target.set(to, source.get(from));
      source.on(`change:${from}`, forth, id);
      if (record.model_name === "LinkModel") target.on(`change:${to}`, () => source.set(from, target.get(to)), id);
      forth();
    }
    // The start, to which a reset goes back, is what the links have made of it.
    for (const model of this.models.values()) model.initial = { ...model.state };
  }
  end([reference, name]) { return [this.model(reference), name]; }

  /** What a failure's stack names if it comes from this model's module: a script's name or a blob's address. */
  sourceOf(model) {
    return model.initial._module ?? this.blobs.get(model.initial._esm);
  }
  /** The widget's module: our own by the script that has registered it, another's from a blob; once for all who share it. */
  module(model) {
    const key = model.initial._module ?? model.initial._esm;
    if (!this.modules.has(key)) {
      const loading = model.initial._module ? this.registered(key) : this.imported(key);
      this.modules.set(key, loading);
      loading.catch(() => this.modules.delete(key)); // or it could not be tried again
    }
    return this.modules.get(key);
  }
  async registered(name) {
    if (!globalThis.bsModules?.[name] && HERE) await load(new URL(`../widgets/${name}.js`, HERE));
    const found = globalThis.bsModules?.[name];
    if (!found) throw new Error(`its script, ${name}.js, did not load`);
    return found.start();
  }
  async imported(source) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.blobs.set(source, url);
    try {
      return await import(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  }
  /** The anywidget definition, {initialize, render}. */
  async definition(model) {
    const module = await this.module(model);
    return typeof module.default === "function" ? module.default() : module.default ?? module;
  }
  /** Run the definition's initialize once for a model. */
  initialise(model, definition, shared) {
    if (!this.initialised.has(model)) {
      const running = (async () => definition.initialize?.(shared))();
      this.initialised.set(model, running);
      running.catch(() => this.initialised.delete(model));
    }
    return this.initialised.get(model);
  }
  style(css) {
    if (!css || this.styles.has(css)) return;
    this.styles.add(css);
    document.head.append(element("style", { text: css }));
  }
}

function load(url) {
  return new Promise((resolve, reject) => {
    const script = element("script", { src: url });
    script.onload = resolve;
    script.onerror = () => reject(new Error(`its script, ${url.pathname.split("/").at(-1)}, did not load`));
    document.head.append(script);
  });
}
