// The verdict on a card: icon, word, border and colour, never colour alone.

import { byId, el } from "./dom.js";
import { m, said, t } from "./words.js";

const LOOKS = {
  good: ["✓", m("CORRECTA")],
  stop: ["✕", m("ALTO: NO ENTREGAR")],
  again: ["!", m("NO SE PUDO COMPROBAR")],
};

/** What an inspection found: `{passed, stops_lane, reason, job}`. */
export function showFinding(found) {
  const look = found.passed ? "good" : found.stops_lane || found.verdict !== "unreadable" ? "stop" : "again";
  const lines = [`${t("Trámite")} ${found.job.ticket}`];
  if (found.passed) lines.push(t("El QR es auténtico y el serial coincide. Pasa a entrega."));
  else if (found.reason) lines.push(said(found.reason));
  if (found.stops_lane) lines.push(t("Aparte esta tarjeta y las que salieron después; llame a supervisión."));
  show(look, lines);
}

/** Something that could not be compared at all: `text` says why. */
export const showAgain = (text) => show("again", [text]);

export function hideVerdict() {
  byId("verdict").hidden = true;
  byId("verdict-said").textContent = "";
}

function show(look, lines) {
  const [icon, word] = LOOKS[look];
  const node = byId("verdict");
  node.className = `verdict ${look}`;
  node.replaceChildren(
    el("span", { class: "icon", "aria-hidden": "true" }, icon),
    el("div", {}, el("strong", {}, t(word)), ...lines.map((line) => el("p", {}, line))),
  );
  node.hidden = false;
  byId("verdict-said").textContent = [t(word), ...lines].join(". ");
}
