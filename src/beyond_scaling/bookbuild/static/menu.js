// The menu at the top of a page: its print button, and closing it. It opens without this: it is a <details>.
(() => {
  "use strict";

  for (const button of document.querySelectorAll("[data-bs-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      button.closest("details").open = false; // or it would be printed
      print();
    });
  }

  const menu = document.querySelector(".bs-menu");
  if (!menu) return;
  const summary = menu.querySelector("summary");
  addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
})();
