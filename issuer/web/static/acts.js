// What may be done with a job, as native forms. What was typed is kept until the act succeeded.

import { post } from "./api.js";
import { byId, el, toast } from "./dom.js";
import { m, t } from "./words.js";

const drafts = new Map(); // "job/act/field" -> value
const CAUSES = {
  smeared: m("borrosa o corrida"), misprint: m("mal impresa"), damaged: m("dañada"), wrong_data: m("datos equivocados"),
  misfeed: m("salió en otro material"), lamination: m("mal plastificada"), other: m("otra causa"),
};

/** The forms of a job's acts, the usual one first. `done(job)` gets the job as it then stands. */
export function actForms(job, done) {
  return job.acts.map((name, at) => FORMS[name](job, done, at === 0)).flat();
}

const FORMS = {
  print: (job, done) => simple(job, "print", {}, t("Imprimir"), done, true),
  retry: (job, done, first) => simple(job, "retry", {}, t("Intentar de nuevo"), done, first),
  inspect: () => el("div", { class: "act" },
    el("button", { type: "button", class: "main", onclick: () => byId("scan").focus() }, t("Inspeccionar: escanear")),
    el("p", { class: "quiet" }, t("Escanee el QR impreso y el serial preimpreso del reverso."))),
  deliver,
  resolve,
  lamination: (job, done) => el("fieldset", { class: "act choices" },
    el("legend", {}, t("¿Pasó la tarjeta por la plastificadora?")),
    simple(job, "lamination", { passed: true }, t("Sí, está plastificada"), done, false),
    simple(job, "lamination", { passed: false }, t("No: pasarla otra vez"), done, false)),
  spoil: (job, done) => folded(t("Declarar inutilizada…"), form(job, "spoil", t("Declarar inutilizada"), done, (field) => [
    choice(field, "cause", t("Causa"), CAUSES),
    sure(field, t("Tengo la tarjeta en la mano y la aparto para su destrucción.")),
  ], (data) => ({ cause: data.cause }))),
  reprint: (job, done) => form(job, "reprint", t("Reimprimir"), done, (field) => [
    text(field, "reason", t("Motivo de la reimpresión")),
  ], (data) => ({ reason: data.reason }), true),
  cancel: (job, done) => folded(t("Anular el trámite…"), form(job, "cancel", t("Anular"), done, (field) => [
    text(field, "reason", t("Motivo de la anulación")),
  ], (data) => ({ reason: data.reason }))),
};

function deliver(job, done) {
  return form(job, "deliver", t("Entregar"), done, (field) => [
    el("fieldset", { class: "inline" }, el("legend", {}, t("Recibe")),
      radio(field, "receiver_kind", "holder", t("el titular"), true),
      radio(field, "receiver_kind", "collector", t("otra persona"), false)),
    text(field, "receiver", t("Nombre y número de quien recibe"), false, "only-collector"),
    choice(field, "earlier", t("Tarjeta anterior"), {
      none: m("no tenía"), surrendered: m("la devolvió"), declared_lost: m("declarada perdida"),
    }),
  ], (data) => ({
    receiver_kind: data.receiver_kind,
    receiver: data.receiver_kind === "collector" ? data.receiver : null,
    earlier: data.earlier,
  }), true);
}

function resolve(job, done) {
  const choices = [
    ["card", "▣", m("La tarjeta salió impresa"), m("La tengo en la mano: sigue a inspección.")],
    ["in_hopper", "▤", m("El material sigue en la tolva"), m("Está arriba, sin tinta: vuelve a la cola.")],
    ["spoiled", "✕", m("Salió inutilizada"), m("A medio imprimir o dañada: se aparta.")],
  ];
  return el("fieldset", { class: "act choices" },
    el("legend", {}, t("Abra la máquina y mire. ¿Qué encontró?")),
    choices.map(([found, icon, title, hint]) => {
      const node = simple(job, "resolve", { found }, "", done, false);
      const button = node.querySelector("button");
      button.className = "choice";
      button.append(el("span", { class: "icon", "aria-hidden": "true" }, icon),
        el("span", {}, el("strong", {}, t(title)), el("small", {}, t(hint))));
      return node;
    }));
}

/** A form with one button. */
function simple(job, act, body, label, done, main) {
  return form(job, act, label, done, () => [], () => body, main);
}

function form(job, act, label, done, fields, body, main = false) {
  const field = (name) => `${job.id}/${act}/${name}`;
  const wrong = el("p", { class: "notice bad", role: "alert", hidden: true });
  const button = el("button", { class: main ? "main" : "plain", "data-key": field("button") }, label);
  const node = el("form", { class: "act", "data-act": act }, fields(field), wrong, button);
  node.addEventListener("input", (event) => keep(event.target));
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return; // a second Enter is not a second act
    wrong.hidden = true;
    button.setAttribute("aria-busy", "true");
    try {
      const after = await post(`/api/jobs/${job.id}/${act}`, body(Object.fromEntries(new FormData(node))));
      for (const key of [...drafts.keys()]) if (key.startsWith(`${job.id}/${act}/`)) drafts.delete(key);
      toast(t("Hecho: trámite {ticket}", { ticket: job.ticket }));
      done(after);
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return node;
}

function keep(input) {
  const key = input.dataset.key;
  if (!key) return;
  if (input.type === "radio") drafts.set(key.replace(/=.*$/, ""), input.value);
  else if (input.type === "checkbox") drafts.set(key, input.checked);
  else drafts.set(key, input.value);
}

const folded = (title, inner) => el("details", { class: "more" }, el("summary", {}, title), inner);

function text(field, name, label, required = true, kind = "") {
  const input = el("textarea", {
    name, rows: 2, maxlength: 300, minlength: 3, required, "data-key": field(name), spellcheck: "true",
  });
  input.value = drafts.get(field(name)) ?? "";
  return el("label", { class: kind }, label, input);
}

function choice(field, name, label, options) {
  const input = el("select", { name, required: true, "data-key": field(name) },
    el("option", { value: "" }, t("elija…")),
    Object.entries(options).map(([value, word]) => el("option", { value }, t(word))));
  input.value = drafts.get(field(name)) ?? "";
  return el("label", {}, label, input);
}

function radio(field, name, value, label, usual) {
  const checked = (drafts.get(field(name)) ?? (usual ? value : "")) === value;
  return el("label", { class: "check" },
    el("input", { type: "radio", name, value, checked, required: true, "data-key": `${field(name)}=${value}` }), label);
}

function sure(field, label) {
  const checked = drafts.get(field("sure")) === true;
  return el("label", { class: "check" },
    el("input", { type: "checkbox", name: "sure", required: true, checked, "data-key": field("sure") }), label);
}
