// Single-key shortcuts, which can be switched off (WCAG 2.1.4), and the scanner's prefix key.

import { byId } from "./dom.js";
import { watchKeys } from "./wedge.js";

const ON = "fedatario.keys";
const PREFIX = "fedatario.prefix";

/** `next()` opens the next job. */
export function startKeys(next) {
  const on = byId("keys-on");
  const prefix = byId("prefix");
  on.checked = localStorage.getItem(ON) !== "off";
  prefix.value = localStorage.getItem(PREFIX) ?? "";
  on.addEventListener("change", () => localStorage.setItem(ON, on.checked ? "on" : "off"));
  prefix.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key === "Escape") return;
    event.preventDefault();
    prefix.value = ["Delete", "Backspace"].includes(event.key) ? "" : event.key;
    localStorage.setItem(PREFIX, prefix.value);
  });
  byId("keys-open").addEventListener("click", () => byId("keys").showModal());
  watchKeys({
    scan: byId("scan"),
    prefix: () => prefix.value,
    shortcut: (key) => {
      if (!on.checked) return;
      if (key === "n" || key === "N") next();
      else if (key === "s" || key === "S") byId("scan").focus();
    },
  });
}
