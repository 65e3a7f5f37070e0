function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name === "onclick") node.addEventListener("click", value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** An honest word in place of what cannot work here. */
function note(message) {
  return element("p", { class: "bs-note", role: "note", text: message });
}

/** Keep `show(value)` true to a trait, now and after each change. */
function follow(model, name, show) {
  model.on(`change:${name}`, () => show(model.get(name)));
  show(model.get(name));
}
