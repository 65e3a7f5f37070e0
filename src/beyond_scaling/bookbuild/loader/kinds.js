// From a model to its elements. Each is in the document before it is drawn: it then knows its width and colours at once.

async function anywidget(model, view, parent) {
  const { manager } = view;
  const el = element("div", { class: "bs-anywidget" });
  parent.append(el);
  manager.style(model.initial._css);
  const definition = await manager.definition(model);
  const invoke = () => Promise.reject(new Error("a command to Python needs a running kernel"));
  const shared = { model, signal: view.controller.signal, experimental: { invoke }, host: host(view) };
  await manager.initialise(manager.model(model.model_id), definition, { ...shared, model: manager.model(model.model_id) });
  await view.pause();
  const cleanup = await definition.render?.({ ...shared, el });
  if (typeof cleanup === "function") view.cleanups.push(cleanup);
  return el;
}

/** What anywidget calls its host: other widgets of the page by reference. */
function host(view) {
  const { manager } = view;
  return {
    getModel: async (reference) => seenBy(manager.model(reference), view),
    getWidget: async (reference) => ({
      exports: await manager.initialised.get(manager.model(reference)),
      render: async ({ el }) => show(manager.model(reference), view, el),
    }),
  };
}

async function box(model, view, parent) {
  const el = element("div", { class: model.name === "VBoxModel" ? "bs-box bs-column" : "bs-box" });
  parent.append(el);
  for (const child of model.get("children")) await show(view.manager.model(child), view, el);
  return el;
}

/** A kind whose element is made whole. */
const made = (make) => async (model, view, parent) => {
  const el = make(model);
  parent.append(el);
  return el;
};

const KINDS = {
  AnyModel: anywidget,
  BoxModel: box, VBoxModel: box, HBoxModel: box,
  HTMLModel: made(text), HTMLMathModel: made(text), LabelModel: made(text),
  FloatSliderModel: made(slider), IntSliderModel: made(slider), CheckboxModel: made(checkbox), DropdownModel: made(dropdown),
};

/** CSS properties of an ipywidgets Layout that mean the same on any element. */
const LAYOUT = ["align_items", "align_self", "display", "flex", "flex_flow", "height", "justify_content", "margin", "max_height",
  "max_width", "min_height", "min_width", "overflow", "padding", "visibility", "width"];

/** Append a model's element to `parent`. */
async function show(model, view, parent) {
  if (!Object.hasOwn(KINDS, model.name)) {
    view.partly = true;
    parent.append(note(`${model.name.replace("Model", "")}: this part needs a running kernel. Open the chapter as a notebook to use it.`));
    return;
  }
  const el = await KINDS[model.name](seenBy(model, view), view, parent);
  el.classList.add(...(model.get("_dom_classes") ?? []));
  if (!model.get("layout")) return;
  const layout = seenBy(view.manager.model(model.get("layout")), view);
  for (const name of LAYOUT) follow(layout, name, (value) => { if (value) el.style.setProperty(name.replaceAll("_", "-"), value); });
}
