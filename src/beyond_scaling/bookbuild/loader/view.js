const UNREADABLE = "This link’s configuration could not be read.";
const PARTLY_READABLE = "Part of this link’s configuration could not be read.";
const FORGIVING_MS = 1000;

/** One place of the page in which a widget is shown. */
class View {
  constructor(script, n, manager, schedule) {
    this.place = script.parentElement;
    this.n = n;
    this.manager = manager;
    this.schedule = schedule;
    this.model = manager.model(JSON.parse(script.textContent).model_id);
    this.content = element("div", { class: "bs-content" });
    this.tools = new Tools(this);
    this.cleanups = [];
    this.work = null;
    this.place.append(this.content);
    // Until it is there, the place itself can be reached by keyboard.
    for (const [name, value] of Object.entries({ tabindex: 0, role: "group", "aria-label": "Interactive figure" })) this.place.setAttribute(name, value);
    this.place.addEventListener("focus", () => this.mount());
    for (const event of ["pointerdown", "keydown", "input"]) this.content.addEventListener(event, () => this.touch(), { capture: true, passive: true });
  }

  get forgiving() { return performance.now() - (this.forgiven ?? -Infinity) < FORGIVING_MS; }
  models() { return this.manager.within(this.model); }
  states() { return this.models().map(difference); }
  sources() { return this.models().map((model) => this.manager.sourceOf(model)).filter(Boolean); }

  touch() {
    this.manager.touch(this);
    // What fails from now on is no fault of the link's.
    this.linked = false;
  }
  async pause() { if (!this.schedule.hurry) await this.schedule.pause(); }

  /** Show the widget, once; resolves when it is there or has failed. */
  mount() {
    this.work ??= this.build().then(() => this.arrive());
    return this.work;
  }
  /** Show it anew from the start, or from a link's states. */
  again(states = null) {
    this.link = states;
    this.work = (this.work ?? Promise.resolve()).then(() => { this.clear(); return this.build(); });
    return this.work;
  }
  async reset() {
    this.tools.say("");
    await this.again([]);
    if (this.place.dataset.ready !== "failed") this.tools.say("Back to the start");
  }

  async build() {
    this.partly = false;
    this.failed = null;
    this.controller = new AbortController();
    this.start();
    try {
      await show(this.model, this, this.content);
      await this.drawn();
    } catch (error) {
      this.fail(error);
    }
    if (this.failed) return;
    this.place.dataset.ready = this.partly ? "partly" : "true";
    this.manager.touch(this);
    this.tools.name(this.content.querySelector(".bs-title")?.textContent);
    if (!this.tools.node.isConnected) this.place.append(this.tools.node); // moved, its button would lose the focus
    performance.mark("bs-widget-ready");
  }
  /** The book's widgets stay unseen until they are drawn, one a frame; a page in the background draws nothing. */
  async drawn() {
    for (let wait = 0; wait < 10 && !this.schedule.hurry; wait += 1) {
      if (!this.content.querySelector(".bs-widget[style*='visibility']")) return;
      await painted();
    }
  }
  /** Set the models as the link says, if there is one. */
  start() {
    const states = this.link;
    this.link = undefined;
    this.linked = false;
    if (states === undefined) return;
    const models = this.models();
    const sifted = models.map((model, i) => sift(model, states?.[i] ?? {}));
    models.forEach((model, i) => model.reset(sifted[i].values));
    const whole = states !== null && states.length <= models.length && sifted.every((one) => one.whole);
    this.linked = sifted.some((one) => Object.keys(one.values).length > 0);
    this.tools.say(whole ? "" : this.linked ? PARTLY_READABLE : UNREADABLE);
  }
  /** Hand the keyboard's focus on to what has come. */
  arrive() {
    const inside = this.content.querySelector("button:not([tabindex='-1']), input, select, a[href], summary, [tabindex='0']");
    if (document.activeElement === this.place) inside?.focus({ preventScroll: true });
    for (const name of ["tabindex", "role", "aria-label"]) this.place.removeAttribute(name);
  }

  clear() {
    this.controller?.abort();
    for (const cleanup of this.cleanups.splice(0).reverse()) {
      try { cleanup(); } catch (error) { console.debug(error); }
    }
    for (const model of this.manager.models.values()) model.off(null, null, null, this);
    this.content.replaceChildren();
  }

  /** Something of this widget's threw: show its picture, what happened and a way to try again; the page lives on. */
  fail(error, { reported = false } = {}) {
    if (this.failed) return;
    this.failed = error;
    if (this.linked) {
      // What it had begun with the link's values may throw once more: a render that throws hands over no clean-up.
      this.forgiven = performance.now();
      this.again([]).then(() => this.tools.say(UNREADABLE));
      return;
    }
    this.clear();
    this.tools.node.remove();
    const retry = element("button", { type: "button", text: "Try again", onclick: () => this.again([]) });
    this.content.append(...this.still(),
      note(`This widget could not be shown: ${error?.message ?? error}`), element("p", { class: "bs-tools" }, retry));
    this.place.dataset.ready = "failed";
    if (!reported) reportError(error);
  }
  /** The picture that a page without scripts shows. */
  still() {
    const without = this.place.querySelector("noscript")?.textContent ?? "";
    return [...new DOMParser().parseFromString(without, "text/html").querySelectorAll(".bs-picture")].map((node) => document.adoptNode(node));
  }
}
