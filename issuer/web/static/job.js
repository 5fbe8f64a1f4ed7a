// One job: its person, both faces, why it waits, and what may be done.

import { actForms } from "./acts.js";
import { get } from "./api.js";
import { byId, el, toast } from "./dom.js";
import { day, hour, kindOf, named, said, stateOf, t } from "./words.js";

let shown = null;
let drawn = "";
let changed = () => {};
const faces = new Map(); // document number -> pictures (promise); the same claims, the same faces

export const shownId = () => shown;

/** `onChange(job)` is called after an act. */
export function startJob(onChange) {
  changed = onChange;
}

/** Reads a job and shows it; `focus` puts the keyboard on what comes next. */
export async function openJob(id, focus = false) {
  shown = id;
  try {
    const job = await get(`/api/jobs/${encodeURIComponent(id)}`);
    if (shown === id) showJob(job, focus);
  } catch (error) {
    toast(error.message);
  }
}

export function showJob(job, focus = false) {
  shown = job.id;
  const now = JSON.stringify(job);
  const root = byId("detail");
  if (now !== drawn) {
    drawn = now;
    const key = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const open = [...root.querySelectorAll("details[open] form")].map((form) => form.dataset.act);
    root.replaceChildren(...content(job));
    for (const act of open) root.querySelector(`details form[data-act="${act}"]`)?.parentElement.setAttribute("open", "");
    // What had the focus may be gone with the step it belonged to; the keyboard stays here.
    if (key) (root.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? root).focus();
  }
  if (focus) (root.querySelector(".main, .choice, .act input, .act button") ?? root).focus();
}

function content(job) {
  const [icon, word] = stateOf(job);
  return [
    el("div", { class: "bar" },
      el("h2", { id: "detail-title" }, `${t("Trámite")} ${job.ticket}`),
      el("span", { class: "state", "data-state": job.state }, `${icon} ${word}`)),
    el("p", { class: "what" }, `${named(job, "type")} · ${kindOf(job)}`),
    reasons(job),
    el("div", { class: "acts" }, actForms(job, (after) => { if (shown === after.id) showJob(after); changed(after); })),
    person(job),
    job.has_faces ? pictures(job) : null,
    earlier(job),
  ].filter(Boolean);
}

function reasons(job) {
  if (!job.reasons.length) return null;
  return el("ul", { class: "notice warn reasons" }, job.reasons.map((reason) => el("li", {}, said(reason))));
}

function person(job) {
  const rows = [
    [t("Titular"), job.person.full_name],
    [t("Número"), job.person.person_id],
    [t("Nacimiento"), day(job.person.birth_date)],
    [t("Solicitado"), `${day(job.requested_on)} · ${hour(job.created_at)}`],
    job.categories.length ? [t("Categorías"), job.categories.join(", ")] : null,
    job.document ? [t("Documento"), job.document.number] : null,
    job.document?.serial ? [t("Serial"), job.document.serial] : null,
    job.document?.valid_until ? [t("Vence"), day(job.document.valid_until)] : null,
    job.lane ? [t("Máquina"), job.lane] : null,
    job.reprint_reason ? [t("Reimpreso por"), job.reprint_reason] : null,
  ].filter(Boolean);
  return el("div", { class: "person" },
    job.has_portrait ? el("img", { class: "portrait", src: `/api/jobs/${job.id}/portrait`, alt: t("Fotografía del titular") }) : null,
    el("dl", {}, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat()));
}

function pictures(job) {
  const box = el("div", { class: "faces", "aria-busy": "true" }, el("p", { class: "quiet" }, t("Dibujando las caras…")));
  const key = job.document.number;
  if (!faces.has(key)) {
    if (faces.size > 20) faces.delete(faces.keys().next().value);
    faces.set(key, get(`/api/jobs/${job.id}/faces`));
  }
  faces.get(key).then((found) => {
    box.replaceChildren(...found.faces.map((png, at) => picture(png, at)));
  }, (error) => {
    faces.delete(key);
    box.replaceChildren(el("p", { class: "notice warn" }, error.message));
  }).finally(() => box.removeAttribute("aria-busy"));
  return el("section", { "aria-label": t("Caras") }, box,
    job.has_file ? el("p", {}, el("a", { href: `/api/jobs/${job.id}/file` }, t("Descargar el PDF"))) : null);
}

function picture(png, at) {
  const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  const label = at === 0 ? t("Anverso") : t("Reverso");
  const image = el("img", { src: url, alt: label, onload: () => URL.revokeObjectURL(url) });
  return el("figure", {}, image, el("figcaption", {}, label));
}

function earlier(job) {
  if (!job.earlier_documents.length) return null;
  return el("p", { class: "quiet" }, `${t("Anulados antes en este trámite")}: `
    + job.earlier_documents.map((old) => `${old.number} (${old.serial ?? "—"})`).join(", "));
}
