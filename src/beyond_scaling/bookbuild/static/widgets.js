// Brings the widgets of a static page to life with no kernel: reads the embedded widget state and the view scripts that
// myst-nb writes, imports each anywidget's module from a blob URL and gives it a model that lives in the page.
// A classic script, so that it also runs from file://.
(() => {
  "use strict";

  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const REFERENCE = "IPY_MODEL_";

  /** Deep equality of JSON values. */
  function same(a, b) {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b)) return false;
    if (ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
  }

  /** The part of a Jupyter widget model that a view needs; a change stays in the page. */
  class Model {
    constructor(id, record, manager) {
      this.model_id = id;
      this.name = record.model_name;
      this.module = record.model_module;
      this.state = record.state;
      this.widget_manager = manager;
      this.listeners = [];
      for (const { path, data } of record.buffers ?? []) this.putBuffer(path, data);
    }
    putBuffer(path, data) {
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      const owner = path.slice(0, -1).reduce((value, key) => value[key], this.state);
      owner[path.at(-1)] = new DataView(bytes.buffer);
    }
    get(name) { return this.state[name]; }
    set(name, value) {
      const entries = typeof name === "object" ? Object.entries(name) : [[name, value]];
      const changed = entries.filter(([key, v]) => !same(this.state[key], v));
      for (const [key, v] of changed) this.state[key] = v;
      for (const [key, v] of changed) this.trigger(`change:${key}`, this, v, {});
      if (changed.length) this.trigger("change", this, {});
      return this;
    }
    // Nobody else holds a copy of the state.
    save_changes() {}
    send() {}
    on(events, callback, context) {
      for (const event of events.split(/\s+/)) this.listeners.push({ event, callback, context });
      return this;
    }
    once(event, callback, context) {
      const run = (...args) => { this.off(event, run); callback.apply(context ?? this, args); };
      return this.on(event, run, context);
    }
    off(events, callback, context) {
      const names = events ? events.split(/\s+/) : null;
      this.listeners = this.listeners.filter((l) => !((!names || names.includes(l.event))
        && (!callback || l.callback === callback) && (!context || l.context === context)));
      return this;
    }
    trigger(event, ...args) {
      for (const l of this.listeners.filter((listener) => listener.event === event)) l.callback.apply(l.context ?? this, args);
    }
  }

  /** All models of the page, made when first asked for. */
  class Manager {
    constructor(records) {
      this.records = records;
      this.models = new Map();
      this.modules = new Map();
      this.styles = new Set();
      this.initialised = new Map();
    }
    model(reference) {
      const id = String(reference).replace(REFERENCE, "").replace(/^anywidget:/, "");
      if (!this.models.has(id)) {
        if (!this.records[id]) throw new Error(`no widget model ${id} in this page`);
        this.models.set(id, new Model(id, this.records[id], this));
      }
      return this.models.get(id);
    }
    async get_model(id) { return this.model(id); }
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
    }
    end([reference, name]) { return [this.model(reference), name]; }
    /** One blob per distinct source, however many widgets share it. */
    module(source) {
      if (!this.modules.has(source)) {
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        this.modules.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
      }
      return this.modules.get(source);
    }
    style(css) {
      if (!css || this.styles.has(css)) return;
      this.styles.add(css);
      document.head.append(element("style", { text: css }));
    }
  }

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") node.textContent = value;
      else if (name === "html") node.innerHTML = value;
      else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /** Keep `show(value)` true to a trait, now and after each change. */
  function follow(model, name, show) {
    model.on(`change:${name}`, () => show(model.get(name)));
    show(model.get(name));
  }

  // --- views: one function per kind of widget, from a model to its element ---

  async function anywidget(model, manager) {
    const el = element("div", { class: "bs-anywidget" });
    manager.style(model.get("_css"));
    const module = await manager.module(model.get("_esm"));
    const definition = typeof module.default === "function" ? await module.default() : module.default ?? module;
    const controller = new AbortController();
    const invoke = () => Promise.reject(new Error("a command to Python needs a running kernel"));
    const shared = { model, signal: controller.signal, experimental: { invoke }, host: host(manager) };
    if (!manager.initialised.has(model)) {
      manager.initialised.set(model, Promise.resolve(definition.initialize?.(shared)));
    }
    await manager.initialised.get(model);
    await definition.render?.({ ...shared, el });
    return el;
  }

  /** What anywidget calls its host: other widgets of the page by reference. */
  function host(manager) {
    return {
      getModel: async (reference) => manager.model(reference),
      getWidget: async (reference) => ({
        exports: await manager.initialised.get(manager.model(reference)),
        render: async ({ el }) => el.append(await view(manager.model(reference), manager)),
      }),
    };
  }

  async function box(model, manager) {
    const direction = { VBoxModel: "column", HBoxModel: "row" }[model.name] ?? "row";
    const el = element("div", { class: "bs-box", style: `flex-direction:${direction}` });
    for (const child of model.get("children")) el.append(await view(manager.model(child), manager));
    return el;
  }

  function text(model) {
    const el = element("div", { class: "bs-text" });
    const key = model.name === "LabelModel" ? "textContent" : "innerHTML";
    follow(model, "value", (value) => {
      el[key] = value;
      if (model.name === "HTMLMathModel" && window.MathJax?.typesetPromise) window.MathJax.typesetPromise([el]);
    });
    return el;
  }

  let nextId = 0;
  /** A control with its description as label. */
  function labelled(model, control, ...rest) {
    nextId += 1;
    control.id = `bs-control-${nextId}`;
    const label = element("label", { for: control.id });
    follow(model, "description", (value) => {
      label.textContent = value;
      if (!value) control.setAttribute("aria-label", model.get("tooltip") || model.name.replace("Model", ""));
    });
    follow(model, "disabled", (value) => { control.disabled = Boolean(value); });
    return element("div", { class: "bs-control-row" }, label, control, ...rest);
  }

  function formatted(value, format) {
    const digits = /^\.(\d+)f$/.exec(format ?? "");
    return (digits ? value.toFixed(Number(digits[1])) : String(value)).replace("-", "−");
  }

  function slider(model) {
    const control = element("input", { type: "range" });
    const readout = element("output");
    for (const bound of ["min", "max", "step"]) follow(model, bound, (value) => { control[bound] = value ?? "any"; });
    follow(model, "readout", (value) => { readout.hidden = !value; });
    follow(model, "value", (value) => {
      control.value = value;
      readout.value = formatted(value, model.get("readout_format"));
    });
    control.addEventListener(model.get("continuous_update") === false ? "change" : "input", () => {
      model.set("value", Number(control.value));
      model.save_changes();
    });
    return labelled(model, control, readout);
  }

  function checkbox(model) {
    const control = element("input", { type: "checkbox" });
    follow(model, "value", (value) => { control.checked = value; });
    control.addEventListener("change", () => { model.set("value", control.checked); model.save_changes(); });
    return labelled(model, control);
  }

  function dropdown(model) {
    const control = element("select");
    follow(model, "_options_labels", (names) => control.replaceChildren(...names.map((name) => element("option", { text: name }))));
    follow(model, "index", (value) => { control.selectedIndex = value ?? -1; });
    control.addEventListener("change", () => { model.set("index", control.selectedIndex); model.save_changes(); });
    return labelled(model, control);
  }

  const VIEWS = {
    AnyModel: anywidget,
    BoxModel: box, VBoxModel: box, HBoxModel: box,
    HTMLModel: text, HTMLMathModel: text, LabelModel: text,
    FloatSliderModel: slider, IntSliderModel: slider, CheckboxModel: checkbox, DropdownModel: dropdown,
  };

  /** An honest word in place of what cannot work here. */
  function note(message) {
    return element("p", { class: "bs-note", role: "note", text: message });
  }

  /** CSS properties of an ipywidgets Layout that mean the same on any element. */
  const LAYOUT = ["align_items", "align_self", "display", "flex", "flex_flow", "height", "justify_content", "margin", "max_height",
    "max_width", "min_height", "min_width", "overflow", "padding", "visibility", "width"];

  async function view(model, manager) {
    const make = VIEWS[model.name];
    if (!make) return note(`${model.name.replace("Model", "")}: this part needs a running kernel. Open the chapter as a notebook to use it.`);
    const el = await make(model, manager);
    el.classList.add(...(model.get("_dom_classes") ?? []));
    if (model.get("layout")) {
      const layout = manager.model(model.get("layout"));
      for (const name of LAYOUT) follow(layout, name, (value) => { if (value) el.style.setProperty(name.replaceAll("_", "-"), value); });
    }
    return el;
  }

  /** Let the browser paint and answer the reader between two widgets. */
  const breathe = () => new Promise((resolve) => { setTimeout(resolve, 0); });

  async function start() {
    const records = {};
    for (const script of document.querySelectorAll(STATE)) Object.assign(records, JSON.parse(script.textContent).state);
    const manager = new Manager(records);
    manager.link();
    for (const script of document.querySelectorAll(VIEW)) {
      const place = script.parentElement;
      try {
        const model = manager.model(JSON.parse(script.textContent).model_id);
        const el = await view(model, manager);
        place.append(el);
        place.dataset.ready = el.matches("[role=note]") || el.querySelector(".bs-note[role=note]") ? "partly" : "true";
        performance.mark("bs-widget-ready");
      } catch (error) {
        place.append(note(`This widget could not be shown: ${error.message}`));
        place.dataset.ready = "failed";
        reportError(error);
      }
      release();
      await breathe();
    }
  }

  // Formulas are set once the first widget can be used: MathJax would keep the page busy until then.
  let release;
  const first = new Promise((resolve) => { release = resolve; });
  if (window.MathJax && !window.MathJax.version) {
    window.MathJax.startup = {
      ...window.MathJax.startup,
      pageReady: () => first.then(() => window.MathJax.startup.defaultPageReady()),
    };
  }
  start().finally(release);
})();
