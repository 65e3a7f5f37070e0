// The few of ipywidgets' own controls that a static page can keep alive.

function text(model) {
  const el = element("div", { class: "bs-text" });
  // The book's own author wrote this HTML into the notebook; no link can set it.
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
