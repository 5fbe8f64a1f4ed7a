// Words of the page: Spanish is the source, other languages come as a catalogue.

export const language = document.documentElement.lang === "en" ? "en" : "es";

let catalogue = {};
if (language !== "es") {
  const answer = await fetch(`/words/${language}.json`);
  if (answer.ok) catalogue = await answer.json();
}

/** The text in the page's language; `{name}` is replaced from `values`. */
export function t(text, values = {}) {
  const found = catalogue[text] ?? text;
  return found.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Marks a text that is translated where it is shown. */
export const m = (text) => text;

/** The sentence of something that carries both languages: {es, en}. */
export const said = (both) => both[language] ?? both.es;

/** A member that carries both languages as `name_es` and `name_en`. */
export const named = (item, name) => item[`${name}_${language}`] ?? item[`${name}_es`];

let zone = "America/La_Paz";
export const setZone = (name) => { zone = name; };

// hourCycle by hand: the locale's own 12-hour time holds a U+202F (facts).
const parts = (options) => new Intl.DateTimeFormat(language === "en" ? "en-GB" : "es-BO", {
  timeZone: zone, hourCycle: "h23", ...options,
});

/** 14:05 */
export const hour = (iso) => parts({ hour: "2-digit", minute: "2-digit" }).format(new Date(iso));

/** 22/11/2026 — for an instant, or for a plain date without a time. */
export function day(iso) {
  const plain = /^(\d{4})-(\d\d)-(\d\d)$/.exec(iso);
  if (plain) return `${plain[3]}/${plain[2]}/${plain[1]}`;
  return parts({ day: "2-digit", month: "2-digit", year: "numeric" }).format(new Date(iso));
}

export const STATES = {
  received: ["⋯", m("recibido")],
  admitted: ["●", m("por imprimir")],
  queued: ["➜", m("en cola de impresión")],
  reserved: ["➜", m("material reservado")],
  sealing: ["➜", m("firmando")],
  sealed: ["➜", m("firmado")],
  printing: ["➜", m("imprimiendo")],
  printed: ["➜", m("impreso")],
  laminating: ["➜", m("plastificando")],
  to_inspect: ["◎", m("por inspeccionar")],
  inspected: ["➜", m("inspeccionado")],
  settled: ["✓", m("por entregar")],
  delivered: ["✓", m("entregado")],
  undetermined: ["?", m("no se sabe si se imprimió")],
  attention: ["!", m("necesita atención")],
  spoiled: ["✕", m("material inutilizado")],
  refused: ["✕", m("rechazado")],
  cancelled: ["✕", m("anulado")],
};

/** [icon, word] of a job's state; one that the counter ordered is in the print queue. */
export function stateOf(job) {
  const key = job.state === "admitted" && job.released ? "queued" : job.state;
  const [icon, word] = STATES[key] ?? ["?", key];
  return [icon, t(word)];
}

export const KINDS = { new: m("nuevo"), renewal: m("renovación"), replacement: m("reposición") };
export const kindOf = (job) => t(KINDS[job.kind] ?? job.kind);
