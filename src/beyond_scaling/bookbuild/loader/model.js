/** The part of a Jupyter widget model that a view needs; a change stays in the page. */
class Model {
  constructor(id, record, manager) {
    this.model_id = id;
    this.name = record.model_name;
    this.initial = record.state;
    this.widget_manager = manager;
    this.listeners = [];
    for (const { path, data } of record.buffers ?? []) this.putBuffer(path, data);
    this.state = { ...this.initial };
  }
  putBuffer(path, data) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const owner = path.slice(0, -1).reduce((value, key) => value[key], this.initial);
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
  /** Back to the start, but for some values. */
  reset(values = {}) {
    for (const name of Object.keys(this.state)) if (!Object.hasOwn(this.initial, name)) delete this.state[name];
    this.set({ ...this.initial, ...values });
  }
  // Nobody else holds a copy of the state.
  save_changes() {}
  send() {}
  /** owner: the view that listens, if any; what throws in its listener is that view's failure and nobody else's. */
  on(events, callback, context, owner) {
    for (const event of events.split(/\s+/)) this.listeners.push({ event, callback, context, owner });
    return this;
  }
  once(event, callback, context, owner) {
    const run = (...args) => { this.off(event, run); callback.apply(context ?? this, args); };
    return this.on(event, run, context, owner);
  }
  off(events, callback, context, owner) {
    const names = events ? events.split(/\s+/) : null;
    this.listeners = this.listeners.filter((l) => !((!names || names.includes(l.event))
      && (!callback || l.callback === callback) && (!context || l.context === context) && (!owner || l.owner === owner)));
    return this;
  }
  trigger(event, ...args) {
    for (const l of this.listeners.filter((listener) => listener.event === event)) {
      try {
        l.callback.apply(l.context ?? this, args);
      } catch (error) {
        if (l.owner) l.owner.fail(error);
        else reportError(error);
      }
    }
  }
}

/** A model as one view sees it: the view's listeners are marked as its own, and it can drop no others. */
function seenBy(model, owner) {
  const seen = Object.create(model);
  seen.on = (events, callback, context) => { model.on(events, callback, context, owner); return seen; };
  seen.once = (event, callback, context) => { model.once(event, callback, context, owner); return seen; };
  seen.off = (events, callback, context) => { model.off(events, callback, context, owner); return seen; };
  return seen;
}
