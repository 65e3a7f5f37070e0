// Under each widget: back to the start, and a link to it as it stands.

class Tools {
  constructor(view) {
    this.view = view;
    this.status = element("p", { role: "status" });
    this.node = element("div", { class: "bs-tools" }, this.status,
      this.button("Reset", () => view.reset()), this.button("Link", () => this.link()));
  }
  button(label, onclick) {
    return element("button", { type: "button", text: label, onclick });
  }
  /** The buttons' names say whose they are: a page has many. */
  name(title) {
    if (!title) return;
    for (const button of this.node.querySelectorAll("button")) button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  }
  say(text) {
    this.field?.remove();
    this.status.textContent = text;
  }
  async link() {
    const fragment = writeFragment(this.view.n, this.view.states());
    const address = location.href.replace(/#.*$/s, "") + fragment;
    try {
      history.replaceState(history.state, "", fragment);
    } catch {
      // A frame without a history: the link is still good.
    }
    try {
      await navigator.clipboard.writeText(address);
      this.say("Link copied");
    } catch {
      this.say("Copy this address:");
      this.field = element("input", { readonly: "", value: address, "aria-label": "Address of this widget as it stands" });
      this.status.after(this.field);
      this.field.focus();
      this.field.select();
    }
  }
}
